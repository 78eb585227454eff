//! The codec against hand-made bytes, against itself, and against `apache_avro` as an independent oracle.

mod hostile;
mod laws;
mod resolution;
mod structs;
mod values;

use apache_avro::types::Value;
use muster_schema::{Limits, ParsedSchema, ResolvedReferences, SchemaType, Strictness};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{CodecError, Fault};
use super::input::Input;
use super::plan::Plan;
use super::shape::Shape;
use super::{de, ser, value};

/// Compiles schema text.
fn shape(text: &str) -> Shape {
    let references = ResolvedReferences::default();
    let limits = Limits::default();
    let parsed =
        ParsedSchema::parse(SchemaType::Avro, text, &references, Strictness::Stored, &limits).unwrap();
    Shape::compile(parsed.as_avro().unwrap())
}

/// A record `R` with these fields, each `"name": type` or `"name": [type, default]` by the text of its members.
fn record(fields: &str) -> String {
    format!(r#"{{"type": "record", "name": "R", "fields": [{fields}]}}"#)
}

fn encode<T: Serialize + ?Sized>(schema: &str, value: &T) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    ser::encode(&shape(schema), value, &mut out).map(|()| out)
}

fn encode_value(schema: &str, value: &Value) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    value::encode(&shape(schema), value, &mut out).map(|()| out)
}

fn decode<T: DeserializeOwned>(schema: &str, bytes: &[u8]) -> Result<T, CodecError> {
    decode_by(&Plan::plain(&shape(schema)), bytes)
}

fn decode_by<T: DeserializeOwned>(plan: &Plan, bytes: &[u8]) -> Result<T, CodecError> {
    let mut input = input(bytes);
    let value = de::decode(plan, &mut input)?;
    assert_eq!(input.remaining(), 0, "the whole datum is read");
    Ok(value)
}

fn decode_value(schema: &str, bytes: &[u8]) -> Result<Value, CodecError> {
    decode_value_by(&Plan::plain(&shape(schema)), bytes)
}

fn decode_value_by(plan: &Plan, bytes: &[u8]) -> Result<Value, CodecError> {
    let mut input = input(bytes);
    let value = value::decode(plan, &mut input)?;
    assert_eq!(input.remaining(), 0, "the whole datum is read");
    Ok(value)
}

fn input(bytes: &[u8]) -> Input<'_> {
    let limits = Limits::default();
    Input::new(bytes, limits.depth, limits.items)
}

fn resolved(writer: &str, reader: &str) -> Plan {
    Plan::resolved(&shape(writer), &shape(reader))
}

/// `apache_avro` as the oracle for bytes of a serde value.
fn oracle_bytes<T: Serialize>(schema: &str, value: &T) -> Vec<u8> {
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().unwrap();
    writer.write_ser_to_vec(value).unwrap()
}

/// `apache_avro` as the oracle for bytes of a generic value.
fn oracle_value_bytes(schema: &str, value: &Value) -> Vec<u8> {
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().unwrap();
    writer.write_value_to_vec(value.clone()).unwrap()
}

/// `apache_avro` as the oracle for the value in good bytes.
fn oracle_value(schema: &str, mut bytes: &[u8]) -> Value {
    let schema = apache_avro::Schema::parse_str(schema).unwrap();
    let reader = apache_avro::reader::datum::GenericDatumReader::builder(&schema).build().unwrap();
    reader.read_value(&mut bytes).unwrap()
}
