//! One transaction: events in, outcomes out.

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Error, SqliteConnection};

use super::super::committed::Touched;
use super::{Change, Event, Numbers, Outcome};
use crate::store::clock::Clock;
use crate::store::{Basis, Refusal, Registration, StoreError};

/// Why an event ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// This event is not done; the others may be.
    Refused(StoreError),
    /// The transaction has failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a mut SqliteConnection,
    numbers: &'a mut Numbers,
    clock: &'a Clock,
    touched: Vec<(Touched, u64)>,
}

/// Where an event began.
struct Savepoint {
    revision: i64,
    touched: usize,
}

impl<'a> Transaction<'a> {
    pub(super) async fn begin(
        connection: &'a mut SqliteConnection,
        numbers: &'a mut Numbers,
        clock: &'a Clock,
    ) -> Result<Self, Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        if numbers.subject == 0 {
            numbers.subject = sqlx::query_scalar("SELECT coalesce(max(subject_id), 0) FROM subjects")
                .fetch_one(&mut *connection)
                .await?;
        }
        Ok(Self { connection, numbers, clock, touched: Vec::new() })
    }

    /// Runs events in order and adds their outcomes.
    pub(super) async fn apply(&mut self, events: &[Event], outcomes: &mut Vec<Outcome>) -> Result<(), Error> {
        let is_registration = |event: &Event| matches!(event, Event::Register { .. });
        for run in events.chunk_by(|a, b| is_registration(a) && is_registration(b)) {
            let registrations: Vec<&Registration> = run
                .iter()
                .filter_map(|event| match event {
                    Event::Register { registration, .. } => Some(&**registration),
                    _ => None,
                })
                .collect();
            if registrations.is_empty() {
                for event in run {
                    outcomes.push(match event {
                        Event::Change { change, .. } => Outcome::Changed(self.change(change).await?),
                        Event::Associate { change, .. } => {
                            let savepoint = self.savepoint().await?;
                            let result = self.associate(change).await;
                            Outcome::Associated(self.end(savepoint, result).await?)
                        }
                        _ => Outcome::Closing,
                    });
                }
            } else {
                let registered = self.register_all(&registrations).await?;
                outcomes.extend(registered.into_iter().map(Outcome::Registered));
            }
        }
        Ok(())
    }

    /// Commits; returns what was written by which event. `before` is the revision that the transaction began with.
    pub(super) async fn commit(self, before: i64) -> Result<Vec<(Touched, u64)>, Error> {
        let commit = if self.numbers.revision > before {
            sqlx::query("UPDATE registry SET revision = ?1; COMMIT").bind(self.numbers.revision)
        } else {
            sqlx::query("COMMIT")
        };
        commit.execute(&mut *self.connection).await?;
        Ok(self.touched)
    }

    /// Runs one event that is not a registration. Those decide before they write and so need no savepoint.
    async fn change(&mut self, change: &Change) -> Result<Result<(), StoreError>, Error> {
        let savepoint = self.savepoint().await?;
        let result = self.try_change(change).await;
        self.end(savepoint, result).await
    }

    async fn savepoint(&mut self) -> Result<Savepoint, Error> {
        self.execute("SAVEPOINT event", SqliteArguments::default()).await?;
        Ok(Savepoint { revision: self.numbers.revision, touched: self.touched.len() })
    }

    /// Keeps what was written since the savepoint, or undoes it if the event was refused.
    async fn end<T>(
        &mut self,
        savepoint: Savepoint,
        result: Result<T, Stop>,
    ) -> Result<Result<T, StoreError>, Error> {
        match result {
            Ok(done) => {
                self.execute("RELEASE event", SqliteArguments::default()).await?;
                Ok(Ok(done))
            }
            Err(Stop::Refused(refusal)) => {
                self.execute("ROLLBACK TO event; RELEASE event", SqliteArguments::default()).await?;
                self.numbers.revision = savepoint.revision;
                self.touched.truncate(savepoint.touched);
                Ok(Err(refusal))
            }
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    async fn try_change(&mut self, change: &Change) -> Result<(), Stop> {
        match change {
            Change::SoftDelete { subject, versions, basis } => {
                self.check(basis).await?;
                self.soft_delete(subject, versions).await
            }
            Change::DeletePermanently { subject, versions, basis } => {
                self.check(basis).await?;
                self.delete_permanently(subject, versions).await
            }
            Change::PutConfig { target, config, basis } => {
                self.check(basis).await?;
                self.put_config(target, config.as_deref()).await
            }
            Change::PutMode(change) => {
                self.check(&change.basis).await?;
                self.put_mode(change).await
            }
            Change::ClearModes { context, basis } => {
                self.check(basis).await?;
                self.clear_modes(context).await
            }
            Change::DeleteContext(context) => self.delete_context(context).await,
            Change::Nothing => Ok(()),
        }
    }

    async fn check(&mut self, basis: &Basis) -> Result<(), Stop> {
        let revisions = self.revisions([basis]).await?;
        if revisions.hold(basis) { Ok(()) } else { Err(Refusal::Stale.into()) }
    }

    /// The number of the next event. It has happened once it is committed.
    pub(super) fn next_revision(&mut self) -> i64 {
        self.numbers.revision = self.numbers.revision.saturating_add(1);
        self.numbers.revision
    }

    /// The number of a new row of `subjects`.
    pub(super) fn next_subject(&mut self) -> i64 {
        self.numbers.subject = self.numbers.subject.saturating_add(1);
        self.numbers.subject
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Notes what an event has written.
    pub(super) fn touch(&mut self, touched: Touched, revision: i64) {
        self.touched.push((touched, u64::try_from(revision).unwrap_or(0)));
    }

    /// Runs one or more statements; returns how many rows they changed together.
    pub(super) async fn execute(
        &mut self,
        sql: &'static str,
        arguments: SqliteArguments,
    ) -> Result<u64, Error> {
        let result = sqlx::query_with(sql, arguments).execute(&mut *self.connection).await?;
        Ok(result.rows_affected())
    }

    /// Runs one statement; returns its rows.
    pub(super) async fn fetch(
        &mut self,
        sql: &'static str,
        arguments: SqliteArguments,
    ) -> Result<Vec<SqliteRow>, Error> {
        sqlx::query_with(sql, arguments).fetch_all(&mut *self.connection).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use muster_schema::Subject;
    use sqlx::Connection as _;

    use super::super::super::migrate::{self, STEPS};
    use super::*;
    use crate::store::ConfigRecord;

    #[tokio::test]
    async fn a_refused_event_takes_back_what_it_wrote_and_nothing_else() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        migrate::migrate(&mut connection, STEPS).await.unwrap();
        let (mut numbers, clock): (_, Clock) = (Numbers::default(), Arc::new(|| 0));
        let mut transaction = Transaction::begin(&mut connection, &mut numbers, &clock).await.unwrap();
        for (name, refused) in [("a", false), ("b", true), ("c", false)] {
            let savepoint = transaction.savepoint().await.unwrap();
            let put = transaction.put_config(&Subject::parse(name), Some(&ConfigRecord::default())).await;
            let result = if refused { Err(Refusal::Stale.into()) } else { put };
            assert_eq!(transaction.end(savepoint, result).await.unwrap().is_err(), refused, "{name}");
        }
        let touched = transaction.commit(0).await.unwrap();
        let touched_by = |name, event| (Touched::Key(Subject::parse(name)), event);
        assert_eq!(touched, [touched_by("a", 1), touched_by("c", 2)]);
        let stored: Vec<(String, i64)> = sqlx::query_as("SELECT name, revision FROM subjects ORDER BY name")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert_eq!(stored, [("a".to_owned(), 1), ("c".to_owned(), 2)]);
    }
}
