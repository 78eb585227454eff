//! @confluentinc/schemaregistry for JavaScript: every method, and serializers of all three formats.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

#[path = "clients/driver.rs"]
mod driver;
mod support;

use driver::Client;

#[test]
fn every_method_of_the_javascript_client() {
    Client::Javascript.every_method("every_method_of_the_javascript_client", "methods", &[], 41);
}

#[test]
fn javascript_serializers_write_and_read() {
    Client::Javascript.round_trips("javascript_serializers_write_and_read", "serdes", &[]);
}
