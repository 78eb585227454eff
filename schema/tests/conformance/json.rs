//! The tables of JSON Schema.

use muster_schema::compatibility::CompatibilityPolicy;
use muster_schema::format::Strictness;
use muster_schema::json::diff::{Difference, diff};
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences};
use serde_json::Value;

use crate::Report;
use crate::tables::{cases, strings, text};

fn parse(text: &str, references: &Value) -> Result<JsonSchema, ParseError> {
    let texts = references.as_object().into_iter().flatten();
    let text_of = |text: &Value| text.as_str().expect("a referenced text").to_owned();
    let texts = texts.map(|(name, text)| (name.clone(), text_of(text))).collect();
    json::parse(
        text,
        &ResolvedReferences { texts, ..ResolvedReferences::default() },
        Strictness::New,
        &Limits::default(),
    )
}

pub fn canonical(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let (submitted, references) = (text(case, "schema"), &case["references"]);
        let schema = parse(submitted, references).and_then(|schema| {
            if case["validate_fields"] == true {
                schema.check_field_names()?;
            }
            Ok(schema)
        });
        report.compare(&format!("{name}: accepted"), &schema.is_ok(), &(case["accepted"] == true));
        // What is refused when it is loaded is still JSON, which mode IMPORT stores.
        let stored =
            json::parse(submitted, &ResolvedReferences::default(), Strictness::Stored, &Limits::default());
        report.compare(&format!("{name}: is JSON"), &stored.is_ok(), &(case["stage"] != "json-parse"));
        let (Ok(stored), Some(canonical)) = (stored, case["canonical"].as_str()) else { continue };
        report.compare(&format!("{name}: canonical"), stored.canonical(), canonical);
        let normalized = stored.normalized().map(|schema| schema.canonical().to_owned());
        report.compare(&format!("{name}: normalized"), &normalized, &Ok(text(case, "normalized").to_owned()));
        if let Ok(schema) = schema {
            let record_name = case["record_name"].as_str().map(str::to_owned);
            report.compare(&format!("{name}: record name"), &schema.record_name(), &record_name);
        }
    }
}

/// What was recorded of a comparison under a policy.
fn listed(differences: &[Difference]) -> Vec<String> {
    let lines = differences.iter().map(|difference| format!("{} {}", difference.kind, difference.path));
    sorted(lines.collect())
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn is_compatible(differences: &[Difference], policy: CompatibilityPolicy) -> bool {
    differences.iter().all(|difference| difference.kind.is_compatible(policy))
}

const STRICT: CompatibilityPolicy = CompatibilityPolicy::Strict;
const LENIENT: CompatibilityPolicy = CompatibilityPolicy::Lenient;

/// Tables of two schemas and what changed. Those of this project compare again under the lenient policy; in the others it
/// judges the same differences.
pub fn differences(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let runs_again = case["messages"].is_array();
        let schemas =
            ["update_schema", "original_schema"].map(|key| parse(&case[key].to_string(), &Value::Null));
        let [reader, writer] = schemas.map(|schema| schema.unwrap_or_else(|error| panic!("{name}: {error}")));
        let limits = Limits::default();
        let strict = diff(&reader, &writer, STRICT, &limits);
        let lenient = if runs_again { diff(&reader, &writer, LENIENT, &limits) } else { strict.clone() };
        let expected = case["compatible"] == true;
        if !case["reference_throws"].is_null() {
            // The one case is a lower `exclusiveMaximum`.
            let kinds = strict.iter().any(|found| found.kind.as_str() == "EXCLUSIVE_MAXIMUM_DECREASED");
            report.compare(&format!("{name}: what the reference means"), &kinds, &true);
            continue;
        }
        report.compare(&format!("{name}: strict verdict"), &is_compatible(&strict, STRICT), &expected);
        let expected = case["compatible_lenient"].as_bool().unwrap_or(expected);
        report.compare(&format!("{name}: lenient verdict"), &is_compatible(&lenient, LENIENT), &expected);
        if case["matching_ambiguous"] == true {
            continue;
        }
        let changes = sorted(strings(&case["changes"]));
        report.compare(&format!("{name}: changes"), &listed(&strict), &changes);
        if runs_again {
            let changes = case["changes_lenient"].as_array().map(|_| strings(&case["changes_lenient"]));
            let changes = changes.map(sorted).unwrap_or_else(|| sorted(strings(&case["changes"])));
            report.compare(&format!("{name}: lenient changes"), &listed(&lenient), &changes);
            let breaking = strict.iter().filter(|found| !found.kind.is_compatible(STRICT));
            let messages = sorted(breaking.map(|found| found.text("%s", "%s")).collect());
            report.compare(&format!("{name}: messages"), &messages, &sorted(strings(&case["messages"])));
        }
    }
}

/// The same schemas in two dialects.
pub fn dialects(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let mut source = case["source_schema"].clone();
        if let Some(members) = source.as_object_mut() {
            members.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        }
        let source = parse(&source.to_string(), &Value::Null);
        let target = parse(&case["target_schema"].to_string(), &Value::Null);
        let ways = [
            ("target to source", &source, &target, &case["observed_target_to_source"]),
            ("source to target", &target, &source, &case["observed_source_to_target"]),
        ];
        for (way, reader, writer, observed) in ways {
            if observed["reference_throws"] == true {
                continue;
            }
            let name = format!("{name} {} {way}", case["source_schema"]);
            let (Ok(reader), Ok(writer)) = (reader, writer) else {
                report.compare(&format!("{name}: accepted"), &false, &true);
                continue;
            };
            let found = diff(reader, writer, STRICT, &Limits::default());
            report.compare(
                &format!("{name}: changes"),
                &listed(&found),
                &sorted(strings(&observed["changes"])),
            );
            let verdicts = [is_compatible(&found, STRICT), is_compatible(&found, LENIENT)].map(Some);
            let expected = [&observed["compatible"], &observed["compatible_lenient"]].map(Value::as_bool);
            report.compare(&format!("{name}: verdicts"), &verdicts, &expected);
        }
    }
}
