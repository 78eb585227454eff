//! Findings in words.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::walk::{Checker, Finding, Found, LocationId, PairId, ROOT, Token};
use super::{Difference, DifferenceKind};
use crate::avro::model::{Enum, Fixed, Kind, NodeId, Record};
use crate::avro::print::print;

impl Checker<'_> {
    /// Everything found for a pair, in order, shared findings repeated. What says that the list is cut has no finding.
    pub(super) fn list(&self, root: PairId, max_bytes: usize) -> Vec<(Difference, Option<Finding>)> {
        let mut differences = Vec::new();
        let mut bytes_left = max_bytes;
        // One pair of enums may be repeated often; its text is worth keeping.
        let mut symbols = HashMap::new();
        let range = |pair: PairId| self.pairs.get(pair as usize).copied().unwrap_or_default();
        let mut stack = vec![range(root)];
        while let Some((next, end)) = stack.last_mut() {
            let item = if next < end { self.found.get(*next as usize) } else { None };
            *next += 1;
            match item {
                None => {
                    stack.pop();
                }
                Some(Found::As(shared)) => stack.push(range(*shared)),
                Some(Found::Here(finding)) => {
                    let difference = self.describe(finding, &mut symbols);
                    let bytes =
                        size_of::<Difference>() + difference.location.len() + difference.message.len();
                    let Some(left) = bytes_left.checked_sub(bytes) else {
                        let message =
                            format!("more differences follow: the list ends after {max_bytes} bytes");
                        differences.push((Difference::too_large(message), None));
                        break;
                    };
                    bytes_left = left;
                    differences.push((difference, Some(*finding)));
                }
            }
        }
        differences
    }

    fn describe(&self, finding: &Finding, symbols: &mut HashMap<(NodeId, NodeId), String>) -> Difference {
        let reader = &self.reader.node(finding.reader).kind;
        let writer = &self.writer.node(finding.writer).kind;
        let mut location = self.location(finding.location);
        let mut append = |token: fmt::Arguments<'_>| {
            if location != "/" {
                location.push('/');
            }
            location.push_str(&token.to_string());
        };
        let message = match (finding.kind, reader, writer) {
            (DifferenceKind::NameMismatch, _, Kind::Record(Record { named, .. }))
            | (DifferenceKind::NameMismatch, _, Kind::Enum(Enum { named, .. }))
            | (DifferenceKind::NameMismatch, _, Kind::Fixed(Fixed { named, .. })) => {
                append(format_args!("name"));
                format!("expected: {}", named.name)
            }
            (DifferenceKind::FixedSizeMismatch, Kind::Fixed(r), Kind::Fixed(w)) => {
                append(format_args!("size"));
                format!("expected: {}, found: {}", w.size, r.size)
            }
            (DifferenceKind::MissingEnumSymbols, Kind::Enum(r), Kind::Enum(w)) => {
                append(format_args!("symbols"));
                symbols
                    .entry((finding.reader, finding.writer))
                    .or_insert_with(|| missing_symbols(r, w))
                    .clone()
            }
            (DifferenceKind::ReaderFieldMissingDefaultValue, Kind::Record(r), _) => {
                let position = finding.position.unwrap_or_default();
                append(format_args!("fields/{position}"));
                r.fields.get(position as usize).map(|field| field.name.clone()).unwrap_or_default()
            }
            (DifferenceKind::MissingUnionBranch, _, writer) => {
                if let Some(position) = finding.position {
                    append(format_args!("{position}"));
                }
                format!("reader union lacking writer type: {}", type_name(writer))
            }
            (_, reader, writer) => {
                format!(
                    "reader type: {} not compatible with writer type: {}",
                    type_name(reader),
                    type_name(writer)
                )
            }
        };
        Difference { kind: finding.kind, location, message }
    }

    fn location(&self, id: LocationId) -> String {
        let mut tokens = Vec::new();
        let mut at = id;
        while let Some(location) = self.locations.get(at as usize).filter(|_| at != ROOT) {
            tokens.push(location.token);
            at = location.parent;
        }
        if tokens.is_empty() {
            return "/".to_owned();
        }
        tokens.iter().rev().map(Token::to_string).collect()
    }

    pub(super) fn ambiguous(
        &self,
        record: NodeId,
        position: u32,
        writer: NodeId,
        max_bytes: usize,
    ) -> Difference {
        let field = match &self.reader.node(record).kind {
            Kind::Record(record) => record.fields.get(position as usize),
            _ => None,
        };
        let (name, kind) = field.map_or(("", "NULL"), |field| {
            (field.name.as_str(), type_name(&self.reader.node(field.schema).kind))
        });
        let record_text = print(&self.writer.nodes, writer, std::iter::empty(), max_bytes)
            .map_or_else(|| format!("{{of more than {max_bytes} bytes}}"), |printed| printed.text);
        Difference {
            kind: DifferenceKind::AmbiguousField,
            location: "/".to_owned(),
            message: format!(
                "Reader record field {name} type:{kind} pos:{position} matches multiple fields in writer record \
                 schema {record_text}"
            ),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Items => f.write_str("/items"),
            Self::Values => f.write_str("/values"),
            Self::Branch(position) => write!(f, "/{position}"),
            Self::FieldType(position) => write!(f, "/fields/{position}/type"),
        }
    }
}

/// Rendered as the reference prints a sorted set; Java sorts strings by UTF-16 units.
fn missing_symbols(reader: &Enum, writer: &Enum) -> String {
    let known: HashSet<&str> = reader.symbols.iter().map(String::as_str).collect();
    let mut missing: Vec<&str> =
        writer.symbols.iter().map(String::as_str).filter(|symbol| !known.contains(symbol)).collect();
    missing.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    missing.dedup();
    format!("[{}]", missing.join(", "))
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Null => "NULL",
        Kind::Boolean => "BOOLEAN",
        Kind::Int => "INT",
        Kind::Long => "LONG",
        Kind::Float => "FLOAT",
        Kind::Double => "DOUBLE",
        Kind::Bytes => "BYTES",
        Kind::String => "STRING",
        Kind::Array(_) => "ARRAY",
        Kind::Map(_) => "MAP",
        Kind::Union(_) => "UNION",
        Kind::Record(_) => "RECORD",
        Kind::Enum(_) => "ENUM",
        Kind::Fixed(_) => "FIXED",
    }
}
