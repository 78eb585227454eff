//! Soft and permanent deletion (registry API spec §9).

use muster_schema::{Subject, Version};
use sqlx::{Error, Row as _};

use super::super::committed::Touched;
use super::super::rows::to_json;
use super::sized::arguments;
use super::transaction::{Stop, Transaction};
use crate::store::Refusal;

/// The lowest of the versions `?3` of a subject that is referenced from outside of them. `?1` is its name, `?2` its
/// number, `?4` whether soft-deleted referrers count.
const REFERENCED: &str = "SELECT min(r.target_version)
    FROM refs r CROSS JOIN versions v ON v.subject_id = r.subject_id AND v.version = r.version
    WHERE r.target = ?1 AND r.target_version IN (SELECT value FROM json_each(?3))
        AND (?4 OR v.deleted = 0)
        AND NOT (r.subject_id = ?2 AND r.version IN (SELECT value FROM json_each(?3)))";

/// Lets the id of each of the versions `?3` lead to the last of them that has it, and their contents to the ids they
/// have: a soft deletion is a write. Each of these ids leads to a version of the subject already.
const USE_DELETED: &str = "UPDATE uses SET version = d.version, replaced = 0
    FROM (SELECT id, max(version) AS version FROM versions
          WHERE subject_id = ?2 AND version IN (SELECT value FROM json_each(?3))
          GROUP BY id) d
    WHERE uses.context_id = ?1 AND uses.id = d.id AND uses.subject_id = ?2;
    INSERT INTO hashes (guid, context_id, id)
    SELECT guid, ?1, id FROM
        (SELECT c.guid, v.id, max(v.version) FROM versions v CROSS JOIN contents c ON c.content_id = v.content_id
         WHERE v.subject_id = ?2 AND v.version IN (SELECT value FROM json_each(?3))
         GROUP BY c.guid)
    WHERE true
    ON CONFLICT (guid, context_id) DO UPDATE SET id = excluded.id";

/// The ids that may lead to the versions `?2` of a subject: those that they have, and those that an import replaced.
const IDS: &str = "
    SELECT id FROM versions WHERE subject_id = ?1 AND version IN (SELECT value FROM json_each(?2))
    UNION
    SELECT id FROM uses
    WHERE replaced = 1 AND subject_id = ?1 AND version IN (SELECT value FROM json_each(?2))";

/// Removes the versions `?3`; their references go with them. `?4` are their [`IDS`]: one that led to a version that is
/// gone leads to the highest version of the subject that still has it, or no longer to this subject.
const FORGET: &str = "
    DELETE FROM contents WHERE content_id IN
        (SELECT content_id FROM versions WHERE subject_id = ?2 AND version IN (SELECT value FROM json_each(?3)));
    DELETE FROM versions WHERE subject_id = ?2 AND version IN (SELECT value FROM json_each(?3));
    DELETE FROM uses
        WHERE context_id = ?1 AND id IN (SELECT value FROM json_each(?4)) AND subject_id = ?2
            AND version IN (SELECT value FROM json_each(?3))
            AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.subject_id = ?2 AND v.id = uses.id);
    UPDATE uses SET replaced = 0,
            version = (SELECT max(v.version) FROM versions v WHERE v.subject_id = ?2 AND v.id = uses.id)
        WHERE context_id = ?1 AND id IN (SELECT value FROM json_each(?4)) AND subject_id = ?2
            AND version IN (SELECT value FROM json_each(?3))";

impl Transaction<'_> {
    pub(super) async fn soft_delete(&mut self, subject: &Subject, versions: &[Version]) -> Result<(), Stop> {
        let Some((subject_id, context_id)) = self.subject_row(subject).await? else { return Ok(()) };
        self.check_unreferenced(subject, subject_id, versions, false).await?;
        let sql = "SELECT version FROM versions
                   WHERE subject_id = ?1 AND deleted = 0 AND version IN (SELECT value FROM json_each(?2))";
        let rows = self.fetch(sql, arguments![subject_id, to_json(&versions)?]).await?;
        let live = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i32>, _>>()?;
        if live.is_empty() {
            return Ok(());
        }
        let live = to_json(&live)?;
        let sql = "UPDATE versions SET deleted = 1, ts_ms = ?3
                   WHERE subject_id = ?1 AND version IN (SELECT value FROM json_each(?2))";
        let now_ms = self.now_ms();
        self.execute(sql, arguments![subject_id, live.as_str(), now_ms]).await?;
        self.execute(USE_DELETED, arguments![context_id, subject_id, live]).await?;
        Ok(self.written(subject, subject_id).await?)
    }

    pub(super) async fn delete_permanently(
        &mut self,
        subject: &Subject,
        versions: &[Version],
    ) -> Result<(), Stop> {
        let Some((subject_id, context_id)) = self.subject_row(subject).await? else { return Ok(()) };
        self.check_unreferenced(subject, subject_id, versions, true).await?;
        if !self.forget(subject_id, context_id, versions).await? {
            return Ok(());
        }
        let sql = "UPDATE subjects SET config = NULL, mode = NULL
                   WHERE subject_id = ?1 AND NOT EXISTS (SELECT 1 FROM versions WHERE subject_id = ?1)";
        self.execute(sql, arguments![subject_id]).await?;
        Ok(self.written(subject, subject_id).await?)
    }

    /// Removes versions; returns whether there were any.
    pub(super) async fn forget(
        &mut self,
        subject_id: i64,
        context_id: i64,
        versions: &[Version],
    ) -> Result<bool, Error> {
        let versions = to_json(&versions)?;
        let rows = self.fetch(IDS, arguments![subject_id, versions.as_str()]).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i32>, _>>()?;
        if !ids.is_empty() {
            self.execute(FORGET, arguments![context_id, subject_id, versions, to_json(&ids)?]).await?;
        }
        Ok(!ids.is_empty())
    }

    async fn check_unreferenced(
        &mut self,
        subject: &Subject,
        subject_id: i64,
        versions: &[Version],
        deleted_count: bool,
    ) -> Result<(), Stop> {
        let arguments = arguments![subject.to_string(), subject_id, to_json(&versions)?, deleted_count];
        let rows = self.fetch(REFERENCED, arguments).await?;
        match rows.first().map_or(Ok(None), |row| row.try_get::<Option<i32>, _>(0))? {
            Some(version) => Err(Refusal::Referenced(subject.clone(), Version(version)).into()),
            None => Ok(()),
        }
    }

    /// Notes that a subject was written by one event.
    pub(super) async fn written(&mut self, subject: &Subject, subject_id: i64) -> Result<(), Error> {
        let revision = self.next_revision();
        let sql = "UPDATE subjects SET revision = ?2 WHERE subject_id = ?1";
        self.execute(sql, arguments![subject_id, revision]).await?;
        self.touch(Touched::Key(subject.clone()), revision);
        Ok(())
    }
}
