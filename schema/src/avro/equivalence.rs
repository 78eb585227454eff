//! When two schemas are the same to a look-up (schema formats spec §1.7).

use std::collections::HashSet;
use std::hash::Hash;

use super::model::{Enum, Field, Fixed, Kind, Named, Node, NodeId, Record};
use crate::jsontext::{Json, Number, same_attributes};

/// Whether the two models are equal, and with them docs, aliases and enum defaults everywhere.
pub(super) fn equivalent(a: (&[Node], NodeId), b: (&[Node], NodeId)) -> bool {
    same(a, b, true)
}

/// Whether two types of one arena are equal models; docs, aliases and enum defaults do not count.
///
/// This is what a second definition of a name is held against.
pub(super) fn same_model(nodes: &[Node], a: NodeId, b: NodeId) -> bool {
    same((nodes, a), (nodes, b), false)
}

/// Compares pair by pair. A pair that is met again is not compared again, so recursive types come to an end.
fn same((a, a_root): (&[Node], NodeId), (b, b_root): (&[Node], NodeId), with_notes: bool) -> bool {
    let is_one_arena = std::ptr::eq(a, b);
    let mut seen = HashSet::new();
    let mut pairs = vec![(a_root, b_root)];
    while let Some((a_id, b_id)) = pairs.pop() {
        if is_one_arena && a_id == b_id {
            continue;
        }
        let (Some(a), Some(b)) = (a.get(a_id.index()), b.get(b_id.index())) else { return false };
        let is_new = !matches!(a.kind, Kind::Record(_)) || seen.insert((a_id, b_id));
        if is_new && !same_node(a, b, with_notes, &mut pairs) {
            return false;
        }
    }
    true
}

/// Compares two types without what they are made of, which is queued.
fn same_node(a: &Node, b: &Node, with_notes: bool, pairs: &mut Vec<(NodeId, NodeId)>) -> bool {
    let same_kind = match (&a.kind, &b.kind) {
        (Kind::Array(a), Kind::Array(b)) | (Kind::Map(a), Kind::Map(b)) => {
            pairs.push((*a, *b));
            true
        }
        (Kind::Union(a), Kind::Union(b)) => {
            pairs.extend(a.iter().copied().zip(b.iter().copied()));
            a.len() == b.len()
        }
        (Kind::Record(a), Kind::Record(b)) => same_record(a, b, with_notes, pairs),
        (Kind::Enum(a), Kind::Enum(b)) => {
            let Enum { named, symbols, default } = a;
            same_names(named, &b.named, with_notes)
                && *symbols == b.symbols
                && (!with_notes || *default == b.default)
        }
        (Kind::Fixed(a), Kind::Fixed(b)) => {
            let Fixed { named, size } = a;
            same_names(named, &b.named, with_notes) && *size == b.size
        }
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    same_kind && same_attributes(&a.props, &b.props)
}

fn same_record(a: &Record, b: &Record, with_notes: bool, pairs: &mut Vec<(NodeId, NodeId)>) -> bool {
    // Whether it says `record` or `error` makes no difference.
    if !same_names(&a.named, &b.named, with_notes) || a.fields.len() != b.fields.len() {
        return false;
    }
    a.fields.iter().zip(&b.fields).all(|(a, b)| {
        let Field { name, schema, doc, default, order, aliases, props } = a;
        pairs.push((*schema, b.schema));
        *name == b.name
            && *order == b.order
            && same_default(default.as_ref(), b.default.as_ref())
            && same_attributes(props, &b.props)
            && (!with_notes || (*doc == b.doc && same_set(aliases, &b.aliases)))
    })
}

fn same_names(a: &Named, b: &Named, with_notes: bool) -> bool {
    a.name == b.name && (!with_notes || (a.doc == b.doc && same_set(&a.aliases, &b.aliases)))
}

fn same_default(a: Option<&Json>, b: Option<&Json>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(Json::Number(a)), Some(Json::Number(b))) => Number::of(a) == Number::of(b),
        (Some(a), Some(b)) => a.same_value(b),
        _ => false,
    }
}

/// Both lists are free of repetitions.
fn same_set<T: Eq + Hash>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && (a == b || a.iter().collect::<HashSet<_>>() == b.iter().collect::<HashSet<_>>())
}
