//! Listings (registry API spec §5.3).

use std::collections::HashSet;
use std::sync::Arc;

use muster_registry::store::{Among, Content, Listing, Selection, SubjectSummary};
use muster_schema::identity::content_guid;
use muster_schema::{Rule, RuleSet, Version};

use crate::support::*;

async fn names(store: &AnyStore, selection: Selection) -> Vec<String> {
    let subjects = store.subjects(&selection).await.unwrap();
    let listed: Vec<String> = subjects.iter().map(|summary| summary.subject.to_string()).collect();
    let schemas = store.schemas(&Listing::of(selection.clone())).await.unwrap();
    let of_schemas: Vec<String> = schemas.iter().map(|version| version.subject.to_string()).collect();
    assert_eq!(listed, of_schemas, "{selection:?}");
    listed
}

pub async fn selections_hold_what_they_name(store: AnyStore) {
    for name in ["foo", "fo", "bar", ":.ctx:foo", ":.ctx:bar", ":.ctx2:foo", ":.d:"] {
        register(&store, name, "x").await;
    }
    // Settings alone make no subject.
    put_alias(&store, "food", "x").await;
    let within =
        |context_name: &str, prefix: &str| Selection::Context(context(context_name), prefix.to_owned());
    let all = [":.ctx2:foo", ":.ctx:bar", ":.ctx:foo", ":.d:", "bar", "fo", "foo"];
    let cases: [(Selection, &[&str]); 9] = [
        (within(".", ""), &["bar", "fo", "foo"]),
        (within(".", "foo"), &["foo"]),
        (within(".ctx", ""), &[":.ctx:bar", ":.ctx:foo"]),
        (within(".ctx", "f"), &[":.ctx:foo"]),
        (within(".none", ""), &[]),
        (Selection::ContextsStartingWith(".ctx".into()), &[":.ctx2:foo", ":.ctx:bar", ":.ctx:foo"]),
        (Selection::ContextsStartingWith(".".into()), &all),
        (Selection::AnyContext("foo".into()), &[":.ctx2:foo", ":.ctx:foo", "foo"]),
        (everything(), &all),
    ];
    for (selection, expected) in cases {
        assert_eq!(names(&store, selection.clone()).await, expected, "{selection:?}");
    }
}

pub async fn listings_are_sorted_by_utf16_code_unit(store: AnyStore) {
    // U+1F600 is above U+FF5E, but its first UTF-16 code unit is below.
    let sorted = [":.c:z", "A", "a", "a\u{1f600}", "a\u{ff5e}", "b"];
    for name in ["a\u{ff5e}", "b", "a\u{1f600}", ":.c:z", "a", "A"] {
        register(&store, name, "x").await;
        put_alias(&store, name, "t").await;
    }
    assert_eq!(names(&store, everything()).await, sorted);
    let aliases = store.aliases(&everything()).await.unwrap();
    assert_eq!(aliases.iter().map(|(subject, _)| subject.to_string()).collect::<Vec<_>>(), sorted);
    let uses: Vec<String> = uses(&store, ".", 1).await.into_iter().map(|(name, ..)| name).collect();
    assert_eq!(uses, sorted[1..]);
}

pub async fn versions_are_listed_in_order(store: AnyStore) {
    for version in [10, 2, 1, 9] {
        store.register(import("a", content(&format!("{version}")), version, Some(version))).await.unwrap();
    }
    register(&store, "b", "y").await;
    soft_delete(&store, "a", &[2, 9]).await.unwrap();
    let listed = store.schemas(&all_versions()).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|v| (v.subject.to_string(), v.version.0, v.deleted)).collect();
    let a = |version, deleted| ("a".to_owned(), version, deleted);
    assert_eq!(listed, [a(1, false), a(2, true), a(9, true), a(10, false), ("b".to_owned(), 1, false)]);
    let summary = |name, live, deleted| SubjectSummary { subject: subject(name), live, deleted };
    assert_eq!(store.subjects(&everything()).await.unwrap(), [summary("a", 2, 2), summary("b", 1, 0)]);
}

async fn listed(store: &AnyStore, wanted: &Listing) -> Vec<(String, i32)> {
    let versions = store.schemas(wanted).await.unwrap();
    versions.iter().map(|v| (v.subject.to_string(), v.version.0)).collect()
}

fn with_rule(text: &str, rule_type: &str) -> Content {
    let rule = Rule { rule_type: Some(rule_type.to_owned()), ..Rule::default() };
    let rules = RuleSet { encoding_rules: Some(vec![Rule::default(), rule]), ..RuleSet::default() };
    let guid = content_guid(text, &[], None, Some(&rules));
    Content { guid, rule_set: Some(rules), ..content(text) }
}

pub async fn filters_apply_one_after_the_other(store: AnyStore) {
    for (name, rules) in [("a", "ER-"), ("b", "RE"), (":.c:a", "R-"), ("d", "-R"), ("e", "R")] {
        for (number, kind) in rules.chars().enumerate() {
            let text = format!("{name}{number}");
            let content = match kind {
                'R' => with_rule(&text, "CEL"),
                'E' => with_rule(&text, "ENCRYPT"),
                _ => content(&text),
            };
            store.register(registration(name, content)).await.unwrap();
        }
    }
    soft_delete(&store, "a", &[3]).await.unwrap();
    soft_delete(&store, "e", &[1]).await.unwrap();
    let here = Listing::of(Selection::Context(context("."), String::new()));
    let live = Listing { deleted: false, ..here.clone() };
    let latest = Listing { latest_only: true, ..live.clone() };
    let of_type = |rule_type: &str| Some(rule_type.to_owned());
    let subjects = |names: &[&str]| names.iter().map(|name| subject(name)).collect::<HashSet<_>>();
    let cases: Vec<(&str, Listing, &str)> = vec![
        ("all", here.clone(), "a1 a2 a3 b1 b2 d1 d2 e1"),
        ("live", live.clone(), "a1 a2 b1 b2 d1 d2"),
        ("latest of all", Listing { latest_only: true, ..here.clone() }, "a3 b2 d2 e1"),
        ("latest of the live", latest.clone(), "a2 b2 d2"),
        ("with a rule", Listing { rule_type: of_type("CEL"), ..live.clone() }, "a2 b1 d2"),
        ("latest, if with a rule", Listing { rule_type: of_type("CEL"), ..latest.clone() }, "a2 d2"),
        (
            "page of those with a rule",
            Listing { rule_type: of_type("CEL"), offset: 1, limit: 1, ..live.clone() },
            "b1",
        ),
        ("no such rule", Listing { rule_type: of_type("cel"), ..live.clone() }, ""),
        ("only", Listing { among: Among::Only(subjects(&["b", ":.c:a"])), ..live.clone() }, "b1 b2"),
        ("all but", Listing { among: Among::AllBut(subjects(&["b"])), ..live.clone() }, "a1 a2 d1 d2"),
        (
            "besides",
            Listing {
                also: vec![subject(":.c:a"), subject("a"), subject("unknown"), subject(":.c:a")],
                ..latest.clone()
            },
            ":.c:a2 a2 b2 d2",
        ),
        (
            "not even besides",
            Listing {
                also: vec![subject(":.c:a")],
                among: Among::AllBut(subjects(&[":.c:a", "a"])),
                ..latest
            },
            "b2 d2",
        ),
        ("page", Listing { offset: 1, limit: 3, ..live.clone() }, "a2 b1 b2"),
        ("last page", Listing { offset: 5, limit: 3, ..live.clone() }, "d2"),
        ("after the last", Listing { offset: 6, limit: 3, ..live.clone() }, ""),
        ("none of it", Listing { limit: 0, ..live }, ""),
    ];
    for (what, wanted, expected) in cases {
        let found = listed(&store, &wanted).await;
        let found: Vec<String> = found.iter().map(|(name, version)| format!("{name}{version}")).collect();
        assert_eq!(found.join(" "), expected, "{what}");
    }
}

pub async fn pages_make_up_the_whole(store: AnyStore) {
    // More subjects than are read at a time, in two contexts, some with several versions.
    let (mut expected, mut imports) = (Vec::new(), tokio::task::JoinSet::new());
    for number in 0..1_100 {
        let name = if number % 2 == 0 { format!("s{number}") } else { format!(":.c:s{number}") };
        for version in 1..=1 + i32::from(number % 100 == 0) {
            let text = format!("{}", version * (number % 3));
            let imported = import(&name, content(&text), 1 + version * (number % 3), Some(version));
            let store = Arc::clone(&store);
            imports.spawn(async move { store.register(imported).await.unwrap() });
            expected.push((name.clone(), version));
        }
    }
    imports.join_all().await;
    expected.sort();
    let whole = store.schemas(&all_versions()).await.unwrap();
    assert_eq!(listed(&store, &all_versions()).await, expected);
    // Equal texts are one in memory.
    let texts: HashSet<_> = whole.iter().map(|version| Arc::as_ptr(&version.content)).collect();
    assert_eq!(texts.len(), 4);
    for limit in [1_000, 137] {
        let mut pages = Vec::new();
        for offset in (0..expected.len()).step_by(limit) {
            let page = Listing { offset, limit, ..all_versions() };
            pages.extend(store.schemas(&page).await.unwrap());
        }
        assert_eq!(pages, whole);
    }
}

pub async fn aliases_are_listed_with_their_target(store: AnyStore) {
    put_alias(&store, "a", "target").await;
    put_alias(&store, ":.c:a", ":.d:target").await;
    // Neither an empty alias nor one of a context is one.
    put_alias(&store, "empty", "").await;
    put_alias(&store, ":.c:", "context").await;
    put_alias(&store, "", "top").await;
    let list = async |selection| {
        let aliases = store.aliases(&selection).await.unwrap();
        aliases.into_iter().map(|(subject, alias)| (subject.to_string(), alias)).collect::<Vec<_>>()
    };
    let (first, second) =
        ((":.c:a".to_owned(), ":.d:target".to_owned()), ("a".to_owned(), "target".to_owned()));
    assert_eq!(list(everything()).await, [first.clone(), second.clone()]);
    assert_eq!(list(Selection::Context(context("."), String::new())).await, [second]);
    assert_eq!(list(Selection::Context(context(".c"), "a".into())).await, [first]);
}

pub async fn contexts_are_listed_once_something_was_registered(store: AnyStore) {
    put_alias(&store, ":.settings:", "x").await;
    register(&store, "a", "x").await;
    for name in [":.\u{ff5e}:a", ":.\u{1f600}:a", ":.b:a", ":.b:b", ":.a:"] {
        register(&store, name, "x").await;
    }
    assert_eq!(contexts(&store).await, [".a", ".b", ".\u{1f600}", ".\u{ff5e}"]);
    // A refused registration makes no context.
    let refused = muster_registry::store::Registration {
        version: Some(Version(2)),
        ..registration(":.refused:a", content("y"))
    };
    store.register(refused).await.unwrap_err();
    assert_eq!(contexts(&store).await.len(), 4);
}

pub async fn referrers_are_listed_by_context_and_id(store: AnyStore) {
    register(&store, "t", "x").await;
    for (name, id) in [(":.b:r", 1), ("z", 5), ("y", 7), (":.a:r", 9), ("z", 3)] {
        let text = format!("{name}{id}");
        store.register(import(name, referring(&text, &[(":.:t", 1)]), id, None)).await.unwrap();
    }
    // The same content in another subject: the same id.
    let same = referring("z5", &[(":.:t", 1)]);
    store.register(registration("w", same)).await.unwrap();
    soft_delete(&store, "y", &[1]).await.unwrap();
    let listed = store.referrers(&subject("t"), Version(1)).await.unwrap();
    let listed: Vec<_> =
        listed.iter().map(|r| (r.subject.to_string(), r.version.0, r.id.0, r.deleted)).collect();
    let row = |name: &str, version, id, deleted| (name.to_owned(), version, id, deleted);
    let expected = [
        row("z", 2, 3, false),
        row("w", 1, 5, false),
        row("z", 1, 5, false),
        row("y", 1, 7, true),
        row(":.a:r", 1, 9, false),
        row(":.b:r", 1, 1, false),
    ];
    assert_eq!(listed, expected);
    // Qualified or not, it is the same target; another version is another.
    assert_eq!(store.referrers(&subject(":.:t"), Version(1)).await.unwrap().len(), 6);
    assert_eq!(store.referrers(&subject("t"), Version(2)).await.unwrap(), []);
}
