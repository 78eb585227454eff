//! Witnesses: for each incompatibility, a datum that the writer can write and the reader cannot read.
//!
//! A difference names a pair of types. The way there from the top-level types, one step per record field, array item,
//! map value and union branch, is the outline of a datum; everything beside it is filled with the smallest value there
//! is, so that recursive types come to an end. Where the reader has a union, the way goes on into the branch that the
//! union takes for the writer's type ("Schema Resolution", Apache Avro 1.12.1 specification: the first one that
//! matches), to something in it that cannot be read.
//!
//! Nothing here recurses; work and sizes are bounded by [`Limits`].

mod reason;
mod search;
mod smallest;
mod write;

use super::diff::{Comparison, Difference, DifferenceKind, Finding};
use super::model::{AvroSchema, NodeId};
use crate::compatibility::Witness;
use crate::limits::Limits;
use search::{Leaf, Search, Way};
use write::Written;

/// Why there is no witness of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoWitness {
    /// No finite datum of the writer reaches the place: a record that contains itself, an enum without symbols, a
    /// union without branches.
    #[error("the writer's schema has no data there")]
    NoData,
    /// The datum or the search for it exceeds a bound of [`Limits`].
    #[error("a witness would be too large")]
    TooLarge,
    /// The comparison ended in a branch of a reader's union that no datum makes a reader take.
    #[error("a reader takes another branch of its union")]
    OtherBranch,
    /// The names differ, but an alias of the reader's outside any namespace is the writer's, which the comparison does
    /// not count and readers do.
    #[error("a reader takes its alias outside any namespace into account, this check does not")]
    UncountedAlias,
    /// The schemas do not differ like this.
    #[error("the schemas do not differ in this way")]
    Unknown,
}

/// A difference and the proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What is wrong.
    pub difference: Difference,
    /// A datum that shows it, or why there is none.
    pub witness: Result<Witness, NoWitness>,
}

/// A datum that `writer` writes and `reader` cannot read because of `difference`, one of those that
/// [`diff`](super::diff::diff) lists for the two.
///
/// Its text is in Avro's JSON encoding, its bytes are a plain datum of the writer's schema, and its path is a JSON
/// pointer (RFC 6901) into the text. Equal differences have equal witnesses.
///
/// Errors: [`NoWitness`].
///
/// ```
/// use muster_schema::avro::{self, diff::diff, witness::witness};
/// use muster_schema::{Limits, ResolvedReferences, Strictness};
///
/// let limits = Limits::default();
/// let parse = |text| avro::parse(text, &ResolvedReferences::default(), Strictness::New, &limits);
/// let reader = parse(r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"]}]}"#)?;
/// let writer = parse(r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}"#)?;
/// let found = diff(&reader, &writer, &limits);
/// let witness = witness(&reader, &writer, &found[0], &limits).expect("the writer has data");
/// assert_eq!(witness.datum, r#"{"a":""}"#);
/// assert_eq!(witness.bytes, [0]);
/// assert_eq!(witness.path, "/a");
/// assert_eq!(witness.reason, "the writer wrote string, which no branch of the reader's union [null, int] takes");
/// # Ok::<(), muster_schema::ParseError>(())
/// ```
pub fn witness(
    reader: &AvroSchema,
    writer: &AvroSchema,
    difference: &Difference,
    limits: &Limits,
) -> Result<Witness, NoWitness> {
    let mut comparison = Comparison::of(reader, writer, limits);
    let listed = comparison.differences();
    let finding = listed.into_iter().find(|(listed, _)| listed == difference);
    let (_, finding) = finding.ok_or(NoWitness::Unknown)?;
    Witnesses::new(&mut comparison, limits).of(finding)
}

/// The differences that [`diff`](super::diff::diff) lists, each with its witness.
///
/// All witnesses together take no more bytes than the differences may ([`Limits::difference_bytes`]); those that follow
/// are [`NoWitness::TooLarge`].
pub fn explain(reader: &AvroSchema, writer: &AvroSchema, limits: &Limits) -> Vec<Explained> {
    let mut comparison = Comparison::of(reader, writer, limits);
    let listed = comparison.differences();
    let mut witnesses = Witnesses::new(&mut comparison, limits);
    let mut bytes_left = limits.difference_bytes;
    let explained = listed.into_iter().map(|(difference, finding)| {
        let witness = witnesses.of(finding).and_then(|witness| {
            let Witness { datum, bytes, path, reason } = &witness;
            let size = datum.len() + bytes.len() + path.len() + reason.len();
            bytes_left = bytes_left.checked_sub(size).ok_or(NoWitness::TooLarge)?;
            Ok(witness)
        });
        Explained { difference, witness }
    });
    explained.collect()
}

/// Witnesses of the differences of one comparison.
struct Witnesses<'c, 'a> {
    search: Search<'c, 'a>,
    max_bytes: usize,
}

impl<'c, 'a> Witnesses<'c, 'a> {
    fn new(comparison: &'c mut Comparison<'a>, limits: &Limits) -> Self {
        Self { search: Search::new(comparison, limits), max_bytes: limits.witness_bytes }
    }

    fn of(&mut self, finding: Option<Finding>) -> Result<Witness, NoWitness> {
        let finding = finding.ok_or(NoWitness::TooLarge)?;
        let mut way = match finding.kind {
            DifferenceKind::AmbiguousField => self.search.way_to_ambiguous(&finding)?,
            _ => self.search.way_to_listed(&finding)?,
        };
        let mut union = None;
        if finding.kind == DifferenceKind::MissingUnionBranch {
            let taken = self.search.taken_branch((finding.reader, finding.writer));
            union = taken.map(|branch| (finding.reader, branch, way.edges.len()));
            let Way { edges, leaf } = self.search.way_inside_union(&finding)?;
            way = Way { edges: [way.edges, edges].concat(), leaf };
        }
        self.put_into_words(&way, union)
    }

    /// `union`: the reader's union that cannot read the datum, the branch it takes, and after how many edges the way
    /// reaches it.
    fn put_into_words(
        &self,
        way: &Way,
        union: Option<(NodeId, NodeId, usize)>,
    ) -> Result<Witness, NoWitness> {
        let (reader, writer) = (self.search.reader, self.search.writer);
        let symbol = match &way.leaf {
            Leaf::Symbols { first_missing, .. } => Some(*first_missing),
            _ => None,
        };
        let written = write::write(writer, &self.search.smallest, &way.edges, symbol, self.max_bytes);
        let Written { datum, bytes, path, path_ends } = written.ok_or(NoWitness::TooLarge)?;
        let mut reason = reason::reason(reader, writer, &way.leaf);
        if let Some((id, taken, edges)) = union {
            let place = path_ends.get(edges).and_then(|end| path.get(..*end)).unwrap_or_default();
            reason = reason::in_union(reader, id, taken, place, &reason);
        }
        Ok(Witness { datum, bytes, path, reason })
    }
}
