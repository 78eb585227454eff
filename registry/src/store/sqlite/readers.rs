//! Connections to read from.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};

use super::database;
use crate::store::StoreError;

/// A connection that readers and the writer take turns with.
pub(super) type SharedConnection = Arc<tokio::sync::Mutex<SqliteConnection>>;

/// Hands out connections for reading. Unlike sqlx's pool it does not ping a connection before and after each use:
/// nothing but this process can end an embedded database.
pub(super) enum Readers {
    /// A database in memory: whoever reads has the writer's own connection, between two transactions.
    Shared { connection: SharedConnection, open: Semaphore },
    /// A file: up to a number of connections of their own.
    Pool {
        connect: Box<SqliteConnectOptions>,
        size: u32,
        permits: Semaphore,
        idle: Mutex<Vec<SqliteConnection>>,
    },
}

impl Readers {
    pub(super) fn shared(connection: SharedConnection) -> Self {
        Self::Shared { connection, open: Semaphore::new(Semaphore::MAX_PERMITS) }
    }

    pub(super) fn pool(connect: SqliteConnectOptions, size: usize) -> Self {
        let size_u32 = u32::try_from(size).unwrap_or(u32::MAX);
        Self::Pool {
            connect: Box::new(connect),
            size: size_u32,
            permits: Semaphore::new(size),
            idle: Mutex::default(),
        }
    }

    /// Waits for a connection.
    ///
    /// Errors: [`StoreError::Closed`]; [`StoreError::Database`] if a new one cannot be opened.
    pub(super) async fn acquire(&self) -> Result<Reader<'_>, StoreError> {
        match self {
            Self::Shared { connection, open } => {
                let _permit = open.acquire().await.map_err(|_| StoreError::Closed)?;
                Ok(Reader::Shared(Arc::clone(connection).lock_owned().await))
            }
            Self::Pool { connect, permits, idle, .. } => {
                let permit = permits.acquire().await.map_err(|_| StoreError::Closed)?;
                let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let connection = match waiting {
                    Some(connection) => connection,
                    None => connect.connect().await.map_err(database)?,
                };
                Ok(Reader::Pooled { connection: Some(connection), idle, _permit: permit })
            }
        }
    }

    /// Waits for the reads under way, then closes. Later ones are refused.
    pub(super) async fn close(&self) {
        match self {
            Self::Shared { open, .. } => open.close(),
            Self::Pool { size, permits, idle, .. } => {
                let all = permits.acquire_many(*size).await;
                permits.close();
                drop(all);
                let connections = std::mem::take(&mut *idle.lock().unwrap_or_else(PoisonError::into_inner));
                for connection in connections {
                    if let Err(error) = connection.close().await {
                        tracing::warn!(error = &error as &dyn std::error::Error, "closing a reader failed");
                    }
                }
            }
        }
    }
}

/// A connection, given back when dropped.
pub(super) enum Reader<'a> {
    Shared(OwnedMutexGuard<SqliteConnection>),
    Pooled {
        /// Absent only while it is being dropped.
        connection: Option<SqliteConnection>,
        idle: &'a Mutex<Vec<SqliteConnection>>,
        _permit: SemaphorePermit<'a>,
    },
}

impl Reader<'_> {
    /// Gives the connection up rather than back: it has failed.
    pub(super) fn discard(mut self) {
        if let Self::Pooled { connection, .. } = &mut self {
            *connection = None;
        }
    }
}

impl Deref for Reader<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Shared(guard) => guard,
            Self::Pooled { connection, .. } => connection.as_ref().expect("only discard and drop take it"),
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Shared(guard) => guard,
            Self::Pooled { connection, .. } => connection.as_mut().expect("only discard and drop take it"),
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Self::Pooled { connection, idle, .. } = self
            && let Some(connection) = connection.take()
        {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
