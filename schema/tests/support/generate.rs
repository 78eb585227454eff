//! Schemas made of random choices: every type, logical type, union, recursion and reference.

use std::collections::HashSet;
use std::fmt::Write as _;

use muster_schema::avro::{self, AvroSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};

use super::Choices;

/// A schema as a tree, from which its texts are made.
#[derive(Clone, Debug)]
pub struct Model {
    pub types: Vec<Definition>,
    pub root: Type,
    /// Types with a text of their own, in the order in which they must be read.
    pub external: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Primitive(&'static str),
    /// Index in [`LOGICAL`].
    Logical(usize),
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    /// Index of a definition.
    Named(usize),
}

#[derive(Clone, Debug)]
pub struct Definition {
    pub name: String,
    pub namespace: &'static str,
    /// Full names.
    pub aliases: Vec<String>,
    pub doc: Option<&'static str>,
    pub kind: DefinitionKind,
}

#[derive(Clone, Debug)]
pub enum DefinitionKind {
    Record { is_error: bool, fields: Vec<FieldModel> },
    Enum { symbols: Vec<String>, default: Option<String> },
    Fixed { size: usize, logical: &'static str },
}

#[derive(Clone, Debug)]
pub struct FieldModel {
    pub name: String,
    pub schema: Type,
    /// JSON text.
    pub default: Option<String>,
    pub aliases: Vec<String>,
    pub doc: Option<&'static str>,
    pub order: &'static str,
}

pub const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

/// Logical types of unnamed types: the type, the name, more attributes.
pub const LOGICAL: [(&str, &str, &str); 12] = [
    ("int", "date", ""),
    ("int", "time-millis", ""),
    ("long", "time-micros", ""),
    ("long", "timestamp-millis", ""),
    ("long", "timestamp-micros", ""),
    ("long", "timestamp-nanos", ""),
    ("long", "local-timestamp-millis", ""),
    ("long", "local-timestamp-micros", ""),
    ("long", "local-timestamp-nanos", ""),
    ("string", "uuid", ""),
    ("bytes", "decimal", ",\"precision\":9,\"scale\":2"),
    ("bytes", "big-decimal", ""),
];

/// Logical types of fixeds: the name, the size, more attributes.
pub const LOGICAL_FIXED: [(&str, usize, &str); 3] =
    [("duration", 12, ""), ("uuid", 16, ""), ("decimal", 4, ",\"precision\":9")];

/// The texts of a schema.
#[derive(Clone, Debug)]
pub struct Texts {
    pub text: String,
    pub references: ResolvedReferences,
}

impl Texts {
    pub fn parse(&self, strictness: Strictness) -> Result<AvroSchema, ParseError> {
        avro::parse(&self.text, &self.references, strictness, &Limits::default())
    }
}

/// A schema that is valid, has finite data of every type, and nests about so many levels.
pub fn model(choices: &mut Choices<'_>, depth: usize) -> Model {
    let mut model = Model { types: Vec::new(), root: Type::Primitive("null"), external: Vec::new() };
    let mut builder = Builder { model: &mut model, complete: Vec::new(), open: Vec::new() };
    let externals = choices.below(6).saturating_sub(3);
    for _ in 0..externals {
        let id = builder.named(choices, depth.min(2));
        builder.model.external.push(id);
    }
    builder.model.root = if externals > 0 || choices.below(4) > 0 {
        Type::Named(builder.record(choices, depth))
    } else {
        builder.any(choices, depth)
    };
    model
}

struct Builder<'m> {
    model: &'m mut Model,
    complete: Vec<usize>,
    open: Vec<usize>,
}

impl Builder<'_> {
    fn any(&mut self, choices: &mut Choices<'_>, depth: usize) -> Type {
        match choices.below(if depth == 0 { 18 } else { 44 }) {
            pick @ 0..8 => Type::Primitive(PRIMITIVES[pick]),
            8..16 => Type::Logical(choices.below(LOGICAL.len())),
            16..23 => match choices.below(self.complete.len() + 2).checked_sub(2) {
                Some(known) => Type::Named(self.complete[known]),
                None => Type::Named(self.small(choices)),
            },
            23..26 => Type::Array(Box::new(self.any(choices, depth - 1))),
            26..29 => Type::Map(Box::new(self.any(choices, depth - 1))),
            29..35 => self.union(choices, depth),
            35..38 if !self.open.is_empty() => {
                let inner = Type::Named(self.open[choices.below(self.open.len())]);
                let null = Type::Primitive("null");
                match choices.below(4) {
                    0 => Type::Array(Box::new(inner)),
                    1 => Type::Map(Box::new(inner)),
                    2 => Type::Union(vec![null, inner]),
                    _ => Type::Union(vec![inner, null]),
                }
            }
            _ => Type::Named(self.record(choices, depth)),
        }
    }

    fn named(&mut self, choices: &mut Choices<'_>, depth: usize) -> usize {
        if choices.below(3) == 0 { self.small(choices) } else { self.record(choices, depth) }
    }

    fn define(&mut self, choices: &mut Choices<'_>, kind: DefinitionKind) -> usize {
        let name = format!("T{}", self.model.types.len());
        let namespace = choices.pick(&["n", "n", "n", "m.k"]);
        let aliases = if choices.once_in(8) { vec![format!("{namespace}.Old{name}")] } else { Vec::new() };
        let doc = choices.once_in(8).then_some("A type.");
        self.model.types.push(Definition { name, namespace, aliases, doc, kind });
        self.model.types.len() - 1
    }

    /// An enum or a fixed.
    fn small(&mut self, choices: &mut Choices<'_>) -> usize {
        let kind = if choices.below(2) == 0 {
            let symbols: Vec<String> = (0..=choices.below(4)).map(|n| format!("S{n}")).collect();
            let default = choices.once_in(3).then(|| symbols[0].clone());
            DefinitionKind::Enum { symbols, default }
        } else {
            match choices.below(6).checked_sub(3) {
                Some(pick) => {
                    let (logical, size, _) = LOGICAL_FIXED[pick];
                    DefinitionKind::Fixed { size, logical }
                }
                None => DefinitionKind::Fixed { size: choices.below(6), logical: "" },
            }
        };
        let id = self.define(choices, kind);
        self.complete.push(id);
        id
    }

    fn record(&mut self, choices: &mut Choices<'_>, depth: usize) -> usize {
        let is_error = choices.once_in(12);
        let id = self.define(choices, DefinitionKind::Record { is_error, fields: Vec::new() });
        self.open.push(id);
        let mut fields = Vec::new();
        for n in 0..choices.below(6) {
            let schema = self.any(choices, depth.saturating_sub(1));
            fields.push(self.field(choices, format!("f{n}"), schema));
        }
        self.open.pop();
        self.complete.push(id);
        self.model.types[id].kind = DefinitionKind::Record { is_error, fields };
        id
    }

    fn field(&mut self, choices: &mut Choices<'_>, name: String, schema: Type) -> FieldModel {
        let default = if choices.below(3) == 0 { self.model.default_of(&schema, 3) } else { None };
        let aliases = if choices.once_in(8) { vec![format!("old_{name}")] } else { Vec::new() };
        let doc = choices.once_in(8).then_some("A field.");
        let order = if choices.once_in(8) { "descending" } else { "" };
        FieldModel { name, schema, default, aliases, doc, order }
    }

    fn union(&mut self, choices: &mut Choices<'_>, depth: usize) -> Type {
        let mut branches: Vec<Type> = Vec::new();
        for _ in 0..=choices.below(4) {
            let branch = self.any(choices, depth - 1);
            if !matches!(branch, Type::Union(_)) && !branches.iter().any(|other| same_branch(other, &branch))
            {
                branches.push(branch);
            }
        }
        if branches.is_empty() {
            branches.push(Type::Primitive("null"));
        }
        Type::Union(branches)
    }
}

/// Whether a union cannot have both branches.
pub fn same_branch(a: &Type, b: &Type) -> bool {
    let kind = |schema: &Type| match schema {
        Type::Primitive(name) => Some(*name),
        Type::Logical(index) => Some(LOGICAL[*index].0),
        Type::Array(_) => Some("array"),
        Type::Map(_) => Some("map"),
        Type::Union(_) => Some("union"),
        Type::Named(_) => None,
    };
    match (a, b) {
        (Type::Named(a), Type::Named(b)) => a == b,
        _ => kind(a).is_some() && kind(a) == kind(b),
    }
}

impl Model {
    /// A JSON value that is a default of a type; none where there is none, or none that is small.
    pub fn default_of(&self, schema: &Type, depth: usize) -> Option<String> {
        let primitive = |name: &str| match name {
            "null" => "null",
            "boolean" => "true",
            "int" | "long" => "7",
            "float" | "double" => "1.5",
            _ => "\"abc\"",
        };
        match schema {
            Type::Primitive(name) => Some(primitive(name).to_owned()),
            Type::Logical(index) => Some(primitive(LOGICAL[*index].0).to_owned()),
            Type::Array(_) => Some("[]".to_owned()),
            Type::Map(_) => Some("{}".to_owned()),
            Type::Union(branches) => branches.iter().find_map(|branch| self.default_of(branch, depth)),
            Type::Named(id) => match &self.types[*id].kind {
                DefinitionKind::Enum { symbols, .. } => Some(format!("\"{}\"", symbols.first()?)),
                DefinitionKind::Fixed { size, .. } => Some(format!("\"{}\"", "x".repeat(*size))),
                DefinitionKind::Record { fields, .. } => {
                    // A record in the making has no fields yet, and no default.
                    if depth == 0 || fields.is_empty() {
                        return None;
                    }
                    let members: Option<Vec<String>> = fields
                        .iter()
                        .map(|field| {
                            Some(format!("\"{}\":{}", field.name, self.default_of(&field.schema, depth - 1)?))
                        })
                        .collect();
                    members.map(|members| format!("{{{}}}", members.join(",")))
                }
            },
        }
    }

    /// The texts: each external type by itself, then the rest.
    pub fn texts(&self) -> Texts {
        let mut written = HashSet::new();
        let mut texts = Vec::new();
        for &id in &self.external {
            if !written.contains(&id) {
                let mut text = String::new();
                self.write(&Type::Named(id), &mut written, &mut text);
                texts.push((format!("ref{id}"), text));
            }
        }
        let mut text = String::new();
        self.write(&self.root, &mut written, &mut text);
        Texts { text, references: ResolvedReferences { texts, ..ResolvedReferences::default() } }
    }

    fn write(&self, schema: &Type, written: &mut HashSet<usize>, out: &mut String) {
        match schema {
            Type::Primitive(name) => *out += &format!("\"{name}\""),
            Type::Logical(index) => {
                let (name, logical, more) = LOGICAL[*index];
                *out += &format!("{{\"type\":\"{name}\",\"logicalType\":\"{logical}\"{more}}}");
            }
            Type::Array(items) => {
                *out += "{\"type\":\"array\",\"items\":";
                self.write(items, written, out);
                out.push('}');
            }
            Type::Map(values) => {
                *out += "{\"type\":\"map\",\"values\":";
                self.write(values, written, out);
                out.push('}');
            }
            Type::Union(branches) => {
                out.push('[');
                for (position, branch) in branches.iter().enumerate() {
                    *out += if position > 0 { "," } else { "" };
                    self.write(branch, written, out);
                }
                out.push(']');
            }
            Type::Named(id) => {
                let Definition { name, namespace, aliases, doc, kind } = &self.types[*id];
                if !written.insert(*id) {
                    *out += &format!("\"{namespace}.{name}\"");
                    return;
                }
                *out += &format!("{{\"name\":\"{name}\",\"namespace\":\"{namespace}\"");
                if !aliases.is_empty() {
                    let _ = write!(out, ",\"aliases\":{aliases:?}");
                }
                if let Some(doc) = doc {
                    let _ = write!(out, ",\"doc\":{doc:?}");
                }
                self.write_kind(kind, written, out);
                out.push('}');
            }
        }
    }

    fn write_kind(&self, kind: &DefinitionKind, written: &mut HashSet<usize>, out: &mut String) {
        match kind {
            DefinitionKind::Enum { symbols, default } => {
                let _ = write!(out, ",\"type\":\"enum\",\"symbols\":{symbols:?}");
                if let Some(default) = default {
                    let _ = write!(out, ",\"default\":\"{default}\"");
                }
            }
            DefinitionKind::Fixed { size, logical } => {
                let _ = write!(out, ",\"type\":\"fixed\",\"size\":{size}");
                if let Some((_, _, more)) = LOGICAL_FIXED.iter().find(|(name, ..)| name == logical) {
                    let _ = write!(out, ",\"logicalType\":\"{logical}\"{more}");
                }
            }
            DefinitionKind::Record { is_error, fields } => {
                let kind = if *is_error { "error" } else { "record" };
                let _ = write!(out, ",\"type\":\"{kind}\",\"fields\":[");
                for (position, field) in fields.iter().enumerate() {
                    let comma = if position > 0 { "," } else { "" };
                    let _ = write!(out, "{comma}{{\"name\":\"{}\",\"type\":", field.name);
                    self.write(&field.schema, written, out);
                    if let Some(default) = &field.default {
                        let _ = write!(out, ",\"default\":{default}");
                    }
                    if !field.aliases.is_empty() {
                        let _ = write!(out, ",\"aliases\":{:?}", field.aliases);
                    }
                    if let Some(doc) = field.doc {
                        let _ = write!(out, ",\"doc\":{doc:?}");
                    }
                    if !field.order.is_empty() {
                        let _ = write!(out, ",\"order\":\"{}\"", field.order);
                    }
                    out.push('}');
                }
                out.push(']');
            }
        }
    }
}
