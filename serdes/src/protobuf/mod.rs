//! Protobuf serializer and deserializer, for `prost` messages and for dynamic ones (wire format spec §2, §3.2, §5, §6).
//!
//! What says which message a record holds are message indexes behind the schema's identifier; they follow from the full
//! name of the message and the schema it is written with. A message that knows its descriptor
//! ([`ReflectMessage`](prost_reflect::ReflectMessage), which `DynamicMessage` implements and `prost-reflect` derives) needs no
//! more; any other `prost` message is written under a name that the caller gives.
//!
//! The schema comes as text with its references ([`ProtobufSerializer::builder`]), or from a descriptor, whose imports are
//! then registered as references ([`ProtobufSerializer::builder_for`]).
//!
//! ```no_run
//! use muster_serdes::protobuf::{ProtobufDeserializer, ProtobufSerializer};
//! use muster_serdes::{ClientConfig, NewSchema, RegistryClient, Side};
//!
//! #[derive(Clone, PartialEq, prost::Message)]
//! struct Order {
//!     #[prost(int64, tag = "1")]
//!     id: i64,
//! }
//!
//! const ORDER: &str = "syntax = \"proto3\"; package shop; message Order { int64 id = 1; }";
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = RegistryClient::new(ClientConfig::new("http://127.0.0.1:8081"))?;
//! let serializer = ProtobufSerializer::builder(registry.clone(), NewSchema::protobuf(ORDER)).build()?;
//! // Registers the schema under `orders-value` the first time.
//! let encoded = serializer.serialize_as("orders", Side::Value, "shop.Order", &Order { id: 7 }).await?;
//!
//! let deserializer = ProtobufDeserializer::builder(registry).build()?;
//! let payload = encoded.payload();
//! let order: Option<Order> =
//!     deserializer.deserialize_as("orders", Side::Value, None, payload, "shop.Order").await?;
//! let dynamic = deserializer.deserialize_dynamic("orders", Side::Value, None, payload).await?;
//! # Ok(()) }
//! ```

mod format;
mod messages;
mod register;
mod serde;

pub use register::ReferenceSubjects;

use crate::{Deserializer, DeserializerBuilder, Encoder, Serializer, SerializerBuilder};

/// The language Protobuf.
#[derive(Clone, Copy, Debug)]
pub enum Protobuf {}

/// Writes messages of one Protobuf schema.
pub type ProtobufSerializer = Serializer<Protobuf>;
/// Settings of a [`ProtobufSerializer`].
pub type ProtobufSerializerBuilder = SerializerBuilder<Protobuf>;
/// Writes messages of one name for one side of the records of one topic.
pub type ProtobufEncoder = Encoder<Protobuf>;
/// Reads Protobuf keys and values.
pub type ProtobufDeserializer = Deserializer<Protobuf>;
/// Settings of a [`ProtobufDeserializer`].
pub type ProtobufDeserializerBuilder = DeserializerBuilder<Protobuf>;
