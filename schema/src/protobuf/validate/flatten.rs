//! From the syntax tree to descriptors that say what the walker needs, each message in a file of its own, so that nothing
//! nests however deep the messages of a text do.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, MessageOptions,
};

use crate::protobuf::indexes::{NamesTooLong, map_entry_name, qualified};
use crate::protobuf::model::{
    self, Extend, Field, FieldType, Group, MapType, Message, ProtoFile, Scalar, Syntax,
};

/// Most bytes of the names of scopes, which are repeated for each message.
const MOST_SCOPE_BYTES: usize = 16 << 20;

pub(super) struct Flattened {
    pub files: Vec<FileDescriptorProto>,
    left: usize,
}

impl Default for Flattened {
    fn default() -> Self {
        Self { files: Vec::new(), left: MOST_SCOPE_BYTES }
    }
}

impl Flattened {
    pub fn add(&mut self, file: &ProtoFile) -> Result<(), NamesTooLong> {
        let syntax = file.syntax.unwrap_or(Syntax::Proto2);
        let package = file.package.clone().unwrap_or_default();
        let mut top = self.scope(&package, syntax)?;
        top.enum_type = file.enums_of(None).map(|(_, declared)| enumeration(&declared.name)).collect();
        top.extension = extensions(&file.extends);
        self.files.push(top);
        // A message comes after the one it is nested in, so the name of that one is known.
        let mut names: Vec<String> = Vec::with_capacity(file.messages.len());
        for (at, message) in file.messages.iter().enumerate() {
            let scope = message.parent.and_then(|parent| names.get(parent.0)).unwrap_or(&package).clone();
            let mut placed = self.scope(&scope, syntax)?;
            names.push(qualified(&scope, &message.name));
            let enums = file.enums_of(Some(model::MessageId(at)));
            let mut declared = declared(message);
            declared.enum_type = enums.map(|(_, inner)| enumeration(&inner.name)).collect();
            placed.message_type.push(declared);
            self.files.push(placed);
        }
        Ok(())
    }

    fn scope(&mut self, scope: &str, syntax: Syntax) -> Result<FileDescriptorProto, NamesTooLong> {
        self.left = self.left.checked_sub(scope.len()).ok_or(NamesTooLong)?;
        Ok(FileDescriptorProto {
            package: Some(scope.to_owned()),
            syntax: Some(syntax.as_str().to_owned()),
            ..FileDescriptorProto::default()
        })
    }
}

/// A message without the types that are nested in it, but with the messages of its groups and maps.
fn declared(message: &Message) -> DescriptorProto {
    let mut out = with_fields(&message.name, &message.fields, None);
    out.extension = extensions(&message.extends);
    let mut groups: Vec<(&Group, Option<usize>)> = message.groups.iter().map(|group| (group, None)).collect();
    for (at, oneof) in message.oneofs.iter().enumerate() {
        add_fields(&mut out, &oneof.fields, Some(at));
        groups.extend(oneof.groups.iter().map(|group| (group, Some(at))));
    }
    for (group, oneof) in groups {
        let name = FieldType::Named(group.name.clone());
        let mut declared = field(&group.name.to_ascii_lowercase(), group.number, group.label, &name, oneof);
        declared.set_type(Type::Group);
        out.field.push(declared);
        out.nested_type.push(with_fields(&group.name, &group.fields, None));
    }
    out.options =
        message.is_map_entry().then(|| MessageOptions { map_entry: Some(true), ..MessageOptions::default() });
    out
}

fn with_fields(name: &str, fields: &[Field], oneof: Option<usize>) -> DescriptorProto {
    let mut out = DescriptorProto { name: Some(name.to_owned()), ..DescriptorProto::default() };
    add_fields(&mut out, fields, oneof);
    out
}

fn add_fields(out: &mut DescriptorProto, fields: &[Field], oneof: Option<usize>) {
    for declared in fields {
        let FieldType::Map(map) = &declared.field_type else {
            out.field.push(field(
                &declared.name,
                declared.number,
                declared.label,
                &declared.field_type,
                oneof,
            ));
            continue;
        };
        let entry = map_entry_name(declared).unwrap_or_default();
        let name = FieldType::Named(entry.clone());
        let label = Some(model::Label::Repeated);
        out.field.push(field(&declared.name, declared.number, label, &name, oneof));
        out.nested_type.push(map_entry(entry, map));
    }
}

fn map_entry(name: String, map: &MapType) -> DescriptorProto {
    let key = field("key", 1, None, &FieldType::Scalar(map.key), None);
    // What a map of maps looks like on the wire nobody has said; any bytes will do.
    let any = FieldType::Scalar(Scalar::Bytes);
    let value = if matches!(map.value, FieldType::Map(_)) { &any } else { &map.value };
    DescriptorProto {
        name: Some(name),
        field: vec![key, field("value", 2, None, value, None)],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    }
}

fn field(
    name: &str,
    number: i32,
    label: Option<model::Label>,
    field_type: &FieldType,
    oneof: Option<usize>,
) -> FieldDescriptorProto {
    let mut out = FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        oneof_index: oneof.and_then(|at| i32::try_from(at).ok()),
        ..FieldDescriptorProto::default()
    };
    out.set_label(match label {
        Some(model::Label::Repeated) => Label::Repeated,
        Some(model::Label::Required) => Label::Required,
        Some(model::Label::Optional) | None => Label::Optional,
    });
    match field_type {
        FieldType::Scalar(scalar) => out.set_type(scalar_type(*scalar)),
        // Without a type the name decides whether it is a message or an enum.
        FieldType::Named(name) => out.type_name = Some(name.clone()),
        FieldType::Map(_) => out.set_type(Type::Message),
    }
    out
}

fn extensions(blocks: &[Extend]) -> Vec<FieldDescriptorProto> {
    let fields = blocks.iter().flat_map(|block| block.fields.iter().map(move |field| (block, field)));
    fields
        .map(|(block, declared)| FieldDescriptorProto {
            extendee: Some(block.name.clone()),
            ..field(&declared.name, declared.number, declared.label, &declared.field_type, None)
        })
        .collect()
}

fn enumeration(name: &str) -> EnumDescriptorProto {
    EnumDescriptorProto { name: Some(name.to_owned()), ..EnumDescriptorProto::default() }
}

fn scalar_type(scalar: Scalar) -> Type {
    match scalar {
        Scalar::Bool => Type::Bool,
        Scalar::Bytes => Type::Bytes,
        Scalar::Double => Type::Double,
        Scalar::Float => Type::Float,
        Scalar::Fixed32 => Type::Fixed32,
        Scalar::Fixed64 => Type::Fixed64,
        Scalar::Int32 => Type::Int32,
        Scalar::Int64 => Type::Int64,
        Scalar::Sfixed32 => Type::Sfixed32,
        Scalar::Sfixed64 => Type::Sfixed64,
        Scalar::Sint32 => Type::Sint32,
        Scalar::Sint64 => Type::Sint64,
        Scalar::String => Type::String,
        Scalar::Uint32 => Type::Uint32,
        Scalar::Uint64 => Type::Uint64,
    }
}
