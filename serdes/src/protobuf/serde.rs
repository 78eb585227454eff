//! Writing and reading messages.

use std::sync::Arc;

use muster_schema::Side;
use muster_schema::protobuf::indexes;
use prost::Message;
use prost_reflect::{DynamicMessage, FileDescriptor, ReflectMessage};

use super::format::{NameHash, Plan};
use super::register::ReferenceSubjects;
use super::{
    ProtobufDeserializer, ProtobufDeserializerBuilder, ProtobufEncoder, ProtobufSerializer,
    ProtobufSerializerBuilder,
};
use crate::choose::Chosen;
use crate::client::{NewSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError, SerializeError};
use crate::identify::{At, Located};
use crate::record::Encoded;
use crate::serializer::Shared;

impl ProtobufSerializerBuilder {
    /// `reference.subject.name.strategy`: the subjects of a descriptor's imports. Default
    /// [`ReferenceSubjects::Path`].
    pub fn reference_subjects(mut self, subjects: ReferenceSubjects) -> Self {
        self.options.references.subjects = subjects;
        self
    }

    /// `skip.known.types`: a descriptor's imports of well-known types, `google/type` and `confluent` are no references.
    /// Default true.
    pub fn skip_known_types(mut self, on: bool) -> Self {
        self.options.references.skip_known_types = on;
        self
    }

    /// `reference.lookup.only`: a descriptor's imports are never registered, only looked up. Default false.
    pub fn reference_lookup_only(mut self, on: bool) -> Self {
        self.options.references.lookup_only = on;
        self
    }
}

impl ProtobufSerializer {
    /// A builder for a serializer of the messages of a file. It is registered as the base64 of its descriptor, after its
    /// imports.
    pub fn builder_for(client: RegistryClient, file: FileDescriptor) -> ProtobufSerializerBuilder {
        let mut builder = Self::builder(client, NewSchema::protobuf(""));
        builder.options.file = Some(file);
        builder
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
        self.serialize_as_now(topic, side, descriptor.full_name(), message)
    }

    /// Serializes any message without waiting; as [`serialize_now`](Self::serialize_now).
    pub fn serialize_as_now<M: Message>(
        &self,
        topic: &str,
        side: Side,
        name: &str,
        message: &M,
    ) -> Option<Encoded> {
        Some(self.known(topic, side, name)?.encode(message))
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
        if let Some(encoder) = self.known(topic, side, name) {
            return Ok(encoder);
        }
        let Shared { writer, schema, options, encoders } = &*self.shared;
        let described = match &options.file {
            Some(file) => Some(options.references.schema_of(file, writer).await?),
            None => None,
        };
        let own = described.as_ref().unwrap_or(schema);
        let chosen: Chosen<super::Protobuf> = writer.choose(own, topic, side, Some(name)).await?;
        let path = chosen.loaded.ready.table.path_of(name).ok_or_else(|| SerializeError::Value {
            subject: chosen.subject.clone(),
            detail: format!("it has no message {name}"),
        })?;
        let mut behind = Vec::new();
        indexes::write(&path, &mut behind);
        let frame = writer.frame(&chosen, &behind)?;
        let encoder = ProtobufEncoder::new(name.to_owned(), chosen.subject, chosen.id, frame);
        let encoder = Arc::new(encoder);
        encoders.insert(topic, side, NameHash::of(name), encoder.clone());
        Ok(encoder)
    }

    fn known(&self, topic: &str, side: Side, name: &str) -> Option<Arc<ProtobufEncoder>> {
        let encoder = self.shared.encoders.get(topic, side, NameHash::of(name));
        encoder.filter(|encoder| encoder.encoding == name)
    }
}

impl ProtobufEncoder {
    /// Serializes a message, which must be of the name the encoder was made for; that is not checked.
    pub fn encode<M: Message>(&self, message: &M) -> Encoded {
        // A vector grows, so nothing can fail.
        self.frame_sized(message.encoded_len(), |out| message.encode_raw(out))
    }
}

impl ProtobufDeserializerBuilder {
    /// `use.message.indexes`: which message payloads hold, where [`use_schema_id`](Self::use_schema_id) says the schema.
    /// Default: the first.
    pub fn use_message_indexes(mut self, path: impl Into<Vec<usize>>) -> Self {
        self.options.indexes = path.into();
        self
    }
}

impl ProtobufDeserializer {
    /// Reads one side of a record of `topic` as a message that knows its descriptor; null gives `None`.
    ///
    /// `header`: value of the last record header named
    /// [`header_name(side)`](muster_schema::framing::header_name), if there is one that is not null. `payload`: the key
    /// or value.
    ///
    /// Errors: [`DeserializeError`], which tells a poisonous record from an outage of the registry; with the category
    /// [`TypeMismatch`](crate::Category::TypeMismatch) if the record holds a message of another name. Nothing is
    /// remembered of a failure.
    pub async fn deserialize<M: ReflectMessage + Default>(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Result<Option<M>, DeserializeError> {
        let descriptor = M::default().descriptor();
        self.deserialize_as(topic, side, header, payload, descriptor.full_name()).await
    }

    /// Reads any message, which has the full name `name` in the schema. Parameters and errors: as
    /// [`deserialize`](Self::deserialize).
    pub async fn deserialize_as<M: Message + Default>(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
        name: &str,
    ) -> Result<Option<M>, DeserializeError> {
        let decode = |plan: &Plan, located: &Located<'_, '_>| self.decode_as(plan, located, name);
        self.read(At { topic, side }, header, payload, decode).await
    }

    /// Reads any message without waiting: `None` if the registry has to be asked first, which is always so with
    /// [`use_latest_version`](ProtobufDeserializerBuilder::use_latest_version). Parameters and errors: as
    /// [`deserialize_as`](Self::deserialize_as).
    pub fn deserialize_as_now<M: Message + Default>(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
        name: &str,
    ) -> Option<Result<Option<M>, DeserializeError>> {
        let decode = |plan: &Plan, located: &Located<'_, '_>| self.decode_as(plan, located, name);
        self.read_now(At { topic, side }, header, payload, decode)
    }

    /// Reads whatever message the record holds. Parameters and errors: as [`deserialize`](Self::deserialize).
    pub async fn deserialize_dynamic(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Result<Option<DynamicMessage>, DeserializeError> {
        self.read(At { topic, side }, header, payload, |plan, located| self.decode_dynamic(plan, located))
            .await
    }

    /// Reads whatever message the record holds without waiting. Parameters, errors and `None`: as
    /// [`deserialize_as_now`](Self::deserialize_as_now).
    pub fn deserialize_dynamic_now(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Option<Result<Option<DynamicMessage>, DeserializeError>> {
        self.read_now(At { topic, side }, header, payload, |plan, located| self.decode_dynamic(plan, located))
    }

    fn decode_as<M: Message + Default>(
        &self,
        plan: &Plan,
        located: &Located<'_, '_>,
        name: &str,
    ) -> Result<M, DeserializeCause> {
        let (message, body) = plan.select(&self.shared.options, located)?;
        if *message.name != *name {
            let detail = format!("it is a message {}, not {name}", message.name);
            return Err(DeserializeCause::Value { offset: 0, detail });
        }
        plan.check(message, body, &self.shared.settings.limits)?;
        M::decode(body).map_err(|error| DeserializeCause::Body { offset: 0, detail: error.to_string() })
    }

    fn decode_dynamic(
        &self,
        plan: &Plan,
        located: &Located<'_, '_>,
    ) -> Result<DynamicMessage, DeserializeCause> {
        let (message, body) = plan.select(&self.shared.options, located)?;
        plan.check(message, body, &self.shared.settings.limits)?;
        plan.decode(message, body)
    }
}
