//! What is sent to and received from a registry (registry API spec §3).

use std::fmt;
use std::str::FromStr;

use muster_schema::{Context, Guid, Metadata, RuleSet, SchemaId, SchemaReference, SchemaType, Version};
use serde::{Deserialize, Serialize};

use super::error::ClientError;

/// A schema to register, look up or test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchema {
    /// The text.
    pub schema: String,
    /// Its language.
    pub schema_type: SchemaType,
    /// What the text refers to, in order.
    pub references: Vec<SchemaReference>,
    /// Tags and properties of the data contract.
    pub metadata: Option<Metadata>,
    /// Rules of the data contract.
    pub rule_set: Option<RuleSet>,
}

impl NewSchema {
    /// A schema without references, metadata and rules.
    pub fn new(schema_type: SchemaType, schema: impl Into<String>) -> Self {
        Self { schema: schema.into(), schema_type, references: Vec::new(), metadata: None, rule_set: None }
    }

    /// An Avro schema without references, metadata and rules.
    pub fn avro(schema: impl Into<String>) -> Self {
        Self::new(SchemaType::Avro, schema)
    }

    /// A JSON Schema without references, metadata and rules.
    pub fn json(schema: impl Into<String>) -> Self {
        Self::new(SchemaType::Json, schema)
    }

    /// A Protobuf schema without references, metadata and rules: `.proto` text, or the base64 of a
    /// `FileDescriptorProto`.
    pub fn protobuf(schema: impl Into<String>) -> Self {
        Self::new(SchemaType::Protobuf, schema)
    }
}

/// The answer to a registration or look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// The id to frame records with.
    pub id: SchemaId,
    /// The version in the subject, where the registry tells.
    #[serde(default)]
    pub version: Option<Version>,
    /// The content hash, where the registry tells (older ones do not).
    #[serde(default)]
    pub guid: Option<Guid>,
}

/// A schema as a registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// The text.
    pub schema: String,
    /// Its language.
    pub schema_type: SchemaType,
    /// What the text refers to; unqualified subjects are in the schema's own context.
    pub references: Vec<SchemaReference>,
    /// Tags and properties of the data contract.
    pub metadata: Option<Metadata>,
    /// Rules of the data contract.
    pub rule_set: Option<RuleSet>,
    /// The id; `None` when asked for by guid.
    pub id: Option<SchemaId>,
    /// The content hash, where the registry tells.
    pub guid: Option<Guid>,
    /// A subject that uses it; `None` when asked for by guid, or where the registry does not tell.
    pub subject: Option<String>,
    /// The version in that subject.
    pub version: Option<Version>,
    /// Whether that version is soft-deleted; false where the registry does not tell.
    pub deleted: bool,
}

impl RegisteredSchema {
    /// Roughly what it occupies in memory.
    pub(super) fn size_bytes(self: &std::sync::Arc<Self>) -> usize {
        let references: usize = self.references.iter().map(|r| r.name.len() + r.subject.len() + 64).sum();
        self.schema.len() + references + self.subject.as_deref().map_or(0, str::len)
    }
}

/// One use of a schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct SubjectVersion {
    /// The subject, qualified unless in the default context.
    pub subject: String,
    /// The version in it.
    pub version: Version,
}

/// Which version of a subject is meant. Written `latest` or as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VersionRef {
    /// The highest version that is not deleted.
    Latest,
    /// Exactly this one.
    Number(Version),
}

/// The text is neither `latest` nor a version number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version: use a number from 1, or latest")]
pub struct InvalidVersionRef(pub String);

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for VersionRef {
    type Err = InvalidVersionRef;

    /// Reads `latest` (in any case) or a number from 1.
    fn from_str(text: &str) -> Result<Self, InvalidVersionRef> {
        if text.eq_ignore_ascii_case("latest") {
            return Ok(Self::Latest);
        }
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self::Number(Version(number))),
            _ => Err(InvalidVersionRef(text.to_owned())),
        }
    }
}

/// The answer to a compatibility test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Compatibility {
    /// Whether the schema may be registered as far as compatibility goes.
    pub is_compatible: bool,
    /// What is incompatible; filled only when asked to be verbose.
    #[serde(default)]
    pub messages: Vec<String>,
    /// Data that show what is incompatible; filled only when asked to explain, by a Muster registry.
    #[serde(default)]
    pub witnesses: Vec<Witness>,
}

/// A datum that one of two schemas writes and the other cannot read, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Which of [`Compatibility::messages`] it explains.
    pub message: String,
    /// The earlier version that is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Which side reads: `new`, the schema that is tested, or `old`, the earlier version. The other side writes.
    pub reader: String,
    /// The datum as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datum: Option<String>,
    /// The datum encoded with the writer's schema, without framing, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<String>,
    /// JSON pointer (RFC 6901) into the datum to what cannot be read; empty for the datum itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why there is no datum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_witness: Option<String>,
}

/// Body of a registration, look-up or compatibility test (registry API spec §3.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisterRequest<'a> {
    schema: &'a str,
    /// Left out for Avro, the default, which registries of the first generation insist on.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_type: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
}

impl<'a> RegisterRequest<'a> {
    pub(super) fn of(schema: &'a NewSchema) -> Self {
        Self {
            schema: &schema.schema,
            schema_type: (schema.schema_type != SchemaType::Avro).then(|| schema.schema_type.as_str()),
            references: &schema.references,
            metadata: schema.metadata.as_ref(),
            rule_set: schema.rule_set.as_ref(),
        }
    }

    pub(super) fn to_json(&self) -> Result<String, ClientError> {
        serde_json::to_string(self)
            .map_err(|error| ClientError::Config { setting: "schema", detail: error.to_string() })
    }
}

/// A schema in an answer; the members that one endpoint or another leaves out are optional (registry API spec §3.3).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SchemaAnswer {
    schema: String,
    #[serde(default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<SchemaReference>>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    rule_set: Option<RuleSet>,
    #[serde(default)]
    id: Option<SchemaId>,
    #[serde(default)]
    guid: Option<Guid>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    version: Option<Version>,
    #[serde(default)]
    deleted: Option<bool>,
}

impl SchemaAnswer {
    pub(super) fn into_schema(self) -> Result<RegisteredSchema, ClientError> {
        let schema_type = match self.schema_type.as_deref() {
            None | Some("") => SchemaType::Avro,
            Some(name) => name.parse().map_err(|_| ClientError::Decode {
                request: "GET schema".to_owned(),
                detail: format!("unknown schema type {name:?}"),
            })?,
        };
        Ok(RegisteredSchema {
            schema: self.schema,
            schema_type,
            references: self.references.unwrap_or_default(),
            metadata: self.metadata,
            rule_set: self.rule_set,
            id: self.id,
            guid: self.guid,
            subject: self.subject,
            version: self.version,
            deleted: self.deleted.unwrap_or_default(),
        })
    }
}

/// The one member of a schema answer that changes from day to day.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MaxIdAnswer {
    #[serde(default)]
    pub(super) max_id: Option<i32>,
}

/// One entry of `GET /associations/resources/{namespace}/{name}`.
#[derive(Deserialize)]
pub(super) struct AssociationAnswer {
    pub(super) subject: String,
}

/// One entry of `GET /schemas/guids/{guid}/ids`.
#[derive(Deserialize)]
pub(super) struct ContextIdAnswer {
    context: String,
    id: SchemaId,
}

impl ContextIdAnswer {
    pub(super) fn into_pair(self) -> Result<(Context, SchemaId), ClientError> {
        let context = Context::parse(&self.context).map_err(|error| ClientError::Decode {
            request: "GET ids of a guid".to_owned(),
            detail: error.to_string(),
        })?;
        Ok((context, self.id))
    }
}
