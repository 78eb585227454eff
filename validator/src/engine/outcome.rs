//! Verdicts about a batch and the words for them (broker validation spec §7.1, §7.4).

use std::fmt;

use super::Identifier;

/// What to do with the records field of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every record passes, or there was nothing to judge: the bytes go to the broker unchanged.
    Pass(Stats),
    /// Not ours to judge: the bytes go to the broker unchanged, which answers them itself with a code that clients
    /// know how to treat.
    Forward(ForwardCause),
    /// The batch is refused with INVALID_RECORD (87); nothing of it may be written.
    Reject(Box<Report>),
    /// These identifiers have never been asked about: supply facts for them and call again. Distinct, in order of
    /// first appearance, at most [`BatchLimits::lookups`](super::BatchLimits::lookups).
    NeedLookup(Vec<Identifier>),
    /// No record fails, but the registry could not say anything about these identifiers: the outage policy of the
    /// caller decides (§7.6). Distinct, in order of first appearance, at most
    /// [`BatchLimits::lookups`](super::BatchLimits::lookups).
    Unavailable(Vec<Identifier>),
}

/// Why the broker is left to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardCause {
    /// The checksum of the batch is wrong. The broker answers CORRUPT_MESSAGE (2), which clients repeat.
    WrongChecksum,
    /// The field ends before the batch does, or the batch states a length no batch has. No broker finds a batch there.
    CutShort,
}

/// What was walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records judged.
    pub records: u64,
    /// Records of a control batch, which are not judged.
    pub skipped: u64,
    /// Bytes that compressed blocks expanded to; 0 for uncompressed data.
    pub decompressed_bytes: u64,
}

/// A stable machine code for why a record or a batch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No schema identifier where the framing policy looks for one.
    NoMagic,
    /// An identifier begins and is cut.
    TooShort,
    /// The registry has no such schema.
    UnknownId,
    /// The schema is not a version of the expected subject.
    WrongSubject,
    /// The strategy needs a record name and the schema has none.
    NoRecordName,
    /// Protobuf message indexes are malformed or select no message.
    BadIndexes,
    /// The payload does not decode as the schema says.
    Payload,
    /// The batch cannot be read.
    Malformed,
    /// The batch decompresses to more than the cap.
    TooExpansive,
}

impl Reason {
    /// Every reason, in the order of the procedure.
    pub const ALL: [Self; 9] = [
        Self::NoMagic,
        Self::TooShort,
        Self::UnknownId,
        Self::WrongSubject,
        Self::NoRecordName,
        Self::BadIndexes,
        Self::Payload,
        Self::Malformed,
        Self::TooExpansive,
    ];

    /// The code as it stands in messages and metrics, such as `WRONG_SUBJECT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoMagic => "NO_MAGIC",
            Self::TooShort => "TOO_SHORT",
            Self::UnknownId => "UNKNOWN_ID",
            Self::WrongSubject => "WRONG_SUBJECT",
            Self::NoRecordName => "NO_RECORD_NAME",
            Self::BadIndexes => "BAD_INDEXES",
            Self::Payload => "PAYLOAD",
            Self::Malformed => "MALFORMED",
            Self::TooExpansive => "TOO_EXPANSIVE",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often each reason occurred, for metrics. Counts sides: a record whose key and value both fail counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReasonCounts([u64; Reason::ALL.len()]);

impl ReasonCounts {
    /// How often `reason` occurred.
    pub fn count(&self, reason: Reason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().map(|reason| (reason, self.count(reason))).filter(|(_, count)| *count > 0)
    }

    pub(super) fn add(&mut self, reason: Reason) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }
}

/// One failing record, for `record_errors` of a Produce response (KIP-467).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// The place of the record in its batch, from 0. In a message set, inner messages of a wrapper count.
    pub index: i32,
    /// Why the key fails, if it does.
    pub key: Option<Reason>,
    /// Why the value fails, if it does.
    pub value: Option<Reason>,
    /// One line for people: which side, why, which subject was expected, the code. Holds no payload bytes.
    pub message: String,
}

/// Why a batch is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first reason: of the first failing record, or of the batch as a whole.
    pub reason: Reason,
    /// Failing records in ascending index, at most [`BatchLimits::record_errors`](super::BatchLimits::record_errors)
    /// of them and as many as the text budget holds. Empty if the batch as a whole is refused.
    pub records: Vec<RecordError>,
    /// How many records fail, listed or not.
    pub total_failed: u64,
    /// How often each reason occurred, listed or not.
    pub reasons: ReasonCounts,
    /// One line for people about the batch.
    pub message: String,
    /// What was walked.
    pub stats: Stats,
}
