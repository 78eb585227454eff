//! From framed bytes to values.

use std::sync::Arc;

use apache_avro::types::Value;
use muster_schema::framing::Identifier;
use muster_schema::{SchemaId, Side};
use serde::Deserialize;

use super::error::{CodecError, Fault};
use super::input::Input;
use super::plan::Plan;
use super::shape::Shape;
use super::{MEMO_CAPACITY, de, value};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError, InvalidSettings};
use crate::load::Loaded;
use crate::memo::Memo;
use crate::reader::{At, ReaderSettings, reader_setters};

/// Reads Avro keys and values of any topic.
///
/// The first record with a schema asks the registry for it; later ones make no request. Cheap to clone; clones share
/// what they have learnt.
#[derive(Clone, Debug)]
pub struct AvroDeserializer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ReaderSettings,
    reader: Reader,
    fail_on_trailing_data: bool,
    /// By writer schema, and by the id of the reader schema where that may change.
    plans: Memo<(Identifier, Option<SchemaId>), Plan>,
}

/// Which schema values are read as.
#[derive(Debug)]
enum Reader {
    /// As they were written.
    Writer,
    /// This one.
    Given(Box<NewSchema>),
    /// The latest of the subject.
    Latest,
}

/// Settings of an [`AvroDeserializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct AvroDeserializerBuilder {
    settings: ReaderSettings,
    reader: Option<NewSchema>,
    use_latest_version: bool,
    fail_on_trailing_data: bool,
}

impl AvroDeserializerBuilder {
    reader_setters!();

    /// The schema to read values as, by schema resolution. Default: the one they were written with.
    pub fn reader_schema(mut self, schema: NewSchema) -> Self {
        self.reader = Some(schema);
        self
    }

    /// The schema of a type that carries it (`#[derive(AvroSchema)]`), to read values as.
    pub fn reader_schema_of<T: apache_avro::AvroSchema>(self) -> Self {
        // Printing what a derive macro made up cannot fail; a text that did would not parse.
        let text = serde_json::to_string(&T::get_schema()).unwrap_or_default();
        self.reader_schema(NewSchema::avro(text))
    }

    /// `use.latest.version`: read values as the latest schema of the subject. How out of date it may be is a setting of
    /// the client. Default false.
    pub fn use_latest_version(mut self, on: bool) -> Self {
        self.use_latest_version = on;
        self
    }

    /// `avro.fail.on.trailing.data`: refuse bytes behind the value. Default false.
    pub fn fail_on_trailing_data(mut self, on: bool) -> Self {
        self.fail_on_trailing_data = on;
        self
    }

    /// The deserializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<AvroDeserializer, InvalidSettings> {
        let reader = match (self.reader, self.use_latest_version) {
            (None, false) => Reader::Writer,
            (Some(schema), false) => Reader::Given(Box::new(schema)),
            (None, true) => Reader::Latest,
            (Some(_), true) => {
                return Err(InvalidSettings("reader_schema and use_latest_version exclude each other"));
            }
        };
        Ok(AvroDeserializer {
            shared: Arc::new(Shared {
                settings: self.settings,
                reader,
                fail_on_trailing_data: self.fail_on_trailing_data,
                plans: Memo::new(MEMO_CAPACITY),
            }),
        })
    }
}

impl AvroDeserializer {
    /// A builder.
    pub fn builder(client: RegistryClient) -> AvroDeserializerBuilder {
        AvroDeserializerBuilder {
            settings: ReaderSettings::new(client),
            reader: None,
            use_latest_version: false,
            fail_on_trailing_data: false,
        }
    }

    /// Reads one side of a record of `topic` as a serde value; null gives `None`.
    ///
    /// `header`: value of the last record header named [`header_name(side)`](muster_schema::framing::header_name), if there is one that
    /// is not null. `payload`: the key or value; strings and bytes may be borrowed from it.
    ///
    /// Errors: [`DeserializeError`], which tells a poisonous record from an outage of the registry. Nothing is
    /// remembered of a failure.
    pub async fn deserialize<'de, T: Deserialize<'de>>(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&'de [u8]>,
    ) -> Result<Option<T>, DeserializeError> {
        let at = At { topic, side };
        let Some(payload) = payload else { return Ok(None) };
        let (identifier, body) =
            self.shared.settings.identify(header, payload).map_err(|cause| at.error(None, cause))?;
        let plan =
            self.shared.plan(at, identifier).await.map_err(|cause| at.error(Some(identifier), cause))?;
        self.shared.read(&plan, body, de::decode).map(Some).map_err(|cause| at.error(Some(identifier), cause))
    }

    /// Reads one side of a record of `topic` as a generic value; null gives `None`.
    ///
    /// Parameters and errors: as [`deserialize`](Self::deserialize).
    pub async fn deserialize_value(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Result<Option<Value>, DeserializeError> {
        let at = At { topic, side };
        let Some(payload) = payload else { return Ok(None) };
        let (identifier, body) =
            self.shared.settings.identify(header, payload).map_err(|cause| at.error(None, cause))?;
        let plan =
            self.shared.plan(at, identifier).await.map_err(|cause| at.error(Some(identifier), cause))?;
        self.shared
            .read(&plan, body, value::decode)
            .map(Some)
            .map_err(|cause| at.error(Some(identifier), cause))
    }

    /// Reads without waiting: `None` if the registry has to be asked first, which is always so with
    /// [`use_latest_version`](AvroDeserializerBuilder::use_latest_version).
    ///
    /// Parameters and errors: as [`deserialize`](Self::deserialize).
    pub fn deserialize_now<'de, T: Deserialize<'de>>(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&'de [u8]>,
    ) -> Option<Result<Option<T>, DeserializeError>> {
        let at = At { topic, side };
        let Some(payload) = payload else { return Some(Ok(None)) };
        let (identifier, body) = match self.shared.settings.identify(header, payload) {
            Ok(found) => found,
            Err(cause) => return Some(Err(at.error(None, cause))),
        };
        let plan = self.shared.plans.get(topic, side, (identifier, None))?;
        let value = self.shared.read(&plan, body, de::decode);
        Some(value.map(Some).map_err(|cause| at.error(Some(identifier), cause)))
    }
}

impl Shared {
    fn read<'de, T>(
        &self,
        plan: &Plan,
        body: &'de [u8],
        decode: impl FnOnce(&Plan, &mut Input<'de>) -> Result<T, CodecError>,
    ) -> Result<T, DeserializeCause> {
        let mut input = Input::new(body, self.settings.limits.depth, self.settings.limits.items);
        match decode(plan, &mut input) {
            Ok(value) if input.remaining() == 0 || !self.fail_on_trailing_data => Ok(value),
            Ok(_) => Err(DeserializeCause::Body {
                offset: input.offset(),
                detail: format!("{} bytes behind the value", input.remaining()),
            }),
            Err(error) => {
                let offset = input.offset();
                Err(match error.fault() {
                    Fault::Malformed => DeserializeCause::Body { offset, detail: error.into_detail() },
                    Fault::Resolution => DeserializeCause::Resolution { offset, detail: error.into_detail() },
                    Fault::Mismatch => DeserializeCause::Value { offset, detail: error.into_detail() },
                })
            }
        }
    }

    /// How to read bodies that name `identifier`.
    async fn plan(&self, at: At<'_>, identifier: Identifier) -> Result<Arc<Plan>, DeserializeCause> {
        if let Reader::Latest = self.reader {
            return self.plan_for_latest(at, identifier).await;
        }
        let key = (identifier, None);
        if let Some(plan) = self.plans.get(at.topic, at.side, key) {
            return Ok(plan);
        }
        let subject = self.settings.plain_subject(at);
        let subject = subject.as_deref();
        let writer = self.settings.writer::<Shape>(subject, identifier).await?;
        let plan = match &self.reader {
            Reader::Given(given) => {
                let NewSchema { schema, schema_type, references, .. } = &**given;
                let ReaderSettings { client, limits, .. } = &self.settings;
                let reader: Loaded<Shape> =
                    Loaded::fetch(client, *schema_type, schema, references, subject, limits).await?;
                Plan::resolved(&writer.ready, &reader.ready)
            }
            _ => Plan::plain(&writer.ready),
        };
        Ok(self.plans.insert(at.topic, at.side, key, Arc::new(plan)))
    }

    async fn plan_for_latest(
        &self,
        at: At<'_>,
        identifier: Identifier,
    ) -> Result<Arc<Plan>, DeserializeCause> {
        let mut writer = None;
        let subject = match self.settings.plain_subject(at) {
            Some(subject) => subject,
            None => {
                let loaded = writer.insert(self.settings.writer::<Shape>(None, identifier).await?);
                let name = loaded.parsed.record_name();
                self.settings.strategy.subject(at.topic, at.side, name.as_deref()).ok_or_else(|| {
                    DeserializeCause::Schema("the subject name strategy needs a record schema".to_owned())
                })?
            }
        };
        let latest =
            self.settings.client.latest_version(&subject).await.map_err(DeserializeCause::Registry)?;
        let key = (identifier, latest.id);
        if latest.id.is_some()
            && let Some(plan) = self.plans.get(at.topic, at.side, key)
        {
            return Ok(plan);
        }
        let writer = match writer {
            Some(writer) => writer,
            None => self.settings.writer(Some(&subject), identifier).await?,
        };
        let reader: Loaded<Shape> = self.settings.load(&latest, Some(&subject)).await?;
        let plan = Arc::new(Plan::resolved(&writer.ready, &reader.ready));
        Ok(if latest.id.is_some() { self.plans.insert(at.topic, at.side, key, plan) } else { plan })
    }
}
