//! Patterns that cannot be matched in linear time: lookaround, back references, atomic groups.
//!
//! The crate gives such a match up after a fixed number of steps back, and then cannot say whether a value is valid. What
//! one match may cost is not to be told from the pattern, nor is it worth guessing: it is tried with few steps back, then
//! with more, and each try is paid for before it is made ([`steps`]). Who cannot pay, or is not done after
//! [`BACKTRACK_LIMIT`] steps back, has used up everything, so that the verdict is that there is none.
//!
//! `pattern` is replaced by a keyword that does so. `patternProperties` must stay with the crate, which asks it what has
//! been evaluated; there a keyword goes ahead that holds every member name against every such pattern.

use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;
use jsonschema::{Draft, Keyword, PatternOptions, ValidationError};
use serde_json::{Map, Value};

use super::{COMPILER_STACK_BYTES, CompiledKeyword, on_stack, steps};
use crate::json::model::ObjectNode;

/// The keyword instead of `pattern`; its value is the pattern.
pub(super) const PATTERN: &str = "x-muster-pattern";
/// The keyword ahead of `patternProperties`; its value is the patterns.
pub(super) const NAMES: &str = "x-muster-names";

/// Most steps back of one match.
pub const BACKTRACK_LIMIT: usize = 100_000;
/// Most steps back of each try.
const TRIES: [usize; 4] = [100, 1_000, 10_000, BACKTRACK_LIMIT];
/// Steps back that take as long as a step, besides the reading.
const PER_STEP: u64 = 4;
/// Bytes that are read in the time of a step.
const READ_BYTES: u64 = 128;

/// Whether a pattern may need backtracking: over-approximated by what begins all that does.
pub(super) fn is_needed(pattern: &str) -> bool {
    const MARKS: [&str; 7] = ["++", "*+", "?+", "}+", "(*", "\\k", "\\g"];
    // Groups that only group, or set flags.
    const HARMLESS: [&str; 3] = ["(?:", "(?P<", "(?i"];
    let is_named = |group: &str| group.strip_prefix("(?<").is_some_and(|rest| !rest.starts_with(['=', '!']));
    let group = |(at, _): (usize, &str)| pattern.get(at..).unwrap_or_default();
    let mut groups = pattern.match_indices("(?").map(group);
    let is_escape = |pair: &[u8]| matches!(pair, [b'\\', b'1'..=b'9' | b'G' | b'K' | b'R' | b'X']);
    groups.any(|group| !HARMLESS.iter().any(|start| group.starts_with(start)) && !is_named(group))
        || MARKS.iter().any(|mark| pattern.contains(mark))
        || pattern.as_bytes().windows(2).any(is_escape)
}

/// The patterns for member names that need it.
pub(super) fn names_of(object: &ObjectNode) -> impl Iterator<Item = &str> {
    let patterns = object.pattern_properties.iter().map(|(pattern, _)| pattern.as_str());
    patterns.filter(|pattern| is_needed(pattern))
}

/// What a try costs, in steps.
fn price(limit: usize, length: usize) -> u64 {
    let number = |length| u64::try_from(length).unwrap_or(u64::MAX);
    // On the average half of the text is left.
    let reading = number(limit).saturating_mul(number(length)) / (2 * READ_BYTES);
    reading.saturating_add(number(limit) / PER_STEP)
}

/// A pattern, compiled once for each try when that is first made.
struct Pattern {
    text: String,
    bytes: usize,
    tries: [OnceLock<Option<jsonschema::Validator>>; TRIES.len()],
}

impl Pattern {
    /// Compiles it for the first try. Fails if it is no pattern, or takes more than so many bytes.
    fn compile(text: &str, bytes: usize) -> Result<Self, ValidationError<'static>> {
        let pattern = Self { text: text.to_owned(), bytes: bytes / TRIES.len(), tries: Default::default() };
        let first = pattern.build(TRIES.first().copied().unwrap_or_default())?;
        if let Some(slot) = pattern.tries.first() {
            // Nothing is in there yet.
            let _ = slot.set(Some(first));
        }
        Ok(pattern)
    }

    fn build(&self, limit: usize) -> Result<jsonschema::Validator, ValidationError<'static>> {
        let schema = Value::Object(Map::from_iter([("pattern".to_owned(), Value::from(self.text.as_str()))]));
        let options = PatternOptions::fancy_regex().backtrack_limit(limit);
        let built = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(options.size_limit(self.bytes).dfa_size_limit(self.bytes / 2))
            .build(&schema);
        built.map_err(|error| error.to_owned())
    }

    /// Whether it is found anywhere in a text. Where that cannot be told, all steps are used up.
    fn is_found_in(&self, text: &Value) -> bool {
        let length = text.as_str().map_or(0, str::len);
        for (limit, validator) in TRIES.iter().zip(&self.tries) {
            if !steps::take(price(*limit, length)) {
                return false;
            }
            let build = || on_stack(COMPILER_STACK_BYTES, || self.build(*limit).ok()).flatten();
            let Some(validator) = validator.get_or_init(build) else { break };
            match validator.validate(text) {
                Ok(()) => return true,
                Err(error) => match error.kind() {
                    ValidationErrorKind::BacktrackLimitExceeded { .. } => {}
                    ValidationErrorKind::RegexEngineFailure { .. } => break,
                    _ => return false,
                },
            }
        }
        steps::use_up();
        false
    }
}

/// Compiles [`PATTERN`], for patterns of at most so many bytes.
pub(super) fn pattern(
    bytes: usize,
) -> impl for<'a> Fn(&'a Map<String, Value>, &'a Value, Location) -> CompiledKeyword<'a> {
    move |_, value, _| {
        let pattern = Pattern::compile(value.as_str().unwrap_or_default(), bytes)?;
        Ok(Box::new(InText(pattern)))
    }
}

/// Compiles [`NAMES`], for patterns of at most so many bytes.
pub(super) fn names(
    bytes: usize,
) -> impl for<'a> Fn(&'a Map<String, Value>, &'a Value, Location) -> CompiledKeyword<'a> {
    move |_, value, _| {
        let patterns = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let patterns = patterns.map(|pattern| Pattern::compile(pattern, bytes));
        Ok(Box::new(InNames(patterns.collect::<Result<_, _>>()?)))
    }
}

struct InText(Pattern);

impl<'i> Keyword<'i> for InText {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom(self.0.text.as_str())) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        !instance.is_string() || self.0.is_found_in(instance)
    }
}

/// Refuses an object only where it cannot be told which members match.
struct InNames(Vec<Pattern>);

impl<'i> Keyword<'i> for InNames {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("too many steps")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let names = instance.as_object().into_iter().flat_map(Map::keys);
        for name in names {
            let name = Value::from(name.as_str());
            for pattern in &self.0 {
                pattern.is_found_in(&name);
                if steps::are_used_up() {
                    return false;
                }
            }
        }
        true
    }
}
