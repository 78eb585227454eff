//! The whole house around one test: a broker (shared by the tests of a process), a registry and a gateway of its own.

use serde_json::{Value, json};

use super::hex;
use super::kafka::{Broker, Kit, config};
use super::muster::{Gateway, Registry};
use super::python;
use super::wire::{batch, produce};

/// Kafka's error code for a record that does not pass.
pub const INVALID_RECORD: i64 = 87;
/// librdkafka's own code for a good record of a batch that was refused.
pub const INVALID_DIFFERENT_RECORD: i64 = -138;
/// Kafka's error code for a setting with an impossible value.
pub const INVALID_CONFIG: i64 = 40;

/// The setting that switches validation of values on.
pub const VALIDATION: &str = "confluent.value.schema.validation";

/// An Avro schema for small records, whose datum is one zigzag varint.
pub const ORDER: &str =
    r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"}]}"#;
/// Another one.
pub const PARCEL: &str =
    r#"{"type":"record","name":"Parcel","namespace":"shop","fields":[{"name":"id","type":"long"}]}"#;

/// Broker, registry and gateway.
pub struct Cluster {
    /// Kafka's tools.
    pub kit: &'static Kit,
    /// The broker that all tests of the process share.
    pub broker: &'static Broker,
    /// This test's registry.
    pub registry: Registry,
    /// This test's gateway.
    pub gateway: Gateway,
}

/// What became of one record.
#[derive(Debug)]
pub struct Report {
    /// Kafka's error code; `None` if the record was written. Negative ones are librdkafka's own.
    pub code: Option<i64>,
    /// The message that belongs to the error.
    pub text: String,
}

impl Cluster {
    /// Starts everything, or says that `test` is skipped.
    pub fn start(test: &str) -> Option<Self> {
        let kit = Kit::find(test)?;
        let broker = kit.shared_broker();
        let registry = Registry::in_memory();
        let gateway = Gateway::start(&broker.address(), &registry.url());
        Some(Self { kit, broker, registry, gateway })
    }

    /// Settings of a Python client that goes through the gateway.
    pub fn config(&self) -> Value {
        config(&self.gateway.address)
    }

    /// Creates a topic through the gateway; the error, if it was refused.
    pub fn try_create(&self, topic: &str, settings: Value) -> Option<(i64, String)> {
        let spec = json!({"config": self.config(), "create": [{"name": topic, "config": settings}]});
        let answer = python::client("admin", &spec);
        let error = answer[topic].as_object()?;
        Some((error["code"].as_i64().unwrap(), error["text"].as_str().unwrap_or_default().to_owned()))
    }

    /// Creates a topic through the gateway.
    #[track_caller]
    pub fn create(&self, topic: &str, settings: Value) {
        assert_eq!(self.try_create(topic, settings), None, "creating {topic}");
    }

    /// Creates a topic whose values are validated.
    #[track_caller]
    pub fn create_validated(&self, topic: &str) {
        self.create(topic, json!({ VALIDATION: "true" }));
    }

    /// Registers [`ORDER`] for the values of `topic`; the id.
    pub fn register_order(&self, topic: &str) -> i64 {
        self.registry.client().register(&format!("{topic}-value"), ORDER)
    }

    /// Deletes a topic through the gateway.
    #[track_caller]
    pub fn delete(&self, topic: &str) {
        let answer = python::client("admin", &json!({"config": self.config(), "delete": [topic]}));
        assert_eq!(answer[topic], Value::Null, "deleting {topic}");
    }

    /// Sends these values through the gateway, in one batch; what became of each.
    #[track_caller]
    pub fn produce(&self, topic: &str, values: &[Vec<u8>]) -> Vec<Report> {
        self.produce_with(topic, values, &json!({}))
    }

    /// As [`Cluster::produce`], with more settings for the producer.
    #[track_caller]
    pub fn produce_with(&self, topic: &str, values: &[Vec<u8>], settings: &Value) -> Vec<Report> {
        let mut config = self.config();
        for (name, value) in settings.as_object().expect("settings are an object") {
            config[name] = value.clone();
        }
        let spec = json!({"config": config, "topic": topic, "records": records(values)});
        reports(&python::client("produce", &spec))
    }

    /// Whether the one `value` is written; else why not. Sent by hand, for the reason in the server's words.
    #[track_caller]
    pub fn produce_one(&self, topic: &str, value: &[u8]) -> Result<(), Report> {
        let mut produced = produce(&self.gateway.address, topic, &batch(&[value]));
        match (produced.code, produced.records.pop()) {
            (0, _) => Ok(()),
            (code, Some((_, text))) => Err(Report { code: Some(code.into()), text }),
            (code, None) => Err(Report { code: Some(code.into()), text: produced.message }),
        }
    }
}

/// Values in the form that `client.py` takes.
pub fn records(values: &[Vec<u8>]) -> Value {
    values.iter().map(|value| json!({"value": hex(value)})).collect()
}

/// The reports in an answer of `client.py produce`.
pub fn reports(answer: &Value) -> Vec<Report> {
    let reports = answer["reports"].as_array().expect("a list of reports");
    let one = |report: &Value| Report {
        code: report["error"]["code"].as_i64(),
        text: report["error"]["text"].as_str().unwrap_or_default().to_owned(),
    };
    reports.iter().map(one).collect()
}
