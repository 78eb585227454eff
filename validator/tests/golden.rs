//! Runs the golden record batches: real batches of five Kafka clients, mutated and hand-made ones, with the verdicts
//! that broker validation spec §7 and §11 ask for.
//!
//! Reads the folder in `MUSTER_GOLDEN_DIR`; without it, a folder `shared/golden` beside the checkout. Prints "skipped"
//! where the folder is absent, and per file the cases read and passed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use muster_schema::{Limits, ParsedSchema, ResolvedReferences, SchemaId, SchemaType, Side, Strictness};
use muster_validator::engine::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

const RECORD_BATCHES: &str = "70-record-batches.json";

fn main() -> ExitCode {
    let folder = std::env::var_os("MUSTER_GOLDEN_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/golden")),
        PathBuf::from,
    );
    let text = match std::fs::read_to_string(folder.join(RECORD_BATCHES)) {
        Ok(text) => text,
        Err(error) => {
            println!("golden: skipped ({}: {error})", folder.join(RECORD_BATCHES).display());
            return ExitCode::SUCCESS;
        }
    };
    let file: Value = serde_json::from_str(&text).expect("a golden file is JSON");
    let cases = file["cases"].as_array().map(Vec::as_slice).unwrap_or_default();

    let mut scratch = Scratch::default();
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let differences = run(case, &mut scratch);
        if differences.is_empty() {
            passed += 1;
        } else {
            failed += 1;
            println!("FAILED {}", text_of(&case["id"]));
            for difference in differences {
                println!("       {difference}");
            }
        }
    }
    println!("golden: {RECORD_BATCHES}: {} cases read, {passed} passed, {failed} failed", cases.len());
    println!("{passed} passed, {failed} failed");
    if cases.is_empty() || failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn entries(case: &Value) -> impl Iterator<Item = &Value> {
    case["registry"].as_array().into_iter().flatten()
}

/// Everything that differs from what the case expects.
fn run(case: &Value, scratch: &mut Scratch) -> Vec<String> {
    let mut differences = Vec::new();
    let mut expect_eq = |what: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{what}: found {found}, expected {expected}"));
        }
    };
    let bytes = base64(text_of(&case["batchesBase64"]));
    let expected = &case["expect"];
    let batches = expected["batches"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules = rules(case);
    let facts = facts(case);
    let limits = BatchLimits {
        decompressed_bytes: case["limits"]["decompressedBytes"].as_u64(),
        ..BatchLimits::default()
    };
    // Batches that a client sent one by one stand back to back; anything else is one records field.
    let captured = text_of(&case["origin"]).starts_with("captured");
    let requests = if captured { split(&bytes) } else { vec![&bytes[..]] };

    let mut worst = "forward";
    for (i, request) in requests.iter().enumerate() {
        let outcome = judge(&rules, &facts, request, &limits, scratch);
        if matches!(outcome, Outcome::Reject(_)) {
            worst = "reject";
        }
        // One request per batch has its response beside the batch; otherwise there is one for all.
        let response = match batches.get(i) {
            Some(batch) if captured => &batch["response"],
            _ => &expected["response"],
        };
        if !response.is_null() {
            check_response(&outcome, response, &mut expect_eq);
        }
    }
    let outcome = text_of(&expected["outcome"]);
    if outcome != "either" {
        expect_eq("outcome", worst.to_owned(), outcome.to_owned());
    }

    // Each batch by itself: its header, its records, and its verdicts without caps and whatever its checksum.
    for (i, (batch, expected)) in split(&bytes).into_iter().zip(batches).enumerate() {
        let mut expect_eq =
            |what: &str, found, expected| expect_eq(&format!("batch {i}: {what}"), found, expected);
        check_header(batch, expected, &mut expect_eq);
        let verdict_limits = BatchLimits {
            verify_crc: VerifyCrc::Never,
            record_errors: usize::MAX,
            report_bytes: usize::MAX,
            ..limits
        };
        check_verdicts(
            &judge(&rules, &facts, batch, &verdict_limits, scratch),
            expected,
            batch,
            &mut expect_eq,
        );
        expect_eq(
            "recordsSha256",
            records_sha256(batch, &limits, scratch),
            text_of(&expected["recordsSha256"]).into(),
        );
    }
    differences
}

/// Both phases: what is asked for is supplied from `facts`, until there is a verdict.
fn judge(
    rules: &TopicRules,
    facts: &FactsMap,
    batch: &[u8],
    limits: &BatchLimits,
    scratch: &mut Scratch,
) -> Outcome {
    let mut known = FactsMap::default();
    loop {
        match validate_batch(rules, &known, batch, limits, scratch) {
            Outcome::NeedLookup(identifiers) => {
                assert!(!identifiers.is_empty(), "a look-up names what it is for");
                for identifier in identifiers {
                    known.insert(identifier, facts.lookup(&identifier));
                }
            }
            outcome => return outcome,
        }
    }
}

fn check_response(outcome: &Outcome, expected: &Value, expect_eq: &mut impl FnMut(&str, String, String)) {
    let code = if matches!(outcome, Outcome::Reject(_)) { 87 } else { 0 };
    expect_eq("response.errorCode", code.to_string(), expected["errorCode"].to_string());
    let Outcome::Reject(report) = outcome else { return };
    if let Some(reason) = expected["reason"].as_str() {
        expect_eq("response.reason", report.reason.to_string(), reason.to_owned());
    }
    // An implementation that caps its list returns an ascending prefix.
    let all: Vec<i64> =
        expected["recordErrors"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    let found: Vec<i64> = report.records.iter().map(|record| i64::from(record.index)).collect();
    let prefix = all.get(..found.len()).unwrap_or(&all);
    expect_eq("response.recordErrors", format!("{found:?}"), format!("{prefix:?}"));
    expect_eq("number of failing records", report.total_failed.to_string(), all.len().to_string());
    let text = report.message.len() + report.records.iter().map(|record| record.message.len()).sum::<usize>();
    let capped = found.len() <= 100 && text <= 8 << 10 && (found.is_empty() == all.is_empty());
    expect_eq("report within its caps", capped.to_string(), "true".to_owned());
}

fn check_header(batch: &[u8], expected: &Value, expect_eq: &mut impl FnMut(&str, String, String)) {
    let magic = batch.get(16).copied().unwrap_or_default();
    expect_eq("magic", magic.to_string(), expected["magic"].to_string());
    let Some(header) = BatchHeader::parse(batch).filter(|_| magic == 2) else { return };
    let timestamp_type = if header.is_log_append_time() { "LogAppendTime" } else { "CreateTime" };
    let found = [
        ("baseOffset", Value::from(header.base_offset)),
        ("recordCount", header.record_count.into()),
        ("codec", header.codec().map_or("unknown", Codec::as_str).into()),
        ("timestampType", timestamp_type.into()),
        ("isTransactional", header.is_transactional().into()),
        ("isControl", header.is_control().into()),
        ("producerId", header.producer_id.into()),
        ("producerEpoch", header.producer_epoch.into()),
        ("baseSequence", header.base_sequence.into()),
        ("baseTimestamp", header.base_timestamp_ms.into()),
        ("maxTimestamp", header.max_timestamp_ms.into()),
        ("crcOk", header.checksum_fits(batch).into()),
    ];
    for (name, value) in found {
        expect_eq(name, value.to_string(), expected[name].to_string());
    }
}

fn check_verdicts(
    outcome: &Outcome,
    expected: &Value,
    batch: &[u8],
    expect_eq: &mut impl FnMut(&str, String, String),
) {
    let (records, stats): (&[RecordError], _) = match outcome {
        Outcome::Pass(stats) => (&[], *stats),
        Outcome::Reject(report) => (&report.records, report.stats),
        other => return expect_eq("outcome", format!("{other:?}"), "a verdict".to_owned()),
    };
    for (side, name) in [(Side::Key, "key"), (Side::Value, "value")] {
        let failures: Vec<String> = records
            .iter()
            .filter_map(|record| {
                let reason = if side == Side::Key { record.key } else { record.value }?;
                Some(format!("{} {reason}", record.index))
            })
            .collect();
        let expected = match &expected["verdicts"][name] {
            Value::Array(list) => {
                list.iter().map(|f| format!("{} {}", f["index"], text_of(&f["reason"]))).collect()
            }
            _ => Vec::new(),
        };
        expect_eq(&format!("verdicts.{name}"), format!("{failures:?}"), format!("{expected:?}"));
    }
    let count = expected["recordCount"].to_string();
    match expected["verdicts"]["value"].as_str() {
        Some("SKIPPED") => expect_eq("skipped records", stats.skipped.to_string(), count),
        // With validation off nothing is looked at.
        Some("OFF") if expected["verdicts"]["key"] == "OFF" => return,
        _ => expect_eq("judged records", stats.records.to_string(), count),
    }
    if let Some(bytes) = expected["uncompressedBytes"].as_u64() {
        let plain = expected["codec"] == "none";
        let found = if plain { batch.len() as u64 - 61 } else { stats.decompressed_bytes };
        expect_eq("uncompressedBytes", found.to_string(), bytes.to_string());
    }
}

/// SHA-256 over key, value, header count, header names and header values of every record.
fn records_sha256(batch: &[u8], limits: &BatchLimits, scratch: &mut Scratch) -> String {
    let mut sha = Sha256::new();
    let result = read_records(batch, limits, scratch, |record| {
        let mut put = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).expect("a record fits an i32"));
            sha.update(length.to_be_bytes());
            sha.update(bytes.unwrap_or_default());
        };
        put(record.key());
        put(record.value());
        let headers: Vec<_> = record.headers().collect();
        sha.update(i32::try_from(headers.len()).expect("a record fits an i32").to_be_bytes());
        let mut put = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).expect("a record fits an i32"));
            sha.update(length.to_be_bytes());
            sha.update(bytes.unwrap_or_default());
        };
        for (name, value) in headers {
            put(Some(name));
            put(value);
        }
    });
    match result {
        Ok(()) => sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(error) => format!("unreadable: {error}"),
    }
}

fn strategy(settings: &Value, side: &str) -> muster_schema::SubjectNameStrategy {
    match settings[format!("confluent.{side}.subject.name.strategy")].as_str() {
        Some(name) => name.parse().expect("golden settings are valid"),
        None => Default::default(),
    }
}

fn rules(case: &Value) -> TopicRules {
    let settings = &case["settings"];
    let side = |name: &str| {
        (settings[format!("confluent.{name}.schema.validation")] == "true").then(|| SideRules {
            strategy: strategy(settings, name),
            framing: match settings["framing"].as_str() {
                None | Some("prefix") => FramingPolicy::Prefix,
                Some("header") => FramingPolicy::Header,
                Some("either") => FramingPolicy::Either,
                Some(other) => panic!("unknown framing {other}"),
            },
            level: if settings["level"] == "payload" { Level::Payload } else { Level::Id },
            deleted: if settings["deleted"] == "reject" {
                DeletedPolicy::Reject
            } else {
                DeletedPolicy::Accept
            },
            null: NullPolicy::Pass,
        })
    };
    let mut rules = TopicRules::new(text_of(&case["topic"]));
    if let Some(key) = side("key") {
        rules = rules.with_key(key);
    }
    if let Some(value) = side("value") {
        rules = rules.with_value(value);
    }
    rules
}

/// The registry of a case: every id, by number and by guid.
fn facts(case: &Value) -> FactsMap {
    let mut by_id = BTreeMap::<i32, (SchemaFacts, Vec<Identifier>)>::new();
    for entry in entries(case) {
        let id = i32::try_from(entry["schemaId"].as_i64().expect("an id")).expect("an id");
        let (facts, identifiers) = by_id.entry(id).or_insert_with(|| {
            let guid = text_of(&entry["guid"]).parse().expect("a guid");
            (schema_facts(case, entry), vec![Identifier::Id(SchemaId(id)), Identifier::Guid(guid)])
        });
        *facts = facts.clone().registered(text_of(&entry["subject"]), entry["deleted"] == true);
        let _ = identifiers;
    }
    let mut facts = FactsMap::complete();
    for (schema, identifiers) in by_id.into_values() {
        let schema = Arc::new(schema);
        for identifier in identifiers {
            facts.insert(identifier, Fact::Known(schema.clone()));
        }
    }
    facts
}

fn schema_facts(case: &Value, entry: &Value) -> SchemaFacts {
    let schema_type: SchemaType = text_of(&entry["schemaType"]).parse().expect("a schema type");
    let mut references = ResolvedReferences::default();
    for reference in entry["references"].as_array().into_iter().flatten() {
        let target = entries(case)
            .find(|entry| {
                entry["subject"] == reference["subject"] && entry["version"] == reference["version"]
            })
            .expect("a reference leads to an entry");
        references
            .texts
            .push((text_of(&reference["name"]).to_owned(), text_of(&target["schema"]).to_owned()));
    }
    let text = text_of(&entry["schema"]);
    let schema = ParsedSchema::parse(schema_type, text, &references, Strictness::Stored, &Limits::default());
    SchemaFacts::of(&schema.expect("golden schemas parse"))
}

/// Batches or messages that stand back to back, by their lengths.
fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut batches = Vec::new();
    while let Some(length) = bytes.get(8..12) {
        let length = i32::from_be_bytes(length.try_into().expect("four bytes"));
        let size = usize::try_from(length).map_or(bytes.len(), |length| bytes.len().min(length + 12));
        batches.push(&bytes[..size]);
        bytes = &bytes[size..];
    }
    batches
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for symbol in text.bytes().filter(|symbol| *symbol != b'=') {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("{other:#x} is no base64 symbol"),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}
