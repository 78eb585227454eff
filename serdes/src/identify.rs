//! Which schema a record names, and where to get it (wire format spec §1.5, §1.6).

use muster_schema::framing::{self, Identifier};
use muster_schema::{Limits, Side};

use crate::client::{RegisteredSchema, RegistryClient};
use crate::error::{DeserializeCause, DeserializeError};
use crate::format::Format;
use crate::load::Loaded;
use crate::naming::SubjectNaming;
use crate::record::Identification;

/// Settings of a deserializer, as its builder collects them.
#[derive(Clone, Debug)]
pub(crate) struct ReaderSettings {
    pub(crate) client: RegistryClient,
    pub(crate) identification: Identification,
    pub(crate) use_schema: Option<Identifier>,
    pub(crate) naming: SubjectNaming,
    pub(crate) limits: Limits,
}

/// Where a record is from.
#[derive(Clone, Copy, Debug)]
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
pub struct Located<'h, 'p> {
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
            use_schema: None,
            naming: SubjectNaming::default(),
            limits: Limits::default(),
        }
    }

    /// Finds the identifier (wire format spec §1.5), and tells where it stood.
    pub(crate) fn locate<'h, 'p>(
        &self,
        header: Option<&'h [u8]>,
        payload: &'p [u8],
    ) -> Result<Located<'h, 'p>, DeserializeCause> {
        if let Some(identifier) = self.use_schema {
            return Ok(Located { identifier, place: Place::Settings, rest: payload });
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

    /// The subject of a topic, where that does not depend on the schema.
    pub(crate) async fn plain_subject(&self, at: At<'_>) -> Result<Option<String>, DeserializeCause> {
        if self.naming.uses_schema() {
            return Ok(None);
        }
        self.subject(at, None).await.map(Some)
    }

    /// The subject of a topic. `record_name`: of what the record holds, if it has a name.
    pub(crate) async fn subject(
        &self,
        at: At<'_>,
        record_name: Option<&str>,
    ) -> Result<String, DeserializeCause> {
        let subject = self.naming.subject(&self.client, at.topic, at.side, record_name).await;
        subject.map_err(DeserializeCause::NoSubject)
    }

    /// The writer schema (wire format spec §1.6).
    pub(crate) async fn writer<F: Format>(
        &self,
        subject: Option<&str>,
        identifier: Identifier,
    ) -> Result<Loaded<F>, DeserializeCause> {
        let schema = match identifier {
            Identifier::Id(id) => self.client.schema_by_id(id, subject).await,
            Identifier::Guid(guid) => self.client.schema_by_guid(guid).await,
        };
        self.load(&*schema.map_err(DeserializeCause::Registry)?, subject).await
    }

    /// A schema of the registry, ready for work.
    pub(crate) async fn load<F: Format>(
        &self,
        schema: &RegisteredSchema,
        subject: Option<&str>,
    ) -> Result<Loaded<F>, DeserializeCause> {
        let home = schema.subject.as_deref().or(subject);
        Ok(Loaded::fetch(&self.client, schema.into(), home, &self.limits).await?)
    }
}
