//! What the registry and the validator do with JSON Schema, against `serde_json` parsing the same texts into values and
//! doing nothing else: one table for people.
//!
//! `cargo bench -p muster-schema --bench json`
//!
//! Both sides of a row work on the same text in the same run, in turn; each figure is the median of many short batches.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a table for people")]

#[path = "support/timing.rs"]
mod timing;

use std::hint::black_box;

use muster_schema::compatibility::CompatibilityPolicy::Strict;
use muster_schema::json::diff::diff;
use muster_schema::json::validate::{Options, Validator};
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use serde_json::Value;
use timing::row;

const DIALECTS: [(&str, &str); 2] = [
    ("draft 7", "http://json-schema.org/draft-07/schema#"),
    ("2020-12", "https://json-schema.org/draft/2020-12/schema"),
];

/// What payloads are held against.
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

/// The same values, but recursive, so that steps are counted.
const TREE: &str = r##"{"type": "object", "properties": {
    "id": {"type": "string"}, "customer": {"type": "object"}, "state": {"type": "string"}, "note": {},
    "lines": {"type": "array", "items": {"$ref": "#"}}, "sku": {"type": "string"},
    "quantity": {"type": "integer", "minimum": 1}, "price": {"type": "number"},
    "tags": {"type": "array", "items": {"type": "string"}}}, "additionalProperties": false}"##;

fn main() {
    for (name, dialect) in DIALECTS {
        schemas(name, dialect);
    }
    choices(10);
    choices(100);
    payloads();
}

/// Texts of 200 properties.
fn schemas(name: &str, dialect: &str) {
    let texts = [0, 1].map(|version| text(dialect, version));
    let [writer, reader] = [0, 1].map(|version| parse(&texts[version]));
    let limits = Limits::default();
    println!("\n{name}, 200 properties, {} bytes", texts[0].len());
    let mut one = || read(&texts[0]);
    row(
        "parse, canonical text",
        &mut || !parse(black_box(&texts[0])).canonical().is_empty(),
        "serde_json: parse",
        &mut one,
    );
    row(
        "normalized text",
        &mut || !black_box(&writer).normalized().unwrap().canonical().is_empty(),
        "serde_json: parse",
        &mut one,
    );
    row(
        "compare",
        &mut || {
            let found = diff(black_box(&reader), black_box(&writer), Strict, &limits);
            found.iter().all(|found| found.kind.is_compatible(Strict))
        },
        "serde_json: parse both",
        &mut || texts.iter().all(|text| read(text)),
    );
}

/// `oneOf` with so many branches on both sides, none of which is as it was, so that all have to be matched with all.
fn choices(count: usize) {
    let text = |first: usize| {
        let branch = |n| format!(r#"{{"type": "string", "maxLength": {}}}"#, first + n);
        format!("{{\"oneOf\": [{}]}}", (0..count).map(branch).collect::<Vec<_>>().join(","))
    };
    let texts = [0, 1].map(text);
    let [writer, reader] = [0, 1].map(|version| parse(&texts[version]));
    let limits = Limits::default();
    println!("\n{count} branches");
    row(
        "compare",
        &mut || {
            let found = diff(black_box(&reader), black_box(&writer), Strict, &limits);
            found.iter().all(|found| found.kind.is_compatible(Strict))
        },
        "serde_json: parse both",
        &mut || texts.iter().all(|text| read(text)),
    );
}

fn payloads() {
    let valid = payload();
    let wrong = valid.replace("\"paid\"", "\"lost\"");
    let limits = Limits::default();
    let [order, tree] = [ORDER, TREE].map(validator);
    let ahead = validator(&ORDER.replace("^[0-9a-f]{8}-", "^(?=.*-)[0-9a-f]{8}-"));
    println!("\na payload of {} bytes", valid.len());
    let accepts =
        |validator: &Validator, body: &str| validator.check(black_box(body.as_bytes()), &limits).is_ok();
    let cases: [(&str, &Validator, &str); 4] = [
        ("validate", &order, &valid),
        ("the same, a recursive schema", &tree, &valid),
        ("the same, a pattern that looks ahead", &ahead, &valid),
        ("refuse, with place and reason", &order, &wrong),
    ];
    for (what, validator, body) in cases {
        let is_valid = body == valid;
        row(what, &mut || accepts(validator, body) == is_valid, "serde_json: parse", &mut || read(body));
    }
    row(
        "parse and compile the schema",
        &mut || !std::ptr::eq(&validator(black_box(ORDER)), &order),
        "serde_json: parse",
        &mut || read(ORDER),
    );
}

fn read(text: &str) -> bool {
    serde_json::from_str::<Value>(black_box(text)).is_ok_and(|value| value.is_object())
}

fn parse(text: &str) -> JsonSchema {
    json::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default()).unwrap()
}

fn validator(text: &str) -> Validator {
    Validator::compile(&parse(text), Options::default(), &Limits::default()).unwrap()
}

/// About 1 KB.
fn payload() -> String {
    let line = r#"{"sku":"SKU-000123","quantity":3,"price":19.99,"tags":["red","large","sale"]}"#;
    let lines = [line; 11].join(",");
    format!(
        r#"{{"id":"0123abcd-ef01","customer":{{"name":"Zoë Example","email":"zoe@example.com","age":42}},"lines":[{lines}],"state":"paid","note":null}}"#
    )
}

/// A schema of 200 properties, a few of each kind; `version` moves limits and choices.
fn text(dialect: &str, version: usize) -> String {
    let property = |n: usize| {
        match n % 8 {
        0 => format!(r#"{{"type": "string", "minLength": 1, "maxLength": {}}}"#, 100 + version),
        1 => format!(r#"{{"type": "integer", "minimum": 0, "maximum": {}}}"#, 1000 + version),
        2 => r#"{"type": ["string", "null"], "format": "date-time", "description": "when it was"}"#.to_owned(),
        3 => r##"{"$ref": "#/definitions/address"}"##.to_owned(),
        4 => r#"{"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}}"#.to_owned(),
        5 => r#"{"oneOf": [{"type": "null"}, {"type": "string", "pattern": "^[a-z]+$"}, {"type": "boolean"}]}"#.to_owned(),
        6 => r#"{"enum": ["red", "green", "blue"]}"#.to_owned(),
        _ => r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}, "additionalProperties": false}"#.to_owned(),
    }
    };
    let properties: Vec<String> = (0..200).map(|n| format!("\"property_{n}\": {}", property(n))).collect();
    format!(
        r#"{{"$schema": "{dialect}", "title": "Order", "type": "object", "additionalProperties": false, "properties": {{{}}}, "required": ["property_0", "property_1"], "definitions": {{"address": {{"type": "object", "properties": {{"street": {{"type": "string"}}, "zip": {{"type": "string", "maxLength": 10}}}}}}}}}}"#,
        properties.join(", ")
    )
}
