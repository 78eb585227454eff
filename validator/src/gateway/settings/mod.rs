//! Topic settings: kept in a compacted topic of the cluster, held in memory as a snapshot (broker validation spec §17).
//!
//! One record per topic: key `<topic id>/<name>`, value a line `name=value` per setting; no value once the topic has
//! none or is gone. Settings belong to the topic id, so a topic that is deleted and created again starts clean.
//! Every gateway of the cluster reads the topic to its end before it opens its port, and follows it from then on.
//! Of two changes to one topic through two gateways within the same moment, the later one wins as a whole.

mod log;
mod model;
mod table;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use muster_schema::Guid;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::cluster::{Cluster, Metadata};
use super::error::UpstreamError;
use super::tasks::lock;
use crate::wire::{ErrorCode, TopicId};
use log::Log;
pub(crate) use model::{OwnedKey, TopicSettings};
pub(crate) use table::Table;

/// How long a change waits for what other gateways wrote before it.
const CATCH_UP: Duration = Duration::from_secs(5);
/// How long a topic must bear another id before its settings are taken for those of a topic that is gone.
const DOUBT: Duration = Duration::from_secs(5);

/// The settings of all topics of a cluster.
#[derive(Debug)]
pub(super) struct Settings {
    log: Log,
    state: Mutex<State>,
    table: ArcSwap<Table>,
    /// The offset up to which the settings topic has been read.
    read_to: watch::Sender<i64>,
    /// Held while a change is made: read, change, write.
    writing: tokio::sync::Mutex<()>,
    /// Asks for a look at which topics still exist.
    doubt: Notify,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<TopicId, Stored>,
    /// Settings of topics being created, with the number of requests that create them.
    intended: HashMap<Arc<str>, (usize, TopicSettings)>,
    /// Topics that are gone; late news about them is not believed.
    gone: HashSet<TopicId>,
}

#[derive(Debug)]
struct Stored {
    name: Arc<str>,
    settings: TopicSettings,
    /// Of the record that says so; -1 if it is not written yet.
    offset: i64,
    /// The connection that showed the topic alive.
    seen_on: Option<u64>,
    /// Since when the name belongs to another topic, or to none.
    doubted_since: Option<Instant>,
}

impl Stored {
    fn new(name: &str, settings: TopicSettings, offset: i64) -> Self {
        Self { name: name.into(), settings, offset, seen_on: None, doubted_since: None }
    }

    /// Whether the name still stands for this topic, as far as is known.
    fn bears_name(&self) -> bool {
        self.doubted_since.is_none_or(|since| since.elapsed() < DOUBT)
    }
}

impl Settings {
    /// Opens the settings topic, creates it if need be, and reads it to its end.
    pub(super) async fn open(cluster: Arc<Cluster>, topic: &str) -> Result<Self, UpstreamError> {
        let log = Log::open(cluster, topic).await?;
        let settings = Self {
            log,
            state: Mutex::default(),
            table: ArcSwap::default(),
            read_to: watch::Sender::new(0),
            writing: tokio::sync::Mutex::default(),
            doubt: Notify::new(),
        };
        let mut tail = settings.log.tail();
        let end = tail.start().await?;
        settings.read_to.send_replace(tail.next_offset());
        while tail.next_offset() < end {
            settings.read_on(&mut tail).await?;
        }
        Ok(settings)
    }

    /// The rules of all topics now.
    pub(super) fn table(&self) -> arc_swap::Guard<Arc<Table>> {
        self.table.load()
    }

    /// Follows the settings topic for ever.
    pub(super) async fn follow(&self) {
        let mut tail = self.log.tail();
        tail.seek(*self.read_to.borrow());
        let mut failing = false;
        loop {
            match self.read_on(&mut tail).await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "cannot follow the settings topic; settings stay as they are"
                        );
                    }
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
            }
        }
    }

    async fn read_on(&self, tail: &mut log::Tail) -> Result<(), UpstreamError> {
        let news = tail.next().await?;
        if news.restarted {
            // The topic was made anew: what is remembered is older than anything in it.
            for stored in lock(&self.state).topics.values_mut() {
                stored.offset = -1;
            }
        }
        if !news.records.is_empty() {
            let mut state = lock(&self.state);
            for (offset, key, value) in news.records {
                state.apply(offset, &key, value.as_deref());
            }
            self.publish(&state);
        }
        self.read_to.send_replace(tail.next_offset());
        Ok(())
    }

    /// What is set for a topic.
    pub(super) fn get(&self, id: &TopicId) -> TopicSettings {
        lock(&self.state).topics.get(id).map(|stored| stored.settings.clone()).unwrap_or_default()
    }

    /// What is set for the topic that bears this name.
    pub(super) fn get_by_name(&self, name: &str) -> TopicSettings {
        lock(&self.state).bearer(name).map(|(_, stored)| stored.settings.clone()).unwrap_or_default()
    }

    /// Changes the settings of a topic, durably, for all gateways.
    pub(super) async fn change(
        &self,
        id: TopicId,
        name: &str,
        change: impl FnOnce(&mut TopicSettings),
    ) -> Result<(), UpstreamError> {
        let _one_at_a_time = self.writing.lock().await;
        let end = self.log.end().await?;
        let mut read_to = self.read_to.subscribe();
        // Without the others' changes, ours still holds.
        let _ = timeout(CATCH_UP, read_to.wait_for(|read_to| *read_to >= end)).await;

        let old = self.get(&id);
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return Ok(());
        }
        let key = encode_key(&id, name);
        let value = (!new.is_empty()).then(|| new.encode());
        let offset = self.log.append(&key, value.as_deref()).await?;
        let mut state = lock(&self.state);
        state.apply(offset, &key, value.as_deref());
        self.publish(&state);
        // Seen alive soon, the topic can be seen to be gone soon.
        self.doubt.notify_one();
        Ok(())
    }

    /// Writes settings that [`hold`](Self::hold) only enforced, unless they have been changed since.
    pub(super) async fn store(
        &self,
        id: TopicId,
        name: &str,
        settings: &TopicSettings,
    ) -> Result<(), UpstreamError> {
        let _one_at_a_time = self.writing.lock().await;
        let held = |state: &State| {
            state.topics.get(&id).is_some_and(|stored| stored.offset < 0 && stored.settings == *settings)
        };
        if !held(&lock(&self.state)) {
            return Ok(());
        }
        let (key, value) = (encode_key(&id, name), settings.encode());
        let offset = self.log.append(&key, Some(&value)).await?;
        let mut state = lock(&self.state);
        state.apply(offset, &key, Some(&value));
        self.publish(&state);
        Ok(())
    }

    /// Enforces settings of a new topic that could not be written, as long as this gateway runs.
    pub(super) fn hold(&self, id: TopicId, name: &str, settings: TopicSettings) {
        let mut state = lock(&self.state);
        state.topics.insert(id, Stored::new(name, settings, -1));
        self.publish(&state);
    }

    /// Forgets a topic that was deleted. Other gateways learn it from the settings topic.
    pub(super) async fn forget(&self, id: TopicId) {
        let removed = {
            let mut state = lock(&self.state);
            let removed = state.topics.remove(&id);
            state.bury(id);
            self.publish(&state);
            removed
        };
        let Some(removed) = removed else { return };
        if let Err(error) = self.log.append(&encode_key(&id, &removed.name), None).await {
            // Harmless: no other topic will ever have this id.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot delete the settings of a deleted topic"
            );
        }
    }

    /// Whether a topic with this id is known to be deleted.
    pub(super) fn is_gone(&self, id: &TopicId) -> bool {
        lock(&self.state).gone.contains(id)
    }

    /// The id of the topic that bears this name, if it has settings.
    pub(super) fn id_of(&self, name: &str) -> Option<TopicId> {
        lock(&self.state).bearer(name).map(|(id, _)| *id)
    }

    /// Enforces settings by name while the topic is being created; until [`settle`](Self::settle).
    pub(super) fn intend(&self, name: &str, settings: TopicSettings) {
        let mut state = lock(&self.state);
        let count = state.intended.get(name).map_or(0, |(count, _)| *count);
        state.intended.insert(name.into(), (count + 1, settings));
        self.publish(&state);
    }

    /// Ends what [`intend`](Self::intend) began.
    pub(super) fn settle(&self, name: &str) {
        let mut state = lock(&self.state);
        match state.intended.get_mut(name) {
            Some((count, _)) if *count > 1 => *count -= 1,
            _ => {
                state.intended.remove(name);
            }
        }
        self.publish(&state);
    }

    /// The names of topics with settings.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        lock(&self.state).topics.values().map(|stored| Arc::clone(&stored.name)).collect()
    }

    /// Learns from a client's metadata that a name stands for an id. A contradiction is looked into by
    /// [`doubted`](Self::doubted)'s waiter; on its own it changes nothing, for brokers may lag behind.
    pub(super) fn learn(&self, name: &str, id: &TopicId) {
        if lock(&self.state).bearer(name).is_some_and(|(known, _)| known != id) {
            self.doubt.notify_one();
        }
    }

    /// Waits until something suggests that a topic with settings is gone.
    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// A topic was created: whatever bore its name before is gone.
    pub(super) async fn created(&self, name: &str, id: &TopicId) {
        let older: Vec<TopicId> = {
            let state = lock(&self.state);
            let same_name = |(_, stored): &(&TopicId, &Stored)| *stored.name == *name;
            state.topics.iter().filter(same_name).map(|(id, _)| *id).filter(|older| older != id).collect()
        };
        for older in older {
            self.forget(older).await;
        }
    }

    /// Compares what is kept with what exists. `metadata`: about all of [`names`](Self::names).
    ///
    /// A topic is gone for certain if a connection that once showed it shows it no more: what one broker tells never
    /// goes back in time. If another connection says so, its broker may lag behind, so the name is merely set free
    /// after a while, and given back when the topic shows up again.
    pub(super) async fn compare(&self, metadata: &Metadata) {
        let mut gone = Vec::new();
        {
            let mut state = lock(&self.state);
            let mut changed = false;
            for (id, stored) in &mut state.topics {
                let Some(topic) = metadata.topics.iter().find(|topic| *topic.name == *stored.name) else {
                    continue;
                };
                let bore_name = stored.bears_name();
                if topic.error.is_none() && topic.id == *id {
                    stored.seen_on = Some(metadata.connection);
                    stored.doubted_since = None;
                } else if topic.error.is_none() || topic.error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION {
                    if stored.seen_on == Some(metadata.connection) {
                        gone.push(*id);
                    }
                    stored.doubted_since.get_or_insert_with(Instant::now);
                }
                changed |= bore_name != stored.bears_name();
            }
            // Time alone may have set a name free.
            if changed || state.topics.values().any(|stored| stored.doubted_since.is_some()) {
                self.publish(&state);
            }
        }
        for id in gone {
            self.forget(id).await;
        }
    }

    fn publish(&self, state: &State) {
        self.table.store(Arc::new(state.table()));
    }
}

impl State {
    /// Takes over one record of the settings topic.
    fn apply(&mut self, offset: i64, key: &str, value: Option<&str>) {
        let Some((id, name)) = decode_key(key) else { return };
        if self.topics.get(&id).is_some_and(|stored| stored.offset >= offset) || self.gone.contains(&id) {
            return;
        }
        let settings = value.map(TopicSettings::decode).unwrap_or_default();
        if settings.is_empty() {
            self.topics.remove(&id);
            return;
        }
        let stored =
            self.topics.entry(id).or_insert_with(|| Stored::new(name, TopicSettings::default(), offset));
        stored.settings = settings;
        stored.offset = offset;
    }

    /// Remembers that a topic is gone.
    fn bury(&mut self, id: TopicId) {
        /// Ids are random; forgetting the dead costs at worst a few stale entries.
        const GRAVES: usize = 100_000;
        if self.gone.len() >= GRAVES {
            self.gone.clear();
        }
        self.gone.insert(id);
    }

    /// The topic that bears a name: of several, the one set last.
    fn bearer(&self, name: &str) -> Option<(&TopicId, &Stored)> {
        let bears = |(_, stored): &(&TopicId, &Stored)| *stored.name == *name && stored.bears_name();
        self.topics.iter().filter(bears).max_by_key(|(_, stored)| stored.offset)
    }

    fn table(&self) -> Table {
        let mut table = Table::default();
        let mut latest: HashMap<&Arc<str>, i64> = HashMap::new();
        for (id, stored) in &self.topics {
            let rules = Arc::new(stored.settings.rules(&stored.name));
            if rules.validates() {
                table.by_id.insert(*id, Arc::clone(&rules));
            }
            if stored.bears_name() && latest.get(&stored.name).is_none_or(|offset| *offset < stored.offset) {
                latest.insert(&stored.name, stored.offset);
                if rules.validates() {
                    table.by_name.insert(Arc::clone(&stored.name), rules);
                } else {
                    table.by_name.remove(&stored.name);
                }
            }
        }
        for (name, (_, settings)) in &self.intended {
            let rules = settings.rules(name);
            if rules.validates() {
                table.intended.insert(Arc::clone(name), Arc::new(rules));
            }
        }
        table
    }
}

fn encode_key(id: &TopicId, name: &str) -> String {
    // Topic ids are printed as other ids of 16 bytes are.
    format!("{}/{name}", Guid(*id))
}

fn decode_key(key: &str) -> Option<(TopicId, &str)> {
    let (id, name) = key.split_once('/')?;
    let Guid(id) = id.parse().ok()?;
    Some((id, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TopicId = [1; 16];
    const B: TopicId = [2; 16];
    const ON: &str = "confluent.value.schema.validation=true\n";

    fn validated(state: &State) -> (Vec<String>, usize) {
        let table = state.table();
        let mut names: Vec<String> = table.by_name.keys().map(|name| name.to_string()).collect();
        names.sort();
        (names, table.by_id.len())
    }

    #[test]
    fn records_are_applied_in_the_order_of_the_log() {
        let mut state = State::default();
        state.apply(5, &encode_key(&A, "a"), Some(ON));
        assert_eq!(validated(&state), (vec!["a".to_owned()], 1));
        state.apply(4, &encode_key(&A, "a"), None);
        assert_eq!(validated(&state).1, 1, "an older record changes nothing");
        state.apply(6, &encode_key(&A, "a"), None);
        assert_eq!(validated(&state), (vec![], 0));
        for key in ["", "a", "not-an-id/a", "/"] {
            state.apply(9, key, Some(ON));
        }
        assert_eq!(validated(&state), (vec![], 0));
    }

    #[test]
    fn settings_belong_to_the_topic_id() {
        let mut state = State::default();
        state.apply(1, &encode_key(&A, "t"), Some(ON));
        state.apply(2, &encode_key(&B, "t"), Some("confluent.key.schema.validation=false\n"));
        // The name stands for the topic set last, the older one still has its rules by id.
        assert_eq!(validated(&state), (vec![], 1));
        state.bury(A);
        state.topics.remove(&A);
        state.apply(3, &encode_key(&A, "t"), Some(ON));
        assert_eq!(validated(&state), (vec![], 0), "news about a topic that is gone is late");
    }

    #[test]
    fn intended_settings_count_until_the_topic_is_there() {
        let mut state = State::default();
        state.intended.insert("t".into(), (1, TopicSettings::decode(ON)));
        let table = state.table();
        assert!(table.by_name("t").is_some() && table.needs_names() && !table.is_empty());
        state.intended.clear();
        assert!(state.table().is_empty());
    }

    #[test]
    fn keys_read_back() {
        let key = encode_key(&A, "with/slash");
        assert_eq!(key, "01010101-0101-0101-0101-010101010101/with/slash");
        assert_eq!(decode_key(&key), Some((A, "with/slash")));
    }
}
