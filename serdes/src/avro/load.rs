//! From schema text to a compiled schema.

use muster_schema::{Limits, ParsedSchema, SchemaType};

use super::shape::Shape;
use crate::load::{Ready, Source};

impl Ready for Shape {
    const SCHEMA_TYPE: SchemaType = SchemaType::Avro;

    fn prepare(schema: &ParsedSchema, _: Source<'_>, _: &Limits) -> Result<Self, String> {
        schema.as_avro().map(Self::compile).ok_or_else(|| "not an Avro schema".to_owned())
    }
}
