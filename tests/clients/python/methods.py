"""Every public method of confluent-kafka's SchemaRegistryClient, blocking and asynchronous, against one registry.

    methods.py URL sync|async
"""

import asyncio
import json
import sys

import confluent_kafka
from confluent_kafka import schema_registry as sr
from report import Recorder, Report


def record(name, *fields):
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": list(fields)})


ID = {"name": "id", "type": "long"}
NOTE = {"name": "note", "type": "string", "default": ""}
ORDER_1 = record("Order", ID)
ORDER_2 = record("Order", ID, NOTE)
ORDER_BROKEN = record("Order", {"name": "id", "type": "string"})


def avro(text, **more):
    return sr.Schema(text, "AVRO", **more)


def same(text, other):
    return json.loads(text) == json.loads(other)


def scenario(client, report):
    guid = {}

    def empty_registry():
        report.equal("types", sorted(client.get_schema_types()), ["AVRO", "JSON", "PROTOBUF"])
        report.equal("no subjects", client.get_subjects(), [])
        report.equal("contexts", client.get_contexts(), ["."])
        report.equal("mode", client.get_global_mode(), "READWRITE")
        report.equal("level", client.get_compatibility(), "BACKWARD")
        report.true("own settings", client.config()["url"])

    def registration():
        report.equal("first id", client.register_schema("orders-value", avro(ORDER_1)), 1)
        full = client.register_schema_full_response("orders-value", avro(ORDER_1))
        report.equal("registered again", (full.schema_id, full.version, full.subject), (1, 1, "orders-value"))
        report.equal("a guid", len(full.guid), 36)
        report.true("with its text", same(full.schema.schema_str, ORDER_1))
        guid["order"] = full.guid
        second = client.register_schema_full_response("orders-value", avro(ORDER_2), normalize_schemas=True)
        report.equal("second version", (second.schema_id, second.version), (2, 2))
        report.refused(
            "incompatible", 409, 40901, lambda: client.register_schema("orders-value", avro(ORDER_BROKEN))
        )
        report.refused("no schema", 422, 42201, lambda: client.register_schema("orders-value", avro('{"type":"nope"}')))
        strange = "a/b c%3A:ü?#+"
        report.equal("a strange subject", client.register_schema(strange, avro(ORDER_1)), 1)
        report.equal("listed as it is", client.get_subjects(), [strange, "orders-value"])
        report.equal("versions of it", client.get_versions(strange), [1])
        report.equal("deleted", client.delete_subject(strange), [1])
        report.equal("for good", client.delete_subject(strange, permanent=True), [1])

    def reads():
        schema = client.get_schema(1)
        report.true("by id", same(schema.schema_str, ORDER_1))
        report.equal("its type", schema.schema_type, "AVRO")
        report.true("by id and subject", same(client.get_schema(2, "orders-value").schema_str, ORDER_2))
        report.true("resolved", same(client.get_schema(2, fmt="resolved").schema_str, ORDER_2))
        report.refused("unknown id", 404, 40403, lambda: client.get_schema(4711))
        report.true("by guid", same(client.get_schema_by_guid(guid["order"]).schema_str, ORDER_1))
        report.refused("unknown guid", 404, 40403, lambda: client.get_schema_by_guid("0" * 8 + "-0000-0000-0000-" + "0" * 12))
        report.equal("subjects of an id", client.get_subjects_by_schema_id(1), ["orders-value"])
        report.equal("versions of an id", client.get_schema_versions(1), [sr.common.schema_registry_client.SchemaVersion("orders-value", 1)])
        report.equal("versions of an id in a subject", client.get_schema_versions(1, "orders-value")[0].version, 1)
        found = client.lookup_schema("orders-value", avro(ORDER_2), normalize_schemas=True)
        report.equal("look-up", (found.schema_id, found.version, found.subject), (2, 2, "orders-value"))
        report.refused("not there", 404, 40403, lambda: client.lookup_schema("orders-value", avro('"string"')))
        report.refused("no such subject", 404, 40401, lambda: client.lookup_schema("nothing", avro(ORDER_1)))
        latest = client.get_latest_version("orders-value")
        report.equal("latest", (latest.schema_id, latest.version, latest.subject), (2, 2, "orders-value"))
        report.true("latest text", same(latest.schema.schema_str, ORDER_2))
        report.equal("a version", client.get_version("orders-value", 1).guid, guid["order"])
        report.equal("latest by name", client.get_version("orders-value").version, 2)
        report.refused("no such version", 404, 40402, lambda: client.get_version("orders-value", 9))
        report.refused("no version of nothing", 404, 40401, lambda: client.get_version("nothing", 1))
        report.equal("versions", client.get_versions("orders-value"), [1, 2])
        report.equal("from the second", client.get_versions("orders-value", offset=1), [2])
        report.equal("only one", client.get_versions("orders-value", limit=1), [1])
        report.equal("subjects by prefix", client.get_subjects(subject_prefix="ord"), ["orders-value"])
        report.equal("by another prefix", client.get_subjects(subject_prefix="x"), [])

    def references():
        line = record("Line", {"name": "order", "type": "shop.Order"})
        reference = sr.SchemaReference("shop.Order", "orders-value", 1)
        number = client.register_schema("lines-value", avro(line, references=[reference]))
        report.equal("referrers", client.get_referenced_by("orders-value", 1), [number])
        report.equal("referrers of latest", client.get_referenced_by("orders-value"), [])
        report.equal("kept", client.get_schema(number).references, [reference])
        resolved = json.loads(client.get_schema(number, fmt="resolved").schema_str)
        report.equal("inlined", resolved["fields"][0]["type"]["name"], "Order")
        report.refused("referenced", 422, 42206, lambda: client.delete_version("orders-value", 1))
        missing = sr.SchemaReference("shop.Order", "nothing", 1)
        report.refused(
            "reference to nothing", 422, 42201, lambda: client.register_schema("l", avro(line, references=[missing]))
        )
        report.equal("deleted", client.delete_subject("lines-value"), [1])
        report.equal("for good", client.delete_subject("lines-value", permanent=True), [1])

    def metadata_and_rules():
        rule = sr.Rule("mask", "hide notes", sr.RuleKind.TRANSFORM, sr.RuleMode.WRITEREAD, "CEL_FIELD", ["PII"],
                       sr.RuleParams({"a": "b"}), "true", "NONE", "ERROR", False)
        # No tags: this client cannot keep a schema with tags in its cache.
        metadata = sr.Metadata(None, sr.MetadataProperties({"team": "red", "a": "b"}), ["a"])
        schema = avro(ORDER_1, metadata=metadata, rule_set=sr.RuleSet([], [rule], []))
        number = client.register_schema("rules-value", schema)
        report.true("other content than without", number not in (1, 2))
        got = client.get_schema(number)
        report.equal("metadata", got.metadata, metadata)
        report.equal("rules", got.rule_set and [r.to_dict() for r in got.rule_set.domain_rules], [rule.to_dict()])
        client.register_schema("rules-value", avro(ORDER_2, metadata=sr.Metadata(None, sr.MetadataProperties({"team": "blue"}), None)))
        report.equal("by metadata", client.get_latest_with_metadata("rules-value", {"team": "red"}).version, 1)
        report.equal("by both", client.get_latest_with_metadata("rules-value", {"team": "red", "a": "b"}).version, 1)
        report.equal("newest", client.get_latest_with_metadata("rules-value", {"team": "blue"}).version, 2)
        report.refused("no such", 404, 40403, lambda: client.get_latest_with_metadata("rules-value", {"team": "x"}))
        bad = sr.Rule("1st", None, None, None, "CEL", None, None, "true", None, None, None)
        report.refused("a bad rule", 422, 42210, lambda: client.register_schema("r", avro(ORDER_1, rule_set=sr.RuleSet([], [bad]))))

    def compatibility():
        yes = lambda *a, **n: report.equal("compatible", client.test_compatibility(*a, **n), True)  # noqa: E731
        yes("orders-value", avro(ORDER_2))
        yes("orders-value", avro(ORDER_1), version=1)
        yes("nothing", avro(ORDER_1))
        yes("orders-value", avro(ORDER_2), normalize=True, verbose=True)
        report.equal("incompatible", client.test_compatibility("orders-value", avro(ORDER_BROKEN), verbose=True), False)
        report.equal("with all", client.test_compatibility_all_versions("orders-value", avro(ORDER_2)), True)
        report.equal("not with all", client.test_compatibility_all_versions("orders-value", avro(ORDER_BROKEN)), False)
        report.refused("no such version", 404, 40402, lambda: client.test_compatibility("orders-value", avro(ORDER_2), 9))
        report.refused("version 0", 422, 42202, lambda: client.test_compatibility("orders-value", avro(ORDER_2), 0))

    def configuration():
        report.equal("set", client.set_compatibility(level="full"), {"compatibility": "FULL"})
        report.equal("is set", client.get_compatibility(), "FULL")
        report.refused("unset", 404, 40408, lambda: client.get_compatibility("orders-value"))
        report.refused("bad level", 422, 42203, lambda: client.set_compatibility("orders-value", "SOME"))
        report.equal("own", client.set_compatibility("orders-value", "NONE"), {"compatibility": "NONE"})
        report.equal("own is set", client.get_compatibility("orders-value"), "NONE")
        report.equal("now anything goes", client.test_compatibility("orders-value", avro(ORDER_BROKEN)), True)
        report.equal("what was set", str(client.delete_config("orders-value").compatibility_level), "NONE")
        report.refused("gone", 404, 40401, lambda: client.delete_config("orders-value"))
        defaults = sr.Metadata(None, sr.MetadataProperties({"owner": "shop"}), None)
        wanted = sr.ServerConfig(sr.ConfigCompatibilityLevel.FORWARD, None, "major", defaults)
        echo = client.set_config("config-value", wanted)
        report.equal("echo", (echo["compatibility"], echo["compatibilityGroup"]), ("FORWARD", "major"))
        got = client.get_config("config-value")
        report.equal("config", (str(got.compatibility_level), got.compatibility_group), ("FORWARD", "major"))
        report.equal("default metadata", got.default_metadata.properties, defaults.properties)
        number = client.register_schema("config-value", avro(ORDER_1))
        report.equal("taken over", client.get_schema(number).metadata.properties, defaults.properties)
        client.set_config(None, sr.ServerConfig(sr.ConfigCompatibilityLevel.BACKWARD))
        report.equal("global config", str(client.get_config().compatibility_level), "BACKWARD")
        report.equal("global unset", str(client.delete_config().compatibility_level), "BACKWARD")

    def modes():
        report.refused("unset", 404, 40409, lambda: client.get_mode("orders-value"))
        report.equal("set", client.update_mode("orders-value", "READONLY"), "READONLY")
        report.equal("is set", client.get_mode("orders-value"), "READONLY")
        report.refused("read only", 422, 42205, lambda: client.register_schema("orders-value", avro('"long"')))
        report.refused("nor deleted", 422, 42205, lambda: client.delete_subject("orders-value"))
        report.equal("known ones answer", client.register_schema("orders-value", avro(ORDER_1)), 1)
        report.equal("what was set", client.delete_mode("orders-value"), "READONLY")
        report.refused("bad mode", 422, 42204, lambda: client.update_mode("orders-value", "SOMETIMES"))
        report.refused("not empty", 422, 42205, lambda: client.update_global_mode("IMPORT"))
        report.equal("forced", client.update_global_mode("IMPORT", force=True), "IMPORT")
        report.equal("is set", client.get_global_mode(), "IMPORT")
        report.equal("and back", client.update_global_mode("READWRITE"), "READWRITE")

    def contexts():
        subject = ":.staging:notes-value"
        report.equal("ids start at 1", client.register_schema(subject, avro(ORDER_2)), 1)
        report.equal("contexts", client.get_contexts(), [".", ".staging"])
        report.equal("paged", client.get_contexts(offset=1, limit=1), [".staging"])
        report.equal("its subjects", client.get_subjects(subject_prefix=":.staging:"), [subject])
        report.true("its ids", same(client.get_schema(1, subject).schema_str, ORDER_2))
        report.equal("same guid", client.get_latest_version(subject).guid, client.get_version("orders-value", 2).guid)

    def associations():
        def request(name, subject, **more):
            info = sr.AssociationCreateOrUpdateInfo(subject=subject, association_type="value", **more)
            return sr.AssociationCreateOrUpdateRequest(name, "lkc-1", "id-" + name, "topic", [info])

        report.equal("none", client.get_associations_by_resource_name("parcels", "-", "topic", ["value"]), [])
        made = client.create_association(request("parcels", "orders-value", lifecycle="WEAK"))
        report.equal("made", (made.resource_name, made.resource_namespace, made.resource_id), ("parcels", "lkc-1", "id-parcels"))
        report.equal("made of", [(a.subject, a.association_type, a.lifecycle) for a in made.associations], [("orders-value", "value", "WEAK")])
        for namespace in ("-", "lkc-1"):
            got = client.get_associations_by_resource_name("parcels", namespace, "topic", ["value"])
            report.equal("found", [(a.subject, a.resource_name, a.resource_id, a.resource_type, a.association_type) for a in got],
                         [("orders-value", "parcels", "id-parcels", "topic", "value")])
        report.equal("not for keys", client.get_associations_by_resource_name("parcels", "-", "topic", ["key"]), [])
        report.equal("nor elsewhere", client.get_associations_by_resource_name("parcels", "lkc-2", "topic", ["value"]), [])
        report.refused("another subject", 409, 40903, lambda: client.create_association(request("parcels", "rules-value", lifecycle="WEAK")))
        report.refused("no active version", 409, 40907, lambda: client.create_association(request("letters", "nothing", lifecycle="WEAK")))
        report.refused("associated", 409, 40904, lambda: client.delete_subject("orders-value"))
        strong = client.create_association(request("crates", None, lifecycle="STRONG", schema=avro(ORDER_1)))
        report.equal("default subject", [a.subject for a in strong.associations], [":.lkc-1:crates-value"])
        report.refused("frozen", 409, 40908, lambda: client.delete_associations("id-crates", "topic", ["value"]))
        client.delete_associations("id-crates", "topic", ["value"], cascade_lifecycle=True)
        report.equal("with its subject", client.get_subjects(subject_prefix=":.lkc-1:", deleted=True), [])
        client.delete_associations("id-parcels")
        report.equal("gone", client.get_associations_by_resource_name("parcels", "-"), [])

    def deletion():
        report.equal("softly", client.delete_version("orders-value", 1), 1)
        report.equal("versions", client.get_versions("orders-value"), [2])
        report.equal("with deleted", client.get_versions("orders-value", deleted=True), [1, 2])
        report.refused("hidden", 404, 40402, lambda: client.get_version("orders-value", 1))
        report.equal("unless asked for", client.get_version("orders-value", 1, deleted=True).schema_id, 1)
        report.true("its id still answers", client.get_schema(1))
        report.equal("look-up of deleted", client.lookup_schema("orders-value", avro(ORDER_1), deleted=True).version, 1)
        report.refused("once only", 404, 40406, lambda: client.delete_version("orders-value", 1))
        report.equal("subjects of its id", client.get_subjects_by_schema_id(1, deleted=True), ["orders-value"])
        report.equal("for good", client.delete_version("orders-value", 1, permanent=True), 1)
        report.refused("not without softly", 404, 40407, lambda: client.delete_version("orders-value", 2, permanent=True))
        report.refused("nor the subject", 404, 40405, lambda: client.delete_subject("orders-value", permanent=True))
        report.equal("the subject", client.delete_subject("orders-value"), [2])
        report.equal("is not listed", "orders-value" in client.get_subjects(), False)
        report.equal("unless asked for", "orders-value" in client.get_subjects(deleted=True), True)
        report.equal("the subject for good", client.delete_subject("orders-value", permanent=True), [2])
        report.refused("no more", 404, 40401, lambda: client.get_versions("orders-value"))

    parts = (empty_registry, registration, reads, references, metadata_and_rules, compatibility, configuration, modes,
             contexts, associations, deletion)
    for part in parts:
        report.step(part)


def main(url, kind):
    report = Report(f"confluent-kafka {confluent_kafka.__version__} {kind}")
    if kind == "sync":
        client = Recorder(sr.SchemaRegistryClient.new_client({"url": url}), report)
        report.called.add("new_client")
        scenario(client, report)
        client.clear_latest_caches()
        client.clear_caches()
        client.close()
    else:
        loop = asyncio.new_event_loop()
        finish = lambda value: loop.run_until_complete(value) if asyncio.iscoroutine(value) else value  # noqa: E731
        client = Recorder(sr.AsyncSchemaRegistryClient.new_client({"url": url}), report, finish)
        report.called.add("new_client")
        scenario(client, report)
        client.clear_latest_caches()
        client.clear_caches()
        client.aclose()
        loop.close()
    report.print()


if __name__ == "__main__":
    main(*sys.argv[1:])
