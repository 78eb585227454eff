//! A registry in this process, and calls to it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use muster_registry::store::{self, Store};
use muster_registry::{Options, Registry};
use serde_json::Value;
use tower::ServiceExt as _;

pub const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A registry with an empty store.
pub struct Api {
    pub router: axum::Router,
    pub store: Arc<dyn Store>,
    pub registry: Registry,
    /// Keeps the file store's folder.
    _folder: Option<tempfile::TempDir>,
}

/// The stores that every scenario runs on.
#[derive(Clone, Copy, Debug)]
pub enum StoreKind {
    Memory,
    File,
}

impl StoreKind {
    pub const ALL: [Self; 2] = [Self::Memory, Self::File];
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("not JSON ({e}): {:?}", self.text))
    }

    pub fn error_code(&self) -> i64 {
        self.json()["error_code"].as_i64().unwrap_or_default()
    }
}

impl Api {
    pub async fn new(kind: StoreKind) -> Self {
        Self::with(kind, Options::default()).await
    }

    pub async fn with(kind: StoreKind, options: Options) -> Self {
        let (url, folder) = match kind {
            StoreKind::Memory => ("sqlite::memory:".to_owned(), None),
            StoreKind::File => {
                let folder = tempfile::tempdir().unwrap();
                (format!("sqlite:{}", folder.path().join("registry.db").display()), Some(folder))
            }
        };
        let store = store::open(&url).await.unwrap();
        let registry = Registry::new(store.clone(), options);
        Self { router: registry.router(), store, registry, _folder: folder }
    }

    /// Sends a request byte for byte.
    pub async fn send(&self, method: &str, target: &str, headers: HeaderMap, body: Option<String>) -> Reply {
        let mut request = Request::new(body.map_or_else(Body::empty, Body::from));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
        *request.uri_mut() = target.parse::<Uri>().unwrap();
        *request.headers_mut() = headers;
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    /// Sends a JSON body as a registry client does.
    pub async fn call(&self, method: &str, target: &str, body: Option<Value>) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        }
        self.send(method, target, headers, body.map(|body| body.to_string())).await
    }

    pub async fn get(&self, target: &str) -> Reply {
        self.call("GET", target, None).await
    }

    pub async fn post(&self, target: &str, body: Value) -> Reply {
        self.call("POST", target, Some(body)).await
    }
}

/// A header map from pairs.
pub fn headers(pairs: &[(String, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers
            .append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}
