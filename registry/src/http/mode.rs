//! `/mode` (registry API spec §4.7).

use std::fmt;

use axum::extract::{FromRequest, Path, Request, State};
use muster_schema::Subject;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body;
use super::error::{ErrorBody, Failure, HttpFailure};
use super::front::App;
use super::lenient::{Member, Text};
use super::params::{self, Query};
use super::reply::{self, Answer};
use crate::service::{NewMode, ServiceError};
use crate::store::Mode;

/// A mode to set; null clears it.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ModeRequest {
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "READWRITE")]
    mode: Member<Text>,
}

/// A mode.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModeEntity {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
}

/// A mode as it was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModeEcho {
    mode: Option<String>,
}

/// The body of a request to set a mode: an object, or the bare name as a string. None is an empty body or null.
pub(crate) struct ModeBody(Option<ModeRequest>);

impl<'de> Deserialize<'de> for ModeBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = ModeBody;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E: Error>(self) -> Result<ModeBody, E> {
                Ok(ModeBody(None))
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<ModeBody, E> {
                let mode = Member(Some(Text(Some(name.to_owned()))));
                Ok(ModeBody(Some(ModeRequest { mode })))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModeBody, A::Error> {
                ModeRequest::deserialize(MapAccessDeserializer::new(map))
                    .map(|request| ModeBody(Some(request)))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl FromRequest<App> for ModeBody {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let body = body::read(request, app).await?;
        Ok(body::parse_body(&body).await?.unwrap_or(Self(None)))
    }
}

/// Reads the mode of the top level, which is that of the default context.
#[utoipa::path(get, path = "/mode", tag = "Mode",
    params(("defaultToGlobal" = Option<bool>, Query, description = "The mode in force rather than the one set here")),
    responses((status = 200, description = "The mode", body = ModeEntity), (status = 500, description = "50001", body = ErrorBody)))]
pub(crate) async fn get_top(State(app): State<App>, query: Query) -> Answer {
    get_of(&app, &params::subject(""), &query).await
}

/// Sets the mode of the top level.
#[utoipa::path(put, path = "/mode", tag = "Mode",
    params(("force" = Option<bool>, Query, description = "Enter IMPORT mode whatever exists")),
    request_body = ModeRequest,
    responses((status = 200, description = "The mode as sent", body = ModeEcho), (status = 422, description = "42204, 42205, 42206", body = ErrorBody)))]
pub(crate) async fn put_top(State(app): State<App>, query: Query, body: ModeBody) -> Answer {
    put_of(&app, &params::subject(""), &query, body, "updateTopLevelMode").await
}

/// Deletes the mode of the top level.
#[utoipa::path(delete, path = "/mode", tag = "Mode",
    params(("recursive" = Option<bool>, Query, description = "Also the modes of subjects in the default context")),
    responses((status = 200, description = "The mode before", body = ModeEntity), (status = 422, description = "42205", body = ErrorBody)))]
pub(crate) async fn delete_top(State(app): State<App>, query: Query) -> Answer {
    delete_of(&app, &params::subject(""), &query).await
}

/// Reads the mode of a subject or a context.
#[utoipa::path(get, path = "/mode/{subject}", tag = "Mode",
    params(
        ("subject" = String, Path, description = "A subject, a context (`:.ctx:`) or `:.__GLOBAL:`"),
        ("defaultToGlobal" = Option<bool>, Query, description = "The mode in force rather than the one set here"),
    ),
    responses((status = 200, description = "The mode", body = ModeEntity), (status = 404, description = "40409", body = ErrorBody)))]
pub(crate) async fn get(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    get_of(&app, &params::subject(&subject), &query).await
}

/// Sets the mode of a subject or a context.
#[utoipa::path(put, path = "/mode/{subject}", tag = "Mode",
    params(
        ("subject" = String, Path, description = "A subject, a context (`:.ctx:`) or `:.__GLOBAL:`"),
        ("force" = Option<bool>, Query, description = "Enter IMPORT mode whatever exists"),
    ),
    request_body = ModeRequest,
    responses((status = 200, description = "The mode as sent", body = ModeEcho), (status = 422, description = "42204, 42205, 42206, 42208", body = ErrorBody)))]
pub(crate) async fn put(
    State(app): State<App>,
    Path(subject): Path<String>,
    query: Query,
    body: ModeBody,
) -> Answer {
    put_of(&app, &params::subject(&subject), &query, body, "updateMode").await
}

/// Deletes the mode of a subject or a context.
#[utoipa::path(delete, path = "/mode/{subject}", tag = "Mode",
    params(
        ("subject" = String, Path, description = "A subject, a context (`:.ctx:`) or `:.__GLOBAL:`"),
        ("recursive" = Option<bool>, Query, description = "Also the modes of subjects in the context; none set is then no error"),
    ),
    responses(
        (status = 200, description = "The mode before", body = ModeEntity),
        (status = 404, description = "40401", body = ErrorBody),
        (status = 422, description = "42205", body = ErrorBody),
    ))]
pub(crate) async fn delete(State(app): State<App>, Path(subject): Path<String>, query: Query) -> Answer {
    delete_of(&app, &params::subject(&subject), &query).await
}

async fn get_of(app: &App, key: &Subject, query: &Query) -> Answer {
    let mode = app.service.mode(key, query.flag("defaultToGlobal")).await?;
    reply::json(&ModeEntity { mode: Some(mode.as_str()) })
}

async fn put_of(app: &App, key: &Subject, query: &Query, body: ModeBody, operation: &'static str) -> Answer {
    let request = body.0.ok_or(HttpFailure::NoBody(operation))?;
    let name = request.mode.0.ok_or(ServiceError::InvalidMode)?.0;
    let mode = name.clone().map_or(NewMode::Clear, NewMode::Set);
    app.service.put_mode(key, &mode, query.flag("force")).await?;
    reply::json(&ModeEcho { mode: name })
}

async fn delete_of(app: &App, key: &Subject, query: &Query) -> Answer {
    let before = app.service.delete_mode(key, query.flag("recursive")).await?;
    reply::json(&ModeEntity { mode: before.map(Mode::as_str) })
}
