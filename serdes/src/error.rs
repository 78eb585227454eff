//! What can go wrong between a value and its bytes. A registry that is down is told apart from data that is wrong.

use std::fmt;

use muster_schema::framing::{FramingError, Identifier};
use muster_schema::{SchemaType, Side};

use crate::client::ClientError;

/// Why a value was not serialized. Nothing has been produced; what was registered stays registered.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SerializeError {
    /// The registry refused or could not be reached.
    #[error("schema of subject {subject} is not available")]
    Registry {
        /// The subject asked about.
        subject: String,
        /// What the registry client says.
        #[source]
        source: ClientError,
    },
    /// The subject name strategy gives no subject.
    #[error("there is no subject for the schema")]
    NoSubject(#[source] SubjectError),
    /// The value does not fit the schema.
    #[error("value does not fit the schema of subject {subject}: {detail}")]
    Value {
        /// The subject of the schema.
        subject: String,
        /// Which part does not fit, and why.
        detail: String,
    },
    /// The value does not satisfy the schema (JSON Schema, where validation is on).
    #[error("value is not valid against the schema of subject {subject}: {}{reason}", located(.path))]
    Invalid {
        /// The subject of the schema.
        subject: String,
        /// JSON pointer (RFC 6901) to the part that is not; empty for the whole value, and where that is not known.
        path: String,
        /// What is wrong there, in words that hold nothing of the value.
        reason: String,
    },
    /// The schema to write with cannot be used.
    #[error("schema of subject {subject} is unusable: {detail}")]
    Schema {
        /// The subject of the schema.
        subject: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The schema chosen in the registry cannot read what the serializer's own schema describes.
    #[error("registered schema of subject {subject} is incompatible with the serializer's: {detail}")]
    Incompatible {
        /// The subject of the schema.
        subject: String,
        /// The first difference.
        detail: String,
    },
    /// Header framing needs a guid, and the registry gave none.
    #[error("registry gave no guid for the schema of subject {subject}, which header framing needs")]
    NoGuid {
        /// The subject of the schema.
        subject: String,
    },
}

/// Why there is no subject for one side of a topic.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// A strategy that names the subject after the record met a schema that is none.
    #[error("the subject name strategy needs a record schema; use TopicNameStrategy for others")]
    NoRecordName,
    /// The topic has no associated subject, and there is no other way to name it.
    #[error("no subject is associated with the topic")]
    NoAssociation,
    /// The topic has more than one associated subject.
    #[error("{count} subjects are associated with the topic")]
    ManyAssociations {
        /// How many.
        count: usize,
    },
    /// The registry could not be asked for associations.
    #[error("associations are not available")]
    Registry(#[source] ClientError),
}

impl SubjectError {
    /// The sort of failure.
    pub fn category(&self) -> Category {
        match self {
            Self::NoRecordName => Category::NoRecordName,
            Self::NoAssociation => Category::NoAssociation,
            Self::ManyAssociations { .. } => Category::MultipleAssociations,
            Self::Registry(_) => Category::Registry,
        }
    }
}

/// A builder was told things that exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSettings(pub &'static str);

impl SerializeError {
    /// Whether the same call may succeed later: the registry is down, or has yet to learn of the schema.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Registry { source, .. } | Self::NoSubject(SubjectError::Registry(source)) => {
                may_heal(source)
            }
            _ => false,
        }
    }
}

/// Why a record was not deserialized.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot read {side} of a record of topic {topic}{}", named(.identifier))]
pub struct DeserializeError {
    /// The topic the record came from.
    pub topic: String,
    /// Which part of the record.
    pub side: Side,
    /// The schema it names, if that much could be read.
    pub identifier: Option<Identifier>,
    /// What is wrong.
    #[source]
    pub cause: DeserializeCause,
}

/// What is wrong with a record, its schema or the registry.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeserializeCause {
    /// The payload or the header does not start with an identifier.
    #[error("{}", if *.in_header { "schema header is malformed" } else { "payload is not framed" })]
    Framing {
        /// What is wrong with the bytes.
        #[source]
        source: FramingError,
        /// Whether they stood in the header.
        in_header: bool,
    },
    /// The schema could not be fetched. Says nothing about the data, unless
    /// [`is_not_found`](ClientError::is_not_found).
    #[error("schema is not available")]
    Registry(#[source] ClientError),
    /// The subject name strategy gives no subject.
    #[error("there is no subject for the schema")]
    NoSubject(#[source] SubjectError),
    /// The schema is of another language than the deserializer.
    #[error("schema is of type {0}")]
    SchemaType(SchemaType),
    /// The schema cannot be used.
    #[error("schema is unusable: {0}")]
    Schema(String),
    /// The message indexes behind the identifier are malformed, or the schema has no such message (Protobuf).
    #[cfg(feature = "protobuf")]
    #[error(transparent)]
    Indexes(muster_schema::protobuf::indexes::IndexError),
    /// The bytes are no datum of the writer schema.
    #[error("body is malformed at byte {offset}: {detail}")]
    Body {
        /// Where in the body, behind the identifier.
        offset: usize,
        /// What is wrong there.
        detail: String,
    },
    /// The reader schema does not admit the datum.
    #[error("reader schema does not admit the value at byte {offset}: {detail}")]
    Resolution {
        /// Where in the body, behind the identifier.
        offset: usize,
        /// Why not.
        detail: String,
    },
    /// The value does not satisfy the schema (JSON Schema, where validation is on).
    #[error("value is not valid against the schema: {}{reason}", located(.path))]
    Invalid {
        /// JSON pointer (RFC 6901) to the part that is not; empty for the whole value, and where that is not known.
        path: String,
        /// What is wrong there, in words that hold nothing of the value.
        reason: String,
    },
    /// The datum does not fit the Rust type.
    #[error("value at byte {offset} does not fit the Rust type: {detail}")]
    Value {
        /// Where in the body, behind the identifier.
        offset: usize,
        /// Why not.
        detail: String,
    },
}

/// The sort of a [`DeserializeError`], for metrics and for deciding what to do with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The payload ends inside the identifier.
    TooShort,
    /// The first byte of the payload or header is neither 0 nor 1.
    BadMagic,
    /// The header ends inside the identifier.
    MalformedHeader,
    /// The message indexes behind the identifier select no message.
    MalformedIndex,
    /// The bytes behind the identifier are no datum.
    MalformedBody,
    /// The registry does not know the schema.
    SchemaNotFound,
    /// The registry could not be asked, or gave no usable answer.
    Registry,
    /// The schema has no record name, which the subject name strategy needs.
    NoRecordName,
    /// No subject is associated with the topic.
    NoAssociation,
    /// More than one subject is associated with the topic.
    MultipleAssociations,
    /// The schema is of another language, or unusable.
    UnusableSchema,
    /// Reader and writer schema do not get along.
    ResolutionError,
    /// The value does not satisfy its JSON Schema.
    ValidationError,
    /// The Rust type does not get along with the schema.
    TypeMismatch,
}

impl Category {
    /// The name in kebab case, for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::BadMagic => "bad-magic",
            Self::MalformedHeader => "malformed-header",
            Self::MalformedIndex => "malformed-index",
            Self::MalformedBody => "malformed-body",
            Self::SchemaNotFound => "schema-not-found",
            Self::Registry => "registry",
            Self::NoRecordName => "no-record-name",
            Self::NoAssociation => "no-association",
            Self::MultipleAssociations => "multiple-associations",
            Self::UnusableSchema => "unusable-schema",
            Self::ResolutionError => "resolution-error",
            Self::ValidationError => "validation-error",
            Self::TypeMismatch => "type-mismatch",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DeserializeError {
    /// The sort of failure.
    pub fn category(&self) -> Category {
        match &self.cause {
            DeserializeCause::Framing { source: FramingError::Magic(_), .. } => Category::BadMagic,
            DeserializeCause::Framing { in_header: true, .. } => Category::MalformedHeader,
            DeserializeCause::Framing { .. } => Category::TooShort,
            DeserializeCause::Registry(error) if error.is_not_found() => Category::SchemaNotFound,
            DeserializeCause::Registry(_) => Category::Registry,
            DeserializeCause::NoSubject(error) => error.category(),
            DeserializeCause::SchemaType(_) | DeserializeCause::Schema(_) => Category::UnusableSchema,
            #[cfg(feature = "protobuf")]
            DeserializeCause::Indexes(_) => Category::MalformedIndex,
            DeserializeCause::Body { .. } => Category::MalformedBody,
            DeserializeCause::Resolution { .. } => Category::ResolutionError,
            DeserializeCause::Invalid { .. } => Category::ValidationError,
            DeserializeCause::Value { .. } => Category::TypeMismatch,
        }
    }

    /// Whether the same record may be readable later: the registry is down, or has yet to learn of the schema. A
    /// consumer waits in that case, and sets the record aside in others.
    pub fn may_heal(&self) -> bool {
        match &self.cause {
            DeserializeCause::Registry(source)
            | DeserializeCause::NoSubject(SubjectError::Registry(source)) => may_heal(source),
            _ => false,
        }
    }
}

/// A registry may come back, and a schema may come.
fn may_heal(error: &ClientError) -> bool {
    error.is_retriable() || error.is_not_found()
}

/// `/a/b ` or, for the whole value, nothing.
fn located(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path} ") }
}

/// ` (schema id 7)` or ` (schema guid …)`, or nothing.
fn named(identifier: &Option<Identifier>) -> String {
    match identifier {
        Some(Identifier::Id(id)) => format!(" (schema id {id})"),
        Some(Identifier::Guid(guid)) => format!(" (schema guid {guid})"),
        None => String::new(),
    }
}
