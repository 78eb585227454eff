//! Drafts 4, 6 and 7.

use super::{Loader, Object, Problem, combined, strings};
use crate::json::decimal::Decimal;
use crate::json::library::Place;
use crate::json::model::{
    Additional, ArrayNode, Conditional, Criterion, Dialect, Kind, Node, NodeId, NumberNode, ObjectNode,
    StringNode,
};
use crate::jsontext::Json;

const ARRAY: [&str; 5] = ["items", "additionalItems", "minItems", "maxItems", "uniqueItems"];
const OBJECT: [&str; 7] = [
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "patternProperties",
    "additionalProperties",
];
const NUMBER: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const STRING: [&str; 4] = ["minLength", "maxLength", "pattern", "format"];
const CONDITIONAL: [&str; 3] = ["if", "then", "else"];

/// Formats by the first draft that knows them. Others leave no trace.
const FORMATS: [(&[&str], Dialect); 3] = [
    (&["date-time", "uri", "email", "ipv4", "ipv6", "hostname"], Dialect::Draft4),
    (&["json-pointer", "uri-reference", "uri-template"], Dialect::Draft6),
    (&["date", "time", "regex", "relative-json-pointer"], Dialect::Draft7),
];

impl<'a> Loader<'a> {
    /// Loads one object. Keywords are looked at in the reference's order, each kind leaving those of other kinds to
    /// the next.
    pub(super) fn draft(&mut self, inside: &Place<'a>, mut object: Object<'a>) -> Result<Node, Problem> {
        let object = &mut object;
        let mut kind = match object.take("$ref") {
            Some(json) => self.reference(inside, json, "$ref")?,
            None => {
                let kinds = self.draft_kinds(inside, object)?;
                self.joined(kinds)?
            }
        };
        let id_key = self.id_key();
        object.string(id_key)?;
        object.valid_uri(id_key)?;
        let annotations = self.annotations(object, id_key)?;
        if self.dialect == Dialect::Draft7 {
            object.boolean("readOnly")?;
            object.boolean("writeOnly")?;
        }
        // Unknown here, but the reference compares them all the same.
        if let Kind::Array(array) = &mut kind {
            let count = |key| match object.get(key) {
                Some(Json::Number(text)) => Decimal::of(text).map(|number| number.int_value()),
                _ => None,
            };
            (array.min_contains, array.max_contains) = (count("minContains"), count("maxContains"));
        }
        Ok(Node { kind, annotations })
    }

    fn draft_kinds(&mut self, inside: &Place<'a>, object: &mut Object<'a>) -> Result<Vec<Kind>, Problem> {
        let mut kinds = Vec::new();
        if let Some(json) = object.take("enum") {
            let Json::Array(items) = json else {
                return Err(Problem::Invalid("enum must be an array".to_owned(), json));
            };
            let values: Result<Vec<Json>, _> = items.iter().map(|item| self.value(item)).collect();
            kinds.push(Kind::Enum(values?));
        }
        for criterion in [Criterion::AllOf, Criterion::AnyOf, Criterion::OneOf] {
            if let Some(json) = object.take(criterion.as_str()) {
                let children = self.schema_list(inside, json, criterion.as_str())?;
                kinds.push(combined(criterion, children, false));
            }
        }
        if let Some(json) = object.take("not") {
            kinds.push(Kind::Not(self.schema(inside, json)?));
        }
        if self.dialect >= Dialect::Draft6
            && let Some(json) = object.take("const")
        {
            kinds.push(Kind::Const(self.value(json)?));
        }
        match object.take("type") {
            None => {}
            Some(Json::Array(names)) => {
                let mut children = Vec::new();
                for name in names {
                    let kind = self.typed(inside, object, name)?;
                    children.push(self.add(Node { kind, ..Node::default() })?);
                }
                kinds.push(combined(Criterion::AnyOf, children, true));
            }
            Some(name) => kinds.push(self.typed(inside, object, name)?),
        }
        let is_from_6 = self.dialect >= Dialect::Draft6;
        if object.has_untaken(&ARRAY) || (is_from_6 && object.has_untaken(&["contains"])) {
            kinds.push(self.array(inside, object, false)?);
        }
        if object.has_untaken(&OBJECT) || (is_from_6 && object.has_untaken(&["propertyNames"])) {
            kinds.push(self.object(inside, object, false)?);
        }
        if object.has_untaken(&NUMBER) {
            kinds.push(self.number(object, false, false)?);
        }
        if object.has_untaken(&STRING) {
            kinds.push(self.string(object, false)?);
        }
        if self.dialect == Dialect::Draft7 && object.has_untaken(&CONDITIONAL) {
            let mut part = |key| object.take(key).map(|json| self.schema(inside, json)).transpose();
            let conditional =
                Conditional { condition: part("if")?, then: part("then")?, otherwise: part("else")? };
            kinds.push(Kind::Conditional(conditional));
        }
        Ok(kinds)
    }

    fn typed(
        &mut self,
        inside: &Place<'a>,
        object: &mut Object<'a>,
        name: &'a Json,
    ) -> Result<Kind, Problem> {
        Ok(match name.as_str().unwrap_or_default() {
            "string" => self.string(object, true)?,
            "number" => self.number(object, true, false)?,
            "integer" => self.number(object, true, true)?,
            "boolean" => Kind::Boolean,
            "null" => Kind::Null,
            "array" => self.array(inside, object, true)?,
            "object" => self.object(inside, object, true)?,
            _ => return Err(Problem::Invalid("unknown type".to_owned(), name)),
        })
    }

    fn string(&self, object: &mut Object<'a>, is_typed: bool) -> Result<Kind, Problem> {
        let format = object.string("format")?;
        let is_known = |format: &String| {
            let known = FORMATS.iter().filter(|(_, since)| self.dialect >= *since);
            known.flat_map(|(names, _)| names.iter()).any(|name| name == format)
        };
        Ok(Kind::String(Box::new(StringNode {
            is_typed,
            min_length: object.integer("minLength")?,
            max_length: object.integer("maxLength")?,
            pattern: object.pattern()?,
            format: format.filter(is_known),
        })))
    }

    fn number(&self, object: &mut Object<'a>, is_typed: bool, is_integer: bool) -> Result<Kind, Problem> {
        let multiple_of = object.bound("multipleOf")?;
        // The reference asks the nearest double.
        if multiple_of.as_ref().is_some_and(|bound| bound.value == 0.0 || !bound.value.is_finite()) {
            return Err(Problem::Invalid("multipleOf must be a finite number but 0".to_owned(), object.json));
        }
        let mut number = NumberNode {
            is_typed,
            is_integer,
            minimum: object.bound("minimum")?,
            maximum: object.bound("maximum")?,
            multiple_of,
            ..NumberNode::default()
        };
        if self.dialect == Dialect::Draft4 {
            number.minimum_is_exclusive = object.boolean("exclusiveMinimum")? == Some(true);
            number.maximum_is_exclusive = object.boolean("exclusiveMaximum")? == Some(true);
        } else {
            number.exclusive_minimum = object.bound("exclusiveMinimum")?;
            number.exclusive_maximum = object.bound("exclusiveMaximum")?;
        }
        Ok(Kind::Number(Box::new(number)))
    }

    fn array(
        &mut self,
        inside: &Place<'a>,
        object: &mut Object<'a>,
        is_typed: bool,
    ) -> Result<Kind, Problem> {
        let mut array = ArrayNode {
            is_typed,
            min_items: object.integer("minItems")?,
            max_items: object.integer("maxItems")?,
            unique_items: object.boolean("uniqueItems")? == Some(true),
            ..ArrayNode::default()
        };
        if let Some(json) = object.take("additionalItems") {
            array.additional = self.additional(inside, json, "additionalItems")?;
        }
        match object.take("items") {
            None => {}
            Some(json @ Json::Array(_)) => array.tuple = Some(self.schema_list(inside, json, "items")?),
            Some(json @ Json::Bool(_)) if self.dialect == Dialect::Draft4 => {
                return Err(Problem::Invalid("items must be an object or an array".to_owned(), json));
            }
            Some(json) => {
                array.items = Some(self.schema(inside, json)?);
                // There are no additional items.
                if array.additional == Additional::Refused {
                    array.additional = Additional::Allowed;
                }
            }
        }
        if self.dialect >= Dialect::Draft6 {
            array.contains = object.take("contains").map(|json| self.schema(inside, json)).transpose()?;
        }
        Ok(Kind::Array(Box::new(array)))
    }

    fn object(
        &mut self,
        inside: &Place<'a>,
        object: &mut Object<'a>,
        is_typed: bool,
    ) -> Result<Kind, Problem> {
        let mut node = ObjectNode {
            is_typed,
            min_properties: object.integer("minProperties")?,
            max_properties: object.integer("maxProperties")?,
            ..ObjectNode::default()
        };
        if let Some(json) = object.take("properties") {
            node.properties = self.properties(inside, json)?;
        }
        if let Some(json) = object.take("additionalProperties") {
            node.additional = self.additional(inside, json, "additionalProperties")?;
        }
        if let Some(json) = object.take("required") {
            node.required = strings(json, "required")?;
        }
        if let Some(json) = object.take("patternProperties") {
            node.pattern_properties = self.patterns(inside, json)?;
        }
        if let Some(json) = object.take("dependencies") {
            let Json::Object(members) = json else {
                return Err(Problem::Invalid("dependencies must be an object".to_owned(), json));
            };
            for (name, json) in members {
                match json {
                    // An empty list leaves no trace in the reference.
                    Json::Array(items) if items.is_empty() => {}
                    Json::Array(_) => node.required_with.push((name.clone(), strings(json, "dependencies")?)),
                    Json::Bool(_) if self.dialect == Dialect::Draft4 => {
                        return Err(Problem::Invalid(
                            "a dependency must be an array or an object".to_owned(),
                            json,
                        ));
                    }
                    json => node.schemas_with.push((name.clone(), self.schema(inside, json)?)),
                }
            }
        }
        if self.dialect >= Dialect::Draft6 {
            node.property_names =
                object.take("propertyNames").map(|json| self.schema(inside, json)).transpose()?;
        }
        Ok(Kind::Object(Box::new(node)))
    }

    /// A property that is called like the keyword for ids counts only if it is an object, as in the reference.
    fn properties(&mut self, inside: &Place<'a>, json: &'a Json) -> Result<Vec<(String, NodeId)>, Problem> {
        let id_key = self.id_key();
        let Json::Object(members) = json else { return self.schemas(inside, json, "properties") };
        let schemas = members.iter().filter(|(name, json)| name != id_key || matches!(json, Json::Object(_)));
        schemas.map(|(name, json)| Ok((name.clone(), self.schema(inside, json)?))).collect()
    }

    fn id_key(&self) -> &'static str {
        if self.dialect == Dialect::Draft4 { "id" } else { "$id" }
    }

    fn additional(&mut self, inside: &Place<'a>, json: &'a Json, what: &str) -> Result<Additional, Problem> {
        match json {
            Json::Bool(true) => Ok(Additional::Allowed),
            Json::Bool(false) => Ok(Additional::Refused),
            Json::Object(_) => Ok(Additional::Schema(self.schema(inside, json)?)),
            _ => Err(Problem::Invalid(format!("{what} must be a boolean or an object"), json)),
        }
    }
}
