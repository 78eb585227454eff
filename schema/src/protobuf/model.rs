//! The syntax tree of one `.proto` file: what the text said, types not resolved, comments dropped.
//!
//! Messages and enums live in two arenas and name each other by index, so that no walk over a file, nor dropping one,
//! needs a stack as deep as the messages nest. A message comes after the one it is nested in. Only option values and
//! map types are nested boxes, bounded by [`MAX_VALUE_DEPTH`].

use std::collections::HashSet;
use std::fmt;

/// Most levels of aggregates and lists in an option value, and of maps in a map type: as many as the libraries of the
/// language nest messages.
pub const MAX_VALUE_DEPTH: usize = 100;
/// The number that `max` stands for in a range, the largest number of a field.
pub const MAX_NUMBER: i32 = 536_870_911;

/// A file: the whole of a text or of a `FileDescriptorProto`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProtoFile {
    /// The declared syntax, if any; none means the rules of proto2.
    pub syntax: Option<Syntax>,
    /// The package, if any.
    pub package: Option<String>,
    /// Paths of plain imports, in order.
    pub imports: Vec<String>,
    /// Paths of `import public`, in order.
    pub public_imports: Vec<String>,
    /// Paths of `import weak`, in order; remembered but never printed.
    pub weak_imports: Vec<String>,
    /// File options, in order.
    pub options: Vec<ProtoOption>,
    /// Top-level types, in source order.
    pub types: Vec<TypeId>,
    /// Every message of the file, nested ones after the one they are nested in.
    pub messages: Vec<Message>,
    /// Every enum of the file.
    pub enums: Vec<Enum>,
    /// Top-level `extend` blocks, in order.
    pub extends: Vec<Extend>,
    /// Services, in order.
    pub services: Vec<Service>,
}

/// The syntax a file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// `proto2`.
    Proto2,
    /// `proto3`.
    Proto3,
}

/// Index of a message in [`ProtoFile::messages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub(crate) usize);

/// Index of an enum in [`ProtoFile::enums`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumId(pub(crate) usize);

/// A type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeId {
    /// A message.
    Message(MessageId),
    /// An enum.
    Enum(EnumId),
}

/// A message. Groups are not messages here: they are [`Group`]s of the message that declares them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Simple name, as written.
    pub name: String,
    /// The message it is nested in.
    pub parent: Option<MessageId>,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
    /// `reserved` statements, in order.
    pub reserved: Vec<Vec<Reserved>>,
    /// Fields outside oneofs, in order.
    pub fields: Vec<Field>,
    /// Oneofs, in order.
    pub oneofs: Vec<Oneof>,
    /// Groups outside oneofs, in order.
    pub groups: Vec<Group>,
    /// `extensions` statements, in order.
    pub extensions: Vec<Extensions>,
    /// Nested `extend` blocks, in order.
    pub extends: Vec<Extend>,
    /// Nested types, in source order.
    pub types: Vec<TypeId>,
}

/// A field of a message, oneof, group or `extend` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The explicit label, if any.
    pub label: Option<Label>,
    /// The type, not resolved.
    pub field_type: FieldType,
    /// The name.
    pub name: String,
    /// The number; anything of 32 bits.
    pub number: i32,
    /// The `default` option, quotes and escapes removed.
    pub default: Option<String>,
    /// The `json_name` option.
    pub json_name: Option<String>,
    /// The other options, in order.
    pub options: Vec<ProtoOption>,
}

/// An explicit label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// `optional`.
    Optional,
    /// `required`.
    Required,
    /// `repeated`.
    Repeated,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A scalar.
    Scalar(Scalar),
    /// The name of a message or an enum, as written; a leading dot makes it absolute.
    Named(String),
    /// `map<K, V>`.
    Map(Box<MapType>),
}

/// A map type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapType {
    /// The key: neither a floating-point number nor bytes.
    pub key: Scalar,
    /// The value. The reference's grammar lets it be a map again.
    pub value: FieldType,
}

/// A scalar type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the language")]
pub enum Scalar {
    Bool,
    Bytes,
    Double,
    Float,
    Fixed32,
    Fixed64,
    Int32,
    Int64,
    Sfixed32,
    Sfixed64,
    Sint32,
    Sint64,
    String,
    Uint32,
    Uint64,
}

/// A oneof.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Oneof {
    /// The name.
    pub name: String,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
    /// Members, in order; no label, but a map may be one.
    pub fields: Vec<Field>,
    /// Groups among the members, in order.
    pub groups: Vec<Group>,
}

/// A group: a field and its message in one. Its fields cannot be groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The explicit label; none inside a oneof, and where proto3 leaves it out.
    pub label: Option<Label>,
    /// The name of the message; the field has it in lower case.
    pub name: String,
    /// The field number.
    pub number: i32,
    /// The fields, in order.
    pub fields: Vec<Field>,
}

/// An enum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enum {
    /// Simple name, as written.
    pub name: String,
    /// The message it is nested in.
    pub parent: Option<MessageId>,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
    /// `reserved` statements, in order.
    pub reserved: Vec<Vec<Reserved>>,
    /// Constants, in order.
    pub constants: Vec<EnumConstant>,
}

/// A constant of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumConstant {
    /// The name.
    pub name: String,
    /// The number.
    pub number: i32,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
}

/// A range of numbers, both ends included; it may be reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// First number.
    pub start: i32,
    /// Last number; [`MAX_NUMBER`] for `max`.
    pub end: i32,
    /// Whether it was written as one number.
    pub is_single: bool,
}

/// One item of a `reserved` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// Numbers.
    Range(Range),
    /// A name.
    Name(String),
}

/// An `extensions` statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extensions {
    /// The numbers, in order.
    pub ranges: Vec<Range>,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
}

/// An `extend` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Extend {
    /// The extended message, as written.
    pub name: String,
    /// The extensions, in order.
    pub fields: Vec<Field>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// The name.
    pub name: String,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
    /// Methods, in order.
    pub rpcs: Vec<Rpc>,
}

/// A method of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Rpc {
    /// The name.
    pub name: String,
    /// The request.
    pub request: Streamed,
    /// The response.
    pub response: Streamed,
    /// Options, in order.
    pub options: Vec<ProtoOption>,
}

/// The request or response of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// Whether it is a stream.
    pub is_stream: bool,
    /// The message, as written.
    pub name: String,
}

/// An option: `name = value` or `(name) = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtoOption {
    /// The name without parentheses.
    pub name: String,
    /// Whether the name stands in parentheses: an extension of the options message.
    pub is_extension: bool,
    /// The value.
    pub value: OptionValue,
}

/// The value of an option or of a member of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub enum OptionValue {
    /// A string, quotes and escapes removed.
    Text(String),
    /// A number, verbatim.
    Number(String),
    /// `true`, `false`, an enum constant, or any other bare word.
    Word(String),
    /// `{ key: value … }`, in order, each key once.
    Aggregate(Vec<(String, OptionValue)>),
    /// `[value, …]`.
    List(Vec<OptionValue>),
    /// The rest of a dotted option, `(option).path = value`: the path and the value.
    Part(String, Box<OptionValue>),
}

impl ProtoFile {
    /// A message of this file.
    ///
    /// Panics: never for an id of this file.
    pub fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0]
    }

    /// An enum of this file.
    ///
    /// Panics: never for an id of this file.
    pub fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }

    /// The types at one level: of a message, or with none at the top.
    pub fn types_of(&self, parent: Option<MessageId>) -> &[TypeId] {
        parent.map_or(&self.types, |id| &self.message(id).types)
    }

    /// The messages at one level, in order: what message indexes count.
    pub fn messages_of(&self, parent: Option<MessageId>) -> impl Iterator<Item = (MessageId, &Message)> {
        self.types_of(parent).iter().filter_map(|id| match *id {
            TypeId::Message(id) => Some((id, self.message(id))),
            TypeId::Enum(_) => None,
        })
    }

    /// The enums at one level, in order.
    pub fn enums_of(&self, parent: Option<MessageId>) -> impl Iterator<Item = (EnumId, &Enum)> {
        self.types_of(parent).iter().filter_map(|id| match *id {
            TypeId::Enum(id) => Some((id, self.enumeration(id))),
            TypeId::Message(_) => None,
        })
    }

    /// The name of a type within its package: the names of the messages around it and its own, joined with dots.
    pub fn path(&self, id: TypeId) -> String {
        let (name, mut parent) = match id {
            TypeId::Message(id) => (&self.message(id).name, self.message(id).parent),
            TypeId::Enum(id) => (&self.enumeration(id).name, self.enumeration(id).parent),
        };
        let mut names = vec![name.as_str()];
        while let Some(id) = parent {
            names.push(&self.message(id).name);
            parent = self.message(id).parent;
        }
        names.reverse();
        names.join(".")
    }

    /// The full name of a type, without a leading dot.
    pub fn full_name(&self, id: TypeId) -> String {
        qualify(self.package.as_deref(), &self.path(id))
    }
}

/// `name` inside of `scope`.
pub fn qualify(scope: Option<&str>, name: &str) -> String {
    match scope {
        Some(scope) if !scope.is_empty() => format!("{scope}.{name}"),
        _ => name.to_owned(),
    }
}

impl Message {
    /// Fields outside and inside of oneofs, groups aside.
    pub fn all_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().chain(self.oneofs.iter().flat_map(|oneof| &oneof.fields))
    }

    /// The fields that get into a descriptor: members of oneofs, then plain fields that are not called as one of them.
    pub(super) fn described_fields(&self) -> impl Iterator<Item = (&Field, bool)> {
        let members = || self.oneofs.iter().flat_map(|oneof| &oneof.fields);
        let names: HashSet<&str> = members().map(|field| field.name.as_str()).collect();
        let plain = self.fields.iter().filter(move |field| !names.contains(field.name.as_str()));
        members().map(|field| (field, true)).chain(plain.map(|field| (field, false)))
    }

    /// Whether this is the synthetic message of a map field: `option map_entry = true`.
    pub fn is_map_entry(&self) -> bool {
        let is_set = |option: &&ProtoOption| {
            option.name == "map_entry" && option.value == OptionValue::Word("true".to_owned())
        };
        self.options.iter().any(|option| is_set(&option))
    }
}

impl Syntax {
    /// The word in a text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proto2 => "proto2",
            Self::Proto3 => "proto3",
        }
    }
}

impl Label {
    /// The word in a text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
            Self::Repeated => "repeated",
        }
    }
}

impl Scalar {
    /// Every scalar type.
    pub const ALL: [Self; 15] = [
        Self::Bool,
        Self::Bytes,
        Self::Double,
        Self::Float,
        Self::Fixed32,
        Self::Fixed64,
        Self::Int32,
        Self::Int64,
        Self::Sfixed32,
        Self::Sfixed64,
        Self::Sint32,
        Self::Sint64,
        Self::String,
        Self::Uint32,
        Self::Uint64,
    ];

    /// The scalar of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scalar| scalar.as_str() == name)
    }

    /// The word in a text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Double => "double",
            Self::Float => "float",
            Self::Fixed32 => "fixed32",
            Self::Fixed64 => "fixed64",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Sfixed32 => "sfixed32",
            Self::Sfixed64 => "sfixed64",
            Self::Sint32 => "sint32",
            Self::Sint64 => "sint64",
            Self::String => "string",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }

    /// Whether it can be the key of a map.
    pub fn is_map_key(self) -> bool {
        !matches!(self, Self::Bytes | Self::Double | Self::Float)
    }
}

impl FieldType {
    /// The name of the message or enum that a field of this type, or the values of a map, have.
    pub fn name(&self) -> Option<&str> {
        let mut field_type = self;
        while let Self::Map(map) = field_type {
            field_type = &map.value;
        }
        match field_type {
            Self::Named(name) => Some(name),
            Self::Scalar(_) | Self::Map(_) => None,
        }
    }

    /// A scalar, or the name of a type.
    pub fn named(name: &str) -> Self {
        Scalar::named(name).map_or_else(|| Self::Named(name.to_owned()), Self::Scalar)
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => f.write_str(scalar.as_str()),
            Self::Named(name) => f.write_str(name),
            Self::Map(map) => write!(f, "map<{}, {}>", map.key.as_str(), map.value),
        }
    }
}
