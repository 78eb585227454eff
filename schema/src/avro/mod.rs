//! Apache Avro schemas (schema formats spec §1), read and printed as Avro Java 1.12 does.
//!
//! A text becomes an [`AvroSchema`], an arena of types that loses nothing the text said. `parse` reads JSON into it,
//! `references` resolves names and joins the texts of a closure, `defaults` checks defaults; `print` and `normalize`
//! turn it into text again; `equivalence`, [`diff`] and [`validate`] compare it with another schema or with data;
//! [`witness`] proves what [`diff`] finds, and [`changes`] tells all that changed, found or not. None of them recurses,
//! and each counts its work.

mod attributes;
pub mod changes;
mod defaults;
pub mod diff;
mod equivalence;
mod letters;
mod logical;
pub mod model;
mod names;
mod normalize;
mod parse;
mod print;
mod references;
mod tags;
pub mod validate;
pub mod witness;

use crate::changes::Change;
use crate::compatibility::{Explained, Terms};
use crate::format::{EntityTags, ParseError, Strictness};
use crate::limits::Limits;
use crate::reference::ResolvedReferences;

pub use model::AvroSchema;
use model::Kind;

/// Parses Avro schema text.
///
/// `references` are parsed first, in order, into the same table of names. `strictness` decides whether names,
/// namespaces, aliases and defaults are checked as in a new registration.
/// Errors: [`ParseError::Invalid`] with the reason in the reference's words where it has any;
/// [`ParseError::TooLarge`] past a bound of `limits`, which also holds for the canonical text.
/// Source: schema formats spec §1.1–1.4, §5.2.
///
/// ```
/// use muster_schema::{Limits, ResolvedReferences, Strictness, avro};
///
/// let text = r#"{"type": "record", "name": "x.User", "fields": [{"name": "id", "type": {"type": "long"}}]}"#;
/// let schema = avro::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())?;
/// let canonical = r#"{"type":"record","name":"User","namespace":"x","fields":[{"name":"id","type":"long"}]}"#;
/// assert_eq!(schema.canonical(), canonical);
/// # Ok::<(), muster_schema::ParseError>(())
/// ```
pub fn parse(
    text: &str,
    references: &ResolvedReferences,
    strictness: Strictness,
    limits: &Limits,
) -> Result<AvroSchema, ParseError> {
    references::parse(text, references, strictness, limits, limits.schema_bytes)
}

impl AvroSchema {
    /// The text that is stored, hashed and returned. The top-level schemas of the references appear in it by name.
    ///
    /// Source: schema formats spec §1.5.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The schema that `normalize=true` stores in place of this one.
    ///
    /// Errors: [`ParseError::Invalid`] where the reference cannot normalize either, such as an integer property of
    /// more than 64 bits. Source: schema formats spec §1.6.
    pub fn normalized(&self) -> Result<Self, ParseError> {
        normalize::normalize(self)
    }

    /// The text for a `format` query parameter: `resolved`, in any case, writes the referenced types out; everything
    /// else gives the canonical text, as does a schema that would be huge.
    ///
    /// Source: schema formats spec §7.
    pub fn formatted(&self, format: &str) -> String {
        const CLOSURE_TEXTS: usize = 32;
        let max_bytes = self.source.limits.schema_bytes.saturating_mul(CLOSURE_TEXTS);
        let resolved = match format.to_ascii_lowercase().as_str() {
            "resolved" => print::print(&self.nodes, self.root, std::iter::empty(), max_bytes),
            _ => None,
        };
        resolved.map_or_else(|| self.canonical.clone(), |printed| printed.text)
    }

    /// The full name, if this is a record. Source: schema formats spec §9.
    pub fn record_name(&self) -> Option<String> {
        match &self.node(self.root).kind {
            Kind::Record(record) => Some(record.named.name.to_string()),
            _ => None,
        }
    }

    /// Whether look-up takes the two for the same schema; it does not matter what is inlined and what is referenced.
    ///
    /// Source: schema formats spec §1.7, metadata and rule sets aside.
    pub fn equivalent(&self, other: &Self) -> bool {
        equivalence::equivalent((&self.nodes, self.root), (&other.nodes, other.root))
    }

    /// Names of the fields, if this is a record. Source: schema formats spec §6.4.
    pub fn top_level_fields(&self) -> Vec<String> {
        match &self.node(self.root).kind {
            Kind::Record(record) => record.fields.iter().map(|field| field.name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// Records and fields that carry inline tags, in document order. Source: schema formats spec §8.
    pub fn inline_tags(&self) -> Vec<EntityTags> {
        tags::inline_tags(self)
    }

    /// Adds inline tags, then removes some, and returns the canonical text of the result.
    ///
    /// Errors: [`ParseError::Invalid`] if a path names no record or field of the canonical text.
    /// Source: schema formats spec §8, "Editing".
    pub fn with_tags(&self, add: &[EntityTags], remove: &[EntityTags]) -> Result<String, ParseError> {
        tags::with_tags(self, add, remove)
    }

    /// What keeps this schema from reading data of `writer`, in the reference's words; none means compatible.
    pub fn incompatibilities(&self, writer: &Self, terms: Terms<'_>) -> Vec<String> {
        diff::diff(self, writer, terms.limits)
            .iter()
            .map(|found| found.text(terms.labels.0, terms.labels.1))
            .collect()
    }

    /// [`incompatibilities`](Self::incompatibilities), each with its witness.
    pub fn explain(&self, writer: &Self, terms: Terms<'_>) -> Vec<Explained> {
        let explained = witness::explain(self, writer, terms.limits).into_iter();
        explained
            .map(|witness::Explained { difference, witness }| Explained {
                message: difference.text(terms.labels.0, terms.labels.1),
                witness: witness.map_err(|reason| reason.to_string()),
            })
            .collect()
    }

    /// Everything that changed from `writer` to this schema, whether it matters or not.
    pub fn changes(&self, writer: &Self, limits: &Limits) -> Vec<Change> {
        changes::changes(writer, self, limits)
    }
}
