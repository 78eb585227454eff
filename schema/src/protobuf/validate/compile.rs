//! From descriptors to a [`Program`].

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::{FieldCode, Kind, MessageCode, MessageId, NO_FIELD, Program, UNKNOWN};
use crate::protobuf::indexes::{NamesTooLong, qualified};

/// Field numbers below this one are always looked up directly; beyond, only where most numbers are in use.
const LOW_NUMBERS: u32 = 32;
/// Most bytes of full names. A name is repeated in those of all messages inside.
const MOST_NAME_BYTES: usize = 16 << 20;
/// Most bytes of names that are put together to find what relative names mean.
const MOST_SEARCH_BYTES: usize = 256 << 20;

pub(super) fn compile(files: &[&FileDescriptorProto]) -> Result<Program, NamesTooLong> {
    let mut declarations = Declarations { left: MOST_NAME_BYTES, ..Declarations::default() };
    // Id 0 is not of any file.
    declarations.messages.push(Message::default());
    for file in files {
        declarations.file(file)?;
    }
    let Declarations { types, mut messages, extensions, .. } = declarations;
    let types = Types { types, left: Cell::new(MOST_SEARCH_BYTES) };
    for extension in extensions {
        if let Some(Found::Message(id)) = types.find(extension.field.extendee(), &extension.scope)
            && let Some(message) = messages.get_mut(id.0 as usize)
        {
            message.insert(extension);
        }
    }
    let mut program = Program::default();
    for message in &messages {
        program.add(message, &types);
    }
    let names = types.types.into_iter().filter_map(|(name, found)| match found {
        Found::Message(id) => Some((name.to_string(), id)),
        Found::Enum => None,
    });
    program.names = names.collect();
    Ok(program)
}

#[derive(Clone, Copy)]
enum Found {
    Message(MessageId),
    Enum,
}

/// A field where it was declared.
#[derive(Clone)]
struct Field<'f> {
    field: &'f FieldDescriptorProto,
    /// Full name of the message, or the package, around the declaration.
    scope: Rc<str>,
    /// Whether strings must be UTF-8.
    checks_utf8: bool,
}

/// A message and the extensions of it, by number.
#[derive(Default)]
struct Message<'f> {
    fields: BTreeMap<u32, Field<'f>>,
}

impl<'f> Message<'f> {
    fn insert(&mut self, field: Field<'f>) {
        if let Ok(number @ 1..) = u32::try_from(field.field.number()) {
            self.fields.entry(number).or_insert(field);
        }
    }
}

#[derive(Default)]
struct Declarations<'f> {
    types: HashMap<Rc<str>, Found>,
    messages: Vec<Message<'f>>,
    extensions: Vec<Field<'f>>,
    left: usize,
}

impl<'f> Declarations<'f> {
    fn file(&mut self, file: &'f FileDescriptorProto) -> Result<(), NamesTooLong> {
        // Proto2 leaves it open what a string holds; proto3 and the default of editions do not.
        let checks_utf8 = !matches!(file.syntax(), "" | "proto2");
        let package: Rc<str> = file.package().into();
        self.extend(&file.extension, &package, checks_utf8);
        self.enums(file.enum_type.iter().map(|declared| declared.name()), &package)?;
        for message in &file.message_type {
            self.message(message, &package, checks_utf8)?;
        }
        Ok(())
    }

    /// A message and all inside it, without recursion: descriptors may nest deeper than a stack.
    fn message(
        &mut self,
        declared: &'f DescriptorProto,
        package: &Rc<str>,
        checks_utf8: bool,
    ) -> Result<(), NamesTooLong> {
        let mut todo = vec![(declared, package.clone())];
        while let Some((declared, scope)) = todo.pop() {
            let name = self.name(&scope, declared.name())?;
            let id = u32::try_from(self.messages.len()).map_err(|_| NamesTooLong)?;
            self.types.entry(name.clone()).or_insert(Found::Message(MessageId(id)));
            let mut message = Message::default();
            for field in &declared.field {
                message.insert(Field { field, scope: name.clone(), checks_utf8 });
            }
            self.messages.push(message);
            self.extend(&declared.extension, &name, checks_utf8);
            self.enums(declared.enum_type.iter().map(|declared| declared.name()), &name)?;
            todo.extend(declared.nested_type.iter().rev().map(|nested| (nested, name.clone())));
        }
        Ok(())
    }

    fn extend(&mut self, fields: &'f [FieldDescriptorProto], scope: &Rc<str>, checks_utf8: bool) {
        let fields = fields.iter().map(|field| Field { field, scope: scope.clone(), checks_utf8 });
        self.extensions.extend(fields);
    }

    fn enums<'n>(&mut self, names: impl Iterator<Item = &'n str>, scope: &str) -> Result<(), NamesTooLong> {
        for name in names {
            let name = self.name(scope, name)?;
            self.types.entry(name).or_insert(Found::Enum);
        }
        Ok(())
    }

    fn name(&mut self, scope: &str, name: &str) -> Result<Rc<str>, NamesTooLong> {
        self.left = self.left.checked_sub(scope.len() + name.len() + 1).ok_or(NamesTooLong)?;
        Ok(qualified(scope, name).into())
    }
}

struct Types {
    types: HashMap<Rc<str>, Found>,
    left: Cell<usize>,
}

impl Types {
    /// What `name` means inside `scope`: from the innermost scope outwards, or absolute with a leading dot.
    fn find(&self, name: &str, mut scope: &str) -> Option<Found> {
        if let Some(name) = name.strip_prefix('.') {
            return self.types.get(name).copied();
        }
        if name.is_empty() {
            return None;
        }
        loop {
            self.left.set(self.left.get().checked_sub(scope.len() + name.len() + 1)?);
            if let Some(found) = self.types.get(qualified(scope, name).as_str()) {
                return Some(*found);
            }
            if scope.is_empty() {
                return None;
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}

impl Program {
    fn add(&mut self, message: &Message<'_>, types: &Types) {
        let mut code = MessageCode {
            first_field: len(&self.fields),
            field_count: u32::try_from(message.fields.len()).unwrap_or(u32::MAX),
            first_dense: len(&self.dense),
            ..MessageCode::default()
        };
        for (&number, field) in &message.fields {
            let mut field = field_code(number, field, types);
            if field.required.is_some() {
                field.required = u16::try_from(code.required_count).ok();
                code.required_count += u32::from(field.required.is_some());
            }
            self.fields.push(field);
        }
        let last = message.fields.keys().next_back().copied().unwrap_or(0);
        let most_in_use = last / 2 <= code.field_count;
        code.dense_count = if most_in_use { last + 1 } else { (last + 1).min(LOW_NUMBERS) };
        if code.field_count >= u32::from(NO_FIELD) {
            code.dense_count = 0;
        }
        let first = self.dense.len();
        self.dense.resize(first + code.dense_count as usize, NO_FIELD);
        for (place, number) in (0_u16..).zip(message.fields.keys()) {
            if let Some(dense) = self.dense.get_mut(first..).and_then(|dense| dense.get_mut(*number as usize))
            {
                *dense = place;
            }
        }
        self.messages.push(code);
    }
}

fn len<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

fn field_code(number: u32, declared: &Field<'_>, types: &Types) -> FieldCode {
    let Field { field, scope, checks_utf8 } = declared;
    let mut message = UNKNOWN;
    let mut named = |is_group: bool| match types.find(field.type_name(), scope) {
        Some(Found::Message(id)) => {
            message = id;
            if is_group { Kind::Group } else { Kind::Message }
        }
        Some(Found::Enum) if !is_group => Kind::Varint,
        _ if is_group => Kind::Group,
        _ => Kind::Unresolved,
    };
    // Without a type the name decides what it is.
    let kind = match field.r#type.and_then(|number| Type::try_from(number).ok()) {
        Some(Type::Double | Type::Fixed64 | Type::Sfixed64) => Kind::Fixed64,
        Some(Type::Float | Type::Fixed32 | Type::Sfixed32) => Kind::Fixed32,
        Some(Type::String) if *checks_utf8 => Kind::String,
        Some(Type::String | Type::Bytes) => Kind::Bytes,
        Some(Type::Group) => named(true),
        Some(Type::Message) => match named(false) {
            Kind::Message => Kind::Message,
            _ => Kind::Bytes,
        },
        None => named(false),
        Some(Type::Enum) => Kind::Varint,
        Some(
            Type::Int64
            | Type::Uint64
            | Type::Int32
            | Type::Bool
            | Type::Uint32
            | Type::Sint32
            | Type::Sint64,
        ) => Kind::Varint,
    };
    let is_repeated = field.label == Some(Label::Repeated as i32);
    let is_scalar = matches!(kind, Kind::Varint | Kind::Fixed32 | Kind::Fixed64);
    FieldCode {
        number,
        kind,
        packable: is_repeated && is_scalar,
        is_repeated,
        takes_group: kind == Kind::Message
            && !checks_utf8
            && field.r#type.is_none()
            && is_named_as_group(field),
        oneof: field
            .oneof_index
            .map_or(0, |index| u16::try_from(index).map_or(0, |index| index.saturating_add(1))),
        required: (field.label == Some(Label::Required as i32)).then_some(0),
        message,
    }
}

/// The field of a group has the name of its message in lower case.
fn is_named_as_group(field: &FieldDescriptorProto) -> bool {
    let name = field.type_name().rsplit('.').next().unwrap_or_default();
    name.starts_with(|letter: char| letter.is_ascii_uppercase()) && name.to_ascii_lowercase() == field.name()
}
