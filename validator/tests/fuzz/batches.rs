//! Records fields of Produce requests, in every codec and format.

use std::cell::RefCell;
use std::sync::LazyLock;

use muster_schema::{SchemaId, SubjectNameStrategy};
use muster_validator::engine::*;

use crate::payloads::{AVRO, JSON, PROTOBUF, facts_of};
use crate::support::*;

thread_local! {
    /// One for all executions, so that what one leaves behind would show in the next.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

static FACTS: LazyLock<FactsMap> = LazyLock::new(|| {
    let mut facts = FactsMap::complete();
    for (n, (schema_type, text)) in (0..).zip([AVRO, PROTOBUF, JSON]) {
        let facts_of_it = facts_of(schema_type, text)
            .registered("t-value", n == 2)
            .registered("t-key", false)
            .registered("R", false);
        facts.insert(Identifier::Id(SchemaId(n)), Fact::Known(facts_of_it.into()));
    }
    facts.insert(Identifier::Id(SchemaId(3)), Fact::Unavailable);
    facts
});

/// Two bytes choose rules and how the rest is to be taken: as a records field, as the content of an old message, or
/// as the block of a batch, made well-formed around it so that damage reaches behind the checksum.
///
/// The verdict does not depend on what was judged before; it passes or refuses records one by one if and only if all
/// records can be read; a report keeps within its caps, in ascending order.
pub fn feed(input: &[u8]) -> String {
    let [choice, shape, rest @ ..] = input else { return String::new() };
    let side = SideRules {
        strategy: SubjectNameStrategy::ALL[usize::from(choice % 3)],
        framing: [FramingPolicy::Prefix, FramingPolicy::Header, FramingPolicy::Either]
            [usize::from(choice / 3 % 3)],
        level: if choice & 0x40 != 0 { Level::Payload } else { Level::Id },
        deleted: if choice & 0x20 != 0 { DeletedPolicy::Reject } else { DeletedPolicy::Accept },
        null: if choice & 0x10 != 0 { NullPolicy::Reject } else { NullPolicy::Pass },
    };
    let rules = TopicRules::new("t").with_value(side).with_key(side);
    let fit = choice & 0x80 != 0;
    let records = match shape % 8 {
        0 if fit => sealed(rest),
        0 => rest.to_vec(),
        1 => message((shape / 8) & 1, choice & 7, None, Some(rest)),
        codec => {
            let codec = usize::from(codec - 2).min(4);
            let block = if fit { compress(CODECS[codec], rest) } else { rest.to_vec() };
            batch_of(codec as i16, i32::from(shape / 8) + 1, &block)
        }
    };
    let limits = BatchLimits { decompressed_bytes: Some(1 << 20), ..BatchLimits::default() };
    SCRATCH.with_borrow_mut(|scratch| judge(&rules, &records, &limits, scratch))
}

fn judge(rules: &TopicRules, records: &[u8], limits: &BatchLimits, scratch: &mut Scratch) -> String {
    let outcome = validate_batch(rules, &*FACTS, records, limits, scratch);
    let again = validate_batch(rules, &*FACTS, records, limits, &mut Scratch::default());
    assert_eq!(outcome, again, "a scratch that has seen anything judges like a new one");

    let mut read = 0;
    let readable = read_records(records, limits, scratch, |record| {
        read += 1;
        record.headers().count();
    });
    match &outcome {
        Outcome::Pass(stats) => {
            assert_eq!((readable, stats.records + stats.skipped), (Ok(()), read));
            format!("pass {} {}", stats.records.min(5), stats.skipped.min(2))
        }
        Outcome::Reject(report) => {
            let whole = matches!(report.reason, Reason::Malformed | Reason::TooExpansive);
            assert_eq!(readable.is_err(), whole, "{report:?}");
            let text = report.message.len() + report.records.iter().map(|r| r.message.len()).sum::<usize>();
            assert!(text <= limits.report_bytes && report.records.len() <= limits.record_errors);
            assert!(report.records.is_sorted_by(|a, b| a.index < b.index));
            assert!(report.records.iter().all(|record| (record.index as u64) < report.stats.records));
            let codec = records.get(22).map_or(0, |attributes| attributes & 7);
            // Identifiers and places are left out: almost every input has others.
            let reasons: Vec<_> =
                report.reasons.iter().map(|(reason, count)| (reason, count.min(3))).collect();
            let flaw = readable.map_err(|error| match error {
                Unreadable::Malformed { flaw, record } => (Some(flaw), record.map(|record| record.min(3))),
                Unreadable::TooExpansive { .. } => (None, None),
            });
            format!("reject {codec} {reasons:?} {flaw:?}")
        }
        Outcome::Unavailable(identifiers) => format!("unavailable {}", identifiers.len()),
        other => format!("{other:?}"),
    }
}

/// With the lengths and checksums that the bytes should have, so far as there is a batch or a message.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match bytes.get(16) {
        None => {}
        Some(0 | 1) => {
            let mut at = 0;
            while let Some(length) = bytes.get(at + 8..at + 12) {
                let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
                let Some(content) = bytes.get(at + 16..at + 12 + length) else { break };
                let mut crc = flate2::Crc::new();
                crc.update(content);
                bytes[at + 12..at + 16].copy_from_slice(&crc.sum().to_be_bytes());
                at += 12 + length;
            }
        }
        Some(_) if bytes.len() > 61 => seal(&mut bytes),
        Some(_) => {}
    }
    bytes
}

/// Good batches of every codec and framing, whole and as blocks.
pub fn seeds() -> Vec<Vec<u8>> {
    let bodies: [&[u8]; 4] = [b"\x02a\x02", b"\x00\x0a\x01a", br#"{"a":1}"#, b""];
    let recs: Vec<Rec> = (0..8)
        .map(|i| {
            let body = bodies[i as usize % 4];
            let rec = Rec::value(framed(i % 4, body)).with_key(framed(0, bodies[0]));
            if i % 3 == 0 { rec.with_header("__value_schema_id", Some(&framed(1, &[0]))) } else { rec }
        })
        .chain([Rec::value(framed(0, b"\x02a\x02")), Rec::default()])
        .collect();
    let count = recs.len() as u8;
    let mut seeds = Vec::new();
    for choice in [0x80u8, 0x81, 0x82, 0xc0, 0xc6, 0x30, 0x46] {
        for (bits, codec) in (0..).zip(CODECS) {
            seeds.push([&[choice | 0x80, 0], &batch(codec, &recs)[..]].concat());
            let block = compress(codec, &block(&recs));
            seeds.push([&[choice & 0x7f, (count - 1) * 8 + 2 + bits], &block[..]].concat());
        }
        let framed_snappy = java_snappy(&block(&recs));
        seeds.push([&[choice & 0x7f, (count - 1) * 8 + 4], &framed_snappy[..]].concat());
        seeds.push([&[choice | 0x80, (count - 1) * 8 + 3], &block(&recs)[..]].concat());
        let inner: Vec<u8> = (0..3).flat_map(|id| message(0, 0, None, Some(&framed(id, b"")))).collect();
        for codec in &CODECS[1..4] {
            let set = [
                message(1, 0, Some(b"k"), Some(&framed(0, b""))),
                message(0, codec_bits(*codec) as u8, None, Some(&compress(*codec, &inner))),
            ];
            seeds.push([&[choice | 0x80, 0], &set.concat()[..]].concat());
        }
    }
    // A record larger than the window.
    let large = [Rec::value(framed(0, &[b'x'; 70_000])).with_header("__value_schema_id", None)];
    seeds.extend(CODECS[1..].iter().map(|codec| [&[0x80, 0], &batch(*codec, &large)[..]].concat()));
    seeds
}
