//! Confluent's client for Java, as it comes inside Flink's format (Avro only): every method of the caching client and of
//! the REST client below it, and Flink's coder through a broker.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

#[path = "clients/driver.rs"]
mod driver;
mod support;

use driver::Client;

#[test]
fn every_method_of_the_caching_java_client() {
    Client::Java.every_method("every_method_of_the_caching_java_client", "Methods", &[], 62);
}

#[test]
fn every_call_of_the_java_rest_client() {
    Client::Java.every_method("every_call_of_the_java_rest_client", "RestMethods", &[], 99);
}

#[test]
fn flinks_coder_writes_and_reads() {
    Client::Java.round_trips("flinks_coder_writes_and_reads", "Serdes", &[]);
}
