//! What serializers of all languages share: which schema to write with (wire format spec §5), and how to frame.

use std::sync::Arc;

use muster_schema::compatibility::{self, Candidate, Previous, Settings};
use muster_schema::framing::{ID_PREFIX_BYTES, id_prefix};
use muster_schema::{CompatibilityLevel, Guid, Limits, ParsedSchema, SchemaId, Side, SubjectNameStrategy};

use crate::client::{NewSchema, RegisteredSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::load::{Loaded, Ready};
use crate::record::{Framing, SchemaHeader};

/// Settings of a serializer, as its builder collects them.
#[derive(Clone, Debug)]
pub(crate) struct WriterSettings {
    pub(crate) client: RegistryClient,
    pub(crate) schema: NewSchema,
    pub(crate) auto_register: bool,
    pub(crate) use_schema_id: Option<SchemaId>,
    pub(crate) use_latest_version: bool,
    pub(crate) compatibility_strict: bool,
    pub(crate) normalize: bool,
    pub(crate) strategy: SubjectNameStrategy,
    pub(crate) framing: Framing,
    pub(crate) limits: Limits,
}

/// The setters that the builders of all serializers have; the builder has a member `settings`.
macro_rules! writer_setters {
    () => {
        /// `auto.register.schemas`: register the schema under the subject. Default true. Off, the schema must be there.
        pub fn auto_register_schemas(mut self, on: bool) -> Self {
            self.settings.auto_register = on;
            self
        }

        /// `use.schema.id`: write with this registered schema. Excludes auto-registration. Default none.
        pub fn use_schema_id(mut self, id: muster_schema::SchemaId) -> Self {
            self.settings.use_schema_id = Some(id);
            self
        }

        /// `use.latest.version`: write with the subject's latest schema, looked at once per topic. Excludes
        /// auto-registration. Default false.
        pub fn use_latest_version(mut self, on: bool) -> Self {
            self.settings.use_latest_version = on;
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

        /// `key.subject.name.strategy`, `value.subject.name.strategy`. Default TopicName.
        ///
        /// The official clients' default is AssociatedName, which equals TopicName as long as the registry has no
        /// associations; it arrives with them.
        pub fn subject_name_strategy(mut self, strategy: muster_schema::SubjectNameStrategy) -> Self {
            self.settings.strategy = strategy;
            self
        }

        /// `key.schema.id.serializer`, `value.schema.id.serializer`. Default
        /// [`Framing::Prefix`](crate::Framing::Prefix).
        pub fn framing(mut self, framing: crate::record::Framing) -> Self {
            self.settings.framing = framing;
            self
        }

        /// Bounds on schemas that come from the registry.
        pub fn limits(mut self, limits: muster_schema::Limits) -> Self {
            self.settings.limits = limits;
            self
        }
    };
}
pub(crate) use writer_setters;

/// How the schema to write with is found (wire format spec §5).
#[derive(Clone, Copy, Debug)]
enum Choice {
    Register,
    LookUp,
    Id(SchemaId),
    Latest,
}

/// Settings that go together.
#[derive(Debug)]
pub(crate) struct Writer {
    settings: WriterSettings,
    choice: Choice,
}

/// The schema that was chosen for one side of the records of a topic.
#[derive(Debug)]
pub(crate) struct Chosen<R> {
    pub(crate) subject: String,
    pub(crate) side: Side,
    pub(crate) id: Option<SchemaId>,
    pub(crate) guid: Option<Guid>,
    #[cfg_attr(not(feature = "json"), allow(dead_code, reason = "not every language asks again"))]
    pub(crate) parsed: ParsedSchema,
    pub(crate) ready: Arc<R>,
}

/// How a serializer comes to the schemas of imports.
#[cfg(feature = "protobuf")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Imports {
    /// As to that of the messages.
    AsTheRest,
    /// By asking for them, whatever is done about that of the messages.
    LookUp,
}

#[cfg(feature = "protobuf")]
fn no_version(subject: &str) -> SerializeError {
    let detail = "the registry gave no version to refer to".to_owned();
    SerializeError::Schema { subject: subject.to_owned(), detail }
}

/// What goes in front of the body, and what into a header; one of the two.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) prefix: Option<[u8; ID_PREFIX_BYTES]>,
    pub(crate) header: Option<SchemaHeader>,
}

impl WriterSettings {
    /// The defaults of the official clients.
    pub(crate) fn new(client: RegistryClient, schema: NewSchema) -> Self {
        Self {
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

    /// Checks that settings do not exclude each other.
    pub(crate) fn build(self) -> Result<Writer, InvalidSettings> {
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
        Ok(Writer { settings: self, choice })
    }
}

impl Writer {
    /// Bounds on schemas.
    #[cfg(feature = "json")]
    pub(crate) fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Chooses the schema for one side of a topic.
    #[cfg(any(feature = "avro", feature = "json"))]
    pub(crate) async fn choose<R: Ready>(
        &self,
        topic: &str,
        side: Side,
    ) -> Result<Chosen<R>, SerializeError> {
        self.choose_for(topic, side, None).await
    }

    /// Chooses the schema for one side of a topic. `record_name`: of what is to be written, where the schema describes
    /// more than one record.
    pub(crate) async fn choose_for<R: Ready>(
        &self,
        topic: &str,
        side: Side,
        record_name: Option<&str>,
    ) -> Result<Chosen<R>, SerializeError> {
        let WriterSettings { client, schema, normalize, strategy, .. } = &self.settings;
        let (own, subject) = match record_name {
            None if strategy.uses_schema() => {
                let own = self.own(None).await?;
                let subject = strategy.subject(topic, side, own.parsed.record_name().as_deref());
                (Some(own), subject)
            }
            name => (None, strategy.subject(topic, side, name)),
        };
        let subject = subject.ok_or(SerializeError::NoRecordName)?;
        let refused = |source| SerializeError::Registry { subject: subject.clone(), source };
        let (id, guid, loaded) = match self.choice {
            Choice::Register | Choice::LookUp => {
                // First, so that nothing is registered that cannot be written.
                let own = match own {
                    Some(own) => own,
                    None => self.own(Some(&subject)).await?,
                };
                let registered = match self.choice {
                    Choice::Register => client.register(&subject, schema, *normalize).await,
                    _ => client.lookup(&subject, schema, *normalize, false).await,
                };
                let registered = registered.map_err(refused)?;
                (Some(registered.id), registered.guid, own)
            }
            Choice::Id(id) => {
                let chosen = client.schema_by_id(id, Some(&subject)).await.map_err(refused)?;
                (Some(id), chosen.guid, self.suitable(&subject, &chosen).await?)
            }
            Choice::Latest => {
                let chosen = client.latest_version(&subject).await.map_err(refused)?;
                (chosen.id, chosen.guid, self.suitable(&subject, &chosen).await?)
            }
        };
        let Loaded { parsed, ready } = loaded;
        Ok(Chosen { subject, side, id, guid, parsed, ready })
    }

    /// The same, with another schema of its own.
    #[cfg(feature = "protobuf")]
    pub(crate) fn with_schema(&self, schema: NewSchema) -> Self {
        Self { settings: WriterSettings { schema, ..self.settings.clone() }, choice: self.choice }
    }

    /// Registers the schema of an import, or finds it, as the settings say. Returns its version.
    #[cfg(feature = "protobuf")]
    pub(crate) async fn import(
        &self,
        subject: &str,
        schema: &NewSchema,
        imports: Imports,
    ) -> Result<muster_schema::Version, SerializeError> {
        let WriterSettings { client, normalize, .. } = &self.settings;
        let refused = |source| SerializeError::Registry { subject: subject.to_owned(), source };
        let registered = match (self.choice, imports) {
            (Choice::Register, Imports::AsTheRest) => {
                let registered = client.register(subject, schema, *normalize).await.map_err(refused)?;
                match registered.version {
                    Some(_) => registered,
                    // Older registries do not tell the version they have given.
                    None => client.lookup(subject, schema, *normalize, false).await.map_err(refused)?,
                }
            }
            (Choice::Latest, Imports::AsTheRest) => {
                let latest = client.latest_version(subject).await.map_err(refused)?;
                return latest.version.ok_or_else(|| no_version(subject));
            }
            _ => client.lookup(subject, schema, *normalize, false).await.map_err(refused)?,
        };
        registered.version.ok_or_else(|| no_version(subject))
    }

    /// The framing for records of a chosen schema.
    #[cfg(any(feature = "avro", feature = "json"))]
    pub(crate) fn frame<R>(&self, chosen: &Chosen<R>) -> Result<Frame, SerializeError> {
        self.frame_with(chosen, &[])
    }

    /// The framing for records of a chosen schema. What `behind` holds belongs to the identifier: here it goes into the
    /// header; behind a prefix the caller puts it.
    pub(crate) fn frame_with<R>(&self, chosen: &Chosen<R>, behind: &[u8]) -> Result<Frame, SerializeError> {
        let subject = || chosen.subject.clone();
        match (self.settings.framing, chosen.id, chosen.guid) {
            (Framing::Prefix, Some(id), _) => Ok(Frame { prefix: Some(id_prefix(id)), header: None }),
            (Framing::Header, _, Some(guid)) => {
                Ok(Frame { prefix: None, header: Some(SchemaHeader::new(chosen.side, guid, behind)) })
            }
            (Framing::Header, _, None) => Err(SerializeError::NoGuid { subject: subject() }),
            (Framing::Prefix, None, _) => Err(SerializeError::Schema {
                subject: subject(),
                detail: "the registry gave no id".to_owned(),
            }),
        }
    }

    /// The serializer's own schema, ready for work. `subject`: where it stands, if that does not depend on itself.
    async fn own<R: Ready>(&self, subject: Option<&str>) -> Result<Loaded<R>, SerializeError> {
        let NewSchema { schema, schema_type, references, .. } = &self.settings.schema;
        let WriterSettings { client, limits, .. } = &self.settings;
        Loaded::fetch(client, *schema_type, schema, references, subject, limits)
            .await
            .map_err(|error| error.writing(subject.unwrap_or("named after the record")))
    }

    /// A schema of the registry, ready for work, after a look at whether it suits.
    async fn suitable<R: Ready>(
        &self,
        subject: &str,
        chosen: &RegisteredSchema,
    ) -> Result<Loaded<R>, SerializeError> {
        let RegisteredSchema { schema, schema_type, references, subject: home, .. } = chosen;
        let WriterSettings { client, limits, .. } = &self.settings;
        let home = home.as_deref().unwrap_or(subject);
        let loaded: Loaded<R> = Loaded::fetch(client, *schema_type, schema, references, Some(home), limits)
            .await
            .map_err(|error| error.writing(subject))?;
        if self.settings.compatibility_strict {
            let own: Loaded<R> = self.own(Some(subject)).await?;
            let differences = compatibility::check(
                Candidate { schema: &loaded.parsed, metadata: None },
                &[Previous { version: None, schema: &own.parsed, metadata: None }],
                Settings::of(CompatibilityLevel::Backward),
                limits,
            );
            if let Some(detail) = differences.into_iter().next() {
                return Err(SerializeError::Incompatible { subject: subject.to_owned(), detail });
            }
        }
        Ok(loaded)
    }
}
