//! When the store fails, and what options forbid.

use muster_registry::Options;
use serde_json::{Value, json};

use crate::harness::{Api, StoreKind};

#[tokio::test]
async fn a_failing_store_is_told_by_code() {
    for kind in StoreKind::ALL {
        let api = Api::new(kind).await;
        api.post("/subjects/s/versions", json!({"schema": "\"string\""})).await;
        api.store.close().await;
        let schema = json!({"schema": "\"int\""});
        let cases: [(&str, &str, Option<Value>, i64); 7] = [
            ("POST", "/subjects/t/versions", Some(schema), 50001),
            ("DELETE", "/subjects/s/versions/1", None, 50001),
            ("DELETE", "/subjects/s", None, 500),
            ("DELETE", "/contexts/.unknown", None, 500),
            ("PUT", "/config", Some(json!({"compatibility": "FULL"})), 50001),
            ("PUT", "/mode/s", Some(json!({"mode": "READONLY"})), 50001),
            ("DELETE", "/mode", None, 50001),
        ];
        for (method, target, body, code) in cases {
            let reply = api.call(method, target, body).await;
            // What is read before may fail first; either way it is a failure of ours, told as such.
            assert_eq!(reply.status.as_u16(), 500, "{kind:?} {method} {target}: {}", reply.text);
            assert!(
                [code, 50001, 500].contains(&reply.error_code()),
                "{kind:?} {method} {target}: {}",
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn modes_can_be_frozen() {
    let api = Api::with(StoreKind::Memory, Options { mode_mutability: false, ..Options::default() }).await;
    for (method, body) in [("PUT", Some(json!({"mode": "READONLY"}))), ("DELETE", None)] {
        let reply = api.call(method, "/mode", body).await;
        assert_eq!((reply.status.as_u16(), reply.error_code()), (422, 42205));
        assert_eq!(reply.json()["message"], "Mode changes are not allowed");
    }
}

#[tokio::test]
async fn the_servers_own_settings_hold_where_no_config_says() {
    let options = Options {
        default_compatibility_level: muster_schema::CompatibilityLevel::None,
        validate_new_schemas: false,
        ..Options::default()
    };
    let api = Api::with(StoreKind::Memory, options).await;
    assert_eq!(api.get("/config").await.json(), json!({"compatibilityLevel": "NONE"}));
    let invalid_default =
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}"#;
    for schema in ["\"string\"", "\"int\"", invalid_default] {
        let reply = api.post("/subjects/s/versions", json!({"schema": schema})).await;
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    }
}
