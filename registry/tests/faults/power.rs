//! Power cuts: what was synced is on disk; of what was written since, anything may be.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use muster_registry::store::{Snapshot, archive};
use muster_schema::Context;

use crate::vfs::{Event, Which};
use crate::workload::{History, Known, Step};

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// The bytes of both files.
#[derive(Clone, Debug, Default)]
pub struct Files {
    main: Vec<u8>,
    wal: Vec<u8>,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Power cuts tried.
    pub cuts: usize,
    /// Writes in the log.
    pub writes: usize,
    /// Syncs in the log.
    pub syncs: usize,
    /// Syncs of the database itself: the write-ahead log was folded into it.
    pub checkpoints: usize,
    /// Changes acknowledged in the log.
    pub acknowledged: usize,
    /// Cuts that found something written and not synced.
    pub unsynced: usize,
    /// Cuts after which an unacknowledged change was there all the same.
    pub early: usize,
    /// Cuts after which something acknowledged was missing, or something else was there.
    pub lost: usize,
    /// The first of those in words.
    pub first_loss: Option<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cuts, writes, syncs, checkpoints, acknowledged, unsynced, early, lost, first_loss } = self;
        write!(
            f,
            "power cuts: {cuts}, over {writes} writes, {syncs} syncs, {checkpoints} of them in checkpoints, and \
             {acknowledged} acknowledged changes; with unsynced writes: {unsynced}; with a change that was not acknowledged yet: {early}; with something lost: \
             {lost} {}",
            first_loss.as_deref().unwrap_or_default()
        )
    }
}

impl Files {
    /// Reads both files of a database.
    pub fn read(main: &Path) -> Self {
        let wal = with_suffix(main, "-wal");
        Self { main: std::fs::read(main).unwrap(), wal: std::fs::read(wal).unwrap_or_default() }
    }

    fn write(&self, main: &Path) {
        let _ = std::fs::remove_file(with_suffix(main, "-shm"));
        std::fs::write(main, &self.main).unwrap();
        std::fs::write(with_suffix(main, "-wal"), &self.wal).unwrap();
    }

    fn of(&mut self, which: Which) -> &mut Vec<u8> {
        match which {
            Which::Main => &mut self.main,
            Which::Wal => &mut self.wal,
        }
    }

    fn apply(&mut self, event: &Event, mut wanted: impl FnMut() -> bool) {
        match event {
            Event::Write(which, at, bytes) => {
                let file = self.of(*which);
                if file.len() < at + bytes.len() {
                    file.resize(at + bytes.len(), 0);
                }
                let mut place = *at;
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    // Up to the end of the sector.
                    let count = (SECTOR - place % SECTOR).min(rest.len());
                    let (part, after) = rest.split_at(count);
                    if wanted() {
                        file[place..place + count].copy_from_slice(part);
                    }
                    place += count;
                    rest = after;
                }
            }
            Event::Truncate(which, size) if wanted() => self.of(*which).truncate(*size),
            _ => {}
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Numbers that vary and can be had again (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// Cuts the power at `cuts` places of the log, each time with another choice of unsynced writes, and looks at what a
/// store finds.
pub async fn cut(start: Files, log: &[Event], histories: &[History], cuts: usize) -> Figures {
    let folder = scratch();
    let path = folder.path().join("cut.db");
    let mut numbers = Numbers(17);
    let mut places: Vec<usize> = (0..cuts).map(|_| numbers.below(log.len() + 1)).collect();
    places.sort_unstable();
    let count = |matching: fn(&Event) -> bool| log.iter().filter(|event| matching(event)).count();
    let mut figures = Figures {
        cuts,
        writes: count(|event| matches!(event, Event::Write(..))),
        syncs: count(|event| matches!(event, Event::Sync(_))),
        checkpoints: count(|event| matches!(event, Event::Sync(Which::Main))),
        acknowledged: count(|event| matches!(event, Event::Acknowledged(..))),
        ..Figures::default()
    };
    let mut durable = start;
    let mut pending: Vec<&Event> = Vec::new();
    let mut done = vec![0; histories.len()];
    let mut at = 0;
    for place in places {
        for event in &log[at..place] {
            match event {
                Event::Sync(which) => {
                    pending.retain(|event| {
                        let of_file =
                            matches!(event, Event::Write(w, ..) | Event::Truncate(w, _) if w == which);
                        if of_file {
                            durable.apply(event, || true);
                        }
                        !of_file
                    });
                }
                Event::Acknowledged(writer, number) => done[*writer] = *number,
                event => pending.push(event),
            }
        }
        at = place;
        figures.unsynced += usize::from(!pending.is_empty());
        let mut files = durable.clone();
        // Nothing of it, all of it, some writes, some sectors, or all up to some write.
        let manner = numbers.below(5);
        let up_to = numbers.below(pending.len() + 1);
        for (index, event) in pending.iter().enumerate() {
            let whole = numbers.below(2) == 0;
            files.apply(event, || match manner {
                0 => false,
                1 => true,
                2 => whole,
                3 => numbers.below(2) == 0,
                _ => index < up_to,
            });
        }
        files.write(&path);
        let url = format!("sqlite:{}", path.display());
        let verdict = match archive::snapshot(&url, &mut |_, _| {}).await {
            Ok(snapshot) => check(&snapshot, histories, &done),
            Err(error) => Err(format!("cannot be opened: {error}")),
        };
        match verdict {
            Ok(early) => figures.early += usize::from(early),
            Err(what) => {
                figures.lost += 1;
                figures
                    .first_loss
                    .get_or_insert(format!("at event {place} of {}, manner {manner}: {what}", log.len()));
            }
        }
    }
    figures
}

/// Whether each writer's subjects are as after its last acknowledged change, or after the one under way; answers
/// whether one of the latter is there.
fn check(snapshot: &Snapshot, histories: &[History], done: &[usize]) -> Result<bool, String> {
    let mut early = false;
    let mut highest = 0;
    for (writer, (history, done)) in histories.iter().zip(done).enumerate() {
        let prefix = format!("writer-{writer}-");
        let mut found: BTreeMap<String, Known> = BTreeMap::new();
        for ((_, name), record) in snapshot.subjects.iter().filter(|((_, name), _)| name.starts_with(&prefix))
        {
            let versions = record.versions.iter().map(|(number, version)| {
                (number.0, (version.id.0, version.content.schema.as_str().into(), version.deleted))
            });
            let alias = record.config.as_ref().and_then(|config| config.alias.clone());
            found.insert(name.clone(), Known { versions: versions.collect(), alias });
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
        highest = history.get(*done).map_or(highest, |step| highest.max(step.highest));
    }
    let last_id = snapshot.contexts.get(&Context::default_context()).and_then(|state| state.last_id);
    if last_id.is_none_or(|last| last.0 < highest) {
        return Err(format!("id {highest} was given out, and could be again after {last_id:?}"));
    }
    Ok(early)
}

/// A folder in memory if there is one: what is written here need not last.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
