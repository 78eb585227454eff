//! The walk over pairs of nodes, on a stack of its own.

use std::collections::{HashMap, HashSet};

use super::Difference;
use super::kind::DifferenceKind::{self, *};
use super::matching;
use super::plan::{At, Entry, Pair, Plan, Segment, Side, What};
use super::report::{Found, FoundId, Item};
use super::scalars::{self, here};
use super::weight;
use crate::compatibility::CompatibilityPolicy;
use crate::json::model::{Annotations, Dialect, Digest, Kind, Model, NodeId, Reference};
use crate::json::pattern::Pattern;
use crate::limits::Limits;

/// A comparison under way.
pub(super) struct Walk<'s> {
    pub(super) writer: &'s Model,
    pub(super) reader: &'s Model,
    policy: CompatibilityPolicy,
    limits: &'s Limits,
    /// How much has been done, in pairs, lines and the like.
    work: usize,
    /// How much work it is to look at a node, by side and id.
    weights: [Vec<usize>; 2],
    /// What was found, of this pass and of earlier ones.
    found: Vec<Found<'s>>,
    done: HashMap<Pair, FoundId>,
    open: HashSet<Pair>,
    /// Open pairs that this pass has met again.
    met: HashSet<Pair>,
    /// What an earlier pass found for those of them that are not compatible.
    earlier: HashMap<Pair, FoundId>,
    pub(super) digests: HashMap<(Side, NodeId), Digest>,
    patterns: HashMap<&'s str, Pattern>,
}

/// The work is more than the limits allow.
pub(super) struct TooMuch;

/// A pair that is being compared.
struct Frame<'s> {
    pair: Pair,
    plan: Plan<'s>,
    results: Vec<Option<FoundId>>,
}

/// How much work it is to compile a pattern, in pairs.
const PATTERN_WORK: usize = 1_000;

/// What every pair met again stands for at first.
const NOTHING: FoundId = FoundId(0);

impl<'s> Walk<'s> {
    pub(super) fn new(
        writer: &'s Model,
        reader: &'s Model,
        policy: CompatibilityPolicy,
        limits: &'s Limits,
    ) -> Self {
        Self {
            writer,
            reader,
            policy,
            limits,
            work: 0,
            weights: [weight::of_all(writer), weight::of_all(reader)],
            found: vec![Found::nothing()],
            done: HashMap::new(),
            open: HashSet::new(),
            earlier: HashMap::new(),
            met: HashSet::new(),
            digests: HashMap::new(),
            patterns: HashMap::new(),
        }
    }

    pub(super) fn run(mut self) -> Vec<Difference> {
        let start = |side, root| At { side, copy: 0, tree: 0, node: root };
        let pair = (start(Side::Writer, self.writer.root()), start(Side::Reader, self.reader.root()));
        let root = loop {
            let Ok(root) = self.pass(pair) else {
                let pairs = self.limits.pairs;
                let message = format!("schemas are too large to compare: more than {pairs} pairs of nodes");
                return vec![Difference::not_comparable(message)];
            };
            // Taking those for compatible was wrong.
            let wrong: HashMap<Pair, FoundId> = self
                .met
                .iter()
                .filter_map(|pair| Some((*pair, *self.done.get(pair)?)))
                .filter(|(_, id)| !self.found_at(*id).is_compatible)
                .collect();
            let is_stable =
                wrong.len() == self.earlier.len() && wrong.keys().all(|pair| self.earlier.contains_key(pair));
            if is_stable {
                break root;
            }
            self.earlier = wrong;
        };
        super::report::list(&self.found, root, self.limits.difference_bytes)
    }

    /// Compares a pair and everything below it.
    fn pass(&mut self, root: Pair) -> Result<FoundId, TooMuch> {
        self.done.clear();
        self.open.clear();
        self.met.clear();
        let root = self.resolved(root);
        let mut stack = vec![self.enter(root)?];
        loop {
            let Some(frame) = stack.last_mut() else { return Ok(NOTHING) };
            let position = frame.results.len();
            if position < frame.plan.positions() && !self.is_settled(frame) {
                let Some(pair) = frame.plan.need(position) else {
                    frame.results.push(None);
                    continue;
                };
                let pair = self.resolved(pair);
                if let Some(known) = self.known(pair) {
                    frame.results.push(Some(known));
                } else {
                    stack.push(self.enter(pair)?);
                }
                continue;
            }
            let Some(frame) = stack.pop() else { return Ok(NOTHING) };
            let found = self.finish(&frame)?;
            let id = FoundId(self.found.len());
            self.found.push(found);
            self.open.remove(&frame.pair);
            self.done.insert(frame.pair, id);
            match stack.last_mut() {
                None => return Ok(id),
                Some(parent) => parent.results.push(Some(id)),
            }
        }
    }

    fn known(&mut self, pair: Pair) -> Option<FoundId> {
        if let Some(done) = self.done.get(&pair) {
            return Some(*done);
        }
        if self.open.contains(&pair) {
            self.met.insert(pair);
            return Some(self.earlier.get(&pair).copied().unwrap_or(NOTHING));
        }
        None
    }

    fn enter(&mut self, pair: Pair) -> Result<Frame<'s>, TooMuch> {
        self.spend(self.weight(pair.0).saturating_add(self.weight(pair.1)))?;
        let plan = self.plan(pair);
        self.spend(1 + plan.positions())?;
        self.open.insert(pair);
        Ok(Frame { pair, plan, results: Vec::new() })
    }

    fn weight(&self, at: At) -> usize {
        let [writer, reader] = &self.weights;
        let weights = match at.side {
            Side::Writer => writer,
            Side::Reader => reader,
        };
        weights.get(at.node.index()).copied().unwrap_or(1)
    }

    pub(super) fn spend(&mut self, work: usize) -> Result<(), TooMuch> {
        self.work = self.work.saturating_add(work);
        if self.work > self.limits.pairs { Err(TooMuch) } else { Ok(()) }
    }

    fn found_at(&self, id: FoundId) -> &Found<'s> {
        self.found.get(id.0).or(self.found.first()).expect("there is always the empty finding")
    }

    /// Whether one of the pairs tried so far decides a plan that wants just one.
    fn is_settled(&self, frame: &Frame<'s>) -> bool {
        let is_compatible = |id: &Option<FoundId>| id.is_some_and(|id| self.found_at(id).is_compatible);
        matches!(frame.plan, Plan::First { .. }) && frame.results.last().is_some_and(is_compatible)
    }

    /// What a plan and its results come to.
    fn finish(&mut self, frame: &Frame<'s>) -> Result<Found<'s>, TooMuch> {
        let mut items = Vec::new();
        match &frame.plan {
            Plan::Lines(lines) => self.lines(lines, &frame.results, &mut items),
            Plan::First { then, otherwise, .. } => {
                if self.is_settled(frame) {
                    items.extend(
                        frame.results.last().copied().flatten().map(|id| Item::found(Segment::Here, id)),
                    );
                    items.extend(then.map(|kind| Item::kind(Segment::Here, kind)));
                } else {
                    items.extend(otherwise.map(|kind| Item::kind(Segment::Here, kind)));
                }
            }
            Plan::Match { lines, keyword, writers, readers } => {
                self.lines(lines, &[], &mut items);
                let width = readers.len();
                let result =
                    |left: usize, right: usize| frame.results.get(left * width + right).copied().flatten();
                let is_edge =
                    |left, right| result(left, right).is_some_and(|id| self.found_at(id).is_compatible);
                let edges: Vec<Vec<usize>> = (0..writers.len())
                    .map(|left| (0..width).filter(|right| is_edge(left, *right)).collect())
                    .collect();
                let count: usize = edges.iter().map(Vec::len).sum();
                self.spend(count.saturating_mul(1 + writers.len().isqrt() / 8))?;
                let partners = matching::maximum(&edges, width);
                let size = partners.iter().flatten().count();
                for (left, right) in partners.iter().enumerate() {
                    let id = right.and_then(|right| result(left, right));
                    items.extend(id.map(|id| Item::found(Segment::Index(keyword, left), id)));
                }
                if size < writers.len().min(width) {
                    items.push(Item::kind(Segment::Here, CombinedTypeSubschemasChanged));
                }
            }
        }
        Ok(Found::new(items, &self.found, self.policy))
    }

    fn lines(&self, lines: &[Entry<'s>], results: &[Option<FoundId>], items: &mut Vec<Item<'s>>) {
        for (position, Entry { segment, what }) in lines.iter().enumerate() {
            let id = results.get(position).copied().flatten().unwrap_or(NOTHING);
            let either = |yes, no| if self.found_at(id).is_compatible { yes } else { no };
            match *what {
                What::Differs(kind) => items.push(Item::kind(*segment, kind)),
                What::Compare(_) => items.push(Item::found(*segment, id)),
                What::Covered(_, yes, no) => {
                    items.push(Item::found(*segment, id));
                    items.push(Item::kind(*segment, either(yes, no)));
                }
                What::Judge(_, yes, no) => items.push(Item::kind(*segment, either(yes, no))),
            }
        }
    }

    /// Follows references on both sides, one step each: the reference takes what a reference leads to as it is, even if
    /// that is a reference again.
    fn resolved(&self, (writer, reader): Pair) -> Pair {
        (self.follow(writer), self.follow(reader))
    }

    fn follow(&self, at: At) -> At {
        match self.kind(at) {
            Kind::Reference(reference) => self.followed(at, reference),
            _ => at,
        }
    }

    /// The copy that a reference leads to. In drafts 4–7 it is a loading of its own. In modern dialects a place is loaded
    /// once, apart from the text unless it is the whole, and copied for the references in the text and once more for those
    /// inside what references lead to.
    fn followed(&self, at: At, reference: &Reference) -> At {
        let (model, node) = (self.model(at.side), reference.target);
        match model.dialect() {
            Dialect::Modern => {
                let copy = reference.copy.saturating_mul(2).saturating_add(u32::from(at.tree != 0));
                let tree = if node == model.root() { 0 } else { node.0.saturating_add(1) };
                At { copy, tree, node, ..at }
            }
            _ => At { copy: 0, tree: reference.copy, node, ..at },
        }
    }

    pub(super) fn model(&self, side: Side) -> &'s Model {
        match side {
            Side::Writer => self.writer,
            Side::Reader => self.reader,
        }
    }

    /// What a node is, references not followed.
    pub(super) fn kind(&self, at: At) -> &'s Kind {
        &self.model(at.side).node(at.node).kind
    }

    fn annotations(&self, at: At) -> &'s Annotations {
        &self.model(at.side).node(at.node).annotations
    }

    pub(super) fn has_default(&self, at: At) -> bool {
        self.annotations(at).default.is_some()
    }

    /// Whether a pattern is found in a name.
    pub(super) fn is_match(&mut self, pattern: &'s str, name: &str) -> bool {
        if !self.patterns.contains_key(pattern) {
            // What this leaves undone shows at the next count of work.
            if self.spend(PATTERN_WORK).is_err() {
                return false;
            }
            self.patterns.insert(pattern, Pattern::new(pattern));
        }
        let work = 1 + name.len() / 16;
        self.spend(work).is_ok()
            && self.patterns.get(pattern).is_some_and(|pattern| pattern.is_found_in(name))
    }

    /// What has to be compared for a pair.
    fn plan(&mut self, (writer, reader): Pair) -> Plan<'s> {
        let (old, new) = (self.kind(writer), self.kind(reader));
        let first = match (old, new) {
            (Kind::Combined(_), Kind::Combined(_)) => None,
            (_, Kind::Combined(combined)) => Self::into_combined(writer, reader, combined),
            (Kind::Combined(combined), _) => Self::out_of_combined(writer, combined, reader),
            _ => None,
        };
        if let Some(mut first) = first {
            if let Plan::First { otherwise, .. } = &mut first {
                *otherwise = self.change_of_kind(writer, reader);
            }
            return first;
        }
        let mut lines = Vec::new();
        if std::mem::discriminant(old) != std::mem::discriminant(new) {
            lines.extend(self.change_of_kind(writer, reader).map(here));
            return Plan::Lines(lines);
        }
        scalars::annotations(&mut lines, self.annotations(writer), self.annotations(reader));
        match (old, new) {
            (Kind::String(old), Kind::String(new)) => scalars::strings(&mut lines, old, new),
            (Kind::Number(old), Kind::Number(new)) => scalars::numbers(&mut lines, old, new),
            (Kind::Enum(old), Kind::Enum(new)) => scalars::enums(&mut lines, old, new),
            (Kind::Const(old), Kind::Const(new)) => scalars::constants(&mut lines, old, new),
            (Kind::Object(old), Kind::Object(new)) => self.objects(&mut lines, (writer, old), (reader, new)),
            (Kind::Array(old), Kind::Array(new)) => self.arrays(&mut lines, (writer, old), (reader, new)),
            (Kind::Combined(old), Kind::Combined(new)) => {
                return self.combinations(lines, (writer, old), (reader, new));
            }
            (Kind::Not(old), Kind::Not(new)) => {
                // What the reader must not accept plays the writer.
                let pair = (reader.child(*new), writer.child(*old));
                let what = What::Judge(pair, NotTypeNarrowed, NotTypeExtended);
                lines.push(Entry { segment: Segment::Keyword("not"), what });
            }
            _ => {}
        }
        Plan::Lines(lines)
    }

    /// The difference between nodes of different kinds, if there is one.
    fn change_of_kind(&self, writer: At, reader: At) -> Option<DifferenceKind> {
        let is_bytes = |at: At| self.annotations(at).is_connect_bytes;
        let accepts_all = matches!(self.kind(reader), Kind::Empty | Kind::True);
        let is_never = matches!(self.kind(writer), Kind::False);
        let is_harmless = is_never || accepts_all || (is_bytes(writer) && is_bytes(reader));
        (!is_harmless).then_some(TypeChanged)
    }
}
