//! The Avro model: loses nothing that the text said. Types live in an arena, so recursive schemas need no pointers.

use std::fmt;
use std::sync::Arc;

use crate::format::Strictness;
use crate::jsontext::Json;
use crate::limits::Limits;
use crate::reference::ResolvedReferences;

/// Index of a type among those of an [`AvroSchema`]. A named type has one node, wherever it is used (unless the text
/// defines it more than once); an unnamed type has one node per use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Position in the arena.
    pub(crate) fn index(self) -> usize {
        // Ids come from counting nodes, which `Limits::nodes` keeps far below this.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A parsed Avro schema with everything it references.
#[derive(Clone, Debug)]
pub struct AvroSchema {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: NodeId,
    pub(crate) canonical: String,
    pub(crate) source: Arc<Source>,
}

/// How a schema was read: what is needed to read another text of it the same way.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The closure it was read with.
    pub(crate) references: ResolvedReferences,
    /// Full names of the top-level schemas of the closure: canonical text never expands these.
    pub(crate) elided: Vec<String>,
    pub(crate) strictness: Strictness,
    pub(crate) limits: Limits,
}

impl AvroSchema {
    /// A schema of nodes that were not read from text, so that it has no canonical text.
    #[cfg(test)]
    pub(crate) fn from_nodes(nodes: Vec<Node>, root: NodeId) -> Self {
        let source = Source {
            references: ResolvedReferences::default(),
            elided: Vec::new(),
            strictness: Strictness::Stored,
            limits: Limits::default(),
        };
        Self { nodes, root, canonical: String::new(), source: Arc::new(source) }
    }

    /// The top-level type.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The type behind an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// How many types there are; ids run from 0 to this.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

/// One use of an unnamed type, or a named type.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Attributes that are not reserved, in original order, numbers as written (`logicalType` among them).
    pub props: Vec<(String, Json)>,
}

impl Node {
    /// The types this one is made of, in order.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut NodeId> {
        match &mut self.kind {
            Kind::Array(child) | Kind::Map(child) => vec![child],
            Kind::Union(branches) => branches.iter_mut().collect(),
            Kind::Record(record) => record.fields.iter_mut().map(|field| &mut field.schema).collect(),
            _ => Vec::new(),
        }
    }
}

/// The type of a [`Node`].
#[derive(Clone, Debug)]
pub enum Kind {
    /// `null`
    Null,
    /// `boolean`
    Boolean,
    /// `int`
    Int,
    /// `long`
    Long,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `bytes`
    Bytes,
    /// `string`
    String,
    /// Items.
    Array(NodeId),
    /// Values.
    Map(NodeId),
    /// Branches in order.
    Union(Vec<NodeId>),
    /// A record or an error.
    Record(Record),
    /// An enum.
    Enum(Enum),
    /// A fixed.
    Fixed(Fixed),
}

/// A full name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Without the namespace.
    pub simple: String,
    /// Dotted; `None` for the null namespace.
    pub namespace: Option<String>,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}.")?;
        }
        f.write_str(&self.simple)
    }
}

/// What records, enums and fixeds have in common.
#[derive(Clone, Debug)]
pub struct Named {
    /// The full name.
    pub name: Name,
    /// Aliases as full names, in original order.
    pub aliases: Vec<Name>,
    /// The doc string.
    pub doc: Option<String>,
}

/// A record type.
#[derive(Clone, Debug)]
pub struct Record {
    /// Name, aliases, doc.
    pub named: Named,
    /// Whether the text said `error`.
    pub is_error: bool,
    /// Fields in order.
    pub fields: Vec<Field>,
}

/// A field of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The type.
    pub schema: NodeId,
    /// The doc string.
    pub doc: Option<String>,
    /// The default; `Some(Json::Null)` is a default of null.
    pub default: Option<Json>,
    /// How it sorts.
    pub order: Order,
    /// Other names.
    pub aliases: Vec<String>,
    /// Attributes that are not reserved, in original order.
    pub props: Vec<(String, Json)>,
}

/// Sort order of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// `ascending`
    #[default]
    Ascending,
    /// `descending`
    Descending,
    /// `ignore`
    Ignore,
}

/// An enum type.
#[derive(Clone, Debug)]
pub struct Enum {
    /// Name, aliases, doc.
    pub named: Named,
    /// Symbols in order.
    pub symbols: Vec<String>,
    /// The symbol that readers use for unknown ones.
    pub default: Option<String>,
}

/// A fixed type.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Name, aliases, doc.
    pub named: Named,
    /// Size in bytes.
    pub size: usize,
}
