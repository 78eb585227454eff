//! Power cuts: at each place of what was recorded the power goes, and a registry starts on what is left.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::AddAssign;
use std::path::Path;

use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{Snapshot, Store as _, archive, clock};
use sqlx::{Connection as _, SqliteConnection};

use crate::disk::{Disk, Manner};
use crate::numbers::Numbers;
use crate::vfs::{Event, Which};
use crate::workload::{History, Known, Step, content, register};

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Histories of writes that were recorded.
    pub histories: usize,
    /// Places of them at which the power could be cut.
    pub places: usize,
    /// Power cuts tried.
    pub cuts: usize,
    /// Writes recorded.
    pub writes: usize,
    /// Syncs recorded.
    pub syncs: usize,
    /// Syncs of the database itself: the write-ahead log was folded into it.
    pub checkpoints: usize,
    /// Changes acknowledged.
    pub acknowledged: usize,
    /// Cuts that found something written and not synced.
    pub unsynced: usize,
    /// Cuts after which an unacknowledged change was there all the same.
    pub early: usize,
    /// Cuts after which a registry did not start, something acknowledged was missing, something else was there, or an
    /// id was given out again.
    pub lost: usize,
    /// The first of those in words.
    pub first_loss: Option<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            histories,
            places,
            cuts,
            writes,
            syncs,
            checkpoints,
            acknowledged,
            unsynced,
            early,
            lost,
            ..
        } = self;
        write!(
            f,
            "{cuts} power cuts at {places} places of {histories} histories with {writes} writes, {syncs} syncs \
             ({checkpoints} of them in checkpoints) and {acknowledged} acknowledged changes; with something unsynced: \
             {unsynced}; with a change that was not acknowledged yet: {early}; with something lost: {lost} {}",
            self.first_loss.as_deref().unwrap_or_default()
        )
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.histories += other.histories;
        self.places += other.places;
        self.cuts += other.cuts;
        self.writes += other.writes;
        self.syncs += other.syncs;
        self.checkpoints += other.checkpoints;
        self.acknowledged += other.acknowledged;
        self.unsynced += other.unsynced;
        self.early += other.early;
        self.lost += other.lost;
        self.first_loss = self.first_loss.take().or(other.first_loss);
    }
}

/// Cuts the power at `cuts` places of the log, all of them if there are no more, each time with another choice of what
/// was not synced, and looks at what a registry finds when it starts.
pub async fn cut(log: &[Event], histories: &[History], cuts: usize, seed: u64) -> Figures {
    let folder = scratch();
    let path = folder.path().join("cut.db");
    let mut numbers = Numbers::from_seed(seed);
    let chosen = choose(log.len() + 1, cuts, &mut numbers);
    let count = |matching: fn(&Event) -> bool| log.iter().filter(|event| matching(event)).count();
    let mut figures = Figures {
        histories: 1,
        places: log.len() + 1,
        cuts: chosen.len(),
        writes: count(|event| matches!(event, Event::Write(..))),
        syncs: count(|event| matches!(event, Event::Sync(_))),
        checkpoints: count(|event| matches!(event, Event::Sync(Which::Main))),
        acknowledged: count(|event| matches!(event, Event::Acknowledged(..))),
        ..Figures::default()
    };
    let mut disk = Disk::default();
    let mut done = vec![0; histories.len()];
    for place in 0..=log.len() {
        if chosen.contains(&place) {
            figures.unsynced += usize::from(disk.is_unsynced());
            let manner = Manner::ALL[numbers.below(Manner::ALL.len())];
            disk.cut(&path, manner, &mut numbers);
            match look(&path, histories, &done).await {
                Ok(early) => figures.early += usize::from(early),
                Err(what) => {
                    figures.lost += 1;
                    let what = format!("seed {seed}, event {place} of {}, {manner:?}: {what}", log.len());
                    figures.first_loss.get_or_insert(what);
                }
            }
        }
        match log.get(place) {
            Some(Event::Acknowledged(writer, number)) => done[*writer] = *number,
            Some(event) => disk.apply(event),
            None => {}
        }
    }
    figures
}

/// Some of the numbers below `bound`, or all.
fn choose(bound: usize, count: usize, numbers: &mut Numbers) -> HashSet<usize> {
    let mut all: Vec<usize> = (0..bound).collect();
    let count = count.min(bound);
    for index in 0..count {
        let other = index + numbers.below(bound - index);
        all.swap(index, other);
    }
    all.into_iter().take(count).collect()
}

/// Starts a store on what is left, as a registry does, and checks it. Answers whether an unacknowledged change is there.
async fn look(path: &Path, histories: &[History], done: &[usize]) -> Result<bool, String> {
    let url = format!("sqlite:{}", path.display());
    let store = SqliteStore::open(SqliteOptions::file(path), clock::system())
        .await
        .map_err(|error| format!("cannot be opened: {error}"))?;
    let snapshot =
        archive::snapshot(&url, &mut |_, _| {}).await.map_err(|error| format!("cannot be read: {error}"))?;
    let early = check(&snapshot, histories, done)?;
    // An id that was given out is not given out again, whatever became of it.
    let highest =
        histories.iter().zip(done).filter_map(|(history, done)| history.get(*done)).map(|s| s.highest);
    let highest = highest.max().unwrap_or(0);
    let next = register(&store, "after", content("after")).await;
    let next = next.map_err(|error| format!("takes no more: {error}"))?.id.0;
    store.close().await;
    if next <= highest {
        return Err(format!("id {highest} was given out, and {next} was after it"));
    }
    sound(&url).await.map(|()| early)
}

/// Whether the database agrees with itself, its indexes included.
async fn sound(url: &str) -> Result<(), String> {
    let said = |error: sqlx::Error| error.to_string();
    let mut connection = SqliteConnection::connect(url).await.map_err(said)?;
    let verdict: String =
        sqlx::query_scalar("SELECT group_concat(integrity_check) FROM pragma_integrity_check")
            .fetch_one(&mut connection)
            .await
            .map_err(said)?;
    let orphans: i64 = sqlx::query_scalar("SELECT count(*) FROM pragma_foreign_key_check")
        .fetch_one(&mut connection)
        .await
        .map_err(said)?;
    connection.close().await.map_err(said)?;
    if verdict == "ok" && orphans == 0 { Ok(()) } else { Err(format!("{verdict}, {orphans} orphans")) }
}

/// Whether each writer's subjects are as after its last acknowledged change, or after the one under way; answers
/// whether one of the latter is there.
fn check(snapshot: &Snapshot, histories: &[History], done: &[usize]) -> Result<bool, String> {
    let mut early = false;
    for (writer, (history, done)) in histories.iter().zip(done).enumerate() {
        let prefix = format!("writer-{writer}-");
        let mut found: BTreeMap<String, Known> = BTreeMap::new();
        let subjects = snapshot.subjects.iter().filter(|((_, name), _)| name.starts_with(&prefix));
        for ((_, name), record) in subjects {
            let versions = record.versions.iter().map(|(number, version)| {
                (number.0, (version.id.0, version.content.schema.as_str().into(), version.deleted))
            });
            let alias = record.config.as_ref().and_then(|config| config.alias.clone());
            let known = Known { versions: versions.collect(), alias, mode: record.mode };
            if known != Known::default() {
                found.insert(name.clone(), known);
            }
        }
        let is = |number: usize| {
            history.get(number).is_some_and(|Step { known, .. }| {
                let told = known.iter().filter(|(_, known)| **known != Known::default());
                told.eq(found.iter())
            })
        };
        match (is(*done), is(done + 1)) {
            (true, _) => {}
            (false, true) => early = true,
            (false, false) => {
                return Err(format!("writer {writer} had {done} changes acknowledged, and finds {found:?}"));
            }
        }
    }
    Ok(early)
}

/// A folder in memory if there is one: what is written here need not last.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
