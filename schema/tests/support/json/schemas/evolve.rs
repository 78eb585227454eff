//! Changes to random JSON schemas.

use serde_json::{Map, Value, json};

use super::instances::any_value;
use super::{Grammar, NAMES, Random, TYPES, array, define, number, object, root, schema, string};

/// Two schemas made of some bytes, the second an evolution of the first.
pub fn pair(bytes: &[u8]) -> (Value, Value) {
    let (first, changes) = bytes.split_at(bytes.len() * 2 / 3);
    let random = &mut Random::of(first);
    let grammar = Grammar::odd(random);
    let first = root(random, grammar);
    let second = evolve(&first, &mut Random::of(changes), grammar);
    (first, second)
}

/// The schema with a few places changed.
pub fn evolve(schema: &Value, random: &mut Random, grammar: Grammar) -> Value {
    let mut evolved = schema.clone();
    for _ in 0..1 + random.below(2) {
        change(&mut evolved, random, grammar);
    }
    define(&mut evolved, random, grammar);
    evolved
}

fn change(root: &mut Value, random: &mut Random, grammar: Grammar) {
    let places = places(root);
    let place = random.pick(&places);
    let Some(target) = root.pointer_mut(place) else { return };
    match target {
        Value::Object(members) if place.is_empty() || !random.once_in(8) => edit(members, random, grammar),
        target if !place.is_empty() => *target = schema(random, grammar, 1),
        _ => {}
    }
}

/// Changes the keywords of one schema.
fn edit(members: &mut Map<String, Value>, random: &mut Random, grammar: Grammar) {
    let keywords: Vec<String> =
        members.keys().filter(|key| !matches!(key.as_str(), "$schema" | "definitions")).cloned().collect();
    let lists: Vec<&String> = keywords
        .iter()
        .filter(|key| members[*key].is_array() || matches!(key.as_str(), "properties" | "patternProperties"))
        .collect();
    match random.below(6) {
        0..2 if !keywords.is_empty() => drop(members.shift_remove(random.pick(&keywords))),
        2..4 if !lists.is_empty() => {
            let keyword = random.pick(&lists).as_str();
            if let Some(list) = members.get_mut(keyword) {
                lengthen_or_shorten(keyword, list, random, grammar);
            }
        }
        4 => {
            if let Value::Object(others) = schema(random, grammar, 1) {
                members.extend(others);
            }
        }
        _ => {
            let mut others = Map::new();
            match members.get("type").and_then(Value::as_str) {
                Some("string") => string(random, &mut others),
                Some("integer" | "number") => number(random, grammar, &mut others),
                Some("array") => array(random, grammar, 1, &mut others),
                _ => object(random, grammar, 1, &mut others),
            }
            others.shift_remove("type");
            if !others.is_empty() {
                let at = random.below(others.len());
                members.extend(others.into_iter().nth(at));
            }
        }
    }
}

/// One member or item less, or another one.
fn lengthen_or_shorten(keyword: &str, list: &mut Value, random: &mut Random, grammar: Grammar) {
    match list {
        Value::Object(named) if !named.is_empty() && !random.once_in(2) => {
            let name = named.keys().nth(random.below(named.len())).cloned().unwrap_or_default();
            named.shift_remove(&name);
        }
        Value::Object(named) => {
            let name = if keyword == "properties" { *random.pick(&NAMES) } else { "^a" };
            named.insert(name.into(), schema(random, grammar, 1));
        }
        Value::Array(items) if items.len() > 1 && !random.once_in(2) => {
            items.remove(random.below(items.len()));
        }
        Value::Array(items) => {
            let item = match keyword {
                "enum" => any_value(random, 1),
                "required" => json!(random.pick(&NAMES)),
                "type" => json!(random.pick(&TYPES)),
                _ => schema(random, grammar, 1),
            };
            let is_set = matches!(keyword, "enum" | "required" | "type");
            if !(is_set && items.contains(&item)) {
                items.insert(random.below(items.len() + 1), item);
            }
        }
        _ => {}
    }
}

/// Pointers to the schema and to all schemas inside it.
pub fn places(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(schema, String::new())];
    while let Some((schema, place)) = open.pop() {
        for (key, value) in schema.as_object().into_iter().flatten() {
            let place = format!("{place}/{key}");
            match (key.as_str(), value) {
                (
                    "properties" | "patternProperties" | "definitions" | "dependencies" | "dependentSchemas",
                    Value::Object(named),
                ) => open.extend(named.iter().map(|(name, inner)| {
                    (inner, format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")))
                })),
                ("items" | "prefixItems" | "anyOf" | "oneOf" | "allOf", Value::Array(items)) => {
                    open.extend(items.iter().enumerate().map(|(at, inner)| (inner, format!("{place}/{at}"))));
                }
                (
                    "items"
                    | "additionalItems"
                    | "unevaluatedItems"
                    | "contains"
                    | "additionalProperties"
                    | "unevaluatedProperties"
                    | "propertyNames"
                    | "not"
                    | "if"
                    | "then"
                    | "else",
                    inner,
                ) => open.push((inner, place)),
                _ => {}
            }
        }
        if schema.is_object() || schema.is_boolean() {
            found.push(place);
        }
    }
    found
}
