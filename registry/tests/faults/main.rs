//! What the store promises when the disk below it fails: power cuts at any write, a full disk, a read-only one, and one
//! that cannot sync.
//!
//! `MUSTER_CUTS` is the number of power cuts tried, by default 150; `tests/faults` tries 10,000.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod power;
mod vfs;
mod workload;

use std::path::Path;
use std::sync::Arc;

use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{Store, StoreError, archive, clock};
use muster_schema::Subject;
use vfs::{Event, Fault, Vfs};
use workload::{content, register};

async fn open(path: &Path) -> Arc<SqliteStore> {
    let options = SqliteOptions::file(path).vfs(vfs::NAME);
    Arc::new(SqliteStore::open(options, clock::system()).await.unwrap())
}

async fn subjects_in(path: &Path) -> Vec<String> {
    let url = format!("sqlite:{}", path.display());
    let snapshot = archive::snapshot(&url, &mut |_, _| {}).await.unwrap();
    let with_versions = snapshot.subjects.into_iter().filter(|(_, record)| !record.versions.is_empty());
    with_versions.map(|((_, name), _)| name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_fails_writes_and_nothing_else() {
    let vfs = Vfs::alone().await;
    for fault in [Fault::Full, Fault::ReadOnly, Fault::NoSync] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let store = open(&path).await;
        let before = register(&store, "before", content("before")).await.unwrap();

        vfs.set(fault);
        for number in 0..3 {
            let failed = register(&store, &format!("during-{number}"), content("during")).await;
            assert!(matches!(failed, Err(StoreError::Database(_))), "{fault:?}: {failed:?}");
            let words = words(&failed.unwrap_err());
            assert!(words.contains(fault.words()), "{fault:?}: {words}");
            // Reads go on, from memory and from the file.
            let state = store.state(&Subject::parse("before")).await.unwrap();
            assert_eq!(state.versions.len(), 1, "{fault:?}");
            let stored = store.version(&Subject::parse("before"), before.version).await.unwrap();
            assert_eq!(stored.unwrap().content, before.content, "{fault:?}");
        }

        vfs.set(Fault::None);
        let after = register(&store, "after", content("after")).await.unwrap();
        assert!(after.id > before.id, "{fault:?}");
        store.close().await;
        assert_eq!(subjects_in(&path).await, ["after", "before"], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_power_cut_loses_what_was_acknowledged() {
    let vfs = Vfs::alone().await;
    let cuts = std::env::var_os("MUSTER_CUTS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(150);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let store = open(&path).await;
    register(&store, "first", content("first")).await.unwrap();

    let start = power::Files::read(&path);
    vfs.record();
    let changes = if cuts > 1000 { 500 } else { 150 };
    let histories = workload::run(&store, &vfs, changes).await;
    let log = vfs.recorded();
    store.close().await;

    let figures = power::cut(start.clone(), &log, &histories, cuts).await;
    println!("{figures}");
    assert_eq!(figures.lost, 0, "{figures}");
    assert!(figures.checkpoints > 0 && figures.unsynced > 0, "there was something to lose: {figures}");

    // The test can tell: a disk that only says that it has synced does lose something.
    let lying: Vec<Event> = log.into_iter().filter(|event| !matches!(event, Event::Sync(_))).collect();
    let figures = power::cut(start, &lying, &histories, 10).await;
    assert!(figures.lost > 0, "{figures}");
}

/// An error with its causes.
fn words(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
