//! JSON Schema, drafts 4 to 2020-12 (schema formats spec §3), read and compared as the reference does.
//!
//! `text` reads and writes JSON; `library` finds what references lead to, among the text, its references and the built-in
//! meta-schemas, and nowhere else; `load` turns it all into the typed nodes of [`model`]; [`diff`] compares them and
//! [`changes`] tells it in neutral words; `tags` finds and edits inline tags. None of them recurses, and each counts its
//! work.

pub mod changes;
mod decimal;
pub mod diff;
mod library;
mod load;
mod metaschemas;
pub mod model;
mod order;
mod pattern;
mod tags;
mod text;
mod uri;
pub mod validate;
pub mod witness;

use std::sync::Arc;

use crate::changes::Change;
use crate::compatibility::{CompatibilityPolicy, Explained, Terms};
use crate::format::{EntityTags, ParseError, Strictness};
use crate::jsontext::Json;
use crate::limits::Limits;
use crate::reference::ResolvedReferences;

use model::Model;

/// A parsed JSON Schema. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JsonSchema {
    canonical: String,
    json: Arc<Json>,
    references: Arc<ResolvedReferences>,
    model: Arc<Result<Model, ParseError>>,
    strictness: Strictness,
    limits: Limits,
}

/// Parses JSON Schema text; what follows the first JSON value is ignored, as in the reference.
///
/// With [`Strictness::New`] the text must load: known types, keywords of the right kind, references that lead somewhere
/// among `references`, the text itself and the built-in meta-schemas. With [`Strictness::Stored`] any JSON will do, as in
/// mode IMPORT; [`JsonSchema::model`] then tells whether it loads.
/// Errors: [`ParseError::Invalid`]; [`ParseError::TooLarge`] past a bound of `limits`, which also holds for the canonical
/// text.
/// Source: schema formats spec §3.1, §5.4.
///
/// ```
/// use muster_schema::{Limits, ResolvedReferences, Strictness, json};
///
/// let text = r#"{ "title": "User", "type": "object", "properties": { "id": { "minimum": 1e3 } } }"#;
/// let schema = json::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())?;
/// let canonical = r#"{"title":"User","type":"object","properties":{"id":{"minimum":1E+3}}}"#;
/// assert_eq!(schema.canonical(), canonical);
/// assert_eq!(schema.record_name().as_deref(), Some("User"));
/// # Ok::<(), muster_schema::ParseError>(())
/// ```
pub fn parse(
    text: &str,
    references: &ResolvedReferences,
    strictness: Strictness,
    limits: &Limits,
) -> Result<JsonSchema, ParseError> {
    if references.texts.len() > limits.references {
        return Err(ParseError::TooLarge { what: "references", limit: limits.references });
    }
    let json = text::read(text, limits)?;
    let canonical = text::canonical(&json);
    if canonical.len() > limits.schema_bytes {
        return Err(ParseError::TooLarge { what: "bytes", limit: limits.schema_bytes });
    }
    let model = referenced(references, limits).and_then(|texts| load::load(&json, &texts, limits));
    match model {
        Err(error) if strictness == Strictness::New => Err(error),
        model => Ok(JsonSchema {
            canonical,
            json: Arc::new(json),
            references: Arc::new(references.clone()),
            model: Arc::new(model),
            strictness,
            limits: *limits,
        }),
    }
}

fn referenced(references: &ResolvedReferences, limits: &Limits) -> Result<Vec<(String, Json)>, ParseError> {
    let texts = references.texts.iter();
    texts.map(|(name, text)| Ok((name.clone(), text::read(text, limits)?))).collect()
}

impl JsonSchema {
    /// The text that is stored, hashed and returned. Source: schema formats spec §3.2.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The schema that `normalize=true` stores in place of this one: members sorted. Source: schema formats spec §3.3.
    pub fn normalized(&self) -> Result<Self, ParseError> {
        parse(&text::normalized(&self.json), &self.references, self.strictness, &self.limits)
    }

    /// The text for a `format` query parameter, which is always the canonical one.
    pub fn formatted(&self, _format: &str) -> String {
        self.canonical.clone()
    }

    /// The title. Source: schema formats spec §9.
    pub fn record_name(&self) -> Option<String> {
        match self.json.get("title")? {
            Json::String(title) | Json::Number(title) => Some(title.clone()),
            Json::Bool(title) => Some(title.to_string()),
            _ => None,
        }
    }

    /// Whether look-up takes the two for the same schema. Source: schema formats spec §3.4.
    pub fn equivalent(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }

    /// Names of the properties of the whole. Source: schema formats spec §6.4.
    pub fn top_level_fields(&self) -> Vec<String> {
        match self.json.get("properties") {
            Some(Json::Object(members)) => members.iter().map(|(name, _)| name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// Refuses property names that `validateFields` reserves: those at the top level that begin with `$$`.
    ///
    /// Source: schema formats spec §0.3.
    pub fn check_field_names(&self) -> Result<(), ParseError> {
        if self.top_level_fields().iter().any(|name| name.starts_with("$$")) {
            return Err(invalid("Field names cannot start with $$ prefix"));
        }
        Ok(())
    }

    /// The typed nodes, or why there are none (only with [`Strictness::Stored`]).
    pub fn model(&self) -> Result<&Model, &ParseError> {
        (*self.model).as_ref()
    }

    /// The text as JSON, numbers in canonical form.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The closure that the text was read with.
    pub fn references(&self) -> &ResolvedReferences {
        &self.references
    }

    /// The dialect of the text, which is known even if the text does not load.
    fn dialect(&self) -> model::Dialect {
        load::dialect(&self.json).unwrap_or(model::Dialect::Draft7)
    }

    /// Objects and properties that carry inline tags, in document order. Source: schema formats spec §8.
    pub fn inline_tags(&self) -> Vec<EntityTags> {
        tags::inline_tags(self)
    }

    /// Adds inline tags, then removes some, and returns the canonical text of the result.
    ///
    /// Errors: [`ParseError::Invalid`] if a path names nothing in the text.
    /// Source: schema formats spec §8, "Editing".
    pub fn with_tags(&self, add: &[EntityTags], remove: &[EntityTags]) -> Result<String, ParseError> {
        tags::with_tags(self, add, remove)
    }

    /// What keeps this schema from reading data of `writer` under the policy in scope, in the reference's words. None
    /// means compatible.
    pub fn incompatibilities(&self, writer: &Self, terms: Terms<'_>) -> Vec<String> {
        let (reader_label, writer_label) = terms.labels;
        let differences = diff::diff(self, writer, terms.policy, terms.limits);
        let breaking = differences.iter().filter(|difference| !difference.kind.is_compatible(terms.policy));
        breaking.map(|difference| difference.text(reader_label, writer_label)).collect()
    }

    /// [`incompatibilities`](Self::incompatibilities), each with its witness.
    pub fn explain(&self, writer: &Self, terms: Terms<'_>) -> Vec<Explained> {
        let (reader_label, writer_label) = terms.labels;
        let explained = witness::explain(self, writer, terms.policy, terms.limits).into_iter();
        explained
            .map(|witness::Explained { difference, witness }| Explained {
                message: difference.text(reader_label, writer_label),
                witness: witness.map_err(|reason| reason.to_string()),
            })
            .collect()
    }

    /// Everything that changed from `writer` to this schema, whether it matters or not, judged by the strict policy.
    pub fn changes(&self, writer: &Self, limits: &Limits) -> Vec<Change> {
        changes::changes(writer, self, CompatibilityPolicy::Strict, limits)
    }
}

fn invalid(reason: impl Into<String>) -> ParseError {
    ParseError::Invalid(reason.into())
}
