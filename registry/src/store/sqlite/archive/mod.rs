//! Whole databases: read at one moment, written at once, copied and put back.

mod backup;
mod read;
mod write;

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

pub(in crate::store) use backup::{backup, restore};

use super::migrate::{self, MigrateError, STEPS};
use super::{SqliteOptions, database, open};
use crate::store::{Snapshot, StoreError};

pub(in crate::store) async fn snapshot(
    path: PathBuf,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Snapshot, StoreError> {
    let (mut connection, _) = beside(&path, true).await?;
    let snapshot = read::read(&mut connection, progress).await.map_err(database)?;
    connection.close().await.map_err(database)?;
    Ok(snapshot)
}

pub(in crate::store) async fn check_empty(path: PathBuf) -> Result<(), StoreError> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(());
    }
    // Whether it is free, and ours.
    let _lock = open::lock(&open::absolute(&path)?)?;
    if std::fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
        return Ok(());
    }
    let (mut connection, applied) = beside(&path, false).await?;
    let empty = applied == 0 || write::is_empty(&mut connection).await.map_err(database)?;
    connection.close().await.map_err(database)?;
    if empty { Ok(()) } else { Err(not_empty(&path)) }
}

pub(in crate::store) async fn load(
    path: PathBuf,
    snapshot: &Snapshot,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), StoreError> {
    let opened = open::open(&SqliteOptions::file(&path)).await?;
    let mut connection = opened.connection;
    let result = write::write(&mut connection, snapshot, progress).await;
    let closed = connection.close().await;
    drop(opened.lock);
    if !result.map_err(database)? {
        return Err(not_empty(&path));
    }
    closed.map_err(database)
}

fn not_empty(path: &Path) -> StoreError {
    StoreError::Open(format!("{} is not empty", path.display()))
}

/// Opens a database of ours that another process may have open, and tells how many migrations it has taken. With
/// `current`, an older one is refused, as nothing is migrated here.
async fn beside(path: &Path, current: bool) -> Result<(SqliteConnection, usize), StoreError> {
    let name = path.display().to_string();
    let path = open::absolute(path)?;
    if !path.exists() {
        return Err(StoreError::Open(format!("{name} does not exist")));
    }
    let connect = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .disable_statement_logging()
        .busy_timeout(open::BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full);
    let refuse = |error: MigrateError| open::refuse(&name, error);
    let mut connection = connect.connect().await.map_err(|error| refuse(error.into()))?;
    let applied = migrate::applied(&mut connection, STEPS).await.map_err(refuse)?;
    if current && applied < STEPS.len() {
        return Err(StoreError::Open(format!(
            "{name} was written by an older release (schema {applied}; this one knows {}): start `muster serve` on \
             it once",
            STEPS.len()
        )));
    }
    Ok((connection, applied))
}
