//! Clients that nobody here wrote, through the gateway: every codec, kind of producer and group works as without it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use serde_json::{Value, json};
use support::cluster::{Cluster, INVALID_RECORD, ORDER, VALIDATION, records, reports};
use support::python;
use support::wire::framed;

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

#[test]
fn avro_serializer_registers_and_reads_back_under_each_strategy() {
    let Some(cluster) = Cluster::start("avro_serializer_registers_and_reads_back_under_each_strategy") else {
        return;
    };
    let schema = r#"{"type":"record","name":"Sale","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"customer","type":"string"}]}"#;
    let cases = [
        ("TopicNameStrategy", "sales1-value"),
        ("RecordNameStrategy", "shop.Sale"),
        ("TopicRecordNameStrategy", "sales3-shop.Sale"),
    ];
    for (number, (strategy, subject)) in (1..).zip(cases) {
        let topic = format!("sales{number}");
        let class = format!("io.confluent.kafka.serializers.subject.{strategy}");
        let setting = if number == 2 { class } else { strategy.to_owned() };
        cluster.create(&topic, json!({VALIDATION: "true", "confluent.value.subject.name.strategy": setting}));
        let spec = json!({"config": cluster.config(), "registry": cluster.registry.url(), "topic": topic,
            "count": 500, "schema": schema, "strategy": strategy});
        let answer = python::client("avro", &spec);
        assert_eq!(answer, json!({"failures": [], "read": 500, "equal": true}), "{strategy}");
        let subjects = cluster.registry.client().get("/subjects").ok();
        assert!(subjects.as_array().unwrap().contains(&json!(subject)), "{strategy}: {subjects}");
    }
    // The strategy matters: what the second topic accepts is under no subject of the first.
    let id = cluster.registry.client().register("other-value", ORDER);
    let refused = cluster.produce_one("sales2", &framed(id, &[2])).unwrap_err();
    assert_eq!(refused.code, Some(INVALID_RECORD));
    assert!(refused.text.contains("shop.Order"), "the subject by record name: {}", refused.text);
}

#[test]
fn librdkafka_is_validated_in_every_codec() {
    let Some(cluster) = Cluster::start("librdkafka_is_validated_in_every_codec") else { return };
    let mut dump = Vec::new();
    for codec in CODECS {
        let topic = format!("codec-{codec}");
        cluster.create_validated(&topic);
        let id = cluster.register_order(&topic);
        // Compressible, so that the client does compress.
        let good: Vec<Vec<u8>> = (0..200).map(|_| framed(id, &[2; 100])).collect();
        let setting = json!({"compression.type": codec});
        let written = cluster.produce_with(&topic, &good, &setting);
        assert!(written.iter().all(|report| report.code.is_none()), "{codec}: {written:?}");
        let mut bad = good.clone();
        bad[150] = b"no framing".repeat(10);
        let refused = cluster.produce_with(&topic, &bad, &setting);
        assert_eq!(refused[150].code, Some(INVALID_RECORD), "{codec}: {:?}", refused[150]);
        assert!(refused.iter().all(|report| report.code.is_some()), "{codec}: one batch, refused as a whole");
        assert_eq!(cluster.broker.end_offset(&topic), 200, "{codec}");
        dump.push(cluster.broker.log_segment(&topic).display().to_string());
    }
    // Compressed indeed: a client that thinks the broker cannot do it falls back to none without a word.
    let log = cluster.kit.tool("org.apache.kafka.tools.DumpLogSegments", &["--files", &dump.join(",")]).ok();
    for codec in CODECS {
        assert!(log.contains(&format!("compresscodec: {codec} ")), "{codec} is not in the log:\n{log}");
    }
}

#[test]
fn javas_producer_is_validated_in_every_codec() {
    let Some(cluster) = Cluster::start("javas_producer_is_validated_in_every_codec") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, line: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, [line, b"\n"].concat().repeat(50)).unwrap();
        path.display().to_string()
    };
    cluster.create_validated("perf");
    let id = cluster.register_order("perf");
    let good = file("good", &framed(id, &[4; 100]));
    let bad = file("bad", &b"no framing".repeat(10));
    let mut written = 0;
    for codec in CODECS {
        let perf = |payload: &str, count: i64, more: &[&str]| {
            let count = count.to_string();
            let compression = format!("compression.type={codec}");
            let fixed = [
                "--bootstrap-server",
                &cluster.gateway.address,
                "--topic",
                "perf",
                "--num-records",
                &count,
                "--throughput",
                "-1",
                "--payload-file",
                payload,
                "--command-property",
                &compression,
            ];
            cluster.kit.tool("org.apache.kafka.tools.ProducerPerformance", &[&fixed, more].concat())
        };
        let sent = perf(&good, 2_000, &[]);
        assert!(sent.status == 0 && !sent.err.contains("Exception"), "{codec}: {sent:?}");
        written += 2_000;
        assert_eq!(cluster.broker.end_offset("perf"), written, "{codec}");
        let refused = perf(&bad, 20, &[]);
        let said = format!("{}{}", refused.out, refused.err);
        assert!(said.contains("InvalidRecordException") && said.contains("NO_MAGIC"), "{codec}: {said}");
        assert_eq!(cluster.broker.end_offset("perf"), written, "{codec}: nothing of it is in the log");
    }
}

#[test]
fn an_idempotent_producer_goes_on_after_a_refusal() {
    let Some(cluster) = Cluster::start("an_idempotent_producer_goes_on_after_a_refusal") else { return };
    cluster.create_validated("idempotent");
    let id = cluster.register_order("idempotent");
    let value = |number: u8| framed(id, &[2, number]);
    // Many small batches in flight at once, a bad one among them.
    let mut values: Vec<Vec<u8>> = (0..100).map(value).collect();
    values[50] = b"no framing".to_vec();
    let mut config = cluster.config();
    for (name, setting) in
        [("enable.idempotence", json!(true)), ("batch.num.messages", json!(1)), ("linger.ms", json!(0))]
    {
        config[name] = setting;
    }
    let then: Vec<Vec<u8>> = (100..110).map(value).collect();
    let spec =
        json!({"config": config, "topic": "idempotent", "records": records(&values), "then": records(&then)});
    let reports = reports(&python::client("produce", &spec));
    assert_eq!(reports[50].code, Some(INVALID_RECORD), "{:?}", reports[50]);
    let failed: Vec<usize> = (0..reports.len()).filter(|index| reports[*index].code.is_some()).collect();
    assert_eq!(failed, [50], "only the bad one fails: {reports:?}");
    let numbers: Vec<String> = cluster
        .broker
        .records("idempotent", 109)
        .iter()
        .map(|record| record["value"].as_str().unwrap().chars().skip(12).collect())
        .collect();
    let expected: Vec<String> =
        (0..110).filter(|number| *number != 50).map(|number: u8| format!("{number:02x}")).collect();
    assert_eq!(numbers, expected, "in order, none twice");
    assert_eq!(cluster.broker.end_offset("idempotent"), 109);
}

#[test]
fn transactions_commit_and_a_refusal_aborts_one() {
    let Some(cluster) = Cluster::start("transactions_commit_and_a_refusal_aborts_one") else { return };
    cluster.create_validated("transactional");
    let id = cluster.register_order("transactional");
    let value = |number: u8| framed(id, &[2, number]);
    let mut config = cluster.config();
    config["transactional.id"] = json!("t1");
    let send = |values: &[Vec<u8>], transaction: &str, then: &[Vec<u8>]| {
        let spec = json!({"config": config, "topic": "transactional", "records": records(values),
            "transaction": transaction, "then": records(then)});
        python::client("produce", &spec)
    };
    let committed = send(&[value(1), value(2)], "commit", &[]);
    assert_eq!(committed["transaction"], Value::Null, "{committed}");
    send(&[value(3)], "abort", &[]);
    let refused = send(&[value(4), b"no framing".to_vec()], "commit", &[value(5)]);
    assert_eq!(reports(&refused)[1].code, Some(INVALID_RECORD), "{refused}");
    assert_eq!(refused["abortable"], true, "the application may abort and go on: {refused}");
    assert!(refused["attempts"].is_i64(), "the same producer goes on: {refused}");
    // What a reader of committed records sees in the end.
    let spec = json!({"config": cluster.config(), "topics": ["transactional"], "count": 4, "seconds": 5});
    let mut committed_only = spec.clone();
    committed_only["config"]["isolation.level"] = json!("read_committed");
    let seen: Vec<String> = python::client("consume", &committed_only)
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["value"].as_str().unwrap().chars().skip(12).collect())
        .collect();
    assert_eq!(seen, ["01", "02", "05"]);
}

#[test]
fn javas_transactional_producer_works() {
    let Some(cluster) = Cluster::start("javas_transactional_producer_works") else { return };
    cluster.create_validated("java-transactional");
    let id = cluster.register_order("java-transactional");
    let folder = tempfile::tempdir().unwrap();
    let payload = folder.path().join("payload");
    std::fs::write(&payload, [&framed(id, &[4; 20])[..], b"\n"].concat().repeat(10)).unwrap();
    let payload = payload.display().to_string();
    let arguments = [
        "--bootstrap-server",
        &cluster.gateway.address,
        "--topic",
        "java-transactional",
        "--num-records",
        "1000",
        "--throughput",
        "-1",
        "--payload-file",
        &payload,
        "--transactional-id",
        "java-1",
        "--transaction-duration-ms",
        "50",
    ];
    let sent = cluster.kit.tool("org.apache.kafka.tools.ProducerPerformance", &arguments);
    assert!(sent.status == 0 && !sent.err.contains("Exception"), "{sent:?}");
    let arguments = [
        "--bootstrap-server",
        &cluster.gateway.address,
        "--topic",
        "java-transactional",
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--max-messages",
        "1000",
        "--timeout-ms",
        "20000",
    ];
    let read = cluster.kit.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", &arguments);
    assert!(read.err.contains("Processed a total of 1000 messages"), "{}", read.err);
}

#[test]
fn a_consumer_group_shares_partitions_and_commits() {
    let Some(cluster) = Cluster::start("a_consumer_group_shares_partitions_and_commits") else { return };
    let create = json!([{"name": "shared", "partitions": 2, "config": {VALIDATION: "true"}}]);
    python::client("admin", &json!({"config": cluster.config(), "create": create}));
    let id = cluster.register_order("shared");
    for partition in 0..2 {
        let values: Vec<Vec<u8>> = (0..50).map(|number| framed(id, &[2, number])).collect();
        let spec = json!({"config": cluster.config(), "topic": "shared", "partition": partition, "records": records(&values)});
        assert!(reports(&python::client("produce", &spec)).iter().all(|report| report.code.is_none()));
    }
    for protocol in ["classic", "consumer"] {
        let mut config = cluster.config();
        config["group.protocol"] = json!(protocol);
        if protocol == "classic" {
            config["heartbeat.interval.ms"] = json!(200);
        }
        let spec =
            json!({"config": config, "topic": "shared", "group": format!("group-{protocol}"), "count": 100});
        let answer = python::client("group", &spec);
        assert_eq!(answer, json!({"assigned": [1, 1], "distinct": 100, "left_over": 0}), "{protocol}");
    }
}

#[test]
fn clients_see_the_gateway_and_never_a_broker() {
    let Some(cluster) = Cluster::start("clients_see_the_gateway_and_never_a_broker") else { return };
    cluster.create("addresses", json!({}));
    let gateway = &cluster.gateway.address;
    let real = cluster.broker.address();
    let seen = python::client("brokers", &json!({"config": cluster.config()}));
    let brokers: Vec<&str> =
        seen["brokers"].as_array().unwrap().iter().map(|b| b.as_str().unwrap()).collect();
    assert_eq!(brokers.len(), 1, "{seen}");
    let port: u16 = brokers[0].strip_prefix("127.0.0.1:").unwrap().parse().unwrap();
    assert!(
        (cluster.gateway.port()..cluster.gateway.port() + 4).contains(&port),
        "from --listen upwards: {seen}"
    );

    // Java: what the broker can do, its cluster, its groups' coordinators.
    let versions = cluster
        .kit
        .tool("org.apache.kafka.tools.BrokerApiVersionsCommand", &["--bootstrap-server", gateway])
        .ok();
    assert!(!versions.contains(&real) && !versions.contains("UNKNOWN"), "{versions}");
    assert!(versions.contains("Produce(0): 0 to 13"), "librdkafka needs the 0 to compress: {versions}");
    let fetch = versions.lines().find(|line| line.trim().starts_with("Fetch(1)")).expect("Fetch is offered");
    let newest: i32 = fetch.split(" to ").nth(1).unwrap().split([' ', ',']).next().unwrap().parse().unwrap();
    assert!(newest <= 15, "newer ones name brokers in their answers: {fetch}");
    for hidden in ["WriteTxnMarkers", "AlterPartition(", "BrokerRegistration", "AllocateProducerIds"] {
        let line = versions.lines().find(|line| line.contains(hidden)).unwrap_or_default();
        assert!(line.is_empty() || line.contains("UNSUPPORTED"), "between brokers only: {line}");
    }
    let tools: [(&str, &[&str]); 4] = [
        ("org.apache.kafka.tools.TopicCommand", &["--describe", "--topic", "addresses"]),
        ("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", &["--list", "--state"]),
        ("kafka.admin.ConfigCommand", &["--describe", "--entity-type", "brokers", "--entity-name", "1"]),
        ("org.apache.kafka.tools.GetOffsetShell", &["--topic", "addresses"]),
    ];
    for (tool, arguments) in tools {
        let said = cluster.kit.tool(tool, &[&["--bootstrap-server", gateway], arguments].concat());
        assert_eq!(said.status, 0, "{tool}: {said:?}");
        assert!(!said.out.contains(&real), "{tool}: {}", said.out);
    }
}

#[test]
fn without_acknowledgements_good_records_arrive_and_bad_ones_do_not() {
    let Some(cluster) = Cluster::start("without_acknowledgements_good_records_arrive_and_bad_ones_do_not")
    else {
        return;
    };
    cluster.create_validated("unacknowledged");
    let id = cluster.register_order("unacknowledged");
    let settings = json!({"acks": 0, "enable.idempotence": false});
    cluster.produce_with("unacknowledged", &[b"no framing".to_vec(), framed(id, &[2])], &settings);
    cluster.produce_with("unacknowledged", &[framed(id, &[4]), framed(id, &[6])], &settings);
    let stored = cluster.broker.records("unacknowledged", 2);
    let values: Vec<&str> = stored.iter().map(|record| record["value"].as_str().unwrap()).collect();
    assert_eq!(values.iter().map(|value| &value[10..]).collect::<Vec<_>>(), ["04", "06"]);
    assert_eq!(cluster.broker.end_offset("unacknowledged"), 2);
}

#[test]
fn tombstones_pass_and_keys_are_judged_on_their_own() {
    let Some(cluster) = Cluster::start("tombstones_pass_and_keys_are_judged_on_their_own") else { return };
    cluster.create("keyed", json!({VALIDATION: "true", "confluent.key.schema.validation": "true"}));
    let value = cluster.register_order("keyed");
    let key = cluster.registry.client().register("keyed-key", "\"long\"");
    let hex = |id, rest: &[u8]| json!(support::hex(&framed(id, rest)));
    // Key, value, and whether it is refused.
    let cases = [
        (hex(key, &[2]), hex(value, &[2]), false),
        (hex(key, &[2]), Value::Null, false),
        (Value::Null, hex(value, &[2]), false),
        (json!("6b6579"), hex(value, &[2]), true),
        (hex(value, &[2]), hex(value, &[2]), true),
        (hex(key, &[2]), hex(key, &[2]), true),
    ];
    for (key, value, refusal) in cases {
        let record = json!({"key": key, "value": value});
        let spec = json!({"config": cluster.config(), "topic": "keyed", "records": [record]});
        let report = reports(&python::client("produce", &spec)).pop().unwrap();
        assert_eq!(report.code, refusal.then_some(INVALID_RECORD), "{record}: {report:?}");
    }
    let refused = cluster.produce_one("keyed", b"no framing").unwrap_err();
    assert!(refused.text.starts_with("value:") && refused.text.contains("keyed-value"), "{refused:?}");
}
