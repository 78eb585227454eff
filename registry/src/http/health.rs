//! For operators: is it alive, can it work, what has it done. Not part of the reference's API and not subject to its
//! conventions.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::front::App;

/// Alive: the process answers.
#[utoipa::path(get, path = "/health/live", tag = "Operations", responses((status = 200, description = "Alive", content_type = "text/plain", body = String)))]
pub(crate) async fn live() -> Response {
    (StatusCode::OK, "live\n").into_response()
}

/// Ready: the store can be read and written.
#[utoipa::path(get, path = "/health/ready", tag = "Operations", responses(
    (status = 200, description = "Ready", content_type = "text/plain", body = String),
    (status = 503, description = "The store cannot be used", content_type = "text/plain", body = String),
))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match app.service.store().ready().await {
        Ok(()) => (StatusCode::OK, "ready\n").into_response(),
        Err(error) => {
            tracing::error!(%error, "store is not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "store is not ready\n").into_response()
        }
    }
}

/// Counters and timers in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Operations", responses((status = 200, description = "Metrics", content_type = "text/plain", body = String)))]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (StatusCode::OK, content_type, app.metrics.render()).into_response()
}
