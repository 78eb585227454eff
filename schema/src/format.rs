//! What every schema language can do, and the one type that stands for a parsed schema of any of them.

use std::fmt;
use std::str::FromStr;

use crate::limits::Limits;
use crate::reference::ResolvedReferences;

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
    Avro(std::sync::Arc<crate::avro::AvroSchema>),
}

impl ParsedSchema {
    /// Parses `text` with the closure of its references.
    ///
    /// Errors: [`ParseError`].
    #[cfg_attr(not(feature = "avro"), expect(unused_variables, reason = "no language that reads them"))]
    pub fn parse(
        schema_type: SchemaType,
        text: &str,
        references: &ResolvedReferences,
        strictness: Strictness,
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        match schema_type {
            #[cfg(feature = "avro")]
            SchemaType::Avro => crate::avro::parse(text, references, strictness, limits)
                .map(|schema| Self(Language::Avro(std::sync::Arc::new(schema)))),
            other => Err(ParseError::Unsupported(other)),
        }
    }

    /// The schema language.
    pub fn schema_type(&self) -> SchemaType {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(_) => SchemaType::Avro,
        }
    }

    /// The Avro model, if this is an Avro schema.
    #[cfg(feature = "avro")]
    pub fn as_avro(&self) -> Option<&crate::avro::AvroSchema> {
        match self.0 {
            Language::Avro(ref schema) => Some(schema),
        }
    }

    /// The text that is stored, hashed and returned.
    pub fn canonical(&self) -> &str {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => schema.canonical(),
        }
    }

    /// The schema that `normalize=true` stores in place of this one (schema formats spec §1.6).
    ///
    /// Errors: [`ParseError::Invalid`] where the reference cannot normalize either.
    pub fn normalized(&self) -> Result<Self, ParseError> {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => {
                schema.normalized().map(|s| Self(Language::Avro(std::sync::Arc::new(s))))
            }
        }
    }

    /// The text for a `format` query parameter: case-insensitive; an unknown value gives the canonical text.
    #[cfg_attr(not(feature = "avro"), expect(unused_variables, reason = "no language that reads them"))]
    pub fn formatted(&self, format: &str) -> String {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => schema.formatted(format),
        }
    }

    /// The name that record-name strategies use, if the schema has one (schema formats spec §9).
    pub fn record_name(&self) -> Option<String> {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => schema.record_name(),
        }
    }

    /// Whether look-up takes the two for the same schema (schema formats spec §1.7), metadata and rules aside.
    #[cfg_attr(not(feature = "avro"), expect(unused_variables, reason = "no language that reads them"))]
    pub fn equivalent(&self, other: &Self) -> bool {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => other.as_avro().is_some_and(|other| schema.equivalent(other)),
        }
    }

    /// Names of the fields at the top level, for the reserved-field rules (schema formats spec §6.4).
    pub fn top_level_fields(&self) -> Vec<String> {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => schema.top_level_fields(),
        }
    }

    /// Records and fields that carry inline tags, in document order (schema formats spec §8).
    pub fn inline_tags(&self) -> Vec<EntityTags> {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => schema.inline_tags(),
        }
    }

    /// Adds inline tags, then removes some, and returns the text of the resulting schema, to be parsed as this one
    /// was.
    ///
    /// Errors: [`ParseError::Invalid`] if a path names nothing in the schema (schema formats spec §8, "Editing").
    #[cfg_attr(not(feature = "avro"), expect(unused_variables, reason = "no language that reads them"))]
    pub fn with_tags(&self, add: &[EntityTags], remove: &[EntityTags]) -> Result<String, ParseError> {
        match self.0 {
            #[cfg(feature = "avro")]
            Language::Avro(ref schema) => schema.with_tags(add, remove),
        }
    }
}
