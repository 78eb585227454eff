//! The one table from domain errors to status, `error_code` and message (registry API spec §1.2 and §2).

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_schema::{ParseError, SchemaType};
use serde::Serialize;
use utoipa::ToSchema;

use super::accept;
use crate::service::ServiceError;
use crate::service::error::{NeededMode, Operation};

/// Why a request is not answered as hoped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service refuses or fails.
    Service(ServiceError),
    /// HTTP itself is in the way.
    Http(HttpFailure),
}

/// Failures that the service never sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HttpFailure {
    /// No such path, or a parameter that does not convert.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// The client accepts none of our media types.
    NotAcceptable,
    /// The body is of a type that is not read.
    UnsupportedMediaType,
    /// The body is not JSON, or JSON of another shape; the parser's words.
    Malformed(String),
    /// The body is empty or `null`; what the reference calls the handler.
    NoBody(&'static str),
    /// The body is announced as longer than allowed.
    BodyTooLarge {
        /// Its size in bytes.
        size: u64,
        /// The bound in bytes.
        limit: usize,
    },
    /// The body turned out to be longer than allowed.
    ChunkedBodyTooLarge {
        /// The bound in bytes.
        limit: usize,
    },
    /// The body did not arrive in time.
    BodyTooSlow,
    /// A context name in the path has an inner colon.
    InvalidContext(String),
    /// Too many requests are under way.
    Overloaded,
    /// The request took too long.
    TimedOut,
    /// Something went wrong that should not have.
    Internal,
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<HttpFailure> for Failure {
    fn from(failure: HttpFailure) -> Self {
        Self::Http(failure)
    }
}

/// Left with an answer by a failure of ours, to be logged where the request is known.
#[derive(Clone, Debug)]
pub(crate) struct Failed(pub(crate) Arc<ServiceError>);

/// The body of every error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// The status, or one of the registry's own codes, whose first three digits are the status.
    #[schema(example = 40401)]
    pub(crate) error_code: i32,
    /// What went wrong, for people.
    #[schema(example = "Subject 'orders-value' not found.")]
    pub(crate) message: String,
}

const INTERNAL: &str = "Internal Server Error";

/// The row of the table for a service error: status, code, message.
pub(crate) fn row(error: &ServiceError) -> (u16, i32, String) {
    use ServiceError as E;
    let invalid = |details: String| (422, 42201, details);
    let refused = |text: String| (422, 42205, text);
    match error {
        E::SubjectNotFound(subject) => (404, 40401, format!("Subject '{subject}' not found.")),
        E::VersionNotFound(version) => (404, 40402, format!("Version {version} not found.")),
        E::SchemaNotFound => (404, 40403, "Schema not found".to_owned()),
        E::IdNotFound(id) => (404, 40403, format!("Schema {id} not found")),
        E::GuidNotFound(guid) => (404, 40403, format!("Schema {guid} not found")),
        E::SubjectSoftDeleted(subject) => {
            let text = "was soft deleted.Set permanent=true to delete permanently";
            (404, 40404, format!("Subject '{subject}' {text}"))
        }
        E::SubjectNotSoftDeleted(subject) => {
            let text = "was not deleted first before being permanently deleted";
            (404, 40405, format!("Subject '{subject}' {text}"))
        }
        E::VersionSoftDeleted(subject, version) => {
            let text = "was soft deleted.Set permanent=true to delete permanently";
            (404, 40406, format!("Subject '{subject}' Version {version} {text}"))
        }
        E::VersionNotSoftDeleted(subject, version) => {
            let text = "was not deleted first before being permanently deleted";
            (404, 40407, format!("Subject '{subject}' Version {version} {text}"))
        }
        E::NoConfig(subject) => {
            let text = "does not have subject-level compatibility configured";
            (404, 40408, format!("Subject '{subject}' {text}"))
        }
        E::NoMode(subject) => {
            (404, 40409, format!("Subject '{subject}' does not have subject-level mode configured"))
        }
        E::Incompatible { subject, messages } => {
            let text = "Schema being registered is incompatible with an earlier schema for subject";
            (409, 40901, format!("{text} \"{subject}\", details: [{}]", messages.join(", ")))
        }
        E::InvalidSchemaType(name) => invalid(format!("Invalid schema type {name}")),
        E::InvalidSchema { schema_type, source } => {
            invalid(invalid_schema(*schema_type, &parse_text(source)))
        }
        E::NotNormalizable { subject, source } => {
            invalid(format!("Invalid schema {{subject={subject}}}, details: {}", parse_text(source)))
        }
        E::InvalidReference { schema_type, reference } => {
            invalid(invalid_schema(*schema_type, &format!("Invalid reference: {reference}")))
        }
        E::ReferenceNotFound { schema_type, subject, version } => {
            let text = format!("No schema reference found for subject \"{subject}\" and version {version}");
            invalid(invalid_schema(*schema_type, &text))
        }
        E::EmptySchema => invalid("Empty schema".to_owned()),
        E::InvalidTags(text) => invalid(text.clone()),
        E::UnsupportedFormat(format) => invalid(format!("Format {format} is not supported")),
        E::VersionNotNext => invalid("Version is not one more than previous version".to_owned()),
        E::InvalidVersion(text) => {
            let allowed = "Allowed values are between [1, 2^31-1] and the string \"latest\"";
            (422, 42202, format!("The specified version '{text}' is not a valid version id. {allowed}"))
        }
        E::InvalidLevel => {
            let levels =
                "none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive";
            (422, 42203, format!("Invalid compatibility level. Valid values are {levels}"))
        }
        E::InvalidMode => {
            let text = "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.";
            (422, 42204, text.to_owned())
        }
        E::ForwardNotGlobal => (422, 42204, "Forward mode only supported on global level".to_owned()),
        E::ModeImmutable => refused("Mode changes are not allowed".to_owned()),
        E::ModeForbids { subject, needed } => {
            let (context, state) = (subject.context().prefix(), mode_state(*needed));
            refused(format!("Subject {subject} in context {context} is {state}"))
        }
        E::IdTaken { id, context } => {
            let context = context.prefix();
            refused(format!("Overwrite new schema with id {id} in context {context} is not permitted."))
        }
        E::SubjectsExist => refused("Cannot import since found existing subjects".to_owned()),
        E::Referenced(subject, version) => {
            let key = format!("{{magic=1,keytype=SCHEMA,subject={subject},version={version}}}");
            (422, 42206, format!("One or more references exist to the schema {key}."))
        }
        E::InvalidSubject(subject) => {
            (422, 42208, format!("The specified subject '{subject}' is not a valid."))
        }
        E::SchemaTooLarge => (422, 42209, "Register operation failed because schema is too large".to_owned()),
        E::InvalidRuleSet(text) => (422, 42210, text.clone()),
        E::ContextNotEmpty(context) => {
            (422, 42211, format!("The specified context ':{context}:' is not empty."))
        }
        E::AssociationNotFound(id) => (404, 40410, format!("Association for '{id}' not found.")),
        E::IncompatibleAssociation(messages) => (409, 40901, format!("[{}]", messages.join(", "))),
        E::AssociationExists { association_type, resource } => {
            let text = format!("An association of type '{association_type}' already exists for resource");
            (409, 40903, format!("{text} '{resource}'"))
        }
        E::SubjectAssociated(subject) | E::LastVersionAssociated(subject) => {
            (409, 40904, format!("An association already exists for subject '{subject}'"))
        }
        E::StronglyAssociated(subject) => {
            (409, 40905, format!("A strong association already exists for subject '{subject}'"))
        }
        E::NoActiveVersion(subject) => {
            (409, 40907, format!("No active (non-deleted) version exists for subject '{subject}'"))
        }
        E::AssociationFrozen { association_type, subject } => {
            let text = format!("The association of type  '{association_type}' is frozen for subject");
            (409, 40908, format!("{text} '{subject}'"))
        }
        E::SubjectReferenced(subject) => {
            (422, 42206, format!("One or more references exist to the schema {subject}."))
        }
        E::ReferenceToAssociated(subject) => {
            let text = "has a strong association and cannot be referenced";
            refused(format!("Subject '{subject}' {text}"))
        }
        E::ModeForbidsAssociation { subject, needed } => {
            let (name, context) = (subject.name(), subject.context());
            refused(format!("Subject {name} in context {context} is {}", mode_state(*needed)))
        }
        E::InvalidAssociation { property, detail } => {
            let text = "The association specified an invalid value for property";
            (422, 42212, format!("{text}: '{property}', detail: {detail}"))
        }
        E::NegativeOffset => (400, 400, "offset must not be negative".to_owned()),
        E::NotShowable { .. } => (500, 500, error.to_string()),
        E::AmbiguousResource => (500, 500, "Several resources are meant".to_owned()),
        E::Store { operation, .. } => store_failure(*operation),
    }
}

fn mode_state(needed: NeededMode) -> &'static str {
    match needed {
        NeededMode::Writable => "in read-only mode",
        NeededMode::Import => "not in import mode",
        NeededMode::ReadWrite => "not in read-write mode",
    }
}

fn invalid_schema(schema_type: SchemaType, details: &str) -> String {
    format!("Invalid schema of type {schema_type}, details: {details}")
}

fn parse_text(source: &ParseError) -> String {
    source.to_string()
}

fn store_failure(operation: Operation) -> (u16, i32, String) {
    let store = |text: &str| (500, 50001, text.to_owned());
    let internal = |text: &str| (500, 500, text.to_owned());
    match operation {
        Operation::Read => store("Error while reading from the schema store"),
        Operation::Register | Operation::Associate => store("Error while registering schema"),
        Operation::DeleteVersion => store("Error while deleting Schema Version"),
        Operation::PutConfig => store("Failed to update compatibility level"),
        Operation::DeleteConfig => store("Failed to delete compatibility level"),
        Operation::PutMode => store("Failed to update mode"),
        Operation::DeleteMode => store("Failed to delete mode"),
        Operation::Compatibility => store("Error while checking compatibility"),
        Operation::LookUp => internal("Error while looking up schema"),
        Operation::DeleteSubject => internal("Error while deleting the subject"),
        Operation::DeleteContext => internal("Error while deleting context"),
    }
}

/// The row for a failure of HTTP itself.
pub(crate) fn http_row(failure: &HttpFailure) -> (u16, i32, String) {
    use HttpFailure as F;
    let generic = |status: u16, text: &str| (status, i32::from(status), format!("HTTP {status} {text}"));
    match failure {
        F::NotFound => generic(404, "Not Found"),
        F::MethodNotAllowed => generic(405, "Method Not Allowed"),
        F::NotAcceptable => generic(406, "Not Acceptable"),
        F::BodyTooSlow => generic(408, "Request Timeout"),
        F::UnsupportedMediaType => generic(415, "Unsupported Media Type"),
        F::Malformed(text) => (400, 400, text.clone()),
        F::NoBody(operation) => (422, 422, format!("{operation}.request must not be null (was null)")),
        F::BodyTooLarge { size, limit } => (413, 413, format!("Request body is too large: {size}>{limit}")),
        F::ChunkedBodyTooLarge { limit } => {
            (400, 400, format!("413: Request body is too large: more than {limit}"))
        }
        F::InvalidContext(name) => (400, 400, format!("Context name '{name}' cannot contain a colon")),
        F::Overloaded => (503, 503, "Too many requests, try again later".to_owned()),
        F::TimedOut => (504, 504, "Request timed out".to_owned()),
        F::Internal => (500, 500, INTERNAL.to_owned()),
    }
}

impl IntoResponse for Failure {
    /// The answer, without its media type where the router adds the negotiated one.
    fn into_response(self) -> Response {
        match self {
            Self::Http(failure) => failure.into_response(),
            Self::Service(error) => {
                let (status, code, message) = row(&error);
                let mut response = answer(status, code, message);
                if matches!(error, ServiceError::Store { .. }) {
                    response.extensions_mut().insert(Failed(Arc::new(error)));
                }
                response
            }
        }
    }
}

impl IntoResponse for HttpFailure {
    fn into_response(self) -> Response {
        let (status, code, message) = http_row(&self);
        let mut response = answer(status, code, message);
        if matches!(self, Self::BodyTooLarge { .. } | Self::ChunkedBodyTooLarge { .. } | Self::BodyTooSlow) {
            // The rest of the body is not read, so nothing can follow it.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if matches!(self, Self::Overloaded) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if matches!(self, Self::BodyTooLarge { .. } | Self::Overloaded | Self::TimedOut) {
            let json = HeaderValue::from_static(accept::JSON);
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        response
    }
}

fn answer(status: u16, error_code: i32, message: String) -> Response {
    let body = serde_json::to_vec(&ErrorBody { error_code, message }).unwrap_or_default();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::body::Body::from(body)).into_response()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use muster_schema::{Context, SchemaId, Subject, Version};

    use super::*;
    use crate::service::PartialReference;
    use crate::store::{AssociationType, StoreError};

    /// One of each. The match makes a new variant fail to compile until it is added here.
    fn every_error() -> Vec<ServiceError> {
        use ServiceError as E;
        let subject = || Subject::parse("orders-value");
        let named = || Subject::parse(":.ctx:orders-value");
        let parse = || ParseError::Invalid("unexpected end".to_owned());
        let mut errors = vec![
            E::SubjectNotFound(named()),
            E::VersionNotFound(Version(-1)),
            E::SchemaNotFound,
            E::IdNotFound(SchemaId(7)),
            E::GuidNotFound("nope".into()),
            E::SubjectSoftDeleted(subject()),
            E::SubjectNotSoftDeleted(subject()),
            E::VersionSoftDeleted(subject(), Version(2)),
            E::VersionNotSoftDeleted(subject(), Version(2)),
            E::NoConfig(subject()),
            E::NoMode(subject()),
            E::Incompatible { subject: "orders-value".into(), messages: vec!["a".into(), "b".into()] },
            E::InvalidSchemaType("avro".into()),
            E::NotShowable { format: "serialized".into(), source: parse() },
            E::InvalidSchema { schema_type: SchemaType::Avro, source: parse() },
            E::InvalidSchema {
                schema_type: SchemaType::Json,
                source: ParseError::Unsupported(SchemaType::Json),
            },
            E::NotNormalizable { subject: subject(), source: parse() },
            E::InvalidReference {
                schema_type: SchemaType::Avro,
                reference: PartialReference { name: Some("n".into()), ..PartialReference::default() },
            },
            E::ReferenceNotFound { schema_type: SchemaType::Avro, subject: "s".into(), version: Version(3) },
            E::EmptySchema,
            E::InvalidTags("No matching path 'a.b' found in the schema".into()),
            E::UnsupportedFormat("logical".into()),
            E::VersionNotNext,
            E::InvalidVersion("x".into()),
            E::InvalidLevel,
            E::InvalidMode,
            E::ForwardNotGlobal,
            E::ModeImmutable,
            E::IdTaken { id: SchemaId(7), context: Context::default_context() },
            E::IdTaken { id: SchemaId(7), context: Context::parse("ctx").unwrap() },
            E::SubjectsExist,
            E::Referenced(named(), Version(1)),
            E::InvalidSubject("__GLOBAL".into()),
            E::SchemaTooLarge,
            E::InvalidRuleSet("Empty rule name".into()),
            E::ContextNotEmpty(Context::parse("ctx").unwrap()),
            E::NegativeOffset,
            E::AssociationNotFound("lkc-1:orders".into()),
            E::AssociationExists { association_type: AssociationType::Key, resource: "orders".into() },
            E::SubjectAssociated(subject()),
            E::StronglyAssociated(named()),
            E::LastVersionAssociated(subject()),
            E::NoActiveVersion(subject()),
            E::AssociationFrozen { association_type: AssociationType::Value, subject: named() },
            E::IncompatibleAssociation(vec!["a".into(), "b".into()]),
            E::SubjectReferenced(named()),
            E::ReferenceToAssociated(named()),
            E::ModeForbidsAssociation { subject: named(), needed: NeededMode::Writable },
            E::InvalidAssociation { property: "subject", detail: "must not be empty".into() },
            E::AmbiguousResource,
        ];
        for needed in [NeededMode::Writable, NeededMode::Import, NeededMode::ReadWrite] {
            errors.push(E::ModeForbids {
                subject: if needed == NeededMode::Import { named() } else { subject() },
                needed,
            });
        }
        errors.extend(Operation::ALL.map(|operation| E::Store { operation, source: StoreError::Closed }));
        for error in &errors {
            match error {
                E::SubjectNotFound(_)
                | E::VersionNotFound(_)
                | E::SchemaNotFound
                | E::IdNotFound(_)
                | E::GuidNotFound(_)
                | E::SubjectSoftDeleted(_)
                | E::SubjectNotSoftDeleted(_)
                | E::VersionSoftDeleted(..)
                | E::VersionNotSoftDeleted(..)
                | E::NoConfig(_)
                | E::NoMode(_)
                | E::Incompatible { .. }
                | E::InvalidSchemaType(_)
                | E::NotShowable { .. }
                | E::InvalidSchema { .. }
                | E::NotNormalizable { .. }
                | E::InvalidReference { .. }
                | E::ReferenceNotFound { .. }
                | E::EmptySchema
                | E::InvalidTags(_)
                | E::UnsupportedFormat(_)
                | E::VersionNotNext
                | E::InvalidVersion(_)
                | E::InvalidLevel
                | E::InvalidMode
                | E::ForwardNotGlobal
                | E::ModeImmutable
                | E::ModeForbids { .. }
                | E::IdTaken { .. }
                | E::SubjectsExist
                | E::Referenced(..)
                | E::InvalidSubject(_)
                | E::SchemaTooLarge
                | E::InvalidRuleSet(_)
                | E::ContextNotEmpty(_)
                | E::NegativeOffset
                | E::AssociationNotFound(_)
                | E::AssociationExists { .. }
                | E::SubjectAssociated(_)
                | E::StronglyAssociated(_)
                | E::LastVersionAssociated(_)
                | E::NoActiveVersion(_)
                | E::AssociationFrozen { .. }
                | E::IncompatibleAssociation(_)
                | E::SubjectReferenced(_)
                | E::ReferenceToAssociated(_)
                | E::ModeForbidsAssociation { .. }
                | E::InvalidAssociation { .. }
                | E::AmbiguousResource
                | E::Store { .. } => {}
            }
        }
        errors
    }

    fn every_http_failure() -> Vec<HttpFailure> {
        use HttpFailure as F;
        let failures = vec![
            F::NotFound,
            F::MethodNotAllowed,
            F::NotAcceptable,
            F::UnsupportedMediaType,
            F::Malformed("expected value".into()),
            F::NoBody("register"),
            F::BodyTooLarge { size: 20, limit: 10 },
            F::ChunkedBodyTooLarge { limit: 10 },
            F::BodyTooSlow,
            F::InvalidContext(".a:b".into()),
            F::Overloaded,
            F::TimedOut,
            F::Internal,
        ];
        for failure in &failures {
            match failure {
                F::NotFound
                | F::MethodNotAllowed
                | F::NotAcceptable
                | F::UnsupportedMediaType
                | F::Malformed(_)
                | F::NoBody(_)
                | F::BodyTooLarge { .. }
                | F::ChunkedBodyTooLarge { .. }
                | F::BodyTooSlow
                | F::InvalidContext(_)
                | F::Overloaded
                | F::TimedOut
                | F::Internal => {}
            }
        }
        failures
    }

    #[test]
    fn the_table_is_as_agreed() {
        let mut table = String::new();
        for error in every_error() {
            let (status, code, message) = row(&error);
            let name = format!("{error:?}");
            let name = name.split(['(', ' ', '{']).next().unwrap_or_default();
            writeln!(table, "{status} {code:<5} {name}: {message}").unwrap();
        }
        for failure in every_http_failure() {
            let (status, code, message) = http_row(&failure);
            let name = format!("{failure:?}");
            let name = name.split(['(', ' ', '{']).next().unwrap_or_default();
            writeln!(table, "{status} {code:<5} http {name}: {message}").unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn the_first_three_digits_of_a_code_are_the_status() {
        for error in every_error() {
            let (status, code, _) = row(&error);
            assert!(code == i32::from(status) || code / 100 == i32::from(status), "{error:?}");
        }
    }
}
