//! Random JSON schemas, changes to them ([`evolve`]) and values that they tend to accept ([`instances`]).
#![allow(dead_code, reason = "each target uses a part")]

pub mod evolve;
pub mod instances;

use muster_schema::json::model::Dialect;
use serde_json::{Map, Value, json};

use instances::any_value;

/// Random choices.
pub struct Random(Box<dyn FnMut() -> usize>);

impl Random {
    /// Of a seed that is not 0, without end (xorshift).
    pub fn seeded(mut state: u64) -> Self {
        Self(Box::new(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0)
        }))
    }

    /// Of bytes, one a choice. When they are used up every choice is the first, which is the plainest, so that
    /// everything ends, and what is made of fewer and smaller bytes is simpler.
    pub fn of(bytes: &[u8]) -> Self {
        let bytes: Vec<u8> = bytes.into();
        let mut bytes = bytes.into_iter();
        Self(Box::new(move || bytes.next().map_or(0, usize::from)))
    }

    /// A number below `count`, which is at least 1.
    pub fn below(&mut self, count: usize) -> usize {
        (self.0)() % count
    }

    /// True once in so many times, but never when choices are used up.
    pub fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    pub fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// Which schemas are made.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    pub dialect: Dialect,
    /// Also what the dialect forbids or no validator comes to the end of: empty lists, references in a circle.
    pub is_odd: bool,
}

impl Grammar {
    pub fn sound(dialect: Dialect) -> Self {
        Self { dialect, is_odd: false }
    }

    pub fn odd(random: &mut Random) -> Self {
        let dialect = *random.pick(&[Dialect::Draft7, Dialect::Modern, Dialect::Draft4, Dialect::Draft6]);
        Self { dialect, is_odd: true }
    }

    fn is_modern(self) -> bool {
        self.dialect == Dialect::Modern
    }

    fn uri(self, random: &mut Random) -> Option<&'static str> {
        match self.dialect {
            Dialect::Draft4 => Some("http://json-schema.org/draft-04/schema#"),
            Dialect::Draft6 => Some("http://json-schema.org/draft-06/schema#"),
            Dialect::Draft7 => None,
            Dialect::Modern if self.is_odd && random.once_in(2) => {
                Some("https://json-schema.org/draft/2019-09/schema")
            }
            Dialect::Modern => Some("https://json-schema.org/draft/2020-12/schema"),
        }
    }
}

const NAMES: [&str; 6] = ["a", "b", "c", "id", "x_1", "ä/~"];
const PATTERNS: [&str; 5] = ["^a", "[0-9]+", "^x_", "^[a-c]{1,3}$", "b$"];
const TYPES: [&str; 6] = ["string", "null", "integer", "object", "array", "boolean"];

/// A whole schema.
pub fn root(random: &mut Random, grammar: Grammar) -> Value {
    let mut root = schema(random, grammar, 3);
    define(&mut root, random, grammar);
    if let (Value::Object(members), Some(uri)) = (&mut root, grammar.uri(random)) {
        members.insert("$schema".into(), uri.into());
    }
    root
}

/// Adds the definitions that are used and lacking.
fn define(root: &mut Value, random: &mut Random, grammar: Grammar) {
    for name in ["A", "B", "A"] {
        let is_used = root.to_string().contains(&format!("\"#/definitions/{name}\""));
        let Some(members) = root.as_object_mut().filter(|_| is_used) else { continue };
        let definitions = members.entry("definitions").or_insert_with(|| Map::new().into());
        if let Some(definitions) = definitions.as_object_mut().filter(|known| !known.contains_key(name)) {
            definitions.insert(name.into(), schema(random, grammar, 2));
        }
    }
}

/// A schema inside another.
fn schema(random: &mut Random, grammar: Grammar, depth: usize) -> Value {
    if random.once_in(10) {
        let has_booleans = grammar.dialect >= Dialect::Draft6;
        let any: &[Value] = &[json!({}), json!(true), json!(true), json!(false)];
        return random.pick(if has_booleans { any } else { &any[..1] }).clone();
    }
    let mut members = Map::new();
    match random.below(if depth == 0 { 4 } else { 12 }) {
        0 => string(random, &mut members),
        1 => number(random, grammar, &mut members),
        2 if random.once_in(2) => drop(members.insert("type".into(), types(random, grammar))),
        2 => drop(members.insert("type".into(), (*random.pick(&["null", "boolean"])).into())),
        3 => choices(random, grammar, &mut members),
        4..7 => object(random, grammar, depth, &mut members),
        7 => array(random, grammar, depth, &mut members),
        8 => {
            let keyword = *random.pick(&["allOf", "anyOf", "oneOf"]);
            let least = usize::from(!grammar.is_odd);
            let children: Vec<Value> =
                (0..least + random.below(3)).map(|_| schema(random, grammar, depth - 1)).collect();
            members.insert(keyword.into(), children.into());
            if random.once_in(3) {
                object(random, grammar, depth - 1, &mut members);
            }
        }
        9 => {
            object(random, grammar, depth - 1, &mut members);
            members.insert("type".into(), types(random, grammar));
        }
        10 if random.once_in(2) && grammar.dialect >= Dialect::Draft7 => {
            for keyword in ["if", "then", "else"] {
                members.insert(keyword.into(), schema(random, grammar, depth - 1));
            }
        }
        10 => drop(members.insert("not".into(), schema(random, grammar, depth - 1))),
        _ => {
            let target = *random.pick(&["#/definitions/A", "#/definitions/B", "#"]);
            let reference = json!({ "$ref": target });
            // Below a member, so that it comes to an end.
            return if grammar.is_odd { reference } else { json!({ "properties": { "a": reference } }) };
        }
    }
    if grammar.is_odd && random.once_in(10) {
        choices(random, grammar, &mut members);
    }
    for keyword in ["title", "description", "default"] {
        if random.once_in(16) {
            members.insert(keyword.into(), (*random.pick(&["t", "u"])).into());
        }
    }
    members.into()
}

fn types(random: &mut Random, grammar: Grammar) -> Value {
    let mut types: Vec<&str> = TYPES.into_iter().filter(|_| random.once_in(2)).collect();
    if types.is_empty() && !grammar.is_odd {
        types.push("null");
    }
    types.into()
}

/// A number for each of some keywords, below what is given with it.
fn limits(random: &mut Random, keywords: [(&str, usize); 2], members: &mut Map<String, Value>) {
    for (keyword, most) in keywords {
        if random.once_in(3) {
            members.insert(keyword.into(), random.below(most).into());
        }
    }
}

fn string(random: &mut Random, members: &mut Map<String, Value>) {
    if !random.once_in(5) {
        members.insert("type".into(), "string".into());
    }
    limits(random, [("minLength", 4), ("maxLength", 6)], members);
    if random.once_in(4) {
        members.insert("pattern".into(), (*random.pick(&PATTERNS)).into());
    }
}

fn number(random: &mut Random, grammar: Grammar, members: &mut Map<String, Value>) {
    if !random.once_in(5) {
        members.insert("type".into(), (*random.pick(&["integer", "number"])).into());
    }
    let bounds = [json!(0), json!(1), json!(-2), json!(5), json!(2.5), json!(10)];
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if random.once_in(4) {
            members.insert(bound.into(), random.pick(&bounds).clone());
        }
        if grammar.dialect > Dialect::Draft4 && random.once_in(4) {
            members.insert(exclusive.into(), random.pick(&bounds).clone());
        } else if members.contains_key(bound) && grammar.dialect == Dialect::Draft4 && random.once_in(2) {
            members.insert(exclusive.into(), (!random.once_in(3)).into());
        }
    }
    if random.once_in(5) {
        members.insert("multipleOf".into(), random.pick(&[json!(2), json!(0.5), json!(3), json!(6)]).clone());
    }
}

fn choices(random: &mut Random, grammar: Grammar, members: &mut Map<String, Value>) {
    if grammar.dialect >= Dialect::Draft6 && random.once_in(3) {
        members.insert("const".into(), any_value(random, 1));
    } else {
        let mut values: Vec<Value> = Vec::new();
        for _ in 0..1 + random.below(4) {
            let value = any_value(random, 1);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        members.insert("enum".into(), values.into());
    }
}

fn object(random: &mut Random, grammar: Grammar, depth: usize, members: &mut Map<String, Value>) {
    let inner = depth.saturating_sub(1);
    if !random.once_in(4) {
        members.insert("type".into(), "object".into());
    }
    let properties: Map<String, Value> = (0..random.below(4))
        .map(|_| ((*random.pick(&NAMES)).into(), schema(random, grammar, inner)))
        .collect();
    if !properties.is_empty() || grammar.is_odd && random.once_in(4) {
        members.insert("properties".into(), properties.into());
    }
    if random.once_in(2) {
        let required: Vec<&str> = NAMES.into_iter().filter(|_| random.once_in(4)).collect();
        if !required.is_empty() || grammar.dialect > Dialect::Draft4 {
            members.insert("required".into(), required.into());
        }
    }
    if random.once_in(5) {
        let pattern = *random.pick(&PATTERNS);
        members.insert("patternProperties".into(), json!({ pattern: schema(random, grammar, inner) }));
    }
    if random.once_in(3) {
        let additional = if random.once_in(2) { json!(false) } else { schema(random, grammar, inner) };
        members.insert("additionalProperties".into(), additional);
    }
    limits(random, [("minProperties", 3), ("maxProperties", 4)], members);
    if grammar.dialect >= Dialect::Draft6 && random.once_in(8) {
        let names = if random.once_in(3) { schema(random, grammar, 0) } else { json!({ "maxLength": 2 }) };
        members.insert("propertyNames".into(), names);
    }
    for (keyword, is_list) in [("dependentRequired", true), ("dependentSchemas", false)] {
        if random.once_in(8) {
            let keyword = if grammar.is_modern() { keyword } else { "dependencies" };
            let name = *random.pick(&NAMES);
            let needed = if is_list { json!([*random.pick(&NAMES)]) } else { schema(random, grammar, inner) };
            members.entry(keyword).or_insert_with(|| json!({}))[name] = needed;
        }
    }
    if grammar.is_modern() && random.once_in(6) {
        members.insert("unevaluatedProperties".into(), json!(false));
    }
}

fn array(random: &mut Random, grammar: Grammar, depth: usize, members: &mut Map<String, Value>) {
    let inner = depth.saturating_sub(1);
    if !random.once_in(4) {
        members.insert("type".into(), "array".into());
    }
    let (tuple, rest) =
        if grammar.is_modern() { ("prefixItems", "items") } else { ("items", "additionalItems") };
    if random.once_in(3) {
        let items: Vec<Value> = (0..1 + random.below(3)).map(|_| schema(random, grammar, inner)).collect();
        members.insert(tuple.into(), items.into());
        if random.once_in(2) {
            let schema = if random.once_in(3) { json!(false) } else { schema(random, grammar, inner) };
            members.insert(rest.into(), schema);
        }
    } else if random.once_in(2) {
        members.insert("items".into(), schema(random, grammar, inner));
    }
    limits(random, [("minItems", 3), ("maxItems", 4)], members);
    if random.once_in(5) {
        members.insert("uniqueItems".into(), true.into());
    }
    if grammar.dialect >= Dialect::Draft6 && random.once_in(6) {
        members.insert("contains".into(), schema(random, grammar, inner));
        if grammar.is_modern() && random.once_in(2) {
            members.insert("minContains".into(), random.below(3).into());
            members.insert("maxContains".into(), (1 + random.below(3)).into());
        }
    }
    if grammar.is_modern() && random.once_in(8) {
        members.insert("unevaluatedItems".into(), json!(false));
    }
}
