//! Decisions and what they were based on.

use muster_registry::store::{Basis, ConfigRecord, Mode, ModeChange, Registration, StoreError};
use muster_schema::Version;

use crate::support::*;

const STALE: &str = "the state has changed since the decision";

pub async fn a_write_to_anything_it_is_based_on_makes_a_decision_stale(store: AnyStore) {
    type Write = fn(AnyStore) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let writes: [(&str, Write); 11] = [
        ("a version of the subject", |s| {
            Box::pin(
                async move { s.register(registration(":.c:a", content("new"))).await.map(drop).unwrap() },
            )
        }),
        ("a soft deletion", |s| Box::pin(async move { soft_delete(&s, ":.c:a", &[1]).await.unwrap() })),
        ("a permanent deletion", |s| {
            Box::pin(async move { delete_permanently(&s, ":.c:a", &[1]).await.unwrap() })
        }),
        ("the subject's config", |s| Box::pin(async move { put_alias(&s, ":.c:a", "b").await })),
        ("the subject's mode", |s| Box::pin(async move { put_mode(&s, ":.c:a", Some(Mode::Import)).await })),
        ("the context's config", |s| Box::pin(async move { put_alias(&s, ":.c:", "b").await })),
        ("the context's mode", |s| Box::pin(async move { put_mode(&s, ":.c:", Some(Mode::Import)).await })),
        ("modes of the context", |s| {
            Box::pin(async move { s.clear_modes(&context(".c"), Basis::default()).await.unwrap() })
        }),
        ("the top level", |s| Box::pin(async move { put_alias(&s, "", "b").await })),
        ("the global level", |s| {
            Box::pin(async move { put_mode(&s, ":.__GLOBAL:", Some(Mode::Import)).await })
        }),
        ("a referenced subject", |s| Box::pin(async move { soft_delete(&s, "t", &[1]).await.unwrap() })),
    ];
    register(&store, ":.c:a", "x").await;
    register(&store, "t", "x").await;
    for (what, write) in writes {
        let mut basis = store.state(&subject(":.c:a")).await.unwrap().basis;
        basis.extend(store.state(&subject("t")).await.unwrap().basis);
        write(store.clone()).await;
        let late = Registration { basis, ..registration(":.c:a", content(what)) };
        assert_eq!(refusal(store.register(late).await), STALE, "{what}");
        // Decided again, it stands.
        let mut basis = store.state(&subject(":.c:a")).await.unwrap().basis;
        basis.extend(store.state(&subject("t")).await.unwrap().basis);
        let again = Registration { basis, ..registration(":.c:a", content(what)) };
        store.register(again).await.unwrap();
    }
}

pub async fn other_writes_leave_a_decision_standing(store: AnyStore) {
    register(&store, ":.c:a", "x").await;
    let basis = store.state(&subject(":.c:a")).await.unwrap().basis;
    register(&store, ":.c:b", "y").await;
    register(&store, "a", "y").await;
    put_alias(&store, ":.c:b", "z").await;
    put_mode(&store, ":.d:", Some(Mode::Import)).await;
    soft_delete(&store, "a", &[1]).await.unwrap();
    store.delete_context(&context(".none")).await.unwrap();
    let decided = Registration { basis, ..registration(":.c:a", content("z")) };
    assert_eq!(store.register(decided).await.unwrap().schema.version, Version(2));
}

pub async fn every_kind_of_write_checks_its_basis(store: AnyStore) {
    register(&store, "a", "x").await;
    put_mode(&store, "a", Some(Mode::ReadOnly)).await;
    let old = store.state(&subject("a")).await.unwrap().basis;
    put_mode(&store, "", Some(Mode::ReadOnly)).await;
    let revision = store.revision();
    let a = subject("a");
    let stale = |result: Result<(), StoreError>| assert_eq!(refusal(result), STALE);
    stale(store.soft_delete(&a, &[Version(1)], old.clone()).await);
    stale(store.delete_permanently(&a, &[Version(1)], old.clone()).await);
    stale(store.put_config(&a, Some(ConfigRecord::default()), old.clone()).await);
    stale(store.put_config(&a, None, old.clone()).await);
    let change =
        |clear_for_import| ModeChange { basis: old.clone(), ..mode_change("a", None, clear_for_import) };
    stale(store.put_mode(change(false)).await);
    stale(store.put_mode(change(true)).await);
    stale(store.clear_modes(&context("."), old.clone()).await);
    // Also where nothing would be written, or the id is brought along.
    let known = Registration { basis: old.clone(), ..registration("a", content("x")) };
    stale(store.register(known).await.map(drop));
    let imported = Registration { basis: old.clone(), ..import("a", content("y"), 9, None) };
    stale(store.register(imported).await.map(drop));
    assert_eq!(store.revision(), revision);
    assert_eq!(history(&store, "a").await, [(1, 1, false)]);
}

pub async fn a_decision_about_nothing_stands_until_there_is_something(store: AnyStore) {
    let basis = store.state(&subject(":.new:a")).await.unwrap().basis;
    let (_, settings_basis) = store.settings(&subject(":.new:a")).await.unwrap();
    assert_eq!(basis, settings_basis);
    let first = Registration { basis: basis.clone(), ..registration(":.new:a", content("x")) };
    store.register(first.clone()).await.unwrap();
    assert_eq!(refusal(store.register(first).await), STALE);
    // What was forgotten is not as if it had never been.
    delete_permanently(&store, ":.new:a", &[1]).await.unwrap();
    let late = Registration { basis, ..registration(":.new:a", content("y")) };
    assert_eq!(refusal(store.register(late).await), STALE);
}

pub async fn revisions_grow_with_writes_only(store: AnyStore) {
    let mut last = store.revision();
    register(&store, "a", "x").await;
    for step in 0..6 {
        let revision = store.revision();
        assert!(revision > last, "{step}");
        last = revision;
        match step {
            0 => put_alias(&store, "a", "b").await,
            1 => put_mode(&store, "", Some(Mode::ReadOnly)).await,
            2 => soft_delete(&store, "a", &[1]).await.unwrap(),
            3 => delete_permanently(&store, "a", &[1]).await.unwrap(),
            4 => store.register(registration(":.c:a", content("x"))).await.map(drop).unwrap(),
            _ => store.clear_modes(&context("."), Basis::default()).await.unwrap(),
        }
    }
    let revision = store.revision();
    let refused = Registration { version: Some(Version(9)), ..registration("a", content("y")) };
    store.register(refused).await.unwrap_err();
    store.ready().await.unwrap();
    store.state(&subject("a")).await.unwrap();
    assert_eq!(store.revision(), revision);
    delete_permanently(&store, ":.c:a", &[1]).await.unwrap();
    let revision = store.revision();
    store.delete_context(&context(".c")).await.unwrap();
    assert!(store.revision() > revision);
}
