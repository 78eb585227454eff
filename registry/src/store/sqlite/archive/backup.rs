//! Copies of a database file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::{Connection as _, SqliteConnection};

use super::super::{database, open};
use super::{beside, not_empty, write};
use crate::store::StoreError;
use crate::store::archive::BackupSummary;

pub(in crate::store) async fn backup(path: PathBuf, to: &Path) -> Result<BackupSummary, StoreError> {
    let exists = || StoreError::Open(format!("{} exists already and is not overwritten", to.display()));
    if to.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let (mut connection, _) = beside(&path, false).await?;
    let partial = Partial::beside(to)?;
    // Reads one moment of the database, whatever is committed meanwhile; leaves out free pages.
    let copied =
        sqlx::query("VACUUM INTO ?1").bind(partial.0.display().to_string()).execute(&mut connection).await;
    copied.map_err(|error| open::refuse(&to.display().to_string(), error.into()))?;
    connection.close().await.map_err(database)?;
    let summary = check(&partial.0, to).await?;
    sync(&partial.0)?;
    // A hard link does what a rename does not: it fails if somebody made the file meanwhile.
    match fs::hard_link(&partial.0, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists()),
        Err(_) => fs::rename(&partial.0, to).map_err(|error| failed(to, &error))?,
    }
    drop(partial);
    sync_folder(to)?;
    Ok(summary)
}

pub(in crate::store) async fn restore(
    path: PathBuf,
    from: &Path,
    force: bool,
) -> Result<BackupSummary, StoreError> {
    if !from.exists() {
        return Err(StoreError::Open(format!("{} does not exist", from.display())));
    }
    let target = open::absolute(&path)?;
    if target == open::absolute(from)? {
        return Err(StoreError::Open(format!("{} is the store itself", from.display())));
    }
    let lock = open::lock(&target)?;
    // A store that a registry is running on cannot be copied like a file.
    let source = open::absolute(from)?;
    let source_lock = with_suffix(&source, "-lock").exists().then(|| open::lock(&source)).transpose()?;
    let partial = Partial::beside(&target)?;
    // The copy is what is checked, and then what is used. A write-ahead log belongs to it.
    fs::copy(from, &partial.0).map_err(|error| failed(from, &error))?;
    let log = with_suffix(from, "-wal");
    if log.exists() {
        fs::copy(&log, with_suffix(&partial.0, "-wal")).map_err(|error| failed(&log, &error))?;
    }
    drop(source_lock);
    let summary = check(&partial.0, from).await?;
    if target.exists() && !force {
        let held = fs::metadata(&target).map_err(|error| failed(&target, &error))?.len();
        if held > 0 {
            let (mut connection, applied) = beside(&target, false).await?;
            let empty = applied == 0 || write::is_empty(&mut connection).await.map_err(database)?;
            connection.close().await.map_err(database)?;
            if !empty {
                return Err(not_empty(&path));
            }
        }
    }
    fold(&target).await?;
    sync(&partial.0)?;
    fs::rename(&partial.0, &target).map_err(|error| failed(&target, &error))?;
    sync_folder(&target)?;
    drop(lock);
    Ok(summary)
}

/// Checks a copy that nobody else knows of: ours, of a schema that this release knows, and whole. `name` is what the
/// caller calls it.
async fn check(copy: &Path, name: &Path) -> Result<BackupSummary, StoreError> {
    let mut connection = match beside(copy, false).await {
        Ok((_, 0)) => {
            return Err(StoreError::Open(format!("{} holds no registry", name.display())));
        }
        Ok((connection, _)) => connection,
        Err(StoreError::Open(text)) => {
            let renamed = text.replace(&copy.display().to_string(), &name.display().to_string());
            return Err(StoreError::Open(renamed));
        }
        Err(error) => return Err(error),
    };
    let damaged = |detail: &str| StoreError::Open(format!("{} is damaged: {detail}", name.display()));
    match integrity(&mut connection).await {
        Ok(None) => {}
        Ok(Some(detail)) => return Err(damaged(&detail)),
        Err(error) => match error.as_database_error() {
            Some(failure) => return Err(damaged(failure.message())),
            None => return Err(database(error)),
        },
    }
    let count = |sql: &'static str| sqlx::query_scalar::<_, i64>(sql);
    let mut numbers = [0_u64; 3];
    for (number, sql) in numbers.iter_mut().zip([
        "SELECT revision FROM registry",
        "SELECT count(DISTINCT subject_id) FROM versions",
        "SELECT count(*) FROM versions",
    ]) {
        let found =
            count(sql).fetch_one(&mut connection).await.map_err(|error| damaged(&error.to_string()))?;
        *number = found.unsigned_abs();
    }
    // Folds a write-ahead log into the copy.
    connection.close().await.map_err(database)?;
    let size_bytes = fs::metadata(copy).map_err(|error| failed(name, &error))?.len();
    let [revision, subjects, versions] = numbers;
    Ok(BackupSummary { revision, subjects, versions, size_bytes })
}

/// What is wrong with a database, if anything is.
async fn integrity(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await?;
    if verdict != "ok" {
        return Ok(Some(verdict.lines().map(str::trim).collect::<Vec<_>>().join("; ")));
    }
    let broken: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pragma_foreign_key_check").fetch_one(connection).await?;
    Ok((broken > 0).then(|| format!("{broken} rows point at nothing")))
}

/// Leaves nothing of the old database beside its file: a write-ahead log would be taken for the new one's. What cannot
/// be folded into a damaged database is removed.
async fn fold(target: &Path) -> Result<(), StoreError> {
    if let Ok((connection, _)) = beside(target, false).await {
        let _ = connection.close().await;
    }
    for suffix in ["-wal", "-shm"] {
        let name = with_suffix(target, suffix);
        match fs::remove_file(&name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&name, &error)),
        }
    }
    Ok(())
}

/// A file under a name of its own until it is complete; removed with what SQLite put beside it.
struct Partial(PathBuf);

impl Partial {
    fn beside(file: &Path) -> Result<Self, StoreError> {
        let absolute = open::absolute(file)?;
        let partial = Self(with_suffix(&absolute, &format!("-partial-{}", std::process::id())));
        partial.remove();
        Ok(partial)
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // Most of them are not there.
            let _ = fs::remove_file(with_suffix(&self.0, suffix));
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.remove();
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::options().read(true).write(true).open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| failed(path, &error))
}

/// Makes the name of a file durable.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let absolute = open::absolute(path)?;
    let folder = absolute.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(folder, &error))
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Open(format!("{}: {error}", path.display()))
}
