//! Compatibility levels, and the one driver that turns differences into a verdict over a history
//! (schema formats spec §6).

mod explain;

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use crate::format::ParsedSchema;
use crate::ids::Version;
use crate::limits::Limits;
use crate::metadata::Metadata;

pub use explain::{Explained, Explanation, Witness, explain};

/// Which earlier versions a new one must get along with, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompatibilityLevel {
    /// Nothing is checked.
    None,
    /// The new schema reads data of the latest.
    Backward,
    /// The new schema reads data of every earlier version.
    BackwardTransitive,
    /// The latest schema reads data of the new one.
    Forward,
    /// Every earlier version reads data of the new one.
    ForwardTransitive,
    /// Both directions, latest version.
    Full,
    /// Both directions, every earlier version.
    FullTransitive,
}

/// The text names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown compatibility level {0:?}")]
pub struct UnknownLevel(pub String);

impl CompatibilityLevel {
    /// Every level.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// The upper-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }
}

impl fmt::Display for CompatibilityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CompatibilityLevel {
    type Err = UnknownLevel;

    /// Reads the name in any letter case.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

/// How much a JSON schema may change and still count as compatible; the other languages know one policy only.
///
/// Source: registry API spec §3.2, `compatibilityPolicy`; schema formats spec §3.7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CompatibilityPolicy {
    /// The reference's first and default policy.
    #[default]
    Strict,
    /// A wider set of changes counts as compatible.
    Lenient,
}

/// How two schemas are compared.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What messages call the reader and the writer, such as `new` and `old`.
    pub labels: (&'a str, &'a str),
    /// The policy in scope.
    pub policy: CompatibilityPolicy,
    /// Bounds on the comparison.
    pub limits: &'a Limits,
}

/// A schema with the metadata that takes part in the checks.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The new schema.
    pub schema: &'a ParsedSchema,
    /// Its metadata: reserved fields and the compatibility group.
    pub metadata: Option<&'a Metadata>,
}

/// A live version that the candidate is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Its number, where known.
    pub version: Option<Version>,
    /// Its schema.
    pub schema: &'a ParsedSchema,
    /// Its metadata.
    pub metadata: Option<&'a Metadata>,
}

/// The settings in scope.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// The level.
    pub level: CompatibilityLevel,
    /// How strictly JSON schemas are compared.
    pub policy: CompatibilityPolicy,
    /// Whether reserved fields are checked.
    pub validate_fields: bool,
    /// Name of the metadata property whose value must agree for versions to be compared.
    pub group: Option<&'a str>,
}

impl Settings<'_> {
    /// This level, and everything else as it is by default.
    pub fn of(level: CompatibilityLevel) -> Self {
        Self { level, policy: CompatibilityPolicy::default(), validate_fields: false, group: None }
    }
}

/// Checks `candidate` against `history` (oldest first) and returns the complete list of messages in the
/// reference's order and wording; empty means compatible.
///
/// The list holds, in this order: reserved-field messages (only with [`Settings::validate_fields`]), the differences from
/// one version, two lines about that version, and one line about the settings. Levels that are not transitive look at
/// the latest version alone; the others go back in time and stop at the first version that does not get along. A
/// version of another schema language never does.
///
/// Source: schema formats spec §6 and registry API spec §12.
pub fn check(
    candidate: Candidate<'_>,
    history: &[Previous<'_>],
    settings: Settings<'_>,
    limits: &Limits,
) -> Vec<String> {
    let mut messages = Vec::new();
    if settings.validate_fields {
        reserved_fields(candidate, history.last(), &mut messages);
    }
    if let Some(scope) = Scope::of(settings.level) {
        let found = comparable(candidate, history, settings, scope)
            .map(|previous| compare(candidate.schema, previous, scope, (settings.policy, limits)))
            .find(|found| !found.is_empty());
        messages.extend(found.into_iter().flatten());
    }
    if !messages.is_empty() {
        messages.push(format!(
            "{{validateFields: '{}', compatibility: '{}'}}",
            settings.validate_fields, settings.level
        ));
    }
    messages
}

/// Longest old schema that is shown whole, in UTF-16 code units.
const SHOWN_SCHEMA_UNITS: usize = 10 * 1024;

/// Name of the metadata property that lists reserved fields.
const RESERVED: &str = "confluent:reserved";

/// What a level asks for.
#[derive(Clone, Copy)]
struct Scope {
    /// The new schema must read data of the old one.
    backward: bool,
    /// The old schema must read data of the new one.
    forward: bool,
    /// With every earlier version.
    transitive: bool,
}

impl Scope {
    fn of(level: CompatibilityLevel) -> Option<Self> {
        let (backward, forward, transitive) = match level {
            CompatibilityLevel::None => return None,
            CompatibilityLevel::Backward => (true, false, false),
            CompatibilityLevel::BackwardTransitive => (true, false, true),
            CompatibilityLevel::Forward => (false, true, false),
            CompatibilityLevel::ForwardTransitive => (false, true, true),
            CompatibilityLevel::Full => (true, true, false),
            CompatibilityLevel::FullTransitive => (true, true, true),
        };
        Some(Self { backward, forward, transitive })
    }
}

/// The versions that a candidate is compared with, latest first.
fn comparable<'h>(
    candidate: Candidate<'h>,
    history: &'h [Previous<'h>],
    settings: Settings<'h>,
    scope: Scope,
) -> impl Iterator<Item = &'h Previous<'h>> {
    let group = move |metadata| property(metadata, settings.group);
    history
        .iter()
        .rev()
        .filter(move |previous| group(previous.metadata) == group(candidate.metadata))
        .take(if scope.transitive { usize::MAX } else { 1 })
}

/// All messages about one earlier version.
fn compare(
    new: &ParsedSchema,
    previous: &Previous<'_>,
    scope: Scope,
    terms: (CompatibilityPolicy, &Limits),
) -> Vec<String> {
    let old = previous.schema;
    let (policy, limits) = terms;
    let backward_terms = Terms { labels: ("new", "old"), policy, limits };
    if new.schema_type() != old.schema_type() {
        return new.incompatibilities(old, backward_terms);
    }
    let forward_terms = Terms { labels: ("old", "new"), policy, limits };
    let forward = if scope.forward { old.incompatibilities(new, forward_terms) } else { Vec::new() };
    let backward = if scope.backward { new.incompatibilities(old, backward_terms) } else { Vec::new() };
    // The reference tells about the old schema only if the direction it checked last found something.
    let show_old = if scope.backward { !backward.is_empty() } else { !forward.is_empty() };
    let mut messages = forward;
    messages.extend(backward);
    if show_old {
        if let Some(version) = previous.version {
            messages.push(format!("{{oldSchemaVersion: {version}}}"));
        }
        messages.push(match truncated(old.canonical(), SHOWN_SCHEMA_UNITS) {
            None => format!("{{oldSchema: '{}'}}", old.canonical()),
            Some(start) => format!("{{oldSchema: <truncated> '{start}...'}}"),
        });
    }
    messages
}

/// The start of `text` if it has more than `max_units` UTF-16 code units. A pair of surrogates is never torn.
fn truncated(text: &str, max_units: usize) -> Option<&str> {
    if text.len() <= max_units {
        return None;
    }
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > max_units {
            return text.get(..at);
        }
    }
    None
}

fn property<'a>(metadata: Option<&'a Metadata>, name: Option<&str>) -> Option<&'a str> {
    metadata?.properties.as_ref()?.get(name?).map(String::as_str)
}

/// The rules of schema formats spec §6.4.
fn reserved_fields(candidate: Candidate<'_>, latest: Option<&Previous<'_>>, messages: &mut Vec<String>) {
    let reserved = reserved_names(candidate.metadata);
    let before = latest.map(|previous| reserved_names(previous.metadata)).unwrap_or_default();
    let kept: HashSet<&str> = reserved.iter().copied().collect();
    messages.extend(before.iter().filter(|name| !kept.contains(**name)).map(|name| {
        format!(
            "The new schema has reserved field {name} removed from its metadata which is present in the old \
             schema's metadata."
        )
    }));
    if reserved.is_empty() {
        return;
    }
    let fields: HashSet<String> = candidate.schema.top_level_fields().into_iter().collect();
    messages.extend(
        reserved
            .iter()
            .filter(|name| fields.contains(**name))
            .map(|name| format!("The new schema has field that conflicts with the reserved field {name}.")),
    );
}

/// The names in a `confluent:reserved` property, in the order in which a Java hash set lists them: the reference
/// reports them in that order, and clients compare whole answers.
fn reserved_names(metadata: Option<&Metadata>) -> Vec<&str> {
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    for name in property(metadata, Some(RESERVED)).unwrap_or_default().split(',') {
        let name = name.trim_matches(|c| c <= ' ');
        if !name.is_empty() && seen.insert(name) {
            names.push(name);
        }
    }
    let mut buckets: u32 = 16;
    while names.len() > buckets as usize / 4 * 3 {
        buckets = buckets.saturating_mul(2);
    }
    names.sort_by_key(|name| {
        let hash =
            name.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        (hash ^ (hash >> 16)) & (buckets - 1)
    });
    names
}

#[cfg(feature = "avro")]
#[cfg(test)]
mod tests;
