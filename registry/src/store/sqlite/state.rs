//! What decisions are based on, kept in memory for as long as it holds.

use std::collections::HashMap;
use std::sync::Arc;

use moka::sync::Cache as Moka;
use muster_schema::{Context, Subject};
use sqlx::sqlite::SqliteRow;
use sqlx::{Error, Row as _};

use super::committed::Committed;
use super::database;
use super::read::fetch;
use super::readers::Readers;
use super::rows::{self, schema_version, version_columns};
use crate::store::{Basis, Content, LevelSettings, SchemaVersion, Settings, StoreError, SubjectState};

/// The settings that may govern a subject: `?1` its context, `?2` its name.
macro_rules! settings_select {
    () => {
        "WITH k (level, context, name) AS
             (VALUES (0, ?1, ?2), (1, ?1, ''), (2, '.', ''), (3, '.__GLOBAL', ''))
         SELECT k.level, s.revision, s.config, s.mode
         FROM k CROSS JOIN contexts c ON c.name = k.context
             CROSS JOIN subjects s ON s.context_id = c.context_id AND s.name = k.name"
    };
}

const SETTINGS: &str = settings_select!();

/// Those settings, then (level 4) the versions of the subject with the contents above number `?3`.
const STATE: &str = concat!(
    "SELECT *, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM (",
    settings_select!(),
    ") UNION ALL SELECT 4, v.content_id, ",
    version_columns!(),
    " FROM contexts c CROSS JOIN subjects s ON s.context_id = c.context_id AND s.name = ?2
          CROSS JOIN versions v ON v.subject_id = s.subject_id
          LEFT JOIN contents t ON t.content_id = v.content_id AND t.content_id > ?3
      WHERE c.name = ?1"
);

/// Answers kept for as long as [`Committed`] says that they hold.
pub(super) struct Cache {
    states: Moka<Subject, Arc<CachedState>>,
    settings: Moka<Subject, Arc<CachedSettings>>,
}

struct CachedState {
    /// The revision before it was read.
    read_at: u64,
    state: SubjectState,
    /// The content numbers of the versions, in the same order.
    contents: Vec<i64>,
}

struct CachedSettings {
    read_at: u64,
    settings: Settings,
    basis: Basis,
}

impl Cache {
    pub(super) fn new(state_bytes: u64, settings_entries: u64) -> Self {
        let weigher = |_: &Subject, cached: &Arc<CachedState>| {
            let texts = cached.state.versions.iter().map(|version| version.content.schema.len() + 300);
            u32::try_from(texts.sum::<usize>() + 1000).unwrap_or(u32::MAX)
        };
        Self {
            states: Moka::builder().max_capacity(state_bytes).weigher(weigher).build(),
            settings: Moka::new(settings_entries),
        }
    }

    /// Adds the version that event `revision` has added to its subject, if the state that the decision was based on is
    /// the cached one. The writer has checked that the basis held, so what results is the state after the event; it is
    /// as old as the event, whatever came after it in the meantime.
    pub(super) fn append(&self, basis: &Basis, schema: &SchemaVersion, revision: i64) {
        let Some(cached) = self.states.get(&schema.subject) else { return };
        if !cached.state.basis.0.iter().all(|key| basis.0.contains(key)) {
            return;
        }
        let read_at = u64::try_from(revision).unwrap_or(0);
        let mut state = cached.state.clone();
        for (key, at) in &mut state.basis.0 {
            if *key == schema.subject {
                *at = read_at;
            }
        }
        state.versions = state.versions.iter().chain([schema]).cloned().collect();
        let contents = cached.contents.iter().copied().chain([revision]).collect();
        self.states.insert(schema.subject.clone(), Arc::new(CachedState { read_at, state, contents }));
    }
}

pub(super) async fn state(
    readers: &Readers,
    cache: &Cache,
    committed: &Committed,
    subject: &Subject,
) -> Result<SubjectState, StoreError> {
    let cached = cache.states.get(subject);
    if let Some(cached) = &cached
        && committed.unchanged_since(cached.read_at, subject)
    {
        return Ok(cached.state.clone());
    }
    let read_at = committed.revision();
    // Contents never change: only those written since are read.
    let known: HashMap<i64, Arc<Content>> = cached.as_deref().map(CachedState::known).unwrap_or_default();
    let newest = known.keys().copied().max().unwrap_or(0);
    let query = sqlx::query(STATE).bind(subject.context().as_str()).bind(subject.name()).bind(newest);
    let rows = fetch(readers, query).await?;
    let (state, contents) = subject_state(subject, &rows, &known).map_err(database)?;
    cache.states.insert(subject.clone(), Arc::new(CachedState { read_at, state: state.clone(), contents }));
    Ok(state)
}

impl CachedState {
    fn known(&self) -> HashMap<i64, Arc<Content>> {
        let contents = self.state.versions.iter().map(|version| Arc::clone(&version.content));
        self.contents.iter().copied().zip(contents).collect()
    }
}

fn subject_state(
    subject: &Subject,
    rows: &[SqliteRow],
    known: &HashMap<i64, Arc<Content>>,
) -> Result<(SubjectState, Vec<i64>), Error> {
    let mut levels = Levels::default();
    let mut versions = Vec::new();
    for row in rows {
        if levels.take(row)? {
            continue;
        }
        let content_id: i64 = row.try_get(1)?;
        let version = match known.get(&content_id) {
            Some(content) => rows::version_of(row, 2, subject.clone(), content)?,
            None => schema_version(row, 2, subject.clone())?,
        };
        versions.push((version, content_id));
    }
    versions.sort_by_key(|(version, _)| version.version);
    let (versions, contents): (Vec<_>, Vec<_>) = versions.into_iter().unzip();
    let (settings, basis) = levels.finish(subject);
    Ok((SubjectState { versions: versions.into(), settings, basis }, contents))
}

pub(super) async fn settings(
    readers: &Readers,
    cache: &Cache,
    committed: &Committed,
    subject: &Subject,
) -> Result<(Settings, Basis), StoreError> {
    if let Some(cached) = cache.settings.get(subject)
        && committed.unchanged_since(cached.read_at, subject)
    {
        return Ok((cached.settings.clone(), cached.basis.clone()));
    }
    let read_at = committed.revision();
    let query = sqlx::query(SETTINGS).bind(subject.context().as_str()).bind(subject.name());
    let rows = fetch(readers, query).await?;
    let mut levels = Levels::default();
    for row in &rows {
        levels.take(row).map_err(database)?;
    }
    let (settings, basis) = levels.finish(subject);
    let cached = CachedSettings { read_at, settings: settings.clone(), basis: basis.clone() };
    cache.settings.insert(subject.clone(), Arc::new(cached));
    Ok((settings, basis))
}

/// Settings by level, with the revisions of their rows, 0 where there is none.
#[derive(Default)]
struct Levels([(u64, LevelSettings); 4]);

impl Levels {
    /// Reads a row of [`SETTINGS`]; `false` if it is another kind of row.
    fn take(&mut self, row: &SqliteRow) -> Result<bool, Error> {
        let level: u32 = row.try_get(0)?;
        let Some(slot) = usize::try_from(level).ok().and_then(|level| self.0.get_mut(level)) else {
            return Ok(false);
        };
        let revision: i64 = row.try_get(1)?;
        let settings = rows::level_settings(row.try_get(2)?, row.try_get(3)?)?;
        *slot = (u64::try_from(revision).map_err(rows::damaged)?, settings);
        Ok(true)
    }

    fn finish(self, subject: &Subject) -> (Settings, Basis) {
        let [(own, of_subject), (around, context), (above, top), (over, global)] = self.0;
        let keys = [
            (subject.clone(), own),
            (Subject::new(subject.context().clone(), ""), around),
            (Subject::new(Context::default_context(), ""), above),
            (Subject::new(Context::global(), ""), over),
        ];
        let mut basis = Basis::default();
        for key in keys {
            if !basis.0.contains(&key) {
                basis.0.push(key);
            }
        }
        let subject = if subject.name().is_empty() { LevelSettings::default() } else { of_subject };
        (Settings { subject, context, top, global }, basis)
    }
}
