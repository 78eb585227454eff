//! Validation of JSON payloads: `cargo bench -p muster-schema --no-default-features --features json --bench json_validate`.
//!
//! `serde_json` parses the same bytes into a value and does nothing else, which is the measure.
#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use divan::{Bencher, black_box};
use muster_schema::json::validate::{Options, Validator};
use muster_schema::{Limits, ResolvedReferences, Strictness, json};
use serde_json::Value;

const ORDER: &str = r##"{
    "$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}$"},
        "customer": {"$ref": "#/definitions/customer"},
        "lines": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/line"}},
        "state": {"enum": ["new", "paid", "sent", "closed"]},
        "note": {"type": ["string", "null"], "maxLength": 200}
    },
    "required": ["id", "customer", "lines", "state"], "additionalProperties": false,
    "definitions": {
        "customer": {"type": "object", "properties": {
            "name": {"type": "string", "minLength": 1}, "email": {"type": "string"}, "age": {"type": "integer", "minimum": 0}
        }, "required": ["name"]},
        "line": {"type": "object", "properties": {
            "sku": {"type": "string"}, "quantity": {"type": "integer", "minimum": 1},
            "price": {"type": "number", "exclusiveMinimum": 0}, "tags": {"type": "array", "items": {"type": "string"}}
        }, "required": ["sku", "quantity", "price"]}
    }
}"##;

/// The same, but recursive, so that steps are counted.
const TREE: &str = r##"{"type": "object", "properties": {
    "id": {"type": "string"}, "customer": {"type": "object"}, "state": {"type": "string"}, "note": {},
    "lines": {"type": "array", "items": {"$ref": "#"}}, "sku": {"type": "string"},
    "quantity": {"type": "integer", "minimum": 1}, "price": {"type": "number"},
    "tags": {"type": "array", "items": {"type": "string"}}}, "additionalProperties": false}"##;

fn main() {
    println!("the payload has {} bytes", payload().len());
    divan::main();
}

/// About 1 KB.
fn payload() -> Vec<u8> {
    let line = r#"{"sku":"SKU-000123","quantity":3,"price":19.99,"tags":["red","large","sale"]}"#;
    let lines = [line; 11].join(",");
    let text = format!(
        r#"{{"id":"0123abcd-ef01","customer":{{"name":"Zoë Example","email":"zoe@example.com","age":42}},"lines":[{lines}],"state":"paid","note":null}}"#
    );
    text.into_bytes()
}

fn validator(text: &str) -> Validator {
    let limits = Limits::default();
    let schema = json::parse(text, &ResolvedReferences::default(), Strictness::New, &limits).unwrap();
    Validator::compile(&schema, Options::default(), &limits).unwrap()
}

#[divan::bench]
fn serde_json_parses(bencher: Bencher) {
    let bytes = payload();
    bencher.bench(|| serde_json::from_slice::<Value>(black_box(&bytes)).unwrap());
}

#[divan::bench]
fn validates(bencher: Bencher) {
    let (bytes, validator, limits) = (payload(), validator(ORDER), Limits::default());
    bencher.bench(|| validator.check(black_box(&bytes), &limits).unwrap());
}

#[divan::bench]
fn validates_recursive_schema(bencher: Bencher) {
    let (bytes, validator, limits) = (payload(), validator(TREE), Limits::default());
    bencher.bench(|| validator.check(black_box(&bytes), &limits).unwrap());
}

#[divan::bench]
fn refuses(bencher: Bencher) {
    let text = String::from_utf8(payload()).unwrap().replace("\"paid\"", "\"lost\"");
    let (validator, limits) = (validator(ORDER), Limits::default());
    bencher.bench(|| validator.check(black_box(text.as_bytes()), &limits).unwrap_err());
}

#[divan::bench]
fn compiles(bencher: Bencher) {
    bencher.bench(|| validator(black_box(ORDER)));
}
