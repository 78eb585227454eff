//! Resolution of a writer schema against a reader schema.

use std::collections::HashMap;
use std::mem::discriminant;

use super::{Action, EnumNode, Node, NodeId, Number, Plan, RecordNode, Step, Symbol};
use crate::avro::shape::{Enum, Fixed, Logical, Record, Shape, Type, TypeId, TypeName, Union};

/// See [`Plan::plain`].
pub(super) fn plain(writer: &Shape) -> Plan {
    Planner::new(writer, writer).finish(Job::Plain(Whose::Writer, writer.root(), Place::Top))
}

/// See [`Plan::resolved`].
pub(super) fn resolved(writer: &Shape, reader: &Shape) -> Plan {
    Planner::new(writer, reader).finish(Job::Resolve(writer.root(), reader.root(), Place::Top))
}

/// Which schema a type without counterpart belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    Writer,
    Reader,
}

/// Whether a `bytes` type is the whole body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Top,
    Nested,
}

/// A node to be planned.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    /// As it is.
    Plain(Whose, TypeId, Place),
    /// Writer and reader type.
    Resolve(TypeId, TypeId, Place),
    /// A branch of a union, read as it is: union, branch.
    Branch(Whose, TypeId, u32),
    /// Writer type and reader union whose branch has been chosen.
    IntoBranch(TypeId, TypeId, u32, Place),
    /// Everything beyond [`MAX_NODES`].
    TooComplex,
}

/// Most pairs of writer and reader types that are resolved. Twice what one schema may have by `Limits::nodes`.
const MAX_NODES: usize = 400_000;
/// Most comparisons made while looking for branches of unions: less than a second's work.
const MAX_COMPARISONS: usize = 50_000_000;

struct Planner<'a> {
    writer: &'a Shape,
    reader: &'a Shape,
    ids: HashMap<Job, NodeId>,
    /// What each node is to become; a queue instead of recursion, for names may chain without end.
    jobs: Vec<Job>,
    unions: Vec<Box<[TypeName]>>,
    union_ids: HashMap<(Whose, TypeId), u32>,
    comparisons: usize,
}

impl<'a> Planner<'a> {
    fn new(writer: &'a Shape, reader: &'a Shape) -> Self {
        Self {
            writer,
            reader,
            ids: HashMap::new(),
            jobs: Vec::new(),
            unions: Vec::new(),
            union_ids: HashMap::new(),
            comparisons: 0,
        }
    }

    fn finish(mut self, root: Job) -> Plan {
        let root = self.node(root);
        let mut nodes = Vec::new();
        while let Some(&job) = self.jobs.get(nodes.len()) {
            nodes.push(self.plan(job));
        }
        Plan { nodes, unions: self.unions, root }
    }

    fn node(&mut self, job: Job) -> NodeId {
        let job =
            if self.jobs.len() < MAX_NODES || self.ids.contains_key(&job) { job } else { Job::TooComplex };
        *self.ids.entry(job).or_insert_with(|| {
            let id = NodeId(small(self.jobs.len()));
            self.jobs.push(job);
            id
        })
    }

    fn shape(&self, whose: Whose) -> &'a Shape {
        match whose {
            Whose::Writer => self.writer,
            Whose::Reader => self.reader,
        }
    }

    fn union_id(&mut self, whose: Whose, id: TypeId, union: &Union) -> u32 {
        *self.union_ids.entry((whose, id)).or_insert_with(|| {
            let position = small(self.unions.len());
            self.unions.push(union.names.clone());
            position
        })
    }

    fn plan(&mut self, job: Job) -> Node {
        match job {
            Job::Plain(whose, id, place) => self.plain(whose, id, place),
            Job::Resolve(writer, reader, place) => self.resolve(writer, reader, place),
            Job::Branch(whose, id, branch) => {
                let Type::Union(union) = self.shape(whose).get(id) else {
                    return fail("a branch of no union");
                };
                let Some(&inner) = union.branches.get(branch as usize) else { return fail("no such branch") };
                let union = self.union_id(whose, id, union);
                Node::Tagged { union, branch, inner: self.node(Job::Plain(whose, inner, Place::Nested)) }
            }
            Job::IntoBranch(writer, reader, branch, place) => {
                let Type::Union(union) = self.reader.get(reader) else { return fail("a branch of no union") };
                let Some(&inner) = union.branches.get(branch as usize) else { return fail("no such branch") };
                let union = self.union_id(Whose::Reader, reader, union);
                Node::Tagged { union, branch, inner: self.node(Job::Resolve(writer, inner, place)) }
            }
            Job::TooComplex => fail("the schemas are too complex to resolve"),
        }
    }

    fn plain(&mut self, whose: Whose, id: TypeId, place: Place) -> Node {
        let shape = self.shape(whose);
        match shape.get(id) {
            Type::Null => Node::Null,
            Type::Boolean => Node::Boolean,
            Type::Int(logical) => Node::Int(*logical),
            Type::Long(logical) => Node::Long(*logical),
            Type::Float => Node::Float,
            Type::Double => Node::Double,
            Type::Bytes(logical) if place == Place::Top => Node::RawBytes(*logical),
            Type::Bytes(logical) => Node::Bytes(*logical),
            Type::String(logical) => Node::String(*logical),
            Type::Fixed(fixed) => Node::Fixed { size: fixed.size, logical: fixed.logical },
            Type::Array(item) => Node::Array {
                item: self.node(Job::Plain(whose, *item, Place::Nested)),
                occupies: shape.occupies(*item),
            },
            Type::Map(value) => Node::Map { value: self.node(Job::Plain(whose, *value, Place::Nested)) },
            Type::Enum(kind) => {
                let symbols = kind
                    .symbols
                    .iter()
                    .enumerate()
                    .map(|(i, symbol)| Some(Symbol { position: small(i), text: symbol.clone() }));
                Node::Enum(EnumNode { symbols: symbols.collect() })
            }
            Type::Union(union) => {
                let branches = (0..union.branches.len()).map(|i| self.node(Job::Branch(whose, id, small(i))));
                Node::Switch(branches.collect())
            }
            Type::Record(record) => {
                let steps = record.fields.iter().enumerate().map(|(position, field)| Step {
                    name: field.name.clone(),
                    position,
                    action: Action::Read(self.node(Job::Plain(whose, field.id, Place::Nested))),
                });
                let steps: Box<[Step]> = steps.collect();
                Node::Record(RecordNode {
                    name: record.name.clone(),
                    fields: steps.len(),
                    steps,
                    in_order: true,
                    wraps: record.wraps,
                })
            }
        }
    }

    fn resolve(&mut self, writer_id: TypeId, reader_id: TypeId, place: Place) -> Node {
        let writer = self.writer.get(writer_id);
        let reader = self.reader.get(reader_id);
        match (writer, reader) {
            (Type::Union(union), _) => {
                let branches =
                    union.branches.iter().map(|&branch| self.node(Job::Resolve(branch, reader_id, Place::Nested)));
                Node::Switch(branches.collect())
            }
            (_, Type::Union(union)) => match self.branch_for(writer, union) {
                Some(branch) => self.plan(Job::IntoBranch(writer_id, reader_id, small(branch), place)),
                None => fail(format!("the reader's union has no branch for {}", describe(writer))),
            },
            (Type::Null, Type::Null)
            | (Type::Boolean, Type::Boolean)
            | (Type::Float, Type::Float)
            | (Type::Double, Type::Double)
            | (Type::Int(_), Type::Int(_))
            | (Type::Long(_), Type::Long(_))
            | (Type::Bytes(_), Type::Bytes(_))
            // The bytes are the same, and the reader's logical type counts.
            | (Type::String(_), Type::String(_)) => self.plain(Whose::Reader, reader_id, place),
            (Type::Fixed(writer), Type::Fixed(reader)) if writer.size == reader.size && same_fixed(writer, reader) => {
                self.plain(Whose::Reader, reader_id, place)
            }
            (Type::String(_), Type::Bytes(logical)) => Node::StringAsBytes(*logical),
            (Type::Bytes(_), Type::String(logical)) if place == Place::Top => Node::RawBytesAsString(*logical),
            (Type::Bytes(_), Type::String(logical)) => Node::BytesAsString(*logical),
            (Type::Int(_), Type::Long(logical)) => promoted(Number::Int, Number::Long, *logical),
            (Type::Int(_), Type::Float) => promoted(Number::Int, Number::Float, Logical::None),
            (Type::Int(_), Type::Double) => promoted(Number::Int, Number::Double, Logical::None),
            (Type::Long(_), Type::Float) => promoted(Number::Long, Number::Float, Logical::None),
            (Type::Long(_), Type::Double) => promoted(Number::Long, Number::Double, Logical::None),
            (Type::Float, Type::Double) => promoted(Number::Float, Number::Double, Logical::None),
            (Type::Array(writer), Type::Array(reader)) => Node::Array {
                item: self.node(Job::Resolve(*writer, *reader, Place::Nested)),
                occupies: self.writer.occupies(*writer),
            },
            (Type::Map(writer), Type::Map(reader)) => {
                Node::Map { value: self.node(Job::Resolve(*writer, *reader, Place::Nested)) }
            }
            (Type::Enum(writer), Type::Enum(reader)) if same_enum(writer, reader) => {
                let symbols = writer.symbols.iter().map(|symbol| {
                    let position = reader.position(symbol).or(reader.default)?;
                    Some(Symbol { position: small(position), text: reader.symbols.get(position)?.clone() })
                });
                Node::Enum(EnumNode { symbols: symbols.collect() })
            }
            (Type::Record(writer), Type::Record(reader)) => self.record(writer, reader),
            _ => fail(format!("{} cannot be read as {}", describe(writer), describe(reader))),
        }
    }

    /// Fields in the writer's order, then the defaults of those that it lacks.
    fn record(&mut self, writer: &Record, reader: &Record) -> Node {
        let mut steps = Vec::with_capacity(writer.fields.len());
        let mut found = vec![false; reader.fields.len()];
        let mut in_order = true;
        let mut highest = 0;
        let by_alias = aliases_of(reader, writer);
        for field in &writer.fields {
            let position = reader.position(&field.name).or_else(|| by_alias.get(&*field.name).copied());
            let counterpart = position.and_then(|i| Some((i, reader.fields.get(i)?, found.get_mut(i)?)));
            match counterpart {
                Some((position, target, seen)) if !*seen => {
                    *seen = true;
                    in_order &= position >= highest;
                    highest = position;
                    let node = self.node(Job::Resolve(field.id, target.id, Place::Nested));
                    steps.push(Step { name: target.name.clone(), position, action: Action::Read(node) });
                }
                _ => {
                    let node = self.node(Job::Plain(Whose::Writer, field.id, Place::Nested));
                    steps.push(Step { name: field.name.clone(), position: 0, action: Action::Skip(node) });
                }
            }
        }
        for (position, (field, seen)) in reader.fields.iter().zip(found).enumerate() {
            if seen {
                continue;
            }
            let Some(default) = &field.default else {
                return fail(format!(
                    "the writer's {} has no field {:?}, and the reader has no default for it",
                    writer.name.full(),
                    field.name
                ));
            };
            in_order &= position >= highest;
            highest = position;
            let node = self.node(Job::Plain(Whose::Reader, field.id, Place::Nested));
            steps.push(Step {
                name: field.name.clone(),
                position,
                action: Action::Default(node, default.clone()),
            });
        }
        Node::Record(RecordNode {
            name: reader.name.clone(),
            steps: steps.into(),
            fields: reader.fields.len(),
            in_order,
            wraps: reader.wraps,
        })
    }

    /// The branch of a reader union that values of a writer type go to: the same type and name; else, for records, the
    /// same simple name, else the same fields; else the first that the value can be promoted to.
    fn branch_for(&mut self, writer: &Type, union: &Union) -> Option<usize> {
        self.comparisons = self.comparisons.saturating_add(union.branches.len());
        if self.comparisons > MAX_COMPARISONS {
            return None;
        }
        let reader = self.reader;
        let branches = || union.branches.iter().map(|&id| reader.get(id)).enumerate();
        let exact = branches().find(|&(_, branch)| match (writer, branch) {
            (Type::Record(writer), Type::Record(reader)) => writer.name == reader.name,
            (Type::Enum(writer), Type::Enum(reader)) => writer.name == reader.name,
            (Type::Fixed(writer), Type::Fixed(reader)) => writer.name == reader.name,
            (writer, reader) => discriminant(writer) == discriminant(reader),
        });
        if let Some((position, _)) = exact {
            return Some(position);
        }
        let named = || {
            branches().find(|&(_, branch)| match (writer, branch) {
                (Type::Record(writer), Type::Record(reader)) => same_record(writer, reader),
                (Type::Enum(writer), Type::Enum(reader)) => same_enum(writer, reader),
                (Type::Fixed(writer), Type::Fixed(reader)) => same_fixed(writer, reader),
                _ => false,
            })
        };
        let comparisons = &mut self.comparisons;
        let mut alike = || {
            branches().find(|&(_, branch)| match (writer, branch) {
                (Type::Record(record), Type::Record(target)) => {
                    *comparisons = comparisons.saturating_add(target.fields.len());
                    *comparisons <= MAX_COMPARISONS && are_alike((self.writer, record), (reader, target))
                }
                _ => false,
            })
        };
        let wider = || {
            branches().find(|&(_, branch)| {
                matches!(
                    (writer, branch),
                    (Type::Int(_), Type::Long(_) | Type::Float | Type::Double)
                        | (Type::Long(_), Type::Float | Type::Double)
                        | (Type::Float, Type::Double)
                        | (Type::String(_), Type::Bytes(_))
                        | (Type::Bytes(_), Type::String(_))
                )
            })
        };
        named().or_else(&mut alike).or_else(wider).map(|(position, _)| position)
    }
}

/// Whether each field of the reader's record is in the writer's with the same sort of type, or has a default.
fn are_alike(writer: (&Shape, &Record), reader: (&Shape, &Record)) -> bool {
    reader.1.fields.iter().all(|field| {
        match writer.1.position(&field.name).and_then(|i| writer.1.fields.get(i)) {
            Some(source) => discriminant(writer.0.get(source.id)) == discriminant(reader.0.get(field.id)),
            None => field.default.is_some(),
        }
    })
}

/// Fields of the reader by the names under which the writer may know them.
fn aliases_of<'r>(reader: &'r Record, writer: &Record) -> HashMap<&'r str, usize> {
    let mut by_alias = HashMap::new();
    for (position, field) in reader.fields.iter().enumerate() {
        if writer.position(&field.name).is_none() {
            for alias in &field.aliases {
                by_alias.entry(alias.as_str()).or_insert(position);
            }
        }
    }
    by_alias
}

fn same_record(writer: &Record, reader: &Record) -> bool {
    same_name(&writer.name, &reader.name, &reader.aliases)
}

fn same_enum(writer: &Enum, reader: &Enum) -> bool {
    same_name(&writer.name, &reader.name, &reader.aliases)
}

fn same_fixed(writer: &Fixed, reader: &Fixed) -> bool {
    same_name(&writer.name, &reader.name, &reader.aliases)
}

/// Unqualified names are compared, as the specification says; aliases count in full.
fn same_name(writer: &TypeName, reader: &TypeName, aliases: &[String]) -> bool {
    writer.simple() == reader.simple() || aliases.iter().any(|alias| alias == writer.full())
}

fn describe(kind: &Type) -> String {
    let name = match kind {
        Type::Record(record) => &record.name,
        Type::Enum(kind) => &kind.name,
        Type::Fixed(fixed) => &fixed.name,
        other => return other.word().to_owned(),
    };
    format!("{} {}", kind.word(), name.full())
}

fn promoted(from: Number, to: Number, logical: Logical) -> Node {
    Node::Promoted { from, to, logical }
}

fn fail(why: impl Into<String>) -> Node {
    Node::Fail(why.into().into())
}

/// Positions within a schema, which `Limits::nodes` keeps far below `u32::MAX`.
fn small(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
