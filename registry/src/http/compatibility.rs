//! `/compatibility` (registry API spec §4.5).

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::error::{self, ErrorBody};
use super::front::App;
use super::params::{self, Query};
use super::reply::{self, Answer};
use super::requests::SchemaRequest;
use crate::service::{Against, ServiceError, WhichVersion};

/// The outcome of a check.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompatibilityAnswer {
    is_compatible: bool,
    /// What is wrong; only with `verbose=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<String>>,
}

/// Checks a schema against one version of a subject.
#[utoipa::path(post, path = "/compatibility/subjects/{subject}/versions/{version}", tag = "Compatibility",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
        ("normalize" = Option<bool>, Query, description = "Normalize the schema first"),
        ("verbose" = Option<bool>, Query, description = "Say what is wrong; an invalid schema is then not an error"),
    ),
    request_body = SchemaRequest,
    responses(
        (status = 200, description = "The outcome", body = CompatibilityAnswer),
        (status = 404, description = "40402", body = ErrorBody),
        (status = 422, description = "42201, 42202", body = ErrorBody),
    ))]
pub(crate) async fn check_version(
    State(app): State<App>,
    Path((subject, version)): Path<(String, String)>,
    query: Query,
    body: Json<SchemaRequest>,
) -> Answer {
    let request = body.required("testCompatibilityBySubjectName")?;
    let against = Against::Version(version.parse::<WhichVersion>()?);
    check(&app, &subject, against, request, &query).await
}

/// Checks a schema against those versions of a subject that its compatibility level names.
#[utoipa::path(post, path = "/compatibility/subjects/{subject}/versions", tag = "Compatibility",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("normalize" = Option<bool>, Query, description = "Normalize the schema first"),
        ("verbose" = Option<bool>, Query, description = "Say what is wrong; an invalid schema is then not an error"),
    ),
    request_body = SchemaRequest,
    responses(
        (status = 200, description = "The outcome", body = CompatibilityAnswer),
        (status = 422, description = "42201", body = ErrorBody),
    ))]
pub(crate) async fn check_all(
    State(app): State<App>,
    Path(subject): Path<String>,
    query: Query,
    body: Json<SchemaRequest>,
) -> Answer {
    let request = body.required("testCompatibilityForSubject")?;
    check(&app, &subject, Against::All, request, &query).await
}

async fn check(app: &App, subject: &str, against: Against, request: SchemaRequest, query: &Query) -> Answer {
    let verbose = query.flag("verbose");
    let (subject, draft) = (params::subject(subject), request.draft());
    let messages =
        match app.service.check_compatibility(&subject, against, &draft, query.flag("normalize")).await {
            Ok(verdict) => verdict.messages,
            Err(error) if verbose && is_invalid_schema(&error) => vec![error::row(&error).2],
            Err(error) => return Err(error.into()),
        };
    reply::json(&CompatibilityAnswer {
        is_compatible: messages.is_empty(),
        messages: verbose.then_some(messages),
    })
}

fn is_invalid_schema(error: &ServiceError) -> bool {
    error::row(error).1 == 42201
}
