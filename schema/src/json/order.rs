//! What kind of node a schema's JSON stands for, and the order of children that paths of tags count by (schema formats
//! spec §8).

use super::model::Dialect;
use super::text;
use crate::jsontext::Json;

/// The kind of node, in the order of the reference's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::json) enum Shape {
    Array,
    Boolean,
    Combined(&'static str),
    Conditional,
    Const,
    Empty,
    Enum,
    False,
    Not,
    Null,
    Number,
    Object,
    Reference,
    String,
    True,
}

impl Shape {
    /// What a path says.
    pub(in crate::json) fn word(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Combined(word) => word,
            Self::Conditional => "conditional",
            Self::Const => "const",
            Self::Empty => "empty",
            Self::Enum => "enum",
            Self::False => "false",
            Self::Not => "not",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object => "object",
            Self::Reference => "reference",
            Self::String => "string",
            Self::True => "true",
        }
    }
}

/// The kind of node of a schema. Where `type` says `object` or `array` beside other keywords, that counts: paths go
/// through it.
pub(in crate::json) fn shape(json: &Json, dialect: Dialect) -> Shape {
    let members = match json {
        Json::Bool(true) => return Shape::True,
        Json::Bool(false) => return Shape::False,
        Json::Object(members) => members,
        _ => return Shape::Empty,
    };
    if json.get("$ref").is_some() {
        return Shape::Reference;
    }
    let mut shapes: Vec<Shape> =
        members.iter().filter_map(|(key, value)| of_keyword(key, value, dialect)).collect();
    shapes.sort();
    shapes.dedup();
    match shapes.as_slice() {
        [] => Shape::Empty,
        [only] => *only,
        several => {
            let structure = several.iter().find(|shape| matches!(shape, Shape::Object | Shape::Array));
            structure.copied().unwrap_or(Shape::Combined("allof"))
        }
    }
}

fn of_keyword(key: &str, value: &Json, dialect: Dialect) -> Option<Shape> {
    Some(match key {
        "enum" => Shape::Enum,
        "const" if dialect >= Dialect::Draft6 => Shape::Const,
        "not" => Shape::Not,
        "allOf" => Shape::Combined("allof"),
        "anyOf" => Shape::Combined("anyof"),
        "oneOf" => Shape::Combined("oneof"),
        "if" if dialect >= Dialect::Draft7 => Shape::Conditional,
        "type" => match value.as_str() {
            Some("string") => Shape::String,
            Some("number" | "integer") => Shape::Number,
            Some("boolean") => Shape::Boolean,
            Some("null") => Shape::Null,
            Some("array") => Shape::Array,
            Some("object") => Shape::Object,
            _ => Shape::Combined("anyof"),
        },
        "minLength" | "maxLength" | "pattern" => Shape::String,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Shape::Number,
        "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" | "contains" => Shape::Array,
        "properties"
        | "required"
        | "patternProperties"
        | "additionalProperties"
        | "propertyNames"
        | "minProperties"
        | "maxProperties" => Shape::Object,
        _ => return None,
    })
}

/// Positions of the children of a combination in the order that paths count by: by kind, title, description, default;
/// otherwise as listed.
pub(in crate::json) fn sorted(children: &[Json], dialect: Dialect) -> Vec<usize> {
    let told = |json: &Json, key: &str| json.get(key).map(text::canonical).unwrap_or_default();
    let rank = |shape: Shape| if let Shape::Combined(_) = shape { Shape::Combined("") } else { shape };
    let mut positions: Vec<usize> = (0..children.len()).collect();
    positions.sort_by_cached_key(|at| {
        let json = children.get(*at).unwrap_or(&Json::Null);
        let keys = ["title", "description", "default"].map(|key| told(json, key));
        (rank(shape(json, dialect)), keys)
    });
    positions
}
