//! What holding a value against a schema can cost, told from the schema alone.
//!
//! An *in-place* edge leads to a node that is held against the same value (`allOf`, `$ref`, `not`, …), a *child* edge to
//! one that is held against a part of it (`properties`, `items`, …). In-place edges alone must come to an end, or no
//! validator would: a schema whose in-place edges form a cycle is refused, as is a lattice of them that multiplies.
//! Cycles through child edges are what recursive schemas are made of; the value ends them.

use std::collections::HashMap;

use super::edges::{Edge, edges};
use super::{CompileError, patterns};
use crate::json::model::{Kind, Model, NodeId};
use crate::limits::Limits;

/// Most nodes one value may be held against by in-place edges alone, every path counted. Schemas written by people stay
/// in the hundreds.
const MOST_IN_PLACE: u64 = 100_000;
/// The same below `unevaluatedProperties` and `unevaluatedItems`, which ask every one of them again.
pub(super) const MOST_UNEVALUATED: u64 = 2_000;
/// Longest chain of in-place edges, which is recursion of a validator.
const LONGEST_CHAIN: usize = 256;
/// What a pattern for member names that needs backtracking can cost for every 16 bytes while errors are collected, where
/// nothing ends early.
const BACKTRACKING_WEIGHT: u64 = 12_500;
/// What holding one number against `multipleOf` costs at most: where it has hundreds of digits.
pub(super) const LONG_MULTIPLE_WEIGHT: u64 = 25;
/// Bytes of an expected string that are compared in the time of a step.
const COMPARED_BYTES: usize = 1_024;

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

/// What a pattern that is matched in linear time costs for any text and for every block of it.
pub(super) fn pattern_weight(pattern: &str) -> u64 {
    1 + count(pattern.len()) / 8
}

/// Weight of what a node asks of member names beyond [`weight`], where nothing ends early.
fn backtracking_weight(model: &Model, id: NodeId) -> u64 {
    match &model.node(id).kind {
        Kind::Object(object) => {
            count(patterns::names_stepping_back(object).count()).saturating_mul(BACKTRACKING_WEIGHT)
        }
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

pub(super) fn has_unevaluated(model: &Model, id: NodeId) -> bool {
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

/// A length as a number of steps.
pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
