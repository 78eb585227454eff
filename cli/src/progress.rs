//! A bar on standard error, for people who wait.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

const WIDTH: usize = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// Draws itself over one line as long as standard error is a terminal; otherwise it stays silent.
pub struct Bar {
    label: &'static str,
    enabled: bool,
    drawn: Option<Instant>,
}

impl Bar {
    /// A bar that says what is being done.
    pub fn new(label: &'static str) -> Self {
        Self { label, enabled: std::io::stderr().is_terminal(), drawn: None }
    }

    /// Shows that `done` of `total` is done. A total of 0 is not known: then the number alone is shown.
    pub fn show(&mut self, done: u64, total: u64) {
        if !self.enabled || self.drawn.is_some_and(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        self.drawn = Some(Instant::now());
        self.draw(&line(self.label, done, total));
    }

    fn draw(&self, text: &str) {
        // Back to the first column, and away with what stood there.
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K{text}");
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            self.draw("");
        }
    }
}

fn line(label: &str, done: u64, total: u64) -> String {
    if total == 0 {
        return format!("{label} {done}");
    }
    let done = done.min(total);
    let part =
        |whole: usize| usize::try_from(u128::from(done) * whole as u128 / u128::from(total)).unwrap_or(whole);
    let (full, percent) = (part(WIDTH), part(100));
    format!(
        "{label} [{}{}] {percent:3} % ({done} of {total})",
        "#".repeat(full),
        "-".repeat(WIDTH.saturating_sub(full))
    )
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_bar_fills_up() {
        let cases = [
            (0, 0, "reading 0"),
            (7, 0, "reading 7"),
            (0, 4, "reading [------------------------------]   0 % (0 of 4)"),
            (2, 4, "reading [###############---------------]  50 % (2 of 4)"),
            (9, 4, "reading [##############################] 100 % (4 of 4)"),
            (
                u64::MAX,
                u64::MAX,
                "reading [##############################] 100 % (18446744073709551615 of 18446744073709551615)",
            ),
        ];
        for (done, total, expected) in cases {
            assert_eq!(line("reading", done, total), expected);
        }
    }
}
