//! From values to framed bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apache_avro::types::Value;
use muster_schema::framing::ID_PREFIX_BYTES;
use muster_schema::{SchemaId, Side};
use serde::Serialize;

use super::error::CodecError;
use super::shape::{Shape, Type};
use super::{MEMO_CAPACITY, ser, value};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::memo::Memo;
use crate::record::{Encoded, SchemaHeader};
use crate::writer::{Chosen, Frame, Writer, WriterSettings, writer_setters};

/// Writes values of one Avro schema, for any topic.
///
/// The first value for a topic and side asks the registry for the schema's id (see [`AvroSerializerBuilder`] for how it
/// is chosen); later ones make no request. Cheap to clone; clones share what they have learnt.
#[derive(Clone, Debug)]
pub struct AvroSerializer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Writer,
    encoders: Memo<(), AvroEncoder>,
}

/// Settings of an [`AvroSerializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct AvroSerializerBuilder {
    settings: WriterSettings,
}

impl AvroSerializerBuilder {
    writer_setters!();

    /// The serializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<AvroSerializer, InvalidSettings> {
        let writer = self.settings.build()?;
        Ok(AvroSerializer { shared: Arc::new(Shared { writer, encoders: Memo::new(MEMO_CAPACITY) }) })
    }
}

impl AvroSerializer {
    /// A builder for a serializer of values of `schema`, which may have references.
    pub fn builder(client: RegistryClient, schema: NewSchema) -> AvroSerializerBuilder {
        AvroSerializerBuilder { settings: WriterSettings::new(client, schema) }
    }

    /// A builder for a serializer of values of a type that carries its schema (`#[derive(AvroSchema)]`).
    pub fn builder_for<T: apache_avro::AvroSchema>(client: RegistryClient) -> AvroSerializerBuilder {
        // Printing what a derive macro made up cannot fail; a text that did would be refused by the registry.
        let text = serde_json::to_string(&T::get_schema()).unwrap_or_default();
        Self::builder(client, NewSchema::avro(text))
    }

    /// Serializes a serde value for one side of a record of `topic`.
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

    /// Serializes a generic value for one side of a record of `topic`.
    ///
    /// A [`Value::Union`] says which branch it takes; any other value takes the first branch that it fits.
    /// Errors: as [`serialize`](Self::serialize).
    pub async fn serialize_value(
        &self,
        topic: &str,
        side: Side,
        value: &Value,
    ) -> Result<Encoded, SerializeError> {
        self.encoder(topic, side).await?.encode_value(value)
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
    pub async fn encoder(&self, topic: &str, side: Side) -> Result<Arc<AvroEncoder>, SerializeError> {
        match self.shared.encoders.get(topic, side, ()) {
            Some(encoder) => Ok(encoder),
            None => {
                let encoder = self.shared.prepare(topic, side).await?;
                Ok(self.shared.encoders.insert(topic, side, (), Arc::new(encoder)))
            }
        }
    }
}

/// Writes values of the schema that was chosen for one side of the records of one topic.
#[derive(Debug)]
pub struct AvroEncoder {
    shape: Arc<Shape>,
    subject: String,
    id: Option<SchemaId>,
    /// What precedes the body.
    prefix: Option<[u8; ID_PREFIX_BYTES]>,
    header: Option<SchemaHeader>,
    /// Length of the last payload: the next one is probably about as long.
    last_bytes: AtomicUsize,
}

/// A payload as long as its last ones, and a bit, is allocated at once; beyond this it grows as needed.
const MAX_HINT_BYTES: usize = 64 << 10;

impl AvroEncoder {
    /// The subject of the schema.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The id of the schema.
    pub fn schema_id(&self) -> Option<SchemaId> {
        self.id
    }

    /// Serializes a serde value.
    ///
    /// Errors: [`SerializeError::Value`].
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Encoded, SerializeError> {
        self.frame(|shape, out| ser::encode(shape, value, out))
    }

    /// Serializes a generic value.
    ///
    /// Errors: [`SerializeError::Value`].
    pub fn encode_value(&self, value: &Value) -> Result<Encoded, SerializeError> {
        self.frame(|shape, out| value::encode(shape, value, out))
    }

    #[inline]
    fn frame(
        &self,
        body: impl FnOnce(&Shape, &mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<Encoded, SerializeError> {
        let hint = self.last_bytes.load(Ordering::Relaxed).min(MAX_HINT_BYTES);
        let mut out = Vec::with_capacity(hint + 16);
        if let Some(prefix) = &self.prefix {
            out.extend_from_slice(prefix);
        }
        let start = out.len();
        body(&self.shape, &mut out).map_err(|error| SerializeError::Value {
            subject: self.subject.clone(),
            detail: error.into_detail(),
        })?;
        if let Type::Bytes(_) = self.shape.root_type() {
            // Top-level bytes go without their length (wire format spec §3.1).
            let length_bytes = out.iter().skip(start).take_while(|byte| **byte >= 0x80).count() + 1;
            out.drain(start..start + length_bytes);
        }
        self.last_bytes.store(out.len(), Ordering::Relaxed);
        Ok(Encoded::new(out, self.header.clone()))
    }
}

impl Shared {
    /// Chooses the schema for one side of a topic.
    async fn prepare(&self, topic: &str, side: Side) -> Result<AvroEncoder, SerializeError> {
        let chosen = self.writer.choose::<Shape>(topic, side).await?;
        let Frame { prefix, header } = self.writer.frame(&chosen)?;
        let Chosen { subject, id, ready, .. } = chosen;
        Ok(AvroEncoder { shape: ready, subject, id, prefix, header, last_bytes: AtomicUsize::new(0) })
    }
}
