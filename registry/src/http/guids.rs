//! `/schemas/guids/{guid}` (registry API spec §4.4, §8.5).

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::entities::SchemaAnswer;
use super::error::ErrorBody;
use super::front::App;
use super::params::Query;
use super::reply::{self, Answer};

/// An id in a context.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContextId {
    /// The context; `.` for the default one.
    context: String,
    /// The id.
    id: i32,
}

/// Reads a schema by the hash of its content.
#[utoipa::path(get, path = "/schemas/guids/{guid}", tag = "Schemas",
    params(
        ("guid" = String, Path, description = "UUID text or 32 hexadecimal digits"),
        ("format" = Option<String>, Query, description = "Form of the text in the answer"),
    ),
    responses((status = 200, description = "The schema, without subject and version", body = SchemaAnswer), (status = 404, description = "40403", body = ErrorBody)))]
pub(crate) async fn get(State(app): State<App>, Path(guid): Path<String>, query: Query) -> Answer {
    let version = app.service.by_guid(&guid).await?;
    let stored = SchemaAnswer::stored(&version);
    let schema = app.service.formatted(&version, query.text("format")).await?;
    reply::json(&SchemaAnswer { id: None, subject: None, version: None, schema: Some(schema), ..stored })
}

/// Tells where some content was registered.
#[utoipa::path(get, path = "/schemas/guids/{guid}/ids", tag = "Schemas",
    params(("guid" = String, Path, description = "UUID text or 32 hexadecimal digits")),
    responses((status = 200, description = "Contexts and ids", body = Vec<ContextId>)))]
pub(crate) async fn ids(State(app): State<App>, Path(guid): Path<String>) -> Answer {
    let places = app.service.ids_of_guid(&guid).await?;
    let ids: Vec<ContextId> = places
        .into_iter()
        .map(|place| ContextId { context: place.context.to_string(), id: place.id.0 })
        .collect();
    reply::json(&ids)
}
