//! From schema text to a schema that is ready for work, in any language.

use muster_schema::{Context, Limits, ParsedSchema, SchemaReference, SchemaType, Strictness, Subject};

use crate::client::{ClientError, NewSchema, RegisteredSchema, RegistryClient};
use crate::error::{DeserializeCause, SerializeError};
use crate::format::{Format, Source};

/// A schema that is ready for work.
#[derive(Debug)]
pub struct Loaded<F: Format> {
    /// For questions about compatibility and names.
    pub(crate) parsed: ParsedSchema,
    pub(crate) ready: F::Schema,
}

/// A schema as it is sent to and fetched from registries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaText<'s> {
    schema_type: SchemaType,
    text: &'s str,
    references: &'s [SchemaReference],
}

/// Why a schema is not ready.
#[derive(Debug)]
pub(crate) enum LoadError {
    Registry(ClientError),
    SchemaType(SchemaType),
    Unusable(String),
}

impl<F: Format> Loaded<F> {
    /// Reads a text, fetching what it refers to.
    ///
    /// Texts are parsed by `muster_schema`, whose parsers are bounded: they come from whoever may register. `subject`:
    /// where the schema stands, if known; unqualified references are in its context.
    pub(crate) async fn fetch(
        client: &RegistryClient,
        schema: SchemaText<'_>,
        subject: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let SchemaText { schema_type, text, references } = schema;
        if schema_type != F::SCHEMA_TYPE {
            return Err(LoadError::SchemaType(schema_type));
        }
        let context = subject
            .map_or_else(Context::default_context, |subject| Subject::parse(subject).context().clone());
        let references =
            client.resolve_references(references, &context, limits).await.map_err(LoadError::Registry)?;
        let parsed = ParsedSchema::parse(schema_type, text, &references, Strictness::Stored, limits)
            .map_err(|error| LoadError::Unusable(error.to_string()))?;
        let source = Source { text, references: &references };
        let ready = F::prepare(&parsed, source, limits).map_err(LoadError::Unusable)?;
        Ok(Self { parsed, ready })
    }
}

impl<'s> From<&'s NewSchema> for SchemaText<'s> {
    fn from(schema: &'s NewSchema) -> Self {
        let NewSchema { schema: text, schema_type, references, .. } = schema;
        Self { schema_type: *schema_type, text, references }
    }
}

impl<'s> From<&'s RegisteredSchema> for SchemaText<'s> {
    fn from(schema: &'s RegisteredSchema) -> Self {
        let RegisteredSchema { schema: text, schema_type, references, .. } = schema;
        Self { schema_type: *schema_type, text, references }
    }
}

impl LoadError {
    /// As a writer says it.
    pub(crate) fn writing(self, subject: &str) -> SerializeError {
        let subject = subject.to_owned();
        match self {
            Self::Registry(ClientError::References { what, limit }) => SerializeError::Schema {
                subject,
                detail: format!("references exceed the limit of {limit} {what}"),
            },
            Self::Registry(source) => SerializeError::Registry { subject, source },
            Self::SchemaType(schema_type) => {
                SerializeError::Schema { subject, detail: format!("it is of type {schema_type}") }
            }
            Self::Unusable(detail) => SerializeError::Schema { subject, detail },
        }
    }
}

/// As a reader says it.
impl From<LoadError> for DeserializeCause {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Registry(ClientError::References { what, limit }) => {
                Self::Schema(format!("references exceed the limit of {limit} {what}"))
            }
            LoadError::Registry(error) => Self::Registry(error),
            LoadError::SchemaType(schema_type) => Self::SchemaType(schema_type),
            LoadError::Unusable(detail) => Self::Schema(detail),
        }
    }
}
