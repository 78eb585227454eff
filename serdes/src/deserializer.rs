//! From framed bytes to values, in any language.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_schema::framing::Identifier;
use muster_schema::{Guid, Limits, SchemaId, Side};
use serde::Deserialize;

use crate::client::{NewSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError, InvalidSettings};
use crate::format::{Format, SerdeFormat};
use crate::identify::{At, Located, ReaderSettings};
use crate::load::Loaded;
use crate::memo::{CAPACITY, Memo};
use crate::naming::SubjectNaming;
use crate::record::Identification;

/// Reads keys and values of any topic.
///
/// The first record with a schema asks the registry for it; later ones make no request. Cheap to clone; clones share
/// what they have learnt.
#[derive(Clone, Debug)]
pub struct Deserializer<F: Format> {
    pub(crate) shared: Arc<Shared<F>>,
}

#[derive(Debug)]
pub(crate) struct Shared<F: Format> {
    pub(crate) settings: ReaderSettings,
    pub(crate) options: F::ReaderOptions,
    reader: Reader,
    /// By writer schema, and by the id of the reader schema where that may change.
    plans: Memo<(Identifier, Option<SchemaId>), Planned<F>>,
}

/// With which schema values are read.
#[derive(Debug)]
enum Reader {
    /// With that with which they were written.
    Writer,
    /// With this one.
    Given(Box<NewSchema>),
    /// With the latest of the subject that has these metadata properties.
    Latest(BTreeMap<String, String>),
}

/// How to read bodies of one writer schema.
#[derive(Debug)]
pub(crate) struct Planned<F: Format> {
    /// The record name of the writer schema.
    name: Option<String>,
    pub(crate) plan: F::Plan,
}

/// Settings of a [`Deserializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct DeserializerBuilder<F: Format> {
    settings: ReaderSettings,
    reader: Option<NewSchema>,
    use_latest_version: bool,
    use_latest_with_metadata: BTreeMap<String, String>,
    pub(crate) options: F::ReaderOptions,
}

impl<F: Format> DeserializerBuilder<F> {
    /// `key.schema.id.deserializer`, `value.schema.id.deserializer`. Default [`Identification::Dual`].
    pub fn identification(mut self, identification: Identification) -> Self {
        self.settings.identification = identification;
        self
    }

    /// `use.schema.id`: all payloads are bare bodies written with this schema; headers are ignored. Default none.
    pub fn use_schema_id(mut self, id: SchemaId) -> Self {
        self.settings.use_schema = Some(Identifier::Id(id));
        self
    }

    /// `use.schema.guid`: the same with the schema's guid. Default none.
    pub fn use_schema_guid(mut self, guid: Guid) -> Self {
        self.settings.use_schema = Some(Identifier::Guid(guid));
        self
    }

    /// The strategy by which the subject is known, for [`use_latest_version`](Self::use_latest_version) and for ids
    /// outside the default context. Default: as associated, which is TopicName as long as the registry has no association
    /// of the topic.
    pub fn subject_name_strategy(mut self, naming: impl Into<SubjectNaming>) -> Self {
        self.settings.naming = naming.into();
        self
    }

    /// The schema to read with: Avro values by schema resolution, JSON values by validation, dynamic Protobuf messages
    /// by the message of the same full name. Default: the one that they were written with.
    pub fn reader_schema(mut self, schema: NewSchema) -> Self {
        self.reader = Some(schema);
        self
    }

    /// `use.latest.version`: read with the latest schema of the subject. How out of date it may be is a setting of the
    /// client. Default false.
    pub fn use_latest_version(mut self, on: bool) -> Self {
        self.use_latest_version = on;
        self
    }

    /// `use.latest.with.metadata`: read with the latest schema of the subject that has these metadata properties. How out
    /// of date it may be is a setting of the client. Default none.
    pub fn use_latest_with_metadata<K: Into<String>, V: Into<String>>(
        mut self,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let properties = properties.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.use_latest_with_metadata = properties.collect();
        self
    }

    /// Bounds on schemas, and on nesting and number of values.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// The deserializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<Deserializer<F>, InvalidSettings> {
        let metadata = self.use_latest_with_metadata;
        let mut readers = [
            self.reader.map(|schema| Reader::Given(Box::new(schema))),
            (!metadata.is_empty()).then_some(Reader::Latest(metadata)),
            self.use_latest_version.then(|| Reader::Latest(BTreeMap::new())),
        ]
        .into_iter()
        .flatten();
        let reader = readers.next().unwrap_or(Reader::Writer);
        if readers.next().is_some() {
            return Err(InvalidSettings(
                "reader_schema, use_latest_version and use_latest_with_metadata exclude each other",
            ));
        }
        let shared =
            Shared { settings: self.settings, options: self.options, reader, plans: Memo::new(CAPACITY) };
        Ok(Deserializer { shared: Arc::new(shared) })
    }
}

impl<F: Format> Deserializer<F> {
    /// A builder.
    pub fn builder(client: RegistryClient) -> DeserializerBuilder<F> {
        DeserializerBuilder {
            settings: ReaderSettings::new(client),
            reader: None,
            use_latest_version: false,
            use_latest_with_metadata: BTreeMap::new(),
            options: Default::default(),
        }
    }

    /// Reads one side of a record with `decode`; null gives `None`.
    pub(crate) async fn read<'p, T>(
        &self,
        at: At<'_>,
        header: Option<&[u8]>,
        payload: Option<&'p [u8]>,
        decode: impl FnOnce(&F::Plan, &Located<'_, 'p>) -> Result<T, DeserializeCause>,
    ) -> Result<Option<T>, DeserializeError> {
        let Some(payload) = payload else { return Ok(None) };
        let located = self.shared.settings.locate(header, payload).map_err(|cause| at.error(None, cause))?;
        let failed = |cause| at.error(Some(located.identifier), cause);
        let planned = self.shared.planned(at, &located).await.map_err(failed)?;
        decode(&planned.plan, &located).map(Some).map_err(failed)
    }

    /// The same without waiting: `None` if the registry has to be asked first.
    pub(crate) fn read_now<'p, T>(
        &self,
        at: At<'_>,
        header: Option<&[u8]>,
        payload: Option<&'p [u8]>,
        decode: impl FnOnce(&F::Plan, &Located<'_, 'p>) -> Result<T, DeserializeCause>,
    ) -> Option<Result<Option<T>, DeserializeError>> {
        let Some(payload) = payload else { return Some(Ok(None)) };
        let located = match self.shared.settings.locate(header, payload) {
            Ok(located) => located,
            Err(cause) => return Some(Err(at.error(None, cause))),
        };
        if let Reader::Latest(_) = self.shared.reader {
            return None;
        }
        let planned = self.shared.plans.get(at.topic, at.side, (located.identifier, None))?;
        let value = decode(&planned.plan, &located);
        Some(value.map(Some).map_err(|cause| at.error(Some(located.identifier), cause)))
    }
}

impl<F: SerdeFormat> Deserializer<F> {
    /// Reads one side of a record of `topic` as a serde value; null gives `None`.
    ///
    /// `header`: value of the last record header named
    /// [`header_name(side)`](muster_schema::framing::header_name), if there is one that is not null. `payload`: the key
    /// or value; strings (those of JSON only without escapes) and bytes may be borrowed from it.
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
        self.read(At { topic, side }, header, payload, |plan, located| self.decode(plan, located.rest)).await
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
    ) -> Result<Option<F::Value>, DeserializeError> {
        let decode = |plan: &F::Plan, located: &Located<'_, '_>| self.decode_value(plan, located.rest);
        self.read(At { topic, side }, header, payload, decode).await
    }

    /// Reads without waiting: `None` if the registry has to be asked first, which is always so with
    /// [`use_latest_version`](DeserializerBuilder::use_latest_version).
    ///
    /// Parameters and errors: as [`deserialize`](Self::deserialize).
    pub fn deserialize_now<'de, T: Deserialize<'de>>(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&'de [u8]>,
    ) -> Option<Result<Option<T>, DeserializeError>> {
        self.read_now(At { topic, side }, header, payload, |plan, located| self.decode(plan, located.rest))
    }

    /// Reads as a generic value without waiting; as [`deserialize_now`](Self::deserialize_now).
    pub fn deserialize_value_now(
        &self,
        topic: &str,
        side: Side,
        header: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Option<Result<Option<F::Value>, DeserializeError>> {
        let decode = |plan: &F::Plan, located: &Located<'_, '_>| self.decode_value(plan, located.rest);
        self.read_now(At { topic, side }, header, payload, decode)
    }

    fn decode<'de, T: Deserialize<'de>>(
        &self,
        plan: &F::Plan,
        body: &'de [u8],
    ) -> Result<T, DeserializeCause> {
        F::decode(plan, &self.shared.options, &self.shared.settings.limits, body)
    }

    fn decode_value(&self, plan: &F::Plan, body: &[u8]) -> Result<F::Value, DeserializeCause> {
        F::decode_value(plan, &self.shared.options, &self.shared.settings.limits, body)
    }
}

impl<F: Format> Shared<F> {
    /// How to read what was located.
    async fn planned(
        &self,
        at: At<'_>,
        located: &Located<'_, '_>,
    ) -> Result<Arc<Planned<F>>, DeserializeCause> {
        let Reader::Latest(metadata) = &self.reader else {
            return self.lasting_plan(at, located.identifier).await;
        };
        let plain = self.settings.plain_subject(at).await?;
        let subject = match &plain {
            Some(subject) => subject.clone(),
            None => {
                let written = self.lasting_plan(at, located.identifier).await?;
                let held = F::held_name(&written.plan, &self.options, located)?;
                self.settings.subject(at, held.as_deref().or(written.name.as_deref())).await?
            }
        };
        let latest = self.settings.client.latest_version_with(&subject, metadata).await;
        let latest = latest.map_err(DeserializeCause::Registry)?;
        let key = (located.identifier, latest.id);
        if latest.id.is_some()
            && let Some(planned) = self.plans.get(at.topic, at.side, key)
        {
            return Ok(planned);
        }
        let reader = self.settings.load(&latest, Some(&subject)).await?;
        let planned = self.plan(plain.as_deref(), located.identifier, Some(reader)).await?;
        // Without an id it cannot be found again.
        Ok(if latest.id.is_some() { self.plans.insert(at.topic, at.side, key, planned) } else { planned })
    }

    /// How to read bodies that name `identifier`, whatever is latest.
    async fn lasting_plan(
        &self,
        at: At<'_>,
        identifier: Identifier,
    ) -> Result<Arc<Planned<F>>, DeserializeCause> {
        let key = (identifier, None);
        if let Some(planned) = self.plans.get(at.topic, at.side, key) {
            return Ok(planned);
        }
        let ReaderSettings { client, limits, .. } = &self.settings;
        let subject = self.settings.plain_subject(at).await?;
        let reader = match &self.reader {
            Reader::Given(given) => {
                Some(Loaded::fetch(client, (&**given).into(), subject.as_deref(), limits).await?)
            }
            Reader::Writer | Reader::Latest(_) => None,
        };
        let planned = self.plan(subject.as_deref(), identifier, reader).await?;
        Ok(self.plans.insert(at.topic, at.side, key, planned))
    }

    async fn plan(
        &self,
        subject: Option<&str>,
        identifier: Identifier,
        reader: Option<Loaded<F>>,
    ) -> Result<Arc<Planned<F>>, DeserializeCause> {
        let writer: Loaded<F> = self.settings.writer(subject, identifier).await?;
        let name = writer.parsed.record_name();
        let plan = F::plan(&self.options, writer, reader, &self.settings.limits)?;
        Ok(Arc::new(Planned { name, plan }))
    }
}
