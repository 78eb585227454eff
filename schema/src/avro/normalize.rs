//! Normalization (schema formats spec §1.6): a text in which every name is full and every list without meaning is
//! sorted, read again and printed.
//!
//! Names, symbols and the keys of properties go into that text as they are, without escapes, as in the reference: a
//! key that needs escapes makes normalization fail, or changes the key.

use std::collections::{HashMap, HashSet};

use super::attributes::invalid;
use super::logical::{LogicalType, logical_type};
use super::model::{AvroSchema, Enum, Field, Fixed, Kind, Name, Named, Node, NodeId, Order, Record};
use super::names::{NameIndex, named, type_name};
use super::references;
use crate::format::ParseError;
use crate::jsontext::{Json, Number, Sorted, java_double, java_float, write_string};
use crate::subject::utf16_order;

/// The text that is read again may have this many times the bytes of a schema text, because its names are long.
const FULL_NAMES: usize = 16;

pub(super) fn normalize(schema: &AvroSchema) -> Result<AvroSchema, ParseError> {
    let source = &schema.source;
    let max_bytes = source.limits.schema_bytes.saturating_mul(FULL_NAMES);
    let names = NameIndex::new(&schema.nodes);
    let written = source.elided.iter().filter_map(|name| names.number(name)).collect();
    let mut writer = Writer { nodes: &schema.nodes, names, written, out: String::new() };
    let mut tasks = vec![Task::Node(schema.root)];
    while let Some(task) = tasks.pop() {
        writer.run(task, &mut tasks)?;
        if writer.out.len() > max_bytes {
            return Err(ParseError::TooLarge { what: "bytes of text with full names", limit: max_bytes });
        }
    }
    references::parse(&writer.out, &source.references, source.strictness, &source.limits, max_bytes)
}

struct Writer<'a> {
    nodes: &'a [Node],
    names: NameIndex<'a>,
    /// Numbers of the full names that need no definition any more.
    written: HashSet<usize>,
    out: String,
}

enum Task<'a> {
    Node(NodeId),
    /// The fields from this one on, and the end of the record.
    Fields(&'a Node, &'a Record, usize),
    /// What follows the type of a field.
    FieldEnd(&'a Field),
    /// The branches from this one on, and the end of the union.
    Branches(&'a [NodeId], usize),
    /// The end of an array or map.
    End(&'a Node),
}

impl<'a> Writer<'a> {
    fn run(&mut self, task: Task<'a>, tasks: &mut Vec<Task<'a>>) -> Result<(), ParseError> {
        match task {
            Task::Node(id) => self.node(id, tasks),
            Task::Fields(node, record, next) => match record.fields.get(next) {
                Some(field) => {
                    self.raw(&[if next > 0 { "," } else { "" }, "{\"name\":\"", &field.name, "\",\"type\":"]);
                    tasks.push(Task::Fields(node, record, next + 1));
                    tasks.push(Task::FieldEnd(field));
                    tasks.push(Task::Node(field.schema));
                    Ok(())
                }
                None => {
                    self.raw(&["]"]);
                    self.named_end(node, &record.named, None)
                }
            },
            Task::FieldEnd(field) => self.field_end(field),
            Task::Branches(branches, next) => {
                match branches.get(next) {
                    Some(&branch) => {
                        self.raw(&[if next > 0 { "," } else { "" }]);
                        tasks.push(Task::Branches(branches, next + 1));
                        tasks.push(Task::Node(branch));
                    }
                    None => self.raw(&["]"]),
                }
                Ok(())
            }
            Task::End(node) => {
                self.props(&node.props)?;
                self.raw(&["}"]);
                Ok(())
            }
        }
    }

    fn node(&mut self, id: NodeId, tasks: &mut Vec<Task<'a>>) -> Result<(), ParseError> {
        let Some(node) = self.nodes.get(id.index()) else { return Ok(()) };
        match &node.kind {
            Kind::Union(branches) => {
                self.raw(&["["]);
                tasks.push(Task::Branches(branches, 0));
            }
            Kind::Array(items) => {
                self.raw(&["{\"type\":\"array\",\"items\":"]);
                tasks.push(Task::End(node));
                tasks.push(Task::Node(*items));
            }
            Kind::Map(values) => {
                self.raw(&["{\"type\":\"map\",\"values\":"]);
                tasks.push(Task::End(node));
                tasks.push(Task::Node(*values));
            }
            Kind::Record(_) | Kind::Enum(_) | Kind::Fixed(_) => return self.named(id, node, tasks),
            primitive if node.props.is_empty() => self.raw(&["\"", type_name(primitive), "\""]),
            primitive => {
                self.raw(&["{\"type\":\"", type_name(primitive), "\""]);
                self.logical_type(node);
                self.props(&node.props)?;
                self.raw(&["}"]);
            }
        }
        Ok(())
    }

    fn named(&mut self, id: NodeId, node: &'a Node, tasks: &mut Vec<Task<'a>>) -> Result<(), ParseError> {
        let (Some(named), Some((number, _))) = (named(&node.kind), self.names.of(id)) else { return Ok(()) };
        let name = named.name.to_string();
        if !self.written.insert(number) {
            self.raw(&["\"", &name, "\""]);
            return Ok(());
        }
        self.raw(&["{\"name\":\"", &name, "\",\"type\":\"", type_name(&node.kind), "\""]);
        match &node.kind {
            Kind::Enum(Enum { symbols, default, .. }) => {
                self.raw(&[",\"symbols\":["]);
                for (at, symbol) in symbols.iter().enumerate() {
                    self.raw(&[if at > 0 { "," } else { "" }, "\"", symbol, "\""]);
                }
                self.raw(&["]"]);
                self.named_end(node, named, default.as_deref())
            }
            Kind::Fixed(Fixed { size, .. }) => {
                self.raw(&[",\"size\":", &size.to_string()]);
                self.logical_type(node);
                self.named_end(node, named, None)
            }
            Kind::Record(record) => {
                self.raw(&[",\"fields\":["]);
                tasks.push(Task::Fields(node, record, 0));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn named_end(&mut self, node: &Node, named: &Named, default: Option<&str>) -> Result<(), ParseError> {
        if let Some(doc) = named.doc.as_ref().filter(|doc| !doc.is_empty()) {
            self.string("doc", doc);
        }
        // An alias outside any namespace needs a dot to stay there.
        let alias = |alias: &Name| match &alias.namespace {
            None if named.name.namespace.is_some() => format!(".{}", alias.simple),
            _ => alias.to_string(),
        };
        self.aliases(named.aliases.iter().map(alias).collect());
        if let Some(default) = default {
            self.string("default", default);
        }
        self.props(&node.props)?;
        self.raw(&["}"]);
        Ok(())
    }

    fn field_end(&mut self, field: &Field) -> Result<(), ParseError> {
        let order = match field.order {
            Order::Ascending => "ASCENDING",
            Order::Descending => "DESCENDING",
            Order::Ignore => "IGNORE",
        };
        self.raw(&[",\"order\":\"", order, "\""]);
        if let Some(doc) = &field.doc {
            self.string("doc", doc);
        }
        self.aliases(field.aliases.clone());
        // Asked for even where there is no default: an empty union has no first branch to read it with.
        let schema = first_branch(self.nodes, field.schema)?;
        if let Some(default) = &field.default {
            let mut text = String::new();
            if write_default(&mut text, self.nodes, default, schema)? {
                self.raw(&[",\"default\":", &text]);
            }
        }
        self.props(&field.props)?;
        self.raw(&["}"]);
        Ok(())
    }

    fn logical_type(&mut self, node: &Node) {
        let Some(LogicalType { name, decimal }) = logical_type(node) else { return };
        self.raw(&[",\"logicalType\":\"", name, "\""]);
        if let Some((precision, scale)) = decimal {
            self.raw(&[",\"precision\":", &precision.to_string()]);
            if scale != 0 {
                self.raw(&[",\"scale\":", &scale.to_string()]);
            }
        }
    }

    fn props(&mut self, props: &[(String, Json)]) -> Result<(), ParseError> {
        let mut sorted: Vec<&(String, Json)> = props.iter().collect();
        sorted.sort_by(|(a, _), (b, _)| utf16_order(a, b));
        for (key, value) in sorted {
            if value.has_big_integer() {
                return Err(invalid(format!("property {key} has an integer of more than 64 bits")));
            }
            self.raw(&[",\"", key, "\":"]);
            Sorted(value).write(&mut self.out);
        }
        Ok(())
    }

    fn aliases(&mut self, mut aliases: Vec<String>) {
        if aliases.is_empty() {
            return;
        }
        aliases.sort_by(|a, b| utf16_order(a, b));
        self.raw(&[",\"aliases\":["]);
        for (at, alias) in aliases.iter().enumerate() {
            self.raw(&[if at > 0 { "," } else { "" }]);
            write_string(&mut self.out, alias);
        }
        self.raw(&["]"]);
    }

    fn string(&mut self, key: &str, value: &str) {
        self.raw(&[",\"", key, "\":"]);
        write_string(&mut self.out, value);
    }

    fn raw(&mut self, parts: &[&str]) {
        self.out.extend(parts.iter().copied());
    }
}

/// The type that a default of this type is read with.
fn first_branch(nodes: &[Node], id: NodeId) -> Result<NodeId, ParseError> {
    match nodes.get(id.index()).map(|node| &node.kind) {
        Some(Kind::Union(branches)) => {
            branches.first().copied().ok_or_else(|| invalid("Index 0 out of bounds for length 0"))
        }
        _ => Ok(id),
    }
}

/// A container of a default that is being written, with the types of what it holds.
enum Open<'a> {
    Array(std::slice::Iter<'a, Json>, Option<NodeId>),
    Object(std::vec::IntoIter<&'a (String, Json)>, Members<'a>),
}

/// The types of an object's members.
enum Members<'a> {
    /// Any; the type around them is neither map nor record.
    Untyped,
    Map(NodeId),
    Record(HashMap<&'a str, NodeId>),
}

/// Writes a default as the value that Java makes of it, members sorted. False if nothing is left of it, because the
/// kind of a string or number does not fit the type.
///
/// Errors: where something like that is inside an array or object; where an array meets another type; where a record
/// has no such field.
fn write_default(out: &mut String, nodes: &[Node], value: &Json, schema: NodeId) -> Result<bool, ParseError> {
    let kind = |id: NodeId| nodes.get(id.index()).map(|node| &node.kind);
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = Some((value, Some(schema)));
    let mut is_first = true;
    loop {
        if let Some((value, schema)) = next.take() {
            let schema = schema.map(|id| first_branch(nodes, id)).transpose()?;
            is_first = false;
            match value {
                Json::Array(items) => {
                    let item = match schema.and_then(kind) {
                        Some(Kind::Array(item)) => Some(*item),
                        // Without a type, items are written as they are; with another, only an empty array is.
                        _ if schema.is_none() || items.is_empty() => None,
                        other => {
                            let name = other.map_or("", type_name);
                            return Err(invalid(format!("Not an array: \"{name}\"")));
                        }
                    };
                    out.push('[');
                    open.push(Open::Array(items.iter(), item));
                    is_first = true;
                }
                Json::Object(members) => {
                    let types = match schema.and_then(kind) {
                        Some(Kind::Map(values)) => Members::Map(*values),
                        Some(Kind::Record(record)) => {
                            let fields = record.fields.iter();
                            Members::Record(fields.map(|field| (field.name.as_str(), field.schema)).collect())
                        }
                        _ => Members::Untyped,
                    };
                    let mut sorted: Vec<&(String, Json)> = members.iter().collect();
                    sorted.sort_by(|(a, _), (b, _)| utf16_order(a, b));
                    out.push('{');
                    open.push(Open::Object(sorted.into_iter(), types));
                    is_first = true;
                }
                scalar => {
                    if !write_scalar(out, scalar, schema.and_then(kind)) {
                        return if open.is_empty() { Ok(false) } else { Err(invalid("null")) };
                    }
                }
            }
        }
        let comma = if is_first { "" } else { "," };
        next = match open.last_mut() {
            None => return Ok(true),
            Some(Open::Array(items, item)) => items.next().map(|value| {
                out.push_str(comma);
                (value, *item)
            }),
            Some(Open::Object(members, types)) => match members.next() {
                None => None,
                Some((key, value)) => {
                    out.push_str(comma);
                    write_string(out, key);
                    out.push(':');
                    let schema = match types {
                        Members::Untyped => None,
                        Members::Map(values) => Some(*values),
                        Members::Record(fields) => {
                            let field = fields.get(key.as_str()).copied();
                            Some(field.ok_or_else(|| invalid(format!("a record has no field {key}")))?)
                        }
                    };
                    Some((value, schema))
                }
            },
        };
        if next.is_none() {
            out.push(if matches!(open.pop(), Some(Open::Array(..))) { ']' } else { '}' });
            is_first = false;
        }
    }
}

/// Writes a default that is no array or object; false if the type has no such value.
fn write_scalar(out: &mut String, value: &Json, kind: Option<&Kind>) -> bool {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(text) => return write_number(out, Number::of(text), kind),
        Json::String(text) => match kind {
            None | Some(Kind::String | Kind::Enum(_)) => write_string(out, text),
            // Bytes are written one character each, and there are only 256 of them.
            Some(Kind::Bytes | Kind::Fixed(_)) => {
                let latin: String = text.chars().map(|c| if c > '\u{ff}' { '?' } else { c }).collect();
                write_string(out, &latin);
            }
            Some(_) => return false,
        },
        Json::Array(_) | Json::Object(_) => return false,
    }
    true
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "Java rounds an integer or double default to the type of its field in the same way"
)]
fn write_number(out: &mut String, number: Number<'_>, kind: Option<&Kind>) -> bool {
    let text = match (number, number.as_i64(), kind) {
        (Number::Integer(digits), Some(_), Some(Kind::Long)) => digits.to_owned(),
        // A long default of an int field, which only an old schema can have, is kept.
        (Number::Integer(digits), Some(_), None | Some(Kind::Int)) => digits.to_owned(),
        (Number::Integer(_), Some(value), Some(Kind::Float)) => java_float(value as f64 as f32),
        (Number::Integer(_), Some(value), Some(Kind::Double)) => java_double(value as f64),
        (Number::Double(value), _, None | Some(Kind::Double)) => java_double(value),
        (Number::Double(value), _, Some(Kind::Float)) => java_float(value as f32),
        _ => return false,
    };
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        out.push_str(&text);
    } else {
        // NaN and the infinities.
        write_string(out, &text);
    }
    true
}
