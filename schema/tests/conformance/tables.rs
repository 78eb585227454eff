//! The tables of single rules.

use muster_schema::compatibility::{
    Candidate, CompatibilityLevel, CompatibilityPolicy, Previous, Settings, check,
};
use muster_schema::format::{ParsedSchema, SchemaType, Strictness};
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

/// Parses a text of a language, without references.
pub fn stored(schema_type: SchemaType, text: &str) -> ParsedSchema {
    ParsedSchema::parse(
        schema_type,
        text,
        &ResolvedReferences::default(),
        Strictness::Stored,
        &Limits::default(),
    )
    .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Whether this build knows a language of the tables.
pub fn is_known(schema_type: SchemaType) -> bool {
    match schema_type {
        SchemaType::Avro => cfg!(feature = "avro"),
        SchemaType::Json => cfg!(feature = "json"),
        SchemaType::Protobuf => cfg!(feature = "protobuf"),
    }
}

/// A list of strings.
pub fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|item| item.as_str().expect("a list of strings").to_owned())
        .collect()
}

pub fn levels(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let history = case["history"].as_array().expect("a history");
        let type_of = |schema: &Value| text(schema, "type").parse::<SchemaType>().expect("a language");
        let mut all = history.iter().chain([&case["new"]]);
        if !all.all(|schema| is_known(type_of(schema))) {
            report.cases -= 1;
            continue;
        }
        let schemas: Vec<ParsedSchema> =
            history.iter().map(|version| stored(type_of(version), text(version, "schema"))).collect();
        let previous: Vec<Previous<'_>> = history
            .iter()
            .zip(&schemas)
            .map(|(version, schema)| {
                let number = version["version"].as_i64().and_then(|number| i32::try_from(number).ok());
                Previous { version: number.map(Version), schema, metadata: None }
            })
            .collect();
        let new = stored(type_of(&case["new"]), text(&case["new"], "schema"));
        let level: CompatibilityLevel = text(case, "level").parse().expect("a level");
        let policy = match case["policy"].as_str() {
            Some("LENIENT") => CompatibilityPolicy::Lenient,
            _ => CompatibilityPolicy::Strict,
        };
        let settings = Settings { policy, ..Settings::of(level) };
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
