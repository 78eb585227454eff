//! Fuzz targets for the bytes of strangers that the engine and the wire codec read, as plain functions on stable Rust:
//! what each must hold stands at its `feed`.
//!
//! A run starts from generated valid inputs, mutates them, and keeps what made the target say something new. Short by
//! default; for a long run build it with `--release`, name one target, and set `MUSTER_FUZZ_EXECUTIONS` or
//! `MUSTER_FUZZ_SECONDS`, and `MUSTER_FUZZ_SEED` for another seed:
//!
//! ```text
//! MUSTER_FUZZ_EXECUTIONS=10000000 cargo test --release -p muster-validator --test fuzz -- batches --nocapture
//! ```
//!
//! A run is a function of its seed; a failure prints its input. Every execution has a stack of 128 KiB, and a target
//! tells how much heap it may have.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/counting.rs"]
mod counting;
#[path = "../support/mod.rs"]
mod support;

mod batches;
mod mutate;
mod payloads;
mod requests;
mod responses;

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use counting::{Counting, measure};
use mutate::mutate;
use support::Random;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const STACK_BYTES: usize = 128 << 10;
/// Executions of the short form.
const FEW: u64 = 3_000;
/// Inputs kept at most; beyond that the oldest go.
const MOST_KEPT: usize = 20_000;

/// What is fed.
struct Target {
    name: &'static str,
    /// Valid inputs to start from.
    seeds: fn() -> Vec<Vec<u8>>,
    /// Feeds one input and returns what was said. Panics if a law is broken.
    feed: fn(&[u8]) -> String,
    /// Most heap that one execution may hold, in bytes.
    heap: isize,
}

/// Prints its input if an execution panics.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("the input in hexadecimal: {hex}");
        }
    }
}

fn run(target: &Target, executions: u64, time: Duration, seed: u64) {
    let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let seeds = (target.seeds)();
    let (mut corpus, mut at) = (seeds.clone(), 0);
    let mut said = HashSet::new();
    let (mut slowest, mut most_heap, mut count) = (Duration::ZERO, 0, 0u64);
    let mut given = seeds.iter();
    let mut said_by_seeds = 0;
    let started = Instant::now();
    while count < executions && started.elapsed() < time {
        let input = match given.next() {
            Some(input) => input.clone(),
            None => {
                said_by_seeds = said_by_seeds.max(if count == seeds.len() as u64 { said.len() } else { 0 });
                let mut input = corpus[random.below(corpus.len())].clone();
                for _ in 0..1 + random.below(4) {
                    mutate(&mut input, &corpus[random.below(corpus.len())], random);
                }
                input
            }
        };
        let shown = Shown(&input);
        let began = Instant::now();
        let (answer, _, heap) = measure(|| (target.feed)(&input));
        let mut took = began.elapsed();
        assert!(heap <= target.heap, "{heap} bytes of heap");
        if took > slowest {
            // Other work on the machine stops this one, but hardly each time.
            for _ in 0..5 {
                let began = Instant::now();
                (target.feed)(&input);
                took = took.min(began.elapsed());
            }
        }
        drop(shown);
        (slowest, most_heap, count) = (slowest.max(took), most_heap.max(heap), count + 1);
        let mut hasher = DefaultHasher::new();
        answer.hash(&mut hasher);
        if said.insert(hasher.finish()) && count > seeds.len() as u64 {
            if corpus.len() < MOST_KEPT {
                corpus.push(input);
            } else {
                corpus[at] = input;
                at = (at + 1) % MOST_KEPT;
            }
        }
    }
    println!(
        "{}: seed {seed}, {count} executions in {:.0} s, {} different answers, slowest {:.1} ms, most heap {} KiB",
        target.name,
        started.elapsed().as_secs_f64(),
        said.len(),
        slowest.as_secs_f64() * 1e3,
        most_heap / 1024,
    );
    assert!(said.len() > said_by_seeds, "the mutations find nothing new");
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn start(target: Target) {
    let seed = number("MUSTER_FUZZ_SEED").unwrap_or(1);
    let (executions, seconds) = (number("MUSTER_FUZZ_EXECUTIONS"), number("MUSTER_FUZZ_SECONDS"));
    let few = if seconds.is_some() { u64::MAX } else { FEW };
    let time = seconds.map_or(Duration::MAX, Duration::from_secs);
    let work = move || run(&target, executions.unwrap_or(few), time, seed);
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

#[test]
fn batches() {
    start(Target { name: "batches", seeds: batches::seeds, feed: batches::feed, heap: 8 << 20 });
}

#[test]
fn payloads() {
    start(Target { name: "payloads", seeds: payloads::seeds, feed: payloads::feed, heap: 8 << 20 });
}

#[test]
fn requests() {
    start(Target { name: "requests", seeds: requests::seeds, feed: requests::feed, heap: 2 << 20 });
}

#[test]
fn responses() {
    start(Target { name: "responses", seeds: responses::seeds, feed: responses::feed, heap: 2 << 20 });
}
