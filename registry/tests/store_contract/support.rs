//! Short words for long calls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use muster_registry::store::clock::Clock;
use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{
    Basis, ConfigRecord, Content, Listing, Mode, ModeChange, Registered, Registration, SchemaVersion,
    Selection, Store, StoreError,
};
use muster_schema::identity::content_guid;
use muster_schema::{Context, Metadata, SchemaId, SchemaReference, SchemaType, Subject, Version};

pub type AnyStore = Arc<dyn Store>;

/// A clock that moves on by one with each look.
pub fn counting_clock() -> Clock {
    let now = AtomicI64::new(1_000);
    Arc::new(move || now.fetch_add(1, Ordering::Relaxed))
}

pub async fn file_store(path: &Path) -> AnyStore {
    Arc::new(SqliteStore::open(SqliteOptions::file(path), counting_clock()).await.unwrap())
}

pub async fn memory_store() -> AnyStore {
    Arc::new(SqliteStore::open(SqliteOptions::memory(), counting_clock()).await.unwrap())
}

pub fn subject(text: &str) -> Subject {
    Subject::parse(text)
}

pub fn context(text: &str) -> Context {
    Context::parse(text).unwrap()
}

/// Content with nothing but a text, which need not be a schema: the store does not look.
pub fn content(text: &str) -> Content {
    Content {
        guid: content_guid(text, &[], None, None),
        schema_type: SchemaType::Avro,
        schema: text.to_owned(),
        references: Vec::new(),
        metadata: None,
        rule_set: None,
    }
}

/// The same with references to versions of subjects.
pub fn referring(text: &str, targets: &[(&str, i32)]) -> Content {
    let references: Vec<SchemaReference> = targets
        .iter()
        .map(|(subject, version)| SchemaReference {
            name: format!("{subject}.{version}"),
            subject: (*subject).to_owned(),
            version: Version(*version),
        })
        .collect();
    let guid = content_guid(text, &references, None, None);
    Content { guid, references, ..content(text) }
}

pub fn with_metadata(text: &str, metadata: Metadata) -> Content {
    let guid = content_guid(text, &[], Some(&metadata), None);
    Content { guid, metadata: Some(metadata), ..content(text) }
}

/// A registration based on nothing.
pub fn registration(name: &str, content: Content) -> Registration {
    Registration {
        subject: subject(name),
        content: Arc::new(content),
        id: None,
        version: None,
        importing: false,
        basis: Basis::default(),
    }
}

pub fn import(name: &str, content: Content, id: i32, version: Option<i32>) -> Registration {
    Registration {
        id: Some(SchemaId(id)),
        version: version.map(Version),
        importing: true,
        ..registration(name, content)
    }
}

pub async fn register(store: &AnyStore, name: &str, text: &str) -> (i32, i32) {
    numbers(store.register(registration(name, content(text))).await)
}

/// Version and id.
pub fn numbers(registered: Result<Registered, StoreError>) -> (i32, i32) {
    let schema = registered.unwrap().schema;
    (schema.version.0, schema.id.0)
}

pub async fn soft_delete(store: &AnyStore, name: &str, versions: &[i32]) -> Result<(), StoreError> {
    store.soft_delete(&subject(name), &versions_of(versions), Basis::default()).await
}

pub async fn delete_permanently(store: &AnyStore, name: &str, versions: &[i32]) -> Result<(), StoreError> {
    store.delete_permanently(&subject(name), &versions_of(versions), Basis::default()).await
}

fn versions_of(numbers: &[i32]) -> Vec<Version> {
    numbers.iter().copied().map(Version).collect()
}

pub async fn put_alias(store: &AnyStore, name: &str, alias: &str) {
    let config = ConfigRecord { alias: Some(alias.to_owned()), ..ConfigRecord::default() };
    store.put_config(&subject(name), Some(config), Basis::default()).await.unwrap();
}

pub fn mode_change(name: &str, mode: Option<Mode>, clear_for_import: bool) -> ModeChange {
    ModeChange { target: subject(name), mode, clear_for_import, basis: Basis::default() }
}

pub async fn put_mode(store: &AnyStore, name: &str, mode: Option<Mode>) {
    store.put_mode(mode_change(name, mode, false)).await.unwrap();
}

/// Versions of a subject: number, id, whether it is soft-deleted.
pub async fn history(store: &AnyStore, name: &str) -> Vec<(i32, i32, bool)> {
    let state = store.state(&subject(name)).await.unwrap();
    state.versions.iter().map(|version| (version.version.0, version.id.0, version.deleted)).collect()
}

/// Uses of an id: subject, version, text.
pub async fn uses(store: &AnyStore, in_context: &str, id: i32) -> Vec<(String, i32, String)> {
    let uses = store.uses_of_id(&context(in_context), SchemaId(id)).await.unwrap();
    check_other_ways(store, &context(in_context), SchemaId(id), &uses).await;
    let short = |version: SchemaVersion| {
        (version.subject.to_string(), version.version.0, version.content.schema.clone())
    };
    uses.into_iter().map(short).collect()
}

/// What else tells of the uses of an id agrees with them.
async fn check_other_ways(store: &AnyStore, context: &Context, id: SchemaId, uses: &[SchemaVersion]) {
    let speaker = store.speaker_of_id(context, id).await.unwrap();
    assert_eq!(speaker.is_some(), !uses.is_empty());
    assert!(speaker.is_none_or(|speaker| uses.contains(&speaker)));
    let nobody = Subject::new(context.clone(), "nobody");
    assert_eq!(store.use_of_id(&nobody, id).await.unwrap(), None);
    for used in uses {
        assert_eq!(store.use_of_id(&used.subject, id).await.unwrap().as_ref(), Some(used));
        let guid = used.content.guid;
        let ids = store.ids_of_guid(guid).await.unwrap();
        let of_content = ids.iter().find(|(of, _)| of == context).map(|(_, id)| *id);
        let mut expected = None;
        if let Some(of_content) = of_content {
            let uses = store.uses_of_id(context, of_content).await.unwrap();
            let own = uses.iter().find(|other| other.subject == used.subject).cloned();
            expected = (!uses.is_empty()).then_some((of_content, own));
        }
        assert_eq!(store.known_content(&used.subject, guid).await.unwrap(), expected);
        let of_nobody = store.known_content(&nobody, guid).await.unwrap();
        assert_eq!(of_nobody, expected.map(|(id, _)| (id, None)));
    }
}

pub fn one_use(name: &str, version: i32, text: &str) -> Vec<(String, i32, String)> {
    vec![(name.to_owned(), version, text.to_owned())]
}

/// Ids of a text: context, id.
pub async fn ids_of(store: &AnyStore, text: &str) -> Vec<(String, i32)> {
    let ids = store.ids_of_guid(content(text).guid).await.unwrap();
    ids.into_iter().map(|(context, id)| (context.to_string(), id.0)).collect()
}

pub async fn contexts(store: &AnyStore) -> Vec<String> {
    store.contexts().await.unwrap().iter().map(Context::to_string).collect()
}

pub fn everything() -> Selection {
    Selection::AnyContext(String::new())
}

/// A listing of every version there is.
pub fn all_versions() -> Listing {
    Listing::of(everything())
}

/// The refusal as text; panics if it is none.
pub fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Refused(refusal)) => refusal.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}
