//! Witnesses: for each incompatibility, an instance that the writer's schema accepts and the reader's refuses.
//!
//! A difference names a place. `place` follows its path through both schemas at once, `values` makes instances around
//! what the two schemas say there (numbers next to every bound, strings next to every length, objects with and without
//! every member), and whatever stands around the place is filled with something small that both sides accept. Each
//! instance is then held against both schemas, so that none is shown that does not prove that the schemas are incompatible
//! there. Which keyword refuses it is what the reason says. If several keywords of the pair changed at one place, one
//! instance may prove several differences: a content model has no keyword of its own, so that a property that a closed one
//! lacks may be refused for its type as well as for its name.
//!
//! Everything is bounded: the number of instances that are tried, their size by [`Limits::witness_bytes`].
//!
//! # Where the rules and the truth part
//!
//! The reference compares keywords, not sets of values (schema formats spec §3.6), and so do we.
//!
//! *Stricter than the truth*: what follows is refused though no instance tells the two schemas apart. There is no witness,
//! and that is what is said. `{}` against a keyword that demands nothing (`{"properties": {}}`); the same said by other
//! kinds of keywords (`enum: ["a"]` against `const: "a"`); a `pattern` written in another way; a bound that other keywords
//! imply; `anyOf` and `oneOf` of branches that exclude each other; something inside a place where no value is allowed.
//!
//! *Laxer than the truth*: what follows is judged compatible though a reader refuses some of the writer's data. A `type`
//! that the keywords of that type gain (`minLength` with `type: string`); names in `required` without a property schema,
//! or whose schema has a `default`; `if`, `then` and `else`; the schemas of `contains`, `propertyNames` and
//! `patternProperties`; an object with `patternProperties`, which counts as closed for all other names, so that adding a
//! property to it seems harmless; `oneOf`, where a value may satisfy a branch more than before; what `not` refuses;
//! `unevaluatedProperties` and `unevaluatedItems`, which depend on keywords that are compared apart; `format`. Validators and
//! serdes hold payloads against the schema itself, so what slips through here is found there.

mod pattern;
mod place;
mod values;

use serde_json::Value;

use super::JsonSchema;
use super::diff::{self, Difference, DifferenceKind};
use super::validate::{CompileError, Invalid, InvalidKind, Options, Validator, on_stack};
use crate::compatibility::{CompatibilityPolicy, Witness};
use crate::limits::Limits;
use values::Search;

/// Most instances that are tried for one difference, and for all of one pair of schemas.
const TRIES: usize = 3_000;
const ALL_TRIES: usize = 60_000;

/// Stack for the search.
const STACK_BYTES: usize = 32 << 20;

/// Why there is no witness of a difference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWitness {
    /// Every instance that was tried is refused by the writer or accepted by the reader.
    #[error(
        "no witness found: of {0} data that were tried, the reader accepts all that the writer does; the rule may be \
         stricter than the truth"
    )]
    NotFound(usize),
    /// No instance that the writer accepts was found.
    #[error("no witness found: no datum was found that the writer's schema accepts")]
    NoData,
    /// Nothing can be held against one of the schemas.
    #[error("no witness found: {0}")]
    Unusable(CompileError),
    /// The schemas were not compared to the end.
    #[error("the schemas were not compared to the end")]
    NotCompared,
    /// The witnesses before this one took all the room or time there is.
    #[error("a witness would be too large")]
    TooLarge,
}

/// A difference and the proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What is wrong.
    pub difference: Difference,
    /// An instance that shows it, or why there is none.
    pub witness: Result<Witness, NoWitness>,
}

/// The incompatible differences that [`diff`](diff::diff) lists, in order, each with its witness.
///
/// The text of a witness is the instance as compact JSON, its bytes are the same, and its path is a JSON pointer (RFC 6901)
/// to what the reader refuses.
pub fn explain(
    reader: &JsonSchema,
    writer: &JsonSchema,
    policy: CompatibilityPolicy,
    limits: &Limits,
) -> Vec<Explained> {
    let differences = diff::diff(reader, writer, policy, limits).into_iter();
    let breaking: Vec<Difference> = differences.filter(|found| !found.kind.is_compatible(policy)).collect();
    if breaking.is_empty() {
        return Vec::new();
    }
    let prove = || {
        let mut prover = Prover::new(reader, writer, limits);
        let witnesses = breaking.iter().map(|difference| match (&mut prover, difference.kind) {
            (_, DifferenceKind::NotComparable) => Err(NoWitness::NotCompared),
            (Ok(prover), _) => prover.prove(difference),
            (Err(error), _) => Err(NoWitness::Unusable(error.clone())),
        });
        witnesses.collect::<Vec<_>>()
    };
    // The search recurses, to bounded depths.
    let witnesses = on_stack(STACK_BYTES, prove);
    let witnesses = witnesses.unwrap_or_else(|| breaking.iter().map(|_| Err(NoWitness::TooLarge)).collect());
    let explained = breaking.into_iter().zip(witnesses);
    explained.map(|(difference, witness)| Explained { difference, witness }).collect()
}

/// Finds witnesses of the differences of two schemas.
struct Prover<'a> {
    search: Search<'a>,
    reader: Validator,
    writer: Validator,
    limits: Limits,
    tries_left: usize,
    bytes_left: usize,
}

/// An instance and where in it the difference is.
struct Instance {
    value: Value,
    /// JSON pointer.
    pointer: String,
}

impl<'a> Prover<'a> {
    fn new(reader: &'a JsonSchema, writer: &'a JsonSchema, limits: &Limits) -> Result<Self, CompileError> {
        let compile = |schema: &JsonSchema| Validator::compile(schema, Options::default(), limits);
        let (reader_validator, writer_validator) = (compile(reader)?, compile(writer)?);
        let model =
            |schema: &'a JsonSchema| schema.model().map_err(|error| CompileError::Refused(error.to_string()));
        Ok(Self {
            search: Search::new(model(reader)?, model(writer)?),
            reader: reader_validator,
            writer: writer_validator,
            // What is tried is small, and cheap to hold against a schema, or not worth trying.
            limits: Limits { validation_steps: 100_000, ..*limits },
            tries_left: ALL_TRIES,
            bytes_left: limits.difference_bytes,
        })
    }

    fn prove(&mut self, difference: &Difference) -> Result<Witness, NoWitness> {
        let tries = TRIES.min(self.tries_left);
        if tries == 0 || self.bytes_left == 0 {
            return Err(NoWitness::TooLarge);
        }
        let instances = self.search.instances(&difference.path, tries);
        self.tries_left -= instances.len().min(tries);
        let mut texts: Vec<(String, Instance)> =
            instances.into_iter().map(|instance| (instance.value.to_string(), instance)).collect();
        texts.retain(|(text, _)| text.len() <= self.limits.witness_bytes);
        // The smallest that proves it is the easiest to read.
        texts.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        texts.dedup_by(|(a, x), (b, y)| a == b && x.pointer == y.pointer);
        let (mut best, mut accepted) = (None::<(Proof, String, Invalid)>, 0);
        for (text, instance) in texts {
            if self.writer.check_value(&instance.value, &self.limits).is_err() {
                continue;
            }
            accepted += 1;
            let Err(invalid) = self.reader.check_value(&instance.value, &self.limits) else { continue };
            let Some(proof) = Proof::of(&invalid, difference.kind, &instance.pointer) else { continue };
            if best.as_ref().is_none_or(|(best, ..)| proof < *best) {
                best = Some((proof, text, invalid));
            }
            if proof == Proof::Exact {
                break;
            }
        }
        match best {
            Some((_, text, invalid)) => self.take(text, invalid),
            None if accepted == 0 => Err(NoWitness::NoData),
            None => Err(NoWitness::NotFound(accepted)),
        }
    }

    fn take(&mut self, datum: String, invalid: Invalid) -> Result<Witness, NoWitness> {
        let Invalid { path, reason, .. } = invalid;
        let size = 2 * datum.len() + path.len() + reason.len();
        self.bytes_left = self.bytes_left.saturating_sub(size);
        let place = if path.is_empty() { "the value" } else { &path };
        let reason = format!("the writer accepts this, the reader does not: {place} {reason}");
        Ok(Witness { bytes: datum.clone().into_bytes(), datum, path, reason })
    }
}

/// How well an instance that is refused shows a difference, the best first. One that is refused for something else
/// somewhere else shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    /// At the place, and for the keyword that changed.
    Exact,
    /// At the place or in it.
    Inside,
    /// Around the place, by a keyword that looks into it.
    Around,
}

impl Proof {
    fn of(invalid: &Invalid, kind: DifferenceKind, pointer: &str) -> Option<Self> {
        /// Keywords whose failure may come from inside the value.
        const LOOKING_INSIDE: [&str; 9] = [
            "anyOf",
            "oneOf",
            "not",
            "contains",
            "enum",
            "const",
            "unevaluatedProperties",
            "unevaluatedItems",
            "falseSchema",
        ];
        if invalid.kind != InvalidKind::Schema {
            return None;
        }
        let is_below = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_below(&invalid.path, pointer) {
            let keywords = keywords(kind);
            let is_exact = invalid.path == pointer && keywords.contains(&invalid.keyword.as_str());
            return Some(if is_exact { Self::Exact } else { Self::Inside });
        }
        let looks_inside = LOOKING_INSIDE.contains(&invalid.keyword.as_str());
        (looks_inside && is_below(pointer, &invalid.path)).then_some(Self::Around)
    }
}

/// The keywords that a kind of difference is about.
fn keywords(kind: DifferenceKind) -> &'static [&'static str] {
    const PREFIXES: [(&str, &[&str]); 20] = [
        ("MAX_LENGTH", &["maxLength"]),
        ("MIN_LENGTH", &["minLength"]),
        ("PATTERN", &["pattern"]),
        ("MAXIMUM", &["maximum", "exclusiveMaximum"]),
        ("MINIMUM", &["minimum", "exclusiveMinimum"]),
        ("EXCLUSIVE_MAXIMUM", &["exclusiveMaximum"]),
        ("EXCLUSIVE_MINIMUM", &["exclusiveMinimum"]),
        ("MULTIPLE_OF", &["multipleOf"]),
        ("REQUIRED", &["required"]),
        ("DEPENDENCY", &["required"]),
        ("MAX_PROPERTIES", &["maxProperties"]),
        ("MIN_PROPERTIES", &["minProperties"]),
        ("MAX_ITEMS", &["maxItems"]),
        ("MIN_ITEMS", &["minItems"]),
        ("UNIQUE_ITEMS", &["uniqueItems"]),
        ("ENUM_ARRAY", &["enum", "const"]),
        ("TYPE", &["type", "anyOf", "enum", "const"]),
        ("COMBINED_TYPE", &["anyOf", "oneOf", "type"]),
        ("SUM_TYPE", &["anyOf", "oneOf"]),
        ("NOT_TYPE", &["not"]),
    ];
    let name = kind.as_str();
    let found = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
    found.map_or(&[], |(_, keywords)| keywords)
}
