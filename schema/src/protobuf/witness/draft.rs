//! Messages made up: as text and encoded, with what is required and what is wanted in them.

use crate::protobuf::diff::{MessageRef, Resolved, Types, members};
use crate::protobuf::model::{EnumId, Field, Label, ProtoFile, Scalar, Syntax};
use crate::protobuf::validate::wire;

/// Levels of messages that are filled with all their fields, below the one that is wanted.
const RICH_LEVELS: usize = 2;
/// Deepest nesting of required messages.
const MOST_DEPTH: usize = 24;

/// A message.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// In the JSON form of Protobuf, with the names of the schema.
    pub json: String,
    pub bytes: Vec<u8>,
}

impl Draft {
    /// Adds a field to a message that is open.
    fn push(&mut self, field: Self) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        self.json.push_str(&field.json);
        self.bytes.extend(field.bytes);
    }
}

/// What should be in a message besides required fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Want {
    /// Fields, in the order in which they are to be written.
    pub numbers: Vec<i32>,
    /// Which samples to take.
    pub variant: usize,
}

pub(super) struct Drafter<'d, 's> {
    pub types: &'d mut Types<'s>,
    pub work_left: &'d mut usize,
    /// Of text and encoding together.
    pub bytes_left: usize,
}

/// One value, not yet in a field.
struct Sample {
    json: String,
    /// Without a length.
    bytes: Vec<u8>,
    wire_type: u32,
}

impl<'s> Drafter<'_, 's> {
    /// A message with required fields and what is wanted. None if there is no end to what is required, or too much.
    pub fn message(&mut self, message: MessageRef<'s>, want: &Want) -> Option<Draft> {
        self.at_depth(message, &want.numbers, want.variant, 0)
    }

    fn at_depth(
        &mut self,
        message: MessageRef<'s>,
        numbers: &[i32],
        variant: usize,
        depth: usize,
    ) -> Option<Draft> {
        if depth > MOST_DEPTH {
            return None;
        }
        let known = members(message.message());
        *self.work_left = self.work_left.checked_sub(known.len() + 1)?;
        let scope = message.full_name();
        let required =
            known.iter().filter(|(_, member)| member.field.label == Some(Label::Required)).map(|(n, _)| *n);
        let order: Vec<i32> =
            required.filter(|number| !numbers.contains(number)).chain(numbers.iter().copied()).collect();
        let mut draft = Draft { json: "{".to_owned(), bytes: Vec::new() };
        for number in order {
            let member = known.get(&number)?;
            // A wanted field gets all there is to a message; what is required besides, just what it must have.
            let rich = if numbers.contains(&number) { RICH_LEVELS } else { 0 };
            let is_proto3 = message.file.syntax == Some(Syntax::Proto3);
            let written = self.field(member.field, &scope, is_proto3, variant, rich, depth)?;
            draft.push(written);
            self.bytes_left.checked_sub(draft.json.len() + draft.bytes.len())?;
        }
        draft.json.push('}');
        Some(draft)
    }

    fn field(
        &mut self,
        field: &'s Field,
        scope: &str,
        is_proto3: bool,
        variant: usize,
        rich: usize,
        depth: usize,
    ) -> Option<Draft> {
        let number = u32::try_from(field.number).ok().filter(|number| *number > 0 && *number < 1 << 29)?;
        let resolved = self.types.resolve(&field.field_type, scope, self.work_left);
        let is_map = matches!(resolved, Resolved::Map(_) | Resolved::MapEntry(..));
        let is_repeated = !is_map && field.label == Some(Label::Repeated);
        let samples: Vec<Sample> = (0..if is_repeated { 2 } else { 1 })
            .map(|at| self.sample(resolved, scope, variant + at, rich, depth))
            .collect::<Option<_>>()?;
        let mut draft = Draft { json: format!("\"{}\":", field.name), bytes: Vec::new() };
        let json: Vec<&str> = samples.iter().map(|sample| sample.json.as_str()).collect();
        match json.as_slice() {
            [one] if !is_repeated => draft.json.push_str(one),
            all => draft.json.push_str(&format!("[{}]", all.join(","))),
        }
        let is_packed = is_repeated && is_packed(field, is_proto3);
        if is_packed && samples.iter().all(|sample| sample.wire_type != wire::LENGTH) {
            wire::write_key(number, wire::LENGTH, &mut draft.bytes);
            let packed: Vec<u8> = samples.into_iter().flat_map(|sample| sample.bytes).collect();
            wire::write_delimited(&packed, &mut draft.bytes);
        } else {
            for sample in samples {
                sample.write(number, &mut draft.bytes);
            }
        }
        Some(draft)
    }

    fn sample(
        &mut self,
        resolved: Resolved<'s>,
        scope: &str,
        variant: usize,
        rich: usize,
        depth: usize,
    ) -> Option<Sample> {
        match resolved {
            Resolved::Scalar(scalar) => Some(scalar_sample(scalar, variant)),
            Resolved::Enum(file, id) => enum_sample(file, id, variant),
            Resolved::Unresolved(_) => None,
            Resolved::Message(message, _) => {
                let numbers = if rich == 0 { Vec::new() } else { one_of_each(message) };
                let mut inner = None;
                if !numbers.is_empty() {
                    inner = self.filled(message, &numbers, variant, rich, depth);
                }
                let inner = match inner {
                    Some(inner) => inner,
                    None => self.at_depth(message, &[], variant, depth + 1)?,
                };
                Some(Sample { json: inner.json, bytes: inner.bytes, wire_type: wire::LENGTH })
            }
            Resolved::Map(map) => {
                let value = self.types.resolve(&map.value, scope, self.work_left);
                self.entry([Resolved::Scalar(map.key), value], scope, variant, rich, depth)
            }
            Resolved::MapEntry(key, value) => {
                let key = self.types.resolve(&key?.field_type, scope, self.work_left);
                let value = self.types.resolve(&value?.field_type, scope, self.work_left);
                self.entry([key, value], scope, variant, rich, depth)
            }
        }
    }

    /// A message with these fields, those of its own messages included as far as `rich` goes. Fields of which no sample
    /// can be made are left out.
    fn filled(
        &mut self,
        message: MessageRef<'s>,
        numbers: &[i32],
        variant: usize,
        rich: usize,
        depth: usize,
    ) -> Option<Draft> {
        if depth > MOST_DEPTH {
            return None;
        }
        let known = members(message.message());
        *self.work_left = self.work_left.checked_sub(known.len() + 1)?;
        let scope = message.full_name();
        let is_proto3 = message.file.syntax == Some(Syntax::Proto3);
        let mut draft = Draft { json: "{".to_owned(), bytes: Vec::new() };
        for number in numbers {
            let member = known.get(number)?;
            let written = self.field(member.field, &scope, is_proto3, variant, rich - 1, depth + 1);
            let Some(written) = written else {
                if member.field.label == Some(Label::Required) {
                    return None;
                }
                continue;
            };
            draft.push(written);
            self.bytes_left.checked_sub(draft.json.len() + draft.bytes.len())?;
        }
        draft.json.push('}');
        Some(draft)
    }

    fn entry(
        &mut self,
        [key, value]: [Resolved<'s>; 2],
        scope: &str,
        variant: usize,
        rich: usize,
        depth: usize,
    ) -> Option<Sample> {
        if depth > MOST_DEPTH {
            return None;
        }
        let key = self.sample(key, scope, variant, 0, depth + 1)?;
        let value = self.sample(value, scope, variant, rich, depth + 1)?;
        let quoted = if key.json.starts_with('"') { key.json.clone() } else { format!("\"{}\"", key.json) };
        let json = format!("{{{quoted}:{}}}", value.json);
        let mut bytes = Vec::new();
        key.write(1, &mut bytes);
        value.write(2, &mut bytes);
        Some(Sample { json, bytes, wire_type: wire::LENGTH })
    }
}

impl Sample {
    fn write(&self, number: u32, out: &mut Vec<u8>) {
        wire::write_key(number, self.wire_type, out);
        match self.wire_type {
            wire::LENGTH => wire::write_delimited(&self.bytes, out),
            _ => out.extend_from_slice(&self.bytes),
        }
    }
}

/// All fields of a message, but of each oneof only the first.
fn one_of_each(message: MessageRef<'_>) -> Vec<i32> {
    let mut oneofs = Vec::new();
    let known = members(message.message());
    let numbers = known.iter().filter(|(_, member)| match member.oneof {
        Some(oneof) if oneofs.contains(&oneof) => false,
        Some(oneof) => {
            oneofs.push(oneof);
            true
        }
        None => true,
    });
    numbers.map(|(number, _)| *number).collect()
}

/// Source: Protocol Buffers documentation, "Packed Repeated Fields": the default of proto3.
fn is_packed(field: &Field, is_proto3: bool) -> bool {
    use crate::protobuf::model::OptionValue::Word;
    let option = field.options.iter().find(|option| option.name == "packed" && !option.is_extension);
    match option.map(|option| &option.value) {
        Some(Word(word)) => word == "true",
        _ => is_proto3,
    }
}

fn scalar_sample(scalar: Scalar, variant: usize) -> Sample {
    const SIGNED: [i32; 4] = [1, -1, 300, 77];
    const UNSIGNED: [u32; 4] = [1, 0x8000_0000, 300, 77];
    const FLOATS: [f32; 4] = [1.5, -0.25, 3.0, 1e10];
    const TEXTS: [&str; 4] = ["a", "é", "text", "1"];
    const BYTES: [(&[u8], &str); 4] =
        [(b"a", "YQ=="), (b"\xff", "/w=="), (b"\x00\x01", "AAE="), (b"\x08\x01", "CAE=")];
    let pick = variant % 4;
    let (signed, unsigned) = (i64::from(SIGNED[pick]), u64::from(UNSIGNED[pick]));
    let float = FLOATS[pick];
    let varint = |value: u64, json: String| {
        let mut bytes = Vec::new();
        wire::write_varint(value, &mut bytes);
        Sample { json, bytes, wire_type: wire::VARINT }
    };
    // The JSON form of Protobuf puts numbers of 64 bits into strings.
    let long = |number: &dyn std::fmt::Display| format!("\"{number}\"");
    let zigzag = (signed << 1) ^ (signed >> 63);
    let sample = |json: String, bytes: Vec<u8>, wire_type| Sample { json, bytes, wire_type };
    match scalar {
        Scalar::Bool => varint(1, "true".to_owned()),
        Scalar::Int32 => varint(signed.cast_unsigned(), signed.to_string()),
        Scalar::Int64 => varint(signed.cast_unsigned(), long(&signed)),
        Scalar::Uint32 => varint(unsigned, unsigned.to_string()),
        Scalar::Uint64 => varint(unsigned, long(&unsigned)),
        Scalar::Sint32 => varint(zigzag.cast_unsigned(), signed.to_string()),
        Scalar::Sint64 => varint(zigzag.cast_unsigned(), long(&signed)),
        Scalar::Fixed32 => sample(unsigned.to_string(), UNSIGNED[pick].to_le_bytes().into(), wire::FIXED32),
        Scalar::Sfixed32 => sample(signed.to_string(), SIGNED[pick].to_le_bytes().into(), wire::FIXED32),
        Scalar::Fixed64 => sample(long(&unsigned), unsigned.to_le_bytes().into(), wire::FIXED64),
        Scalar::Sfixed64 => sample(long(&signed), signed.to_le_bytes().into(), wire::FIXED64),
        Scalar::Float => sample(format!("{float:?}"), float.to_le_bytes().into(), wire::FIXED32),
        Scalar::Double => sample(format!("{float:?}"), f64::from(float).to_le_bytes().into(), wire::FIXED64),
        Scalar::String => sample(format!("\"{}\"", TEXTS[pick]), TEXTS[pick].into(), wire::LENGTH),
        Scalar::Bytes => sample(format!("\"{}\"", BYTES[pick].1), BYTES[pick].0.into(), wire::LENGTH),
    }
}

/// A constant other than zero. Where there is none, proto3 lets an enum hold any number, and in proto2 zero is written too.
fn enum_sample(file: &ProtoFile, id: EnumId, variant: usize) -> Option<Sample> {
    let constants = &file.enumeration(id).constants;
    let other: Vec<_> = constants.iter().filter(|constant| constant.number != 0).collect();
    let (number, json) = match other.len() {
        0 if file.syntax == Some(Syntax::Proto3) => (1, "1".to_owned()),
        0 => (0, format!("\"{}\"", constants.first()?.name)),
        count => {
            let constant = other.get(variant % count)?;
            (constant.number, format!("\"{}\"", constant.name))
        }
    };
    let mut bytes = Vec::new();
    wire::write_varint(i64::from(number).cast_unsigned(), &mut bytes);
    Some(Sample { json, bytes, wire_type: wire::VARINT })
}
