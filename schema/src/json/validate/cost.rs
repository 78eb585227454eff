//! What holding a value against a schema can cost, told from the schema alone.
//!
//! An *in-place* edge leads to a node that is held against the same value (`allOf`, `$ref`, `not`, …), a *child* edge to
//! one that is held against a part of it (`properties`, `items`, …). In-place edges alone must come to an end, or no
//! validator would: a schema whose in-place edges form a cycle is refused, as is a lattice of them that multiplies.
//! Cycles through child edges are what recursive schemas are made of; the value ends them.

use std::collections::HashMap;

use serde_json::Value;

use super::CompileError;
use super::lower::{Edge, edges};
use crate::json::model::{Kind, Model, NodeId};
use crate::limits::Limits;

/// Most nodes one value may be held against by in-place edges alone, every path counted. Schemas written by people stay
/// in the hundreds.
const MOST_IN_PLACE: u64 = 100_000;
/// The same below `unevaluatedProperties` and `unevaluatedItems`, which ask every one of them again.
const MOST_UNEVALUATED: u64 = 2_000;
/// Longest chain of in-place edges, which is recursion of a validator.
const LONGEST_CHAIN: usize = 256;
/// What a pattern costs that cannot be matched in linear time: matching it is cut off after
/// [`BACKTRACK_LIMIT`](super::BACKTRACK_LIMIT) steps.
const BACKTRACKING_WEIGHT: u64 = 500;

/// What a schema can cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// Weight of all nodes that can be reached, every path counted; `u64::MAX` for a recursive schema. A value of `n`
    /// parts costs at most `n` times as much.
    pub unfolded: u64,
    /// Longest chain of in-place edges, in nodes.
    pub chain: usize,
}

/// What is known about one node.
#[derive(Clone, Copy, Default)]
struct Seen {
    state: State,
    in_place: u64,
    chain: usize,
    unfolded: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    New,
    Open,
    Done,
}

/// Measures everything the root reaches.
///
/// Errors: [`CompileError::Endless`], [`CompileError::TooComplex`].
pub(super) fn measure(model: &Model, limits: &Limits) -> Result<Costs, CompileError> {
    let mut seen = vec![Seen::default(); model.node_count()];
    let in_place = |edge: &Edge| edge.is_in_place;
    walk(model, &mut seen, in_place, |model, seen, id, closes_cycle| {
        if closes_cycle {
            return Err(CompileError::Endless);
        }
        let (mut total, mut chain) = (weight(model, id), 0);
        for edge in edges(model, id).filter(in_place) {
            let Some(child) = seen.get(edge.to.index()) else { continue };
            total = total.saturating_add(child.in_place);
            chain = chain.max(child.chain);
        }
        let most = if has_unevaluated(model, id) { MOST_UNEVALUATED } else { MOST_IN_PLACE };
        if total > most.saturating_add(weight(model, id)) || chain >= LONGEST_CHAIN.min(limits.depth) {
            return Err(CompileError::TooComplex);
        }
        if let Some(seen) = seen.get_mut(id.index()) {
            (seen.in_place, seen.chain) = (total, chain + 1);
        }
        Ok(())
    })?;
    let chain = seen.iter().map(|seen| seen.chain).max().unwrap_or(0);

    for seen in &mut seen {
        seen.state = State::New;
    }
    let mut is_recursive = false;
    walk(
        model,
        &mut seen,
        |_| true,
        |model, seen, id, closes_cycle| {
            if closes_cycle {
                is_recursive = true;
                return Ok(());
            }
            // Whoever asks what has been evaluated asks every in-place node once more.
            let times = if has_unevaluated(model, id) { 3 } else { 1 };
            let mut total = weight(model, id);
            for edge in edges(model, id) {
                let below = seen.get(edge.to.index()).map_or(0, |child| child.unfolded);
                total = total.saturating_add(below.saturating_mul(times));
            }
            if let Some(seen) = seen.get_mut(id.index()) {
                seen.unfolded = total;
            }
            Ok(())
        },
    )?;
    let unfolded = seen.get(model.root().index()).map_or(0, |root| root.unfolded);
    Ok(Costs { unfolded: if is_recursive { u64::MAX } else { unfolded }, chain })
}

/// How many steps one part of a value of this depth can take if nothing ends early, as when all errors are collected:
/// the weight of the nodes that can be reached by stepping into the value equally often, every path counted. `None` past
/// `most`, which also bounds the work of finding out.
pub(super) fn exhaustive(model: &Model, depth: usize, most: u64) -> Option<u64> {
    let mut left = most;
    let mut worst = 0;
    let mut arriving = HashMap::from([(model.root(), 1_u64)]);
    for _ in 0..=depth {
        let mut total = 0_u64;
        let mut open: Vec<(NodeId, u64)> = arriving.into_iter().collect();
        let mut inside: HashMap<NodeId, u64> = HashMap::new();
        while let Some((id, times)) = open.pop() {
            let weight = weight(model, id);
            left = left.checked_sub(weight)?;
            total = total.saturating_add(weight.saturating_mul(times));
            let times = times.saturating_mul(if has_unevaluated(model, id) { 3 } else { 1 });
            for edge in edges(model, id) {
                if edge.is_in_place {
                    open.push((edge.to, times));
                } else {
                    let arriving = inside.entry(edge.to).or_default();
                    *arriving = arriving.saturating_add(times);
                }
            }
        }
        worst = worst.max(total);
        if worst > most {
            return None;
        }
        arriving = inside;
    }
    Some(worst)
}

/// Depth first along some edges, from the root to whatever any edge reaches. `leave` is called once for each node after
/// those it leads to, and once for each edge that closes a cycle, with the node it leads back to.
fn walk(
    model: &Model,
    seen: &mut [Seen],
    follows: impl Fn(&Edge) -> bool,
    mut leave: impl FnMut(&Model, &mut [Seen], NodeId, bool) -> Result<(), CompileError>,
) -> Result<(), CompileError> {
    let mut starts = vec![model.root()];
    let mut open: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
    while let Some(start) = starts.pop() {
        let mut next = Some(start);
        loop {
            if let Some(id) = next.take() {
                let Some(entry) = seen.get_mut(id.index()) else { continue };
                match entry.state {
                    State::Done => {}
                    State::Open => leave(model, seen, id, true)?,
                    State::New => {
                        entry.state = State::Open;
                        let mut to = Vec::new();
                        for edge in edges(model, id) {
                            if follows(&edge) { to.push(edge.to) } else { starts.push(edge.to) }
                        }
                        open.push((id, to));
                    }
                }
            }
            let Some((id, to)) = open.last_mut() else { break };
            match to.pop() {
                Some(child) => next = Some(child),
                None => {
                    let id = *id;
                    open.pop();
                    leave(model, seen, id, false)?;
                    if let Some(entry) = seen.get_mut(id.index()) {
                        entry.state = State::Done;
                    }
                }
            }
        }
    }
    Ok(())
}

/// What holding one value against the node alone costs, in steps of about a look-up.
pub(super) fn weight(model: &Model, id: NodeId) -> u64 {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let weight = match &model.node(id).kind {
        Kind::String(string) => string.pattern.as_deref().map_or(0, pattern_weight),
        Kind::Object(object) => {
            let lists = object.required_with.iter().map(|(_, names)| 1 + count(names.len())).sum::<u64>();
            let patterns = object.pattern_properties.iter().map(|(pattern, _)| pattern_weight(pattern));
            count(object.properties.len() + object.required.len()) + lists + patterns.sum::<u64>()
        }
        Kind::Enum(values) => values.iter().map(size).sum(),
        Kind::Const(value) => size(value),
        _ => 0,
    };
    weight.saturating_add(1)
}

/// What one visit of a node costs, in steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Price {
    /// For any value.
    base: u64,
    /// For every [`BLOCK_BYTES`] of a string.
    block: u64,
    /// For every item or member.
    part: u64,
}

/// Bytes of a string that are read in about the time of a step.
const BLOCK_BYTES: usize = 32;

impl Price {
    /// As the value of a keyword.
    pub(super) fn to_value(self) -> Value {
        [self.base, self.block, self.part].into_iter().map(Value::from).collect()
    }

    /// Reads [`to_value`](Self::to_value) back.
    pub(super) fn of_value(value: &Value) -> Self {
        let number = |at| value.get(at).and_then(Value::as_u64);
        Self { base: number(0).unwrap_or(1), block: number(1).unwrap_or(0), part: number(2).unwrap_or(0) }
    }

    /// For this value.
    pub(super) fn of(self, value: &Value) -> u64 {
        let (each, count) = match value {
            Value::String(text) => (self.block, text.len() / BLOCK_BYTES),
            Value::Array(items) => (self.part, items.len()),
            Value::Object(members) => (self.part, members.len()),
            _ => return self.base,
        };
        self.base.saturating_add(each.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX)))
    }
}

/// The price of what one node, with all that stands side by side in it, asks of a value itself.
pub(super) fn price(model: &Model, id: NodeId) -> Price {
    let mut price = Price::default();
    let mut nodes = vec![id];
    while let Some(id) = nodes.pop() {
        price.base = price.base.saturating_add(weight(model, id));
        let (block, part) = match &model.node(id).kind {
            Kind::String(string) => {
                let lengths = u64::from(string.min_length.is_some() || string.max_length.is_some());
                (string.pattern.as_deref().map_or(0, pattern_weight) + lengths, 0)
            }
            Kind::Object(object) => {
                let patterns = object.pattern_properties.iter().map(|(pattern, _)| pattern_weight(pattern));
                (0, 1 + patterns.sum::<u64>())
            }
            // Whether items repeat is found by hashing all of them.
            Kind::Array(array) => (0, if array.unique_items { 8 } else { 1 }),
            Kind::Combined(combined) if combined.is_generated => {
                nodes.extend(&combined.children);
                (0, 0)
            }
            _ => (0, 0),
        };
        price.block = price.block.saturating_add(block);
        price.part = price.part.saturating_add(part);
    }
    price
}

fn pattern_weight(pattern: &str) -> u64 {
    // Lookaround, back references, atomic groups: over-approximated by what begins them.
    const MARKS: [&str; 8] = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "++", "*+", "?+"];
    let backtracks = MARKS.iter().any(|mark| pattern.contains(mark))
        || pattern.as_bytes().windows(2).any(|pair| matches!(pair, [b'\\', b'1'..=b'9' | b'k']));
    let length = u64::try_from(pattern.len()).unwrap_or(u64::MAX);
    1 + length / 8 + if backtracks { BACKTRACKING_WEIGHT } else { 0 }
}

/// How many values a value holds, itself included.
fn size(value: &crate::jsontext::Json) -> u64 {
    use crate::jsontext::Json;
    let mut count = 0;
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        count += 1;
        match value {
            Json::Array(items) => values.extend(items),
            Json::Object(members) => values.extend(members.iter().map(|(_, member)| member)),
            _ => {}
        }
    }
    count
}

fn has_unevaluated(model: &Model, id: NodeId) -> bool {
    match &model.node(id).kind {
        Kind::Object(object) => object.unevaluated.is_some(),
        Kind::Array(array) => array.unevaluated.is_some(),
        // Where several kinds of keywords stand side by side, what asks and what is asked are siblings.
        Kind::Combined(combined) if combined.is_generated => {
            combined.children.iter().any(|child| match &model.node(*child).kind {
                Kind::Combined(types) if types.is_generated => {
                    types.children.iter().any(|child| leaf_has_unevaluated(model, *child))
                }
                _ => leaf_has_unevaluated(model, *child),
            })
        }
        _ => false,
    }
}

fn leaf_has_unevaluated(model: &Model, id: NodeId) -> bool {
    match &model.node(id).kind {
        Kind::Object(object) => object.unevaluated.is_some(),
        Kind::Array(array) => array.unevaluated.is_some(),
        _ => false,
    }
}
