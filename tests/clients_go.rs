//! franz-go's `sr` and confluent-kafka-go's `schemaregistry`: every method, and serializers of all three formats.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

#[path = "clients/driver.rs"]
mod driver;
mod support;

use driver::Client;

#[test]
fn every_method_of_franz_go() {
    Client::Go.every_method("every_method_of_franz_go", "franz-methods", &[], 34);
}

#[test]
fn every_method_of_confluent_kafka_go() {
    Client::Go.every_method("every_method_of_confluent_kafka_go", "confluent-methods", &[], 32);
}

#[test]
fn franz_go_serdes_write_and_read() {
    Client::Go.round_trips("franz_go_serdes_write_and_read", "franz-serdes", &[]);
}

#[test]
fn confluent_kafka_go_serializers_write_and_read() {
    Client::Go.round_trips("confluent_kafka_go_serializers_write_and_read", "confluent-serdes", &[]);
}
