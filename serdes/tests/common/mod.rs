//! An HTTP server that answers like a registry, on a port of its own.
#![allow(dead_code, reason = "each test target uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use muster_serdes::{ClientConfig, Guid, RegistryClient};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Path and query, still encoded.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Answer = Arc<dyn Fn(&Seen, usize) -> (u16, Bytes) + Send + Sync>;
type Gate = Option<Arc<tokio::sync::Semaphore>>;

/// A server that runs until dropped and remembers what it was asked.
///
/// Unless started otherwise it has no associations, and does not remember having been asked for them: serializers and
/// deserializers do so once per topic and side.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _task: JoinSet<()>,
}

#[derive(Clone)]
struct Shared {
    answer: Answer,
    seen: Arc<Mutex<Vec<Seen>>>,
    gate: Gate,
    has_associations: bool,
}

impl Server {
    /// `answer`: from a request and its number (from 0) to status and body.
    pub async fn start<B: Into<Bytes>>(
        answer: impl Fn(&Seen, usize) -> (u16, B) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, false, answer).await
    }

    /// As [`start`](Self::start), but questions for associations are as others.
    pub async fn start_with_associations<B: Into<Bytes>>(
        answer: impl Fn(&Seen, usize) -> (u16, B) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, true, answer).await
    }

    /// As [`start`](Self::start), but each answer waits for a permit of `gate`.
    pub async fn start_gated<B: Into<Bytes>>(
        gate: Gate,
        answer: impl Fn(&Seen, usize) -> (u16, B) + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(gate, false, answer).await
    }

    async fn start_with<B: Into<Bytes>>(
        gate: Gate,
        has_associations: bool,
        answer: impl Fn(&Seen, usize) -> (u16, B) + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer: Answer = Arc::new(move |seen, number| {
            let (status, body) = answer(seen, number);
            (status, body.into())
        });
        let shared = Shared { answer, seen: seen.clone(), gate, has_associations };
        let router = Router::new().fallback(serve).with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen, _task: task }
    }

    /// What arrived so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Method and target of what arrived so far.
    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn client(&self) -> RegistryClient {
        client(&self.url)
    }
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let target = parts.uri.path_and_query().unwrap().to_string();
    if !shared.has_associations && target.starts_with("/associations/") {
        return "[]".into_response();
    }
    let seen = Seen { method: parts.method.to_string(), target, headers: parts.headers, body };
    let number = {
        let mut list = shared.seen.lock().unwrap();
        list.push(seen.clone());
        list.len() - 1
    };
    if let Some(gate) = &shared.gate {
        gate.acquire().await.unwrap().forget();
    }
    let (status, body) = (shared.answer)(&seen, number);
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

/// A client that does not wait between attempts.
pub fn client(urls: &str) -> RegistryClient {
    RegistryClient::new(config(urls)).unwrap()
}

pub fn config(urls: &str) -> ClientConfig {
    ClientConfig { retries_wait_ms: 0, ..ClientConfig::new(urls) }
}

/// A URL that nobody listens at.
pub async fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub fn error(code: i32, message: &str) -> String {
    json!({"error_code": code, "message": message}).to_string()
}

/// One schema version of a [`registry`].
#[derive(Clone, Debug)]
pub struct Entry {
    pub subject: String,
    pub version: i32,
    pub id: i32,
    pub guid: Option<Guid>,
    pub schema_type: String,
    pub schema: String,
    pub references: Value,
    pub metadata: Value,
}

impl Entry {
    pub fn avro(subject: &str, version: i32, id: i32, schema: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            version,
            id,
            guid: Some(Guid([u8::try_from(id % 256).unwrap(); 16])),
            schema_type: "AVRO".to_owned(),
            schema: schema.to_owned(),
            references: json!([]),
            metadata: Value::Null,
        }
    }

    fn json(&self) -> Value {
        let mut all = json!({
            "subject": self.subject, "version": self.version, "id": self.id, "schemaType": self.schema_type,
            "schema": self.schema, "references": self.references,
        });
        if let Some(guid) = self.guid {
            all["guid"] = json!(guid);
        }
        all
    }
}

/// A registry that holds `entries` and takes no others: registering finds the entry of the subject with the same text.
pub async fn registry(entries: Vec<Entry>) -> Server {
    Server::start(move |seen, _| answer(&entries, seen)).await
}

fn answer(entries: &[Entry], seen: &Seen) -> (u16, String) {
    let path = seen.target.split('?').next().unwrap();
    let segments: Vec<String> = path.split('/').skip(1).map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let found = match (seen.method.as_str(), segments.as_slice()) {
        ("GET", ["schemas", "ids", id]) => entries.iter().find(|e| e.id.to_string() == *id),
        ("GET", ["schemas", "guids", guid]) => {
            entries.iter().find(|e| e.guid.is_some_and(|g| g.to_string() == *guid))
        }
        ("GET", ["subjects", subject, "metadata"]) => {
            let query = seen.target.split_once('?').unwrap().1;
            let values: Vec<_> =
                query.split('&').map(|pair| decode(pair.split_once('=').unwrap().1)).collect();
            let has =
                |e: &&Entry| values.chunks(2).all(|pair| e.metadata["properties"][&pair[0]] == *pair[1]);
            entries.iter().filter(|e| e.subject == *subject).filter(has).max_by_key(|e| e.version)
        }
        ("GET", ["subjects", subject, "versions", "latest"]) => {
            entries.iter().filter(|e| e.subject == *subject).max_by_key(|e| e.version)
        }
        ("GET", ["subjects", subject, "versions", version]) => {
            entries.iter().find(|e| e.subject == *subject && e.version.to_string() == *version)
        }
        ("POST", ["subjects", subject] | ["subjects", subject, "versions"]) => {
            let text = seen.json()["schema"].as_str().unwrap().to_owned();
            entries.iter().find(|e| e.subject == *subject && e.schema == text)
        }
        _ => None,
    };
    match found {
        Some(entry) => (200, entry.json().to_string()),
        None => (404, error(40403, "Schema not found")),
    }
}

fn decode(segment: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
