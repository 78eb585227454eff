//! Many writers at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Api, StoreKind};

const WRITERS: usize = 16;

/// A record whose only field has no default: any two of them are incompatible, in both directions.
fn record(field: usize) -> String {
    json!({"type": "record", "name": "R", "fields": [{"name": format!("f{field}"), "type": "int"}]})
        .to_string()
}

/// A record with the first `fields` fields, all with defaults: any two of them are compatible.
fn growing(fields: usize) -> String {
    let fields: Vec<Value> =
        (0..fields).map(|i| json!({"name": format!("f{i}"), "type": "int", "default": i})).collect();
    json!({"type": "record", "name": "R", "fields": fields}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_incompatible_schemas_exactly_one_is_registered() {
    for kind in StoreKind::ALL {
        let api = Arc::new(Api::new(kind).await);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let api = Arc::clone(&api);
            writers.spawn(async move {
                api.post("/subjects/s/versions", json!({"schema": record(writer)})).await.status.as_u16()
            });
        }
        let mut statuses = writers.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200, "{kind:?}");
        assert!(statuses[1..].iter().all(|status| *status == 409), "{kind:?}: {statuses:?}");
        assert_eq!(api.get("/subjects/s/versions").await.text, "[1]", "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_version_is_compatible_with_the_one_before() {
    for kind in StoreKind::ALL {
        let api = Arc::new(Api::new(kind).await);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let api = Arc::clone(&api);
            writers.spawn(async move {
                for round in 0..8 {
                    // Half of them fit, half of them fit nothing.
                    let schema = if (writer + round) % 2 == 0 {
                        growing(writer * 8 + round)
                    } else {
                        record(1000 + writer)
                    };
                    let reply = api.post("/subjects/s/versions", json!({"schema": schema})).await;
                    assert!(matches!(reply.status.as_u16(), 200 | 409), "{}", reply.text);
                }
            });
        }
        writers.join_all().await;
        let versions: Vec<i32> = serde_json::from_str(&api.get("/subjects/s/versions").await.text).unwrap();
        assert!(versions.len() > 1, "{kind:?}: nothing was registered");
        assert_eq!(versions, (1..).take(versions.len()).collect::<Vec<i32>>(), "{kind:?}");
        let mut ids = BTreeSet::new();
        // Delete from the top: each version is then checked against the one before it.
        for version in versions.iter().rev() {
            let stored = api.get(&format!("/subjects/s/versions/{version}")).await.json();
            assert!(ids.insert(stored["id"].as_i64()), "{kind:?}: id {} twice", stored["id"]);
            api.call("DELETE", &format!("/subjects/s/versions/{version}"), None).await;
            let check = json!({"schema": stored["schema"]});
            let verdict =
                api.post("/compatibility/subjects/s/versions/latest?verbose=true", check).await.json();
            assert_eq!(verdict["is_compatible"], true, "{kind:?}: version {version}: {verdict}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_different_subjects_share_ids_of_equal_content() {
    for kind in StoreKind::ALL {
        let api = Arc::new(Api::new(kind).await);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let api = Arc::clone(&api);
            writers.spawn(async move {
                let mut ids = Vec::new();
                for schema in 0..8 {
                    let target = format!("/subjects/s{writer}-{schema}/versions");
                    let reply = api.post(&target, json!({"schema": record(schema)})).await;
                    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
                    ids.push(reply.json()["id"].as_i64().unwrap());
                }
                ids
            });
        }
        let all = writers.join_all().await;
        assert!(all.iter().all(|ids| *ids == all[0]), "{kind:?}: {all:?}");
        assert_eq!(all[0].iter().collect::<BTreeSet<_>>().len(), 8, "{kind:?}");
        assert_eq!(*all[0].iter().max().unwrap(), 8, "{kind:?}: ids have gaps");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_see_what_was_written_before() {
    let api = Arc::new(Api::new(StoreKind::Memory).await);
    for version in 1..=50 {
        let reply = api.post("/subjects/s/versions", json!({"schema": growing(version)})).await;
        let id = reply.json()["id"].clone();
        let latest = api.get("/subjects/s/versions/latest").await.json();
        assert_eq!((&latest["version"], &latest["id"]), (&json!(version), &id));
        assert_eq!(api.get(&format!("/schemas/ids/{id}")).await.status.as_u16(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_topic_that_many_create_at_once_has_one_association_with_one_version() {
    for kind in StoreKind::ALL {
        let api = Arc::new(Api::new(kind).await);
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let api = Arc::clone(&api);
            // Each of two schemas by half of the writers: only one of them can come first.
            let schema = record(writer % 2);
            let body = json!({
                "resourceName": "t", "resourceNamespace": "ns", "resourceId": "r",
                "associations": [{"schema": {"schema": schema}}],
            });
            writers.spawn(async move {
                let reply = api.post("/associations", body).await;
                (reply.status.as_u16(), reply.json().get("associations").is_some())
            });
        }
        let answers = writers.join_all().await;
        let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
        assert_eq!(count((200, true)), 1, "{kind:?}: {answers:?}");
        assert_eq!(count((200, false)), WRITERS / 2 - 1, "{kind:?}: {answers:?}");
        assert_eq!(count((409, false)), WRITERS / 2, "{kind:?}: {answers:?}");
        assert_eq!(api.get("/subjects/:.ns:t-value/versions").await.text, "[1]", "{kind:?}");
        assert_eq!(api.get("/associations/resources/r").await.json().as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_associated_and_what_is_referenced_never_go_together() {
    for kind in StoreKind::ALL {
        for round in 0..8 {
            let api = Arc::new(Api::new(kind).await);
            let base = "{\"type\":\"record\",\"name\":\"B\",\"fields\":[]}";
            api.post("/subjects/:.ns:t-value/versions", json!({"schema": base})).await;
            let calls = [
                // Whoever is referenced is neither associated for good nor deleted, and the other way round. What was
                // deleted may be associated: that makes its next version.
                (
                    "POST",
                    "/associations",
                    json!({
                        "resourceName": "t", "resourceNamespace": "ns", "resourceId": "r",
                        "associations": [{"schema": {"schema": base}}],
                    }),
                ),
                (
                    "POST",
                    "/subjects/user/versions",
                    json!({
                        "schema": "{\"type\":\"array\",\"items\":\"B\"}",
                        "references": [{"name": "B", "subject": ":.ns:t-value", "version": 1}],
                    }),
                ),
                ("DELETE", "/subjects/:.ns:t-value", Value::Null),
            ];
            let mut writers = JoinSet::new();
            for turn in 0..calls.len() {
                let call = (turn + round) % calls.len();
                let (method, target, body) = calls[call].clone();
                let api = Arc::clone(&api);
                writers.spawn(async move {
                    let body = Some(body).filter(|body| !body.is_null());
                    (call, api.call(method, target, body).await.status.as_u16())
                });
            }
            let mut answers = writers.join_all().await;
            answers.sort_unstable();
            let done: Vec<bool> = answers.iter().map(|(_, status)| *status == 200).collect();
            let [associated, referenced, deleted] = done[..] else { panic!("three answers") };
            assert_ne!(associated || deleted, referenced, "{kind:?}: {answers:?}");
        }
    }
}
