//! `/associations`, read side: there are none in this release (registry API spec §4.9).

use serde::Serialize;
use utoipa::ToSchema;

use super::params::Query;
use super::reply::{self, Answer};

/// An association of a subject with a resource.
#[derive(Serialize, ToSchema)]
pub(crate) struct Association {
    subject: String,
}

/// Lists the associations of a subject.
#[utoipa::path(get, path = "/associations/subjects/{subject}", tag = "Associations",
    params(("subject" = String, Path, description = "The subject")),
    responses((status = 200, description = "Always empty", body = Vec<Association>)))]
pub(crate) async fn of_subject(query: Query) -> Answer {
    none(&query)
}

/// Lists the associations of a resource by its id.
#[utoipa::path(get, path = "/associations/resources/{resourceId}", tag = "Associations",
    params(("resourceId" = String, Path, description = "The id of the resource")),
    responses((status = 200, description = "Always empty", body = Vec<Association>)))]
pub(crate) async fn of_resource_id(query: Query) -> Answer {
    none(&query)
}

/// Lists the associations of a resource by its name.
#[utoipa::path(get, path = "/associations/resources/{resourceNamespace}/{resourceName}", tag = "Associations",
    params(
        ("resourceNamespace" = String, Path, description = "The namespace of the resource; `-` for any"),
        ("resourceName" = String, Path, description = "The name of the resource; `-` for any"),
    ),
    responses((status = 200, description = "Always empty", body = Vec<Association>)))]
pub(crate) async fn of_resource(query: Query) -> Answer {
    none(&query)
}

fn none(query: &Query) -> Answer {
    query.page()?;
    reply::json(&Vec::<Association>::new())
}
