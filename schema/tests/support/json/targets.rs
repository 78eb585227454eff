//! The fuzz targets `json-parser`, `json-comparison` and `json-validator`.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use muster_schema::compatibility::CompatibilityPolicy::{Lenient, Strict};
use muster_schema::format::EntityTags;
use muster_schema::json::changes::changes;
use muster_schema::json::diff::{DifferenceKind, diff};
use muster_schema::json::model::Kind;
use muster_schema::json::validate::{DuplicateKeys, Formats, InvalidKind, Options, Validator};
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};
use serde_json::Value;

use super::schemas::evolve::pair;
use super::schemas::instances::instance;
use super::schemas::{Grammar, Random, root};

/// Words that the grammar of schemas knows, to replace others.
pub const WORDS: [&str; 74] = [
    "\"$ref\"",
    "\"$id\"",
    "\"id\"",
    "\"$schema\"",
    "\"$defs\"",
    "\"definitions\"",
    "\"$anchor\"",
    "\"$dynamicRef\"",
    "\"$dynamicAnchor\"",
    "\"type\"",
    "\"enum\"",
    "\"const\"",
    "\"not\"",
    "\"allOf\"",
    "\"anyOf\"",
    "\"oneOf\"",
    "\"if\"",
    "\"then\"",
    "\"else\"",
    "\"properties\"",
    "\"patternProperties\"",
    "\"additionalProperties\"",
    "\"unevaluatedProperties\"",
    "\"required\"",
    "\"dependencies\"",
    "\"dependentRequired\"",
    "\"dependentSchemas\"",
    "\"propertyNames\"",
    "\"minProperties\"",
    "\"maxProperties\"",
    "\"items\"",
    "\"prefixItems\"",
    "\"additionalItems\"",
    "\"unevaluatedItems\"",
    "\"contains\"",
    "\"minContains\"",
    "\"maxContains\"",
    "\"minItems\"",
    "\"maxItems\"",
    "\"uniqueItems\"",
    "\"minimum\"",
    "\"maximum\"",
    "\"exclusiveMinimum\"",
    "\"exclusiveMaximum\"",
    "\"multipleOf\"",
    "\"minLength\"",
    "\"maxLength\"",
    "\"pattern\"",
    "\"format\"",
    "\"title\"",
    "\"default\"",
    "\"connect.type\"",
    "\"bytes\"",
    "\"confluent:tags\"",
    "\"string\"",
    "\"object\"",
    "\"array\"",
    "\"integer\"",
    "\"number\"",
    "\"null\"",
    "\"#\"",
    "\"#/definitions/A\"",
    "\"#/allOf/0\"",
    "\"r0\"",
    "\"^x_\"",
    "\"(a+)+$\"",
    "true",
    "false",
    "NaN",
    "1e400",
    "0.1",
    "\"http://json-schema.org/draft-04/schema#\"",
    "\"https://json-schema.org/draft/2020-12/schema\"",
    "-1",
];

/// Values that payloads and the schemas they are held against may find hard.
pub const VALUES: [&str; 8] = [
    "\"(?=a*)\\\\1\"",
    "\"date\"",
    "\"\\ud800\"",
    "[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "99999999999999999999",
    "-0",
    "1.0",
];

fn lines(input: &[u8]) -> Vec<String> {
    input.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

/// A valid input: a schema that may use another text, after that text.
pub fn parser_seed(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let [referenced, schema] = [first, second].map(|bytes| {
        let random = &mut Random::of(bytes);
        let grammar = Grammar::odd(random);
        root(random, grammar).to_string()
    });
    let is_used = bytes.last().is_some_and(|byte| byte % 2 == 1);
    let schema = if is_used { schema.replacen("#/definitions/A", "r0", 1) } else { schema };
    format!("{referenced}\n{schema}").into_bytes()
}

/// A valid input: a schema and an evolution of it.
pub fn comparison_seed(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = pair(bytes);
    format!("{second}\n{first}").into_bytes()
}

/// A valid input: a schema, and a value that it may accept.
pub fn validator_seed(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() * 2 / 3);
    let random = &mut Random::of(first);
    let grammar = Grammar::odd(random);
    let schema = root(random, grammar);
    let value = instance(&schema, &mut Random::of(second), 4);
    format!("{schema}\n{value}").into_bytes()
}

/// Reads any text, strictly and not, and does with it whatever can be done.
pub fn parser(input: &[u8]) -> u64 {
    let mut texts = lines(input);
    let text = texts.pop().unwrap_or_default();
    let texts = texts.into_iter().enumerate().map(|(at, text)| (format!("r{at}"), text)).collect();
    let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
    let limits = Limits::default();
    let mut said = DefaultHasher::new();
    let stored = json::parse(&text, &references, Strictness::Stored, &limits);
    let new = json::parse(&text, &references, Strictness::New, &limits);
    let schema = match (stored, new) {
        (Err(error), new) => {
            assert_eq!(new.err(), Some(error.clone()), "strict reading accepts what is no JSON");
            words(&error, &mut said);
            return said.finish();
        }
        (Ok(stored), Err(error)) => {
            words(&error, &mut said);
            assert!(stored.model().is_err(), "{error}");
            stored
        }
        (Ok(stored), Ok(new)) => {
            assert!(stored.model().is_ok());
            kinds(&new, &mut said);
            new
        }
    };
    let again = json::parse(schema.canonical(), &references, Strictness::Stored, &limits);
    let again = again.unwrap_or_else(|error| panic!("canonical text is refused: {error}"));
    assert_eq!(again.canonical(), schema.canonical(), "canonical text changes");
    assert!(schema.equivalent(&again));
    let normalized = schema.normalized().unwrap_or_else(|error| panic!("does not normalize: {error}"));
    let twice = normalized.normalized().unwrap_or_else(|error| panic!("does not normalize twice: {error}"));
    assert_eq!(twice.canonical(), normalized.canonical(), "normalized text changes");
    let tags = schema.inline_tags();
    tags.len().min(3).hash(&mut said);
    schema
        .with_tags(&[], &tags)
        .unwrap_or_else(|error| panic!("tags that are there cannot be removed: {error}"));
    let tag = |path: &str| EntityTags { path: path.to_owned(), is_field: true, tags: vec!["T".to_owned()] };
    let _ = schema.with_tags(&[tag("object.a"), tag("")], &tags);
    let _ =
        (schema.formatted("x"), schema.record_name(), schema.top_level_fields(), schema.check_field_names());
    said.finish()
}

/// Compares two schemas in every way there is, in both directions.
pub fn comparison(input: &[u8]) -> u64 {
    let texts = lines(input);
    let limits = Limits::default();
    let parse = |text: Option<&String>| {
        let text = text.map(String::as_str).unwrap_or_default();
        json::parse(text, &ResolvedReferences::default(), Strictness::New, &limits)
    };
    let mut said = DefaultHasher::new();
    let (Ok(first), Ok(second)) = (parse(texts.first()), parse(texts.get(1))) else { return 0 };
    for policy in [Strict, Lenient] {
        let with_itself = diff(&first, &first, policy, &limits);
        let is_told =
            |kind: DifferenceKind| !kind.is_compatible(policy) && kind != DifferenceKind::NotComparable;
        assert!(!with_itself.iter().any(|found| is_told(found.kind)), "{with_itself:?}");
    }
    for (reader, writer) in [(&first, &second), (&second, &first)] {
        let [strict, lenient] = [Strict, Lenient].map(|policy| diff(reader, writer, policy, &limits));
        let breaks = strict.iter().any(|found| !found.kind.is_compatible(Strict));
        let breaks_leniently = lenient.iter().any(|found| !found.kind.is_compatible(Lenient));
        assert!(breaks || !breaks_leniently, "the lenient policy refuses more: {strict:?} {lenient:?}");
        let listed = changes(writer, reader, Strict, &limits);
        let listed_breaks = listed.iter().any(|change| change.verdict.breaks_backward);
        assert_eq!(listed_breaks, breaks, "changes and differences disagree: {listed:?} {strict:?}");
        let mut found: Vec<(DifferenceKind, usize)> =
            strict.iter().map(|found| (found.kind, found.path.matches('/').count().min(6))).collect();
        found.sort();
        found.dedup();
        found.truncate(6);
        found.hash(&mut said);
        (strict.len() == lenient.len()).hash(&mut said);
    }
    said.finish()
}

/// Holds any payload against any schema, in both forms that a payload has; what the bounded reader takes for JSON is
/// what `serde_json` does.
pub fn validator(input: &[u8]) -> u64 {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (text, body) = input.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let limits = Limits { validation_steps: 20_000, ..Limits::default() };
    let text = String::from_utf8_lossy(text);
    let parsed = json::parse(&text, &ResolvedReferences::default(), Strictness::Stored, &limits);
    let Ok(schema) = parsed else { return 0 };
    let options = if body.len() % 2 == 0 {
        Options::default()
    } else {
        Options { formats: Formats::Asserted, duplicate_keys: DuplicateKeys::Refused }
    };
    let mut said = DefaultHasher::new();
    kinds(&schema, &mut said);
    let validator = match Validator::compile(&schema, options, &limits) {
        Ok(validator) => validator,
        Err(error) => {
            error.to_string().chars().take(40).for_each(|letter| letter.hash(&mut said));
            return said.finish();
        }
    };
    let found = validator.check(body, &limits);
    let kind = found.as_ref().err().map(|invalid| invalid.kind);
    let is_json =
        !matches!(kind, Some(InvalidKind::NotUtf8 | InvalidKind::Syntax | InvalidKind::TrailingBytes));
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            assert!(is_json, "serde_json reads it: {found:?}");
            let by_value = validator.check_value(&value, &limits);
            if kind != Some(InvalidKind::DuplicateKey) {
                assert_eq!(found.is_ok(), by_value.is_ok(), "{found:?} {by_value:?}");
            }
        }
        // It refuses some numbers and depths that we take.
        Err(error) => {
            let error = error.to_string();
            let is_narrower = error.contains("out of range") || error.contains("recursion limit");
            assert!(found.is_err() || is_narrower, "serde_json says {error}");
        }
    }
    match found {
        Ok(()) => body.len().min(3).hash(&mut said),
        Err(invalid) => {
            let depth = invalid.path.matches('/').count().min(4);
            (invalid.kind, invalid.keyword, depth).hash(&mut said);
        }
    }
    said.finish()
}

/// A message without its particulars.
fn words(error: &ParseError, said: &mut DefaultHasher) {
    let message = error.to_string();
    let words = message.split(' ').filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    words.take(6).for_each(|word| word.hash(said));
}

/// Which kinds of nodes there are.
fn kinds(schema: &JsonSchema, said: &mut DefaultHasher) {
    let Ok(model) = schema.model() else { return };
    let mut seen = vec![false; 32];
    let mut open = vec![model.root()];
    let mut count = 0;
    while let (Some(id), true) = (open.pop(), count < 200) {
        count += 1;
        let kind = &model.node(id).kind;
        let number = match kind {
            Kind::Empty => 0,
            Kind::True => 1,
            Kind::False => 2,
            Kind::Null => 3,
            Kind::Boolean => 4,
            Kind::String(_) => 5,
            Kind::Number(_) => 6,
            Kind::Object(node) => {
                open.extend(node.properties.iter().map(|(_, id)| *id));
                7
            }
            Kind::Array(node) => {
                open.extend(node.items.iter().chain(node.tuple.iter().flatten()).copied());
                8
            }
            Kind::Enum(_) => 9,
            Kind::Const(_) => 10,
            Kind::Not(id) => {
                open.push(*id);
                11
            }
            Kind::Combined(combined) => {
                open.extend(&combined.children);
                12 + combined.criterion as usize
            }
            Kind::Conditional(_) => 15,
            Kind::Reference(_) => 16,
        };
        seen[number] = true;
    }
    (model.dialect(), seen).hash(said);
}
