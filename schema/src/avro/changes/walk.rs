//! The walk over pairs of types.

mod fields;
mod unions;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::words::{list, names_text, quoted, type_text};
use super::{Change, ChangeKind};
use crate::avro::attributes::{clip, shown};
use crate::avro::diff::{Comparison, DifferenceKind, promotes};
use crate::avro::model::{AvroSchema, Enum, Kind, Name, Named, NodeId};
use crate::avro::names::named;
use crate::changes::Verdict;
use crate::jsontext::Json;
use crate::limits::Limits;

pub(super) fn changes(writer: &AvroSchema, reader: &AvroSchema, limits: &Limits) -> Vec<Change> {
    let backward = Comparison::of(reader, writer, limits);
    let forward = Comparison::of(writer, reader, limits);
    let mut walk = Walk {
        reader,
        writer,
        backward,
        forward,
        paths: vec![Step { parent: 0, token: String::new() }],
        visited: HashMap::new(),
        json_texts: HashMap::new(),
        todo: Vec::new(),
        changes: Vec::new(),
        work_left: limits.pairs,
        bytes_left: limits.difference_bytes,
    };
    if walk.run().is_err() {
        let said = std::mem::take(&mut walk.todo).into_iter().rev().filter_map(|task| match task {
            Task::List(change) => Some(change),
            Task::Visit(_) => None,
        });
        walk.changes.extend(said);
        let verdict = Verdict::default();
        let cut = Change {
            path: "/".to_owned(),
            kind: ChangeKind::ListCut.as_str(),
            from: None,
            to: None,
            verdict,
        };
        walk.changes.push(cut);
    }
    walk.changes
}

struct Walk<'a> {
    reader: &'a AvroSchema,
    writer: &'a AvroSchema,
    /// The reader's schema reads.
    backward: Comparison<'a>,
    /// The writer's schema reads.
    forward: Comparison<'a>,
    paths: Vec<Step>,
    /// What mattered when a pair was visited.
    visited: HashMap<(NodeId, NodeId), Vec<Counts>>,
    /// Values that were put into words, by address: the same one may be shown often.
    json_texts: HashMap<*const Json, String>,
    /// What is to be listed and visited, last first.
    todo: Vec<Task>,
    changes: Vec<Change>,
    work_left: usize,
    bytes_left: usize,
}

enum Task {
    List(Change),
    Visit(Visit),
}

/// A step down a path.
struct Step {
    parent: usize,
    token: String,
}

#[derive(Clone, Copy)]
struct Visit {
    reader: NodeId,
    writer: NodeId,
    path: usize,
    counts: Counts,
}

/// In which directions findings at a pair matter to the verdict on the whole.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Counts {
    backward: bool,
    forward: bool,
}

impl Counts {
    fn cover(self, other: Self) -> bool {
        (self.backward || !other.backward) && (self.forward || !other.forward)
    }
}

/// A bound is exceeded.
struct Cut;

/// Things to say at one place.
type Said = (ChangeKind, Option<String>, Option<String>, Verdict);

const NO_VERDICT: Verdict = Verdict { breaks_backward: false, breaks_forward: false };

impl<'a> Walk<'a> {
    fn run(&mut self) -> Result<(), Cut> {
        let (reader, writer) = (self.reader.root(), self.writer.root());
        let is_complete = [self.backward.is_complete(), self.forward.is_complete()];
        if is_complete.contains(&false) {
            let [breaks_backward, breaks_forward] = is_complete.map(|complete| !complete);
            let incomplete = if breaks_backward { &self.backward } else { &self.forward };
            let reason =
                incomplete.differences().into_iter().map(|(difference, _)| difference.message).next();
            let reason = reason.map(|reason| clip(&reason).into_owned());
            let verdict = Verdict { breaks_backward, breaks_forward };
            self.say(0, (ChangeKind::NotComparable, None, reason, verdict))?;
        }
        let counts = Counts {
            backward: self.backward.is_complete() && self.backward.breaks(reader, writer),
            forward: self.forward.is_complete() && self.forward.breaks(writer, reader),
        };
        self.todo.push(Task::Visit(Visit { reader, writer, path: 0, counts }));
        self.todo.reverse();
        while let Some(task) = self.todo.pop() {
            let visit = match task {
                Task::List(change) => {
                    self.changes.push(change);
                    continue;
                }
                Task::Visit(visit) => visit,
            };
            self.charge(1)?;
            // Once is enough, unless it matters more than before.
            let before = self.visited.entry((visit.reader, visit.writer)).or_default();
            if !before.iter().any(|counts| counts.cover(visit.counts)) {
                before.push(visit.counts);
                let below = self.todo.len();
                self.visit(visit)?;
                if let Some(new) = self.todo.get_mut(below..) {
                    new.reverse();
                }
            }
        }
        Ok(())
    }

    fn visit(&mut self, visit: Visit) -> Result<(), Cut> {
        let Visit { reader, writer, path, .. } = visit;
        let (r, w) = (self.reader.node(reader), self.writer.node(writer));
        match (&r.kind, &w.kind) {
            (Kind::Union(_), _) | (_, Kind::Union(_)) => return self.unions(visit),
            (Kind::Array(r), Kind::Array(w)) => self.descend(visit, "[]", *r, *w, (true, true)),
            (Kind::Map(r), Kind::Map(w)) => self.descend(visit, "{}", *r, *w, (true, true)),
            (Kind::Record(r), Kind::Record(w)) => {
                self.named(visit, &r.named, &w.named)?;
                if r.is_error != w.is_error {
                    let text = |is_error| Some(if is_error { "error" } else { "record" }.to_owned());
                    self.say(
                        path,
                        (ChangeKind::ErrorChanged, text(w.is_error), text(r.is_error), NO_VERDICT),
                    )?;
                }
                self.record(visit, r, w)?;
            }
            (Kind::Enum(r), Kind::Enum(w)) => {
                self.named(visit, &r.named, &w.named)?;
                self.symbols(visit, r, w)?;
            }
            (Kind::Fixed(r), Kind::Fixed(w)) => {
                self.named(visit, &r.named, &w.named)?;
                if r.size != w.size {
                    let verdict = self.found(visit, DifferenceKind::FixedSizeMismatch);
                    let (from, to) = (Some(w.size.to_string()), Some(r.size.to_string()));
                    self.say(path, (ChangeKind::SizeChanged, from, to, verdict))?;
                }
            }
            (r, w) if std::mem::discriminant(r) != std::mem::discriminant(w) => {
                let names =
                    names_cost(self.reader, &[reader]).saturating_add(names_cost(self.writer, &[writer]));
                self.charge(names)?;
                let kind = if promotes(w, r) { ChangeKind::TypePromoted } else { ChangeKind::TypeChanged };
                let verdict = self.found(visit, DifferenceKind::TypeMismatch);
                self.say(path, (kind, self.writer_type(writer), self.reader_type(reader), verdict))?;
            }
            _ => {}
        }
        self.properties(path, &r.props, &w.props)
    }

    fn named(&mut self, visit: Visit, r: &'a Named, w: &'a Named) -> Result<(), Cut> {
        self.charge(r.aliases.len().saturating_add(w.aliases.len()))?;
        if r.name.simple != w.name.simple {
            let verdict = self.found(visit, DifferenceKind::NameMismatch);
            let shown = |named: &Named| Some(clip(&named.name.simple).into_owned());
            self.say(visit.path, (ChangeKind::NameChanged, shown(w), shown(r), verdict))?;
        }
        if r.name.namespace != w.name.namespace {
            let shown = |named: &Named| named.name.namespace.as_ref().map(|name| clip(name).into_owned());
            self.say(visit.path, (ChangeKind::NamespaceChanged, shown(w), shown(r), NO_VERDICT))?;
        }
        if r.aliases != w.aliases {
            let (from, to) = (Some(names_text(&w.aliases)), Some(names_text(&r.aliases)));
            self.say(visit.path, (ChangeKind::AliasesChanged, from, to, NO_VERDICT))?;
        }
        self.doc(visit.path, r.doc.as_deref(), w.doc.as_deref())
    }

    fn doc(&mut self, path: usize, r: Option<&str>, w: Option<&str>) -> Result<(), Cut> {
        if r != w {
            self.say(path, (ChangeKind::DocChanged, w.map(quoted), r.map(quoted), NO_VERDICT))?;
        }
        Ok(())
    }

    fn properties(
        &mut self,
        path: usize,
        r: &'a [(String, Json)],
        w: &'a [(String, Json)],
    ) -> Result<(), Cut> {
        if r.is_empty() && w.is_empty() {
            return Ok(());
        }
        self.charge(r.len().saturating_add(w.len()))?;
        let index = |props: &'a [(String, Json)]| -> HashMap<&'a str, &'a Json> {
            props.iter().map(|(key, value)| (key.as_str(), value)).collect()
        };
        let (of_reader, of_writer) = (index(r), index(w));
        for (key, value) in r {
            let before = of_writer.get(key.as_str()).copied();
            let kind = match before {
                None => ChangeKind::PropertyAdded,
                Some(before) if before.same_value(value) => continue,
                Some(_) => ChangeKind::PropertyChanged,
            };
            let (from, to) = (before.map(|json| self.property(key, json)), Some(self.property(key, value)));
            self.say(path, (kind, from, to, NO_VERDICT))?;
        }
        for (key, value) in w.iter().filter(|(key, _)| !of_reader.contains_key(key.as_str())) {
            let from = Some(self.property(key, value));
            self.say(path, (ChangeKind::PropertyRemoved, from, None, NO_VERDICT))?;
        }
        Ok(())
    }

    fn symbols(&mut self, visit: Visit, r: &'a Enum, w: &'a Enum) -> Result<(), Cut> {
        self.charge(r.symbols.len().saturating_add(w.symbols.len()))?;
        let verdict = self.found(visit, DifferenceKind::MissingEnumSymbols);
        let Both { only_reader, only_writer, is_reordered } = both(&r.symbols, &w.symbols);
        for symbol in only_reader {
            let verdict = Verdict { breaks_backward: false, ..verdict };
            self.say(visit.path, (ChangeKind::SymbolAdded, None, Some(clip(symbol).into_owned()), verdict))?;
        }
        for symbol in only_writer {
            let verdict = Verdict { breaks_forward: false, ..verdict };
            self.say(
                visit.path,
                (ChangeKind::SymbolRemoved, Some(clip(symbol).into_owned()), None, verdict),
            )?;
        }
        if is_reordered {
            let text = |symbols: &[String]| Some(list(symbols.iter().cloned(), symbols.len()));
            let said = (ChangeKind::SymbolsReordered, text(&w.symbols), text(&r.symbols), NO_VERDICT);
            self.say(visit.path, said)?;
        }
        let (from, to) = (w.default.as_deref(), r.default.as_deref());
        self.default(
            visit.path,
            from != to,
            from.map(|text| clip(text).into_owned()),
            to.map(|text| clip(text).into_owned()),
        )
    }

    fn default(
        &mut self,
        path: usize,
        differs: bool,
        from: Option<String>,
        to: Option<String>,
    ) -> Result<(), Cut> {
        let kind = match (&from, &to) {
            _ if !differs => return Ok(()),
            (None, _) => ChangeKind::DefaultAdded,
            (_, None) => ChangeKind::DefaultRemoved,
            _ => ChangeKind::DefaultChanged,
        };
        self.say(path, (kind, from, to, NO_VERDICT))
    }

    /// What the comparisons found for the pair itself.
    fn found(&self, visit: Visit, kind: DifferenceKind) -> Verdict {
        let Visit { reader, writer, counts, .. } = visit;
        Verdict {
            breaks_backward: counts.backward
                && self.backward.findings(reader, writer).any(|found| found.kind == kind),
            breaks_forward: counts.forward
                && self.forward.findings(writer, reader).any(|found| found.kind == kind),
        }
    }

    fn descend(&mut self, from: Visit, token: &str, reader: NodeId, writer: NodeId, reads: (bool, bool)) {
        let path = self.step(from.path, token);
        self.enter(from, path, reader, writer, reads);
    }

    /// Plans a visit. `reads`: whether each direction reads this pair in its place.
    fn enter(&mut self, from: Visit, path: usize, reader: NodeId, writer: NodeId, reads: (bool, bool)) {
        let counts = Counts {
            backward: from.counts.backward && reads.0 && self.backward.breaks(reader, writer),
            forward: from.counts.forward && reads.1 && self.forward.breaks(writer, reader),
        };
        self.todo.push(Task::Visit(Visit { reader, writer, path, counts }));
    }

    fn step(&mut self, parent: usize, token: &str) -> usize {
        self.paths.push(Step { parent, token: token.replace('~', "~0").replace('/', "~1") });
        self.paths.len() - 1
    }

    fn path(&self, mut at: usize) -> String {
        let mut tokens = Vec::new();
        while let Some(step) = self.paths.get(at).filter(|_| at > 0) {
            tokens.push(step.token.as_str());
            at = step.parent;
        }
        tokens.push("");
        tokens.reverse();
        if tokens.len() == 1 { "/".to_owned() } else { tokens.join("/") }
    }

    fn say(&mut self, path: usize, (kind, from, to, verdict): Said) -> Result<(), Cut> {
        let kind = kind.as_str();
        let change = Change { path: self.path(path), kind, from, to, verdict };
        let texts = [Some(&change.path), change.from.as_ref(), change.to.as_ref()];
        let bytes = size_of::<Change>() + texts.into_iter().flatten().map(String::len).sum::<usize>();
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(Cut)?;
        self.todo.push(Task::List(change));
        Ok(())
    }

    fn charge(&mut self, work: usize) -> Result<(), Cut> {
        self.work_left = self.work_left.checked_sub(work).ok_or(Cut)?;
        Ok(())
    }

    fn reader_type(&self, id: NodeId) -> Option<String> {
        Some(type_text(self.reader, id))
    }

    fn writer_type(&self, id: NodeId) -> Option<String> {
        Some(type_text(self.writer, id))
    }

    /// A property with its value.
    fn property(&mut self, key: &str, value: &'a Json) -> String {
        format!("{} = {}", clip(key), self.json(value))
    }

    fn json(&mut self, value: &'a Json) -> String {
        self.json_texts.entry(std::ptr::from_ref(value)).or_insert_with(|| shown(value)).clone()
    }
}

/// Branches, and the length of their names, which are copied.
fn names_cost(schema: &AvroSchema, branches: &[NodeId]) -> usize {
    const BYTES_PER_STEP: usize = 32;
    let bytes =
        |name: &Name| name.simple.len().saturating_add(name.namespace.as_ref().map_or(0, String::len));
    let cost = |branch: &NodeId| match named(&schema.node(*branch).kind) {
        Some(named) => {
            named.aliases.iter().chain([&named.name]).map(bytes).sum::<usize>() / BYTES_PER_STEP + 1
        }
        None => 1,
    };
    branches.iter().map(cost).sum()
}

/// Two lists of distinct items.
struct Both<'l, T> {
    only_reader: Vec<&'l T>,
    only_writer: Vec<&'l T>,
    /// The items of both are not in the same order.
    is_reordered: bool,
}

fn both<'l, T: Eq + Hash>(reader: &'l [T], writer: &'l [T]) -> Both<'l, T> {
    if reader == writer {
        return Both { only_reader: Vec::new(), only_writer: Vec::new(), is_reordered: false };
    }
    let of_reader: HashSet<&T> = reader.iter().collect();
    let of_writer: HashSet<&T> = writer.iter().collect();
    let (shared_reader, only_reader): (Vec<&T>, _) = reader.iter().partition(|item| of_writer.contains(item));
    let (shared_writer, only_writer): (Vec<&T>, _) = writer.iter().partition(|item| of_reader.contains(item));
    Both { only_reader, only_writer, is_reordered: shared_reader != shared_writer }
}
