//! Behaviours that show on a store of their own: one that fails, one that was served otherwise before, one imported from
//! a log.

use std::fmt::Write as _;

use muster_registry::portable::{self, Replay};
use muster_registry::store::{self, archive};
use muster_registry::{Options, Registry, RuleSets};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::harness::{Api, StoreKind};

/// The tests of this file.
pub const NAMES: &[&str] = &[
    "b27_both_rule_sets_of_a_config_go_if_one_is_sent_where_rule_sets_are_dropped",
    "b55_a_failing_store_is_50001_but_500_for_subjects_contexts_and_lookups",
    "b87_an_id_that_two_texts_claim_stays_with_the_first",
    "b88_deleting_a_subject_concerns_the_versions_that_the_log_has_at_that_place",
];

#[tokio::test]
async fn b27_both_rule_sets_of_a_config_go_if_one_is_sent_where_rule_sets_are_dropped() {
    let mut api = Api::new(StoreKind::Memory).await;
    let rules = json!({"domainRules": [{"name": "r", "type": "CEL"}]});
    let both = json!({"defaultRuleSet": rules, "overrideRuleSet": rules});
    for subject in ["s", "t"] {
        let stored = api.call("PUT", &format!("/config/{subject}"), Some(both.clone())).await.json();
        assert!(stored["defaultRuleSet"].is_object() && stored["overrideRuleSet"].is_object(), "{stored}");
    }
    // From here on they are dropped.
    let options = Options { rule_sets: RuleSets::Drop, ..Options::default() };
    api.router = Registry::new(api.store.clone(), options).router();
    let put = async |subject: &str, body: Value| {
        api.call("PUT", &format!("/config/{subject}"), Some(body)).await.json()
    };
    let kept = put("s", json!({"compatibility": "FULL"})).await;
    assert!(kept["defaultRuleSet"].is_object() && kept["overrideRuleSet"].is_object(), "{kept}");
    assert_eq!(put("s", json!({"overrideRuleSet": rules})).await, json!({"compatibility": "FULL"}));
    assert_eq!(put("t", json!({"defaultRuleSet": null})).await, json!({}));
}

#[tokio::test]
async fn b55_a_failing_store_is_50001_but_500_for_subjects_contexts_and_lookups() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("failing.db").display());
    let api = on(&url).await;
    let (known, new) = (json!({"schema": "\"string\""}), json!({"schema": "\"int\""}));
    api.post("/subjects/s/versions", known.clone()).await;
    api.post("/subjects/:.c:s/versions", known.clone()).await;
    for target in ["/subjects/:.c:s", "/subjects/:.c:s?permanent=true"] {
        assert_eq!(api.call("DELETE", target, None).await.status.as_u16(), 200);
    }
    // From here on nothing can be written.
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON registry BEGIN SELECT RAISE(ABORT, 'refused'); END";
    sqlx::query(trigger).execute(&mut connection).await.unwrap();
    let level = || Some(json!({"compatibility": "FULL"}));
    let cases: [(&str, &str, Option<Value>, i64); 8] = [
        ("POST", "/subjects/t/versions", Some(new), 50001),
        ("DELETE", "/subjects/s/versions/1", None, 50001),
        ("PUT", "/config", level(), 50001),
        ("PUT", "/config/s", level(), 50001),
        ("DELETE", "/config", None, 50001),
        ("PUT", "/mode/s", Some(json!({"mode": "READONLY"})), 50001),
        ("DELETE", "/subjects/s", None, 500),
        ("DELETE", "/contexts/.c", None, 500),
    ];
    for (method, target, body, code) in cases {
        let reply = api.call(method, target, body).await;
        let got = (reply.status.as_u16(), reply.error_code());
        assert_eq!(got, (500, code), "{method} {target}: {}", reply.text);
    }
    // Nor read.
    api.store.close().await;
    let reply = api.post("/subjects/s", known).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (500, 500), "{}", reply.text);
}

/// A registry on the store of this URL.
async fn on(url: &str) -> Api {
    let mut api = Api::new(StoreKind::Memory).await;
    api.store = store::open(url).await.unwrap();
    api.registry = Registry::new(api.store.clone(), Options::default());
    api.router = api.registry.router();
    api
}

/// A registry on a store filled from the records of a log, each a key and a value; and how many were of no use.
async fn replayed(records: &[(Value, Value)]) -> (Api, u64, tempfile::TempDir) {
    let mut lines = String::new();
    for (key, value) in records {
        writeln!(lines, "{}", json!({"key": key, "value": value})).unwrap();
    }
    let mut replay = Replay::new(0);
    portable::read(&mut lines.as_bytes(), &mut replay, &mut |_| {}).unwrap();
    let (snapshot, summary) = replay.finish();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("imported.db").display());
    archive::load(&url, &snapshot, &mut |_, _| {}).await.unwrap();
    (on(&url).await, summary.skipped, folder)
}

fn schema(subject: &str, version: i32, id: i32, text: &str) -> (Value, Value) {
    (
        json!({"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1}),
        json!({"subject": subject, "version": version, "id": id, "schema": text, "deleted": false}),
    )
}

fn tombstone(subject: &str, version: i32) -> (Value, Value) {
    (schema(subject, version, 0, "").0, Value::Null)
}

fn delete_subject(subject: &str, version: i32) -> (Value, Value) {
    (
        json!({"keytype": "DELETE_SUBJECT", "subject": subject, "magic": 0}),
        json!({"subject": subject, "version": version}),
    )
}

#[tokio::test]
async fn b87_an_id_that_two_texts_claim_stays_with_the_first() {
    let (api, skipped, _folder) = replayed(&[
        schema("first", 1, 7, "\"int\""),
        schema("second", 1, 7, "\"long\""),
        // The same text may share the id, and another context has ids of its own.
        schema("third", 1, 7, "\"int\""),
        schema(":.c:fourth", 1, 7, "\"long\""),
        // What is free again may be claimed.
        schema("fifth", 1, 8, "\"int\""),
        tombstone("fifth", 1),
        schema("sixth", 1, 8, "\"float\""),
    ])
    .await;
    assert_eq!(skipped, 1);
    assert_eq!(api.get("/subjects").await.json(), json!([":.c:fourth", "first", "sixth", "third"]));
    assert_eq!(api.get("/schemas/ids/7/schema").await.text, "\"int\"");
    assert_eq!(api.get("/contexts/.c/schemas/ids/7/schema").await.text, "\"long\"");
    assert_eq!(api.get("/schemas/ids/8/schema").await.text, "\"float\"");
    assert_eq!(api.get("/subjects/second/versions?deleted=true").await.error_code(), 40401);
}

#[tokio::test]
async fn b88_deleting_a_subject_concerns_the_versions_that_the_log_has_at_that_place() {
    let (api, skipped, _folder) = replayed(&[
        schema("s", 1, 1, "\"int\""),
        schema("s", 2, 2, "\"long\""),
        schema("s", 4, 4, "\"double\""),
        delete_subject("s", 3),
        // Written later, though its number is below the mark; and written again.
        schema("s", 3, 3, "\"float\""),
        schema("s", 1, 1, "\"int\""),
        // Nothing is there yet.
        delete_subject("t", 9),
        schema("t", 1, 5, "\"string\""),
    ])
    .await;
    assert_eq!(skipped, 0);
    let target = "/subjects/s/versions?deletedAsNegative=true";
    assert_eq!(api.get(target).await.json(), json!([1, -2, 3, 4]));
    assert_eq!(api.get("/subjects/t/versions").await.json(), json!([1]));
    // A later registration is not deleted either.
    let next = api.post("/subjects/s/versions?force=true", json!({"schema": "\"bytes\""})).await.json();
    assert_eq!(next["version"], 5);
}
