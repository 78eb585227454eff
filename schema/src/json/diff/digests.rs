//! Digests of what a node says, which tell whether two children of a combination are the same.

use md5::{Digest as _, Md5};

use super::plan::Side;
use super::walk::Walk;
use crate::json::model::{Additional, Digest, Kind, Model, Node, NodeId};
use crate::json::text;

impl Walk<'_> {
    /// The digest of a node and all below it; references count by their text.
    pub(super) fn digest(&mut self, side: Side, id: NodeId) -> Digest {
        let model = match side {
            Side::Writer => self.writer,
            Side::Reader => self.reader,
        };
        // Children first.
        let mut waiting = vec![(id, false)];
        while let Some((id, has_children)) = waiting.pop() {
            if self.digests.contains_key(&(side, id)) {
                continue;
            }
            if has_children {
                let digest = self.digest_of(side, model.node(id));
                self.digests.insert((side, id), digest);
            } else {
                waiting.push((id, true));
                waiting.extend(children(model, id).into_iter().map(|child| (child, false)));
            }
        }
        self.digests.get(&(side, id)).copied().unwrap_or_default()
    }

    fn digest_of(&self, side: Side, node: &Node) -> Digest {
        let mut hash = Md5::new();
        let mut say = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        };
        let child = |id: NodeId| format!("{:?}", self.digests.get(&(side, id)));
        let optional = |id: Option<NodeId>| id.map(child).unwrap_or_default();
        let additional = |additional: Additional| match additional {
            Additional::Schema(id) => child(id),
            other => format!("{other:?}"),
        };
        let sorted = |members: &[(String, NodeId)]| {
            let mut members: Vec<String> =
                members.iter().map(|(name, id)| format!("{name:?} {}", child(*id))).collect();
            members.sort();
            members.join(" ")
        };
        let annotations = &node.annotations;
        say(&format!(
            "{:?}",
            (&annotations.id, &annotations.title, &annotations.description, annotations.rest)
        ));
        say(&annotations.default.as_ref().map(text::normalized).unwrap_or_default());
        match &node.kind {
            Kind::String(node) => say(&format!("{node:?}")),
            Kind::Number(node) => say(&format!("{node:?}")),
            Kind::Enum(values) => {
                say("enum");
                values.iter().for_each(|value| say(&text::normalized(value)));
            }
            Kind::Const(value) => {
                say("const");
                say(&text::normalized(value));
            }
            Kind::Object(node) => {
                let mut lists: Vec<String> =
                    node.required_with.iter().map(|list| format!("{list:?}")).collect();
                lists.sort();
                say(&format!(
                    "object {:?}",
                    (node.is_typed, &node.required, node.min_properties, node.max_properties, lists)
                ));
                say(&sorted(&node.properties));
                say(&sorted(&node.pattern_properties));
                say(&sorted(&node.schemas_with));
                say(&additional(node.additional));
                say(&optional(node.unevaluated));
                say(&optional(node.property_names));
            }
            Kind::Array(node) => {
                let counts = (node.min_contains, node.max_contains, node.min_items, node.max_items);
                say(&format!("array {:?}", (node.is_typed, node.unique_items, counts)));
                say(&optional(node.items));
                let tuple =
                    node.tuple.as_ref().map(|ids| ids.iter().map(|id| child(*id)).collect::<Vec<_>>());
                say(&format!("{tuple:?}"));
                say(&additional(node.additional));
                say(&optional(node.unevaluated));
                say(&optional(node.contains));
            }
            Kind::Not(id) => {
                say("not");
                say(&child(*id));
            }
            Kind::Combined(combined) => {
                say(&format!("{:?}", (combined.criterion, combined.is_generated)));
                combined.children.iter().for_each(|id| say(&child(*id)));
            }
            Kind::Conditional(conditional) => {
                say("if");
                [conditional.condition, conditional.then, conditional.otherwise]
                    .into_iter()
                    .for_each(|id| say(&optional(id)));
            }
            Kind::Reference(reference) => {
                say("$ref");
                say(&reference.text);
            }
            other => say(&format!("{other:?}")),
        }
        hash.finalize().into()
    }
}

/// The nodes that a node holds.
fn children(model: &Model, id: NodeId) -> Vec<NodeId> {
    let mut found = Vec::new();
    let schema = |additional: Additional| match additional {
        Additional::Schema(id) => Some(id),
        _ => None,
    };
    match &model.node(id).kind {
        Kind::Object(node) => {
            let members = node.properties.iter().chain(&node.pattern_properties).chain(&node.schemas_with);
            found.extend(members.map(|(_, id)| *id));
            found.extend(
                schema(node.additional).into_iter().chain(node.unevaluated).chain(node.property_names),
            );
        }
        Kind::Array(node) => {
            found.extend(node.items.into_iter().chain(node.unevaluated).chain(node.contains));
            found.extend(node.tuple.iter().flatten().copied().chain(schema(node.additional)));
        }
        Kind::Not(id) => found.push(*id),
        Kind::Combined(combined) => found.extend(&combined.children),
        Kind::Conditional(conditional) => {
            found.extend(
                conditional.condition.into_iter().chain(conditional.then).chain(conditional.otherwise),
            );
        }
        _ => {}
    }
    found
}
