//! From a schema to a flat program.
//!
//! Records cost nothing at run time: their fields follow one another. A record that is used in several places, or
//! inside itself, is compiled once and called. Compilation keeps its own stack, so that no schema can overflow it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::Program;
use crate::avro::model::{AvroSchema, Kind, NodeId};

/// One step. Targets are indexes into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// The datum is complete.
    End,
    /// One byte, 0 or 1.
    Boolean,
    /// A varint of at most 32 bits.
    Int,
    /// A varint of at most 64 bits.
    Long,
    /// So many of them.
    Longs(usize),
    /// So many bytes of any content: float, double, fixed.
    Skip(usize),
    /// A length and as many bytes.
    Bytes,
    /// A length and as many bytes of UTF-8.
    String,
    /// The number of one of so many symbols.
    Enum(usize),
    /// The number of one of `count` branches; where they begin is in the target table from `first` on.
    Union {
        first: usize,
        count: u32,
    },
    /// A union of null, which is branch 0 or 1, and another type, which follows and ends at `end`.
    Optional {
        null: u8,
        end: usize,
    },
    /// Blocks of items, each of at least one byte; the program of one item follows and ends with [`Op::Next`] before
    /// `end`.
    Blocks {
        end: usize,
    },
    /// Blocks of items of no bytes.
    EmptyItems,
    /// An item is complete; the next one begins at `item`.
    Next {
        item: usize,
    },
    Jump(usize),
    /// A record that is compiled elsewhere.
    Call(usize),
    Return,
}

pub(super) fn compile(schema: &AvroSchema) -> Program {
    compile_types(schema, std::iter::once(schema.root()))
}

/// Compiles values of these types of the schema, one after another.
pub(super) fn compile_types(schema: &AvroSchema, types: impl DoubleEndedIterator<Item = NodeId>) -> Program {
    let shape = Shape::of(schema);
    let mut compiler = Compiler {
        schema,
        shape,
        ops: Vec::new(),
        targets: Vec::new(),
        tasks: Vec::new(),
        ends: Vec::new(),
        routines: HashMap::new(),
        wanted: Vec::new(),
        inner: HashMap::new(),
        barrier: 0,
    };
    compiler.tasks.extend(types.rev().map(Task::Type));
    compiler.run();
    compiler.ops.push(Op::End);
    while let Some(record) = compiler.wanted.pop() {
        compiler.routines.insert(record, compiler.ops.len());
        compiler.barrier = compiler.ops.len();
        compiler.push_fields(record);
        compiler.run();
        compiler.ops.push(Op::Return);
    }
    compiler.link()
}

/// What must be known of all types before the first is compiled.
struct Shape {
    /// How often each type is used, the top level included.
    uses: Vec<u32>,
    /// Types whose every value takes no bytes: null, a fixed of size 0, a record of such fields. Calling or looping over
    /// them would take time that no byte pays for.
    empty: Vec<bool>,
}

impl Shape {
    fn of(schema: &AvroSchema) -> Self {
        let count = schema.node_count();
        let mut shape = Self { uses: vec![0; count], empty: vec![false; count] };
        // Fields that may still take bytes, by record; and the records that contain a type, by type.
        let mut costly_fields = vec![0_usize; count];
        let mut parents: Vec<Vec<NodeId>> = vec![Vec::new(); count];
        let mut newly_empty = Vec::new();
        let mut todo = Vec::new();
        shape.count_use(schema.root(), &mut todo);
        while let Some(id) = todo.pop() {
            match &schema.node(id).kind {
                Kind::Array(part) | Kind::Map(part) => shape.count_use(*part, &mut todo),
                Kind::Union(branches) => branches.iter().for_each(|part| shape.count_use(*part, &mut todo)),
                Kind::Record(record) => {
                    if let Some(costly) = costly_fields.get_mut(at(id)) {
                        *costly = record.fields.len();
                    }
                    for field in &record.fields {
                        shape.count_use(field.schema, &mut todo);
                        if let Some(parents) = parents.get_mut(at(field.schema)) {
                            parents.push(id);
                        }
                    }
                    if record.fields.is_empty() {
                        newly_empty.push(id);
                    }
                }
                Kind::Null => newly_empty.push(id),
                Kind::Fixed(fixed) if fixed.size == 0 => newly_empty.push(id),
                _ => {}
            }
        }
        while let Some(id) = newly_empty.pop() {
            if let Some(empty) = shape.empty.get_mut(at(id)) {
                *empty = true;
            }
            for &parent in parents.get(at(id)).into_iter().flatten() {
                if let Some(costly) = costly_fields.get_mut(at(parent)) {
                    *costly -= 1;
                    if *costly == 0 {
                        newly_empty.push(parent);
                    }
                }
            }
        }
        shape
    }

    fn count_use(&mut self, id: NodeId, todo: &mut Vec<NodeId>) {
        if let Some(uses) = self.uses.get_mut(at(id)) {
            if *uses == 0 {
                todo.push(id);
            }
            *uses = uses.saturating_add(1);
        }
    }

    fn is_empty(&self, id: NodeId) -> bool {
        self.empty.get(at(id)).copied().unwrap_or_default()
    }

    fn is_shared(&self, id: NodeId) -> bool {
        self.uses.get(at(id)).is_some_and(|&uses| uses > 1)
    }
}

fn at(id: NodeId) -> usize {
    id.0 as usize
}

/// What remains to be done, last first.
enum Task {
    Type(NodeId),
    /// Closes the loop that [`Op::Blocks`] at this place opened.
    EndBlocks(usize),
    /// The branch for this entry of the target table begins here.
    Branch(usize),
    /// A branch is complete, others follow: leave a jump to be pointed at the end of the union.
    EndBranch,
    /// The union is complete: point the jumps from this entry of [`Compiler::ends`] on to here.
    EndUnion(usize),
    /// Closes the [`Op::Optional`] at this place.
    EndOptional(usize),
}

struct Compiler<'a> {
    schema: &'a AvroSchema,
    shape: Shape,
    ops: Vec<Op>,
    targets: Vec<usize>,
    tasks: Vec<Task>,
    /// Places of jumps to the end of the unions that are being compiled.
    ends: Vec<usize>,
    /// Where shared records begin. While compiling, [`Op::Call`] holds the id of the record instead.
    routines: HashMap<NodeId, usize>,
    /// Shared records that were called and are not compiled yet.
    wanted: Vec<NodeId>,
    /// What [`Compiler::innermost`] found.
    inner: HashMap<NodeId, NodeId>,
    /// Something jumps to this place, or may: what follows must not be merged with what is before it.
    barrier: usize,
}

impl Compiler<'_> {
    fn run(&mut self) {
        while let Some(task) = self.tasks.pop() {
            let here = self.ops.len();
            match task {
                Task::Type(id) => self.compile_type(id),
                Task::EndBlocks(start) => {
                    if here == start + 1 {
                        self.ops.truncate(start);
                        self.ops.push(Op::EmptyItems);
                    } else {
                        self.ops.push(Op::Next { item: start + 1 });
                        self.set(start, Op::Blocks { end: here + 1 });
                    }
                    self.barrier = self.ops.len();
                }
                Task::Branch(entry) => {
                    if let Some(target) = self.targets.get_mut(entry) {
                        *target = here;
                    }
                    self.barrier = here;
                }
                Task::EndBranch => {
                    self.ends.push(here);
                    self.ops.push(Op::Jump(0));
                }
                Task::EndUnion(first_end) => {
                    for end in self.ends.split_off(first_end) {
                        self.set(end, Op::Jump(here));
                    }
                    self.barrier = here;
                }
                Task::EndOptional(start) => {
                    if let Some(Op::Optional { end, .. }) = self.ops.get_mut(start) {
                        *end = here;
                    }
                    self.barrier = here;
                }
            }
        }
    }

    fn compile_type(&mut self, id: NodeId) {
        if self.shape.is_empty(id) {
            return;
        }
        let schema = self.schema;
        match &schema.node(id).kind {
            Kind::Null => {}
            Kind::Boolean => self.ops.push(Op::Boolean),
            Kind::Int => self.ops.push(Op::Int),
            Kind::Long => self.long(),
            Kind::Float => self.skip(4),
            Kind::Double => self.skip(8),
            Kind::Fixed(fixed) => self.skip(fixed.size),
            Kind::Bytes => self.ops.push(Op::Bytes),
            Kind::String => self.ops.push(Op::String),
            Kind::Enum(symbols) => self.ops.push(Op::Enum(symbols.symbols.len())),
            Kind::Array(items) => {
                self.open_blocks();
                self.tasks.push(Task::Type(*items));
            }
            Kind::Map(values) => {
                self.open_blocks();
                self.ops.push(Op::String);
                self.tasks.push(Task::Type(*values));
            }
            Kind::Union(branches) => self.union(branches),
            Kind::Record(_) if self.shape.is_shared(id) => {
                let id = self.innermost(id);
                if let Entry::Vacant(routine) = self.routines.entry(id) {
                    routine.insert(0);
                    self.wanted.push(id);
                }
                self.ops.push(Op::Call(at(id)));
            }
            Kind::Record(_) => self.push_fields(id),
        }
    }

    /// The record to call for a shared one. A record that consists of another record and nothing else takes the same
    /// bytes; a chain of such records would take calls that no byte pays for.
    fn innermost(&mut self, id: NodeId) -> NodeId {
        let (mut last, mut at) = (id, id);
        let mut passed = HashSet::new();
        // Records that consist of each other have no data; any of them does then.
        while !self.shape.is_shared(at) || passed.insert(at) {
            if self.shape.is_shared(at) {
                last = at;
            }
            if let Some(&known) = self.inner.get(&at) {
                last = known;
                break;
            }
            let Some(next) = self.only_record(at) else { break };
            at = next;
        }
        self.inner.extend(passed.into_iter().map(|id| (id, last)));
        last
    }

    /// The record that all bytes of this one belong to.
    fn only_record(&self, id: NodeId) -> Option<NodeId> {
        let Kind::Record(record) = &self.schema.node(id).kind else { return None };
        let mut costly =
            record.fields.iter().map(|field| field.schema).filter(|id| !self.shape.is_empty(*id));
        let only = costly.next().filter(|_| costly.next().is_none())?;
        matches!(self.schema.node(only).kind, Kind::Record(_)).then_some(only)
    }

    fn push_fields(&mut self, id: NodeId) {
        if let Kind::Record(record) = &self.schema.node(id).kind {
            self.tasks.extend(record.fields.iter().rev().map(|field| Task::Type(field.schema)));
        }
    }

    fn open_blocks(&mut self) {
        let start = self.ops.len();
        self.ops.push(Op::Blocks { end: 0 });
        self.barrier = start + 1;
        self.tasks.push(Task::EndBlocks(start));
    }

    fn union(&mut self, branches: &[NodeId]) {
        let is_null = |id: &NodeId| matches!(self.schema.node(*id).kind, Kind::Null);
        let optional = match branches {
            [null, other] if is_null(null) => Some((0, *other)),
            [other, null] if is_null(null) => Some((1, *other)),
            _ => None,
        };
        let start = self.ops.len();
        self.barrier = start + 1;
        if let Some((null, other)) = optional {
            self.ops.push(Op::Optional { null, end: 0 });
            self.tasks.push(Task::EndOptional(start));
            self.tasks.push(Task::Type(other));
            return;
        }
        let first = self.targets.len();
        self.targets.resize(first + branches.len(), 0);
        let count =
            u32::try_from(branches.len()).expect("types are numbered with 32 bits, and branches differ");
        self.ops.push(Op::Union { first, count });
        self.tasks.push(Task::EndUnion(self.ends.len()));
        for (position, branch) in branches.iter().enumerate().rev() {
            if position + 1 < branches.len() {
                self.tasks.push(Task::EndBranch);
            }
            self.tasks.push(Task::Type(*branch));
            self.tasks.push(Task::Branch(first + position));
        }
    }

    /// Bytes that need no look are skipped together.
    fn skip(&mut self, bytes: usize) {
        let merged = self.ops.len() > self.barrier;
        match self.ops.last_mut() {
            Some(Op::Skip(before)) if merged => *before = before.saturating_add(bytes),
            _ => self.ops.push(Op::Skip(bytes)),
        }
    }

    /// Neighbours are counted together.
    fn long(&mut self) {
        let merged = self.ops.len() > self.barrier;
        match self.ops.last_mut() {
            Some(last @ Op::Long) if merged => *last = Op::Longs(2),
            Some(Op::Longs(count)) if merged => *count = count.saturating_add(1),
            _ => self.ops.push(Op::Long),
        }
    }

    fn set(&mut self, place: usize, op: Op) {
        if let Some(slot) = self.ops.get_mut(place) {
            *slot = op;
        }
    }

    fn link(mut self) -> Program {
        let routines = self.routines;
        for op in &mut self.ops {
            if let Op::Call(target) = op {
                let id = u32::try_from(*target).ok().map(NodeId);
                *target = id.and_then(|id| routines.get(&id)).copied().unwrap_or_default();
            }
        }
        let root_is_bytes = matches!(self.schema.node(self.schema.root()).kind, Kind::Bytes);
        Program { ops: self.ops, targets: self.targets, root_is_bytes }
    }
}
