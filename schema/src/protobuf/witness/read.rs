//! What a side sees in the bytes of a message, by field number.

use std::collections::BTreeMap;

use crate::protobuf::diff::{Member, MessageRef, Resolved, Types, members};
use crate::protobuf::model::{Label, Scalar, Syntax};
use crate::protobuf::validate::wire::{self, Value};

/// Deepest messages that are read. Drafts are shallower.
const MOST_DEPTH: usize = 32;

/// The fields that are there, each with its values.
pub(super) type Fields = BTreeMap<i32, Vec<Seen>>;

/// A value, alike for types that are read as each other.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    Int(i128),
    Float(f64),
    Bytes(Vec<u8>),
    Message(Fields),
    /// A message of a type that means what its fields do not say: the name of the type.
    Time(&'static str, Fields),
}

/// Messages with the same fields, seconds and nanoseconds, of which one is a point in time and the other a span.
const TIMES: [&str; 2] = ["google.protobuf.Timestamp", "google.protobuf.Duration"];

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Time(name, _), Self::Time(other, _)) if name != other => false,
            (Self::Message(a) | Self::Time(_, a), Self::Message(b) | Self::Time(_, b)) => a == b,
            _ => false,
        }
    }
}

/// Why a message cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The fields of the message that it is about.
    pub numbers: Vec<i32>,
    pub reason: String,
}

/// The type of a value, names looked up, and the scope of names in it.
#[derive(Clone, Copy)]
struct Typed<'s> {
    resolved: Resolved<'s>,
    /// Whether text must be UTF-8.
    checks_utf8: bool,
}

/// Reads a message as a parser does that refuses a field with the wrong wire type.
pub(super) fn read<'s>(
    types: &mut Types<'s>,
    message: MessageRef<'s>,
    bytes: &[u8],
    work_left: &mut usize,
) -> Result<Fields, Failure> {
    Reader { types, work_left }.message(message, bytes, 0)
}

struct Reader<'r, 's> {
    types: &'r mut Types<'s>,
    work_left: &'r mut usize,
}

impl<'s> Reader<'_, 's> {
    fn message(&mut self, message: MessageRef<'s>, bytes: &[u8], depth: usize) -> Result<Fields, Failure> {
        let fail = |numbers: Vec<i32>, reason: &str| Failure { numbers, reason: reason.to_owned() };
        let known = members(message.message());
        *self.work_left = self.work_left.saturating_sub(known.len());
        let scope = message.full_name();
        let checks_utf8 = message.file.syntax == Some(Syntax::Proto3);
        let mut fields = Fields::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let unreadable = || fail(Vec::new(), "the message cannot be read");
            let (number, wire_type, after_key) = wire::key(rest).map_err(|_| unreadable())?;
            let value = wire::value(number, wire_type, after_key).ok_or_else(unreadable)?;
            rest = value.rest;
            let Ok(number) = i32::try_from(number) else { continue };
            let Some(member) = known.get(&number) else { continue };
            let resolved = self.types.resolve(&member.field.field_type, &scope, self.work_left);
            let typed = Typed { resolved, checks_utf8 };
            let is_map = matches!(resolved, Resolved::Map(_) | Resolved::MapEntry(..));
            let is_repeated = is_map || member.field.label == Some(Label::Repeated);
            let seen = self.values(typed, wire_type, &value, is_repeated, &scope, depth);
            let seen = seen.map_err(|reason| Failure {
                numbers: vec![number],
                reason: format!("{} ({number}): {reason}", member.field.name),
            })?;
            self.place(&known, &mut fields, (number, member), seen, (is_repeated, is_map));
        }
        let required = known.iter().filter(|(_, member)| member.field.label == Some(Label::Required));
        let missing: Vec<i32> =
            required.map(|(number, _)| *number).filter(|number| !fields.contains_key(number)).collect();
        match missing.first().and_then(|number| known.get(number)) {
            Some(first) => {
                let reason = format!("the reader's required field {} is missing", first.field.name);
                Err(Failure { numbers: missing, reason })
            }
            None => Ok(fields),
        }
    }

    /// Adds values to what is there: of a field that is not repeated the last one counts, as of the entries of a map with
    /// one key; of a oneof the last member.
    fn place(
        &self,
        known: &BTreeMap<i32, Member<'s>>,
        fields: &mut Fields,
        (number, member): (i32, &Member<'s>),
        seen: Vec<Seen>,
        (is_repeated, is_map): (bool, bool),
    ) {
        if let Some(oneof) = member.oneof {
            let is_sibling = |other: &i32| known.get(other).is_some_and(|member| member.oneof == Some(oneof));
            fields.retain(|other, _| *other == number || !is_sibling(other));
        }
        let values = fields.entry(number).or_default();
        if !is_repeated {
            values.clear();
        }
        if is_map {
            values.retain(|before| !seen.iter().any(|entry| entry.key() == before.key()));
        }
        values.extend(seen);
    }

    fn values(
        &mut self,
        typed: Typed<'s>,
        wire_type: u32,
        value: &Value<'_>,
        is_repeated: bool,
        scope: &str,
        depth: usize,
    ) -> Result<Vec<Seen>, String> {
        let expected = wire_type_of(typed.resolved);
        if wire_type == wire::LENGTH
            && is_repeated
            && expected.is_some_and(|expected| expected != wire::LENGTH)
        {
            let mut seen = Vec::new();
            let mut rest = value.content;
            while !rest.is_empty() {
                let one = expected.and_then(|expected| wire::value(1, expected, rest));
                let one = one.ok_or("the packed values cannot be read")?;
                rest = one.rest;
                seen.push(self.value(typed, one.content, scope, depth)?);
            }
            return Ok(seen);
        }
        if expected.is_some_and(|expected| expected != wire_type) {
            return Err(format!(
                "it is encoded as {}, which the reader's type does not admit",
                wire::name(wire_type)
            ));
        }
        Ok(vec![self.value(typed, value.content, scope, depth)?])
    }

    fn value(&mut self, typed: Typed<'s>, content: &[u8], scope: &str, depth: usize) -> Result<Seen, String> {
        match typed.resolved {
            Resolved::Scalar(scalar) => scalar_value(scalar, content, typed.checks_utf8),
            Resolved::Enum(..) => scalar_value(Scalar::Int32, content, false),
            Resolved::Unresolved(_) => Ok(Seen::Bytes(content.to_vec())),
            _ if depth >= MOST_DEPTH => Err("it is nested too deeply".to_owned()),
            Resolved::Message(message, _) => {
                let fields = self.message(message, content, depth + 1).map_err(|failure| failure.reason)?;
                let name = message.full_name();
                Ok(match TIMES.into_iter().find(|time| *time == name) {
                    Some(time) => Seen::Time(time, fields),
                    None => Seen::Message(fields),
                })
            }
            Resolved::Map(map) => {
                let value = self.types.resolve(&map.value, scope, self.work_left);
                let parts = [Some(Resolved::Scalar(map.key)), Some(value)];
                self.entry(parts, typed.checks_utf8, content, scope, depth)
            }
            Resolved::MapEntry(key, value) => {
                let parts = [key, value]
                    .map(|part| part.map(|part| self.types.resolve(&part.field_type, scope, self.work_left)));
                self.entry(parts, typed.checks_utf8, content, scope, depth)
            }
        }
    }

    fn entry(
        &mut self,
        parts: [Option<Resolved<'s>>; 2],
        checks_utf8: bool,
        content: &[u8],
        scope: &str,
        depth: usize,
    ) -> Result<Seen, String> {
        let mut fields = Fields::new();
        let mut rest = content;
        while !rest.is_empty() {
            let unreadable = "the entry cannot be read";
            let (number, wire_type, after_key) = wire::key(rest).map_err(|_| unreadable)?;
            let value = wire::value(number, wire_type, after_key).ok_or(unreadable)?;
            rest = value.rest;
            let [key, entry_value] = parts;
            let (number, part) = match number {
                1 => (1, key),
                2 => (2, entry_value),
                _ => continue,
            };
            let Some(resolved) = part else { continue };
            let typed = Typed { resolved, checks_utf8 };
            let seen = self.values(typed, wire_type, &value, false, scope, depth + 1)?;
            fields.insert(number, seen);
        }
        Ok(Seen::Message(fields))
    }
}

/// The wire type of a value that is not packed; none if anything goes.
fn wire_type_of(resolved: Resolved<'_>) -> Option<u32> {
    Some(match resolved {
        Resolved::Scalar(Scalar::Fixed32 | Scalar::Sfixed32 | Scalar::Float) => wire::FIXED32,
        Resolved::Scalar(Scalar::Fixed64 | Scalar::Sfixed64 | Scalar::Double) => wire::FIXED64,
        Resolved::Scalar(Scalar::String | Scalar::Bytes) => wire::LENGTH,
        Resolved::Scalar(_) | Resolved::Enum(..) => wire::VARINT,
        Resolved::Map(_) | Resolved::MapEntry(..) | Resolved::Message(..) => wire::LENGTH,
        Resolved::Unresolved(_) => return None,
    })
}

fn scalar_value(scalar: Scalar, content: &[u8], checks_utf8: bool) -> Result<Seen, String> {
    let cut = || "the value is cut".to_owned();
    let varint = || wire::varint(content).map(|(value, _)| value).map_err(|_| cut());
    let four = || content.first_chunk::<4>().copied().ok_or_else(cut);
    let eight = || content.first_chunk::<8>().copied().ok_or_else(cut);
    Ok(match scalar {
        Scalar::Bool => Seen::Int(i128::from(varint()? != 0)),
        // The upper half is cut off.
        Scalar::Int32 => Seen::Int(i128::from(varint()? as i32)),
        Scalar::Uint32 => Seen::Int(i128::from(varint()? as u32)),
        Scalar::Int64 => Seen::Int(i128::from(varint()?.cast_signed())),
        Scalar::Uint64 => Seen::Int(i128::from(varint()?)),
        Scalar::Sint32 | Scalar::Sint64 => {
            let raw = varint()?;
            Seen::Int(i128::from((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed()))
        }
        Scalar::Fixed32 => Seen::Int(i128::from(u32::from_le_bytes(four()?))),
        Scalar::Sfixed32 => Seen::Int(i128::from(i32::from_le_bytes(four()?))),
        Scalar::Float => Seen::Float(f64::from(f32::from_le_bytes(four()?))),
        Scalar::Fixed64 => Seen::Int(i128::from(u64::from_le_bytes(eight()?))),
        Scalar::Sfixed64 => Seen::Int(i128::from(i64::from_le_bytes(eight()?))),
        Scalar::Double => Seen::Float(f64::from_le_bytes(eight()?)),
        Scalar::String if checks_utf8 && std::str::from_utf8(content).is_err() => {
            return Err("it is no UTF-8, which the reader's string must be".to_owned());
        }
        Scalar::String | Scalar::Bytes => Seen::Bytes(content.to_vec()),
    })
}

impl Seen {
    /// The key of the entry of a map; none is the key that is not written, such as zero.
    fn key(&self) -> Option<&[Self]> {
        match self {
            Self::Message(fields) => fields.get(&1).map(Vec::as_slice),
            _ => None,
        }
    }
}

/// Values in words, shortened.
pub(super) fn words(values: &[Seen]) -> String {
    match values {
        [Seen::Int(number)] => number.to_string(),
        [Seen::Float(number)] => format!("{number:?}"),
        [Seen::Bytes(bytes)] => match std::str::from_utf8(bytes) {
            Ok(text) => format!("{text:?}"),
            Err(_) => format!("{} bytes", bytes.len()),
        },
        [Seen::Time(name, fields)] => {
            format!("the {name} {}", words(&[Seen::Message(fields.clone())]))
        }
        [Seen::Message(fields)] => {
            const MOST: usize = 3;
            let shown =
                fields.iter().take(MOST).map(|(number, values)| format!("{number}: {}", words(values)));
            let more = if fields.len() > MOST { ", …" } else { "" };
            format!("{{{}{more}}}", shown.collect::<Vec<_>>().join(", "))
        }
        [] => "nothing".to_owned(),
        [first, ..] => format!("{} values from {} on", values.len(), words(std::slice::from_ref(first))),
    }
}
