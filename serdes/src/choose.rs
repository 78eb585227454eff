//! Which schema a serializer writes with (wire format spec §5), and how it frames (§1.4).

use std::collections::BTreeMap;

use muster_schema::compatibility::{self, Candidate, Previous, Settings};
use muster_schema::framing::{Identifier, id_prefix};
use muster_schema::{CompatibilityLevel, Guid, Limits, SchemaId, Side};

use crate::client::{NewSchema, RegisteredSchema, RegistryClient};
use crate::error::{InvalidSettings, SerializeError};
use crate::format::Format;
use crate::load::Loaded;
use crate::naming::SubjectNaming;
use crate::record::{Framing, SchemaHeader};

/// Settings of a serializer, as its builder collects them.
#[derive(Clone, Debug)]
pub(crate) struct WriterSettings {
    pub(crate) client: RegistryClient,
    pub(crate) auto_register: bool,
    pub(crate) use_schema: Option<Identifier>,
    pub(crate) use_latest_version: bool,
    pub(crate) use_latest_with_metadata: BTreeMap<String, String>,
    pub(crate) compatibility_strict: bool,
    pub(crate) normalize: bool,
    pub(crate) naming: SubjectNaming,
    pub(crate) framing: Framing,
    pub(crate) limits: Limits,
}

/// How the schema to write with is found (wire format spec §5).
#[derive(Clone, Debug)]
enum Choice {
    Register,
    LookUp,
    Fixed(Identifier),
    /// The latest with these metadata properties.
    Latest(BTreeMap<String, String>),
}

/// Settings that go together.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) settings: WriterSettings,
    choice: Choice,
}

/// The schema that was chosen for one side of the records of a topic.
#[derive(Debug)]
pub(crate) struct Chosen<F: Format> {
    pub(crate) subject: String,
    pub(crate) side: Side,
    pub(crate) id: Option<SchemaId>,
    pub(crate) guid: Option<Guid>,
    pub(crate) loaded: Loaded<F>,
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

/// What goes in front of the body, and what into a header; one of the two.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) front: Box<[u8]>,
    pub(crate) header: Option<SchemaHeader>,
}

impl WriterSettings {
    /// The defaults of the official clients.
    pub(crate) fn new(client: RegistryClient) -> Self {
        Self {
            client,
            auto_register: true,
            use_schema: None,
            use_latest_version: false,
            use_latest_with_metadata: BTreeMap::new(),
            compatibility_strict: true,
            normalize: false,
            naming: SubjectNaming::default(),
            framing: Framing::Prefix,
            limits: Limits::default(),
        }
    }

    /// Checks that settings do not exclude each other.
    pub(crate) fn build(self) -> Result<Writer, InvalidSettings> {
        let metadata = &self.use_latest_with_metadata;
        let mut choices = [
            self.auto_register.then_some(Choice::Register),
            self.use_schema.map(Choice::Fixed),
            (!metadata.is_empty()).then(|| Choice::Latest(metadata.clone())),
            self.use_latest_version.then(|| Choice::Latest(BTreeMap::new())),
        ]
        .into_iter()
        .flatten();
        let choice = choices.next().unwrap_or(Choice::LookUp);
        if choices.next().is_some() {
            return Err(InvalidSettings(
                "auto_register_schemas (on unless turned off), use_schema_id, use_schema_guid, use_latest_version and \
                 use_latest_with_metadata exclude each other",
            ));
        }
        if matches!((&choice, self.framing), (Choice::Fixed(Identifier::Guid(_)), Framing::Prefix)) {
            return Err(InvalidSettings("use_schema_guid needs header framing: a prefix holds an id"));
        }
        Ok(Writer { settings: self, choice })
    }
}

impl Writer {
    /// Chooses the schema for one side of a topic. `own`: that of the serializer. `record_name`: of what is to be written,
    /// where a schema describes more than one record.
    pub(crate) async fn choose<F: Format>(
        &self,
        own: &NewSchema,
        topic: &str,
        side: Side,
        record_name: Option<&str>,
    ) -> Result<Chosen<F>, SerializeError> {
        let WriterSettings { client, normalize, naming, .. } = &self.settings;
        let mut own_loaded = None;
        let subject = match record_name {
            None if naming.uses_schema() => {
                let loaded = own_loaded.insert(self.own::<F>(own, None).await?);
                naming.subject(client, topic, side, loaded.parsed.record_name().as_deref()).await
            }
            name => naming.subject(client, topic, side, name).await,
        };
        let subject = subject.map_err(SerializeError::NoSubject)?;
        let refused = |source| SerializeError::Registry { subject: subject.clone(), source };
        let chosen = match &self.choice {
            Choice::Register | Choice::LookUp => {
                // First, so that nothing is registered that cannot be written.
                let mut loaded = match own_loaded {
                    Some(loaded) => loaded,
                    None => self.own(own, Some(&subject)).await?,
                };
                let registered = match self.choice {
                    Choice::Register => client.register(&subject, own, *normalize).await,
                    _ => client.lookup(&subject, own, *normalize, false).await,
                };
                let registered = registered.map_err(refused)?;
                let id = registered.id;
                if F::is_rewritten(own, *normalize) {
                    let stored = client.schema_by_id(id, Some(&subject)).await.map_err(refused)?;
                    loaded = self.stored(&subject, &stored).await?;
                }
                return Ok(Chosen { subject, side, id: Some(id), guid: registered.guid, loaded });
            }
            Choice::Fixed(Identifier::Id(id)) => client.schema_by_id(*id, Some(&subject)).await,
            Choice::Fixed(Identifier::Guid(guid)) => client.schema_by_guid(*guid).await,
            Choice::Latest(metadata) => client.latest_version_with(&subject, metadata).await,
        };
        let chosen = chosen.map_err(refused)?;
        let loaded = self.suitable(own, &subject, &chosen).await?;
        Ok(Chosen { subject, side, id: chosen.id, guid: chosen.guid, loaded })
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
        let look_up = || async { Ok(client.lookup(subject, schema, *normalize, false).await?.version) };
        let version = match (&self.choice, imports) {
            (Choice::Register, Imports::AsTheRest) => {
                match client.register(subject, schema, *normalize).await.map(|registered| registered.version)
                {
                    // Older registries do not tell the version they have given.
                    Ok(None) => look_up().await,
                    told => told,
                }
            }
            (Choice::Latest(_), Imports::AsTheRest) => {
                client.latest_version(subject).await.map(|latest| latest.version)
            }
            _ => look_up().await,
        };
        let version =
            version.map_err(|source| SerializeError::Registry { subject: subject.to_owned(), source })?;
        version.ok_or_else(|| SerializeError::Schema {
            subject: subject.to_owned(),
            detail: "the registry gave no version to refer to".to_owned(),
        })
    }

    /// The framing for records of a chosen schema. `behind`: what belongs to the identifier and follows it.
    pub(crate) fn frame<F: Format>(
        &self,
        chosen: &Chosen<F>,
        behind: &[u8],
    ) -> Result<Frame, SerializeError> {
        let subject = || chosen.subject.clone();
        match (self.settings.framing, chosen.id, chosen.guid) {
            (Framing::Prefix, Some(id), _) => {
                Ok(Frame { front: [&id_prefix(id), behind].concat().into(), header: None })
            }
            (Framing::Header, _, Some(guid)) => Ok(Frame {
                front: Box::default(),
                header: Some(SchemaHeader::new(chosen.side, guid, behind)),
            }),
            (Framing::Header, _, None) => Err(SerializeError::NoGuid { subject: subject() }),
            (Framing::Prefix, None, _) => Err(SerializeError::Schema {
                subject: subject(),
                detail: "the registry gave no id".to_owned(),
            }),
        }
    }

    /// The serializer's own schema. `subject`: where it stands, if that does not depend on itself.
    async fn own<F: Format>(
        &self,
        own: &NewSchema,
        subject: Option<&str>,
    ) -> Result<Loaded<F>, SerializeError> {
        let WriterSettings { client, limits, .. } = &self.settings;
        Loaded::fetch(client, own.into(), subject, limits)
            .await
            .map_err(|error| error.writing(subject.unwrap_or("named after the record")))
    }

    /// A schema of the registry.
    async fn stored<F: Format>(
        &self,
        subject: &str,
        stored: &RegisteredSchema,
    ) -> Result<Loaded<F>, SerializeError> {
        let WriterSettings { client, limits, .. } = &self.settings;
        let home = stored.subject.as_deref().unwrap_or(subject);
        Loaded::fetch(client, stored.into(), Some(home), limits).await.map_err(|error| error.writing(subject))
    }

    /// A schema of the registry, after a look at whether it suits.
    async fn suitable<F: Format>(
        &self,
        own: &NewSchema,
        subject: &str,
        chosen: &RegisteredSchema,
    ) -> Result<Loaded<F>, SerializeError> {
        let loaded: Loaded<F> = self.stored(subject, chosen).await?;
        if self.settings.compatibility_strict {
            let own: Loaded<F> = self.own(own, Some(subject)).await?;
            let differences = compatibility::check(
                Candidate { schema: &loaded.parsed, metadata: None },
                &[Previous { version: None, schema: &own.parsed, metadata: None }],
                Settings::of(CompatibilityLevel::Backward),
                &self.settings.limits,
            );
            if let Some(detail) = differences.into_iter().next() {
                return Err(SerializeError::Incompatible { subject: subject.to_owned(), detail });
            }
        }
        Ok(loaded)
    }
}
