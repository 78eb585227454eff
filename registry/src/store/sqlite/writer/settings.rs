//! Configs, modes and contexts (registry API spec §6).

use std::collections::BTreeMap;

use muster_schema::{Context, Subject, Version};
use sqlx::Row as _;

use super::super::committed::Touched;
use super::super::rows::{self, to_json};
use super::sized::arguments;
use super::transaction::{Stop, Transaction};
use crate::store::{ConfigRecord, Mode, ModeChange, Refusal};

/// Versions that match the target of a mode, the live ones first. `?1` is a context, or null for all; `?2` a
/// subject's name, or null for all.
macro_rules! matching {
    () => {
        " FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id
              CROSS JOIN versions v ON v.subject_id = s.subject_id
          WHERE (?1 IS NULL OR c.name = ?1) AND (?2 IS NULL OR s.name = ?2) "
    };
}

const LIVE: &str = concat!("SELECT 1", matching!(), "AND v.deleted = 0 LIMIT 1");
const DELETED: &str = concat!(
    "SELECT c.name, s.name, v.version, s.subject_id, c.context_id",
    matching!(),
    "ORDER BY c.name, s.name, v.version"
);

impl Transaction<'_> {
    pub(super) async fn put_config(
        &mut self,
        target: &Subject,
        config: Option<&ConfigRecord>,
    ) -> Result<(), Stop> {
        let config = config.map(to_json).transpose()?;
        self.put(
            target,
            config,
            "INSERT INTO subjects (subject_id, context_id, name, revision, config) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (context_id, name) DO UPDATE SET revision = excluded.revision, config = excluded.config",
            "SELECT subject_id FROM subjects WHERE context_id = ?1 AND name = ?2 AND config IS NOT NULL",
        )
        .await
    }

    pub(super) async fn put_mode(&mut self, change: &ModeChange) -> Result<(), Stop> {
        if change.clear_for_import {
            self.clear_for_import(&change.target).await?;
        }
        self.put(
            &change.target,
            change.mode.map(|mode: Mode| mode.as_str().to_owned()),
            "INSERT INTO subjects (subject_id, context_id, name, revision, mode) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (context_id, name) DO UPDATE SET revision = excluded.revision, mode = excluded.mode",
            "SELECT subject_id FROM subjects WHERE context_id = ?1 AND name = ?2 AND mode IS NOT NULL",
        )
        .await
    }

    /// Writes one setting with `upsert`. Clearing one that is not there (asked with `find`) is no write.
    async fn put(
        &mut self,
        target: &Subject,
        value: Option<String>,
        upsert: &'static str,
        find: &'static str,
    ) -> Result<(), Stop> {
        let context_id = self.ensure_context(target.context()).await?.context_id;
        if value.is_none() && self.fetch(find, arguments![context_id, target.name()]).await?.is_empty() {
            return Ok(());
        }
        let (subject_id, revision) = (self.next_subject(), self.next_revision());
        self.execute(upsert, arguments![subject_id, context_id, target.name(), revision, value]).await?;
        self.touch(Touched::Key(target.clone()), revision);
        Ok(())
    }

    /// Registry API spec §6.4: nothing live may match; what is soft-deleted is forgotten unless it is referenced.
    async fn clear_for_import(&mut self, target: &Subject) -> Result<(), Stop> {
        let everything =
            target.name().is_empty() && (target.context().is_default() || target.context().is_global());
        let context = Some(target.context().as_str()).filter(|_| !everything);
        let name = Some(target.name()).filter(|name| !name.is_empty());
        if !self.fetch(LIVE, arguments![context, name]).await?.is_empty() {
            return Err(Refusal::SubjectsExist.into());
        }
        let mut subjects: BTreeMap<(i64, i64), (Subject, Vec<Version>)> = BTreeMap::new();
        for row in self.fetch(DELETED, arguments![context, name]).await? {
            let subject = rows::subject(row.try_get(0)?, row.try_get(1)?);
            let version: i32 = row.try_get(2)?;
            // Whoever references it, be it soft-deleted or about to be forgotten itself.
            let sql = "SELECT 1 FROM refs WHERE target = ?1 AND target_version = ?2 LIMIT 1";
            if !self.fetch(sql, arguments![subject.to_string(), version]).await?.is_empty() {
                return Err(Refusal::Referenced(subject, Version(version)).into());
            }
            let numbers = (row.try_get(4)?, row.try_get(3)?);
            subjects.entry(numbers).or_insert_with(|| (subject, Vec::new())).1.push(Version(version));
        }
        for ((context_id, subject_id), (subject, versions)) in subjects {
            self.forget(subject_id, context_id, &versions).await?;
            self.written(&subject, subject_id).await?;
        }
        Ok(())
    }

    pub(super) async fn clear_modes(&mut self, context: &Context) -> Result<(), Stop> {
        let sql = "SELECT 1 FROM subjects WHERE mode IS NOT NULL
                       AND context_id = (SELECT context_id FROM contexts WHERE name = ?1) LIMIT 1";
        if self.fetch(sql, arguments![context.as_str()]).await?.is_empty() {
            return Ok(());
        }
        let revision = self.next_revision();
        let sql = "UPDATE subjects SET mode = NULL, revision = ?2 WHERE mode IS NOT NULL
                       AND context_id = (SELECT context_id FROM contexts WHERE name = ?1)";
        self.execute(sql, arguments![context.as_str(), revision]).await?;
        self.touch(Touched::Everything, revision);
        Ok(())
    }

    /// Takes a context off the list. Its settings and the ids it has given out stay.
    pub(super) async fn delete_context(&mut self, context: &Context) -> Result<(), Stop> {
        let sql = "SELECT 1 FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id
                       CROSS JOIN versions v ON v.subject_id = s.subject_id
                   WHERE c.name = ?1 LIMIT 1";
        if !self.fetch(sql, arguments![context.as_str()]).await?.is_empty() {
            return Err(Refusal::ContextNotEmpty(context.clone()).into());
        }
        let sql = "UPDATE contexts SET listed = 0 WHERE name = ?1 AND listed = 1";
        if self.execute(sql, arguments![context.as_str()]).await? > 0 {
            self.next_revision();
        }
        Ok(())
    }
}
