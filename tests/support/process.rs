//! Child processes: started, listened to, and gone when their handle is.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::wait_for;

/// How long a process may take to become ready or to end before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Lines that a process printed, on either stream, in order of arrival.
#[derive(Clone, Default)]
struct Lines(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Lines {
    fn follow(&self, stream: impl Read + Send + 'static) {
        let lines = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                lines.0.0.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
                lines.0.1.notify_all();
            }
        });
    }

    fn all(&self) -> Vec<String> {
        self.0.0.lock().unwrap().clone()
    }

    /// The first line that `wanted` accepts, now or until `deadline`.
    fn wait(&self, deadline: Instant, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut lines = self.0.0.lock().unwrap();
        let mut seen = 0;
        loop {
            if let Some(line) = lines.get(seen..).unwrap_or_default().iter().find(|line| wanted(line)) {
                return Some(line.clone());
            }
            seen = lines.len();
            let left = deadline.checked_duration_since(Instant::now())?;
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// A process in the background. Dropping it kills it; if the test is failing, its last lines are shown first.
pub struct Process {
    name: String,
    child: Child,
    lines: Lines,
}

impl Process {
    /// Starts `command` under a `name` for messages, with both output streams captured.
    pub fn start(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let lines = Lines::default();
        lines.follow(child.stdout.take().expect("piped above"));
        lines.follow(child.stderr.take().expect("piped above"));
        Self { name: name.to_owned(), child, lines }
    }

    /// Waits for a line that contains `part`, and returns it. Fails the test when the process ends before.
    pub fn wait_line(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let step = (Instant::now() + Duration::from_millis(200)).min(deadline);
            if let Some(line) = self.lines.wait(step, |line| line.contains(part)) {
                return line;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                // Its last words may still be on the way.
                let last = Instant::now() + Duration::from_millis(500);
                if let Some(line) = self.lines.wait(last, |line| line.contains(part)) {
                    return line;
                }
                panic!("{} ended ({status}) before it printed {part:?}:\n{}", self.name, self.log());
            }
            assert!(Instant::now() < deadline, "{} did not print {part:?}:\n{}", self.name, self.log());
        }
    }

    /// Everything printed so far.
    pub fn log(&self) -> String {
        self.lines.all().join("\n")
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is still there.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        send_signal("TERM", self.id());
    }

    /// Waits for the end of the process.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let name = self.name.clone();
        let limit = PATIENCE;
        wait_for(&format!("the end of {name}"), limit, || self.child.try_wait().unwrap())
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        status_kib(self.id(), "VmRSS:")
    }

    /// The most resident memory it ever took, in KiB.
    pub fn peak_resident_kib(&self) -> u64 {
        status_kib(self.id(), "VmHWM:")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let lines = self.lines.all();
            let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default();
            eprintln!("--- last lines of {} ---\n{}\n---", self.name, tail.join("\n"));
        }
    }
}

/// Sends the signal `name` (as `TERM`) to the process `id`.
pub fn send_signal(name: &str, id: u32) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
    assert!(sent.is_ok_and(|status| status.success()), "cannot send SIG{name} to {id}");
}

/// An amount of memory in what Linux tells about the process `id`.
fn status_kib(id: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process is alive");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux prints it");
    line.trim().trim_end_matches("kB").trim().parse().expect("an amount is a number")
}

/// What a command that ran to its end left behind.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status; -1 after a signal.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Finished {
    /// Standard output, after a check that the command succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "command failed\nout: {}\nerr: {}", self.out, self.err);
        self.out
    }

    /// Standard output and standard error, after a check that the command failed.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_ne!(self.status, 0, "command should have failed\nout: {}\nerr: {}", self.out, self.err);
        format!("{}{}", self.out, self.err)
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
    }
}

/// Runs `command` with `input` on its standard input, and kills it after `limit`.
pub fn run(mut command: Command, input: &[u8], limit: Duration) -> Finished {
    let name = format!("{:?}", command.get_program());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let mut stdin = child.stdin.take().expect("piped above");
    let input = input.to_vec();
    // A command that does not read its input closes the pipe; that is no failure.
    let writer = std::thread::spawn(move || drop(std::io::Write::write_all(&mut stdin, &input)));
    let collect = |stream: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stream.expect("piped above").read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = collect(child.stdout.take().map(|s| Box::new(s) as _));
    let err = collect(child.stderr.take().map(|s| Box::new(s) as _));
    let deadline = Instant::now() + limit;
    let mut late = false;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if !late && Instant::now() > deadline {
            late = true;
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    let _ = writer.join();
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    assert!(!late, "{command:?} took longer than {limit:?}\nout: {out}\nerr: {err}");
    Finished { status: status.code().unwrap_or(-1), out, err }
}
