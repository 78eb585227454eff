//! The drivers of published clients: where `tests/run` puts them, how they are called, what they report.
//!
//! A driver calls every public method of a client, or takes values through its serializers, and prints one line of
//! JSON: the methods there are, those that were not called, how much was checked and what was wrong.
#![allow(dead_code, reason = "each target drives its own client")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, VALIDATION};
use crate::support::muster::Registry;
use crate::support::process::run;
use crate::support::{cache_folder, python, skipped, tests_folder};

/// A driver may start a virtual machine and wait for a broker.
const PATIENCE: Duration = Duration::from_secs(240);

/// A published client, by the name that `tests/run --clients` takes.
#[derive(Clone, Copy)]
pub enum Client {
    Python,
    Javascript,
    Go,
    Java,
    Rust,
}

impl Client {
    /// What `tests/run` makes, and what the driver called `script` is started with.
    fn prepared(self, script: &str) -> (PathBuf, Command) {
        let folder = tests_folder().join("clients");
        let cache = cache_folder();
        match self {
            Self::Python => {
                let interpreter = python::interpreter();
                let mut command = Command::new(&interpreter);
                command
                    .arg(folder.join("python").join(format!("{script}.py")))
                    .env("PYTHONDONTWRITEBYTECODE", "1");
                (cache.join("clients/complete"), command)
            }
            Self::Javascript => {
                let modules = cache.join("javascript/node_modules");
                let mut command = Command::new("node");
                command.arg(folder.join("javascript").join(format!("{script}.js"))).env("NODE_PATH", modules);
                (cache.join("javascript/complete"), command)
            }
            Self::Go => {
                let binary = cache.join("go/clients");
                let mut command = Command::new(&binary);
                command.arg(script);
                (binary, command)
            }
            Self::Java => {
                let path = cache.join("java");
                let mut command = Command::new("java");
                command.args([
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx512m",
                    "-Dfile.encoding=UTF-8",
                ]);
                command.arg("-cp").arg(format!("{0}/classes:{0}/jars/*", path.display())).arg(script);
                (path.join("complete"), command)
            }
            Self::Rust => {
                let beside =
                    Path::new(env!("CARGO_BIN_EXE_muster")).parent().expect("a binary lies in a folder");
                let binary = beside.join("muster-clients-rust");
                let mut command = Command::new(&binary);
                command.arg(script);
                (binary, command)
            }
        }
    }

    /// The command for `script`, or `None` after saying that `test` is skipped.
    fn command(self, test: &str, script: &str) -> Option<Command> {
        let (made, command) = self.prepared(script);
        if made.exists() {
            return Some(command);
        }
        skipped(test, &format!("no {}; tests/run --clients makes it", made.display()));
        None
    }

    /// Calls every method of a client, which has at least `least` of them, against a registry of its own.
    #[track_caller]
    pub fn every_method(self, test: &str, script: &str, more: &[&str], least: usize) {
        let Some(mut command) = self.command(test, script) else { return };
        let registry = Registry::in_memory();
        command.arg(registry.url()).args(more);
        let report = report(command);
        let methods = report["methods"].as_array().expect("a list of methods");
        assert!(methods.len() >= least, "{} methods, at least {least} are known: {report}", methods.len());
        assert_eq!(report["uncalled"], json!([]), "methods that were not called");
    }

    /// Takes values through a client's serializers, this test's registry and gateway, a broker, and back.
    ///
    /// The values of the topics for the three formats are validated by the gateway.
    #[track_caller]
    pub fn round_trips(self, test: &str, script: &str, more: &[&str]) {
        let Some(mut command) = self.command(test, script) else { return };
        let Some(cluster) = Cluster::start(test) else { return };
        for format in ["avro", "json", "protobuf"] {
            cluster.create(&format!("{test}-{format}"), json!({ VALIDATION: "true" }));
        }
        for plain in ["headers", "associated"] {
            cluster.create(&format!("{test}-{plain}"), json!({}));
        }
        command.arg(cluster.registry.url()).arg(&cluster.gateway.address).arg(test).args(more);
        report(command);
    }
}

/// Runs a driver to its end; it must have checked something and found nothing wrong.
#[track_caller]
fn report(command: Command) -> Value {
    let said = run(command, b"", PATIENCE);
    let line = said.out.lines().find(|line| line.starts_with('{') && line.contains("\"failures\""));
    let Some(line) = line.filter(|_| said.status == 0) else { panic!("the driver failed: {said:?}") };
    let report: Value = serde_json::from_str(line).expect("a driver prints JSON");
    let failures = report["failures"].as_array().expect("a list of failures");
    let client = &report["client"];
    assert!(
        failures.is_empty(),
        "{client}:\n{}",
        failures.iter().map(|f| format!("- {f}\n")).collect::<String>()
    );
    assert!(report["checks"].as_u64() > Some(0), "{client} checked nothing");
    report
}
