//! Everything that changed between two JSON Schemas, with the directions that each change breaks.

use std::collections::{HashMap, HashSet};

use super::JsonSchema;
use super::diff::diff;
use crate::changes::{Change, Verdict};
use crate::compatibility::CompatibilityPolicy;
use crate::limits::Limits;

/// Lists what changed from `writer` to `reader`: every [`Difference`](super::diff::Difference) between them, compatible or
/// not. A change breaks forward if the comparison the other way round finds something incompatible at its path; what that
/// comparison alone finds comes last, under the names it has there.
///
/// [`Change::path`] is that of the difference, such as `#/properties/a`.
///
/// ```
/// use muster_schema::compatibility::CompatibilityPolicy;
/// use muster_schema::json::{self, changes::changes};
/// use muster_schema::{Limits, ResolvedReferences, Strictness};
///
/// let limits = Limits::default();
/// let parse = |text| json::parse(text, &ResolvedReferences::default(), Strictness::New, &limits);
/// let writer = parse(r#"{"type": "string", "maxLength": 5}"#)?;
/// let reader = parse(r#"{"type": "string", "maxLength": 3, "title": "T"}"#)?;
/// let changes = changes(&writer, &reader, CompatibilityPolicy::Strict, &limits);
/// let listed: Vec<String> = changes.iter().map(ToString::to_string).collect();
/// assert_eq!(listed, ["#/: title changed (compatible)", "#/maxLength: max length decreased (breaks backward)"]);
/// # Ok::<(), muster_schema::ParseError>(())
/// ```
pub fn changes(
    writer: &JsonSchema,
    reader: &JsonSchema,
    policy: CompatibilityPolicy,
    limits: &Limits,
) -> Vec<Change> {
    let forth = diff(reader, writer, policy, limits);
    let mut back = diff(writer, reader, policy, limits);
    back.retain(|difference| !difference.kind.is_compatible(policy));
    let breaking_back: HashSet<&str> = back.iter().map(|difference| difference.path.as_str()).collect();
    // A path may be listed more than once: what breaks forward is told with the first.
    let mut told: HashMap<&str, ()> = HashMap::new();
    let mut listed: Vec<Change> = forth
        .iter()
        .map(|difference| {
            let path = difference.path.as_str();
            let breaks_forward = breaking_back.contains(path) && told.insert(path, ()).is_none();
            let breaks_backward = !difference.kind.is_compatible(policy);
            change(path, difference.kind.as_str(), Verdict { breaks_backward, breaks_forward })
        })
        .collect();
    let only_back = back.iter().filter(|difference| !told.contains_key(difference.path.as_str()));
    let verdict = Verdict { breaks_backward: false, breaks_forward: true };
    listed.extend(only_back.map(|difference| change(&difference.path, difference.kind.as_str(), verdict)));
    listed
}

fn change(path: &str, kind: &'static str, verdict: Verdict) -> Change {
    Change { path: path.to_owned(), kind, from: None, to: None, verdict }
}
