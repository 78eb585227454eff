//! The registry from outside: HTTP exchanges with it, on every store.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod bad_input;
mod concurrency;
mod described;
mod exchanges;
mod failures;
mod harness;
mod play;
mod sockets;
