//! Nanoseconds per record of the validator engine, beside the batch decoder of `kafka-protocol` in the same run.
//!
//! `cargo bench -p muster-validator --bench engine`

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant};

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use kafka_protocol::records::RecordBatchDecoder;
use muster_schema::{SchemaId, SchemaType};
use muster_validator::engine::*;
use support::{CODECS, Random, Rec, batch, framed};

const RECORDS: usize = 1_000;
const SIZES: [usize; 2] = [100, 1024];

fn main() {
    if std::env::args().any(|arg| arg == "--bench") {
        print_ratios();
    }
    divan::main();
}

/// Values of `size` bytes with an id in front, keys of 8 bytes; text-like, so that codecs have something to do.
fn batch_with(codec: Codec, size: usize) -> Vec<u8> {
    let mut random = Random(7);
    let recs: Vec<Rec> = (0..RECORDS)
        .map(|i| {
            let words = ["order", "basket", "shipped", "paid", "open", "customer"];
            let mut body = Vec::new();
            while body.len() < size {
                body.extend(words[random.below(words.len())].bytes());
                body.push((random.next() & 0x3f) as u8);
            }
            body.truncate(size - 5);
            Rec::value(framed(1, &body)).with_key(i.to_be_bytes())
        })
        .collect();
    batch(codec, &recs)
}

struct Engine {
    rules: TopicRules,
    facts: FactsMap,
    limits: BatchLimits,
    scratch: Scratch,
}

impl Engine {
    fn new() -> Self {
        let schema = SchemaFacts::new(SchemaType::Avro, RecordName::None).registered("orders-value", false);
        let mut facts = FactsMap::default();
        facts.insert(Identifier::Id(SchemaId(1)), Fact::Known(schema.into()));
        let rules = TopicRules::new("orders").with_value(SideRules::default());
        Self { rules, facts, limits: BatchLimits::default(), scratch: Scratch::default() }
    }

    fn validate(&mut self, bytes: &[u8]) {
        let outcome =
            validate_batch(&self.rules, &self.facts, black_box(bytes), &self.limits, &mut self.scratch);
        assert!(matches!(outcome, Outcome::Pass(_)), "{outcome:?}");
    }
}

fn decode(bytes: &Bytes) {
    let set = RecordBatchDecoder::decode(&mut black_box(bytes).clone()).expect("a good batch");
    assert_eq!(black_box(set).records.len(), RECORDS);
}

/// The block through the codec's own plainest interface, 64 KiB at a time where it streams, new state each time.
fn decompress(codec: Codec, block: &[u8]) {
    let mut out = [0; 64 << 10];
    let mut drain =
        |mut stream: Box<dyn Read + '_>| while stream.read(&mut out).expect("a good block") > 0 {};
    match codec {
        Codec::None => {}
        Codec::Gzip => drain(Box::new(flate2::read::MultiGzDecoder::new(block))),
        Codec::Snappy => {
            black_box(snap::raw::Decoder::new().decompress_vec(block).expect("a good block"));
        }
        Codec::Lz4 => drain(Box::new(lz4_flex::frame::FrameDecoder::new(block))),
        Codec::Zstd => drain(Box::new(::zstd::Decoder::with_buffer(block).expect("a decoder"))),
    }
}

/// Best time per record of many runs over 200 ms.
fn ns_per_record(mut run: impl FnMut()) -> f64 {
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < Duration::from_millis(200) {
        let lap = Instant::now();
        run();
        best = best.min(lap.elapsed());
    }
    best.as_secs_f64() * 1e9 / RECORDS as f64
}

fn print_ratios() {
    let mut engine = Engine::new();
    println!("ns per record, best of many batches of {RECORDS} records, level id");
    for size in SIZES {
        let plain = batch_with(Codec::None, size);
        let ours = ns_per_record(|| engine.validate(&plain));
        let plain = Bytes::from(plain);
        let theirs = ns_per_record(|| decode(&plain));
        println!(
            "  values of {size:4} bytes, none:   engine {ours:6.1}, kafka-protocol decode {theirs:6.1}, ratio {:.2}",
            theirs / ours
        );
        for codec in CODECS.into_iter().skip(1) {
            let bytes = batch_with(codec, size);
            let ours = ns_per_record(|| engine.validate(&bytes));
            let alone = ns_per_record(|| decompress(codec, &bytes[61..]));
            println!(
                "  values of {size:4} bytes, {:7} engine {ours:6.1}, decompression alone   {alone:6.1}, ratio {:.2}",
                format!("{codec}:"),
                alone / ours
            );
        }
    }
}

#[divan::bench(args = SIZES)]
fn none(bencher: Bencher, size: usize) {
    validate(bencher, Codec::None, size);
}

#[divan::bench(args = SIZES)]
fn gzip(bencher: Bencher, size: usize) {
    validate(bencher, Codec::Gzip, size);
}

#[divan::bench(args = SIZES)]
fn snappy(bencher: Bencher, size: usize) {
    validate(bencher, Codec::Snappy, size);
}

#[divan::bench(args = SIZES)]
fn lz4(bencher: Bencher, size: usize) {
    validate(bencher, Codec::Lz4, size);
}

#[divan::bench(args = SIZES)]
fn zstd(bencher: Bencher, size: usize) {
    validate(bencher, Codec::Zstd, size);
}

fn validate(bencher: Bencher, codec: Codec, size: usize) {
    let bytes = batch_with(codec, size);
    let mut engine = Engine::new();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| engine.validate(&bytes));
}

#[divan::bench(args = SIZES)]
fn baseline_kafka_protocol_none(bencher: Bencher, size: usize) {
    let bytes = Bytes::from(batch_with(Codec::None, size));
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| decode(&bytes));
}
