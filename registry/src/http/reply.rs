//! Answers of handlers. The router adds the negotiated media type.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::error::{Failure, HttpFailure};

/// What a handler gives back.
pub(crate) type Answer = Result<Response, Failure>;

/// 200 with a JSON value.
pub(crate) fn json<T: Serialize>(value: &T) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "answer does not serialize");
        HttpFailure::Internal
    })?;
    Ok(Response::new(Body::from(body)))
}

/// 200 with a bare text.
pub(crate) fn text(text: String) -> Answer {
    Ok(Response::new(Body::from(text)))
}

/// 204.
pub(crate) fn nothing() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}
