//! Fields of two records.

use std::collections::{HashMap, HashSet};

use super::super::ChangeKind;
use super::super::words::{list, order_text, type_text};
use super::{Cut, NO_VERDICT, Visit, Walk, both};
use crate::avro::attributes::clip;
use crate::avro::diff::Origin;
use crate::avro::model::{AvroSchema, Field, Record};
use crate::changes::Verdict;

impl<'a> Walk<'a> {
    pub(super) fn record(&mut self, visit: Visit, r: &'a Record, w: &'a Record) -> Result<(), Cut> {
        self.charge(cost(r).saturating_add(cost(w)))?;
        let from_writer: Vec<Option<Origin>> =
            (0..r.fields.len()).map(|position| self.backward.origin(r, position, visit.writer, w)).collect();
        let from_reader: Vec<Option<Origin>> =
            (0..w.fields.len()).map(|position| self.forward.origin(w, position, visit.reader, r)).collect();
        // Which writer field has an alias that names the reader field at a position.
        let mut by_writer_alias: HashMap<usize, usize> = HashMap::new();
        for (at, origin) in from_reader.iter().enumerate().rev() {
            if let Some(Origin::Field(position)) = origin {
                by_writer_alias.insert(*position, at);
            }
        }
        let mut paired = HashSet::new();
        let mut has_counterpart = vec![false; w.fields.len()];
        for (position, (field, origin)) in r.fields.iter().zip(&from_writer).enumerate() {
            if *origin == Some(Origin::Several) {
                self.charge(w.fields.len())?;
            }
            let counterpart = match origin {
                Some(Origin::Field(at)) => Some(*at),
                Some(Origin::Several) => w.fields.iter().position(|other| other.name == field.name),
                _ => by_writer_alias.get(&position).copied(),
            };
            match counterpart.and_then(|at| Some((at, w.fields.get(at)?))) {
                Some((at, before)) => {
                    paired.insert((position, at));
                    if let Some(has) = has_counterpart.get_mut(at) {
                        *has = true;
                    }
                    let reads = (
                        *origin == Some(Origin::Field(at)),
                        from_reader.get(at) == Some(&Some(Origin::Field(position))),
                    );
                    let origins = (*origin, from_reader.get(at).copied().flatten());
                    self.field(visit, (field, before), reads, origins)?;
                }
                None => {
                    let verdict = Verdict {
                        breaks_backward: visit.counts.backward && is_nothing(*origin),
                        breaks_forward: false,
                    };
                    let (path, to) =
                        (self.step(visit.path, &field.name), self.field_text(self.reader, field));
                    self.say(path, (ChangeKind::FieldAdded, None, Some(to), verdict))?;
                }
            }
        }
        for (at, (field, origin)) in w.fields.iter().zip(&from_reader).enumerate() {
            match origin {
                Some(Origin::Field(position)) if !paired.contains(&(*position, at)) => {
                    if let Some(after) = r.fields.get(*position) {
                        self.field(visit, (after, field), (false, true), (None, *origin))?;
                    }
                }
                origin if !has_counterpart.get(at).copied().unwrap_or_default() => {
                    let verdict = Verdict {
                        breaks_backward: false,
                        breaks_forward: visit.counts.forward && is_nothing(*origin),
                    };
                    let (path, from) =
                        (self.step(visit.path, &field.name), self.field_text(self.writer, field));
                    self.say(path, (ChangeKind::FieldRemoved, Some(from), None, verdict))?;
                }
                _ => {}
            }
        }
        let names =
            |record: &'a Record| record.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
        let (of_reader, of_writer) = (names(r), names(w));
        if both(&of_reader, &of_writer).is_reordered {
            let text = |names: &[&str]| Some(list(names.iter().map(|name| (*name).to_owned()), names.len()));
            let said = (ChangeKind::FieldsReordered, text(&of_writer), text(&of_reader), NO_VERDICT);
            self.say(visit.path, said)?;
        }
        Ok(())
    }

    /// A field of both records. `reads`: the reader's takes its value from the writer's, and the other way round.
    fn field(
        &mut self,
        visit: Visit,
        (r, w): (&'a Field, &'a Field),
        reads: (bool, bool),
        origins: (Option<Origin>, Option<Origin>),
    ) -> Result<(), Cut> {
        let path = self.step(visit.path, &r.name);
        if r.name != w.name {
            let verdict = Verdict {
                breaks_backward: visit.counts.backward && is_nothing(origins.0),
                breaks_forward: visit.counts.forward && is_nothing(origins.1),
            };
            let (from, to) = (clip(&w.name).into_owned(), clip(&r.name).into_owned());
            self.say(path, (ChangeKind::FieldRenamed, Some(from), Some(to), verdict))?;
        }
        let defaults = (w.default.as_ref(), r.default.as_ref());
        let differs = match defaults {
            (Some(from), Some(to)) => !from.same_value(to),
            (from, to) => from.is_some() || to.is_some(),
        };
        if differs {
            let texts = (defaults.0.map(|json| self.json(json)), defaults.1.map(|json| self.json(json)));
            self.default(path, true, texts.0, texts.1)?;
        }
        if r.order != w.order {
            let text = |field: &Field| Some(order_text(field.order).to_owned());
            self.say(path, (ChangeKind::SortOrderChanged, text(w), text(r), NO_VERDICT))?;
        }
        if r.aliases != w.aliases {
            let text = |field: &Field| Some(list(field.aliases.iter().cloned(), field.aliases.len()));
            self.say(path, (ChangeKind::AliasesChanged, text(w), text(r), NO_VERDICT))?;
        }
        self.doc(path, r.doc.as_deref(), w.doc.as_deref())?;
        self.properties(path, &r.props, &w.props)?;
        self.enter(visit, path, r.schema, w.schema, reads);
        Ok(())
    }

    /// The type of a field, and its default.
    fn field_text(&mut self, schema: &AvroSchema, field: &'a Field) -> String {
        let text = type_text(schema, field.schema);
        match &field.default {
            Some(default) => format!("{text} = {}", self.json(default)),
            None => text,
        }
    }
}

fn is_nothing(origin: Option<Origin>) -> bool {
    matches!(origin, Some(Origin::Nothing { .. }))
}

fn cost(record: &Record) -> usize {
    record.fields.iter().map(|field| field.aliases.len().saturating_add(1)).sum()
}
