//! What schemas say, in words short enough for a line.

use crate::avro::attributes::clip;
use crate::avro::model::{AvroSchema, Kind, Name, NodeId, Order};
use crate::avro::names::{branch_name, named, type_name};

/// Most names of a list that are shown.
const SHOWN_NAMES: usize = 20;

/// A type, with the names of the types it is made of.
pub(super) fn type_text(schema: &AvroSchema, id: NodeId) -> String {
    let kind = &schema.node(id).kind;
    let text = match kind {
        Kind::Array(part) | Kind::Map(part) => {
            format!("{} of {}", type_name(kind), branch_name(&schema.node(*part).kind))
        }
        Kind::Union(branches) => {
            list(branches.iter().map(|branch| branch_name(&schema.node(*branch).kind)), branches.len())
        }
        kind => match named(kind) {
            Some(named) => format!("{} {}", type_name(kind), named.name),
            None => type_name(kind).to_owned(),
        },
    };
    clip(&text).into_owned()
}

pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", clip(text))
}

pub(super) fn names_text(aliases: &[Name]) -> String {
    list(aliases.iter().map(Name::to_string), aliases.len())
}

/// `[a, b]`, cut if it is long.
pub(super) fn list(names: impl Iterator<Item = String>, count: usize) -> String {
    let shown: Vec<String> = names.take(SHOWN_NAMES).map(|name| clip(&name).into_owned()).collect();
    let more = count.saturating_sub(SHOWN_NAMES);
    if more > 0 {
        format!("[{}, and {more} more]", shown.join(", "))
    } else {
        format!("[{}]", shown.join(", "))
    }
}

pub(super) fn order_text(order: Order) -> &'static str {
    match order {
        Order::Ascending => "ascending",
        Order::Descending => "descending",
        Order::Ignore => "ignore",
    }
}
