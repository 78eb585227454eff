//! Each incompatibility of JSON Schemas has an instance that shows it, wherever there is one: small cases as a table, then
//! every incompatibility of the conformance folder, proved by holding the instance against both texts as they stand.
#![cfg(feature = "json")]
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use muster_schema::compatibility::CompatibilityPolicy;
use muster_schema::json::diff::diff;
use muster_schema::json::witness::{NoWitness, explain};
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};
use serde_json::Value;

const STRICT: CompatibilityPolicy = CompatibilityPolicy::Strict;

fn parse_with(text: &str, texts: Vec<(String, String)>) -> Result<JsonSchema, ParseError> {
    let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
    json::parse(text, &references, Strictness::New, &Limits::default())
}

fn parse(text: &str) -> JsonSchema {
    parse_with(text, Vec::new()).unwrap_or_else(|error| panic!("{text:.300}: {error}"))
}

#[test]
fn each_incompatibility_is_shown_by_the_smallest_instance_found() {
    let object = |members: &str| format!(r#"{{"type":"object",{members}}}"#);
    let modern =
        |members: &str| format!(r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema",{members}}}"#);
    // Reader, writer, and for each incompatibility the instance and what is refused.
    let cases: Vec<(String, String, &[&str])> = vec![
        (r#"{"type":"string"}"#.into(), r#"{"type":"integer"}"#.into(), &["0 |  | is not of type string"]),
        (r#"{"type":"integer"}"#.into(), r#"{"type":"number"}"#.into(), &["0.5 |  | is not of type integer"]),
        (
            r#"{"type":"string","maxLength":3}"#.into(),
            r#"{"type":"string","maxLength":5}"#.into(),
            &["\"aaaa\" |  | is longer than 3 characters"],
        ),
        (r#"{"maximum":10}"#.into(), r#"{"maximum":20}"#.into(), &["11 |  | is more than 10"]),
        (
            r#"{"enum":[1,"b"]}"#.into(),
            r#"{"enum":[1,"b",[2]]}"#.into(),
            &["[2] |  | is not one of [1, \"b\"]"],
        ),
        (
            object(r#""properties":{"a":{"type":"integer"},"b":{}},"required":["b"]"#),
            object(r#""properties":{"a":{"type":"integer"},"b":{}}"#),
            &["{} |  | lacks the member \"b\""],
        ),
        (
            object(r#""properties":{"a":{"items":{"minimum":5}}}"#),
            object(r#""properties":{"a":{"items":{"minimum":1}}},"required":["a"]"#),
            &["{\"a\":[1]} | /a/0 | is less than 5"],
        ),
        (
            object(r#""properties":{"x":{"type":"integer"}}"#),
            object(r#""properties":{}"#),
            &["{\"x\":\"\"} | /x | is not of type integer"],
        ),
        (
            object(r#""additionalProperties":false"#),
            object(r#""title":"open""#),
            &["{\"x\":0} |  | has members that the schema does not allow"],
        ),
        (r#"{"uniqueItems":true}"#.into(), "{}".into(), &["[0,0] |  | has equal items"]),
        (
            r#"{"oneOf":[{"type":"string"}]}"#.into(),
            r#"{"oneOf":[{"type":"string"},{"type":"boolean"}]}"#.into(),
            &["true |  | satisfies no branch of oneOf"],
        ),
        (
            modern(r#""properties":{"a":true},"unevaluatedProperties":false"#),
            modern(r#""properties":{"a":true}"#),
            &["{\"x\":0} |  | has members that the schema does not allow"],
        ),
        (
            r##"{"properties":{"n":{"$ref":"#"},"v":{"type":"integer"}},"required":["v"]}"##.into(),
            r##"{"properties":{"n":{"$ref":"#"},"v":{"type":"integer"}}}"##.into(),
            &[
                "{} |  | lacks the member \"v\"",
                "{\"v\":0,\"n\":{}} | /n | lacks the member \"v\"",
                "{\"v\":0,\"n\":{\"v\":0,\"n\":{}}} | /n/n | lacks the member \"v\"",
            ],
        ),
        // Two ways to write the same: the reference compares texts, and there is nothing to show.
        (r#"{"pattern":"^a{2}$"}"#.into(), r#"{"pattern":"^aa$"}"#.into(), &["none"]),
        (r#"{"properties":{"a":true}}"#.into(), r##"{"not":{"$ref":"#"}}"##.into(), &["none"]),
    ];
    for (reader, writer, expected) in cases {
        let explained = explain(&parse(&reader), &parse(&writer), STRICT, &Limits::default());
        let shown: Vec<String> = explained
            .iter()
            .map(|explained| match &explained.witness {
                Ok(found) => {
                    let reason = found.reason.split(": ").nth(1).unwrap_or_default();
                    let place = if found.path.is_empty() { "the value" } else { &found.path };
                    let reason = reason.strip_prefix(place).unwrap_or(reason).trim_start();
                    format!("{} | {} | {reason}", found.datum, found.path)
                }
                Err(_) => "none".to_owned(),
            })
            .collect();
        assert_eq!(shown, expected, "reader {reader}, writer {writer}");
    }
}

#[test]
fn hostile_pairs_are_answered_soon() {
    let nested = |depth: usize, leaf: &str| {
        (0..depth)
            .fold(leaf.to_owned(), |inner, _| format!(r#"{{"properties":{{"a":{inner}}},"required":["a"]}}"#))
    };
    let wide = |count: usize, leaf: &str| {
        let members: Vec<String> = (0..count).map(|i| format!(r#""m{i}":{leaf}"#)).collect();
        format!(r#"{{"properties":{{{}}}}}"#, members.join(","))
    };
    let cases = [
        (nested(200, r#"{"type":"string"}"#), nested(200, r#"{"type":"integer"}"#)),
        (wide(3_000, r#"{"type":"string"}"#), wide(3_000, r#"{"type":"integer"}"#)),
        (
            r##"{"properties":{"n":{"$ref":"#"}},"required":["n"],"maxProperties":5}"##.to_owned(),
            r##"{"properties":{"n":{"$ref":"#"}},"required":["n"]}"##.to_owned(),
        ),
        (r#"{"minItems":1000000000}"#.to_owned(), r#"{"minItems":999999999,"uniqueItems":true}"#.to_owned()),
        (r#"{"maxLength":1}"#.to_owned(), r#"{"minLength":2000000000}"#.to_owned()),
    ];
    for (reader, writer) in cases {
        let start = std::time::Instant::now();
        let work = move || explain(&parse(&reader), &parse(&writer), STRICT, &Limits::default()).len();
        let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(work).expect("a thread");
        assert!(thread.join().expect("no overflow") > 0);
        println!("a hostile pair took {:?}", start.elapsed());
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "took {:?}", start.elapsed());
    }
}

/// A schema with the texts it refers to.
type Text = (String, Vec<(String, String)>);

/// Two schemas.
struct Case {
    reader: Text,
    writer: Text,
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line to name the folder on")]
fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    std::env::var("MUSTER_CONFORMANCE_DIR").map_or_else(|_| beside(), PathBuf::from)
}

const TABLES: [&str; 6] = [
    "json-diff-schema-examples.json",
    "json-diff-combined-schema-examples.json",
    "json-diff-schema-examples-2020-12.json",
    "json-diff-combined-schema-examples-2020-12.json",
    "json-diff-extra.json",
    "random-json.json",
];

fn cases_of(table: &Value) -> Vec<Case> {
    let mut found = Vec::new();
    let mut both = |one: &Text, other: &Text| {
        found.push(Case { reader: one.clone(), writer: other.clone() });
        found.push(Case { reader: other.clone(), writer: one.clone() });
    };
    for case in table["cases"].as_array().into_iter().flatten() {
        if case["history"].is_array() {
            let mut known: BTreeMap<(String, i64), Text> = BTreeMap::new();
            for subject in case["subjects"].as_array().into_iter().flatten() {
                let name = subject["subject"].as_str().unwrap_or_default().to_owned();
                for (at, version) in subject["versions"].as_array().into_iter().flatten().enumerate() {
                    let loaded = with_references(version, &known);
                    known.insert((name.clone(), i64::try_from(at).unwrap_or(0) + 1), loaded);
                }
            }
            let candidate = with_references(&case["candidate"], &known);
            for version in case["history"].as_array().into_iter().flatten() {
                both(&candidate, &with_references(version, &known));
            }
        } else {
            let texts = ["update_schema", "original_schema"].map(|key| (case[key].to_string(), Vec::new()));
            both(&texts[0], &texts[1]);
        }
    }
    found
}

fn with_references(version: &Value, known: &BTreeMap<(String, i64), Text>) -> Text {
    let mut texts: Vec<(String, String)> = Vec::new();
    for reference in version["references"].as_array().into_iter().flatten() {
        let subject = reference["subject"].as_str().unwrap_or_default().to_owned();
        let latest = known.keys().filter(|(name, _)| *name == subject).map(|(_, version)| *version).max();
        let version = reference["version"].as_i64().filter(|version| *version > 0).or(latest).unwrap_or(1);
        if let Some((text, inner)) = known.get(&(subject, version)) {
            for one in inner {
                if !texts.contains(one) {
                    texts.push(one.clone());
                }
            }
            texts.push((reference["name"].as_str().unwrap_or_default().to_owned(), text.clone()));
        }
    }
    (version["schema"].as_str().unwrap_or_default().to_owned(), texts)
}

/// How many incompatibilities of the shared tables are proved.
#[test]
fn most_shared_incompatibilities_have_a_witness() {
    let folder = folder();
    if !folder.is_dir() {
        println!("json_witness: skipped ({} is not there; set MUSTER_CONFORMANCE_DIR)", folder.display());
        return;
    }
    let (mut all, mut all_proved, mut checked) = (0, 0, 0);
    let mut without: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut examples: BTreeMap<&str, String> = BTreeMap::new();
    for table in TABLES {
        let text =
            std::fs::read_to_string(folder.join(table)).unwrap_or_else(|error| panic!("{table}: {error}"));
        let table_json: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{table}: {error}"));
        let (mut count, mut proved) = (0, 0);
        let mut no_data = 0;
        for case in cases_of(&table_json) {
            let load = |(text, texts): &Text| parse_with(text, texts.clone());
            let (Ok(reader), Ok(writer)) = (load(&case.reader), load(&case.writer)) else { continue };
            for explained in explain(&reader, &writer, STRICT, &Limits::default()) {
                count += 1;
                let entry = without.entry(explained.difference.kind.as_str()).or_default();
                entry.0 += 1;
                match explained.witness {
                    Ok(witness) => {
                        proved += 1;
                        checked += usize::from(holds_as_written(&case, &witness.datum));
                    }
                    Err(reason) => {
                        no_data += usize::from(reason == NoWitness::NoData);
                        entry.1 += 1;
                        let kind = explained.difference.kind.as_str();
                        examples.entry(kind).or_insert_with(|| {
                            format!(
                                "{reason} at {}\n      writer {:.400}\n      reader {:.400}",
                                explained.difference.path, case.writer.0, case.reader.0
                            )
                        });
                    }
                }
            }
        }
        println!(
            "{table}: {count} incompatibilities, {proved} proved, {no_data} without any datum of the writer"
        );
        all += count;
        all_proved += proved;
    }
    println!(
        "in all {all_proved} of {all} proved ({checked} also by the texts as they stand); without a witness:"
    );
    for (kind, (count, lacking)) in without.iter().filter(|(_, (_, lacking))| *lacking > 0) {
        println!("  {kind}: {lacking} of {count}, such as {}", examples.get(kind).map_or("", String::as_str));
    }
    assert!(all > 1_000, "only {all} incompatibilities");
    assert!(all_proved * 100 >= all * 80, "{all_proved} of {all} proved");
}

/// Whether the crate says the same of the texts, which it reads by itself: not all, as it has rules about schemas that
/// the reference has not.
fn holds_as_written(case: &Case, datum: &str) -> bool {
    let modern_dependencies = |text: &str| {
        text.contains("\"dependencies\"") && (text.contains("2019-09") || text.contains("2020-12"))
    };
    let has_references = !(case.reader.1.is_empty() && case.writer.1.is_empty());
    // The crate knows `dependencies` in modern dialects too, the reference does not.
    if has_references || modern_dependencies(&case.reader.0) || modern_dependencies(&case.writer.0) {
        return false;
    }
    let instance: Value = serde_json::from_str(datum).expect("a witness is JSON");
    let accepts = |text: &str| {
        // The reference reads 2019-09 with the keywords of 2020-12.
        let mut schema: Value = serde_json::from_str(&text.replace("2019-09", "2020-12")).ok()?;
        // What is no JSON Schema by its dialect's rules, the crate does not read.
        if let Some(members) = schema.as_object_mut()
            && !members.contains_key("$schema")
        {
            members.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        }
        let options = jsonschema::options().offline().should_validate_formats(false);
        options.build(&schema).ok().map(|validator| validator.is_valid(&instance))
    };
    let (Some(by_writer), Some(by_reader)) = (accepts(&case.writer.0), accepts(&case.reader.0)) else {
        return false;
    };
    assert!(
        by_writer && !by_reader,
        "{datum} is no witness (writer {by_writer}, reader {by_reader})\n  writer {}\n  reader {}",
        case.writer.0,
        case.reader.0
    );
    true
}

#[test]
fn explanations_are_the_incompatibilities_in_their_order() {
    let reader =
        parse(r#"{"type":"object","properties":{"a":{"maxLength":1},"b":{"minimum":2}},"required":["a"]}"#);
    let writer = parse(r#"{"type":"object","properties":{"a":{"maxLength":2},"b":{"minimum":1}}}"#);
    let limits = Limits::default();
    let differences = diff(&reader, &writer, STRICT, &limits);
    let listed: Vec<_> = differences.into_iter().filter(|found| !found.kind.is_compatible(STRICT)).collect();
    let explained: Vec<_> = explain(&reader, &writer, STRICT, &limits);
    assert_eq!(explained.iter().map(|one| one.difference.clone()).collect::<Vec<_>>(), listed);
    let tight = Limits { witness_bytes: 2, ..limits };
    for one in explain(&reader, &writer, STRICT, &tight) {
        assert_eq!(one.witness.is_ok(), one.difference.path.contains("required"), "{one:?}");
    }
}
