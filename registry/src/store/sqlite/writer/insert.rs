//! Writing decided versions.

use std::sync::{Arc, LazyLock};

use muster_schema::{SchemaId, Subject, Version};
use sqlx::Error;
use sqlx::sqlite::SqliteArguments;

use super::super::committed::Touched;
use super::super::rows::ContentJson;
use super::sized::{Sized, arguments, bind, values};
use super::transaction::Transaction;
use crate::store::speaker::spread;
use crate::store::{Registered, Registration, SchemaVersion};

static VERSIONS: LazyLock<Sized> = LazyLock::new(|| {
    Sized::new(|rows| {
        let subjects = values(rows, 4);
        let contents = values(rows, 7);
        let versions = values(rows, 6);
        let uses = values(rows, 6);
        let hashes = values(rows, 3);
        format!(
            "INSERT INTO subjects (subject_id, context_id, name, revision) {subjects}
                 ON CONFLICT (subject_id) DO UPDATE SET revision = excluded.revision;
             INSERT INTO contents (content_id, guid, schema_type, schema, refs, metadata, rule_set) {contents};
             INSERT INTO versions (subject_id, version, id, content_id, deleted, ts_ms) {versions};
             INSERT INTO uses (context_id, id, subject_id, version, name, spread) {uses}
                 ON CONFLICT (context_id, id, subject_id) DO UPDATE SET version = excluded.version, replaced = 0;
             INSERT INTO hashes (guid, context_id, id) {hashes}
                 ON CONFLICT (guid, context_id) DO UPDATE SET id = excluded.id"
        )
    })
});

static REFERENCES: LazyLock<Sized> = LazyLock::new(|| {
    Sized::new(|rows| {
        // One target may be referenced under two names.
        format!(
            "INSERT OR IGNORE INTO refs (target, target_version, subject_id, version) {}",
            values(rows, 4)
        )
    })
});

/// A version that is to be written.
pub(super) struct NewVersion<'r> {
    pub(super) registration: &'r Registration,
    pub(super) context_id: i64,
    pub(super) subject_id: i64,
    pub(super) version: i32,
    pub(super) id: i32,
    /// The number of the event, and of the content.
    pub(super) revision: i64,
    pub(super) ts_ms: i64,
}

impl NewVersion<'_> {
    /// The answer to the caller, once it is written.
    pub(super) fn registered(&self) -> Registered {
        let schema = SchemaVersion {
            subject: self.registration.subject.clone(),
            version: Version(self.version),
            id: SchemaId(self.id),
            content: Arc::clone(&self.registration.content),
            deleted: false,
            ts_ms: self.ts_ms,
        };
        Registered { schema, existed: false }
    }
}

impl Transaction<'_> {
    /// Writes versions of different subjects.
    pub(super) async fn insert(&mut self, versions: &[NewVersion<'_>]) -> Result<(), Error> {
        for (sql, group) in VERSIONS.groups(versions) {
            let mut arguments = SqliteArguments::default();
            let a = &mut arguments;
            for row in group {
                bind(a, row.subject_id)?;
                bind(a, row.context_id)?;
                bind(a, row.registration.subject.name())?;
                bind(a, row.revision)?;
            }
            for row in group {
                let content = &*row.registration.content;
                let json = ContentJson::of(content)?;
                bind(a, row.revision)?;
                bind(a, content.guid.0.as_slice())?;
                bind(a, content.schema_type.as_str())?;
                bind(a, content.schema.as_str())?;
                bind(a, json.references)?;
                bind(a, json.metadata)?;
                bind(a, json.rule_set)?;
            }
            for row in group {
                bind(a, row.subject_id)?;
                bind(a, row.version)?;
                bind(a, row.id)?;
                bind(a, row.revision)?;
                bind(a, false)?;
                bind(a, row.ts_ms)?;
            }
            for row in group {
                bind(a, row.context_id)?;
                bind(a, row.id)?;
                bind(a, row.subject_id)?;
                bind(a, row.version)?;
                bind(a, row.registration.subject.name())?;
                bind(a, spread(&row.registration.subject))?;
            }
            for row in group {
                bind(a, row.registration.content.guid.0.as_slice())?;
                bind(a, row.context_id)?;
                bind(a, row.id)?;
            }
            sqlx::query_with(sql, arguments).execute(&mut *self.connection).await?;
        }
        self.insert_references(versions).await?;
        for row in versions {
            self.touch(Touched::Key(row.registration.subject.clone()), row.revision);
        }
        Ok(())
    }

    async fn insert_references(&mut self, versions: &[NewVersion<'_>]) -> Result<(), Error> {
        let mut rows = Vec::new();
        for row in versions {
            let context = row.registration.subject.context();
            for reference in &row.registration.content.references {
                let target = Subject::parse_in(&reference.subject, context).to_string();
                rows.push((target, reference.version.0, row.subject_id, row.version));
            }
        }
        for (sql, group) in REFERENCES.groups(&rows) {
            let mut arguments = SqliteArguments::default();
            for (target, target_version, subject_id, version) in group {
                bind(&mut arguments, target.as_str())?;
                bind(&mut arguments, *target_version)?;
                bind(&mut arguments, *subject_id)?;
                bind(&mut arguments, *version)?;
            }
            sqlx::query_with(sql, arguments).execute(&mut *self.connection).await?;
        }
        Ok(())
    }

    /// Writes down that a context has given out or imported ids up to `last_id`, and that it is to be listed.
    pub(super) async fn save_context(&mut self, context_id: i64, last_id: Option<i32>) -> Result<(), Error> {
        let sql = "UPDATE contexts SET last_id = ?2, listed = 1 WHERE context_id = ?1";
        self.execute(sql, arguments![context_id, last_id]).await.map(drop)
    }
}
