//! Deleting (registry API spec §9).

use muster_registry::store::{Basis, Mode};
use muster_schema::{SchemaId, Version};

use crate::support::*;

pub async fn soft_deleted_versions_are_still_read(store: AnyStore) {
    register(&store, "a", "x").await;
    register(&store, "a", "y").await;
    soft_delete(&store, "a", &[1]).await.unwrap();
    assert_eq!(history(&store, "a").await, [(1, 1, true), (2, 2, false)]);
    assert!(store.version(&subject("a"), Version(1)).await.unwrap().unwrap().deleted);
    assert!(store.uses_of_id(&context("."), SchemaId(1)).await.unwrap()[0].deleted);
    assert_eq!(ids_of(&store, "x").await, [(".".to_owned(), 1)]);
}

pub async fn soft_deleted_versions_count_for_the_next_number(store: AnyStore) {
    register(&store, "a", "x").await;
    register(&store, "a", "y").await;
    soft_delete(&store, "a", &[2, 1]).await.unwrap();
    assert_eq!(register(&store, "a", "z").await, (3, 3));
    // Other subjects may use the content of what is deleted, under its id.
    assert_eq!(register(&store, "b", "x").await, (1, 1));
}

pub async fn soft_deleted_content_comes_back_in_place_of_its_old_version(store: AnyStore) {
    register(&store, "a", "x").await;
    register(&store, "a", "y").await;
    soft_delete(&store, "a", &[1, 2]).await.unwrap();
    assert_eq!(register(&store, "a", "x").await, (3, 1));
    assert_eq!(history(&store, "a").await, [(2, 2, true), (3, 1, false)]);
    assert_eq!(uses(&store, ".", 1).await, one_use("a", 3, "x"));
    // Other ids, other subjects and live versions are left alone.
    register(&store, "b", "x").await;
    soft_delete(&store, "b", &[1]).await.unwrap();
    assert_eq!(register(&store, "a", "y").await, (4, 2));
    assert_eq!(history(&store, "a").await, [(3, 1, false), (4, 2, false)]);
    assert_eq!(history(&store, "b").await, [(1, 1, true)]);
}

pub async fn a_referenced_version_is_not_superseded(store: AnyStore) {
    register(&store, ":.c:a", "x").await;
    store.register(registration("r", referring("r", &[(":.c:a", 1)]))).await.unwrap();
    soft_delete(&store, "r", &[1]).await.unwrap();
    soft_delete(&store, ":.c:a", &[1]).await.unwrap();
    assert_eq!(register(&store, ":.c:a", "x").await, (2, 1));
    assert_eq!(history(&store, ":.c:a").await, [(1, 1, true), (2, 1, false)]);
}

pub async fn a_permanently_deleted_number_is_given_again_but_its_id_is_not(store: AnyStore) {
    register(&store, "a", "x").await;
    register(&store, "a", "y").await;
    soft_delete(&store, "a", &[2]).await.unwrap();
    delete_permanently(&store, "a", &[2]).await.unwrap();
    assert_eq!(store.version(&subject("a"), Version(2)).await.unwrap(), None);
    assert_eq!(uses(&store, ".", 2).await, []);
    assert_eq!(store.max_id(&context(".")).await.unwrap(), Some(SchemaId(2)));
    // The hash is remembered, but an id without uses is not given again.
    assert_eq!(ids_of(&store, "y").await, [(".".to_owned(), 2)]);
    assert_eq!(register(&store, "a", "y").await, (2, 3));
    assert_eq!(ids_of(&store, "y").await, [(".".to_owned(), 3)]);
    // With a use left elsewhere it is.
    register(&store, "b", "x").await;
    delete_permanently(&store, "a", &[1]).await.unwrap();
    assert_eq!(register(&store, "a", "x").await, (3, 1));
    // An import may bring an id that nobody uses.
    assert_eq!(numbers(store.register(import("c", content("z"), 2, None)).await), (1, 2));
}

pub async fn the_last_permanent_deletion_takes_the_settings_along(store: AnyStore) {
    register(&store, "a", "x").await;
    register(&store, "a", "y").await;
    put_alias(&store, "a", "b").await;
    put_mode(&store, "a", Some(Mode::ReadOnly)).await;
    put_alias(&store, "", "top").await;
    let own = async || store.settings(&subject("a")).await.unwrap().0.subject;
    soft_delete(&store, "a", &[1, 2]).await.unwrap();
    delete_permanently(&store, "a", &[2]).await.unwrap();
    assert!(own().await.config.is_some() && own().await.mode.is_some());
    delete_permanently(&store, "a", &[1]).await.unwrap();
    assert!(own().await.config.is_none() && own().await.mode.is_none());
    assert!(store.settings(&subject("")).await.unwrap().0.top.config.is_some());
    assert_eq!(store.subjects(&everything()).await.unwrap(), []);
}

pub async fn a_live_reference_forbids_soft_deletion(store: AnyStore) {
    register(&store, "t", "x").await;
    register(&store, "t", "y").await;
    // Unqualified references are read in the referrer's context.
    store.register(registration(":.c:r", referring("r", &[("t", 1)]))).await.unwrap();
    store.register(registration("r", referring("r", &[("t", 2)]))).await.unwrap();
    assert_eq!(refusal(soft_delete(&store, "t", &[1, 2]).await), "version 2 of subject t is referenced");
    assert_eq!(history(&store, "t").await, [(1, 1, false), (2, 2, false)]);
    soft_delete(&store, "t", &[1]).await.unwrap();
    soft_delete(&store, "r", &[1]).await.unwrap();
    soft_delete(&store, "t", &[2]).await.unwrap();
}

pub async fn any_reference_forbids_permanent_deletion(store: AnyStore) {
    register(&store, ":.c:t", "x").await;
    store.register(registration("r", referring("r", &[(":.c:t", 1)]))).await.unwrap();
    soft_delete(&store, "r", &[1]).await.unwrap();
    soft_delete(&store, ":.c:t", &[1]).await.unwrap();
    let refused = delete_permanently(&store, ":.c:t", &[1]).await;
    assert_eq!(refusal(refused), "version 1 of subject :.c:t is referenced");
    delete_permanently(&store, "r", &[1]).await.unwrap();
    delete_permanently(&store, ":.c:t", &[1]).await.unwrap();
}

pub async fn references_among_the_deleted_do_not_count(store: AnyStore) {
    register(&store, "a", "x").await;
    store.register(registration("a", referring("r", &[("a", 1)]))).await.unwrap();
    assert_eq!(refusal(soft_delete(&store, "a", &[1]).await), "version 1 of subject a is referenced");
    soft_delete(&store, "a", &[1, 2]).await.unwrap();
    assert_eq!(refusal(delete_permanently(&store, "a", &[1]).await), "version 1 of subject a is referenced");
    delete_permanently(&store, "a", &[1, 2]).await.unwrap();
    assert_eq!(history(&store, "a").await, []);
}

pub async fn a_references_end_frees_its_target(store: AnyStore) {
    register(&store, "t", "x").await;
    // Twice the same target, under two names.
    let mut twice = referring("r", &[("t", 1), ("t", 1)]);
    "other".clone_into(&mut twice.references[1].name);
    store.register(registration("r", twice)).await.unwrap();
    assert_eq!(store.referrers(&subject("t"), Version(1)).await.unwrap().len(), 1);
    soft_delete(&store, "r", &[1]).await.unwrap();
    delete_permanently(&store, "r", &[1]).await.unwrap();
    assert_eq!(store.referrers(&subject("t"), Version(1)).await.unwrap(), []);
    // What gets the referrer's number next does not inherit its references.
    assert_eq!(register(&store, "r", "y").await.0, 1);
    soft_delete(&store, "t", &[1]).await.unwrap();
    delete_permanently(&store, "t", &[1]).await.unwrap();
}

pub async fn unknown_versions_are_deleted_without_effect(store: AnyStore) {
    register(&store, "a", "x").await;
    put_alias(&store, "empty", "b").await;
    let revision = store.revision();
    for name in ["a", "empty", "unknown", ":.c:unknown"] {
        soft_delete(&store, name, &[2, 3]).await.unwrap();
        delete_permanently(&store, name, &[2, 3]).await.unwrap();
        delete_permanently(&store, name, &[]).await.unwrap();
    }
    assert_eq!(store.revision(), revision);
    assert!(store.settings(&subject("empty")).await.unwrap().0.subject.config.is_some());
    // Nor is what is soft-deleted already deleted again.
    soft_delete(&store, "a", &[1]).await.unwrap();
    let revision = store.revision();
    soft_delete(&store, "a", &[1]).await.unwrap();
    assert_eq!(store.revision(), revision);
}

pub async fn a_context_is_deleted_once_it_is_empty(store: AnyStore) {
    register(&store, ":.c:a", "x").await;
    soft_delete(&store, ":.c:a", &[1]).await.unwrap();
    assert_eq!(refusal(store.delete_context(&context(".c")).await), "context .c is not empty");
    delete_permanently(&store, ":.c:a", &[1]).await.unwrap();
    assert_eq!(contexts(&store).await, [".c"]);
    store.delete_context(&context(".c")).await.unwrap();
    assert_eq!(contexts(&store).await, [""; 0]);
    store.delete_context(&context(".c")).await.unwrap();
    // It forgets its name, not the ids that it has given out.
    let basis = Basis::default();
    assert_eq!(store.clear_modes(&context(".c"), basis).await.ok(), Some(()));
    assert_eq!(register(&store, ":.c:a", "y").await, (1, 2));
    assert_eq!(contexts(&store).await, [".c"]);
}
