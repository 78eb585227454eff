//! Schemathesis: what it makes of the API's description is answered as described, and never with a 5xx.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use support::muster::Registry;
use support::process::run;
use support::{cache_folder, skipped, tests_folder};

/// Several hours: the long form runs as long as it was told to.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);

#[test]
fn answers_are_as_described() {
    let program = cache_folder().join("schemathesis/bin/schemathesis");
    if !program.exists() {
        skipped(
            "answers_are_as_described",
            &format!("no {}; tests/run --clients makes it", program.display()),
        );
        return;
    }
    let registry = Registry::in_memory();
    seed(&registry);
    let folder = tests_folder().join("clients/schemathesis");
    let scratch = tempfile::tempdir().unwrap();
    let setting = |name: &str, default: &str| std::env::var_os(name).unwrap_or_else(|| default.into());
    let mut command = Command::new(program);
    command
        .current_dir(scratch.path())
        .env("SCHEMATHESIS_HOOKS", folder.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/openapi.json", registry.url()))
        .args(["--no-color", "--workers", "1", "--generation-database", "none"])
        .arg("--max-examples")
        .arg(setting("SCHEMATHESIS_EXAMPLES", "10"))
        .arg("--seed")
        .arg(setting("SCHEMATHESIS_SEED", "1"));
    let said = run(command, b"", PATIENCE);
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    assert!(said.out.contains("passed") && !said.out.contains("Tested: 0"), "{}", said.out);
}

/// Something of everything, for the names that `schemathesis.toml` lists.
fn seed(registry: &Registry) {
    let user = r#"{"type":"record","name":"User","fields":[{"name":"id","type":"long"}]}"#;
    let named = r#"{"type":"record","name":"User","fields":[{"name":"id","type":"long"},{"name":"name","type":"string","default":""}]}"#;
    let order = r#"{"type":"record","name":"Order","fields":[{"name":"user","type":"User"}]}"#;
    let money = r#"syntax = "proto3"; package shop; message Money { int64 units = 1; }"#;
    let price = r#"syntax = "proto3"; import "money.proto"; message Price { shop.Money money = 1; }"#;
    let reference = |name: &str, subject: &str| json!([{ "name": name, "subject": subject, "version": 1 }]);
    let rules = json!({ "domainRules": [{ "name": "r", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true" }] });
    let requests: Vec<(&str, &str, Value)> = vec![
        (
            "POST",
            "/subjects/user/versions",
            json!({ "schema": user, "metadata": { "properties": { "owner": "a" }, "tags": { "**.id": ["PII"] } } }),
        ),
        ("POST", "/subjects/user/versions", json!({ "schema": named, "ruleSet": rules })),
        (
            "POST",
            "/subjects/order/versions",
            json!({ "schema": order, "references": reference("User", "user") }),
        ),
        ("POST", "/subjects/proto/versions", json!({ "schemaType": "PROTOBUF", "schema": money })),
        (
            "POST",
            "/subjects/price/versions",
            json!({ "schemaType": "PROTOBUF", "schema": price, "references": reference("money.proto", "proto") }),
        ),
        (
            "POST",
            "/subjects/json/versions",
            json!({ "schemaType": "JSON", "schema": r#"{"type":"object","properties":{"a":{"type":"integer"}}}"# }),
        ),
        (
            "POST",
            "/subjects/jref/versions",
            json!({ "schemaType": "JSON", "schema": r#"{"properties":{"j":{"$ref":"json.json"}}}"#, "references": reference("json.json", "json") }),
        ),
        ("POST", "/subjects/%3A.ctx%3Auser/versions", json!({ "schema": user })),
        ("POST", "/subjects/gone/versions", json!({ "schema": "\"int\"" })),
        ("DELETE", "/subjects/gone", Value::Null),
        ("POST", "/subjects/half/versions", json!({ "schema": "\"int\"" })),
        ("POST", "/subjects/half/versions", json!({ "schema": "\"long\"" })),
        ("DELETE", "/subjects/half/versions/1", Value::Null),
        ("PUT", "/config/user", json!({ "compatibility": "FULL_TRANSITIVE", "normalize": true })),
        ("PUT", "/config/alias", json!({ "alias": "user" })),
        ("PUT", "/mode/half", json!({ "mode": "READWRITE" })),
        (
            "POST",
            "/associations",
            json!({ "resourceName": "t", "resourceNamespace": "lkc-1", "resourceId": "lkc-1:t", "resourceType": "topic", "associations": [{ "subject": "user", "associationType": "value", "lifecycle": "WEAK" }] }),
        ),
    ];
    let mut client = registry.client();
    for (method, path, body) in requests {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json")];
        let answer = client.send(method, path, &headers, body.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{method} {path}: {answer:?}");
    }
}
