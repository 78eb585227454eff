//! What one schema language brings to serializers and deserializers, which are otherwise the same.

use std::fmt::Debug;
use std::hash::Hash;

use muster_schema::{Limits, ParsedSchema, ResolvedReferences, SchemaType};
use serde::{Deserialize, Serialize};

use crate::client::NewSchema;
use crate::error::{DeserializeCause, SerializeError};
use crate::identify::Located;
use crate::load::Loaded;

/// A schema language. Cannot be implemented elsewhere.
pub trait Format: Sized + Send + Sync + 'static {
    /// The language.
    const SCHEMA_TYPE: SchemaType;

    /// Settings of serializers, besides those of all languages.
    type WriterOptions: Clone + Debug + Default + Send + Sync;
    /// Settings of deserializers, besides those of all languages.
    type ReaderOptions: Clone + Debug + Default + Send + Sync;
    /// A schema, ready for work.
    type Schema: Debug + Send + Sync;
    /// What tells apart the encoders for one side of a topic.
    type Kind: Copy + Debug + Eq + Hash + Send + Sync;
    /// How to write bodies of one kind.
    type Encoding: Debug + Send + Sync;
    /// How to read bodies of one writer schema.
    type Plan: Debug + Send + Sync;

    /// Makes a schema ready; the error says in words what is wrong with it. `schema` is of
    /// [`SCHEMA_TYPE`](Self::SCHEMA_TYPE).
    fn prepare(schema: &ParsedSchema, source: Source<'_>, limits: &Limits) -> Result<Self::Schema, String>;

    /// Whether a registry may keep `schema` in a form that is framed in another way.
    fn is_rewritten(_schema: &NewSchema, _normalize: bool) -> bool {
        false
    }

    /// How to read bodies of `writer`, as `reader` if there is one.
    fn plan(
        options: &Self::ReaderOptions,
        writer: Loaded<Self>,
        reader: Option<Loaded<Self>>,
        limits: &Limits,
    ) -> Result<Self::Plan, DeserializeCause>;

    /// The name of what a record holds, where that is more than the schema tells.
    fn held_name(
        _plan: &Self::Plan,
        _options: &Self::ReaderOptions,
        _located: &Located<'_, '_>,
    ) -> Result<Option<String>, DeserializeCause> {
        Ok(None)
    }
}

/// A language whose values can be of any type that `serde` knows.
pub trait SerdeFormat: Format<Kind = ()> {
    /// Values of any schema.
    type Value;

    /// How to write values of a schema; the error says in words what is wrong with it.
    fn encoding(
        options: &Self::WriterOptions,
        schema: Loaded<Self>,
        limits: &Limits,
    ) -> Result<Self::Encoding, String>;

    /// Appends the body that `value` makes to `out`.
    fn encode<T: Serialize + ?Sized>(
        encoding: &Self::Encoding,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused>;

    /// Reads a body.
    fn decode<'de, T: Deserialize<'de>>(
        plan: &Self::Plan,
        options: &Self::ReaderOptions,
        limits: &Limits,
        body: &'de [u8],
    ) -> Result<T, DeserializeCause>;

    /// Reads a body as a value of any schema.
    fn decode_value(
        plan: &Self::Plan,
        options: &Self::ReaderOptions,
        limits: &Limits,
        body: &[u8],
    ) -> Result<Self::Value, DeserializeCause>;
}

/// What a schema was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    pub(crate) text: &'s str,
    pub(crate) references: &'s ResolvedReferences,
}

/// Why a value was not written.
#[derive(Debug)]
pub enum Refused {
    /// It does not fit the schema; the words say where and why.
    Value(String),
    /// It fits, and is not valid.
    Invalid {
        /// JSON pointer to the part that is not.
        path: String,
        /// What is wrong there.
        reason: String,
    },
}

impl Refused {
    #[cold]
    pub(crate) fn under(self, subject: &str) -> SerializeError {
        let subject = subject.to_owned();
        match self {
            Self::Value(detail) => SerializeError::Value { subject, detail },
            Self::Invalid { path, reason } => SerializeError::Invalid { subject, path, reason },
        }
    }
}
