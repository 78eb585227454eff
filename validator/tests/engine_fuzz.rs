//! Any bytes are answered: no panic, no endless loop, and the same verdict whichever way a batch is walked.
//!
//! [`fuzz`] is a plain function, so that a fuzzer can drive it as well as the iterations here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use muster_schema::{SchemaId, SchemaType};
use muster_validator::engine::*;
use support::*;

/// One input: two bytes choose rules and how the rest is to be taken; the rest is a records field, or the block of a
/// well-formed batch, so that damage reaches behind the checksum.
pub fn fuzz(data: &[u8], scratch: &mut Scratch) {
    let [choice, shape, rest @ ..] = data else { return };
    let side = SideRules {
        strategy: muster_schema::SubjectNameStrategy::ALL[usize::from(choice % 3)],
        framing: [FramingPolicy::Prefix, FramingPolicy::Header, FramingPolicy::Either]
            [usize::from(choice / 3 % 3)],
        level: if choice & 0x40 != 0 { Level::Payload } else { Level::Id },
        ..SideRules::default()
    };
    let rules = TopicRules::new("t").with_value(side).with_key(side);
    let wrapped;
    let records = match shape % 8 {
        0 => rest,
        // Message sets are too short to hit by chance.
        1 => {
            wrapped = message((shape / 8) & 1, choice & 7, None, Some(rest));
            &wrapped
        }
        codec => {
            let count = i32::from(shape / 8) + 1;
            let block = if choice & 0x80 == 0 {
                rest.to_vec()
            } else {
                compress(CODECS[usize::from(codec - 2).min(4)], rest)
            };
            wrapped = batch_of(i16::from(codec - 2), count, &block);
            &wrapped
        }
    };
    let limits = BatchLimits { decompressed_bytes: Some(1 << 20), ..BatchLimits::default() };
    let outcome = validate_batch(&rules, &facts(), records, &limits, scratch);
    // A scratch that has seen anything judges like a new one.
    let again = validate_batch(&rules, &facts(), records, &limits, &mut Scratch::default());
    assert_eq!(outcome, again);

    let mut read = 0;
    let readable = read_records(records, &limits, scratch, |record| {
        read += 1;
        record.headers().count();
    });
    match &outcome {
        Outcome::Pass(stats) => assert_eq!((readable, stats.records + stats.skipped), (Ok(()), read)),
        Outcome::Reject(report) => {
            let whole = matches!(report.reason, Reason::Malformed | Reason::TooExpansive);
            assert_eq!(readable.is_err(), whole, "{report:?}");
            let text = report.message.len() + report.records.iter().map(|r| r.message.len()).sum::<usize>();
            assert!(text <= limits.report_bytes && report.records.len() <= limits.record_errors);
            assert!(report.records.is_sorted_by(|a, b| a.index < b.index));
            assert!(report.records.iter().all(|record| (record.index as u64) < report.stats.records));
        }
        _ => {}
    }
}

fn facts() -> FactsMap {
    let mut facts = FactsMap::complete();
    let message = Message { name: "M".into(), nested: vec![] };
    let table = MessageTable { messages: vec![message] };
    let schemas = [
        SchemaFacts::new(SchemaType::Avro, RecordName::One("R".into())),
        SchemaFacts::new(SchemaType::Protobuf, RecordName::PerMessage(table)),
        SchemaFacts::new(SchemaType::Json, RecordName::None),
    ];
    for (n, schema) in schemas.into_iter().enumerate() {
        let schema = schema.registered("t-value", n == 2).registered("t-key", false).registered("R", false);
        facts.insert(Identifier::Id(SchemaId(n as i32)), Fact::Known(schema.into()));
    }
    facts.insert(Identifier::Id(SchemaId(3)), Fact::Unavailable);
    facts
}

/// Good batches of every codec and framing, to be damaged.
fn seeds() -> Vec<Vec<u8>> {
    let recs: Vec<Rec> = (0..8)
        .map(|i| {
            let rec = Rec::value(framed(i % 4, &vec![0; 10 * i as usize])).with_key(framed(0, b"k"));
            if i % 3 == 0 { rec.with_header("__value_schema_id", Some(&framed(1, &[0]))) } else { rec }
        })
        .chain([Rec::value(framed(0, &[b'x'; 70_000])), Rec::default()])
        .collect();
    let block = block(&recs);
    let mut seeds: Vec<_> = CODECS.iter().map(|codec| batch(*codec, &recs)).collect();
    seeds.push(batch_of(2, recs.len() as i32, &java_snappy(&block)));
    let set = [
        message(1, 0, None, Some(&framed(0, b""))),
        message(0, 1, None, Some(&compress(Codec::Gzip, &message(0, 0, None, None)))),
    ];
    seeds.push(set.concat());
    seeds
}

#[test]
fn random_bytes_are_answered() {
    let (mut random, mut scratch) = (Random(0x5eed), Scratch::default());
    for _ in 0..4_000 {
        let length = random.below(300);
        let data: Vec<u8> =
            (0..length).map(|_| (random.next() & if length % 2 == 0 { 0xff } else { 0x0f }) as u8).collect();
        fuzz(&data, &mut scratch);
    }
}

#[test]
fn damaged_batches_are_answered() {
    let seeds = seeds();
    let (mut random, mut scratch) = (Random(0xdead), Scratch::default());
    for round in 0..3_000 {
        let mut batch = seeds[round % seeds.len()].clone();
        for _ in 0..1 + random.below(4) {
            // Mostly near the front, where the structure is.
            let reach = if random.below(3) == 0 { batch.len() } else { batch.len().min(160) };
            let at = random.below(reach);
            match random.below(5) {
                0 => batch[at] = 0xff,
                1 => batch[at] = 0,
                2 => batch.truncate(at.max(1)),
                3 => batch.insert(at, (random.next() & 0xff) as u8),
                _ => batch[at] ^= 1 << random.below(8),
            }
        }
        if batch.len() > 61 && batch[16] >= 2 {
            seal(&mut batch);
        }
        let choice = (random.next() & 0x7f) as u8;
        fuzz(&[&[choice, 0], &batch[..]].concat(), &mut scratch);
    }
}

#[test]
fn damaged_blocks_are_answered() {
    let (mut random, mut scratch) = (Random(0xbeef), Scratch::default());
    for seed in seeds() {
        let attributes = seed[22] & 7;
        for _ in 0..400 {
            let mut block = seed[61.min(seed.len())..].to_vec();
            if block.is_empty() {
                continue;
            }
            for _ in 0..1 + random.below(3) {
                let at = random.below(block.len().min(400));
                block[at] ^= 1 << random.below(8);
            }
            let count = 9u8; // ten records
            fuzz(&[&[0, count * 8 + attributes.min(4) + 2], &block[..]].concat(), &mut scratch);
        }
    }
}
