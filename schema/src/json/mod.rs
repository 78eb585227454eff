//! JSON Schema.

use crate::compatibility::{Explained, Terms};
use crate::format::{EntityTags, ParseError, SchemaType, Strictness};
use crate::limits::Limits;
use crate::reference::ResolvedReferences;

/// A parsed JSON Schema.
#[derive(Clone, Debug)]
pub enum JsonSchema {}

/// Parses text.
pub fn parse(
    _text: &str,
    _references: &ResolvedReferences,
    _strictness: Strictness,
    _limits: &Limits,
) -> Result<JsonSchema, ParseError> {
    Err(ParseError::Unsupported(SchemaType::Json))
}

impl JsonSchema {
    /// Canonical text.
    pub fn canonical(&self) -> &str {
        match *self {}
    }
    /// Normalized.
    pub fn normalized(&self) -> Result<Self, ParseError> {
        match *self {}
    }
    /// Text for `format`.
    pub fn formatted(&self, _format: &str) -> String {
        match *self {}
    }
    /// Record name.
    pub fn record_name(&self) -> Option<String> {
        match *self {}
    }
    /// Equality of look-up.
    pub fn equivalent(&self, _other: &Self) -> bool {
        match *self {}
    }
    /// Top-level fields.
    pub fn top_level_fields(&self) -> Vec<String> {
        match *self {}
    }
    /// Tags.
    pub fn inline_tags(&self) -> Vec<EntityTags> {
        match *self {}
    }
    /// With tags.
    pub fn with_tags(&self, _add: &[EntityTags], _remove: &[EntityTags]) -> Result<String, ParseError> {
        match *self {}
    }
    /// Messages of what keeps `self` from reading data of `writer`, in the reference's order.
    pub fn incompatibilities(&self, writer: &Self, _terms: Terms<'_>) -> Vec<String> {
        match *writer {}
    }
    /// Each message with its witness, or why there is none.
    pub fn explain(&self, writer: &Self, _terms: Terms<'_>) -> Vec<Explained> {
        match *writer {}
    }
    /// All changes from `writer` to `self`.
    pub fn changes(&self, writer: &Self, _limits: &Limits) -> Vec<crate::changes::Change> {
        match *writer {}
    }
}
