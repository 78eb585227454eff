//! Which branch of one union corresponds to which of another.

use std::collections::HashMap;

use crate::avro::model::{AvroSchema, Kind, NodeId};
use crate::avro::names::{named, type_name};

/// For each of the writer's branches the position of its counterpart among the reader's: of the same kind, and for named
/// types the same full name, or else the same simple name, or else an alias of either side. No branch is the counterpart
/// of two.
pub(super) fn counterparts(
    (writer, writer_branches): (&AvroSchema, &[NodeId]),
    (reader, reader_branches): (&AvroSchema, &[NodeId]),
) -> Vec<Option<usize>> {
    let mut found = vec![None; writer_branches.len()];
    let mut is_taken = vec![false; reader_branches.len()];
    for relation in [Relation::FullName, Relation::SimpleName, Relation::ReaderAlias, Relation::WriterAlias] {
        let (of_writer, of_reader) = relation.keys();
        let mut index: HashMap<Key, usize> = HashMap::new();
        for (position, branch) in reader_branches.iter().enumerate().rev() {
            if !is_taken.get(position).copied().unwrap_or(true) {
                for key in of_reader(&reader.node(*branch).kind) {
                    index.insert(key, position);
                }
            }
        }
        for (branch, found) in writer_branches.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let keys = of_writer(&writer.node(*branch).kind);
            let position = keys.iter().find_map(|key| index.get(key)).copied();
            if let Some(taken) =
                position.and_then(|position| is_taken.get_mut(position)).filter(|taken| !**taken)
            {
                *taken = true;
                *found = position;
            }
        }
    }
    found
}

/// Kind and name.
type Key = (&'static str, String);

#[derive(Clone, Copy)]
enum Relation {
    FullName,
    SimpleName,
    ReaderAlias,
    WriterAlias,
}

type Keys = fn(&Kind) -> Vec<Key>;

impl Relation {
    /// What of the writer's branch must equal what of the reader's.
    fn keys(self) -> (Keys, Keys) {
        match self {
            Self::FullName => (full_name, full_name),
            Self::SimpleName => (simple_name, simple_name),
            Self::ReaderAlias => (full_name, aliases),
            Self::WriterAlias => (aliases, full_name),
        }
    }
}

fn full_name(kind: &Kind) -> Vec<Key> {
    vec![(type_name(kind), named(kind).map(|named| named.name.to_string()).unwrap_or_default())]
}

fn simple_name(kind: &Kind) -> Vec<Key> {
    named(kind).map(|named| (type_name(kind), named.name.simple.clone())).into_iter().collect()
}

fn aliases(kind: &Kind) -> Vec<Key> {
    let aliases = named(kind).map(|named| named.aliases.as_slice()).unwrap_or_default();
    aliases.iter().map(|alias| (type_name(kind), alias.to_string())).collect()
}
