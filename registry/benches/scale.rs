//! How the registry does with much in it: what it costs to start, what memory it takes, and what a request costs, at
//! 1,000, 10,000, 100,000 and 1,000,000 versions.
//!
//! `cargo bench -p muster-registry --bench scale` (`-- --most 100000` to stop earlier; a million versions take some
//! 5 GB of disk). As a test it tries 1,000 versions only. Each registry runs in a process of its own, on a store filled
//! with records of some 2 KB: 10 versions per subject, at most 10,000 distinct schemas.
//!
//! - *ready*: from the start of the process to its first answer.
//! - *resident*: memory of that process, once ready and after the requests below.
//! - listings: time of one in a registry that was just started, and its memory afterwards.
//! - per request, in microseconds, over one kept connection: the median of calls to a registry that was just started,
//!   each about another subject or id, scattered over the whole store: neither kept answers nor kept states help. With
//!   a million versions, each id has 100 uses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_registry::store::snapshot::{ContextState, SubjectRecord, VersionRecord};
use muster_registry::store::{self, Content, Snapshot, archive};
use muster_registry::{Options, Registry};
use muster_schema::identity::content_guid;
use muster_schema::{Context, SchemaId, SchemaType, Version};

const DISTINCT: usize = 10_000;
const PER_SUBJECT: usize = 10;
const SCHEMA_BYTES: usize = 2_000;
/// Calls of each kind, each about another subject or id: none of them is answered from what an earlier one left.
const CALLS: usize = 80;
/// Each kind is measured in so many processes; the best counts, since others use the machine, too.
const ROUNDS: usize = 5;
const WHAT: [&str; 6] = ["by id", "latest", "list", "look up", "repeat", "register"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    if let Some(url) = after("--serve") {
        return serve(url);
    }
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let most = after("--most").and_then(|text| text.parse().ok()).unwrap_or(if is_bench {
        1_000_000
    } else {
        1_000
    });
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the stores");
    println!("versions | file MB | ready ms | resident MB | after | {} (µs)", WHAT.join(" | "));
    let mut rows = Vec::new();
    for versions in [1_000, 10_000, 100_000, 1_000_000] {
        if versions > most {
            break;
        }
        let path = folder.path().join("scale.db");
        for suffix in ["", "-wal", "-shm", "-lock"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        let row = measure(&path, versions);
        println!("{row}");
        println!("{}", list(&path));
        rows.push(row);
    }
    println!("\n{}", plot(&rows));
}

/// The cost of each kind of request over the number of versions: ten stars are its cost in the smallest registry, so a
/// flat one has ten everywhere.
fn plot(rows: &[Row]) -> String {
    let mut plot = String::from("ten stars: what the request costs with 1,000 versions\n");
    for (index, what) in WHAT.into_iter().enumerate() {
        let costs = rows.iter().filter_map(|row| Some((row.versions, *row.calls.get(index)?)));
        let base = costs.clone().next().map_or(f64::NAN, |(_, cost)| cost);
        for (versions, cost) in costs {
            let stars = "*".repeat((cost / base * 10.0).round() as usize);
            let _ = writeln!(plot, "{what:>8} {versions:>9} {stars} {cost:.0} µs");
        }
    }
    plot
}

struct Row {
    versions: usize,
    file_mb: f64,
    ready_ms: f64,
    resident_mb: f64,
    resident_after_mb: f64,
    /// Microseconds, in the order of [`WHAT`].
    calls: [f64; WHAT.len()],
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { versions, file_mb, ready_ms, resident_mb, resident_after_mb, calls } = self;
        write!(
            f,
            "{versions:>8} | {file_mb:>7.0} | {ready_ms:>8.0} | {resident_mb:>11.0} | {resident_after_mb:>5.0}"
        )?;
        for (call, what) in calls.iter().zip(WHAT) {
            write!(f, " | {call:>width$.0}", width = what.len())?;
        }
        Ok(())
    }
}

fn measure(path: &Path, versions: usize) -> Row {
    let url = format!("sqlite:{}", path.display());
    let distinct = fill(&url, versions);
    let file_mb = std::fs::metadata(path).map_or(0.0, |file| file.len() as f64 / 1e6);
    // The best of a few starts: others use the machine, too.
    let start = || {
        let started = Instant::now();
        let mut served = Served::start(&url);
        served.call("GET", "/schemas/ids/1", "");
        started.elapsed()
    };
    let ready = (0..3).map(|_| start()).min().unwrap_or_default();
    let subjects = versions / PER_SUBJECT;
    let body = |text: &str| serde_json::json!({ "schema": text }).to_string();
    let known = |subject: usize, version: usize| body(&schema(content_number(subject, version, distinct)));
    // A stride that reaches every number below the bound, scattered over the store.
    let scattered = |call: usize, bound: usize| call * 7_919 % bound;
    let subject = |call| scattered(call, subjects);
    let version = |call: usize| call * 3 % PER_SUBJECT;
    let get = |path: String| ("GET", path, String::new());
    let mut new = DISTINCT;
    let mut request = |what: &str, call: usize| match what {
        "by id" => get(format!("/schemas/ids/{}", scattered(call, distinct) + 1)),
        "latest" => get(format!("/subjects/s{}/versions/latest", subject(call))),
        "list" => get(format!("/subjects/s{}/versions", subject(call))),
        "look up" => ("POST", format!("/subjects/s{}", subject(call)), known(subject(call), version(call))),
        "repeat" => {
            ("POST", format!("/subjects/s{}/versions", subject(call)), known(subject(call), version(call)))
        }
        _ => {
            new += 1;
            ("POST", format!("/subjects/s{}/versions", subject(call)), body(&schema(new)))
        }
    };
    let mut median = |what: &str| {
        let mut served = Served::start(&url);
        let mut times: Vec<Duration> = (0..CALLS + 1)
            .map(|call| {
                let (method, path, body) = request(what, call);
                let started = Instant::now();
                served.call(method, &path, &body);
                started.elapsed()
            })
            .skip(1)
            .collect();
        times.sort_unstable();
        times.get(CALLS / 2).copied().unwrap_or_default().as_secs_f64() * 1e6
    };
    let calls = WHAT.map(|what| (0..ROUNDS).map(|_| median(what)).fold(f64::INFINITY, f64::min));

    let mut served = Served::start(&url);
    served.call("GET", "/schemas/ids/1", "");
    let resident_mb = served.resident_mb();
    for what in WHAT {
        for call in 0..5 * CALLS {
            let (method, path, body) = request(what, call);
            served.call(method, &path, &body);
        }
    }
    let resident_after_mb = served.resident_mb();
    Row { versions, file_mb, ready_ms: ready.as_secs_f64() * 1e3, resident_mb, resident_after_mb, calls }
}

/// What a page of the listing of schemas takes, where it begins and with filters that look at every version.
fn list(path: &Path) -> String {
    let url = format!("sqlite:{}", path.display());
    let mut text = String::new();
    for listing in
        ["/schemas", "/schemas?limit=1000", "/schemas?latestOnly=true", "/schemas?ruleType=CEL", "/subjects"]
    {
        let mut served = Served::start(&url);
        served.call("GET", "/schemas/ids/1", "");
        let started = Instant::now();
        served.call("GET", listing, "");
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let _ =
            writeln!(text, "{listing:>25}: {ms:.0} ms, {:.0} MB resident afterwards", served.resident_mb());
    }
    text
}

fn content_number(subject: usize, version: usize, distinct: usize) -> usize {
    (subject * PER_SUBJECT + version) % distinct
}

/// A record of its own name, some 2 KB long, in canonical form.
fn schema(number: usize) -> String {
    let mut fields = Vec::new();
    let mut bytes = 0;
    while bytes < SCHEMA_BYTES {
        let field =
            format!(r#"{{"name":"field_{}_of_{number}","type":"string","default":""}}"#, fields.len());
        bytes += field.len() + 1;
        fields.push(field);
    }
    format!(r#"{{"type":"record","name":"R{number}","fields":[{}]}}"#, fields.join(","))
}

/// Fills the store; returns how many distinct schemas it has.
fn fill(url: &str, versions: usize) -> usize {
    let distinct = DISTINCT.min(versions);
    let contents: Vec<Arc<Content>> = (0..distinct)
        .map(|number| {
            let schema = schema(number);
            let guid = content_guid(&schema, &[], None, None);
            let schema_type = SchemaType::Avro;
            Arc::new(Content {
                guid,
                schema_type,
                schema,
                references: Vec::new(),
                metadata: None,
                rule_set: None,
            })
        })
        .collect();
    let context = Context::default_context();
    let mut snapshot = Snapshot::default();
    let last_id = i32::try_from(distinct).ok().map(SchemaId);
    snapshot.contexts.insert(context.clone(), ContextState { last_id, listed: false });
    // Nothing is compatible with anything here.
    let config = serde_json::from_str(r#"{"compatibilityLevel":"NONE"}"#).ok();
    snapshot
        .subjects
        .insert((context.clone(), String::new()), SubjectRecord { config, ..SubjectRecord::default() });
    for subject in 0..versions / PER_SUBJECT {
        let name = format!("s{subject}");
        let mut record = SubjectRecord::default();
        for version in 0..PER_SUBJECT {
            let number = content_number(subject, version, distinct);
            let Some(content) = contents.get(number) else { continue };
            let id = SchemaId(i32::try_from(number + 1).unwrap_or(i32::MAX));
            let version = Version(i32::try_from(version + 1).unwrap_or(i32::MAX));
            let stored = VersionRecord { id, content: Arc::clone(content), deleted: false, ts_ms: 0 };
            record.versions.insert(version, stored);
            snapshot
                .uses
                .entry((context.clone(), id))
                .or_insert_with(BTreeMap::new)
                .insert(name.clone(), version);
            snapshot.ids.insert((context.clone(), content.guid), id);
        }
        snapshot.subjects.insert((context.clone(), name), record);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(archive::load(url, &snapshot, &mut |_, _| {})).expect("the store takes it");
    distinct
}

/// The process under measurement.
fn serve(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let store = store::open(url).await.expect("the store opens");
        let registry = Registry::new(store, Options::default());
        println!("ready {address}");
        muster_registry::serve(listener, registry, std::future::pending()).await.expect("it serves");
    });
}

/// A registry in a process of its own, and a connection to it.
struct Served {
    child: Child,
    connection: BufReader<TcpStream>,
}

impl Served {
    fn start(url: &str) -> Self {
        let me = std::env::current_exe().expect("the path of this program");
        let mut child =
            Command::new(me).args(["--serve", url]).stdout(Stdio::piped()).spawn().expect("a process");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped above");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().trim_start_matches("ready ").to_owned();
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Self { child, connection: BufReader::new(stream) }
    }

    fn call(&mut self, method: &str, path: &str, body: &str) {
        let connection = &mut self.connection;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.get_mut().write_all(request.as_bytes()).expect("it reads");
        let (mut line, mut length) = (String::new(), 0);
        connection.read_line(&mut line).expect("an answer");
        let status = line.clone();
        loop {
            line.clear();
            connection.read_line(&mut line).expect("a header");
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).expect("a body");
        assert!(status.contains(" 200 "), "{method} {path}: {status}{}", String::from_utf8_lossy(&body));
    }

    /// Resident memory, as Linux tells it.
    fn resident_mb(&self) -> f64 {
        let id = self.child.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib * 1024.0 / 1e6)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
