//! A short run of each fuzz target, on a small stack: `cargo run --release --example fuzz` runs them for long.
#![cfg(feature = "avro")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::path::PathBuf;

use support::fuzz::{Fuzzer, Target};

/// The committed inputs.
fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus")
}

fn run(target: Target, executions: usize) {
    let work = move || {
        let mut fuzzer = Fuzzer::new(target, &corpus(), 1);
        let first = fuzzer.corpus.clone();
        println!("{}: {} inputs to start from", target.name(), first.len());
        first.into_iter().for_each(|input| fuzzer.feed(input));
        let from_corpus = fuzzer.answers();
        for _ in 0..executions {
            let input = fuzzer.next_input();
            fuzzer.feed(input);
        }
        println!("{}: {executions} executions, {} different answers", target.name(), fuzzer.answers());
        assert!(from_corpus > 20, "the inputs to start from say little");
        assert!(fuzzer.answers() > from_corpus, "the mutations find nothing new");
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}

#[test]
fn the_parser_survives_any_text() {
    run(Target::Parser, 3_000);
}

#[test]
fn the_comparison_survives_any_pair() {
    run(Target::Compatibility, 3_000);
}

#[test]
fn the_walker_survives_any_bytes() {
    run(Target::Walker, 3_000);
}

#[cfg(feature = "protobuf")]
#[test]
fn the_protobuf_parser_survives_any_text() {
    run(Target::ProtoParser, 2_000);
}

#[cfg(feature = "protobuf")]
#[test]
fn descriptors_survive_any_bytes() {
    run(Target::ProtoDescriptor, 3_000);
}

#[cfg(feature = "protobuf")]
#[test]
fn the_walker_of_protobuf_survives_any_message() {
    run(Target::ProtoWalker, 2_000);
}

#[cfg(feature = "protobuf")]
#[test]
fn message_indexes_survive_any_bytes() {
    run(Target::ProtoIndexes, 3_000);
}

#[cfg(feature = "json")]
#[test]
fn the_json_parser_survives_any_text() {
    run(Target::JsonParser, 3_000);
}

#[cfg(feature = "json")]
#[test]
fn the_json_comparison_survives_any_pair() {
    run(Target::JsonComparison, 3_000);
}

#[cfg(feature = "json")]
#[test]
fn the_validator_of_json_survives_any_schema_and_payload() {
    run(Target::JsonValidator, 2_000);
}
