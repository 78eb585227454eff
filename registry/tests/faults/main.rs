//! What the store promises when the disk below it fails: power cuts at any write, a full disk, a read-only one, and one
//! that cannot sync.
//!
//! `MUSTER_CUTS` is the number of power cuts tried, by default 150; `tests/faults` tries 10,000. README.md tells how
//! they are made and what came out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod disk;
mod numbers;
mod power;
mod vfs;
mod workload;

use std::path::Path;
use std::sync::Arc;

use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{Store, StoreError, archive, clock};
use muster_schema::Subject;
use vfs::{Event, Fault, Vfs, Which};
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
    let started = std::time::Instant::now();
    let mut figures = power::Figures::default();
    // History after history, each cut at every place of it, and the last one at as many as are left.
    for seed in 1.. {
        let (log, histories) = recorded(&vfs, seed).await;
        figures += power::cut(&log, &histories, cuts - figures.cuts, seed).await;
        assert_eq!(figures.lost, 0, "{figures}");
        if figures.cuts >= cuts {
            break;
        }
    }
    println!("{figures}; {:.0} s", started.elapsed().as_secs_f64());
    assert!(figures.checkpoints > 0 && figures.unsynced > 0, "there was something to lose: {figures}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_lies_about_syncs_does_lose_something() {
    // Shows that the test above can tell: what would be seen if the store did not sync the one file or the other.
    let vfs = Vfs::alone().await;
    let (log, histories) = recorded(&vfs, 0).await;
    for lie in [Which::Main, Which::Wal] {
        let lying: Vec<Event> = log.iter().filter(|event| **event != Event::Sync(lie)).cloned().collect();
        let figures = power::cut(&lying, &histories, 60, 0).await;
        assert!(figures.lost > 0, "{lie:?}: {figures}");
    }
}

/// All that a store does to its files from the moment it is first opened, over a restart in the middle, and what its
/// writers know after each of their changes.
async fn recorded(vfs: &Vfs, seed: u64) -> (Vec<Event>, Vec<workload::History>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let mut writers = workload::Writers::new(seed);
    vfs.record();
    for _ in 0..2 {
        let store = open(&path).await;
        writers.run(&store, vfs, 80).await;
        store.close().await;
    }
    (vfs.recorded(), writers.histories())
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
