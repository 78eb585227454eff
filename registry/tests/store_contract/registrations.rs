//! Registering (registry API spec §7.3, §10).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use muster_registry::store::{Content, Registered, Registration, SchemaVersion};
use muster_schema::identity::content_guid;
use muster_schema::{Metadata, Rule, RuleSet, SchemaId, SchemaReference, SchemaType, Version};

use crate::support::*;

pub async fn an_empty_store_knows_nothing(store: AnyStore) {
    assert_eq!(store.revision(), 0);
    assert_eq!(history(&store, "a").await, []);
    assert_eq!(store.version(&subject("a"), Version(1)).await.unwrap(), None);
    assert_eq!(uses(&store, ".", 1).await, []);
    assert_eq!(ids_of(&store, "x").await, []);
    assert_eq!(store.max_id(&context(".")).await.unwrap(), None);
    assert_eq!(store.subjects(&everything()).await.unwrap(), []);
    assert_eq!(store.schemas(&all_versions()).await.unwrap(), []);
    assert_eq!(store.aliases(&everything()).await.unwrap(), []);
    assert_eq!(contexts(&store).await, [""; 0]);
    assert_eq!(store.referrers(&subject("a"), Version(1)).await.unwrap(), []);
    store.delete_context(&context(".none")).await.unwrap();
}

pub async fn a_registration_is_read_back_as_it_was(store: AnyStore) {
    register(&store, ":.c:target", "t").await;
    let references =
        vec![SchemaReference { name: "T".into(), subject: "target".into(), version: Version(1) }];
    let metadata = Metadata {
        tags: Some(BTreeMap::from([("*.ssn".into(), BTreeSet::from(["PII".into()]))])),
        properties: Some(BTreeMap::from([("owner".into(), "\u{1f600} \"quoted\"\n".into())])),
        sensitive: Some(BTreeSet::from(["owner".into()])),
    };
    let rule = Rule { name: Some("r".into()), expr: Some("true".into()), disabled: true, ..Rule::default() };
    let rule_set =
        RuleSet { domain_rules: Some(vec![rule]), enable_at: Some("ALL".into()), ..RuleSet::default() };
    let schema = "syntax = \"proto3\";\0 // \u{e9}\n".to_owned();
    let content = Content {
        guid: content_guid(&schema, &references, Some(&metadata), Some(&rule_set)),
        schema_type: SchemaType::Protobuf,
        schema,
        references,
        metadata: Some(metadata),
        rule_set: Some(rule_set),
    };
    let Registered { schema, existed } =
        store.register(registration(":.c:a", content.clone())).await.unwrap();
    let expected = SchemaVersion {
        subject: subject(":.c:a"),
        version: Version(1),
        id: SchemaId(2),
        content: Arc::new(content.clone()),
        deleted: false,
        ts_ms: schema.ts_ms,
    };
    assert_eq!((&schema, existed), (&expected, false));
    assert_eq!(store.version(&subject(":.c:a"), Version(1)).await.unwrap().as_ref(), Some(&expected));
    let only = std::slice::from_ref(&expected);
    assert_eq!(&*store.state(&subject(":.c:a")).await.unwrap().versions, only);
    assert_eq!(store.uses_of_id(&context(".c"), SchemaId(2)).await.unwrap(), only);
    assert_eq!(store.uses_of_id(&context("."), SchemaId(2)).await.unwrap(), []);
    assert_eq!(store.schemas(&all_versions()).await.unwrap()[0], expected);
    assert_eq!(store.ids_of_guid(content.guid).await.unwrap(), [(context(".c"), SchemaId(2))]);
    assert_eq!(store.max_id(&context(".c")).await.unwrap(), Some(SchemaId(2)));
    assert_eq!(store.max_id(&context(".")).await.unwrap(), None);
    assert_eq!(store.version(&subject("a"), Version(1)).await.unwrap(), None);
}

pub async fn absent_and_empty_metadata_differ(store: AnyStore) {
    let empty_parts = Metadata { properties: Some(BTreeMap::new()), ..Metadata::default() };
    let contents = [content("x"), with_metadata("x", Metadata::default()), with_metadata("x", empty_parts)];
    for (number, content) in (1..).zip(contents) {
        // Empty parts hash as absent ones do: an id of its own makes each content stand for itself.
        let name = format!(":.{number}:a");
        store.register(registration(&name, content.clone())).await.unwrap();
        assert_eq!(*store.state(&subject(&name)).await.unwrap().versions[0].content, content);
    }
}

pub async fn ids_count_up_in_each_context(store: AnyStore) {
    assert_eq!(register(&store, "a", "x").await, (1, 1));
    assert_eq!(register(&store, "a", "y").await, (2, 2));
    assert_eq!(register(&store, "b", "z").await, (1, 3));
    assert_eq!(register(&store, ":.c:a", "z").await, (1, 1));
    assert_eq!(register(&store, ":.c:a", "x").await, (2, 2));
    assert_eq!(store.max_id(&context(".")).await.unwrap(), Some(SchemaId(3)));
    assert_eq!(store.max_id(&context(".c")).await.unwrap(), Some(SchemaId(2)));
}

pub async fn equal_content_has_one_id_in_a_context_and_one_guid_everywhere(store: AnyStore) {
    register(&store, ":.c:filler", "f").await;
    assert_eq!(register(&store, "a", "x").await, (1, 1));
    assert_eq!(register(&store, "b", "y").await, (1, 2));
    assert_eq!(register(&store, "b", "x").await, (2, 1));
    assert_eq!(register(&store, ":.c:a", "x").await, (1, 2));
    assert_eq!(register(&store, ":.b:a", "x").await, (1, 1));
    // The default context comes first, whatever sorts before it.
    assert_eq!(register(&store, ":*:a", "x").await, (1, 1));
    let expected = [(".".to_owned(), 1), ("*".to_owned(), 1), (".b".to_owned(), 1), (".c".to_owned(), 2)];
    assert_eq!(ids_of(&store, "x").await, expected);
    let expected = [("a".to_owned(), 1, "x".to_owned()), ("b".to_owned(), 2, "x".to_owned())];
    assert_eq!(uses(&store, ".", 1).await, expected);
}

pub async fn the_first_of_a_java_hash_map_speaks_for_an_id(store: AnyStore) {
    let eleven = ["s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15"];
    let twelve = [&eleven[..], &["s16"]].concat();
    let cases: [(&[&str], &str); 6] = [
        (&["s1"], "s1"),
        (&["100%25", "s1"], "s1"),
        (&["orders-value", "s2"], "orders-value"),
        // These share a slot.
        (&["BB", "Aa"], "Aa"),
        (&eleven, "s11"),
        // The table has grown.
        (&twelve, "s5"),
    ];
    for (id, (names, expected)) in (1..).zip(cases) {
        for name in names {
            register(&store, name, &format!("x{id}")).await;
        }
        let speaker = store.speaker_of_id(&context("."), SchemaId(id)).await.unwrap().unwrap();
        assert_eq!((speaker.subject.name(), speaker.id.0), (expected, id), "{names:?}");
    }
}

pub async fn registering_live_content_again_writes_nothing(store: AnyStore) {
    let first = store.register(registration("a", content("x"))).await.unwrap();
    register(&store, "a", "y").await;
    let revision = store.revision();
    let again = store.register(registration("a", content("x"))).await.unwrap();
    assert_eq!(again, Registered { existed: true, ..first });
    // Nor does asking for the id that it has.
    let asked = Registration { id: Some(SchemaId(1)), ..registration("a", content("x")) };
    assert!(store.register(asked).await.unwrap().existed);
    assert_eq!(store.revision(), revision);
    assert_eq!(history(&store, "a").await, [(1, 1, false), (2, 2, false)]);
}

pub async fn an_asked_version_must_be_the_next(store: AnyStore) {
    for (asked, taken) in [(2, false), (0, false), (-1, false), (1, true), (1, false), (3, false), (2, true)]
    {
        let text = format!("x{asked}");
        let asking = Registration { version: Some(Version(asked)), ..registration("a", content(&text)) };
        match store.register(asking).await {
            Ok(registered) => assert_eq!((registered.schema.version, taken), (Version(asked), true)),
            result => {
                assert_eq!(refusal(result), "version is not one more than the previous version");
                assert!(!taken, "{asked}");
            }
        }
    }
    assert_eq!(history(&store, "a").await, [(1, 1, false), (2, 2, false)]);
}

pub async fn an_asked_version_repeats_content_under_its_id(store: AnyStore) {
    register(&store, "a", "x").await;
    let again = Registration { version: Some(Version(2)), ..registration("a", content("x")) };
    assert_eq!(numbers(store.register(again).await), (2, 1));
    assert_eq!(history(&store, "a").await, [(1, 1, false), (2, 1, false)]);
    // The version that was last written answers for the id, and for the content.
    assert_eq!(uses(&store, ".", 1).await, one_use("a", 2, "x"));
    assert_eq!(register(&store, "a", "x").await, (2, 1));
}

pub async fn text_of_another_type_does_not_get_the_id(store: AnyStore) {
    register(&store, "a", "x").await;
    let other = || Content { schema_type: SchemaType::Json, ..content("x") };
    // The guid does not cover the type, the content of an id does.
    assert_eq!(
        refusal(store.register(registration("b", other())).await),
        "schema id 1 belongs to another schema"
    );
    let same_subject = store.register(registration("a", other())).await.unwrap();
    assert!(same_subject.existed);
    assert_eq!(same_subject.schema.content.schema_type, SchemaType::Avro);
    assert_eq!(numbers(store.register(registration(":.c:b", other())).await), (1, 1));
}

pub async fn the_clock_dates_every_write(store: AnyStore) {
    let first = store.register(registration("a", content("x"))).await.unwrap().schema.ts_ms;
    let second = store.register(registration("a", content("y"))).await.unwrap().schema.ts_ms;
    assert!(second > first);
    soft_delete(&store, "a", &[1]).await.unwrap();
    let versions = store.state(&subject("a")).await.unwrap().versions;
    assert!(versions[0].ts_ms > second);
    assert_eq!(versions[1].ts_ms, second);
}

pub async fn any_name_is_a_name(store: AnyStore) {
    let names = ["a\0b", "a", "'; DROP TABLE subjects; --", "a:b", "\u{1f600}", " ", "%", "A"];
    for (number, name) in (1..).zip(names) {
        assert_eq!(register(&store, name, name).await, (1, number), "{name:?}");
        assert_eq!(uses(&store, ".", number).await, one_use(name, 1, name));
    }
    // A reference to one of them is found again.
    let referrer = referring("r", &[("a\0b", 1)]);
    store.register(registration("r", referrer)).await.unwrap();
    assert_eq!(store.referrers(&subject("a\0b"), Version(1)).await.unwrap().len(), 1);
    assert_eq!(store.referrers(&subject("a"), Version(1)).await.unwrap(), []);
    // A basis with such names is still one that can hold.
    let state = store.state(&subject("a\0b")).await.unwrap();
    let next = Registration { basis: state.basis, ..registration("a\0b", content("next")) };
    assert_eq!(store.register(next).await.unwrap().schema.version, Version(2));
}

pub async fn a_named_contexts_empty_subject_holds_schemas(store: AnyStore) {
    assert_eq!(register(&store, ":.c:", "x").await, (1, 1));
    assert_eq!(history(&store, ":.c:").await, [(1, 1, false)]);
    assert_eq!(store.subjects(&everything()).await.unwrap()[0].subject, subject(":.c:"));
    // It shares its key with the settings of the context.
    let based = store.state(&subject(":.c:a")).await.unwrap().basis;
    register(&store, ":.c:", "y").await;
    let late = Registration { basis: based, ..registration(":.c:a", content("z")) };
    assert_eq!(refusal(store.register(late).await), "the state has changed since the decision");
}
