//! Hot paths of the JSON module: parsing with canonical text, and comparison.
//!
//! `cargo bench -p muster-schema --bench json`

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use muster_schema::compatibility::CompatibilityPolicy::Strict;
use muster_schema::json::diff::diff;
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};

fn main() {
    divan::main();
}

const DIALECTS: [&str; 2] =
    ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"];

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

fn parse(text: &str) -> JsonSchema {
    json::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())
        .expect("a valid schema")
}

#[divan::bench(args = DIALECTS)]
fn parse_and_canonicalize_200_properties(bencher: Bencher, dialect: &str) {
    let text = text(dialect, 0);
    bencher.counter(BytesCount::new(text.len())).bench_local(|| parse(black_box(&text)).canonical().len());
}

#[divan::bench(args = DIALECTS)]
fn normalize_200_properties(bencher: Bencher, dialect: &str) {
    let schema = parse(&text(dialect, 0));
    bencher.bench_local(|| black_box(&schema).normalized());
}

#[divan::bench(args = DIALECTS)]
fn compare_200_properties(bencher: Bencher, dialect: &str) {
    let [writer, reader] = [0, 1].map(|version| parse(&text(dialect, version)));
    let limits = Limits::default();
    assert!(diff(&reader, &writer, Strict, &limits).iter().all(|found| found.kind.is_compatible(Strict)));
    bencher
        .counter(ItemsCount::new(200_usize))
        .bench_local(|| diff(black_box(&reader), black_box(&writer), Strict, &limits));
}

#[divan::bench(args = [10, 100])]
fn match_choices(bencher: Bencher, count: usize) {
    let list = |first: usize| -> Vec<String> {
        (0..count).map(|n| format!(r#"{{"type": "string", "maxLength": {}}}"#, first + n)).collect()
    };
    let [writer, reader] = [0, 1].map(|first| parse(&format!("{{\"oneOf\": [{}]}}", list(first).join(","))));
    let limits = Limits::default();
    assert!(diff(&reader, &writer, Strict, &limits).iter().all(|found| found.kind.is_compatible(Strict)));
    bencher.bench_local(|| diff(black_box(&reader), black_box(&writer), Strict, &limits));
}
