//! `muster import --from-kafka`: the topic `_schemas` of the reference, on a real broker.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::kafka::{Kit, config};
use support::muster::{Registry, run_muster};
use support::process::Finished;
use support::{hex, python, schemas_log};

fn import(store: &Path, arguments: &[&str]) -> Finished {
    let store = format!("sqlite:{}", store.display());
    run_muster(&[&["import", "--store", &store], arguments].concat())
}

#[test]
fn the_topic_itself_is_read() {
    let Some(kit) = Kit::find("the_topic_itself_is_read") else { return };
    let broker = kit.shared_broker();
    let folder = tempfile::tempdir().unwrap();
    for (codec, batched) in [("none", false), ("gzip", true), ("snappy", true), ("lz4", true), ("zstd", true)]
    {
        let topic = format!("_schemas-{codec}");
        let client = config(&broker.address());
        let settings = json!({"cleanup.policy": "compact"});
        let create = json!({"config": client, "create": [{"name": topic, "config": settings}]});
        assert_eq!(python::client("admin", &create)[&topic], Value::Null);
        let bytes = |value: &Value| {
            if value.is_null() { Value::Null } else { json!(hex(value.to_string().as_bytes())) }
        };
        let records: Vec<Value> = schemas_log::records()
            .iter()
            .map(|(key, value)| json!({"key": bytes(key), "value": bytes(value)}))
            .collect();
        let mut producer = client.clone();
        producer["compression.type"] = json!(codec);
        // One request at a time keeps the order.
        producer["max.in.flight"] = json!(1);
        if !batched {
            producer["batch.num.messages"] = json!(1);
        }
        let produce = json!({"config": producer, "topic": topic, "records": records, "partition": 0});
        python::client("produce", &produce);
        let file = folder.path().join(format!("{codec}.db"));
        let done = import(&file, &["--from-kafka", &broker.address(), "--topic", &topic]);
        assert!(done.out.contains(schemas_log::RECORDS), "{codec}: {done:?}");
        schemas_log::check(&Registry::on_file("127.0.0.1:0", &file));
    }
    let absent = import(&folder.path().join("n.db"), &["--from-kafka", &broker.address(), "--topic", "none"]);
    assert!(absent.refused().contains("topic \"none\" does not exist"));
    let dead = import(&folder.path().join("n.db"), &["--from-kafka", "127.0.0.1:1"]).refused();
    assert!(
        dead.contains("cannot read topic \"_schemas\" at 127.0.0.1:1") && dead.lines().count() == 1,
        "{dead}"
    );
}
