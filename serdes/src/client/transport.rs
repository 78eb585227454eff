//! Requests, attempts and failover (wire format spec §10.1–10.2).

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Identity, Method, Proxy, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::config::{Authentication, ClientConfig};
use super::error::{ClientError, UNPARSABLE_ERROR_CODE, is_retriable_status};
use super::path::Target;

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";
const ACCEPT: &str =
    "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json";
const CLIENT_VERSION: &str = concat!("rust/", env!("CARGO_PKG_VERSION"));
/// An error answer is read this far: enough for any message, little enough to ignore a runaway page.
const ERROR_BODY_BYTES: usize = 256 << 10;
/// How much of a body that is no registry's error is quoted.
const QUOTED_CHARS: usize = 200;

/// The URLs of one registry, and how to talk to them.
#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    bases: Vec<Base>,
    /// Index of the URL to start with: the one that worked last.
    current: AtomicUsize,
    authentication: Authentication,
    max_retries: u32,
    retries_wait_ms: u64,
    retries_max_wait_ms: u64,
    response_bytes: usize,
}

struct Base {
    /// Without a slash at the end; with `user:password@` if the configuration had it, which `reqwest` turns into a
    /// header.
    url: String,
    /// For messages: without credentials.
    shown: String,
}

impl Transport {
    pub(super) fn new(config: ClientConfig) -> Result<Self, ClientError> {
        let mut bases = Vec::with_capacity(config.urls.len());
        let mut is_tls = false;
        for text in &config.urls {
            let url = base_url(text, &config.authentication)?;
            is_tls |= url.scheme() == "https";
            bases.push(Base::new(url));
        }
        if bases.is_empty() {
            return Err(invalid("urls", "at least one is needed"));
        }
        let current = if config.randomize_urls {
            usize::try_from(random() % bases.len() as u64).unwrap_or_default()
        } else {
            0
        };
        Ok(Self {
            http: http_client(&config, is_tls)?,
            bases,
            current: AtomicUsize::new(current),
            authentication: config.authentication,
            max_retries: config.max_retries,
            retries_wait_ms: config.retries_wait_ms,
            retries_max_wait_ms: config.retries_max_wait_ms,
            response_bytes: config.response_bytes,
        })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, target: &Target) -> Result<T, ClientError> {
        self.call(Method::GET, target, None).await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, target: &Target) -> Result<T, ClientError> {
        self.call(Method::DELETE, target, None).await
    }

    /// `body`: JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        target: &Target,
        body: String,
    ) -> Result<T, ClientError> {
        self.call(Method::POST, target, Some(Bytes::from(body))).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &Target,
        body: Option<Bytes>,
    ) -> Result<T, ClientError> {
        let request = Request { method, target, body };
        let answer = self.send(&request).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| ClientError::Decode { request: request.name(), detail: error.to_string() })
    }

    /// Tries each URL at most once, from the one that worked last, and moves on only after failures that another URL
    /// may not share.
    async fn send(&self, request: &Request<'_>) -> Result<Vec<u8>, ClientError> {
        let count = self.bases.len();
        let first = self.current.load(Ordering::Relaxed);
        let mut last_failure = None;
        for step in 0..count {
            let index = first.wrapping_add(step) % count;
            let Some(base) = self.bases.get(index) else { break };
            match self.send_to(base, request).await {
                Err(failure) if failure.is_retriable() => {
                    // Only the call that still sees this URL as current rotates: concurrent failures rotate once.
                    let next = (index + 1) % count;
                    let _ = self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
                    last_failure = Some(failure);
                }
                outcome => return outcome,
            }
        }
        Err(last_failure.unwrap_or_else(|| invalid("urls", "at least one is needed")))
    }

    /// The attempts at one URL.
    async fn send_to(&self, base: &Base, request: &Request<'_>) -> Result<Vec<u8>, ClientError> {
        let mut retry = 0;
        loop {
            match self.attempt(base, request).await {
                Err(failure) if failure.is_retriable() && retry < self.max_retries => {
                    let wait = backoff_ms(random(), retry, self.retries_wait_ms, self.retries_max_wait_ms);
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    retry += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt(&self, base: &Base, request: &Request<'_>) -> Result<Vec<u8>, ClientError> {
        let failed = |error: reqwest::Error| ClientError::Transport {
            url: base.shown.clone(),
            // The URL inside would show credentials.
            source: Arc::new(error.without_url()),
        };
        let url = format!("{}{}", base.url, request.target.path_and_query());
        let mut builder = self.http.request(request.method.clone(), url);
        builder = match &self.authentication {
            Authentication::None => builder,
            Authentication::Basic { user, password } => builder.basic_auth(user, Some(password)),
            Authentication::Bearer { token } => builder.bearer_auth(token),
        };
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let mut response = builder.send().await.map_err(|error| {
            if error.is_builder() { invalid("urls", &error.without_url().to_string()) } else { failed(error) }
        })?;
        let status = response.status();
        if !status.is_success() {
            let limit = ERROR_BODY_BYTES.min(self.response_bytes);
            let read = read_body(&mut response, limit).await;
            let body = match read {
                Ok(Body::Whole(body) | Body::Cut(body)) => body,
                // A refusal stays a refusal if the connection breaks in the middle of its explanation.
                Err(_) if !is_retriable_status(status.as_u16()) => Vec::new(),
                Err(error) => return Err(failed(error)),
            };
            return Err(refusal(status.as_u16(), status.canonical_reason(), &body));
        }
        match read_body(&mut response, self.response_bytes).await.map_err(failed)? {
            Body::Whole(body) => Ok(body),
            Body::Cut(_) => {
                Err(ClientError::TooLarge { request: request.name(), limit_bytes: self.response_bytes })
            }
        }
    }
}

struct Request<'a> {
    method: Method,
    target: &'a Target,
    body: Option<Bytes>,
}

impl Request<'_> {
    /// Method and path, for messages.
    fn name(&self) -> String {
        let path = self.target.path_and_query().split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Base {
    fn new(mut url: Url) -> Self {
        let with_credentials = url.as_str().trim_end_matches('/').to_owned();
        // Neither fails for a URL with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Self { url: with_credentials, shown: url.as_str().trim_end_matches('/').to_owned() }
    }
}

/// Reads and checks one configured URL.
fn base_url(text: &str, authentication: &Authentication) -> Result<Url, ClientError> {
    let mut url = Url::parse(text).map_err(|error| invalid("urls", &error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("urls", &format!("scheme {:?} is not http or https", url.scheme())));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("urls", "a base URL has no query and no fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        match authentication {
            Authentication::None => {}
            Authentication::Basic { .. } => {
                let _ = url.set_username("");
                let _ = url.set_password(None);
            }
            Authentication::Bearer { .. } => {
                return Err(invalid(
                    "authentication",
                    "a bearer token and credentials in a URL exclude each other",
                ));
            }
        }
    }
    Ok(url)
}

fn http_client(config: &ClientConfig, is_tls: bool) -> Result<reqwest::Client, ClientError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert("Confluent-Accept-Unknown-Properties", HeaderValue::from_static("true"));
    headers.insert("Confluent-Client-Version", HeaderValue::from_static(CLIENT_VERSION));
    for (name, value) in &config.headers {
        let name: HeaderName =
            name.parse().map_err(|_| invalid("headers", &format!("{name:?} is not a header name")))?;
        // The value may be a secret: it is never printed.
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| invalid("headers", &format!("the value of {name} is unusable")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let mut builder = reqwest::Client::builder()
        .default_headers(headers)
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .timeout(Duration::from_millis(config.request_timeout_ms))
        // A redirect would carry credentials and schemas elsewhere; the official clients do not follow them either.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    if let Some(proxy) = &config.proxy {
        let proxy = Proxy::all(proxy).map_err(|error| invalid("proxy", &error.without_url().to_string()))?;
        builder = builder.proxy(proxy);
    }
    if let Some(pem) = &config.certificate_authorities_pem {
        let certificates = Certificate::from_pem_bundle(pem)
            .map_err(|error| invalid("certificate_authorities_pem", &error.to_string()))?;
        builder = builder.tls_certs_merge(certificates);
    } else if !is_tls && config.proxy.is_none() {
        // Plain HTTP works on systems without certificates, and does not load them for nothing.
        builder = builder.tls_certs_only([]);
    }
    if let Some(pem) = &config.identity_pem {
        let identity =
            Identity::from_pem(pem).map_err(|error| invalid("identity_pem", &error.to_string()))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| invalid("urls", &with_sources(&error)))
}

enum Body {
    Whole(Vec<u8>),
    /// Longer than the bound; this is the beginning.
    Cut(Vec<u8>),
}

/// Reads a body up to `limit` bytes, whatever length it claims.
async fn read_body(response: &mut Response, limit: usize) -> Result<Body, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        if let Some(beginning) = chunk.get(..room).filter(|_| chunk.len() > room) {
            body.extend_from_slice(beginning);
            return Ok(Body::Cut(body));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body::Whole(body))
}

#[derive(Deserialize)]
struct ErrorBody {
    error_code: i32,
    #[serde(default)]
    message: Option<String>,
}

fn refusal(status: u16, reason: Option<&str>, body: &[u8]) -> ClientError {
    match serde_json::from_slice(body) {
        Ok(ErrorBody { error_code, message }) => {
            ClientError::Api { status, code: error_code, message: message.unwrap_or_default() }
        }
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            let quoted: String = text.trim().chars().take(QUOTED_CHARS).collect();
            let message = if quoted.is_empty() { reason.unwrap_or("no message").to_owned() } else { quoted };
            ClientError::Api { status, code: UNPARSABLE_ERROR_CODE, message }
        }
    }
}

/// The wait before retry number `retry` (from 0): uniform between 0 and `wait_ms · 2^retry`, at most `max_wait_ms`.
fn backoff_ms(random: u64, retry: u32, wait_ms: u64, max_wait_ms: u64) -> u64 {
    let upper = wait_ms.saturating_mul(1 << retry.min(30)).min(max_wait_ms);
    let scaled = (u128::from(random) * (u128::from(upper) + 1)) >> 64;
    u64::try_from(scaled).unwrap_or(upper)
}

/// A random number, good enough to spread retries: the standard library seeds each hasher differently.
fn random() -> u64 {
    std::hash::RandomState::new().hash_one(())
}

fn invalid(setting: &'static str, detail: &str) -> ClientError {
    ClientError::Config { setting, detail: detail.to_owned() }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound() {
        let cases = [
            (0, 0, 1000, 20_000, 0),
            (u64::MAX, 0, 1000, 20_000, 1000),
            (u64::MAX, 1, 1000, 20_000, 2000),
            (u64::MAX / 2, 2, 1000, 20_000, 2000),
            (u64::MAX, 4, 1000, 20_000, 16_000),
            (u64::MAX, 5, 1000, 20_000, 20_000),
            (u64::MAX, 31, 1000, u64::MAX, 1000 << 30),
            (u64::MAX, u32::MAX, u64::MAX, u64::MAX, u64::MAX),
            (u64::MAX, 3, 0, 20_000, 0),
        ];
        for (random, retry, wait, max, expected) in cases {
            assert_eq!(backoff_ms(random, retry, wait, max), expected, "retry {retry} of {wait}..{max}");
        }
    }

    #[test]
    fn error_bodies_that_are_no_registrys_get_code_50005() {
        let cases: &[(&[u8], i32, &str)] = &[
            (br#"{"error_code":40403,"message":"Schema 7 not found"}"#, 40403, "Schema 7 not found"),
            (br#"{"error_code":404}"#, 404, ""),
            (
                br#"{"message":"x","url":"/","status":"400"}"#,
                50005,
                r#"{"message":"x","url":"/","status":"400"}"#,
            ),
            (b"<html>oops</html>", 50005, "<html>oops</html>"),
            (b"", 50005, "Not Found"),
            (b"\xff\xfe", 50005, "\u{fffd}\u{fffd}"),
        ];
        for (body, code, message) in cases {
            let ClientError::Api { status, code: actual, message: text } =
                refusal(404, Some("Not Found"), body)
            else {
                panic!("a refusal is an API error")
            };
            assert_eq!((status, actual, text.as_str()), (404, *code, *message));
        }
    }

    #[test]
    fn unusable_settings_are_refused() {
        let bearer = Authentication::Bearer { token: "t".into() };
        let cases = [
            ("", Authentication::None, "urls"),
            ("ftp://h", Authentication::None, "urls"),
            ("127.0.0.1:8081", Authentication::None, "urls"),
            ("http://h?x=1", Authentication::None, "urls"),
            ("http://u:p@h", bearer, "authentication"),
        ];
        for (urls, authentication, expected) in cases {
            let config = ClientConfig { authentication, ..ClientConfig::new(urls) };
            match Transport::new(config) {
                Err(ClientError::Config { setting, .. }) => assert_eq!(setting, expected, "{urls}"),
                other => panic!("{urls}: {other:?}"),
            }
        }
    }

    #[test]
    fn shown_urls_carry_no_credentials() {
        let base = Base::new(base_url("http://u:p%40@h:1/sr/", &Authentication::None).unwrap());
        assert_eq!((base.url.as_str(), base.shown.as_str()), ("http://u:p%40@h:1/sr", "http://h:1/sr"));
    }
}
