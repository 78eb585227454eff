//! The embedded store: one SQLite database in WAL mode, owned by one process.
//!
//! All writes go through one task (`writer`), which commits whatever is waiting together; nothing is acknowledged
//! before its transaction is on disk. Reads run beside it on connections of their own and see what was acknowledged.
//! An in-memory database has one connection, which both share.

pub(in crate::store) mod archive;
mod associations;
mod committed;
mod listing;
mod migrate;
mod open;
mod read;
mod readers;
mod rows;
mod state;
mod writer;

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster_schema::{Context, Guid, SchemaId, Subject, Version};
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::clock::Clock;
use super::{
    Association, AssociationChange, AssociationSelection, Basis, ConfigRecord, Listing, ModeChange, Referrer,
    Registered, Registration, SchemaVersion, Selection, Settings, Store, StoreError, SubjectState,
    SubjectSummary,
};
use committed::Committed;
use readers::{Readers, SharedConnection};
use writer::{Change, Event};

/// How many events one transaction takes, and how many may wait.
const MAX_BATCH: usize = 256;
/// Connections for reading, opened as they are needed.
const READERS: usize = 4;
/// Bytes of schema text that the cache of subject states may keep.
const STATE_CACHE_BYTES: u64 = 8 << 20;
/// How many subjects' settings are cached.
const SETTINGS_CACHE_ENTRIES: u64 = 4096;

/// Where a [`SqliteStore`] lives, and how it commits.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The database file; `None` is memory.
    path: Option<PathBuf>,
    max_batch: usize,
    vfs: Option<&'static str>,
}

impl SqliteOptions {
    /// A database file, created if it is missing. Beside it lie `-wal` and `-shm` while it is open, and `-lock`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), max_batch: MAX_BATCH, vfs: None }
    }

    /// A database that is gone when the store is dropped.
    pub fn memory() -> Self {
        Self { path: None, max_batch: MAX_BATCH, vfs: None }
    }

    /// At most this many waiting events share a commit, at least one; by default 256. One is the baseline of the
    /// benchmark.
    pub fn max_batch(mut self, events: usize) -> Self {
        self.max_batch = events.max(1);
        self
    }

    /// Reads and writes the file through the SQLite VFS of this name, which must be registered: how tests put faults
    /// below the database.
    pub fn vfs(mut self, name: &'static str) -> Self {
        self.vfs = Some(name);
        self
    }

    /// The file; `None` is memory.
    pub(super) fn into_path(self) -> Option<PathBuf> {
        self.path
    }
}

/// A [`Store`] in one SQLite database.
pub struct SqliteStore {
    readers: Readers,
    events: mpsc::Sender<Event>,
    /// The writer; hands its connection back when it has ended.
    writer: tokio::sync::Mutex<JoinSet<SharedConnection>>,
    committed: Arc<Committed>,
    cache: state::Cache,
    /// Held as long as the database is open.
    lock: Mutex<Option<File>>,
}

impl SqliteStore {
    /// Opens or creates the database and applies the migrations that it lacks. Needs a Tokio runtime.
    ///
    /// Errors: [`StoreError::Open`] if the path cannot be used, the file is not a database of ours, was written by a
    /// newer release, or is open in another process; [`StoreError::Database`].
    pub async fn open(options: SqliteOptions, clock: Clock) -> Result<Self, StoreError> {
        let opened = open::open(&options).await?;
        let writer = Arc::new(tokio::sync::Mutex::new(opened.connection));
        let readers = match &opened.connect {
            Some(connect) => Readers::pool(connect.clone().pragma("query_only", "ON"), READERS),
            None => Readers::shared(Arc::clone(&writer)),
        };
        let committed = Arc::new(Committed::new(opened.revision));
        let (events, waiting) = mpsc::channel(MAX_BATCH);
        let task =
            writer::Writer::new(writer, opened.connect, Arc::clone(&committed), clock, options.max_batch);
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(waiting));
        Ok(Self {
            readers,
            events,
            writer: tokio::sync::Mutex::new(tasks),
            committed,
            cache: state::Cache::new(STATE_CACHE_BYTES, SETTINGS_CACHE_ENTRIES),
            lock: Mutex::new(opened.lock),
        })
    }

    async fn change(&self, change: Change) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.events.send(Event::Change { change, answer }).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("revision", &self.committed.revision()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn revision(&self) -> u64 {
        self.committed.revision()
    }

    async fn state(&self, subject: &Subject) -> Result<SubjectState, StoreError> {
        state::state(&self.readers, &self.cache, &self.committed, subject).await
    }

    async fn settings(&self, subject: &Subject) -> Result<(Settings, Basis), StoreError> {
        state::settings(&self.readers, &self.cache, &self.committed, subject).await
    }

    async fn version(
        &self,
        subject: &Subject,
        version: Version,
    ) -> Result<Option<SchemaVersion>, StoreError> {
        read::version(&self.readers, subject, version).await
    }

    async fn uses_of_id(&self, context: &Context, id: SchemaId) -> Result<Vec<SchemaVersion>, StoreError> {
        read::uses_of_id(&self.readers, context, id).await
    }

    async fn use_of_id(&self, subject: &Subject, id: SchemaId) -> Result<Option<SchemaVersion>, StoreError> {
        read::use_of_id(&self.readers, subject, id).await
    }

    async fn speaker_of_id(
        &self,
        context: &Context,
        id: SchemaId,
    ) -> Result<Option<SchemaVersion>, StoreError> {
        read::speaker_of_id(&self.readers, context, id).await
    }

    async fn known_content(
        &self,
        subject: &Subject,
        guid: Guid,
    ) -> Result<Option<(SchemaId, Option<SchemaVersion>)>, StoreError> {
        read::known_content(&self.readers, subject, guid).await
    }

    async fn ids_of_guid(&self, guid: Guid) -> Result<Vec<(Context, SchemaId)>, StoreError> {
        read::ids_of_guid(&self.readers, guid).await
    }

    async fn max_id(&self, context: &Context) -> Result<Option<SchemaId>, StoreError> {
        read::max_id(&self.readers, context).await
    }

    async fn subjects(&self, selection: &Selection) -> Result<Vec<SubjectSummary>, StoreError> {
        read::subjects(&self.readers, selection).await
    }

    async fn schemas(&self, wanted: &Listing) -> Result<Vec<SchemaVersion>, StoreError> {
        listing::schemas(&self.readers, wanted).await
    }

    async fn aliases(&self, selection: &Selection) -> Result<Vec<(Subject, String)>, StoreError> {
        read::aliases(&self.readers, selection).await
    }

    async fn contexts(&self) -> Result<Vec<Context>, StoreError> {
        read::contexts(&self.readers).await
    }

    async fn referrers(&self, subject: &Subject, version: Version) -> Result<Vec<Referrer>, StoreError> {
        read::referrers(&self.readers, subject, version).await
    }

    async fn associations(&self, wanted: &AssociationSelection) -> Result<Vec<Association>, StoreError> {
        associations::associations(&self.readers, wanted).await
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        let (answer, answered) = oneshot::channel();
        let registration = Arc::new(registration);
        let event = Event::Register { registration: Arc::clone(&registration), answer };
        self.events.send(event).await.map_err(|_| StoreError::Closed)?;
        let written = answered.await.map_err(|_| StoreError::Closed)??;
        if let Some(revision) = written.appended {
            self.cache.append(&registration.basis, &written.registered.schema, revision);
        }
        Ok(written.registered)
    }

    async fn soft_delete(
        &self,
        subject: &Subject,
        versions: &[Version],
        basis: Basis,
    ) -> Result<(), StoreError> {
        self.change(Change::SoftDelete { subject: subject.clone(), versions: versions.to_vec(), basis }).await
    }

    async fn delete_permanently(
        &self,
        subject: &Subject,
        versions: &[Version],
        basis: Basis,
    ) -> Result<(), StoreError> {
        self.change(Change::DeletePermanently {
            subject: subject.clone(),
            versions: versions.to_vec(),
            basis,
        })
        .await
    }

    async fn associate(&self, change: AssociationChange) -> Result<Vec<SchemaVersion>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let event = Event::Associate { change: Box::new(change), answer };
        self.events.send(event).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    async fn put_config(
        &self,
        target: &Subject,
        config: Option<ConfigRecord>,
        basis: Basis,
    ) -> Result<(), StoreError> {
        self.change(Change::PutConfig { target: target.clone(), config: config.map(Box::new), basis }).await
    }

    async fn put_mode(&self, change: ModeChange) -> Result<(), StoreError> {
        self.change(Change::PutMode(change)).await
    }

    async fn clear_modes(&self, context: &Context, basis: Basis) -> Result<(), StoreError> {
        self.change(Change::ClearModes { context: context.clone(), basis }).await
    }

    async fn delete_context(&self, context: &Context) -> Result<(), StoreError> {
        self.change(Change::DeleteContext(context.clone())).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        read::ping(&self.readers).await?;
        self.change(Change::Nothing).await
    }

    async fn close(&self) {
        // A refused send means that the writer is closing already.
        let _ = self.events.send(Event::Close).await;
        let mut tasks = self.writer.lock().await;
        while let Some(ended) = tasks.join_next().await {
            // Readers first: the connection that closes last folds the write-ahead log into the database.
            self.readers.close().await;
            if let Some(connection) = ended.ok().and_then(Arc::into_inner)
                && let Err(error) = connection.into_inner().close().await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "closing the store failed");
            }
        }
        drop(self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    }
}

/// A failure of the database that is not one of the store's own refusals.
fn database(error: sqlx::Error) -> StoreError {
    StoreError::Database(Box::new(error))
}
