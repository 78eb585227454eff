//! The gateway between a raw client and a broker and registry made for the purpose: order, refusals, settings,
//! outages, broken frames, draining. Real clients and a real broker: see the black-box tests.
#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod broker;
mod client;
mod drain;
mod harness;
mod outage;
mod produce;
mod protocol;
mod registry;
mod settings;
