//! The comparison itself: which pairs of types are looked at, in which order, and what is remembered of them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::DifferenceKind;
use super::hashes::PairHashes;
use crate::avro::model::{AvroSchema, Enum, Field, Kind, Named, NodeId, Record};
use crate::limits::Limits;

/// Index of a pair in [`Checker::pairs`].
pub(super) type PairId = u32;
/// Index of a location in [`Checker::locations`].
pub(super) type LocationId = u32;

/// The location where everything starts.
pub(super) const ROOT: LocationId = 0;

/// The walk and its memory: some 100 bytes for each pair of types, so that [`Limits::pairs`] bounds it.
pub(super) struct Checker<'a> {
    pub(super) reader: &'a AvroSchema,
    pub(super) writer: &'a AvroSchema,
    work_left: usize,
    pub(super) memo: HashMap<(NodeId, NodeId), PairId, PairHashes>,
    /// What was found for each pair, as a range of `found`; empty means compatible. A pair in progress has an empty range
    /// too: it counts as compatible unless something else proves the contrary.
    pub(super) pairs: Vec<(u32, u32)>,
    pub(super) found: Vec<Found>,
    pub(super) locations: Vec<Location>,
    /// Writer records whose fields were looked up by name.
    field_positions: HashMap<NodeId, HashMap<&'a str, usize>>,
}

/// An incompatibility, or everything that was found for another pair. Sharing keeps the findings small where types
/// that are used often are repeated by each user.
#[derive(Clone, Copy)]
pub(super) enum Found {
    Here(Finding),
    As(PairId),
}

/// A difference before it is put into words.
#[derive(Clone, Copy)]
pub(in crate::avro) struct Finding {
    pub(in crate::avro) kind: DifferenceKind,
    pub(super) location: LocationId,
    pub(in crate::avro) reader: NodeId,
    pub(in crate::avro) writer: NodeId,
    /// Position of the reader field, or of the writer branch that the location ends with.
    pub(in crate::avro) position: Option<u32>,
}

/// A step down from another location.
#[derive(Clone, Copy)]
pub(super) struct Location {
    pub(super) parent: LocationId,
    pub(super) token: Token,
}

#[derive(Clone, Copy)]
pub(super) enum Token {
    /// Ends every chain of locations.
    Root,
    Items,
    Values,
    Branch(u32),
    FieldType(u32),
}

#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Compatible,
    Incompatible(PairId),
}

#[derive(Clone, Copy)]
pub(super) enum Stop {
    TooLarge,
    Ambiguous { record: NodeId, position: u32, writer: NodeId },
}

/// A pair whose parts are being compared.
struct Frame {
    pair: PairId,
    reader: NodeId,
    writer: NodeId,
    location: LocationId,
    /// How many parts were visited.
    next: u32,
    found: Vec<Found>,
}

/// What a frame wants.
enum Step {
    Visit { reader: NodeId, writer: NodeId, at: Location },
    Finish,
}

/// Where the top-level types and the branches of reader unions are.
const START: Location = Location { parent: ROOT, token: Token::Root };

enum Entered {
    Known(Outcome),
    New(Frame),
}

impl<'a> Checker<'a> {
    pub(super) fn new(reader: &'a AvroSchema, writer: &'a AvroSchema, limits: &Limits) -> Self {
        Self {
            reader,
            writer,
            work_left: limits.pairs,
            memo: HashMap::with_hasher(PairHashes::new()),
            pairs: Vec::new(),
            found: Vec::new(),
            locations: vec![START],
            field_positions: HashMap::new(),
        }
    }

    /// Compares the top-level types.
    pub(super) fn run(&mut self) -> Result<Outcome, Stop> {
        let mut stack = match self.enter(self.reader.root(), self.writer.root(), START)? {
            Entered::Known(outcome) => return Ok(outcome),
            Entered::New(frame) => vec![frame],
        };
        let mut outcome = Outcome::Compatible;
        let mut returned = None;
        while let Some(frame) = stack.last_mut() {
            match self.step(frame, returned.take())? {
                Step::Visit { reader, writer, at } => match self.enter(reader, writer, at)? {
                    Entered::Known(outcome) => returned = Some(outcome),
                    Entered::New(frame) => stack.push(frame),
                },
                Step::Finish => {
                    if let Some(frame) = stack.pop() {
                        outcome = self.finish(frame.pair, frame.found)?;
                        returned = Some(outcome);
                    }
                }
            }
        }
        Ok(outcome)
    }

    /// Looks a pair up, compares it on the spot if it has no parts, or opens a frame for it.
    fn enter(&mut self, reader: NodeId, writer: NodeId, at: Location) -> Result<Entered, Stop> {
        self.charge(1)?;
        let (reader_kind, writer_kind) = (&self.reader.node(reader).kind, &self.writer.node(writer).kind);
        if is_primitive(reader_kind) && same_type(reader_kind, writer_kind) {
            return Ok(Entered::Known(Outcome::Compatible));
        }
        let pair = match self.memo.entry((reader, writer)) {
            Entry::Occupied(known) => return Ok(Entered::Known(outcome(&self.pairs, *known.get()))),
            Entry::Vacant(new) => *new.insert(index(self.pairs.len())?),
        };
        self.pairs.push((0, 0));
        let location = match at.token {
            Token::Root => ROOT,
            _ => {
                self.locations.push(at);
                index(self.locations.len() - 1)?
            }
        };

        let mut found = Vec::new();
        let finding = |kind| Found::Here(Finding { kind, location, reader, writer, position: None });
        let has_parts = match (reader_kind, writer_kind) {
            (Kind::Record(r), Kind::Record(w)) => {
                self.charge(r.named.aliases.len())?;
                found.extend(name_differs(&r.named, &w.named).map(finding));
                true
            }
            (Kind::Enum(r), Kind::Enum(w)) => {
                self.charge(r.named.aliases.len())?;
                found.extend(name_differs(&r.named, &w.named).map(finding));
                self.charge(r.symbols.len().saturating_add(w.symbols.len()))?;
                if r.default.is_none() && lacks_symbols(r, w) {
                    found.push(finding(DifferenceKind::MissingEnumSymbols));
                }
                false
            }
            (Kind::Fixed(r), Kind::Fixed(w)) => {
                self.charge(r.named.aliases.len())?;
                found.extend(name_differs(&r.named, &w.named).map(finding));
                if r.size != w.size {
                    found.push(finding(DifferenceKind::FixedSizeMismatch));
                }
                false
            }
            (Kind::Array(_), Kind::Array(_)) | (Kind::Map(_), Kind::Map(_)) => true,
            (Kind::Union(_), _) | (_, Kind::Union(_)) => true,
            (r, w) => {
                if !promotes(w, r) {
                    found.push(finding(DifferenceKind::TypeMismatch));
                }
                false
            }
        };
        Ok(if has_parts {
            Entered::New(Frame { pair, reader, writer, location, next: 0, found })
        } else {
            Entered::Known(self.finish(pair, found)?)
        })
    }

    fn finish(&mut self, pair: PairId, found: Vec<Found>) -> Result<Outcome, Stop> {
        let start = index(self.found.len())?;
        self.found.extend(found);
        let end = index(self.found.len())?;
        if let Some(range) = self.pairs.get_mut(pair as usize) {
            *range = (start, end);
        }
        Ok(outcome(&self.pairs, pair))
    }

    /// Takes in what the visit of the previous part gave, and names the next part.
    fn step(&mut self, frame: &mut Frame, returned: Option<Outcome>) -> Result<Step, Stop> {
        match (&self.reader.node(frame.reader).kind, &self.writer.node(frame.writer).kind) {
            (Kind::Record(reader), Kind::Record(writer)) => {
                frame.merge(returned);
                self.next_field(frame, reader, writer)
            }
            (Kind::Array(reader), Kind::Array(writer)) => {
                frame.merge(returned);
                Ok(only_part(frame, *reader, *writer, Token::Items))
            }
            (Kind::Map(reader), Kind::Map(writer)) => {
                frame.merge(returned);
                Ok(only_part(frame, *reader, *writer, Token::Values))
            }
            (Kind::Union(reader), Kind::Union(branches)) => {
                merge_branch(frame, branches, returned);
                self.skip_shared_primitives(frame, reader, branches)?;
                Ok(match frame.next_of(branches) {
                    Some(&branch) => Step::Visit { reader: frame.reader, writer: branch, at: START },
                    None => Step::Finish,
                })
            }
            (Kind::Union(branches), _) => Ok(reader_union(frame, branches, returned)),
            (_, Kind::Union(branches)) => {
                frame.merge(returned);
                let at = Location { parent: frame.location, token: Token::Branch(frame.next) };
                Ok(match frame.next_of(branches) {
                    Some(&branch) => Step::Visit { reader: frame.reader, writer: branch, at },
                    None => Step::Finish,
                })
            }
            _ => Ok(Step::Finish),
        }
    }

    /// Passes over branches of the writer's union that are also in the reader's, which most unions consist of: they need
    /// no memory.
    fn skip_shared_primitives(
        &mut self,
        frame: &mut Frame,
        reader: &[NodeId],
        writer: &[NodeId],
    ) -> Result<(), Stop> {
        while let Some(branch) = writer.get(frame.next as usize) {
            let kind = &self.writer.node(*branch).kind;
            if !is_primitive(kind) {
                break;
            }
            self.charge(reader.len())?;
            if !reader.iter().any(|other| same_type(&self.reader.node(*other).kind, kind)) {
                break;
            }
            frame.next = frame.next.saturating_add(1);
        }
        Ok(())
    }

    fn next_field(
        &mut self,
        frame: &mut Frame,
        reader: &'a Record,
        writer: &'a Record,
    ) -> Result<Step, Stop> {
        loop {
            let position = frame.next;
            let Some(field) = frame.next_of(&reader.fields) else { return Ok(Step::Finish) };
            self.charge(field.aliases.len().saturating_add(1))?;
            let matching =
                self.writer_field(field, position, frame.writer, writer).map_err(|AmbiguousMatch| {
                    Stop::Ambiguous { record: frame.reader, position, writer: frame.writer }
                })?;
            let counterpart = match matching {
                Some((_, writer_field)) => writer_field.schema,
                None if field.default.is_some() => continue,
                // The reference looks for an enum's own default by comparing the enum with the whole writer record.
                None if has_enum_default(&self.reader.node(field.schema).kind) => frame.writer,
                None => {
                    frame.found.push(Found::Here(Finding {
                        kind: DifferenceKind::ReaderFieldMissingDefaultValue,
                        location: frame.location,
                        reader: frame.reader,
                        writer: frame.writer,
                        position: Some(position),
                    }));
                    continue;
                }
            };
            let at = Location { parent: frame.location, token: Token::FieldType(position) };
            return Ok(Step::Visit { reader: field.schema, writer: counterpart, at });
        }
    }

    /// The writer field that a reader field reads: of the same name, or named by one of its aliases.
    pub(super) fn writer_field(
        &mut self,
        field: &Field,
        position: u32,
        writer_id: NodeId,
        writer: &'a Record,
    ) -> Result<Option<(usize, &'a Field)>, AmbiguousMatch> {
        let at = |position: usize| writer.fields.get(position).map(|field| (position, field));
        let same_place = at(position as usize).filter(|(_, candidate)| candidate.name == field.name);
        if field.aliases.is_empty() && same_place.is_some() {
            return Ok(same_place);
        }
        let positions = self.field_positions.entry(writer_id).or_insert_with(|| {
            writer
                .fields
                .iter()
                .enumerate()
                .map(|(position, field)| (field.name.as_str(), position))
                .collect()
        });
        let mut found = positions.get(field.name.as_str()).copied();
        let mut by_alias: Option<&str> = None;
        for alias in &field.aliases {
            if by_alias == Some(alias) {
                continue;
            }
            if let Some(&position) = positions.get(alias.as_str()) {
                if found.is_some() {
                    return Err(AmbiguousMatch);
                }
                found = Some(position);
                by_alias = Some(alias);
            }
        }
        Ok(found.and_then(at))
    }

    fn charge(&mut self, work: usize) -> Result<(), Stop> {
        self.work_left = self.work_left.checked_sub(work).ok_or(Stop::TooLarge)?;
        Ok(())
    }
}

pub(super) struct AmbiguousMatch;

/// What is known about a pair so far.
fn outcome(pairs: &[(u32, u32)], pair: PairId) -> Outcome {
    match pairs.get(pair as usize) {
        Some((start, end)) if start < end => Outcome::Incompatible(pair),
        _ => Outcome::Compatible,
    }
}

/// Tables are indexed with 32 bits, which is more than any sensible limit.
fn index(length: usize) -> Result<u32, Stop> {
    u32::try_from(length).map_err(|_| Stop::TooLarge)
}

impl Frame {
    /// The next of the parts, and one step on.
    fn next_of<'p, P>(&mut self, parts: &'p [P]) -> Option<&'p P> {
        let part = parts.get(self.next as usize)?;
        self.next = self.next.checked_add(1)?;
        Some(part)
    }

    fn merge(&mut self, returned: Option<Outcome>) {
        if let Some(Outcome::Incompatible(pair)) = returned {
            self.found.push(Found::As(pair));
        }
    }
}

/// Arrays and maps have one part.
fn only_part(frame: &mut Frame, reader: NodeId, writer: NodeId, token: Token) -> Step {
    match frame.next_of(&[()]) {
        Some(()) => Step::Visit { reader, writer, at: Location { parent: frame.location, token } },
        None => Step::Finish,
    }
}

/// Every writer branch must be readable by the reader union; what exactly is wrong inside a branch is not told.
fn merge_branch(frame: &mut Frame, branches: &[NodeId], returned: Option<Outcome>) {
    if let (Some(Outcome::Incompatible(_)), Some(position)) = (returned, frame.next.checked_sub(1)) {
        frame.found.push(Found::Here(Finding {
            kind: DifferenceKind::MissingUnionBranch,
            location: frame.location,
            reader: frame.reader,
            writer: branches.get(position as usize).copied().unwrap_or(frame.writer),
            position: Some(position),
        }));
    }
}

/// The first reader branch that reads the writer settles it.
fn reader_union(frame: &mut Frame, branches: &[NodeId], returned: Option<Outcome>) -> Step {
    if matches!(returned, Some(Outcome::Compatible)) {
        return Step::Finish;
    }
    if let Some(&branch) = frame.next_of(branches) {
        return Step::Visit { reader: branch, writer: frame.writer, at: START };
    }
    frame.found.push(Found::Here(Finding {
        kind: DifferenceKind::MissingUnionBranch,
        location: frame.location,
        reader: frame.reader,
        writer: frame.writer,
        position: None,
    }));
    Step::Finish
}

fn name_differs(reader: &Named, writer: &Named) -> Option<DifferenceKind> {
    (!names_match(reader, writer)).then_some(DifferenceKind::NameMismatch)
}

/// Whether the comparison takes two names for the same. An alias outside any namespace does not count for a reader that
/// has one: the reference writes such an alias with a dot before it (`.F`), which no full name of a writer has. Readers
/// do take it; see [`reads_name`](super::comparison::reads_name).
fn names_match(reader: &Named, writer: &Named) -> bool {
    reader.name.simple == writer.name.simple
        || (reader.aliases.contains(&writer.name)
            && (reader.name.namespace.is_none() || writer.name.namespace.is_some()))
}

fn lacks_symbols(reader: &Enum, writer: &Enum) -> bool {
    if reader.symbols.starts_with(&writer.symbols) {
        return false;
    }
    let known: HashSet<&str> = reader.symbols.iter().map(String::as_str).collect();
    writer.symbols.iter().any(|symbol| !known.contains(symbol.as_str()))
}

pub(super) fn has_enum_default(kind: &Kind) -> bool {
    matches!(kind, Kind::Enum(Enum { default: Some(_), .. }))
}

fn is_primitive(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Null
            | Kind::Boolean
            | Kind::Int
            | Kind::Long
            | Kind::Float
            | Kind::Double
            | Kind::Bytes
            | Kind::String
    )
}

pub(super) fn same_type(a: &Kind, b: &Kind) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

pub(in crate::avro) fn promotes(from: &Kind, to: &Kind) -> bool {
    matches!(
        (from, to),
        (Kind::Int, Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Long, Kind::Float | Kind::Double)
            | (Kind::Float, Kind::Double)
            | (Kind::String, Kind::Bytes)
            | (Kind::Bytes, Kind::String)
    )
}
