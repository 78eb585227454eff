//! Writing everything at once.

use std::collections::{BTreeMap, BTreeSet};

use muster_schema::{Context, Subject};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Encode, Error, Row as _, Sqlite, SqliteConnection, Type};

use super::super::rows::{ContentJson, damaged, to_json};
use crate::store::snapshot::{Key, VersionRecord};
use crate::store::speaker::spread;
use crate::store::{Association, Snapshot};

/// How many rows one statement takes; SQLite allows 32,766 values.
const ROWS: usize = 500;

/// Whether nothing was ever written.
pub(super) async fn is_empty(connection: &mut SqliteConnection) -> Result<bool, Error> {
    let row = sqlx::query("SELECT NOT EXISTS (SELECT 1 FROM subjects)").fetch_one(connection).await?;
    row.try_get(0)
}

/// Writes `snapshot` in one transaction. `false`: the database is not empty, and nothing was written.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<bool, Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let result = match is_empty(connection).await {
        Ok(true) => write_all(connection, snapshot, progress).await.map(|()| true),
        Ok(false) => Ok(false),
        Err(error) => Err(error),
    };
    let end = if matches!(result, Ok(true)) { "COMMIT" } else { "ROLLBACK" };
    let ended = sqlx::query(end).execute(&mut *connection).await;
    let written = result?;
    ended?;
    Ok(written)
}

async fn write_all(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), Error> {
    let mut revision: i64 =
        sqlx::query_scalar("SELECT revision FROM registry").fetch_one(&mut *connection).await?;
    // Settings that were cleared before they were ever put may have left names of contexts behind.
    sqlx::query("DELETE FROM contexts").execute(&mut *connection).await?;

    let keys = keys(snapshot);
    let contexts: BTreeSet<&Context> =
        snapshot.contexts.keys().chain(keys.iter().map(|(context, _)| context)).collect();
    let contexts: BTreeMap<&Context, i64> = contexts.into_iter().zip(1..).collect();
    let subjects: BTreeMap<&Key, i64> = keys.iter().zip(1..).collect();

    let mut rows = Insert::new("contexts (context_id, name, last_id, listed)", 4);
    for (context, number) in &contexts {
        let state = snapshot.contexts.get(*context).copied().unwrap_or_default();
        rows.value(*number)?.value(context.as_str())?;
        rows.value(state.last_id.map(|id| id.0))?.value(state.listed)?;
        rows.end_row(connection).await?;
    }
    rows.finish(connection).await?;

    let mut rows = Insert::new("subjects (subject_id, context_id, name, revision, config, mode)", 6);
    for (key, number) in &subjects {
        let record = snapshot.subjects.get(*key);
        let config = record.and_then(|record| record.config.as_ref()).map(to_json).transpose()?;
        let mode = record.and_then(|record| record.mode).map(|mode| mode.as_str());
        revision += 1;
        rows.value(*number)?.value(contexts.get(&key.0).copied())?.value(key.1.as_str())?;
        rows.value(revision)?.value(config)?.value(mode)?;
        rows.end_row(connection).await?;
    }
    rows.finish(connection).await?;

    revision = write_versions(connection, snapshot, &subjects, revision, progress).await?;
    write_indexes(connection, snapshot, &contexts, &subjects).await?;
    let mut rows = Insert::new(
        "associations (resource_id, resource_type, resource_namespace, resource_name, association_type, subject_id,
            guid, lifecycle, frozen, created_ms, updated_ms)",
        11,
    );
    for one in &snapshot.associations {
        let Association { resource, .. } = one;
        rows.value(resource.id.as_str())?.value(resource.kind.as_str())?;
        rows.value(resource.namespace.as_str())?.value(resource.name.as_str())?;
        rows.value(one.association_type.as_str())?
            .value(subjects.get(&Snapshot::key(&one.subject)).copied())?;
        rows.value(one.guid.0.as_slice())?.value(one.lifecycle.as_str())?.value(one.frozen)?;
        rows.value(one.created_ms)?.value(one.updated_ms)?;
        rows.end_row(connection).await?;
    }
    rows.finish(connection).await?;
    sqlx::query("UPDATE registry SET revision = ?1").bind(revision).execute(connection).await?;
    Ok(())
}

/// Everything that needs a row of `subjects`.
fn keys(snapshot: &Snapshot) -> BTreeSet<Key> {
    let used = snapshot
        .uses
        .iter()
        .flat_map(|((context, _), names)| names.keys().map(move |name| (context.clone(), name.clone())));
    let associated = snapshot.associations.iter().map(|one| Snapshot::key(&one.subject));
    snapshot.subjects.keys().cloned().chain(used).chain(associated).collect()
}

async fn write_versions(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
    subjects: &BTreeMap<&Key, i64>,
    mut revision: i64,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<i64, Error> {
    let all = || {
        snapshot.subjects.iter().flat_map(|(key, record)| {
            record.versions.iter().map(move |(number, version)| (key, *number, version))
        })
    };
    let total = all().count() as u64;
    let mut contents =
        Insert::new("contents (content_id, guid, schema_type, schema, refs, metadata, rule_set)", 7);
    let mut versions = Insert::new("versions (subject_id, version, id, content_id, deleted, ts_ms)", 6);
    // One target may be referenced under two names.
    let mut references = Insert::new("refs (target, target_version, subject_id, version)", 4).or_ignore();
    for (done, (key, number, version)) in (1..).zip(all()) {
        let subject_id = subjects.get(key).copied().ok_or_else(|| damaged("a version has no subject"))?;
        let VersionRecord { id, content, deleted, ts_ms } = version;
        let json = ContentJson::of(content)?;
        revision += 1;
        contents.value(revision)?.value(content.guid.0.as_slice())?.value(content.schema_type.as_str())?;
        contents.value(content.schema.as_str())?.value(json.references)?;
        contents.value(json.metadata)?.value(json.rule_set)?;
        contents.end_row(connection).await?;
        versions.value(subject_id)?.value(number.0)?.value(id.0)?.value(revision)?;
        versions.value(*deleted)?.value(*ts_ms)?;
        versions.end_row(connection).await?;
        if done % 1000 == 0 || done == total {
            progress(done, total);
        }
    }
    contents.finish(connection).await?;
    versions.finish(connection).await?;
    for (key, number, version) in all().filter(|(_, _, version)| !version.content.references.is_empty()) {
        for reference in &version.content.references {
            let target = Subject::parse_in(&reference.subject, &key.0).to_string();
            references.value(target)?.value(reference.version.0)?;
            references.value(subjects.get(key).copied())?.value(number.0)?;
            references.end_row(connection).await?;
        }
    }
    references.finish(connection).await?;
    Ok(revision)
}

async fn write_indexes(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
    contexts: &BTreeMap<&Context, i64>,
    subjects: &BTreeMap<&Key, i64>,
) -> Result<(), Error> {
    let mut uses = Insert::new("uses (context_id, id, subject_id, version, replaced, name, spread)", 7);
    for ((context, id), names) in &snapshot.uses {
        for (name, version) in names {
            let key = (context.clone(), name.clone());
            let replaced = snapshot.version(&key, *version).is_some_and(|version| version.id != *id);
            uses.value(contexts.get(context).copied())?.value(id.0)?;
            uses.value(subjects.get(&key).copied())?.value(version.0)?.value(replaced)?;
            let subject = Subject::new(context.clone(), name.as_str());
            uses.value(name.as_str())?.value(spread(&subject))?;
            uses.end_row(connection).await?;
        }
    }
    uses.finish(connection).await?;
    let mut hashes = Insert::new("hashes (guid, context_id, id)", 3);
    for ((context, guid), id) in &snapshot.ids {
        hashes.value(guid.0.as_slice())?.value(contexts.get(context).copied())?.value(id.0)?;
        hashes.end_row(connection).await?;
    }
    hashes.finish(connection).await
}

/// Rows for one table, written a few hundred at a time.
struct Insert {
    start: String,
    columns: usize,
    rows: usize,
    arguments: SqliteArguments,
}

impl Insert {
    fn new(target: &str, columns: usize) -> Self {
        Self {
            start: format!("INSERT INTO {target} VALUES "),
            columns,
            rows: 0,
            arguments: SqliteArguments::default(),
        }
    }

    fn or_ignore(mut self) -> Self {
        self.start = self.start.replacen("INSERT", "INSERT OR IGNORE", 1);
        self
    }

    fn value<'t>(&mut self, value: impl Encode<'t, Sqlite> + Type<Sqlite>) -> Result<&mut Self, Error> {
        self.arguments.add(value).map_err(Error::Encode)?;
        Ok(self)
    }

    async fn end_row(&mut self, connection: &mut SqliteConnection) -> Result<(), Error> {
        self.rows += 1;
        if self.rows == ROWS { self.send(connection).await } else { Ok(()) }
    }

    async fn finish(mut self, connection: &mut SqliteConnection) -> Result<(), Error> {
        if self.rows == 0 { Ok(()) } else { self.send(connection).await }
    }

    async fn send(&mut self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        let sql = format!("{}{}", self.start, vec![row; self.rows].join(", "));
        let arguments = std::mem::take(&mut self.arguments);
        // Table and columns are texts of this module; values are bound.
        sqlx::query_with(AssertSqlSafe(sql), arguments).execute(connection).await?;
        self.rows = 0;
        Ok(())
    }
}
