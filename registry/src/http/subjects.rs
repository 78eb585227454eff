//! `/subjects` (registry API spec §4.2).

use axum::extract::{Path, State};

use super::body::Json;
use super::entities::SchemaAnswer;
use super::error::ErrorBody;
use super::front::App;
use super::params::{self, Query};
use super::reply::{self, Answer};
use super::requests::SchemaRequest;

/// Lists subjects.
///
/// Names are qualified and sorted. A subject counts as deleted if all its versions are.
#[utoipa::path(get, path = "/subjects", tag = "Subjects",
    params(
        ("subjectPrefix" = Option<String>, Query, description = "Prefix of the qualified name; `:*:` (default) for all contexts"),
        ("deleted" = Option<bool>, Query, description = "Soft-deleted ones too"),
        ("deletedOnly" = Option<bool>, Query, description = "Only soft-deleted ones"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give"),
    ),
    responses((status = 200, description = "Names", body = Vec<String>), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn list(State(app): State<App>, query: Query) -> Answer {
    let prefix = query.given("subjectPrefix").unwrap_or(":*:");
    let (deleted, deleted_only) = (query.flag("deleted"), query.flag("deletedOnly"));
    reply::json(&app.service.subjects(prefix, deleted, deleted_only, query.page()?).await?)
}

/// Looks a schema up under a subject.
///
/// An unqualified subject is tried in the default context, then in the others.
#[utoipa::path(post, path = "/subjects/{subject}", tag = "Subjects",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("normalize" = Option<bool>, Query, description = "Normalize the schema first"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
        ("deleted" = Option<bool>, Query, description = "Find soft-deleted versions too"),
    ),
    request_body = SchemaRequest,
    responses(
        (status = 200, description = "The version", body = SchemaAnswer),
        (status = 404, description = "40401, 40403", body = ErrorBody),
        (status = 422, description = "42201", body = ErrorBody),
    ))]
pub(crate) async fn look_up(
    State(app): State<App>,
    Path(subject): Path<String>,
    query: Query,
    body: Json<SchemaRequest>,
) -> Answer {
    let draft = body.required("lookUpSchemaUnderSubject")?.draft();
    let (normalize, deleted) = (query.flag("normalize"), query.flag("deleted"));
    let found = app.service.look_up(&params::subject(&subject), &draft, normalize, deleted).await?;
    let mut entity = SchemaAnswer::found(&found);
    entity.schema = Some(app.service.formatted(&found.schema, query.text("format")).await?);
    reply::json(&entity)
}

/// Finds the latest version with these metadata properties.
#[utoipa::path(get, path = "/subjects/{subject}/metadata", tag = "Subjects",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("key" = Option<Vec<String>>, Query, description = "Names of properties"),
        ("value" = Option<Vec<String>>, Query, description = "Their values, in the same order"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
        ("deleted" = Option<bool>, Query, description = "Find soft-deleted versions too"),
    ),
    responses(
        (status = 200, description = "The version", body = SchemaAnswer),
        (status = 404, description = "40401, 40403", body = ErrorBody),
    ))]
pub(crate) async fn by_metadata(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    let pairs: Vec<(String, String)> = query.all("key").into_iter().zip(query.all("value")).collect();
    let subject = params::subject(&subject);
    let version = app.service.version_by_metadata(&subject, &pairs, query.flag("deleted")).await?;
    let mut entity = SchemaAnswer::stored(&version);
    entity.schema = Some(app.service.formatted(&version, query.text("format")).await?);
    reply::json(&entity)
}

/// Deletes all versions of a subject, softly or (once they are soft-deleted) permanently.
#[utoipa::path(delete, path = "/subjects/{subject}", tag = "Subjects",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("permanent" = Option<bool>, Query, description = "Permanently"),
    ),
    responses(
        (status = 200, description = "The versions deleted", body = Vec<i32>),
        (status = 404, description = "40401, 40404, 40405", body = ErrorBody),
        (status = 422, description = "42205, 42206", body = ErrorBody),
    ))]
pub(crate) async fn delete(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    let subject = params::subject(&subject);
    reply::json(&app.service.delete_subject(&subject, query.flag("permanent")).await?)
}
