//! A real Kafka broker (KRaft, one node) and Kafka's own tools, from the jars that `tests/run` fetches.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::process::{Finished, Process, run};
use super::{cache_folder, free_ports, python, skipped, tests_folder};

/// Options for a JVM that lives a second or a minute: quick to start, small.
const JVM: [&str; 3] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"];

/// What Kafka tests need from outside: Kafka's jars and the Python clients.
pub struct Kit {
    libs: PathBuf,
}

impl Kit {
    /// The kit, or `None` after saying that `test` is skipped.
    pub fn find(test: &str) -> Option<&'static Self> {
        static KIT: OnceLock<Result<Kit, String>> = OnceLock::new();
        let kit = KIT.get_or_init(|| {
            let libs = cache_folder().join("kafka-4.3.0");
            if !libs.join("complete").exists() {
                return Err(format!("no Kafka in {}; tests/run fetches it", libs.display()));
            }
            if !python::interpreter().exists() {
                let path = python::interpreter();
                return Err(format!("no Python clients at {}; tests/run installs them", path.display()));
            }
            Ok(Self { libs })
        });
        match kit {
            Ok(kit) => Some(kit),
            Err(why) => {
                skipped(test, why);
                None
            }
        }
    }

    fn java(&self, class: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("java");
        command.args(JVM).arg("-cp").arg(self.libs.join("*"));
        let log = tests_folder().join("kafka/log4j2.properties");
        command.arg(format!("-Dlog4j2.configurationFile={}", log.display())).arg(class).args(arguments);
        command
    }

    /// Runs one of Kafka's tools, e.g. `kafka.admin.ConfigCommand`, to its end.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> Finished {
        self.tool_with_input(class, arguments, b"")
    }

    /// As [`Kit::tool`], with `input` on standard input.
    pub fn tool_with_input(&self, class: &str, arguments: &[&str], input: &[u8]) -> Finished {
        run(self.java(class, arguments), input, Duration::from_secs(120))
    }

    /// `kafka-configs` for one topic.
    pub fn topic_configs(&self, bootstrap: &str, topic: &str, arguments: &[&str]) -> Finished {
        let fixed = ["--bootstrap-server", bootstrap, "--entity-type", "topics", "--entity-name", topic];
        self.tool("kafka.admin.ConfigCommand", &[&fixed, arguments].concat())
    }

    /// The broker that all tests of this process share. It ends with the process.
    pub fn shared_broker(&self) -> &'static Broker {
        static BROKER: OnceLock<Broker> = OnceLock::new();
        BROKER.get_or_init(|| self.start_broker())
    }

    /// A broker of the test's own, which it may stop and restart.
    pub fn start_broker(&self) -> Broker {
        let port = free_ports(2);
        let folder = std::env::temp_dir().join(format!("muster-kafka-{}-{port}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let config = folder.join("server.properties");
        std::fs::write(&config, server_properties(port, &folder)).expect("the folder was just made");
        let config = config.display().to_string();
        let id = "5L6g3nShT-eMCtK--X86sw";
        self.tool("kafka.tools.StorageTool", &["format", "-t", id, "-c", &config]).ok();
        let broker = Broker { port, folder, command: Mutex::new(Vec::new()), process: Mutex::new(None) };
        let java = self.java("kafka.Kafka", &[&config]);
        let mut words = vec![java.get_program().to_owned()];
        words.extend(java.get_args().map(ToOwned::to_owned));
        *broker.command.lock().unwrap() = words;
        broker.start();
        broker
    }
}

/// A running broker.
pub struct Broker {
    port: u16,
    folder: PathBuf,
    command: Mutex<Vec<std::ffi::OsString>>,
    process: Mutex<Option<(Process, u32)>>,
}

impl Broker {
    /// Its real address, which no client of a gateway should ever see.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it, on the data it had, and waits until it is up.
    pub fn start(&self) {
        let words = self.command.lock().unwrap().clone();
        let mut command = Command::new(tests_folder().join("support/leash.sh"));
        command.arg(&self.folder).args(words).stdin(Stdio::piped());
        let mut process = Process::start("kafka", command);
        let id = process.wait_line("pid ");
        let id = id.trim_start_matches("pid ").parse().expect("the leash prints a process id");
        process.wait_line("Kafka Server started");
        *self.process.lock().unwrap() = Some((process, id));
    }

    /// `kill -9`.
    pub fn kill(&self) {
        if let Some((mut process, id)) = self.process.lock().unwrap().take() {
            super::process::send_signal("KILL", id);
            process.wait_exit();
        }
    }

    /// The first segment of partition 0 of `topic`, as `DumpLogSegments` reads it.
    pub fn log_segment(&self, topic: &str) -> PathBuf {
        self.folder.join(format!("data/{topic}-0/00000000000000000000.log"))
    }

    /// What it printed.
    pub fn log(&self) -> String {
        self.process.lock().unwrap().as_ref().map(|(process, _)| process.log()).unwrap_or_default()
    }

    /// The offset after the last record of partition 0 of `topic`, asked at the broker itself.
    pub fn end_offset(&self, topic: &str) -> i64 {
        let answer = python::client("ends", &json!({"config": config(&self.address()), "topic": topic}));
        answer["0"].as_i64().expect("partition 0 has an end")
    }

    /// The first `count` records of `topic`, read from the broker itself.
    pub fn records(&self, topic: &str, count: usize) -> Vec<Value> {
        let spec = json!({"config": config(&self.address()), "topics": [topic], "count": count});
        python::client("consume", &spec).as_array().expect("a list of records").clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The leash is killed with its pipe still open, so the broker goes first.
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Settings of a Python client that talks to `bootstrap`.
pub fn config(bootstrap: &str) -> Value {
    json!({"bootstrap.servers": bootstrap, "socket.timeout.ms": 20_000})
}

fn server_properties(port: u16, folder: &Path) -> String {
    let template = tests_folder().join("kafka/server.properties");
    let template = std::fs::read_to_string(template).expect("the template lies beside the tests");
    let replace = [
        ("@port@", port.to_string()),
        ("@controller@", (port + 1).to_string()),
        ("@folder@", folder.display().to_string()),
    ];
    replace.iter().fold(template, |text, (name, value)| text.replace(name, value))
}
