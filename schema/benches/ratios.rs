//! The walker against other ways to read a record, and the time that a registration takes: one table for people.
//!
//! `cargo bench -p muster-schema --bench ratios`
//!
//! All contestants read the same bytes in the same run, in turn, so that whatever else the machine does hits them alike;
//! each figure is the median of many short batches. apache-avro decodes into its `Value`, and with serde into a struct;
//! neither checks more than the walker does.

#![allow(clippy::print_stdout, reason = "a table for people")]

#[path = "support/records.rs"]
mod records;
#[path = "support/timing.rs"]
mod timing;

use std::hint::black_box;
use std::time::{Duration, Instant};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use muster_schema::avro::validate::{Program, Projection, Scratch};
use muster_schema::compatibility::{Candidate, Previous, Settings, check};
use muster_schema::{CompatibilityLevel, Limits, ParsedSchema, Version};
use records::{SHAPES, Shape, parse, version};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use timing::{medians, percentile};

fn main() {
    println!(
        "one record       bytes   walker            last field   apache-avro Value     apache-avro serde"
    );
    for shape in SHAPES {
        match shape {
            Shape::Mixed => compare::<Mixed>(shape),
            Shape::Longs => compare::<Twenty<i64>>(shape),
            Shape::Strings => compare::<Twenty<String>>(shape),
            Shape::Optional => compare::<Twenty<Option<i32>>>(shape),
            Shape::Nested => compare::<Nested>(shape),
        }
    }
    println!();
    registration();
}

/// Decodes one record in each way and prints a line.
fn compare<T: DeserializeOwned>(shape: Shape) {
    let (text, datum) = shape.build();
    let schema = parse(&text);
    let last = schema.top_level_fields().pop().expect("the shapes have fields");
    let schema = schema.as_avro().expect("it was parsed as Avro");
    let (program, limits, mut scratch) = (Program::compile(schema), Limits::default(), Scratch::default());
    let projection = Projection::compile(schema, &[last.as_str()]).expect("the field exists");
    let mut scratch_too = Scratch::default();
    let theirs = Schema::parse_str(&text).expect("apache-avro reads the shapes");
    let reader = GenericDatumReader::builder(&theirs).build().expect("apache-avro reads the shapes");
    let value = || reader.read_value(&mut black_box(datum.as_slice())).is_ok();
    let serde = || reader.read_deser::<T>(&mut black_box(datum.as_slice())).is_ok();
    assert!(value());
    let decoded = reader.read_deser::<T>(&mut datum.as_slice());
    assert!(decoded.is_ok(), "{:?}", decoded.err());

    let [walk, project, value, serde] = medians(
        [
            &mut || program.check(black_box(&datum), &limits, &mut scratch).is_ok(),
            &mut || projection.find(black_box(&datum), &limits, &mut scratch_too).is_ok(),
            &mut { value },
            &mut { serde },
        ],
        60,
    )
    .map(|median| median.as_secs_f64() * 1e9);
    let megabytes = datum.len() as f64 / walk * 1e3;
    println!(
        "{:12} {:9}   {walk:6.0} ns {megabytes:5.0} MB/s {project:7.0} ns   {value:8.0} ns {:5.1} x     {serde:8.0} ns {:5.1} x",
        format!("{shape:?}"),
        datum.len(),
        value / walk,
        serde / walk,
    );
}

/// Parses and canonicalizes a record of 100 fields and checks it against 100 versions; then the same with the texts of
/// all 100 versions parsed as well.
fn registration() {
    const SAMPLES: usize = 1_000;
    let texts: Vec<String> = (0..100).map(version).collect();
    let versions: Vec<ParsedSchema> = texts.iter().map(|text| parse(text)).collect();
    let (new, limits) = (version(100), Limits::default());
    println!(
        "parse, canonicalize and check a record of 100 fields     p50        p99        max   (ms, of {SAMPLES})"
    );
    for level in [CompatibilityLevel::BackwardTransitive, CompatibilityLevel::FullTransitive] {
        let settings = Settings::of(level);
        let run = |versions: &[ParsedSchema]| {
            let history: Vec<Previous<'_>> = (1..)
                .zip(versions)
                .map(|(number, schema)| Previous { version: Some(Version(number)), schema, metadata: None })
                .collect();
            let schema = parse(black_box(&new));
            let candidate = Candidate { schema: &schema, metadata: None };
            assert!(
                !schema.canonical().is_empty() && check(candidate, &history, settings, &limits).is_empty()
            );
        };
        print_percentiles(&format!("against 100 versions, {level}"), SAMPLES, || run(&versions));
        print_percentiles(&format!("and parse those too, {level}"), SAMPLES / 10, || {
            let versions: Vec<ParsedSchema> = texts.iter().map(|text| parse(text)).collect();
            run(&versions);
        });
    }
}

fn print_percentiles(what: &str, samples: usize, mut run: impl FnMut()) {
    run();
    let mut taken: Vec<Duration> = (0..samples)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    let [p50, p99, max] = [50, 99, 100].map(|percent| percentile(&mut taken, percent).as_secs_f64() * 1e3);
    println!("{what:52} {p50:9.3}  {p99:9.3}  {max:9.3}");
}

/// The structs that serde decodes into; what is in them is not used.
#[derive(Deserialize)]
#[serde(rename = "R")]
#[expect(dead_code, reason = "decoded, not read")]
struct Twenty<T> {
    f0: T,
    f1: T,
    f2: T,
    f3: T,
    f4: T,
    f5: T,
    f6: T,
    f7: T,
    f8: T,
    f9: T,
    f10: T,
    f11: T,
    f12: T,
    f13: T,
    f14: T,
    f15: T,
    f16: T,
    f17: T,
    f18: T,
    f19: T,
}

#[derive(Deserialize)]
#[serde(rename = "R")]
#[expect(dead_code, reason = "decoded, not read")]
struct Mixed {
    f0: i64,
    f1: String,
    f2: f64,
    f3: Option<String>,
    f4: i64,
    f5: String,
    f6: f64,
    f7: Option<String>,
    f8: i64,
    f9: String,
    f10: f64,
    f11: Option<String>,
    f12: i64,
    f13: String,
    f14: f64,
    f15: Option<String>,
    f16: Letter,
    f17: i32,
    f18: bool,
    #[serde(with = "apache_avro::serde::bytes")]
    f19: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename = "E")]
enum Letter {
    A,
    B,
    C,
}

#[derive(Deserialize)]
#[serde(rename = "R")]
#[expect(dead_code, reason = "decoded, not read")]
struct Nested {
    f0: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename = "I")]
#[expect(dead_code, reason = "decoded, not read")]
struct Item {
    sku: String,
    count: i32,
    price: f64,
}
