//! The tables of Protobuf.

use muster_schema::format::Strictness;
use muster_schema::protobuf::{self, ProtobufSchema, diff::diff};
use muster_schema::{Limits, ResolvedReferences, identity};
use serde_json::Value;

use crate::Report;
use crate::tables::{cases, strings, text};

/// Parses a side of a case with the files it imports; those without a text are built in.
fn side(name: &str, case: &Value, side: &str) -> ProtobufSchema {
    let member = |what: &str| &case[format!("{side}_{what}")];
    let list = |what: &str| member(what).as_array().map(Vec::as_slice).unwrap_or_default();
    let mut references = ResolvedReferences::default();
    for dependency in list("dependencies") {
        let Some(content) = dependency["dependency"].as_str() else { continue };
        let name = text(dependency, "name").to_owned();
        let version = list("references").iter().find(|reference| reference["name"] == name.as_str());
        // A version stands for what is in it, even if the two sides of a case do not agree about that.
        let guid = version.map(|version| format!("{} {}", version["subject"], version["version"]));
        references.guids.push(identity::content_guid(guid.as_deref().unwrap_or(content), &[], None, None));
        references.texts.push((name, content.to_owned()));
    }
    let schema = member("schema").as_str().expect("a text");
    protobuf::parse(schema, &references, Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {schema}: {error}"))
}

/// Every difference, the verdict and the messages.
pub fn differences(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let (writer, reader) = (side(&name, case, "original"), side(&name, case, "update"));
        let found = diff(&reader, &writer, &Limits::default());
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list
        };
        let changes = sorted(found.iter().map(ToString::to_string).collect());
        report.compare(&format!("{name}: changes"), &changes, &sorted(strings(&case["changes"])));
        let breaks = found.iter().filter(|difference| !difference.is_compatible());
        let is_compatible = case["compatible"] == true;
        report.compare(&format!("{name}: verdict"), &(breaks.clone().count() == 0), &is_compatible);
        if !case["messages"].is_null() {
            let messages = sorted(breaks.map(|difference| difference.text("%s", "%s")).collect());
            report.compare(&format!("{name}: messages"), &messages, &sorted(strings(&case["messages"])));
        }
    }
}

/// The texts that come of a schema, whether it is accepted, its name and its tags.
pub fn canonical(table: &Value, report: &mut Report) {
    for (name, case) in cases(table, report) {
        let texts = case["dependencies"].as_array().into_iter().flatten();
        let texts =
            texts.map(|file| (text(file, "name").to_owned(), text(file, "dependency").to_owned())).collect();
        let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
        let parse =
            |strictness| protobuf::parse(text(case, "schema"), &references, strictness, &Limits::default());
        let is_accepted = parse(Strictness::New).is_ok();
        report.compare(&format!("{name}: accepted"), &is_accepted, &(case["accepted"] == true));
        let schema = parse(Strictness::Stored);
        let is_parsed = case["stage"] != "parse";
        report.compare(&format!("{name}: parsed"), &schema.is_ok(), &is_parsed);
        let Ok(schema) = schema else { continue };
        let Some(canonical) = case["canonical"].as_str() else { continue };
        report.compare(&format!("{name}: canonical"), schema.canonical(), canonical);
        if let Some(expected) = case["normalized"].as_str() {
            let normalized = schema.normalized().map(|schema| schema.canonical().to_owned());
            report.compare(&format!("{name}: normalized"), &normalized, &Ok(expected.to_owned()));
        }
        let is_linked = schema.validate(true).is_ok();
        let expected = case["accepted_with_validate_fields"] == true;
        report.compare(
            &format!("{name}: accepted with validateFields"),
            &(is_linked && is_accepted),
            &expected,
        );
        if let Some(expected) = case["format_serialized"].as_str() {
            let serialized = schema.formatted("serialized");
            report.compare(&format!("{name}: serialized"), &serialized, &Ok(expected.to_owned()));
        }
        let expected = case["format_ignore_extensions"].as_str().unwrap_or(canonical);
        let stripped = schema.formatted("ignore_extensions");
        report.compare(&format!("{name}: without extensions"), &stripped, &Ok(expected.to_owned()));
        let expected = case["record_name"].as_str().map(str::to_owned);
        report.compare(&format!("{name}: record name"), &schema.record_name(), &expected);
        if let Some(expected) = case["inline_tags"].as_str() {
            let tags: Vec<String> = schema.inline_tags().into_iter().flat_map(|entity| entity.tags).collect();
            report.compare(&format!("{name}: tags"), format!("[{}]", tags.join(", ")).as_str(), expected);
        }
    }
}
