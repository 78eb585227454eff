//! An Avro schema laid out for encoding and decoding: names resolved, logical types recognised, defaults encoded.

use std::collections::HashMap;

use muster_schema::avro::AvroSchema;
use muster_schema::avro::model::{Kind, Name, Named, NodeId};
use muster_schema::jsontext::Json;

use super::default::encode_default;

/// Index of a type in its [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TypeId(u32);

/// A compiled schema. Built once per schema, shared by every record.
#[derive(Debug)]
pub struct Shape {
    types: Vec<Type>,
    /// By type: whether each value surely occupies a byte or more.
    occupies: Vec<bool>,
    root: TypeId,
}

#[derive(Debug)]
pub(super) enum Type {
    Null,
    Boolean,
    Int(Logical),
    Long(Logical),
    Float,
    Double,
    Bytes(Logical),
    String(Logical),
    Array(TypeId),
    Map(TypeId),
    Union(Union),
    Record(Record),
    Enum(Enum),
    Fixed(Fixed),
}

/// The logical types that change how a generic value looks. Any other, and any that is ill-formed or on a type it does
/// not belong to, is ignored, as Avro demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    None,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Decimal,
    Uuid,
    Duration,
}

/// A full name, and where its last part begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypeName {
    full: Box<str>,
    simple_at: usize,
}

#[derive(Debug)]
pub(super) struct Union {
    pub(super) branches: Box<[TypeId]>,
    /// Names by which a branch can be chosen: of a named type its own, else the word for the type.
    pub(super) names: Box<[TypeName]>,
    /// The first branch that is null.
    pub(super) null: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: TypeName,
    pub(super) aliases: Vec<String>,
    pub(super) fields: Box<[Field]>,
    by_name: HashMap<Box<str>, usize>,
    /// Stands for a variant of a Rust enum and holds its content in its one field, as `apache_avro`'s derive marks it.
    pub(super) wraps: bool,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) id: TypeId,
    pub(super) aliases: Vec<String>,
    /// The default, encoded with the field's type; `None` if there is none or it does not fit.
    pub(super) default: Option<Box<[u8]>>,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: TypeName,
    pub(super) aliases: Vec<String>,
    pub(super) symbols: Box<[Box<str>]>,
    by_symbol: HashMap<Box<str>, usize>,
    /// Position of the default symbol.
    pub(super) default: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) name: TypeName,
    pub(super) aliases: Vec<String>,
    pub(super) size: usize,
    pub(super) logical: Logical,
}

impl Shape {
    /// Lays out a schema. Time and memory are in proportion to it.
    pub(super) fn compile(schema: &AvroSchema) -> Self {
        let mut layout = Layout { ids: HashMap::new(), nodes: Vec::new() };
        let root = layout.id(schema.root());
        let mut types = Vec::new();
        // `nodes` grows while types are laid out; a queue instead of recursion, for names may chain without end.
        while let Some(&node) = layout.nodes.get(types.len()) {
            types.push(layout.lay_out(schema, node));
        }
        let occupies = occupies(&types);
        let mut shape = Self { types, occupies, root };
        shape.encode_defaults(schema, &layout.nodes);
        shape
    }

    #[inline]
    pub(super) fn root(&self) -> TypeId {
        self.root
    }

    #[inline]
    pub(super) fn get(&self, id: TypeId) -> &Type {
        // Ids are made by `compile` only, for types of the same shape.
        &self.types[id.0 as usize]
    }

    #[inline]
    pub(super) fn root_type(&self) -> &Type {
        self.get(self.root)
    }

    /// Whether each value of the type surely occupies a byte or more.
    pub(super) fn occupies(&self, id: TypeId) -> bool {
        self.occupies[id.0 as usize]
    }

    fn encode_defaults(&mut self, schema: &AvroSchema, nodes: &[NodeId]) {
        // Defaults of records use defaults of their fields, so a small schema can ask for a huge value.
        let mut budget = 4 << 20;
        for (index, &node) in nodes.iter().enumerate() {
            let Kind::Record(record) = &schema.node(node).kind else { continue };
            for (position, field) in record.fields.iter().enumerate() {
                let Some(default) = &field.default else { continue };
                let Some(Type::Record(Record { fields, .. })) = self.types.get(index) else { continue };
                let Some(id) = fields.get(position).map(|field| field.id) else { continue };
                let encoded = encode_default(schema, self, default, id, nodes, &mut budget);
                if let Some(Type::Record(Record { fields, .. })) = self.types.get_mut(index)
                    && let Some(field) = fields.get_mut(position)
                {
                    field.default = encoded;
                }
            }
        }
    }

    /// The node of the schema that a type was laid out from.
    pub(super) fn node_of(nodes: &[NodeId], id: TypeId) -> Option<NodeId> {
        nodes.get(id.0 as usize).copied()
    }
}

impl TypeName {
    pub(super) fn new(full: &str) -> Self {
        Self { full: full.into(), simple_at: full.rfind('.').map_or(0, |dot| dot + 1) }
    }

    pub(super) fn full(&self) -> &str {
        &self.full
    }

    pub(super) fn simple(&self) -> &str {
        self.full.get(self.simple_at..).unwrap_or_default()
    }
}

impl Record {
    pub(super) fn position(&self, field: &str) -> Option<usize> {
        self.by_name.get(field).copied()
    }
}

impl Enum {
    pub(super) fn position(&self, symbol: &str) -> Option<usize> {
        self.by_symbol.get(symbol).copied()
    }
}

impl Type {
    /// The word for it in messages.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int(_) => "int",
            Self::Long(_) => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes(_) => "bytes",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
            Self::Enum(_) => "enum",
            Self::Fixed(_) => "fixed",
        }
    }
}

struct Layout {
    ids: HashMap<NodeId, TypeId>,
    nodes: Vec<NodeId>,
}

impl Layout {
    fn id(&mut self, node: NodeId) -> TypeId {
        *self.ids.entry(node).or_insert_with(|| {
            // `Limits::nodes` keeps schemas far below this.
            let id = TypeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
            self.nodes.push(node);
            id
        })
    }

    fn lay_out(&mut self, schema: &AvroSchema, node: NodeId) -> Type {
        let node = schema.node(node);
        let props = &node.props;
        match &node.kind {
            Kind::Null => Type::Null,
            Kind::Boolean => Type::Boolean,
            Kind::Int => Type::Int(match logical_name(props) {
                "date" => Logical::Date,
                "time-millis" => Logical::TimeMillis,
                _ => Logical::None,
            }),
            Kind::Long => Type::Long(match logical_name(props) {
                "time-micros" => Logical::TimeMicros,
                "timestamp-millis" => Logical::TimestampMillis,
                "timestamp-micros" => Logical::TimestampMicros,
                "timestamp-nanos" => Logical::TimestampNanos,
                "local-timestamp-millis" => Logical::LocalTimestampMillis,
                "local-timestamp-micros" => Logical::LocalTimestampMicros,
                "local-timestamp-nanos" => Logical::LocalTimestampNanos,
                _ => Logical::None,
            }),
            Kind::Float => Type::Float,
            Kind::Double => Type::Double,
            Kind::Bytes => Type::Bytes(match logical_name(props) {
                "decimal" if is_decimal(props) => Logical::Decimal,
                _ => Logical::None,
            }),
            Kind::String => Type::String(match logical_name(props) {
                "uuid" => Logical::Uuid,
                _ => Logical::None,
            }),
            Kind::Array(item) => Type::Array(self.id(*item)),
            Kind::Map(value) => Type::Map(self.id(*value)),
            Kind::Union(branches) => {
                let names = branches.iter().map(|&branch| branch_name(&schema.node(branch).kind)).collect();
                let null = branches.iter().position(|&branch| matches!(schema.node(branch).kind, Kind::Null));
                Type::Union(Union {
                    branches: branches.iter().map(|&branch| self.id(branch)).collect(),
                    names,
                    null,
                })
            }
            Kind::Record(record) => {
                let fields: Box<[Field]> = record
                    .fields
                    .iter()
                    .map(|field| Field {
                        name: field.name.as_str().into(),
                        id: self.id(field.schema),
                        aliases: field.aliases.clone(),
                        default: None,
                    })
                    .collect();
                let by_name = fields.iter().enumerate().map(|(i, field)| (field.name.clone(), i)).collect();
                let wraps = fields.len() == 1
                    && prop(props, "org.apache.avro.rust.union_of_records") == Some(&Json::Bool(true));
                Type::Record(Record {
                    name: type_name(&record.named),
                    aliases: aliases(&record.named),
                    fields,
                    by_name,
                    wraps,
                })
            }
            Kind::Enum(kind) => {
                let symbols: Box<[Box<str>]> =
                    kind.symbols.iter().map(|symbol| symbol.as_str().into()).collect();
                let by_symbol: HashMap<Box<str>, usize> =
                    symbols.iter().enumerate().map(|(i, symbol)| (symbol.clone(), i)).collect();
                let default = kind.default.as_deref().and_then(|symbol| by_symbol.get(symbol).copied());
                Type::Enum(Enum {
                    name: type_name(&kind.named),
                    aliases: aliases(&kind.named),
                    symbols,
                    by_symbol,
                    default,
                })
            }
            Kind::Fixed(fixed) => Type::Fixed(Fixed {
                name: type_name(&fixed.named),
                aliases: aliases(&fixed.named),
                size: fixed.size,
                logical: match logical_name(props) {
                    "decimal" if is_decimal(props) => Logical::Decimal,
                    "uuid" if fixed.size == 16 => Logical::Uuid,
                    "duration" if fixed.size == 12 => Logical::Duration,
                    _ => Logical::None,
                },
            }),
        }
    }
}

fn type_name(named: &Named) -> TypeName {
    TypeName::new(&named.name.to_string())
}

fn aliases(named: &Named) -> Vec<String> {
    named.aliases.iter().map(Name::to_string).collect()
}

fn branch_name(kind: &Kind) -> TypeName {
    match kind {
        Kind::Null => TypeName::new("null"),
        Kind::Boolean => TypeName::new("boolean"),
        Kind::Int => TypeName::new("int"),
        Kind::Long => TypeName::new("long"),
        Kind::Float => TypeName::new("float"),
        Kind::Double => TypeName::new("double"),
        Kind::Bytes => TypeName::new("bytes"),
        Kind::String => TypeName::new("string"),
        Kind::Array(_) => TypeName::new("array"),
        Kind::Map(_) => TypeName::new("map"),
        Kind::Union(_) => TypeName::new("union"),
        Kind::Record(record) => type_name(&record.named),
        Kind::Enum(kind) => type_name(&kind.named),
        Kind::Fixed(fixed) => type_name(&fixed.named),
    }
}

fn prop<'a>(props: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    props.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn logical_name(props: &[(String, Json)]) -> &str {
    match prop(props, "logicalType") {
        Some(Json::String(name)) => name,
        _ => "",
    }
}

/// Whether precision and scale make sense: precision from 1, scale from 0 to the precision.
fn is_decimal(props: &[(String, Json)]) -> bool {
    let number = |name| match prop(props, name) {
        Some(Json::Number(lexeme)) => Some(lexeme.parse::<u32>().ok()),
        Some(_) => Some(None),
        None => None,
    };
    match (number("precision"), number("scale").unwrap_or(Some(0))) {
        (Some(Some(precision)), Some(scale)) => precision >= 1 && scale <= precision,
        _ => false,
    }
}

/// Finds the types whose values surely occupy a byte: passes over all types until nothing changes, at most 16 of them.
/// A type missed after that is only held to the stricter bound for values without bytes.
fn occupies(types: &[Type]) -> Vec<bool> {
    let mut known: Vec<bool> = types
        .iter()
        .map(|kind| match kind {
            Type::Null | Type::Record(_) => false,
            Type::Fixed(fixed) => fixed.size > 0,
            _ => true,
        })
        .collect();
    for _ in 0..16 {
        let mut changed = false;
        for (index, kind) in types.iter().enumerate() {
            let Type::Record(record) = kind else { continue };
            let now = record.fields.iter().any(|field| known.get(field.id.0 as usize) == Some(&true));
            if let Some(slot) = known.get_mut(index)
                && now
                && !*slot
            {
                *slot = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    known
}
