//! How to read a body: the writer schema, resolved against a reader schema once per pair rather than once per record.
//!
//! Rules: Avro 1.12 specification, "Schema Resolution"; where it leaves a choice (which branch of a reader union a
//! record takes, names of records outside unions) this follows the Java implementation.

mod planner;

use super::shape::{Logical, Shape, TypeName};

/// Index of a [`Node`] in its [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::avro) struct NodeId(u32);

/// Everything needed to turn bytes of one writer schema into values of one reader schema.
#[derive(Debug)]
pub struct Plan {
    nodes: Vec<Node>,
    unions: Vec<Box<[TypeName]>>,
    root: NodeId,
}

/// What stands in the bytes, and what to make of it.
#[derive(Debug)]
pub(in crate::avro) enum Node {
    Null,
    Boolean,
    Int(Logical),
    Long(Logical),
    Float,
    Double,
    Bytes(Logical),
    String(Logical),
    Fixed {
        size: usize,
        logical: Logical,
    },
    /// Read as one number, given as a wider one.
    Promoted {
        from: Number,
        to: Number,
        logical: Logical,
    },
    StringAsBytes(Logical),
    BytesAsString(Logical),
    /// All bytes that are left: a top-level `bytes` (wire format spec §3.1).
    RawBytes(Logical),
    RawBytesAsString(Logical),
    Array {
        item: NodeId,
        occupies: bool,
    },
    Map {
        value: NodeId,
    },
    Enum(EnumNode),
    Record(RecordNode),
    /// A union in the bytes: read the branch, go on there.
    Switch(Box<[NodeId]>),
    /// A union in the value: the value is in this branch of it. Nothing is read.
    Tagged {
        union: u32,
        branch: u32,
        inner: NodeId,
    },
    /// Whoever gets here has data that the reader schema does not admit.
    Fail(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::avro) enum Number {
    Int,
    Long,
    Float,
    Double,
}

#[derive(Debug)]
pub(in crate::avro) struct EnumNode {
    /// By position in the bytes: the symbol for the reader, if it has one.
    pub(in crate::avro) symbols: Box<[Option<Symbol>]>,
}

/// A symbol as the reader's enum has it.
#[derive(Debug)]
pub(in crate::avro) struct Symbol {
    pub(in crate::avro) position: u32,
    pub(in crate::avro) text: Box<str>,
}

#[derive(Debug)]
pub(in crate::avro) struct RecordNode {
    pub(in crate::avro) name: TypeName,
    /// In the order in which to take them; defaults last.
    pub(in crate::avro) steps: Box<[Step]>,
    /// How many steps yield a field.
    pub(in crate::avro) fields: usize,
    /// Whether the fields come in the reader's order.
    pub(in crate::avro) in_order: bool,
    /// See [`Record::wraps`](super::shape::Record::wraps).
    pub(in crate::avro) wraps: bool,
}

#[derive(Debug)]
pub(in crate::avro) struct Step {
    /// The reader's name of the field.
    pub(in crate::avro) name: Box<str>,
    /// The field's position in the reader's record.
    pub(in crate::avro) position: usize,
    pub(in crate::avro) action: Action,
}

#[derive(Debug)]
pub(in crate::avro) enum Action {
    Read(NodeId),
    /// The reader does not know the field.
    Skip(NodeId),
    /// The writer does not know the field: its default, encoded.
    Default(NodeId, Box<[u8]>),
}

impl Plan {
    /// Reads values of a schema as they were written.
    pub(in crate::avro) fn plain(writer: &Shape) -> Self {
        planner::plain(writer)
    }

    /// Reads values of `writer` as values of `reader`.
    pub(in crate::avro) fn resolved(writer: &Shape, reader: &Shape) -> Self {
        planner::resolved(writer, reader)
    }

    #[inline]
    pub(in crate::avro) fn root(&self) -> NodeId {
        self.root
    }

    #[inline]
    pub(in crate::avro) fn get(&self, id: NodeId) -> &Node {
        // Ids are made by the planner only, for nodes of the same plan.
        &self.nodes[id.0 as usize]
    }

    /// The names of the branches of a union in the value.
    pub(in crate::avro) fn branch_names(&self, union: u32) -> &[TypeName] {
        &self.unions[union as usize]
    }
}
