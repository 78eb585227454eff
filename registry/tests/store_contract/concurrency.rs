//! Many at once.

use std::collections::BTreeSet;

use muster_registry::store::{Basis, Refusal, Registration, StoreError};
use muster_schema::Version;
use tokio::task::JoinSet;

use crate::support::*;

/// Registers as the service does: decide, commit, and decide again if that was too late.
async fn register_with_retries(store: AnyStore, name: String, text: String) -> (i32, i32) {
    loop {
        let basis = store.state(&subject(&name)).await.unwrap().basis;
        let decided = Registration { basis, ..registration(&name, content(&text)) };
        match store.register(decided).await {
            Err(StoreError::Refused(Refusal::Stale)) => {}
            result => return numbers(result),
        }
    }
}

async fn sixteen_writers(
    store: &AnyStore,
    name: fn(i32) -> String,
    text: fn(i32) -> String,
) -> Vec<(i32, i32)> {
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        writers.spawn(register_with_retries(store.clone(), name(writer), text(writer)));
    }
    writers.join_all().await
}

pub async fn sixteen_writers_to_one_subject_make_one_history(store: AnyStore) {
    let registered = sixteen_writers(&store, |_| "a".to_owned(), |writer| format!("x{writer}")).await;
    let versions: BTreeSet<i32> = registered.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=16).collect());
    let history = history(&store, "a").await;
    assert_eq!(history.len(), 16);
    for (version, id) in registered {
        assert!(history.contains(&(version, id, false)));
    }
}

pub async fn sixteen_writers_to_many_subjects_share_no_id(store: AnyStore) {
    let registered =
        sixteen_writers(&store, |writer| format!("s{writer}"), |writer| format!("x{writer}")).await;
    let ids: BTreeSet<i32> = registered.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids, (1..=16).collect());
    assert_eq!(store.subjects(&everything()).await.unwrap().len(), 16);
}

pub async fn sixteen_writers_of_one_content_share_its_id(store: AnyStore) {
    let registered = sixteen_writers(&store, |writer| format!("s{}", writer / 2), |_| "x".to_owned()).await;
    assert_eq!(registered, vec![(1, 1); 16]);
    assert_eq!(uses(&store, ".", 1).await.len(), 8);
}

pub async fn a_refused_event_leaves_the_others_of_its_batch_alone(store: AnyStore) {
    register(&store, "old", "x").await;
    let stale = Basis(vec![(subject("old"), 999)]);
    let mut events = JoinSet::new();
    for number in 0..40 {
        let (store, stale) = (store.clone(), stale.clone());
        events.spawn(async move {
            let name = format!("s{number}");
            match number % 8 {
                3 => {
                    let late = Registration { basis: stale, ..registration(&name, content(&name)) };
                    assert!(matches!(store.register(late).await, Err(StoreError::Refused(Refusal::Stale))));
                }
                5 => {
                    let asked =
                        Registration { version: Some(Version(2)), ..registration(&name, content(&name)) };
                    let refused = store.register(asked).await;
                    assert!(matches!(refused, Err(StoreError::Refused(Refusal::VersionNotNext))));
                }
                7 => {
                    let refused = store.soft_delete(&subject("old"), &[Version(1)], stale).await;
                    assert!(matches!(refused, Err(StoreError::Refused(Refusal::Stale))));
                }
                6 => put_alias(&store, &name, "alias").await,
                _ => store.register(registration(&name, content(&name))).await.map(drop).unwrap(),
            }
        });
    }
    events.join_all().await;
    assert_eq!(store.subjects(&everything()).await.unwrap().len(), 21);
    assert_eq!(store.aliases(&everything()).await.unwrap().len(), 5);
    let ids: BTreeSet<i32> = store.schemas(&all_versions()).await.unwrap().iter().map(|v| v.id.0).collect();
    // Refused registrations have taken no id.
    assert_eq!(ids, (1..=21).collect());
    assert_eq!(history(&store, "old").await, [(1, 1, false)]);
}

pub async fn what_was_acknowledged_is_read_at_once(store: AnyStore) {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            let name = format!("s{writer}");
            for round in 1..=20 {
                let before = store.revision();
                let text = format!("{name}.{round}");
                let (version, id) = register(&store, &name, &text).await;
                assert_eq!(version, round);
                assert!(store.revision() > before);
                assert_eq!(history(&store, &name).await.last(), Some(&(version, id, false)));
                assert_eq!(uses(&store, ".", id).await, one_use(&name, version, &text));
                put_alias(&store, &name, &text).await;
                let config = store.settings(&subject(&name)).await.unwrap().0.subject.config;
                assert_eq!(config.and_then(|config| config.alias), Some(text));
            }
        });
    }
    writers.join_all().await;
}

pub async fn a_closed_store_refuses_everything(store: AnyStore) {
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let store = store.clone();
        writers.spawn(async move {
            let name = format!("s{writer}");
            store.register(registration(&name, content(&name))).await
        });
    }
    store.close().await;
    // Each was done or was not begun.
    for result in writers.join_all().await {
        assert!(matches!(result, Ok(_) | Err(StoreError::Closed)), "{result:?}");
    }
    let closed = store.register(registration("a", content("x"))).await;
    assert!(matches!(closed, Err(StoreError::Closed)), "{closed:?}");
    assert!(matches!(soft_delete(&store, "a", &[1]).await, Err(StoreError::Closed)));
    assert!(matches!(store.subjects(&everything()).await, Err(StoreError::Closed)));
    assert!(matches!(store.ready().await, Err(StoreError::Closed)));
    store.close().await;
}

pub async fn a_ready_store_says_so(store: AnyStore) {
    let before = store.revision();
    store.ready().await.unwrap();
    assert_eq!(store.revision(), before);
}
