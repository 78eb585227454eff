//! Arrays of every length that matters.

use serde_json::Value;

use super::facts::{Facts, leaves};
use super::{Pair, Search};
use crate::json::model::{ArrayNode, Model, NodeId};

/// Longest array.
const LONGEST: usize = 300;
/// Most positions that are varied.
const VARIED_ITEMS: usize = 6;

fn facts_of(model: &Model, id: Option<NodeId>) -> Facts<'_> {
    id.map_or_else(Facts::default, |id| Facts::of(model, &leaves(model, id)))
}

impl Search<'_> {
    /// What both sides say about an item.
    pub(in crate::json::witness) fn item(&self, pair: Pair, index: usize) -> Pair {
        let reader = facts_of(self.reader, pair.reader).item(index).node();
        let writer = facts_of(self.writer, pair.writer).item(index).node();
        Pair { reader, writer }
    }

    /// How many first items have a schema of their own, on the side that has more of them.
    pub(in crate::json::witness) fn tuple_length(&self, pair: Pair) -> usize {
        let (reader, writer) = (facts_of(self.reader, pair.reader), facts_of(self.writer, pair.writer));
        let arrays = reader.arrays.iter().chain(&writer.arrays);
        arrays.filter_map(|array| array.tuple.as_ref().map(Vec::len)).max().unwrap_or(0).min(LONGEST)
    }

    /// Arrays that hold `value` at `index`.
    pub(in crate::json::witness) fn arrays_with(
        &mut self,
        pair: Pair,
        index: usize,
        value: Value,
    ) -> Vec<Value> {
        let facts = facts_of(self.writer, pair.writer);
        let hints = facts_of(self.reader, pair.reader);
        let least = |facts: &Facts<'_>| {
            let bounds = facts.arrays.iter().filter_map(|array| array.min_items);
            bounds.filter_map(|bound| usize::try_from(bound).ok()).max().unwrap_or(0)
        };
        let mut lengths = vec![index + 1, least(&facts).max(index + 1), least(&hints).max(index + 1)];
        lengths.dedup();
        lengths.retain(|length| *length <= LONGEST);
        let mut arrays = Vec::new();
        for length in lengths {
            let Some(mut items) = self.filled(pair, length, &facts) else { continue };
            if let Some(item) = items.get_mut(index) {
                *item = value.clone();
                arrays.push(Value::Array(items));
            }
        }
        arrays
    }

    pub(super) fn arrays(
        &mut self,
        pair: Pair,
        facts: &Facts<'_>,
        hints: &Facts<'_>,
        depth: usize,
        values: &mut Vec<Value>,
    ) {
        let bounds = |array: &&ArrayNode| {
            let tuple = array.tuple.as_ref().and_then(|tuple| i32::try_from(tuple.len()).ok());
            [array.min_items, array.max_items, array.min_contains, array.max_contains, tuple]
        };
        let mut lengths = vec![0, 1, 2];
        for bound in facts.arrays.iter().chain(&hints.arrays).flat_map(bounds).flatten() {
            let Ok(bound) = usize::try_from(bound) else { continue };
            lengths.extend([bound.saturating_sub(1), bound, bound.saturating_add(1)]);
        }
        lengths.retain(|length| *length <= LONGEST);
        lengths.sort_unstable();
        lengths.dedup();
        for length in lengths.iter().take(30) {
            if let Some(items) = self.filled(pair, *length, facts) {
                values.push(Value::Array(items));
            }
        }
        for array in facts.arrays.iter().chain(&hints.arrays).take(4) {
            let Some(contains) = array.contains else { continue };
            let is_own = facts.arrays.iter().any(|own| std::ptr::eq(*own, *array));
            let inner = if is_own {
                Pair { reader: None, writer: Some(contains) }
            } else {
                Pair { reader: Some(contains), writer: None }
            };
            let Some(wanted) = self.sample(inner) else { continue };
            for length in lengths.iter().take(12) {
                values.push(Value::Array(vec![wanted.clone(); *length]));
                // Some of them, among others.
                if let Some(mut items) = self.filled(pair, *length, facts) {
                    items.push(wanted.clone());
                    values.push(Value::Array(items));
                }
            }
        }
        if depth == 0 {
            return;
        }
        let positions = (self.tuple_length(pair) + 2).min(VARIED_ITEMS);
        for index in 0..positions {
            let inner = self.item(pair, index);
            for value in self.nested(inner, depth - 1) {
                values.extend(self.arrays_with(pair, index, value));
            }
        }
    }

    /// An array of samples; all different if they must be.
    fn filled(&mut self, pair: Pair, length: usize, facts: &Facts<'_>) -> Option<Vec<Value>> {
        let are_unique = facts.arrays.iter().any(|array| array.unique_items);
        let mut items: Vec<Value> = Vec::with_capacity(length.min(LONGEST));
        for index in 0..length {
            let inner = self.item(pair, index);
            let mut item = self.sample(inner)?;
            if are_unique && items.contains(&item) {
                let others = self.values(inner, 0);
                let fits = |search: &mut Self, value: &Value| {
                    !items.contains(value) && search.accepts(false, inner.writer, value)
                };
                let mut fitting = others.into_iter().take(100);
                item = fitting.find(|value| fits(self, value))?;
            }
            items.push(item);
        }
        Some(items)
    }
}
