//! From values to framed JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster_schema::json::validate::Validator;
use muster_schema::{Limits, SchemaId, Side};
use serde::Serialize;

use super::{MEMO_CAPACITY, Text, Validation};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::memo::Memo;
use crate::record::Encoded;
use crate::writer::{Frame, Writer, WriterSettings, writer_setters};

/// Writes values of one JSON Schema, for any topic.
///
/// The first value for a topic and side asks the registry for the schema's id (see [`JsonSerializerBuilder`] for how it
/// is chosen); later ones make no request. Cheap to clone; clones share what they have learnt.
#[derive(Clone, Debug)]
pub struct JsonSerializer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Writer,
    validation: Validation,
    encoders: Memo<(), JsonEncoder>,
}

/// Settings of a [`JsonSerializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct JsonSerializerBuilder {
    settings: WriterSettings,
    validation: Validation,
}

impl JsonSerializerBuilder {
    writer_setters!();

    /// `validate` (Python, JavaScript), `json.fail.invalid.schema` (Java): refuse values that do not satisfy the schema.
    /// Default true.
    pub fn validate(mut self, on: bool) -> Self {
        self.validation.is_on = on;
        self
    }

    /// Whether a known `format` must fit, in drafts 4–7. Default false.
    pub fn assert_formats(mut self, on: bool) -> Self {
        self.validation.assert_formats(on);
        self
    }

    /// The serializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<JsonSerializer, InvalidSettings> {
        let writer = self.settings.build()?;
        let shared = Shared { writer, validation: self.validation, encoders: Memo::new(MEMO_CAPACITY) };
        Ok(JsonSerializer { shared: Arc::new(shared) })
    }
}

impl JsonSerializer {
    /// A builder for a serializer of values of `schema`, which may have references.
    pub fn builder(client: RegistryClient, schema: NewSchema) -> JsonSerializerBuilder {
        JsonSerializerBuilder {
            settings: WriterSettings::new(client, schema),
            validation: Validation::default(),
        }
    }

    /// Serializes a value for one side of a record of `topic`; a [`serde_json::Value`] is as good as any other.
    ///
    /// Errors: [`SerializeError`]; nothing is remembered of a failure.
    pub async fn serialize<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        side: Side,
        value: &T,
    ) -> Result<Encoded, SerializeError> {
        self.encoder(topic, side).await?.encode(value)
    }

    /// Serializes a value, or makes a tombstone of `None`, for which nothing is registered.
    ///
    /// Errors: as [`serialize`](Self::serialize).
    pub async fn serialize_nullable<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        side: Side,
        value: Option<&T>,
    ) -> Result<Encoded, SerializeError> {
        match value {
            Some(value) => self.serialize(topic, side, value).await,
            None => Ok(Encoded::tombstone()),
        }
    }

    /// Serializes without waiting: `None` if the registry has yet to be asked about this topic and side.
    pub fn serialize_now<T: Serialize + ?Sized>(
        &self,
        topic: &str,
        side: Side,
        value: &T,
    ) -> Option<Result<Encoded, SerializeError>> {
        Some(self.shared.encoders.get(topic, side, ())?.encode(value))
    }

    /// The encoder for one side of the records of `topic`, which then works without registry and without waiting.
    ///
    /// Errors: those of [`serialize`](Self::serialize) that are not about a value.
    pub async fn encoder(&self, topic: &str, side: Side) -> Result<Arc<JsonEncoder>, SerializeError> {
        match self.shared.encoders.get(topic, side, ()) {
            Some(encoder) => Ok(encoder),
            None => {
                let encoder = self.shared.prepare(topic, side).await?;
                Ok(self.shared.encoders.insert(topic, side, (), Arc::new(encoder)))
            }
        }
    }
}

impl Shared {
    /// Chooses the schema for one side of a topic.
    async fn prepare(&self, topic: &str, side: Side) -> Result<JsonEncoder, SerializeError> {
        let chosen = self.writer.choose::<Text>(topic, side).await?;
        let limits = *self.writer.limits();
        let validator = self.validation.compile(&chosen.parsed, &limits);
        let validator =
            validator.map_err(|detail| SerializeError::Schema { subject: chosen.subject.clone(), detail })?;
        let frame = self.writer.frame(&chosen)?;
        let last_bytes = AtomicUsize::new(0);
        Ok(JsonEncoder { validator, limits, subject: chosen.subject, id: chosen.id, frame, last_bytes })
    }
}

/// Writes values of the schema that was chosen for one side of the records of one topic.
#[derive(Debug)]
pub struct JsonEncoder {
    validator: Option<Validator>,
    limits: Limits,
    subject: String,
    id: Option<SchemaId>,
    frame: Frame,
    /// Length of the last payload: the next one is probably about as long.
    last_bytes: AtomicUsize,
}

/// A payload as long as its last ones, and a bit, is allocated at once; beyond this it grows as needed.
const MAX_HINT_BYTES: usize = 64 << 10;

impl JsonEncoder {
    /// The subject of the schema.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The id of the schema.
    pub fn schema_id(&self) -> Option<SchemaId> {
        self.id
    }

    /// Serializes a value.
    ///
    /// Errors: [`SerializeError::Value`] for a value that JSON cannot hold, such as a map with keys that are no text;
    /// [`SerializeError::Invalid`] for one that does not satisfy the schema.
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Encoded, SerializeError> {
        let hint = self.last_bytes.load(Ordering::Relaxed).min(MAX_HINT_BYTES);
        let mut out = Vec::with_capacity(hint + 16);
        if let Some(prefix) = &self.frame.prefix {
            out.extend_from_slice(prefix);
        }
        let start = out.len();
        serde_json::to_writer(&mut out, value).map_err(|error| SerializeError::Value {
            subject: self.subject.clone(),
            detail: error.to_string(),
        })?;
        if let Some(validator) = &self.validator {
            // What is sent is what is checked: types may write themselves in ways of their own.
            let body = out.get(start..).unwrap_or_default();
            validator.check(body, &self.limits).map_err(|invalid| SerializeError::Invalid {
                subject: self.subject.clone(),
                path: invalid.path,
                reason: invalid.reason,
            })?;
        }
        self.last_bytes.store(out.len(), Ordering::Relaxed);
        Ok(Encoded::new(out, self.frame.header.clone()))
    }
}
