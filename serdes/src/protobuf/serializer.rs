//! From messages to framed bytes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use muster_schema::protobuf::indexes;
use muster_schema::{SchemaId, Side};
use prost::Message;
use prost_reflect::{FileDescriptor, ReflectMessage};

use super::MEMO_CAPACITY;
use super::load::Messages;
use super::register::{ReferenceSubjects, References};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::memo::Memo;
use crate::record::Encoded;
use crate::writer::{Frame, Writer, WriterSettings, writer_setters};

/// Writes messages of one Protobuf schema, for any topic.
///
/// The first message of a kind for a topic and side asks the registry for the schema's id (see
/// [`ProtobufSerializerBuilder`] for how it is chosen); later ones make no request. Cheap to clone; clones share what they
/// have learnt.
#[derive(Clone, Debug)]
pub struct ProtobufSerializer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Writer,
    /// Where the schema comes from, if not from a text.
    file: Option<FileDescriptor>,
    references: References,
    /// By a hash of the message's name; the encoder knows the name itself.
    encoders: Memo<u64, ProtobufEncoder>,
}

/// Settings of a [`ProtobufSerializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct ProtobufSerializerBuilder {
    settings: WriterSettings,
    file: Option<FileDescriptor>,
    references: References,
}

impl ProtobufSerializerBuilder {
    writer_setters!();

    /// `reference.subject.name.strategy`: the subjects of a descriptor's imports. Default
    /// [`ReferenceSubjects::Path`].
    pub fn reference_subjects(mut self, subjects: ReferenceSubjects) -> Self {
        self.references.subjects = subjects;
        self
    }

    /// `skip.known.types`: a descriptor's imports of well-known types, `google/type` and `confluent` are no references.
    /// Default true.
    pub fn skip_known_types(mut self, on: bool) -> Self {
        self.references.skip_known_types = on;
        self
    }

    /// `reference.lookup.only`: a descriptor's imports are never registered, only looked up. Default false.
    pub fn reference_lookup_only(mut self, on: bool) -> Self {
        self.references.lookup_only = on;
        self
    }

    /// The serializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<ProtobufSerializer, InvalidSettings> {
        let writer = self.settings.build()?;
        let encoders = Memo::new(MEMO_CAPACITY);
        let shared = Shared { writer, file: self.file, references: self.references, encoders };
        Ok(ProtobufSerializer { shared: Arc::new(shared) })
    }
}

impl ProtobufSerializer {
    /// A builder for a serializer of messages of `schema`, which may have references.
    pub fn builder(client: RegistryClient, schema: NewSchema) -> ProtobufSerializerBuilder {
        let references =
            References { subjects: ReferenceSubjects::Path, skip_known_types: true, lookup_only: false };
        ProtobufSerializerBuilder { settings: WriterSettings::new(client, schema), file: None, references }
    }

    /// A builder for a serializer of the messages of a file. It is registered as the base64 of its descriptor, after its
    /// imports.
    pub fn builder_for(client: RegistryClient, file: FileDescriptor) -> ProtobufSerializerBuilder {
        let builder = Self::builder(client, NewSchema::protobuf(""));
        ProtobufSerializerBuilder { file: Some(file), ..builder }
    }

    /// Serializes a message that knows its descriptor for one side of a record of `topic`.
    ///
    /// Errors: [`SerializeError`]; nothing is remembered of a failure.
    pub async fn serialize<M: ReflectMessage>(
        &self,
        topic: &str,
        side: Side,
        message: &M,
    ) -> Result<Encoded, SerializeError> {
        let descriptor = message.descriptor();
        self.serialize_as(topic, side, descriptor.full_name(), message).await
    }

    /// Serializes any message, which has the full name `name` in the schema.
    ///
    /// Errors: as [`serialize`](Self::serialize).
    pub async fn serialize_as<M: Message>(
        &self,
        topic: &str,
        side: Side,
        name: &str,
        message: &M,
    ) -> Result<Encoded, SerializeError> {
        Ok(self.encoder(topic, side, name).await?.encode(message))
    }

    /// Serializes a message, or makes a tombstone of `None`, for which nothing is registered.
    ///
    /// Errors: as [`serialize`](Self::serialize).
    pub async fn serialize_nullable<M: ReflectMessage>(
        &self,
        topic: &str,
        side: Side,
        message: Option<&M>,
    ) -> Result<Encoded, SerializeError> {
        match message {
            Some(message) => self.serialize(topic, side, message).await,
            None => Ok(Encoded::tombstone()),
        }
    }

    /// Serializes without waiting: `None` if the registry has yet to be asked about this topic, side and kind of message.
    pub fn serialize_now<M: ReflectMessage>(&self, topic: &str, side: Side, message: &M) -> Option<Encoded> {
        let descriptor = message.descriptor();
        Some(self.shared.known(topic, side, descriptor.full_name())?.encode(message))
    }

    /// The encoder of the messages with the full name `name` for one side of the records of `topic`, which then works
    /// without registry and without waiting.
    ///
    /// Errors: [`SerializeError`], with [`SerializeError::Value`] if the schema has no such message.
    pub async fn encoder(
        &self,
        topic: &str,
        side: Side,
        name: &str,
    ) -> Result<Arc<ProtobufEncoder>, SerializeError> {
        if let Some(encoder) = self.shared.known(topic, side, name) {
            return Ok(encoder);
        }
        let encoder = Arc::new(self.shared.prepare(topic, side, name).await?);
        self.shared.encoders.insert(topic, side, hash(name), encoder.clone());
        Ok(encoder)
    }
}

impl Shared {
    fn known(&self, topic: &str, side: Side, name: &str) -> Option<Arc<ProtobufEncoder>> {
        self.encoders.get(topic, side, hash(name)).filter(|encoder| encoder.name == name)
    }

    /// Chooses the schema for messages of one name on one side of a topic.
    async fn prepare(&self, topic: &str, side: Side, name: &str) -> Result<ProtobufEncoder, SerializeError> {
        let described = match &self.file {
            Some(file) => {
                let schema = self.references.schema_of(file, &self.writer).await?;
                Some(self.writer.with_schema(schema))
            }
            None => None,
        };
        let writer = described.as_ref().unwrap_or(&self.writer);
        let chosen = writer.choose_for::<Messages>(topic, side, Some(name)).await?;
        let path = chosen.ready.table.path_of(name).ok_or_else(|| SerializeError::Value {
            subject: chosen.subject.clone(),
            detail: format!("it has no message {name}"),
        })?;
        let mut indexes = Vec::new();
        indexes::write(&path, &mut indexes);
        let frame = writer.frame_with(&chosen, &indexes)?;
        Ok(ProtobufEncoder { name: name.to_owned(), subject: chosen.subject, id: chosen.id, indexes, frame })
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Writes messages of one name with the schema that was chosen for one side of the records of one topic.
#[derive(Debug)]
pub struct ProtobufEncoder {
    name: String,
    subject: String,
    id: Option<SchemaId>,
    indexes: Vec<u8>,
    frame: Frame,
}

impl ProtobufEncoder {
    /// The subject of the schema.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The id of the schema.
    pub fn schema_id(&self) -> Option<SchemaId> {
        self.id
    }

    /// Serializes a message, which must be of the name the encoder was made for; that is not checked.
    pub fn encode<M: Message>(&self, message: &M) -> Encoded {
        let framed = self.frame.prefix.as_ref();
        let front = framed.map_or(0, |prefix| prefix.len() + self.indexes.len());
        let mut out = Vec::with_capacity(front + message.encoded_len());
        if let Some(prefix) = framed {
            out.extend_from_slice(prefix);
            out.extend_from_slice(&self.indexes);
        }
        // A vector grows, so nothing can fail.
        message.encode_raw(&mut out);
        Encoded::new(out, self.frame.header.clone())
    }
}
