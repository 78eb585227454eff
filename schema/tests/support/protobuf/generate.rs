//! Files of messages, and messages of them, made of random choices. What is made links without complaint.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FieldOptions,
    FileDescriptorProto, MessageOptions, OneofDescriptorProto,
};

use super::super::Choices;

/// Names of the messages of a generated file.
pub const MESSAGES: [&str; 4] = ["A", "B", "C", "D"];

const SCALARS: [Type; 15] = [
    Type::Int32,
    Type::String,
    Type::Bytes,
    Type::Bool,
    Type::Double,
    Type::Float,
    Type::Int64,
    Type::Uint32,
    Type::Uint64,
    Type::Sint32,
    Type::Sint64,
    Type::Fixed32,
    Type::Fixed64,
    Type::Sfixed32,
    Type::Sfixed64,
];

/// A file with the messages [`MESSAGES`] and an enum, in proto2 or proto3.
pub fn file(choices: &mut Choices<'_>) -> FileDescriptorProto {
    let is_proto2 = choices.once_in(3);
    let zero = EnumValueDescriptorProto { name: Some("ZERO".into()), number: Some(0), ..Default::default() };
    FileDescriptorProto {
        name: Some("f.proto".into()),
        package: Some("p".into()),
        syntax: (!is_proto2).then(|| "proto3".to_owned()),
        message_type: MESSAGES.map(|name| message(name, is_proto2, choices)).to_vec(),
        enum_type: vec![EnumDescriptorProto {
            name: Some("E".into()),
            value: vec![zero],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn message(name: &str, is_proto2: bool, choices: &mut Choices<'_>) -> DescriptorProto {
    let mut message = DescriptorProto { name: Some(name.to_owned()), ..Default::default() };
    let count = choices.below(7);
    let mut number = 0;
    for _ in 0..count {
        number += match choices.below(8) {
            0 => 40,
            1 => 1_000,
            2 => 100_000,
            _ => 1,
        };
        let mut field = FieldDescriptorProto {
            name: Some(format!("f{number}")),
            number: Some(number),
            ..Default::default()
        };
        let label = match choices.below(4) {
            0 => Label::Repeated,
            1 if is_proto2 => Label::Required,
            _ => Label::Optional,
        };
        field.set_label(label);
        match choices.below(8) {
            0..4 => field.set_type(SCALARS[choices.below(SCALARS.len())]),
            4 => {
                field.set_type(Type::Enum);
                field.type_name = Some(".p.E".into());
            }
            5 if is_proto2 => {
                let group = format!("G{number}");
                field.set_type(Type::Group);
                field.name = Some(group.to_ascii_lowercase());
                field.type_name = Some(format!(".p.{name}.{group}"));
                let mut inner =
                    FieldDescriptorProto { name: Some("x".into()), number: Some(1), ..Default::default() };
                inner.set_label(if choices.once_in(3) { Label::Required } else { Label::Optional });
                inner.set_type(SCALARS[choices.below(SCALARS.len())]);
                message.nested_type.push(DescriptorProto {
                    name: Some(group),
                    field: vec![inner],
                    ..Default::default()
                });
            }
            6 => map(name, &mut field, &mut message, choices),
            _ => {
                field.set_type(Type::Message);
                field.type_name = Some(format!(".p.{}", choices.pick(&MESSAGES)));
            }
        }
        if field.label() == Label::Repeated && is_packable(field.r#type()) && choices.once_in(3) {
            field.options = Some(FieldOptions { packed: Some(choices.once_in(2)), ..Default::default() });
        }
        if field.label() == Label::Optional && choices.once_in(3) {
            if message.oneof_decl.is_empty() {
                message
                    .oneof_decl
                    .push(OneofDescriptorProto { name: Some("o".into()), ..Default::default() });
            }
            field.oneof_index = Some(0);
        }
        message.field.push(field);
    }
    message
}

fn map(
    around: &str,
    field: &mut FieldDescriptorProto,
    message: &mut DescriptorProto,
    choices: &mut Choices<'_>,
) {
    // An entry has the name of its field in camel case.
    let name = format!("F{}Entry", field.number());
    let part = |name: &str, number| {
        let mut part =
            FieldDescriptorProto { name: Some(name.into()), number: Some(number), ..Default::default() };
        part.set_label(Label::Optional);
        part
    };
    let (mut key, mut value) = (part("key", 1), part("value", 2));
    key.set_type([Type::String, Type::Int32, Type::Bool, Type::Fixed64][choices.below(4)]);
    if choices.once_in(3) {
        value.set_type(Type::Message);
        value.type_name = Some(format!(".p.{}", choices.pick(&MESSAGES)));
    } else {
        value.set_type(SCALARS[choices.below(SCALARS.len())]);
    }
    message.nested_type.push(DescriptorProto {
        name: Some(name.clone()),
        field: vec![key, value],
        options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
        ..Default::default()
    });
    field.set_label(Label::Repeated);
    field.set_type(Type::Message);
    field.type_name = Some(format!(".p.{around}.{name}"));
}

fn is_packable(r#type: Type) -> bool {
    !matches!(r#type, Type::String | Type::Bytes | Type::Message | Type::Group)
}

/// A valid encoding of a message, required fields included more often than not, with some unknown fields.
pub fn encoded(file: &FileDescriptorProto, name: &str, choices: &mut Choices<'_>, depth: usize) -> Vec<u8> {
    let message = find(file, name);
    let mut out = Vec::new();
    for field in &message.field {
        let often = if field.label() == Label::Required { 6 } else { 2 };
        let times = match field.label() {
            _ if choices.0.is_empty() && field.label() != Label::Required => 0,
            Label::Repeated => choices.below(4),
            _ if choices.once_in(often) => 0,
            _ if choices.once_in(8) => 2,
            _ => 1,
        };
        let is_packed = field.label() == Label::Repeated && is_packable(field.r#type()) && choices.once_in(2);
        let number = u32::try_from(field.number()).expect("numbers are positive");
        if is_packed {
            let mut packed = Vec::new();
            for _ in 0..times {
                value(file, field, choices, depth, &mut packed);
            }
            key(number, 2, &mut out);
            delimited(&packed, &mut out);
            continue;
        }
        for _ in 0..times {
            key(number, wire_type(field.r#type()), &mut out);
            value(file, field, choices, depth, &mut out);
            if field.r#type() == Type::Group {
                key(number, 4, &mut out);
            }
        }
    }
    if choices.once_in(4) {
        match choices.below(3) {
            0 => out.extend([0xf8, 0x7f, 5]),
            1 => out.extend([0xfb, 0x7f, 0x08, 1, 0x13, 0x14, 0xfc, 0x7f]),
            _ => out.extend([0xfa, 0x7f, 1, 0xff]),
        }
    }
    out
}

/// A message by its full name with a leading dot.
fn find<'f>(file: &'f FileDescriptorProto, name: &str) -> &'f DescriptorProto {
    let mut names = name.trim_start_matches(".p.").split('.');
    let first = names.next();
    let message =
        file.message_type.iter().find(|message| Some(message.name()) == first).expect("it is declared");
    match names.next() {
        None => message,
        inner => {
            message.nested_type.iter().find(|message| Some(message.name()) == inner).expect("it is declared")
        }
    }
}

fn wire_type(r#type: Type) -> u32 {
    match r#type {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => 1,
        Type::String | Type::Bytes | Type::Message => 2,
        Type::Group => 3,
        Type::Float | Type::Fixed32 | Type::Sfixed32 => 5,
        _ => 0,
    }
}

fn value(
    file: &FileDescriptorProto,
    field: &FieldDescriptorProto,
    choices: &mut Choices<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) {
    match field.r#type() {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => out.extend(choices.number().to_le_bytes()),
        Type::Float | Type::Fixed32 | Type::Sfixed32 => out.extend(&choices.number().to_le_bytes()[..4]),
        Type::String => delimited(choices.pick(&["", "a", "héllo", "a longer text"]).as_bytes(), out),
        Type::Bytes => delimited(&choices.number().to_be_bytes()[choices.below(8)..], out),
        Type::Message | Type::Group => {
            let inner =
                if depth == 0 { Vec::new() } else { encoded(file, field.type_name(), choices, depth - 1) };
            if field.r#type() == Type::Message { delimited(&inner, out) } else { out.extend(inner) }
        }
        _ => varint(choices.number() as u64, out),
    }
}

pub fn key(number: u32, wire_type: u32, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | wire_type), out);
}

fn delimited(bytes: &[u8], out: &mut Vec<u8>) {
    varint(bytes.len() as u64, out);
    out.extend(bytes);
}

pub fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
