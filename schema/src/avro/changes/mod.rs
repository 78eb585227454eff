//! Everything that changed between two schemas, whether it matters or not, each change with its verdict.
//!
//! The walk pairs types up as a reader would, and beyond it: fields by name or alias of either side, branches of unions
//! by name. The verdicts are those of [`diff`](super::diff::diff), run both ways: a change breaks a direction if the
//! comparison of that direction found something at this pair of types, and if it counts there (what is wrong with a
//! branch does not if another branch of the union helps). So a direction is compatible exactly if no change breaks it.
//!
//! Nothing here recurses; work and text are bounded by [`Limits`].

mod branches;
mod walk;
mod words;

use std::fmt;

use super::model::AvroSchema;
use crate::changes::Change;
use crate::limits::Limits;

/// What can change in an Avro schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Another type, between which there is no promotion from writer to reader.
    TypeChanged,
    /// A type to which data of the writer's are promoted.
    TypePromoted,
    /// The name of a named type, namespace aside.
    NameChanged,
    /// The namespace of a named type.
    NamespaceChanged,
    /// A record became an error, or the other way round.
    ErrorChanged,
    /// Aliases of a named type or field.
    AliasesChanged,
    /// A doc string.
    DocChanged,
    /// A property, such as a logical type, that was not there.
    PropertyAdded,
    /// A property that is gone.
    PropertyRemoved,
    /// A property with another value.
    PropertyChanged,
    /// A field that the writer's record does not have.
    FieldAdded,
    /// A field that the reader's record does not have.
    FieldRemoved,
    /// A field with another name, and an alias that tells.
    FieldRenamed,
    /// Fields in another order.
    FieldsReordered,
    /// A field or enum got a default.
    DefaultAdded,
    /// A field or enum lost its default.
    DefaultRemoved,
    /// A field or enum has another default.
    DefaultChanged,
    /// The sort order of a field.
    SortOrderChanged,
    /// A symbol that the writer's enum does not have.
    SymbolAdded,
    /// A symbol that the reader's enum does not have.
    SymbolRemoved,
    /// Symbols in another order.
    SymbolsReordered,
    /// The size of a fixed.
    SizeChanged,
    /// A branch that the writer's union does not have.
    BranchAdded,
    /// A branch that the reader's union does not have.
    BranchRemoved,
    /// Branches in another order.
    BranchesReordered,
    /// The schemas cannot be compared: a field stands for several others, or a bound of [`Limits`] is exceeded.
    NotComparable,
    /// More changes follow, beyond a bound of [`Limits`].
    ListCut,
}

impl ChangeKind {
    /// The upper-case name, which [`Change::kind`] holds.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TypeChanged => "TYPE_CHANGED",
            Self::TypePromoted => "TYPE_PROMOTED",
            Self::NameChanged => "NAME_CHANGED",
            Self::NamespaceChanged => "NAMESPACE_CHANGED",
            Self::ErrorChanged => "ERROR_CHANGED",
            Self::AliasesChanged => "ALIASES_CHANGED",
            Self::DocChanged => "DOC_CHANGED",
            Self::PropertyAdded => "PROPERTY_ADDED",
            Self::PropertyRemoved => "PROPERTY_REMOVED",
            Self::PropertyChanged => "PROPERTY_CHANGED",
            Self::FieldAdded => "FIELD_ADDED",
            Self::FieldRemoved => "FIELD_REMOVED",
            Self::FieldRenamed => "FIELD_RENAMED",
            Self::FieldsReordered => "FIELDS_REORDERED",
            Self::DefaultAdded => "DEFAULT_ADDED",
            Self::DefaultRemoved => "DEFAULT_REMOVED",
            Self::DefaultChanged => "DEFAULT_CHANGED",
            Self::SortOrderChanged => "SORT_ORDER_CHANGED",
            Self::SymbolAdded => "SYMBOL_ADDED",
            Self::SymbolRemoved => "SYMBOL_REMOVED",
            Self::SymbolsReordered => "SYMBOLS_REORDERED",
            Self::SizeChanged => "SIZE_CHANGED",
            Self::BranchAdded => "BRANCH_ADDED",
            Self::BranchRemoved => "BRANCH_REMOVED",
            Self::BranchesReordered => "BRANCHES_REORDERED",
            Self::NotComparable => "NOT_COMPARABLE",
            Self::ListCut => "LIST_CUT",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Lists what changed from `writer` to `reader`, in the order of the reader's schema, what was removed last at each
/// place. Types that are used in several places are listed once, under the first.
///
/// The walk visits at most [`Limits::pairs`] pairs of types, fields, symbols and properties, and lists at most
/// [`Limits::difference_bytes`] bytes; past either, the last change is [`ChangeKind::ListCut`].
///
/// ```
/// use muster_schema::avro::{self, changes::changes};
/// use muster_schema::{Limits, ResolvedReferences, Strictness};
///
/// let limits = Limits::default();
/// let parse = |text| avro::parse(text, &ResolvedReferences::default(), Strictness::New, &limits);
/// let writer = parse(r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}"#)?;
/// let reader = parse(
///     r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}"#,
/// )?;
/// let listed: Vec<String> = changes(&writer, &reader, &limits).iter().map(ToString::to_string).collect();
/// assert_eq!(
///     listed,
///     ["/a: type promoted from int to long (breaks forward)", "/b: field added: string (breaks backward)"]
/// );
/// # Ok::<(), muster_schema::ParseError>(())
/// ```
pub fn changes(writer: &AvroSchema, reader: &AvroSchema, limits: &Limits) -> Vec<Change> {
    walk::changes(writer, reader, limits)
}
