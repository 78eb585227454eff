//! The reasons behind a verdict: for each difference a datum that shows it.

use super::{Candidate, CompatibilityPolicy, Previous, Scope, Settings, Terms, comparable};
use crate::format::ParsedSchema;
use crate::ids::Version;
use crate::limits::Limits;

/// A datum that one side writes and the other cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The datum as JSON text, in the writer's schema language (Avro: its JSON encoding; Protobuf: its JSON form, with the
    /// names of the schema).
    pub datum: String,
    /// The datum encoded with the writer's schema, without framing.
    pub bytes: Vec<u8>,
    /// JSON pointer (RFC 6901) into the datum to the value that cannot be read; empty for the datum itself.
    pub path: String,
    /// The rule that is broken there, in words; speaks of *the reader* and *the writer*.
    pub reason: String,
}

/// One incompatibility between a reader and a writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The incompatibility, in the reference's words.
    pub message: String,
    /// The proof, or in words why there is none.
    pub witness: Result<Witness, String>,
}

/// One incompatibility between a candidate and an earlier version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What [`check`](super::check) says about it.
    pub message: String,
    /// The earlier version, where known.
    pub version: Option<Version>,
    /// Whether the candidate reads and the earlier version has written (backward), or the other way round (forward).
    pub candidate_reads: bool,
    /// The proof, or in words why there is none.
    pub witness: Result<Witness, String>,
}

/// Explains what [`check`](super::check) finds: the differences from the first earlier version that does not get along
/// with the candidate, in the same order. Messages about anything else (reserved fields, the version, the settings) are
/// not repeated here. A version of another schema language has no differences to explain.
pub fn explain(
    candidate: Candidate<'_>,
    history: &[Previous<'_>],
    settings: Settings<'_>,
    limits: &Limits,
) -> Vec<Explanation> {
    let Some(scope) = Scope::of(settings.level) else { return Vec::new() };
    comparable(candidate, history, settings, scope)
        .find_map(|previous| {
            if previous.schema.schema_type() != candidate.schema.schema_type() {
                return Some(Vec::new());
            }
            let explanations = explain_one(candidate.schema, previous, scope, (settings.policy, limits));
            (!explanations.is_empty()).then_some(explanations)
        })
        .unwrap_or_default()
}

fn explain_one(
    new: &ParsedSchema,
    previous: &Previous<'_>,
    scope: Scope,
    (policy, limits): (CompatibilityPolicy, &Limits),
) -> Vec<Explanation> {
    let old = previous.schema;
    let mut explanations = Vec::new();
    let directions = [(scope.forward, false, old, new), (scope.backward, true, new, old)];
    for (_, candidate_reads, reader, writer) in directions.into_iter().filter(|(is_asked, ..)| *is_asked) {
        let labels = if candidate_reads { ("new", "old") } else { ("old", "new") };
        let found = reader.explain(writer, Terms { labels, policy, limits }).into_iter();
        explanations.extend(found.map(|Explained { message, witness }| Explanation {
            message,
            version: previous.version,
            candidate_reads,
            witness,
        }));
    }
    explanations
}
