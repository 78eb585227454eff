//! `/schemas/ids/{id}` (registry API spec §4.4, §8.3).

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::entities::SchemaAnswer;
use super::error::ErrorBody;
use super::front::App;
use super::params::{self, Query};
use super::reply::{self, Answer};
use super::versions::add_what_is_asked_for;
use crate::service::ServiceError;

/// A version of a subject.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubjectVersion {
    subject: String,
    version: i32,
}

/// Reads a schema by id, soft-deleted or not.
#[utoipa::path(get, path = "/schemas/ids/{id}", tag = "Schemas",
    params(
        ("id" = i32, Path, description = "The id"),
        ("subject" = Option<String>, Query, description = "The subject or context (`:.ctx:`) in which the id counts"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
        ("referenceFormat" = Option<String>, Query, description = "`qualified` for subjects of references in full"),
        ("findTags" = Option<Vec<String>>, Query, description = "Tell where these inline tags are; `*` for any"),
        ("fetchMaxId" = Option<bool>, Query, description = "Also tell the highest id of the context"),
    ),
    responses((status = 200, description = "The schema, without its id", body = SchemaAnswer), (status = 404, description = "40403", body = ErrorBody)))]
pub(crate) async fn get(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let id = params::schema_id(&id)?;
    let subject = query.text("subject");
    let version = app.service.by_id(id, subject).await?.ok_or(ServiceError::IdNotFound(id))?;
    let mut entity = SchemaAnswer { id: None, ..SchemaAnswer::stored(&version) };
    add_what_is_asked_for(&mut entity, &app, &version, &query).await?;
    if query.flag("fetchMaxId") {
        entity.max_id = app.service.max_id(subject).await?.map(|id| id.0);
    }
    entity.schema = Some(app.service.formatted(&version, query.text("format")).await?);
    reply::json(&entity)
}

/// Reads the bare text of a schema by id.
#[utoipa::path(get, path = "/schemas/ids/{id}/schema", tag = "Schemas",
    params(
        ("id" = i32, Path, description = "The id"),
        ("subject" = Option<String>, Query, description = "The subject or context (`:.ctx:`) in which the id counts"),
        ("format" = Option<String>, Query, description = "Form of the text"),
    ),
    responses((status = 200, description = "The text", body = String), (status = 404, description = "40403", body = ErrorBody)))]
pub(crate) async fn get_schema(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let id = params::schema_id(&id)?;
    let version = app.service.by_id(id, query.text("subject")).await?.ok_or(ServiceError::IdNotFound(id))?;
    reply::text(app.service.formatted(&version, query.text("format")).await?)
}

/// Lists the subjects that use an id.
#[utoipa::path(get, path = "/schemas/ids/{id}/subjects", tag = "Schemas",
    params(
        ("id" = i32, Path, description = "The id"),
        ("subject" = Option<String>, Query, description = "The subject or context (`:.ctx:`) in which the id counts"),
        ("deleted" = Option<bool>, Query, description = "Soft-deleted uses too"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give"),
    ),
    responses((status = 200, description = "Names", body = Vec<String>), (status = 404, description = "40403", body = ErrorBody)))]
pub(crate) async fn subjects(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let (id, page) = (params::schema_id(&id)?, query.page()?);
    let bounds = app.service.options().search.subjects;
    let uses = app.service.uses_of_id(id, query.text("subject"), query.flag("deleted"), page, bounds).await?;
    let names: Vec<String> = uses.iter().map(|used| used.subject.to_string()).collect();
    reply::json(&names)
}

/// Lists the versions that use an id, one per subject.
#[utoipa::path(get, path = "/schemas/ids/{id}/versions", tag = "Schemas",
    params(
        ("id" = i32, Path, description = "The id"),
        ("subject" = Option<String>, Query, description = "The subject or context (`:.ctx:`) in which the id counts"),
        ("deleted" = Option<bool>, Query, description = "Soft-deleted uses too"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give"),
    ),
    responses((status = 200, description = "Versions", body = Vec<SubjectVersion>), (status = 404, description = "40403", body = ErrorBody)))]
pub(crate) async fn versions(State(app): State<App>, Path(id): Path<String>, query: Query) -> Answer {
    let (id, page) = (params::schema_id(&id)?, query.page()?);
    let bounds = app.service.options().search.versions;
    let uses = app.service.uses_of_id(id, query.text("subject"), query.flag("deleted"), page, bounds).await?;
    let versions: Vec<SubjectVersion> = uses
        .iter()
        .map(|used| SubjectVersion { subject: used.subject.to_string(), version: used.version.0 })
        .collect();
    reply::json(&versions)
}
