//! Writers that change subjects of their own, and what each change leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_registry::store::sqlite::SqliteStore;
use muster_registry::store::{ConfigRecord, Content, Registration, SchemaVersion, Store, StoreError};
use muster_schema::identity::content_guid;
use muster_schema::{SchemaType, Subject, Version};

use crate::vfs::Vfs;

const WRITERS: usize = 6;
const SUBJECTS: usize = 3;

/// What is known of a subject: its versions with id, text and whether they are soft-deleted, and its alias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub versions: BTreeMap<i32, (i32, Arc<str>, bool)>,
    pub alias: Option<String>,
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

/// Runs all writers for `changes` changes each.
pub async fn run(store: &Arc<SqliteStore>, vfs: &Vfs, changes: usize) -> Vec<History> {
    let writers = (0..WRITERS).map(|writer| write(store, vfs, writer, changes));
    let mut writers: Vec<_> = writers.map(Box::pin).collect();
    // All of them on this task: what is acknowledged is written down before the next change begins.
    let mut histories = vec![None; writers.len()];
    std::future::poll_fn(|context| {
        for (writer, history) in writers.iter_mut().zip(&mut histories) {
            if history.is_none()
                && let std::task::Poll::Ready(done) = writer.as_mut().poll(context)
            {
                *history = Some(done);
            }
        }
        if histories.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    histories.into_iter().flatten().collect()
}

async fn write(store: &Arc<SqliteStore>, vfs: &Vfs, writer: usize, changes: usize) -> History {
    let mut numbers = writer as u64 * 7919 + 1;
    let mut now: BTreeMap<String, Known> = BTreeMap::new();
    let mut highest = 0;
    let mut history = vec![Step::default()];
    for number in 1..=changes {
        numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let choice = (numbers >> 33) as usize;
        let name = format!("writer-{writer}-{}", choice % SUBJECTS);
        let known = now.entry(name.clone()).or_default();
        let subject = Subject::parse(&name);
        let live: Vec<i32> = known.versions.iter().filter(|(_, v)| !v.2).map(|(n, _)| *n).collect();
        let deleted: Vec<i32> = known.versions.iter().filter(|(_, v)| v.2).map(|(n, _)| *n).collect();
        let basis = store.state(&subject).await.unwrap().basis;
        match (choice / SUBJECTS % 10, live.first(), deleted.first()) {
            (0 | 1, Some(version), _) => {
                store.soft_delete(&subject, &[Version(*version)], basis).await.unwrap();
                known.versions.get_mut(version).unwrap().2 = true;
            }
            (2, _, Some(version)) => {
                store.delete_permanently(&subject, &[Version(*version)], basis).await.unwrap();
                known.versions.remove(version);
                if known.versions.is_empty() {
                    known.alias = None;
                }
            }
            (3, ..) => {
                let alias = format!("alias-{number}");
                let config = ConfigRecord { alias: Some(alias.clone()), ..ConfigRecord::default() };
                store.put_config(&subject, Some(config), basis).await.unwrap();
                known.alias = Some(alias);
            }
            _ => {
                let text = format!("\"schema {writer} {number} {}\"", "x".repeat(choice % 3000));
                let stored = register(store, &name, content(&text)).await.unwrap();
                known.versions.insert(stored.version.0, (stored.id.0, text.into(), false));
                highest = highest.max(stored.id.0);
            }
        }
        history.push(Step { known: now.clone(), highest });
        vfs.acknowledged(writer, number);
    }
    history
}
