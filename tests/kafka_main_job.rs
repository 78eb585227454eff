//! The main job, on a real broker, from the first command to the refused record.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use support::cluster::{
    Cluster, INVALID_DIFFERENT_RECORD, INVALID_RECORD, PARCEL, VALIDATION, records, reports,
};
use support::process::run;
use support::python;
use support::wire::{batch, framed, produce};

const RECORDS: i64 = 10_000;

/// Runs an example of the `muster-serdes` package, which `tests/run` builds beside the binary, on the topic `orders`.
fn rust_example(name: &str, cluster: &Cluster) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_muster")).parent().expect("a binary lies in a folder");
    let example = folder.join("examples").join(name);
    assert!(example.exists(), "no {}; tests/run builds it", example.display());
    let mut command = Command::new(example);
    command.args(["--bootstrap", &cluster.gateway.address, "--registry", &cluster.registry.url()]);
    command.args(["--topic", "orders", "--count", &RECORDS.to_string()]);
    run(command, b"", Duration::from_secs(120)).ok()
}

#[test]
fn good_records_arrive_and_bad_ones_are_refused_with_the_reason() {
    let Some(cluster) = Cluster::start("good_records_arrive_and_bad_ones_are_refused_with_the_reason") else {
        return;
    };
    cluster.create("orders", json!({ VALIDATION: "true" }));
    cluster.create("plain", json!({}));
    let mut http = cluster.registry.client();

    // A Rust producer with our serdes registers its schema by itself; everything arrives and can be read by others.
    let produced = rust_example("produce", &cluster);
    assert!(produced.contains(&format!("{RECORDS} of {RECORDS} records acknowledged")), "{produced}");
    assert_eq!(cluster.broker.end_offset("orders"), RECORDS);
    assert_eq!(http.get("/subjects").ok(), json!(["orders-value"]), "registered by the serializer");
    let read = rust_example("consume", &cluster);
    assert!(read.contains(&format!("{RECORDS} of {RECORDS} records decoded, 0 failed")), "{read}");
    let registry = cluster.registry.url();
    let spec = json!({"config": cluster.config(), "registry": registry, "topic": "orders", "count": RECORDS});
    let decoded = python::client("decode", &spec);
    assert_eq!(decoded["count"], RECORDS, "{decoded}");
    assert_eq!(decoded["distinct"], RECORDS, "each record once: {decoded}");

    // Bad records, each kind in a batch with good ones: the batch is refused, and each bad record knows why.
    let id = http.get("/subjects/orders-value/versions/latest").ok()["id"].as_i64().unwrap();
    let parcel = http.register("parcels-value", PARCEL);
    let good = cluster.broker.records("orders", 1)[0]["value"].as_str().unwrap().to_owned();
    let good: Vec<u8> =
        (0..good.len() / 2).map(|i| u8::from_str_radix(&good[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert_eq!(good[..5], framed(id, b"")[..5], "the serializer's framing");
    let unknown = 4_711;
    let kinds: [(&str, Vec<u8>, &[&str]); 4] = [
        ("no framing", b"plain text".to_vec(), &["NO_MAGIC", "orders-value"]),
        ("cut framing", vec![0, 0], &["TOO_SHORT", "orders-value"]),
        ("an unknown id", framed(unknown, &good[5..]), &["UNKNOWN_ID", "4711", "orders-value"]),
        (
            "the id of another subject",
            framed(parcel, &[2]),
            &["WRONG_SUBJECT", &parcel.to_string(), "orders-value"],
        ),
    ];
    for (kind, bad, parts) in kinds {
        let values = [good.clone(), bad.clone(), good.clone(), bad];
        let then = records(&[good.clone(), good.clone()]);
        let before = cluster.broker.end_offset("orders");
        let spec =
            json!({"config": cluster.config(), "topic": "orders", "records": records(&values), "then": then});
        let reports = reports(&python::client("produce", &spec));
        for index in [1, 3] {
            assert_eq!(reports[index].code, Some(INVALID_RECORD), "{kind}: {reports:?}");
        }
        for index in [0, 2] {
            assert_eq!(reports[index].code, Some(INVALID_DIFFERENT_RECORD), "{kind}: {reports:?}");
        }
        for index in [4, 5] {
            assert_eq!(
                reports[index].code, None,
                "{kind}: the same producer's good batch passes: {reports:?}"
            );
        }
        // What the answer says in full; librdkafka keeps it from Python.
        let produced =
            produce(&cluster.gateway.address, "orders", &batch(&values.each_ref().map(Vec::as_slice)));
        assert_eq!(i64::from(produced.code), INVALID_RECORD, "{kind}");
        assert_eq!(produced.records.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 3], "{kind}");
        for (_, text) in &produced.records {
            for part in parts {
                assert!(text.contains(part), "{kind}: the message should have {part:?}: {text}");
            }
        }
        assert!(!produced.message.is_empty(), "{kind}: and one for the batch");
        assert_eq!(
            cluster.broker.end_offset("orders"),
            before + 2,
            "{kind}: of the bad batches nothing is in the log"
        );
    }

    // A topic without validation takes anything.
    let anything = [b"plain text".to_vec(), vec![], vec![0], framed(unknown, b"x"), framed(parcel, &[2])];
    let reports = cluster.produce("plain", &anything);
    assert!(reports.iter().all(|report| report.code.is_none()), "{reports:?}");
    assert_eq!(cluster.broker.end_offset("plain"), 5);
}

#[test]
fn kafkas_own_console_tools_and_configs_do_the_same() {
    let Some(cluster) = Cluster::start("kafkas_own_console_tools_and_configs_do_the_same") else { return };
    let (kit, gateway) = (cluster.kit, cluster.gateway.address.as_str());
    let topics = "org.apache.kafka.tools.TopicCommand";
    kit.tool(topics, &["--bootstrap-server", gateway, "--create", "--topic", "console"]).ok();
    kit.topic_configs(gateway, "console", &["--alter", "--add-config", &format!("{VALIDATION}=true")]).ok();
    let described = kit.topic_configs(gateway, "console", &["--describe"]).ok();
    assert!(described.contains(&format!("{VALIDATION}=true")), "{described}");
    let id = cluster.register_order("console");

    let producer = "org.apache.kafka.tools.ConsoleProducer";
    let arguments = ["--bootstrap-server", gateway, "--topic", "console", "--sync"];
    let mut good = framed(id, &[8]);
    good.push(b'\n');
    let sent = kit.tool_with_input(producer, &arguments, &good.repeat(3));
    assert!(sent.status == 0 && !sent.err.contains("Exception"), "{sent:?}");
    assert_eq!(cluster.broker.end_offset("console"), 3);
    let refused = kit.tool_with_input(producer, &arguments, b"just text\n");
    let said = format!("{}{}", refused.out, refused.err);
    assert!(said.contains("InvalidRecordException"), "{said}");
    assert!(
        said.contains("NO_MAGIC") && said.contains("console-value"),
        "the reason reaches the user: {said}"
    );
    assert_eq!(cluster.broker.end_offset("console"), 3);

    let consumer = "org.apache.kafka.tools.consumer.ConsoleConsumer";
    let arguments = [
        "--bootstrap-server",
        gateway,
        "--topic",
        "console",
        "--from-beginning",
        "--max-messages",
        "3",
        "--timeout-ms",
        "30000",
    ];
    let read = kit.tool(consumer, &arguments).ok();
    assert_eq!(read.matches("\u{0}\u{0}\u{0}\u{0}").count(), 3, "{read:?}");

    // Switched off with the stock tool, the topic takes anything.
    kit.topic_configs(gateway, "console", &["--alter", "--delete-config", VALIDATION]).ok();
    let sent = kit.tool_with_input(
        producer,
        &["--bootstrap-server", gateway, "--topic", "console", "--sync"],
        b"just text\n",
    );
    assert!(sent.status == 0 && !sent.err.contains("Exception"), "{sent:?}");
    assert_eq!(cluster.broker.end_offset("console"), 4);
}
