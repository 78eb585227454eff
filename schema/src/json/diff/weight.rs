//! How much work it is to look at a node once: long texts and lists are compared anew for every pair that a node is in.

use crate::json::model::{Kind, Model, Node};
use crate::jsontext::Json;

/// The weight of every node, in the order of their ids, in pairs of small nodes.
pub(super) fn of_all(model: &Model) -> Vec<usize> {
    model.nodes.iter().map(of).collect()
}

fn of(node: &Node) -> usize {
    /// Bytes that are compared as fast as a small node.
    const BYTES: usize = 256;
    let annotations = &node.annotations;
    let texts = [&annotations.id, &annotations.title, &annotations.description];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let default = annotations.default.as_ref().map_or(0, size);
    let own = match &node.kind {
        Kind::String(node) => node.pattern.as_ref().map_or(0, String::len) / BYTES,
        // Exact division takes the square of the digits.
        Kind::Number(node) => node.multiple_of.as_ref().map_or(0, |bound| bound.text.len().pow(2) / 64),
        Kind::Object(node) => {
            let dependent: usize = node.required_with.iter().map(|(_, names)| 1 + names.len()).sum();
            node.properties.len() + node.required.len() + node.schemas_with.len() + dependent
        }
        Kind::Array(node) => node.tuple.as_ref().map_or(0, Vec::len),
        Kind::Enum(values) => values.iter().map(|value| 1 + size(value) / 16).sum(),
        Kind::Const(value) => size(value) / 16,
        Kind::Combined(combined) => combined.children.len(),
        _ => 0,
    };
    1 + own + (texts + default) / BYTES
}

/// About how many bytes a value takes as text.
fn size(json: &Json) -> usize {
    let mut bytes = 0;
    let mut values = vec![json];
    while let Some(value) = values.pop() {
        bytes += 4;
        match value {
            Json::String(text) | Json::Number(text) => bytes += text.len(),
            Json::Array(items) => values.extend(items),
            Json::Object(members) => {
                bytes += members.iter().map(|(key, _)| key.len()).sum::<usize>();
                values.extend(members.iter().map(|(_, member)| member));
            }
            _ => {}
        }
    }
    bytes
}
