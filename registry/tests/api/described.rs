//! Whether answers are as the API description has them.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use serde_json::{Value, json};

use crate::harness::Reply;

/// The description; objects may have no members but those described.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut description = serde_json::to_value(muster_registry::http::openapi()).unwrap();
    close(&mut description["components"]["schemas"]);
    description
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static jsonschema::Validator>>> =
    LazyLock::new(Mutex::default);

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Compares an answer with what is described for its request; an error says what differs. Answers of no endpoint, and
/// those to targets that were refused outright, are not described.
pub fn check(method: &str, target: &str, reply: &Reply) -> Result<(), String> {
    let Some(operation) = operation(method, target) else { return Ok(()) };
    if !reply.headers.contains_key("x-request-id") || reply.text.is_empty() {
        return Ok(());
    }
    let responses = &operation["responses"];
    let status = reply.status.as_str();
    let response = responses.get(status).or_else(|| responses.get("default"));
    let response = response.ok_or_else(|| format!("status {status} is not described"))?;
    let Some(media_type) = reply.headers.get("content-type") else { return Ok(()) };
    if response.get("content").is_none() {
        return Ok(());
    }
    let media_type = media_type.to_str().unwrap().split(';').next().unwrap();
    let content = response["content"].get(media_type);
    let content = content.ok_or_else(|| format!("status {status} with {media_type} is not described"))?;
    let Some(schema) = content.get("schema") else { return Ok(()) };
    let body: Value = serde_json::from_str(&reply.text).map_err(|e| format!("body is not JSON: {e}"))?;
    let error = validator(schema).iter_errors(&body).next().map(|error| error.to_string());
    error.map_or(Ok(()), |error| Err(format!("body is not as described for {status}: {error}\n    {body}")))
}

fn validator(schema: &Value) -> &'static jsonschema::Validator {
    let mut validators = VALIDATORS.lock().unwrap();
    validators.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = json!({"schemas": DESCRIPTION["components"]["schemas"]});
        Box::leak(Box::new(jsonschema::validator_for(&whole).unwrap()))
    })
}

/// What is described for a request, which may stand under a context.
fn operation(method: &str, target: &str) -> Option<&'static Value> {
    let path = target.split('?').next()?.trim_matches('/').to_owned();
    let mut segments: Vec<&str> = path.split('/').collect();
    if segments.len() > 2 && segments.first() == Some(&"contexts") {
        segments.drain(..2);
    }
    let fits = |template: &str| {
        let template: Vec<&str> = template.trim_matches('/').split('/').collect();
        template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(expected, got)| expected.starts_with('{') || expected == got)
    };
    let paths = DESCRIPTION["paths"].as_object()?;
    // Literal segments before parameters, as the router has it.
    let mut found: Vec<(&String, &Value)> = paths.iter().filter(|(template, _)| fits(template)).collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.into_iter().find_map(|(_, item)| item.get(method.to_ascii_lowercase()))
}

#[test]
fn operations_have_names_of_their_own() {
    let mut names: Vec<&str> = DESCRIPTION["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn an_answer_that_is_not_described_is_found() {
    let reply = |status: u16, text: &str| Reply {
        status: axum::http::StatusCode::from_u16(status).unwrap(),
        headers: crate::harness::headers(&[
            ("x-request-id".to_owned(), "1".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]),
        text: text.to_owned(),
    };
    let cases = [
        ("GET", "/subjects", 200, r#"["a"]"#, true),
        ("GET", "/subjects", 200, "[1]", false),
        ("GET", "/contexts/.c/subjects?deleted=true", 200, "[1]", false),
        ("GET", "/subjects", 404, r#"{"error_code":404,"message":"x"}"#, true),
        ("GET", "/subjects", 404, r#"{"message":"x"}"#, false),
        ("GET", "/schemas/ids/1", 200, r#"{"schema":"x","unheard":1}"#, false),
        ("GET", "/schemas/types", 200, r#"["AVRO"]"#, true),
        ("GET", "/nowhere", 200, "1", true),
    ];
    for (method, target, status, text, expected) in cases {
        assert_eq!(check(method, target, &reply(status, text)).is_ok(), expected, "{method} {target} {text}");
    }
}
