//! A disk that loses its power: what was synced is on it; of what was written, made or removed since, anything may be.

use std::path::{Path, PathBuf};

use crate::numbers::Numbers;
use crate::vfs::{Event, Which};

/// What a disk writes as a whole.
const SECTOR: usize = 512;
const FILES: [(Which, &str); 3] = [(Which::Main, ""), (Which::Wal, "-wal"), (Which::Journal, "-journal")];

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It is gone.
    Nothing,
    /// It is all there.
    Everything,
    /// Up to some write it is there, and that one is torn.
    InOrder,
    /// Some writes are there, in any order.
    Writes,
    /// Some sectors are there.
    Sectors,
    /// Some sectors are there, others hold what nobody wrote.
    Garbage,
}

impl Manner {
    pub const ALL: [Self; 6] =
        [Self::Nothing, Self::Everything, Self::InOrder, Self::Writes, Self::Sectors, Self::Garbage];
}

/// The files of a database by what is sure to be on disk, and what is not.
///
/// A file is a number; names lead to numbers, so that a name whose removal was lost leads to what it led to.
#[derive(Clone, Default)]
pub struct Disk {
    files: Vec<Vec<u8>>,
    /// The file of each name, as it is on disk.
    names: [Option<usize>; 3],
    /// What else the names may lead to after a cut, the last of them what they lead to now.
    later: Vec<[Option<usize>; 3]>,
    /// Writes and truncations that were not synced, of the file with the number.
    pending: Vec<(usize, Event)>,
}

impl Disk {
    /// Does what the log says happened.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(which) => {
                self.files.push(Vec::new());
                self.rename(*which, Some(self.files.len() - 1));
            }
            Event::Remove(which) => self.rename(*which, None),
            Event::SyncFolder => {
                self.names = self.now();
                self.later.clear();
            }
            Event::Sync(which) => {
                let Some(number) = self.now()[*which as usize] else { return };
                let pending = std::mem::take(&mut self.pending);
                let (synced, rest) = pending.into_iter().partition(|(of, _)| *of == number);
                self.pending = rest;
                for (_, event) in synced {
                    write(&mut self.files[number], &event, |_| Sector::Written, true);
                }
            }
            Event::Write(which, ..) | Event::Truncate(which, _) => {
                let number = self.now()[*which as usize].unwrap();
                self.pending.push((number, event.clone()));
            }
            Event::Acknowledged(..) => {}
        }
    }

    /// Whether anything could be lost.
    pub fn is_unsynced(&self) -> bool {
        !self.pending.is_empty() || !self.later.is_empty()
    }

    /// Writes into a folder what is there after a cut now; the database has the name `main`.
    pub fn cut(&self, main: &Path, manner: Manner, numbers: &mut Numbers) {
        let mut files = self.files.clone();
        let up_to = numbers.below(self.pending.len() + 1);
        for (index, (number, event)) in self.pending.iter().enumerate() {
            let whole = numbers.coin();
            let torn = numbers.below(16);
            let mut sectors = |place: usize| match manner {
                Manner::Nothing => Sector::Kept,
                Manner::Everything => Sector::Written,
                Manner::InOrder if index < up_to || index == up_to && place < torn => Sector::Written,
                Manner::InOrder => Sector::Kept,
                Manner::Writes if whole => Sector::Written,
                Manner::Writes => Sector::Kept,
                Manner::Sectors if numbers.coin() => Sector::Written,
                Manner::Sectors => Sector::Kept,
                Manner::Garbage => match numbers.below(3) {
                    0 => Sector::Written,
                    1 => Sector::Kept,
                    _ => Sector::Garbage(numbers.next()),
                },
            };
            // The end of a file may move although nothing of what lies before it was written.
            let grows = manner != Manner::Nothing && whole;
            write(&mut files[*number], event, &mut sectors, grows);
        }
        let mut possible = vec![self.names];
        possible.extend(&self.later);
        for (which, suffix) in FILES {
            // A name may have changed although one that changed before has not.
            let choice = match manner {
                Manner::Nothing => 0,
                Manner::Everything => possible.len() - 1,
                _ => numbers.below(possible.len()),
            };
            let path = with_suffix(main, suffix);
            match possible[choice][which as usize].and_then(|number| files.get(number)) {
                Some(bytes) => std::fs::write(path, bytes).unwrap(),
                None => remove(&path),
            }
        }
        remove(&with_suffix(main, "-shm"));
    }

    fn now(&self) -> [Option<usize>; 3] {
        *self.later.last().unwrap_or(&self.names)
    }

    fn rename(&mut self, which: Which, to: Option<usize>) {
        let mut names = self.now();
        names[which as usize] = to;
        self.later.push(names);
    }
}

/// What becomes of a sector, or of the part of it that was written.
enum Sector {
    Written,
    Kept,
    Garbage(u64),
}

/// Carries out a write or a truncation as far as `sectors` says for each of its sectors; with `grows`, the file reaches
/// the end of the write in any case.
fn write(file: &mut Vec<u8>, event: &Event, mut sectors: impl FnMut(usize) -> Sector, grows: bool) {
    match event {
        Event::Write(_, at, bytes) => {
            let (mut place, mut rest, mut index) = (*at, bytes.as_slice(), 0);
            let reach = |file: &mut Vec<u8>, end: usize| file.resize(file.len().max(end), 0);
            while !rest.is_empty() {
                // Up to the end of the sector.
                let count = (SECTOR - place % SECTOR).min(rest.len());
                let (part, after) = rest.split_at(count);
                match sectors(index) {
                    Sector::Kept => {}
                    Sector::Written => {
                        reach(file, place + count);
                        file[place..place + count].copy_from_slice(part);
                    }
                    Sector::Garbage(seed) => {
                        reach(file, place + count);
                        let mut numbers = Numbers::from_seed(seed);
                        file[place..place + count].fill_with(|| numbers.next().to_le_bytes()[0]);
                    }
                }
                place += count;
                rest = after;
                index += 1;
            }
            if grows {
                reach(file, place);
            }
        }
        Event::Truncate(_, size) if matches!(sectors(0), Sector::Written) => file.truncate(*size),
        _ => {}
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", path.display());
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
