//! IMPORT: registrations that bring their ids and versions (registry API spec §6.5, §10.2, §15 items 18–22).

use muster_registry::store::StoreError;
use muster_schema::{SchemaId, Version};

use crate::support::*;

pub async fn an_import_brings_its_id_and_version(store: AnyStore) {
    assert_eq!(numbers(store.register(import("a", content("x"), 100, Some(7))).await), (7, 100));
    // Without a version it is the next.
    assert_eq!(numbers(store.register(import("a", content("y"), 50, None)).await), (8, 50));
    assert_eq!(numbers(store.register(import("a", content("z"), 60, Some(2))).await), (2, 60));
    assert_eq!(history(&store, "a").await, [(2, 60, false), (7, 100, false), (8, 50, false)]);
    // The same import again changes nothing but the date.
    assert_eq!(numbers(store.register(import("a", content("x"), 100, Some(7))).await), (7, 100));
    assert_eq!(history(&store, "a").await, [(2, 60, false), (7, 100, false), (8, 50, false)]);
    let no_version = store.register(import("a", content("w"), 61, Some(0))).await;
    assert_eq!(refusal(no_version), "version is not one more than the previous version");
}

pub async fn an_imported_id_0_counts_as_1(store: AnyStore) {
    assert_eq!(numbers(store.register(import("a", content("x"), 0, None)).await), (1, 0));
    assert_eq!(uses(&store, ".", 0).await, one_use("a", 1, "x"));
    assert_eq!(register(&store, "a", "y").await, (2, 2));
}

pub async fn ids_go_on_above_the_highest_imported(store: AnyStore) {
    register(&store, "a", "x").await;
    store.register(import("a", content("y"), 10, None)).await.unwrap();
    store.register(import("a", content("z"), 5, None)).await.unwrap();
    assert_eq!(store.max_id(&context(".")).await.unwrap(), Some(SchemaId(10)));
    assert_eq!(register(&store, "b", "w").await, (1, 11));
    assert_eq!(register(&store, ":.c:b", "w").await, (1, 1));
}

pub async fn content_may_be_imported_under_several_ids(store: AnyStore) {
    store.register(import("a", content("x"), 5, Some(1))).await.unwrap();
    store.register(import("a", content("x"), 6, Some(2))).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 1, "x"));
    assert_eq!(uses(&store, ".", 6).await, one_use("a", 2, "x"));
    // The content stands for the id that was written last.
    assert_eq!(ids_of(&store, "x").await, [(".".to_owned(), 6)]);
    assert_eq!(register(&store, "b", "x").await, (1, 6));
}

pub async fn an_id_of_other_content_is_taken(store: AnyStore) {
    register(&store, "a", "x").await;
    let taken = "schema id 1 belongs to another schema";
    assert_eq!(refusal(store.register(import("b", content("y"), 1, None)).await), taken);
    // Not even for the version that has it.
    assert_eq!(refusal(store.register(import("a", content("y"), 1, Some(1))).await), taken);
    assert_eq!(numbers(store.register(import("b", content("x"), 1, Some(4))).await), (4, 1));
    assert_eq!(numbers(store.register(import(":.c:b", content("y"), 1, None)).await), (1, 1));
    // Equal hashes of different content: the parts are hashed without separators.
    let mut one = referring("", &[("ab", 1)]);
    let mut other = one.clone();
    "n".clone_into(&mut one.references[0].name);
    "ns".clone_into(&mut other.references[0].name);
    "sab".clone_into(&mut one.references[0].subject);
    other.guid = one.guid;
    store.register(import("c", one, 9, None)).await.unwrap();
    assert_eq!(
        refusal(store.register(registration("d", other)).await),
        "schema id 9 belongs to another schema"
    );
}

pub async fn an_imported_version_replaces_what_stands_there(store: AnyStore) {
    store.register(import("a", referring("x", &[("t", 1)]), 5, Some(1))).await.unwrap();
    store.register(import("a", content("y"), 7, Some(1))).await.unwrap();
    assert_eq!(history(&store, "a").await, [(1, 7, false)]);
    // The old id leads to the new content, and stays taken: nothing else is registered under it.
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 1, "y"));
    assert_eq!(uses(&store, ".", 7).await, one_use("a", 1, "y"));
    let old = store.register(registration("b", referring("x", &[("t", 1)]))).await;
    assert_eq!(refusal(old), "schema id 5 belongs to another schema");
    assert_eq!(
        refusal(store.register(import("b", content("z"), 5, None)).await),
        "schema id 5 belongs to another schema"
    );
    // The content that it leads to may be registered under it again: then it is an id like any other.
    assert_eq!(numbers(store.register(import("a", content("y"), 5, Some(2))).await), (2, 5));
    delete_permanently(&store, "a", &[2]).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, []);
    store.register(import("a", content("y"), 5, Some(2))).await.unwrap();
    store.register(import("a", content("y"), 7, Some(2))).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 2, "y"));
    store.register(import("a", content("y"), 5, Some(3))).await.unwrap();
    delete_permanently(&store, "a", &[2]).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 3, "y"));
    delete_permanently(&store, "a", &[3]).await.unwrap();
    assert_eq!(uses(&store, ".", 7).await, one_use("a", 1, "y"));
    // What it referenced is no longer referenced.
    assert_eq!(store.referrers(&subject("t"), Version(1)).await.unwrap(), []);
    // Its end is the end of both ids, also for what later gets its number.
    store.register(import("a", content("y"), 6, Some(1))).await.unwrap();
    assert_eq!(uses(&store, ".", 7).await, one_use("a", 1, "y"));
    delete_permanently(&store, "a", &[1]).await.unwrap();
    assert_eq!(uses(&store, ".", 6).await, []);
    assert_eq!(uses(&store, ".", 7).await, []);
    assert_eq!(register(&store, "a", "z").await, (1, 8));
    assert_eq!(uses(&store, ".", 5).await, []);
}

pub async fn an_id_leads_to_the_version_last_written_for_it(store: AnyStore) {
    for version in 1..=3 {
        store.register(import("a", content("x"), 5, Some(version))).await.unwrap();
    }
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 3, "x"));
    // A soft deletion is a write; of several, the highest comes last.
    soft_delete(&store, "a", &[2, 1]).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 2, "x"));
    // As long as there is any version with the id, the id leads to one.
    delete_permanently(&store, "a", &[2]).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 3, "x"));
    delete_permanently(&store, "a", &[3]).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, one_use("a", 1, "x"));
    delete_permanently(&store, "a", &[1]).await.unwrap();
    assert_eq!(uses(&store, ".", 5).await, []);
}

pub async fn numbers_that_run_out_are_a_failure_and_no_harm(store: AnyStore) {
    store.register(import("a", content("x"), i32::MAX, Some(i32::MAX))).await.unwrap();
    let revision = store.revision();
    for name in ["a", "b"] {
        let failed = store.register(registration(name, content("y"))).await;
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    }
    assert_eq!(store.revision(), revision);
    assert_eq!(register(&store, "b", "x").await, (1, i32::MAX));
    assert_eq!(register(&store, ":.c:a", "y").await, (1, 1));
    store.register(import("b", content("y"), 3, Some(9))).await.unwrap();
}
