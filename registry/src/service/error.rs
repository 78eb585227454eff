//! Why an operation did not happen.

use std::fmt;

use muster_schema::{Context, ParseError, SchemaId, SchemaReference, SchemaType, Subject, Version};

use crate::store::{AssociationType, Refusal, StoreError};

/// Why the service refuses or fails. Each variant is one row of the table in `http/error.rs`; it carries the
/// values that the answer names.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The subject has no version that counts here.
    #[error("subject {0} not found")]
    SubjectNotFound(Subject),
    /// The subject has no such version; -1 stands for the latest.
    #[error("version {0} not found")]
    VersionNotFound(Version),
    /// No version of the subject has this content, or no schema this id.
    #[error("schema not found")]
    SchemaNotFound,
    /// The context knows no such id.
    #[error("schema id {0} not found")]
    IdNotFound(SchemaId),
    /// No context knows such content; the text is what the client sent.
    #[error("schema guid {0:?} not found")]
    GuidNotFound(String),
    /// All versions of the subject are soft-deleted already.
    #[error("subject {0} is soft-deleted")]
    SubjectSoftDeleted(Subject),
    /// A version of the subject is live, so the subject cannot be deleted permanently.
    #[error("subject {0} is not soft-deleted")]
    SubjectNotSoftDeleted(Subject),
    /// The version is soft-deleted already.
    #[error("version {1} of subject {0} is soft-deleted")]
    VersionSoftDeleted(Subject, Version),
    /// The version is live, so it cannot be deleted permanently.
    #[error("version {1} of subject {0} is not soft-deleted")]
    VersionNotSoftDeleted(Subject, Version),
    /// Nothing is configured for exactly this subject.
    #[error("subject {0} has no config of its own")]
    NoConfig(Subject),
    /// No mode is set for exactly this subject.
    #[error("subject {0} has no mode of its own")]
    NoMode(Subject),
    /// The schema breaks the compatibility rules of its subject.
    #[error("schema is incompatible with an earlier one of subject {subject}")]
    Incompatible {
        /// The subject, as the answer names it.
        subject: String,
        /// Everything that is wrong, in the reference's words.
        messages: Vec<String>,
    },
    /// The name of a schema language that nobody knows.
    #[error("unknown schema type {0:?}")]
    InvalidSchemaType(String),
    /// A stored schema cannot be shown in a format.
    #[error("cannot show the schema as {format}: {source}")]
    NotShowable {
        /// The format asked for.
        format: String,
        /// Why not.
        source: ParseError,
    },
    /// The text or its references cannot be parsed.
    #[error("schema of type {schema_type} does not parse")]
    InvalidSchema {
        /// The schema language.
        schema_type: SchemaType,
        /// Why.
        source: ParseError,
    },
    /// The schema parses but cannot be normalized.
    #[error("schema of subject {subject} cannot be normalized")]
    NotNormalizable {
        /// The subject.
        subject: Subject,
        /// Why.
        source: ParseError,
    },
    /// A reference lacks a member.
    #[error("reference without name, subject or version")]
    InvalidReference {
        /// The schema language.
        schema_type: SchemaType,
        /// What was sent.
        reference: PartialReference,
    },
    /// A reference points to nothing.
    #[error("reference to missing version {version} of subject {subject}")]
    ReferenceNotFound {
        /// The schema language of the referring schema.
        schema_type: SchemaType,
        /// The subject as the reference names it.
        subject: String,
        /// The version, -1 for the latest.
        version: Version,
    },
    /// No schema text was given and there is no earlier version to take it from.
    #[error("empty schema")]
    EmptySchema,
    /// Tags were to be changed where the schema has no such place.
    #[error("{0}")]
    InvalidTags(String),
    /// The request asks for a conversion that this server does not have.
    #[error("format {0:?} is not supported")]
    UnsupportedFormat(String),
    /// The version asked for is not the next one.
    #[error("version is not one more than the previous version")]
    VersionNotNext,
    /// The path segment names no version.
    #[error("{0:?} is not a version")]
    InvalidVersion(String),
    /// The text names no compatibility level.
    #[error("unknown compatibility level")]
    InvalidLevel,
    /// The text names no mode.
    #[error("unknown mode")]
    InvalidMode,
    /// FORWARD is for everything at once only.
    #[error("mode FORWARD outside the global level")]
    ForwardNotGlobal,
    /// Modes are frozen by configuration.
    #[error("modes cannot be changed")]
    ModeImmutable,
    /// The mode in scope does not allow the operation.
    #[error("subject {subject} is not in {needed} mode")]
    ModeForbids {
        /// The subject or context.
        subject: Subject,
        /// What was needed.
        needed: NeededMode,
    },
    /// The id asked for belongs to other content.
    #[error("schema id {id} is taken in context {context}")]
    IdTaken {
        /// The id.
        id: SchemaId,
        /// The context.
        context: Context,
    },
    /// Live versions stand in the way of IMPORT mode.
    #[error("subjects exist")]
    SubjectsExist,
    /// Another schema references this version.
    #[error("version {1} of subject {0} is referenced")]
    Referenced(Subject, Version),
    /// The subject may not be written under this name.
    #[error("subject {0:?} is not valid")]
    InvalidSubject(String),
    /// The canonical text is longer than the store takes.
    #[error("schema is too large")]
    SchemaTooLarge,
    /// A rule set breaks the rules for rule sets.
    #[error("invalid rule set: {0}")]
    InvalidRuleSet(String),
    /// The context still has versions.
    #[error("context {0} is not empty")]
    ContextNotEmpty(Context),
    /// A negative offset.
    #[error("negative offset")]
    NegativeOffset,
    /// The resource has no such association.
    #[error("association of resource {0:?} not found")]
    AssociationNotFound(String),
    /// The resource has another association of this type.
    #[error("resource {resource:?} has an association of type {association_type}")]
    AssociationExists {
        /// The type.
        association_type: AssociationType,
        /// The resource's name.
        resource: String,
    },
    /// The subject is associated, so that it can neither go nor belong to one resource alone.
    #[error("subject {0} is associated")]
    SubjectAssociated(Subject),
    /// The subject belongs to one resource alone.
    #[error("subject {0} is strongly associated")]
    StronglyAssociated(Subject),
    /// The last live version of an associated subject was to be deleted.
    #[error("the last version of subject {0} is associated")]
    LastVersionAssociated(Subject),
    /// A subject without live versions was to be associated.
    #[error("subject {0} has no live version")]
    NoActiveVersion(Subject),
    /// The association is there to stay as it is.
    #[error("the association of type {association_type} is frozen for subject {subject}")]
    AssociationFrozen {
        /// The type.
        association_type: AssociationType,
        /// The subject.
        subject: Subject,
    },
    /// The schema of an association breaks the compatibility rules of its subject.
    #[error("schema is incompatible with an earlier one")]
    IncompatibleAssociation(Vec<String>),
    /// The subject is referenced, so that it cannot belong to one resource alone.
    #[error("subject {0} is referenced")]
    SubjectReferenced(Subject),
    /// A subject that belongs to one resource alone was to be referenced.
    #[error("subject {0} is strongly associated and cannot be referenced")]
    ReferenceToAssociated(Subject),
    /// The mode in scope does not allow associations to change.
    #[error("subject {subject} is not in {needed} mode")]
    ModeForbidsAssociation {
        /// The subject.
        subject: Subject,
        /// What was needed.
        needed: NeededMode,
    },
    /// A request to associate breaks a rule.
    #[error("invalid {property}: {detail}")]
    InvalidAssociation {
        /// The member.
        property: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// What identifies a resource stands for several.
    #[error("several resources are meant")]
    AmbiguousResource,
    /// The store failed.
    #[error("{operation} failed")]
    Store {
        /// What was being done.
        operation: Operation,
        /// Why.
        source: StoreError,
    },
}

/// A reference as sent, members possibly missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialReference {
    /// What the referring text calls it.
    pub name: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The version.
    pub version: Option<i32>,
}

/// The mode that an operation needs and does not find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeededMode {
    /// Anything but a read-only one.
    Writable,
    /// One that takes ids from the client.
    Import,
    /// The one that gives out ids.
    ReadWrite,
}

/// What the service was doing when the store failed; decides the answer's code and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reading anything.
    Read,
    /// Looking content up under a subject.
    LookUp,
    /// Registering.
    Register,
    /// Deleting a version.
    DeleteVersion,
    /// Deleting a subject.
    DeleteSubject,
    /// Deleting a context.
    DeleteContext,
    /// Changing a config.
    PutConfig,
    /// Deleting a config.
    DeleteConfig,
    /// Changing a mode.
    PutMode,
    /// Deleting a mode.
    DeleteMode,
    /// Checking compatibility.
    Compatibility,
    /// Changing associations.
    Associate,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 12] = [
        Self::Read,
        Self::LookUp,
        Self::Register,
        Self::DeleteVersion,
        Self::DeleteSubject,
        Self::DeleteContext,
        Self::PutConfig,
        Self::DeleteConfig,
        Self::PutMode,
        Self::DeleteMode,
        Self::Compatibility,
        Self::Associate,
    ];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "reading",
            Self::LookUp => "looking up a schema",
            Self::Register => "registering a schema",
            Self::DeleteVersion => "deleting a version",
            Self::DeleteSubject => "deleting a subject",
            Self::DeleteContext => "deleting a context",
            Self::PutConfig => "changing a config",
            Self::DeleteConfig => "deleting a config",
            Self::PutMode => "changing a mode",
            Self::DeleteMode => "deleting a mode",
            Self::Compatibility => "checking compatibility",
            Self::Associate => "changing associations",
        })
    }
}

impl fmt::Display for NeededMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writable => "a writable",
            Self::Import => "import",
            Self::ReadWrite => "read-write",
        })
    }
}

impl From<&SchemaReference> for PartialReference {
    fn from(reference: &SchemaReference) -> Self {
        Self {
            name: Some(reference.name.clone()),
            subject: Some(reference.subject.clone()),
            version: Some(reference.version.0),
        }
    }
}

impl fmt::Display for PartialReference {
    /// As the reference prints it: `{name='n', subject='s', version=1}`, `null` where a member is missing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |member: &Option<String>| member.clone().unwrap_or_else(|| "null".to_owned());
        write!(f, "{{name='{}', subject='{}', version=", text(&self.name), text(&self.subject))?;
        match self.version {
            Some(version) => write!(f, "{version}}}"),
            None => f.write_str("null}"),
        }
    }
}

/// The answer of a store call, with what was being done should it have failed.
pub(super) trait During<T> {
    /// Names the operation; refusals become the errors they stand for.
    fn during(self, operation: Operation) -> Result<T, ServiceError>;
}

impl<T> During<T> for Result<T, StoreError> {
    fn during(self, operation: Operation) -> Result<T, ServiceError> {
        self.map_err(|source| match source {
            StoreError::Refused(Refusal::VersionNotNext) => ServiceError::VersionNotNext,
            StoreError::Refused(Refusal::Referenced(subject, version)) => {
                ServiceError::Referenced(subject, version)
            }
            StoreError::Refused(Refusal::SubjectsExist) => ServiceError::SubjectsExist,
            StoreError::Refused(Refusal::ContextNotEmpty(context)) => ServiceError::ContextNotEmpty(context),
            StoreError::Refused(Refusal::Associated(subject)) => ServiceError::SubjectAssociated(subject),
            StoreError::Refused(Refusal::SubjectReferenced(subject)) => {
                ServiceError::SubjectReferenced(subject)
            }
            source => ServiceError::Store { operation, source },
        })
    }
}

/// A failure of the store on the way, told as one of the whole `operation`.
pub(super) fn as_part_of(operation: Operation) -> impl Fn(ServiceError) -> ServiceError {
    move |error| match error {
        ServiceError::Store { source, .. } => ServiceError::Store { operation, source },
        error => error,
    }
}

/// Whether the decision has to be made again.
pub(super) fn is_stale(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused(Refusal::Stale))
}
