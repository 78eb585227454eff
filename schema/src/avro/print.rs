//! Canonical text (schema formats spec §1.5).

use std::collections::HashSet;

use super::attributes::clip;
use super::model::{Enum, Field, Kind, Name, Named, Node, NodeId, Order};
use super::names::{NO_NAMESPACE, NameIndex, named, type_name};
use crate::jsontext::{self, Json, write_string};

/// A schema as text.
pub(super) struct Printed {
    pub(super) text: String,
    /// How deep its arrays and objects nest.
    pub(super) depth: usize,
}

/// Prints a type with everything it is made of. Each named type is written out where it is first met, except those
/// whose full names are in `known`; `None` if that takes more than `max_bytes`.
pub(super) fn print<'n>(
    nodes: &[Node],
    root: NodeId,
    known: impl Iterator<Item = &'n str>,
    max_bytes: usize,
) -> Option<Printed> {
    let names = NameIndex::new(nodes);
    let known = known.filter_map(|name| names.number(name)).collect();
    let mut printer = Printer { nodes, names, known, out: String::new(), depth: 0, max_depth: 0 };
    let mut tasks = vec![Task::Node(root, NO_NAMESPACE)];
    while let Some(task) = tasks.pop() {
        printer.run(task, &mut tasks);
        if printer.out.len() > max_bytes {
            return None;
        }
    }
    Some(Printed { text: printer.out, depth: printer.max_depth })
}

/// The beginning of a type's text, for a message.
pub(super) fn excerpt(nodes: &[Node], id: NodeId) -> String {
    const ENOUGH: usize = 1 << 20;
    print(nodes, id, std::iter::empty(), ENOUGH)
        .map_or_else(String::new, |printed| clip(&printed.text).into_owned())
}

struct Printer<'a> {
    nodes: &'a [Node],
    names: NameIndex<'a>,
    /// Numbers of the full names that have been written out.
    known: HashSet<usize>,
    out: String,
    depth: usize,
    max_depth: usize,
}

enum Task<'a> {
    /// A type inside a namespace.
    Node(NodeId, usize),
    /// The fields from this one on, and the end of the record.
    Fields(NodeId, usize),
    /// What follows the type of a field.
    FieldEnd(&'a Field),
    /// The branches from this one on, and the end of the union.
    Branches(&'a [NodeId], usize, usize),
    /// The end of an array or map.
    End(&'a Node),
}

impl<'a> Printer<'a> {
    fn run(&mut self, task: Task<'a>, tasks: &mut Vec<Task<'a>>) {
        match task {
            Task::Node(id, namespace) => self.node(id, namespace, tasks),
            Task::Fields(id, next) => self.fields(id, next, tasks),
            Task::FieldEnd(field) => self.field_end(field),
            Task::Branches(branches, next, namespace) => match branches.get(next) {
                Some(&branch) => {
                    self.out.push_str(if next > 0 { "," } else { "" });
                    tasks.push(Task::Branches(branches, next + 1, namespace));
                    tasks.push(Task::Node(branch, namespace));
                }
                None => self.close(']'),
            },
            Task::End(node) => {
                self.props(&node.props);
                self.close('}');
            }
        }
    }

    fn node(&mut self, id: NodeId, namespace: usize, tasks: &mut Vec<Task<'a>>) {
        let Some(node) = self.nodes.get(id.index()) else { return };
        match &node.kind {
            Kind::Union(branches) => {
                self.open('[');
                tasks.push(Task::Branches(branches, 0, namespace));
            }
            Kind::Array(items) => {
                self.open('{');
                self.out.push_str("\"type\":\"array\",\"items\":");
                tasks.push(Task::End(node));
                tasks.push(Task::Node(*items, namespace));
            }
            Kind::Map(values) => {
                self.open('{');
                self.out.push_str("\"type\":\"map\",\"values\":");
                tasks.push(Task::End(node));
                tasks.push(Task::Node(*values, namespace));
            }
            Kind::Record(_) | Kind::Enum(_) | Kind::Fixed(_) => self.named(id, node, namespace, tasks),
            primitive if node.props.is_empty() => write_string(&mut self.out, type_name(primitive)),
            primitive => {
                self.open('{');
                self.out.push_str("\"type\":");
                write_string(&mut self.out, type_name(primitive));
                self.props(&node.props);
                self.close('}');
            }
        }
    }

    fn named(&mut self, id: NodeId, node: &'a Node, namespace: usize, tasks: &mut Vec<Task<'a>>) {
        let (Some(named), Some((number, own_namespace))) = (named(&node.kind), self.names.of(id)) else {
            return;
        };
        if !self.known.insert(number) {
            self.name(&named.name, own_namespace == namespace && own_namespace != NO_NAMESPACE);
            return;
        }
        self.open('{');
        let kind = match &node.kind {
            Kind::Record(record) if record.is_error => "error",
            kind => type_name(kind),
        };
        self.out.push_str("\"type\":");
        write_string(&mut self.out, kind);
        self.member("name", &named.name.simple);
        if own_namespace != namespace {
            self.member("namespace", named.name.namespace.as_deref().unwrap_or_default());
        }
        if let Some(doc) = &named.doc {
            self.member("doc", doc);
        }
        match &node.kind {
            Kind::Enum(Enum { symbols, default, .. }) => {
                self.strings("symbols", symbols.iter().map(String::as_str));
                if let Some(default) = default {
                    self.member("default", default);
                }
            }
            Kind::Fixed(fixed) => {
                self.out.push_str(",\"size\":");
                self.out.push_str(&fixed.size.to_string());
            }
            _ => {
                self.out.push_str(",\"fields\":");
                self.open('[');
                tasks.push(Task::Fields(id, 0));
                return;
            }
        }
        self.named_end(node, named);
    }

    fn fields(&mut self, id: NodeId, next: usize, tasks: &mut Vec<Task<'a>>) {
        let Some(node) = self.nodes.get(id.index()) else { return };
        let Kind::Record(record) = &node.kind else { return };
        match record.fields.get(next) {
            Some(field) => {
                self.out.push_str(if next > 0 { "," } else { "" });
                self.open('{');
                self.out.push_str("\"name\":");
                write_string(&mut self.out, &field.name);
                self.out.push_str(",\"type\":");
                let (_, namespace) = self.names.of(id).unwrap_or_default();
                tasks.push(Task::Fields(id, next + 1));
                tasks.push(Task::FieldEnd(field));
                tasks.push(Task::Node(field.schema, namespace));
            }
            None => {
                self.close(']');
                self.named_end(node, &record.named);
            }
        }
    }

    fn field_end(&mut self, field: &Field) {
        if let Some(doc) = &field.doc {
            self.member("doc", doc);
        }
        if let Some(default) = &field.default {
            self.key("default");
            self.json(default);
        }
        match field.order {
            Order::Ascending => {}
            Order::Descending => self.member("order", "descending"),
            Order::Ignore => self.member("order", "ignore"),
        }
        if !field.aliases.is_empty() {
            self.strings("aliases", field.aliases.iter().map(String::as_str));
        }
        self.props(&field.props);
        self.close('}');
    }

    fn named_end(&mut self, node: &Node, named: &Named) {
        self.props(&node.props);
        if !named.aliases.is_empty() {
            self.key("aliases");
            self.open('[');
            for (at, alias) in named.aliases.iter().enumerate() {
                self.out.push_str(if at > 0 { "," } else { "" });
                let is_relative = alias.namespace.is_some() && alias.namespace == named.name.namespace;
                self.name(alias, is_relative);
            }
            self.close(']');
        }
        self.close('}');
    }

    /// A name as the place where it is used needs it.
    fn name(&mut self, name: &Name, is_relative: bool) {
        match &name.namespace {
            Some(_) if !is_relative || name.reads_as_type() => write_string(&mut self.out, &name.to_string()),
            _ => write_string(&mut self.out, &name.simple),
        }
    }

    fn props(&mut self, props: &[(String, Json)]) {
        for (key, value) in props {
            self.key(key);
            self.json(value);
        }
    }

    fn json(&mut self, value: &Json) {
        self.max_depth = self.max_depth.max(self.depth + jsontext::depth(value));
        jsontext::write(&mut self.out, value);
    }

    fn member(&mut self, key: &str, value: &str) {
        self.key(key);
        write_string(&mut self.out, value);
    }

    fn strings<'s>(&mut self, key: &str, values: impl Iterator<Item = &'s str>) {
        self.key(key);
        self.open('[');
        for (at, value) in values.enumerate() {
            self.out.push_str(if at > 0 { "," } else { "" });
            write_string(&mut self.out, value);
        }
        self.close(']');
    }

    fn key(&mut self, key: &str) {
        self.out.push(',');
        write_string(&mut self.out, key);
        self.out.push(':');
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth += 1;
        self.max_depth = self.max_depth.max(self.depth);
    }

    fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth = self.depth.saturating_sub(1);
    }
}
