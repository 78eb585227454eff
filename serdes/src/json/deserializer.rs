//! From framed JSON to values.

use std::sync::Arc;

use muster_schema::framing::Identifier;
use muster_schema::json::validate::{InvalidKind, Validator};
use muster_schema::{ParsedSchema, SchemaId, Side};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use super::{MEMO_CAPACITY, Text, Validation};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError, InvalidSettings};
use crate::load::Loaded;
use crate::memo::Memo;
use crate::reader::{At, ReaderSettings, reader_setters};

/// Reads JSON keys and values of any topic.
///
/// The first record with a schema asks the registry for it; later ones make no request. Cheap to clone; clones share
/// what they have learnt.
#[derive(Clone, Debug)]
pub struct JsonDeserializer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: ReaderSettings,
    reader: Reader,
    validation: Validation,
    /// By writer schema, and by the id of the reader schema where that may change.
    plans: Memo<(Identifier, Option<SchemaId>), Plan>,
}

/// Which schema values are validated against.
#[derive(Debug)]
enum Reader {
    /// That with which they were written.
    Writer,
    /// This one.
    Given(Box<NewSchema>),
    /// The latest of the subject.
    Latest,
}

/// How to read bodies of one schema.
#[derive(Debug)]
struct Plan {
    validator: Option<Validator>,
}

/// Settings of a [`JsonDeserializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct JsonDeserializerBuilder {
    settings: ReaderSettings,
    reader: Option<NewSchema>,
    use_latest_version: bool,
    validation: Validation,
}

impl JsonDeserializerBuilder {
    reader_setters!();

    /// The schema to validate values against. Default: the one they were written with.
    pub fn reader_schema(mut self, schema: NewSchema) -> Self {
        self.reader = Some(schema);
        self
    }

    /// `use.latest.version`: validate values against the latest schema of the subject. How out of date it may be is a
    /// setting of the client. Default false.
    pub fn use_latest_version(mut self, on: bool) -> Self {
        self.use_latest_version = on;
        self
    }

    /// `validate` (Python), `json.fail.invalid.schema` (Java): refuse values that do not satisfy the schema. Default
    /// true.
    pub fn validate(mut self, on: bool) -> Self {
        self.validation.is_on = on;
        self
    }

    /// Whether a known `format` must fit, in drafts 4–7. Default false.
    pub fn assert_formats(mut self, on: bool) -> Self {
        self.validation.assert_formats(on);
        self
    }

    /// The deserializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<JsonDeserializer, InvalidSettings> {
        let reader = match (self.reader, self.use_latest_version) {
            (None, false) => Reader::Writer,
            (Some(schema), false) => Reader::Given(Box::new(schema)),
            (None, true) => Reader::Latest,
            (Some(_), true) => {
                return Err(InvalidSettings("reader_schema and use_latest_version exclude each other"));
            }
        };
        let plans = Memo::new(MEMO_CAPACITY);
        let shared = Shared { settings: self.settings, reader, validation: self.validation, plans };
        Ok(JsonDeserializer { shared: Arc::new(shared) })
    }
}

impl JsonDeserializer {
    /// A builder.
    pub fn builder(client: RegistryClient) -> JsonDeserializerBuilder {
        JsonDeserializerBuilder {
            settings: ReaderSettings::new(client),
            reader: None,
            use_latest_version: false,
            validation: Validation::default(),
        }
    }

    /// Reads one side of a record of `topic` as a serde value; null gives `None`.
    ///
    /// `header`: value of the last record header named
    /// [`header_name(side)`](muster_schema::framing::header_name), if there is one that is not null. `payload`: the key
    /// or value; strings without escapes may be borrowed from it.
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
        let identified = self.shared.settings.identify(header, payload);
        let (identifier, body) = identified.map_err(|cause| at.error(None, cause))?;
        let failed = |cause| at.error(Some(identifier), cause);
        let plan = self.shared.plan(at, identifier).await.map_err(failed)?;
        self.shared.read(&plan, body).map(Some).map_err(failed)
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
        self.deserialize(topic, side, header, payload).await
    }

    /// Reads without waiting: `None` if the registry has to be asked first, which is always so with
    /// [`use_latest_version`](JsonDeserializerBuilder::use_latest_version).
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
        let value = self.shared.read(&plan, body);
        Some(value.map(Some).map_err(|cause| at.error(Some(identifier), cause)))
    }
}

impl Shared {
    fn read<'de, T: Deserialize<'de>>(&self, plan: &Plan, body: &'de [u8]) -> Result<T, DeserializeCause> {
        if let Some(validator) = &plan.validator
            && let Err(invalid) = validator.check(body, &self.settings.limits)
        {
            return Err(match invalid.kind {
                InvalidKind::Schema | InvalidKind::TooExpensive | InvalidKind::DuplicateKey => {
                    DeserializeCause::Invalid { path: invalid.path, reason: invalid.reason }
                }
                _ => DeserializeCause::Body { offset: 0, detail: invalid.reason },
            });
        }
        serde_json::from_slice(body).map_err(|error| {
            let offset = offset(body, error.line(), error.column());
            match error.classify() {
                Category::Data => DeserializeCause::Value { offset, detail: error.to_string() },
                _ => DeserializeCause::Body { offset, detail: error.to_string() },
            }
        })
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
        let writer = self.settings.writer::<Text>(subject, identifier).await?;
        let plan = match &self.reader {
            Reader::Given(given) => {
                let NewSchema { schema, schema_type, references, .. } = &**given;
                let ReaderSettings { client, limits, .. } = &self.settings;
                let reader: Loaded<Text> =
                    Loaded::fetch(client, *schema_type, schema, references, subject, limits).await?;
                self.compile(&reader.parsed)?
            }
            _ => self.compile(&writer.parsed)?,
        };
        Ok(self.plans.insert(at.topic, at.side, key, Arc::new(plan)))
    }

    async fn plan_for_latest(
        &self,
        at: At<'_>,
        identifier: Identifier,
    ) -> Result<Arc<Plan>, DeserializeCause> {
        let settings = &self.settings;
        let mut is_written_in_json = false;
        let subject = match settings.plain_subject(at) {
            Some(subject) => subject,
            None => {
                let writer = settings.writer::<Text>(None, identifier).await?;
                is_written_in_json = true;
                let name = writer.parsed.record_name();
                settings.strategy.subject(at.topic, at.side, name.as_deref()).ok_or_else(|| {
                    DeserializeCause::Schema(
                        "the subject name strategy needs a schema with a title".to_owned(),
                    )
                })?
            }
        };
        let latest = settings.client.latest_version(&subject).await.map_err(DeserializeCause::Registry)?;
        let key = (identifier, latest.id);
        if latest.id.is_some()
            && let Some(plan) = self.plans.get(at.topic, at.side, key)
        {
            return Ok(plan);
        }
        if !is_written_in_json {
            settings.writer::<Text>(Some(&subject), identifier).await?;
        }
        let reader: Loaded<Text> = settings.load(&latest, Some(&subject)).await?;
        let plan = Arc::new(self.compile(&reader.parsed)?);
        Ok(if latest.id.is_some() { self.plans.insert(at.topic, at.side, key, plan) } else { plan })
    }

    fn compile(&self, schema: &ParsedSchema) -> Result<Plan, DeserializeCause> {
        let validator = self.validation.compile(schema, &self.settings.limits);
        Ok(Plan { validator: validator.map_err(DeserializeCause::Schema)? })
    }
}

/// The byte at a line and column, both from 1.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let before = body.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    before.map(<[u8]>::len).sum::<usize>() + column.saturating_sub(1)
}
