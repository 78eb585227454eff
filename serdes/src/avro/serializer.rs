//! From values to framed bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apache_avro::types::Value;
use muster_schema::compatibility::{self, Candidate, Previous, Settings};
use muster_schema::framing::{ID_PREFIX_BYTES, id_prefix};
use muster_schema::{CompatibilityLevel, Guid, Limits, SchemaId, Side, SubjectNameStrategy};
use serde::Serialize;

use super::error::CodecError;
use super::load::{LoadError, Loaded};
use super::shape::{Shape, Type};
use super::{MEMO_CAPACITY, ser, value};
use crate::client::{ClientError, NewSchema, RegisteredSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::memo::Memo;
use crate::record::{Encoded, Framing, SchemaHeader};

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
    client: RegistryClient,
    schema: NewSchema,
    choice: Choice,
    strict: bool,
    normalize: bool,
    strategy: SubjectNameStrategy,
    framing: Framing,
    limits: Limits,
    encoders: Memo<(), AvroEncoder>,
}

/// How the schema to write with is found (wire format spec §5).
#[derive(Clone, Copy, Debug)]
enum Choice {
    Register,
    LookUp,
    Id(SchemaId),
    Latest,
}

/// Settings of an [`AvroSerializer`]. Each has the official clients' default; the names are those of their settings.
#[derive(Clone, Debug)]
pub struct AvroSerializerBuilder {
    client: RegistryClient,
    schema: NewSchema,
    auto_register: bool,
    use_schema_id: Option<SchemaId>,
    use_latest_version: bool,
    compatibility_strict: bool,
    normalize: bool,
    strategy: SubjectNameStrategy,
    framing: Framing,
    limits: Limits,
}

impl AvroSerializerBuilder {
    /// `auto.register.schemas`: register the schema under the subject. Default true. Off, the schema must be there.
    pub fn auto_register_schemas(mut self, on: bool) -> Self {
        self.auto_register = on;
        self
    }

    /// `use.schema.id`: write with this registered schema. Excludes auto-registration. Default none.
    pub fn use_schema_id(mut self, id: SchemaId) -> Self {
        self.use_schema_id = Some(id);
        self
    }

    /// `use.latest.version`: write with the subject's latest schema, looked at once per topic. Excludes
    /// auto-registration. Default false.
    pub fn use_latest_version(mut self, on: bool) -> Self {
        self.use_latest_version = on;
        self
    }

    /// `latest.compatibility.strict` and `id.compatibility.strict`: a schema taken from the registry must be able to
    /// read what the serializer's own describes. Default true.
    pub fn compatibility_strict(mut self, on: bool) -> Self {
        self.compatibility_strict = on;
        self
    }

    /// `normalize.schemas`: ask the registry to normalise when registering and looking up. Default false.
    pub fn normalize_schemas(mut self, on: bool) -> Self {
        self.normalize = on;
        self
    }

    /// `key.subject.name.strategy`, `value.subject.name.strategy`. Default TopicName.
    ///
    /// The official clients' default is AssociatedName, which equals TopicName as long as the registry has no
    /// associations; it arrives with them.
    pub fn subject_name_strategy(mut self, strategy: SubjectNameStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// `key.schema.id.serializer`, `value.schema.id.serializer`. Default [`Framing::Prefix`].
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Bounds on schemas that come from the registry.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The serializer. Asks nothing of the registry yet.
    ///
    /// Errors: [`InvalidSettings`] if settings exclude each other.
    pub fn build(self) -> Result<AvroSerializer, InvalidSettings> {
        let choice = match (self.auto_register, self.use_schema_id, self.use_latest_version) {
            (true, None, false) => Choice::Register,
            (false, None, false) => Choice::LookUp,
            (false, Some(id), false) => Choice::Id(id),
            (false, None, true) => Choice::Latest,
            (true, _, true) => {
                return Err(InvalidSettings(
                    "use_latest_version excludes auto_register_schemas, which is on unless turned off",
                ));
            }
            (true, Some(_), _) => {
                return Err(InvalidSettings(
                    "use_schema_id excludes auto_register_schemas, which is on unless turned off",
                ));
            }
            (false, Some(_), true) => {
                return Err(InvalidSettings("use_schema_id and use_latest_version exclude each other"));
            }
        };
        Ok(AvroSerializer {
            shared: Arc::new(Shared {
                client: self.client,
                schema: self.schema,
                choice,
                strict: self.compatibility_strict,
                normalize: self.normalize,
                strategy: self.strategy,
                framing: self.framing,
                limits: self.limits,
                encoders: Memo::new(MEMO_CAPACITY),
            }),
        })
    }
}

impl AvroSerializer {
    /// A builder for a serializer of values of `schema`, which may have references.
    pub fn builder(client: RegistryClient, schema: NewSchema) -> AvroSerializerBuilder {
        AvroSerializerBuilder {
            client,
            schema,
            auto_register: true,
            use_schema_id: None,
            use_latest_version: false,
            compatibility_strict: true,
            normalize: false,
            strategy: SubjectNameStrategy::TopicName,
            framing: Framing::Prefix,
            limits: Limits::default(),
        }
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
        Ok(Encoded::new(out, self.header))
    }
}

impl Shared {
    /// Chooses the schema for one side of a topic: the order of wire format spec §5.
    async fn prepare(&self, topic: &str, side: Side) -> Result<AvroEncoder, SerializeError> {
        let (own, subject) = if self.strategy.uses_schema() {
            let own = self.own(None).await?;
            let subject = self.strategy.subject(topic, side, own.record_name());
            (Some(own), subject)
        } else {
            (None, self.strategy.subject(topic, side, None))
        };
        let subject = subject.ok_or(SerializeError::NoRecordName)?;
        let refused = |source| SerializeError::Registry { subject: subject.clone(), source };
        let (id, guid, shape) = match self.choice {
            Choice::Register | Choice::LookUp => {
                // First, so that nothing is registered that cannot be written.
                let own = match own {
                    Some(own) => own,
                    None => self.own(Some(&subject)).await?,
                };
                let registered = match self.choice {
                    Choice::Register => self.client.register(&subject, &self.schema, self.normalize).await,
                    _ => self.client.lookup(&subject, &self.schema, self.normalize, false).await,
                };
                let registered = registered.map_err(refused)?;
                (Some(registered.id), registered.guid, own.shape)
            }
            Choice::Id(id) => {
                let chosen = self.client.schema_by_id(id, Some(&subject)).await.map_err(refused)?;
                (Some(id), chosen.guid, self.chosen(&subject, &chosen).await?)
            }
            Choice::Latest => {
                let chosen = self.client.latest_version(&subject).await.map_err(refused)?;
                (chosen.id, chosen.guid, self.chosen(&subject, &chosen).await?)
            }
        };
        self.encoder(subject, side, id, guid, shape)
    }

    fn encoder(
        &self,
        subject: String,
        side: Side,
        id: Option<SchemaId>,
        guid: Option<Guid>,
        shape: Arc<Shape>,
    ) -> Result<AvroEncoder, SerializeError> {
        let (prefix, header) = match (self.framing, id, guid) {
            (Framing::Prefix, Some(id), _) => (Some(id_prefix(id)), None),
            (Framing::Header, _, Some(guid)) => (None, Some(SchemaHeader::new(side, guid))),
            (Framing::Header, _, None) => return Err(SerializeError::NoGuid { subject }),
            (Framing::Prefix, None, _) => {
                return Err(SerializeError::Schema { subject, detail: "the registry gave no id".to_owned() });
            }
        };
        Ok(AvroEncoder { shape, subject, id, prefix, header, last_bytes: AtomicUsize::new(0) })
    }

    /// The serializer's own schema, ready for work. `subject`: where it stands, if that does not depend on itself.
    async fn own(&self, subject: Option<&str>) -> Result<Loaded, SerializeError> {
        let NewSchema { schema, schema_type, references, .. } = &self.schema;
        Loaded::fetch(&self.client, *schema_type, schema, references, subject, &self.limits)
            .await
            .map_err(|error| load_failure(subject.unwrap_or("named after the record"), error))
    }

    /// A schema of the registry, ready for work, after a look at whether it suits.
    async fn chosen(&self, subject: &str, chosen: &RegisteredSchema) -> Result<Arc<Shape>, SerializeError> {
        let RegisteredSchema { schema, schema_type, references, subject: home, .. } = chosen;
        let home = home.as_deref().unwrap_or(subject);
        let loaded = Loaded::fetch(&self.client, *schema_type, schema, references, Some(home), &self.limits)
            .await
            .map_err(|error| load_failure(subject, error))?;
        if self.strict {
            let own = self.own(Some(subject)).await?;
            let differences = compatibility::check(
                Candidate { schema: &loaded.parsed, metadata: None },
                &[Previous { version: None, schema: &own.parsed, metadata: None }],
                Settings::of(CompatibilityLevel::Backward),
                &self.limits,
            );
            if let Some(detail) = differences.into_iter().next() {
                return Err(SerializeError::Incompatible { subject: subject.to_owned(), detail });
            }
        }
        Ok(loaded.shape)
    }
}

fn load_failure(subject: &str, error: LoadError) -> SerializeError {
    let subject = subject.to_owned();
    match error {
        LoadError::Registry(ClientError::References { what, limit }) => SerializeError::Schema {
            subject,
            detail: format!("references exceed the limit of {limit} {what}"),
        },
        LoadError::Registry(source) => SerializeError::Registry { subject, source },
        LoadError::SchemaType(schema_type) => {
            SerializeError::Schema { subject, detail: format!("it is of type {schema_type}") }
        }
        LoadError::Unusable(detail) => SerializeError::Schema { subject, detail },
    }
}
