//! Combinations, against each other and against anything else.

use std::collections::HashSet;

use super::kind::DifferenceKind::*;
use super::plan::{At, Entry, Plan};
use super::scalars::here;
use super::walk::Walk;
use crate::json::model::{Combined, Criterion};

impl<'s> Walk<'s> {
    /// A combination of the reader against another kind of node.
    pub(super) fn into_combined(writer: At, reader: At, combined: &Combined) -> Option<Plan<'s>> {
        let pairs = || combined.children.iter().map(|id| (writer, reader.child(*id))).collect();
        match (combined.children.len(), combined.criterion) {
            (1, _) => Some(Plan::First { pairs: pairs(), then: None, otherwise: None }),
            (_, Criterion::AnyOf | Criterion::OneOf) => {
                Some(Plan::First { pairs: pairs(), then: Some(SumTypeExtended), otherwise: None })
            }
            _ => None,
        }
    }

    /// Another kind of node against a combination of the writer.
    pub(super) fn out_of_combined(writer: At, combined: &Combined, reader: At) -> Option<Plan<'s>> {
        let pairs = || combined.children.iter().map(|id| (writer.child(*id), reader)).collect();
        match (combined.children.len(), combined.criterion) {
            (1, _) => Some(Plan::First { pairs: pairs(), then: None, otherwise: None }),
            (_, Criterion::AllOf) => {
                Some(Plan::First { pairs: pairs(), then: Some(ProductTypeNarrowed), otherwise: None })
            }
            _ => None,
        }
    }

    /// Two combinations. `lines`: what is different so far.
    pub(super) fn combinations(
        &mut self,
        mut lines: Vec<Entry<'s>>,
        (writer_at, writer): (At, &Combined),
        (reader_at, reader): (At, &Combined),
    ) -> Plan<'s> {
        if writer.criterion != reader.criterion {
            let (old, new) = (writer.children.len(), reader.children.len());
            let is_extended = reader.criterion == Criterion::AnyOf
                || (old == 1 && new == 1)
                || (old == 1 && reader.criterion == Criterion::OneOf)
                || (new == 1 && writer.criterion == Criterion::AllOf);
            if !is_extended {
                lines.push(here(CombinedTypeChanged));
                return Plan::Lines(lines);
            }
            lines.push(here(CombinedTypeExtended));
        }
        let writers = self.distinct(writer_at, writer);
        let readers = self.distinct(reader_at, reader);
        if writers.len() < readers.len() {
            let is_product = reader.criterion == Criterion::AllOf;
            lines.push(here(if is_product { ProductTypeExtended } else { SumTypeExtended }));
        } else if writers.len() > readers.len() {
            let is_product = writer.criterion == Criterion::AllOf;
            lines.push(here(if is_product { ProductTypeNarrowed } else { SumTypeNarrowed }));
        }
        Plan::Match { lines, keyword: writer.criterion.as_str(), writers, readers }
    }

    /// The children, those of the same text once.
    fn distinct(&mut self, at: At, combined: &Combined) -> Vec<At> {
        let mut seen = HashSet::new();
        let ids = combined.children.iter().copied().filter(|id| seen.insert(self.digest(at.side, *id)));
        ids.map(|id| at.child(id)).collect()
    }
}
