//! What leads from one node of a schema to another, as far as validation is concerned.

use crate::json::model::{Additional, Kind, Model, NodeId};

/// An edge of the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub to: NodeId,
    /// Whether the node is held against the same value.
    pub is_in_place: bool,
}

/// All edges that leave a node and matter to validation.
pub(super) fn edges(model: &Model, id: NodeId) -> impl Iterator<Item = Edge> + use<> {
    let mut edges = Vec::new();
    let mut add = |to: NodeId, is_in_place: bool| edges.push(Edge { to, is_in_place });
    match &model.node(id).kind {
        Kind::Reference(reference) => add(reference.target, true),
        Kind::Not(inner) => add(*inner, true),
        Kind::Combined(combined) => combined.written().iter().for_each(|child| add(*child, true)),
        Kind::Conditional(conditional) => {
            let parts = [conditional.condition, conditional.then, conditional.otherwise];
            parts.into_iter().flatten().for_each(|part| add(part, true));
        }
        Kind::Object(object) => {
            object.properties.iter().for_each(|(_, child)| add(*child, false));
            object.pattern_properties.iter().for_each(|(_, child)| add(*child, false));
            object.unevaluated.into_iter().for_each(|child| add(child, false));
            object.property_names.into_iter().for_each(|child| add(child, false));
            object.schemas_with.iter().for_each(|(_, child)| add(*child, true));
            if let Additional::Schema(child) = object.additional {
                add(child, false);
            }
        }
        Kind::Array(array) => {
            array.items.into_iter().for_each(|child| add(child, false));
            array.tuple.iter().flatten().for_each(|child| add(*child, false));
            array.unevaluated.into_iter().for_each(|child| add(child, false));
            array.contains.into_iter().for_each(|child| add(child, false));
            if let Additional::Schema(child) = array.additional {
                add(child, false);
            }
        }
        _ => {}
    }
    edges.into_iter()
}
