//! What the gateway knows about schemas: look-ups at the registry and the memory of them (broker validation spec
//! §7.6, §8).
//!
//! - A positive answer is kept and asked for again in the background once it is [`refresh_after`] old; while the
//!   registry is out of reach it stays. A use of a schema that the registry has forgotten counts for another
//!   [`sticky`], so that the repetition of a batch that was written is not refused.
//! - A negative answer never decides alone: before a batch is refused the registry is asked again, for the schema may
//!   have been registered a moment ago. Only a client that exceeds its rate of look-ups is judged by an answer that is
//!   up to [`negative_ttl`] old, or told to come again.
//! - One look-up per identifier is under way at a time; all who need it wait for it. Ids far above the highest one in
//!   use are not asked about one by one.
//!
//! [`refresh_after`]: super::GatewayLimits::refresh_after
//! [`sticky`]: super::GatewayLimits::sticky
//! [`negative_ttl`]: super::GatewayLimits::negative_ttl

mod entry;
mod lookup;
mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use muster_schema::SchemaId;
use muster_serdes::client::RegistryClient;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::bucket::Bucket;
use super::config::GatewayLimits;
use super::tasks::{Tasks, lock};
use crate::engine::{Fact, Identifier, SchemaFacts};
use entry::Entry;
pub(super) use view::View;

/// Look-ups under way at a time, for all connections together.
const CONCURRENT_LOOKUPS: usize = 64;
/// Negative answers kept.
const NEGATIVE_ENTRIES: u64 = 10_000;
/// Pause before a failed look-up is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The memory, shared by all connections.
#[derive(Debug)]
pub(super) struct FactCache {
    registry: RegistryClient,
    known: Cache<Identifier, Arc<Entry>>,
    /// When the registry last said that there is no such schema.
    absent: Cache<Identifier, Instant>,
    flights: Mutex<HashMap<Identifier, Flight>>,
    lookups: Semaphore,
    /// Held while the registry is asked for its highest id.
    highest: tokio::sync::Mutex<Highest>,
    bucket: Mutex<Bucket>,
    tasks: Arc<Tasks>,
    /// Whether the last look-up failed.
    failing: AtomicBool,
    limits: GatewayLimits,
}

/// The highest schema id in use, as far as is known.
#[derive(Debug, Default)]
struct Highest {
    id: i32,
    /// A schema along with which the registry tells; it tells only along with one.
    known: Option<SchemaId>,
    asked_at: Option<Instant>,
}

/// A look-up under way.
#[derive(Clone, Debug)]
struct Flight {
    started: Instant,
    answer: watch::Receiver<Option<Answer>>,
}

#[derive(Clone, Debug)]
enum Answer {
    Known(Arc<SchemaFacts>),
    Unknown,
    Unavailable,
}

/// Ends a look-up, also one that was cut off.
struct Landing {
    cache: Arc<FactCache>,
    identifier: Identifier,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.cache.flights).remove(&self.identifier);
    }
}

impl FactCache {
    /// An empty memory. `tasks`: where look-ups run.
    pub(super) fn new(registry: RegistryClient, tasks: Arc<Tasks>, limits: GatewayLimits) -> Self {
        Self {
            registry,
            known: Cache::builder()
                .max_capacity(limits.cached_schemas)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            absent: Cache::builder().max_capacity(NEGATIVE_ENTRIES).time_to_live(limits.negative_ttl).build(),
            flights: Mutex::default(),
            lookups: Semaphore::new(CONCURRENT_LOOKUPS),
            highest: tokio::sync::Mutex::default(),
            bucket: Mutex::new(Bucket::new(limits.total_lookups_per_second)),
            tasks,
            failing: AtomicBool::new(false),
            limits,
        }
    }

    /// What is known, for judging a request that arrived `arrived`.
    pub(super) fn view(&self, arrived: Instant) -> View<'_> {
        View::new(self, arrived)
    }

    /// Asks the registry about identifiers and notes the answers in `view`: at once for what is being asked already,
    /// and no later than `deadline`.
    ///
    /// `bucket`: of the connection, for look-ups that have to be started.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        identifiers: &[Identifier],
        view: &mut View<'_>,
        bucket: &mut Bucket,
        deadline: Instant,
    ) {
        let mut started = Vec::with_capacity(identifiers.len().min(1_024));
        for identifier in identifiers {
            if let Identifier::Id(id) = *identifier
                && timeout_at(deadline, self.is_beyond(id, view.arrived(), bucket)).await.unwrap_or(false)
            {
                view.settle(*identifier, Fact::Unknown);
                continue;
            }
            match self.flight(*identifier, || bucket.take() && lock(&self.bucket).take()) {
                Some(flight) => started.push((*identifier, flight)),
                None => {
                    metrics::counter!("muster_gateway_lookups_denied_total").increment(1);
                    view.settle(*identifier, self.unasked(*identifier));
                }
            }
        }
        for (identifier, flight) in started {
            let answer = timeout_at(deadline, self.land(identifier, flight, view.arrived())).await;
            let fact = match answer.unwrap_or(Answer::Unavailable) {
                Answer::Known(facts) => Fact::Known(facts),
                Answer::Unknown => Fact::Unknown,
                Answer::Unavailable => self.unasked(identifier),
            };
            view.settle(identifier, fact);
        }
    }

    /// Whether an id is so high that the registry cannot have handed it out yet. One question about the highest id
    /// serves all such ids of a request, and of all requests that came before it was asked.
    async fn is_beyond(&self, id: SchemaId, arrived: Instant, bucket: &mut Bucket) -> bool {
        let mut highest = self.highest.lock().await;
        let Some(known) = highest.known else { return false };
        if id.0 <= highest.id.saturating_add(self.limits.id_range) {
            return false;
        }
        if highest.asked_at.is_none_or(|asked_at| asked_at < arrived) {
            if !bucket.take() || !lock(&self.bucket).take() {
                return false;
            }
            let now = Instant::now();
            metrics::counter!("muster_gateway_registry_lookups_total", "result" => "highest").increment(1);
            match self.registry.max_id(known, None).await {
                Ok(Some(max)) => {
                    highest.id = max.0;
                    highest.asked_at = Some(now);
                }
                // It does not tell, or the schema is gone: every id is asked about, until another one is known.
                Ok(None) | Err(_) => {
                    highest.known = None;
                    return false;
                }
            }
        }
        id.0 > highest.id
    }

    /// Asks again about facts that are getting old, in the background.
    pub(super) fn refresh(self: &Arc<Self>, identifiers: &[Identifier]) {
        for identifier in identifiers {
            // Whoever comes next tries again if there is no token now.
            self.flight(*identifier, || lock(&self.bucket).take());
        }
    }

    /// What a client is told about an identifier that could not be asked about now: what was said a moment ago, or
    /// nothing.
    fn unasked(&self, identifier: Identifier) -> Fact {
        let recent = |at: Instant| at.elapsed() <= self.limits.negative_ttl;
        match self.known.get(&identifier) {
            Some(entry) if recent(entry.checked_at()) => return Fact::Known(entry.facts()),
            Some(_) => return Fact::Unavailable,
            None => {}
        }
        match self.absent.get(&identifier) {
            Some(at) if recent(at) => Fact::Unknown,
            _ => Fact::Unavailable,
        }
    }

    /// The look-up under way, or a new one if `admit` lets it start.
    fn flight(self: &Arc<Self>, identifier: Identifier, admit: impl FnOnce() -> bool) -> Option<Flight> {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&identifier) {
            return Some(flight.clone());
        }
        if !admit() {
            return None;
        }
        let (sender, answer) = watch::channel(None);
        let flight = Flight { started: Instant::now(), answer };
        flights.insert(identifier, flight.clone());
        drop(flights);
        let landing = Landing { cache: Arc::clone(self), identifier };
        self.tasks.spawn(async move {
            let answer = landing.cache.ask(identifier).await;
            drop(landing);
            // Nobody may be waiting any more.
            let _ = sender.send(Some(answer));
        });
        Some(flight)
    }

    /// Waits for an answer that is not older than the request: a "no" from a look-up that started before it is asked
    /// for again, and so is a failure.
    async fn land(self: &Arc<Self>, identifier: Identifier, mut flight: Flight, arrived: Instant) -> Answer {
        loop {
            let answer = match flight.answer.wait_for(Option::is_some).await {
                Ok(answer) => answer.clone(),
                // The task is gone without an answer: the gateway is stopping.
                Err(_) => return Answer::Unavailable,
            };
            match answer {
                Some(answer @ (Answer::Known(_) | Answer::Unknown)) if flight.started >= arrived => {
                    return answer;
                }
                Some(Answer::Unavailable) | None => tokio::time::sleep(RETRY_PAUSE).await,
                Some(Answer::Known(_) | Answer::Unknown) => {}
            }
            match self.flight(identifier, || true) {
                Some(next) => flight = next,
                None => return Answer::Unavailable,
            }
        }
    }

    /// One look-up, and what is remembered of it.
    async fn ask(&self, identifier: Identifier) -> Answer {
        let Ok(_permit) = self.lookups.acquire().await else { return Answer::Unavailable };
        let old = self.known.get(&identifier);
        let now = Instant::now();
        let patience = self.limits.lookup_deadline.max(Duration::from_secs(1)) * 2;
        let found = timeout(patience, lookup::ask(&self.registry, identifier, old.as_deref())).await;
        let result = match &found {
            Ok(Ok(Some(_))) => "found",
            Ok(Ok(None)) => "absent",
            Ok(Err(_)) | Err(_) => "failed",
        };
        metrics::counter!("muster_gateway_registry_lookups_total", "result" => result).increment(1);
        if matches!(found, Ok(Ok(_))) && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("the registry answers again");
        }
        match found {
            Ok(Ok(found)) => match Entry::merge(old.as_deref(), found, now, self.limits.sticky) {
                Some(entry) => {
                    let facts = entry.facts();
                    if let Identifier::Id(id) = identifier {
                        let mut highest = self.highest.lock().await;
                        highest.known = Some(id);
                        highest.id = highest.id.max(id.0);
                    }
                    self.known.insert(identifier, Arc::new(entry));
                    self.absent.invalidate(&identifier);
                    Answer::Known(facts)
                }
                None => {
                    self.known.invalidate(&identifier);
                    self.absent.insert(identifier, now);
                    Answer::Unknown
                }
            },
            Ok(Err(error)) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "registry look-up failed; further failures are only counted");
                }
                Answer::Unavailable
            }
            Err(_) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let timeout_ms = patience.as_millis();
                    tracing::warn!(
                        timeout_ms,
                        "registry look-up timed out; further failures are only counted"
                    );
                }
                Answer::Unavailable
            }
        }
    }
}
