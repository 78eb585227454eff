//! What nodes demand of a value, gathered from all that apply to it.

use serde_json::Value;

use crate::json::model::{
    Additional, ArrayNode, Criterion, Kind, Model, NodeId, NumberNode, ObjectNode, StringNode,
};
use crate::json::pattern::Pattern;
use crate::json::validate::to_value;

/// Most alternatives of one node.
const MOST_SHAPES: usize = 12;
/// Most nodes that are gathered from one node.
const MOST_LEAVES: usize = 200;
/// How far nodes for one value lead to others.
const DEEPEST: usize = 16;

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    pub const ALL: [Self; 6] =
        [Self::Null, Self::Boolean, Self::Number, Self::String, Self::Array, Self::Object];
}

/// What a schema has for a member or item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::json::witness) enum Slot {
    /// It may be anything.
    Any,
    /// There must be none.
    Refused,
    /// A schema.
    Node(NodeId),
}

impl Slot {
    pub fn node(self) -> Option<NodeId> {
        match self {
            Self::Node(id) => Some(id),
            Self::Any | Self::Refused => None,
        }
    }
}

/// Everything that some nodes demand.
#[derive(Default)]
pub(super) struct Facts<'m> {
    /// Types that one of the nodes insists on; a value must be of each.
    types: Vec<Type>,
    /// Values of `enum` and `const`.
    pub choices: Vec<Value>,
    pub strings: Vec<&'m StringNode>,
    pub numbers: Vec<&'m NumberNode>,
    pub objects: Vec<&'m ObjectNode>,
    pub arrays: Vec<&'m ArrayNode>,
}

impl<'m> Facts<'m> {
    pub fn of(model: &'m Model, nodes: &[NodeId]) -> Self {
        let mut facts = Self::default();
        for id in nodes {
            let mut typed = |is_typed: bool, kind: Type| {
                if is_typed {
                    facts.types.push(kind);
                }
            };
            match &model.node(*id).kind {
                Kind::Null => typed(true, Type::Null),
                Kind::Boolean => typed(true, Type::Boolean),
                Kind::String(string) => {
                    typed(string.is_typed, Type::String);
                    facts.strings.push(string);
                }
                Kind::Number(number) => {
                    typed(number.is_typed, Type::Number);
                    facts.numbers.push(number);
                }
                Kind::Object(object) => {
                    typed(object.is_typed, Type::Object);
                    facts.objects.push(object);
                }
                Kind::Array(array) => {
                    typed(array.is_typed, Type::Array);
                    facts.arrays.push(array);
                }
                Kind::Enum(values) => facts.choices.extend(values.iter().take(100).map(to_value)),
                Kind::Const(value) => facts.choices.push(to_value(value)),
                _ => {}
            }
        }
        facts
    }

    pub fn allows(&self, kind: Type) -> bool {
        self.types.iter().all(|demanded| *demanded == kind)
    }

    /// What is said about a member.
    pub fn member(&self, name: &str) -> Slot {
        let declared = |object: &&ObjectNode| {
            object.properties.iter().find(|(known, _)| known == name).map(|(_, id)| *id)
        };
        if let Some(id) = self.objects.iter().find_map(declared) {
            return Slot::Node(id);
        }
        let matching = |object: &&ObjectNode| {
            let mut patterns = object.pattern_properties.iter().take(50);
            patterns.find(|(pattern, _)| Pattern::new(pattern).is_found_in(name)).map(|(_, id)| *id)
        };
        if let Some(id) = self.objects.iter().find_map(matching) {
            return Slot::Node(id);
        }
        let other = |object: &&ObjectNode| match object.additional {
            Additional::Allowed => object.unevaluated.map(Slot::Node),
            Additional::Refused => Some(Slot::Refused),
            Additional::Schema(id) => Some(Slot::Node(id)),
        };
        self.objects.iter().find_map(other).unwrap_or(Slot::Any)
    }

    /// What is said about an item.
    pub fn item(&self, index: usize) -> Slot {
        let said = |array: &&ArrayNode| {
            if let Some(id) = array.tuple.as_ref().and_then(|tuple| tuple.get(index)) {
                return Some(Slot::Node(*id));
            }
            match (array.items, array.additional) {
                (Some(id), _) | (None, Additional::Schema(id)) => Some(Slot::Node(id)),
                (None, Additional::Refused) => Some(Slot::Refused),
                (None, Additional::Allowed) => array.unevaluated.map(Slot::Node),
            }
        };
        self.arrays.iter().find_map(said).unwrap_or(Slot::Any)
    }

    /// All member names that are mentioned.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for object in &self.objects {
            names.extend(object.properties.iter().map(|(name, _)| name.clone()));
            names.extend(object.required.iter().cloned());
            for (name, others) in &object.required_with {
                names.push(name.clone());
                names.extend(others.iter().cloned());
            }
            names.extend(object.schemas_with.iter().map(|(name, _)| name.clone()));
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// All patterns of member names.
    pub fn name_patterns(&self) -> impl Iterator<Item = &'m str> {
        let objects = self.objects.clone().into_iter();
        objects
            .flat_map(|object| object.pattern_properties.iter().map(|(pattern, _)| pattern.as_str()))
            .take(50)
    }
}

/// All nodes without further structure that a node leads to for the same value, on whatever condition.
pub(super) fn leaves(model: &Model, id: NodeId) -> Vec<NodeId> {
    let mut leaves = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut nodes = vec![id];
    while let Some(id) = nodes.pop() {
        if !seen.insert(id) || seen.len() > MOST_LEAVES {
            continue;
        }
        match &model.node(id).kind {
            Kind::Reference(reference) => nodes.push(reference.target),
            Kind::Not(inner) => nodes.push(*inner),
            Kind::Combined(combined) => nodes.extend(combined.written().iter().rev()),
            Kind::Conditional(parts) => {
                nodes.extend([parts.condition, parts.then, parts.otherwise].into_iter().flatten());
            }
            Kind::Object(object) => {
                leaves.push(id);
                nodes.extend(object.schemas_with.iter().map(|(_, schema)| *schema));
            }
            _ => leaves.push(id),
        }
    }
    leaves
}

/// The ways to satisfy a node: for each the nodes that apply together.
pub(super) fn shapes(model: &Model, id: NodeId) -> Vec<Vec<NodeId>> {
    shapes_at(model, id, DEEPEST)
}

fn shapes_at(model: &Model, id: NodeId, depth: usize) -> Vec<Vec<NodeId>> {
    let Some(depth) = depth.checked_sub(1) else { return vec![vec![id]] };
    let both = |a: Vec<Vec<NodeId>>, b: &[Vec<NodeId>]| {
        let mut all = Vec::new();
        for one in &a {
            for other in b {
                if all.len() < MOST_SHAPES && one.len() + other.len() <= MOST_LEAVES {
                    all.push([one.as_slice(), other].concat());
                }
            }
        }
        all
    };
    match &model.node(id).kind {
        Kind::Reference(reference) => shapes_at(model, reference.target, depth),
        Kind::Combined(combined) if combined.criterion == Criterion::AllOf => {
            let mut shapes = vec![Vec::new()];
            for child in combined.written().iter().take(MOST_LEAVES) {
                shapes = both(shapes, &shapes_at(model, *child, depth));
            }
            shapes
        }
        Kind::Combined(combined) => {
            let children = combined.written().iter().take(MOST_SHAPES);
            let mut shapes: Vec<_> = children.flat_map(|child| shapes_at(model, *child, depth)).collect();
            shapes.truncate(MOST_SHAPES);
            shapes
        }
        Kind::Conditional(parts) => {
            let of = |part: Option<NodeId>| {
                part.map_or_else(|| vec![Vec::new()], |id| shapes_at(model, id, depth))
            };
            let mut shapes = both(of(parts.condition), &of(parts.then));
            shapes.extend(of(parts.otherwise));
            shapes
        }
        _ => vec![vec![id]],
    }
}
