//! Reading a writer's value with a reader's schema, rule by rule as in the Apache Avro 1.12.1 specification, "Schema
//! Resolution" and "Aliases". Knows nothing of the comparison of schemas: it looks at one value, and tells everything
//! in it that cannot be read.

use muster_schema::avro::AvroSchema;
use muster_schema::avro::diff::DifferenceKind;
use muster_schema::avro::model::{Field, Kind, Named, NodeId, Record};

use super::values::{Value, branch_name};

/// Something that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// JSON pointer into the value's JSON encoding.
    pub path: String,
    pub rule: Rule,
}

/// The rule of the specification that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// "It is an error if the two schemas do not match."
    Types,
    /// Records, enums and fixeds match if their unqualified names do, aliases applied.
    Names,
    /// Fixeds match if their sizes do.
    Sizes,
    /// "if the writer's symbol is not present in the reader's enum" and there is no default.
    Symbol,
    /// "if the reader's record schema has a field with no default value, and writer's schema does not have a field
    /// with the same name, an error is signalled."
    NoDefault,
    /// "if none match, an error is signalled."
    NoBranch,
    /// Aliases give two fields of the writer the same name.
    Ambiguous,
}

impl Failure {
    /// Whether this is what a difference of such a kind is about. A union without a branch for the writer's type may
    /// have one that looks like it, and then reading fails inside.
    pub fn is_about(&self, kind: DifferenceKind) -> bool {
        match kind {
            DifferenceKind::TypeMismatch => matches!(self.rule, Rule::Types | Rule::NoDefault),
            DifferenceKind::NameMismatch => self.rule == Rule::Names,
            DifferenceKind::FixedSizeMismatch => self.rule == Rule::Sizes,
            DifferenceKind::MissingEnumSymbols => self.rule == Rule::Symbol,
            DifferenceKind::ReaderFieldMissingDefaultValue => self.rule == Rule::NoDefault,
            DifferenceKind::MissingUnionBranch => true,
            DifferenceKind::AmbiguousField => self.rule == Rule::Ambiguous,
            DifferenceKind::TooLarge => false,
        }
    }
}

/// Which branch of its union a reader takes for a value that was not written as one, or as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unions {
    /// The first that matches, as the specification says.
    FirstMatch,
    /// Any that reads the value: more than the specification allows, as some implementations do.
    AnyThatReads,
}

/// Everything in `value`, a datum of `writer`, that `reader` cannot read.
pub fn failures(reader: &AvroSchema, writer: &AvroSchema, value: &Value, unions: Unions) -> Vec<Failure> {
    let mut found = Vec::new();
    Resolver { reader, writer, unions }.read(reader.root(), writer.root(), value, "", &mut found);
    found
}

struct Resolver<'a> {
    reader: &'a AvroSchema,
    writer: &'a AvroSchema,
    unions: Unions,
}

impl Resolver<'_> {
    fn read(&self, r: NodeId, w: NodeId, value: &Value, path: &str, found: &mut Vec<Failure>) {
        let mut fail = |rule| found.push(Failure { path: path.to_owned(), rule });
        match (&self.reader.node(r).kind, &self.writer.node(w).kind, value) {
            (_, Kind::Union(branches), Value::Union(position, value)) => {
                let branch = branches[*position];
                let path = match &self.writer.node(branch).kind {
                    Kind::Null => path.to_owned(),
                    kind => below(path, &branch_name(kind)),
                };
                self.read(r, branch, value, &path, found);
            }
            (Kind::Union(branches), _, _) => self.read_union(branches, w, value, path, found),
            (Kind::Array(r), Kind::Array(w), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.read(*r, *w, item, &below(path, &index.to_string()), found);
                }
            }
            (Kind::Map(r), Kind::Map(w), Value::Map(entries)) => {
                for (key, value) in entries {
                    self.read(*r, *w, value, &below(path, key), found);
                }
            }
            (Kind::Enum(r), Kind::Enum(w), Value::Enum(position)) => {
                if !names_match(&r.named, &w.named) {
                    fail(Rule::Names);
                }
                if r.default.is_none() && !r.symbols.contains(&w.symbols[*position]) {
                    fail(Rule::Symbol);
                }
            }
            (Kind::Fixed(r), Kind::Fixed(w), Value::Fixed(_)) => {
                if !names_match(&r.named, &w.named) {
                    fail(Rule::Names);
                }
                if r.size != w.size {
                    fail(Rule::Sizes);
                }
            }
            (Kind::Record(r), Kind::Record(w), Value::Record(fields)) => {
                if !names_match(&r.named, &w.named) {
                    fail(Rule::Names);
                }
                self.read_fields(r, w, fields, path, found);
            }
            (r, w, _) => {
                if !primitives_match(r, w) {
                    fail(Rule::Types);
                }
            }
        }
    }

    fn read_fields(&self, r: &Record, w: &Record, values: &[Value], path: &str, found: &mut Vec<Failure>) {
        for field in &r.fields {
            let mut sources = w.fields.iter().zip(values).filter(|(other, _)| reads_field(field, other));
            match (sources.next(), sources.next()) {
                (Some((other, value)), None) => {
                    self.read(field.schema, other.schema, value, &below(path, &other.name), found);
                }
                (Some(_), Some(_)) => found.push(Failure { path: path.to_owned(), rule: Rule::Ambiguous }),
                (None, _) if field.default.is_some() => {}
                (None, _) => found.push(Failure { path: path.to_owned(), rule: Rule::NoDefault }),
            }
            // A name that is also an alias stands for the field twice, to Avro Java.
            if field.aliases.contains(&field.name) && w.fields.iter().any(|other| other.name == field.name) {
                found.push(Failure { path: path.to_owned(), rule: Rule::Ambiguous });
            }
        }
    }

    fn read_union(
        &self,
        branches: &[NodeId],
        w: NodeId,
        value: &Value,
        path: &str,
        found: &mut Vec<Failure>,
    ) {
        let attempt = |branch: NodeId| {
            let mut failures = Vec::new();
            self.read(branch, w, value, path, &mut failures);
            failures
        };
        let no_branch = || Failure { path: path.to_owned(), rule: Rule::NoBranch };
        match self.unions {
            Unions::FirstMatch => {
                let writer = &self.writer.node(w).kind;
                match branches.iter().find(|branch| looks_alike(&self.reader.node(**branch).kind, writer)) {
                    Some(branch) => found.extend(attempt(*branch)),
                    None => found.push(no_branch()),
                }
            }
            Unions::AnyThatReads => {
                if branches.iter().all(|branch| !attempt(*branch).is_empty()) {
                    found.push(no_branch());
                }
            }
        }
    }
}

/// What decides which branch a reader takes. The specification compares items of arrays, values of maps and sizes of
/// fixeds as well, so that a branch is passed over for a difference inside it; here it is taken, and reading fails at
/// the difference or not at all, which asks more of a witness.
fn looks_alike(branch: &Kind, writer: &Kind) -> bool {
    match (branch, writer) {
        (Kind::Array(_), Kind::Array(_)) | (Kind::Map(_), Kind::Map(_)) => true,
        (Kind::Enum(r), Kind::Enum(w)) => names_match(&r.named, &w.named),
        (Kind::Fixed(r), Kind::Fixed(w)) => names_match(&r.named, &w.named),
        (Kind::Record(r), Kind::Record(w)) => names_match(&r.named, &w.named),
        (r, w) => primitives_match(r, w),
    }
}

/// Unqualified names, or the writer's full name among the reader's aliases.
fn names_match(reader: &Named, writer: &Named) -> bool {
    reader.name.simple == writer.name.simple
        || reader.aliases.iter().any(|alias| alias.to_string() == writer.name.to_string())
}

fn reads_field(reader: &Field, writer: &Field) -> bool {
    reader.name == writer.name || reader.aliases.contains(&writer.name)
}

fn primitives_match(reader: &Kind, writer: &Kind) -> bool {
    let name = |kind: &Kind| match kind {
        Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => None,
        Kind::Record(_) | Kind::Enum(_) | Kind::Fixed(_) => None,
        primitive => Some(branch_name(primitive)),
    };
    let (Some(reader), Some(writer)) = (name(reader), name(writer)) else { return false };
    reader == writer
        || matches!(
            (writer.as_str(), reader.as_str()),
            ("int", "long" | "float" | "double")
                | ("long", "float" | "double")
                | ("float", "double")
                | ("string", "bytes")
                | ("bytes", "string")
        )
}

fn below(path: &str, token: &str) -> String {
    format!("{path}/{}", token.replace('~', "~0").replace('/', "~1"))
}
