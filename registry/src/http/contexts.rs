//! `/contexts` (registry API spec §4.8). Every other path may also stand under `/contexts/{context}`.

use axum::extract::{Path, State};
use muster_schema::Context;

use super::error::{ErrorBody, HttpFailure};
use super::front::App;
use super::params::Query;
use super::reply::{self, Answer};

/// Lists contexts: the default one, then those in which a schema was registered.
#[utoipa::path(get, path = "/contexts", tag = "Contexts",
    params(
        ("contextPrefix" = Option<String>, Query, description = "Prefix of the name, leading dot included"),
        ("offset" = Option<i32>, Query, description = "How many to leave out"),
        ("limit" = Option<i32>, Query, description = "How many to give"),
    ),
    responses((status = 200, description = "Names", body = Vec<String>), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn list(State(app): State<App>, query: Query) -> Answer {
    reply::json(&app.service.contexts(query.text("contextPrefix"), query.page()?).await?)
}

/// Forgets a context without versions. An unknown one is no error.
#[utoipa::path(delete, path = "/contexts/{context}", tag = "Contexts",
    params(("context" = String, Path, description = "The name")),
    responses((status = 204, description = "Done"), (status = 422, description = "42211", body = ErrorBody)))]
pub(crate) async fn delete(State(app): State<App>, Path(context): Path<String>) -> Answer {
    let context = Context::parse(&context).map_err(|invalid| HttpFailure::InvalidContext(invalid.0))?;
    app.service.delete_context(&context).await?;
    reply::nothing()
}
