//! Writers that change subjects of their own, and what each change leads to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Poll;

use muster_registry::store::sqlite::SqliteStore;
use muster_registry::store::{
    ConfigRecord, Content, Mode, ModeChange, Registration, SchemaVersion, Store, StoreError,
};
use muster_schema::identity::content_guid;
use muster_schema::{SchemaType, Subject, Version};

use crate::numbers::Numbers;
use crate::vfs::Vfs;

const WRITERS: usize = 6;
const SUBJECTS: usize = 3;

/// What is known of a subject: its versions with id, text and whether they are soft-deleted, its alias and its mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub versions: BTreeMap<i32, (i32, Arc<str>, bool)>,
    pub alias: Option<String>,
    pub mode: Option<Mode>,
}

/// A writer after one of its changes.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What each of its subjects is.
    pub known: BTreeMap<String, Known>,
    /// The highest id it was ever given.
    pub highest: i32,
}

/// A writer after each of its changes, and first before them.
pub type History = Vec<Step>;

/// Content with nothing but a text; the store does not look at it.
pub fn content(text: &str) -> Content {
    Content {
        guid: content_guid(text, &[], None, None),
        schema_type: SchemaType::Avro,
        schema: text.to_owned(),
        references: Vec::new(),
        metadata: None,
        rule_set: None,
    }
}

/// Registers content from what the store says now.
pub async fn register(
    store: &SqliteStore,
    subject: &str,
    content: Content,
) -> Result<SchemaVersion, StoreError> {
    let subject = Subject::parse(subject);
    let basis = store.state(&subject).await?.basis;
    let content = Arc::new(content);
    let registration = Registration { subject, content, id: None, version: None, importing: false, basis };
    Ok(store.register(registration).await?.schema)
}

/// Some writers, what each of them knows, and all that each of them did.
pub struct Writers(Vec<Writer>);

struct Writer {
    number: usize,
    numbers: Numbers,
    history: History,
}

impl Writers {
    /// Writers that have done nothing yet; what they will do depends on `seed`.
    pub fn new(seed: u64) -> Self {
        let writer = |number| Writer {
            number,
            numbers: Numbers::from_seed(seed * 1000 + number as u64),
            history: vec![Step::default()],
        };
        Self((0..WRITERS).map(writer).collect())
    }

    /// Lets all writers make `changes` changes each, at once.
    pub async fn run(&mut self, store: &Arc<SqliteStore>, vfs: &Vfs, changes: usize) {
        let writers = self.0.iter_mut().map(|writer| writer.run(store, vfs, changes));
        let mut running: Vec<_> = writers.map(Box::pin).collect();
        // All of them on this task: what is acknowledged is written down before the next change begins.
        std::future::poll_fn(|context| {
            running.retain_mut(|writer| writer.as_mut().poll(context).is_pending());
            if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// What each of them did.
    pub fn histories(self) -> Vec<History> {
        let histories: Vec<History> = self.0.into_iter().map(|writer| writer.history).collect();
        let mut ids = HashMap::new();
        for step in histories.iter().flatten() {
            for (id, text, _) in step.known.values().flat_map(|known| known.versions.values()) {
                let other = ids.insert(*id, Arc::clone(text));
                assert!(other.is_none_or(|other| other == *text), "id {id} was given to two schemas");
            }
        }
        histories
    }
}

impl Writer {
    async fn run(&mut self, store: &Arc<SqliteStore>, vfs: &Vfs, changes: usize) {
        for _ in 0..changes {
            let mut step = self.history.last().cloned().unwrap_or_default();
            let number = self.history.len();
            self.change(store, number, &mut step).await.unwrap();
            self.history.push(step);
            vfs.acknowledged(self.number, number);
        }
    }

    /// Makes a change, and `step` what it leads to.
    async fn change(
        &mut self,
        store: &SqliteStore,
        number: usize,
        step: &mut Step,
    ) -> Result<(), StoreError> {
        let name = format!("writer-{}-{}", self.number, self.numbers.below(SUBJECTS));
        let known = step.known.entry(name.clone()).or_default();
        let subject = Subject::parse(&name);
        let mut any = |deleted: bool| {
            let of_kind = known.versions.iter().filter(|(_, version)| version.2 == deleted);
            let numbers: Vec<i32> = of_kind.map(|(number, _)| *number).collect();
            numbers.get(self.numbers.below(numbers.len().max(1))).copied()
        };
        let (live, deleted) = (any(false), any(true));
        let basis = store.state(&subject).await?.basis;
        match (self.numbers.below(12), live, deleted) {
            (0 | 1, Some(version), _) => {
                store.soft_delete(&subject, &[Version(version)], basis).await?;
                known.versions.entry(version).and_modify(|version| version.2 = true);
            }
            (2, _, Some(version)) => {
                store.delete_permanently(&subject, &[Version(version)], basis).await?;
                known.versions.remove(&version);
                if known.versions.is_empty() {
                    (known.alias, known.mode) = (None, None);
                }
            }
            (3, ..) => {
                let alias = format!("alias-{number}");
                let config = ConfigRecord { alias: Some(alias.clone()), ..ConfigRecord::default() };
                store.put_config(&subject, Some(config), basis).await?;
                known.alias = Some(alias);
            }
            (4, ..) => {
                store.put_config(&subject, None, basis).await?;
                known.alias = None;
            }
            (5, ..) => {
                let mode = if known.mode == Some(Mode::ReadOnly) { None } else { Some(Mode::ReadOnly) };
                let change = ModeChange { target: subject, mode, clear_for_import: false, basis };
                store.put_mode(change).await?;
                known.mode = mode;
            }
            // A schema of its own, or one that was deleted, again: it keeps its id as long as it is remembered.
            (choice, ..) => {
                let again = known.versions.values().find(|version| choice == 6 && version.2);
                let text = match again {
                    Some((_, text, _)) => text.to_string(),
                    None => {
                        format!("\"schema {} {number} {}\"", self.number, "x".repeat(self.numbers.below(900)))
                    }
                };
                let stored = register(store, &name, content(&text)).await?;
                // What a version with the same id was deleted for is forgotten with it.
                known.versions.retain(|_, version| !(version.2 && version.0 == stored.id.0));
                known.versions.insert(stored.version.0, (stored.id.0, text.into(), false));
                step.highest = step.highest.max(stored.id.0);
            }
        }
        Ok(())
    }
}
