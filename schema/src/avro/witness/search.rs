//! The shortest way from the top-level types to a pair where reading fails.

use std::collections::{HashMap, HashSet, VecDeque};

use super::NoWitness;
use super::smallest::Smallest;
use crate::avro::diff::{Comparison, DifferenceKind, Finding, Origin, matches, reads_name};
use crate::avro::model::{AvroSchema, Kind, NodeId};
use crate::avro::names::named;
use crate::limits::Limits;

/// A reader's type and the writer's type that it is to read.
pub(super) type Pair = (NodeId, NodeId);

/// A step from a pair to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// To the writer field at this position.
    Field(usize),
    /// To an item of the array.
    Item,
    /// To a value of the map.
    Value,
    /// To this branch of the writer's union.
    Branch(usize),
    /// To a branch of the reader's union, for the same datum.
    ReaderBranch,
    /// To this field of this reader's record, which only the reader has, for the same datum.
    Missing { record: NodeId, position: usize },
}

/// A way and what is wrong at its end.
pub(super) struct Way {
    pub(super) edges: Vec<Edge>,
    pub(super) leaf: Leaf,
}

/// Why a pair cannot be read.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    Types(Pair),
    Names(Pair),
    Sizes(Pair),
    /// `first_missing`: position of the first symbol that the reader lacks.
    Symbols {
        pair: Pair,
        first_missing: usize,
    },
    /// The reader's field, which only the reader has.
    NoDefault {
        record: NodeId,
        position: usize,
    },
    /// No branch of the reader's union matches.
    NoBranch(Pair),
    /// The reader's field and the writer's record in which it stands for several.
    Ambiguous {
        record: NodeId,
        position: usize,
        writer: NodeId,
    },
}

/// Which edges are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    /// Not into reader unions: the pairs whose findings are listed.
    Listed,
    /// Into the branches that reader unions take, to pairs that break.
    Broken,
    /// Into the branches that reader unions take.
    Any,
}

pub(super) struct Search<'c, 'a> {
    comparison: &'c mut Comparison<'a>,
    pub(super) reader: &'a AvroSchema,
    pub(super) writer: &'a AvroSchema,
    pub(super) smallest: Smallest,
    /// Ways to all pairs whose findings are listed, once they are needed.
    listed: Option<Ways>,
    work_left: usize,
}

/// How each pair was reached first.
type Ways = HashMap<Pair, Option<(Pair, Edge)>>;

impl<'c, 'a> Search<'c, 'a> {
    pub(super) fn new(comparison: &'c mut Comparison<'a>, limits: &Limits) -> Self {
        let (reader, writer) = (comparison.reader(), comparison.writer());
        let smallest = Smallest::of(writer);
        Self { comparison, reader, writer, smallest, listed: None, work_left: limits.pairs }
    }

    /// The way to a finding that is listed.
    pub(super) fn way_to_listed(&mut self, finding: &Finding) -> Result<Way, NoWitness> {
        let ways = match self.listed.take() {
            Some(ways) => ways,
            None => {
                let root = (self.reader.root(), self.writer.root());
                self.spread(root, Through::Listed, |_, _| false)?.0
            }
        };
        let ways = self.listed.insert(ways);
        let edges = trace(ways, (finding.reader, finding.writer)).ok_or(NoWitness::NoData)?;
        if !self.smallest.exists(finding.writer) {
            return Err(NoWitness::NoData);
        }
        if self.is_harmless(finding) {
            return Err(NoWitness::UncountedAlias);
        }
        let leaf = match edges.last() {
            Some(&Edge::Missing { record, position }) => Leaf::NoDefault { record, position },
            _ => self.leaf(finding).ok_or(NoWitness::Unknown)?,
        };
        Ok(Way { edges, leaf })
    }

    /// The way to the pair of records where the comparison stopped.
    pub(super) fn way_to_ambiguous(&mut self, finding: &Finding) -> Result<Way, NoWitness> {
        let root = (self.reader.root(), self.writer.root());
        let (ways, _) = self.spread(root, Through::Any, |_, _| false)?;
        let pair = (finding.reader, finding.writer);
        let edges = trace(&ways, pair).ok_or(NoWitness::OtherBranch)?;
        if !self.smallest.exists(finding.writer) {
            return Err(NoWitness::NoData);
        }
        Ok(Way { edges, leaf: self.leaf(finding).ok_or(NoWitness::Unknown)? })
    }

    /// The way on from a reader's union, none of whose branches reads the writer's type.
    pub(super) fn way_inside_union(&mut self, finding: &Finding) -> Result<Way, NoWitness> {
        let start = (finding.reader, finding.writer);
        let (ways, end) =
            self.spread(start, Through::Broken, |search, pair| search.leaf_at(pair).is_some())?;
        let Some(end) = end else {
            let has_harmless = |&(reader, writer): &Pair| {
                self.comparison.findings(reader, writer).any(|finding| self.is_harmless(finding))
            };
            return Err(if ways.keys().any(has_harmless) {
                NoWitness::UncountedAlias
            } else {
                NoWitness::NoData
            });
        };
        let edges = trace(&ways, end).unwrap_or_default();
        let leaf = match edges.last() {
            Some(&Edge::Missing { record, position }) => Leaf::NoDefault { record, position },
            _ => self.leaf_at(end).ok_or(NoWitness::NoData)?,
        };
        Ok(Way { edges, leaf })
    }

    /// Visits pairs, nearest first, until `is_end`; returns how they were reached and where it ended.
    fn spread(
        &mut self,
        start: Pair,
        through: Through,
        is_end: impl Fn(&Self, Pair) -> bool,
    ) -> Result<(Ways, Option<Pair>), NoWitness> {
        let mut ways: Ways = HashMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        let mut edges = Vec::new();
        while let Some(pair) = queue.pop_front() {
            if is_end(self, pair) {
                return Ok((ways, Some(pair)));
            }
            edges.clear();
            self.edges(pair, through, &mut edges)?;
            for &(edge, next) in &edges {
                if through == Through::Broken && !self.comparison.breaks(next.0, next.1) {
                    continue;
                }
                ways.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    Some((pair, edge))
                });
            }
        }
        Ok((ways, None))
    }

    fn edges(
        &mut self,
        (reader, writer): Pair,
        through: Through,
        edges: &mut Vec<(Edge, Pair)>,
    ) -> Result<(), NoWitness> {
        self.charge(1)?;
        match (&self.reader.node(reader).kind, &self.writer.node(writer).kind) {
            (Kind::Record(r), Kind::Record(w)) => {
                for (position, field) in r.fields.iter().enumerate() {
                    self.charge(field.aliases.len().saturating_add(1))?;
                    match self.comparison.origin(r, position, writer, w) {
                        Some(Origin::Field(at)) => {
                            let part = w.fields.get(at).map(|field| field.schema);
                            if let Some(part) = part.filter(|part| self.smallest.exists_beside(writer, *part))
                            {
                                edges.push((Edge::Field(at), (field.schema, part)));
                            }
                        }
                        Some(Origin::Nothing { enum_default: true }) => {
                            let edge = Edge::Missing { record: reader, position };
                            edges.push((edge, (field.schema, writer)));
                        }
                        _ => {}
                    }
                }
            }
            (Kind::Array(r), Kind::Array(w)) => edges.push((Edge::Item, (*r, *w))),
            (Kind::Map(r), Kind::Map(w)) => edges.push((Edge::Value, (*r, *w))),
            (_, Kind::Union(branches)) => {
                self.charge(branches.len())?;
                let branches = branches.iter().enumerate();
                edges.extend(branches.map(|(position, branch)| (Edge::Branch(position), (reader, *branch))));
            }
            (Kind::Union(_), _) if through != Through::Listed => {
                if let Some(branch) = self.taken_branch((reader, writer)) {
                    edges.push((Edge::ReaderBranch, (branch, writer)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The branch of a reader's union that is taken for the writer's type.
    pub(super) fn taken_branch(&self, (reader, writer): Pair) -> Option<NodeId> {
        let Kind::Union(branches) = &self.reader.node(reader).kind else { return None };
        let writer = &self.writer.node(writer).kind;
        branches.iter().copied().find(|branch| matches(&self.reader.node(*branch).kind, writer))
    }

    /// What is wrong with a pair itself, for which the writer has data.
    fn leaf_at(&self, pair: Pair) -> Option<Leaf> {
        if !self.smallest.exists(pair.1) {
            return None;
        }
        let is_writer_union = matches!(self.writer.node(pair.1).kind, Kind::Union(_));
        let is_reader_union = matches!(self.reader.node(pair.0).kind, Kind::Union(_));
        match (is_reader_union, is_writer_union) {
            (_, true) => None,
            (true, false) => self.taken_branch(pair).is_none().then_some(Leaf::NoBranch(pair)),
            (false, false) => {
                let mut findings = self.comparison.findings(pair.0, pair.1);
                self.leaf(findings.find(|finding| !self.is_harmless(finding))?)
            }
        }
    }

    /// Whether readers do read what the comparison found: a name by an alias that it does not count.
    fn is_harmless(&self, finding: &Finding) -> bool {
        let names =
            (named(&self.reader.node(finding.reader).kind), named(&self.writer.node(finding.writer).kind));
        finding.kind == DifferenceKind::NameMismatch
            && matches!(names, (Some(reader), Some(writer)) if reads_name(reader, writer))
    }

    fn leaf(&self, finding: &Finding) -> Option<Leaf> {
        let pair = (finding.reader, finding.writer);
        let position = finding.position.and_then(|position| usize::try_from(position).ok());
        Some(match finding.kind {
            DifferenceKind::TypeMismatch => Leaf::Types(pair),
            DifferenceKind::NameMismatch => Leaf::Names(pair),
            DifferenceKind::FixedSizeMismatch => Leaf::Sizes(pair),
            DifferenceKind::MissingUnionBranch => Leaf::NoBranch(pair),
            DifferenceKind::MissingEnumSymbols => {
                let (Kind::Enum(reader), Kind::Enum(writer)) =
                    (&self.reader.node(pair.0).kind, &self.writer.node(pair.1).kind)
                else {
                    return None;
                };
                let known: HashSet<&str> = reader.symbols.iter().map(String::as_str).collect();
                let first_missing =
                    writer.symbols.iter().position(|symbol| !known.contains(symbol.as_str()))?;
                Leaf::Symbols { pair, first_missing }
            }
            DifferenceKind::ReaderFieldMissingDefaultValue => {
                Leaf::NoDefault { record: pair.0, position: position? }
            }
            DifferenceKind::AmbiguousField => {
                Leaf::Ambiguous { record: pair.0, position: position?, writer: pair.1 }
            }
            DifferenceKind::TooLarge => return None,
        })
    }

    fn charge(&mut self, work: usize) -> Result<(), NoWitness> {
        self.work_left = self.work_left.checked_sub(work).ok_or(NoWitness::TooLarge)?;
        Ok(())
    }
}

/// The edges from the start to `end`.
fn trace(ways: &Ways, end: Pair) -> Option<Vec<Edge>> {
    let mut edges = Vec::new();
    let mut step = ways.get(&end)?;
    while let Some((pair, edge)) = step {
        edges.push(*edge);
        step = ways.get(pair)?;
    }
    edges.reverse();
    Some(edges)
}
