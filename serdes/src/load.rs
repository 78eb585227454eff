//! From schema text to a schema that is ready for work, in any language.

use std::sync::Arc;

use muster_schema::{
    Context, Limits, ParsedSchema, ResolvedReferences, SchemaReference, SchemaType, Strictness, Subject,
};

use crate::client::{ClientError, RegistryClient};
use crate::error::{DeserializeCause, SerializeError};

/// What a serde makes of a schema once, to work with for every record.
pub(crate) trait Ready: Sized {
    /// The language.
    const SCHEMA_TYPE: SchemaType;

    /// Makes it; the error says in words what is wrong with the schema. `schema` is of [`SCHEMA_TYPE`](Self::SCHEMA_TYPE).
    fn prepare(schema: &ParsedSchema, source: Source<'_>, limits: &Limits) -> Result<Self, String>;
}

/// What a schema was parsed from.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "protobuf"), allow(dead_code, reason = "most languages need it no more"))]
pub(crate) struct Source<'s> {
    pub(crate) text: &'s str,
    pub(crate) references: &'s ResolvedReferences,
}

/// A schema that is ready for work.
#[derive(Debug)]
pub(crate) struct Loaded<R> {
    /// For questions about compatibility and names.
    pub(crate) parsed: ParsedSchema,
    pub(crate) ready: Arc<R>,
}

/// Why a schema is not ready.
#[derive(Debug)]
pub(crate) enum LoadError {
    Registry(ClientError),
    SchemaType(SchemaType),
    Unusable(String),
}

impl<R: Ready> Loaded<R> {
    /// Reads a text, fetching what it refers to.
    ///
    /// Texts are parsed by `muster_schema`, whose parsers are bounded: they come from whoever may register. `subject`:
    /// where the schema stands, if known; unqualified references are in its context.
    pub(crate) async fn fetch(
        client: &RegistryClient,
        schema_type: SchemaType,
        text: &str,
        references: &[SchemaReference],
        subject: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        if schema_type != R::SCHEMA_TYPE {
            return Err(LoadError::SchemaType(schema_type));
        }
        let context = subject
            .map_or_else(Context::default_context, |subject| Subject::parse(subject).context().clone());
        let references =
            client.resolve_references(references, &context, limits).await.map_err(LoadError::Registry)?;
        let parsed = ParsedSchema::parse(R::SCHEMA_TYPE, text, &references, Strictness::Stored, limits)
            .map_err(|error| LoadError::Unusable(error.to_string()))?;
        let source = Source { text, references: &references };
        let ready = Arc::new(R::prepare(&parsed, source, limits).map_err(LoadError::Unusable)?);
        Ok(Self { parsed, ready })
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
