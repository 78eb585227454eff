//! What holding a value against a schema can cost, told from the schema alone.
//!
//! An *in-place* edge leads to a node that is held against the same value (`allOf`, `$ref`, `not`, …), a *child* edge to
//! one that is held against a part of it (`properties`, `items`, …). In-place edges alone must come to an end, or no
//! validator would: a schema whose in-place edges form a cycle is refused, as is a lattice of them that multiplies.
//! Cycles through child edges are what recursive schemas are made of; the value ends them.

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
