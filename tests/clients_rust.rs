//! schema_registry_converter for Rust, asynchronous and blocking: every function and coder of all three formats.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

#[path = "clients/driver.rs"]
mod driver;
mod support;

use driver::Client;

#[test]
fn every_function_of_the_rust_client() {
    Client::Rust.every_method("every_function_of_the_rust_client", "all", &[], 182);
}
