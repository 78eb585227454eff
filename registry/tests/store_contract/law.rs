//! Laws, over events that nobody thought of.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use muster_registry::store::sqlite::{SqliteOptions, SqliteStore};
use muster_registry::store::{
    Basis, ConfigRecord, Content, Mode, ModeChange, Registered, Registration, StoreError,
};
use muster_schema::{SchemaId, SchemaType, Version};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::files::check_integrity;
use crate::support::*;

/// Few of everything, so that events meet.
const SUBJECTS: [&str; 5] = ["a", "b", ":.c:a", ":.c:b", ":.c:"];
const TARGETS: [&str; 5] = ["a", ":.c:a", ":.c:", "", ":.__GLOBAL:"];

#[derive(Clone, Debug)]
enum Event {
    Register { registration: Box<Registration> },
    SoftDelete { subject: &'static str, versions: Vec<i32>, basis: Basis },
    DeletePermanently { subject: &'static str, versions: Vec<i32>, basis: Basis },
    PutConfig { target: &'static str, alias: Option<String>, basis: Basis },
    PutMode(ModeChange),
    ClearModes(&'static str, Basis),
    DeleteContext(&'static str),
}

fn any_content() -> impl Strategy<Value = Content> {
    prop_oneof![
        6 => (0..5).prop_map(|number| content(&format!("x{number}"))),
        1 => Just(Content { schema_type: SchemaType::Json, ..content("x0") }),
        1 => (1..3).prop_map(|version| referring("r", &[("a", version)])),
        1 => Just(referring("s", &[(":.:a", 1), (":.c:b", 1)])),
    ]
}

/// Mostly nothing; sometimes that a subject was never written, which ceases to be true.
fn any_basis() -> impl Strategy<Value = Basis> {
    let unwritten = prop::sample::select(&SUBJECTS[..]).prop_map(|name| Basis(vec![(subject(name), 0)]));
    prop_oneof![3 => Just(Basis::default()), 1 => unwritten]
}

fn any_registration() -> impl Strategy<Value = Registration> {
    let import = (0..6, option::of(1..4)).prop_map(|(id, version)| (Some(id), version, true));
    let plain = option::weighted(0.2, 1..4).prop_map(|version| (None, version, false));
    let numbers = prop_oneof![2 => plain, 1 => import];
    (prop::sample::select(&SUBJECTS[..]), any_content(), numbers, any_basis()).prop_map(
        |(name, content, (id, version, importing), basis)| Registration {
            subject: subject(name),
            content: Arc::new(content),
            id: id.map(SchemaId),
            version: version.map(Version),
            importing,
            basis,
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    let subject_name = || prop::sample::select(&SUBJECTS[..]);
    let target = || prop::sample::select(&TARGETS[..]);
    let context_name = || prop::sample::select(&[".", ".c", ".d"][..]);
    prop_oneof![
        12 => any_registration().prop_map(|registration| Event::Register { registration: Box::new(registration) }),
        3 => (subject_name(), vec(1..5, 0..4), any_basis())
            .prop_map(|(subject, versions, basis)| Event::SoftDelete { subject, versions, basis }),
        3 => (subject_name(), vec(1..5, 0..4), any_basis())
            .prop_map(|(subject, versions, basis)| Event::DeletePermanently { subject, versions, basis }),
        1 => (target(), option::of("[a-c]"), any_basis())
            .prop_map(|(target, alias, basis)| Event::PutConfig { target, alias, basis }),
        2 => (target(), option::of(Just(Mode::Import)), any::<bool>(), any_basis()).prop_map(
            |(target, mode, clear_for_import, basis)| {
                Event::PutMode(ModeChange { target: subject(target), mode, clear_for_import, basis })
            }
        ),
        1 => (context_name(), any_basis()).prop_map(|(context, basis)| Event::ClearModes(context, basis)),
        1 => context_name().prop_map(Event::DeleteContext),
    ]
}

/// Does it; the outcome as text, dates left out.
async fn happen(store: AnyStore, event: Event) -> String {
    let changed = match event {
        Event::Register { registration } => {
            let registered = store.register(*registration).await;
            return outcome(registered.map(|mut registered: Registered| {
                registered.schema.ts_ms = 0;
                registered
            }));
        }
        Event::SoftDelete { subject: name, versions, basis } => {
            let versions: Vec<Version> = versions.into_iter().map(Version).collect();
            store.soft_delete(&subject(name), &versions, basis).await
        }
        Event::DeletePermanently { subject: name, versions, basis } => {
            let versions: Vec<Version> = versions.into_iter().map(Version).collect();
            store.delete_permanently(&subject(name), &versions, basis).await
        }
        Event::PutConfig { target, alias, basis } => {
            let config = alias.map(|alias| ConfigRecord { alias: Some(alias), ..ConfigRecord::default() });
            store.put_config(&subject(target), config, basis).await
        }
        Event::PutMode(change) => store.put_mode(change).await,
        Event::ClearModes(name, basis) => store.clear_modes(&context(name), basis).await,
        Event::DeleteContext(name) => store.delete_context(&context(name)).await,
    };
    outcome(changed)
}

fn outcome<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Ok(done) => format!("{done:?}"),
        Err(StoreError::Refused(refusal)) => format!("{refusal:?}"),
        Err(error) => panic!("{error:?}"),
    }
}

/// Everything the store tells, dates left out.
async fn picture(store: &AnyStore) -> String {
    let mut text = String::new();
    let mut schemas = store.schemas(&all_versions()).await.unwrap();
    for version in &mut schemas {
        version.ts_ms = 0;
        let referrers = store.referrers(&version.subject, version.version).await.unwrap();
        writeln!(text, "{version:?} {referrers:?}").unwrap();
        writeln!(text, "{:?}", store.ids_of_guid(version.content.guid).await.unwrap()).unwrap();
    }
    for name in [".", ".c"] {
        writeln!(text, "{:?}", store.max_id(&context(name)).await.unwrap()).unwrap();
        for id in 0..20 {
            writeln!(text, "{name} {id} {:?}", uses(store, name, id).await).unwrap();
        }
    }
    for name in SUBJECTS.iter().chain(&TARGETS) {
        let state = store.state(&subject(name)).await.unwrap();
        writeln!(text, "{name} {:?} {:?}", history(store, name).await, state.settings).unwrap();
    }
    writeln!(text, "{:?} {:?}", store.subjects(&everything()).await.unwrap(), contexts(store).await).unwrap();
    text
}

/// Waits for all, having begun them in order.
async fn all_at_once<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send>>>) -> Vec<T> {
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// Whatever comes in a batch ends as if it had come one after another, each with a commit of its own.
async fn check_batch(events: Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let batched = file_store(&path).await;
    let alone = SqliteStore::open(SqliteOptions::memory().max_batch(1), counting_clock()).await.unwrap();
    let alone: AnyStore = Arc::new(alone);
    let mut one_by_one = Vec::new();
    for event in events.clone() {
        one_by_one.push(happen(alone.clone(), event).await);
    }
    let begun = events.iter().map(|event| Box::pin(happen(batched.clone(), event.clone())) as Pin<Box<_>>);
    let together = all_at_once(begun.collect()).await;
    assert_eq!(together, one_by_one);
    assert_eq!(picture(&batched).await, picture(&alone).await);
    assert_eq!(batched.revision(), alone.revision());
    batched.close().await;
    check_integrity(&path).await;
}

/// The basis of an event, to be replaced.
fn basis_of(event: &mut Event) -> Option<(&'static str, &mut Basis)> {
    match event {
        Event::Register { registration } => {
            let name = SUBJECTS.iter().find(|name| subject(name) == registration.subject)?;
            Some((name, &mut registration.basis))
        }
        Event::SoftDelete { subject, basis, .. } | Event::DeletePermanently { subject, basis, .. } => {
            Some((subject, basis))
        }
        Event::PutConfig { target, basis, .. } => Some((target, basis)),
        _ => None,
    }
}

async fn states(store: &AnyStore) -> String {
    let mut text = String::new();
    for name in SUBJECTS.iter().chain(&TARGETS) {
        let state = store.state(&subject(name)).await.unwrap();
        assert_eq!(
            store.settings(&subject(name)).await.unwrap(),
            (state.settings.clone(), state.basis.clone())
        );
        writeln!(text, "{name} {state:?}").unwrap();
    }
    text
}

/// What a store keeps in memory is what it finds in its database.
async fn check_memory(events: Vec<(Event, bool)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("muster.db");
    let store = file_store(&path).await;
    for (mut event, informed) in events {
        if informed && let Some((name, basis)) = basis_of(&mut event) {
            *basis = store.state(&subject(name)).await.unwrap().basis;
        }
        happen(store.clone(), event).await;
    }
    let before = states(&store).await;
    store.close().await;
    let store = file_store(&path).await;
    assert_eq!(states(&store).await, before);
    store.close().await;
    check_integrity(&path).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_is_as_if_one_after_another(events in vec(any_event(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check_batch(events));
    }

    #[test]
    fn a_store_remembers_what_it_has_stored(events in vec((any_event(), any::<bool>()), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check_memory(events));
    }
}

#[tokio::test]
async fn a_reference_in_a_batch_comes_after_what_was_registered_before_it() {
    let register = |name, content| Event::Register { registration: Box::new(registration(name, content)) };
    check_batch(vec![
        register("a", content("x")),
        Event::SoftDelete { subject: "a", versions: vec![1], basis: Basis::default() },
        // Takes the place of version 1, which nothing references yet.
        register("a", content("x")),
        register("b", referring("r", &[("a", 1)])),
    ])
    .await;
}
