//! The smallest value of each type of a schema, found for all types at once (Knuth's generalization of Dijkstra's
//! algorithm): a type is settled once the cheapest of all that are not has a price made of settled ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::avro::model::{AvroSchema, Kind, NodeId};

/// What the smallest values cost, and which branches they choose.
pub(super) struct Smallest {
    types: Vec<Price>,
}

#[derive(Clone, Copy)]
struct Price {
    /// Encoded bytes, and one for each value; [`ENDLESS`] if no finite value exists.
    cost: u64,
    settled: bool,
    /// Of a union.
    branch: u32,
    /// Fields of a record without a price, in the end those without a finite value.
    open_fields: u32,
}

const ENDLESS: u64 = u64::MAX;

impl Smallest {
    /// Takes time in proportion to the types, fields and branches, but for a logarithm.
    pub(super) fn of(schema: &AvroSchema) -> Self {
        let unknown = Price { cost: ENDLESS, settled: false, branch: 0, open_fields: 0 };
        let mut smallest = Self { types: vec![unknown; schema.node_count()] };
        let mut users: Vec<Vec<(NodeId, u32)>> = vec![Vec::new(); schema.node_count()];
        let mut queue = BinaryHeap::new();
        for (id, at) in (0..).map(NodeId).zip(0..schema.node_count()) {
            let mut uses = |part: NodeId, position: usize| {
                if let (Some(users), Ok(position)) = (users.get_mut(part.index()), u32::try_from(position)) {
                    users.push((id, position));
                }
            };
            let bytes = match &schema.node(id).kind {
                Kind::Null => Some(0),
                Kind::Boolean | Kind::Int | Kind::Long | Kind::Bytes | Kind::String => Some(1),
                Kind::Array(_) | Kind::Map(_) => Some(1),
                Kind::Float => Some(4),
                Kind::Double => Some(8),
                Kind::Fixed(fixed) => Some(fixed.size as u64),
                Kind::Enum(symbols) => (!symbols.symbols.is_empty()).then_some(1),
                Kind::Union(branches) => {
                    branches.iter().enumerate().for_each(|(position, branch)| uses(*branch, position));
                    None
                }
                Kind::Record(record) => {
                    record.fields.iter().enumerate().for_each(|(at, field)| uses(field.schema, at));
                    if let Some(price) = smallest.types.get_mut(at) {
                        price.open_fields = u32::try_from(record.fields.len()).unwrap_or(u32::MAX);
                        price.cost = 1;
                    }
                    record.fields.is_empty().then_some(0)
                }
            };
            if let (Some(bytes), Some(price)) = (bytes, smallest.types.get_mut(at)) {
                price.cost = bytes.saturating_add(1).min(ENDLESS - 1);
                queue.push(Reverse((price.cost, id)));
            }
        }
        while let Some(Reverse((cost, id))) = queue.pop() {
            match smallest.types.get_mut(id.index()) {
                Some(price) if !price.settled => price.settled = true,
                _ => continue,
            }
            for &(user, position) in users.get(id.index()).into_iter().flatten() {
                let is_union = matches!(schema.node(user).kind, Kind::Union(_));
                let Some(price) = smallest.types.get_mut(user.index()).filter(|price| !price.settled) else {
                    continue;
                };
                if is_union {
                    let with_number = cost.saturating_add(1).min(ENDLESS - 1);
                    if (with_number, position) < (price.cost, price.branch) {
                        (price.cost, price.branch) = (with_number, position);
                        queue.push(Reverse((with_number, user)));
                    }
                } else {
                    price.cost = price.cost.saturating_add(cost).min(ENDLESS - 1);
                    price.open_fields = price.open_fields.saturating_sub(1);
                    if price.open_fields == 0 {
                        queue.push(Reverse((price.cost, user)));
                    }
                }
            }
        }
        smallest
    }

    /// Whether a type has a finite value.
    pub(super) fn exists(&self, id: NodeId) -> bool {
        self.types.get(id.index()).is_some_and(|price| price.settled)
    }

    /// Whether all fields of a record but the one of this type have finite values.
    pub(super) fn exists_beside(&self, record: NodeId, field: NodeId) -> bool {
        let open = self.types.get(record.index()).map_or(u32::MAX, |price| price.open_fields);
        open == 0 || (open == 1 && !self.exists(field))
    }

    /// The branch of a union's smallest value.
    pub(super) fn branch(&self, union: NodeId) -> usize {
        self.types.get(union.index()).map_or(0, |price| price.branch as usize)
    }
}
