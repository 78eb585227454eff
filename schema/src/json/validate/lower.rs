//! Writing a schema down again for the `jsonschema` crate: whatever its dialect, as one draft 2020-12 document without
//! identifiers, whose references all lead to its own `$defs`.
//!
//! So nothing is left to look up, nothing is checked against a meta-schema (the reference does not either), and every
//! node is known to [`cost`](super::cost). Nesting is bounded by moving what lies deep into `$defs` of its own.

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Number, Value};

use super::{CompileError, Formats, patterns, price};
use crate::json::model::{
    Additional, ArrayNode, Bound, Criterion, Dialect, Kind, Model, NodeId, NumberNode, ObjectNode, StringNode,
};
use crate::json::pattern;
use crate::jsontext::{self, Json};

/// How deep subschemas nest before they get an entry of their own.
const NESTING: usize = 8;
/// Most subschemas with an entry of their own: what the crate makes of references grows faster than their number.
const MOST_ENTRIES: usize = 20_000;
/// How deep values of `enum` and `const` may nest.
const VALUE_DEPTH: usize = 64;

/// A schema written down for the crate.
pub(super) struct Lowered {
    /// The document.
    pub document: Value,
    /// Where in it the schema is, as a URI fragment.
    pub root: String,
    /// All property names that the schema mentions.
    pub names: HashSet<String>,
    /// All patterns.
    pub patterns: HashSet<String>,
}

/// Writes a schema down, or the part of it below `root`. `counts`: the keyword that is put before every node to count
/// steps, if any. `java`: the patterns that only Java reads.
///
/// Errors: [`CompileError::TooComplex`] if values in it nest too deeply.
pub(super) fn lower(
    model: &Model,
    root: NodeId,
    formats: Formats,
    counts: Option<&str>,
    java: &HashSet<String>,
) -> Result<Lowered, CompileError> {
    let mut writer = Writer {
        model,
        formats,
        counts,
        java,
        known: HashSet::new(),
        queue: VecDeque::new(),
        names: HashSet::new(),
        patterns: HashSet::new(),
    };
    let mut definitions = Map::new();
    let root = writer.reference(root);
    while let Some(id) = writer.queue.pop_front() {
        if definitions.len() >= MOST_ENTRIES {
            return Err(CompileError::TooComplex);
        }
        let schema = writer.schema(id, 0)?;
        definitions.insert(key(id), schema);
    }
    let document = Map::from_iter([("$defs".to_owned(), Value::Object(definitions))]);
    Ok(Lowered { document: Value::Object(document), root, names: writer.names, patterns: writer.patterns })
}

fn key(id: NodeId) -> String {
    id.index().to_string()
}

struct Writer<'a> {
    model: &'a Model,
    formats: Formats,
    counts: Option<&'a str>,
    java: &'a HashSet<String>,
    /// Nodes that have an entry in `$defs`, or will have.
    known: HashSet<NodeId>,
    queue: VecDeque<NodeId>,
    names: HashSet<String>,
    patterns: HashSet<String>,
}

impl Writer<'_> {
    /// The fragment of a node's own entry.
    fn reference(&mut self, id: NodeId) -> String {
        if self.known.insert(id) {
            self.queue.push_back(id);
        }
        format!("#/$defs/{}", key(id))
    }

    fn refer(&mut self, id: NodeId) -> Value {
        Value::Object(Map::from_iter([("$ref".to_owned(), Value::String(self.reference(id)))]))
    }

    /// A subschema; beyond some depth only a reference to it.
    fn sub(&mut self, id: NodeId, nesting: usize) -> Result<Value, CompileError> {
        if nesting >= NESTING && !matches!(self.model.node(id).kind, Kind::True | Kind::False | Kind::Empty) {
            return Ok(self.refer(id));
        }
        self.schema(id, nesting)
    }

    fn schema(&mut self, id: NodeId, nesting: usize) -> Result<Value, CompileError> {
        let schema = match self.model.node(id).kind {
            Kind::True | Kind::Empty => return Ok(Value::Bool(true)),
            Kind::False => return Ok(Value::Bool(false)),
            _ => {
                let mut group = Group::default();
                self.keywords(id, nesting, &mut group)?;
                Value::Object(group.close())
            }
        };
        let Some(counter) = self.counts else { return Ok(schema) };
        let price = price::price(self.model, id).to_value();
        let counter = Map::from_iter([(counter.to_owned(), price)]);
        let both = vec![Value::Object(counter), schema];
        Ok(Value::Object(Map::from_iter([("allOf".to_owned(), Value::Array(both))])))
    }

    /// Adds what a node demands to the object that is being written. What the text says side by side ends up side by
    /// side again: `unevaluatedProperties` and `unevaluatedItems` ask their siblings.
    fn keywords(&mut self, id: NodeId, nesting: usize, group: &mut Group) -> Result<(), CompileError> {
        let model = self.model;
        let inner = nesting + 1;
        match &model.node(id).kind {
            Kind::True | Kind::Empty => {}
            Kind::False => group.also(Value::Bool(false)),
            Kind::Null => group.put("type", "null".into()),
            Kind::Boolean => group.put("type", "boolean".into()),
            Kind::String(string) => self.string(string, group),
            Kind::Number(number) => numbers(number, group),
            Kind::Object(object) => self.object(object, inner, group)?,
            Kind::Array(array) => self.array(array, inner, group)?,
            Kind::Enum(values) => {
                let values = values.iter().map(value).collect::<Result<_, _>>()?;
                group.put("enum", Value::Array(values));
            }
            Kind::Const(only) => group.put("const", value(only)?),
            Kind::Not(refused) => group.put("not", self.sub(*refused, inner)?),
            Kind::Reference(reference) => {
                let fragment = self.reference(reference.target);
                group.put("$ref", Value::String(fragment));
            }
            Kind::Conditional(conditional) => {
                if let Some(condition) = conditional.condition {
                    let mut parts = Map::from_iter([("if".to_owned(), self.sub(condition, inner)?)]);
                    for (keyword, part) in [("then", conditional.then), ("else", conditional.otherwise)] {
                        if let Some(part) = part {
                            parts.insert(keyword.to_owned(), self.sub(part, inner)?);
                        }
                    }
                    group.merge(parts);
                }
            }
            Kind::Combined(combined) if combined.is_generated && combined.criterion == Criterion::AllOf => {
                for child in combined.written() {
                    self.keywords(*child, nesting, group)?;
                }
            }
            Kind::Combined(combined) => {
                let mut children = Vec::with_capacity(combined.written().len());
                for child in combined.written() {
                    if combined.is_generated {
                        let mut alternative = Group::default();
                        self.keywords(*child, inner, &mut alternative)?;
                        group.unevaluated.append(&mut alternative.unevaluated);
                        children.push(Value::Object(alternative.close()));
                    } else {
                        children.push(self.sub(*child, inner)?);
                    }
                }
                group.put(combined.criterion.as_str(), Value::Array(children));
            }
        }
        Ok(())
    }

    fn string(&mut self, string: &StringNode, group: &mut Group) {
        let mut keywords = Map::new();
        typed(&mut keywords, string.is_typed, "string");
        least(&mut keywords, "minLength", string.min_length);
        most(&mut keywords, group, "maxLength", string.max_length, "string");
        if let Some(pattern) = &string.pattern {
            self.patterns.insert(pattern.clone());
            let is_apart = patterns::steps_back(pattern) || self.java.contains(pattern);
            let keyword = if is_apart { patterns::PATTERN } else { "pattern" };
            keywords.insert(keyword.to_owned(), pattern.as_str().into());
        }
        if let (Some(format), Formats::Asserted) = (&string.format, self.formats) {
            keywords.insert("format".to_owned(), format.as_str().into());
        }
        group.merge(keywords);
    }

    fn object(&mut self, object: &ObjectNode, nesting: usize, group: &mut Group) -> Result<(), CompileError> {
        let mut keywords = Map::new();
        typed(&mut keywords, object.is_typed, "object");
        least(&mut keywords, "minProperties", object.min_properties);
        most(&mut keywords, group, "maxProperties", object.max_properties, "object");
        self.names.extend(object.properties.iter().map(|(name, _)| name.clone()));
        self.names.extend(object.required.iter().cloned());
        self.patterns.extend(object.pattern_properties.iter().map(|(pattern, _)| pattern.clone()));
        let lists = [
            ("properties", &object.properties),
            ("patternProperties", &object.pattern_properties),
            ("dependentSchemas", &object.schemas_with),
        ];
        for (keyword, schemas) in lists {
            if !schemas.is_empty() {
                let mut map = Map::new();
                for (name, schema) in schemas {
                    let is_java = keyword == "patternProperties" && self.java.contains(name);
                    let name =
                        is_java.then(|| pattern::to_engine(name)).flatten().unwrap_or_else(|| name.clone());
                    let schema = self.sub(*schema, nesting)?;
                    match map.get_mut(&name) {
                        // Patterns that are written alike for the crate.
                        Some(other) => *other = serde_json::json!({ "allOf": [other.take(), schema] }),
                        None => drop(map.insert(name, schema)),
                    }
                }
                keywords.insert(keyword.to_owned(), Value::Object(map));
            }
        }
        if !object.required.is_empty() {
            keywords.insert("required".to_owned(), object.required.as_slice().into());
        }
        if !object.required_with.is_empty() {
            let lists = object.required_with.iter();
            let lists = lists.map(|(name, names)| (name.clone(), Value::from(names.as_slice())));
            keywords.insert("dependentRequired".to_owned(), Value::Object(lists.collect()));
        }
        if let Some(additional) = self.additional(object.additional, object.is_all_evaluated, nesting)? {
            keywords.insert("additionalProperties".to_owned(), additional);
        }
        if let Some(names) = object.property_names {
            keywords.insert("propertyNames".to_owned(), self.sub(names, nesting)?);
        }
        if let Some(unevaluated) = object.unevaluated {
            group.unevaluated.push(("unevaluatedProperties", self.sub(unevaluated, nesting)?));
        }
        let stepping_back: Vec<&str> = patterns::names_stepping_back(object).collect();
        if stepping_back.is_empty() {
            group.merge(keywords);
        } else {
            let ahead = Map::from_iter([(patterns::NAMES.to_owned(), Value::from(stepping_back))]);
            group.also(Value::Object(ahead));
            group.also(Value::Object(keywords));
        }
        Ok(())
    }

    fn array(&mut self, array: &ArrayNode, nesting: usize, group: &mut Group) -> Result<(), CompileError> {
        let mut keywords = Map::new();
        typed(&mut keywords, array.is_typed, "array");
        least(&mut keywords, "minItems", array.min_items);
        most(&mut keywords, group, "maxItems", array.max_items, "array");
        if array.unique_items {
            keywords.insert("uniqueItems".to_owned(), true.into());
        }
        if let Some(tuple) = &array.tuple {
            let items = tuple.iter().map(|item| self.sub(*item, nesting)).collect::<Result<Vec<_>, _>>()?;
            // An empty list is the same as none.
            if !items.is_empty() {
                keywords.insert("prefixItems".to_owned(), Value::Array(items));
            }
        }
        // Up to draft 7 `additionalItems` means nothing without a list of items.
        let has_additional = array.tuple.is_some() || self.model.dialect() == Dialect::Modern;
        if let Some(items) = array.items {
            keywords.insert("items".to_owned(), self.sub(items, nesting)?);
        } else if has_additional
            && let Some(additional) = self.additional(array.additional, array.is_all_evaluated, nesting)?
        {
            keywords.insert("items".to_owned(), additional);
        }
        if let Some(contains) = array.contains {
            keywords.insert("contains".to_owned(), self.sub(contains, nesting)?);
            if self.model.dialect() == Dialect::Modern {
                least(&mut keywords, "minContains", array.min_contains.filter(|least| *least != 1));
                // Below zero nothing fits; zero says the same to an array of at least one.
                let most = array.max_contains.map(|most| most.max(0));
                least(&mut keywords, "maxContains", most);
            }
        }
        if let Some(unevaluated) = array.unevaluated {
            group.unevaluated.push(("unevaluatedItems", self.sub(unevaluated, nesting)?));
        }
        group.merge(keywords);
        Ok(())
    }

    fn additional(
        &mut self,
        additional: Additional,
        is_all_evaluated: bool,
        nesting: usize,
    ) -> Result<Option<Value>, CompileError> {
        Ok(match additional {
            Additional::Allowed => is_all_evaluated.then_some(Value::Bool(true)),
            Additional::Refused => Some(Value::Bool(false)),
            Additional::Schema(schema) => Some(self.sub(schema, nesting)?),
        })
    }
}

/// An object that is being written: its keywords, and what collides with them.
#[derive(Default)]
struct Group {
    keywords: Map<String, Value>,
    also: Vec<Value>,
    unevaluated: Vec<(&'static str, Value)>,
}

impl Group {
    fn put(&mut self, keyword: &str, value: Value) {
        self.merge(Map::from_iter([(keyword.to_owned(), value)]));
    }

    /// Keywords that belong together: all of them side by side with the others, or all of them apart.
    fn merge(&mut self, keywords: Map<String, Value>) {
        if keywords.keys().any(|keyword| self.keywords.contains_key(keyword)) {
            self.also(Value::Object(keywords));
        } else {
            self.keywords.extend(keywords);
        }
    }

    fn also(&mut self, schema: Value) {
        self.also.push(schema);
    }

    fn close(mut self) -> Map<String, Value> {
        for (keyword, schema) in std::mem::take(&mut self.unevaluated) {
            self.put(keyword, schema);
        }
        if !self.also.is_empty() {
            match self.keywords.get_mut("allOf") {
                Some(Value::Array(all)) => all.append(&mut self.also),
                _ => {
                    self.keywords.insert("allOf".to_owned(), Value::Array(self.also));
                }
            }
        }
        self.keywords
    }
}

fn typed(keywords: &mut Map<String, Value>, is_typed: bool, name: &str) {
    if is_typed {
        keywords.insert("type".to_owned(), name.into());
    }
}

/// A lower bound; one below zero demands nothing.
fn least(keywords: &mut Map<String, Value>, keyword: &str, bound: Option<i32>) {
    if let Some(bound) = bound.filter(|bound| *bound >= 0) {
        keywords.insert(keyword.to_owned(), bound.into());
    }
}

/// An upper bound; below zero no value of the type fits.
fn most(keywords: &mut Map<String, Value>, group: &mut Group, keyword: &str, bound: Option<i32>, name: &str) {
    match bound {
        Some(bound) if bound < 0 => {
            let refused = Value::Object(Map::from_iter([("type".to_owned(), name.into())]));
            group.also(Value::Object(Map::from_iter([("not".to_owned(), refused)])));
        }
        Some(bound) => {
            keywords.insert(keyword.to_owned(), bound.into());
        }
        None => {}
    }
}

fn numbers(number: &NumberNode, group: &mut Group) {
    let mut keywords = Map::new();
    typed(&mut keywords, number.is_typed, if number.is_integer { "integer" } else { "number" });
    let exclusive = |keyword: &'static str, is_exclusive: bool, exclusive: &'static str| {
        if is_exclusive { exclusive } else { keyword }
    };
    let bounds = [
        (exclusive("minimum", number.minimum_is_exclusive, "exclusiveMinimum"), &number.minimum),
        (exclusive("maximum", number.maximum_is_exclusive, "exclusiveMaximum"), &number.maximum),
        ("exclusiveMinimum", &number.exclusive_minimum),
        ("exclusiveMaximum", &number.exclusive_maximum),
    ];
    for (keyword, bound) in bounds {
        if let Some(Bound { text, .. }) = bound {
            keywords.insert(keyword.to_owned(), number_of(text));
        }
    }
    if let Some(step) = &number.multiple_of
        && step.value != 0.0
        && step.value.is_finite()
    {
        // The sign of a step says nothing.
        keywords.insert("multipleOf".to_owned(), number_of(step.text.trim_start_matches('-')));
    }
    group.merge(keywords);
}

/// A number as the crate holds it: 64-bit integers exactly, anything else as the nearest finite double.
pub(super) fn number_of(text: &str) -> Value {
    let exact = text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from));
    if let Ok(number) = exact {
        return Value::Number(number);
    }
    let nearest = text.parse::<f64>().unwrap_or(0.0).clamp(f64::MIN, f64::MAX);
    Number::from_f64(nearest).map_or(Value::Null, Value::Number)
}

/// A value of `enum` or `const`.
fn value(json: &Json) -> Result<Value, CompileError> {
    if jsontext::depth(json) > VALUE_DEPTH { Err(CompileError::TooComplex) } else { Ok(to_value(json)) }
}

/// A value of a schema. Recurses as deep as it nests.
pub(in crate::json) fn to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(text) if text.ends_with(|last: char| last.is_ascii_digit()) => number_of(text),
        // What JSON has no number for is a string in canonical text.
        Json::Number(text) | Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(to_value).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), to_value(member))).collect())
        }
    }
}
