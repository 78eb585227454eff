//! confluent-kafka for Python, blocking and asynchronous: every method, and serializers of all three formats.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

#[path = "clients/driver.rs"]
mod driver;
mod support;

use driver::Client;

#[test]
fn every_method_of_the_blocking_client() {
    Client::Python.every_method("every_method_of_the_blocking_client", "methods", &["sync"], 37);
}

#[test]
fn every_method_of_the_asynchronous_client() {
    Client::Python.every_method("every_method_of_the_asynchronous_client", "methods", &["async"], 37);
}

#[test]
fn python_serializers_write_and_read() {
    Client::Python.round_trips("python_serializers_write_and_read", "serdes", &["sync"]);
}

#[test]
fn asynchronous_python_serializers_write_and_read() {
    Client::Python.round_trips("asynchronous_python_serializers_write_and_read", "serdes", &["async"]);
}
