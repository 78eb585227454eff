//! A log as the reference writes it into its topic, and what it means.

use serde_json::{Value, json};

use super::muster::Registry;

/// How many records the log has, and how many of them are of no use.
pub const RECORDS: &str = "19 records read, 2 skipped";

/// Records of the log: key, value.
pub fn records() -> Vec<(Value, Value)> {
    let schema = |subject: &str, version: i32, id: i32, text: &str| {
        (
            json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}),
            json!({"subject": subject, "version": version, "id": id, "schemaType": "AVRO", "schema": text, "deleted": false}),
        )
    };
    let tombstone = |(key, _): (Value, Value)| (key, Value::Null);
    let settings = |keytype: &str, subject: &str, mut value: Value| {
        value["subject"] = json!(subject);
        (json!({"keytype": keytype, "subject": subject, "magic": 0}), value)
    };
    let noop = || (json!({"keytype": "NOOP", "magic": 0}), Value::Null);
    vec![
        noop(),
        (json!({"keytype": "CONFIG", "magic": 0}), json!({"compatibilityLevel": "FULL"})),
        schema("a", 1, 1, r#""int""#),
        schema("a", 2, 2, r#""long""#),
        schema("b", 1, 2, r#""long""#),
        settings("CONFIG", "a", json!({"compatibilityLevel": "NONE"})),
        settings("MODE", "b", json!({"mode": "READONLY"})),
        settings("DELETE_SUBJECT", "a", json!({"version": 2})),
        // Not deleted: it came later.
        schema("a", 3, 3, r#""string""#),
        // Dropped: the id belongs to another text.
        schema("c", 1, 3, r#""bytes""#),
        schema("d", 1, 9, r#""float""#),
        tombstone(schema("d", 1, 9, "")),
        (
            json!({"keytype": "CONTEXT", "tenant": "default", "context": ".t", "magic": 0}),
            json!({"tenant": "default", "context": ".t"}),
        ),
        schema(":.t:a", 1, 1, r#""double""#),
        schema("e", 1, 4, r#""boolean""#),
        settings("DELETE_SUBJECT", "e", json!({"version": 1})),
        settings("CLEAR_SUBJECT", "e", json!({})),
        (json!({"keytype": "FUTURE", "magic": 0}), json!({})),
        noop(),
    ]
}

/// Asks over REST whether a registry remembers what the log means.
pub fn check(registry: &Registry) {
    let mut http = registry.client();
    assert_eq!(http.get("/subjects").ok(), json!([":.t:a", "a", "b"]));
    assert_eq!(http.get("/subjects?deleted=true").ok(), json!([":.t:a", "a", "b"]));
    assert_eq!(http.get("/subjects/a/versions?deleted=true&deletedAsNegative=true").ok(), json!([-1, -2, 3]));
    assert_eq!(http.get("/subjects/a/versions/latest").ok()["id"], 3);
    assert_eq!(http.get("/schemas/ids/2/subjects").ok(), json!(["b"]));
    assert_eq!(http.get("/schemas/ids/3").ok()["schema"], r#""string""#);
    http.get("/schemas/ids/9").error(404, 40403);
    http.get("/schemas/ids/4").error(404, 40403);
    assert_eq!(http.get("/schemas/ids/1?fetchMaxId=true").ok()["maxId"], 9);
    assert_eq!(http.get("/config").ok()["compatibilityLevel"], "FULL");
    assert_eq!(http.get("/config/a").ok()["compatibilityLevel"], "NONE");
    assert_eq!(http.get("/mode/b").ok()["mode"], "READONLY");
    assert_eq!(http.get("/contexts").ok(), json!([".", ".t"]));
    assert_eq!(http.register("next", r#"{"type":"enum","name":"N","symbols":["A"]}"#), 10);
}
