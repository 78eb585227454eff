//! Whether data of a writer schema can be read with a reader schema (schema formats spec §1.8).
//!
//! The walk follows Avro Java's compatibility checker step by step, because its findings are shown to people word for
//! word: pairs of types are compared once and remembered by identity, so a pair met again repeats what was found the
//! first time, *with the locations of the first time*; the branches of a reader union are tried with locations that
//! start afresh. Unlike the original it keeps its own stack and counts its work, so no schema can overflow the stack
//! or run for long.

mod comparison;
mod hashes;
mod report;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;

use super::model::AvroSchema;
use crate::limits::Limits;
pub(in crate::avro) use comparison::{Comparison, Origin, matches, reads_name};
pub(in crate::avro) use walk::{Finding, promotes};

/// One reason why a reader cannot read what a writer wrote. Every difference that Avro knows breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is wrong.
    pub kind: DifferenceKind,
    /// JSON pointer into the reader schema without the leading empty token; `/` is the root.
    pub location: String,
    /// The particulars, in the reference's words: a name, a list of symbols, two types, two sizes.
    pub message: String,
}

/// What is wrong with a pair of schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DifferenceKind {
    /// Two fixeds of different sizes.
    FixedSizeMismatch,
    /// Types between which there is no promotion.
    TypeMismatch,
    /// Named types with different simple names, and no alias of the reader helps. One outside any namespace never does
    /// for a reader that has a namespace, although such a reader reads the data.
    NameMismatch,
    /// The writer's enum has symbols that the reader's lacks, and the reader's has no default.
    MissingEnumSymbols,
    /// No branch of the reader's union reads the writer's type.
    MissingUnionBranch,
    /// The reader's field is not in the writer's record and has no default.
    ReaderFieldMissingDefaultValue,
    /// A reader field stands for more than one field of the writer's record; nothing else was looked at.
    AmbiguousField,
    /// The comparison or the list of differences exceeds a bound of [`Limits`]; the rest was not looked at.
    TooLarge,
}

impl DifferenceKind {
    /// The upper-case name that messages show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::NameMismatch => "NAME_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::AmbiguousField => "AMBIGUOUS_FIELD",
            Self::TooLarge => "TOO_LARGE",
        }
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Difference {
    fn too_large(message: String) -> Self {
        Self { kind: DifferenceKind::TooLarge, location: "/".to_owned(), message }
    }

    /// The line that the registry shows. `reader` and `writer` name the two schemas, such as `new` and `old`.
    ///
    /// Source: schema formats spec §1.8, "Message text".
    pub fn text(&self, reader: &str, writer: &str) -> String {
        let Self { kind, location, message } = self;
        let description = match kind {
            DifferenceKind::FixedSizeMismatch => format!(
                "The size of FIXED type field at path '{location}' in the {reader} schema does not match with the \
                 {writer} schema"
            ),
            DifferenceKind::TypeMismatch => format!(
                "The type (path '{location}') of a field in the {reader} schema does not match with the {writer} \
                 schema"
            ),
            DifferenceKind::NameMismatch => format!("The name of the schema has changed (path '{location}')"),
            DifferenceKind::MissingEnumSymbols => format!(
                "The {reader} schema is missing enum symbols '{message}' at path '{location}' in the {writer} schema"
            ),
            DifferenceKind::MissingUnionBranch => format!(
                "The {reader} schema is missing a type inside a union field at path '{location}' in the {writer} \
                 schema"
            ),
            DifferenceKind::ReaderFieldMissingDefaultValue => format!(
                "The field '{message}' at path '{location}' in the {reader} schema has no default value and is \
                 missing in the {writer} schema"
            ),
            DifferenceKind::AmbiguousField => {
                return format!("Unexpected exception during compatibility check: {message}");
            }
            DifferenceKind::TooLarge => return message.clone(),
        };
        format!("{{errorType:'{kind}', description:'{description}', additionalInfo:'{message}'}}")
    }
}

/// Lists everything that keeps `reader` from reading data of `writer`; empty means compatible.
///
/// A field that matches several writer fields ends the comparison with that one difference, as in the reference. The
/// comparison visits at most [`Limits::pairs`] pairs of types, fields and symbols, and lists at most
/// [`Limits::difference_bytes`] bytes of text; past either, the last difference is [`DifferenceKind::TooLarge`].
pub fn diff(reader: &AvroSchema, writer: &AvroSchema, limits: &Limits) -> Vec<Difference> {
    let differences = Comparison::of(reader, writer, limits).differences();
    differences.into_iter().map(|(difference, _)| difference).collect()
}
