//! 2019-09 and 2020-12, both with the keywords of 2020-12.

use super::{Loader, Object, Problem, combined, strings};
use crate::json::library::Place;
use crate::json::model::{
    Additional, ArrayNode, Conditional, Criterion, Kind, Node, NumberNode, ObjectNode, StringNode,
};
use crate::jsontext::Json;

/// What the keywords of one object come to, in order of appearance; keywords of one type join one part.
#[derive(Default)]
struct Parts {
    /// What a list of types comes to.
    types: Option<Vec<Kind>>,
    kinds: Vec<Kind>,
}

impl Parts {
    fn push(&mut self, kind: Kind) {
        self.kinds.push(kind);
    }

    fn string(&mut self, set: impl FnOnce(&mut StringNode)) {
        for kind in self.types.iter_mut().flatten().chain(&mut self.kinds) {
            if let Kind::String(node) = kind {
                return set(node);
            }
        }
        let mut node = Box::default();
        set(&mut node);
        self.kinds.push(Kind::String(node));
    }

    fn number(&mut self, set: impl FnOnce(&mut NumberNode)) {
        for kind in self.types.iter_mut().flatten().chain(&mut self.kinds) {
            if let Kind::Number(node) = kind {
                return set(node);
            }
        }
        let mut node = Box::default();
        set(&mut node);
        self.kinds.push(Kind::Number(node));
    }

    fn object(&mut self, set: impl FnOnce(&mut ObjectNode)) {
        for kind in self.types.iter_mut().flatten().chain(&mut self.kinds) {
            if let Kind::Object(node) = kind {
                return set(node);
            }
        }
        let mut node = Box::default();
        set(&mut node);
        self.kinds.push(Kind::Object(node));
    }

    fn array(&mut self, set: impl FnOnce(&mut ArrayNode)) {
        for kind in self.types.iter_mut().flatten().chain(&mut self.kinds) {
            if let Kind::Array(node) = kind {
                return set(node);
            }
        }
        let mut node = Box::default();
        set(&mut node);
        self.kinds.push(Kind::Array(node));
    }
}

impl<'a> Loader<'a> {
    pub(super) fn modern(&mut self, inside: &Place<'a>, mut object: Object<'a>) -> Result<Node, Problem> {
        let object = &mut object;
        object.valid_uri("$id")?;
        if let Some(json @ Json::String(id)) = object.get("$id")
            && id.starts_with('#')
        {
            return Err(Problem::Invalid("$id must be more than a fragment".to_owned(), json));
        }
        for key in ["$schema", "$anchor", "$dynamicAnchor", "format"] {
            object.string(key)?;
        }
        if let Some(json @ Json::String(anchor)) = object.get("$anchor")
            && !is_anchor(anchor)
        {
            return Err(Problem::Invalid("$anchor is not a name".to_owned(), json));
        }
        for key in ["deprecated", "readOnly", "writeOnly"] {
            object.boolean(key)?;
        }
        self.definitions(inside, object)?;
        let mut parts = Parts::default();
        // A list of types comes first, as what other keywords say about one of them joins it there.
        let (types, others): (Vec<_>, Vec<_>) = object.members.iter().partition(|(key, _)| key == "type");
        for (key, json) in types.into_iter().chain(others) {
            self.keyword(inside, object, key, json, &mut parts)?;
        }
        let Parts { types, mut kinds } = parts;
        if let Some(types) = types {
            let children = types.into_iter().map(|kind| self.add(Node { kind, ..Node::default() }));
            kinds.insert(0, combined(Criterion::AnyOf, children.collect::<Result<_, _>>()?, true));
        }
        let kind = self.joined(kinds)?;
        let mut annotations = self.annotations(object, "$id")?;
        // Changes of a root's name are not told.
        if self.nodes.len() == 1 || std::ptr::eq(object.json, self.root_json()) {
            annotations.id = None;
        }
        Ok(Node { kind, annotations })
    }

    fn root_json(&self) -> *const Json {
        self.library.root(0).map_or(std::ptr::null(), |place| place.json)
    }

    /// Definitions are loaded though nothing uses them.
    fn definitions(&mut self, inside: &Place<'a>, object: &mut Object<'a>) -> Result<(), Problem> {
        if let Some(json) = object.take("$defs") {
            self.schemas(inside, json, "$defs")?;
        }
        let is_root = std::ptr::eq(object.json, self.root_json());
        if let Some(json @ Json::Object(_)) = object.get("definitions").filter(|_| is_root) {
            object.take("definitions");
            self.schemas(inside, json, "definitions")?;
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        inside: &Place<'a>,
        object: &mut Object<'a>,
        key: &'a str,
        json: &'a Json,
        parts: &mut Parts,
    ) -> Result<(), Problem> {
        match key {
            "$ref" | "$dynamicRef" => {
                object.take(key);
                let reference = self.reference(inside, json, key)?;
                parts.push(reference);
            }
            "enum" => {
                object.take(key);
                let Json::Array(items) = json else {
                    return Err(Problem::Invalid("enum must be an array".to_owned(), json));
                };
                let values: Result<Vec<Json>, _> = items.iter().map(|item| self.value(item)).collect();
                parts.push(Kind::Enum(values?));
            }
            "const" => {
                object.take(key);
                parts.push(Kind::Const(self.value(json)?));
            }
            "not" => {
                object.take(key);
                parts.push(Kind::Not(self.schema(inside, json)?));
            }
            "allOf" | "anyOf" | "oneOf" => {
                object.take(key);
                let criterion = match key {
                    "allOf" => Criterion::AllOf,
                    "anyOf" => Criterion::AnyOf,
                    _ => Criterion::OneOf,
                };
                parts.push(combined(criterion, self.schema_list(inside, json, key)?, false));
            }
            "if" => {
                let mut part = |key| object.take(key).map(|json| self.schema(inside, json)).transpose();
                let conditional =
                    Conditional { condition: part("if")?, then: part("then")?, otherwise: part("else")? };
                parts.push(Kind::Conditional(conditional));
            }
            "type" => {
                object.take(key);
                self.types(json, parts)?;
            }
            "minLength" | "maxLength" | "pattern" => string(object, key, parts)?,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                number(object, key, parts)?;
            }
            "prefixItems" | "items" | "contains" | "minItems" | "maxItems" | "uniqueItems"
            | "unevaluatedItems" => {
                self.array_keyword(inside, object, key, json, parts)?;
            }
            "properties"
            | "required"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames"
            | "minProperties"
            | "maxProperties"
            | "dependentRequired"
            | "dependentSchemas"
            | "unevaluatedProperties" => self.object_keyword(inside, object, key, json, parts)?,
            _ => {}
        }
        Ok(())
    }

    fn types(&mut self, json: &'a Json, parts: &mut Parts) -> Result<(), Problem> {
        let Json::Array(names) = json else { return typed(json, parts) };
        let mut kinds = Vec::new();
        for name in names {
            let mut own = Parts::default();
            typed(name, &mut own)?;
            kinds.append(&mut own.kinds);
        }
        parts.types = Some(kinds);
        Ok(())
    }

    fn array_keyword(
        &mut self,
        inside: &Place<'a>,
        object: &mut Object<'a>,
        key: &str,
        json: &'a Json,
        parts: &mut Parts,
    ) -> Result<(), Problem> {
        object.take(key);
        let has_prefix = object.get("prefixItems").is_some();
        match key {
            "items" if *json == Json::Bool(true) => parts.array(|_| {}),
            "items" if *json == Json::Bool(false) => {
                parts.array(|array| array.additional = Additional::Refused);
            }
            "items" => {
                let items = self.schema(inside, json)?;
                parts.array(|array| {
                    if has_prefix {
                        array.additional = Additional::Schema(items);
                    } else {
                        array.items = Some(items);
                    }
                });
            }
            "prefixItems" => {
                let tuple = self.schema_list(inside, json, key)?;
                parts.array(|array| array.tuple = Some(tuple));
            }
            "contains" => {
                let contains = self.schema(inside, json)?;
                let mut count = |key: &str| match object.take(key) {
                    Some(Json::Number(_)) => object.integer_part(key),
                    _ => Ok(None),
                };
                let (least, most) = (count("minContains")?, count("maxContains")?);
                parts.array(|array| {
                    array.contains = Some(contains);
                    array.min_contains = Some(least.unwrap_or(1));
                    array.max_contains = most;
                });
            }
            "unevaluatedItems" => {
                let unevaluated = self.schema(inside, json)?;
                parts.array(|array| array.unevaluated = Some(unevaluated));
            }
            "uniqueItems" => {
                let unique = object.boolean(key)? == Some(true);
                parts.array(|array| array.unique_items = unique);
            }
            "minItems" => {
                let count = object.integer_part(key)?;
                parts.array(|array| array.min_items = count);
            }
            _ => {
                let count = object.integer_part(key)?;
                parts.array(|array| array.max_items = count);
            }
        }
        Ok(())
    }

    fn object_keyword(
        &mut self,
        inside: &Place<'a>,
        object: &mut Object<'a>,
        key: &str,
        json: &'a Json,
        parts: &mut Parts,
    ) -> Result<(), Problem> {
        object.take(key);
        match key {
            "properties" => {
                let properties = self.schemas(inside, json, key)?;
                if properties.is_empty() {
                    return Ok(());
                }
                parts.object(|object| object.properties = properties);
            }
            "patternProperties" => {
                let patterns = self.patterns(inside, json)?;
                if patterns.is_empty() {
                    return Ok(());
                }
                parts.object(|object| object.pattern_properties = patterns);
            }
            "required" => {
                let required = strings(json, key)?;
                parts.object(|object| object.required = required);
            }
            "additionalProperties" => {
                let additional = match json {
                    Json::Bool(true) => Additional::Allowed,
                    Json::Bool(false) => Additional::Refused,
                    json => Additional::Schema(self.schema(inside, json)?),
                };
                parts.object(|object| object.additional = additional);
            }
            "propertyNames" => {
                let names = self.schema(inside, json)?;
                parts.object(|object| object.property_names = Some(names));
            }
            "dependentRequired" => {
                let Json::Object(members) = json else {
                    return Err(Problem::Invalid(format!("{key} must be an object"), json));
                };
                let lists = members.iter().map(|(name, json)| Ok((name.clone(), strings(json, key)?)));
                let lists: Vec<(String, Vec<String>)> = lists.collect::<Result<_, Problem>>()?;
                parts.object(|object| object.required_with = lists);
            }
            "dependentSchemas" => {
                let schemas = self.schemas(inside, json, key)?;
                parts.object(|object| object.schemas_with = schemas);
            }
            "unevaluatedProperties" => {
                let unevaluated = self.schema(inside, json)?;
                parts.object(|object| object.unevaluated = Some(unevaluated));
            }
            "minProperties" => {
                let count = object.integer_part(key)?;
                parts.object(|object| object.min_properties = count);
            }
            _ => {
                let count = object.integer_part(key)?;
                parts.object(|object| object.max_properties = count);
            }
        }
        Ok(())
    }
}

fn typed(name: &Json, parts: &mut Parts) -> Result<(), Problem> {
    match name.as_str().unwrap_or_default() {
        "string" => parts.string(|node| node.is_typed = true),
        "number" => parts.number(|node| node.is_typed = true),
        "integer" => parts.number(|node| {
            node.is_typed = true;
            node.is_integer = true;
        }),
        "boolean" => parts.push(Kind::Boolean),
        "null" => parts.push(Kind::Null),
        "array" => parts.array(|node| node.is_typed = true),
        "object" => parts.object(|node| node.is_typed = true),
        _ => return Err(Problem::Invalid("unknown type".to_owned(), name)),
    }
    Ok(())
}

fn string(object: &mut Object<'_>, key: &str, parts: &mut Parts) -> Result<(), Problem> {
    if key == "pattern" {
        let pattern = object.pattern()?;
        parts.string(|node| node.pattern = pattern);
        return Ok(());
    }
    let length = object.integer_part(key)?;
    parts.string(|node| match key {
        "minLength" => node.min_length = length,
        _ => node.max_length = length,
    });
    Ok(())
}

fn number(object: &mut Object<'_>, key: &str, parts: &mut Parts) -> Result<(), Problem> {
    let bound = object.bound(key)?;
    parts.number(|node| {
        let slot = match key {
            "minimum" => &mut node.minimum,
            "maximum" => &mut node.maximum,
            "exclusiveMinimum" => &mut node.exclusive_minimum,
            "exclusiveMaximum" => &mut node.exclusive_maximum,
            _ => &mut node.multiple_of,
        };
        *slot = bound;
    });
    Ok(())
}

/// Source: JSON Schema 2020-12 core, §8.2.2.
fn is_anchor(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}
