//! Writers of one subject take turns, so that none decides in vain for ever.

use std::hash::{BuildHasher as _, RandomState};

use muster_schema::Subject;
use tokio::sync::{Mutex, MutexGuard};

const STRIPES: usize = 256;

/// One lock per stripe of subjects, handed on in the order of asking.
///
/// Correctness does not need it: the store refuses a decision whose basis has changed. But two writers of one subject
/// always change each other's basis, so deciding at the same time is work thrown away, and under contention the slow
/// one would never win. Writers of different subjects hardly ever meet.
pub(super) struct Turns {
    locks: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { locks: (0..STRIPES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits until it is this writer's turn; the turn ends with the guard. `None` only if there were no stripes.
    pub(super) async fn take(&self, subject: &Subject) -> Option<MutexGuard<'_, ()>> {
        let stripe = usize::try_from(self.hasher.hash_one(subject) % STRIPES as u64).unwrap_or_default();
        match self.locks.get(stripe) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }
}
