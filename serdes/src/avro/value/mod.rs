//! Generic values: `apache_avro`'s [`Value`](apache_avro::types::Value) to and from Avro binary, by our own bounded codec.
//!
//! Logical types appear as the variants that `apache_avro` uses, except `big-decimal`, which stays bytes.

mod read;
mod write;

pub(super) use read::decode;
pub(super) use write::encode;
