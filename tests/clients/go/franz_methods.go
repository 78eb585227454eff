package main

import (
	"context"
	"net/http"
	"reflect"

	"github.com/twmb/franz-go/pkg/sr"
)

// franzMethods drives every method of franz-go's registry client.
func franzMethods(r *report, arguments []string) {
	client, err := sr.NewClient(sr.URLs(arguments[0]))
	if err != nil {
		panic(err)
	}
	c := watch(client, reflect.TypeOf(client), r, func() {})
	ctx := context.Background()
	with := func(params ...sr.Param) context.Context { return sr.WithParams(ctx, params...) }
	avro := func(text string) sr.Schema { return sr.Schema{Schema: text} }
	guid := ""

	r.step("registration", func() {
		types := get[[]sr.SchemaType](c, "SupportedTypes", ctx)
		r.equal("types", len(types), 3)
		r.equal("contexts", get[[]string](c, "Contexts", ctx), []string{"."})
		r.equal("no subjects", get[[]string](c, "Subjects", ctx), []string{})
		r.equal("first id", get[int](c, "RegisterSchema", ctx, "orders-value", avro(order1), -1, -1), 1)
		again := get[sr.SubjectSchema](c, "CreateSchema", ctx, "orders-value", avro(order1))
		r.equal("registered again", []int{again.ID, again.Version}, []int{1, 1})
		guid = again.GUID
		r.equal("a guid", len(guid), 36)
		second := get[sr.SubjectSchema](c, "CreateSchema", with(sr.Normalize), "orders-value", avro(order2))
		r.equal("second version", []int{second.ID, second.Version}, []int{2, 2})
		c.fails("incompatible", 40901, "RegisterSchema", ctx, "orders-value", avro(orderBroken), -1, -1)
		c.fails("no schema", 42201, "RegisterSchema", ctx, "orders-value", avro(`{"type":"nope"}`), -1, -1)
		c.fails("an id of one's own", 42205, "RegisterSchema", ctx, "orders-value", avro(`"long"`), 70, -1)
		r.equal("a strange subject", get[sr.SubjectSchema](c, "CreateSchema", ctx, strange, avro(order1)).Subject, strange)
		r.equal("listed as it is", get[[]string](c, "Subjects", ctx), []string{strange, "orders-value"})
		r.equal("deleted", get[[]int](c, "DeleteSubject", ctx, strange, sr.SoftDelete), []int{1})
		r.equal("for good", get[[]int](c, "DeleteSubject", ctx, strange, sr.HardDelete), []int{1})
	})

	r.step("reads", func() {
		r.sameText("by id", get[sr.Schema](c, "SchemaByID", ctx, 1).Schema, order1)
		c.fails("unknown id", 40403, "SchemaByID", with(sr.FetchMaxID), 4711)
		byGUID := get[sr.SubjectSchema](c, "SchemaByGUID", ctx, guid)
		r.sameText("by guid", byGUID.Schema.Schema, order1)
		r.equal("ids of a guid", get[[]sr.ContextID](c, "SchemaIDsByGUID", ctx, guid), []sr.ContextID{{Context: ".", ID: 1}})
		r.sameText("text by id", get[string](c, "SchemaTextByID", ctx, 2), order2)
		r.sameText("text by id in a format", get[string](c, "SchemaTextByID", with(sr.Format("resolved")), 2), order2)
		r.equal("subjects of an id", get[[]string](c, "SubjectsByID", ctx, 1), []string{"orders-value"})
		r.equal("versions of an id", get[[]sr.SubjectVersion](c, "SchemaVersionsByID", ctx, 2), []sr.SubjectVersion{{Subject: "orders-value", Version: 2}})
		r.equal("versions", get[[]int](c, "SubjectVersions", ctx, "orders-value"), []int{1, 2})
		r.equal("one", get[[]int](c, "SubjectVersions", with(sr.Offset(1), sr.Limit(1)), "orders-value"), []int{2})
		latest := get[sr.SubjectSchema](c, "SchemaByVersion", ctx, "orders-value", -1)
		r.equal("latest", []any{latest.Subject, latest.ID, latest.Version}, []any{"orders-value", 2, 2})
		c.fails("no such version", 40402, "SchemaByVersion", ctx, "orders-value", 9)
		c.fails("no such subject", 40401, "SchemaByVersion", ctx, "nothing", 1)
		r.sameText("text by version", get[string](c, "SchemaTextByVersion", ctx, "orders-value", 1), order1)
		all := get[[]sr.SubjectSchema](c, "AllSchemas", ctx)
		r.equal("all schemas", len(all), 2)
		r.equal("only the latest", get[[]sr.SubjectSchema](c, "AllSchemas", with(sr.LatestOnly))[0].Version, 2)
		r.equal("of a subject", len(get[[]sr.SubjectSchema](c, "Schemas", ctx, "orders-value")), 2)
		found := get[sr.SubjectSchema](c, "LookupSchema", with(sr.Normalize), "orders-value", avro(order1))
		r.equal("look-up", []any{found.Subject, found.ID, found.Version, found.GUID}, []any{"orders-value", 1, 1, guid})
		c.fails("not there", 40403, "LookupSchema", ctx, "orders-value", avro(`"string"`))
		c.fails("nowhere", 40401, "LookupSchema", ctx, "nothing", avro(order1))
		r.equal("by prefix", get[[]string](c, "Subjects", with(sr.SubjectPrefix("x"))), []string{})
		r.equal("uses of an id", len(get[[]sr.SubjectSchema](c, "SchemaUsagesByID", ctx, 1)), 1)
	})

	r.step("references", func() {
		references := []sr.SchemaReference{{Name: "shop.Order", Subject: "orders-value", Version: 1}}
		made := get[sr.SubjectSchema](c, "CreateSchema", ctx, "lines", sr.Schema{Schema: line, References: references})
		r.equal("kept", made.References, references)
		by := get[[]sr.SubjectSchema](c, "SchemaReferences", ctx, "orders-value", 1)
		r.equal("referrers", len(by) == 1 && by[0].Subject == "lines", true)
		c.fails("referenced", 42206, "DeleteSchema", ctx, "orders-value", 1, sr.SoftDelete)
		get[[]int](c, "DeleteSubject", ctx, "lines", sr.SoftDelete)
		get[[]int](c, "DeleteSubject", ctx, "lines", sr.HardDelete)
	})

	r.step("metadata and rules", func() {
		rule := sr.SchemaRule{Name: "mask", Doc: "hide", Kind: sr.SchemaRuleKindTransform, Mode: sr.SchemaRuleModeWriteRead, Type: "CEL_FIELD",
			Tags: []string{"PII"}, Params: map[string]string{"a": "b"}, Expr: "true", OnSuccess: "NONE", OnFailure: "ERROR"}
		schema := avro(order1)
		schema.SchemaMetadata = &sr.SchemaMetadata{Tags: map[string][]string{"**.note": {"PII"}}, Properties: map[string]string{"team": "red"}, Sensitive: []string{"team"}}
		schema.SchemaRuleSet = &sr.SchemaRuleSet{DomainRules: []sr.SchemaRule{rule}}
		made := get[sr.SubjectSchema](c, "CreateSchema", ctx, "rules", schema)
		r.equal("metadata", made.SchemaMetadata, schema.SchemaMetadata)
		r.equal("rules", made.SchemaRuleSet, schema.SchemaRuleSet)
	})

	r.step("compatibility", func() {
		check := func(what string, wanted bool, subject string, version int, text string) {
			got := get[sr.CheckCompatibilityResult](c, "CheckCompatibility", with(sr.Verbose), subject, version, avro(text))
			r.equal(what, []bool{got.Is, len(got.Messages) == 0}, []bool{wanted, wanted})
		}
		check("compatible", true, "orders-value", -1, order2)
		check("with a version", true, "orders-value", 1, order2)
		check("incompatible", false, "orders-value", -1, orderBroken)
		check("with nothing", true, "nothing", -1, order1)
		c.fails("no such version", 40402, "CheckCompatibility", ctx, "orders-value", 9, avro(order2))
		level := func(name string, more ...any) sr.CompatibilityResult {
			return get[[]sr.CompatibilityResult](c, name, more...)[0]
		}
		r.equal("default", level("Compatibility", ctx).Level, sr.CompatBackward)
		r.equal("set", level("SetCompatibility", ctx, sr.SetCompatibility{Level: sr.CompatFull}).Err, nil)
		r.equal("is set", level("Compatibility", ctx).Level, sr.CompatFull)
		r.refused("unset", 40408, level("Compatibility", ctx, "orders-value").Err)
		r.equal("inherited", level("Compatibility", with(sr.DefaultToGlobal), "orders-value").Level, sr.CompatFull)
		wanted := sr.SetCompatibility{Level: sr.CompatForward, Normalize: true, Group: "major", DefaultMetadata: &sr.SchemaMetadata{Properties: map[string]string{"owner": "shop"}}}
		r.equal("own", level("SetCompatibility", ctx, wanted, "orders-value").Err, nil)
		own := level("Compatibility", ctx, "orders-value")
		r.equal("own is set", []any{own.Level, own.Normalize, own.Group, own.DefaultMetadata}, []any{wanted.Level, true, "major", wanted.DefaultMetadata})
		// The client looks for the level under another name than the registry's.
		was := level("ResetCompatibility", ctx, "orders-value")
		r.equal("what was set", []any{was.Group, was.DefaultMetadata, was.Err}, []any{"major", wanted.DefaultMetadata, nil})
		r.refused("gone", 40401, level("ResetCompatibility", ctx, "orders-value").Err)
		r.equal("global", level("ResetCompatibility", ctx).Err, nil)
		r.equal("as at first", level("Compatibility", ctx).Level, sr.CompatBackward)
	})

	r.step("modes", func() {
		mode := func(name string, more ...any) sr.ModeResult { return get[[]sr.ModeResult](c, name, more...)[0] }
		r.equal("default", mode("Mode", ctx).Mode, sr.ModeReadWrite)
		r.refused("unset", 40409, mode("Mode", ctx, "orders-value").Err)
		r.equal("set", mode("SetMode", ctx, sr.ModeReadOnly, "orders-value").Mode, sr.ModeReadOnly)
		r.equal("is set", mode("Mode", ctx, "orders-value").Mode, sr.ModeReadOnly)
		c.fails("read only", 42205, "RegisterSchema", ctx, "orders-value", avro(`"long"`), -1, -1)
		r.equal("what was set", mode("ResetMode", ctx, "orders-value").Mode, sr.ModeReadOnly)
		r.refused("not empty", 42205, mode("SetMode", ctx, sr.ModeImport).Err)
		r.equal("forced", mode("SetMode", with(sr.Force), sr.ModeImport, "imported").Mode, sr.ModeImport)
		made := get[sr.SubjectSchema](c, "CreateSchemaWithIDAndVersion", ctx, "imported", avro(`"bytes"`), 700, 5)
		r.equal("imported", []int{made.ID, made.Version}, []int{700, 5})
		r.equal("and back", mode("ResetMode", ctx, "imported").Mode, sr.ModeImport)
	})

	r.step("contexts", func() {
		staging := sr.InContext(ctx, ".staging")
		made := get[sr.SubjectSchema](c, "CreateSchema", staging, "notes-value", avro(order2))
		r.equal("ids start at 1", []any{made.Subject, made.ID}, []any{":.staging:notes-value", 1})
		r.equal("contexts", get[[]string](c, "Contexts", ctx), []string{".", ".staging"})
		r.equal("its subjects", get[[]string](c, "Subjects", staging), []string{":.staging:notes-value"})
		r.sameText("its ids", get[sr.Schema](c, "SchemaByID", staging, 1).Schema, order2)
		r.equal("by prefix", get[[]string](c, "Contexts", with(sr.ContextPrefix(".st"))), []string{".staging"})
		c.fails("not empty", 42211, "DeleteContext", ctx, ".staging")
		get[[]int](c, "DeleteSubject", staging, "notes-value", sr.SoftDelete)
		get[[]int](c, "DeleteSubject", staging, "notes-value", sr.HardDelete)
		c.do("DeleteContext", ctx, ".staging")
		r.equal("gone", get[[]string](c, "Contexts", ctx), []string{"."})
	})

	r.step("deletion", func() {
		c.do("DeleteSchema", ctx, "orders-value", 1, sr.SoftDelete)
		r.equal("versions", get[[]int](c, "SubjectVersions", ctx, "orders-value"), []int{2})
		r.equal("with deleted", get[[]int](c, "SubjectVersions", with(sr.ShowDeleted), "orders-value"), []int{1, 2})
		r.equal("only deleted", get[[]int](c, "SubjectVersions", with(sr.DeletedOnly), "orders-value"), []int{1})
		c.fails("once only", 40406, "DeleteSchema", ctx, "orders-value", 1, sr.SoftDelete)
		c.do("DeleteSchema", ctx, "orders-value", 1, sr.HardDelete)
		c.fails("not without softly", 40407, "DeleteSchema", ctx, "orders-value", 2, sr.HardDelete)
		r.equal("the subject", get[[]int](c, "DeleteSubject", ctx, "orders-value", sr.SoftDelete), []int{2})
		c.fails("twice", 40404, "DeleteSubject", ctx, "orders-value", sr.SoftDelete)
		r.equal("for good", get[[]int](c, "DeleteSubject", ctx, "orders-value", sr.HardDelete), []int{2})
		c.fails("no more", 40401, "SubjectVersions", ctx, "orders-value")
	})

	r.step("anything else", func() {
		var version map[string]string
		c.do("Do", ctx, http.MethodGet, "/v1/metadata/version", nil, &version)
		r.equal("version", version["version"] != "", true)
		r.equal("options", len(get[[]sr.ClientOpt](c, "Opts")), 1)
		r.equal("an option", get[[]string](c, "OptValue", sr.URLs), arguments)
		r.equal("values of an option", len(get[[]any](c, "OptValues", sr.URLs)), 1)
	})
}
