//! Configs and modes (registry API spec §6).

use std::collections::BTreeMap;

use muster_registry::store::{Basis, ConfigRecord, LevelSettings, Mode};
use muster_schema::{CompatibilityLevel, Metadata, RuleSet, Version};

use crate::support::*;

fn group(name: &str) -> Option<ConfigRecord> {
    Some(ConfigRecord { compatibility_group: Some(name.to_owned()), ..ConfigRecord::default() })
}

pub async fn settings_are_read_from_their_four_levels(store: AnyStore) {
    for name in ["a", "", ":.c:", ":.c:a", ":.__GLOBAL:"] {
        store.put_config(&subject(name), group(name), Basis::default()).await.unwrap();
    }
    put_mode(&store, ":.c:", Some(Mode::Import)).await;
    let level = |name: &str, mode| LevelSettings { config: group(name), mode };
    let none = LevelSettings::default;
    let (top, global) = (level("", None), level(":.__GLOBAL:", None));
    let around = level(":.c:", Some(Mode::Import));
    let cases = [
        ("a", level("a", None), top.clone()),
        ("b", none(), top.clone()),
        ("", none(), top.clone()),
        (":.c:a", level(":.c:a", None), around.clone()),
        (":.c:b", none(), around.clone()),
        (":.c:", none(), around),
        (":.d:a", none(), none()),
        (":.__GLOBAL:", none(), global.clone()),
    ];
    for (name, own, context) in cases {
        let state = store.state(&subject(name)).await.unwrap();
        let (settings, basis) = store.settings(&subject(name)).await.unwrap();
        assert_eq!(state.settings, settings, "{name}");
        assert_eq!(state.basis, basis, "{name}");
        assert_eq!((settings.subject, settings.context), (own, context), "{name}");
        assert_eq!((settings.top, settings.global), (top.clone(), global.clone()), "{name}");
    }
}

pub async fn every_member_of_a_config_is_kept(store: AnyStore) {
    let full = ConfigRecord {
        compatibility_level: Some(CompatibilityLevel::FullTransitive),
        compatibility_policy: Some("LENIENT".into()),
        compatibility_group: Some("application".into()),
        alias: Some(":.c:other".into()),
        alias_for_deks: Some("deks".into()),
        normalize: Some(true),
        validate_fields: Some(false),
        validate_new_schemas: Some(true),
        validate_rules: Some(false),
        default_metadata: Some(Metadata::default()),
        override_metadata: Some(Metadata {
            properties: Some(BTreeMap::from([("k".into(), "v".into())])),
            ..Metadata::default()
        }),
        default_rule_set: Some(RuleSet::default()),
        override_rule_set: Some(RuleSet { domain_rules: Some(Vec::new()), ..RuleSet::default() }),
    };
    for config in [full, ConfigRecord::default()] {
        store.put_config(&subject("a"), Some(config.clone()), Basis::default()).await.unwrap();
        assert_eq!(store.settings(&subject("a")).await.unwrap().0.subject.config, Some(config));
    }
    store.put_config(&subject("a"), None, Basis::default()).await.unwrap();
    assert_eq!(store.settings(&subject("a")).await.unwrap().0.subject.config, None);
    for mode in Mode::ALL {
        put_mode(&store, "a", Some(mode)).await;
        assert_eq!(store.settings(&subject("a")).await.unwrap().0.subject.mode, Some(mode));
    }
}

pub async fn clearing_what_is_not_set_writes_nothing(store: AnyStore) {
    put_mode(&store, "mode", Some(Mode::ReadOnly)).await;
    put_alias(&store, "config", "x").await;
    let revision = store.revision();
    for name in ["mode", "none", ":.none:", ""] {
        store.put_config(&subject(name), None, Basis::default()).await.unwrap();
    }
    for name in ["config", "none", ":.none:", ""] {
        put_mode(&store, name, None).await;
    }
    store.clear_modes(&context(".none"), Basis::default()).await.unwrap();
    assert_eq!(store.revision(), revision);
    put_mode(&store, "mode", None).await;
    assert_eq!(store.settings(&subject("mode")).await.unwrap().0.subject, LevelSettings::default());
}

pub async fn modes_are_cleared_in_one_context_only(store: AnyStore) {
    register(&store, ":.c:a", "x").await;
    for name in ["a", "", ":.c:", ":.c:a", ":.c:b", ":.__GLOBAL:"] {
        put_mode(&store, name, Some(Mode::ReadOnly)).await;
    }
    put_alias(&store, ":.c:a", "b").await;
    // Read them once, so that nothing old is kept.
    store.state(&subject(":.c:a")).await.unwrap();
    store.clear_modes(&context(".c"), Basis::default()).await.unwrap();
    let settings = store.state(&subject(":.c:a")).await.unwrap().settings;
    assert_eq!((settings.subject.mode, settings.context.mode), (None, None));
    assert!(settings.subject.config.is_some());
    assert_eq!((settings.top.mode, settings.global.mode), (Some(Mode::ReadOnly), Some(Mode::ReadOnly)));
    assert_eq!(store.settings(&subject(":.c:b")).await.unwrap().0.subject.mode, None);
    assert_eq!(store.settings(&subject("a")).await.unwrap().0.subject.mode, Some(Mode::ReadOnly));
    store.clear_modes(&context("."), Basis::default()).await.unwrap();
    let settings = store.settings(&subject("a")).await.unwrap().0;
    assert_eq!((settings.subject.mode, settings.top.mode), (None, None));
    assert_eq!(settings.global.mode, Some(Mode::ReadOnly));
}

pub async fn import_mode_needs_an_empty_target(store: AnyStore) {
    register(&store, ":.c:a", "x").await;
    let cases = [
        (":.c:a", false),
        (":.c:", false),
        ("", false),
        (":.__GLOBAL:", false),
        (":.c:b", true),
        ("a", true),
        (":.d:", true),
    ];
    for (target, allowed) in cases {
        let result = store.put_mode(mode_change(target, Some(Mode::Import), true)).await;
        if allowed {
            result.unwrap();
        } else {
            assert_eq!(refusal(result), "subjects exist", "{target}");
        }
    }
    // Asking for no check, there is none.
    put_mode(&store, ":.c:", Some(Mode::Import)).await;
}

pub async fn import_mode_forgets_what_is_soft_deleted(store: AnyStore) {
    let names = ["a", "b", ":.c:a", ":.c:b", ":.d:a"];
    let cases: [(&str, &[&str]); 4] =
        [("a", &["a"]), (":.c:", &[":.c:a", ":.c:b"]), ("", &names), (":.__GLOBAL:", &names)];
    for (target, forgotten) in cases {
        for name in names {
            for text in ["x", "y"] {
                let (version, _) = register(&store, name, text).await;
                soft_delete(&store, name, &[version]).await.unwrap();
            }
        }
        put_alias(&store, "a", "kept").await;
        // Read them once, so that nothing old is kept.
        for name in names {
            assert!(!history(&store, name).await.is_empty());
        }
        store.put_mode(mode_change(target, Some(Mode::Import), true)).await.unwrap();
        for name in names {
            assert_eq!(history(&store, name).await.is_empty(), forgotten.contains(&name), "{target} {name}");
        }
        assert!(store.settings(&subject("a")).await.unwrap().0.subject.config.is_some());
        put_mode(&store, target, None).await;
    }
    // All ids are free again for an import, and none is given out again.
    assert_eq!(numbers(store.register(import("b", content("new"), 1, None)).await), (1, 1));
    let highest = store.max_id(&context(".")).await.unwrap().unwrap().0;
    assert_eq!(register(&store, "b", "newer").await, (2, highest + 1));
}

pub async fn import_mode_spares_what_is_referenced(store: AnyStore) {
    register(&store, "t", "x").await;
    store.register(registration(":.c:r", referring("r", &[("t", 1), (":.:t", 1)]))).await.unwrap();
    soft_delete(&store, ":.c:r", &[1]).await.unwrap();
    soft_delete(&store, "t", &[1]).await.unwrap();
    for target in ["t", ""] {
        let refused = store.put_mode(mode_change(target, Some(Mode::Import), true)).await;
        assert_eq!(refusal(refused), "version 1 of subject t is referenced", "{target}");
    }
    assert_eq!(history(&store, ":.c:r").await, [(1, 1, true)]);
    store.put_mode(mode_change(":.c:", Some(Mode::Import), true)).await.unwrap();
    assert_eq!(store.referrers(&subject("t"), Version(1)).await.unwrap(), []);
    store.put_mode(mode_change("t", Some(Mode::Import), true)).await.unwrap();
}

pub async fn a_refused_mode_is_not_set(store: AnyStore) {
    register(&store, "a", "x").await;
    let revision = store.revision();
    let refused = store.put_mode(mode_change("a", Some(Mode::Import), true)).await;
    assert_eq!(refusal(refused), "subjects exist");
    assert_eq!(store.settings(&subject("a")).await.unwrap().0.subject.mode, None);
    assert_eq!(store.revision(), revision);
}
