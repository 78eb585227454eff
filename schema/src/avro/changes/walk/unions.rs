//! Branches of two unions, or of a union and another type.

use super::super::ChangeKind;
use super::super::branches::counterparts;
use super::{Cut, NO_VERDICT, Visit, Walk, names_cost};
use crate::avro::model::{Kind, NodeId};
use crate::avro::names::branch_name;
use crate::changes::Verdict;

impl Walk<'_> {
    pub(super) fn unions(&mut self, visit: Visit) -> Result<(), Cut> {
        let Visit { reader, writer, path, counts } = visit;
        let (r, w) = (self.reader.node(reader), self.writer.node(writer));
        let (own_reader, own_writer) = ([reader], [writer]);
        let of_reader: &[NodeId] = if let Kind::Union(branches) = &r.kind { branches } else { &own_reader };
        let of_writer: &[NodeId] = if let Kind::Union(branches) = &w.kind { branches } else { &own_writer };
        self.charge(names_cost(self.reader, of_reader).saturating_add(names_cost(self.writer, of_writer)))?;
        let found = counterparts((self.writer, of_writer), (self.reader, of_reader));
        let mut before = vec![None; of_reader.len()];
        for (at, position) in found.iter().enumerate() {
            if let Some(slot) = position.and_then(|position| before.get_mut(position)) {
                *slot = Some(at);
            }
        }
        // A branch without a counterpart that the other side cannot read.
        let lost = |branch: &NodeId, position: Option<usize>| {
            counts.backward && position.is_none() && self.backward.breaks(reader, *branch)
        };
        let gained = |branch: &NodeId, at: Option<usize>| {
            counts.forward && at.is_none() && self.forward.breaks(writer, *branch)
        };
        let lost: Vec<bool> =
            of_writer.iter().zip(&found).map(|(branch, position)| lost(branch, *position)).collect();
        let gained: Vec<bool> =
            of_reader.iter().zip(&before).map(|(branch, at)| gained(branch, *at)).collect();
        match (&r.kind, &w.kind) {
            (Kind::Union(_), Kind::Union(_)) => {
                for ((branch, at), breaks_forward) in of_reader.iter().zip(&before).zip(gained) {
                    if at.is_none() {
                        let verdict = Verdict { breaks_backward: false, breaks_forward };
                        let to = self.reader_type(*branch);
                        self.say(path, (ChangeKind::BranchAdded, None, to, verdict))?;
                    }
                }
                for ((branch, position), breaks_backward) in of_writer.iter().zip(&found).zip(lost) {
                    if position.is_none() {
                        let verdict = Verdict { breaks_backward, breaks_forward: false };
                        let from = self.writer_type(*branch);
                        self.say(path, (ChangeKind::BranchRemoved, from, None, verdict))?;
                    }
                }
                let order: Vec<usize> = found.iter().copied().flatten().collect();
                if !order.is_sorted() {
                    let said = (
                        ChangeKind::BranchesReordered,
                        self.writer_type(writer),
                        self.reader_type(reader),
                        NO_VERDICT,
                    );
                    self.say(path, said)?;
                }
            }
            _ => {
                let verdict =
                    Verdict { breaks_backward: lost.contains(&true), breaks_forward: gained.contains(&true) };
                let said =
                    (ChangeKind::TypeChanged, self.writer_type(writer), self.reader_type(reader), verdict);
                self.say(path, said)?;
            }
        }
        for (branch, at) in of_reader.iter().zip(&before) {
            let Some(counterpart) = at.and_then(|at| of_writer.get(at)) else { continue };
            // What is wrong inside counts only if no other branch helps.
            let reads = (self.backward.breaks(reader, *counterpart), self.forward.breaks(writer, *branch));
            let token = branch_name(&self.reader.node(*branch).kind);
            self.descend(visit, &token, *branch, *counterpart, reads);
        }
        Ok(())
    }
}
