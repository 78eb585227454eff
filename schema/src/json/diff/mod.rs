//! What changed between two JSON Schemas, and whether it keeps the new one from reading data of the old (schema formats
//! spec §3.6, §3.7).
//!
//! The comparison follows the reference, because its findings are shown to people word for word and decide what may be
//! registered: it compares kinds of nodes and keywords, not sets of values, so it refuses much that would do no harm.
//! Pairs of nodes are compared once; a pair met again below itself is taken for compatible, and if that turns out wrong
//! the whole comparison is repeated with what was found. Nothing recurses and work is counted, so no schema can overflow
//! the stack or run for long.

mod arrays;
mod combined;
mod digests;
mod kind;
mod matching;
mod objects;
mod plan;
mod report;
mod scalars;
mod walk;
mod weight;

#[cfg(test)]
mod pairs;
#[cfg(test)]
mod tests;

use super::JsonSchema;
use crate::compatibility::CompatibilityPolicy;
use crate::format::ParseError;
use crate::limits::Limits;

pub use kind::DifferenceKind;

/// One difference between a writer's schema and a reader's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What changed.
    pub kind: DifferenceKind,
    /// Where: `#/` is the whole schema; below it keywords and names, each after a `/`, names as they are. References
    /// leave no trace in it.
    pub path: String,
}

impl Difference {
    fn not_comparable(message: String) -> Self {
        Self { kind: DifferenceKind::NotComparable, path: message }
    }

    /// The line that the registry shows. `reader` and `writer` name the two schemas, such as `new` and `old`.
    ///
    /// Source: schema formats spec §3.7; the unequal quotes are the reference's.
    pub fn text(&self, reader: &str, writer: &str) -> String {
        let Self { kind, path } = self;
        if *kind == DifferenceKind::NotComparable {
            return path.clone();
        }
        format!("{{errorType:\"{kind}\", description:\"{}'}}", kind.describe(path, reader, writer))
    }
}

/// Lists every difference from `writer` to `reader`, compatible or not.
///
/// `policy` matters even to the list, as some rules depend on whether two schemas are compatible. The comparison visits at
/// most [`Limits::pairs`] pairs of nodes and keywords, and lists at most [`Limits::difference_bytes`] bytes of text; past
/// either, the last difference is [`DifferenceKind::NotComparable`], with a message in place of a path.
pub fn diff(
    reader: &JsonSchema,
    writer: &JsonSchema,
    policy: CompatibilityPolicy,
    limits: &Limits,
) -> Vec<Difference> {
    match (reader.model(), writer.model()) {
        (Ok(reader), Ok(writer)) => walk::Walk::new(writer, reader, policy, limits).run(),
        (Err(error), _) | (_, Err(error)) => vec![Difference::not_comparable(not_loaded(error))],
    }
}

fn not_loaded(error: &ParseError) -> String {
    // What the reference says where a schema needs a text that it would have to fetch.
    const UNRESOLVED: &str = "A previous schema version contains an unsupported external reference";
    match error {
        ParseError::Invalid(text) if text.contains(super::load::UNRESOLVED) => UNRESOLVED.to_owned(),
        error => format!("A schema cannot be loaded: {error}"),
    }
}
