//! Hot paths of the Avro module: the walker per record, and a compatibility check over a long history. `ratios` compares
//! them with other decoders.
//!
//! `cargo bench -p muster-schema --bench avro`

#[path = "support/records.rs"]
mod records;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use muster_schema::avro::changes::changes;
use muster_schema::avro::validate::{Program, Projection, Scratch};
use muster_schema::avro::witness::explain;
use muster_schema::compatibility::{Candidate, Previous, Settings, check};
use muster_schema::{CompatibilityLevel, Limits, ParsedSchema, Version};
use records::{SHAPES, Shape, parse, version};

fn main() {
    divan::main();
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

#[divan::bench(args = [CompatibilityLevel::BackwardTransitive, CompatibilityLevel::FullTransitive])]
fn check_100_versions_of_100_fields(bencher: Bencher, level: CompatibilityLevel) {
    let versions: Vec<ParsedSchema> = (0..100).map(|n| parse(&version(n))).collect();
    let history: Vec<Previous<'_>> = (1..)
        .zip(&versions)
        .map(|(number, schema)| Previous { version: Some(Version(number)), schema, metadata: None })
        .collect();
    let new = parse(&version(100));
    let candidate = Candidate { schema: &new, metadata: None };
    let settings = Settings::of(level);
    let limits = Limits::default();
    assert!(check(candidate, &history, settings, &limits).is_empty());
    bencher
        .counter(ItemsCount::new(history.len()))
        .bench_local(|| check(black_box(candidate), black_box(&history), settings, &limits));
}

#[divan::bench(args = SHAPES)]
fn find_the_last_field(bencher: Bencher, shape: Shape) {
    let (schema, datum) = shape.build();
    let schema = parse(&schema);
    let last = schema.top_level_fields().pop().expect("the shapes have fields");
    let schema = schema.as_avro().expect("it was parsed as Avro");
    let projection = Projection::compile(schema, &[last.as_str()]).expect("the field exists");
    let (limits, mut scratch) = (Limits::default(), Scratch::default());
    bencher
        .counter(BytesCount::new(datum.len()))
        .bench_local(|| projection.find(black_box(&datum), &limits, &mut scratch).is_ok());
}

#[divan::bench]
fn explain_100_fields(bencher: Bencher) {
    let [reader, writer] = [0, 100].map(|known| parse(&version(known).replace(",\"default\"", ",\"was\"")));
    let [reader, writer] = [&reader, &writer].map(|schema| schema.as_avro().expect("it was parsed as Avro"));
    let limits = Limits::default();
    assert_eq!(explain(reader, writer, &limits).len(), 100);
    bencher.bench_local(|| explain(black_box(reader), black_box(writer), &limits));
}

#[divan::bench]
fn list_changes_of_100_fields(bencher: Bencher) {
    let [reader, writer] = [0, 100].map(|known| parse(&version(known)));
    let [reader, writer] = [&reader, &writer].map(|schema| schema.as_avro().expect("it was parsed as Avro"));
    let limits = Limits::default();
    assert_eq!(changes(writer, reader, &limits).len(), 200);
    bencher.bench_local(|| changes(black_box(writer), black_box(reader), &limits));
}
