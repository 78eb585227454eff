//! Values of Avro schemas with the plainest codec there is (Apache Avro 1.12.1 specification, "Binary Encoding").

use muster_schema::avro::AvroSchema;
use muster_schema::avro::model::{Kind, Name, NodeId};
use serde_json::{Map, Value as Json, json};

use super::Choices;

/// A datum in the shape of the schema that it was read or made with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Boolean(bool),
    Int(i64),
    Long(i64),
    /// Bits, so that values that are no numbers compare.
    Float(u32),
    Double(u64),
    Bytes(Vec<u8>),
    String(String),
    Fixed(Vec<u8>),
    /// Position of the symbol.
    Enum(usize),
    Array(Vec<Value>),
    Map(Vec<(String, Value)>),
    /// Position of the branch.
    Union(usize, Box<Value>),
    /// Fields in order.
    Record(Vec<Value>),
}

/// Whether [`random`] comes to an end: no record contains itself but in arrays, maps and unions with a null, and every
/// enum and union has something to choose.
pub fn has_finite_data(schema: &AvroSchema) -> bool {
    fn ends(schema: &AvroSchema, id: NodeId, open: &mut Vec<NodeId>) -> bool {
        match &schema.node(id).kind {
            Kind::Enum(symbols) => !symbols.symbols.is_empty(),
            Kind::Union(branches) => {
                let null = |id: &NodeId| matches!(schema.node(*id).kind, Kind::Null);
                branches.iter().any(null)
                    || (!branches.is_empty() && branches.iter().all(|branch| ends(schema, *branch, open)))
            }
            Kind::Record(record) => {
                if open.contains(&id) {
                    return false;
                }
                open.push(id);
                let all = record.fields.iter().all(|field| ends(schema, field.schema, open));
                open.pop();
                all
            }
            _ => true,
        }
    }
    // Types inside arrays, maps and unions are chosen too while there are choices left.
    every_node(schema).iter().all(|id| ends(schema, *id, &mut Vec::new()))
}

fn every_node(schema: &AvroSchema) -> Vec<NodeId> {
    let mut seen = Vec::new();
    let mut todo = vec![schema.root()];
    while let Some(id) = todo.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        match &schema.node(id).kind {
            Kind::Array(part) | Kind::Map(part) => todo.push(*part),
            Kind::Union(branches) => todo.extend(branches),
            Kind::Record(record) => todo.extend(record.fields.iter().map(|field| field.schema)),
            _ => {}
        }
    }
    seen
}

/// Some value of a type that has finite ones.
pub fn random(schema: &AvroSchema, id: NodeId, choices: &mut Choices<'_>, depth: usize) -> Value {
    let inner = depth.saturating_sub(1);
    let items = |choices: &mut Choices<'_>| if depth == 0 { 0 } else { choices.below(4) };
    match &schema.node(id).kind {
        Kind::Null => Value::Null,
        Kind::Boolean => Value::Boolean(choices.byte() & 1 == 1),
        Kind::Int => Value::Int(i64::from(choices.number() as i32)),
        Kind::Long => Value::Long(choices.number()),
        Kind::Float => Value::Float(u32::from_le_bytes([0; 4].map(|_: u8| choices.byte()))),
        Kind::Double => Value::Double(u64::from_le_bytes([0; 8].map(|_: u8| choices.byte()))),
        Kind::Bytes => Value::Bytes((0..choices.below(20)).map(|_| choices.byte()).collect()),
        Kind::String => Value::String(text(choices)),
        Kind::Fixed(fixed) => Value::Fixed((0..fixed.size).map(|_| choices.byte()).collect()),
        Kind::Enum(symbols) => Value::Enum(choices.below(symbols.symbols.len())),
        Kind::Array(part) => {
            Value::Array((0..items(choices)).map(|_| random(schema, *part, choices, inner)).collect())
        }
        Kind::Map(part) => {
            let entry = |choices: &mut Choices<'_>| (text(choices), random(schema, *part, choices, inner));
            Value::Map((0..items(choices)).map(|_| entry(choices)).collect())
        }
        Kind::Union(branches) => {
            let null = branches.iter().position(|id| matches!(schema.node(*id).kind, Kind::Null));
            let branch = match null {
                Some(null) if depth == 0 => null,
                _ => choices.below(branches.len()),
            };
            Value::Union(branch, Box::new(random(schema, branches[branch], choices, inner)))
        }
        Kind::Record(record) => Value::Record(
            record.fields.iter().map(|field| random(schema, field.schema, choices, inner)).collect(),
        ),
    }
}

fn text(choices: &mut Choices<'_>) -> String {
    (0..choices.below(6)).map(|_| ['a', 'ß', '€', '🚀'][choices.below(4)]).collect()
}

/// Appends the binary encoding; `blocks` decides how arrays and maps are cut.
pub fn encode(value: &Value, blocks: &mut Choices<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Boolean(value) => out.push(u8::from(*value)),
        Value::Int(value) | Value::Long(value) => varint(*value, out),
        Value::Float(bits) => out.extend(bits.to_le_bytes()),
        Value::Double(bits) => out.extend(bits.to_le_bytes()),
        Value::Bytes(bytes) => sized(bytes, out),
        Value::String(text) => sized(text.as_bytes(), out),
        Value::Fixed(bytes) => out.extend(bytes),
        Value::Enum(position) => varint(*position as i64, out),
        Value::Array(items) => in_blocks(items, blocks, out, encode),
        Value::Map(entries) => in_blocks(entries, blocks, out, |(key, value), blocks, out| {
            sized(key.as_bytes(), out);
            encode(value, blocks, out);
        }),
        Value::Union(position, value) => {
            varint(*position as i64, out);
            encode(value, blocks, out);
        }
        Value::Record(fields) => fields.iter().for_each(|field| encode(field, blocks, out)),
    }
}

fn in_blocks<T>(
    items: &[T],
    blocks: &mut Choices<'_>,
    out: &mut Vec<u8>,
    item: impl Fn(&T, &mut Choices<'_>, &mut Vec<u8>),
) {
    let mut rest = items;
    while !rest.is_empty() {
        let whole = blocks.below(2) == 0;
        let (block, after) = rest.split_at(if whole { rest.len() } else { 1 });
        let mut bytes = Vec::new();
        block.iter().for_each(|part| item(part, blocks, &mut bytes));
        if blocks.below(2) == 0 {
            varint(block.len() as i64, out);
        } else {
            varint(-(block.len() as i64), out);
            varint(bytes.len() as i64, out);
        }
        out.extend(bytes);
        rest = after;
    }
    out.push(0);
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    varint(bytes.len() as i64, out);
    out.extend(bytes);
}

/// Appends a zigzag varint.
pub fn varint(value: i64, out: &mut Vec<u8>) {
    let mut left = (value << 1) as u64 ^ (value >> 63) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Why nothing was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not a datum of the schema.
    Invalid,
    /// The decoder gave up: too deep or too many items.
    TooMuch,
}

/// Bounds of a decoder that recurses.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub items: usize,
    pub depth: usize,
}

/// Takes one datum off the input.
pub fn decode(
    schema: &AvroSchema,
    id: NodeId,
    input: &mut &[u8],
    left: &mut Patience,
) -> Result<Value, Refused> {
    left.depth = left.depth.checked_sub(1).ok_or(Refused::TooMuch)?;
    let value = match &schema.node(id).kind {
        Kind::Null => Value::Null,
        Kind::Boolean => match take(input, 1)? {
            [0] => Value::Boolean(false),
            [1] => Value::Boolean(true),
            _ => return Err(Refused::Invalid),
        },
        Kind::Int => Value::Int(number(input, 32)?),
        Kind::Long => Value::Long(number(input, 64)?),
        Kind::Float => Value::Float(u32::from_le_bytes(take(input, 4)?.try_into().unwrap())),
        Kind::Double => Value::Double(u64::from_le_bytes(take(input, 8)?.try_into().unwrap())),
        Kind::Bytes => Value::Bytes(take_sized(input)?.to_vec()),
        Kind::String => Value::String(take_text(input)?),
        Kind::Fixed(fixed) => Value::Fixed(take(input, fixed.size)?.to_vec()),
        Kind::Enum(symbols) => Value::Enum(position(number(input, 32)?, symbols.symbols.len())?),
        Kind::Array(part) => {
            let mut items = Vec::new();
            blocks(input, left, |input, left| {
                items.push(decode(schema, *part, input, left)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        Kind::Map(part) => {
            let mut entries = Vec::new();
            blocks(input, left, |input, left| {
                entries.push((take_text(input)?, decode(schema, *part, input, left)?));
                Ok(())
            })?;
            Value::Map(entries)
        }
        Kind::Union(branches) => {
            let branch = position(number(input, 32)?, branches.len())?;
            Value::Union(branch, Box::new(decode(schema, branches[branch], input, left)?))
        }
        Kind::Record(record) => {
            let mut fields = Vec::new();
            for field in &record.fields {
                fields.push(decode(schema, field.schema, input, left)?);
            }
            Value::Record(fields)
        }
    };
    left.depth += 1;
    Ok(value)
}

/// Decodes all of `bytes`.
pub fn decode_all(schema: &AvroSchema, bytes: &[u8], patience: Patience) -> Result<Value, Refused> {
    let mut rest = bytes;
    let value = decode(schema, schema.root(), &mut rest, &mut patience.clone())?;
    if rest.is_empty() { Ok(value) } else { Err(Refused::Invalid) }
}

fn blocks(
    input: &mut &[u8],
    left: &mut Patience,
    mut item: impl FnMut(&mut &[u8], &mut Patience) -> Result<(), Refused>,
) -> Result<(), Refused> {
    loop {
        let count = number(input, 64)?;
        let size = if count < 0 { Some(number(input, 64)?) } else { None };
        if count == 0 {
            return Ok(());
        }
        if size.is_some_and(|size| usize::try_from(size).map_or(true, |size| size > input.len())) {
            return Err(Refused::Invalid);
        }
        let before = input.len();
        for _ in 0..count.unsigned_abs() {
            left.items = left.items.checked_sub(1).ok_or(Refused::TooMuch)?;
            item(input, left)?;
        }
        if size.is_some_and(|size| size != (before - input.len()) as i64) {
            return Err(Refused::Invalid);
        }
    }
}

fn position(number: i64, count: usize) -> Result<usize, Refused> {
    usize::try_from(number).ok().filter(|position| *position < count).ok_or(Refused::Invalid)
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], Refused> {
    let (taken, rest) = input.split_at_checked(length).ok_or(Refused::Invalid)?;
    *input = rest;
    Ok(taken)
}

fn take_sized<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Refused> {
    let length = usize::try_from(number(input, 64)?).map_err(|_| Refused::Invalid)?;
    take(input, length)
}

fn take_text(input: &mut &[u8]) -> Result<String, Refused> {
    String::from_utf8(take_sized(input)?.to_vec()).map_err(|_| Refused::Invalid)
}

fn number(input: &mut &[u8], bits: u32) -> Result<i64, Refused> {
    let mut value = 0_u128;
    for index in 0..bits.div_ceil(7) {
        let byte = take(input, 1)?[0];
        value += u128::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value =
                i128::try_from(value).ok().filter(|value| value >> bits == 0).ok_or(Refused::Invalid)?;
            let signed = if value % 2 == 0 { value / 2 } else { -(value + 1) / 2 };
            return i64::try_from(signed).map_err(|_| Refused::Invalid);
        }
    }
    Err(Refused::Invalid)
}

/// Avro's JSON encoding of a value; floats that are no numbers are not expected.
pub fn to_json(schema: &AvroSchema, id: NodeId, value: &Value) -> Json {
    match (&schema.node(id).kind, value) {
        (_, Value::Null) => Json::Null,
        (_, Value::Boolean(value)) => json!(value),
        (_, Value::Int(value) | Value::Long(value)) => json!(value),
        (_, Value::Float(bits)) => json!(f32::from_bits(*bits)),
        (_, Value::Double(bits)) => json!(f64::from_bits(*bits)),
        (_, Value::Bytes(bytes) | Value::Fixed(bytes)) => {
            Json::String(bytes.iter().map(|byte| char::from(*byte)).collect())
        }
        (_, Value::String(text)) => json!(text),
        (Kind::Enum(symbols), Value::Enum(position)) => json!(symbols.symbols[*position]),
        (Kind::Array(part), Value::Array(items)) => {
            Json::Array(items.iter().map(|item| to_json(schema, *part, item)).collect())
        }
        (Kind::Map(part), Value::Map(entries)) => Json::Object(
            entries.iter().map(|(key, value)| (key.clone(), to_json(schema, *part, value))).collect(),
        ),
        (Kind::Union(branches), Value::Union(position, value)) => {
            let branch = branches[*position];
            match &schema.node(branch).kind {
                Kind::Null => Json::Null,
                kind => Json::Object(Map::from_iter([(branch_name(kind), to_json(schema, branch, value))])),
            }
        }
        (Kind::Record(record), Value::Record(fields)) => {
            let members = record.fields.iter().zip(fields);
            Json::Object(
                members
                    .map(|(field, value)| (field.name.clone(), to_json(schema, field.schema, value)))
                    .collect(),
            )
        }
        (kind, value) => panic!("{value:?} is no {kind:?}"),
    }
}

/// The name of a branch in Avro's JSON encoding.
pub fn branch_name(kind: &Kind) -> String {
    let full = |name: &Name| match &name.namespace {
        Some(namespace) => format!("{namespace}.{}", name.simple),
        None => name.simple.clone(),
    };
    match kind {
        Kind::Null => "null".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Int => "int".to_owned(),
        Kind::Long => "long".to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Double => "double".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Array(_) => "array".to_owned(),
        Kind::Map(_) => "map".to_owned(),
        Kind::Union(_) => "union".to_owned(),
        Kind::Record(record) => full(&record.named.name),
        Kind::Enum(symbols) => full(&symbols.named.name),
        Kind::Fixed(fixed) => full(&fixed.named.name),
    }
}
