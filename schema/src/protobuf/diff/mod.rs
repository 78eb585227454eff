//! Whether data of a writer schema can be read with a reader schema (schema formats spec §2.8).
//!
//! The comparison follows the reference's finding by finding, since these are shown to people word for word. Messages
//! are matched by name and fields by number; what is compatible is data in [`DifferenceKind::is_compatible`]. The walk
//! keeps its own stack and counts its work, so no schema can overflow the stack or run for long.

mod changes;
mod fields;
mod types;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;

use super::ProtobufSchema;
use crate::limits::Limits;

pub use changes::changes;
pub(in crate::protobuf) use types::{MessageRef, Resolved, Types};
pub(in crate::protobuf) use walk::{Finding, Found, Member, Pair, Subject, compare, members};

/// One difference between a writer's schema and a reader's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is different.
    pub kind: DifferenceKind,
    /// `#/` and the names of messages, enums and oneofs and the numbers of fields and constants, joined by `/`.
    pub path: String,
}

/// What can be different. *Added* is what only the reader's schema has, *removed* what only the writer's has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// Another package, or a package on one side only.
    PackageChanged,
    /// A message that only the reader has.
    MessageAdded,
    /// A message that only the writer has.
    MessageRemoved,
    /// A message at another place among the messages of its level.
    MessageMoved,
    /// An enum that only the reader has.
    EnumAdded,
    /// An enum that only the writer has.
    EnumRemoved,
    /// A constant with a number that only the reader's enum has.
    EnumConstAdded,
    /// A constant with a number that only the writer's enum has.
    EnumConstRemoved,
    /// The constant of one number has another name.
    EnumConstChanged,
    /// A field, not required, with a number that only the reader's message has.
    FieldAdded,
    /// A field, not required, with a number that only the writer's message has.
    FieldRemoved,
    /// The field of one number has another name.
    FieldNameChanged,
    /// The field of one number is a scalar, a map or a message on one side and another of them on the other.
    FieldKindChanged,
    /// Scalars that are not encoded alike.
    FieldScalarKindChanged,
    /// Messages of different names, or of one name with incompatible contents.
    FieldNamedTypeChanged,
    /// Explicit labels of a string or bytes field differ.
    FieldStringOrBytesLabelChanged,
    /// Explicit labels of any other scalar field differ.
    FieldNumericLabelChanged,
    /// A required field with a number that only the reader's message has.
    RequiredFieldAdded,
    /// A required field with a number that only the writer's message has.
    RequiredFieldRemoved,
    /// A oneof name that only the reader has.
    OneofAdded,
    /// A oneof name that only the writer has.
    OneofRemoved,
    /// A member of a oneof with a number that only the reader's message has.
    OneofFieldAdded,
    /// A member of a oneof with a number that only the writer's message has.
    OneofFieldRemoved,
    /// A member of a oneof of the writer's is a plain field of the reader's.
    OneofFieldMovedToTopLevel,
    /// Several plain fields of the writer's are in one oneof of the reader's.
    MultipleFieldsMovedToOneof,
    /// Members of a oneof of the reader's come from different places in the writer's.
    FieldMovedToExistingOneof,
    /// The comparison or the list of differences exceeds a bound of [`Limits`]; the rest was not looked at.
    TooLarge,
}

impl DifferenceKind {
    /// The upper-case name that messages show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PackageChanged => "PACKAGE_CHANGED",
            Self::MessageAdded => "MESSAGE_ADDED",
            Self::MessageRemoved => "MESSAGE_REMOVED",
            Self::MessageMoved => "MESSAGE_MOVED",
            Self::EnumAdded => "ENUM_ADDED",
            Self::EnumRemoved => "ENUM_REMOVED",
            Self::EnumConstAdded => "ENUM_CONST_ADDED",
            Self::EnumConstRemoved => "ENUM_CONST_REMOVED",
            Self::EnumConstChanged => "ENUM_CONST_CHANGED",
            Self::FieldAdded => "FIELD_ADDED",
            Self::FieldRemoved => "FIELD_REMOVED",
            Self::FieldNameChanged => "FIELD_NAME_CHANGED",
            Self::FieldKindChanged => "FIELD_KIND_CHANGED",
            Self::FieldScalarKindChanged => "FIELD_SCALAR_KIND_CHANGED",
            Self::FieldNamedTypeChanged => "FIELD_NAMED_TYPE_CHANGED",
            Self::FieldStringOrBytesLabelChanged => "FIELD_STRING_OR_BYTES_LABEL_CHANGED",
            Self::FieldNumericLabelChanged => "FIELD_NUMERIC_LABEL_CHANGED",
            Self::RequiredFieldAdded => "REQUIRED_FIELD_ADDED",
            Self::RequiredFieldRemoved => "REQUIRED_FIELD_REMOVED",
            Self::OneofAdded => "ONEOF_ADDED",
            Self::OneofRemoved => "ONEOF_REMOVED",
            Self::OneofFieldAdded => "ONEOF_FIELD_ADDED",
            Self::OneofFieldRemoved => "ONEOF_FIELD_REMOVED",
            Self::OneofFieldMovedToTopLevel => "ONEOF_FIELD_MOVED_TO_TOP_LEVEL",
            Self::MultipleFieldsMovedToOneof => "MULTIPLE_FIELDS_MOVED_TO_ONEOF",
            Self::FieldMovedToExistingOneof => "FIELD_MOVED_TO_EXISTING_ONEOF",
            Self::TooLarge => "TOO_LARGE",
        }
    }

    /// Whether the reference lets it pass.
    ///
    /// Source: schema formats spec §2.8, "Compatible".
    pub fn is_compatible(self) -> bool {
        match self {
            Self::MessageAdded
            | Self::MessageMoved
            | Self::EnumAdded
            | Self::EnumRemoved
            | Self::EnumConstAdded
            | Self::EnumConstRemoved
            | Self::EnumConstChanged
            | Self::FieldAdded
            | Self::FieldRemoved
            | Self::FieldNameChanged
            | Self::FieldStringOrBytesLabelChanged
            | Self::OneofAdded
            | Self::OneofRemoved
            | Self::OneofFieldAdded
            | Self::OneofFieldMovedToTopLevel => true,
            Self::PackageChanged
            | Self::MessageRemoved
            | Self::FieldKindChanged
            | Self::FieldScalarKindChanged
            | Self::FieldNamedTypeChanged
            | Self::FieldNumericLabelChanged
            | Self::RequiredFieldAdded
            | Self::RequiredFieldRemoved
            | Self::OneofFieldRemoved
            | Self::MultipleFieldsMovedToOneof
            | Self::FieldMovedToExistingOneof
            | Self::TooLarge => false,
        }
    }

    /// The same difference seen from the other side, if that is one difference.
    fn reversed(self) -> Option<Self> {
        Some(match self {
            Self::MessageAdded => Self::MessageRemoved,
            Self::MessageRemoved => Self::MessageAdded,
            Self::EnumAdded => Self::EnumRemoved,
            Self::EnumRemoved => Self::EnumAdded,
            Self::EnumConstAdded => Self::EnumConstRemoved,
            Self::EnumConstRemoved => Self::EnumConstAdded,
            Self::FieldAdded => Self::FieldRemoved,
            Self::FieldRemoved => Self::FieldAdded,
            Self::RequiredFieldAdded => Self::RequiredFieldRemoved,
            Self::RequiredFieldRemoved => Self::RequiredFieldAdded,
            Self::OneofAdded => Self::OneofRemoved,
            Self::OneofRemoved => Self::OneofAdded,
            Self::OneofFieldAdded => Self::OneofFieldRemoved,
            Self::OneofFieldRemoved => Self::OneofFieldAdded,
            Self::PackageChanged
            | Self::MessageMoved
            | Self::EnumConstChanged
            | Self::FieldNameChanged
            | Self::FieldKindChanged
            | Self::FieldScalarKindChanged
            | Self::FieldNamedTypeChanged
            | Self::FieldStringOrBytesLabelChanged
            | Self::FieldNumericLabelChanged
            | Self::TooLarge => self,
            Self::OneofFieldMovedToTopLevel
            | Self::MultipleFieldsMovedToOneof
            | Self::FieldMovedToExistingOneof => return None,
        })
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Difference {
    /// Whether the reference lets it pass.
    pub fn is_compatible(&self) -> bool {
        self.kind.is_compatible()
    }

    /// The line that the registry shows for an incompatible difference. `reader` and `writer` name the two schemas, such
    /// as `new` and `old`.
    ///
    /// Source: schema formats spec §2.8, "Message text".
    pub fn text(&self, reader: &str, writer: &str) -> String {
        use DifferenceKind as D;
        let Self { kind, path } = self;
        let description = match kind {
            D::PackageChanged => format!(
                "The package at '{path}' in the {reader} schema does not match the package in the {writer} schema"
            ),
            D::MessageRemoved => format!(
                "The {reader} schema is missing a MESSAGE type at path '{path}' in the {writer} schema"
            ),
            D::FieldKindChanged => format!(
                "The type of a field at path '{path}' in the {reader} schema does not match the {writer} schema"
            ),
            D::FieldScalarKindChanged => format!(
                "The kind of a SCALAR field at path '{path}' in the {reader} schema does not match its kind in the \
                 {writer} schema"
            ),
            D::FieldNamedTypeChanged => format!(
                "The type of a MESSAGE field at path '{path}' in the {reader} schema does not match its type in the \
                 {writer} schema"
            ),
            D::FieldNumericLabelChanged => format!(
                "The label for a NUMERIC field at path '{path}' in the {reader} schema does not match its label in \
                 the {writer} schema"
            ),
            D::RequiredFieldAdded => format!(
                "A required field  at path '{path}' in the {reader} schema is missing in the {writer} schema"
            ),
            D::RequiredFieldRemoved => format!(
                "The {reader} schema is missing a required field at path: '{path}' in the {writer} schema"
            ),
            D::OneofFieldRemoved => {
                format!(
                    "The {reader} schema is missing a oneof field at path '{path}' in the {writer} schema"
                )
            }
            D::MultipleFieldsMovedToOneof => format!(
                "Multiple fields in the oneof at path '{path}' in the {reader} schema are outside a oneof in the \
                 {writer} schema"
            ),
            D::FieldMovedToExistingOneof => format!(
                "A field in the oneof at path '{path}' in the {reader} schema is outside an existing oneof in the \
                 {writer} schema"
            ),
            D::TooLarge => return format!("the schemas are too large to compare: {path}"),
            _ => format!("The {reader} schema differs from the {writer} schema at path '{path}'"),
        };
        format!("{{errorType:\"{kind}\", description:\"{description}\"}}")
    }
}

/// The line of the reference: name and path.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.path)
    }
}

/// Lists every difference from `writer` to `reader`, those that the reference lets pass included.
///
/// The comparison visits at most [`Limits::pairs`] pairs of types, fields and constants, and lists at most
/// [`Limits::difference_bytes`] bytes of text; past either, the last difference is [`DifferenceKind::TooLarge`].
/// Imported messages of one content ([`ResolvedReferences::guids`](crate::ResolvedReferences::guids)) are not looked into.
pub fn diff(reader: &ProtobufSchema, writer: &ProtobufSchema, limits: &Limits) -> Vec<Difference> {
    walk::compare(reader, writer, limits).found.into_iter().map(|finding| finding.difference).collect()
}
