//! What `muster serve` promises when it is killed, when its disk is full and when it may not write.
//!
//! `MUSTER_KILLS` is the number of kills, by default 40; `tests/faults` does 1,000.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::http::{Client, MEDIA_TYPE, Response};
use support::muster::{Registry, muster};
use support::process::{PATIENCE, run};
use support::{Numbers, free_ports, skipped, wait_for};

const WRITERS: u64 = 12;
const SUBJECTS: u64 = 3;

/// What a writer knows of one of its subjects.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    /// Number to id, text and whether it is soft-deleted.
    versions: BTreeMap<i64, (i64, String, bool)>,
    /// The alias for data encryption keys in its config, a member that changes nothing else.
    mark: Option<String>,
    mode: Option<&'static str>,
}

/// What all writers together have been told.
#[derive(Default)]
struct Told {
    changes: AtomicU64,
    repeated: AtomicU64,
    /// The text of every id ever acknowledged, those of deleted schemas included.
    ids: Mutex<HashMap<i64, String>>,
    stop: AtomicBool,
}

/// A writer's connection: sends until there is an answer.
struct Sender<'a> {
    http: Client,
    told: &'a Told,
}

impl Sender<'_> {
    /// The answer, and whether an earlier attempt may have been carried out; `None` when all is over.
    fn send(&mut self, method: &str, path: &str, body: &Value) -> Option<(Response, bool)> {
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        let mut again = false;
        loop {
            match self.http.send(method, path, &[("content-type", MEDIA_TYPE)], bytes.as_bytes()) {
                Ok(response) => {
                    self.told.changes.fetch_add(1, Ordering::Relaxed);
                    self.told.repeated.fetch_add(u64::from(again), Ordering::Relaxed);
                    return Some((response, again));
                }
                Err(_) if self.told.stop.load(Ordering::Relaxed) => return None,
                Err(_) => {
                    again = true;
                    thread::yield_now();
                }
            }
        }
    }

    /// Deletes something; that it is gone already is well if an earlier attempt may have done it.
    fn delete(&mut self, path: &str) -> Option<()> {
        let (response, again) = self.send("DELETE", path, &Value::Null)?;
        assert!(response.status == 200 || (again && response.status == 404), "{path}: {response:?}");
        Some(())
    }
}

/// Changes subjects of its own until told to stop; returns what they must be then. A change that was never answered is
/// left open: it may have happened or not.
fn write(writer: u64, address: &str, told: &Told) -> (BTreeMap<String, Known>, Option<(String, Known)>) {
    let mut sender = Sender { http: Client::new(address), told };
    let mut numbers = Numbers::from_seed(writer + 1);
    let mut all: BTreeMap<String, Known> = BTreeMap::new();
    for number in 0.. {
        if told.stop.load(Ordering::Relaxed) {
            break;
        }
        let subject = format!("writer-{writer}-{}", numbers.below(SUBJECTS));
        let before = all.get(&subject).cloned().unwrap_or_default();
        let mut after = before.clone();
        match change(&mut sender, &mut numbers, &subject, &mut after, writer, number) {
            Some(()) => drop(all.insert(subject, after)),
            None => return (all, Some((subject, after))),
        }
    }
    (all, None)
}

/// One change of a subject, acknowledged; `None` when it never was. `known` becomes what it leads to.
fn change(
    sender: &mut Sender<'_>,
    numbers: &mut Numbers,
    subject: &str,
    known: &mut Known,
    writer: u64,
    number: u64,
) -> Option<()> {
    let live: Vec<i64> = known.versions.iter().filter(|(_, v)| !v.2).map(|(n, _)| *n).collect();
    let gone: Vec<i64> = known.versions.iter().filter(|(_, v)| v.2).map(|(n, _)| *n).collect();
    let any = |numbers: &mut Numbers, of: &[i64]| {
        of.get(usize::try_from(numbers.below(of.len().max(1) as u64)).unwrap()).copied()
    };
    match numbers.below(12) {
        0 | 1 if !live.is_empty() => {
            let version = any(numbers, &live)?;
            known.versions.get_mut(&version)?.2 = true;
            sender.delete(&format!("/subjects/{subject}/versions/{version}"))
        }
        2 if !gone.is_empty() => {
            let version = any(numbers, &gone)?;
            known.versions.remove(&version);
            if known.versions.is_empty() {
                (known.mark, known.mode) = (None, None);
            }
            sender.delete(&format!("/subjects/{subject}/versions/{version}?permanent=true"))
        }
        3 if !live.is_empty() => {
            known.versions.values_mut().for_each(|version| version.2 = true);
            sender.delete(&format!("/subjects/{subject}"))
        }
        4 | 5 => {
            let mark = format!("mark-{writer}-{number}");
            known.mark = Some(mark.clone());
            let (response, _) = sender.send(
                "PUT",
                &format!("/config/{subject}"),
                &json!({"compatibility": "NONE", "aliasForDeks": mark}),
            )?;
            assert_eq!(response.status, 200, "{response:?}");
            Some(())
        }
        6 if known.mark.is_some() => {
            known.mark = None;
            sender.delete(&format!("/config/{subject}"))
        }
        7 => {
            known.mode = Some("READWRITE");
            let (response, _) =
                sender.send("PUT", &format!("/mode/{subject}"), &json!({"mode": "READWRITE"}))?;
            assert_eq!(response.status, 200, "{response:?}");
            Some(())
        }
        _ => {
            let record = json!({"type": "enum", "name": format!("W{writer}N{number}"), "symbols": ["A"]});
            let text = record.to_string();
            let next = known.versions.keys().max().copied().unwrap_or(0) + 1;
            known.versions.insert(next, (-1, text.clone(), false));
            let path = format!("/subjects/{subject}/versions");
            let (response, _) = sender.send("POST", &path, &json!({"schema": text}))?;
            let answer = response.ok();
            let id = answer["id"].as_i64()?;
            // No gap in versions, whether the first attempt was carried out or a later one.
            assert_eq!(answer["version"], next, "{subject}: {answer}");
            let other = sender.told.ids.lock().unwrap().insert(id, text.clone());
            assert!(
                other.as_ref().is_none_or(|other| *other == text),
                "id {id} was given to {other:?} and to {text}"
            );
            known.versions.insert(next, (id, text, false));
            Some(())
        }
    }
}

/// What the registry says of a subject. Ids of versions that were never acknowledged are told as -1.
fn found(http: &mut Client, subject: &str, expected: &Known) -> Known {
    let mut known = Known::default();
    let answer = http.get(&format!("/subjects/{subject}/versions?deleted=true&deletedAsNegative=true"));
    for number in if answer.status == 404 { json!([]) } else { answer.ok() }.as_array().unwrap() {
        let number = number.as_i64().unwrap();
        let stored = http.get(&format!("/subjects/{subject}/versions/{}?deleted=true", number.abs())).ok();
        let id = stored["id"].as_i64().unwrap();
        let open = expected.versions.get(&number.abs()).is_some_and(|version| version.0 == -1);
        let text = stored["schema"].as_str().unwrap().to_owned();
        let by_id = http.get(&format!("/schemas/ids/{id}")).ok();
        assert_eq!(by_id["schema"], text.as_str(), "id {id} leads to the schema that has it");
        known.versions.insert(number.abs(), (if open { -1 } else { id }, text, number < 0));
    }
    let config = http.get(&format!("/config/{subject}"));
    known.mark = config.json()["aliasForDeks"].as_str().map(str::to_owned);
    known.mode = (http.get(&format!("/mode/{subject}")).status == 200).then_some("READWRITE");
    known
}

#[test]
fn kills_lose_nothing_reuse_nothing_and_bring_nothing_back() {
    let kills = std::env::var_os("MUSTER_KILLS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let address = format!("127.0.0.1:{}", free_ports(1));
    let (told, started) = (Told::default(), Instant::now());
    let mut registry = Registry::on_file(&address, &file);
    registry.client().put("/config", &json!({"compatibility": "NONE"})).ok();
    let expected = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (address, told) = (&address, &told);
                scope.spawn(move || write(writer, address, told))
            })
            .collect();
        // Should a wait below fail, the writers must end, or the scope never does.
        let stop = StopOnDrop(&told.stop);
        let mut numbers = Numbers::from_seed(11);
        for kill in 0..kills {
            let enough = told.changes.load(Ordering::Relaxed) + 1 + numbers.below(60);
            wait_for(&format!("acknowledgements before kill {kill}"), PATIENCE, || {
                let dead = writers.iter().any(thread::ScopedJoinHandle::is_finished);
                (dead || told.changes.load(Ordering::Relaxed) >= enough).then_some(())
            });
            registry.process.kill();
            if kill + 1 == kills {
                // The last one is for good: what is under way then stays unanswered.
                told.stop.store(true, Ordering::Relaxed);
            } else {
                registry = Registry::on_file(&address, &file);
            }
        }
        drop(stop);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    registry = Registry::on_file(&address, &file);
    let mut http = registry.client();
    let (mut subjects, mut open) = (0, 0);
    for (known, unanswered) in &expected {
        for (subject, known) in known {
            subjects += 1;
            let is = found(&mut http, subject, known);
            if is == *known {
                continue;
            }
            // Only the change that was never answered may be there as well.
            let or = unanswered.as_ref().filter(|(name, _)| name == subject).map(|(_, known)| known);
            open += 1;
            assert_eq!(
                Some(&found(&mut http, subject, or.unwrap_or(known))),
                or,
                "{subject} was to be {known:?}"
            );
        }
    }
    let ids = told.ids.lock().unwrap();
    let highest = ids.keys().max().copied().unwrap_or(0);
    let next = http.register("after-all", r#"{"type":"enum","name":"After","symbols":["A"]}"#);
    assert!(next > highest, "the next id {next} is above {highest}");
    println!(
        "{kills} kills, {} acknowledged changes ({} of them sent again), {} ids, {subjects} subjects: 0 lost, 0 ids given \
         twice, 0 deletions undone, 0 gaps; {open} unanswered changes were there; {:.0} s",
        told.changes.load(Ordering::Relaxed),
        told.repeated.load(Ordering::Relaxed),
        ids.len(),
        started.elapsed().as_secs_f64()
    );
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_full_disk_stops_writes_until_there_is_room_again() {
    const TEST: &str = "a_full_disk_stops_writes_until_there_is_room_again";
    if Command::new("prlimit").arg("--version").output().is_err() {
        skipped(TEST, "no prlimit (util-linux)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    // No file may grow beyond a limit, which is lifted later. The signal that comes with it is what a disk has not.
    let serve =
        muster(&["serve", "--listen", "127.0.0.1:0", "--store", &format!("sqlite:{}", file.display())]);
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' XFSZ; exec prlimit --fsize=400000:unlimited "$@""#, "sh"]);
    command.arg(serve.get_program()).args(serve.get_args());
    for (name, _) in serve.get_envs() {
        command.env_remove(name);
    }
    let registry = Registry::from_command(command);
    let mut http = registry.client();
    let schema = |number: usize| {
        let doc = "x".repeat(2000);
        json!({"type": "enum", "name": format!("E{number}"), "doc": doc, "symbols": ["A"]}).to_string()
    };
    let mut stored = Vec::new();
    let refused = loop {
        let number = stored.len();
        assert!(number < 1000, "the disk never was full");
        let answer = http.post(&format!("/subjects/s{number}/versions"), &json!({"schema": schema(number)}));
        match answer.status {
            200 => stored.push(answer.json()["id"].as_i64().unwrap()),
            _ => break answer,
        }
    };
    let message = refused.error(500, 50001);
    assert!(!message.contains(&*folder.path().to_string_lossy()), "{message}");
    assert!(!stored.is_empty());
    for _ in 0..3 {
        http.post("/subjects/s/versions", &json!({"schema": schema(9999)})).error(500, 50001);
        for (number, id) in stored.iter().enumerate() {
            assert_eq!(http.get(&format!("/schemas/ids/{id}")).ok()["schema"], schema(number).as_str());
            assert_eq!(http.get(&format!("/subjects/s{number}/versions/latest")).ok()["id"], *id);
        }
    }
    // What is left may do for a page or two.
    let says_so = (0..30).any(|_| {
        http.post("/subjects/s/versions", &json!({"schema": schema(9999)})).error(500, 50001);
        http.get("/health/ready").status >= 500
    });
    assert!(says_so, "a registry that cannot write says so");
    http.get("/health/live");
    let log = registry.process.log();
    assert!(log.contains("disk I/O error") || log.contains("full"), "the log tells why: {log}");

    let id = registry.process.id().to_string();
    let mut lift = Command::new("prlimit");
    lift.args(["--pid", &id, "--fsize=unlimited:unlimited"]);
    run(lift, b"", Duration::from_secs(10)).ok();
    let next = http.register("s", &schema(9999));
    assert!(stored.iter().all(|id| *id < next), "{stored:?} {next}");
    drop(registry);
    let registry = Registry::on_file("127.0.0.1:0", &file);
    let mut http = registry.client();
    for (number, id) in stored.iter().enumerate() {
        assert_eq!(http.get(&format!("/subjects/s{number}/versions/1")).ok()["id"], *id);
    }
    assert_eq!(http.get("/subjects/s/versions/1").ok()["id"], next);
}

#[test]
fn a_store_that_may_not_be_written_is_refused_at_start() {
    const TEST: &str = "a_store_that_may_not_be_written_is_refused_at_start";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    drop(Registry::on_file("127.0.0.1:0", &file));
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(folder.path(), 0o777);
    // Anyone may take the lock; the files themselves may only be read.
    mode(&folder.path().join("muster.db-lock"), 0o666);
    for name in ["muster.db", "muster.db-wal", "muster.db-shm"] {
        if folder.path().join(name).exists() {
            mode(&folder.path().join(name), 0o444);
        }
    }
    let serve =
        muster(&["serve", "--listen", "127.0.0.1:0", "--store", &format!("sqlite:{}", file.display())]);
    // Root may write anything, so somebody else must try.
    let is_root = File::options().append(true).open(&file).is_ok();
    let as_nobody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
    };
    let mut command = Command::new(serve.get_program());
    if is_root {
        let reach = as_nobody().args(["test", "-x"]).arg(serve.get_program()).status();
        if !reach.is_ok_and(|status| status.success()) {
            skipped(
                TEST,
                "root may write anything, and nobody else can run the binary (setpriv of util-linux)",
            );
            return;
        }
        command = as_nobody();
        command.arg(serve.get_program());
    }
    command.args(serve.get_args());
    let text = run(command, b"", Duration::from_secs(20)).refused();
    assert!(text.contains("muster.db") && text.lines().count() == 1, "{text}");
    assert!(text.contains("may only be read"), "{text}");
}
