//! Instances around what a pair of nodes says.

mod arrays;
mod facts;
mod objects;
mod scalars;

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::json::model::{Model, NodeId};
use crate::json::validate::{NodeValidator, compile_node};
use facts::{Facts, Type, leaves, shapes};

pub(super) use facts::Slot;

/// Most values that are made of one pair inside another.
const NESTED_VALUES: usize = 24;
/// Most nodes that are compiled by themselves.
const MOST_VALIDATORS: usize = 400;
/// How deep a sample goes into schemas whose members require each other.
const SAMPLE_DEPTH: usize = 12;

/// The nodes that two schemas have for one value; none where a side accepts anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub reader: Option<NodeId>,
    pub writer: Option<NodeId>,
}

/// What is known of two schemas while instances are made.
pub(super) struct Search<'a> {
    pub reader: &'a Model,
    pub writer: &'a Model,
    /// Values that may still be made for the current difference.
    left: usize,
    samples: HashMap<Pair, Option<Value>>,
    validators: HashMap<(bool, NodeId), Option<Rc<NodeValidator>>>,
    sample_depth: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(reader: &'a Model, writer: &'a Model) -> Self {
        let (samples, validators) = (HashMap::new(), HashMap::new());
        Self { reader, writer, left: 0, samples, validators, sample_depth: 0 }
    }

    /// Begins another difference, for which so many values may be made, those inside others included.
    pub(super) fn begin(&mut self, most: usize) {
        self.left = most.saturating_mul(20);
    }

    /// Values of all sorts around what the nodes say. `depth`: how far members and items vary, too.
    pub(super) fn values(&mut self, pair: Pair, depth: usize) -> Vec<Value> {
        let shapes = pair.writer.map_or_else(|| vec![Vec::new()], |id| shapes(self.writer, id));
        let hints = pair.reader.map_or_else(Vec::new, |id| leaves(self.reader, id));
        let hints = Facts::of(self.reader, &hints);
        let mut values = Vec::new();
        for shape in shapes {
            let facts = Facts::of(self.writer, &shape);
            if !facts.choices.is_empty() {
                values.extend(facts.choices.iter().take(100).cloned());
                continue;
            }
            for kind in Type::ALL {
                if !facts.allows(kind) || self.left == 0 {
                    continue;
                }
                let before = values.len();
                match kind {
                    Type::Null => values.push(Value::Null),
                    Type::Boolean => values.extend([json!(true), json!(false)]),
                    Type::Number => values.extend(scalars::numbers(&facts, &hints)),
                    Type::String => values.extend(scalars::strings(&facts, &hints)),
                    Type::Array => self.arrays(pair, &facts, &hints, depth, &mut values),
                    Type::Object => self.objects(pair, &facts, &hints, depth, &mut values),
                }
                self.left = self.left.saturating_sub(values.len() - before);
            }
        }
        values
    }

    /// Some of the [`values`](Self::values) that the writer accepts.
    fn nested(&mut self, pair: Pair, depth: usize) -> Vec<Value> {
        let values = self.values(pair, depth);
        let mut nested = Vec::new();
        for value in values {
            if nested.len() >= NESTED_VALUES {
                break;
            }
            if self.accepts(false, pair.writer, &value) && !nested.contains(&value) {
                nested.push(value);
            }
        }
        nested
    }

    /// A small value that both sides accept, or else one that the writer does.
    fn sample(&mut self, pair: Pair) -> Option<Value> {
        if let Some(known) = self.samples.get(&pair) {
            return known.clone();
        }
        if self.sample_depth >= SAMPLE_DEPTH || self.left == 0 {
            return None;
        }
        // Whoever needs itself has no finite value this way.
        self.samples.insert(pair, None);
        self.sample_depth += 1;
        let mut values = self.values(pair, 0);
        self.sample_depth -= 1;
        let sizes = |value: &Value| value.to_string().len();
        values.sort_by_cached_key(sizes);
        let mut first = None;
        for value in values.into_iter().take(200) {
            if !self.accepts(false, pair.writer, &value) {
                continue;
            }
            if self.accepts(true, pair.reader, &value) {
                first = Some(value);
                break;
            }
            first = first.or(Some(value));
        }
        self.samples.insert(pair, first.clone());
        first
    }

    /// Whether a node of the reader's or the writer's schema accepts a value.
    fn accepts(&mut self, is_reader: bool, id: Option<NodeId>, value: &Value) -> bool {
        let Some(id) = id else { return true };
        let key = (is_reader, id);
        if !self.validators.contains_key(&key) {
            let model = if is_reader { self.reader } else { self.writer };
            let has_room = self.validators.len() < MOST_VALIDATORS;
            let compiled = has_room.then(|| compile_node(model, id)).flatten().map(Rc::new);
            self.validators.insert(key, compiled);
        }
        // Where there is no saying, the whole instance will tell.
        self.validators.get(&key).and_then(Clone::clone).is_none_or(|validator| validator.accepts(value))
    }
}
