//! The binary under test.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::free_ports;
use super::http::Client;
use super::process::{Finished, Process, run};

/// A `muster` command with none of the settings that the caller's environment may hold.
pub fn muster(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("MUSTER_") || name_text.starts_with("SCHEMA_REGISTRY_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// Runs a `muster` command to its end.
#[track_caller]
pub fn run_muster(arguments: &[&str]) -> Finished {
    run(muster(arguments), b"", Duration::from_secs(60))
}

/// A running `muster serve`.
pub struct Registry {
    /// The process.
    pub process: Process,
    /// `HOST:PORT`.
    pub address: String,
    /// The line it printed when ready.
    pub ready: String,
}

impl Registry {
    /// Starts one on a free port that keeps nothing.
    pub fn in_memory() -> Self {
        Self::start(&["--listen", "127.0.0.1:0", "--store", "sqlite::memory:"])
    }

    /// Starts one on `listen` whose data is in `file`.
    pub fn on_file(listen: &str, file: &Path) -> Self {
        Self::start(&["--listen", listen, "--store", &format!("sqlite:{}", file.display())])
    }

    /// Starts one with these flags and waits until it is ready.
    pub fn start(flags: &[&str]) -> Self {
        Self::from_command(muster(&[&["serve"], flags].concat()))
    }

    /// Starts `command`, some form of `muster serve`, and waits until it is ready.
    pub fn from_command(command: Command) -> Self {
        let mut process = Process::start("muster serve", command);
        let ready = process.wait_line("ready");
        let address = ready.split_once("http://").expect("the ready line has a URL").1;
        let address = address.split([',', ' ', '/']).next().expect("split yields one part").to_owned();
        Self { process, address, ready }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new client.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }
}

/// A running `muster gateway`.
pub struct Gateway {
    /// The process.
    pub process: Process,
    /// `HOST:PORT` for clients.
    pub address: String,
}

impl Gateway {
    /// Starts one in front of the broker at `bootstrap` and waits until it is ready.
    pub fn start(bootstrap: &str, registry: &str) -> Self {
        Self::on_port(free_ports(4), bootstrap, registry, &[])
    }

    /// Starts one on `port`, and on the ports above it for the brokers, with more `flags`.
    pub fn on_port(port: u16, bootstrap: &str, registry: &str, flags: &[&str]) -> Self {
        let address = format!("127.0.0.1:{port}");
        let mut all = vec!["gateway", "--listen", &address, "--bootstrap", bootstrap, "--registry", registry];
        all.extend_from_slice(flags);
        let mut process = Process::start("muster gateway", muster(&all));
        process.wait_line("ready");
        Self { process, address }
    }

    /// The port of its bootstrap address.
    pub fn port(&self) -> u16 {
        self.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("made from a port")
    }
}
