//! Registrations per second: 64 writers, each decision read from the store and committed durably, with whatever is
//! waiting in one commit (as the service runs) against one commit per write. Both are measured in turns; the medians of
//! the rounds count.
//!
//! `cargo bench -p muster-registry --bench store [-- --writers 64 --rounds 5]`. As a test it runs a few registrations only. The database lies in
//! the target folder, on whatever disk that is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{Content, Registration, Store, clock};
use muster_schema::identity::content_guid;
use muster_schema::{SchemaType, Subject};
use tokio::task::JoinSet;

/// Registrations of a round.
const REGISTRATIONS: usize = 9600;
/// Versions that each subject gets before its writer turns to the next.
const VERSIONS: usize = 10;

fn main() {
    // Cargo says `--bench` when it is one.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let writers = argument("--writers", 64);
    let (rounds, each) =
        if is_bench { (argument("--rounds", 5), REGISTRATIONS.div_ceil(writers)) } else { (1, 5) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (mut group, mut single) = (Vec::new(), Vec::new());
    // Taking turns, so that a slow moment of the disk hits both.
    for _ in 0..rounds {
        group.push(runtime.block_on(measure(writers, 256, each)));
        single.push(runtime.block_on(measure(writers, 1, each)));
    }
    let ratio = median(group.iter().zip(&single).map(|(group, single)| group.per_second / single.per_second));
    let rate = |measured: &[Measured]| median(measured.iter().map(|measured| measured.per_second));
    let p99_ms = |measured: &[Measured]| median(measured.iter().map(|m| m.p99.as_secs_f64() * 1e3));
    println!(
        "registrations, {writers} writers, durable: group commit: {:.0}/s (p99 {:.1} ms), one commit per write: \
         {:.0}/s (p99 {:.1} ms), ratio {ratio:.1}",
        rate(&group),
        p99_ms(&group),
        rate(&single),
        p99_ms(&single),
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn argument(name: &str, default: usize) -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).map_or(default, |value| value.parse().expect("a number"))
}

#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    per_second: f64,
    p99: Duration,
}

async fn measure(writers: usize, max_batch: usize, each: usize) -> Measured {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the database");
    let options = SqliteOptions::file(folder.path().join("muster.db")).max_batch(max_batch);
    let store = Arc::new(SqliteStore::open(options, clock::system()).await.expect("a store"));
    let mut running = JoinSet::new();
    let start = Instant::now();
    for writer in 0..writers {
        running.spawn(write(Arc::clone(&store), writer, each));
    }
    let mut latencies = running.join_all().await.concat();
    let seconds = start.elapsed().as_secs_f64();
    store.close().await;
    latencies.sort_unstable();
    let count = u32::try_from(latencies.len()).unwrap_or(u32::MAX);
    let p99 = latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default();
    Measured { per_second: f64::from(count) / seconds, p99 }
}

async fn write(store: Arc<SqliteStore>, writer: usize, each: usize) -> Vec<Duration> {
    let mut latencies = Vec::with_capacity(each);
    for number in 0..each {
        let subject = Subject::parse(&format!("topic-{writer}-{}-value", number / VERSIONS));
        let content = Arc::new(schema(writer, number));
        let start = Instant::now();
        let basis = store.state(&subject).await.expect("a state").basis;
        let registration =
            Registration { subject, content, id: None, version: None, importing: false, basis };
        let registered = store.register(registration).await.expect("a registration");
        latencies.push(start.elapsed());
        assert!(!registered.existed);
    }
    latencies
}

/// A record of ten fields, unlike every other.
fn schema(writer: usize, number: usize) -> Content {
    let fields: Vec<String> = (0..10)
        .map(|field| format!(r#"{{"name":"f{field}_{number}","type":"string","default":""}}"#))
        .collect();
    let text = format!(r#"{{"type":"record","name":"R{writer}","fields":[{}]}}"#, fields.join(","));
    Content {
        guid: content_guid(&text, &[], None, None),
        schema_type: SchemaType::Avro,
        schema: text,
        references: Vec::new(),
        metadata: None,
        rule_set: None,
    }
}
