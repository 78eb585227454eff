//! What changed between two schemas, whatever their language.

use std::fmt;

/// One change from the writer's schema to the reader's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where, in the notation of the language; Avro: field names, `[]` for array items, `{}` for map values and names
    /// of union branches, each after a `/`, with `~` and `/` in names written as in a JSON pointer; `/` is the top.
    pub path: String,
    /// What changed: an upper-case name of the language, such as `FIELD_ADDED`.
    pub kind: &'static str,
    /// What the writer's schema says, in words; none if something was added.
    pub from: Option<String>,
    /// What the reader's schema says, in words; none if something was removed.
    pub to: Option<String>,
    /// Whether it matters.
    pub verdict: Verdict,
}

/// Which directions a change breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// The reader's schema cannot read all data of the writer's.
    pub breaks_backward: bool,
    /// The writer's schema cannot read all data of the reader's.
    pub breaks_forward: bool,
}

impl Verdict {
    /// Whether no direction breaks.
    pub fn is_compatible(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.breaks_backward, self.breaks_forward) {
            (false, false) => "compatible",
            (true, false) => "breaks backward",
            (false, true) => "breaks forward",
            (true, true) => "breaks both ways",
        })
    }
}

/// Path, what changed, and how: `/a: type changed from int to string (breaks both ways)`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.kind.to_ascii_lowercase().replace('_', " "))?;
        match (&self.from, &self.to) {
            (None, None) => {}
            (Some(only), None) | (None, Some(only)) => write!(f, ": {only}")?,
            (Some(from), Some(to)) => write!(f, " from {from} to {to}")?,
        }
        write!(f, " ({})", self.verdict)
    }
}
