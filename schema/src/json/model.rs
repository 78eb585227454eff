//! The tree of typed nodes that a JSON Schema text stands for (schema formats spec §3.5).
//!
//! Compatibility compares this tree, never the text. One JSON object may become several nodes: `{"type": "string",
//! "enum": ["a"]}` is a generated [`Kind::Combined`] of an enum and a string. Nodes live in an arena; a `$ref` is a node
//! of its own that names its target, so recursive schemas need no pointers.

use crate::jsontext::Json;

/// Index of a node among those of a [`JsonSchema`](super::JsonSchema). One place of a text has one node, however many
/// references lead to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(in crate::json) u32);

impl NodeId {
    /// Position in the arena.
    pub(in crate::json) fn index(self) -> usize {
        // Ids come from counting nodes, which `Limits::nodes` keeps far below this.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Which set of keywords a text is read with (schema formats spec §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Draft 4.
    Draft4,
    /// Draft 6.
    Draft6,
    /// Draft 7: also what a text without `$schema`, or with an unknown one, is read as.
    Draft7,
    /// 2019-09 and 2020-12, both read with the keywords of 2020-12.
    Modern,
}

/// The nodes of a schema and of everything it references.
#[derive(Clone, Debug)]
pub struct Model {
    pub(in crate::json) nodes: Vec<Node>,
    pub(in crate::json) root: NodeId,
    pub(in crate::json) dialect: Dialect,
}

impl Model {
    /// The node of the whole text.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The dialect of the text, and of the texts it references.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The node behind an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// How many nodes there are; ids run from 0 to this.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Follows references to the first node that is none; `None` if they only lead to each other.
    pub fn resolve(&self, id: NodeId) -> Option<NodeId> {
        let (mut at, mut steps) = (id, 0);
        while let Kind::Reference(reference) = &self.node(at).kind {
            steps += 1;
            if steps > self.nodes.len() {
                return None;
            }
            at = reference.target;
        }
        Some(at)
    }
}

/// One node: what it demands, and what is said about it.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What it demands.
    pub kind: Kind,
    /// What is said about it.
    pub annotations: Annotations,
}

/// The attributes that say something about a value without constraining it. Nodes that are generated inside a
/// [`Kind::Combined`] have none: they are on the outer node.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    /// `$id`, or `id` in draft 4.
    pub id: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `default`
    pub default: Option<Json>,
    /// Whether the unknown keyword `connect.type` says `bytes`.
    pub(in crate::json) is_connect_bytes: bool,
    /// Stands for all keywords that nothing else in the node holds: equal if and only if they are.
    pub(in crate::json) rest: Digest,
}

/// MD5 of a rendering.
pub(in crate::json) type Digest = [u8; 16];

/// What a [`Node`] demands of a value.
#[derive(Clone, Debug, Default)]
pub enum Kind {
    /// Nothing: `{}`, or only annotations and unknown keywords.
    #[default]
    Empty,
    /// Nothing: `true`.
    True,
    /// The impossible: `false`.
    False,
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A string, or anything if it is not one.
    String(Box<StringNode>),
    /// A number, or anything if it is not one.
    Number(Box<NumberNode>),
    /// An object, or anything if it is not one.
    Object(Box<ObjectNode>),
    /// An array, or anything if it is not one.
    Array(Box<ArrayNode>),
    /// One of these values.
    Enum(Vec<Json>),
    /// This value.
    Const(Json),
    /// Whatever the other node refuses.
    Not(NodeId),
    /// Several nodes at once.
    Combined(Combined),
    /// `if`, `then` and `else`.
    Conditional(Conditional),
    /// A `$ref` (or `$dynamicRef`).
    Reference(Reference),
}

/// Keywords of strings.
#[derive(Clone, Debug, Default)]
pub struct StringNode {
    /// Whether `type` says `string`; if not, values of other types pass.
    pub is_typed: bool,
    /// `minLength`, in characters; may be negative, as texts may say so.
    pub min_length: Option<i32>,
    /// `maxLength`, in characters.
    pub max_length: Option<i32>,
    /// `pattern`, a Java regular expression found anywhere in the value.
    pub pattern: Option<String>,
    /// `format`, if drafts 4–7 know the name; modern dialects ignore the keyword.
    pub format: Option<String>,
}

/// Keywords of numbers.
#[derive(Clone, Debug, Default)]
pub struct NumberNode {
    /// Whether `type` says `number` or `integer`; if not, values of other types pass.
    pub is_typed: bool,
    /// Whether `type` says `integer`.
    pub is_integer: bool,
    /// `minimum`
    pub minimum: Option<Bound>,
    /// `maximum`
    pub maximum: Option<Bound>,
    /// `exclusiveMinimum` where it is a number.
    pub exclusive_minimum: Option<Bound>,
    /// `exclusiveMaximum` where it is a number.
    pub exclusive_maximum: Option<Bound>,
    /// Draft 4: whether `exclusiveMinimum` is `true`, so that `minimum` itself is refused.
    pub minimum_is_exclusive: bool,
    /// Draft 4: whether `exclusiveMaximum` is `true`, so that `maximum` itself is refused.
    pub maximum_is_exclusive: bool,
    /// `multipleOf`
    pub multiple_of: Option<Bound>,
}

/// A number of a schema: as written in canonical text, and as the double that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// Canonical text.
    pub text: String,
    /// The nearest double, infinite beyond their range.
    pub value: f64,
}

/// Keywords of objects.
#[derive(Clone, Debug, Default)]
pub struct ObjectNode {
    /// Whether `type` says `object`; if not, values of other types pass.
    pub is_typed: bool,
    /// `properties`, in source order.
    pub properties: Vec<(String, NodeId)>,
    /// `required`, as listed.
    pub required: Vec<String>,
    /// `patternProperties`, in source order.
    pub pattern_properties: Vec<(String, NodeId)>,
    /// `additionalProperties`
    pub additional: Additional,
    /// Whether `additionalProperties` is `true` (modern dialects): the same as nothing but for `unevaluatedProperties`.
    pub is_all_evaluated: bool,
    /// `unevaluatedProperties` (modern dialects).
    pub unevaluated: Option<NodeId>,
    /// `propertyNames`
    pub property_names: Option<NodeId>,
    /// Lists of `dependencies` or `dependentRequired`. An empty list counts as none.
    pub required_with: Vec<(String, Vec<String>)>,
    /// Schemas of `dependencies` or `dependentSchemas`.
    pub schemas_with: Vec<(String, NodeId)>,
    /// `minProperties`
    pub min_properties: Option<i32>,
    /// `maxProperties`
    pub max_properties: Option<i32>,
}

/// Keywords of arrays.
#[derive(Clone, Debug, Default)]
pub struct ArrayNode {
    /// Whether `type` says `array`; if not, values of other types pass.
    pub is_typed: bool,
    /// The schema of all items: `items` where it is one schema (modern: and there are no `prefixItems`).
    pub items: Option<NodeId>,
    /// The schemas of the first items: an `items` list, or `prefixItems`.
    pub tuple: Option<Vec<NodeId>>,
    /// What follows them: `additionalItems`, or `items` beside `prefixItems`.
    pub additional: Additional,
    /// Whether `items` is `true` (modern dialects): the same as nothing but for `unevaluatedItems`.
    pub is_all_evaluated: bool,
    /// `unevaluatedItems` (modern dialects).
    pub unevaluated: Option<NodeId>,
    /// `contains`
    pub contains: Option<NodeId>,
    /// `minContains` (1 in modern dialects if `contains` stands alone). Means nothing in drafts 4–7.
    pub min_contains: Option<i32>,
    /// `maxContains` (in modern dialects only beside `contains`). Means nothing in drafts 4–7.
    pub max_contains: Option<i32>,
    /// `minItems`
    pub min_items: Option<i32>,
    /// `maxItems`
    pub max_items: Option<i32>,
    /// `uniqueItems`
    pub unique_items: bool,
}

/// What else an object or array may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Additional {
    /// Anything.
    #[default]
    Allowed,
    /// Nothing.
    Refused,
    /// What this schema accepts.
    Schema(NodeId),
}

/// How the children of a [`Combined`] are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Criterion {
    /// All must accept.
    AllOf,
    /// At least one must accept.
    AnyOf,
    /// Exactly one must accept.
    OneOf,
}

impl Criterion {
    /// The keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllOf => "allOf",
            Self::AnyOf => "anyOf",
            Self::OneOf => "oneOf",
        }
    }
}

/// Several nodes at once.
#[derive(Clone, Debug)]
pub struct Combined {
    /// How many must accept.
    pub criterion: Criterion,
    /// The children, as listed.
    pub children: Vec<NodeId>,
    /// Whether the text does not say so: several keywords of different kinds side by side (`allOf`), or a list of
    /// types (`anyOf`).
    pub is_generated: bool,
    /// The children as the text has them, where the comparison takes them apart (modern dialects).
    pub(in crate::json) written: Option<Vec<NodeId>>,
}

impl Combined {
    /// The children as the text has them, for validation.
    pub(in crate::json) fn written(&self) -> &[NodeId] {
        self.written.as_ref().unwrap_or(&self.children)
    }
}

/// `if`, `then` and `else`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditional {
    /// `if`
    pub condition: Option<NodeId>,
    /// `then`
    pub then: Option<NodeId>,
    /// `else`
    pub otherwise: Option<NodeId>,
}

/// A reference to a node.
#[derive(Clone, Debug)]
pub struct Reference {
    /// As written.
    pub text: String,
    /// Where it leads; possibly to another reference, even to itself.
    pub target: NodeId,
    /// Tells apart what the reference implementation loads for references, by resolved URI: 0 is the text itself.
    pub(in crate::json) copy: u32,
}
