//! What one visit of a node costs, and the keyword that stands before every node to take as many steps.
//!
//! Once the steps are used up the keyword refuses every value. Each node then ends at once, so that whatever is still
//! open ends after as many more steps as it has branches.

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value};

use super::cost::{LONG_MULTIPLE_WEIGHT, MOST_UNEVALUATED, count, has_unevaluated, pattern_weight, weight};
use super::edges::edges;
use super::{CompiledKeyword, steps};
use crate::json::model::{Kind, Model, NodeId};

/// The keyword; its value is a [`Price`].
pub(super) const KEYWORD: &str = "x-muster-steps";

/// What holding one number against `multipleOf` costs, which is exact arithmetic; it costs more where the number has
/// hundreds of digits.
const MULTIPLE_WEIGHT: u64 = 3;
/// Values, or blocks of text in them, that are hashed or compared in the time of a step.
const HASHED_VALUES: u64 = 8;
/// Subschemas that are asked in the time of a step whether they have evaluated a member or an item.
const ASKED_NODES: u64 = 8;
/// Bytes of a string that are read in about the time of a step.
const BLOCK_BYTES: usize = 32;

/// What one visit of a node costs, in steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Price {
    /// For any value.
    base: u64,
    /// For every [`BLOCK_BYTES`] of a string.
    block: u64,
    /// For every item or member.
    part: u64,
    /// For every [`BLOCK_BYTES`] of a member name.
    name_block: u64,
    /// How often all that is in an array is read.
    deep: u64,
    /// How often a number is divided.
    multiples: u64,
}

impl Price {
    /// As the value of a keyword.
    pub(super) fn to_value(self) -> Value {
        let Self { base, block, part, name_block, deep, multiples } = self;
        let numbers = [base, block, part, name_block, deep, multiples];
        numbers.into_iter().map(Value::from).collect()
    }

    /// Reads [`to_value`](Self::to_value) back.
    pub(super) fn of_value(value: &Value) -> Self {
        let number = |at| value.get(at).and_then(Value::as_u64).unwrap_or(0);
        Self {
            base: number(0).max(1),
            block: number(1),
            part: number(2),
            name_block: number(3),
            deep: number(4),
            multiples: number(5),
        }
    }

    /// For this value.
    pub(super) fn of(self, value: &Value) -> u64 {
        let more = match value {
            Value::String(text) => blocks(text).saturating_mul(self.block),
            Value::Array(items) => {
                let deep =
                    if self.deep == 0 { 0 } else { self.deep.saturating_mul(values(value) / HASHED_VALUES) };
                self.part.saturating_mul(count(items.len())).saturating_add(deep)
            }
            Value::Object(members) => {
                let parts = self.part.saturating_mul(count(members.len()));
                if self.name_block == 0 {
                    parts
                } else {
                    let name = |name: &String| blocks(name).saturating_mul(self.name_block);
                    members.keys().map(name).fold(parts, u64::saturating_add)
                }
            }
            Value::Number(number) if self.multiples > 0 => {
                // Beyond 2^53 and far below 1, arithmetic takes long numbers.
                let size = number.as_f64().unwrap_or(f64::MAX).abs();
                let is_long = number.is_f64() && size != 0.0 && !(1e-6..9e15).contains(&size);
                self.multiples.saturating_mul(if is_long { LONG_MULTIPLE_WEIGHT } else { MULTIPLE_WEIGHT })
            }
            _ => 0,
        };
        self.base.saturating_add(more)
    }
}

/// The price of what one node, with all that stands side by side in it, asks of a value itself.
pub(super) fn price(model: &Model, id: NodeId) -> Price {
    let mut price = Price::default();
    if has_unevaluated(model, id) {
        price.part = in_place_nodes(model, id) / ASKED_NODES;
    }
    let mut nodes = vec![id];
    while let Some(id) = nodes.pop() {
        let mut base = weight(model, id);
        let (block, part) = match &model.node(id).kind {
            Kind::String(string) => {
                let lengths = u64::from(string.min_length.is_some() || string.max_length.is_some());
                let format = u64::from(string.format.is_some());
                let pattern = string.pattern.as_deref().map_or(0, pattern_weight);
                base = pattern + format + 1;
                (pattern + lengths + format, 0)
            }
            Kind::Number(number) => {
                base = 1;
                price.multiples += u64::from(number.multiple_of.is_some());
                (0, 0)
            }
            Kind::Object(object) => {
                let patterns =
                    object.pattern_properties.iter().map(|(pattern, _)| pattern_weight(pattern)).sum::<u64>();
                price.name_block = price.name_block.saturating_add(patterns);
                (0, 1 + patterns)
            }
            Kind::Array(array) => {
                price.deep += u64::from(array.unique_items);
                // Whether items repeat is found by hashing all of them.
                (0, if array.unique_items { 8 } else { 1 })
            }
            // A text may be hashed.
            Kind::Enum(_) => (1, 0),
            Kind::Combined(combined) if combined.is_generated => {
                nodes.extend(&combined.children);
                (0, 0)
            }
            _ => (0, 0),
        };
        price.base = price.base.saturating_add(base);
        price.block = price.block.saturating_add(block);
        price.part = price.part.saturating_add(part);
    }
    price
}

/// Compiles the keyword; its value is what one visit costs.
pub(super) fn keyword<'a>(_: &'a Map<String, Value>, value: &'a Value, _: Location) -> CompiledKeyword<'a> {
    Ok(Box::new(Steps(Price::of_value(value))))
}

struct Steps(Price);

impl<'i> Keyword<'i> for Steps {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("too many steps")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        steps::take(self.0.of(instance))
    }
}

/// How many nodes are held against one value, every path counted; [`measure`](super::cost::measure) has bounded it by [`MOST_UNEVALUATED`].
fn in_place_nodes(model: &Model, id: NodeId) -> u64 {
    let mut nodes = vec![id];
    let mut found = 0;
    while let Some(id) = nodes.pop().filter(|_| found <= MOST_UNEVALUATED) {
        found += 1;
        nodes.extend(edges(model, id).filter(|edge| edge.is_in_place).map(|edge| edge.to));
    }
    found
}

/// How many values an array holds at any depth, and blocks of text.
fn values(value: &Value) -> u64 {
    let mut found = 0_u64;
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        found = found.saturating_add(1);
        match value {
            Value::String(text) => found = found.saturating_add(blocks(text)),
            Value::Array(items) => values.extend(items),
            Value::Object(members) => values.extend(members.iter().map(|(_, member)| member)),
            _ => {}
        }
    }
    found
}

fn blocks(text: &str) -> u64 {
    count(text.len() / BLOCK_BYTES)
}
