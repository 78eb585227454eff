//! The types that a schema can name, wherever they are declared.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::ids::Guid;
use crate::protobuf::ProtobufSchema;
use crate::protobuf::model::{
    EnumId, Field, FieldType, MapType, Message, MessageId, ProtoFile, TypeId, qualify,
};

/// Most bytes of full names on one side.
const MOST_NAME_BYTES: usize = 16 << 20;

/// Where a file comes from.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) enum Origin {
    /// The schema itself.
    Local,
    /// A reference with this content.
    Reference(Guid),
    /// A reference with content that nobody has told, or built in.
    Elsewhere,
}

impl Origin {
    /// Whether the reference takes both for one: it never looks into messages of the schema itself through a field, nor
    /// into those of one version. One content is as good as one version, and all that is known here.
    pub(super) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Local, Self::Local) => true,
            (Self::Reference(a), Self::Reference(b)) => a == b,
            _ => false,
        }
    }
}

/// A message and the file it is declared in.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) struct MessageRef<'s> {
    pub file: &'s ProtoFile,
    pub origin: Origin,
    pub id: MessageId,
}

impl<'s> MessageRef<'s> {
    pub fn message(self) -> &'s Message {
        self.file.message(self.id)
    }

    /// Another message of the same file.
    pub fn sibling(self, id: MessageId) -> Self {
        Self { id, ..self }
    }

    /// The name within the package.
    pub fn path(self) -> String {
        self.file.path(TypeId::Message(self.id))
    }

    pub fn full_name(self) -> String {
        self.file.full_name(TypeId::Message(self.id))
    }

    /// What tells it from all others of its side.
    pub fn key(self) -> (usize, MessageId) {
        (std::ptr::from_ref(self.file).addr(), self.id)
    }
}

/// A type that a name stands for.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) enum TypeRef<'s> {
    Message(MessageRef<'s>),
    Enum(&'s ProtoFile, EnumId),
}

/// What the type of a field is, its name looked up.
#[derive(Clone, Copy, Debug)]
pub(in crate::protobuf) enum Resolved<'s> {
    Scalar(crate::protobuf::model::Scalar),
    Enum(&'s ProtoFile, EnumId),
    Map(&'s MapType),
    /// A message that stands for the entries of a map, with its key and value.
    MapEntry(Option<&'s Field>, Option<&'s Field>),
    /// A message, and how it is written.
    Message(MessageRef<'s>, &'s str),
    /// The name stands for nothing, or nobody has the patience to look further.
    Unresolved(&'s str),
}

/// The types of one schema, of its references and of the built-in files.
pub(in crate::protobuf) struct Types<'s> {
    names: HashMap<String, TypeRef<'s>>,
    /// Where candidates for names are put together.
    candidate: String,
    /// Not all names are there.
    pub is_cut: bool,
}

impl<'s> Types<'s> {
    pub fn new(schema: &'s ProtobufSchema) -> Self {
        let mut types = Self { names: HashMap::new(), candidate: String::new(), is_cut: false };
        let mut left = MOST_NAME_BYTES;
        types.add(schema.file(), Origin::Local, &mut left);
        for (at, (_, file)) in schema.imports().iter().enumerate() {
            let guid = schema.import_guids().get(at);
            types.add(file, guid.map_or(Origin::Elsewhere, |guid| Origin::Reference(*guid)), &mut left);
        }
        types
    }

    /// Enters the types of a file; a name that is there already stays what it is.
    fn add(&mut self, file: &'s ProtoFile, origin: Origin, left: &mut usize) {
        for_each_type(file, |name, id| {
            let Some(rest) = left.checked_sub(name.len()) else {
                self.is_cut = true;
                return false;
            };
            *left = rest;
            self.names.entry(name).or_insert(match id {
                TypeId::Message(id) => TypeRef::Message(MessageRef { file, origin, id }),
                TypeId::Enum(id) => TypeRef::Enum(file, id),
            });
            true
        });
    }

    /// The type with this full name, without a leading dot.
    pub fn get(&self, full_name: &str) -> Option<TypeRef<'s>> {
        self.names.get(full_name).copied().or_else(|| builtin_types().get(full_name).copied())
    }

    /// What `name` means inside the message with the full name `scope`: from the innermost scope outwards, package parts
    /// included; absolute with a leading dot. Takes what it costs from `work_left`.
    pub fn find(&mut self, name: &str, mut scope: &str, work_left: &mut usize) -> Option<TypeRef<'s>> {
        if let Some(name) = name.strip_prefix('.') {
            return self.get(name);
        }
        loop {
            *work_left = work_left.saturating_sub(1 + (scope.len() + name.len()) / 64);
            if *work_left == 0 {
                return None;
            }
            self.candidate.clear();
            if !scope.is_empty() {
                self.candidate.push_str(scope);
                self.candidate.push('.');
            }
            self.candidate.push_str(name);
            let found = self.get(&self.candidate);
            if found.is_some() || scope.is_empty() {
                return found;
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }

    /// What a field type is inside the message with the full name `scope`.
    pub fn resolve(&mut self, field_type: &'s FieldType, scope: &str, work_left: &mut usize) -> Resolved<'s> {
        let name = match field_type {
            FieldType::Scalar(scalar) => return Resolved::Scalar(*scalar),
            FieldType::Map(map) => return Resolved::Map(map),
            FieldType::Named(name) => name,
        };
        match self.find(name, scope, work_left) {
            Some(TypeRef::Enum(file, id)) => Resolved::Enum(file, id),
            Some(TypeRef::Message(found)) if found.message().is_map_entry() => {
                let field = |number| found.message().all_fields().find(|field| field.number == number);
                Resolved::MapEntry(field(1), field(2))
            }
            Some(TypeRef::Message(found)) => Resolved::Message(found, name),
            None => Resolved::Unresolved(name),
        }
    }
}

/// Calls `each` with the full name of every type of a file until it returns false.
fn for_each_type(file: &ProtoFile, mut each: impl FnMut(String, TypeId) -> bool) {
    let mut levels: Vec<(Option<MessageId>, String)> = vec![(None, file.package.clone().unwrap_or_default())];
    while let Some((parent, scope)) = levels.pop() {
        for id in file.types_of(parent) {
            let name = match id {
                TypeId::Message(id) => &file.message(*id).name,
                TypeId::Enum(id) => &file.enumeration(*id).name,
            };
            let name = qualify(Some(&scope), name);
            if let TypeId::Message(id) = id
                && !file.message(*id).types.is_empty()
            {
                levels.push((Some(*id), name.clone()));
            }
            if !each(name, *id) {
                return;
            }
        }
    }
}

/// The types of all built-in files by full name.
fn builtin_types() -> &'static HashMap<String, TypeRef<'static>> {
    static TYPES: OnceLock<HashMap<String, TypeRef<'static>>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut types = HashMap::new();
        for (_, file) in crate::protobuf::builtins() {
            for_each_type(file, |name, id| {
                types.entry(name).or_insert(match id {
                    TypeId::Message(id) => {
                        TypeRef::Message(MessageRef { file, origin: Origin::Elsewhere, id })
                    }
                    TypeId::Enum(id) => TypeRef::Enum(file, id),
                });
                true
            });
        }
        types
    })
}
