//! The fuzz target `json-validator`: a line of schema text, then a payload. Nothing may panic, overflow a stack of 128 KiB or
//! take long, and what the bounded reader takes for JSON is what `serde_json` does.
//!
//! A short run by default; for a long one set `MUSTER_FUZZ_SECONDS` (and `MUSTER_FUZZ_SEED`) and build it with
//! `--release`. A run is a function of its seed; a failure prints its input.
#![cfg(feature = "json")]

#[path = "support/json/schemas.rs"]
mod schemas;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use muster_schema::json::validate::{DuplicateKeys, Formats, InvalidKind, Options, Validator};
use muster_schema::{Limits, ResolvedReferences, Strictness, json};
use schemas::{Dialect, Random, any_value, instance, root};
use serde_json::Value;

const WORDS: [&str; 44] = [
    "\"$ref\":\"#\"",
    "\"$ref\":\"#/definitions/a\"",
    "\"$dynamicRef\":\"#n\"",
    "\"$dynamicAnchor\":\"n\"",
    "\"definitions\":{\"a\":{}}",
    "\"$defs\":{\"a\":{\"$ref\":\"#\"}}",
    "\"$id\":\"http://x/y\"",
    "\"id\":\"#a\"",
    "\"$schema\":\"http://json-schema.org/draft-04/schema#\"",
    "\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"",
    "\"type\":",
    "\"items\":",
    "\"prefixItems\":[",
    "\"allOf\":[",
    "\"anyOf\":[",
    "\"oneOf\":[",
    "\"not\":",
    "\"if\":",
    "\"then\":",
    "\"else\":",
    "\"properties\":{",
    "\"patternProperties\":{\"^(a+)+$\":",
    "\"additionalProperties\":",
    "\"unevaluatedProperties\":false",
    "\"unevaluatedItems\":",
    "\"dependencies\":{\"a\":",
    "\"dependentSchemas\":{\"a\":",
    "\"enum\":[",
    "\"const\":",
    "\"pattern\":\"(?=a*)\\\\1\"",
    "\"maxLength\":-1",
    "\"minimum\":1e400",
    "\"multipleOf\":0",
    "\"exclusiveMinimum\":true",
    "\"contains\":",
    "\"minContains\":0",
    "\"uniqueItems\":true",
    "\"format\":\"date\"",
    "1e400",
    "-0",
    "\"\\ud800\"",
    "[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "99999999999999999999",
];

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + 1 + random.below(30)).min(input.len()).max(at);
    match random.below(8) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = b"{}[]\",:0-\n\\ e."[random.below(14)],
        2 => drop(input.drain(at..end)),
        3 => {
            let copy = input[at..end].to_vec();
            input.splice(at..at, copy);
        }
        4 | 5 => {
            let word = WORDS[random.below(WORDS.len())];
            let word = if random.once_in(2) { format!("{word},") } else { word.to_owned() };
            input.splice(at..at, word.into_bytes());
        }
        6 => {
            // A subschema or member, to a place where one may stand.
            let colons: Vec<usize> = (0..input.len()).filter(|at| input[*at] == b':').collect();
            if let Some(at) = colons.get(random.below(colons.len().max(1))) {
                let value = any_value(random, 2).to_string();
                input.splice(at + 1..at + 1, format!("{value},\"z\":").into_bytes());
            }
        }
        _ => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(60)).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
    }
    input.truncate(4_096);
}

/// Feeds one input; returns what was said, in short.
fn feed(input: &[u8]) -> String {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (text, body) = input.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let limits = Limits { validation_steps: 20_000, ..Limits::default() };
    let text = String::from_utf8_lossy(text);
    let parsed = json::parse(&text, &ResolvedReferences::default(), Strictness::Stored, &limits);
    let Ok(schema) = parsed else { return "no schema".to_owned() };
    let options = if body.len() % 2 == 0 {
        Options::default()
    } else {
        Options { formats: Formats::Asserted, duplicate_keys: DuplicateKeys::Refused }
    };
    let validator = match Validator::compile(&schema, options, &limits) {
        Ok(validator) => validator,
        Err(error) => return error.to_string().chars().take(40).collect(),
    };
    let found = validator.check(body, &limits);
    let is_json = !matches!(
        found.as_ref().map_err(|invalid| invalid.kind),
        Err(InvalidKind::NotUtf8 | InvalidKind::Syntax | InvalidKind::TrailingBytes)
    );
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            assert!(is_json, "serde_json reads it: {found:?}");
            let by_value = validator.check_value(&value, &limits);
            match (&found, &by_value) {
                (Err(invalid), _) if invalid.kind == InvalidKind::DuplicateKey => {}
                _ => assert_eq!(found.is_ok(), by_value.is_ok(), "{found:?} {by_value:?}"),
            }
        }
        // It refuses some numbers and depths that we take.
        Err(error) if is_json => {
            let error = error.to_string();
            assert!(
                error.contains("out of range") || error.contains("recursion limit") || found.is_err(),
                "serde_json says {error}"
            );
        }
        Err(_) => {}
    }
    match found {
        Ok(()) => format!("valid {}", body.len().min(3)),
        Err(invalid) => {
            format!("{:?} {} {}", invalid.kind, invalid.keyword, invalid.path.matches('/').count().min(4))
        }
    }
}

struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input is: {:?}", String::from_utf8_lossy(self.0));
        }
    }
}

fn run(executions: u64, time: Duration, seed: u64) {
    let random = &mut Random(seed * 0x9e37_79b9 + 7);
    let mut corpus: Vec<Vec<u8>> = Vec::new();
    let mut said: HashSet<String> = HashSet::new();
    let started = Instant::now();
    let (mut slowest, mut count, mut from_seeds) = (Duration::ZERO, 0, 0);
    while count < executions && started.elapsed() < time {
        let input = if corpus.len() < 64 || random.once_in(20) {
            let dialect = if random.once_in(2) { Dialect::Draft7 } else { Dialect::Modern };
            let schema = root(random, dialect);
            format!("{schema}\n{}", instance(&schema, random, 4)).into_bytes()
        } else {
            let other = random.below(corpus.len());
            let picked = random.below(corpus.len());
            let mut input = corpus[picked].clone();
            for _ in 0..=random.below(4) {
                mutate(&mut input, &corpus[other], random);
            }
            input
        };
        let shown = Shown(&input);
        let began = Instant::now();
        let answer = feed(&input);
        slowest = slowest.max(began.elapsed());
        drop(shown);
        if said.insert(answer) || corpus.len() < 64 {
            corpus.push(input);
        }
        count += 1;
        if count == 64 {
            from_seeds = said.len();
        }
    }
    println!(
        "json-validator: seed {seed}, {count} executions in {:.0} s, {} different answers, corpus {}, slowest {:.1} ms",
        started.elapsed().as_secs_f64(),
        said.len(),
        corpus.len(),
        slowest.as_secs_f64() * 1e3
    );
    assert!(said.len() > from_seeds, "the mutations find nothing new");
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_validator_survives_any_schema_and_payload() {
    let seed = number("MUSTER_FUZZ_SEED").unwrap_or(1);
    let work = move || match number("MUSTER_FUZZ_SECONDS") {
        Some(seconds) => run(u64::MAX, Duration::from_secs(seconds), seed),
        None => run(2_000, Duration::MAX, seed),
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}
