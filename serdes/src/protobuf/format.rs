//! What Protobuf brings to serializers and deserializers.

use std::hash::{DefaultHasher, Hash, Hasher};

use muster_schema::protobuf::from_base64;
use muster_schema::protobuf::indexes::{self, IndexError, Message};
use muster_schema::protobuf::validate::Scratch;
use muster_schema::{Limits, ParsedSchema, SchemaType};
use prost_reflect::{DynamicMessage, FileDescriptor};

use super::Protobuf;
use super::messages::Messages;
use super::register::References;
use crate::client::NewSchema;
use crate::error::DeserializeCause;
use crate::format::{Format, Source};
use crate::identify::{Located, Place};
use crate::load::Loaded;

/// Where the schema of a serializer comes from, if not from a text.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    pub(super) file: Option<FileDescriptor>,
    pub(super) references: References,
}

/// Settings that only reading Protobuf has.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub(super) indexes: Vec<usize>,
}

/// A hash of a message's full name; the encoder knows the name itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameHash(u64);

impl NameHash {
    pub(super) fn of(name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// With which messages to read.
#[derive(Debug)]
pub struct Plan {
    pub(super) writer: Messages,
    reader: Option<Messages>,
}

impl Format for Protobuf {
    const SCHEMA_TYPE: SchemaType = SchemaType::Protobuf;

    type WriterOptions = Writing;
    type ReaderOptions = Reading;
    type Schema = Messages;
    type Kind = NameHash;
    /// The full name of the messages.
    type Encoding = String;
    type Plan = Plan;

    fn prepare(schema: &ParsedSchema, source: Source<'_>, _: &Limits) -> Result<Messages, String> {
        Messages::of(schema, source)
    }

    /// Registries turn descriptors into text, and normalised text has entry messages of maps elsewhere, so that the same
    /// message may have other indexes there (wire format spec §2).
    fn is_rewritten(schema: &NewSchema, normalize: bool) -> bool {
        normalize || from_base64(&schema.schema).is_some()
    }

    fn plan(
        _: &Reading,
        writer: Loaded<Self>,
        reader: Option<Loaded<Self>>,
        _: &Limits,
    ) -> Result<Plan, DeserializeCause> {
        Ok(Plan { writer: writer.ready, reader: reader.map(|reader| reader.ready) })
    }

    fn held_name(
        plan: &Plan,
        reading: &Reading,
        located: &Located<'_, '_>,
    ) -> Result<Option<String>, DeserializeCause> {
        Ok(Some(plan.select(reading, located)?.0.name.to_string()))
    }
}

impl Plan {
    /// The message that a record holds, and its body.
    pub(super) fn select<'w, 'p>(
        &'w self,
        reading: &Reading,
        located: &Located<'_, 'p>,
    ) -> Result<(&'w Message, &'p [u8]), DeserializeCause> {
        let table = Some(&self.writer.table);
        let (message, body) = match located.place {
            Place::Prefix => indexes::select(table, located.rest).map_err(DeserializeCause::Indexes)?,
            Place::Header(behind) => {
                let (message, _) = indexes::select(table, behind).map_err(DeserializeCause::Indexes)?;
                (message, located.rest)
            }
            Place::Settings => (self.writer.table.message(&reading.indexes), located.rest),
        };
        let message = message.ok_or(DeserializeCause::Indexes(IndexError::NoSuchMessage))?;
        Ok((message, body))
    }

    /// Checks a body as the brokers' side would, which tells where it is wrong, and about required fields.
    pub(super) fn check(
        &self,
        message: &Message,
        body: &[u8],
        limits: &Limits,
    ) -> Result<(), DeserializeCause> {
        let program = &self.writer.program;
        let Some(id) = program.message(&message.name) else { return Ok(()) };
        let checked = program.check(id, body, limits, &mut Scratch::default());
        checked.map(|_| ()).map_err(|invalid| DeserializeCause::Body {
            offset: invalid.offset,
            detail: invalid.kind.to_string(),
        })
    }

    /// Reads a body as the message of the same name in the reader schema.
    pub(super) fn decode(&self, message: &Message, body: &[u8]) -> Result<DynamicMessage, DeserializeCause> {
        let pool = self.reader.as_ref().unwrap_or(&self.writer).pool.as_ref();
        let pool = pool.map_err(|detail| DeserializeCause::Schema(detail.clone()))?;
        let descriptor = pool.get_message_by_name(&message.name).ok_or_else(|| {
            let detail = format!("the reader schema has no message {}", message.name);
            DeserializeCause::Resolution { offset: 0, detail }
        })?;
        DynamicMessage::decode(descriptor, body).map_err(|error| {
            let detail = error.to_string();
            match self.reader {
                Some(_) => DeserializeCause::Resolution { offset: 0, detail },
                None => DeserializeCause::Body { offset: 0, detail },
            }
        })
    }
}
