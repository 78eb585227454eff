//! Inline tags: the keyword `confluent:tags` of schemas and properties (schema formats spec §8).
//!
//! A path leads from the root through words of structure: `object` before a property, `array` before items, `allof.0` and
//! the like before a child, `not`, `conditional.if`, `object.definitions.A`. It ends with a property, which is a field, or
//! with the word for what is there.

use super::model::Dialect;
use super::order;
use super::{JsonSchema, invalid, text};
use crate::format::{EntityTags, ParseError};
use crate::jsontext::{Json, write_verbatim};
use crate::tags::{edits, of_members};

/// A step from a schema to one inside it: words of the path, and members and items of the JSON.
struct Step<'j> {
    words: Vec<&'j str>,
    index: Option<usize>,
    /// Names of members, positions of items.
    way: Vec<Way<'j>>,
    json: &'j Json,
    is_property: bool,
}

#[derive(Clone, Copy)]
enum Way<'j> {
    Member(&'j str),
    Item(usize),
}

/// Schemas and properties that carry tags, each before what is inside it, as far as their paths fit into
/// [`Limits::difference_bytes`](crate::Limits::difference_bytes).
pub(super) fn inline_tags(schema: &JsonSchema) -> Vec<EntityTags> {
    let dialect = schema.dialect();
    let mut found = Vec::new();
    let mut bytes = 0_usize;
    // What was reached: from where and by which words.
    let mut reached: Vec<(usize, String)> = vec![(0, String::new())];
    let mut waiting: Vec<(&Json, usize, bool)> = vec![(&schema.json, 0, false)];
    while let Some((json, at, is_property)) = waiting.pop() {
        let word = order::shape(json, dialect).word();
        if let Json::Object(members) = json
            && let Some(tags) = of_members(members, write_verbatim)
        {
            let mut path = path_to(&reached, at);
            if !is_property {
                path.push(word);
            }
            let path = path.join(".");
            bytes = bytes.saturating_add(path.len());
            if bytes > schema.limits.difference_bytes {
                break;
            }
            found.push(EntityTags { path, is_field: is_property, tags });
        }
        let steps = steps(json, dialect);
        for step in steps.into_iter().rev() {
            let index = step.index.map(|index| index.to_string());
            let words: Vec<&str> = step.words.iter().copied().chain(index.as_deref()).collect();
            reached.push((at, words.join(".")));
            waiting.push((step.json, reached.len() - 1, step.is_property));
        }
    }
    found
}

fn path_to(reached: &[(usize, String)], mut at: usize) -> Vec<&str> {
    let mut words = Vec::new();
    while let Some((from, word)) = reached.get(at).filter(|_| at != 0) {
        words.push(word.as_str());
        at = *from;
    }
    words.reverse();
    words
}

/// Adds tags, then removes tags, and returns the canonical text that results. Tags that are there keep their order, new
/// ones follow; a keyword without tags disappears.
///
/// Errors: [`ParseError::Invalid`] for a path that leads nowhere, or to a schema that is `true` or `false`.
pub(super) fn with_tags(
    schema: &JsonSchema,
    add: &[EntityTags],
    remove: &[EntityTags],
) -> Result<String, ParseError> {
    let mut json = (*schema.json).clone();
    for edit in edits(add, remove) {
        let entity = edit.entity;
        let missing = || invalid(format!("No matching path '{}' found in the schema", entity.path));
        let way = find(&schema.json, schema.dialect(), &entity.path).ok_or_else(missing)?;
        match follow(&mut json, &way) {
            Some(Json::Object(members)) => edit.apply_to(members, write_verbatim)?,
            _ => return Err(invalid(format!("schema at path '{}' has no place for tags", entity.path))),
        }
    }
    Ok(text::canonical(&json))
}

/// Where a path leads. Names that contain dots are found too.
fn find<'j>(root: &'j Json, dialect: Dialect, path: &str) -> Option<Vec<Way<'j>>> {
    let path = path.strip_prefix('.').unwrap_or(path).trim_end_matches('.');
    // Schemas on the way, with what is left of the path: more than one only where names contain dots.
    let mut waiting: Vec<(&Json, &str, Vec<Way<'j>>)> = vec![(root, path, Vec::new())];
    // Ways that turn out wrong are given up after so many schemas.
    for _ in 0..10_000 {
        let (json, rest, way) = waiting.pop()?;
        if rest == order::shape(json, dialect).word() {
            return Some(way);
        }
        for step in steps(json, dialect).into_iter().rev() {
            let Some(rest) = after(rest, &step) else { continue };
            let way = way.iter().copied().chain(step.way.iter().copied()).collect();
            if rest.is_empty() {
                return Some(way);
            }
            waiting.push((step.json, rest, way));
        }
    }
    None
}

/// What is left of a path after a step, if the step is how it begins.
fn after<'p>(path: &'p str, step: &Step<'_>) -> Option<&'p str> {
    let index = step.index.map(|index| index.to_string());
    let mut rest = Some(path);
    for word in step.words.iter().copied().chain(index.as_deref()) {
        let left = rest?.strip_prefix(word)?;
        rest = if left.is_empty() { None } else { Some(left.strip_prefix('.')?) };
        if rest.is_none() && !std::ptr::eq(word, last_word(step, index.as_deref())) {
            return None;
        }
    }
    match rest {
        // A path may end with a property, nowhere else.
        None => step.is_property.then_some(""),
        rest => rest,
    }
}

fn last_word<'w>(step: &'w Step<'_>, index: Option<&'w str>) -> &'w str {
    index.or(step.words.last().copied()).unwrap_or_default()
}

/// The schemas directly inside a schema.
fn steps(json: &Json, dialect: Dialect) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let Json::Object(members) = json else { return steps };
    for (key, value) in members {
        let key = key.as_str();
        match (key, value) {
            ("properties" | "definitions" | "$defs", Json::Object(named)) => {
                for (name, json) in named {
                    let is_property = key == "properties";
                    let words = if is_property {
                        vec!["object", name.as_str()]
                    } else {
                        vec!["object", key, name.as_str()]
                    };
                    let way = vec![Way::Member(key), Way::Member(name)];
                    steps.push(Step { words, index: None, way, json, is_property });
                }
            }
            ("items" | "prefixItems", Json::Array(items)) => {
                steps.extend(items.iter().enumerate().map(|(at, json)| Step {
                    words: vec!["array"],
                    index: Some(at),
                    way: vec![Way::Member(key), Way::Item(at)],
                    json,
                    is_property: false,
                }));
            }
            ("items", json) => steps.push(inside(vec!["array"], key, json)),
            ("not", json) => steps.push(inside(vec!["not"], key, json)),
            ("if" | "then" | "else", json) => steps.push(inside(vec!["conditional", key], key, json)),
            ("allOf" | "anyOf" | "oneOf", Json::Array(items)) => {
                let word = match key {
                    "allOf" => "allof",
                    "anyOf" => "anyof",
                    _ => "oneof",
                };
                let sorted = order::sorted(items, dialect);
                steps.extend(sorted.into_iter().enumerate().map(|(number, at)| Step {
                    words: vec![word],
                    index: Some(number),
                    way: vec![Way::Member(key), Way::Item(at)],
                    json: items.get(at).unwrap_or(&Json::Null),
                    is_property: false,
                }));
            }
            _ => {}
        }
    }
    steps.retain(|step| matches!(step.json, Json::Object(_) | Json::Bool(_)));
    steps
}

fn inside<'j>(words: Vec<&'j str>, key: &'j str, json: &'j Json) -> Step<'j> {
    Step { words, index: None, way: vec![Way::Member(key)], json, is_property: false }
}

fn follow<'j>(json: &'j mut Json, way: &[Way<'_>]) -> Option<&'j mut Json> {
    way.iter().try_fold(json, |json, step| match (json, step) {
        (Json::Object(members), Way::Member(key)) => {
            members.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
        }
        (Json::Array(items), Way::Item(at)) => items.get_mut(*at),
        _ => None,
    })
}
