//! Protocol Buffers schemas (schema formats spec §2), read and printed as the reference does with Square Wire 6.4.
//!
//! A text, or a base64 `FileDescriptorProto`, becomes a [`model::ProtoFile`] that loses nothing but comments and white
//! space: `lexer`, `parse` and `options` read the one, `descriptor` the other. `print` turns it into text again,
//! `normalize` (with `names`, `merge` and `number`) into the form in which it is compared byte for byte, `descriptor`
//! into the descriptors of the language. No step runs a compiler or recurses deeper than [`model::MAX_VALUE_DEPTH`].

mod builtin;
mod descriptor;
pub mod diff;
pub mod indexes;
mod lexer;
mod link;
mod merge;
pub mod model;
mod names;
mod normalize;
mod number;
mod options;
mod parse;
mod print;
mod strip;
mod tags;
pub mod validate;
pub mod witness;

use std::sync::Arc;

use crate::compatibility::{Explained, Terms};
use crate::format::{EntityTags, ParseError, Strictness};
use crate::ids::Guid;
use crate::limits::Limits;
use crate::reference::ResolvedReferences;
use model::{ProtoFile, TypeId};
use parse::{Budget, read_text};
use print::{Style, print};

pub use builtin::{file as builtin, files as builtins};
pub use descriptor::{from_base64, to_base64};

/// A parsed Protocol Buffers schema: a file and the files it may import. Built by [`parse`].
#[derive(Clone, Debug)]
pub struct ProtobufSchema {
    file: ProtoFile,
    canonical: String,
    /// Import path and file of each reference of the closure, each after those it references itself.
    imports: Arc<Vec<(String, ProtoFile)>>,
    /// What the registry calls the content of each import, or nothing.
    import_guids: Arc<Vec<Guid>>,
    limits: Limits,
}

/// Parses `.proto` text, or base64 of a `FileDescriptorProto`.
///
/// `references` are the files it may import besides the built-in ones, under their import paths. For a new schema
/// ([`Strictness::New`]) every type must be found.
/// Errors: [`ParseError::Invalid`] with the reason in the reference's words; [`ParseError::TooLarge`] past a bound of
/// `limits`, which also holds for the canonical text.
/// Source: schema formats spec §2.1, §2.6, §5.3.
///
/// ```
/// use muster_schema::{Limits, ResolvedReferences, Strictness, protobuf};
///
/// let text = "syntax='proto3'; message User { int64 id=1; /* of the account */\n }";
/// let schema = protobuf::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())?;
/// assert_eq!(schema.canonical(), "syntax = \"proto3\";\n\nmessage User {\n  int64 id = 1;\n}\n");
/// # Ok::<(), muster_schema::ParseError>(())
/// ```
pub fn parse(
    text: &str,
    references: &ResolvedReferences,
    strictness: Strictness,
    limits: &Limits,
) -> Result<ProtobufSchema, ParseError> {
    if references.texts.len() > limits.references {
        return Err(ParseError::TooLarge { what: "references", limit: limits.references });
    }
    let mut budget = Budget::new(limits);
    let mut imports = Vec::with_capacity(references.texts.len());
    for (path, text) in &references.texts {
        imports.push((path.clone(), read(text, &mut budget)?));
    }
    let file = read(text, &mut budget)?;
    let mut schema = ProtobufSchema::new(file, Style::Canonical, Arc::new(imports), *limits)?;
    schema.import_guids = Arc::new(references.guids.clone());
    if strictness == Strictness::New {
        schema.normalized_file()?;
    }
    Ok(schema)
}

/// Reads a file of either form.
fn read(text: &str, budget: &mut Budget<'_>) -> Result<ProtoFile, ParseError> {
    let limit = budget.limits.schema_bytes;
    if text.len() > limit {
        return Err(ParseError::TooLarge { what: "bytes", limit });
    }
    read_text(text, budget).or_else(|error| match &error {
        ParseError::Invalid(_) => descriptor::read_base64(text, budget)?.ok_or(error),
        _ => Err(error),
    })
}

impl ProtobufSchema {
    fn new(
        file: ProtoFile,
        style: Style,
        imports: Arc<Vec<(String, ProtoFile)>>,
        limits: Limits,
    ) -> Result<Self, ParseError> {
        let limit = limits.schema_bytes;
        let canonical = print(&file, style, limit);
        let canonical = canonical.ok_or(ParseError::TooLarge { what: "bytes of canonical text", limit })?;
        Ok(Self { file, canonical, imports, import_guids: Arc::default(), limits })
    }

    /// The file itself, types not resolved.
    pub fn file(&self) -> &ProtoFile {
        &self.file
    }

    /// The closure of references: import path and file, each after those it references itself. Built-in files are not
    /// among them (see [`builtin`]).
    pub fn imports(&self) -> &[(String, ProtoFile)] {
        &self.imports
    }

    /// The guid of the content of each import, in the same order, where the registry has told.
    fn import_guids(&self) -> &[Guid] {
        &self.import_guids
    }

    /// The text that is stored, hashed and returned. Source: schema formats spec §2.2.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The schema that `normalize=true` stores in place of this one.
    ///
    /// Errors: [`ParseError::Invalid`] if a type cannot be found, or the canonical text is no schema, as a `bytes`
    /// default may make it. Source: schema formats spec §2.3.
    pub fn normalized(&self) -> Result<Self, ParseError> {
        let file = self.normalized_file()?;
        let normalized = Self::new(file, Style::Normalized, Arc::clone(&self.imports), self.limits)?;
        Ok(Self { import_guids: Arc::clone(&self.import_guids), ..normalized })
    }

    /// The normalized file. It is made from the canonical text, because that is what the reference keeps.
    fn normalized_file(&self) -> Result<ProtoFile, ParseError> {
        let mut budget = Budget::new(&self.limits);
        let file = read_text(&self.canonical, &mut budget)?;
        normalize::normalize(&file, &self.imports, &mut budget)
    }

    /// The text for a `format` query parameter, in any case: `serialized` is the base64 of the descriptor,
    /// `ignore_extensions` leaves out what extends; everything else gives the canonical text.
    ///
    /// Errors: [`ParseError::Invalid`] if no descriptor can be built;
    /// [`ParseError::TooLarge`] past a bound of the limits. Source: schema formats spec §7.
    pub fn formatted(&self, format: &str) -> Result<String, ParseError> {
        match format.to_ascii_lowercase().as_str() {
            "serialized" => {
                self.validate(true)?;
                descriptor::serialized(self)
            }
            "ignore_extensions" => {
                let limit = self.limits.schema_bytes;
                let text = print(&strip::without_extensions(&self.file), Style::Canonical, limit);
                text.ok_or(ParseError::TooLarge { what: "bytes of text", limit })
            }
            _ => Ok(self.canonical.clone()),
        }
    }

    /// The checks that are made of a schema which is not imported: every type must be found, and with `fields` the
    /// schema must be one that descriptors can be built of.
    ///
    /// Errors: [`ParseError::Invalid`]. Source: schema formats spec §0.3, §2.4.
    pub fn validate(&self, fields: bool) -> Result<(), ParseError> {
        self.normalized_file()?;
        if fields { link::check(self) } else { Ok(()) }
    }

    /// The descriptors of this schema and of all files whose types it needs, each after those it needs itself, the
    /// schema's own (called `default`) last. Type names are full, groups are messages, and a file names as imports just
    /// those it needs. Reserved numbers and options other than standard ones and Confluent's are left out.
    ///
    /// Errors: [`ParseError::Invalid`] if a type cannot be found; [`ParseError::TooLarge`] past a bound.
    pub fn descriptors(&self) -> Result<Vec<prost_types::FileDescriptorProto>, ParseError> {
        descriptor::linked(self)
    }

    /// [`descriptors`](Self::descriptors), linked.
    ///
    /// Errors: [`ParseError::Invalid`] also for what linking finds wrong, such as two fields with one number.
    pub fn pool(&self) -> Result<prost_reflect::DescriptorPool, ParseError> {
        let mut pool = prost_reflect::DescriptorPool::new();
        pool.add_file_descriptor_protos(self.descriptors()?)
            .map_err(|error| ParseError::Invalid(format!("Invalid protobuf schema definition: {error}")))?;
        Ok(pool)
    }

    /// The full name of the first message, else of the first enum. Source: schema formats spec §9.
    pub fn record_name(&self) -> Option<String> {
        let file = self.named_file();
        let message = file.messages_of(None).next().map(|(id, _)| TypeId::Message(id));
        let first = message.or_else(|| file.enums_of(None).next().map(|(id, _)| TypeId::Enum(id)));
        first.map(|id| file.full_name(id))
    }

    /// The file whose types count for names and message indexes: this one, unless all it does is to import another
    /// publicly. Source: schema formats spec §5.3.
    pub fn named_file(&self) -> &ProtoFile {
        let file = &self.file;
        let is_empty = file.types.is_empty()
            && file.services.is_empty()
            && file.extends.is_empty()
            && file.imports.is_empty();
        match file.public_imports.as_slice() {
            [path] if is_empty => self.import(path).filter(|import| !import.types.is_empty()).unwrap_or(file),
            _ => file,
        }
    }

    /// The file behind an import path: of a reference, or built in.
    pub fn import(&self, path: &str) -> Option<&ProtoFile> {
        let referenced = self.imports.iter().find(|(name, _)| name == path);
        referenced.map(|(_, file)| file).or_else(|| builtin(path))
    }

    /// Whether look-up takes the two for the same schema. Source: schema formats spec §2.7, metadata and rules aside.
    pub fn equivalent(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }

    /// Names of the fields of the top-level messages, without members of oneofs. Source: schema formats spec §6.4.
    pub fn top_level_fields(&self) -> Vec<String> {
        let messages = self.file.messages_of(None);
        messages.flat_map(|(_, message)| &message.fields).map(|field| field.name.clone()).collect()
    }

    /// Messages and fields that carry inline tags, in document order. Source: schema formats spec §8.
    pub fn inline_tags(&self) -> Vec<EntityTags> {
        tags::inline_tags(&self.file)
    }

    /// Adds inline tags, then removes some, and returns the canonical text of the result.
    ///
    /// Errors: [`ParseError::Invalid`] if a path names no message or field. Source: schema formats spec §8, "Editing".
    pub fn with_tags(&self, add: &[EntityTags], remove: &[EntityTags]) -> Result<String, ParseError> {
        let file = tags::with_tags(&self.file, add, remove, &mut Budget::new(&self.limits))?;
        Self::new(file, Style::Canonical, Arc::clone(&self.imports), self.limits)
            .map(|schema| schema.canonical)
    }

    /// Messages of what keeps `self` from reading data of `writer`, in the reference's order.
    ///
    /// Source: schema formats spec §2.8.
    pub fn incompatibilities(&self, writer: &Self, terms: Terms<'_>) -> Vec<String> {
        let differences = diff::diff(self, writer, terms.limits);
        let found = differences.iter().filter(|difference| !difference.is_compatible());
        found.map(|difference| difference.text(terms.labels.0, terms.labels.1)).collect()
    }
    /// Each message with its witness, or why there is none.
    pub fn explain(&self, writer: &Self, terms: Terms<'_>) -> Vec<Explained> {
        let explained = witness::explain(self, writer, terms.limits).into_iter();
        explained
            .map(|witness::Explained { difference, witness }| Explained {
                message: difference.text(terms.labels.0, terms.labels.1),
                witness: witness.map_err(|reason| reason.to_string()),
            })
            .collect()
    }
    /// All changes from `writer` to `self`.
    pub fn changes(&self, writer: &Self, limits: &Limits) -> Vec<crate::changes::Change> {
        diff::changes(writer, self, limits)
    }
}
