//! The validating walker: are these bytes exactly one datum of this schema? Answered without building values.
//!
//! A schema is compiled once into a flat [`Program`]; checking a datum is one pass over its bytes, with a small stack of
//! its own for blocks and recursive records, and no allocation once the [`Scratch`] is warm. It is safe on any byte:
//! lengths are checked against the bytes that remain, and [`Limits`] bounds depth and items (an array of nulls costs no
//! bytes).
//!
//! Source: Apache Avro 1.12.1 specification, "Binary Encoding".

mod program;
mod project;
mod walk;

#[cfg(test)]
pub(crate) mod generated;
#[cfg(test)]
mod tests;

use std::fmt;

use super::model::AvroSchema;
use crate::limits::Limits;
use program::Op;

pub use project::Projection;

/// A schema compiled for walking. Cheap to share between threads.
///
/// Two forms of one datum exist: the *plain* binary encoding of the Avro specification ([`check`](Self::check),
/// [`measure`](Self::measure)), and the *body* of a Kafka record as Confluent's serializers write it
/// ([`check_body`](Self::check_body)). They differ for a top-level `bytes` only.
///
/// Works on types alone: logical types, defaults and docs play no part, and a `fixed` or `bytes` may hold anything.
#[derive(Clone, Debug)]
pub struct Program {
    ops: Vec<Op>,
    /// Where the branches of unions begin.
    targets: Vec<usize>,
    root_is_bytes: bool,
}

/// Working memory of a walk, to be reused from one datum to the next. Holds nothing between calls but capacity, at most
/// [`Limits::depth`] entries of 16 bytes.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    frames: Vec<walk::Frame>,
}

/// Why bytes are not a datum of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong.
    pub kind: InvalidKind,
    /// Index of the first byte of the offending element, counted from the start of the datum.
    pub offset: usize,
}

/// What is wrong with an encoded datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidKind {
    /// The bytes end inside a value.
    Truncated,
    /// An `int` of more than 5 bytes, or a `long` of more than 10.
    VarintTooLong,
    /// A number whose last byte has bits beyond 32 (`int`) or 64 (`long`).
    VarintOutOfRange,
    /// A length below zero.
    NegativeLength,
    /// A string, bytes, a block or its items would go on after the end of the data.
    LengthPastEnd,
    /// A string or map key that is not UTF-8.
    NotUtf8,
    /// A boolean other than 0 and 1.
    Boolean,
    /// A branch number that the union does not have.
    UnionBranch,
    /// A symbol number that the enum does not have.
    EnumSymbol,
    /// A block that takes another number of bytes than it says, or says an impossible number of items.
    BlockSize,
    /// More array and map entries than [`Limits::items`].
    TooManyItems,
    /// Deeper than [`Limits::depth`].
    TooDeep,
    /// The datum is complete, but bytes follow.
    TrailingBytes,
}

impl fmt::Display for InvalidKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "data ends inside a value",
            Self::VarintTooLong => "number takes too many bytes",
            Self::VarintOutOfRange => "number is out of range",
            Self::NegativeLength => "length is negative",
            Self::LengthPastEnd => "length exceeds the data",
            Self::NotUtf8 => "string is not valid UTF-8",
            Self::Boolean => "boolean is neither 0 nor 1",
            Self::UnionBranch => "union has no such branch",
            Self::EnumSymbol => "enum has no such symbol",
            Self::BlockSize => "block size is wrong",
            Self::TooManyItems => "datum has too many items",
            Self::TooDeep => "datum is nested too deeply",
            Self::TrailingBytes => "bytes follow the datum",
        })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl std::error::Error for Invalid {}

impl Program {
    /// Compiles a schema. Takes time and memory in proportion to its types; recursive schemas are fine.
    pub fn compile(schema: &AvroSchema) -> Self {
        program::compile(schema)
    }

    /// Checks that `bytes` are exactly one plain Avro datum.
    ///
    /// Errors: [`Invalid`], with [`InvalidKind::TrailingBytes`] if the datum ends before the bytes do.
    pub fn check(&self, bytes: &[u8], limits: &Limits, scratch: &mut Scratch) -> Result<(), Invalid> {
        let length = self.measure(bytes, limits, scratch)?;
        if length == bytes.len() {
            Ok(())
        } else {
            Err(Invalid { kind: InvalidKind::TrailingBytes, offset: length })
        }
    }

    /// Checks the body of a Kafka record: what follows the framing.
    ///
    /// A top-level `bytes`, with or without a logical type, is the body itself, without a length; everything else is a
    /// plain datum. Source: wire format spec §3.1.
    ///
    /// Errors: as for [`check`](Self::check).
    pub fn check_body(&self, body: &[u8], limits: &Limits, scratch: &mut Scratch) -> Result<(), Invalid> {
        if self.root_is_bytes { Ok(()) } else { self.check(body, limits, scratch) }
    }

    /// Checks that `bytes` begin with one plain Avro datum, and returns how many bytes it takes.
    pub fn measure(&self, bytes: &[u8], limits: &Limits, scratch: &mut Scratch) -> Result<usize, Invalid> {
        walk::walk(&self.ops, &self.targets, bytes, limits, &mut scratch.frames)
    }
}
