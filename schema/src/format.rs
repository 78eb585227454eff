//! What every schema language can do, and the one type that stands for a parsed schema of any of them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

#[cfg(feature = "avro")]
use crate::avro::AvroSchema;
use crate::changes::Change;
use crate::compatibility::{Explained, Terms};
#[cfg(feature = "json")]
use crate::json::JsonSchema;
use crate::limits::Limits;
#[cfg(feature = "protobuf")]
use crate::protobuf::ProtobufSchema;
use crate::reference::ResolvedReferences;

/// What the reference says about schemas of two languages.
const DIFFERENT_TYPE: &str = "Incompatible because of different schema type";

/// A schema language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaType {
    /// Apache Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON Schema.
    Json,
}

/// The text names no schema language. Names are case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid schema type {0}")]
pub struct UnknownSchemaType(pub String);

impl SchemaType {
    /// Every schema language.
    pub const ALL: [Self; 3] = [Self::Avro, Self::Json, Self::Protobuf];

    /// `AVRO`, `PROTOBUF` or `JSON`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SchemaType {
    type Err = UnknownSchemaType;

    fn from_str(text: &str) -> Result<Self, UnknownSchemaType> {
        Self::ALL.into_iter().find(|t| t.as_str() == text).ok_or_else(|| UnknownSchemaType(text.to_owned()))
    }
}

/// How strictly a text is read (schema formats spec §0.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// A new registration: names, namespaces and defaults are checked.
    New,
    /// A stored, imported or looked-up schema: what older registries let in is accepted.
    Stored,
}

/// Why a text is not a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text breaks a rule of its language; the message says which and where.
    #[error("{0}")]
    Invalid(String),
    /// The text or its references exceed a bound of [`Limits`].
    #[error("schema exceeds the limit of {limit} {what}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// This build or release does not know the language.
    #[error("schemas of type {0} are not supported yet")]
    Unsupported(SchemaType),
}

/// A tag carrier inside a schema (registry API spec §3.1, `schemaTags`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTags {
    /// Path of the record or field, in the notation of schema formats spec §8.
    pub path: String,
    /// Whether the path names a field (`sr_field`) or a record (`sr_record`).
    pub is_field: bool,
    /// The inline tags, in order.
    pub tags: Vec<String>,
}

/// A schema of any language, parsed and ready to compare. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ParsedSchema(Language);

#[derive(Clone, Debug)]
enum Language {
    #[cfg(feature = "avro")]
    Avro(Arc<AvroSchema>),
    #[cfg(feature = "json")]
    Json(Arc<JsonSchema>),
    #[cfg(feature = "protobuf")]
    Protobuf(Arc<ProtobufSchema>),
}

/// Evaluates one expression for the schema of whichever language it is.
macro_rules! of_each {
    ($language:expr, $schema:ident => $answer:expr) => {
        match $language {
            #[cfg(feature = "avro")]
            Language::Avro($schema) => $answer,
            #[cfg(feature = "json")]
            Language::Json($schema) => $answer,
            #[cfg(feature = "protobuf")]
            Language::Protobuf($schema) => $answer,
        }
    };
}

/// Evaluates one expression for two schemas of one language, or another for schemas of different languages.
macro_rules! of_both {
    ($one:expr, $other:expr, ($left:ident, $right:ident) => $answer:expr, else $otherwise:expr) => {
        match (&$one.0, &$other.0) {
            #[cfg(feature = "avro")]
            (Language::Avro($left), Language::Avro($right)) => $answer,
            #[cfg(feature = "json")]
            (Language::Json($left), Language::Json($right)) => $answer,
            #[cfg(feature = "protobuf")]
            (Language::Protobuf($left), Language::Protobuf($right)) => $answer,
            #[allow(unreachable_patterns, reason = "a build may know one language only")]
            _ => $otherwise,
        }
    };
}

#[cfg(feature = "avro")]
impl From<AvroSchema> for ParsedSchema {
    fn from(schema: AvroSchema) -> Self {
        Self(Language::Avro(Arc::new(schema)))
    }
}

#[cfg(feature = "json")]
impl From<JsonSchema> for ParsedSchema {
    fn from(schema: JsonSchema) -> Self {
        Self(Language::Json(Arc::new(schema)))
    }
}

#[cfg(feature = "protobuf")]
impl From<ProtobufSchema> for ParsedSchema {
    fn from(schema: ProtobufSchema) -> Self {
        Self(Language::Protobuf(Arc::new(schema)))
    }
}

impl ParsedSchema {
    /// Parses `text` with the closure of its references.
    ///
    /// Errors: [`ParseError`].
    pub fn parse(
        schema_type: SchemaType,
        text: &str,
        references: &ResolvedReferences,
        strictness: Strictness,
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        match schema_type {
            #[cfg(feature = "avro")]
            SchemaType::Avro => crate::avro::parse(text, references, strictness, limits).map(Self::from),
            #[cfg(feature = "json")]
            SchemaType::Json => crate::json::parse(text, references, strictness, limits).map(Self::from),
            #[cfg(feature = "protobuf")]
            SchemaType::Protobuf => {
                crate::protobuf::parse(text, references, strictness, limits).map(Self::from)
            }
            #[allow(unreachable_patterns, reason = "a build may know fewer languages")]
            other => Err(ParseError::Unsupported(other)),
        }
    }

    /// The schema language.
    pub fn schema_type(&self) -> SchemaType {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(_) => SchemaType::Avro,
            #[cfg(feature = "json")]
            Language::Json(_) => SchemaType::Json,
            #[cfg(feature = "protobuf")]
            Language::Protobuf(_) => SchemaType::Protobuf,
        }
    }

    /// The Avro model, if this is an Avro schema.
    #[cfg(feature = "avro")]
    pub fn as_avro(&self) -> Option<&AvroSchema> {
        match &self.0 {
            Language::Avro(schema) => Some(schema),
            #[allow(unreachable_patterns, reason = "a build may know one language only")]
            _ => None,
        }
    }

    /// The JSON Schema model, if this is a JSON schema.
    #[cfg(feature = "json")]
    pub fn as_json(&self) -> Option<&JsonSchema> {
        match &self.0 {
            Language::Json(schema) => Some(schema),
            #[allow(unreachable_patterns, reason = "a build may know one language only")]
            _ => None,
        }
    }

    /// The Protobuf model, if this is a Protobuf schema.
    #[cfg(feature = "protobuf")]
    pub fn as_protobuf(&self) -> Option<&ProtobufSchema> {
        match &self.0 {
            Language::Protobuf(schema) => Some(schema),
            #[allow(unreachable_patterns, reason = "a build may know one language only")]
            _ => None,
        }
    }

    /// The text that is stored, hashed and returned.
    pub fn canonical(&self) -> &str {
        of_each!(&self.0, schema => schema.canonical())
    }

    /// The schema that `normalize=true` stores in place of this one (schema formats spec §1.6, §2.3, §3.3).
    ///
    /// Errors: [`ParseError::Invalid`] where the reference cannot normalize either.
    pub fn normalized(&self) -> Result<Self, ParseError> {
        of_each!(&self.0, schema => schema.normalized().map(Self::from))
    }

    /// The checks that the setting `validateFields` adds to those of parsing; Avro has none (schema formats spec §0.3).
    ///
    /// Errors: [`ParseError::Invalid`].
    pub fn check_fields(&self) -> Result<(), ParseError> {
        match &self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(_) => Ok(()),
            #[cfg(feature = "json")]
            Language::Json(schema) => schema.check_field_names(),
            #[cfg(feature = "protobuf")]
            Language::Protobuf(schema) => schema.validate(true),
        }
    }

    /// The text for a `format` query parameter: case-insensitive; an unknown value gives the canonical text.
    ///
    /// Errors: [`ParseError`] where a schema that is stored cannot be shown in that format: Protobuf descriptors of a
    /// file that breaks the rules of the language.
    pub fn formatted(&self, format: &str) -> Result<String, ParseError> {
        match &self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(schema) => Ok(schema.formatted(format)),
            #[cfg(feature = "json")]
            Language::Json(schema) => Ok(schema.formatted(format)),
            #[cfg(feature = "protobuf")]
            Language::Protobuf(schema) => schema.formatted(format),
        }
    }

    /// The name that record-name strategies use, if the schema has one (schema formats spec §9).
    pub fn record_name(&self) -> Option<String> {
        of_each!(&self.0, schema => schema.record_name())
    }

    /// Whether look-up takes the two for the same schema (schema formats spec §1.7, §2.7, §3.4), metadata and rules
    /// aside.
    pub fn equivalent(&self, other: &Self) -> bool {
        of_both!(self, other, (schema, other) => schema.equivalent(other), else false)
    }

    /// Names of the fields at the top level, for the reserved-field rules (schema formats spec §6.4).
    pub fn top_level_fields(&self) -> Vec<String> {
        of_each!(&self.0, schema => schema.top_level_fields())
    }

    /// Records and fields that carry inline tags, in document order (schema formats spec §8).
    pub fn inline_tags(&self) -> Vec<EntityTags> {
        of_each!(&self.0, schema => schema.inline_tags())
    }

    /// Adds inline tags, then removes some, and returns the text of the resulting schema, to be parsed as this one
    /// was.
    ///
    /// Errors: [`ParseError::Invalid`] if a path names nothing in the schema (schema formats spec §8, "Editing").
    pub fn with_tags(&self, add: &[EntityTags], remove: &[EntityTags]) -> Result<String, ParseError> {
        of_each!(&self.0, schema => schema.with_tags(add, remove))
    }

    /// What keeps this schema from reading data of `writer`, in the reference's words and order; none means
    /// compatible.
    pub fn incompatibilities(&self, writer: &Self, terms: Terms<'_>) -> Vec<String> {
        of_both!(self, writer, (reader, writer) => reader.incompatibilities(writer, terms), else vec![
            DIFFERENT_TYPE.to_owned()
        ])
    }

    /// [`incompatibilities`](Self::incompatibilities), each with a datum that shows it, or why there is none. Schemas
    /// of different languages have no differences to explain.
    pub fn explain(&self, writer: &Self, terms: Terms<'_>) -> Vec<Explained> {
        of_both!(self, writer, (reader, writer) => reader.explain(writer, terms), else Vec::new())
    }

    /// Everything that changed from `writer` to this schema, whether it matters or not; none if they are of different
    /// languages.
    pub fn changes(&self, writer: &Self, limits: &Limits) -> Option<Vec<Change>> {
        of_both!(self, writer, (reader, writer) => Some(reader.changes(writer, limits)), else None)
    }
}
