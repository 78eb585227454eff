//! JSON schemas made of choices, and changes to them. `pick(n)` chooses a number below n; 0 is the plainest choice, so
//! that everything ends when choices are used up.

use serde_json::{Map, Value, json};

pub type Pick<'a> = &'a mut dyn FnMut(usize) -> usize;

const NAMES: [&str; 6] = ["a", "b", "c", "x_a", "x_b", "n"];

/// A whole schema of some dialect; half of them have definitions, which may use each other and the whole.
pub fn root(pick: Pick<'_>) -> Value {
    const DIALECTS: [&str; 5] = [
        "",
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "https://json-schema.org/draft/2019-09/schema",
    ];
    let dialect = DIALECTS[pick(DIALECTS.len())];
    let mut schema = match schema(pick, 3) {
        Value::Object(members) => members,
        other => Map::from_iter([("items".to_owned(), other)]),
    };
    let mut text = Value::Object(schema.clone()).to_string();
    if text.contains("#/definitions/") {
        let definitions: Map<String, Value> =
            ["A", "B"].map(|name| (name.to_owned(), self::schema(pick, 2))).into_iter().collect();
        schema.insert("definitions".to_owned(), definitions.into());
        text = Value::Object(schema.clone()).to_string();
    }
    if dialect.contains("/draft/") {
        // Lists of items have another name there.
        text = text.replace("\"items\":[", "\"prefixItems\":[").replace("additionalItems", "x-additional");
    }
    if dialect.contains("draft-04") {
        text = text.replace("exclusiveM", "x-exclusiveM");
    }
    let mut schema: Value = serde_json::from_str(&text).unwrap_or(Value::Bool(true));
    if let (Value::Object(members), false) = (&mut schema, dialect.is_empty()) {
        members.insert("$schema".to_owned(), dialect.into());
    }
    schema
}

/// A schema inside another.
pub fn schema(pick: Pick<'_>, depth: usize) -> Value {
    let mut members = Map::new();
    if depth == 0 {
        return json!({"type": (["string", "integer", "null"][pick(3)])});
    }
    match pick(16) {
        0 => return json!({}),
        1 => return json!(pick(3) != 0),
        2 => return json!({"$ref": (["#/definitions/A", "#/definitions/B", "#"][pick(3)])}),
        3..6 => string(&mut members, pick),
        6..8 => number(&mut members, pick),
        8..11 => object(&mut members, pick, depth),
        11..13 => array(&mut members, pick, depth),
        13 => {
            let keyword = ["anyOf", "oneOf", "allOf"][pick(3)];
            let children: Vec<Value> = (0..pick(4)).map(|_| schema(pick, depth - 1)).collect();
            members.insert(keyword.to_owned(), children.into());
        }
        14 => {
            members.insert("not".to_owned(), schema(pick, depth - 1));
        }
        _ => {
            let types: Vec<&str> = ["string", "null", "integer", "object", "array"]
                .into_iter()
                .filter(|_| pick(2) == 1)
                .collect();
            members.insert("type".to_owned(), types.into());
        }
    }
    if pick(8) == 7 {
        let values: Vec<Value> = (0..1 + pick(3))
            .map(|n| [json!("a"), json!(1), json!(null), json!({"k": n})][pick(4)].clone())
            .collect();
        members.insert("enum".to_owned(), values.into());
    }
    for (keyword, value) in [("title", "t"), ("description", "d"), ("default", "x")] {
        if pick(10) == 9 {
            members.insert(keyword.to_owned(), value.into());
        }
    }
    members.into()
}

fn limits(members: &mut Map<String, Value>, keywords: &[&str], pick: Pick<'_>) {
    for keyword in keywords {
        if pick(4) == 3 {
            members.insert((*keyword).to_owned(), pick(4).into());
        }
    }
}

fn string(members: &mut Map<String, Value>, pick: Pick<'_>) {
    if pick(4) != 3 {
        members.insert("type".to_owned(), "string".into());
    }
    limits(members, &["minLength", "maxLength"], pick);
    if pick(6) == 5 {
        members.insert("pattern".to_owned(), ["^a", "b$", "[0-9]+"][pick(3)].into());
    }
}

fn number(members: &mut Map<String, Value>, pick: Pick<'_>) {
    match pick(4) {
        0..2 => members.insert("type".to_owned(), "integer".into()),
        2 => members.insert("type".to_owned(), "number".into()),
        _ => None,
    };
    limits(members, &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], pick);
    if pick(6) == 5 {
        members.insert("multipleOf".to_owned(), [1, 2, 3, 6][pick(4)].into());
    }
}

fn object(members: &mut Map<String, Value>, pick: Pick<'_>, depth: usize) {
    if pick(4) != 3 {
        members.insert("type".to_owned(), "object".into());
    }
    let properties: Map<String, Value> = NAMES
        .into_iter()
        .filter(|_| pick(3) == 2)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|name| (name.to_owned(), schema(pick, depth - 1)))
        .collect();
    members.insert("properties".to_owned(), properties.into());
    match pick(5) {
        3 => members.insert("additionalProperties".to_owned(), schema(pick, depth - 1)),
        4 => members.insert("additionalProperties".to_owned(), false.into()),
        _ => None,
    };
    if pick(4) == 3 {
        let required: Vec<&str> = NAMES.into_iter().filter(|_| pick(3) == 2).collect();
        members.insert("required".to_owned(), required.into());
    }
    if pick(6) == 5 {
        members.insert("patternProperties".to_owned(), json!({"^x_": schema(pick, depth - 1)}));
    }
    if pick(10) == 9 {
        members.insert("dependencies".to_owned(), json!({"a": ["b"], "c": schema(pick, depth - 1)}));
    }
    limits(members, &["minProperties", "maxProperties"], pick);
}

fn array(members: &mut Map<String, Value>, pick: Pick<'_>, depth: usize) {
    if pick(4) != 3 {
        members.insert("type".to_owned(), "array".into());
    }
    match pick(5) {
        0..2 => members.insert("items".to_owned(), schema(pick, depth - 1)),
        2..4 => {
            let items: Vec<Value> = (0..1 + pick(3)).map(|_| schema(pick, depth - 1)).collect();
            members.insert("items".to_owned(), items.into());
            let additional = if pick(2) == 0 { json!(false) } else { json!({"type": "string"}) };
            members.insert("additionalItems".to_owned(), additional)
        }
        _ => None,
    };
    limits(members, &["minItems", "maxItems"], pick);
    if pick(8) == 7 {
        members.insert("uniqueItems".to_owned(), true.into());
    }
}

/// Changes a schema in a few places.
pub fn evolve(schema: &Value, pick: Pick<'_>) -> Value {
    let mut changed = schema.clone();
    for _ in 0..=pick(3) {
        let places = places(&changed);
        let place = places[pick(places.len())].clone();
        let fresh = self::schema(pick, 2);
        let Some(target) = changed.pointer_mut(&place) else { continue };
        match (target, pick(6)) {
            (Value::Object(members), 0..3) if !members.is_empty() => {
                let key = members.keys().nth(pick(members.len())).cloned().unwrap_or_default();
                if key != "$schema" && key != "definitions" {
                    members.remove(&key);
                }
            }
            (Value::Object(members), 3..5) => {
                if let Value::Object(fresh) = fresh {
                    members.extend(fresh);
                }
            }
            (target, _) if !place.is_empty() => *target = fresh,
            _ => {}
        }
    }
    changed
}

/// Pointers to the schemas inside a schema.
pub fn places(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(schema, String::new())];
    while let Some((schema, place)) = open.pop() {
        found.push(place.clone());
        for (key, value) in schema.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("properties" | "patternProperties" | "definitions", Value::Object(named)) => {
                    open.extend(named.iter().map(|(name, inner)| (inner, format!("{place}/{key}/{name}"))));
                }
                ("items" | "prefixItems" | "anyOf" | "oneOf" | "allOf", Value::Array(items)) => {
                    open.extend(
                        items.iter().enumerate().map(|(at, inner)| (inner, format!("{place}/{key}/{at}"))),
                    );
                }
                ("items" | "not" | "additionalProperties", inner) => {
                    open.push((inner, format!("{place}/{key}")))
                }
                _ => {}
            }
        }
    }
    found
}
