//! The schema of the database, step by step, and whose database it is.

use sqlx::{AssertSqlSafe, SqliteConnection};

/// Marks a database as ours in its file header (`PRAGMA application_id`): "MSTR".
const APPLICATION_ID: i64 = 0x4D53_5452;

/// The steps, in order; `PRAGMA user_version` counts those that were applied. Never change one that was released:
/// see the README beside the files.
pub(super) const STEPS: &[&str] = &[
    include_str!("../../../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../../../migrations/sqlite/0002_associations.sql"),
    include_str!("../../../../migrations/sqlite/0003_users_of_ids.sql"),
];

/// Why a database is not migrated. It was not changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    /// It has tables, but not ours.
    #[error("belongs to another application")]
    Foreign,
    /// It has taken steps that this release does not know.
    #[error("was written by a newer release (schema {found}; this one knows {known})")]
    Newer {
        /// Steps applied.
        found: i64,
        /// Steps known.
        known: usize,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Checks whose database this is, without changing anything. Returns how many steps were applied to it.
pub(super) async fn applied(
    connection: &mut SqliteConnection,
    steps: &[&'static str],
) -> Result<usize, MigrateError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    match application {
        APPLICATION_ID => {
            let applied = usize::try_from(found).ok().filter(|found| *found <= steps.len());
            applied.ok_or(MigrateError::Newer { found, known: steps.len() })
        }
        0 if tables == 0 && found == 0 => Ok(0),
        _ => Err(MigrateError::Foreign),
    }
}

/// Applies the steps that are missing, all or none.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    steps: &[&'static str],
) -> Result<(), MigrateError> {
    let applied = applied(connection, steps).await?;
    let Some(missing) = steps.get(applied..).filter(|missing| !missing.is_empty()) else { return Ok(()) };
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let result = apply(connection, missing, steps.len()).await;
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = sqlx::query(end).execute(&mut *connection).await;
    result?;
    ended?;
    Ok(())
}

async fn apply(
    connection: &mut SqliteConnection,
    missing: &[&'static str],
    count: usize,
) -> Result<(), MigrateError> {
    for step in missing {
        sqlx::raw_sql(*step).execute(&mut *connection).await?;
    }
    // Pragmas take no parameters; both are numbers of our own.
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {count};");
    sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    const FIRST: &str = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 2;";

    async fn memory() -> SqliteConnection {
        SqliteConnection::connect("sqlite::memory:").await.unwrap()
    }

    async fn number(connection: &mut SqliteConnection, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
    }

    #[tokio::test]
    async fn a_new_database_takes_every_step() {
        let mut connection = memory().await;
        migrate(&mut connection, STEPS).await.unwrap();
        assert_eq!(number(&mut connection, "PRAGMA user_version").await, i64::try_from(STEPS.len()).unwrap());
        assert_eq!(number(&mut connection, "PRAGMA application_id").await, APPLICATION_ID);
        assert_eq!(number(&mut connection, "SELECT revision FROM registry").await, 0);
        assert_eq!(number(&mut connection, "SELECT count(*) FROM pragma_foreign_key_check").await, 0);
        migrate(&mut connection, STEPS).await.unwrap();
    }

    #[tokio::test]
    async fn an_older_database_keeps_its_rows_and_takes_the_missing_steps() {
        let mut connection = memory().await;
        migrate(&mut connection, &[FIRST]).await.unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).await.unwrap();
        assert_eq!(number(&mut connection, "SELECT x + y FROM a").await, 3);
        assert_eq!(number(&mut connection, "PRAGMA user_version").await, 2);
    }

    #[tokio::test]
    async fn uses_written_before_they_had_names_and_hashes_get_them() {
        let mut connection = memory().await;
        let (before, _) = STEPS.split_at(2);
        migrate(&mut connection, before).await.unwrap();
        let rows = "INSERT INTO contexts (context_id, name) VALUES (1, '.'), (2, '.c');
            INSERT INTO subjects (subject_id, context_id, name, revision) VALUES (1, 1, 'orders-value', 1),
                (2, 1, '\u{fffd}\u{10000}\u{1f600}\u{e9} a long one, whose hash overflows', 2), (3, 2, '', 3);
            INSERT INTO uses (context_id, id, subject_id, version) VALUES (1, 7, 1, 1), (1, 7, 2, 1), (2, 8, 3, 2);";
        sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        migrate(&mut connection, STEPS).await.unwrap();
        let uses: Vec<(String, String, u32)> = sqlx::query_as(
            "SELECT c.name, u.name, u.spread FROM uses u JOIN contexts c USING (context_id) ORDER BY subject_id",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert_eq!(uses.len(), 3);
        assert_eq!(uses.first().map(|(_, name, _)| name.as_str()), Some("orders-value"));
        for (context, name, spread) in uses {
            let subject = super::super::rows::subject(&context, &name);
            assert_eq!(spread, crate::store::speaker::spread(&subject), "{subject}");
        }
    }

    #[tokio::test]
    async fn a_step_that_fails_leaves_nothing_behind() {
        let mut connection = memory().await;
        migrate(&mut connection, &[FIRST]).await.unwrap();
        let failed = migrate(&mut connection, &[FIRST, SECOND, "CREATE TABLE a (x INTEGER);"]).await;
        assert!(matches!(failed, Err(MigrateError::Database(_))), "{failed:?}");
        assert_eq!(number(&mut connection, "PRAGMA user_version").await, 1);
        assert_eq!(number(&mut connection, "SELECT count(*) FROM pragma_table_info('a')").await, 1);
    }

    #[tokio::test]
    async fn a_newer_or_foreign_database_is_refused_unchanged() {
        let mut connection = memory().await;
        migrate(&mut connection, &[FIRST, SECOND]).await.unwrap();
        let refused = migrate(&mut connection, &[FIRST]).await.unwrap_err();
        assert_eq!(refused.to_string(), "was written by a newer release (schema 2; this one knows 1)");

        let mut connection = memory().await;
        sqlx::raw_sql("CREATE TABLE b (x INTEGER);").execute(&mut connection).await.unwrap();
        let refused = migrate(&mut connection, STEPS).await.unwrap_err();
        assert_eq!(refused.to_string(), "belongs to another application");
        assert_eq!(number(&mut connection, "SELECT count(*) FROM sqlite_schema").await, 1);
    }
}
