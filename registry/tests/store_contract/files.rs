//! What only files can do.

use std::path::Path;

use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{self, Mode, StoreError};
use muster_schema::SchemaId;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::support::*;

/// Looks into the database behind the store's back: are its own rules kept?
pub async fn check_integrity(path: &Path) {
    let mut connection = raw(path).await;
    let verdict: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(verdict, "ok");
    let violations = [
        "SELECT count(*) FROM pragma_foreign_key_check",
        // Each version has its content, and each content its version.
        "SELECT count(*) FROM versions WHERE content_id NOT IN (SELECT content_id FROM contents)",
        "SELECT (SELECT count(*) FROM contents) - (SELECT count(*) FROM versions)",
        // Each id leads from each subject that has it, to a version that has it unless it was replaced.
        "SELECT count(*) FROM versions v JOIN subjects s USING (subject_id) WHERE NOT EXISTS
             (SELECT 1 FROM uses u WHERE u.context_id = s.context_id AND u.id = v.id AND u.subject_id = v.subject_id)",
        "SELECT count(*) FROM uses u LEFT JOIN versions v USING (subject_id, version)
             WHERE v.id IS NULL OR (v.id <> u.id) <> u.replaced",
        // A use has the name of its subject.
        "SELECT count(*) FROM uses u JOIN subjects s USING (subject_id) WHERE s.name <> u.name",
        // Ids do not exceed what their context has given out, nor revisions that of the registry.
        "SELECT count(*) FROM versions v JOIN subjects s USING (subject_id) JOIN contexts c USING (context_id)
             WHERE v.id > c.last_id OR c.last_id IS NULL",
        "SELECT count(*) FROM subjects WHERE revision > (SELECT revision FROM registry)",
    ];
    for violation in violations {
        let count: i64 = sqlx::query_scalar(violation).fetch_one(&mut connection).await.unwrap();
        assert_eq!(count, 0, "{violation}");
    }
    // And the hash of its qualified name: Java's, with the upper half spread over the lower.
    let uses = "SELECT c.name, u.name, u.spread FROM uses u JOIN contexts c USING (context_id)";
    let uses: Vec<(String, String, u32)> = sqlx::query_as(uses).fetch_all(&mut connection).await.unwrap();
    for (context, name, spread) in uses {
        let name = if context == "." { name } else { format!(":{context}:{name}") };
        let units = name.encode_utf16().map(u32::from);
        let hash = units.fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit));
        assert_eq!(spread, (hash ^ (hash >> 16)) & 0x7fff_ffff, "{name}");
    }
    connection.close().await.unwrap();
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn run(path: &Path, sql: &'static str) {
    let mut connection = raw(path).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Everything a listing shows.
async fn picture(store: &AnyStore) -> String {
    let schemas = store.schemas(&all_versions()).await.unwrap();
    let settings = store.settings(&subject("a")).await.unwrap();
    let max_id = store.max_id(&context(".")).await.unwrap();
    format!(
        "{schemas:?} {settings:?} {max_id:?} {:?} {:?}",
        contexts(store).await,
        ids_of(store, "gone").await
    )
}

#[tokio::test]
async fn everything_survives_reopening_and_no_id_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let store = file_store(&path).await;
    register(&store, "a", "x").await;
    register(&store, ":.c:a", "y").await;
    soft_delete(&store, "a", &[1]).await.unwrap();
    register(&store, "b", "gone").await;
    delete_permanently(&store, "b", &[1]).await.unwrap();
    put_alias(&store, "a", "b").await;
    put_mode(&store, "", Some(Mode::Import)).await;
    let (before, revision) = (picture(&store).await, store.revision());
    store.close().await;

    let store = file_store(&path).await;
    assert_eq!(picture(&store).await, before);
    assert_eq!(store.revision(), revision);
    assert_eq!(register(&store, "b", "gone").await, (1, 3));
    assert!(store.revision() > revision);
    store.close().await;
    check_integrity(&path).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("muster.db"), folder.path().join("copy.db"));
    let store = file_store(&path).await;
    for number in 1..=20 {
        register(&store, "a", &format!("x{number}")).await;
        // As after a crash: whatever the process still holds in memory is missing from the copy.
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(folder.path().join("muster.db-wal"), folder.path().join("copy.db-wal")).unwrap();
        let copied = file_store(&copy).await;
        assert_eq!(history(&copied, "a").await, history(&store, "a").await);
        assert_eq!(copied.max_id(&context(".")).await.unwrap(), Some(SchemaId(number)));
        copied.close().await;
    }
    store.close().await;
}

#[tokio::test]
async fn a_dropped_store_leaves_a_sound_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let store = file_store(&path).await;
    register(&store, "a", "x").await;
    drop(store);
    let store = file_store(&path).await;
    assert_eq!(history(&store, "a").await, [(1, 1, false)]);
    store.close().await;
    check_integrity(&path).await;
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = file_store(&folder.path().join("muster.db")).await;
    register(&store, "a", "x").await;
    history(&store, "a").await;
    store.close().await;
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["muster.db", "muster.db-lock"]);
}

#[tokio::test]
async fn one_process_has_a_database_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let store = file_store(&path).await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for path in [&path, &link, &folder.path().join(".").join("muster.db")] {
        let refused = open(&format!("sqlite:{}", path.display())).await;
        assert!(refused.ends_with("muster.db is in use by another process"), "{refused}");
    }
    register(&store, "a", "x").await;
    store.close().await;
    file_store(&path).await.close().await;
}

/// Opens by URL; the error's text, or nothing.
async fn open(url: &str) -> String {
    match store::open(url).await {
        Ok(store) => {
            store.close().await;
            String::new()
        }
        Err(StoreError::Open(text)) => text,
        Err(error) => panic!("{url}: {error:?}"),
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_says_why_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    // The system's name for the folder may differ.
    let at = folder.path().canonicalize().unwrap().display().to_string();
    run(&folder.path().join("foreign.db"), "CREATE TABLE notes (text TEXT)").await;
    run(&folder.path().join("marked.db"), "PRAGMA application_id = 7").await;
    for text in ["short", &"long ".repeat(10_000)] {
        std::fs::write(folder.path().join(format!("{}.txt", text.trim().len())), text).unwrap();
    }
    file_store(&folder.path().join("newer.db")).await.close().await;
    run(&folder.path().join("newer.db"), "PRAGMA user_version = 1000").await;
    let cases = [
        (
            "muster.db".to_owned(),
            "\"muster.db\" names no kind of store; a store is sqlite:PATH or sqlite::memory:",
        ),
        (
            "postgres://localhost/x".to_owned(),
            "unknown kind of store \"postgres\"; a store is sqlite:PATH or sqlite::memory:",
        ),
        ("sqlite:".to_owned(), "\"sqlite:\" names no file; a store is sqlite:PATH or sqlite::memory:"),
        (format!("sqlite:{at}/missing/muster.db"), "directory AT/missing does not exist"),
        (format!("sqlite:{at}"), "AT is a directory"),
        (format!("sqlite:{at}/5.txt/muster.db"), "AT/5.txt/muster.db: Not a directory (os error 20)"),
        (format!("sqlite:{at}/5.txt"), "AT/5.txt is not a SQLite database"),
        (format!("sqlite:{at}/49999.txt"), "AT/49999.txt is not a SQLite database"),
        (format!("sqlite:{at}/foreign.db"), "AT/foreign.db belongs to another application"),
        (format!("sqlite:{at}/marked.db"), "AT/marked.db belongs to another application"),
        (
            format!("sqlite:{at}/newer.db"),
            "AT/newer.db was written by a newer release (schema 1000; this one knows 3)",
        ),
    ];
    for (url, expected) in cases {
        let refused = open(&url).await;
        assert_eq!(refused.replace(&at, "AT"), expected, "{url}");
        assert!(!refused.contains('\n'), "{url}");
    }
    // What is not ours was left as it was.
    let mut connection = raw(&folder.path().join("foreign.db")).await;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
    assert_eq!(journal, "delete");
    assert_eq!(std::fs::read(folder.path().join("5.txt")).unwrap(), b"short");
}

#[tokio::test]
async fn a_url_names_a_file_or_memory() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    for (url, file) in [
        (format!("sqlite:{at}/a.db"), Some("a.db")),
        (format!("sqlite://{at}/b c.db"), Some("b c.db")),
        (format!("sqlite:{at}/file:d?mode=ro"), Some("file:d?mode=ro")),
        ("sqlite::memory:".to_owned(), None),
        ("sqlite://:memory:".to_owned(), None),
    ] {
        assert_eq!(open(&url).await, "", "{url}");
        assert!(file.is_none_or(|file| folder.path().join(file).exists()), "{url}");
    }
    assert!(!Path::new(":memory:").exists());
}

#[tokio::test]
async fn a_new_database_is_marked_as_ours_and_writes_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let store = SqliteStore::open(SqliteOptions::file(&path), counting_clock()).await.unwrap();
    let mut connection = raw(&path).await;
    for (pragma, expected) in [
        ("SELECT application_id FROM pragma_application_id", 0x4D53_5452_i64),
        ("SELECT user_version FROM pragma_user_version", 3),
        ("SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1),
    ] {
        let value: i64 = sqlx::query_scalar(pragma).fetch_one(&mut connection).await.unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
    drop(connection);
    store::Store::close(&store).await;
}
