//! The tables of Avro.

use muster_schema::avro::diff::{DifferenceKind, diff};
use muster_schema::format::{ParseError, ParsedSchema, SchemaType, Strictness};
use muster_schema::{Limits, ResolvedReferences};
use serde_json::Value;

use crate::Report;
use crate::tables::{cases, strings, text};

fn parse(text: &str, references: &Value, strictness: Strictness) -> Result<ParsedSchema, ParseError> {
    let texts = references.as_object().into_iter().flatten();
    let text_of = |text: &Value| text.as_str().expect("a referenced text").to_owned();
    let texts = texts.map(|(name, text)| (name.clone(), text_of(text))).collect();
    ParsedSchema::parse(
        SchemaType::Avro,
        text,
        &ResolvedReferences { texts, ..ResolvedReferences::default() },
        strictness,
        &Limits::default(),
    )
}

fn stored(text: &str) -> ParsedSchema {
    parse(text, &Value::Null, Strictness::Stored).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn canonical(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let is_new = case["validate_as_new"].as_bool().expect("validate_as_new");
        let strictness = if is_new { Strictness::New } else { Strictness::Stored };
        let schema = parse(text(case, "schema"), &case["references"], strictness);
        report.compare(&format!("{name}: accepted"), &schema.is_ok(), &(case["accepted"] == true));
        let Ok(schema) = schema else { continue };
        if case["accepted"] != true {
            continue;
        }
        report.compare(&format!("{name}: canonical"), schema.canonical(), text(case, "canonical"));
        let normalized = schema.normalized();
        if case["normalize_throws"] == true {
            report.compare(&format!("{name}: normalizes"), &normalized.is_ok(), &false);
        } else {
            let normalized = normalized.map(|schema| schema.canonical().to_owned());
            report.compare(
                &format!("{name}: normalized"),
                &normalized,
                &Ok(text(case, "normalized").to_owned()),
            );
        }
        report.compare(
            &format!("{name}: resolved"),
            schema.formatted("resolved").as_deref().unwrap_or_default(),
            text(case, "resolved"),
        );
        let record_name = case["record_name"].as_str().map(str::to_owned);
        report.compare(&format!("{name}: record name"), &schema.record_name(), &record_name);
    }
}

pub fn equivalence(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let (a, b) = (stored(text(case, "a")), stored(text(case, "b")));
        let same_canonical = a.canonical() == b.canonical();
        report.compare(
            &format!("{name}: same canonical"),
            &same_canonical,
            &(case["same_canonical"] == true),
        );
        for (a, b, way) in [(&a, &b, "a to b"), (&b, &a, "b to a")] {
            report.compare(
                &format!("{name}: equivalent, {way}"),
                &a.equivalent(b),
                &(case["equivalent"] == true),
            );
        }
    }
}

pub fn compatibility(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let [reader, writer] = ["reader", "writer"].map(|key| stored(&case[key].to_string()));
        let [reader, writer] = [&reader, &writer].map(|schema| schema.as_avro().expect("an Avro schema"));
        let differences = diff(reader, writer, &Limits::default());
        report.compare(&format!("{name}: verdict"), &differences.is_empty(), &(case["compatible"] == true));
        let messages: Vec<String> =
            differences.iter().map(|difference| difference.text("%s", "%s")).collect();
        report.compare(&format!("{name}: messages"), &messages, &strings(&case["messages"]));
        let listed =
            differences.iter().filter(|difference| difference.kind != DifferenceKind::AmbiguousField);
        let listed: Vec<Value> = listed
            .map(|difference| {
                serde_json::json!({
                    "type": difference.kind.as_str(),
                    "location": difference.location,
                    "message": difference.message,
                })
            })
            .collect();
        let expected = case["incompatibilities"].as_array().cloned().unwrap_or_default();
        report.compare(&format!("{name}: incompatibilities"), &listed, &expected);
    }
}
