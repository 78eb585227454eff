//! What has to be compared for a pair of nodes, before any of it is.

use super::kind::DifferenceKind;
use crate::json::model::NodeId;

/// Which schema a node is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    Writer,
    Reader,
}

/// A node as the reference sees it: it loads copies of what references lead to, and tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) side: Side,
    /// In modern dialects, which copy of what a reference leads to: of that place alone, what is inside is shared. 0 for
    /// whatever no reference leads to directly.
    pub(super) copy: u32,
    /// Which loading of the text the node and what is inside it are of: 0 is the text itself.
    pub(super) tree: u32,
    pub(super) node: NodeId,
}

impl At {
    /// A node inside this one.
    pub(super) fn child(self, node: NodeId) -> Self {
        Self { copy: 0, node, ..self }
    }
}

/// Two nodes to compare; the first plays the writer, though `not` lets a node of the reader's schema do so.
pub(super) type Pair = (At, At);

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Segment<'s> {
    /// No step at all.
    Here,
    Keyword(&'static str),
    Name(&'static str, &'s str),
    Index(&'static str, usize),
}

/// One line of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'s> {
    pub(super) segment: Segment<'s>,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// A difference.
    Differs(DifferenceKind),
    /// Whatever the comparison of a pair finds.
    Compare(Pair),
    /// The same, and then one of two differences: the first if the pair is compatible.
    Covered(Pair, DifferenceKind, DifferenceKind),
    /// One of two differences only: the first if the pair is compatible.
    Judge(Pair, DifferenceKind, DifferenceKind),
}

impl What {
    pub(super) fn pair(self) -> Option<Pair> {
        match self {
            Self::Differs(_) => None,
            Self::Compare(pair) | Self::Covered(pair, ..) | Self::Judge(pair, ..) => Some(pair),
        }
    }
}

/// All that a pair asks for.
#[derive(Debug)]
pub(super) enum Plan<'s> {
    /// These lines, in order.
    Lines(Vec<Entry<'s>>),
    /// The findings of the first pair that is compatible, and this difference if any; if none is compatible, the other
    /// lines.
    First { pairs: Vec<Pair>, then: Option<DifferenceKind>, otherwise: Option<DifferenceKind> },
    /// These lines, then the best matching of the children of two combinations.
    Match { lines: Vec<Entry<'s>>, keyword: &'static str, writers: Vec<At>, readers: Vec<At> },
}

impl<'s> Plan<'s> {
    /// The pair that is asked for at a position; those of a plan are asked for in order.
    pub(super) fn need(&self, position: usize) -> Option<Pair> {
        match self {
            // Lines without a pair are kept out of the way by `pairs_of_lines`.
            Self::Lines(lines) => lines.get(position).map(|line| line.what.pair()).unwrap_or_default(),
            Self::First { pairs, .. } => pairs.get(position).copied(),
            Self::Match { writers, readers, .. } => {
                let writer = writers.get(position.checked_div(readers.len())?)?;
                Some((*writer, *readers.get(position % readers.len())?))
            }
        }
    }

    /// How many positions there are.
    pub(super) fn positions(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.len(),
            Self::First { pairs, .. } => pairs.len(),
            Self::Match { writers, readers, .. } => writers.len().saturating_mul(readers.len()),
        }
    }
}
