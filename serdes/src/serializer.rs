//! From values to framed bytes, in any language.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster_schema::framing::Identifier;
use muster_schema::{Guid, Limits, SchemaId, Side};
use serde::Serialize;

use crate::choose::{Chosen, Frame, Writer, WriterSettings};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::format::{Format, Refused, SerdeFormat};
use crate::memo::{CAPACITY, Memo};
use crate::naming::SubjectNaming;
use crate::record::{Encoded, Framing};

/// Writes values of one schema, for any topic.
///
/// The first value for a topic and side asks the registry for the schema's id (see [`SerializerBuilder`] for how it is
/// chosen); later ones make no request. Cheap to clone; clones share what they have learnt.
#[derive(Clone, Debug)]
pub struct Serializer<F: Format> {
    pub(crate) shared: Arc<Shared<F>>,
}

#[derive(Debug)]
pub(crate) struct Shared<F: Format> {
    pub(crate) writer: Writer,
    pub(crate) schema: NewSchema,
    pub(crate) options: F::WriterOptions,
    pub(crate) encoders: Memo<F::Kind, Encoder<F>>,
}

/// Settings of a [`Serializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct SerializerBuilder<F: Format> {
    settings: WriterSettings,
    schema: NewSchema,
    pub(crate) options: F::WriterOptions,
}

impl<F: Format> SerializerBuilder<F> {
    /// `auto.register.schemas`: register the schema under the subject. Default true. Off, the schema must be there.
    pub fn auto_register_schemas(mut self, on: bool) -> Self {
        self.settings.auto_register = on;
        self
    }

    /// `use.schema.id`: write with this registered schema. Excludes auto-registration. Default none.
    pub fn use_schema_id(mut self, id: SchemaId) -> Self {
        self.settings.use_schema = Some(Identifier::Id(id));
        self
    }

    /// `use.schema.guid`: write with this registered schema. Excludes auto-registration and needs
    /// [`Framing::Header`]. Default none.
    pub fn use_schema_guid(mut self, guid: Guid) -> Self {
        self.settings.use_schema = Some(Identifier::Guid(guid));
        self
    }

    /// `use.latest.version`: write with the subject's latest schema, looked at once per topic. Excludes
    /// auto-registration. Default false.
    pub fn use_latest_version(mut self, on: bool) -> Self {
        self.settings.use_latest_version = on;
        self
    }

    /// `use.latest.with.metadata`: write with the subject's latest schema that has these metadata properties, looked at
    /// once per topic. Excludes auto-registration. Default none.
    pub fn use_latest_with_metadata<K: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let properties = properties.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.settings.use_latest_with_metadata = properties.collect();
        self
    }

    /// `latest.compatibility.strict` and `id.compatibility.strict`: a schema taken from the registry must be able to
    /// read what the serializer's own describes. Default true.
    pub fn compatibility_strict(mut self, on: bool) -> Self {
        self.settings.compatibility_strict = on;
        self
    }

    /// `normalize.schemas`: ask the registry to normalise when registering and looking up. Default false.
    pub fn normalize_schemas(mut self, on: bool) -> Self {
        self.settings.normalize = on;
        self
    }

    /// `key.subject.name.strategy`, `value.subject.name.strategy`. Default: as associated, which is TopicName as long as
    /// the registry has no association of the topic.
    pub fn subject_name_strategy(mut self, naming: impl Into<SubjectNaming>) -> Self {
        self.settings.naming = naming.into();
        self
    }

    /// `key.schema.id.serializer`, `value.schema.id.serializer`. Default [`Framing::Prefix`].
    pub fn framing(mut self, framing: Framing) -> Self {
        self.settings.framing = framing;
        self
    }

    /// Bounds on schemas that come from the registry.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// The serializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<Serializer<F>, InvalidSettings> {
        let Self { settings, schema, options } = self;
        let shared = Shared { writer: settings.build()?, schema, options, encoders: Memo::new(CAPACITY) };
        Ok(Serializer { shared: Arc::new(shared) })
    }
}

impl<F: Format> Serializer<F> {
    /// A builder for a serializer of values of `schema`, which may have references.
    pub fn builder(client: RegistryClient, schema: NewSchema) -> SerializerBuilder<F> {
        SerializerBuilder { settings: WriterSettings::new(client), schema, options: Default::default() }
    }
}

impl<F: SerdeFormat> Serializer<F> {
    /// Serializes a value for one side of a record of `topic`.
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
    pub async fn encoder(&self, topic: &str, side: Side) -> Result<Arc<Encoder<F>>, SerializeError> {
        let Shared { writer, schema, options, encoders } = &*self.shared;
        if let Some(encoder) = encoders.get(topic, side, ()) {
            return Ok(encoder);
        }
        let chosen: Chosen<F> = writer.choose(schema, topic, side, None).await?;
        let frame = writer.frame(&chosen, &[])?;
        let Chosen { subject, id, loaded, .. } = chosen;
        let encoding = F::encoding(options, loaded, &writer.settings.limits)
            .map_err(|detail| SerializeError::Schema { subject: subject.clone(), detail })?;
        Ok(encoders.insert(topic, side, (), Arc::new(Encoder::new(encoding, subject, id, frame))))
    }
}

/// Writes values of the schema that was chosen for one side of the records of one topic.
#[derive(Debug)]
pub struct Encoder<F: Format> {
    pub(crate) encoding: F::Encoding,
    subject: String,
    id: Option<SchemaId>,
    frame: Frame,
    /// Length of the last payload: the next one is probably about as long.
    last_bytes: AtomicUsize,
}

/// A payload as long as its last ones, and a bit, is allocated at once; beyond this it grows as needed.
const MAX_HINT_BYTES: usize = 64 << 10;

impl<F: Format> Encoder<F> {
    pub(crate) fn new(encoding: F::Encoding, subject: String, id: Option<SchemaId>, frame: Frame) -> Self {
        Self { encoding, subject, id, frame, last_bytes: AtomicUsize::new(0) }
    }

    /// The subject of the schema.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The id of the schema.
    pub fn schema_id(&self) -> Option<SchemaId> {
        self.id
    }

    /// Frames the body that `append` makes of nothing.
    #[inline]
    pub(crate) fn frame(
        &self,
        append: impl FnOnce(&F::Encoding, &mut Vec<u8>) -> Result<(), Refused>,
    ) -> Result<Encoded, SerializeError> {
        let hint = self.last_bytes.load(Ordering::Relaxed).min(MAX_HINT_BYTES);
        let mut out = Vec::with_capacity(hint + 16);
        out.extend_from_slice(&self.frame.front);
        append(&self.encoding, &mut out).map_err(|refused| refused.under(&self.subject))?;
        self.last_bytes.store(out.len(), Ordering::Relaxed);
        Ok(Encoded::new(out, self.frame.header.clone()))
    }

    /// Frames a body whose length is known.
    #[cfg(feature = "protobuf")]
    pub(crate) fn frame_sized(&self, body_bytes: usize, append: impl FnOnce(&mut Vec<u8>)) -> Encoded {
        let mut out = Vec::with_capacity(self.frame.front.len() + body_bytes);
        out.extend_from_slice(&self.frame.front);
        append(&mut out);
        Encoded::new(out, self.frame.header.clone())
    }
}

impl<F: SerdeFormat> Encoder<F> {
    /// Serializes a value.
    ///
    /// Errors: [`SerializeError::Value`] for a value that does not fit; [`SerializeError::Invalid`] for one that the
    /// schema does not admit, where validation is on.
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Encoded, SerializeError> {
        self.frame(|encoding, out| F::encode(encoding, value, out))
    }
}
