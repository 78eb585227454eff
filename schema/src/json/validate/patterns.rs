//! Patterns that the crate cannot be left alone with.
//!
//! *Those that step back*: lookaround, back references, atomic groups. The crate gives such a match up after a fixed
//! number of steps back, and then cannot say whether a value is valid. What one match may cost is not to be told from the
//! pattern, nor is it worth guessing: it is tried with few steps back, then with more, and each try is paid for before it
//! is made ([`steps`]). Who cannot pay, or is not done after [`BACKTRACK_LIMIT`] steps back, has used up everything, so
//! that the verdict is that there is none.
//!
//! *Those that ECMA 262 does not read*, but Java does, which decides what can be registered (schema formats spec §3.1):
//! `[\w-.]`, `\Z`, `(?>a)`. They are matched as Java does. What both read, each in its way, means what
//! ECMA 262 says: `[a&&[^b]]`.
//!
//! `pattern` is replaced by a keyword for both. `patternProperties` must stay with the crate, which asks it what has been
//! evaluated: there a pattern of Java's is written in another way, if there is one (not for `\Z` and `(?>a)`), and a keyword
//! goes ahead that holds every member name against every pattern that steps back.

use std::sync::OnceLock;

use fancy_regex::Regex;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;
use jsonschema::{Draft, Keyword, PatternOptions, ValidationError};
use serde_json::{Map, Value};

use super::{COMPILER_STACK_BYTES, CompiledKeyword, on_stack, steps};
use crate::json::model::ObjectNode;
use crate::json::pattern;

/// The keyword instead of `pattern`; its value is the pattern.
pub(super) const PATTERN: &str = "x-muster-pattern";
/// The keyword ahead of `patternProperties`; its value is the patterns.
pub(super) const NAMES: &str = "x-muster-names";

/// Most steps back of one match.
pub const BACKTRACK_LIMIT: usize = 100_000;
/// Most steps back of each try.
const TRIES: [usize; 4] = [32, 1_000, 10_000, BACKTRACK_LIMIT];
/// Steps back that take as long as a step, besides the reading.
const PER_STEP: u64 = 4;
/// Bytes that are read in the time of a step.
const READ_BYTES: u64 = 128;

/// Whether a pattern may need backtracking, as it stands or as Java's is written for the engine.
pub(super) fn steps_back(pattern: &str) -> bool {
    holds_mark(pattern) || pattern::to_engine(pattern).is_some_and(|text| holds_mark(&text))
}

/// Whether something in a pattern begins what needs backtracking; more than does need it.
fn holds_mark(pattern: &str) -> bool {
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

/// The patterns for member names that need backtracking.
pub(super) fn names_stepping_back(object: &ObjectNode) -> impl Iterator<Item = &str> {
    let patterns = object.pattern_properties.iter().map(|(pattern, _)| pattern.as_str());
    patterns.filter(|pattern| steps_back(pattern))
}

/// What a try costs, in steps.
fn price(limit: usize, length: usize) -> u64 {
    let number = |length| u64::try_from(length).unwrap_or(u64::MAX);
    // On the average half of the text is left.
    let reading = number(limit).saturating_mul(number(length)) / (2 * READ_BYTES);
    reading.saturating_add(number(limit) / PER_STEP)
}

/// Whether the crate reads a pattern. Recurses over it, as compiling does.
pub(super) fn is_ecma(pattern: &str, bytes: usize) -> bool {
    compile_ecma(pattern, BACKTRACK_LIMIT, bytes).is_ok()
}

fn compile_ecma(
    pattern: &str,
    limit: usize,
    bytes: usize,
) -> Result<jsonschema::Validator, ValidationError<'static>> {
    let schema = Value::Object(Map::from_iter([("pattern".to_owned(), Value::from(pattern))]));
    let options = PatternOptions::fancy_regex().backtrack_limit(limit);
    let built = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(options.size_limit(bytes).dfa_size_limit(bytes / 2))
        .build(&schema);
    built.map_err(|error| error.to_owned())
}

/// A pattern that gives up after some steps back.
enum Engine {
    Ecma(jsonschema::Validator),
    Java(Regex),
}

impl Engine {
    fn compile(pattern: &str, limit: usize, bytes: usize) -> Result<Self, ValidationError<'static>> {
        compile_ecma(pattern, limit, bytes).map(Self::Ecma).or_else(|error| {
            let java = pattern::to_engine(pattern).and_then(|text| pattern::compile(&text, limit, bytes));
            java.map(Self::Java).ok_or(error)
        })
    }

    /// Whether it is found anywhere in a text; `None` if that took too many steps back.
    fn is_found_in(&self, text: &Value) -> Option<bool> {
        match self {
            Self::Ecma(validator) => match validator.validate(text) {
                Ok(()) => Some(true),
                Err(error) => match error.kind() {
                    ValidationErrorKind::BacktrackLimitExceeded { .. }
                    | ValidationErrorKind::RegexEngineFailure { .. } => None,
                    _ => Some(false),
                },
            },
            Self::Java(regex) => regex.is_match(text.as_str().unwrap_or_default()).ok(),
        }
    }
}

/// A pattern, compiled once for each try when that is first made.
struct Pattern {
    text: String,
    steps_back: bool,
    bytes: usize,
    tries: [OnceLock<Option<Engine>>; TRIES.len()],
}

impl Pattern {
    /// Compiles it for the first try. Fails if it is no pattern, or takes more than so many bytes.
    fn compile(text: &str, bytes: usize) -> Result<Self, ValidationError<'static>> {
        let bytes = bytes / TRIES.len();
        let (text, steps_back) = (text.to_owned(), steps_back(text));
        let pattern = Self { text, steps_back, bytes, tries: Default::default() };
        if let (Some(slot), Some(limit)) = (pattern.tries.first(), TRIES.first()) {
            // Nothing is in there yet.
            let _ = slot.set(Some(Engine::compile(&pattern.text, *limit, bytes)?));
        }
        Ok(pattern)
    }

    /// Whether it is found anywhere in a text. Where that cannot be told, all steps are used up.
    fn is_found_in(&self, text: &Value) -> bool {
        let length = text.as_str().map_or(0, str::len);
        for (limit, engine) in TRIES.iter().zip(&self.tries) {
            // What reading takes has been paid for with the visit of the node.
            if self.steps_back && !steps::take(price(*limit, length)) {
                return false;
            }
            let compile = || Engine::compile(&self.text, *limit, self.bytes).ok();
            let engine = engine.get_or_init(|| on_stack(COMPILER_STACK_BYTES, compile).flatten());
            if let Some(found) = engine.as_ref().and_then(|engine| engine.is_found_in(text)) {
                return found;
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
