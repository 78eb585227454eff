//! The one task that writes.
//!
//! It takes every event that is waiting, runs them in one transaction, commits once and then answers them all (group
//! commit): while one commit is on its way to disk, the next batch gathers. A refused event has written nothing when
//! it is refused, or is rolled back to its savepoint; the others go on. If the transaction fails as a whole, each of
//! its events is tried alone, so that none fails for another's sake; what fails then is answered with the failure.

mod associations;
mod deletions;
mod facts;
mod insert;
mod registrations;
mod settings;
mod sized;
mod transaction;

use std::sync::Arc;

use muster_schema::{Context, Subject, Version};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Error, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::committed::Committed;
use super::readers::SharedConnection;
use crate::store::clock::Clock;
use crate::store::{
    AssociationChange, Basis, ConfigRecord, ModeChange, Registered, Registration, SchemaVersion, StoreError,
};
use transaction::Transaction;

/// What the writer is asked to do, and where the answer goes. Nobody listening is no reason not to do it.
pub(super) enum Event {
    Register {
        registration: Arc<Registration>,
        answer: oneshot::Sender<Result<Written, StoreError>>,
    },
    Associate {
        change: Box<AssociationChange>,
        answer: oneshot::Sender<Result<Vec<SchemaVersion>, StoreError>>,
    },
    Change {
        change: Change,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Answer what is waiting, then end.
    Close,
}

/// A registration that is done.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) registered: Registered,
    /// The number of the event if it did nothing but add a version above all others.
    pub(super) appended: Option<i64>,
}

/// Every write but a registration.
pub(super) enum Change {
    SoftDelete {
        subject: Subject,
        versions: Vec<Version>,
        basis: Basis,
    },
    DeletePermanently {
        subject: Subject,
        versions: Vec<Version>,
        basis: Basis,
    },
    PutConfig {
        target: Subject,
        config: Option<Box<ConfigRecord>>,
        basis: Basis,
    },
    PutMode(ModeChange),
    ClearModes {
        context: Context,
        basis: Basis,
    },
    DeleteContext(Context),
    /// Shows that a transaction can begin and end.
    Nothing,
}

/// How an event ended inside a transaction that did not fail.
enum Outcome {
    Registered(Result<Written, StoreError>),
    Associated(Result<Vec<SchemaVersion>, StoreError>),
    Changed(Result<(), StoreError>),
    Closing,
}

/// The writer's own state; the rest is in the database.
pub(super) struct Writer {
    connection: SharedConnection,
    /// How to connect again; `None` for memory, which would be gone.
    connect: Option<SqliteConnectOptions>,
    /// Whether the connection may be in the middle of a transaction that failed.
    broken: bool,
    /// Whether the last transaction failed, so that the next one must show that it can be written to disk.
    failing: bool,
    committed: Arc<Committed>,
    clock: Clock,
    max_batch: usize,
    numbers: Numbers,
}

/// Numbers given out. They only grow, also over failed transactions: what failed may yet turn out to be on disk.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    /// Of the last event. An event that is rolled back to its savepoint gives its number back.
    revision: i64,
    /// Of the last row of `subjects`; 0 before the first look.
    subject: i64,
}

impl Writer {
    pub(super) fn new(
        connection: SharedConnection,
        connect: Option<SqliteConnectOptions>,
        committed: Arc<Committed>,
        clock: Clock,
        max_batch: usize,
    ) -> Self {
        let revision = i64::try_from(committed.revision()).unwrap_or(i64::MAX);
        let numbers = Numbers { revision, subject: 0 };
        Self { connection, connect, broken: false, failing: false, committed, clock, max_batch, numbers }
    }

    /// Works until it is told to close or nobody can tell it anything; hands the connection back.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Event>) -> SharedConnection {
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, self.max_batch).await > 0 {
            let committed = self.commit(&mut batch, Some(&mut waiting)).await;
            if batch.iter().any(|event| matches!(event, Event::Close)) {
                waiting.close();
            }
            match committed {
                Ok(outcomes) => answer_all(batch.drain(..), outcomes),
                Err(error) if batch.len() == 1 => fail_all(batch.drain(..), error),
                Err(_) => {
                    for event in batch.drain(..) {
                        let mut alone = vec![event];
                        match self.commit(&mut alone, None).await {
                            Ok(outcomes) => answer_all(alone.into_iter(), outcomes),
                            Err(error) => fail_all(alone.into_iter(), error),
                        }
                    }
                }
            }
        }
        self.connection
    }

    /// Runs a batch in one transaction, together with what arrives before it is committed.
    async fn commit(
        &mut self,
        batch: &mut Vec<Event>,
        waiting: Option<&mut mpsc::Receiver<Event>>,
    ) -> Result<Vec<Outcome>, Error> {
        let connection = Arc::clone(&self.connection);
        let mut connection = connection.lock().await;
        self.repair(&mut connection).await?;
        let result = self.transact(&mut connection, batch, waiting).await;
        self.failing = result.is_err();
        if result.is_err() && sqlx::query("ROLLBACK").execute(&mut *connection).await.is_err() {
            self.broken = true;
        }
        result
    }

    async fn transact(
        &mut self,
        connection: &mut SqliteConnection,
        batch: &mut Vec<Event>,
        mut waiting: Option<&mut mpsc::Receiver<Event>>,
    ) -> Result<Vec<Outcome>, Error> {
        let before = self.numbers.revision;
        let mut transaction = Transaction::begin(connection, &mut self.numbers, &self.clock).await?;
        if self.failing {
            // An event that changes nothing else: without one, an empty transaction would succeed on a full disk.
            transaction.next_revision();
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        while outcomes.len() < batch.len() {
            transaction.apply(batch.get(outcomes.len()..).unwrap_or_default(), &mut outcomes).await?;
            if let Some(waiting) = waiting.as_mut() {
                while batch.len() < self.max_batch
                    && let Ok(event) = waiting.try_recv()
                {
                    batch.push(event);
                }
            }
        }
        let touched = transaction.commit(before).await?;
        if self.numbers.revision > before {
            let revision = u64::try_from(self.numbers.revision).unwrap_or(0);
            self.committed.advance(revision, &touched);
        }
        Ok(outcomes)
    }

    async fn repair(&mut self, connection: &mut SqliteConnection) -> Result<(), Error> {
        if self.broken
            && let Some(connect) = &self.connect
        {
            *connection = connect.connect().await?;
        }
        self.broken = false;
        Ok(())
    }
}

fn answer_all(events: impl Iterator<Item = Event>, outcomes: Vec<Outcome>) {
    for (event, outcome) in events.zip(outcomes) {
        // A caller that has gone does not hear it.
        match (event, outcome) {
            (Event::Register { answer, .. }, Outcome::Registered(result)) => drop(answer.send(result)),
            (Event::Associate { answer, .. }, Outcome::Associated(result)) => drop(answer.send(result)),
            (Event::Change { answer, .. }, Outcome::Changed(result)) => drop(answer.send(result)),
            _ => {}
        }
    }
}

/// One failure, for everyone it befell.
fn fail_all(events: impl Iterator<Item = Event>, error: Error) {
    let error = Arc::new(error);
    let failure = || StoreError::Database(Box::new(Failed(Arc::clone(&error))));
    for event in events {
        match event {
            Event::Register { answer, .. } => drop(answer.send(Err(failure()))),
            Event::Associate { answer, .. } => drop(answer.send(Err(failure()))),
            Event::Change { answer, .. } => drop(answer.send(Err(failure()))),
            Event::Close => {}
        }
    }
}

/// The transaction could not be carried out or committed.
#[derive(Debug, thiserror::Error)]
#[error("the transaction failed")]
struct Failed(#[source] Arc<Error>);

#[cfg(test)]
mod tests {
    use muster_schema::identity::content_guid;
    use muster_schema::{SchemaId, SchemaType};
    use sqlx::{AssertSqlSafe, Connection as _};

    use super::super::migrate::{self, STEPS};
    use super::*;
    use crate::store::Content;

    /// A writer whose database may grow by `pages` more.
    async fn writer(connect: &SqliteConnectOptions, pages: i64) -> Writer {
        let mut connection = connect.connect().await.unwrap();
        migrate::migrate(&mut connection, STEPS).await.unwrap();
        limit(&mut connection, pages).await;
        let shared = Arc::new(tokio::sync::Mutex::new(connection));
        let clock: Clock = Arc::new(|| 0);
        Writer::new(shared, None, Arc::new(Committed::new(0)), clock, 100)
    }

    async fn limit(connection: &mut SqliteConnection, more_pages: i64) {
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await.unwrap();
        let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + more_pages));
        sqlx::raw_sql(limit).execute(connection).await.unwrap();
    }

    type Answer = oneshot::Receiver<Result<Written, StoreError>>;

    fn registration(name: &str, schema: String) -> (Event, Answer) {
        let content = Content {
            guid: content_guid(&schema, &[], None, None),
            schema_type: SchemaType::Avro,
            schema,
            references: Vec::new(),
            metadata: None,
            rule_set: None,
        };
        let registration = Registration {
            subject: Subject::parse(name),
            content: Arc::new(content),
            id: None,
            version: None,
            importing: false,
            basis: Basis::default(),
        };
        let (answer, answered) = oneshot::channel();
        (Event::Register { registration: Arc::new(registration), answer }, answered)
    }

    /// Sends events that wait together, runs the writer until they are answered, and returns it.
    async fn run(writer: Writer, events: Vec<Event>) -> SharedConnection {
        let (sender, waiting) = mpsc::channel(events.len());
        for event in events {
            sender.try_send(event).ok().unwrap();
        }
        drop(sender);
        writer.run(waiting).await
    }

    #[tokio::test]
    async fn an_event_that_the_disk_has_no_room_for_fails_alone() {
        let writer = writer(&SqliteConnectOptions::new().in_memory(true), 20).await;
        let committed = Arc::clone(&writer.committed);
        let (first, mut small) = registration("small", "x".to_owned());
        let (second, mut large) = registration("large", "y".repeat(1 << 20));
        let (third, mut other) = registration("other", "z".to_owned());
        let connection = run(writer, vec![first, second, third]).await;
        assert!(matches!(large.try_recv().unwrap(), Err(StoreError::Database(_))));
        assert_eq!(small.try_recv().unwrap().unwrap().registered.schema.id, SchemaId(1));
        assert_eq!(other.try_recv().unwrap().unwrap().registered.schema.id, SchemaId(2));
        assert!(committed.revision() > 0);
        let stored: Vec<String> = sqlx::query_scalar("SELECT name FROM subjects ORDER BY name")
            .fetch_all(&mut *connection.lock().await)
            .await
            .unwrap();
        assert_eq!(stored, ["other", "small"]);
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_when_the_commit_fails() {
        let folder = tempfile::tempdir().unwrap();
        let connect =
            SqliteConnectOptions::new().filename(folder.path().join("a.db")).create_if_missing(true);
        let writer = writer(&connect.clone().busy_timeout(std::time::Duration::ZERO), 1000).await;
        let committed = Arc::clone(&writer.committed);
        // Without a write-ahead log, whoever reads stands in the way of a commit, but not of what precedes it.
        let mut reader = connect.connect().await.unwrap();
        sqlx::raw_sql("BEGIN; SELECT * FROM subjects").execute(&mut reader).await.unwrap();
        let (first, mut a) = registration("a", "x".to_owned());
        let (second, mut b) = registration("b", "y".to_owned());
        let connection = run(writer, vec![first, second]).await;
        for answer in [&mut a, &mut b] {
            let failed = answer.try_recv().unwrap();
            assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        }
        assert_eq!(committed.revision(), 0);
        sqlx::raw_sql("ROLLBACK").execute(&mut reader).await.unwrap();
        reader.close().await.unwrap();
        let mut connection = connection.lock().await;
        let rows: i64 =
            sqlx::query_scalar("SELECT count(*) FROM subjects").fetch_one(&mut *connection).await.unwrap();
        assert_eq!(rows, 0);
    }
}
