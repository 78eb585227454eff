//! Holding payloads against a schema.
//!
//! A schema is compiled once, by the `jsonschema` crate, from its model rather than from its text: references are
//! resolved already, so no network or file is ever asked, and every dialect has become draft 2020-12 (`lower`). What
//! a payload can cost is bounded on both sides:
//!
//! - a schema whose `$ref`s, `allOf`s and so on lead in a circle without ever stepping into a part of the value has no
//!   meaning and is refused, and so is a lattice of them that multiplies (`cost`);
//! - patterns are matched in linear time; those that need backtracking (lookaround, back references) are legal, cost
//!   steps, and are given up after [`BACKTRACK_LIMIT`] steps back, in which case there is no verdict; all compiled
//!   patterns together stay below some 64 MiB;
//! - a payload is read by a reader of its own that bounds depth and number of values and does not recurse (`instance`);
//! - where a recursive schema and a large payload could multiply, every node costs a step of
//!   [`Limits::validation_steps`]; payloads that cost more are refused as [`InvalidKind::TooExpensive`];
//! - validators recurse; where schema and payload nest so deeply that a small stack might not hold it, the work is done
//!   on a thread with a stack of the right size.
//!
//! `format` asserts nothing unless asked for ([`Formats`]); numbers beyond 64-bit integers are compared as doubles; what
//! `$dynamicRef` leads to is fixed when the schema is read. Of members with equal names the last counts, as in all
//! official clients, unless [`DuplicateKeys::Refused`] is chosen.

mod cost;
mod edges;
mod instance;
mod lower;
mod patterns;
mod price;
mod reason;
mod steps;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, PatternOptions, Registry};
use serde_json::Value;

use super::JsonSchema;
use super::model::{Model, NodeId};
use super::pattern;
use crate::limits::Limits;
use cost::Costs;
use lower::Lowered;
pub(in crate::json) use lower::to_value;
pub use patterns::BACKTRACK_LIMIT;

/// Memory that all patterns of a schema may take together, and the least and the most one of them may take.
const PATTERN_BYTES: usize = 64 << 20;
const ONE_PATTERN_BYTES: std::ops::RangeInclusive<usize> = (64 << 10)..=(10 << 20);
/// Most different patterns in one schema.
const MOST_PATTERNS: usize = 1_000;

/// Up to this many steps in the worst case nothing is counted.
const FREE_STEPS: u64 = 2_000_000;
/// Most steps, and the largest payload, for which the place of what is wrong is looked for: finding it takes longer
/// than finding that something is wrong.
const LOCATED_STEPS: u64 = 20_000;
const LOCATED_VALUES: usize = 20_000;
/// The same where steps are not counted, in the worst case.
const LOCATED_WORST: u64 = 500_000;
/// Most steps that looking for the place can take. The crate collects the errors of every branch, whatever has been
/// found or used up, so that nothing but the schema and the size of the value bounds it.
const EXHAUSTIVE_STEPS: u64 = 1_000_000;

/// Nested nodes that a stack of 128 KiB holds.
const INLINE_FRAMES: usize = if cfg!(debug_assertions) { 24 } else { 128 };
/// What one nested node takes of a stack, generously.
const FRAME_BYTES: usize = if cfg!(debug_assertions) { 8 << 10 } else { 2 << 10 };
/// Most nested nodes at all.
const MOST_FRAMES: usize = 20_000;
/// Stack for compiling: its recursion is bounded by how deep lowered schemas nest.
const COMPILER_STACK_BYTES: usize = 32 << 20;

/// Whether `format` is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Formats {
    /// `format` describes and asserts nothing, as drafts 2019-09 and later have it, and as the Python and JavaScript
    /// clients do.
    #[default]
    Ignored,
    /// In drafts 4–7 a known `format` must fit, as the Java client has it.
    Asserted,
}

/// What to do about an object that has two members of one name (RFC 8259 §4 leaves it open).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DuplicateKeys {
    /// The last one counts, as for all official clients.
    #[default]
    LastCounts,
    /// The payload is invalid: readers that take the first one would see another value.
    Refused,
}

/// Choices about validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Whether `format` is checked.
    pub formats: Formats,
    /// What to do about repeated member names.
    pub duplicate_keys: DuplicateKeys,
}

/// Why payloads cannot be held against a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Some `$ref`, `allOf` or the like leads back to itself without stepping into a part of the value.
    #[error("the schema refers to itself without end")]
    Endless,
    /// The schema multiplies: a single value would have to be held against too many subschemas.
    #[error("the schema is too complex to validate with")]
    TooComplex,
    /// More different patterns than can be compiled.
    #[error("the schema has more than {0} patterns")]
    TooManyPatterns(usize),
    /// A pattern is no regular expression of ECMA 262, nor one of Java's that can be matched, or takes too much memory.
    #[error("the pattern {0} cannot be compiled")]
    Pattern(String),
    /// The crate refuses the schema for another reason.
    #[error("the schema cannot be compiled: {0}")]
    Refused(String),
}

/// Why a payload is not a value of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What kind of thing is wrong.
    pub kind: InvalidKind,
    /// JSON pointer (RFC 6901) to what is wrong; empty for the value itself, and where the place is not known.
    pub path: String,
    /// The same with `*` for every member name that is not in the schema: it holds nothing of the payload.
    pub place: String,
    /// The keyword that is not satisfied; empty where it is not about one.
    pub keyword: String,
    /// What is wrong there, in words that hold nothing of the payload.
    pub reason: String,
}

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidKind {
    /// It is not UTF-8.
    NotUtf8,
    /// It is not JSON.
    Syntax,
    /// Something follows the value.
    TrailingBytes,
    /// A member name is repeated, and that is refused.
    DuplicateKey,
    /// It nests too deeply or holds too many values.
    TooLarge,
    /// It does not satisfy the schema.
    Schema,
    /// Whether it satisfies the schema would take too long to find out.
    TooExpensive,
}

impl Invalid {
    fn whole(kind: InvalidKind, reason: String) -> Self {
        Self { kind, path: String::new(), place: String::new(), keyword: String::new(), reason }
    }

    fn too_expensive() -> Self {
        Self::whole(InvalidKind::TooExpensive, "takes too long to validate".to_owned())
    }
}

/// The place and the reason: `/items/3/price is less than 0`. Holds nothing of the payload.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "the value" } else { &self.place };
        write!(f, "{place} {}", self.reason)
    }
}

impl std::error::Error for Invalid {}

/// A schema compiled for validation. Cheap to clone and to share between threads.
///
/// ```
/// use muster_schema::json::{self, validate::{Options, Validator}};
/// use muster_schema::{Limits, ResolvedReferences, Strictness};
///
/// let limits = Limits::default();
/// let text = r#"{"properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}"#;
/// let schema = json::parse(text, &ResolvedReferences::default(), Strictness::New, &limits)?;
/// let validator = Validator::compile(&schema, Options::default(), &limits)?;
/// assert!(validator.check(br#"{"age": 7}"#, &limits).is_ok());
/// let invalid = validator.check(br#"{"age": -7}"#, &limits).unwrap_err();
/// assert_eq!(invalid.to_string(), "/age is less than 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Validator(Arc<Compiled>);

struct Compiled {
    /// For compiling with counting, if that should be needed.
    schema: JsonSchema,
    options: Options,
    costs: Costs,
    names: HashSet<String>,
    /// Without counting; absent if it would never be used.
    plain: Option<jsonschema::Validator>,
    /// With counting; compiled when it is first needed.
    counting: OnceLock<Result<jsonschema::Validator, CompileError>>,
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("costs", &self.0.costs).finish_non_exhaustive()
    }
}

impl Validator {
    /// Compiles a schema. Takes time and memory in proportion to the schema.
    ///
    /// Errors: [`CompileError`].
    pub fn compile(schema: &JsonSchema, options: Options, limits: &Limits) -> Result<Self, CompileError> {
        let model = schema.model().map_err(|error| CompileError::Refused(error.to_string()))?;
        let costs = cost::measure(model, limits)?;
        let is_recursive = costs.unfolded > FREE_STEPS;
        let (compiled, names) = compile(model, model.root(), options, is_recursive)?;
        let counting = OnceLock::new();
        let plain = if is_recursive {
            // Nothing is in there yet.
            let _ = counting.set(Ok(compiled));
            None
        } else {
            Some(compiled)
        };
        let schema = schema.clone();
        Ok(Self(Arc::new(Compiled { schema, options, costs, names, plain, counting })))
    }

    /// Checks that `body` is UTF-8, is one JSON value with nothing but white space around it, and satisfies the schema.
    ///
    /// Errors: [`Invalid`], the first thing that is wrong. Source: broker validation spec §7.1.
    pub fn check(&self, body: &[u8], limits: &Limits) -> Result<(), Invalid> {
        let instance = instance::read(body, self.0.options.duplicate_keys, limits)?;
        self.check_measured(&instance.value, instance.depth, instance.values, body.len(), limits)
    }

    /// Checks that a value satisfies the schema.
    ///
    /// Errors: as for [`check`](Self::check).
    pub fn check_value(&self, value: &Value, limits: &Limits) -> Result<(), Invalid> {
        let (depth, values) = instance::measure(value, limits)?;
        self.check_measured(value, depth, values, 0, limits)
    }

    fn check_measured(
        &self,
        value: &Value,
        depth: usize,
        values: usize,
        bytes: usize,
        limits: &Limits,
    ) -> Result<(), Invalid> {
        // A counted node is two.
        let frames = self.0.costs.chain.saturating_mul(2).saturating_mul(depth + 1);
        if frames <= INLINE_FRAMES {
            return self.run(value, depth, values, bytes, limits);
        }
        if frames > MOST_FRAMES {
            return Err(Invalid::too_expensive());
        }
        on_stack(frames * FRAME_BYTES, || self.run(value, depth, values, bytes, limits))
            .unwrap_or_else(|| Err(Invalid::too_expensive()))
    }

    fn run(
        &self,
        value: &Value,
        depth: usize,
        values: usize,
        bytes: usize,
        limits: &Limits,
    ) -> Result<(), Invalid> {
        let parts = u64::try_from(values.saturating_add(bytes / 16)).unwrap_or(u64::MAX);
        let times = if self.0.costs.is_deep { u64::try_from(depth).unwrap_or(u64::MAX).max(1) } else { 1 };
        let worst = self.0.costs.unfolded.saturating_mul(parts).saturating_mul(times);
        let plain = self.0.plain.as_ref().filter(|_| worst <= FREE_STEPS);
        let Some(validator) = plain.or_else(|| self.counting()) else { return Err(Invalid::too_expensive()) };
        let (is_valid, taken) = steps::counted(limits.validation_steps, || validator.is_valid(value));
        let Some(taken) = taken else { return Err(Invalid::too_expensive()) };
        if is_valid {
            return Ok(());
        }
        let is_cheap = values <= LOCATED_VALUES
            && taken <= LOCATED_STEPS
            && (if plain.is_some() { worst <= LOCATED_WORST } else { self.is_bounded(depth, values) });
        if !is_cheap {
            return Err(unlocated());
        }
        let (invalid, taken) = steps::counted(LOCATED_STEPS, || self.locate(validator, value));
        Err(if taken.is_some() { invalid } else { unlocated() })
    }

    /// Whether collecting every error comes to an end soon enough.
    fn is_bounded(&self, depth: usize, values: usize) -> bool {
        let most = EXHAUSTIVE_STEPS / u64::try_from(values.max(1)).unwrap_or(u64::MAX);
        let model = self.0.schema.model();
        model
            .is_ok_and(|model| cost::exhaustive(model, depth, most.max(1)).is_some_and(|steps| steps <= most))
    }

    /// What is wrong with a value that is invalid.
    fn locate(&self, validator: &jsonschema::Validator, value: &Value) -> Invalid {
        let Err(error) = validator.validate(value) else { return unlocated() };
        let mut invalid = reason::invalid(&error);
        invalid.place = self.without_foreign_names(value, &invalid.path);
        invalid
    }

    /// The path with every member name that does not come from the schema replaced.
    fn without_foreign_names(&self, value: &Value, path: &str) -> String {
        let mut place = String::with_capacity(path.len());
        let mut value = Some(value);
        for segment in path.split('/').skip(1) {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let is_index = value.is_some_and(Value::is_array);
            place.push('/');
            place.push_str(if is_index || self.0.names.contains(&name) { segment } else { "*" });
            value = match value {
                Some(Value::Array(items)) => name.parse().ok().and_then(|index: usize| items.get(index)),
                Some(Value::Object(members)) => members.get(&name),
                _ => None,
            };
        }
        place
    }

    fn counting(&self) -> Option<&jsonschema::Validator> {
        let compiled = self.0.counting.get_or_init(|| {
            let model = self.0.schema.model().map_err(|_| CompileError::TooComplex)?;
            compile(model, model.root(), self.0.options, true).map(|(validator, _)| validator)
        });
        compiled.as_ref().ok()
    }
}

fn unlocated() -> Invalid {
    Invalid::whole(InvalidKind::Schema, "does not satisfy the schema".to_owned())
}

/// A keyword of our own, compiled.
type CompiledKeyword<'a> = Result<Box<dyn for<'i> jsonschema::Keyword<'i>>, jsonschema::ValidationError<'a>>;

/// A part of a schema, compiled for the search of witnesses.
pub(in crate::json) struct NodeValidator(jsonschema::Validator);

/// Compiles the part of a schema below a node. The whole must have been found to come to an end ([`Validator::compile`]).
pub(in crate::json) fn compile_node(model: &Model, id: NodeId) -> Option<NodeValidator> {
    compile(model, id, Options::default(), true).ok().map(|(validator, _)| NodeValidator(validator))
}

impl NodeValidator {
    /// Whether it accepts a small value; no if that takes long to find out.
    pub(in crate::json) fn accepts(&self, value: &Value) -> bool {
        let (accepts, taken) = steps::counted(LOCATED_STEPS, || self.0.is_valid(value));
        accepts && taken.is_some()
    }
}

/// Compiles by way of the crate; returns the property names of the schema, too.
fn compile(
    model: &Model,
    root: NodeId,
    options: Options,
    counts: bool,
) -> Result<(jsonschema::Validator, HashSet<String>), CompileError> {
    let write = |java: &HashSet<String>| {
        lower::lower(model, root, options.formats, counts.then_some(price::KEYWORD), java)
    };
    let lowered = write(&HashSet::new())?;
    let number = lowered.patterns.len();
    if number > MOST_PATTERNS {
        return Err(CompileError::TooManyPatterns(MOST_PATTERNS));
    }
    let one = PATTERN_BYTES / number.max(1);
    let one = one.clamp(*ONE_PATTERN_BYTES.start(), *ONE_PATTERN_BYTES.end());
    let work = || match build(&lowered, options, one) {
        Err(CompileError::Pattern(_)) => {
            let mut java = lowered.patterns.clone();
            java.retain(|pattern| !patterns::is_ecma(pattern, one));
            build(&write(&java)?, options, one).map_err(|error| match error {
                CompileError::Pattern(text) => {
                    let written = java.iter().find(|java| pattern::to_engine(java).as_ref() == Some(&text));
                    CompileError::Pattern(written.cloned().unwrap_or(text))
                }
                error => error,
            })
        }
        built => built,
    };
    let compiled = on_stack(COMPILER_STACK_BYTES, work);
    let compiled =
        compiled.unwrap_or_else(|| Err(CompileError::Refused("no thread to compile on".to_owned())))?;
    Ok((compiled, lowered.names))
}

fn build(
    lowered: &Lowered,
    options: Options,
    pattern_bytes: usize,
) -> Result<jsonschema::Validator, CompileError> {
    /// Where the document is; a name that leads nowhere.
    const DOCUMENT: &str = "muster:///schema";
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(BACKTRACK_LIMIT)
        .size_limit(pattern_bytes)
        .dfa_size_limit(pattern_bytes / 2);
    let refused = |error: &dyn fmt::Display| CompileError::Refused(error.to_string());
    let registry = Registry::new()
        .retriever(Offline)
        .draft(Draft::Draft202012)
        .add(DOCUMENT, &lowered.document)
        .and_then(|registry| registry.prepare())
        .map_err(|error| refused(&error))?;
    let root = serde_json::json!({ "$ref": format!("{DOCUMENT}{}", lowered.root) });
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_registry(&registry)
        .with_retriever(Offline)
        .with_pattern_options(patterns)
        .should_validate_formats(options.formats == Formats::Asserted)
        .with_keyword(price::KEYWORD, price::keyword)
        .with_keyword(patterns::PATTERN, patterns::pattern(pattern_bytes))
        .with_keyword(patterns::NAMES, patterns::names(pattern_bytes))
        .build(&root)
        .map_err(|error| match error.kind() {
            jsonschema::error::ValidationErrorKind::Format { format } if format == "regex" => {
                let pattern =
                    error.instance().as_str().map_or_else(|| error.instance().to_string(), str::to_owned);
                CompileError::Pattern(pattern)
            }
            _ => refused(&error),
        })
}

/// Fetches nothing.
struct Offline;

impl jsonschema::Retrieve for Offline {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} is not fetched").into())
    }
}

/// Runs `work` with at least so much stack; `None` if no thread could be started.
pub(in crate::json) fn on_stack<T: Send>(bytes: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, work).ok()?;
        thread.join().ok()
    })
}
