//! Opening a database: whose is it, is it free, and is it up to date?

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::migrate::{self, MigrateError, STEPS};
use super::{SqliteOptions, database};
use crate::store::StoreError;

/// How long a statement waits for another process that holds the database for a moment (a backup, a shell).
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Files up to this size are looked through when they are opened: some 10 ms.
const CHECKED_BYTES: u64 = 8 << 20;

/// SQLite's primary result codes that a person can act on.
const CANNOT_OPEN: &str = "14";
const NOT_A_DATABASE: &str = "26";
/// The same, in the last byte of its extended codes.
const READ_ONLY: i32 = 8;

/// An open database, migrated, and ours alone.
pub(super) struct Opened {
    /// The connection that writes.
    pub(super) connection: SqliteConnection,
    /// How to open more; `None` for memory, where another connection would be another database.
    pub(super) connect: Option<SqliteConnectOptions>,
    /// Keeps other processes out until it is dropped; `None` for memory.
    pub(super) lock: Option<File>,
    /// The number of the last event.
    pub(super) revision: u64,
}

pub(super) async fn open(options: &SqliteOptions) -> Result<Opened, StoreError> {
    let base = SqliteConnectOptions::new()
        .disable_statement_logging()
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // A commit is on disk when it returns; on macOS only `fullfsync` makes that true.
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "ON");
    let Some(path) = &options.path else {
        let mut connection = base.in_memory(true).connect().await.map_err(database)?;
        migrate::migrate(&mut connection, STEPS)
            .await
            .map_err(|error| refuse("the database in memory", error))?;
        let revision = last_revision(&mut connection).await?;
        return Ok(Opened { connection, connect: None, lock: None, revision });
    };
    let base = match options.vfs {
        Some(name) => base.vfs(name),
        None => base,
    };
    let path = absolute(path)?;
    let name = path.display().to_string();
    let lock = lock(&path)?;
    let connect = base.filename(&path).create_if_missing(true);
    let mut connection = connect.connect().await.map_err(|error| refuse(&name, error.into()))?;
    // Before anything is written: it may be somebody else's.
    migrate::applied(&mut connection, STEPS).await.map_err(|error| refuse(&name, error))?;
    check_small(&mut connection, &path, &name).await?;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut connection)
        .await
        .map_err(|error| refuse(&name, error.into()))?;
    if journal != "wal" {
        return Err(StoreError::Open(format!(
            "{name} cannot have a write-ahead log: its file system lacks it"
        )));
    }
    migrate::migrate(&mut connection, STEPS).await.map_err(|error| refuse(&name, error))?;
    // SQLite opens what it may only read without a word, and begins transactions on it.
    let attempt = "BEGIN IMMEDIATE; UPDATE registry SET revision = revision; ROLLBACK";
    let written = sqlx::raw_sql(attempt).execute(&mut connection).await;
    written.map_err(|error| refuse(&name, error.into()))?;
    let revision = last_revision(&mut connection).await?;
    Ok(Opened { connection, connect: Some(connect), lock: Some(lock), revision })
}

/// Looks through a file that is small enough to do so at every start. That a file was cut SQLite notices by itself,
/// whatever its size.
async fn check_small(connection: &mut SqliteConnection, path: &Path, name: &str) -> Result<(), StoreError> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_BYTES) {
        return Ok(());
    }
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await
        .map_err(|error| refuse(name, error.into()))?;
    if verdict == "ok" {
        return Ok(());
    }
    let detail: Vec<&str> = verdict.lines().map(str::trim).collect();
    Err(StoreError::Open(format!("{name} is damaged: {}", detail.join("; "))))
}

async fn last_revision(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let revision: i64 =
        sqlx::query_scalar("SELECT revision FROM registry").fetch_one(connection).await.map_err(database)?;
    Ok(u64::try_from(revision).unwrap_or(0))
}

/// The one name of the file, whichever way it was given: the lock lies beside it.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    match path.canonicalize() {
        Ok(path) if path.is_dir() => {
            return Err(StoreError::Open(format!("{} is a directory", path.display())));
        }
        Ok(path) => return Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::Open(format!("{}: {error}", path.display()))),
    }
    let Some(file) = path.file_name() else {
        return Err(StoreError::Open(format!("{} names no file", path.display())));
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::Open(format!("directory {} does not exist", parent.display())),
        _ => StoreError::Open(format!("directory {}: {error}", parent.display())),
    })?;
    Ok(parent.join(file))
}

/// Takes the database for this process. The caches beside it would not notice another writer.
///
/// The lock is on a file of its own: closing any handle of the database would drop SQLite's own locks. The file
/// stays; the operating system releases the lock with the process, however it ends.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    let name = PathBuf::from(name);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| StoreError::Open(format!("cannot create {}: {error}", name.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Open(format!("{} is in use by another process", path.display())))
        }
        Err(TryLockError::Error(error)) => {
            Err(StoreError::Open(format!("cannot lock {}: {error}", name.display())))
        }
    }
}

/// Says in one line why a database was not opened.
pub(super) fn refuse(name: &str, error: MigrateError) -> StoreError {
    let error = match error {
        MigrateError::Database(error) => error,
        refused => return StoreError::Open(format!("{name} {refused}")),
    };
    let Some(failure) = error.as_database_error() else {
        return StoreError::Open(format!("{name}: {error}"));
    };
    let code = failure.code();
    match code.as_deref() {
        Some(code) if code.parse::<i32>().is_ok_and(|code| code & 0xff == READ_ONLY) => StoreError::Open(
            format!("{name} may only be read: check its permissions and those of its folder"),
        ),
        Some(NOT_A_DATABASE) => StoreError::Open(format!("{name} is not a SQLite database")),
        Some(CANNOT_OPEN) => StoreError::Open(format!("{name} cannot be opened: check its permissions")),
        _ => StoreError::Open(format!("{name}: {}", failure.message())),
    }
}
