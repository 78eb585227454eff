//! What every request passes before it is routed, and every answer on its way out.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::Service as _;

use super::admission::{Admission, Class};
use super::body::LargeBodies;
use super::cors::Cors;
use super::error::{Failed, Failure, HttpFailure};
use super::kept::{self, Kept};
use super::rewrite::{self, Unroutable};
use super::router::{Matched, ROUTES};
use super::{accept, refused, request_id, router, target};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::service::Service;
use crate::store::Store;

/// What handlers share.
pub(crate) type App = Arc<AppState>;

/// What handlers share.
pub(crate) struct AppState {
    /// The rules.
    pub(crate) service: Service,
    /// The counters.
    pub(crate) metrics: Arc<Metrics>,
    /// The bound on what bodies take.
    pub(crate) large_bodies: LargeBodies,
}

/// The way in.
pub(crate) struct Front {
    app: App,
    router: Router,
    kept: Kept,
    admission: Admission,
    cors: Option<Cors>,
    /// Added to every answer.
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Metrics position of requests that match no route.
const UNMATCHED: usize = ROUTES.len();

/// Where the access log goes: a target of its own, so that it can be had or left.
const ACCESS_LOG: &str = "muster_registry::access";

/// The largest body that is compressed on the spot; larger ones go to a thread that may be kept busy.
const COMPRESSED_HERE_BYTES: usize = 64 << 10;

impl Front {
    /// A registry over `store`.
    pub(crate) fn new(store: Arc<dyn Store>, options: Options) -> Self {
        let routes = ROUTES.iter().map(|route| (route.method, route.path)).chain([("*", "unmatched")]);
        let metrics = Arc::new(Metrics::new(routes));
        let kept = Kept::new(options.answer_cache_bytes);
        let large_bodies = LargeBodies::new(options.max_body_bytes);
        let admission = Admission::new(options.max_requests);
        let cors = Cors::new(&options.cors);
        let headers =
            options.response_headers.iter().filter_map(|(name, value)| header(name, value)).collect();
        let service = Service::new(store, options, Arc::clone(&metrics));
        let app = Arc::new(AppState { service, metrics, large_bodies });
        Self { router: router::router(Arc::clone(&app)), app, kept, admission, cors, headers }
    }

    /// The settings.
    pub(crate) fn options(&self) -> &Options {
        self.app.service.options()
    }

    /// The counters.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.app.metrics
    }

    /// A kept answer to this request, if there is one that still holds.
    pub(crate) fn kept<B>(&self, request: &Request<B>) -> Option<Response<Bytes>> {
        if *request.method() != Method::GET {
            return None;
        }
        let started = Instant::now();
        let target = request.uri().path_and_query()?.as_str();
        let answer = self.kept.get(target, self.app.service.store().revision())?;
        let headers = request.headers();
        if !accept::consumable(headers) {
            return None;
        }
        let media_type = accept::negotiate(headers)?;
        let compressible = answer.body.len() >= kept::COMPRESSED_FROM_BYTES;
        let gzip = compressible && self.options().compression && kept::accepts_gzip(headers);
        let mut response = Response::new(if gzip { answer.gzipped? } else { answer.body });
        let out = response.headers_mut();
        out.reserve(4);
        out.insert(header::CONTENT_TYPE, media_type);
        out.insert(request_id::X_REQUEST_ID, request_id::of(headers));
        encoding_headers(out, compressible, gzip);
        self.add_headers(headers, out);
        self.app.metrics.kept_answer();
        self.app.metrics.answered(answer.route, 200, started.elapsed());
        log(request.method(), answer.route, &response, started);
        Some(response)
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let started = Instant::now();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        if let Err(refusal) = target::check(uri.path()) {
            self.app.metrics.answered(UNMATCHED, 400, started.elapsed());
            return refused::page(&method, request.headers(), uri.path(), refusal);
        }
        let id = request_id::of(request.headers());
        let gzip = self.options().compression && kept::accepts_gzip(request.headers());
        let revision = self.app.service.store().revision();
        let told = self.told(request.headers());
        let mut response =
            match self.cors.as_ref().and_then(|cors| cors.preflight(&method, request.headers())) {
                Some(preflight) => preflight,
                None => self.admitted(&method, uri.path(), request).await,
            };
        let matched = response.extensions_mut().remove::<Matched>();
        response.headers_mut().insert(request_id::X_REQUEST_ID, id);
        if matched.is_some_and(|matched| matched.api) && method != Method::HEAD {
            let keep = method == Method::GET && response.status() == StatusCode::OK;
            let keep = uri.path_and_query().filter(|_| keep).cloned();
            response = self.finish(response, matched.map(|m| m.route), keep, revision, gzip).await;
        }
        let route = matched.map_or(UNMATCHED, |matched| matched.route);
        self.add_headers(&told, response.headers_mut());
        self.app.metrics.answered(route, response.status().as_u16(), started.elapsed());
        log(&method, route, &response, started);
        response
    }

    /// Answers a request if there is a place for it, in the time that it may take.
    async fn admitted(&self, method: &Method, path: &str, request: Request<Body>) -> Response<Body> {
        let Some(_place) = self.admission.admit(Class::of(method, path)) else {
            return HttpFailure::Overloaded.into_response();
        };
        match tokio::time::timeout(self.options().request_timeout, contained(self.route(request))).await {
            Ok(Some(response)) => response,
            Ok(None) => HttpFailure::Internal.into_response(),
            Err(_) => HttpFailure::TimedOut.into_response(),
        }
    }

    /// The headers of a request that its answer's headers depend on.
    fn told(&self, headers: &HeaderMap) -> HeaderMap {
        let mut told = HeaderMap::new();
        if self.cors.is_some()
            && let Some(origin) = headers.get(header::ORIGIN)
        {
            told.insert(header::ORIGIN, origin.clone());
        }
        told
    }

    /// Adds what is configured for every answer.
    fn add_headers(&self, told: &HeaderMap, out: &mut HeaderMap) {
        for (name, value) in &self.headers {
            out.insert(name.clone(), value.clone());
        }
        if let Some(cors) = &self.cors {
            cors.allow(told, out);
        }
    }

    async fn route(&self, mut request: Request<Body>) -> Response<Body> {
        match rewrite::rewrite(&self.app.service, request.method(), request.uri()).await {
            Ok(None) => {}
            Ok(Some(uri)) => *request.uri_mut() = uri,
            Err(Unroutable::Context(invalid)) => {
                return HttpFailure::InvalidContext(invalid.0).into_response();
            }
            Err(Unroutable::Service(error)) => return Failure::Service(error).into_response(),
        }
        let options = (*request.method() == Method::OPTIONS).then(|| request.headers().clone());
        let response = match self.router.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match options {
            Some(headers) if response.status() == StatusCode::METHOD_NOT_ALLOWED => {
                methods(&headers, &response)
            }
            _ => response,
        }
    }

    /// Compresses an answer and keeps it, each if it should be.
    async fn finish(
        &self,
        response: Response<Body>,
        route: Option<usize>,
        keep: Option<PathAndQuery>,
        revision: u64,
        gzip: bool,
    ) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        // Handlers answer with whole bodies; collecting one moves no bytes.
        let body = match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(_) => return HttpFailure::Internal.into_response(),
        };
        let compressible = body.len() >= kept::COMPRESSED_FROM_BYTES;
        let gzipped = if compressible && gzip { compressed(&body).await } else { None };
        parts.headers.remove(header::CONTENT_LENGTH);
        encoding_headers(&mut parts.headers, compressible, gzipped.is_some());
        if let (Some(target), Some(route)) = (keep, route) {
            let answer = kept::Answer { revision, route, body: body.clone(), gzipped: gzipped.clone() };
            self.kept.put(target.as_str(), answer);
        }
        Response::from_parts(parts, Body::from(gzipped.unwrap_or(body)))
    }
}

/// The answer to OPTIONS: what else the path may be asked, told by the answer that it is not OPTIONS.
fn methods(headers: &HeaderMap, refusal: &Response<Body>) -> Response<Body> {
    let allowed =
        refusal.headers().get(header::ALLOW).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let allowed = format!("{allowed},OPTIONS");
    let mut response = Response::new(Body::empty());
    let media_type = if accept::takes_text(headers) {
        *response.body_mut() = Body::from(allowed.replace(',', ", "));
        HeaderValue::from_static("text/plain")
    } else {
        accept::exact_or_default(headers)
    };
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// A configured header; none, with a line in the log, if it cannot be one.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let header = name.parse().ok().zip(HeaderValue::from_str(value).ok());
    if header.is_none() {
        tracing::warn!(name, "a configured response header is left out: it is not valid");
    }
    header
}

/// Notes an answer: failures of ours always, the rest for those who want an access log.
fn log<B>(method: &Method, route: usize, response: &Response<B>, started: Instant) {
    let id = || {
        response.headers().get(request_id::X_REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default()
    };
    let template = || ROUTES.get(route).map_or("unmatched", |route| route.path);
    let status = response.status().as_u16();
    if let Some(Failed(error)) = response.extensions().get() {
        let cause = causes(error.as_ref());
        let (request_id, route) = (id(), template());
        tracing::error!(request.id = request_id, http.method = %method, http.route = route, http.status = status,
            %error, cause, "request failed");
    } else if tracing::enabled!(target: ACCESS_LOG, tracing::Level::INFO) {
        let (request_id, route) = (id(), template());
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(target: ACCESS_LOG, { request.id = request_id, http.method = %method, http.route = route,
            http.status = status, duration_ms }, "answered");
    }
}

/// What lies behind an error, outermost first.
fn causes(error: &dyn std::error::Error) -> String {
    let texts = std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string);
    texts.collect::<Vec<_>>().join(": ")
}

fn encoding_headers(headers: &mut HeaderMap, compressible: bool, gzip: bool) {
    if compressible {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
}

/// The body in gzip; `None` if that fails, which it does not for memory.
async fn compressed(body: &Bytes) -> Option<Bytes> {
    let compress = |body: Bytes| {
        let mut encoder = flate2::bufread::GzEncoder::new(body.as_ref(), flate2::Compression::fast());
        let mut out = Vec::with_capacity(body.len() / 4);
        std::io::Read::read_to_end(&mut encoder, &mut out).ok().map(|_| Bytes::from(out))
    };
    if body.len() <= COMPRESSED_HERE_BYTES {
        return compress(body.clone());
    }
    let body = body.clone();
    tokio::task::spawn_blocking(move || compress(body)).await.ok().flatten()
}

/// Runs `work` to its end; `None` if it panics. One request must not take others with it.
async fn contained<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(move |context| {
        // The work is not polled again after a panic, and shares nothing but the service, whose locks do not poison.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => {
                tracing::error!("a request panicked");
                Poll::Ready(None)
            }
        }
    })
    .await
}

/// A [`Front`] as a tower service.
#[derive(Clone)]
pub(crate) struct FrontService(Arc<Front>);

impl FrontService {
    /// Makes one.
    pub(crate) fn new(front: Arc<Front>) -> Self {
        Self(front)
    }
}

impl tower::Service<Request<Body>> for FrontService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let front = Arc::clone(&self.0);
        Box::pin(async move {
            match front.kept(&request) {
                Some(kept) => Ok(kept.map(Body::from)),
                None => Ok(front.answer(request).await),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_contained() {
        assert_eq!(contained(async { 1 }).await, Some(1));
        assert_eq!(contained(async { panic!("on purpose") }).await, None::<i32>);
    }
}
