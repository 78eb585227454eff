//! Random JSON Schemas, changes to them, and instances that they tend to accept.
#![allow(dead_code, reason = "each target uses a part")]

use serde_json::{Map, Value, json};

/// A small generator of pseudo-random numbers (xorshift); the seed is not 0.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from((self.next() >> 33) % count).unwrap_or(0)
    }

    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// The dialects whose keywords differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Draft7,
    Modern,
}

const NAMES: [&str; 6] = ["a", "b", "c", "id", "x_1", "ä/~"];
const PATTERNS: [&str; 5] = ["^a", "[0-9]+", "^x_", "^[a-c]{1,3}$", "b$"];

/// A whole schema.
pub fn root(random: &mut Random, dialect: Dialect) -> Value {
    let mut schema = schema(random, dialect, 3);
    if let (Value::Object(members), Dialect::Modern) = (&mut schema, dialect) {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    }
    schema
}

fn schema(random: &mut Random, dialect: Dialect, depth: usize) -> Value {
    if random.once_in(12) {
        return json!(!random.once_in(3));
    }
    let mut members = Map::new();
    match random.below(if depth == 0 { 4 } else { 10 }) {
        0 => string(random, &mut members),
        1 => number(random, &mut members),
        2 => drop(members.insert("type".into(), (*random.pick(&["null", "boolean"])).into())),
        3 => choices(random, &mut members),
        4 | 5 => object(random, dialect, depth, &mut members),
        6 => array(random, dialect, depth, &mut members),
        7 => {
            let keyword = *random.pick(&["allOf", "anyOf", "oneOf"]);
            let children: Vec<Value> =
                (0..1 + random.below(3)).map(|_| schema(random, dialect, depth - 1)).collect();
            members.insert(keyword.into(), Value::Array(children));
            if random.once_in(3) {
                object(random, dialect, depth - 1, &mut members);
            }
        }
        8 => {
            members.insert("type".into(), json!(["string", "null", "object"]));
            object(random, dialect, depth - 1, &mut members);
            members.insert("type".into(), json!(["string", "null", "object"]));
        }
        _ => match random.below(3) {
            0 => drop(members.insert("not".into(), schema(random, dialect, depth - 1))),
            1 => {
                members.insert("if".into(), schema(random, dialect, depth - 1));
                members.insert("then".into(), schema(random, dialect, depth - 1));
                members.insert("else".into(), schema(random, dialect, depth - 1));
            }
            _ => drop(members.insert("$ref".into(), "#".into())),
        },
    }
    if members.get("$ref").is_some() {
        // Only below a member, so that it comes to an end.
        return json!({ "properties": { "a": members } });
    }
    Value::Object(members)
}

fn string(random: &mut Random, members: &mut Map<String, Value>) {
    if !random.once_in(5) {
        members.insert("type".into(), "string".into());
    }
    if random.once_in(2) {
        members.insert("minLength".into(), random.below(4).into());
    }
    if random.once_in(2) {
        members.insert("maxLength".into(), random.below(6).into());
    }
    if random.once_in(4) {
        members.insert("pattern".into(), (*random.pick(&PATTERNS)).into());
    }
}

fn number(random: &mut Random, members: &mut Map<String, Value>) {
    if !random.once_in(5) {
        members.insert("type".into(), (*random.pick(&["integer", "number"])).into());
    }
    for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
        if random.once_in(4) {
            members.insert(keyword.into(), bound(random));
        }
    }
    if random.once_in(5) {
        members.insert("multipleOf".into(), random.pick(&[json!(2), json!(0.5), json!(3), json!(6)]).clone());
    }
}

fn bound(random: &mut Random) -> Value {
    random.pick(&[json!(0), json!(1), json!(-2), json!(5), json!(2.5), json!(10)]).clone()
}

fn choices(random: &mut Random, members: &mut Map<String, Value>) {
    if random.once_in(3) {
        members.insert("const".into(), any_value(random, 1));
    } else {
        let mut values: Vec<Value> = Vec::new();
        for _ in 0..1 + random.below(4) {
            let value = any_value(random, 1);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        members.insert("enum".into(), Value::Array(values));
    }
}

fn object(random: &mut Random, dialect: Dialect, depth: usize, members: &mut Map<String, Value>) {
    let inner = depth.saturating_sub(1);
    if !random.once_in(4) {
        members.insert("type".into(), "object".into());
    }
    let mut properties = Map::new();
    for _ in 0..random.below(4) {
        let name = *random.pick(&NAMES);
        properties.insert(name.into(), schema(random, dialect, inner));
    }
    if random.once_in(2) {
        let required: Vec<&str> = NAMES.into_iter().filter(|_| random.once_in(4)).collect();
        members.insert("required".into(), json!(required));
    }
    if !properties.is_empty() {
        members.insert("properties".into(), Value::Object(properties));
    }
    if random.once_in(5) {
        let pattern = *random.pick(&PATTERNS);
        members.insert("patternProperties".into(), json!({ pattern: schema(random, dialect, inner) }));
    }
    if random.once_in(3) {
        let additional = if random.once_in(2) { json!(false) } else { schema(random, dialect, inner) };
        members.insert("additionalProperties".into(), additional);
    }
    if random.once_in(6) {
        members.insert("maxProperties".into(), random.below(4).into());
    }
    if random.once_in(6) {
        members.insert("minProperties".into(), random.below(3).into());
    }
    if random.once_in(8) {
        members.insert("propertyNames".into(), json!({ "maxLength": 1 + random.below(3) }));
    }
    let name = *random.pick(&NAMES);
    if random.once_in(8) {
        let keyword = if dialect == Dialect::Modern { "dependentRequired" } else { "dependencies" };
        members.insert(keyword.into(), json!({ name: [*random.pick(&NAMES)] }));
    } else if random.once_in(8) {
        let keyword = if dialect == Dialect::Modern { "dependentSchemas" } else { "dependencies" };
        members.insert(keyword.into(), json!({ name: schema(random, dialect, inner) }));
    }
    if dialect == Dialect::Modern && random.once_in(6) {
        members.insert("unevaluatedProperties".into(), json!(false));
    }
}

fn array(random: &mut Random, dialect: Dialect, depth: usize, members: &mut Map<String, Value>) {
    let inner = depth.saturating_sub(1);
    if !random.once_in(4) {
        members.insert("type".into(), "array".into());
    }
    let tuple: Vec<Value> = (0..1 + random.below(3)).map(|_| schema(random, dialect, inner)).collect();
    let has_tuple = random.once_in(3);
    let rest = if random.once_in(3) { json!(false) } else { schema(random, dialect, inner) };
    match (dialect, has_tuple) {
        (Dialect::Draft7, true) => {
            members.insert("items".into(), Value::Array(tuple));
            if random.once_in(2) {
                members.insert("additionalItems".into(), rest);
            }
        }
        (Dialect::Modern, true) => {
            members.insert("prefixItems".into(), Value::Array(tuple));
            if random.once_in(2) {
                members.insert("items".into(), rest);
            }
        }
        (_, false) if random.once_in(2) => drop(members.insert("items".into(), rest)),
        _ => {}
    }
    for (keyword, most) in [("minItems", 3), ("maxItems", 4)] {
        if random.once_in(4) {
            members.insert(keyword.into(), random.below(most).into());
        }
    }
    if random.once_in(5) {
        members.insert("uniqueItems".into(), true.into());
    }
    if random.once_in(6) {
        members.insert("contains".into(), schema(random, dialect, inner));
        if dialect == Dialect::Modern && random.once_in(2) {
            members.insert("minContains".into(), random.below(3).into());
            members.insert("maxContains".into(), (1 + random.below(3)).into());
        }
    }
    if dialect == Dialect::Modern && random.once_in(8) {
        members.insert("unevaluatedItems".into(), json!(false));
    }
}

/// Any value at all.
pub fn any_value(random: &mut Random, depth: usize) -> Value {
    const TEXTS: [&str; 9] = ["", "a", "b", "abc", "a1", "x_1", "äöü", "12", "abcdefg"];
    match random.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2 => random.pick(&[json!(0), json!(1), json!(2), json!(-3), json!(6), json!(1.0), json!(10)]).clone(),
        3 => random.pick(&[json!(0.5), json!(2.5), json!(-0.25), json!(1e3)]).clone(),
        4 => (*random.pick(&TEXTS)).into(),
        5 => (0..random.below(4)).map(|_| any_value(random, depth - 1)).collect(),
        _ => {
            let names = NAMES.iter().chain(&["y", "zz"]);
            let names: Vec<_> = names.filter(|_| random.once_in(3)).collect();
            Value::Object(
                names.into_iter().map(|name| ((*name).into(), any_value(random, depth - 1))).collect(),
            )
        }
    }
}

/// A value that the schema has a fair chance of accepting.
pub fn instance(schema: &Value, random: &mut Random, depth: usize) -> Value {
    let Some(members) = schema.as_object().filter(|_| depth > 0 && !random.once_in(10)) else {
        return any_value(random, depth.min(2));
    };
    if let Some(values) = members.get("enum").and_then(Value::as_array).filter(|values| !values.is_empty()) {
        return random.pick(values).clone();
    }
    if let Some(value) = members.get("const") {
        return value.clone();
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        if let Some(children) = members.get(keyword).and_then(Value::as_array).filter(|list| !list.is_empty())
        {
            return instance(random.pick(children), random, depth - 1);
        }
    }
    let declared = members.get("type");
    let is = |name: &str| declared.is_none_or(|kind| kind == name || kind[0] == name || kind[2] == name);
    let has_members = ["properties", "required"].iter().any(|keyword| members.contains_key(*keyword));
    if (has_members || declared.is_some_and(|kind| kind == "object")) && is("object") {
        return object_instance(members, random, depth);
    }
    if ["items", "prefixItems", "contains"].iter().any(|keyword| members.contains_key(*keyword))
        && is("array")
    {
        let tuple = members.get("prefixItems").or(members.get("items")).and_then(Value::as_array);
        let length = members.get("minItems").and_then(Value::as_u64).unwrap_or(0) + random.next() % 3;
        let item = |index: u64, random: &mut Random| {
            let index = usize::try_from(index).unwrap_or(0);
            let schema = tuple.and_then(|tuple| tuple.get(index)).or(members.get("items"));
            match schema {
                Some(schema) => instance(schema, random, depth - 1),
                None => any_value(random, 1),
            }
        };
        return (0..length).map(|index| item(index, random)).collect();
    }
    match declared.and_then(Value::as_str) {
        Some("integer" | "number") => {
            let least = members.get("minimum").or(members.get("exclusiveMinimum")).and_then(Value::as_f64);
            let step = members.get("multipleOf").and_then(Value::as_f64).unwrap_or(1.0);
            let more = f64::from(u32::try_from(random.below(4)).unwrap_or(0));
            let value = (least.unwrap_or(0.0) / step).ceil() * step + more * step;
            if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
        }
        Some("string") => {
            let least = members.get("minLength").and_then(Value::as_u64).unwrap_or(0);
            let length = usize::try_from(least).unwrap_or(0) + random.below(3);
            random.pick(&["a", "b", "1"]).repeat(length).into()
        }
        _ => any_value(random, depth.min(2)),
    }
}

fn object_instance(members: &Map<String, Value>, random: &mut Random, depth: usize) -> Value {
    let mut object = Map::new();
    let properties = members.get("properties").and_then(Value::as_object);
    let required = members.get("required").and_then(Value::as_array).into_iter().flatten();
    let mut names: Vec<String> = required.filter_map(Value::as_str).map(str::to_owned).collect();
    for name in properties.into_iter().flat_map(|properties| properties.keys()) {
        if random.once_in(2) {
            names.push(name.clone());
        }
    }
    if random.once_in(4) {
        names.push((*random.pick(&["y", "zz", "a", "x_1"])).into());
    }
    for name in names {
        let schema = properties.and_then(|properties| properties.get(&name));
        let schema = schema.or(members.get("additionalProperties"));
        let value = match schema {
            Some(schema) => instance(schema, random, depth - 1),
            None => any_value(random, 1),
        };
        object.insert(name, value);
    }
    Value::Object(object)
}

/// The schema with a few places changed.
pub fn evolve(schema: &Value, random: &mut Random, dialect: Dialect) -> Value {
    let mut evolved = schema.clone();
    for _ in 0..1 + random.below(2) {
        change(&mut evolved, random, dialect, 3);
    }
    evolved
}

fn change(value: &mut Value, random: &mut Random, dialect: Dialect, depth: usize) {
    if random.once_in(12) || !value.is_object() {
        if value.get("$schema").is_none() {
            *value = schema(random, dialect, depth.min(1));
        }
        return;
    }
    let Some(members) = value.as_object_mut() else { return };
    // Down into a subschema, more often than not.
    let inner: Vec<String> = members
        .iter()
        .filter(|(keyword, value)| {
            matches!(
                keyword.as_str(),
                "properties" | "items" | "prefixItems" | "additionalProperties" | "allOf" | "anyOf" | "oneOf"
            ) && (value.is_object() || value.is_array())
        })
        .map(|(keyword, _)| keyword.clone())
        .collect();
    if !inner.is_empty() && depth > 0 && !random.once_in(3) {
        let keyword = random.pick(&inner).clone();
        match members.get_mut(&keyword) {
            Some(Value::Object(map)) if keyword == "properties" && !map.is_empty() => {
                let at = random.below(map.len());
                if random.once_in(5) {
                    let name = map.keys().nth(at).cloned().unwrap_or_default();
                    map.shift_remove(&name);
                } else if random.once_in(4) {
                    map.insert((*random.pick(&NAMES)).into(), schema(random, dialect, depth - 1));
                } else if let Some(inner) = map.values_mut().nth(at) {
                    change(inner, random, dialect, depth - 1);
                }
            }
            Some(Value::Array(list)) if !list.is_empty() => {
                let at = random.below(list.len());
                if random.once_in(5) && list.len() > 1 {
                    list.remove(at);
                } else if random.once_in(4) {
                    list.insert(at, schema(random, dialect, depth - 1));
                } else {
                    change(&mut list[at], random, dialect, depth - 1);
                }
            }
            Some(inner) => change(inner, random, dialect, depth - 1),
            None => {}
        }
        return;
    }
    // Here: a keyword goes, comes or changes.
    let mut other = Map::new();
    match members.get("type").and_then(Value::as_str) {
        Some("string") => string(random, &mut other),
        Some("integer" | "number") => number(random, &mut other),
        Some("array") => array(random, dialect, depth.min(1), &mut other),
        _ => object(random, dialect, depth.min(1), &mut other),
    }
    other.shift_remove("type");
    if random.once_in(2) {
        let removable: Vec<String> =
            members.keys().filter(|key| *key != "$schema" && *key != "type").cloned().collect();
        if !removable.is_empty() {
            let keyword = random.pick(&removable).clone();
            members.shift_remove(&keyword);
        }
    } else if let Some((keyword, new)) = other.into_iter().next() {
        members.insert(keyword, new);
    }
}
