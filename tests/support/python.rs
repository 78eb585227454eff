//! The Python clients in `tests/clients`, run with the interpreter that `tests/run` prepares.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::process::{Process, run};
use super::{cache_folder, tests_folder};

/// The interpreter of the prepared virtual environment.
pub fn interpreter() -> PathBuf {
    cache_folder().join("clients/bin/python")
}

fn command(name: &str) -> Command {
    let mut command = Command::new(interpreter());
    command.arg(tests_folder().join("clients/client.py")).arg(name);
    command
}

/// Runs the command `name` of `client.py` and returns its answer.
#[track_caller]
pub fn client(name: &str, spec: &Value) -> Value {
    run(command(name), spec.to_string().as_bytes(), Duration::from_secs(180)).json()
}

/// Starts the command `name` of `client.py` in the background; its answer is its last line.
pub fn start(name: &str, spec: &Value) -> Process {
    let file = tempfile::NamedTempFile::new().expect("the temporary folder is writable");
    std::fs::write(file.path(), spec.to_string()).expect("the file was just made");
    let mut command = command(name);
    command.stdin(Stdio::from(file.reopen().expect("the file is there")));
    Process::start(&format!("client.py {name}"), command)
}

/// Waits for the end of a command that [`start`] began, and returns its answer.
#[track_caller]
pub fn finish(mut process: Process) -> Value {
    let status = process.wait_exit();
    assert!(status.success(), "{status}: {}", process.log());
    // The last line may arrive after the exit is known.
    let line = process.wait_line("{");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"))
}
