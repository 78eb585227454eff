//! What the process knows about commits without asking the database.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_schema::Subject;

/// Keys share this many stamps. A stamp shared with a busy key costs a needless read, never a wrong answer.
const SHARDS: usize = 4096;

/// What a committed transaction has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// Versions or settings of this key.
    Key(Subject),
    /// Keys too many to name.
    Everything,
}

/// The number of the last committed event, and for each group of keys the number of the last one that touched it.
///
/// A value read from the database may be kept with the revision that was current *before* it was read: it still holds
/// as long as none of its keys was touched by a later event.
pub(super) struct Committed {
    revision: AtomicU64,
    everything: AtomicU64,
    shards: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Committed {
    pub(super) fn new(revision: u64) -> Self {
        Self {
            revision: AtomicU64::new(revision),
            everything: AtomicU64::new(0),
            shards: (0..SHARDS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The number of the last committed event.
    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Notes a commit: what was touched by which event, and the last of them. Called once it is durable and before any
    /// of it is acknowledged.
    pub(super) fn advance(&self, revision: u64, touched: &[(Touched, u64)]) {
        for (key, event) in touched {
            let stamp = match key {
                Touched::Key(subject) => self.shard(subject.context().as_str(), subject.name()),
                Touched::Everything => &self.everything,
            };
            stamp.fetch_max(*event, Ordering::AcqRel);
        }
        // Last, so that whoever sees the new revision sees the new stamps, too.
        self.revision.store(revision, Ordering::Release);
    }

    /// Whether nothing that governs `subject` was touched after `revision`: its versions and settings, and the
    /// settings of its context, of the default context and of everything.
    pub(super) fn unchanged_since(&self, revision: u64, subject: &Subject) -> bool {
        let context = subject.context().as_str();
        let keys = [(context, subject.name()), (context, ""), (".", ""), (".__GLOBAL", "")];
        self.everything.load(Ordering::Acquire) <= revision
            && keys
                .iter()
                .all(|(context, name)| self.shard(context, name).load(Ordering::Acquire) <= revision)
    }

    fn shard(&self, context: &str, name: &str) -> &AtomicU64 {
        let hash = self.hasher.hash_one((context, name));
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        self.shards.get(index).unwrap_or(&self.everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_any_governing_key_ends_what_was_read_before() {
        // Keys that happen to share a stamp end it, too, but not with every hasher.
        let survives = |touched: &str| {
            (0..20).any(|_| {
                let committed = Committed::new(7);
                committed.advance(8, &[(Touched::Key(Subject::parse(touched)), 8)]);
                assert!(committed.unchanged_since(8, &Subject::parse("a")));
                committed.unchanged_since(7, &Subject::parse("a"))
            })
        };
        let cases =
            [("a", false), ("", false), (":.__GLOBAL:", false), ("b", true), (":.c:", true), (":.c:a", true)];
        for (touched, expected) in cases {
            assert_eq!(survives(touched), expected, "{touched}");
        }
    }

    #[test]
    fn touching_everything_ends_all() {
        let committed = Committed::new(0);
        committed.advance(1, &[(Touched::Everything, 1)]);
        assert!(!committed.unchanged_since(0, &Subject::parse(":.c:a")));
        assert!(committed.unchanged_since(1, &Subject::parse(":.c:a")));
    }
}
