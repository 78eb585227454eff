//! Runs the conformance tables against this crate: `cargo test -p muster-schema --test conformance`.
//!
//! The tables are read from the folder in `MUSTER_CONFORMANCE_DIR`, by default `shared/conformance` beside the
//! checkout; without it nothing is tested and the output says so. A table that holds no case of a language this crate
//! knows is an error, so that a renamed member cannot pass for success.
#![expect(clippy::panic, reason = "a table that cannot be read fails the run")]

#[cfg(feature = "avro")]
#[path = "conformance/avro.rs"]
mod avro;
#[cfg(feature = "json")]
#[path = "conformance/json.rs"]
mod json;
#[cfg(feature = "protobuf")]
#[path = "conformance/protobuf.rs"]
mod protobuf;
#[path = "conformance/random.rs"]
mod random;
#[path = "conformance/tables.rs"]
mod tables;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

/// What came of one table.
#[derive(Default)]
pub struct Report {
    cases: usize,
    comparisons: usize,
    passed: usize,
    /// What was expected and what came instead, for the first few.
    failures: Vec<String>,
}

impl Report {
    /// Enters one comparison.
    pub fn compare<T: PartialEq + std::fmt::Debug + ?Sized>(&mut self, what: &str, actual: &T, expected: &T) {
        self.comparisons += 1;
        if actual == expected {
            self.passed += 1;
        } else if self.failures.len() < 10 {
            self.failures.push(format!("{what}\n    expected {expected:?}\n    actual   {actual:?}"));
        } else {
            self.failures.push(String::new());
        }
    }
}

/// A table of the conformance folder: its file and what runs it.
type Table = (&'static str, fn(&Value, &mut Report));

const TABLES: &[Table] = &[
    #[cfg(feature = "avro")]
    ("avro-canonical.json", avro::canonical),
    #[cfg(feature = "avro")]
    ("avro-equivalence.json", avro::equivalence),
    #[cfg(feature = "avro")]
    ("avro-compat.json", avro::compatibility),
    #[cfg(feature = "json")]
    ("json-canonical.json", json::canonical),
    #[cfg(feature = "json")]
    ("json-diff-schema-examples.json", json::differences),
    #[cfg(feature = "json")]
    ("json-diff-combined-schema-examples.json", json::differences),
    #[cfg(feature = "json")]
    ("json-diff-schema-examples-2020-12.json", json::differences),
    #[cfg(feature = "json")]
    ("json-diff-combined-schema-examples-2020-12.json", json::differences),
    #[cfg(feature = "json")]
    ("json-diff-extra.json", json::differences),
    #[cfg(feature = "json")]
    ("json-all-schemas.json", json::dialects),
    #[cfg(feature = "protobuf")]
    ("protobuf-canonical.json", protobuf::canonical),
    #[cfg(feature = "protobuf")]
    ("protobuf-diff-schema-examples.json", protobuf::differences),
    #[cfg(feature = "protobuf")]
    ("protobuf-diff-schema-examples-with-meta.json", protobuf::differences),
    #[cfg(feature = "protobuf")]
    ("protobuf-diff-extra.json", protobuf::differences),
    ("compat-levels.json", tables::levels),
    ("schema-md5-golden-data.json", tables::guids),
    #[cfg(feature = "avro")]
    ("random-avro.json", random::run),
    #[cfg(feature = "json")]
    ("random-json.json", random::run),
    #[cfg(feature = "protobuf")]
    ("random-protobuf.json", random::run),
];

#[expect(clippy::disallowed_methods, reason = "a test has no command line to name the folder on")]
fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    std::env::var("MUSTER_CONFORMANCE_DIR").map_or_else(|_| beside(), PathBuf::from)
}

fn main() -> ExitCode {
    let folder = folder();
    if !folder.is_dir() {
        println!("conformance: skipped ({} is not there; set MUSTER_CONFORMANCE_DIR)", folder.display());
        return ExitCode::SUCCESS;
    }
    let (mut passed, mut failed) = (0, 0);
    for &(name, run) in TABLES {
        let mut report = Report::default();
        match std::fs::read_to_string(folder.join(name)) {
            Ok(text) => match serde_json::from_str::<Value>(&text) {
                Ok(table) => run(&table, &mut report),
                Err(error) => report.failures.push(format!("not JSON: {error}")),
            },
            Err(error) => report.failures.push(format!("not readable: {error}")),
        }
        if report.cases == 0 {
            report.failures.push("no cases".to_owned());
        }
        let Report { cases, comparisons, passed: ok, failures } = report;
        println!("{name}: {cases} cases, {comparisons} comparisons, {ok} passed");
        for failure in failures.iter().filter(|failure| !failure.is_empty()) {
            println!("  {failure}");
        }
        passed += ok;
        failed += failures.len();
    }
    println!("conformance: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
