//! What fails around the gateway: the registry, the broker, the gateway itself. Nothing is lost, nothing written twice,
//! and nothing is refused for good that was not looked at.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod support;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::cluster::{Cluster, INVALID_RECORD, ORDER};
use support::kafka::{Broker, Kit, config};
use support::muster::{Gateway, Registry, run_muster};
use support::process::Process;
use support::wire::{Connection, PRODUCE, Produced, batch, framed, produce, produce_body, request};
use support::{free_ports, hex, python, wait_for};

const NOT_ENOUGH_REPLICAS: i16 = 19;

/// Sends one value by hand and returns the answer's error code.
fn code(gateway: &Gateway, topic: &str, value: &[u8]) -> i16 {
    produce(&gateway.address, topic, &batch(&[value])).code
}

#[test]
fn without_registry_known_ids_pass_and_others_may_be_tried_again() {
    let Some(mut cluster) = Cluster::start("without_registry_known_ids_pass_and_others_may_be_tried_again")
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let address = format!("127.0.0.1:{}", free_ports(1));
    cluster.registry = Registry::on_file(&address, &file);
    cluster.gateway = Gateway::start(&cluster.broker.address(), &cluster.registry.url());
    cluster.create_validated("outage");
    let known = cluster.register_order("outage");
    let other = cluster.registry.client().register("outage-value", &ORDER.replace("long", "double"));
    assert_eq!(code(&cluster.gateway, "outage", &framed(known, &[2])), 0);

    cluster.registry.process.kill();
    assert_eq!(code(&cluster.gateway, "outage", &framed(known, &[4])), 0, "the verdict is known");
    let begin = Instant::now();
    assert_eq!(
        code(&cluster.gateway, "outage", &framed(other, &[2])),
        NOT_ENOUGH_REPLICAS,
        "not looked at: retriable"
    );
    assert!(begin.elapsed() < Duration::from_secs(8), "within the deadline: {:?}", begin.elapsed());
    assert_eq!(code(&cluster.gateway, "outage", b"no framing"), 87, "this needs no registry");

    // A client that keeps trying gets through once the registry is back.
    let waiting = json!({"config": cluster.config(), "topic": "outage", "records": [{"value": hex(&framed(other, &[6]))}]});
    let waiting = python::start("produce", &waiting);
    assert_eq!(code(&cluster.gateway, "outage", &framed(other, &[2])), NOT_ENOUGH_REPLICAS);
    cluster.registry = Registry::on_file(&address, &file);
    let report = python::finish(waiting);
    assert_eq!(report["reports"][0]["error"], Value::Null, "{report}");
    assert_eq!(cluster.broker.end_offset("outage"), 3);
}

#[test]
fn a_gateway_without_registry_serves_what_needs_none() {
    let Some(mut cluster) = Cluster::start("a_gateway_without_registry_serves_what_needs_none") else {
        return;
    };
    cluster.create("open", json!({}));
    cluster.create_validated("closed");
    let nobody = format!("http://127.0.0.1:{}", free_ports(1));
    cluster.gateway = Gateway::start(&cluster.broker.address(), &nobody);
    assert_eq!(code(&cluster.gateway, "open", b"anything"), 0);
    assert_eq!(code(&cluster.gateway, "closed", &framed(1, &[2])), NOT_ENOUGH_REPLICAS);
}

#[test]
fn a_schema_registered_a_moment_ago_is_not_refused() {
    let Some(cluster) = Cluster::start("a_schema_registered_a_moment_ago_is_not_refused") else { return };
    cluster.create_validated("fresh");
    let mut http = cluster.registry.client();
    for number in 1..=20 {
        let schema = json!({"type": "enum", "name": format!("Fresh{number}"), "symbols": ["A"]}).to_string();
        http.put("/config/fresh-value", &json!({"compatibility": "NONE"})).ok();
        // Asked for too early, so that the gateway knows that it does not exist; then registered, then used at once.
        assert_eq!(
            code(&cluster.gateway, "fresh", &framed(number, &[0])),
            87,
            "id {number} does not exist yet"
        );
        assert_eq!(http.register("fresh-value", &schema), number);
        assert_eq!(code(&cluster.gateway, "fresh", &framed(number, &[0])), 0, "id {number}");
    }
}

#[test]
fn what_prevents_a_gateway_is_one_clear_line() {
    let Some(cluster) = Cluster::start("what_prevents_a_gateway_is_one_clear_line") else { return };
    let nobody = format!("127.0.0.1:{}", free_ports(1));
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let broker = cluster.broker.address();
    let free = format!("127.0.0.1:{}", free_ports(4));
    let registry = cluster.registry.url();
    let cases: [(&[&str], &str); 5] = [
        (&["gateway", "--listen", &free, "--bootstrap", &nobody, "--registry", &registry], &nobody),
        (&["gateway", "--listen", &taken, "--bootstrap", &broker, "--registry", &registry], &taken),
        (&["gateway", "--listen", &free, "--bootstrap", &broker, "--registry", "nonsense"], "nonsense"),
        (&["gateway", "--listen", "nonsense", "--bootstrap", &broker, "--registry", &registry], "nonsense"),
        (&["topics", "list", "--bootstrap", &nobody], &nobody),
    ];
    for (arguments, part) in cases {
        let refused = run_muster(arguments);
        assert!(refused.status > 0, "{arguments:?}: {refused:?}");
        assert_eq!(refused.out, "", "{arguments:?}: nothing is announced");
        assert_eq!(refused.err.trim_end().lines().count(), 1, "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains(part), "{arguments:?} should name {part:?}: {}", refused.err);
    }
    // A broker is no gateway: its own settings are not ours to change.
    cluster.create("direct", json!({}));
    let refused = run_muster(&[
        "topics",
        "set",
        "direct",
        "confluent.value.schema.validation=true",
        "--bootstrap",
        &broker,
    ]);
    assert!(refused.status > 0 && refused.err.trim_end().lines().count() == 1, "{refused:?}");
}

/// An idempotent producer under way, and how many records it will send.
struct Load {
    process: Process,
    topic: String,
    id: i64,
}

const LOAD: i64 = 5_000;

impl Load {
    fn start(gateway: &Gateway, topic: &str, id: i64) -> Self {
        let mut config = config(&gateway.address);
        for (name, value) in [
            ("enable.idempotence", json!(true)),
            ("message.timeout.ms", json!(90_000)),
            ("reconnect.backoff.max.ms", json!(500)),
            ("retry.backoff.max.ms", json!(500)),
            ("socket.timeout.ms", json!(5_000)),
        ] {
            config[name] = value;
        }
        let prefix = hex(&framed(id, &[]));
        let spec =
            json!({"config": config, "topic": topic, "count": LOAD, "per_second": 2_500, "prefix": prefix});
        let mut process = python::start("load", &spec);
        process.wait_line("sending");
        Self { process, topic: topic.to_owned(), id }
    }

    /// Waits for the end; all records must be in the log, in order, each once.
    fn finish(self, broker: &Broker) {
        let report = python::finish(self.process);
        assert_eq!(report, json!({"delivered": LOAD, "failures": []}));
        assert_eq!(broker.end_offset(&self.topic), LOAD, "nothing twice");
        let prefix = hex(&framed(self.id, &[]));
        let stored = broker.records(&self.topic, usize::try_from(LOAD).unwrap());
        for (number, record) in (0_u32..).zip(&stored) {
            let expected = format!("{prefix}{number:08x}");
            assert_eq!(record["value"], expected.as_str(), "record {number}");
        }
    }
}

#[test]
fn sigterm_under_load_loses_and_duplicates_nothing() {
    let Some(mut cluster) = Cluster::start("sigterm_under_load_loses_and_duplicates_nothing") else { return };
    cluster.create_validated("drained");
    let id = cluster.register_order("drained");
    let load = Load::start(&cluster.gateway, "drained", id);
    let port = cluster.gateway.port();
    for _ in 0..2 {
        cluster.gateway.process.terminate();
        assert_eq!(cluster.gateway.process.wait_exit().code(), Some(0), "{}", cluster.gateway.process.log());
        cluster.gateway = Gateway::on_port(port, &cluster.broker.address(), &cluster.registry.url(), &[]);
    }
    load.finish(cluster.broker);
}

#[test]
fn a_killed_gateway_loses_and_duplicates_nothing() {
    let Some(mut cluster) = Cluster::start("a_killed_gateway_loses_and_duplicates_nothing") else { return };
    cluster.create_validated("killed");
    let id = cluster.register_order("killed");
    let load = Load::start(&cluster.gateway, "killed", id);
    let port = cluster.gateway.port();
    cluster.gateway.process.kill();
    cluster.gateway = Gateway::on_port(port, &cluster.broker.address(), &cluster.registry.url(), &[]);
    load.finish(cluster.broker);
}

#[test]
fn a_restarting_broker_loses_and_duplicates_nothing() {
    let Some(kit) = Kit::find("a_restarting_broker_loses_and_duplicates_nothing") else { return };
    let broker = kit.start_broker();
    let registry = Registry::in_memory();
    let mut gateway = Gateway::start(&broker.address(), &registry.url());
    let create = json!([{"name": "restarted", "config": {"confluent.value.schema.validation": "true"}}]);
    let created = python::client("admin", &json!({"config": config(&gateway.address), "create": create}));
    assert_eq!(created["restarted"], Value::Null);
    let id = registry.client().register("restarted-value", ORDER);
    let load = Load::start(&gateway, "restarted", id);
    broker.kill();
    assert!(gateway.process.alive(), "the gateway outlives its broker");
    // Clients are told by a close, as a broker that is gone would.
    let mut connection = Connection::open(&gateway.address);
    connection.send(&request(PRODUCE, 8, 5, &produce_body("restarted", -1, &batch(&[&framed(id, &[2])]))));
    assert!(connection.receive().is_none_or(|answer| Produced::read(&answer).code != 0));
    broker.start();
    load.finish(&broker);
    assert!(gateway.process.alive());
    // Settings still hold.
    let refused = wait_for("the gateway to serve again", Duration::from_secs(30), || {
        let spec =
            json!({"config": config(&gateway.address), "topic": "restarted", "records": [{"value": "6e6f"}]});
        python::client("produce", &spec)["reports"][0]["error"]["code"].as_i64()
    });
    assert_eq!(refused, INVALID_RECORD);
}
