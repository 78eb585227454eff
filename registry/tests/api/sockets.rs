//! Over real sockets: keep-alive, draining, silent clients, compression.

use std::time::Duration;

use muster_registry::{Options, serve};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::harness::{Api, StoreKind};

/// A registry on a free port of the loopback interface.
struct Served {
    address: std::net::SocketAddr,
    api: Api,
    stop: oneshot::Sender<()>,
    tasks: JoinSet<std::io::Result<()>>,
}

impl Served {
    async fn start(options: Options) -> Self {
        let api = Api::with(StoreKind::Memory, options).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, api.registry.clone(), async move {
            let _ = stopped.await;
        }));
        Self { address, api, stop, tasks }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(mut self) {
        self.stop.send(()).unwrap();
        self.tasks.join_next().await.unwrap().unwrap().unwrap();
    }
}

/// Reads one answer: its head, and as much body as its length says.
async fn answer(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (head, body)
}

#[tokio::test]
async fn connections_are_kept_alive_and_pipelined() {
    let served = Served::start(Options::default()).await;
    let mut stream = served.connect().await;
    stream
        .write_all(b"GET /subjects HTTP/1.1\r\nHost: x\r\n\r\nGET /contexts HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(answer(&mut stream).await.1, b"[]");
    assert_eq!(answer(&mut stream).await.1, b"[\".\"]");
    stream.write_all(b"GET /mode HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(answer(&mut stream).await.1, b"{\"mode\":\"READWRITE\"}");
    drop(stream);
    served.stop().await;
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_finishes_requests() {
    let served = Served::start(Options::default()).await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /subjects HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answer(&mut idle).await;
    // This one is under way: its body is not complete when the signal comes.
    let mut busy = served.connect().await;
    busy.write_all(
        b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n{\"schema\":",
    )
    .await
    .unwrap();
    let mut idle_again = served.connect().await;
    idle_again.write_all(b"GET /subjects HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answer(&mut idle_again).await;
    let Served { address, stop, mut tasks, .. } = served;
    stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "idle connections are closed");
    assert_eq!(idle_again.read(&mut [0; 1]).await.unwrap(), 0);
    busy.write_all(b"\"\\\"string\\\"\"}").await.unwrap();
    let (head, _) = answer(&mut busy).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(busy.read(&mut [0; 1]).await.unwrap(), 0, "the connection is closed behind it");
    tasks.join_next().await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn draining_ends_at_its_limit() {
    let options = Options { drain_timeout: Duration::from_millis(50), ..Options::default() };
    let served = Served::start(options).await;
    let mut stuck = served.connect().await;
    stuck
        .write_all(b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{")
        .await
        .unwrap();
    // The request is known to be under way once another one, sent later, has been answered.
    let mut other = served.connect().await;
    other.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    answer(&mut other).await;
    served.stop().await;
    assert_eq!(stuck.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn silent_clients_are_cut_off() {
    let options = Options { header_timeout: Duration::from_millis(50), ..Options::default() };
    let served = Served::start(options).await;
    let mut half_a_head = served.connect().await;
    half_a_head.write_all(b"GET /subjects HTTP/1.1\r\nHos").await.unwrap();
    let mut silent = served.connect().await;
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let mut rest = Vec::new();
    // Whether it is told (408) or not, it is cut off.
    half_a_head.read_to_end(&mut rest).await.unwrap_or_default();
    served.stop().await;
}

#[tokio::test]
async fn slow_bodies_are_cut_off() {
    let options = Options { body_timeout: Duration::from_millis(50), ..Options::default() };
    let served = Served::start(options).await;
    let mut stream = served.connect().await;
    stream
        .write_all(b"POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{")
        .await
        .unwrap();
    let (head, _) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 408"), "{head}");
    served.stop().await;
}

#[tokio::test]
async fn a_client_that_sends_too_much_still_gets_its_answer() {
    let options = Options { max_body_bytes: 1000, ..Options::default() };
    let served = Served::start(options).await;
    let body = "x".repeat(4 << 20);
    let announced = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (rest, status) in [(announced, "413"), (chunked, "400")] {
        let mut stream = served.connect().await;
        let request = format!("POST /subjects/s/versions HTTP/1.1\r\nHost: x\r\n{rest}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, _) = answer(&mut stream).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "the connection is closed behind it");
    }
    served.stop().await;
}

#[tokio::test]
async fn what_is_not_http_is_told_so() {
    let served = Served::start(Options { max_head_bytes: 16 << 10, ..Options::default() }).await;
    let long = |head: &str| format!("{head}{}", "x".repeat(17 << 10));
    let cases = [
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400"),
        ("GET /a HTTP/1.1\r\nno header\r\n\r\nrest".to_owned(), "400"),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(), "400"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\nab".to_owned(), "400"),
        (long("GET /"), "431"),
        (long("GET / HTTP/1.1\r\nA: "), "431"),
    ];
    for (request, status) in cases {
        let mut stream = served.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, _) = answer(&mut stream).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
    }
    served.stop().await;
}

#[tokio::test]
async fn large_answers_are_compressed_for_clients_that_take_it() {
    let served = Served::start(Options::default()).await;
    let doc = "words ".repeat(2000);
    let schema = json!({"type": "record", "name": "R", "doc": doc, "fields": []}).to_string();
    let reply = served.api.post("/subjects/s/versions", json!({"schema": schema})).await;
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    let mut stream = served.connect().await;
    let plain = "GET /schemas/ids/1 HTTP/1.1\r\nHost: x\r\n\r\n";
    let gzip = "GET /schemas/ids/1 HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n";
    let mut plain_body = Vec::new();
    // Twice each: the second answer is a kept one.
    for request in [plain, plain, gzip, gzip, plain] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, body) = answer(&mut stream).await;
        assert!(head.contains("vary: accept-encoding"), "{head}");
        if request == plain {
            assert!(!head.contains("content-encoding"), "{head}");
            plain_body = body;
            assert!(plain_body.len() > 10_000);
        } else {
            assert!(head.contains("content-encoding: gzip"), "{head}");
            assert!(body.len() < 1000 && body.starts_with(&[0x1f, 0x8b]), "{}", body.len());
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut text).unwrap();
            assert_eq!(text, plain_body);
        }
    }
    let short = "GET /subjects HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n";
    stream.write_all(short.as_bytes()).await.unwrap();
    assert!(!answer(&mut stream).await.0.contains("content-encoding"));
    drop(stream);
    served.stop().await;
}

#[tokio::test]
async fn health_and_metrics() {
    let served = Served::start(Options::default()).await;
    let get = |target: &'static str| async { served.api.send("GET", target, Default::default(), None).await };
    assert_eq!(get("/health/live").await.text, "live\n");
    assert_eq!(get("/health/ready").await.text, "ready\n");
    served.api.post("/subjects/s/versions", json!({"schema": "\"int\""})).await;
    served.api.post("/subjects/s/versions", json!({"schema": "\"int\""})).await;
    served.api.post("/subjects/s/versions", json!({"schema": "\"string\""})).await;
    served.api.get("/schemas/ids/1").await;
    served.api.get("/schemas/ids/1").await;
    served.api.get("/no/such/path").await;
    let text = get("/metrics").await.text;
    for line in [
        "muster_registrations_total{outcome=\"new\"} 1",
        "muster_registrations_total{outcome=\"known\"} 1",
        "muster_registrations_total{outcome=\"incompatible\"} 1",
        "muster_kept_answers_total 1",
        "muster_http_requests_total{method=\"GET\",route=\"/schemas/ids/{id}\",status=\"200\"} 2",
        "muster_http_requests_total{method=\"POST\",route=\"/subjects/{subject}/versions\",status=\"409\"} 1",
        "muster_http_requests_total{method=\"*\",route=\"unmatched\",status=\"404\"} 1",
        "muster_store_write_seconds_count{operation=\"registering a schema\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    served.api.store.close().await;
    assert_eq!(get("/health/ready").await.status.as_u16(), 503);
    served.stop().await;
}
