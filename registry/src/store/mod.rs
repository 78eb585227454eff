//! What the registry remembers, and the one place that knows how.
//!
//! A read gives a consistent picture; a write is one domain event, atomic and durable when it returns. A decision is
//! made outside the store from a [`SubjectState`] and committed with its [`Basis`]: if anything it was based on has
//! changed in between, the store refuses it as [`Refusal::Stale`] and the decision is made again. What no basis can
//! cover (ids and content hashes of a whole context, referrers in other subjects) the store checks inside the
//! transaction. Nothing above this module knows which database is behind it.

pub mod archive;
pub mod association;
pub mod clock;
mod listing;
pub mod model;
pub mod snapshot;
mod speaker;
pub mod sqlite;

use async_trait::async_trait;
use muster_schema::{Context, Guid, SchemaId, Subject, Version};

use std::sync::Arc;

pub use association::{
    Association, AssociationChange, AssociationSelection, AssociationType, Lifecycle, NewAssociation,
    Resource,
};
pub use listing::{Among, Listing};
pub use model::{
    Basis, ConfigRecord, Content, LevelSettings, Mode, Referrer, SchemaVersion, Selection, Settings,
    SubjectState, SubjectSummary,
};
pub use snapshot::Snapshot;

/// Opens the store that `url` names, and brings it up to date: `sqlite:PATH` (also `sqlite://PATH`; the file is created
/// if it is missing) or `sqlite::memory:`, which keeps nothing. Needs a Tokio runtime.
///
/// Errors: [`StoreError::Open`], one line that says what is wrong with the URL, the path or the database there;
/// [`StoreError::Database`].
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let store = sqlite::SqliteStore::open(sqlite_options(url)?, clock::system()).await?;
    Ok(Arc::new(store))
}

fn sqlite_options(url: &str) -> Result<sqlite::SqliteOptions, StoreError> {
    let known = "a store is sqlite:PATH or sqlite::memory:";
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(StoreError::Open(format!("{url:?} names no kind of store; {known}")));
    };
    if scheme != "sqlite" {
        return Err(StoreError::Open(format!("unknown kind of store {scheme:?}; {known}")));
    }
    match rest.strip_prefix("//").unwrap_or(rest) {
        "" => Err(StoreError::Open(format!("{url:?} names no file; {known}"))),
        ":memory:" => Ok(sqlite::SqliteOptions::memory()),
        path => Ok(sqlite::SqliteOptions::file(path)),
    }
}

/// A decided registration (registry API spec §7.3, steps 8 and 11–15 happen inside).
#[derive(Clone, Debug)]
pub struct Registration {
    /// The subject.
    pub subject: Subject,
    /// What to store.
    pub content: Arc<Content>,
    /// The id asked for; `None` lets the store reuse the id of equal content in the context, or take the next one.
    pub id: Option<SchemaId>,
    /// The version asked for; `None` is one more than the highest, soft-deleted ones included.
    pub version: Option<Version>,
    /// IMPORT or FORWARD mode: an explicit version may have any number and replaces what stands there.
    pub importing: bool,
    /// What the decision was based on.
    pub basis: Basis,
}

/// A registration as it stands afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// The stored version, or the live one of equal content that was there before.
    pub schema: SchemaVersion,
    /// Whether it was there before: then nothing was written.
    pub existed: bool,
}

/// A change of a mode.
#[derive(Clone, Debug)]
pub struct ModeChange {
    /// The key: a subject, a context (empty name) or `.__GLOBAL`.
    pub target: Subject,
    /// The mode; `None` clears it.
    pub mode: Option<Mode>,
    /// Setting IMPORT without force: nothing live may match the target, and soft-deleted versions that match are
    /// forgotten (registry API spec §6.4). A subject matches itself, a named context its subjects, the top level and
    /// `.__GLOBAL` everything.
    pub clear_for_import: bool,
    /// What the decision was based on.
    pub basis: Basis,
}

/// Why a write did not happen. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something the decision was based on has changed: decide again.
    #[error("the state has changed since the decision")]
    Stale,
    /// The version asked for is not the next one.
    #[error("version is not one more than the previous version")]
    VersionNotNext,
    /// The id belongs to other content in this context.
    #[error("schema id {0} belongs to another schema")]
    IdTaken(SchemaId),
    /// Another schema references this version.
    #[error("version {1} of subject {0} is referenced")]
    Referenced(Subject, Version),
    /// Live versions stand in the way of IMPORT mode.
    #[error("subjects exist")]
    SubjectsExist,
    /// The context still has versions, live or soft-deleted.
    #[error("context {0} is not empty")]
    ContextNotEmpty(Context),
    /// The subject has an association that leaves no room for another.
    #[error("subject {0} is associated")]
    Associated(Subject),
    /// A version of the subject is referenced, so that it cannot belong to one resource alone.
    #[error("subject {0} is referenced")]
    SubjectReferenced(Subject),
}

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The rules of the store refuse the write.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed; nothing is known to be written.
    #[error("the store failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database cannot be opened or is not ours; the text says which and why.
    #[error("{0}")]
    Open(String),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// The memory of a registry. Every implementation passes the same contract tests.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// A number that grows with every committed write; cheap. Answers derived from the store may be kept while it
    /// stays the same.
    fn revision(&self) -> u64;

    /// Everything a decision about `subject` is based on, read at one moment.
    async fn state(&self, subject: &Subject) -> Result<SubjectState, StoreError>;

    /// The settings that may govern `subject` (its name may be empty: then those of the context), with their basis.
    async fn settings(&self, subject: &Subject) -> Result<(Settings, Basis), StoreError>;

    /// One version, soft-deleted or not.
    async fn version(&self, subject: &Subject, version: Version)
    -> Result<Option<SchemaVersion>, StoreError>;

    /// The uses of an id in a context, soft-deleted ones included: one version per subject, the last written for
    /// that id (soft deletion is a write, too); ascending by subject. Empty if the id is unknown or every use was
    /// permanently deleted. The id of a version that an import has replaced leads to what stands there now, whose own
    /// id is another.
    async fn uses_of_id(&self, context: &Context, id: SchemaId) -> Result<Vec<SchemaVersion>, StoreError>;

    /// The one of those uses that is a version of `subject`.
    async fn use_of_id(&self, subject: &Subject, id: SchemaId) -> Result<Option<SchemaVersion>, StoreError>;

    /// The one of those uses that answers for the id when no subject is named (see `store/speaker.rs`). Reads one text,
    /// however many they are.
    async fn speaker_of_id(
        &self,
        context: &Context,
        id: SchemaId,
    ) -> Result<Option<SchemaVersion>, StoreError>;

    /// The id that content with this guid stands for in the context of `subject`, if that has uses left, with the use
    /// that is a version of `subject`.
    async fn known_content(
        &self,
        subject: &Subject,
        guid: Guid,
    ) -> Result<Option<(SchemaId, Option<SchemaVersion>)>, StoreError>;

    /// Where content with this guid was registered: contexts in order (default first, then by name), with the id the
    /// content hash stands for there. Entries survive permanent deletion of all uses.
    async fn ids_of_guid(&self, guid: Guid) -> Result<Vec<(Context, SchemaId)>, StoreError>;

    /// The highest id ever given out or imported in a context.
    async fn max_id(&self, context: &Context) -> Result<Option<SchemaId>, StoreError>;

    /// Subjects that have versions of any kind, by UTF-16 order of the qualified name.
    async fn subjects(&self, selection: &Selection) -> Result<Vec<SubjectSummary>, StoreError>;

    /// The versions wanted, by subject (as above) and version. Reads the texts of these only, and versions with equal
    /// content share it: what this takes in memory is the page, however many versions there are to choose from.
    async fn schemas(&self, wanted: &Listing) -> Result<Vec<SchemaVersion>, StoreError>;

    /// Subjects of the selection whose own config has an alias, with that alias.
    async fn aliases(&self, selection: &Selection) -> Result<Vec<(Subject, String)>, StoreError>;

    /// The contexts in which a schema was registered, the default context left out, in order.
    async fn contexts(&self) -> Result<Vec<Context>, StoreError>;

    /// Versions that reference a version, soft-deleted referrers included, by context and id.
    async fn referrers(&self, subject: &Subject, version: Version) -> Result<Vec<Referrer>, StoreError>;

    /// Associations, in the order of listings.
    async fn associations(&self, wanted: &AssociationSelection) -> Result<Vec<Association>, StoreError>;

    /// Registers a schema. Refusals: stale, version not next, id taken.
    ///
    /// If equal content (guid) has an id in the context with at least one use left, and no other id was asked for:
    /// with no version asked for and a live version of this subject under that id, that version is returned;
    /// otherwise the id is reused. A soft-deleted lower version of the subject under the same id is forgotten unless
    /// it is referenced.
    async fn register(&self, registration: Registration) -> Result<Registered, StoreError>;

    /// Soft-deletes versions of a subject. Refusals: stale; referenced (by a live version outside the versions being
    /// deleted).
    async fn soft_delete(
        &self,
        subject: &Subject,
        versions: &[Version],
        basis: Basis,
    ) -> Result<(), StoreError>;

    /// Forgets versions of a subject, and the subject's config and mode with its last one. Refusals: stale;
    /// referenced (by any version, soft-deleted ones included, outside the versions being deleted).
    async fn delete_permanently(
        &self,
        subject: &Subject,
        versions: &[Version],
        basis: Basis,
    ) -> Result<(), StoreError>;

    /// Changes the associations of a resource, registers what they need and deletes what goes with them; returns the
    /// versions registered, in order. The subjects of what is written or removed count as written. Refusals: stale
    /// (also if the resource has other associations than expected), those of a registration and of a permanent
    /// deletion, associated, subject referenced.
    async fn associate(&self, change: AssociationChange) -> Result<Vec<SchemaVersion>, StoreError>;

    /// Stores a config record in place of what stands there; `None` removes it. Refusals: stale.
    async fn put_config(
        &self,
        target: &Subject,
        config: Option<ConfigRecord>,
        basis: Basis,
    ) -> Result<(), StoreError>;

    /// Changes a mode. Refusals: stale, subjects exist, referenced.
    async fn put_mode(&self, change: ModeChange) -> Result<(), StoreError>;

    /// Clears the mode of a context (or the top level) and of every subject in it that has one. Refusals: stale.
    async fn clear_modes(&self, context: &Context, basis: Basis) -> Result<(), StoreError>;

    /// Forgets a context. An unknown one is no error. Refusals: context not empty.
    async fn delete_context(&self, context: &Context) -> Result<(), StoreError>;

    /// Whether the store can be read and written now.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Waits for the writes under way, then closes. Later writes are [`StoreError::Closed`].
    async fn close(&self);
}
