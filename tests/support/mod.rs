//! What black-box tests need around the binary: processes, ports, HTTP, a Kafka broker and its tools, Python clients.
//!
//! Included by each test target with `mod support;`, so a target compiles what it does not use, too.
#![allow(dead_code, reason = "each target uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on fails its test")]

pub mod bombs;
pub mod cluster;
pub mod http;
pub mod kafka;
pub mod muster;
pub mod process;
pub mod python;
pub mod schemas_log;
pub mod wire;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// The folder of the tests, where scripts and data lie.
pub fn tests_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests"))
}

/// The folder that `tests/run` fills: Kafka's jars and the Python clients.
pub fn cache_folder() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from("MUSTER_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("muster")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/muster")))
        .unwrap_or_else(|| PathBuf::from("/tmp/muster-cache"))
}

/// Says that `test` was not run. Past libtest's capture, because `tests/run` counts these lines.
pub fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Asks `probe` until it answers `Some`, and fails the test with `what` when `limit` has passed.
///
/// For states that another process reaches in its own time and announces nowhere.
pub fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain for: {what}");
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// The first of `count` neighbouring ports of 127.0.0.1 that are free now.
///
/// Below the range from which the system serves outgoing connections, so that none takes them before their owner
/// listens.
pub fn free_ports(count: u16) -> u16 {
    const FIRST: u16 = 15_000;
    const LAST: u16 = 32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id().wrapping_mul(97) % 10_000).unwrap_or(0);
    for _ in 0..2_000 {
        let step = NEXT.fetch_add(count.max(8), Ordering::Relaxed);
        let first = FIRST + spread.wrapping_add(step) % (LAST - FIRST - count);
        let free = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok();
        if (first..first + count).all(free) {
            return first;
        }
    }
    panic!("no {count} neighbouring free ports");
}

/// A reproducible stream of numbers (xorshift64*), for inputs that should vary but not surprise.
pub struct Numbers(u64);

impl Numbers {
    /// The stream that belongs to `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// Text as hexadecimal digits, for scripts that take bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
