//! Bytes to generic values.

use std::collections::HashMap;

use apache_avro::Decimal;
use apache_avro::types::Value;
use muster_schema::Guid;

use crate::avro::de::{Wider, branch, promote, skip, symbol};
use crate::avro::error::CodecError;
use crate::avro::input::{Input, utf8};
use crate::avro::plan::{Action, Node, NodeId, Plan, RecordNode};
use crate::avro::shape::Logical;

/// Most items reserved at once; a collection grows beyond as its items really come.
const RESERVED_ITEMS: usize = 1024;

/// Decodes one value from `input`, which then stands behind it.
pub(in crate::avro) fn decode(plan: &Plan, input: &mut Input<'_>) -> Result<Value, CodecError> {
    read(plan, plan.root(), input)
}

/// One frame per level of nesting, and as little in it as possible: what recurses is kept apart from what does not.
fn read(plan: &Plan, mut id: NodeId, input: &mut Input<'_>) -> Result<Value, CodecError> {
    let mut tag = None;
    let value = loop {
        match plan.get(id) {
            Node::Switch(branches) => id = branch(branches, input)?,
            Node::Tagged { branch, inner, .. } => {
                tag = Some(*branch);
                id = *inner;
            }
            Node::Record(record) => break fields(plan, record, input)?,
            Node::Array { item, occupies } => break items(plan, *item, *occupies, input)?,
            Node::Map { value } => break entries(plan, *value, input)?,
            leaf => break scalar(leaf, input)?,
        }
    };
    Ok(match tag {
        Some(branch) => Value::Union(branch, Box::new(value)),
        None => value,
    })
}

fn scalar(node: &Node, input: &mut Input<'_>) -> Result<Value, CodecError> {
    Ok(match node {
        Node::Null => {
            input.spend(1)?;
            Value::Null
        }
        Node::Boolean => Value::Boolean(input.boolean()?),
        Node::Int(logical) => int(input.int()?, *logical),
        Node::Long(logical) => long(input.long()?, *logical),
        Node::Float => Value::Float(input.float()?),
        Node::Double => Value::Double(input.double()?),
        Node::Promoted { from, to, logical } => match promote(*from, *to, input)? {
            Wider::Long(value) => long(value, *logical),
            Wider::Float(value) => Value::Float(value),
            Wider::Double(value) => Value::Double(value),
        },
        Node::Bytes(logical) | Node::StringAsBytes(logical) => bytes(input.bytes()?, *logical),
        Node::RawBytes(logical) => bytes(input.take(input.remaining())?, *logical),
        Node::String(logical) => string(input.string()?, *logical),
        Node::BytesAsString(logical) => string(utf8(input.bytes()?)?, *logical),
        Node::RawBytesAsString(logical) => string(utf8(input.take(input.remaining())?)?, *logical),
        Node::Fixed { size, logical } => {
            input.spend(usize::from(*size == 0))?;
            fixed(input.take(*size)?, *logical)
        }
        Node::Enum(node) => {
            let symbol = symbol(node, input)?;
            Value::Enum(symbol.position, symbol.text.to_string())
        }
        Node::Fail(why) => return Err(CodecError::resolution(&**why)),
        Node::Array { .. } | Node::Map { .. } | Node::Record(_) | Node::Switch(_) | Node::Tagged { .. } => {
            return Err(CodecError::malformed("not a scalar"));
        }
    })
}

fn items(plan: &Plan, item: NodeId, occupies: bool, input: &mut Input<'_>) -> Result<Value, CodecError> {
    input.enter()?;
    let mut items = Vec::new();
    loop {
        let count = input.block(occupies)?;
        if count == 0 {
            break;
        }
        items.reserve(count.min(RESERVED_ITEMS));
        for _ in 0..count {
            items.push(read(plan, item, input)?);
        }
    }
    input.leave();
    Ok(Value::Array(items))
}

fn entries(plan: &Plan, value: NodeId, input: &mut Input<'_>) -> Result<Value, CodecError> {
    input.enter()?;
    let mut entries = HashMap::new();
    loop {
        let count = input.block(true)?;
        if count == 0 {
            break;
        }
        entries.reserve(count.min(RESERVED_ITEMS));
        for _ in 0..count {
            let key = input.string()?.to_owned();
            entries.insert(key, read(plan, value, input)?);
        }
    }
    input.leave();
    Ok(Value::Map(entries))
}

/// The fields of a record, in the reader's order.
fn fields(plan: &Plan, record: &RecordNode, input: &mut Input<'_>) -> Result<Value, CodecError> {
    input.enter()?;
    input.spend(1)?;
    let mut found = Vec::with_capacity(record.fields);
    for step in &record.steps {
        let value = match &step.action {
            Action::Skip(node) => {
                skip(plan, *node, input)?;
                continue;
            }
            Action::Read(node) => read(plan, *node, input),
            Action::Default(node, bytes) => default(plan, *node, bytes, input),
        };
        let value = value.map_err(|error| error.within(&step.name))?;
        found.push((step.name.to_string(), value));
    }
    input.leave();
    if !record.in_order {
        put_in_order(record, &mut found);
    }
    Ok(Value::Record(found))
}

fn default(plan: &Plan, node: NodeId, bytes: &[u8], input: &mut Input<'_>) -> Result<Value, CodecError> {
    input.spend(1 + bytes.len())?;
    let mut default = input.branch_off(bytes);
    let value = read(plan, node, &mut default);
    input.settle(&default);
    value
}

/// Sorts fields that were found in the writer's order into the reader's.
fn put_in_order(record: &RecordNode, found: &mut Vec<(String, Value)>) {
    let yielding = record.steps.iter().filter(|step| !matches!(step.action, Action::Skip(_)));
    let mut fields: Vec<_> = yielding.map(|step| step.position).zip(found.drain(..)).collect();
    fields.sort_unstable_by_key(|(position, _)| *position);
    found.extend(fields.into_iter().map(|(_, field)| field));
}

fn int(value: i32, logical: Logical) -> Value {
    match logical {
        Logical::Date => Value::Date(value),
        Logical::TimeMillis => Value::TimeMillis(value),
        _ => Value::Int(value),
    }
}

fn long(value: i64, logical: Logical) -> Value {
    match logical {
        Logical::TimeMicros => Value::TimeMicros(value),
        Logical::TimestampMillis => Value::TimestampMillis(value),
        Logical::TimestampMicros => Value::TimestampMicros(value),
        Logical::TimestampNanos => Value::TimestampNanos(value),
        Logical::LocalTimestampMillis => Value::LocalTimestampMillis(value),
        Logical::LocalTimestampMicros => Value::LocalTimestampMicros(value),
        Logical::LocalTimestampNanos => Value::LocalTimestampNanos(value),
        _ => Value::Long(value),
    }
}

fn bytes(bytes: &[u8], logical: Logical) -> Value {
    match logical {
        // No bytes are zero; `Decimal` cannot be written again without any.
        Logical::Decimal if bytes.is_empty() => Value::Decimal(Decimal::from([0])),
        Logical::Decimal => Value::Decimal(Decimal::from(bytes)),
        _ => Value::Bytes(bytes.to_vec()),
    }
}

/// Text that is no UUID stays text: the bytes are well-formed, whatever the logical type says.
fn string(text: &str, logical: Logical) -> Value {
    match (logical, text.parse::<Guid>()) {
        (Logical::Uuid, Ok(uuid)) => Value::Uuid(apache_avro::Uuid::from_bytes(uuid.0)),
        _ => Value::String(text.to_owned()),
    }
}

fn fixed(bytes: &[u8], logical: Logical) -> Value {
    match logical {
        Logical::Decimal => Value::Decimal(Decimal::from(bytes)),
        Logical::Uuid => match <[u8; 16]>::try_from(bytes) {
            Ok(uuid) => Value::Uuid(apache_avro::Uuid::from_bytes(uuid)),
            Err(_) => Value::Fixed(bytes.len(), bytes.to_vec()),
        },
        Logical::Duration => match <[u8; 12]>::try_from(bytes) {
            Ok(duration) => Value::Duration(apache_avro::Duration::from(duration)),
            Err(_) => Value::Fixed(bytes.len(), bytes.to_vec()),
        },
        _ => Value::Fixed(bytes.len(), bytes.to_vec()),
    }
}
