//! Whole stores, taken out and put into others.

use muster_registry::portable;
use muster_registry::store::{Mode, archive};

use crate::files::check_integrity;
use crate::support::*;

#[tokio::test]
async fn a_store_filled_from_a_snapshot_is_the_same_and_goes_on_alike() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.db"), folder.path().join("to.db"));
    let url = |path: &std::path::Path| format!("sqlite:{}", path.display());
    let store = file_store(&from).await;
    register(&store, "a", "x").await;
    register(&store, "a", "y").await;
    soft_delete(&store, "a", &[1]).await.unwrap();
    store.register(registration("b", referring("r", &[("a", 1), ("a", 2)]))).await.unwrap();
    register(&store, ":.c:a", "x").await;
    store.register(import("i", content("p"), 50, Some(3))).await.unwrap();
    store.register(import("j", content("p"), 50, Some(1))).await.unwrap();
    // Replaced: 50 leads to both, and `i` has another id now.
    store.register(import("i", content("q"), 51, Some(3))).await.unwrap();
    register(&store, "gone", "g").await;
    delete_permanently(&store, "gone", &[1]).await.unwrap();
    put_alias(&store, "a", "b").await;
    put_mode(&store, ":.d:", Some(Mode::Import)).await;

    let snapshot = archive::snapshot(&url(&from), &mut |_, _| {}).await.unwrap();
    archive::load(&url(&to), &snapshot, &mut |_, _| {}).await.unwrap();
    check_integrity(&to).await;
    let again = archive::snapshot(&url(&to), &mut |_, _| {}).await.unwrap();
    assert_eq!(snapshot.difference(&again), None);
    assert_eq!(snapshot, again);

    let mut file = Vec::new();
    portable::write(&snapshot, &mut file, &mut |_, _| {}).unwrap();
    let mut replay = portable::Replay::new(0);
    portable::read(&mut file.as_slice(), &mut replay, &mut |_| {}).unwrap();
    let (read, summary) = replay.finish();
    assert_eq!(
        (snapshot.difference(&read), summary.skipped),
        (None, 0),
        "{}",
        String::from_utf8_lossy(&file)
    );

    let refused = archive::load(&url(&to), &snapshot, &mut |_, _| {}).await.unwrap_err();
    assert!(refused.to_string().ends_with("is not empty"), "{refused}");

    // Both go on alike.
    let other = file_store(&to).await;
    for store in [&store, &other] {
        assert_eq!(history(store, "a").await, [(1, 1, true), (2, 2, false)]);
        assert_eq!(uses(store, ".", 50).await.len(), 2);
        assert_eq!(register(store, "a", "z").await, (3, 53));
        // One of the versions that 50 leads to has other content by now.
        let again = store.register(registration("k", content("p"))).await;
        assert_eq!(refusal(again), "schema id 50 belongs to another schema");
        assert_eq!(
            refusal(delete_permanently(store, "a", &[1]).await),
            "version 1 of subject a is referenced"
        );
    }
    other.close().await;
    check_integrity(&to).await;
}
