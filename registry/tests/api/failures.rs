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

#[tokio::test]
async fn too_many_requests_are_turned_away_but_not_those_for_health() {
    let api = Api::with(StoreKind::Memory, Options { max_requests: 0, ..Options::default() }).await;
    for (method, target) in [("GET", "/subjects"), ("GET", "/schemas/ids/1"), ("DELETE", "/config")] {
        let reply = api.call(method, target, None).await;
        assert_eq!((reply.status.as_u16(), reply.error_code()), (503, 503), "{target}");
        assert_eq!(reply.headers["retry-after"], "1");
        assert!(reply.headers.contains_key("x-request-id"));
    }
    for target in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(api.get(target).await.status.as_u16(), 200, "{target}");
    }
    assert!(api.get("/metrics").await.text.contains("status=\"503\"} 3"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let options = Options { request_timeout: std::time::Duration::ZERO, ..Options::default() };
    let api = Api::with(StoreKind::File, options).await;
    let reply = api.post("/subjects/s/versions", json!({"schema": "\"string\""})).await;
    assert_eq!((reply.status.as_u16(), reply.error_code()), (504, 504), "{}", reply.text);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.json()["message"], "Request timed out");
}

#[tokio::test]
async fn the_description_is_served() {
    let api = Api::new(StoreKind::Memory).await;
    let reply = api.get("/openapi.json").await;
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.json(), serde_json::to_value(muster_registry::http::openapi()).unwrap());
    assert!(reply.json()["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn no_path_of_the_server_is_told() {
    let api = Api::new(StoreKind::File).await;
    api.store.close().await;
    for target in ["/subjects", "/subjects/s/versions/1", "/config", "/health/ready"] {
        let reply = api.get(target).await;
        assert!(!reply.text.contains(['/', '\\']), "{target}: {}", reply.text);
    }
}
