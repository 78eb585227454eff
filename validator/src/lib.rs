//! Accepts or refuses Kafka records by the schema they carry.
//!
//! [`engine`] decides about record batches and owns no socket, runtime or clock, so that anyone can embed it. The
//! feature `gateway` adds what stands in front of a Kafka cluster.
//!
//! Rules: broker validation spec §7, §11 and §23.
#![forbid(unsafe_code)]

pub mod engine;
pub mod wire;

#[cfg(feature = "gateway")]
pub mod gateway;
