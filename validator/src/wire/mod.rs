//! A bounded codec for the part of the Kafka protocol that must be read here, and no more.
//!
//! Frames come from strangers. A [`Reader`] checks every length and count against the bytes that remain before
//! anything is sliced or reserved, so that no number on the wire makes anything grow. Messages that are only passed on
//! are never read; those that are changed are changed in place of a slice, the rest is copied as it came.
//!
//! - [`Reader`], [`Writer`], [`WireError`]: primitives, in the old and the compact form.
//! - [`api`]: which APIs a gateway lets through, in which versions, and what it does with them.
//! - [`RequestHeader`]: the beginning of a request.
//! - [`api_versions`], [`addresses`], [`produce`], [`topics`], [`configs`]: what a gateway reads or rewrites.
//! - [`client`]: the requests a gateway sends of its own accord; [`batch`]: the record batches in them.
//! - [`ErrorCode`]: the codes it sends or acts on.
//!
//! Source: the message definitions of Apache Kafka 4.3.0 and broker validation spec §9, §10 and §14.

pub mod addresses;
pub mod api;
pub mod api_versions;
pub mod batch;
pub mod client;
pub mod configs;
mod error;
mod header;
pub mod produce;
mod reader;
pub mod topics;
mod writer;

pub use error::{ErrorCode, WireError};
pub use header::{RequestHeader, response_body};
pub use reader::Reader;
pub use writer::Writer;

/// The 16 bytes of a topic id.
pub type TopicId = [u8; 16];

/// The topic id that stands for "none".
pub const NO_TOPIC_ID: TopicId = [0; 16];
