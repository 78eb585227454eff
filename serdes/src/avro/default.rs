//! Field defaults, from the schema's JSON to Avro bytes.

use muster_schema::avro::AvroSchema;
use muster_schema::avro::model::{Kind, NodeId};
use muster_schema::jsontext::Json;

use super::output::{put_bytes, put_long};
use super::shape::{Shape, Type, TypeId};

/// Deepest nesting of a default, its own records' defaults included.
const DEPTH: usize = 64;

/// Encodes `default` as a value of type `id`; `None` if it does not fit, is too deep or would exceed the budget.
///
/// `nodes`: where each type of `shape` was laid out from. `budget`: how many values and bytes all defaults of the schema
/// may still cost; what is tried in vain costs too.
/// Source: Avro 1.12 specification, "Complex types", table "Field default values".
pub(super) fn encode_default(
    schema: &AvroSchema,
    shape: &Shape,
    default: &Json,
    id: TypeId,
    nodes: &[NodeId],
    budget: &mut usize,
) -> Option<Box<[u8]>> {
    let mut out = Vec::new();
    Defaults { schema, shape, nodes, budget }.put(default, id, DEPTH, &mut out)?;
    Some(out.into())
}

struct Defaults<'a> {
    schema: &'a AvroSchema,
    shape: &'a Shape,
    nodes: &'a [NodeId],
    budget: &'a mut usize,
}

impl Defaults<'_> {
    fn put(&mut self, json: &Json, id: TypeId, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let text_bytes = if let Json::String(text) | Json::Number(text) = json { text.len() } else { 0 };
        *self.budget = self.budget.checked_sub(1 + text_bytes)?;
        match (self.shape.get(id), json) {
            (Type::Null, Json::Null) => {}
            (Type::Boolean, Json::Bool(value)) => out.push(u8::from(*value)),
            (Type::Int(_), Json::Number(lexeme)) => put_long(i64::from(integer::<i32>(lexeme)?), out),
            (Type::Long(_), Json::Number(lexeme)) => put_long(integer(lexeme)?, out),
            (Type::Float, json) => out.extend_from_slice(&float::<f32>(json)?.to_le_bytes()),
            (Type::Double, json) => out.extend_from_slice(&float::<f64>(json)?.to_le_bytes()),
            (Type::String(_), Json::String(text)) => put_bytes(text.as_bytes(), out),
            (Type::Bytes(_), Json::String(text)) => put_bytes(&latin1(text)?, out),
            (Type::Fixed(fixed), Json::String(text)) => {
                let bytes = latin1(text)?;
                if bytes.len() != fixed.size {
                    return None;
                }
                out.extend_from_slice(&bytes);
            }
            (Type::Enum(kind), Json::String(symbol)) => put_long(index(kind.position(symbol)?)?, out),
            (Type::Array(item), Json::Array(items)) => {
                if !items.is_empty() {
                    put_long(index(items.len())?, out);
                    for json in items {
                        self.put(json, *item, depth, out)?;
                    }
                }
                out.push(0);
            }
            (Type::Map(value), Json::Object(members)) => {
                if !members.is_empty() {
                    put_long(index(members.len())?, out);
                    for (key, json) in members {
                        *self.budget = self.budget.checked_sub(key.len())?;
                        put_bytes(key.as_bytes(), out);
                        self.put(json, *value, depth, out)?;
                    }
                }
                out.push(0);
            }
            // The first branch by the letter of the specification; later ones have been accepted since Avro 1.12.
            (Type::Union(union), json) => {
                let start = out.len();
                for (position, branch) in union.branches.iter().enumerate() {
                    put_long(index(position)?, out);
                    if self.put(json, *branch, depth, out).is_some() {
                        return Some(());
                    }
                    out.truncate(start);
                }
                return None;
            }
            (Type::Record(record), Json::Object(members)) => {
                let Kind::Record(source) = &self.schema.node(Shape::node_of(self.nodes, id)?).kind else {
                    return None;
                };
                for (field, source) in record.fields.iter().zip(&source.fields) {
                    let given = members.iter().find(|(key, _)| **key == *field.name).map(|(_, json)| json);
                    self.put(given.or(source.default.as_ref())?, field.id, depth, out)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

fn index(position: usize) -> Option<i64> {
    i64::try_from(position).ok()
}

/// Reads an integer lexeme; `1.0` and `1e3` are integers too, as long as nothing is lost.
fn integer<T: TryFrom<i64>>(lexeme: &str) -> Option<T> {
    let value = match lexeme.parse::<i64>() {
        Ok(value) => value,
        Err(_) => {
            let value = lexeme.parse::<f64>().ok()?;
            // Within this range a double without fraction is exactly an integer.
            if value.fract() != 0.0 || value.abs() > 9_007_199_254_740_992.0 {
                return None;
            }
            value as i64
        }
    };
    T::try_from(value).ok()
}

fn float<T: std::str::FromStr>(json: &Json) -> Option<T> {
    match json {
        Json::Number(lexeme) => lexeme.parse().ok(),
        Json::String(text) => match text.as_str() {
            "NaN" => "NaN".parse().ok(),
            "Infinity" | "INF" => "inf".parse().ok(),
            "-Infinity" | "-INF" => "-inf".parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// One byte per character, U+0000 to U+00FF: how JSON text carries bytes.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
