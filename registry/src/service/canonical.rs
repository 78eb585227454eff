//! From what a client sends to what is stored: resolved, parsed, validated, normalized, hashed
//! (registry API spec §7.3 step 6, schema formats spec §0.1).

use std::sync::Arc;

use muster_schema::identity::content_guid;
use muster_schema::subject::utf16_order;
use muster_schema::{
    Context, Metadata, ParseError, ParsedSchema, RuleSet, SchemaReference, SchemaType, Strictness, Subject,
};

use super::Service;
use super::error::{PartialReference, ServiceError};
use super::merge;
use super::references::{self, Resolution};
use super::scope::Scope;
use crate::store::{Basis, Content, SchemaVersion};

/// A schema as a client sends it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The name of the schema language; absent is Avro.
    pub schema_type: Option<String>,
    /// The text; may be blank where an earlier version can lend its own.
    pub schema: String,
    /// References, possibly incomplete.
    pub references: Vec<PartialReference>,
    /// Metadata; present-but-empty differs from absent.
    pub metadata: Option<Metadata>,
    /// Rule set; present-but-empty differs from absent.
    pub rule_set: Option<RuleSet>,
}

/// What would be stored.
#[derive(Clone, Debug)]
pub(super) struct Canonical {
    pub(super) parsed: ParsedSchema,
    pub(super) content: Arc<Content>,
    /// What the references were read from; empty unless asked for.
    pub(super) basis: Basis,
}

impl Draft {
    /// Whether there is no text.
    pub(super) fn is_blank(&self) -> bool {
        self.schema.trim().is_empty()
    }

    /// The schema language.
    pub(super) fn schema_type(&self) -> Result<SchemaType, ServiceError> {
        match &self.schema_type {
            None => Ok(SchemaType::Avro),
            Some(name) => name.parse().map_err(|_| ServiceError::InvalidSchemaType(name.clone())),
        }
    }
}

impl Canonical {
    /// The same schema with other metadata and rules.
    pub(super) fn with(&self, metadata: Option<Metadata>, rule_set: Option<RuleSet>) -> Self {
        let content = &self.content;
        let content = new_content(
            content.schema_type,
            content.schema.clone(),
            content.references.clone(),
            metadata,
            rule_set,
        );
        Self { parsed: self.parsed.clone(), content, basis: self.basis.clone() }
    }
}

impl Service {
    /// Brings a draft for `subject` into the form that is stored. In IMPORT and FORWARD mode nothing is validated or
    /// normalized. With `based`, the result says what its references were read from.
    pub(super) async fn canonicalize(
        &self,
        draft: &Draft,
        subject: &Subject,
        scope: &Scope,
        strictness: Strictness,
        normalize: bool,
        based: bool,
    ) -> Result<Canonical, ServiceError> {
        // What is imported is taken as it is; an empty text is a Protobuf schema.
        if draft.is_blank() && !scope.importing() {
            return Err(ServiceError::EmptySchema);
        }
        let schema_type = draft.schema_type()?;
        let references = references::complete(&draft.references, schema_type)?;
        let Resolution { mut references, closure, basis } =
            self.resolve(schema_type, &references, subject.context(), strictness, based).await?;
        let mut parsed = self
            .parser
            .parse(schema_type, &draft.schema, &closure, validation(schema_type, scope, strictness))
            .await
            .map_err(|source| parse_error(schema_type, source))?;
        if scope.validate_fields && !scope.importing() {
            parsed.check_fields().map_err(|source| parse_error(schema_type, source))?;
        }
        if normalize && !scope.importing() {
            parsed = self
                .parser
                .normalize(&parsed)
                .await
                .map_err(|source| ServiceError::NotNormalizable { subject: subject.clone(), source })?;
            sort_references(&mut references);
        }
        let text = parsed.canonical().to_owned();
        let content =
            new_content(schema_type, text, references, draft.metadata.clone(), draft.rule_set.clone());
        Ok(Canonical { parsed, content, basis })
    }

    /// A stored version, parsed as leniently as it must have been when it was let in.
    pub(super) async fn parse_stored(&self, version: &SchemaVersion) -> Result<ParsedSchema, ServiceError> {
        self.parse_content(&version.content, version.subject.context()).await
    }

    /// Stored content, its references taken in `context`.
    pub(super) async fn parse_content(
        &self,
        content: &Content,
        context: &Context,
    ) -> Result<ParsedSchema, ServiceError> {
        let schema_type = content.schema_type;
        let resolution =
            self.resolve(schema_type, &content.references, context, Strictness::Stored, false).await?;
        self.parser
            .parse(schema_type, &content.schema, &resolution.closure, Strictness::Stored)
            .await
            .map_err(|source| parse_error(schema_type, source))
    }
}

/// How strictly a text is read. Avro is checked where it is new; the other languages wherever it is not imported, in a
/// look-up as well.
fn validation(schema_type: SchemaType, scope: &Scope, strictness: Strictness) -> Strictness {
    match schema_type {
        SchemaType::Avro => strictness,
        SchemaType::Json | SchemaType::Protobuf if scope.importing() => Strictness::Stored,
        SchemaType::Json | SchemaType::Protobuf => Strictness::New,
    }
}

/// Content with its guid.
fn new_content(
    schema_type: SchemaType,
    schema: String,
    references: Vec<SchemaReference>,
    metadata: Option<Metadata>,
    rule_set: Option<RuleSet>,
) -> Arc<Content> {
    let metadata = metadata.map(merge::tidy_metadata);
    let rule_set = rule_set.map(merge::tidy_rule_set);
    let guid = content_guid(&schema, &references, metadata.as_ref(), rule_set.as_ref());
    Arc::new(Content { guid, schema_type, schema, references, metadata, rule_set })
}

fn parse_error(schema_type: SchemaType, source: ParseError) -> ServiceError {
    match source {
        ParseError::TooLarge { what: "bytes", .. } => ServiceError::SchemaTooLarge,
        source => ServiceError::InvalidSchema { schema_type, source },
    }
}

/// Normalization sorts references by subject and version and drops repeated ones.
fn sort_references(references: &mut Vec<SchemaReference>) {
    references.sort_by(|a, b| utf16_order(&a.subject, &b.subject).then(a.version.cmp(&b.version)));
    let mut seen: Vec<SchemaReference> = Vec::with_capacity(references.len());
    references.retain(|reference| {
        let new = !seen.contains(reference);
        if new {
            seen.push(reference.clone());
        }
        new
    });
}
