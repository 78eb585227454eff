//! Laws of the Avro module on generated schemas, pairs of versions and values. Each prints what it generated and fails
//! if a type, a logical type, recursion or references hardly occur.
//!
//! The cases are the same in every run; `PROPTEST_CASES` asks for more of them.
#![cfg(feature = "avro")]
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

mod support;

use std::cell::RefCell;

use muster_schema::avro::AvroSchema;
use muster_schema::avro::changes::changes;
use muster_schema::avro::diff::diff;
use muster_schema::avro::validate::{InvalidKind, Program, Projection, Scratch};
use muster_schema::avro::witness::{NoWitness, explain};
use muster_schema::compatibility::{Candidate, CompatibilityLevel, Previous, Settings, check};
use muster_schema::{Limits, ParsedSchema, SchemaType, Strictness, Version, avro};
use proptest::prelude::*;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
};
use serde_json::Value as Json;
use support::Choices;
use support::evolve::evolve;
use support::generate::{Texts, model};
use support::histogram::Histogram;
use support::resolve::{Unions, failures};
use support::values::{Patience, Refused, Value, decode_all, encode, has_finite_data, random, to_json};

type Outcome = Result<(), TestCaseError>;

const CASES: u32 = 1_000;
const PATIENCE: Patience = Patience { items: 10_000, depth: 500 };

/// Checks a law on byte strings of up to `length` bytes; prints and judges the histogram. `more`: features of this law
/// that must not be rare either.
fn law(name: &str, length: usize, more: &[&str], check: impl Fn(&[u8], &mut Histogram) -> Outcome) {
    let seeds =
        FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/properties.seeds"));
    let default = Config::default();
    let config =
        Config { cases: default.cases.max(CASES), failure_persistence: Some(Box::new(seeds)), ..default };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let histogram = RefCell::new(Histogram::default());
    let bytes = prop::collection::vec(any::<u8>(), length / 2..length);
    let outcome = runner.run(&bytes, |bytes| check(&bytes, &mut histogram.borrow_mut()));
    if let Err(error) = outcome {
        panic!("{name}: {error}");
    }
    histogram.into_inner().finish(name, more);
}

/// A generated schema and its texts.
fn schema(choices: &mut Choices<'_>) -> Result<(AvroSchema, Texts), TestCaseError> {
    let texts = model(choices, 4).texts();
    match texts.parse(Strictness::New) {
        Ok(schema) => Ok((schema, texts)),
        Err(error) => Err(TestCaseError::fail(format!("{}: {error}", texts.text))),
    }
}

fn has_references(texts: &Texts) -> bool {
    !texts.references.texts.is_empty()
}

fn data(schema: &AvroSchema, choices: &mut Choices<'_>) -> (Value, Vec<u8>) {
    let value = random(schema, schema.root(), choices, 5);
    let mut bytes = Vec::new();
    encode(&value, choices, &mut bytes);
    (value, bytes)
}

#[test]
fn print_then_parse_is_idempotent() {
    law("print∘parse", 300, &[], |bytes, histogram| {
        let (schema, texts) = schema(&mut Choices(bytes))?;
        histogram.enter([(&schema, has_references(&texts))], []);
        for strictness in [Strictness::New, Strictness::Stored] {
            let again = avro::parse(schema.canonical(), &texts.references, strictness, &Limits::default());
            let again =
                again.map_err(|error| TestCaseError::fail(format!("{}: {error}", schema.canonical())))?;
            prop_assert_eq!(again.canonical(), schema.canonical());
            prop_assert!(again.equivalent(&schema) && schema.equivalent(&again));
        }
        Ok(())
    });
}

#[test]
fn normalize_is_idempotent() {
    law("normalize", 300, &[], |bytes, histogram| {
        let (schema, texts) = schema(&mut Choices(bytes))?;
        // Like the reference, it cannot write a default that is none of the first branch of a union.
        let once = match schema.normalized() {
            Ok(once) => once,
            Err(error) => {
                prop_assert_eq!(error.to_string(), "null");
                prop_assert!(texts.text.contains("default"));
                return Ok(());
            }
        };
        histogram.enter([(&schema, has_references(&texts))], []);
        let twice = once.normalized();
        let twice = twice.map_err(|error| TestCaseError::fail(format!("{}: {error}", once.canonical())))?;
        prop_assert_eq!(twice.canonical(), once.canonical());
        let limits = Limits::default();
        prop_assert_eq!(diff(&once, &schema, &limits), []);
        prop_assert_eq!(diff(&schema, &once, &limits), []);
        Ok(())
    });
}

#[test]
fn compatibility_is_reflexive() {
    law("compatibility with itself", 300, &[], |bytes, histogram| {
        let (schema, texts) = schema(&mut Choices(bytes))?;
        histogram.enter([(&schema, has_references(&texts))], []);
        let limits = Limits::default();
        prop_assert_eq!(diff(&schema, &schema, &limits), []);
        prop_assert_eq!(changes(&schema, &schema, &limits), []);
        // Read twice, so that no pair of types is recognized by identity.
        let read = || {
            let strictness = Strictness::Stored;
            ParsedSchema::parse(SchemaType::Avro, &texts.text, &texts.references, strictness, &limits)
        };
        let (Ok(new), Ok(old)) = (read(), read()) else { return Err(TestCaseError::fail("refused")) };
        let previous = Previous { version: Some(Version(1)), schema: &old, metadata: None };
        for level in CompatibilityLevel::ALL {
            let settings = Settings::of(level);
            let messages = check(Candidate { schema: &new, metadata: None }, &[previous], settings, &limits);
            prop_assert_eq!(messages, Vec::<String>::new());
        }
        Ok(())
    });
}

#[test]
fn the_walker_accepts_what_a_full_decoder_decodes() {
    law("walker on valid data", 500, &["has bytes", "sized blocks"], |bytes, histogram| {
        let mut choices = Choices(bytes);
        let (schema, texts) = schema(&mut choices)?;
        let (value, bytes) = data(&schema, &mut choices);
        let mut more = Vec::new();
        if !bytes.is_empty() {
            more.push("has bytes".to_owned());
        }
        let mut plain = Vec::new();
        encode(&value, &mut Choices(&[]), &mut plain);
        if plain.len() != bytes.len() {
            more.push("sized blocks".to_owned());
        }
        histogram.enter([(&schema, has_references(&texts))], more);
        prop_assert_eq!(decode_all(&schema, &bytes, PATIENCE), Ok(value));
        let program = Program::compile(&schema);
        let (limits, mut scratch) = (Limits::default(), Scratch::default());
        prop_assert_eq!(program.check(&bytes, &limits, &mut scratch), Ok(()));
        prop_assert_eq!(program.measure(&bytes, &limits, &mut scratch), Ok(bytes.len()));
        Ok(())
    });
}

#[test]
fn the_walker_refuses_damaged_data_or_they_are_other_data() {
    law("walker on damaged data", 500, &["refused", "accepted, another value"], |bytes, histogram| {
        let mut choices = Choices(bytes);
        let (schema, texts) = schema(&mut choices)?;
        let mut edits = choices.split_off(8);
        let (value, mut bytes) = data(&schema, &mut choices);
        for _ in 0..=edits.below(2) {
            let (at, byte) = (edits.below(bytes.len() + 1), edits.byte());
            match (edits.below(4), bytes.get_mut(at)) {
                (0, _) => bytes.truncate(at),
                (1, _) | (_, None) => bytes.insert(at.min(bytes.len()), byte),
                (_, Some(old)) => *old = byte,
            }
        }
        let limits = Limits { items: PATIENCE.items, ..Limits::default() };
        let verdict = Program::compile(&schema).check(&bytes, &limits, &mut Scratch::default());
        let decoded = decode_all(&schema, &bytes, PATIENCE);
        let said = match (&verdict, &decoded) {
            (Ok(()), Ok(decoded)) if *decoded == value => "accepted, the same value",
            (Ok(()), Ok(decoded)) => {
                let mut again = Vec::new();
                encode(decoded, &mut Choices(&[]), &mut again);
                let again = decode_all(&schema, &again, PATIENCE);
                prop_assert_eq!(again.as_ref(), Ok(decoded));
                "accepted, another value"
            }
            (Err(_), Err(_)) => "refused",
            (Err(invalid), Ok(_)) => {
                let is_bound = matches!(invalid.kind, InvalidKind::TooManyItems | InvalidKind::TooDeep);
                prop_assert!(is_bound, "{:?}", invalid);
                "past a bound"
            }
            (Ok(()), Err(refused)) => {
                prop_assert_eq!(*refused, Refused::TooMuch);
                "past a bound"
            }
        };
        histogram.enter([(&schema, has_references(&texts))], [said.to_owned()]);
        Ok(())
    });
}

#[test]
fn a_projection_finds_what_a_full_decoder_decodes() {
    law("projection", 500, &["field", "field of a field", "absent"], |bytes, histogram| {
        let mut choices = Choices(bytes);
        let (schema, texts) = schema(&mut choices)?;
        let (value, bytes) = data(&schema, &mut choices);
        let (limits, mut scratch) = (Limits::default(), Scratch::default());
        let mut seen = Vec::new();
        for path in paths(&schema) {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let Some(projection) = Projection::compile(&schema, &names) else { continue };
            let found = projection.find(&bytes, &limits, &mut scratch);
            let expected = lookup(&schema, &value, &path);
            match (found, expected) {
                (Ok(Some(range)), Some(expected)) => {
                    let decoded = decode_field(&schema, &projection, bytes.get(range).unwrap_or_default());
                    prop_assert_eq!(decoded.as_ref(), Ok(expected));
                    seen.push(if path.len() == 1 { "field" } else { "field of a field" }.to_owned());
                }
                (Ok(None), None) => seen.push("absent".to_owned()),
                (found, expected) => prop_assert!(false, "{:?} but {:?} at {:?}", found, expected, path),
            }
        }
        histogram.enter([(&schema, has_references(&texts))], seen);
        prop_assert!(Projection::compile(&schema, &["no such field"]).is_none());
        prop_assert!(Projection::compile(&schema, &[]).is_none());
        Ok(())
    });
}

/// Paths of fields, two levels deep.
fn paths(schema: &AvroSchema) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let root = record_in(schema, schema.root());
    for field in root.into_iter().flat_map(|record| &record.fields) {
        paths.push(vec![field.name.clone()]);
        let inner = record_in(schema, field.schema);
        paths.extend(
            inner
                .into_iter()
                .flat_map(|record| &record.fields)
                .map(|inner| vec![field.name.clone(), inner.name.clone()]),
        );
    }
    paths
}

/// The record, or the only record of the union.
fn record_in(schema: &AvroSchema, id: avro::model::NodeId) -> Option<&avro::model::Record> {
    use avro::model::Kind;
    let records: Vec<_> = match &schema.node(id).kind {
        Kind::Union(branches) => branches.iter().map(|branch| &schema.node(*branch).kind).collect(),
        kind => vec![kind],
    };
    let mut records = records.into_iter().filter_map(|kind| match kind {
        Kind::Record(record) => Some(record),
        _ => None,
    });
    records.next().filter(|_| records.next().is_none())
}

fn lookup<'v>(schema: &AvroSchema, value: &'v Value, path: &[String]) -> Option<&'v Value> {
    let mut id = schema.root();
    let mut value = value;
    for name in path {
        if let Value::Union(_, inner) = value {
            value = inner;
        }
        let Value::Record(fields) = value else { return None };
        let record = record_in(schema, id)?;
        let position = record.fields.iter().position(|field| field.name == *name)?;
        value = fields.get(position)?;
        id = record.fields.get(position)?.schema;
    }
    Some(value)
}

fn decode_field(schema: &AvroSchema, projection: &Projection, bytes: &[u8]) -> Result<Value, Refused> {
    let mut rest = bytes;
    let value = support::values::decode(schema, projection.node(), &mut rest, &mut PATIENCE.clone())?;
    if rest.is_empty() { Ok(value) } else { Err(Refused::Invalid) }
}

/// Two versions of a schema; none if the edits left no schema.
fn versions(choices: &mut Choices<'_>) -> Option<[(AvroSchema, Texts); 2]> {
    let mut shape = choices.split_off(200);
    let first = model(&mut shape, 3);
    let second = evolve(&first, choices);
    let [first, second] = [first, second].map(|model| {
        let texts = model.texts();
        texts.parse(Strictness::Stored).ok().map(|schema| (schema, texts))
    });
    Some([first?, second?])
}

#[test]
fn a_witness_always_reproduces() {
    let kinds = [
        "TYPE_MISMATCH",
        "NAME_MISMATCH",
        "FIXED_SIZE_MISMATCH",
        "MISSING_ENUM_SYMBOLS",
        "MISSING_UNION_BRANCH",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
    ];
    law("witness", 300, &kinds, |bytes, histogram| {
        let Some([(first, texts), (second, more)]) = versions(&mut Choices(bytes)) else { return Ok(()) };
        let mut found_kinds = Vec::new();
        for (reader, writer) in [(&first, &second), (&second, &first)] {
            let program = Program::compile(writer);
            for found in explain(reader, writer, &Limits::default()) {
                found_kinds.push(found.difference.kind.to_string());
                let witness = match found.witness {
                    Ok(witness) => witness,
                    Err(NoWitness::NoData) => {
                        found_kinds.push("no data".to_owned());
                        continue;
                    }
                    Err(reason) => {
                        return Err(TestCaseError::fail(format!("{:?}: {reason}", found.difference)));
                    }
                };
                prop_assert_eq!(
                    program.check(&witness.bytes, &Limits::default(), &mut Scratch::default()),
                    Ok(())
                );
                let value = decode_all(writer, &witness.bytes, PATIENCE);
                let value =
                    value.map_err(|refused| TestCaseError::fail(format!("{refused:?}: {witness:?}")))?;
                let datum: Option<Json> = serde_json::from_str(&witness.datum).ok();
                prop_assert_eq!(datum.as_ref(), Some(&to_json(writer, writer.root(), &value)));
                prop_assert!(datum.is_some_and(|datum| datum.pointer(&witness.path).is_some()));
                let failed = failures(reader, writer, &value, Unions::FirstMatch);
                let kind = found.difference.kind;
                let shown = failed.iter().any(|f| f.path == witness.path && f.is_about(kind));
                prop_assert!(
                    shown,
                    "{:?} is not what fails, but {:?}: {:?}",
                    found.difference,
                    failed,
                    witness
                );
            }
        }
        histogram.enter([(&first, has_references(&texts)), (&second, has_references(&more))], found_kinds);
        Ok(())
    });
}

#[test]
fn changes_break_a_direction_exactly_if_differences_do() {
    let features = ["compatible", "breaks backward", "breaks forward", "breaks both ways"];
    law("changes", 300, &features, |bytes, histogram| {
        let Some([(first, texts), (second, more)]) = versions(&mut Choices(bytes)) else { return Ok(()) };
        let limits = Limits::default();
        let listed = changes(&first, &second, &limits);
        let backward = !diff(&second, &first, &limits).is_empty();
        let forward = !diff(&first, &second, &limits).is_empty();
        let breaks = |of: fn(&muster_schema::changes::Change) -> bool| listed.iter().any(of);
        let shown = format!("{} to {}: {listed:?}", first.canonical(), second.canonical());
        prop_assert_eq!(breaks(|change| change.verdict.breaks_backward), backward, "{}", shown);
        prop_assert_eq!(breaks(|change| change.verdict.breaks_forward), forward, "{}", shown);
        // The other way round the same changes are found, each the other way round. Renamed fields aside, which may be
        // told as one that went and one that came.
        let back = changes(&second, &first, &limits);
        prop_assert_eq!(listed.is_empty(), back.is_empty(), "{:#?} {:#?}", listed, back);
        let [whole_first, whole_second] = [&first, &second].map(|schema| schema.formatted("resolved"));
        prop_assert_eq!(listed.is_empty(), whole_first == whole_second, "{}", shown);
        let verdicts = listed.iter().map(|change| change.verdict.to_string());
        let kinds = listed.iter().map(|change| change.kind.to_string());
        let schemas = [(&first, has_references(&texts)), (&second, has_references(&more))];
        histogram.enter(schemas, verdicts.chain(kinds));
        Ok(())
    });
}

#[test]
fn what_is_compatible_is_read() {
    law("reading compatible data", 600, &["compatible", "incompatible", "edited"], |bytes, histogram| {
        let mut choices = Choices(bytes);
        let mut edits = choices.split_off(300);
        let Some([(first, texts), (second, more)]) = versions(&mut edits) else { return Ok(()) };
        let limits = Limits::default();
        let mut seen = Vec::new();
        if first.formatted("resolved") != second.formatted("resolved") {
            seen.push("edited".to_owned());
        }
        for (reader, writer) in [(&first, &second), (&second, &first)] {
            let found = diff(reader, writer, &limits);
            seen.push(if found.is_empty() { "compatible" } else { "incompatible" }.to_owned());
            if found.is_empty() && has_finite_data(writer) {
                let (value, _) = data(writer, &mut choices);
                let failed = failures(reader, writer, &value, Unions::AnyThatReads);
                prop_assert_eq!(failed, []);
            }
        }
        histogram.enter([(&first, has_references(&texts)), (&second, has_references(&more))], seen);
        Ok(())
    });
}

#[test]
fn runs_of_longs_end_where_single_ones_do() {
    let limits = Limits::default();
    let parse = |text: &str| avro::parse(text, &Default::default(), Strictness::New, &limits);
    let single = Program::compile(&parse("\"long\"").unwrap());
    let programs: Vec<Program> = (0..40)
        .map(|count| {
            let fields: Vec<String> =
                (0..count).map(|n| format!(r#"{{"name":"f{n}","type":"long"}}"#)).collect();
            let text = format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","));
            Program::compile(&parse(&text).unwrap())
        })
        .collect();
    let byte = prop_oneof![0..0x80_u8, 0x80_u8.., Just(0x80), Just(0xff), Just(1)];
    // Long numbers are rare among random bytes.
    let long =
        (0..12_usize, any::<u8>()).prop_map(|(width, last)| [vec![0xff; width], vec![last & 0x7f]].concat());
    let bytes = prop_oneof![
        prop::collection::vec(byte, 0..120),
        prop::collection::vec(long, 0..30).prop_map(|parts| parts.concat()),
    ];
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 5_000, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let outcome = runner.run(&(bytes, 0..40_usize), |(bytes, count)| {
        let mut scratch = Scratch::default();
        let found = programs[count].measure(&bytes, &limits, &mut scratch);
        let mut end = Ok(0);
        for _ in 0..count {
            end = end.and_then(|start| match single.measure(&bytes[start..], &limits, &mut scratch) {
                Ok(length) => Ok(start + length),
                Err(invalid) => Err((invalid.kind, start + invalid.offset)),
            });
        }
        prop_assert_eq!(found.map_err(|invalid| (invalid.kind, invalid.offset)), end);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
