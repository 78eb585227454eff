//! The verdict procedure for one side of one record (broker validation spec §7.1–7.3).

use std::collections::HashMap;
use std::sync::Arc;

use muster_schema::framing::{self, FramingError, ID_PREFIX_BYTES};
use muster_schema::protobuf::indexes;
use muster_schema::{SchemaType, Side, SubjectNameStrategy};

use super::facts::{CheckScratch, Fact, Facts, RecordName, SchemaFacts};
use super::findings::{Failure, Findings, Place};
use super::record::Record;
use super::walk::Visitor;
use super::{
    BatchLimits, DeletedPolicy, FramingPolicy, Identifier, Level, NullPolicy, SideRules, TopicRules,
};

/// Most standings remembered within a batch. A batch has one or two; one with random ids must not grow the memory.
const MOST_REMEMBERED: usize = 4096;

/// What is known about the identifiers of a batch so far.
#[derive(Default)]
pub(super) struct Memory {
    standings: HashMap<(Side, Identifier), Standing>,
    check: CheckScratch,
}

/// What a schema means for one side of a topic, before the bytes behind the identifier are looked at.
#[derive(Clone)]
enum Standing {
    Pass,
    UnknownId,
    WrongSubject {
        deleted: bool,
        record_name: Option<Arc<str>>,
    },
    /// `unread` is the schema language if this build cannot read it.
    NoRecordName {
        unread: Option<SchemaType>,
    },
    /// Passes so far; message indexes, the subject they lead to or the payload must be looked at.
    LookFurther(Arc<SchemaFacts>),
    Missing,
    Unavailable,
}

/// What needs no procedure: the usual record costs a comparison of five bytes.
#[derive(Clone, Copy)]
struct Shortcut {
    /// Whether absent bytes pass.
    null: bool,
    /// Whether any bytes pass, as they do on a side that is not validated.
    any: bool,
    /// The prefix that passed last. Never one that needs a look further, and none while headers may come first.
    prefix: Option<[u8; ID_PREFIX_BYTES]>,
}

impl Shortcut {
    fn new(rules: Option<&SideRules>) -> Self {
        let null = rules.is_none_or(|rules| rules.null == NullPolicy::Pass);
        Self { null, any: rules.is_none(), prefix: None }
    }

    #[inline(always)]
    fn passes(&self, bytes: Option<&[u8]>) -> bool {
        match bytes {
            None => self.null,
            Some(bytes) => {
                self.any
                    || self
                        .prefix
                        .is_some_and(|prefix| bytes.first_chunk().is_some_and(|front| *front == prefix))
            }
        }
    }
}

/// Judges the records of one batch.
pub(super) struct Judge<'a, F: ?Sized> {
    rules: &'a TopicRules,
    facts: &'a F,
    limits: &'a BatchLimits,
    memory: &'a mut Memory,
    key: Shortcut,
    value: Shortcut,
    /// The identifiers to look up, and those nobody can say anything about.
    pub missing: Vec<Identifier>,
    pub unavailable: Vec<Identifier>,
    pub findings: Findings,
    pub records: u64,
}

impl<'a, F: Facts + ?Sized> Judge<'a, F> {
    pub fn new(rules: &'a TopicRules, facts: &'a F, limits: &'a BatchLimits, memory: &'a mut Memory) -> Self {
        // Facts may have changed since the last batch.
        memory.standings.clear();
        Self {
            rules,
            facts,
            limits,
            memory,
            key: Shortcut::new(rules.side(Side::Key)),
            value: Shortcut::new(rules.side(Side::Value)),
            missing: Vec::new(),
            unavailable: Vec::new(),
            findings: Findings::new(limits),
            records: 0,
        }
    }

    #[inline(never)]
    fn record_in_full(&mut self, record: &Record<'_>) {
        let key = self.side(Side::Key, record.key, record);
        let value = self.side(Side::Value, record.value, record);
        if key.is_some() || value.is_some() {
            self.findings.add(record.index, self.rules, key, value);
        }
    }

    /// `None` for a pass, and for a verdict that is still open.
    fn side(&mut self, side: Side, bytes: Option<&[u8]>, record: &Record<'_>) -> Option<Failure> {
        let rules = *self.rules.side(side)?;
        let Some(bytes) = bytes else {
            return (rules.null == NullPolicy::Reject).then_some(Failure::Null);
        };
        let header = match rules.framing {
            FramingPolicy::Prefix => None,
            FramingPolicy::Header | FramingPolicy::Either => record.identifier_header(side).flatten(),
        };
        let place = if header.is_some() { Place::Header } else { Place::Prefix };
        let framed = match header {
            Some(header) => header,
            None if rules.framing == FramingPolicy::Header => return Some(Failure::NoHeader),
            None => bytes,
        };
        let (identifier, behind) = match framing::split(framed) {
            // Confluent Server knows the id prefix alone.
            Ok((Identifier::Guid(_), _)) if rules.framing == FramingPolicy::Prefix => {
                return Some(Failure::NoMagic(place));
            }
            Err(FramingError::Short { .. })
                if rules.framing == FramingPolicy::Prefix && framed.first() == Some(&1) =>
            {
                return Some(Failure::NoMagic(place));
            }
            Ok(split) => split,
            Err(FramingError::Short { length }) => return Some(Failure::TooShort { place, length }),
            Err(FramingError::Magic(_)) => return Some(Failure::NoMagic(place)),
        };
        let standing = self.standing(side, &rules, &identifier);
        let schema = match standing {
            Standing::Pass => {
                // Nothing else of a record with this prefix matters, so the next one may skip all of this.
                if rules.framing == FramingPolicy::Prefix {
                    let shortcut = match side {
                        Side::Key => &mut self.key,
                        Side::Value => &mut self.value,
                    };
                    shortcut.prefix = bytes.first_chunk().copied();
                }
                return None;
            }
            Standing::LookFurther(schema) => schema,
            Standing::UnknownId => return Some(Failure::UnknownId(identifier)),
            Standing::WrongSubject { deleted, record_name } => {
                return Some(Failure::WrongSubject { identifier, deleted, record_name });
            }
            Standing::NoRecordName { unread } => return Some(Failure::NoRecordName { identifier, unread }),
            Standing::Missing => {
                note(&mut self.missing, identifier, self.limits.lookups);
                return None;
            }
            Standing::Unavailable => {
                note(&mut self.unavailable, identifier, self.limits.lookups);
                return None;
            }
        };
        let body = if place == Place::Header { bytes } else { behind };
        self.look_further(side, &rules, identifier, &schema, place, behind, body)
    }

    /// Message indexes, the subject they lead to, and the payload.
    #[expect(clippy::too_many_arguments, reason = "one call; a struct would only repeat the names")]
    fn look_further<'b>(
        &mut self,
        side: Side,
        rules: &SideRules,
        identifier: Identifier,
        schema: &SchemaFacts,
        place: Place,
        behind: &'b [u8],
        mut body: &'b [u8],
    ) -> Option<Failure> {
        let mut selected = None;
        if schema.schema_type == SchemaType::Protobuf {
            let table = match &schema.record_name {
                RecordName::PerMessage(table) => Some(table),
                _ => None,
            };
            let (message, rest) = match indexes::select(table, behind) {
                Ok(selected) => selected,
                Err(kind) => return Some(Failure::BadIndexes { identifier, kind }),
            };
            selected = message;
            if place == Place::Prefix {
                body = rest;
            }
            if rules.strategy.uses_schema() {
                // With a table, indexes that are not bad have selected a message.
                let name = message.map(|message| &message.name);
                match registered(schema, rules, self.rules, side, name) {
                    Registered::Yes => {}
                    no => {
                        let (deleted, record_name) = (no == Registered::Deleted, name.cloned());
                        return Some(Failure::WrongSubject { identifier, deleted, record_name });
                    }
                }
            }
        }
        if rules.level == Level::Payload {
            return match &schema.payload {
                None => Some(Failure::NoPayloadCheck { identifier, schema_type: schema.schema_type }),
                Some(check) => {
                    let error =
                        check.check(selected, body, &self.limits.payload, &mut self.memory.check).err()?;
                    Some(Failure::Payload { identifier, error })
                }
            };
        }
        None
    }

    /// One look-up per distinct side and identifier.
    fn standing(&mut self, side: Side, rules: &SideRules, identifier: &Identifier) -> Standing {
        if let Identifier::Id(id) = identifier
            && id.0 < 0
        {
            return Standing::UnknownId;
        }
        if let Some(standing) = self.memory.standings.get(&(side, *identifier)) {
            return standing.clone();
        }
        let standing = match self.facts.lookup(identifier) {
            Fact::Known(schema) => stand(schema, rules, self.rules, side),
            Fact::Unknown => Standing::UnknownId,
            Fact::Missing => Standing::Missing,
            Fact::Unavailable => Standing::Unavailable,
        };
        if self.memory.standings.len() >= MOST_REMEMBERED {
            self.memory.standings.clear();
        }
        self.memory.standings.insert((side, *identifier), standing.clone());
        standing
    }
}

impl<F: Facts + ?Sized> Visitor for Judge<'_, F> {
    fn wants_whole_records(&self) -> bool {
        let payload = |side| self.rules.side(side).is_some_and(|rules| rules.level == Level::Payload);
        payload(Side::Key) || payload(Side::Value)
    }

    #[inline(always)]
    fn record(&mut self, record: &Record<'_>) {
        self.records = u64::from(record.index.cast_unsigned()) + 1;
        if !(self.key.passes(record.key) && self.value.passes(record.value)) {
            self.record_in_full(record);
        }
    }
}

fn note(list: &mut Vec<Identifier>, identifier: Identifier, most: usize) {
    if list.len() < most && !list.contains(&identifier) {
        list.push(identifier);
    }
}

/// What `schema` means for `side`. Under a topic name strategy a wrong subject comes before anything behind the
/// identifier; where the subject depends on the message indexes, those come first (§7.1).
fn stand(schema: Arc<SchemaFacts>, rules: &SideRules, topic: &TopicRules, side: Side) -> Standing {
    let by_indexes = matches!(schema.record_name, RecordName::PerMessage(_));
    if !(rules.strategy.uses_schema() && by_indexes) {
        let name = match &schema.record_name {
            RecordName::One(name) => Some(name),
            RecordName::None | RecordName::Unread | RecordName::PerMessage(_) => None,
        };
        if rules.strategy.uses_schema() && name.is_none() {
            let unread = (schema.record_name == RecordName::Unread).then_some(schema.schema_type);
            return Standing::NoRecordName { unread };
        }
        match registered(&schema, rules, topic, side, name) {
            Registered::Yes => {}
            no => {
                let record_name = name.filter(|_| rules.strategy.uses_schema()).cloned();
                return Standing::WrongSubject { deleted: no == Registered::Deleted, record_name };
            }
        }
    }
    if schema.schema_type == SchemaType::Protobuf || rules.level == Level::Payload {
        Standing::LookFurther(schema)
    } else {
        Standing::Pass
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Registered {
    Yes,
    /// Only as a soft-deleted version, which the rules do not accept.
    Deleted,
    No,
}

/// Whether `schema` is a version of the subject that the rules expect. Builds no text.
fn registered(
    schema: &SchemaFacts,
    rules: &SideRules,
    topic: &TopicRules,
    side: Side,
    record_name: Option<&Arc<str>>,
) -> Registered {
    let expected = |subject: &str| match (rules.strategy, record_name) {
        (SubjectNameStrategy::TopicName, _) => subject == &**topic.topic_name_subject(side),
        (SubjectNameStrategy::RecordName, Some(name)) => subject == &**name,
        (SubjectNameStrategy::TopicRecordName, Some(name)) => {
            let rest = subject.strip_prefix(&**topic.topic()).and_then(|rest| rest.strip_prefix('-'));
            rest == Some(&**name)
        }
        (_, None) => false,
    };
    let mut found = Registered::No;
    for registration in schema.subjects.iter().filter(|registration| expected(&registration.subject)) {
        if !registration.deleted || rules.deleted == DeletedPolicy::Accept {
            return Registered::Yes;
        }
        found = Registered::Deleted;
    }
    found
}
