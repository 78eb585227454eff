//! What a decision inside the transaction needs to know.

use std::collections::HashMap;
use std::sync::LazyLock;

use muster_schema::{Context, Subject};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Error, Row as _};

use super::sized::{Sized, arguments, bind, numbered_values};
use super::transaction::Transaction;
use crate::store::{Basis, Registration};

static REVISIONS: LazyLock<Sized> = LazyLock::new(|| {
    Sized::new(|keys| {
        format!(
            "WITH k (n, context, name) AS ({})
             SELECT k.n, s.revision
             FROM k CROSS JOIN contexts c ON c.name = k.context
                 CROSS JOIN subjects s ON s.context_id = c.context_id AND s.name = k.name",
            numbered_values(keys, 2)
        )
    })
});

static FACTS: LazyLock<Sized> = LazyLock::new(|| {
    Sized::new(|registrations| {
        format!(
            "WITH r (n, context, name, guid) AS ({})
             SELECT r.n, c.context_id, c.last_id, c.listed, s.subject_id,
                 (SELECT max(v.version) FROM versions v WHERE v.subject_id = s.subject_id),
                 (SELECT h.id FROM hashes h WHERE h.guid = r.guid AND h.context_id = c.context_id
                     AND EXISTS (SELECT 1 FROM uses u WHERE u.context_id = h.context_id AND u.id = h.id))
             FROM r LEFT JOIN contexts c ON c.name = r.context
                 LEFT JOIN subjects s ON s.context_id = c.context_id AND s.name = r.name",
            numbered_values(registrations, 3)
        )
    })
});

/// The revisions of some keys.
#[derive(Debug, Default)]
pub(super) struct Revisions(HashMap<Subject, u64>);

impl Revisions {
    /// Whether everything that a decision was based on is as it was. A key never written is at 0.
    pub(super) fn hold(&self, basis: &Basis) -> bool {
        basis.0.iter().all(|(key, revision)| self.0.get(key).copied().unwrap_or(0) == *revision)
    }

    /// Notes a write of this transaction.
    pub(super) fn advance(&mut self, key: &Subject, revision: i64) {
        self.0.insert(key.clone(), u64::try_from(revision).unwrap_or(0));
    }
}

/// A row of `contexts`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContextRow {
    pub(super) context_id: i64,
    /// The highest id ever given out or imported.
    pub(super) last_id: Option<i32>,
    pub(super) listed: bool,
}

/// What a registration meets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// The context, if anything was written in it.
    pub(super) context: Option<ContextRow>,
    /// The subject, if it was ever written.
    pub(super) subject_id: Option<i64>,
    /// Its highest version, soft-deleted ones included.
    pub(super) highest: Option<i32>,
    /// The id that equal content has in the context, if it has uses left.
    pub(super) known_id: Option<i32>,
}

impl Transaction<'_> {
    /// Reads the current revisions of every key of the bases.
    pub(super) async fn revisions<'b>(
        &mut self,
        bases: impl IntoIterator<Item = &'b Basis>,
    ) -> Result<Revisions, Error> {
        let keys = bases.into_iter().flat_map(|basis| &basis.0);
        let mut revisions: HashMap<Subject, u64> = keys.map(|(key, _)| (key.clone(), 0)).collect();
        let keys: Vec<Subject> = revisions.keys().cloned().collect();
        for (sql, keys) in REVISIONS.groups(&keys) {
            let mut arguments = SqliteArguments::default();
            for key in keys {
                bind(&mut arguments, key.context().as_str())?;
                bind(&mut arguments, key.name())?;
            }
            for row in sqlx::query_with(sql, arguments).fetch_all(&mut *self.connection).await? {
                let key = at(keys, row.try_get(0)?).cloned();
                let revision: i64 = row.try_get(1)?;
                revisions.extend(key.map(|key| (key, u64::try_from(revision).unwrap_or(0))));
            }
        }
        Ok(Revisions(revisions))
    }

    /// Reads the facts for each registration, in the same order.
    pub(super) async fn facts(&mut self, registrations: &[&Registration]) -> Result<Vec<Facts>, Error> {
        let mut facts = Vec::with_capacity(registrations.len());
        for (sql, group) in FACTS.groups(registrations) {
            let mut arguments = SqliteArguments::default();
            for registration in group {
                bind(&mut arguments, registration.subject.context().as_str())?;
                bind(&mut arguments, registration.subject.name())?;
                bind(&mut arguments, registration.content.guid.0.as_slice())?;
            }
            let mut of_group = vec![Facts::default(); group.len()];
            for row in sqlx::query_with(sql, arguments).fetch_all(&mut *self.connection).await? {
                let context = |context_id| -> Result<ContextRow, Error> {
                    Ok(ContextRow { context_id, last_id: row.try_get(2)?, listed: row.try_get(3)? })
                };
                let number: u32 = row.try_get(0)?;
                if let Some(slot) = usize::try_from(number).ok().and_then(|number| of_group.get_mut(number)) {
                    *slot = Facts {
                        context: row.try_get::<Option<i64>, _>(1)?.map(context).transpose()?,
                        subject_id: row.try_get(4)?,
                        highest: row.try_get(5)?,
                        known_id: row.try_get(6)?,
                    };
                }
            }
            facts.extend(of_group);
        }
        Ok(facts)
    }

    /// The row of a context, made if it is missing.
    pub(super) async fn ensure_context(&mut self, context: &Context) -> Result<ContextRow, Error> {
        let name = context.as_str();
        self.execute(
            "INSERT INTO contexts (name) VALUES (?1) ON CONFLICT (name) DO NOTHING",
            arguments![name],
        )
        .await?;
        let sql = "SELECT context_id, last_id, listed FROM contexts WHERE name = ?1";
        let rows = self.fetch(sql, arguments![name]).await?;
        let row = rows.first().ok_or(Error::RowNotFound)?;
        Ok(ContextRow { context_id: row.try_get(0)?, last_id: row.try_get(1)?, listed: row.try_get(2)? })
    }

    /// The numbers of a subject and its context, if it was ever written.
    pub(super) async fn subject_row(&mut self, subject: &Subject) -> Result<Option<(i64, i64)>, Error> {
        let sql = "SELECT s.subject_id, s.context_id FROM contexts c CROSS JOIN subjects s
                       ON s.context_id = c.context_id AND s.name = ?2
                   WHERE c.name = ?1";
        let rows = self.fetch(sql, arguments![subject.context().as_str(), subject.name()]).await?;
        rows.first().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
    }
}

fn at<T>(items: &[T], index: u32) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| items.get(index))
}
