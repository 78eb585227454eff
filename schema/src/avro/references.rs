//! A schema and the closure of its references, read into one table of names (schema formats spec §5.2), and the
//! resolution of names that are used before they are defined.
//!
//! Resolution walks the types as Avro Java's resolving visitor does. The order matters for one thing: a default is
//! checked again when its record becomes complete, and an object default that reaches a record which is not complete
//! at that moment is refused.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::attributes::invalid;
use super::defaults;
use super::model::{AvroSchema, Kind, Node, NodeId, Source};
use super::names::{Alphabet, branch_name, named, top_level_name};
use super::parse::{Parser, Rules};
use super::print;
use crate::format::{ParseError, Strictness};
use crate::limits::Limits;
use crate::reference::ResolvedReferences;

/// All texts of a closure together may have this many times the bytes of one text.
const CLOSURE_TEXTS: usize = 16;

/// Reads `text` with its references. `bytes` bounds the length of `text` itself.
pub(super) fn parse(
    text: &str,
    references: &ResolvedReferences,
    strictness: Strictness,
    limits: &Limits,
    bytes: usize,
) -> Result<AvroSchema, ParseError> {
    if references.texts.len() > limits.references {
        return Err(ParseError::TooLarge { what: "references", limit: limits.references });
    }
    let closure_bytes = limits.schema_bytes.saturating_mul(CLOSURE_TEXTS);
    if references.texts.iter().map(|(_, text)| text.len()).sum::<usize>() > closure_bytes {
        return Err(ParseError::TooLarge { what: "bytes of referenced texts", limit: closure_bytes });
    }
    let is_new = strictness == Strictness::New;
    let (alphabet, outer_alphabet) =
        if is_new { (Alphabet::Ascii, Alphabet::Ascii) } else { (Alphabet::Unicode, Alphabet::Any) };
    let mut parser = Parser::new(limits);
    // Names in referenced schemas are as strict as new ones, or not checked at all.
    parser.rules =
        Rules { alphabet: if is_new { alphabet } else { Alphabet::Any }, outer_alphabet, defaults: is_new };
    let mut progress = Progress::default();
    let mut elided = Vec::with_capacity(references.texts.len());
    for (_, referenced) in &references.texts {
        let root = document(&mut parser, &mut progress, referenced, limits.schema_bytes)?;
        elided.extend(parser.nodes.get(root.index()).map(|root| top_level_name(&parser.nodes, root)));
    }
    parser.rules.alphabet = alphabet;
    let root = document(&mut parser, &mut progress, text, bytes)?;
    if is_new {
        recheck(&parser, &progress)?;
    }
    let (nodes, root) = compact(parser.nodes, root);
    let printed = print::print(&nodes, root, elided.iter().map(String::as_str), limits.schema_bytes);
    let printed = printed
        .ok_or(ParseError::TooLarge { what: "bytes of canonical text", limit: limits.schema_bytes })?;
    if printed.depth > limits.depth {
        return Err(ParseError::TooLarge {
            what: "levels of nesting in canonical text",
            limit: limits.depth,
        });
    }
    let source = Source { references: references.clone(), elided, strictness, limits: *limits };
    Ok(AvroSchema { nodes, root, canonical: printed.text, source: Arc::new(source) })
}

/// Nothing has this name. People often write a complex type where its name alone is read, so they are told.
fn undefined(name: &str) -> ParseError {
    let simple = name.rsplit('.').next().unwrap_or_default();
    let hint = match simple {
        "record" | "error" | "enum" | "array" | "map" | "fixed" => {
            format!(
                " (as the type of a field it is an object of its own: \"type\": {{\"type\": \"{simple}\", ...}})"
            )
        }
        "union" => " (a union is an array of its branches)".to_owned(),
        _ => String::new(),
    };
    invalid(format!("Undefined schema: {name}{hint}"))
}

/// What has been resolved so far.
#[derive(Default)]
struct Progress {
    /// For each record how far it is.
    states: HashMap<NodeId, State>,
    /// The first definitions of each text, text by text, in order of completion.
    defined: Vec<Vec<NodeId>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Met, but without fields.
    Started,
    /// Its fields are set.
    Complete,
    /// Complete, and so is everything it is made of.
    Closed,
}

/// Reads one text and resolves its names.
fn document(
    parser: &mut Parser<'_>,
    progress: &mut Progress,
    text: &str,
    bytes: usize,
) -> Result<NodeId, ParseError> {
    let first_node = parser.nodes.len();
    let root = parser.document(text, bytes)?;
    let defined = std::mem::take(&mut parser.defined);
    if let Some(name) = parser.placeholders.get(&root) {
        return Err(undefined(name));
    }
    let mut resolver = Resolver {
        nodes: &parser.nodes,
        placeholders: &parser.placeholders,
        table: &parser.table,
        checks_defaults: parser.rules.defaults,
        limits: parser.limits,
        states: std::mem::take(&mut progress.states),
        replaced: HashMap::new(),
        work: 0,
    };
    for &id in &defined {
        resolver.visit(id)?;
    }
    let name = parser.nodes.get(root.index()).and_then(|node| named(&node.kind));
    // A named type stands for its first definition, which may come from a reference.
    let first = name.and_then(|named| parser.table.get(&named.name.to_string()));
    let root = match first {
        Some(&first) => first,
        None => {
            resolver.visit(root)?;
            root
        }
    };
    let Resolver { states, replaced, .. } = resolver;
    for child in parser.nodes.iter_mut().skip(first_node).flat_map(Node::children_mut) {
        if let Some(&target) = replaced.get(child) {
            *child = target;
        }
    }
    progress.states = states;
    progress.defined.push(defined);
    Ok(root)
}

/// Checks the defaults of referenced schemas once more, in the order in which they are met when names lead straight
/// to definitions: whenever a text adds names, the reference resolves all earlier texts again.
fn recheck(parser: &Parser<'_>, progress: &Progress) -> Result<(), ParseError> {
    let Some(last) = progress.defined.iter().rposition(|defined| !defined.is_empty()) else { return Ok(()) };
    let mut resolver = Resolver {
        nodes: &parser.nodes,
        placeholders: &HashMap::new(),
        table: &parser.table,
        checks_defaults: true,
        limits: parser.limits,
        states: HashMap::new(),
        replaced: HashMap::new(),
        work: 0,
    };
    progress.defined.iter().take(last).flatten().try_for_each(|&id| resolver.visit(id))
}

struct Resolver<'a> {
    nodes: &'a [Node],
    placeholders: &'a HashMap<NodeId, String>,
    table: &'a HashMap<String, NodeId>,
    checks_defaults: bool,
    limits: &'a Limits,
    states: HashMap<NodeId, State>,
    replaced: HashMap<NodeId, NodeId>,
    work: usize,
}

enum Task {
    Visit(NodeId),
    /// Everything the type is made of has been visited.
    Leave(NodeId),
    /// The visit that a placeholder caused is over.
    Replace(NodeId, NodeId),
}

impl Resolver<'_> {
    fn visit(&mut self, start: NodeId) -> Result<(), ParseError> {
        let mut tasks = vec![Task::Visit(start)];
        // A placeholder starts a visit of its own, which may pass through types that the outer visit has entered.
        let mut visited = vec![HashSet::new()];
        let mut completed = Vec::new();
        while let Some(task) = tasks.pop() {
            let before = tasks.len();
            match task {
                Task::Visit(id) => self.enter(id, &mut tasks, &mut visited)?,
                Task::Leave(id) => self.leave(id, &mut completed)?,
                Task::Replace(placeholder, target) => {
                    visited.pop();
                    self.replaced.insert(placeholder, target);
                }
            }
            self.work += tasks.len().saturating_sub(before) + 1;
            if self.work > self.limits.pairs {
                return Err(ParseError::TooLarge {
                    what: "steps to resolve names",
                    limit: self.limits.pairs,
                });
            }
        }
        self.states.extend(completed.into_iter().map(|id| (id, State::Closed)));
        Ok(())
    }

    fn enter(
        &mut self,
        id: NodeId,
        tasks: &mut Vec<Task>,
        visited: &mut Vec<HashSet<NodeId>>,
    ) -> Result<(), ParseError> {
        if self.states.get(&id) == Some(&State::Closed) {
            return Ok(());
        }
        let is_first_time = visited.last_mut().is_none_or(|visited| visited.insert(id));
        if !is_first_time {
            return Ok(());
        }
        if let Some(name) = self.placeholders.get(&id) {
            if self.replaced.contains_key(&id) {
                return Ok(());
            }
            let target = self.table.get(name).copied();
            let target = target.ok_or_else(|| undefined(name))?;
            let is_record = matches!(self.kind(target), Some(Kind::Record(_)));
            if is_record && !self.states.contains_key(&target) {
                tasks.push(Task::Replace(id, target));
                tasks.push(Task::Visit(target));
                visited.push(HashSet::new());
            } else {
                self.replaced.insert(id, target);
            }
            return Ok(());
        }
        let nodes = self.nodes;
        let node = nodes.get(id.index());
        // The reference copies what it resolves, and loses integers that Java has no value for.
        let is_copied = matches!(self.kind(id), Some(Kind::Record(_) | Kind::Array(_) | Kind::Map(_)));
        for (key, value) in node.filter(|_| is_copied).into_iter().flat_map(|node| &node.props) {
            if value.has_big_integer() {
                return Err(invalid(format!("Can't set a property to null: {key}")));
            }
        }
        match node.map(|node| &node.kind) {
            Some(Kind::Record(record)) => {
                self.states.entry(id).or_insert(State::Started);
                tasks.push(Task::Leave(id));
                tasks.extend(record.fields.iter().rev().map(|field| Task::Visit(field.schema)));
            }
            Some(Kind::Union(branches)) => {
                tasks.push(Task::Leave(id));
                // From the last to the first, unlike fields.
                tasks.extend(branches.iter().copied().map(Task::Visit));
            }
            Some(Kind::Array(child) | Kind::Map(child)) => tasks.push(Task::Visit(*child)),
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, id: NodeId, completed: &mut Vec<NodeId>) -> Result<(), ParseError> {
        match self.kind(id) {
            Some(Kind::Record(record)) if self.states.get(&id) == Some(&State::Started) => {
                for field in record.fields.iter().filter(|_| self.checks_defaults) {
                    if let Some(value) = &field.default {
                        defaults::check(self, &field.name, field.schema, value, self.limits)?;
                    }
                }
                self.states.insert(id, State::Complete);
                completed.push(id);
            }
            Some(Kind::Union(branches))
                if branches.iter().any(|branch| self.replaced.contains_key(branch)) =>
            {
                let mut names = HashSet::new();
                for kind in branches.iter().filter_map(|branch| self.kind(self.target(*branch))) {
                    if let Some(name) = names.replace(branch_name(kind)) {
                        return Err(invalid(format!("Duplicate in union:{name}")));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn target(&self, id: NodeId) -> NodeId {
        self.replaced.get(&id).copied().unwrap_or(id)
    }

    fn kind(&self, id: NodeId) -> Option<&Kind> {
        self.nodes.get(id.index()).map(|node| &node.kind)
    }
}

impl defaults::Types for Resolver<'_> {
    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(self.target(id).index())
    }

    fn has_fields(&self, id: NodeId) -> bool {
        matches!(self.states.get(&self.target(id)), Some(State::Complete | State::Closed))
    }

    fn text(&self, id: NodeId) -> String {
        print::excerpt(self.nodes, self.target(id))
    }
}

/// Drops what the root is not made of and numbers the rest in document order.
fn compact(mut nodes: Vec<Node>, root: NodeId) -> (Vec<Node>, NodeId) {
    let mut numbers: HashMap<NodeId, NodeId> = HashMap::new();
    let mut order = Vec::new();
    let mut pending = vec![root];
    while let Some(id) = pending.pop() {
        if let (std::collections::hash_map::Entry::Vacant(slot), Ok(next)) =
            (numbers.entry(id), u32::try_from(order.len()))
        {
            slot.insert(NodeId(next));
            order.push(id);
            if let Some(node) = nodes.get_mut(id.index()) {
                pending.extend(node.children_mut().into_iter().rev().map(|child| *child));
            }
        }
    }
    let mut take = |id: NodeId| {
        let node = nodes.get_mut(id.index())?;
        let mut node = std::mem::replace(node, Node { kind: Kind::Null, props: Vec::new() });
        for child in node.children_mut() {
            *child = numbers.get(child).copied().unwrap_or(*child);
        }
        Some(node)
    };
    (order.iter().filter_map(|&id| take(id)).collect(), NodeId(0))
}
