//! Options in binary form, as the messages of `google/protobuf/descriptor.proto` and Confluent's extensions of them
//! define it. Other extensions are lost in both directions, as they are in the reference.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::wire::{Fields, Malformed, Payload, Writer, varints};
use crate::protobuf::builtin;
use crate::protobuf::model::{
    Enum, Field, FieldType, Label, Message, MessageId, OptionValue, ProtoFile, ProtoOption, Scalar, TypeId,
};

/// Number of Confluent's extensions.
const META: u32 = 1088;
/// Standard options that get lost as well, on the way in and on the way out.
const LOST: [&str; 11] = [
    "debug_redact",
    "deprecated_legacy_json_field_conflicts",
    "edition_defaults",
    "feature_support",
    "lazy",
    "message_set_wire_format",
    "retention",
    "targets",
    "uninterpreted_option",
    "unverified_lazy",
    "weak",
];
/// Keys whose entries of `params` are printed value first.
const VALUE_FIRST: [&str; 2] = ["precision", "scale"];

/// The types of the two files by name within their packages.
static TYPES: LazyLock<HashMap<String, (&'static ProtoFile, TypeId)>> = LazyLock::new(|| {
    let mut types = HashMap::new();
    for path in ["google/protobuf/descriptor.proto", "confluent/meta.proto"] {
        let Some(file) = builtin::file(path) else { continue };
        let messages = (0..file.messages.len()).map(|at| TypeId::Message(MessageId(at)));
        let enums = (0..file.enums.len()).map(|at| TypeId::Enum(crate::protobuf::model::EnumId(at)));
        types.extend(messages.chain(enums).map(|id| (file.path(id), (file, id))));
    }
    types
});

/// What a field of an options message holds.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Integer,
    Text,
    Enum(&'static Enum),
    Message(&'static str),
    Map,
}

/// Confluent's extension of an options message.
fn meta_name(of: &str) -> Option<&'static str> {
    Some(match of {
        "FileOptions" => "confluent.file_meta",
        "MessageOptions" => "confluent.message_meta",
        "FieldOptions" => "confluent.field_meta",
        "EnumOptions" => "confluent.enum_meta",
        "EnumValueOptions" => "confluent.enum_value_meta",
        _ => return None,
    })
}

fn message(name: &str) -> Option<&'static Message> {
    match TYPES.get(name)? {
        (file, TypeId::Message(id)) => Some(file.message(*id)),
        (_, TypeId::Enum(_)) => None,
    }
}

/// What `field` of the message called `of` holds; none for what options never hold.
fn kind(of: &str, field: &'static Field) -> Option<Kind> {
    let name = match &field.field_type {
        FieldType::Map(_) => return Some(Kind::Map),
        FieldType::Scalar(Scalar::Bool) => return Some(Kind::Bool),
        FieldType::Scalar(Scalar::String) => return Some(Kind::Text),
        FieldType::Scalar(Scalar::Int32) => return Some(Kind::Integer),
        FieldType::Scalar(_) => return None,
        FieldType::Named(name) => name,
    };
    let (key, (file, id)) =
        TYPES.get_key_value(&format!("{of}.{name}")).or_else(|| TYPES.get_key_value(name))?;
    Some(match id {
        TypeId::Enum(id) => Kind::Enum(file.enumeration(*id)),
        TypeId::Message(_) => Kind::Message(key),
    })
}

/// Reads the options message called `of`, options in the order in which that message declares them.
pub(super) fn read_options(bytes: &[u8], of: &str) -> Result<Vec<ProtoOption>, Malformed> {
    let mut options = Vec::new();
    if bytes.is_empty() {
        return Ok(options);
    }
    let read: Vec<(u32, Payload<'_>)> = Fields(bytes).collect::<Result<_, _>>()?;
    let fields = message(of).into_iter().flat_map(|message| &message.fields);
    for field in fields.filter(|field| !LOST.contains(&field.name.as_str())) {
        let Some(value) = read_field(&read, of, field)? else { continue };
        let option = |value| ProtoOption { name: field.name.clone(), is_extension: false, value };
        match value {
            OptionValue::List(values) => options.extend(values.into_iter().map(option)),
            value => options.push(option(value)),
        }
    }
    if let Some(name) = meta_name(of) {
        let mut meta: Vec<u8> = Vec::new();
        for (number, payload) in read {
            if let (META, Payload::Bytes(bytes)) = (number, payload) {
                meta.extend(bytes);
            }
        }
        let members = read_message(&meta, "Meta")?;
        if !members.is_empty() {
            let value = OptionValue::Aggregate(members);
            options.push(ProtoOption { name: name.to_owned(), is_extension: true, value });
        }
    }
    Ok(options)
}

fn read_message(bytes: &[u8], of: &str) -> Result<Vec<(String, OptionValue)>, Malformed> {
    let read: Vec<(u32, Payload<'_>)> = Fields(bytes).collect::<Result<_, _>>()?;
    let mut members = Vec::new();
    for field in message(of).into_iter().flat_map(|message| &message.fields) {
        if let Some(value) = read_field(&read, of, field)? {
            members.push((field.name.clone(), value));
        }
    }
    Ok(members)
}

/// The value of one field: a list if it is repeated, the last one if not.
fn read_field(
    read: &[(u32, Payload<'_>)],
    of: &str,
    field: &'static Field,
) -> Result<Option<OptionValue>, Malformed> {
    let Some(kind) = kind(of, field) else { return Ok(None) };
    let mut values = Vec::new();
    for (number, payload) in read {
        if i64::from(*number) == i64::from(field.number) {
            read_values(kind, *payload, &mut values)?;
        }
    }
    let is_repeated = field.label == Some(Label::Repeated) || matches!(kind, Kind::Map);
    Ok(match (is_repeated, values.is_empty()) {
        (_, true) => None,
        (true, false) => Some(OptionValue::List(values)),
        (false, false) => values.pop(),
    })
}

fn read_values(kind: Kind, payload: Payload<'_>, values: &mut Vec<OptionValue>) -> Result<(), Malformed> {
    match (kind, payload) {
        (Kind::Bool, Payload::Varint(value)) => {
            values.push(OptionValue::Word(if value == 0 { "false" } else { "true" }.to_owned()));
        }
        (Kind::Integer, Payload::Varint(value)) => {
            values.push(OptionValue::Number(super::int32(value).to_string()));
        }
        (Kind::Enum(_), Payload::Bytes(packed)) => {
            for value in varints(packed)? {
                read_values(kind, Payload::Varint(value), values)?;
            }
        }
        (Kind::Enum(of), Payload::Varint(value)) => {
            let constant = of.constants.iter().find(|constant| constant.number == super::int32(value));
            values.extend(constant.map(|constant| OptionValue::Word(constant.name.clone())));
        }
        (Kind::Text, Payload::Bytes(bytes)) => values.push(OptionValue::Text(super::text(bytes))),
        (Kind::Message(name), Payload::Bytes(bytes)) => {
            values.push(OptionValue::Aggregate(read_message(bytes, name)?));
        }
        (Kind::Map, Payload::Bytes(bytes)) => {
            let (mut key, mut value) = (String::new(), String::new());
            for field in Fields(bytes) {
                match field? {
                    (1, Payload::Bytes(bytes)) => key = super::text(bytes),
                    (2, Payload::Bytes(bytes)) => value = super::text(bytes),
                    _ => {}
                }
            }
            let is_value_first = VALUE_FIRST.contains(&key.as_str());
            let mut entry = vec![
                ("key".to_owned(), OptionValue::Text(key)),
                ("value".to_owned(), OptionValue::Text(value)),
            ];
            if is_value_first {
                entry.reverse();
            }
            values.push(OptionValue::Aggregate(entry));
        }
        _ => {}
    }
    Ok(())
}

/// Writes the options message called `of`.
pub(super) fn write_options(options: &[ProtoOption], of: &str) -> Writer {
    let is_kept = |option: &&ProtoOption| !option.is_extension && !LOST.contains(&option.name.as_str());
    let standard = options.iter().filter(is_kept);
    let members: Vec<(&str, &OptionValue)> =
        standard.map(|option| (option.name.as_str(), &option.value)).collect();
    let mut writer = Writer::default();
    write_members(&mut writer, &members, of);
    let Some(name) = meta_name(of) else { return writer };
    let is_meta = |option: &&ProtoOption| {
        option.is_extension && option.name.strip_prefix('.').unwrap_or(&option.name) == name
    };
    let meta = options.iter().filter(is_meta);
    let mut members = Vec::new();
    meta.for_each(|option| flatten(&option.value, &mut members));
    if !members.is_empty() {
        let mut meta = Writer::default();
        write_members(&mut meta, &members, "Meta");
        writer.bytes(META, &meta.0);
    }
    writer
}

/// The members of an aggregate, or of the part of one.
fn flatten<'o>(value: &'o OptionValue, members: &mut Vec<(&'o str, &'o OptionValue)>) {
    match value {
        OptionValue::Part(path, value) => members.push((path, value)),
        OptionValue::Aggregate(inner) => {
            members.extend(inner.iter().map(|(key, value)| (key.as_str(), value)));
        }
        _ => {}
    }
}

/// Writes the members that the message called `of` declares, in the order of their numbers.
fn write_members(writer: &mut Writer, members: &[(&str, &OptionValue)], of: &str) {
    let mut fields: Vec<&'static Field> =
        message(of).into_iter().flat_map(|message| &message.fields).collect();
    fields.sort_by_key(|field| field.number);
    for field in fields {
        let Some(kind) = kind(of, field) else { continue };
        let Ok(number) = u32::try_from(field.number) else { continue };
        let mut values = Vec::new();
        for (_, value) in members.iter().filter(|(name, _)| *name == field.name) {
            match value {
                OptionValue::List(items) => values.extend(items),
                value => values.push(*value),
            }
        }
        let is_repeated = field.label == Some(Label::Repeated) || matches!(kind, Kind::Map);
        let from = if is_repeated { 0 } else { values.len().saturating_sub(1) };
        for value in values.into_iter().skip(from) {
            write_value(writer, number, kind, value);
        }
    }
}

fn write_value(writer: &mut Writer, number: u32, kind: Kind, value: &OptionValue) {
    let word = match value {
        OptionValue::Text(text) | OptionValue::Number(text) | OptionValue::Word(text) => Some(text.as_str()),
        _ => None,
    };
    match (kind, word) {
        (Kind::Bool, Some(word)) => writer.integer(number, i64::from(word == "true")),
        (Kind::Integer, Some(word)) => {
            if let Ok(value) = word.parse() {
                writer.integer(number, value);
            }
        }
        (Kind::Text, Some(word)) => writer.text(number, word),
        (Kind::Enum(of), Some(word)) => {
            if let Some(constant) = of.constants.iter().find(|constant| constant.name == word) {
                writer.integer(number, constant.number.into());
            }
        }
        (Kind::Message(name), None) => {
            let mut members = Vec::new();
            flatten(value, &mut members);
            let mut message = Writer::default();
            write_members(&mut message, &members, name);
            writer.bytes(number, &message.0);
        }
        (Kind::Map, None) => {
            let mut members = Vec::new();
            flatten(value, &mut members);
            let mut entry = Writer::default();
            for (number, name) in [(1, "key"), (2, "value")] {
                let text = members.iter().rev().find(|(member, _)| *member == name);
                if let Some((_, OptionValue::Text(text))) = text {
                    entry.text(number, text);
                }
            }
            writer.bytes(number, &entry.0);
        }
        _ => {}
    }
}
