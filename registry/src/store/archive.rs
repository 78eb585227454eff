//! Whole registries: copied, carried out and carried in.
//!
//! These work on a store by its URL, beside a registry that runs on it ([`snapshot`], [`backup`]) or while none does
//! ([`load`], [`restore`]).

use std::path::Path;

use super::{Snapshot, StoreError, sqlite};

/// What a backup or a restored store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// The number of the last event in it.
    pub revision: u64,
    /// Subjects that have versions.
    pub subjects: u64,
    /// Versions, soft-deleted ones included.
    pub versions: u64,
    /// Size of the file.
    pub size_bytes: u64,
}

/// Reads everything that a store remembers at one moment. A registry may be running on it.
///
/// `progress` is told how many versions were read, of how many.
/// Errors: [`StoreError::Open`], also for a store in memory, which nobody else can read; [`StoreError::Database`].
pub async fn snapshot(
    url: &str,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Snapshot, StoreError> {
    sqlite::archive::snapshot(file(url)?, progress).await
}

/// Writes a snapshot into an empty store, which is created if it is missing: all of it or nothing. No registry may be
/// running on it.
///
/// Errors: [`StoreError::Open`], also if the store is not empty; [`StoreError::Database`].
pub async fn load(
    url: &str,
    snapshot: &Snapshot,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), StoreError> {
    sqlite::archive::load(file(url)?, snapshot, progress).await
}

/// Checks that [`load`] would find an empty store here, or none, without changing anything.
pub async fn check_empty(url: &str) -> Result<(), StoreError> {
    sqlite::archive::check_empty(file(url)?).await
}

/// Copies a store into a new file, as it is at one moment, and checks the copy. A registry may be running on the
/// store. The file appears under its name when it is complete and on disk, or not at all.
///
/// Errors: [`StoreError::Open`], also if `to` exists; [`StoreError::Database`].
pub async fn backup(url: &str, to: &Path) -> Result<BackupSummary, StoreError> {
    sqlite::archive::backup(file(url)?, to).await
}

/// Puts a backup in place of a store, after a check of its integrity. No registry may be running on the store. A store
/// that holds something is replaced only with `force`.
///
/// Errors: [`StoreError::Open`]; [`StoreError::Database`]. After an error the store is what it was.
pub async fn restore(url: &str, from: &Path, force: bool) -> Result<BackupSummary, StoreError> {
    sqlite::archive::restore(file(url)?, from, force).await
}

fn file(url: &str) -> Result<std::path::PathBuf, StoreError> {
    super::sqlite_options(url)?.into_path().ok_or_else(|| {
        StoreError::Open("a store in memory exists only inside the registry that made it".to_owned())
    })
}
