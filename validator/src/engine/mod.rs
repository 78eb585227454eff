//! Decides about record batches: every record of a validated topic must name a schema of the expected subject.
//!
//! A pure function of its arguments, in two phases (broker validation spec §21): the first call answers
//! [`Outcome::NeedLookup`] with the identifiers about which [`Facts`] knows nothing yet; once the caller has supplied
//! them, the second call decides. Nothing here waits, and no byte of a batch can make it panic, recurse, or
//! allocate more than [`BatchLimits`] and the bytes that are really there allow.
//!
//! - [`TopicRules`] and [`SideRules`]: what a topic asks for (§7.1–7.3).
//! - [`Facts`], [`Fact`], [`SchemaFacts`], [`FactsMap`]: what is known about identifiers (§8.2).
//! - [`BatchLimits`], [`VerifyCrc`]: what a batch may cost (§11.3–11.4).
//! - [`Outcome`], [`Report`], [`RecordError`], [`Reason`]: the verdict and the words for it (§7.4).
//! - [`Scratch`]: buffers and decoders to reuse between batches; one per connection or thread.
//! - [`read_records`]: the same walk, handing out whole records.
//!
//! ```
//! use std::sync::Arc;
//! use muster_schema::{SchemaId, SchemaType};
//! use muster_validator::engine::*;
//!
//! let rules = TopicRules::new("orders").with_value(SideRules::default());
//! let mut facts = FactsMap::default();
//! let schema = SchemaFacts::new(SchemaType::Avro, RecordName::One("com.example.Order".into()))
//!     .registered("orders-value", false);
//! facts.insert(Identifier::Id(SchemaId(42)), Fact::Known(Arc::new(schema)));
//!
//! let mut scratch = Scratch::default();
//! // Cut short: there is no batch to judge, so the broker answers.
//! let outcome = validate_batch(&rules, &facts, &[0; 20], &BatchLimits::default(), &mut scratch);
//! assert!(matches!(outcome, Outcome::Forward(_)));
//! ```

mod batch;
mod codec;
mod cursor;
mod facts;
mod findings;
mod judge;
mod limits;
mod message_set;
mod outcome;
mod read;
mod record;
mod rules;
mod walk;

pub use batch::BatchHeader;
pub use codec::Codec;
pub use cursor::Flaw;
pub use facts::{Fact, Facts, FactsMap, PayloadCheck, RecordName, Registration, SchemaFacts};
pub use limits::{BatchLimits, VerifyCrc};
pub use muster_schema::framing::Identifier;
pub use muster_schema::protobuf::indexes::{Message, MessageTable};
pub use outcome::{ForwardCause, Outcome, Reason, ReasonCounts, RecordError, Report, Stats};
pub use read::read_records;
pub use record::Record;
pub use rules::{DeletedPolicy, FramingPolicy, Level, NullPolicy, SideRules, TopicRules};
pub use walk::Unreadable;

use judge::{Judge, Memory};
use walk::{Buffers, Visitor};

/// Buffers, decoder contexts and remembered verdicts that one caller reuses from batch to batch.
///
/// Starts empty and grows to what the batches need: nothing for uncompressed data at level `id`; a window of 64 KiB,
/// at most 1 MiB of other buffers and one decoder per codec seen otherwise. Holds nothing of a batch between calls
/// that a caller could observe.
#[derive(Default)]
pub struct Scratch {
    buffers: Buffers,
    memory: Memory,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Judges the records field of one partition of a Produce request.
///
/// `records`: the bytes as the producer sent them: one record batch (magic 2), or a message set (magic 0 or 1, which
/// no supported Produce version admits; judged all the same). Not changed, not copied.
///
/// What comes back, in order of precedence (broker validation spec §11.3–11.4):
/// 1. nothing is validated on this topic: [`Outcome::Pass`], the bytes are not looked at;
/// 2. there is no complete batch: [`Outcome::Forward`], as no broker finds one either;
/// 3. the batch cannot be read or costs too much: [`Outcome::Reject`] with [`Reason::Malformed`] or
///    [`Reason::TooExpansive`], or [`Outcome::Forward`] if its checksum is wrong;
/// 4. identifiers never asked about: [`Outcome::NeedLookup`];
/// 5. a record fails: [`Outcome::Reject`], or [`Outcome::Forward`] if the checksum is wrong;
/// 6. the registry could not answer: [`Outcome::Unavailable`];
/// 7. [`Outcome::Pass`].
///
/// A control batch is walked but not judged: brokers refuse one from a client.
pub fn validate_batch<F: Facts + ?Sized>(
    rules: &TopicRules,
    facts: &F,
    records: &[u8],
    limits: &BatchLimits,
    scratch: &mut Scratch,
) -> Outcome {
    if !rules.validates() {
        return Outcome::Pass(Stats::default());
    }
    let Scratch { buffers, memory } = scratch;
    let judge = Judge::new(rules, facts, limits, memory);
    let outcome = match records.get(batch::MAGIC_AT) {
        None => Outcome::Forward(ForwardCause::CutShort),
        Some(0 | 1) => judge_set(judge, records, limits, buffers),
        Some(_) => judge_batch(judge, records, limits, buffers),
    };
    buffers.trim();
    outcome
}

fn judge_batch<F: Facts + ?Sized>(
    mut judge: Judge<'_, F>,
    records: &[u8],
    limits: &BatchLimits,
    buffers: &mut Buffers,
) -> Outcome {
    let Some(header) = BatchHeader::parse(records) else {
        return Outcome::Forward(ForwardCause::CutShort);
    };
    let checksum_fits = || header.checksum_fits(records);
    if limits.verify_crc == VerifyCrc::Always && !checksum_fits() {
        return Outcome::Forward(ForwardCause::WrongChecksum);
    }
    let mut skip = Skip::default();
    let walked = if header.is_control() {
        walk_one(&header, records, limits, buffers, &mut skip)
    } else {
        walk_one(&header, records, limits, buffers, &mut judge)
    };
    conclude(judge, skip.0, walked, limits, checksum_fits)
}

/// Walks the single batch that `records` must be. Returns the bytes it decompressed to.
fn walk_one(
    header: &BatchHeader,
    records: &[u8],
    limits: &BatchLimits,
    buffers: &mut Buffers,
    visitor: &mut impl Visitor,
) -> Result<u64, Unreadable> {
    if header.magic != 2 {
        return Err(Unreadable::whole(Flaw::Magic));
    }
    if header.size_bytes != records.len() {
        return Err(Unreadable::whole(Flaw::TrailingAfterBatch));
    }
    let block = records.get(batch::HEADER_BYTES..).unwrap_or_default();
    walk::walk_batch(header, block, limits.decompressed_cap(block.len()), buffers, visitor)
}

fn judge_set<F: Facts + ?Sized>(
    mut judge: Judge<'_, F>,
    records: &[u8],
    limits: &BatchLimits,
    buffers: &mut Buffers,
) -> Outcome {
    let Some(fits) = message_set::checksums_fit(records) else {
        return Outcome::Forward(ForwardCause::CutShort);
    };
    if limits.verify_crc == VerifyCrc::Always && !fits {
        return Outcome::Forward(ForwardCause::WrongChecksum);
    }
    let walked = message_set::walk_set(records, limits.decompressed_cap(records.len()), buffers, &mut judge);
    conclude(judge, 0, walked, limits, || fits)
}

fn conclude<F: Facts + ?Sized>(
    judge: Judge<'_, F>,
    skipped: u64,
    walked: Result<u64, Unreadable>,
    limits: &BatchLimits,
    checksum_fits: impl Fn() -> bool,
) -> Outcome {
    let Judge { missing, unavailable, findings, records, .. } = judge;
    let decompressed_bytes = walked.unwrap_or(0);
    let stats = Stats { records, skipped, decompressed_bytes };
    let report = match walked {
        Err(error) => Some(findings::unreadable(error, stats, limits)),
        Ok(_) if !missing.is_empty() => return Outcome::NeedLookup(missing),
        Ok(_) => findings.into_report(stats),
    };
    match report {
        Some(_) if limits.verify_crc == VerifyCrc::OnFailure && !checksum_fits() => {
            Outcome::Forward(ForwardCause::WrongChecksum)
        }
        Some(report) => Outcome::Reject(Box::new(report)),
        None if !unavailable.is_empty() => Outcome::Unavailable(unavailable),
        None => Outcome::Pass(stats),
    }
}

/// Counts the records of a control batch.
#[derive(Default)]
struct Skip(u64);

impl Visitor for Skip {
    fn wants_whole_records(&self) -> bool {
        false
    }

    fn record(&mut self, _: &Record<'_>) {
        self.0 += 1;
    }
}
