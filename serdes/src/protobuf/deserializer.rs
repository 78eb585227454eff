//! From framed bytes to messages.

use std::sync::Arc;

use muster_schema::framing::Identifier;
use muster_schema::protobuf::indexes::{self, IndexError, Message as Indexed};
use muster_schema::protobuf::validate::Scratch;
use muster_schema::{SchemaId, Side};
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};

use super::MEMO_CAPACITY;
use super::load::Messages;
use crate::client::{NewSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError, InvalidSettings};
use crate::load::Loaded;
use crate::memo::Memo;
use crate::reader::{At, Located, Place, ReaderSettings, reader_setters};

/// Reads Protobuf keys and values of any topic.
///
/// The first record with a schema asks the registry for it; later ones make no request. Cheap to clone; clones share
/// what they have learnt.
#[derive(Clone, Debug)]
pub struct ProtobufDeserializer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ReaderSettings,
    reader: Reader,
    indexes: Vec<usize>,
    /// By writer schema.
    writers: Memo<Identifier, Messages>,
    /// By the id of the reader schema; `None` for the one that was given.
    readers: Memo<Option<SchemaId>, Messages>,
}

/// With which schema dynamic messages are read.
#[derive(Debug)]
enum Reader {
    /// That with which they were written.
    Writer,
    /// This one.
    Given(Box<NewSchema>),
    /// The latest of the subject.
    Latest,
}

/// Settings of a [`ProtobufDeserializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct ProtobufDeserializerBuilder {
    settings: ReaderSettings,
    reader: Option<NewSchema>,
    use_latest_version: bool,
    indexes: Vec<usize>,
}

impl ProtobufDeserializerBuilder {
    reader_setters!();

    /// The schema to read dynamic messages with: the message of the same full name. Default: the one they were written
    /// with.
    pub fn reader_schema(mut self, schema: NewSchema) -> Self {
        self.reader = Some(schema);
        self
    }

    /// `use.latest.version`: read dynamic messages with the latest schema of the subject. How out of date it may be is a
    /// setting of the client. Default false.
    pub fn use_latest_version(mut self, on: bool) -> Self {
        self.use_latest_version = on;
        self
    }

    /// `use.message.indexes`: which message payloads hold, where [`use_schema_id`](Self::use_schema_id) says the schema.
    /// Default: the first.
    pub fn use_message_indexes(mut self, path: impl Into<Vec<usize>>) -> Self {
        self.indexes = path.into();
        self
    }

    /// The deserializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<ProtobufDeserializer, InvalidSettings> {
        let reader = match (self.reader, self.use_latest_version) {
            (None, false) => Reader::Writer,
            (Some(schema), false) => Reader::Given(Box::new(schema)),
            (None, true) => Reader::Latest,
            (Some(_), true) => {
                return Err(InvalidSettings("reader_schema and use_latest_version exclude each other"));
            }
        };
        let shared = Shared {
            settings: self.settings,
            reader,
            indexes: self.indexes,
            writers: Memo::new(MEMO_CAPACITY),
            readers: Memo::new(MEMO_CAPACITY),
        };
        Ok(ProtobufDeserializer { shared: Arc::new(shared) })
    }
}

impl ProtobufDeserializer {
    /// A builder.
    pub fn builder(client: RegistryClient) -> ProtobufDeserializerBuilder {
        ProtobufDeserializerBuilder {
            settings: ReaderSettings::new(client),
            reader: None,
            use_latest_version: false,
            indexes: Vec::new(),
        }
    }

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
        let at = At { topic, side };
        let Some(payload) = payload else { return Ok(None) };
        let located = self.shared.settings.locate(header, payload).map_err(|cause| at.error(None, cause))?;
        let read = async {
            let writer = self.shared.writer(at, located.identifier).await?;
            let (message, body) = self.shared.select(&writer, &located)?;
            if *message.name != *name {
                let detail = format!("it is a message {}, not {name}", message.name);
                return Err(DeserializeCause::Value { offset: 0, detail });
            }
            self.shared.check(&writer, message, body)?;
            M::decode(body).map_err(malformed)
        };
        read.await.map(Some).map_err(|cause| at.error(Some(located.identifier), cause))
    }

    /// Reads whatever message the record holds. Parameters and errors: as [`deserialize`](Self::deserialize).
    pub async fn deserialize_dynamic(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Result<Option<DynamicMessage>, DeserializeError> {
        let at = At { topic, side };
        let Some(payload) = payload else { return Ok(None) };
        let located = self.shared.settings.locate(header, payload).map_err(|cause| at.error(None, cause))?;
        let read = async {
            let writer = self.shared.writer(at, located.identifier).await?;
            let (message, body) = self.shared.select(&writer, &located)?;
            self.shared.check(&writer, message, body)?;
            let reader = self.shared.reader(at, &message.name).await?;
            let pool = reader.as_ref().unwrap_or(&writer).pool.as_ref();
            let pool = pool.map_err(|detail| DeserializeCause::Schema(detail.clone()))?;
            let descriptor = pool.get_message_by_name(&message.name).ok_or_else(|| {
                let detail = format!("the reader schema has no message {}", message.name);
                DeserializeCause::Resolution { offset: 0, detail }
            })?;
            DynamicMessage::decode(descriptor, body).map_err(|error| {
                let detail = error.to_string();
                match reader {
                    Some(_) => DeserializeCause::Resolution { offset: 0, detail },
                    None => DeserializeCause::Body { offset: 0, detail },
                }
            })
        };
        read.await.map(Some).map_err(|cause| at.error(Some(located.identifier), cause))
    }
}

fn malformed(error: prost::DecodeError) -> DeserializeCause {
    DeserializeCause::Body { offset: 0, detail: error.to_string() }
}

impl Shared {
    /// The message that a record holds, and its body.
    fn select<'w, 'p>(
        &self,
        writer: &'w Messages,
        located: &Located<'_, 'p>,
    ) -> Result<(&'w Indexed, &'p [u8]), DeserializeCause> {
        let table = Some(&writer.table);
        let (message, body) = match located.place {
            Place::Prefix => indexes::select(table, located.rest).map_err(DeserializeCause::Indexes)?,
            Place::Header(behind) => {
                let (message, _) = indexes::select(table, behind).map_err(DeserializeCause::Indexes)?;
                (message, located.rest)
            }
            Place::Settings => (writer.table.message(&self.indexes), located.rest),
        };
        let message = message.ok_or(DeserializeCause::Indexes(IndexError::NoSuchMessage))?;
        Ok((message, body))
    }

    /// Checks a body as the brokers' side would, which tells where it is wrong, and about required fields.
    fn check(&self, writer: &Messages, message: &Indexed, body: &[u8]) -> Result<(), DeserializeCause> {
        let Some(id) = writer.program.message(&message.name) else { return Ok(()) };
        let checked = writer.program.check(id, body, &self.settings.limits, &mut Scratch::default());
        checked.map(|_| ()).map_err(|invalid| DeserializeCause::Body {
            offset: invalid.offset,
            detail: invalid.kind.to_string(),
        })
    }

    async fn writer(&self, at: At<'_>, identifier: Identifier) -> Result<Arc<Messages>, DeserializeCause> {
        if let Some(writer) = self.writers.get(at.topic, at.side, identifier) {
            return Ok(writer);
        }
        let subject = self.settings.plain_subject(at);
        let writer = self.settings.writer::<Messages>(subject.as_deref(), identifier).await?;
        Ok(self.writers.insert(at.topic, at.side, identifier, writer.ready))
    }

    /// The reader schema, if it is not that of the writer. `name`: of the message.
    async fn reader(&self, at: At<'_>, name: &str) -> Result<Option<Arc<Messages>>, DeserializeCause> {
        let settings = &self.settings;
        match &self.reader {
            Reader::Writer => Ok(None),
            Reader::Given(given) => {
                if let Some(reader) = self.readers.get(at.topic, at.side, None) {
                    return Ok(Some(reader));
                }
                let NewSchema { schema, schema_type, references, .. } = &**given;
                let ReaderSettings { client, limits, .. } = settings;
                let subject = settings.plain_subject(at);
                let reader: Loaded<Messages> =
                    Loaded::fetch(client, *schema_type, schema, references, subject.as_deref(), limits)
                        .await?;
                Ok(Some(self.readers.insert(at.topic, at.side, None, reader.ready)))
            }
            Reader::Latest => {
                let subject = settings.strategy.subject(at.topic, at.side, Some(name));
                let subject = subject.ok_or_else(|| {
                    DeserializeCause::Schema("the subject name strategy names no subject".to_owned())
                })?;
                let latest =
                    settings.client.latest_version(&subject).await.map_err(DeserializeCause::Registry)?;
                if latest.id.is_some()
                    && let Some(reader) = self.readers.get(at.topic, at.side, latest.id)
                {
                    return Ok(Some(reader));
                }
                let reader: Loaded<Messages> = settings.load(&latest, Some(&subject)).await?;
                // Without an id it cannot be found again.
                Ok(Some(match latest.id {
                    Some(_) => self.readers.insert(at.topic, at.side, latest.id, reader.ready),
                    None => reader.ready,
                }))
            }
        }
    }
}
