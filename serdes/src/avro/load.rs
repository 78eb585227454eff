//! From schema text to a compiled schema.

use std::sync::Arc;

use muster_schema::{Context, Limits, ParsedSchema, SchemaReference, SchemaType, Strictness, Subject};

use super::shape::{Shape, Type};
use crate::client::{ClientError, RegistryClient};

/// A schema that is ready for work.
#[derive(Debug)]
pub(super) struct Loaded {
    /// For questions about compatibility.
    pub(super) parsed: ParsedSchema,
    pub(super) shape: Arc<Shape>,
}

/// Why a schema is not ready.
#[derive(Debug)]
pub(super) enum LoadError {
    Registry(ClientError),
    SchemaType(SchemaType),
    Unusable(String),
}

impl Loaded {
    /// Reads Avro text, fetching what it refers to.
    ///
    /// Texts are parsed by `muster_schema`, whose parser is bounded: they come from whoever may register. `subject`:
    /// where the schema stands, if known; unqualified references are in its context.
    pub(super) async fn fetch(
        client: &RegistryClient,
        schema_type: SchemaType,
        text: &str,
        references: &[SchemaReference],
        subject: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        if schema_type != SchemaType::Avro {
            return Err(LoadError::SchemaType(schema_type));
        }
        let context = subject
            .map_or_else(Context::default_context, |subject| Subject::parse(subject).context().clone());
        let references =
            client.resolve_references(references, &context, limits).await.map_err(LoadError::Registry)?;
        let parsed = ParsedSchema::parse(SchemaType::Avro, text, &references, Strictness::Stored, limits)
            .map_err(|error| LoadError::Unusable(error.to_string()))?;
        let avro = parsed.as_avro().ok_or_else(|| LoadError::Unusable("not an Avro schema".to_owned()))?;
        let shape = Arc::new(Shape::compile(avro));
        Ok(Self { parsed, shape })
    }

    /// The full name, if this is a record: record-name strategies refuse everything else (wire format spec §15).
    pub(super) fn record_name(&self) -> Option<&str> {
        match self.shape.root_type() {
            Type::Record(record) => Some(record.name.full()),
            _ => None,
        }
    }
}
