//! Produce throughput through the gateway, against no gateway at all and against a plain TCP relay in the same run.
//!
//! A broker that only counts, a load generator that keeps five requests in flight on each connection as real producers
//! do, and between them nothing, a relay, or a gateway, all in one process. Rounds alternate between the paths, so that
//! a noisy machine disturbs all of them alike; the median counts. `MUSTER_BENCH_SECONDS` sets the length of a round.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../tests/gateway/broker.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod broker;
#[path = "../tests/gateway/client.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod client;
#[path = "../tests/gateway/registry.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod registry;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kafka_protocol::messages::ApiKey;
use muster_serdes::client::{ClientConfig, RegistryClient};
use muster_validator::gateway::{Gateway, GatewayConfig, admin};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const IN_FLIGHT: usize = 5;
const ROUNDS: usize = 25;
const RELAY_BUFFER: usize = 256 << 10;

struct Load {
    name: &'static str,
    connections: usize,
    records: usize,
    value_bytes: usize,
}

const LOADS: [Load; 6] = [
    Load { name: "1 KiB of 100 B", connections: 4, records: 8, value_bytes: 100 },
    Load { name: "16 KiB of 100 B", connections: 4, records: 140, value_bytes: 100 },
    Load { name: "128 KiB of 100 B", connections: 4, records: 1_120, value_bytes: 100 },
    Load { name: "128 KiB of 1 KiB", connections: 4, records: 125, value_bytes: 1_024 },
    Load { name: "1 MiB of 100 B", connections: 2, records: 9_000, value_bytes: 100 },
    Load { name: "1 MiB of 1 KiB", connections: 2, records: 1_000, value_bytes: 1_024 },
];

#[tokio::main]
async fn main() {
    // Cargo runs benches for tests too: then once around is enough.
    let testing = std::env::args().any(|argument| argument == "--test");
    let round = if testing { Duration::from_millis(20) } else { round_length() };

    let broker = broker::Broker::start().await;
    broker.create("free");
    broker.create("validated");
    broker.trick(|tricks| tricks.sink = true);
    let registry = registry::Registry::start().await;
    registry.register(1, "validated-value");
    let start = |settings_topic: &str| {
        let registry = RegistryClient::new(ClientConfig::new(&registry.url())).unwrap();
        let config = GatewayConfig::new("127.0.0.1:0", &broker.address.to_string(), registry);
        Gateway::start(GatewayConfig { settings_topic: settings_topic.to_owned(), ..config })
    };
    // Nothing is validated behind the first; of the second's topics one is.
    let (plain, validating) = (start("_plain").await.unwrap(), start("_validating").await.unwrap());
    let through = validating.local_addr();
    let setting = [("confluent.value.schema.validation".to_owned(), Some("true".to_owned()))];
    admin::set(&through.to_string(), "validated", &setting).await.unwrap();
    let paths = [
        ("direct", broker.address, "free"),
        ("relay", relay(broker.address).await, "free"),
        ("no validation", plain.local_addr(), "free"),
        ("other topic", through, "free"),
        ("validated", through, "validated"),
    ];

    println!(
        "requests of uncompressed records; MB/s, median of {ROUNDS} rounds of {round:?}; ratios to the relay, round by round"
    );
    print!("{:<18}", "");
    for (name, ..) in paths {
        print!(" {name:>15}");
    }
    println!();
    for load in &LOADS {
        let mut rounds = Vec::new();
        for _ in 0..if testing { 1 } else { ROUNDS } {
            let mut sample = [0.0; 5];
            for (slot, (_, address, topic)) in sample.iter_mut().zip(paths) {
                *slot = measure(address, topic, load, round).await;
            }
            rounds.push(sample);
        }
        print!("{:<18}", load.name);
        for path in 0..paths.len() {
            let of = median(rounds.iter().map(|round| round[path]).collect());
            let ratio = median(rounds.iter().map(|round| round[path] / round[1]).collect());
            print!(" {:>15}", format!("{of:.0} ({ratio:.2})"));
        }
        println!();
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch of the bench, not of the product")]
fn round_length() -> Duration {
    let seconds = std::env::var("MUSTER_BENCH_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.2))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A relay that knows nothing of Kafka.
async fn relay(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    #[expect(clippy::disallowed_methods, reason = "runs until the process ends")]
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tasks.spawn(async move {
                let mut server = TcpStream::connect(to).await.unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let _ =
                    copy_bidirectional_with_sizes(&mut client, &mut server, RELAY_BUFFER, RELAY_BUFFER).await;
            });
        }
    });
    address
}

/// Bytes of requests per microsecond.
async fn measure(address: SocketAddr, topic: &'static str, load: &Load, length: Duration) -> f64 {
    let mut value = client::framed(1);
    value.resize(load.value_bytes, b'x');
    let values: Vec<&[u8]> = vec![&value; load.records];
    let batch = client::batch(&values);
    let frame = Arc::new(client::frame(ApiKey::Produce, 9, 1, &client::produce_request(topic, &[batch])));
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let mut connections = JoinSet::new();
    for _ in 0..load.connections {
        let (frame, stop, answered) = (Arc::clone(&frame), Arc::clone(&stop), Arc::clone(&answered));
        connections.spawn(async move {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let (mut read, mut write) = socket.split();
            let window = tokio::sync::Semaphore::new(IN_FLIGHT);
            let sent = AtomicU64::new(0);
            let sending = async {
                while !stop.load(Ordering::Relaxed) {
                    window.acquire().await.unwrap().forget();
                    sent.fetch_add(1, Ordering::Relaxed);
                    write.write_all(&frame).await.unwrap();
                }
            };
            let receiving = async {
                let mut response = [0; 15];
                loop {
                    read.read_exact(&mut response).await.unwrap();
                    assert_eq!(response[..4], [0, 0, 0, 11], "a refusal");
                    answered.fetch_add(1, Ordering::Relaxed);
                    window.add_permits(1);
                }
            };
            tokio::select! {
                () = sending => {}
                () = receiving => {}
            }
        });
    }
    // The first moments connect and warm up.
    tokio::time::sleep(length / 10).await;
    let (started, before) = (Instant::now(), answered.load(Ordering::Relaxed));
    tokio::time::sleep(length).await;
    let (elapsed, after) = (started.elapsed(), answered.load(Ordering::Relaxed));
    stop.store(true, Ordering::Relaxed);
    connections.shutdown().await;
    (after - before) as f64 * frame.len() as f64 / elapsed.as_micros() as f64
}
