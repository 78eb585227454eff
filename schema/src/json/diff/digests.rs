//! Digests of what a node says, which tell whether two children of a combination are the same.

use md5::{Digest as _, Md5};

use super::plan::Side;
use super::walk::Walk;
use crate::json::model::{Additional, Bound, Criterion, Dialect, Digest, Kind, Model, Node, NodeId};
use crate::json::text;
use crate::jsontext::Json;

impl Walk<'_> {
    /// The digest of a node and all below it; references count by their text.
    pub(super) fn digest(&mut self, side: Side, id: NodeId) -> Digest {
        let model = self.model(side);
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
        let members = match &node.kind {
            Kind::True | Kind::False => vec![format!("{:?}", node.kind)],
            _ => self.members(side, node),
        };
        let mut hash = Md5::new();
        for member in members {
            hash.update(member.len().to_le_bytes());
            hash.update(member.as_bytes());
        }
        hash.finalize().into()
    }

    /// What the reference prints of a node, in some order of ours: keywords that say nothing are left out, so that nodes
    /// of several kinds may come to the same.
    fn members(&self, side: Side, node: &Node) -> Vec<String> {
        let child = |id: NodeId| format!("{:?}", self.digests.get(&(side, id)));
        let schemas = |members: &[(String, NodeId)]| {
            let members = members.iter().map(|(name, id)| format!("{name:?} {}", child(*id)));
            sorted(members).join(" ")
        };
        let list = |ids: &[NodeId]| ids.iter().map(|id| child(*id)).collect::<Vec<_>>().join(" ");
        let schema = |additional: Additional| match additional {
            Additional::Allowed => None,
            Additional::Refused => Some("false".to_owned()),
            Additional::Schema(id) => Some(child(id)),
        };
        let filled = |text: String| Some(text).filter(|text| !text.is_empty());
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        let bound = |bound: &Option<Bound>| bound.as_ref().map(|bound| shortest(&bound.text).to_owned());
        let is_modern = self.model(side).dialect() == Dialect::Modern;
        let is_true = |flag: bool| flag.then(String::new);
        let annotations = &node.annotations;
        let rest = Some(annotations.rest).filter(|rest| *rest != Digest::default());
        let mut members = vec![
            ("id", annotations.id.clone()),
            ("title", annotations.title.clone()),
            ("description", annotations.description.clone()),
            ("default", annotations.default.as_ref().map(printed)),
            ("the rest", rest.map(|rest| format!("{rest:?}"))),
        ];
        let typed = |is_typed: bool, name: &str| ("type", is_typed.then(|| name.to_owned()));
        match &node.kind {
            Kind::Empty | Kind::True | Kind::False => {}
            Kind::Null => members.push(typed(true, "null")),
            Kind::Boolean => members.push(typed(true, "boolean")),
            Kind::String(node) => members.extend([
                typed(node.is_typed, "string"),
                ("minLength", number(node.min_length)),
                ("maxLength", number(node.max_length)),
                ("pattern", node.pattern.clone()),
                ("format", node.format.clone()),
            ]),
            Kind::Number(node) => members.extend([
                typed(node.is_typed, if node.is_integer { "integer" } else { "number" }),
                ("minimum", bound(&node.minimum)),
                ("maximum", bound(&node.maximum)),
                ("exclusiveMinimum", bound(&node.exclusive_minimum)),
                ("exclusiveMaximum", bound(&node.exclusive_maximum)),
                ("minimum is exclusive", is_true(node.minimum_is_exclusive)),
                ("maximum is exclusive", is_true(node.maximum_is_exclusive)),
                ("multipleOf", bound(&node.multiple_of)),
            ]),
            // The reference keeps a set.
            Kind::Enum(values) => {
                members.push(("enum", Some(sorted(values.iter().map(printed)).join(" "))));
            }
            Kind::Const(value) => members.push(("const", Some(printed(value)))),
            Kind::Object(node) => {
                let names = |names: &[String]| format!("{:?}", sorted(names.iter().cloned()));
                let lists = node.required_with.iter().map(|(name, list)| format!("{name:?} {}", names(list)));
                let required = Some(&node.required).filter(|names| !names.is_empty());
                members.extend([
                    typed(node.is_typed, "object"),
                    ("required", required.map(|names| format!("{names:?}"))),
                    ("minProperties", number(node.min_properties)),
                    ("maxProperties", number(node.max_properties)),
                    ("properties", filled(schemas(&node.properties))),
                    ("patternProperties", filled(schemas(&node.pattern_properties))),
                    ("lists of dependencies", filled(sorted(lists).join(" "))),
                    ("schemas of dependencies", filled(schemas(&node.schemas_with))),
                    ("additionalProperties", schema(node.additional)),
                    ("unevaluatedProperties", node.unevaluated.map(child)),
                    ("propertyNames", node.property_names.map(child)),
                ]);
            }
            Kind::Array(node) => members.extend([
                typed(node.is_typed, "array"),
                ("uniqueItems", is_true(node.unique_items)),
                ("minContains", number(node.min_contains)),
                ("maxContains", number(node.max_contains)),
                ("minItems", number(node.min_items)),
                ("maxItems", number(node.max_items)),
                ("items", node.items.map(child)),
                ("first items", filled(list(node.tuple.as_deref().unwrap_or_default()))),
                ("additionalItems", schema(node.additional)),
                ("unevaluatedItems", node.unevaluated.map(child)),
                ("contains", node.contains.map(child)),
            ]),
            Kind::Not(id) => members.push(("not", Some(child(*id)))),
            Kind::Combined(combined) => {
                // Drafts 4–7 print keywords side by side as they were.
                let is_flat = combined.is_generated && combined.criterion == Criterion::AllOf && !is_modern;
                let key = if is_flat { "side by side" } else { combined.criterion.as_str() };
                members.push((key, Some(list(&combined.children))));
            }
            Kind::Conditional(conditional) => members.extend([
                ("if", conditional.condition.map(child)),
                ("then", conditional.then.map(child)),
                ("else", conditional.otherwise.map(child)),
            ]),
            Kind::Reference(reference) => members.push(("$ref", Some(reference.text.clone()))),
        }
        members.into_iter().filter_map(|(key, text)| text.map(|text| format!("{key}: {text}"))).collect()
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

/// A value as the reference prints it inside a schema.
fn printed(value: &Json) -> String {
    let mut value = value.clone();
    let mut values = vec![&mut value];
    while let Some(value) = values.pop() {
        match value {
            Json::Number(text) => text.truncate(shortest(text).len()),
            Json::Array(items) => values.extend(items),
            Json::Object(members) => values.extend(members.iter_mut().map(|(_, member)| member)),
            _ => {}
        }
    }
    text::normalized(&value)
}

/// A number without zeros at the end of its fraction.
fn shortest(number: &str) -> &str {
    if !number.contains('.') || number.contains('E') {
        return number;
    }
    number.trim_end_matches('0').trim_end_matches('.')
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
