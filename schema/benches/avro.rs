//! Hot paths of the Avro module: the walker per record, and a compatibility check over a long history.
//!
//! `cargo bench -p muster-schema --bench avro`

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use muster_schema::avro::validate::{Program, Scratch};
use muster_schema::compatibility::{Candidate, Policy, Previous, check};
use muster_schema::reference::ResolvedReferences;
use muster_schema::{CompatibilityLevel, Limits, ParsedSchema, SchemaType, Strictness, Version};

fn main() {
    divan::main();
}

fn parse(text: &str) -> ParsedSchema {
    let references = ResolvedReferences::default();
    ParsedSchema::parse(SchemaType::Avro, text, &references, Strictness::New, &Limits::default())
        .expect("the schemas here are valid")
}

/// One kind of record to walk.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// 20 fields as they are found in events: numbers, texts, an enum, optional fields.
    Mixed,
    /// 20 longs of all widths.
    Longs,
    /// 20 texts of 12 bytes.
    Strings,
    /// 20 optional fields, half of them null.
    Optional,
    /// A record of an array of 100 small records.
    Nested,
}

const SHAPES: [Shape; 5] = [Shape::Mixed, Shape::Longs, Shape::Strings, Shape::Optional, Shape::Nested];

impl Shape {
    /// The schema and one datum.
    fn build(self) -> (String, Vec<u8>) {
        let mut datum = Vec::new();
        let mut types: Vec<String> = Vec::new();
        match self {
            Self::Mixed => {
                for n in 0..4_i64 {
                    types.extend(
                        ["\"long\"", "\"string\"", "\"double\"", r#"["null","string"]"#].map(str::to_owned),
                    );
                    long(1_700_000_000_000 + n, &mut datum);
                    text("some text", &mut datum);
                    datum.extend(1.5_f64.to_le_bytes());
                    long(n % 2, &mut datum);
                    if n % 2 == 1 {
                        text("maybe", &mut datum);
                    }
                }
                types.push(r#"{"type":"enum","name":"E","symbols":["A","B","C"]}"#.to_owned());
                types.extend(["\"int\"", "\"boolean\"", "\"bytes\""].map(str::to_owned));
                datum.extend([2, 84, 1, 8, 1, 2, 3, 4]);
            }
            Self::Longs => {
                types.resize(20, "\"long\"".to_owned());
                (0..20).for_each(|n| long(1 << (n * 3), &mut datum));
            }
            Self::Strings => {
                types.resize(20, "\"string\"".to_owned());
                (0..20).for_each(|_| text("twelve bytes", &mut datum));
            }
            Self::Optional => {
                types.resize(20, r#"["null","int"]"#.to_owned());
                (0..20).for_each(|n| datum.extend_from_slice(if n % 2 == 0 { &[0] } else { &[2, 42] }));
            }
            Self::Nested => {
                types.push(
                    r#"{"type":"array","items":{"type":"record","name":"I","fields":[
                        {"name":"sku","type":"string"},{"name":"count","type":"int"},{"name":"price","type":"double"}]}}"#
                        .to_owned(),
                );
                long(100, &mut datum);
                for _ in 0..100 {
                    text("ABC-1234", &mut datum);
                    datum.push(6);
                    datum.extend(9.99_f64.to_le_bytes());
                }
                datum.push(0);
            }
        }
        let fields: Vec<String> = (0..)
            .zip(&types)
            .map(|(n, kind): (usize, _)| format!(r#"{{"name":"f{n}","type":{kind}}}"#))
            .collect();
        (format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(",")), datum)
    }
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut left = (value << 1) as u64 ^ (value >> 63) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn text(text: &str, out: &mut Vec<u8>) {
    long(text.len() as i64, out);
    out.extend(text.bytes());
}

#[divan::bench(args = SHAPES)]
fn walk_one_record(bencher: Bencher, shape: Shape) {
    let (schema, datum) = shape.build();
    let schema = parse(&schema);
    let program = Program::compile(schema.as_avro().expect("it was parsed as Avro"));
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    assert_eq!(program.check(&datum, &limits, &mut scratch), Ok(()));
    bencher
        .counter(BytesCount::new(datum.len()))
        .bench_local(|| program.check(black_box(&datum), &limits, &mut scratch).is_ok());
}

#[divan::bench]
fn compile_100_fields(bencher: Bencher) {
    let schema = parse(&version(100));
    let schema = schema.as_avro().expect("it was parsed as Avro");
    bencher.bench_local(|| Program::compile(black_box(schema)));
}

/// A record of 100 fields, of which the first `known` are old: each version adds one with a default.
fn version(known: usize) -> String {
    let fields: Vec<String> = (0..100)
        .map(|n| {
            let name = if n < known { format!("field_{n}") } else { format!("spare_{n}") };
            match n % 4 {
                0 => format!(r#"{{"name":"{name}","type":["null","string"],"default":null}}"#),
                1 => format!(r#"{{"name":"{name}","type":"long","default":0}}"#),
                2 => format!(r#"{{"name":"{name}","type":{{"type":"map","values":"string"}},"default":{{}}}}"#),
                _ => format!(
                    r#"{{"name":"{name}","type":{{"type":"enum","name":"E{n}","symbols":["A","B","C"]}},"default":"A"}}"#
                ),
            }
        })
        .collect();
    format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","))
}

#[divan::bench(args = [CompatibilityLevel::BackwardTransitive, CompatibilityLevel::FullTransitive])]
fn check_100_versions_of_100_fields(bencher: Bencher, level: CompatibilityLevel) {
    let versions: Vec<ParsedSchema> = (0..100).map(|n| parse(&version(n))).collect();
    let history: Vec<Previous<'_>> = (1..)
        .zip(&versions)
        .map(|(number, schema)| Previous { version: Some(Version(number)), schema, metadata: None })
        .collect();
    let new = parse(&version(100));
    let candidate = Candidate { schema: &new, metadata: None };
    let policy = Policy { level, validate_fields: false, group: None };
    let limits = Limits::default();
    assert!(check(candidate, &history, policy, &limits).is_empty());
    bencher
        .counter(ItemsCount::new(history.len()))
        .bench_local(|| check(black_box(candidate), black_box(&history), policy, &limits));
}
