//! Requests per second over loopback sockets of what clients ask most: a schema by id, the latest version, and a
//! schema registered again. The baseline is an axum handler that returns the bytes of the first with its media type;
//! both servers run in this process and are measured in short turns, so that
//! whatever else the machine does hits both; the median of the ratios counts.
//!
//! `cargo bench -p muster-registry --bench http [-- --ms 200 --rounds 25 --connections 16 --pipeline 1]`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run says so at once")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use muster_registry::{Options, Registry, serve, store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

const SCHEMA: &str = r#"{"schema":"{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"com.example\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"customer\",\"type\":\"string\"},{\"name\":\"amount\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}},{\"name\":\"note\",\"type\":[\"null\",\"string\"],\"default\":null}]}"}"#;

fn main() {
    let (turn_ms, rounds) = (argument("--ms", 200), argument("--rounds", 25));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut servers = JoinSet::new();
    let (registry, baseline) = runtime.block_on(start(&mut servers));
    // Load comes from threads of its own, so that both servers have the same runtime to themselves.
    let load = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let measure = |address, what: &str, rest: &str, pipeline| {
        let request = format!("{what} HTTP/1.1\r\nHost: {address}\r\nAccept: {MEDIA_TYPE}\r\n{rest}");
        load.block_on(rate(address, &request, turn_ms, argument("--connections", 16), pipeline))
    };
    let again = format!("Content-Type: {MEDIA_TYPE}\r\nContent-Length: {}\r\n\r\n{SCHEMA}", SCHEMA.len());
    let asked = [
        ("GET /schemas/ids/1", "\r\n", argument("--pipeline", 1)),
        ("GET /schemas/ids/1", "\r\n", 16),
        ("GET /subjects/orders-value/versions/latest", "\r\n", 1),
        ("POST /subjects/orders-value/versions", again.as_str(), 1),
    ];
    for (what, rest, pipeline) in asked {
        measure(baseline, "GET /schemas/ids/1", "\r\n", pipeline);
        measure(registry, what, rest, pipeline);
        let mut rates: Vec<(f64, f64)> = Vec::new();
        for _ in 0..rounds {
            let baseline = measure(baseline, "GET /schemas/ids/1", "\r\n", pipeline);
            rates.push((measure(registry, what, rest, pipeline), baseline));
        }
        let (registry, baseline) = (median(rates.iter().map(|r| r.0)), median(rates.iter().map(|r| r.1)));
        let ratio = median(rates.iter().map(|r| r.0 / r.1));
        println!(
            "{what}, {pipeline} in flight per connection: registry {registry:.0}/s, bare axum {baseline:.0}/s, ratio {ratio:.2}"
        );
    }
}

/// A registry with one schema, and a bare server with that schema's answer.
async fn start(servers: &mut JoinSet<()>) -> (SocketAddr, SocketAddr) {
    let registry = Registry::new(store::open("sqlite::memory:").await.unwrap(), Options::default());
    let call = |method: &str, path: &str, body: Body| {
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        registry.router().oneshot(request)
    };
    let registered = call("POST", "/subjects/orders-value/versions", Body::from(SCHEMA)).await.unwrap();
    assert!(registered.status().is_success());
    let answer = call("GET", "/schemas/ids/1", Body::empty()).await.unwrap();
    let bytes: Bytes = answer.into_body().collect().await.unwrap().to_bytes();
    println!("answer: {} bytes", bytes.len());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    servers.spawn(async move { serve(listener, registry, std::future::pending()).await.unwrap() });

    let bare = axum::Router::new().route(
        "/schemas/ids/{id}",
        get(move || {
            let bytes = bytes.clone();
            async move { ([(header::CONTENT_TYPE, MEDIA_TYPE)], bytes) }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let baseline = listener.local_addr().unwrap();
    servers.spawn(async move {
        use axum::serve::ListenerExt as _;
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, bare).await.unwrap();
    });
    (address, baseline)
}

/// Requests answered per second by `address`, over keep-alive connections with `pipeline` requests in flight each.
async fn rate(address: SocketAddr, request: &str, turn_ms: u64, connections: u64, pipeline: u64) -> f64 {
    let (answered, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (answered, over, one) = (Arc::clone(&answered), Arc::clone(&over), request.to_owned());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let length = answer_length(&mut stream, &one).await;
            let requests = one.repeat(usize::try_from(pipeline).unwrap());
            let mut answers = vec![0; length * usize::try_from(pipeline).unwrap()];
            while !over.load(Ordering::Relaxed) {
                stream.write_all(requests.as_bytes()).await.unwrap();
                stream.read_exact(&mut answers).await.unwrap();
                answered.fetch_add(pipeline, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(turn_ms)).await;
    over.store(true, Ordering::Relaxed);
    clients.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let answered = answered.load(Ordering::Relaxed) as f64;
    answered / started.elapsed().as_secs_f64()
}

/// Sends one request and tells the length of its whole answer; that of all others is the same.
async fn answer_length(stream: &mut TcpStream, request: &str) -> usize {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let text = String::from_utf8(head.clone()).unwrap().to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{text}");
    let length: usize =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    head.len() + length
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).map_or(default, |value| value.parse().unwrap())
}
