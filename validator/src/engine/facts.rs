//! What is known about the schemas that records name (broker validation spec §8.2).

use std::collections::HashMap;
use std::sync::Arc;

use muster_schema::avro::validate as avro;
use muster_schema::{Limits, ParsedSchema, SchemaType};

use super::Identifier;

/// What is known about one identifier.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The registry has the schema.
    Known(Arc<SchemaFacts>),
    /// The registry has no such schema: records that name it fail.
    Unknown,
    /// Nobody has asked yet: the batch waits for a look-up.
    Missing,
    /// The registry was asked and could not answer: the outage policy decides.
    Unavailable,
}

/// Answers what is known, without waiting. Called once per distinct identifier and side of a batch.
pub trait Facts {
    /// What is known about `identifier`. Negative ids are never asked about: no registry hands them out.
    fn lookup(&self, identifier: &Identifier) -> Fact;
}

/// Facts held in a map. What is not in it is [`Fact::Missing`], or [`Fact::Unknown`] in a
/// [complete](FactsMap::complete) map.
#[derive(Clone, Debug, Default)]
pub struct FactsMap {
    facts: HashMap<Identifier, Fact>,
    complete: bool,
}

impl FactsMap {
    /// A map that stands for the whole registry: what is not in it does not exist.
    pub fn complete() -> Self {
        Self { facts: HashMap::new(), complete: true }
    }

    /// Notes what is known about `identifier`.
    pub fn insert(&mut self, identifier: Identifier, fact: Fact) {
        self.facts.insert(identifier, fact);
    }
}

impl Facts for FactsMap {
    fn lookup(&self, identifier: &Identifier) -> Fact {
        match self.facts.get(identifier) {
            Some(fact) => fact.clone(),
            None if self.complete => Fact::Unknown,
            None => Fact::Missing,
        }
    }
}

impl<F: Facts + ?Sized> Facts for &F {
    fn lookup(&self, identifier: &Identifier) -> Fact {
        (**self).lookup(identifier)
    }
}

/// One subject that has the schema as a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The subject, in the default context.
    pub subject: Arc<str>,
    /// Whether the version is soft-deleted. A subject listed twice counts as present if one entry is not deleted.
    pub deleted: bool,
}

/// The name that record-name strategies use (schema formats spec §9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordName {
    /// The schema has this one: the full name of an Avro record, the title of a JSON Schema.
    One(Arc<str>),
    /// It has none: an Avro schema that is no record, a JSON Schema without a title.
    None,
    /// Each Protobuf message has its own, chosen by the message indexes.
    PerMessage(MessageTable),
    /// This build cannot read the schema language, so nobody knows. Record-name strategies then fail with
    /// [`Reason::NoRecordName`](super::Reason::NoRecordName); of message indexes only the syntax is checked.
    Unread,
}

/// The message types of a Protobuf file in index order (wire format spec §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageTable {
    /// Top-level messages.
    pub messages: Vec<Message>,
}

/// One message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Package-qualified name.
    pub name: Arc<str>,
    /// Messages declared inside, synthetic map entries included where the registered form has them.
    pub nested: Vec<Message>,
}

/// What the registry says about one schema, as far as verdicts need it.
#[derive(Clone, Debug)]
pub struct SchemaFacts {
    /// The schema language.
    pub schema_type: SchemaType,
    /// The name that record-name strategies use.
    pub record_name: RecordName,
    /// Every subject that has it as a version.
    pub subjects: Vec<Registration>,
    /// How payloads are checked; `None` if this build cannot, in which case level `payload` fails every record that
    /// names the schema.
    pub payload: Option<PayloadCheck>,
}

impl SchemaFacts {
    /// Facts about a schema that is registered nowhere yet and whose payloads cannot be checked.
    pub fn new(schema_type: SchemaType, record_name: RecordName) -> Self {
        Self { schema_type, record_name, subjects: Vec::new(), payload: None }
    }

    /// Facts about a parsed schema: its record name and how its payloads are checked.
    pub fn of(schema: &ParsedSchema) -> Self {
        let record_name = match schema.record_name() {
            Some(name) => RecordName::One(name.into()),
            None => RecordName::None,
        };
        Self { payload: PayloadCheck::compile(schema), ..Self::new(schema.schema_type(), record_name) }
    }

    /// Adds a subject that has the schema as a version.
    pub fn registered(mut self, subject: impl Into<Arc<str>>, deleted: bool) -> Self {
        self.subjects.push(Registration { subject: subject.into(), deleted });
        self
    }
}

/// A schema compiled for checking payloads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PayloadCheck(Arc<avro::Program>);

impl PayloadCheck {
    /// Compiles `schema`, or `None` if this build has no check for its language.
    pub fn compile(schema: &ParsedSchema) -> Option<Self> {
        schema.as_avro().map(|schema| Self(Arc::new(avro::Program::compile(schema))))
    }

    /// Checks what stands behind the framing of a record: exactly one datum, nothing left over.
    pub(super) fn check(
        &self,
        body: &[u8],
        limits: &Limits,
        scratch: &mut CheckScratch,
    ) -> Result<(), PayloadError> {
        self.0.check_body(body, limits, &mut scratch.0).map_err(PayloadError)
    }
}

/// Working memory of payload checks.
#[derive(Default)]
pub(super) struct CheckScratch(avro::Scratch);

/// Why a payload does not decode. Names the place, never the bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PayloadError(avro::Invalid);
