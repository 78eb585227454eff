//! What the benches share: a registry with one schema, and ratios of interleaved rounds.
#![allow(dead_code, reason = "each bench uses its part")]

use std::time::{Duration, Instant};

use muster_serdes::{ClientConfig, RegistryClient};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A client of a registry that gives `answer` to whatever it is asked, until the set is dropped.
pub async fn registry(answer: serde_json::Value) -> (RegistryClient, JoinSet<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
    let answer = answer.to_string();
    let associations = "/associations/resources/{namespace}/{topic}";
    let router = axum::Router::new()
        .route(associations, axum::routing::get(|| std::future::ready("[]")))
        .fallback(move || std::future::ready(answer.clone()));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await });
    (RegistryClient::new(ClientConfig::new(&url)).expect("the settings are valid"), server)
}

/// Prints the median of the ratios of interleaved rounds, so that a busy machine slows both sides alike: above 1 ours is
/// faster.
pub fn ratio(name: &str, ours: impl Fn(), baseline: &str, theirs: impl Fn()) {
    let time = |work: &dyn Fn()| -> Duration {
        let start = Instant::now();
        for _ in 0..2_000 {
            work();
        }
        start.elapsed()
    };
    let mut rounds: Vec<(f64, Duration)> = (0..101)
        .map(|_| {
            let (ours, theirs) = (time(&ours), time(&theirs));
            (theirs.as_secs_f64() / ours.as_secs_f64(), ours)
        })
        .collect();
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((ratio, ours)) = rounds.get(rounds.len() / 2) {
        println!("{name}: {ratio:.2} × {baseline} ({} ns per value)", ours.as_nanos() / 2_000);
    }
}
