//! What is known while one request is judged.

use std::cell::RefCell;
use std::collections::HashMap;

use tokio::time::Instant;

use super::FactCache;
use crate::engine::{Fact, Facts, Identifier};

/// The memory as one request sees it: what was settled for this request wins, an answer older than the request can
/// pass a record but not fail it.
#[derive(Debug)]
pub(crate) struct View<'a> {
    cache: &'a FactCache,
    arrived: Instant,
    settled: HashMap<Identifier, Fact>,
    closed: bool,
    seen: RefCell<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Answers used for the current batch that are older than the request.
    older: Vec<Identifier>,
    /// Of all answers used, those that should be asked for again.
    aging: Vec<Identifier>,
}

impl<'a> View<'a> {
    pub(super) fn new(cache: &'a FactCache, arrived: Instant) -> Self {
        Self { cache, arrived, settled: HashMap::new(), closed: false, seen: RefCell::default() }
    }

    /// When the request arrived.
    pub(crate) fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Notes what holds for this request.
    pub(super) fn settle(&mut self, identifier: Identifier, fact: Fact) {
        self.settled.insert(identifier, fact);
    }

    /// Ends the asking: what is not known by now counts as out of reach.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Begins another batch.
    pub(crate) fn begin(&self) {
        self.seen.borrow_mut().older.clear();
    }

    /// The identifiers of the current batch about which the registry has not been asked since the request arrived:
    /// a refusal must not rest on them.
    pub(crate) fn older(&self) -> Vec<Identifier> {
        self.seen.borrow().older.clone()
    }

    /// The identifiers that were used and should be asked for again in the background.
    pub(crate) fn take_aging(&self) -> Vec<Identifier> {
        std::mem::take(&mut self.seen.borrow_mut().aging)
    }
}

impl Facts for View<'_> {
    fn lookup(&self, identifier: &Identifier) -> Fact {
        if let Some(fact) = self.settled.get(identifier) {
            return fact.clone();
        }
        let Some(entry) = self.cache.known.get(identifier) else {
            return if self.closed { Fact::Unavailable } else { Fact::Missing };
        };
        let mut seen = self.seen.borrow_mut();
        if entry.checked_at() < self.arrived && !self.closed {
            seen.older.push(*identifier);
        }
        if entry.checked_at().elapsed() > self.cache.limits.refresh_after {
            seen.aging.push(*identifier);
        }
        Fact::Known(entry.facts())
    }
}
