//! What deserializers of all languages share: which schema a record names, and where to get it (wire format spec §1.5,
//! §1.6).

use muster_schema::framing::{self, Identifier};
use muster_schema::{Limits, SchemaId, Side, SubjectNameStrategy};

use crate::client::{RegisteredSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError};
use crate::load::{Loaded, Ready};
use crate::record::Identification;

/// Settings of a deserializer, as its builder collects them.
#[derive(Clone, Debug)]
pub(crate) struct ReaderSettings {
    pub(crate) client: RegistryClient,
    pub(crate) identification: Identification,
    pub(crate) use_schema_id: Option<SchemaId>,
    pub(crate) strategy: SubjectNameStrategy,
    pub(crate) limits: Limits,
}

/// The setters that the builders of all deserializers have; the builder has a member `settings`.
macro_rules! reader_setters {
    () => {
        /// `key.schema.id.deserializer`, `value.schema.id.deserializer`. Default
        /// [`Identification::Dual`](crate::Identification::Dual).
        pub fn identification(mut self, identification: crate::record::Identification) -> Self {
            self.settings.identification = identification;
            self
        }

        /// `use.schema.id`: all payloads are bare bodies written with this schema; headers are ignored. Default none.
        pub fn use_schema_id(mut self, id: muster_schema::SchemaId) -> Self {
            self.settings.use_schema_id = Some(id);
            self
        }

        /// The strategy by which the subject is known, for [`use_latest_version`](Self::use_latest_version) and for ids
        /// outside the default context. Default TopicName.
        pub fn subject_name_strategy(mut self, strategy: muster_schema::SubjectNameStrategy) -> Self {
            self.settings.strategy = strategy;
            self
        }

        /// Bounds on schemas, and on nesting and number of values.
        pub fn limits(mut self, limits: muster_schema::Limits) -> Self {
            self.settings.limits = limits;
            self
        }
    };
}
pub(crate) use reader_setters;

/// Where a record is from.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) topic: &'a str,
    pub(crate) side: Side,
}

/// An identifier, and what else the payload holds.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "protobuf"),
    allow(dead_code, reason = "of use where more than the identifier is framed")
)]
pub(crate) struct Located<'h, 'p> {
    pub(crate) identifier: Identifier,
    pub(crate) place: Place<'h>,
    /// The payload without the identifier.
    pub(crate) rest: &'p [u8],
}

/// Where an identifier stood.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "protobuf"),
    allow(dead_code, reason = "of use where more than the identifier is framed")
)]
pub(crate) enum Place<'h> {
    /// In front of the body.
    Prefix,
    /// In the header, with these bytes behind it.
    Header(&'h [u8]),
    /// Nowhere: it is a setting.
    Settings,
}

impl At<'_> {
    #[cold]
    pub(crate) fn error(self, identifier: Option<Identifier>, cause: DeserializeCause) -> DeserializeError {
        DeserializeError { topic: self.topic.to_owned(), side: self.side, identifier, cause }
    }
}

impl ReaderSettings {
    /// The defaults of the official clients.
    pub(crate) fn new(client: RegistryClient) -> Self {
        Self {
            client,
            identification: Identification::Dual,
            use_schema_id: None,
            strategy: SubjectNameStrategy::TopicName,
            limits: Limits::default(),
        }
    }

    /// Finds the identifier (wire format spec §1.5) and the body: what follows it, or the whole payload if it stood in
    /// the header.
    pub(crate) fn identify<'p>(
        &self,
        header: Option<&[u8]>,
        payload: &'p [u8],
    ) -> Result<(Identifier, &'p [u8]), DeserializeCause> {
        let found = self.locate(header, payload)?;
        Ok((found.identifier, found.rest))
    }

    /// Finds the identifier, and tells where it stood.
    pub(crate) fn locate<'h, 'p>(
        &self,
        header: Option<&'h [u8]>,
        payload: &'p [u8],
    ) -> Result<Located<'h, 'p>, DeserializeCause> {
        if let Some(id) = self.use_schema_id {
            return Ok(Located { identifier: Identifier::Id(id), place: Place::Settings, rest: payload });
        }
        match (self.identification, header) {
            (Identification::Dual, Some(header)) => {
                // No way back to the prefix: the body may look framed by chance.
                let (identifier, behind) = framing::split(header)
                    .map_err(|source| DeserializeCause::Framing { source, in_header: true })?;
                Ok(Located { identifier, place: Place::Header(behind), rest: payload })
            }
            _ => {
                let (identifier, rest) = framing::split(payload)
                    .map_err(|source| DeserializeCause::Framing { source, in_header: false })?;
                Ok(Located { identifier, place: Place::Prefix, rest })
            }
        }
    }

    /// The subject of a topic, where the strategy does not need the schema.
    pub(crate) fn plain_subject(&self, at: At<'_>) -> Option<String> {
        self.strategy.subject(at.topic, at.side, None)
    }

    /// The writer schema (wire format spec §1.6).
    pub(crate) async fn writer<R: Ready>(
        &self,
        subject: Option<&str>,
        identifier: Identifier,
    ) -> Result<Loaded<R>, DeserializeCause> {
        let schema = match identifier {
            Identifier::Id(id) => self.client.schema_by_id(id, subject).await,
            Identifier::Guid(guid) => self.client.schema_by_guid(guid).await,
        };
        self.load(&*schema.map_err(DeserializeCause::Registry)?, subject).await
    }

    /// A schema of the registry, ready for work.
    pub(crate) async fn load<R: Ready>(
        &self,
        schema: &RegisteredSchema,
        subject: Option<&str>,
    ) -> Result<Loaded<R>, DeserializeCause> {
        let home = schema.subject.as_deref().or(subject);
        let RegisteredSchema { schema, schema_type, references, .. } = schema;
        Ok(Loaded::fetch(&self.client, *schema_type, schema, references, home, &self.limits).await?)
    }
}
