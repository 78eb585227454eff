//! `muster backup` and `muster restore`, and what is refused at start.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use support::muster::{Registry, run_muster};
use support::process::Finished;

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

fn backup(store: &Path, to: &Path) -> Finished {
    run_muster(&["backup", "--store", &url(store), &to.display().to_string()])
}

fn restore(store: &Path, from: &Path, flags: &[&str]) -> Finished {
    let (store, from) = (url(store), from.display().to_string());
    run_muster(&[&["restore", "--store", &store, &from], flags].concat())
}

fn export(store: &Path) -> String {
    run_muster(&["export", "--store", &url(store), "-"]).ok()
}

/// A store with one schema in it that nobody has open.
fn small_store(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(name);
    let mut registry = Registry::on_file("127.0.0.1:0", &file);
    registry.client().register(&format!("{name}-value"), r#""int""#);
    registry.process.terminate();
    assert!(registry.process.wait_exit().success());
    file
}

#[test]
fn a_backup_under_load_is_one_moment_of_the_registry() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("muster.db"), folder.path().join("copy.db"));
    let registry = Registry::on_file("127.0.0.1:0", &file);
    let stop = AtomicBool::new(false);
    let mut counts = Vec::new();
    thread::scope(|scope| {
        // Each writer registers under two subjects, one after the other: any moment has at most one more in the first.
        for writer in 0..4 {
            let (mut http, stop) = (registry.client(), &stop);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return number;
                    }
                    let text =
                        json!({"type": "enum", "name": format!("E{writer}_{number}"), "symbols": ["A"]});
                    for side in ["first", "second"] {
                        http.put(&format!("/config/{side}-{writer}"), &json!({"compatibility": "NONE"}));
                        http.register(&format!("{side}-{writer}"), &text.to_string());
                    }
                }
                0
            });
        }
        for round in 0..5 {
            let copy = folder.path().join(format!("copy-{round}.db"));
            let said = backup(&file, &copy).ok();
            assert!(said.contains("checked"), "{said}");
            let restored = Registry::on_file("127.0.0.1:0", &copy);
            let mut http = restored.client();
            let mut versions = 0;
            for writer in 0..4 {
                let count = |subject: String, http: &mut support::http::Client| {
                    let answer = http.get(&format!("/subjects/{subject}/versions"));
                    if answer.status == 404 { 0 } else { answer.ok().as_array().unwrap().len() }
                };
                let first = count(format!("first-{writer}"), &mut http);
                let second = count(format!("second-{writer}"), &mut http);
                assert!(first == second || first == second + 1, "writer {writer}: {first}, {second}");
                versions += first + second;
            }
            counts.push(versions);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(
        counts.is_sorted() && counts.first() < counts.last(),
        "the registry went on meanwhile: {counts:?}"
    );
    assert!(!copy.exists());
}

#[test]
fn what_was_backed_up_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = small_store(folder.path(), "a.db");
    let copy = folder.path().join("copy.db");
    backup(&file, &copy).ok();
    let before = export(&file);

    let mut registry = Registry::on_file("127.0.0.1:0", &file);
    registry.client().register("later", r#""string""#);
    let text = restore(&file, &copy, &["--force"]).refused();
    assert!(text.contains("in use by another process"), "{text}");
    let text = restore(&folder.path().join("other.db"), &file, &[]).refused();
    assert!(text.contains("a.db is in use by another process"), "{text}");
    // Its write-ahead log must not be applied to what comes in its place.
    registry.process.kill();
    assert!(restore(&file, &copy, &[]).refused().contains("is not empty"));
    let said = restore(&file, &copy, &["--force"]).ok();
    assert!(said.contains("1 versions"), "{said}");
    assert_eq!(export(&file), before);

    let elsewhere = folder.path().join("elsewhere.db");
    restore(&elsewhere, &copy, &[]).ok();
    assert_eq!(export(&elsewhere), before);
    let registry = Registry::on_file("127.0.0.1:0", &elsewhere);
    registry.client().get("/subjects/a.db-value/versions/1").ok();
}

#[test]
fn no_file_is_overwritten_and_none_is_left_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = small_store(folder.path(), "a.db");
    let taken = folder.path().join("taken");
    fs::write(&taken, "precious").unwrap();
    let text = backup(&file, &taken).refused();
    assert!(text.contains("exists already") && text.lines().count() == 1, "{text}");
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    assert!(backup(&file, &folder.path().join("none/b.db")).refused().contains("does not exist"));
    assert!(
        backup(&folder.path().join("none.db"), &folder.path().join("b.db"))
            .refused()
            .contains("does not exist")
    );
    let memory = run_muster(&["backup", "--store", "sqlite::memory:", "b.db"]).refused();
    assert!(memory.contains("a store in memory exists only inside the registry"), "{memory}");
    let left: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_no_whole_backup_is_refused_and_the_store_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = small_store(folder.path(), "a.db");
    let copy = folder.path().join("copy.db");
    backup(&file, &copy).ok();
    let before = export(&file);
    let whole = fs::read(&copy).unwrap();
    let bad = folder.path().join("bad.db");
    let mut torn = whole.clone();
    // The middle of the file, past the schema of the database.
    let middle = torn.len() / 2;
    torn[middle..middle + 4096].fill(0xAB);
    let mut newer = whole.clone();
    // `PRAGMA user_version`, which counts the migrations.
    newer[60..64].copy_from_slice(&999_u32.to_be_bytes());
    let mut foreign = whole.clone();
    foreign[68..72].copy_from_slice(&1_u32.to_be_bytes());
    let cases = [
        (b"no database at all, but long enough to be looked at".to_vec(), "is not a SQLite database"),
        (Vec::new(), "holds no registry"),
        (whole[..whole.len() / 2].to_vec(), "malformed"),
        (torn, "is damaged"),
        (newer, "was written by a newer release"),
        (foreign, "belongs to another application"),
    ];
    for (bytes, expected) in cases {
        fs::write(&bad, bytes).unwrap();
        let text = restore(&file, &bad, &["--force"]).refused();
        assert!(
            text.contains(expected) && text.contains("bad.db") && !text.contains("partial"),
            "{expected}: {text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(export(&file), before, "{expected}");
    }
}

#[test]
fn a_store_that_cannot_be_trusted_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = small_store(folder.path(), "a.db");
    let whole = fs::read(&file).unwrap();
    let changed = |at: usize, bytes: &[u8]| {
        let mut copy = whole.clone();
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        copy
    };
    let cases = [
        ("newer", changed(60, &999_u32.to_be_bytes()), "was written by a newer release"),
        ("foreign", changed(68, &1_u32.to_be_bytes()), "belongs to another application"),
        ("text", b"schemas, but in a text file, which is no database".to_vec(), "is not a SQLite database"),
        ("cut", whole[..whole.len() / 2].to_vec(), "malformed"),
        ("torn", changed(whole.len() / 2, &[0xAB; 4096]), "damaged"),
        ("first page", changed(100, &[0xAB; 200]), "malformed"),
    ];
    for (name, bytes, expected) in cases {
        let file = folder.path().join(format!("{name}.db"));
        fs::write(&file, &bytes).unwrap();
        let text = run_muster(&["serve", "--listen", "127.0.0.1:0", "--store", &url(&file)]).refused();
        assert!(text.contains(expected), "{name}: {text}");
        assert_eq!(text.lines().count(), 1, "{name}: {text}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "{name}: untouched");
    }
}
