//! A comparison that is over, with its memory: for those who ask more than which differences there are.

use super::walk::{Checker, Finding, Found, Outcome, ROOT, Stop, has_enum_default, promotes, same_type};
use super::{Difference, DifferenceKind};
use crate::avro::model::{AvroSchema, Kind, Named, NodeId, Record};
use crate::avro::names::named;
use crate::limits::Limits;

/// What was found for each pair of types that was looked at.
pub(in crate::avro) struct Comparison<'a> {
    checker: Checker<'a>,
    end: Result<Outcome, Stop>,
    limits: Limits,
}

/// Where a reader field takes its value from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::avro) enum Origin {
    /// The writer field at this position.
    Field(usize),
    /// Its default.
    Default,
    /// Nothing: the writer has no such field and there is no default. `enum_default`: its type, an enum, has a default
    /// of its own, which does not count.
    Nothing { enum_default: bool },
    /// Several writer fields.
    Several,
}

impl<'a> Comparison<'a> {
    pub(in crate::avro) fn of(reader: &'a AvroSchema, writer: &'a AvroSchema, limits: &Limits) -> Self {
        let mut checker = Checker::new(reader, writer, limits);
        let end = checker.run();
        Self { checker, end, limits: *limits }
    }

    /// The differences in the reference's order, each with the pair of types where it is; none for
    /// [`DifferenceKind::TooLarge`].
    pub(in crate::avro) fn differences(&self) -> Vec<(Difference, Option<Finding>)> {
        let max_bytes = self.limits.difference_bytes;
        match self.end {
            Ok(Outcome::Compatible) => Vec::new(),
            Ok(Outcome::Incompatible(root)) => self.checker.list(root, max_bytes),
            Err(Stop::Ambiguous { record, position, writer }) => {
                let finding = Finding {
                    kind: DifferenceKind::AmbiguousField,
                    location: ROOT,
                    reader: record,
                    writer,
                    position: Some(position),
                };
                vec![(self.checker.ambiguous(record, position, writer, max_bytes), Some(finding))]
            }
            Err(Stop::TooLarge) => {
                let pairs = self.limits.pairs;
                let message = format!("schemas are too large to compare: more than {pairs} pairs of types");
                vec![(Difference::too_large(message), None)]
            }
        }
    }

    /// Whether the comparison came to its end, so that all pairs are known.
    pub(in crate::avro) fn is_complete(&self) -> bool {
        self.end.is_ok()
    }

    pub(in crate::avro) fn reader(&self) -> &'a AvroSchema {
        self.checker.reader
    }

    pub(in crate::avro) fn writer(&self) -> &'a AvroSchema {
        self.checker.writer
    }

    /// Whether something was found for this pair or inside it.
    pub(in crate::avro) fn breaks(&self, reader: NodeId, writer: NodeId) -> bool {
        self.range(reader, writer).is_some_and(|(start, end)| start < end)
    }

    /// What was found for this pair itself.
    pub(in crate::avro) fn findings(&self, reader: NodeId, writer: NodeId) -> impl Iterator<Item = &Finding> {
        let (start, end) = self.range(reader, writer).unwrap_or_default();
        let found = self.checker.found.get(start as usize..end as usize).unwrap_or_default();
        found.iter().filter_map(|found| match found {
            Found::Here(finding) => Some(finding),
            Found::As(_) => None,
        })
    }

    fn range(&self, reader: NodeId, writer: NodeId) -> Option<(u32, u32)> {
        let pair = self.checker.memo.get(&(reader, writer))?;
        self.checker.pairs.get(*pair as usize).copied()
    }

    /// Where the reader field at `position` takes its value from. `writer`: the id of the writer's record.
    pub(in crate::avro) fn origin(
        &mut self,
        reader: &Record,
        position: usize,
        writer: NodeId,
        writer_record: &'a Record,
    ) -> Option<Origin> {
        let field = reader.fields.get(position)?;
        let place = u32::try_from(position).ok()?;
        Some(match self.checker.writer_field(field, place, writer, writer_record) {
            Err(_) => Origin::Several,
            Ok(Some((position, _))) => Origin::Field(position),
            Ok(None) if field.default.is_some() => Origin::Default,
            Ok(None) => {
                let enum_default = has_enum_default(&self.checker.reader.node(field.schema).kind);
                Origin::Nothing { enum_default }
            }
        })
    }
}

/// Whether a reader's union takes this branch for what the writer wrote, if no branch before it does: types of the same
/// kind and name, or a promotion. What is inside does not matter, nor does the size of a fixed: they decide whether the
/// branch can read it.
///
/// Source: Apache Avro 1.12.1 specification, "Schema Resolution".
pub(in crate::avro) fn matches(branch: &Kind, writer: &Kind) -> bool {
    match (named(branch), named(writer)) {
        (Some(reader), Some(named)) => same_type(branch, writer) && reads_name(reader, named),
        _ => same_type(branch, writer) || promotes(writer, branch),
    }
}

/// Whether a reader's named type reads data of the writer's of that name: all aliases count.
///
/// Source: Apache Avro 1.12.1 specification, "Schema Resolution" and "Aliases".
pub(in crate::avro) fn reads_name(reader: &Named, writer: &Named) -> bool {
    reader.name.simple == writer.name.simple || reader.aliases.contains(&writer.name)
}
