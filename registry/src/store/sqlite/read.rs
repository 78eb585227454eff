//! Listings and look-ups: one statement each, so that each sees one moment.

use std::sync::Arc;

use muster_schema::{Context, Guid, SchemaId, Subject, Version};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Error, Row as _, Sqlite};

use super::database;
use super::readers::Readers;
use super::rows::{self, ListingOrder, Ranges, VERSION_COLUMNS, schema_version, version_columns};
use crate::store::{ConfigRecord, Content, Referrer, SchemaVersion, Selection, StoreError, SubjectSummary};

const VERSION: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id AND s.name = ?2
          CROSS JOIN versions v ON v.subject_id = s.subject_id AND v.version = ?3
          CROSS JOIN contents t ON t.content_id = v.content_id
      WHERE c.name = ?1"
);

/// Uses that an import has not replaced all lead to the same content, so it is read once, with the first of them: an id
/// may have as many uses as there are subjects.
const USES_OF_ID: &str = concat!(
    "SELECT ",
    version_columns!(),
    ", u.name, u.replaced
      FROM contexts c CROSS JOIN uses u ON u.context_id = c.context_id AND u.id = ?2
          CROSS JOIN versions v ON v.subject_id = u.subject_id AND v.version = u.version
          LEFT JOIN contents t ON t.content_id = v.content_id AND (u.replaced = 1 OR u.subject_id =
              (SELECT f.subject_id FROM uses f
               WHERE f.context_id = c.context_id AND f.id = ?2 AND f.replaced = 0 ORDER BY f.subject_id LIMIT 1))
      WHERE c.name = ?1"
);

const USE_OF_ID: &str = concat!(
    "SELECT ",
    version_columns!(),
    " FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id AND s.name = ?2
          CROSS JOIN uses u ON u.context_id = c.context_id AND u.id = ?3 AND u.subject_id = s.subject_id
          CROSS JOIN versions v ON v.subject_id = u.subject_id AND v.version = u.version
          CROSS JOIN contents t ON t.content_id = v.content_id
      WHERE c.name = ?1"
);

/// The use in the lowest slot of the table that [`crate::store::speaker`] tells of.
const SPEAKER_OF_ID: &str = concat!(
    "WITH RECURSIVE
         c (context_id) AS (SELECT context_id FROM contexts WHERE name = ?1),
         n (uses) AS (SELECT count(*) FROM uses WHERE context_id = (SELECT context_id FROM c) AND id = ?2),
         t (slots) AS (
             SELECT 16 UNION ALL SELECT slots * 2 FROM t WHERE (SELECT uses FROM n) >= slots / 4 * 3
         )
     SELECT ",
    version_columns!(),
    ", u.name
     FROM (SELECT subject_id, version, name FROM uses
           WHERE context_id = (SELECT context_id FROM c) AND id = ?2
           ORDER BY spread & ((SELECT max(slots) FROM t) - 1), name LIMIT 1) u
         CROSS JOIN versions v ON v.subject_id = u.subject_id AND v.version = u.version
         CROSS JOIN contents t ON t.content_id = v.content_id"
);

const KNOWN_CONTENT: &str = concat!(
    "SELECT ",
    version_columns!(),
    ", h.id
      FROM contexts c CROSS JOIN hashes h ON h.guid = ?3 AND h.context_id = c.context_id
          LEFT JOIN subjects s ON s.context_id = c.context_id AND s.name = ?2
          LEFT JOIN uses u ON u.context_id = c.context_id AND u.id = h.id AND u.subject_id = s.subject_id
          LEFT JOIN versions v ON v.subject_id = u.subject_id AND v.version = u.version
          LEFT JOIN contents t ON t.content_id = v.content_id
      WHERE c.name = ?1 AND EXISTS (SELECT 1 FROM uses a WHERE a.context_id = c.context_id AND a.id = h.id)"
);

/// Subjects within [`Ranges`]. A text is less than any blob: a missing end is one.
macro_rules! selected {
    () => {
        " FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id
              AND s.name >= ?3 AND s.name < coalesce(?4, x'') "
    };
}
macro_rules! selected_contexts {
    () => {
        " WHERE c.name >= ?1 AND c.name < coalesce(?2, x'') "
    };
}

const SUBJECTS: &str = concat!(
    "SELECT c.name, s.name, count(*), sum(v.deleted)",
    selected!(),
    "CROSS JOIN versions v ON v.subject_id = s.subject_id",
    selected_contexts!(),
    "GROUP BY s.subject_id"
);

const CONFIGS: &str = concat!(
    "SELECT c.name, s.name, s.config",
    selected!(),
    selected_contexts!(),
    "AND s.config IS NOT NULL AND s.name <> ''"
);

const REFERRERS: &str = "SELECT c.name, s.name, v.version, v.id, v.deleted
    FROM refs r CROSS JOIN versions v ON v.subject_id = r.subject_id AND v.version = r.version
        CROSS JOIN subjects s ON s.subject_id = v.subject_id
        CROSS JOIN contexts c ON c.context_id = s.context_id
    WHERE r.target = ?1 AND r.target_version = ?2";

pub(super) async fn version(
    readers: &Readers,
    subject: &Subject,
    version: Version,
) -> Result<Option<SchemaVersion>, StoreError> {
    let query = sqlx::query(VERSION).bind(subject.context().as_str()).bind(subject.name()).bind(version.0);
    let rows = fetch(readers, query).await?;
    rows.first().map(|row| schema_version(row, 0, subject.clone())).transpose().map_err(database)
}

pub(super) async fn uses_of_id(
    readers: &Readers,
    context: &Context,
    id: SchemaId,
) -> Result<Vec<SchemaVersion>, StoreError> {
    let rows = fetch(readers, sqlx::query(USES_OF_ID).bind(context.as_str()).bind(id.0)).await?;
    let shared = shared_content(&rows).map_err(database)?;
    let mut uses = Vec::with_capacity(rows.len());
    for row in &rows {
        let read = || {
            let subject = Subject::new(context.clone(), row.try_get::<String, _>(VERSION_COLUMNS)?);
            match (&shared, row.try_get(VERSION_COLUMNS + 1)?) {
                (Some(content), false) => rows::version_of(row, 0, subject, content),
                _ => schema_version(row, 0, subject),
            }
        };
        push_sharing(&mut uses, read().map_err(database)?);
    }
    uses.sort_by_cached_key(|version| ListingOrder::of(&version.subject));
    Ok(uses)
}

pub(super) async fn use_of_id(
    readers: &Readers,
    subject: &Subject,
    id: SchemaId,
) -> Result<Option<SchemaVersion>, StoreError> {
    let query = sqlx::query(USE_OF_ID).bind(subject.context().as_str()).bind(subject.name()).bind(id.0);
    let rows = fetch(readers, query).await?;
    rows.first().map(|row| schema_version(row, 0, subject.clone())).transpose().map_err(database)
}

pub(super) async fn speaker_of_id(
    readers: &Readers,
    context: &Context,
    id: SchemaId,
) -> Result<Option<SchemaVersion>, StoreError> {
    let rows = fetch(readers, sqlx::query(SPEAKER_OF_ID).bind(context.as_str()).bind(id.0)).await?;
    let read = |row: &SqliteRow| {
        let subject = Subject::new(context.clone(), row.try_get::<String, _>(VERSION_COLUMNS)?);
        schema_version(row, 0, subject)
    };
    rows.first().map(read).transpose().map_err(database)
}

pub(super) async fn known_content(
    readers: &Readers,
    subject: &Subject,
    guid: Guid,
) -> Result<Option<(SchemaId, Option<SchemaVersion>)>, StoreError> {
    let query = sqlx::query(KNOWN_CONTENT).bind(subject.context().as_str()).bind(subject.name());
    let rows = fetch(readers, query.bind(guid.0.to_vec())).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let read = || -> Result<_, Error> {
        let used = row.try_get::<Option<i32>, _>(0)?.is_some();
        let own = used.then(|| schema_version(row, 0, subject.clone())).transpose()?;
        Ok((SchemaId(row.try_get(VERSION_COLUMNS)?), own))
    };
    read().map(Some).map_err(database)
}

/// The content of the uses that were not replaced, from the row that has it.
fn shared_content(rows: &[SqliteRow]) -> Result<Option<Arc<Content>>, Error> {
    for row in rows {
        let (guid, replaced): (Option<&[u8]>, bool) = (row.try_get(4)?, row.try_get(VERSION_COLUMNS + 1)?);
        if guid.is_some() && !replaced {
            return rows::content(row, 4).map(|content| Some(Arc::new(content)));
        }
    }
    Ok(None)
}

/// Lets neighbours with equal content share it.
fn push_sharing(versions: &mut Vec<SchemaVersion>, mut version: SchemaVersion) {
    if let Some(previous) = versions.last().filter(|previous| {
        !Arc::ptr_eq(&previous.content, &version.content) && previous.content == version.content
    }) {
        version.content = Arc::clone(&previous.content);
    }
    versions.push(version);
}

pub(super) async fn ids_of_guid(
    readers: &Readers,
    guid: Guid,
) -> Result<Vec<(Context, SchemaId)>, StoreError> {
    let sql = "SELECT c.name, h.id FROM hashes h CROSS JOIN contexts c ON c.context_id = h.context_id
               WHERE h.guid = ?1";
    let rows = fetch(readers, sqlx::query(sql).bind(guid.0.to_vec())).await?;
    let mut ids = collect(&rows, |row| Ok((context(row, 0)?, SchemaId(row.try_get(1)?))))?;
    ids.sort_by(|(a, _), (b, _)| context_order(a, b));
    Ok(ids)
}

pub(super) async fn max_id(readers: &Readers, context: &Context) -> Result<Option<SchemaId>, StoreError> {
    let query = sqlx::query("SELECT last_id FROM contexts WHERE name = ?1").bind(context.as_str());
    let rows = fetch(readers, query).await?;
    let id: Option<Option<i32>> = rows.first().map(|row| row.try_get(0)).transpose().map_err(database)?;
    Ok(id.flatten().map(SchemaId))
}

pub(super) async fn subjects(
    readers: &Readers,
    selection: &Selection,
) -> Result<Vec<SubjectSummary>, StoreError> {
    let rows = fetch(readers, select(SUBJECTS, selection)).await?;
    let mut subjects = collect(&rows, |row| {
        let (all, deleted): (u32, u32) = (row.try_get(2)?, row.try_get(3)?);
        Ok(SubjectSummary { subject: subject(row, 0)?, live: all.saturating_sub(deleted), deleted })
    })?;
    subjects.sort_by_cached_key(|summary| ListingOrder::of(&summary.subject));
    Ok(subjects)
}

pub(super) async fn aliases(
    readers: &Readers,
    selection: &Selection,
) -> Result<Vec<(Subject, String)>, StoreError> {
    let rows = fetch(readers, select(CONFIGS, selection)).await?;
    let mut aliases = Vec::new();
    for row in &rows {
        let read = || -> Result<_, Error> {
            let config = rows::level_settings(row.try_get(2)?, None)?.config;
            Ok((subject(row, 0)?, config.and_then(|ConfigRecord { alias, .. }| alias)))
        };
        if let (subject, Some(alias)) = read().map_err(database)?
            && !alias.is_empty()
        {
            aliases.push((subject, alias));
        }
    }
    aliases.sort_by_cached_key(|(subject, _)| ListingOrder::of(subject));
    Ok(aliases)
}

pub(super) async fn contexts(readers: &Readers) -> Result<Vec<Context>, StoreError> {
    let rows =
        fetch(readers, sqlx::query("SELECT name FROM contexts WHERE listed = 1 AND name <> '.'")).await?;
    let mut contexts = collect(&rows, |row| context(row, 0))?;
    contexts.sort();
    Ok(contexts)
}

pub(super) async fn referrers(
    readers: &Readers,
    target: &Subject,
    version: Version,
) -> Result<Vec<Referrer>, StoreError> {
    let rows = fetch(readers, sqlx::query(REFERRERS).bind(target.to_string()).bind(version.0)).await?;
    let mut referrers = collect(&rows, |row| {
        Ok(Referrer {
            subject: subject(row, 0)?,
            version: Version(row.try_get(2)?),
            id: SchemaId(row.try_get(3)?),
            deleted: row.try_get(4)?,
        })
    })?;
    referrers.sort_by(|a, b| {
        context_order(a.subject.context(), b.subject.context())
            .then(a.id.cmp(&b.id))
            .then_with(|| muster_schema::subject::utf16_order(a.subject.name(), b.subject.name()))
            .then(a.version.cmp(&b.version))
    });
    Ok(referrers)
}

/// Whether the database answers.
pub(super) async fn ping(readers: &Readers) -> Result<(), StoreError> {
    fetch(readers, sqlx::query("SELECT revision FROM registry")).await.map(drop)
}

/// Runs one statement on a connection of its own.
pub(super) async fn fetch(
    readers: &Readers,
    query: Query<'_, Sqlite, SqliteArguments>,
) -> Result<Vec<SqliteRow>, StoreError> {
    let mut reader = readers.acquire().await?;
    match query.fetch_all(&mut *reader).await {
        Ok(rows) => Ok(rows),
        Err(error) => {
            reader.discard();
            Err(database(error))
        }
    }
}

fn select<'q>(sql: &'static str, selection: &Selection) -> Query<'q, Sqlite, SqliteArguments> {
    let Ranges { context, name } = Ranges::of(selection);
    sqlx::query(sql).bind(context.0).bind(context.1).bind(name.0).bind(name.1)
}

fn collect<T>(
    rows: &[SqliteRow],
    read: impl Fn(&SqliteRow) -> Result<T, Error>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect::<Result<_, _>>().map_err(database)
}

fn subject(row: &SqliteRow, at: usize) -> Result<Subject, Error> {
    Ok(rows::subject(row.try_get(at)?, row.try_get(at + 1)?))
}

fn context(row: &SqliteRow, at: usize) -> Result<Context, Error> {
    Ok(rows::subject(row.try_get(at)?, "").context().clone())
}

/// The default context first, then by name.
fn context_order(a: &Context, b: &Context) -> std::cmp::Ordering {
    b.is_default().cmp(&a.is_default()).then_with(|| a.cmp(b))
}
