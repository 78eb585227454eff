package main

import (
	"reflect"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
)

// confluentMethods drives every method of confluent-kafka-go's registry client.
func confluentMethods(r *report, arguments []string) {
	client, err := schemaregistry.NewClient(schemaregistry.NewConfig(arguments[0]))
	if err != nil {
		panic(err)
	}
	// It remembers answers; forgotten before each call, so that a second look reaches the server.
	c := watch(client, reflect.TypeFor[schemaregistry.Client](), r, func() { _ = client.ClearCaches() })
	type info = schemaregistry.SchemaInfo
	type metadata = schemaregistry.SchemaMetadata
	avro := func(text string) info { return info{Schema: text} }
	guid := ""

	r.step("registration", func() {
		r.equal("own settings", get[*schemaregistry.Config](c, "Config").SchemaRegistryURL, arguments[0])
		r.equal("contexts", get[[]string](c, "GetAllContexts"), []string{"."})
		r.equal("no subjects", get[[]string](c, "GetAllSubjects"), []string{})
		r.equal("first id", get[int](c, "Register", "orders-value", avro(order1), false), 1)
		again := get[metadata](c, "RegisterFullResponse", "orders-value", avro(order1), true)
		r.equal("registered again", []int{again.ID, again.Version}, []int{1, 1})
		r.sameText("with its text", again.Schema, order1)
		guid = again.GUID
		r.equal("a guid", len(guid), 36)
		r.equal("second id", get[int](c, "Register", "orders-value", avro(order2), true), 2)
		c.fails("incompatible", 40901, "Register", "orders-value", avro(orderBroken), false)
		c.fails("no schema", 42201, "Register", "orders-value", avro(`{"type":"nope"}`), false)
		r.equal("a strange subject", get[int](c, "Register", strange, avro(order1), false), 1)
		r.equal("listed as it is", get[[]string](c, "GetAllSubjects"), []string{strange, "orders-value"})
		r.equal("deleted", get[[]int](c, "DeleteSubject", strange, false), []int{1})
		r.equal("for good", get[[]int](c, "DeleteSubject", strange, true), []int{1})
	})

	r.step("reads", func() {
		r.sameText("by id", get[info](c, "GetBySubjectAndID", "orders-value", 1).Schema, order1)
		r.sameText("by id alone", get[info](c, "GetBySubjectAndID", "", 2).Schema, order2)
		c.fails("unknown id", 40403, "GetBySubjectAndID", "orders-value", 4711)
		r.sameText("by guid", get[info](c, "GetByGUID", guid).Schema, order1)
		c.fails("unknown guid", 40403, "GetByGUID", "00000000-0000-0000-0000-000000000000")
		r.equal("versions of an id", get[[]schemaregistry.SubjectAndVersion](c, "GetSubjectsAndVersionsByID", 2), []schemaregistry.SubjectAndVersion{{Subject: "orders-value", Version: 2}})
		r.equal("id", get[int](c, "GetID", "orders-value", avro(order2), false), 2)
		found := get[metadata](c, "GetIDFullResponse", "orders-value", avro(order1), true)
		r.equal("look-up", []any{found.Subject, found.ID, found.Version, found.GUID}, []any{"orders-value", 1, 1, guid})
		c.fails("not there", 40403, "GetID", "orders-value", avro(`"string"`), false)
		c.fails("nowhere", 40401, "GetID", "nothing", avro(order1), false)
		latest := get[metadata](c, "GetLatestSchemaMetadata", "orders-value")
		r.equal("latest", []any{latest.Subject, latest.ID, latest.Version}, []any{"orders-value", 2, 2})
		r.equal("a version", get[metadata](c, "GetSchemaMetadata", "orders-value", 1).GUID, guid)
		r.equal("a version, deleted or not", get[metadata](c, "GetSchemaMetadataIncludeDeleted", "orders-value", 1, true).ID, 1)
		c.fails("no such version", 40402, "GetSchemaMetadata", "orders-value", 9)
		r.equal("versions", get[[]int](c, "GetAllVersions", "orders-value"), []int{1, 2})
		r.equal("version", get[int](c, "GetVersion", "orders-value", avro(order2), true), 2)
		references := []schemaregistry.Reference{{Name: "shop.Order", Subject: "orders-value", Version: 1}}
		get[int](c, "Register", "lines", info{Schema: line, References: references}, false)
		r.equal("references", get[metadata](c, "GetLatestSchemaMetadata", "lines").References, references)
		c.fails("referenced", 42206, "DeleteSubjectVersion", "orders-value", 1, false)
		get[[]int](c, "DeleteSubject", "lines", false)
		get[[]int](c, "DeleteSubject", "lines", true)
	})

	r.step("metadata and rules", func() {
		rule := schemaregistry.Rule{Name: "mask", Doc: "hide", Kind: "TRANSFORM", Mode: "WRITEREAD", Type: "CEL_FIELD", Tags: []string{"PII"},
			Params: map[string]string{"a": "b"}, Expr: "true", OnSuccess: "NONE", OnFailure: "ERROR"}
		own := &schemaregistry.Metadata{Tags: map[string][]string{"**.note": {"PII"}}, Properties: map[string]string{"team": "red", "a": "b"}, Sensitive: []string{"a"}}
		rules := &schemaregistry.RuleSet{DomainRules: []schemaregistry.Rule{rule}}
		made := get[metadata](c, "RegisterFullResponse", "rules", info{Schema: order1, Metadata: own, RuleSet: rules}, false)
		r.equal("metadata", made.Metadata, own)
		r.equal("rules", made.RuleSet, rules)
		get[int](c, "Register", "rules", info{Schema: order2, Metadata: &schemaregistry.Metadata{Properties: map[string]string{"team": "blue"}}}, false)
		pairs := func(team string) map[string]string { return map[string]string{"team": team} }
		r.equal("by metadata", get[metadata](c, "GetLatestWithMetadata", "rules", pairs("red"), false).Version, 1)
		r.equal("newest", get[metadata](c, "GetLatestWithMetadata", "rules", pairs("blue"), true).Version, 2)
		c.fails("no such", 40403, "GetLatestWithMetadata", "rules", pairs("x"), false)
	})

	r.step("compatibility", func() {
		r.equal("compatible", get[bool](c, "TestSubjectCompatibility", "orders-value", avro(order2)), true)
		r.equal("incompatible", get[bool](c, "TestSubjectCompatibility", "orders-value", avro(orderBroken)), false)
		r.equal("with a version", get[bool](c, "TestCompatibility", "orders-value", 1, avro(order2)), true)
		r.equal("not with it", get[bool](c, "TestCompatibility", "orders-value", 1, avro(orderBroken)), false)
		c.fails("no such version", 40402, "TestCompatibility", "orders-value", 9, avro(order2))
		type level = schemaregistry.Compatibility
		text := func(name string, arguments ...any) string {
			return levelText(get[level](c, name, arguments...))
		}
		r.equal("default", text("GetDefaultCompatibility"), "BACKWARD")
		r.equal("set", text("UpdateDefaultCompatibility", level(schemaregistry.Full)), "FULL")
		r.equal("is set", text("GetDefaultCompatibility"), "FULL")
		c.fails("unset", 40408, "GetCompatibility", "orders-value")
		r.equal("own", text("UpdateCompatibility", "orders-value", level(schemaregistry.None)), "NONE")
		r.equal("own is set", text("GetCompatibility", "orders-value"), "NONE")
		type config = schemaregistry.ServerConfig
		wanted := config{CompatibilityUpdate: schemaregistry.Forward, Normalize: true, CompatibilityGroup: "major", DefaultMetadata: &schemaregistry.Metadata{Properties: map[string]string{"owner": "shop"}}}
		r.equal("echo", get[config](c, "UpdateConfig", "config", wanted), wanted)
		got := get[config](c, "GetConfig", "config", false)
		r.equal("config", []any{levelText(got.CompatibilityLevel), got.Normalize, got.CompatibilityGroup, got.DefaultMetadata}, []any{"FORWARD", true, "major", wanted.DefaultMetadata})
		c.fails("unset", 40408, "GetConfig", "rules", false)
		r.equal("inherited", levelText(get[config](c, "GetConfig", "rules", true).CompatibilityLevel), "FULL")
		updated := get[config](c, "UpdateDefaultConfig", config{CompatibilityUpdate: schemaregistry.Backward})
		r.equal("global echo", levelText(updated.CompatibilityUpdate), "BACKWARD")
		r.equal("global", levelText(get[config](c, "GetDefaultConfig").CompatibilityLevel), "BACKWARD")
	})

	r.step("deletion", func() {
		r.equal("softly", get[int](c, "DeleteSubjectVersion", "orders-value", 1, false), 1)
		r.equal("versions", get[[]int](c, "GetAllVersions", "orders-value"), []int{2})
		c.fails("hidden", 40402, "GetSchemaMetadata", "orders-value", 1)
		r.equal("unless asked for", get[metadata](c, "GetSchemaMetadataIncludeDeleted", "orders-value", 1, true).ID, 1)
		r.equal("version of deleted", get[int](c, "GetVersionIncludeDeleted", "orders-value", avro(order1), false, true), 1)
		c.fails("once only", 40406, "DeleteSubjectVersion", "orders-value", 1, false)
		r.equal("for good", get[int](c, "DeleteSubjectVersion", "orders-value", 1, true), 1)
		r.equal("the subject", get[[]int](c, "DeleteSubject", "orders-value", false), []int{2})
		r.equal("the subject for good", get[[]int](c, "DeleteSubject", "orders-value", true), []int{2})
		c.fails("no more", 40401, "GetAllVersions", "orders-value")
		c.do("ClearLatestCaches")
		c.do("ClearCaches")
		c.do("Close")
	})
}

// levelText is for values without an address, which the method wants.
func levelText(level schemaregistry.Compatibility) string {
	return level.String()
}
