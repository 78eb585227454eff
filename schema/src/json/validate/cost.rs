//! What holding a value against a schema can cost, told from the schema alone.
//!
//! An *in-place* edge leads to a node that is held against the same value (`allOf`, `$ref`, `not`, …), a *child* edge to
//! one that is held against a part of it (`properties`, `items`, …). In-place edges alone must come to an end, or no
//! validator would: a schema whose in-place edges form a cycle is refused, as is a lattice of them that multiplies.
//! Cycles through child edges are what recursive schemas are made of; the value ends them.

use std::collections::HashMap;

use serde_json::Value;

use super::lower::{Edge, edges};
use super::{CompileError, backtracking};
use crate::json::model::{Kind, Model, NodeId, ObjectNode};
use crate::limits::Limits;

/// Most nodes one value may be held against by in-place edges alone, every path counted. Schemas written by people stay
/// in the hundreds.
const MOST_IN_PLACE: u64 = 100_000;
/// The same below `unevaluatedProperties` and `unevaluatedItems`, which ask every one of them again.
const MOST_UNEVALUATED: u64 = 2_000;
/// Longest chain of in-place edges, which is recursion of a validator.
const LONGEST_CHAIN: usize = 256;
/// What a pattern for member names that needs backtracking can cost for every 16 bytes while errors are collected, where
/// nothing ends early.
const BACKTRACKING_WEIGHT: u64 = 12_500;
/// What holding one number against `multipleOf` costs, which is exact arithmetic; and where it has hundreds of digits.
const MULTIPLE_WEIGHT: u64 = 3;
const LONG_MULTIPLE_WEIGHT: u64 = 25;
/// Values, or blocks of text in them, that are hashed or compared in the time of a step.
const HASHED_VALUES: u64 = 8;
/// Bytes of an expected string that are compared in the time of a step.
const COMPARED_BYTES: usize = 1_024;
/// Subschemas that are asked in the time of a step whether they have evaluated a member or an item.
const ASKED_NODES: u64 = 8;

/// What a schema can cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// Weight of all nodes that can be reached, every path counted; `u64::MAX` for a recursive schema, and where member
    /// names are matched by backtracking. A value of `n` parts costs at most `n` times as much.
    pub unfolded: u64,
    /// Longest chain of in-place edges, in nodes.
    pub chain: usize,
    /// Whether arrays are asked whether their items repeat, which reads all that is in them: then a value costs as many
    /// times more as it is deep.
    pub is_deep: bool,
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
    let mut is_deep = false;

    for seen in &mut seen {
        seen.state = State::New;
    }
    let mut is_open = false;
    walk(
        model,
        &mut seen,
        |_| true,
        |model, seen, id, closes_cycle| {
            if closes_cycle {
                is_open = true;
                return Ok(());
            }
            // Whoever asks what has been evaluated asks every in-place node once more.
            let times = if has_unevaluated(model, id) { 3 } else { 1 };
            let mut total = weight(model, id);
            is_open |= backtracking_weight(model, id) > 0;
            is_deep |= matches!(&model.node(id).kind, Kind::Array(array) if array.unique_items);
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
    Ok(Costs { unfolded: if is_open { u64::MAX } else { unfolded }, chain, is_deep })
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
            let weight = weight(model, id).saturating_add(backtracking_weight(model, id));
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
    let weight = match &model.node(id).kind {
        Kind::String(string) => string.pattern.as_deref().map_or(0, pattern_weight),
        Kind::Number(number) if number.multiple_of.is_some() => LONG_MULTIPLE_WEIGHT,
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
    /// For every [`BLOCK_BYTES`] of a member name.
    name_block: u64,
    /// How often all that is in an array is read.
    deep: u64,
    /// For a number, in units of [`MULTIPLE_WEIGHT`].
    multiples: u64,
}

/// Bytes of a string that are read in about the time of a step.
const BLOCK_BYTES: usize = 32;

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

/// How many nodes are held against one value, every path counted; [`measure`] has bounded it by [`MOST_UNEVALUATED`].
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

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What a pattern that is matched in linear time costs for any text and for every block of it.
fn pattern_weight(pattern: &str) -> u64 {
    1 + count(pattern.len()) / 8
}

/// The patterns for member names that need backtracking.
pub(super) fn backtracking_names(object: &ObjectNode) -> impl Iterator<Item = &str> {
    let patterns = object.pattern_properties.iter().map(|(pattern, _)| pattern.as_str());
    patterns.filter(|pattern| backtracking::is_needed(pattern))
}

/// Weight of what a node asks of member names beyond [`weight`], where nothing ends early.
fn backtracking_weight(model: &Model, id: NodeId) -> u64 {
    match &model.node(id).kind {
        Kind::Object(object) => count(backtracking_names(object).count()).saturating_mul(BACKTRACKING_WEIGHT),
        _ => 0,
    }
}

/// How many values a value holds, itself included, and how much more it takes to compare its texts.
fn size(value: &crate::jsontext::Json) -> u64 {
    use crate::jsontext::Json;
    let mut count = 0;
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        count += 1;
        match value {
            Json::String(text) => count += self::count(text.len() / COMPARED_BYTES),
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
