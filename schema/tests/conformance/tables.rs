//! The tables of single rules.

use muster_schema::avro::diff::{DifferenceKind, diff};
use muster_schema::compatibility::{Candidate, CompatibilityLevel, Previous, Settings, check};
use muster_schema::format::{ParseError, ParsedSchema, SchemaType, Strictness};
use muster_schema::ids::Version;
use muster_schema::{Limits, ResolvedReferences, SchemaReference, identity};
use serde_json::Value;

use crate::Report;

/// The cases of a table, each counted and named.
pub fn cases<'a>(table: &'a Value, report: &mut Report) -> Vec<(String, &'a Value)> {
    let cases = table["cases"].as_array().expect("a table has cases");
    report.cases += cases.len();
    cases.iter().map(|case| (format!("case {} {}", case["index"], case["description"]), case)).collect()
}

/// A member that is a string.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is a string in {value}"))
}

fn parse(text: &str, references: &Value, strictness: Strictness) -> Result<ParsedSchema, ParseError> {
    let texts = references.as_object().into_iter().flatten();
    let text_of = |text: &Value| text.as_str().expect("a referenced text").to_owned();
    let texts = texts.map(|(name, text)| (name.clone(), text_of(text))).collect();
    ParsedSchema::parse(SchemaType::Avro, text, &ResolvedReferences { texts }, strictness, &Limits::default())
}

fn stored(text: &str) -> ParsedSchema {
    parse(text, &Value::Null, Strictness::Stored).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|item| item.as_str().expect("a list of strings").to_owned())
        .collect()
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
            schema.formatted("resolved").as_str(),
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

pub fn levels(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let history = case["history"].as_array().expect("a history");
        let all = history.iter().chain([&case["new"]]);
        if all.into_iter().any(|schema| schema["type"] != "AVRO") {
            report.cases -= 1;
            continue;
        }
        let schemas: Vec<ParsedSchema> =
            history.iter().map(|version| stored(text(version, "schema"))).collect();
        let previous: Vec<Previous<'_>> = history
            .iter()
            .zip(&schemas)
            .map(|(version, schema)| {
                let number = version["version"].as_i64().and_then(|number| i32::try_from(number).ok());
                Previous { version: number.map(Version), schema, metadata: None }
            })
            .collect();
        let new = stored(text(&case["new"], "schema"));
        let level: CompatibilityLevel = text(case, "level").parse().expect("a level");
        let settings = Settings::of(level);
        let candidate = Candidate { schema: &new, metadata: None };
        let messages = check(candidate, &previous, settings, &Limits::default());
        report.compare(&format!("{name}: verdict"), &messages.is_empty(), &(case["compatible"] == true));
        report.compare(&format!("{name}: server messages"), &messages, &strings(&case["server_messages"]));
        let without_settings: Vec<String> =
            messages.into_iter().filter(|message| !message.starts_with("{validateFields:")).collect();
        report.compare(&format!("{name}: messages"), &without_settings, &strings(&case["messages"]));
    }
}

pub fn guids(table: &Value, report: &mut Report) {
    fn member<T: serde::de::DeserializeOwned>(table: &Value, key: &str) -> T {
        serde_json::from_value(table[key].clone()).unwrap_or_else(|error| panic!("{key}: {error}"))
    }
    let references: Vec<SchemaReference> = member(table, "references");
    let metadata: muster_schema::Metadata = member(table, "metadata");
    let rules: muster_schema::RuleSet = member(table, "rules");
    for (name, case) in cases(table, report) {
        let schema = text(&table["schemas"], &text(case, "schema_type").to_lowercase());
        let [with_references, with_metadata, with_rules] =
            [0, 1, 2].map(|bit| text(case, "combination").as_bytes().get(bit) == Some(&b'1'));
        let guid = identity::content_guid(
            schema,
            if with_references { &references } else { &[] },
            with_metadata.then_some(&metadata),
            with_rules.then_some(&rules),
        );
        report.compare(&format!("{name}: guid"), guid.to_string().as_str(), text(case, "expected_guid"));
    }
}
