//! The client side of Muster: a registry client, and serializers and deserializers that speak the Confluent wire
//! format, for Muster and for every registry with the same REST API.
//!
//! - [`client`] — an async registry client: pooled connections, retries, failover, bounded caches with one request
//!   in flight per key.
#![cfg_attr(feature = "avro", doc = "- [`avro`] — Avro for serde structs and for generic values.")]
#![cfg_attr(feature = "json", doc = "- [`json`] — JSON Schema for serde types and for generic values.")]
#![cfg_attr(
    feature = "protobuf",
    doc = "- [`protobuf`] — Protobuf for `prost` messages and for dynamic ones."
)]
#![cfg_attr(feature = "rdkafka", doc = "- [`kafka`] — glue to `rdkafka`.")]
//!
//! In every language a serializer, made by a builder, has `serialize(topic, side, &value).await`, which yields an
//! [`Encoded`] key or value; a deserializer has `deserialize(topic, side, header, payload).await`, which gives the value
//! back. The registry is asked the first time only.
//! Rules of the wire: wire format spec §1–§6.

#[cfg(feature = "avro")]
pub mod avro;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod choose;
pub mod client;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod deserializer;
pub mod error;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod format;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod identify;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "rdkafka")]
pub mod kafka;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod load;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod memo;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
pub mod naming;
#[cfg(feature = "protobuf")]
pub mod protobuf;
pub mod record;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod serializer;

pub use client::{ClientConfig, ClientError, NewSchema, RegistryClient};
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
pub use deserializer::{Deserializer, DeserializerBuilder};
pub use error::{
    Category, DeserializeCause, DeserializeError, InvalidSettings, SerializeError, SubjectError,
};
pub use muster_schema::framing::Identifier;
pub use muster_schema::{
    Guid, Limits, SchemaId, SchemaReference, SchemaType, Side, SubjectNameStrategy, Version,
};
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
pub use naming::{AssociatedName, SubjectNaming};
pub use record::{Encoded, Framing, Identification, SchemaHeader};
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
pub use serializer::{Encoder, Serializer, SerializerBuilder};
