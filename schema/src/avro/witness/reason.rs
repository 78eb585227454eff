//! Why a reader cannot read a witness, in words.

use super::search::Leaf;
use crate::avro::model::{AvroSchema, Kind, NodeId};
use crate::avro::names::{branch_name, named, type_name};

/// Most branches of a union that a reason names.
const SHOWN_BRANCHES: usize = 10;

/// The rule that the end of the way breaks.
pub(super) fn reason(reader: &AvroSchema, writer: &AvroSchema, leaf: &Leaf) -> String {
    let reads = |id: NodeId| shown(&reader.node(id).kind);
    let wrote = |id: NodeId| shown(&writer.node(id).kind);
    match *leaf {
        Leaf::Types((r, w)) => format!("the writer wrote {}, the reader expects {}", wrote(w), reads(r)),
        Leaf::Names((r, w)) => format!(
            "the writer wrote {}, the reader expects {}: the names differ, and no alias of the reader's is {}",
            wrote(w),
            reads(r),
            branch_name(&writer.node(w).kind)
        ),
        Leaf::Sizes((r, w)) => {
            format!(
                "the writer wrote {} bytes, the reader's {} takes {}",
                size(writer, w),
                reads(r),
                size(reader, r)
            )
        }
        Leaf::Symbols { pair: (r, w), first_missing } => {
            let symbol = match &writer.node(w).kind {
                Kind::Enum(symbols) => symbols.symbols.get(first_missing).map(String::as_str),
                _ => None,
            };
            format!(
                "the writer wrote the symbol {}, which the reader's {} does not have, nor a default",
                symbol.unwrap_or_default(),
                reads(r)
            )
        }
        Leaf::NoDefault { record, position } => {
            format!(
                "the reader's field {} has no default, and the writer wrote none",
                field(reader, record, position)
            )
        }
        Leaf::NoBranch((r, w)) => {
            format!(
                "the writer wrote {}, which no branch of the reader's union {} takes",
                wrote(w),
                branches(reader, r)
            )
        }
        Leaf::Ambiguous { record, position, writer: w } => {
            format!(
                "the reader's field {} stands for several fields of the writer's {}",
                field(reader, record, position),
                wrote(w)
            )
        }
    }
}

/// The rule, and what led to it: that the reader's union at `place`, a JSON pointer, takes this branch.
pub(super) fn in_union(reader: &AvroSchema, union: NodeId, taken: NodeId, place: &str, rule: &str) -> String {
    let place = if place.is_empty() { "the top" } else { place };
    let taken = branch_name(&reader.node(taken).kind);
    format!("{rule}; the reader's union {} at {place} has only {taken} for it", branches(reader, union))
}

/// A type with its name.
fn shown(kind: &Kind) -> String {
    match named(kind) {
        Some(named) => format!("{} {}", type_name(kind), named.name),
        None => type_name(kind).to_owned(),
    }
}

fn branches(schema: &AvroSchema, union: NodeId) -> String {
    let Kind::Union(branches) = &schema.node(union).kind else { return String::new() };
    let names = branches.iter().take(SHOWN_BRANCHES).map(|branch| branch_name(&schema.node(*branch).kind));
    let names: Vec<String> = names.collect();
    let more = branches.len().saturating_sub(SHOWN_BRANCHES);
    if more > 0 {
        format!("[{}, and {more} more]", names.join(", "))
    } else {
        format!("[{}]", names.join(", "))
    }
}

fn field(schema: &AvroSchema, record: NodeId, position: usize) -> &str {
    match &schema.node(record).kind {
        Kind::Record(record) => record.fields.get(position).map_or("", |field| &field.name),
        _ => "",
    }
}

fn size(schema: &AvroSchema, id: NodeId) -> usize {
    match &schema.node(id).kind {
        Kind::Fixed(fixed) => fixed.size,
        _ => 0,
    }
}
