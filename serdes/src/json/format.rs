//! What JSON Schema brings to serializers and deserializers.

use muster_schema::json::validate::{InvalidKind, Validator};
use muster_schema::{Limits, ParsedSchema, SchemaType};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;

use super::{Json, Validation};
use crate::error::DeserializeCause;
use crate::format::{Format, Refused, SerdeFormat, Source};
use crate::load::Loaded;

/// What bodies are held against, if anything.
#[derive(Debug)]
pub struct Checked {
    validator: Option<Validator>,
    limits: Limits,
}

impl Format for Json {
    const SCHEMA_TYPE: SchemaType = SchemaType::Json;

    type WriterOptions = Validation;
    type ReaderOptions = Validation;
    /// A JSON Schema needs no work until something is validated against it.
    type Schema = ();
    type Kind = ();
    type Encoding = Checked;
    type Plan = Checked;

    fn prepare(_: &ParsedSchema, _: Source<'_>, _: &Limits) -> Result<(), String> {
        Ok(())
    }

    fn plan(
        validation: &Validation,
        writer: Loaded<Self>,
        reader: Option<Loaded<Self>>,
        limits: &Limits,
    ) -> Result<Checked, DeserializeCause> {
        Self::encoding(validation, reader.unwrap_or(writer), limits).map_err(DeserializeCause::Schema)
    }
}

impl SerdeFormat for Json {
    type Value = Value;

    fn encoding(validation: &Validation, schema: Loaded<Self>, limits: &Limits) -> Result<Checked, String> {
        Ok(Checked { validator: validation.compile(&schema.parsed, limits)?, limits: *limits })
    }

    fn encode<T: Serialize + ?Sized>(checked: &Checked, value: &T, out: &mut Vec<u8>) -> Result<(), Refused> {
        let start = out.len();
        serde_json::to_writer(&mut *out, value).map_err(|error| Refused::Value(error.to_string()))?;
        if let Some(validator) = &checked.validator {
            // What is sent is what is checked: types may write themselves in ways of their own.
            let body = out.get(start..).unwrap_or_default();
            validator
                .check(body, &checked.limits)
                .map_err(|invalid| Refused::Invalid { path: invalid.path, reason: invalid.reason })?;
        }
        Ok(())
    }

    fn decode<'de, T: Deserialize<'de>>(
        checked: &Checked,
        _: &Validation,
        limits: &Limits,
        body: &'de [u8],
    ) -> Result<T, DeserializeCause> {
        if let Some(validator) = &checked.validator
            && let Err(invalid) = validator.check(body, limits)
        {
            return Err(match invalid.kind {
                InvalidKind::Schema | InvalidKind::TooExpensive | InvalidKind::DuplicateKey => {
                    DeserializeCause::Invalid { path: invalid.path, reason: invalid.reason }
                }
                _ => DeserializeCause::Body { offset: 0, detail: invalid.reason },
            });
        }
        serde_json::from_slice(body).map_err(|error| {
            let offset = offset(body, error.line(), error.column());
            match error.classify() {
                Category::Data => DeserializeCause::Value { offset, detail: error.to_string() },
                _ => DeserializeCause::Body { offset, detail: error.to_string() },
            }
        })
    }

    fn decode_value(
        checked: &Checked,
        validation: &Validation,
        limits: &Limits,
        body: &[u8],
    ) -> Result<Value, DeserializeCause> {
        Self::decode(checked, validation, limits, body)
    }
}

/// The byte at a line and column, both from 1.
fn offset(body: &[u8], line: usize, column: usize) -> usize {
    let before = body.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    before.map(<[u8]>::len).sum::<usize>() + column.saturating_sub(1)
}
