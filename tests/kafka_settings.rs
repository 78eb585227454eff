//! Topic settings: through Kafka's tools, an admin client and `muster topics`; what they survive and when they end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::cluster::{Cluster, INVALID_CONFIG, INVALID_RECORD, VALIDATION};
use support::muster::{Gateway, run_muster};
use support::wait_for;
use support::wire::framed;

const STRATEGY: &str = "confluent.value.subject.name.strategy";

/// Whether `topic` is validated now: whether a record without framing is refused.
fn validated(cluster: &Cluster, topic: &str) -> bool {
    match cluster.produce_one(topic, b"no framing") {
        Ok(()) => false,
        Err(report) => {
            assert_eq!(report.code, Some(INVALID_RECORD), "{report:?}");
            true
        }
    }
}

#[test]
fn kafka_configs_alters_describes_and_deletes() {
    let Some(cluster) = Cluster::start("kafka_configs_alters_describes_and_deletes") else { return };
    let gateway = &cluster.gateway.address;
    cluster.create("altered", json!({}));
    let configs = |arguments: &[&str]| cluster.kit.topic_configs(gateway, "altered", arguments);
    assert!(!configs(&["--describe"]).ok().contains("confluent."), "nothing is set yet");
    let all = configs(&["--describe", "--all"]).ok();
    assert!(all.contains(&format!("{VALIDATION}=false")), "the default is shown with --all: {all}");
    assert!(all.contains("cleanup.policy=delete"), "and the broker's own settings: {all}");

    // Ours and the broker's in one call.
    configs(&[
        "--alter",
        "--add-config",
        &format!("{VALIDATION}=TRUE,retention.ms=7200000,{STRATEGY}=RecordNameStrategy"),
    ])
    .ok();
    let set = configs(&["--describe"]).ok();
    for part in [&format!("{VALIDATION}=true"), "retention.ms=7200000", &format!("{STRATEGY}=")] {
        assert!(set.to_lowercase().contains(&part.to_lowercase()), "{part}: {set}");
    }
    assert!(validated(&cluster, "altered"));
    // One goes, the others stay.
    configs(&["--alter", "--delete-config", STRATEGY]).ok();
    let set = configs(&["--describe"]).ok();
    assert!(!set.contains(STRATEGY) && set.contains(VALIDATION) && set.contains("retention.ms"), "{set}");
    configs(&["--alter", "--delete-config", VALIDATION]).ok();
    assert!(!configs(&["--describe"]).ok().contains("confluent."));
    assert!(!validated(&cluster, "altered"));

    let refused = configs(&["--alter", "--add-config", &format!("{VALIDATION}=maybe")]).refused();
    assert!(refused.contains("InvalidConfigurationException") && refused.contains("maybe"), "{refused}");
    let refused = configs(&["--alter", "--add-config", &format!("{STRATEGY}=MyStrategy")]).refused();
    assert!(refused.contains("InvalidConfigurationException") && refused.contains("MyStrategy"), "{refused}");
    // A bad value beside a good one: neither takes effect.
    configs(&["--alter", "--add-config", &format!("{VALIDATION}=maybe,retention.ms=1234567")]).refused();
    assert!(!configs(&["--describe"]).ok().contains("1234567"), "the resource is refused as a whole");
    let missing = cluster.kit.topic_configs(
        gateway,
        "no-such-topic",
        &["--alter", "--add-config", &format!("{VALIDATION}=true")],
    );
    let missing = missing.refused();
    assert!(missing.contains("UnknownTopicOrPartition") || missing.contains("does not exist"), "{missing}");
}

#[test]
fn settings_given_at_creation_hold_at_once() {
    let Some(cluster) = Cluster::start("settings_given_at_creation_hold_at_once") else { return };
    cluster.create("created", json!({VALIDATION: "true", "retention.ms": "7200000"}));
    assert!(validated(&cluster, "created"));
    let described = cluster.kit.topic_configs(&cluster.gateway.address, "created", &["--describe"]).ok();
    assert!(
        described.contains(&format!("{VALIDATION}=true")) && described.contains("retention.ms=7200000"),
        "{described}"
    );
    let topics = "org.apache.kafka.tools.TopicCommand";
    let described = cluster
        .kit
        .tool(topics, &["--bootstrap-server", &cluster.gateway.address, "--describe", "--topic", "created"]);
    assert!(described.ok().contains(&format!("{VALIDATION}=true")), "kafka-topics shows it, too");
}

#[test]
fn impossible_settings_create_nothing() {
    let Some(cluster) = Cluster::start("impossible_settings_create_nothing") else { return };
    let cases = [
        json!({VALIDATION: "maybe"}),
        json!({VALIDATION: ""}),
        json!({"confluent.key.schema.validation": "1"}),
        json!({VALIDATION: "true", STRATEGY: "MyStrategy"}),
        json!({STRATEGY: "topicnamestrategy"}),
        json!({VALIDATION: "maybe", "retention.ms": "7200000"}),
        // Not ours, and unknown to the broker: its own answer comes through.
        json!({VALIDATION: "true", "no.such.setting": "1"}),
        json!({VALIDATION: "true", "retention.ms": "soon"}),
    ];
    for settings in cases {
        let (code, text) = cluster.try_create("impossible", settings.clone()).expect("refused");
        assert_eq!(code, INVALID_CONFIG, "{settings}: {text}");
        let exists = support::python::client(
            "brokers",
            &json!({"config": support::kafka::config(&cluster.broker.address())}),
        );
        assert!(
            !exists["topics"].as_array().unwrap().contains(&json!("impossible")),
            "{settings} created it"
        );
    }
    // Nothing is left of the attempts either.
    cluster.create("impossible", json!({}));
    assert!(!validated(&cluster, "impossible"));
}

#[test]
fn a_dry_run_stores_nothing() {
    let Some(cluster) = Cluster::start("a_dry_run_stores_nothing") else { return };
    let create = json!([{"name": "dry", "config": {VALIDATION: "true"}}]);
    let spec = json!({"config": cluster.config(), "create": create, "validate_only": true});
    assert_eq!(support::python::client("admin", &spec)["dry"], Value::Null);
    cluster.create("dry", json!({}));
    assert!(!validated(&cluster, "dry"));
}

#[test]
fn settings_survive_a_restart_of_the_gateway() {
    let Some(mut cluster) = Cluster::start("settings_survive_a_restart_of_the_gateway") else { return };
    cluster.create_validated("kept-1");
    cluster.create("kept-2", json!({}));
    run_muster(&[
        "topics",
        "set",
        "kept-2",
        &format!("{VALIDATION}=true"),
        "--bootstrap",
        &cluster.gateway.address,
    ])
    .ok();
    let id = cluster.register_order("kept-1");
    cluster.gateway.process.kill();
    cluster.gateway = Gateway::start(&cluster.broker.address(), &cluster.registry.url());
    // From the first record on: the port opens after the settings have been read.
    assert!(validated(&cluster, "kept-1"));
    assert!(validated(&cluster, "kept-2"));
    cluster.produce_one("kept-1", &framed(id, &[2])).unwrap();
    let listed = run_muster(&["topics", "list", "--bootstrap", &cluster.gateway.address]).ok();
    assert!(listed.contains("kept-1") && listed.contains("kept-2"), "{listed}");
}

#[test]
fn settings_end_with_their_topic() {
    let Some(mut cluster) = Cluster::start("settings_end_with_their_topic") else { return };
    cluster.create_validated("reborn");
    assert!(validated(&cluster, "reborn"));
    cluster.delete("reborn");
    let list = || run_muster(&["topics", "list", "--bootstrap", &cluster.gateway.address]).ok();
    assert!(!list().contains("reborn"), "{}", list());
    cluster.create("reborn", json!({}));
    assert!(!validated(&cluster, "reborn"), "the new topic starts clean");

    // Deleted behind the gateway's back, at the broker itself.
    cluster.create_validated("reborn-2");
    let direct = support::kafka::config(&cluster.broker.address());
    support::python::client("admin", &json!({"config": direct, "delete": ["reborn-2"]}));
    wait_for("the deletion to be done", Duration::from_secs(30), || {
        let answer =
            support::python::client("admin", &json!({"config": direct, "create": [{"name": "reborn-2"}]}));
        answer["reborn-2"].is_null().then_some(())
    });
    // Seen at the next look at the cluster; until then the old settings stand, for a broker may lag behind.
    let clean = |cluster: &Cluster| (!validated(cluster, "reborn-2")).then_some(());
    wait_for("the gateway to see the new topic", Duration::from_secs(30), || clean(&cluster));
    cluster.gateway.process.kill();
    cluster.gateway = Gateway::start(&cluster.broker.address(), &cluster.registry.url());
    assert!(!validated(&cluster, "reborn"));
    wait_for("the new gateway to see it, too", Duration::from_secs(30), || clean(&cluster));
}

#[test]
fn two_gateways_agree_within_seconds() {
    let Some(cluster) = Cluster::start("two_gateways_agree_within_seconds") else { return };
    cluster.create("both", json!({}));
    let second = Gateway::start(&cluster.broker.address(), &cluster.registry.url());
    assert!(!validated(&cluster, "both"));
    for wanted in [true, false] {
        let setting = format!("{VALIDATION}={wanted}");
        run_muster(&["topics", "set", "both", &setting, "--bootstrap", &second.address]).ok();
        wait_for("the other gateway to follow", Duration::from_secs(10), || {
            (validated(&cluster, "both") == wanted).then_some(())
        });
    }
}

#[test]
fn muster_topics_sets_gets_and_lists() {
    let Some(cluster) = Cluster::start("muster_topics_sets_gets_and_lists") else { return };
    cluster.create("by-hand", json!({"retention.ms": "7200000"}));
    let gateway = cluster.gateway.address.clone();
    let topics = |line: &str| {
        let mut arguments: Vec<&str> = vec!["topics"];
        arguments.extend(line.split_whitespace());
        arguments.extend(["--bootstrap", &gateway]);
        run_muster(&arguments)
    };
    let set = topics(&format!("set by-hand {VALIDATION}=true {STRATEGY}=TopicRecordNameStrategy")).ok();
    assert!(set.contains(&format!("{VALIDATION}=true")), "prints the settings that hold now: {set}");
    let text = topics("get by-hand").ok();
    assert!(text.lines().any(|line| line == format!("{VALIDATION}=true")), "{text}");
    assert!(text.contains("confluent.key.schema.validation=false (default)"), "{text}");
    assert!(!text.contains("retention"), "only what the gateway decides: {text}");
    let json_text = topics("get by-hand --output json").json();
    assert_eq!(json_text["topic"], "by-hand");
    assert_eq!(json_text["settings"][VALIDATION], "true", "{json_text}");
    assert!(
        json_text["settings"][STRATEGY].as_str().unwrap().ends_with("TopicRecordNameStrategy"),
        "{json_text}"
    );
    assert!(
        topics("list").ok().lines().any(|line| line.starts_with("by-hand ") && line.contains(VALIDATION))
    );
    let listed = topics("list --output json").json();
    assert!(listed.as_array().unwrap().iter().any(|entry| entry["topic"] == "by-hand"), "{listed}");
    assert!(validated(&cluster, "by-hand"));

    topics(&format!("set by-hand {VALIDATION}= {STRATEGY}=")).ok();
    assert!(!topics("list").ok().contains("by-hand"), "an empty value resets");
    assert!(!validated(&cluster, "by-hand"));
    for (line, part) in [
        (format!("set by-hand {VALIDATION}=maybe"), "maybe"),
        (format!("set by-hand {STRATEGY}=Mine"), "Mine"),
        ("set by-hand nonsense".to_owned(), "NAME=VALUE"),
        (format!("set no-such-topic {VALIDATION}=true"), "no-such-topic"),
        ("get no-such-topic".to_owned(), "no-such-topic"),
    ] {
        let refused = topics(&line);
        assert!(refused.status > 0 && refused.err.contains(part), "{line}: {refused:?}");
        assert_eq!(refused.err.trim_end().lines().count(), 1, "{line}: one line: {}", refused.err);
    }
}

#[test]
fn the_payload_level_looks_behind_the_schema_id() {
    const LEVEL: &str = "muster.validation.level";
    let Some(cluster) = Cluster::start("the_payload_level_looks_behind_the_schema_id") else { return };
    // Language, schema, a payload that fits and one that does not. Protobuf's begin with message index 0.
    let cases: [(&str, &str, &[u8], &[u8]); 3] = [
        (
            "AVRO",
            r#"{"type":"record","name":"R","fields":[{"name":"s","type":"string"}]}"#,
            b"\x04ab",
            b"\x04abc",
        ),
        ("JSON", r#"{"type":"object","required":["a"]}"#, br#"{"a":1}"#, br#"{"b":1}"#),
        (
            "PROTOBUF",
            "syntax = \"proto3\"; message M { string s = 1; }",
            b"\x00\x0a\x02ab",
            b"\x00\x0a\x09ab",
        ),
    ];
    for (language, schema, good, bad) in cases {
        let topic = format!("payload-{}", language.to_lowercase());
        cluster.create(&topic, json!({VALIDATION: "true"}));
        let body = json!({"schemaType": language, "schema": schema});
        let answer = cluster.registry.client().post(&format!("/subjects/{topic}-value/versions"), &body).ok();
        let id = answer["id"].as_i64().unwrap();
        cluster.produce_one(&topic, &framed(id, bad)).expect("the id alone is right");
        run_muster(&[
            "topics",
            "set",
            &topic,
            &format!("{LEVEL}=payload"),
            "--bootstrap",
            &cluster.gateway.address,
        ])
        .ok();
        cluster.produce_one(&topic, &framed(id, good)).expect("it fits");
        let refused = cluster.produce_one(&topic, &framed(id, bad)).unwrap_err();
        assert_eq!(refused.code, Some(INVALID_RECORD), "{language}: {refused:?}");
    }
    let refused = cluster.try_create("levels", json!({LEVEL: "everything"})).expect("refused");
    assert_eq!(refused.0, INVALID_CONFIG, "{refused:?}");
}
