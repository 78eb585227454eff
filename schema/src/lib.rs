//! The pure core of Muster: schema languages, compatibility, identity, framing and subject names.
//!
//! No runtime, no sockets, no SQL and no clock: everything here is a function of its arguments, and safe on any
//! byte a stranger sends (see [`Limits`]).

#![forbid(unsafe_code)]

pub mod changes;
pub mod compatibility;
pub mod format;
pub mod framing;
pub mod identity;
pub mod ids;
pub mod jsontext;
pub mod limits;
pub mod metadata;
pub mod reference;
pub mod strategy;
pub mod subject;
#[cfg(any(feature = "avro", feature = "json", feature = "protobuf"))]
mod tags;

#[cfg(not(any(feature = "avro", feature = "json", feature = "protobuf")))]
compile_error!("muster-schema needs a schema language: the feature `avro`, `json` or `protobuf`");

#[cfg(feature = "avro")]
pub mod avro;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "protobuf")]
pub mod protobuf;

pub use compatibility::CompatibilityLevel;
pub use format::{ParseError, ParsedSchema, SchemaType, Strictness};
pub use ids::{Guid, SchemaId, Version};
pub use limits::Limits;
pub use metadata::{Metadata, Rule, RuleSet};
pub use reference::{ResolvedReferences, SchemaReference};
pub use strategy::{Side, SubjectNameStrategy};
pub use subject::{Context, Subject};
