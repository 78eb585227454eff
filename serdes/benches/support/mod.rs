//! What the benches share: a payment, a registry with one schema, and ratios of interleaved rounds.
#![allow(dead_code, reason = "each bench uses its part")]

use std::time::{Duration, Instant};

use muster_serdes::{ClientConfig, RegistryClient};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Where payments go.
pub const TOPIC: &str = "payments";

/// What is written and read: 20 fields of the usual kinds.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct Payment {
    #[prost(int64, tag = "1")]
    pub id: i64,
    #[prost(string, tag = "2")]
    pub account: String,
    #[prost(string, tag = "3")]
    pub counterparty: String,
    #[prost(sint64, tag = "4")]
    pub amount_cents: i64,
    #[prost(sint64, tag = "5")]
    pub balance_cents: i64,
    #[prost(string, tag = "6")]
    pub currency: String,
    #[prost(int64, tag = "7")]
    pub booked_at: i64,
    #[prost(int64, tag = "8")]
    pub valued_at: i64,
    #[prost(int32, tag = "9")]
    pub sequence: i32,
    #[prost(int32, tag = "10")]
    pub attempts: i32,
    #[prost(int32, tag = "11")]
    pub region: i32,
    #[prost(double, tag = "12")]
    pub score: f64,
    #[prost(double, tag = "13")]
    pub rate: f64,
    #[prost(float, tag = "14")]
    pub weight: f32,
    #[prost(bool, tag = "15")]
    pub is_credit: bool,
    #[prost(bool, tag = "16")]
    pub is_reversal: bool,
    #[prost(string, optional, tag = "17")]
    pub reference: Option<String>,
    #[prost(string, optional, tag = "18")]
    pub note: Option<String>,
    #[prost(int32, optional, tag = "19")]
    pub category: Option<i32>,
    #[prost(string, repeated, tag = "20")]
    pub tags: Vec<String>,
}

pub fn payment() -> Payment {
    Payment {
        id: 8_123_456_789,
        account: "DE02120300000000202051".into(),
        counterparty: "FR1420041010050500013M02606".into(),
        amount_cents: -1_234_567,
        balance_cents: 99_887_766,
        currency: "EUR".into(),
        booked_at: 1_709_208_000_123,
        valued_at: 1_709_294_400_000,
        sequence: 417,
        attempts: 1,
        region: 49,
        score: 0.875,
        rate: 1.0842,
        weight: 0.5,
        is_credit: false,
        is_reversal: true,
        reference: Some("INV-2024-000417".into()),
        note: None,
        category: Some(12),
        tags: vec!["sepa".into(), "instant".into()],
    }
}

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
