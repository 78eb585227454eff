//! Reading everything at one moment.

use std::collections::HashMap;
use std::sync::Arc;

use muster_schema::{Context, Guid, SchemaId, Subject, Version};
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row as _, SqliteConnection};

use super::super::associations::{ALL as ASSOCIATIONS, association};
use super::super::rows::{self, damaged};
use crate::store::snapshot::{ContextState, Key, VersionRecord};
use crate::store::{Content, LevelSettings, Snapshot};

/// Rows read at a time.
const PAGE: i64 = 2_000;

const CONTENTS: &str = "SELECT content_id, guid, schema_type, schema, refs, metadata, rule_set FROM contents
    WHERE content_id > ?1 ORDER BY content_id LIMIT ?2";
const VERSIONS: &str = "SELECT subject_id, version, id, content_id, deleted, ts_ms FROM versions
    WHERE (subject_id, version) > (?1, ?2) ORDER BY subject_id, version LIMIT ?3";
const SUBJECTS: &str = "SELECT s.subject_id, c.name, s.name, s.config, s.mode
    FROM subjects s CROSS JOIN contexts c ON c.context_id = s.context_id";
const USES: &str = "SELECT u.subject_id, u.id, u.version FROM uses u";
const HASHES: &str =
    "SELECT c.name, h.guid, h.id FROM hashes h CROSS JOIN contexts c ON c.context_id = h.context_id";

/// Reads the database in one transaction, which sees nothing of what others commit meanwhile.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Snapshot, Error> {
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    let result = read_all(connection, progress).await;
    sqlx::query("ROLLBACK").execute(&mut *connection).await?;
    result
}

async fn read_all(
    connection: &mut SqliteConnection,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot::default();
    for row in fetch(connection, "SELECT name, last_id, listed FROM contexts").await? {
        let last_id: Option<i32> = row.try_get(1)?;
        let state = ContextState { last_id: last_id.map(SchemaId), listed: row.try_get(2)? };
        snapshot.contexts.insert(context(row.try_get(0)?), state);
    }
    let mut names: HashMap<i64, Key> = HashMap::new();
    for row in fetch(connection, SUBJECTS).await? {
        let key = Snapshot::key(&rows::subject(row.try_get(1)?, row.try_get(2)?));
        let LevelSettings { config, mode } = rows::level_settings(row.try_get(3)?, row.try_get(4)?)?;
        let record = snapshot.subjects.entry(key.clone()).or_default();
        (record.config, record.mode) = (config, mode);
        names.insert(row.try_get(0)?, key);
    }
    read_versions(connection, &names, &mut snapshot, progress).await?;
    for row in fetch(connection, USES).await? {
        let (context, name) = names.get(&row.try_get(0)?).ok_or_else(|| damaged("a use has no subject"))?;
        let (id, version) = (SchemaId(row.try_get(1)?), Version(row.try_get(2)?));
        snapshot.uses.entry((context.clone(), id)).or_default().insert(name.clone(), version);
    }
    for row in fetch(connection, HASHES).await? {
        let guid: &[u8] = row.try_get(1)?;
        let guid = guid.try_into().map(Guid).map_err(|_| damaged("a guid is not 16 bytes"))?;
        snapshot.ids.insert((context(row.try_get(0)?), guid), SchemaId(row.try_get(2)?));
    }
    for row in fetch(connection, ASSOCIATIONS).await? {
        snapshot.associations.push(association(&row)?);
    }
    snapshot.tidy();
    Ok(snapshot)
}

async fn read_versions(
    connection: &mut SqliteConnection,
    names: &HashMap<i64, Key>,
    snapshot: &mut Snapshot,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), Error> {
    let total: i64 = sqlx::query_scalar("SELECT count(*) FROM versions").fetch_one(&mut *connection).await?;
    // Reading the texts is most of the work.
    let mut told = |done: usize| progress(done as u64, total.unsigned_abs());
    let mut shared: HashMap<Guid, Arc<Content>> = HashMap::new();
    let mut contents: HashMap<i64, Arc<Content>> = HashMap::new();
    let mut last = i64::MIN;
    loop {
        let page = sqlx::query(CONTENTS).bind(last).bind(PAGE).fetch_all(&mut *connection).await?;
        for row in &page {
            last = row.try_get(0)?;
            let content = rows::content(row, 1)?;
            let content = match shared.get(&content.guid) {
                Some(known) if **known == content => Arc::clone(known),
                _ => Arc::new(content),
            };
            shared.entry(content.guid).or_insert_with(|| Arc::clone(&content));
            contents.insert(last, content);
        }
        told(contents.len());
        if page.is_empty() {
            break;
        }
    }
    let (mut subject_id, mut version) = (i64::MIN, i32::MIN);
    loop {
        let query = sqlx::query(VERSIONS).bind(subject_id).bind(version).bind(PAGE);
        let page = query.fetch_all(&mut *connection).await?;
        for row in &page {
            (subject_id, version) = (row.try_get(0)?, row.try_get(1)?);
            let record = VersionRecord {
                id: SchemaId(row.try_get(2)?),
                content: contents
                    .get(&row.try_get(3)?)
                    .cloned()
                    .ok_or_else(|| damaged("a version has no content"))?,
                deleted: row.try_get(4)?,
                ts_ms: row.try_get(5)?,
            };
            let key = names.get(&subject_id).ok_or_else(|| damaged("a version has no subject"))?;
            snapshot.subjects.entry(key.clone()).or_default().versions.insert(Version(version), record);
        }
        if page.is_empty() {
            return Ok(());
        }
    }
}

async fn fetch(connection: &mut SqliteConnection, sql: &'static str) -> Result<Vec<SqliteRow>, Error> {
    sqlx::query(sql).fetch_all(connection).await
}

fn context(name: &str) -> Context {
    let subject: Subject = rows::subject(name, "");
    subject.context().clone()
}
