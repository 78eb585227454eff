//! What is known about the schemas that records name (broker validation spec §8.2).

use std::collections::HashMap;
use std::sync::Arc;

use muster_schema::avro::validate as avro;
use muster_schema::json::validate as json;
use muster_schema::protobuf::indexes::{Message, MessageTable};
use muster_schema::protobuf::validate as protobuf;
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
        let record_name = match (schema.as_protobuf(), schema.record_name()) {
            (Some(schema), _) => schema.message_table().map_or(RecordName::Unread, RecordName::PerMessage),
            (None, Some(name)) => RecordName::One(name.into()),
            (None, None) => RecordName::None,
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
pub struct PayloadCheck(Check);

#[derive(Clone, Debug)]
enum Check {
    Avro(Arc<avro::Program>),
    Json(json::Validator),
    Protobuf(Arc<protobuf::Program>),
    /// The schema is registered, and yet no payload can be held against it.
    Refused(Arc<json::CompileError>),
}

impl PayloadCheck {
    /// Compiles `schema`, or `None` if this build has no check for its language.
    pub fn compile(schema: &ParsedSchema) -> Option<Self> {
        if let Some(schema) = schema.as_avro() {
            return Some(Self(Check::Avro(Arc::new(avro::Program::compile(schema)))));
        }
        if let Some(schema) = schema.as_protobuf() {
            let program = protobuf::Program::of(schema).ok()?;
            return Some(Self(Check::Protobuf(Arc::new(program))));
        }
        let compiled =
            json::Validator::compile(schema.as_json()?, json::Options::default(), &Limits::default());
        Some(Self(match compiled {
            Ok(validator) => Check::Json(validator),
            Err(error) => Check::Refused(Arc::new(error)),
        }))
    }

    /// Checks what stands behind the framing of a record: exactly one datum, nothing left over. `selected`: the message
    /// that the message indexes select (Protobuf).
    pub(super) fn check(
        &self,
        selected: Option<&Message>,
        body: &[u8],
        limits: &Limits,
        scratch: &mut CheckScratch,
    ) -> Result<(), PayloadError> {
        match &self.0 {
            Check::Avro(program) => {
                program.check_body(body, limits, &mut scratch.avro).map_err(PayloadError::Avro)
            }
            Check::Json(validator) => {
                validator.check(body, limits).map_err(|invalid| PayloadError::Json(Box::new(invalid)))
            }
            Check::Protobuf(program) => {
                let message = selected.and_then(|message| program.message(&message.name));
                let message = message.ok_or(PayloadError::NoMessage)?;
                let result = program.check(message, body, limits, &mut scratch.protobuf);
                result.map(|_| ()).map_err(PayloadError::Protobuf)
            }
            Check::Refused(error) => Err(PayloadError::Refused(Arc::clone(error))),
        }
    }
}

/// Working memory of payload checks.
#[derive(Default)]
pub(super) struct CheckScratch {
    avro: avro::Scratch,
    protobuf: protobuf::Scratch,
}

/// Why a payload does not decode. Names the place, never the bytes.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum PayloadError {
    #[error("{0}")]
    Avro(avro::Invalid),
    #[error("{0}")]
    Json(Box<json::Invalid>),
    #[error("{0}")]
    Protobuf(protobuf::Invalid),
    #[error("nothing says which message of the schema it is")]
    NoMessage,
    #[error("{0}")]
    Refused(Arc<json::CompileError>),
}
