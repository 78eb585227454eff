//! 2019-09 and 2020-12, both with the keywords of 2020-12.

use super::{Loader, Object, Problem, combined, strings};
use crate::json::library::Place;
use crate::json::model::{
    Additional, ArrayNode, Conditional, Criterion, Kind, Node, NumberNode, ObjectNode, StringNode,
};
use crate::json::uri;
use crate::jsontext::Json;

/// What the keywords of one object come to. Keywords of one type of value join one part, in the steps of the reference,
/// because the steps decide which part that is and where it stands.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    /// Whether keywords without a part of their own (`format`) have already made a list of what there is. What joins
    /// a list of types afterwards stands beside it.
    is_list: bool,
}

enum Part {
    One(Kind),
    /// What a list of types comes to.
    Types(Vec<Kind>),
}

impl Parts {
    fn push(&mut self, kind: Kind) {
        self.parts.push(Part::One(kind));
    }

    /// The part that more keywords of the same type of value join: the only list of types, or else a part of its own.
    fn part<T>(&mut self, of: fn(&mut Kind) -> Option<&mut T>) -> Option<&mut T> {
        let types_are_open = self.parts.len() == 1 && !self.is_list;
        let mut kinds = self.parts.iter_mut().flat_map(move |part| match part {
            Part::One(kind) => std::slice::from_mut(kind),
            Part::Types(kinds) if types_are_open => kinds.as_mut_slice(),
            Part::Types(_) => &mut [],
        });
        kinds.find_map(of)
    }

    /// Adds a list of types. What a lone part of one of these types says joins it there.
    fn types(&mut self, mut kinds: Vec<Kind>) {
        if let ([Part::One(lone)], false) = (self.parts.as_mut_slice(), self.is_list)
            && let Some(typed) = kinds.iter_mut().find(|kind| same_type(kind, lone))
        {
            mark_typed(lone, typed);
            *typed = std::mem::take(lone);
            self.parts.clear();
        }
        self.parts.push(Part::Types(kinds));
    }

    fn string(&mut self, set: impl FnOnce(&mut StringNode)) {
        self.join(as_string, || Kind::String(Box::default()), set);
    }

    fn number(&mut self, set: impl FnOnce(&mut NumberNode)) {
        self.join(as_number, || Kind::Number(Box::default()), set);
    }

    fn object(&mut self, set: impl FnOnce(&mut ObjectNode)) {
        self.join(as_object, || Kind::Object(Box::default()), set);
    }

    fn array(&mut self, set: impl FnOnce(&mut ArrayNode)) {
        self.join(as_array, || Kind::Array(Box::default()), set);
    }

    /// Sets keywords in the part that they join, or else in a new one.
    fn join<T>(
        &mut self,
        of: fn(&mut Kind) -> Option<&mut T>,
        empty: fn() -> Kind,
        set: impl FnOnce(&mut T),
    ) {
        if self.part(of).is_none() {
            self.push(empty());
        }
        if let Some(node) = self.part(of) {
            set(node);
        }
    }
}

fn as_string(kind: &mut Kind) -> Option<&mut StringNode> {
    if let Kind::String(node) = kind { Some(node) } else { None }
}

fn as_number(kind: &mut Kind) -> Option<&mut NumberNode> {
    if let Kind::Number(node) = kind { Some(node) } else { None }
}

fn as_object(kind: &mut Kind) -> Option<&mut ObjectNode> {
    if let Kind::Object(node) = kind { Some(node) } else { None }
}

fn as_array(kind: &mut Kind) -> Option<&mut ArrayNode> {
    if let Kind::Array(node) = kind { Some(node) } else { None }
}

/// Whether the two hold keywords of the same type of value.
fn same_type(a: &Kind, b: &Kind) -> bool {
    matches!(
        (a, b),
        (Kind::String(_), Kind::String(_))
            | (Kind::Number(_), Kind::Number(_))
            | (Kind::Object(_), Kind::Object(_))
            | (Kind::Array(_), Kind::Array(_))
    )
}

/// Gives keywords the type that they were found to belong to.
fn mark_typed(keywords: &mut Kind, typed: &Kind) {
    match (keywords, typed) {
        (Kind::Number(node), Kind::Number(typed)) => {
            (node.is_typed, node.is_integer) = (true, typed.is_integer);
        }
        (Kind::String(node), _) => node.is_typed = true,
        (Kind::Object(node), _) => node.is_typed = true,
        (Kind::Array(node), _) => node.is_typed = true,
        _ => {}
    }
}

/// Keywords that the reference looks at after all others, in this order.
const LAST: [&str; 4] = ["properties", "patternProperties", "unevaluatedItems", "unevaluatedProperties"];

impl<'a> Loader<'a> {
    pub(super) fn modern(&mut self, inside: &Place<'a>, mut object: Object<'a>) -> Result<Node, Problem> {
        let object = &mut object;
        object.valid_uri("$id")?;
        let is_root = std::ptr::eq(object.json, self.root_json());
        if let Some(json @ Json::String(id)) = object.get("$id").filter(|_| is_root)
            && uri::split_fragment(id).1.is_some_and(|fragment| !fragment.is_empty())
        {
            return Err(Problem::Invalid("$id of the whole must have no fragment".to_owned(), json));
        }
        for key in ["$schema", "$dynamicAnchor", "format"] {
            object.string(key)?;
        }
        if let Some(json @ Json::String(anchor)) = object.take("$anchor")
            && !uri::is_valid(&format!("#{anchor}"))
        {
            return Err(Problem::Invalid("$anchor is not a name".to_owned(), json));
        }
        for key in ["deprecated", "readOnly", "writeOnly"] {
            object.boolean(key)?;
        }
        // Known keywords, though they say nothing without another.
        for key in ["then", "else", "minContains", "maxContains", "$vocabulary"] {
            object.take(key);
        }
        self.definitions(inside, object)?;
        let mut parts = Parts::default();
        let first = object.members.iter().filter(|(key, _)| !LAST.contains(&key.as_str()));
        let last: Vec<_> = LAST.iter().filter_map(|key| object.member(key)).collect();
        for (key, json) in first.chain(last) {
            self.keyword(inside, object, key, json, &mut parts)?;
        }
        let mut kinds = Vec::new();
        for part in parts.parts {
            kinds.push(match part {
                Part::One(kind) => kind,
                Part::Types(types) => {
                    let children = types.into_iter().map(|kind| self.add(Node { kind, ..Node::default() }));
                    combined(Criterion::AnyOf, children.collect::<Result<_, _>>()?, true)
                }
            });
        }
        let kind = self.joined(kinds)?;
        let mut annotations = self.annotations(object, "$id")?;
        // The reference's loader forgets the name, so that its changes are not told, and takes null for no default.
        annotations.id = None;
        annotations.default = annotations.default.filter(|default| *default != Json::Null);
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
            "format" | "readOnly" | "writeOnly" => parts.is_list = true,
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
            kinds.extend(own.parts.into_iter().filter_map(|part| match part {
                Part::One(kind) => Some(kind),
                Part::Types(_) => None,
            }));
        }
        parts.types(kinds);
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
        let has_prefix = matches!(object.get("prefixItems"), Some(Json::Array(items)) if !items.is_empty());
        match key {
            "items" if *json == Json::Bool(true) => parts.array(|array| array.is_all_evaluated = true),
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
                parts.object(|object| {
                    object.additional = additional;
                    object.is_all_evaluated = *json == Json::Bool(true);
                });
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
                let mut lists: Vec<(String, Vec<String>)> = lists.collect::<Result<_, Problem>>()?;
                // An empty list leaves no trace in the reference.
                lists.retain(|(_, names)| !names.is_empty());
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
