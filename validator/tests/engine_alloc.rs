//! What the engine allocates: nothing per record, and nothing because a number in a batch says so.
//!
//! Counts what goes through Rust's allocator on the calling thread; the window of the zstd library, at most 8 MiB,
//! does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::{Counting, held, measure};
use muster_schema::{SchemaId, SchemaType};
use muster_validator::engine::*;
use support::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn facts() -> FactsMap {
    let mut facts = FactsMap::complete();
    for n in 0..4 {
        let schema = SchemaFacts::new(SchemaType::Avro, RecordName::None).registered("t-value", false);
        facts.insert(Identifier::Id(SchemaId(n)), Fact::Known(schema.into()));
    }
    facts
}

fn rules() -> TopicRules {
    TopicRules::new("t").with_value(SideRules::default())
}

fn recs(count: usize) -> Vec<Rec> {
    let mut random = Random(99);
    (0..count)
        .map(|i| {
            let body: Vec<u8> = (0..95).map(|_| (random.next() & 0x3f) as u8).collect();
            Rec::value(framed((i % 4) as i32, &body)).with_header("trace", Some(b"0123456789"))
        })
        .collect()
}

#[test]
fn records_cost_no_allocation() {
    let (rules, facts, limits) = (rules(), facts(), BatchLimits::default());
    let mut scratch = Scratch::default();
    for codec in CODECS {
        let counts = [100usize, 2_000].map(|count| {
            let bytes = batch(codec, &recs(count));
            for _ in 0..2 {
                validate_batch(&rules, &facts, &bytes, &limits, &mut scratch);
            }
            let (outcome, count_of_allocations, _) =
                measure(|| validate_batch(&rules, &facts, &bytes, &limits, &mut scratch));
            assert!(
                matches!(outcome, Outcome::Pass(stats) if stats.records == count as u64),
                "{codec} {outcome:?}"
            );
            count_of_allocations
        });
        assert_eq!(counts[0], counts[1], "{codec}: allocations for 100 and for 2,000 records");
        assert!(counts[0] <= 1, "{codec}: {counts:?}");
        if codec == Codec::None {
            assert_eq!(counts, [0, 0]);
        }
    }
}

#[test]
fn failing_records_cost_no_more_than_the_report() {
    let (rules, facts, limits) = (rules(), facts(), BatchLimits::default());
    let bytes = batch(Codec::None, &vec![Rec::value("plain"); 100_000]);
    let (outcome, count, peak) =
        measure(|| validate_batch(&rules, &facts, &bytes, &limits, &mut Scratch::default()));
    assert!(matches!(outcome, Outcome::Reject(_)));
    assert!(count < 1_000 && peak < 64 << 10, "{count} allocations, {peak} bytes");
}

#[test]
fn a_different_id_in_every_record_costs_little() {
    let (rules, limits) = (rules(), BatchLimits::default());
    let recs: Vec<Rec> = (0..200_000).map(|i| Rec::value(framed(i, b""))).collect();
    let bytes = batch(Codec::None, &recs);
    for facts in [FactsMap::complete(), FactsMap::default()] {
        let (_, _, peak) =
            measure(|| validate_batch(&rules, &facts, &bytes, &limits, &mut Scratch::default()));
        assert!(peak < 1 << 20, "{peak} bytes");
    }
}

/// Batches that claim or expand to far more than they are, with the most bytes each may cost.
fn hostile() -> Vec<(&'static str, Vec<u8>, isize)> {
    const SMALL: isize = 200 << 10;
    let large = |front: &[u8], length: usize| [front, &vec![0; length]].concat();
    let bomb = block(&[Rec::value(large(&framed(1, b""), 6 << 20))]);
    // A record that claims 2 GiB - 1, and a value that does.
    let claims_record = large(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 1], 100_000);
    let claims_value = {
        let mut out = vec![];
        varint(i64::from(i32::MAX), &mut out);
        out.extend([0, 0, 0, 1, 0xf0, 0xff, 0xff, 0xff, 0x0f]);
        large(&out, 100_000)
    };
    let headers = {
        let mut out = vec![];
        varint(60_007, &mut out);
        out.extend([0, 0, 0, 1, 1]);
        varint(i64::from(i32::MAX), &mut out);
        large(&out, 60_000)
    };
    let lz4 = |block: &[u8]| {
        let mut out = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x70];
        out.push((twox_hash::XxHash32::oneshot(0, &out[4..]) >> 8) as u8);
        [&out[..], block].concat()
    };
    let mut cases = vec![
        ("2^31-1 records", batch_of(0, i32::MAX, b"\x0c\0\0\0\x01\x01\0"), SMALL),
        (
            "2^31-1 records in gzip",
            batch_of(1, i32::MAX, &compress(Codec::Gzip, b"\x0c\0\0\0\x01\x01\0")),
            SMALL,
        ),
        ("a record of 2 GiB", batch_of(0, 1, &claims_record), SMALL),
        ("a value of 2 GiB", batch_of(0, 1, &claims_value), SMALL),
        ("2^31-1 headers", batch_of(0, 1, &headers), SMALL),
        ("raw snappy of 2 GiB", batch_of(2, 1, b"\xff\xff\xff\xff\x07\0a"), SMALL),
        ("raw snappy of 1 MiB", batch_of(2, 1, b"\x80\x80\x40\0a"), SMALL),
        (
            "framed snappy of 2 GiB",
            batch_of(2, 1, b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff\0"),
            SMALL,
        ),
        ("lz4 block of 4 MiB", batch_of(3, 1, &lz4(&[0, 0, 0x40, 0, 0])), SMALL),
        ("lz4 block that is cut", batch_of(3, 1, &lz4(&[5, 0, 0, 0, 0x10])), SMALL),
        (
            "zstd segment of 2^64-1",
            batch_of(4, 1, b"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0"),
            1100 << 10,
        ),
        ("zstd window of 128 MiB", batch_of(4, 1, b"\x28\xb5\x2f\xfd\0\x88\x01\0\0"), 1100 << 10),
    ];
    for codec in CODECS.into_iter().skip(1) {
        cases.push((codec.as_str(), batch_of(codec_bits(codec), 1, &compress(codec, &claims_record)), SMALL));
        cases.push((codec.as_str(), batch_of(codec_bits(codec), 1, &compress(codec, &claims_value)), SMALL));
        cases.push((codec.as_str(), batch_of(codec_bits(codec), 1, &compress(codec, &headers)), SMALL));
        // One LZ4 block may be as large as the cap.
        let most = if codec == Codec::Lz4 { 2 << 20 } else { SMALL };
        cases.push((codec.as_str(), batch_of(codec_bits(codec), 1, &compress(codec, &bomb)), most));
    }
    cases.push(("framed snappy", batch_of(2, 1, &java_snappy(&bomb)), SMALL));
    cases
}

#[test]
fn claims_and_bombs_cost_what_is_there() {
    let (rules, facts, limits) = (rules(), facts(), BatchLimits::default());
    for (name, bytes, most) in hostile() {
        let (outcome, _, peak) =
            measure(|| validate_batch(&rules, &facts, &bytes, &limits, &mut Scratch::default()));
        assert!(matches!(outcome, Outcome::Reject(_)), "{name}: {outcome:?}");
        assert!(peak <= most, "{name}: {peak} bytes");
    }
}

#[test]
fn whole_records_grow_with_the_bytes_that_arrive() {
    // At level `payload` records are read whole: at most what the cap allows, whatever they claim.
    let rules = TopicRules::new("t").with_value(SideRules { level: Level::Payload, ..SideRules::default() });
    let (facts, limits) = (facts(), BatchLimits::default());
    for (name, bytes, most) in hostile() {
        let (outcome, _, peak) =
            measure(|| validate_batch(&rules, &facts, &bytes, &limits, &mut Scratch::default()));
        assert!(matches!(outcome, Outcome::Reject(_)), "{name}: {outcome:?}");
        // The window doubles up to the cap, and old and new may exist at once.
        let cap = (16 * bytes.len() as isize).max(1 << 20);
        assert!(peak <= most + 3 * cap, "{name}: {peak} bytes");
    }
}

#[test]
fn bombs_are_too_expansive_in_every_codec() {
    let (rules, facts) = (rules(), facts());
    let value = [&framed(1, b"")[..], &vec![0; 6 << 20]].concat();
    let records = block(&[Rec::value(value)]);
    let mut scratch = Scratch::default();
    let mut blocks: Vec<_> =
        CODECS.into_iter().skip(1).map(|codec| (codec, compress(codec, &records))).collect();
    blocks.push((Codec::Snappy, java_snappy(&records)));
    for (codec, block) in blocks {
        let bytes = batch_of(codec_bits(codec), 1, &block);
        // Snappy does not reach the default ratio by much, so its cap is set.
        let cap = if codec == Codec::Snappy { Some(2 << 20) } else { None };
        let limits = BatchLimits { decompressed_bytes: cap, ..BatchLimits::default() };
        match validate_batch(&rules, &facts, &bytes, &limits, &mut scratch) {
            Outcome::Reject(report) => {
                let cap = cap.unwrap_or((block.len() as u64 * 16).max(1 << 20));
                assert_eq!(
                    report.message,
                    format!(
                        "the record batch cannot be validated: it decompresses to more than {cap} bytes \
                         (schema-validation TOO_EXPANSIVE)"
                    )
                );
            }
            other => panic!("{codec}: {other:?}"),
        }
        let raised = BatchLimits { decompressed_bytes: Some(32 << 20), ..limits };
        let outcome = validate_batch(&rules, &facts, &bytes, &raised, &mut scratch);
        assert!(
            matches!(outcome, Outcome::Pass(stats) if stats.decompressed_bytes == records.len() as u64),
            "{codec}"
        );
    }
}

#[test]
fn an_unusual_batch_leaves_a_small_scratch() {
    let (rules, facts) = (rules(), facts());
    let limits = BatchLimits { decompressed_bytes: Some(64 << 20), ..BatchLimits::default() };
    let value = [&framed(1, b"")[..], &vec![0; 8 << 20]].concat();
    let records = block(&[Rec::value(value)]);
    let mut batches: Vec<_> =
        CODECS.into_iter().map(|codec| batch_of(codec_bits(codec), 1, &compress(codec, &records))).collect();
    batches.push(batch_of(2, 1, &java_snappy(&records)));
    let ((), _, _) = measure(|| {
        let mut scratch = Scratch::default();
        for bytes in &batches {
            validate_batch(&rules, &facts, bytes, &limits, &mut scratch);
            read_records(bytes, &limits, &mut scratch, |_| {}).unwrap();
            assert!(held() <= 3 << 20, "{} bytes kept", held());
        }
    });
}
