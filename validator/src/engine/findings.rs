//! Failures in words, within the caps of a report (broker validation spec §7.4).

use std::fmt::Write;
use std::sync::Arc;

use muster_schema::protobuf::indexes::IndexError;
use muster_schema::{SchemaType, Side};

use super::facts::PayloadError;
use super::{
    BatchLimits, Identifier, Reason, ReasonCounts, RecordError, Report, Stats, TopicRules, Unreadable,
};

/// Part of the text budget that the batch message keeps for itself.
const BATCH_TEXT_BYTES: usize = 1024;
/// Longest subject or detail quoted in full.
const LONGEST_QUOTE_CHARS: usize = 200;

/// Where an identifier was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Prefix,
    Header,
}

/// Why one side of a record fails. Turned into words only if there is room for them.
pub(super) enum Failure {
    Null,
    NoMagic(Place),
    NoHeader,
    TooShort { place: Place, length: usize },
    UnknownId(Identifier),
    WrongSubject { identifier: Identifier, deleted: bool, record_name: Option<Arc<str>> },
    NoRecordName { identifier: Identifier, unread: Option<SchemaType> },
    BadIndexes { identifier: Identifier, kind: IndexError },
    NoPayloadCheck { identifier: Identifier, schema_type: SchemaType },
    Payload { identifier: Identifier, error: PayloadError },
}

impl Failure {
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoMagic(_) | Self::NoHeader => Reason::NoMagic,
            Self::Null | Self::TooShort { .. } => Reason::TooShort,
            Self::UnknownId(_) => Reason::UnknownId,
            Self::WrongSubject { .. } => Reason::WrongSubject,
            Self::NoRecordName { .. } => Reason::NoRecordName,
            Self::BadIndexes { .. } => Reason::BadIndexes,
            Self::NoPayloadCheck { .. } | Self::Payload { .. } => Reason::Payload,
        }
    }

    /// One clause for people, with the expected subject where it is known.
    fn describe(&self, rules: &TopicRules, side: Side, out: &mut String) {
        let expected = match rules.side(side) {
            Some(rules_of_side) if !rules_of_side.strategy.uses_schema() => {
                Some(&**rules.topic_name_subject(side))
            }
            _ => None,
        };
        let _ = write!(out, "{side}: ");
        let written = match self {
            Self::Null => write!(out, "is null, and this topic asks for a schema id"),
            Self::NoMagic(Place::Prefix) => write!(out, "does not begin with a schema id"),
            Self::NoMagic(Place::Header) => {
                write!(out, "record header {} does not begin with a schema id", header_name(side))
            }
            Self::NoHeader => write!(out, "has no record header {}", header_name(side)),
            Self::TooShort { place: Place::Prefix, length } => {
                write!(out, "{length} bytes are too few for a schema id")
            }
            Self::TooShort { place: Place::Header, length } => {
                write!(out, "record header {} has {length} bytes, too few for a schema id", header_name(side))
            }
            Self::UnknownId(identifier) => write!(out, "{} is unknown to the registry", Named(identifier)),
            Self::WrongSubject { identifier, deleted, record_name } => {
                let relation = if *deleted { "deleted from" } else { "not registered under" };
                let strategy = rules.side(side).map(|rules| rules.strategy).unwrap_or_default();
                let subject =
                    strategy.subject(rules.topic(), side, record_name.as_deref()).unwrap_or_default();
                write!(out, "{} is {relation} subject {}", Named(identifier), Quoted(&subject))
            }
            Self::NoRecordName { identifier, unread } => {
                let strategy = rules.side(side).map_or("", |rules| rules.strategy.class_name());
                let strategy = strategy.rsplit('.').next().unwrap_or_default();
                match unread {
                    None => write!(out, "{} has no record name, which {strategy} needs", Named(identifier)),
                    Some(language) => write!(
                        out,
                        "the record name of {}, which {strategy} needs, cannot be read from {language} yet",
                        Named(identifier)
                    ),
                }
            }
            Self::BadIndexes { identifier, kind: IndexError::Malformed } => {
                write!(out, "the message indexes behind {} are malformed", Named(identifier))
            }
            Self::BadIndexes { identifier, kind: IndexError::NoSuchMessage } => {
                write!(out, "the message indexes select no message of {}", Named(identifier))
            }
            Self::NoPayloadCheck { identifier, schema_type } => {
                write!(out, "payloads of {schema_type} cannot be checked against {} yet", Named(identifier))
            }
            Self::Payload { identifier, error } => {
                write!(out, "does not match {}: {}", Named(identifier), Quoted(&error.to_string()))
            }
        };
        let _ = written;
        let names_subject = matches!(self, Self::WrongSubject { .. });
        if let (Some(subject), false) = (expected, names_subject) {
            let _ = write!(out, "; expected a schema of subject {}", Quoted(subject));
        }
        let _ = write!(out, " (schema-validation {})", self.reason());
    }
}

fn header_name(side: Side) -> &'static str {
    muster_schema::framing::header_name(side)
}

/// Collects failing records of a batch.
pub(super) struct Findings {
    records: Vec<RecordError>,
    total_failed: u64,
    reasons: ReasonCounts,
    /// The first failing record, also when there is no room to list it.
    first: Option<(i32, Reason, String)>,
    most_records: usize,
    text_left: usize,
    report_bytes: usize,
}

impl Findings {
    pub fn new(limits: &BatchLimits) -> Self {
        Self {
            records: Vec::new(),
            total_failed: 0,
            reasons: ReasonCounts::default(),
            first: None,
            most_records: limits.record_errors,
            text_left: limits.report_bytes.saturating_sub(BATCH_TEXT_BYTES),
            report_bytes: limits.report_bytes,
        }
    }

    /// Notes a failing record; indexes arrive in ascending order.
    #[inline(never)]
    pub fn add(&mut self, index: i32, rules: &TopicRules, key: Option<Failure>, value: Option<Failure>) {
        self.total_failed += 1;
        for failure in [&key, &value].into_iter().flatten() {
            self.reasons.add(failure.reason());
        }
        // What is listed is a prefix: once a record did not fit, none behind it is listed.
        let listing = self.records.len() < self.most_records;
        if !listing && self.first.is_some() {
            return;
        }
        let mut message = String::new();
        for (side, failure) in [(Side::Key, &key), (Side::Value, &value)] {
            if let Some(failure) = failure {
                if !message.is_empty() {
                    message.push_str("; ");
                }
                failure.describe(rules, side, &mut message);
            }
        }
        let (key, value) = (key.map(|failure| failure.reason()), value.map(|failure| failure.reason()));
        if self.first.is_none() {
            self.first = key.or(value).map(|reason| (index, reason, message.clone()));
        }
        if listing && message.len() <= self.text_left {
            self.text_left -= message.len();
            self.records.push(RecordError { index, key, value, message });
        } else {
            self.most_records = 0;
        }
    }

    /// The report, if any record failed.
    pub fn into_report(self, stats: Stats) -> Option<Report> {
        let (index, reason, first) = self.first?;
        let mut message =
            format!("{} of {} records failed schema validation (", self.total_failed, stats.records);
        for (i, (reason, count)) in self.reasons.iter().enumerate() {
            let _ = write!(message, "{}{reason} {count}", if i == 0 { "" } else { ", " });
        }
        let _ = write!(message, "); record {index}: {first}");
        let unlisted = self.total_failed.saturating_sub(self.records.len() as u64);
        if unlisted > 0 {
            let note = format!("; {unlisted} failing records are not listed");
            clip(&mut message, BATCH_TEXT_BYTES.saturating_sub(note.len()));
            message.push_str(&note);
        }
        clip(&mut message, self.report_bytes.min(BATCH_TEXT_BYTES));
        let Self { records, total_failed, reasons, .. } = self;
        Some(Report { reason, records, total_failed, reasons, message, stats })
    }
}

/// The report about a batch that cannot be read.
pub(super) fn unreadable(error: Unreadable, stats: Stats, limits: &BatchLimits) -> Report {
    let (reason, what) = match error {
        Unreadable::Malformed { flaw, record: Some(record) } => {
            (Reason::Malformed, format!("record {record}: {flaw}"))
        }
        Unreadable::Malformed { flaw, record: None } => (Reason::Malformed, flaw.to_string()),
        Unreadable::TooExpansive { .. } => (Reason::TooExpansive, error.to_string()),
    };
    let mut message = format!("the record batch cannot be validated: {what} (schema-validation {reason})");
    clip(&mut message, limits.report_bytes);
    let mut reasons = ReasonCounts::default();
    reasons.add(reason);
    Report { reason, records: Vec::new(), total_failed: 0, reasons, message, stats }
}

/// An identifier as people know it.
struct Named<'a>(&'a Identifier);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Identifier::Id(id) => write!(f, "schema id {id}"),
            Identifier::Guid(guid) => write!(f, "schema guid {guid}"),
        }
    }
}

/// Text from outside, shortened and without control characters.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(LONGEST_QUOTE_CHARS) {
            f.write_char(if c.is_control() { '\u{fffd}' } else { c })?;
        }
        if chars.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Cuts `text` to at most `most` bytes, between characters.
fn clip(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
}
