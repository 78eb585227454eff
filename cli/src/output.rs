//! Answers for people or for scripts.

use std::io::Write as _;
use std::str::FromStr;

use anyhow::Context as _;

/// How a command prints its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Lines for people.
    Text,
    /// One JSON value.
    Json,
}

impl FromStr for Output {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => anyhow::bail!("output is text or json, not {other:?}"),
        }
    }
}

impl Output {
    /// Prints `text` for people or `json` for scripts, and a line end where the text has none.
    pub fn print(self, text: &str, json: &serde_json::Value) -> anyhow::Result<()> {
        match self {
            Self::Text if text.is_empty() => Ok(()),
            Self::Text => line(text.strip_suffix('\n').unwrap_or(text)),
            Self::Json => line(&json.to_string()),
        }
    }
}

/// Prints one line at once, also into a pipe. A closed pipe is an error, not a panic.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("cannot write to standard output")
}
