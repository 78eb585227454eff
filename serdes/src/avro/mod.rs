//! Avro serializer and deserializer, for serde structs and for generic values (wire format spec §3.1, §5, §6).
//!
//! The codec is our own: it works on schemas as [`muster_schema`] reads them, resolves a reader schema against a writer
//! schema once per pair, and never trusts a length, so that no byte of a record can abort the process or make it
//! allocate without bound. `apache_avro` lends its [`Value`](apache_avro::types::Value) and its derive macro only.
//!
//! ```no_run
//! use muster_serdes::avro::{AvroDeserializer, AvroSerializer};
//! use muster_serdes::{ClientConfig, NewSchema, RegistryClient, Side};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     id: i64,
//!     note: Option<String>,
//! }
//!
//! const ORDER: &str = r#"{"type": "record", "name": "Order", "fields": [
//!     {"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": null}]}"#;
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = RegistryClient::new(ClientConfig::new("http://127.0.0.1:8081"))?;
//! let serializer = AvroSerializer::builder(registry.clone(), NewSchema::avro(ORDER)).build()?;
//! let order = Order { id: 7, note: None };
//! // Registers the schema under `orders-value` the first time.
//! let encoded = serializer.serialize("orders", Side::Value, &order).await?;
//!
//! let deserializer = AvroDeserializer::builder(registry).build()?;
//! let order: Option<Order> = deserializer.deserialize("orders", Side::Value, None, encoded.payload()).await?;
//! # Ok(()) }
//! ```
//!
//! # Types
//!
//! | Avro | Rust |
//! | --- | --- |
//! | record | struct with the same field names, in any order; fields with a default may be left out |
//! | union with null | `Option` |
//! | union | the value in it, which goes to the branch that fits best; or an enum with a variant per branch, named like the branch (`Dog` for `pets.Dog`, `string`) or else counted like it |
//! | enum | enum of unit variants, or a string |
//! | array, map | `Vec` and the like, `HashMap` and the like with keys that print as text |
//! | bytes, fixed | byte buffers (`serde_bytes`), sequences and arrays of `u8`, `apache_avro::Decimal`, `apache_avro::Duration`, UUIDs |
//! | int, long | integers that hold the value |
//! | float, double | `f32`, `f64`; an `f32` may be written as double |
//!
//! Strings and bytes can be borrowed from the payload (`&str` fields).

mod de;
mod default;
mod error;
mod format;
mod input;
mod output;
mod plan;
mod ser;
mod shape;
mod value;

use crate::{Deserializer, DeserializerBuilder, Encoder, Serializer, SerializerBuilder};

/// The language Avro.
#[derive(Clone, Copy, Debug)]
pub enum Avro {}

/// Writes values of one Avro schema.
pub type AvroSerializer = Serializer<Avro>;
/// Settings of an [`AvroSerializer`].
pub type AvroSerializerBuilder = SerializerBuilder<Avro>;
/// Writes values of one Avro schema for one side of the records of one topic.
pub type AvroEncoder = Encoder<Avro>;
/// Reads Avro keys and values.
pub type AvroDeserializer = Deserializer<Avro>;
/// Settings of an [`AvroDeserializer`].
pub type AvroDeserializerBuilder = DeserializerBuilder<Avro>;

/// Settings that only reading Avro has.
#[derive(Clone, Copy, Debug, Default)]
pub struct AvroReading {
    fail_on_trailing_data: bool,
}

#[cfg(test)]
mod tests;
