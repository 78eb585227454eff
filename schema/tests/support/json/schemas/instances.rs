//! Random JSON values, and ones that a schema tends to accept.

use serde_json::{Map, Value, json};

use super::{NAMES, Random};

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

/// A value that the schema has a fair chance of accepting; any value for what is no schema.
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
    let count = |keyword: &str| {
        let count = members.get(keyword).and_then(Value::as_u64);
        count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    };
    let declared = members.get("type");
    let is = |name: &str| {
        let is_listed = |kind: &Value| kind.as_array().is_some_and(|kinds| kinds.iter().any(|k| k == name));
        declared.is_none_or(|kind| kind == name || is_listed(kind))
    };
    let has_members = ["properties", "required"].iter().any(|keyword| members.contains_key(*keyword));
    if (has_members || declared.is_some_and(|kind| kind == "object")) && is("object") {
        return object_instance(members, random, depth);
    }
    if ["items", "prefixItems", "contains"].iter().any(|keyword| members.contains_key(*keyword))
        && is("array")
    {
        let tuple = members.get("prefixItems").or(members.get("items")).and_then(Value::as_array);
        let length = count("minItems") + random.below(3);
        let item = |index: usize| {
            let schema = tuple.and_then(|tuple| tuple.get(index)).or(members.get("items"));
            instance(schema.unwrap_or(&Value::Null), random, depth - 1)
        };
        return (0..length).map(item).collect();
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
            let length = count("minLength") + random.below(3);
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
        let value = instance(schema.unwrap_or(&Value::Null), random, depth - 1);
        object.insert(name, value);
    }
    Value::Object(object)
}
