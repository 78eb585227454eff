//! `/compatibility` (registry API spec §4.5).

use axum::extract::{Path, State};
use muster_schema::compatibility::Explanation;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Json;
use super::error::{self, ErrorBody};
use super::front::App;
use super::params::{self, Query};
use super::reply::{self, Answer};
use super::requests::SchemaRequest;
use crate::service::{Against, Detail, ServiceError, Verdict, WhichVersion};

/// The outcome of a check.
#[derive(Serialize, ToSchema)]
pub(crate) struct CompatibilityAnswer {
    is_compatible: bool,
    /// What is wrong; only with `verbose=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<String>>,
    /// Data that show what is wrong; only with `explain=true`. No part of the reference's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    witnesses: Option<Vec<Witness>>,
}

/// A datum that one side writes and the other cannot read, or why there is none.
#[derive(Serialize, ToSchema)]
pub(crate) struct Witness {
    /// The message that it explains, one of those that `verbose=true` asks for.
    message: String,
    /// The earlier version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    /// Which side reads: `new`, the schema that is checked, or `old`, the earlier version. The other side writes.
    reader: &'static str,
    /// The datum as JSON text; Avro: its JSON encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    datum: Option<String>,
    /// The datum encoded with the writer's schema, without framing, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    /// JSON pointer into the datum to what cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Why there is no datum.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_witness: Option<String>,
}

impl From<Explanation> for Witness {
    fn from(explanation: Explanation) -> Self {
        let Explanation { message, version, candidate_reads, witness } = explanation;
        let (found, no_witness) = match witness {
            Ok(witness) => (Some(witness), None),
            Err(reason) => (None, Some(reason)),
        };
        let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = found.as_ref().map(|witness| hexadecimal(&witness.bytes));
        let (datum, path, reason) = match found {
            Some(witness) => (Some(witness.datum), Some(witness.path), Some(witness.reason)),
            None => (None, None, None),
        };
        let version = version.map(|version| version.0);
        let reader = if candidate_reads { "new" } else { "old" };
        Self { message, version, reader, datum, bytes, path, reason, no_witness }
    }
}

/// Checks a schema against one version of a subject.
#[utoipa::path(post, path = "/compatibility/subjects/{subject}/versions/{version}", tag = "Compatibility",
    params(
        ("subject" = String, Path, description = "The subject"),
        ("version" = String, Path, description = "A number, or `latest`"),
        ("normalize" = Option<bool>, Query, description = "Normalize the schema first"),
        ("verbose" = Option<bool>, Query, description = "Say what is wrong; an invalid schema is then not an error"),
        ("explain" = Option<bool>, Query, description = "Show data that one side writes and the other cannot read"),
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
        ("explain" = Option<bool>, Query, description = "Show data that one side writes and the other cannot read"),
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
    let (verbose, explain) = (query.flag("verbose"), query.flag("explain"));
    let (subject, draft) = (params::subject(subject), request.draft());
    let detail = if explain { Detail::Witnesses } else { Detail::Messages };
    let verdict =
        app.service.check_compatibility(&subject, against, &draft, query.flag("normalize"), detail).await;
    let Verdict { messages, explanations } = match verdict {
        Ok(verdict) => verdict,
        Err(error) if verbose && is_invalid_schema(&error) => {
            Verdict { messages: vec![error::row(&error).2], explanations: Vec::new() }
        }
        Err(error) => return Err(error.into()),
    };
    reply::json(&CompatibilityAnswer {
        is_compatible: messages.is_empty(),
        messages: verbose.then_some(messages),
        witnesses: explain.then(|| explanations.into_iter().map(Witness::from).collect()),
    })
}

fn is_invalid_schema(error: &ServiceError) -> bool {
    error::row(error).1 == 42201
}
