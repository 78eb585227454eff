//! Generic values to bytes.

use apache_avro::Decimal;
use apache_avro::types::Value;
use muster_schema::Guid;

use crate::avro::error::CodecError;
use crate::avro::output::{put_bytes, put_long};
use crate::avro::shape::{Field, Record, Shape, Type, TypeId, Union};

/// Appends `value` as a value of the schema to `out`. On an error `out` holds a part of it.
///
/// A value that is not a [`Value::Union`] where the schema has a union goes to the first branch that takes it. A record
/// may leave fields out that have a default.
pub(in crate::avro) fn encode(shape: &Shape, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    write(shape, shape.root(), value, out)
}

fn write(shape: &Shape, id: TypeId, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    match (shape.get(id), value) {
        (Type::Union(union), Value::Union(branch, inner)) => {
            let position = *branch as usize;
            let id = union.branches.get(position).ok_or_else(|| {
                CodecError::mismatch(format!("branch {branch} of a union of {}", union.branches.len()))
            })?;
            put_long(i64::from(*branch), out);
            write(shape, *id, inner, out)
        }
        (Type::Union(union), value) => write_untagged(shape, union, value, out),
        (_, Value::Union(_, inner)) => write(shape, id, inner, out),
        (Type::Null, Value::Null) => Ok(()),
        (Type::Boolean, Value::Boolean(value)) => {
            out.push(u8::from(*value));
            Ok(())
        }
        (Type::Int(_), Value::Int(value) | Value::Date(value) | Value::TimeMillis(value))
        | (Type::Long(_), Value::Int(value)) => {
            put_long(i64::from(*value), out);
            Ok(())
        }
        (
            Type::Long(_),
            Value::Long(value)
            | Value::TimeMicros(value)
            | Value::TimestampMillis(value)
            | Value::TimestampMicros(value)
            | Value::TimestampNanos(value)
            | Value::LocalTimestampMillis(value)
            | Value::LocalTimestampMicros(value)
            | Value::LocalTimestampNanos(value),
        ) => {
            put_long(*value, out);
            Ok(())
        }
        (Type::Float, Value::Float(value)) => {
            out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        }
        (Type::Double, Value::Double(value)) => {
            out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        }
        (Type::Double, Value::Float(value)) => {
            out.extend_from_slice(&f64::from(*value).to_le_bytes());
            Ok(())
        }
        (Type::String(_), Value::String(text)) => {
            put_bytes(text.as_bytes(), out);
            Ok(())
        }
        (Type::String(_), Value::Uuid(uuid)) => {
            put_bytes(Guid(*uuid.as_bytes()).to_string().as_bytes(), out);
            Ok(())
        }
        (Type::Bytes(_), Value::Bytes(bytes) | Value::Fixed(_, bytes)) => {
            put_bytes(bytes, out);
            Ok(())
        }
        (Type::Bytes(_), Value::Decimal(decimal)) => {
            put_bytes(minimal(&decimal_bytes(decimal)?), out);
            Ok(())
        }
        (Type::Fixed(fixed), value) => write_fixed(fixed.size, value, out),
        (Type::Enum(kind), Value::Enum(_, symbol) | Value::String(symbol)) => {
            let position = kind.position(symbol).ok_or_else(|| {
                CodecError::mismatch(format!("enum {} has no symbol {symbol}", kind.name.full()))
            })?;
            put_long(position as i64, out);
            Ok(())
        }
        (Type::Array(item), Value::Array(items)) => {
            if !items.is_empty() {
                put_long(items.len() as i64, out);
                for value in items {
                    write(shape, *item, value, out)?;
                }
            }
            out.push(0);
            Ok(())
        }
        (Type::Map(value_id), Value::Map(entries)) => {
            if !entries.is_empty() {
                put_long(entries.len() as i64, out);
                for (key, value) in entries {
                    put_bytes(key.as_bytes(), out);
                    write(shape, *value_id, value, out).map_err(|error| error.within(key))?;
                }
            }
            out.push(0);
            Ok(())
        }
        (Type::Record(record), Value::Record(fields)) => write_record(shape, record, fields, out),
        (Type::Record(record), Value::Map(fields)) => {
            for field in &record.fields {
                write_field(shape, record, field, fields.get(&*field.name), out)?;
            }
            no_strangers(record, fields.keys())
        }
        (kind, value) => {
            Err(CodecError::mismatch(format!("{} does not fit type {}", describe(value), kind.word())))
        }
    }
}

/// Tries the branches in order, first with values of exactly their type, then with those that they widen.
fn write_untagged(shape: &Shape, union: &Union, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    let widens = |id: &TypeId| {
        matches!((shape.get(*id), value), (Type::Long(_), Value::Int(_)) | (Type::Double, Value::Float(_)))
    };
    let candidates = || union.branches.iter().enumerate();
    let exact = candidates().filter(|(_, id)| !widens(id));
    for (position, id) in exact.chain(candidates().filter(|(_, id)| widens(id))) {
        put_long(position as i64, out);
        if write(shape, *id, value, out).is_ok() {
            return Ok(());
        }
        out.truncate(start);
    }
    Err(CodecError::mismatch(format!("no branch of the union takes {}", describe(value))))
}

fn write_record(
    shape: &Shape,
    record: &Record,
    fields: &[(String, Value)],
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    for (position, field) in record.fields.iter().enumerate() {
        // Nearly always the fields are in the schema's order.
        let value = match fields.get(position) {
            Some((name, value)) if **name == *field.name => Some(value),
            _ => fields.iter().find(|(name, _)| **name == *field.name).map(|(_, value)| value),
        };
        write_field(shape, record, field, value, out)?;
    }
    if fields.len() == record.fields.len() {
        Ok(())
    } else {
        no_strangers(record, fields.iter().map(|(name, _)| name))
    }
}

fn write_field(
    shape: &Shape,
    record: &Record,
    field: &Field,
    value: Option<&Value>,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    match (value, &field.default) {
        (Some(value), _) => write(shape, field.id, value, out).map_err(|error| error.within(&field.name)),
        (None, Some(default)) => {
            out.extend_from_slice(default);
            Ok(())
        }
        (None, None) => Err(CodecError::mismatch(format!(
            "field {:?} of record {} has no value and no default",
            field.name,
            record.name.full()
        ))),
    }
}

fn no_strangers<'n>(record: &Record, names: impl Iterator<Item = &'n String>) -> Result<(), CodecError> {
    for name in names {
        if record.position(name).is_none() {
            return Err(CodecError::mismatch(format!("record {} has no field {name:?}", record.name.full())));
        }
    }
    Ok(())
}

fn write_fixed(size: usize, value: &Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let bytes = match value {
        Value::Fixed(_, bytes) | Value::Bytes(bytes) => bytes.clone(),
        Value::Uuid(uuid) => uuid.as_bytes().to_vec(),
        Value::Duration(duration) => <[u8; 12]>::from(duration).to_vec(),
        Value::Decimal(decimal) => {
            let bytes = decimal_bytes(decimal)?;
            let minimal = minimal(&bytes);
            let sign = if minimal.first().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
            let padding = size.checked_sub(minimal.len()).ok_or_else(|| {
                CodecError::mismatch(format!("a decimal of {} bytes for a fixed of {size}", minimal.len()))
            })?;
            let mut bytes = vec![sign; padding];
            bytes.extend_from_slice(minimal);
            bytes
        }
        _ => return Err(CodecError::mismatch(format!("{} does not fit type fixed", describe(value)))),
    };
    if bytes.len() != size {
        return Err(CodecError::mismatch(format!("{} bytes for a fixed of {size}", bytes.len())));
    }
    out.extend_from_slice(&bytes);
    Ok(())
}

fn decimal_bytes(decimal: &Decimal) -> Result<Vec<u8>, CodecError> {
    Vec::try_from(decimal).map_err(|error: apache_avro::Error| CodecError::mismatch(error.to_string()))
}

/// Leaves out leading bytes that only repeat the sign, as the wire wants decimals in `bytes` (wire format spec §3.1).
/// Zero is one byte.
fn minimal(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, second, ..] = rest
        && ((*first == 0 && *second < 0x80) || (*first == 0xff && *second >= 0x80))
    {
        rest = rest.get(1..).unwrap_or_default();
    }
    if rest.is_empty() { &[0] } else { rest }
}

/// The sort of a value, without its content.
fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Boolean(_) => "a boolean",
        Value::Int(_) => "an int",
        Value::Long(_) => "a long",
        Value::Float(_) => "a float",
        Value::Double(_) => "a double",
        Value::Bytes(_) => "bytes",
        Value::String(_) => "a string",
        Value::Fixed(..) => "a fixed",
        Value::Enum(..) => "an enum symbol",
        Value::Union(..) => "a union",
        Value::Array(_) => "an array",
        Value::Map(_) => "a map",
        Value::Record(_) => "a record",
        Value::Date(_) => "a date",
        Value::Decimal(_) => "a decimal",
        Value::BigDecimal(_) => "a big decimal",
        Value::TimeMillis(_) | Value::TimeMicros(_) => "a time",
        Value::TimestampMillis(_) | Value::TimestampMicros(_) | Value::TimestampNanos(_) => "a timestamp",
        Value::LocalTimestampMillis(_) | Value::LocalTimestampMicros(_) | Value::LocalTimestampNanos(_) => {
            "a local timestamp"
        }
        Value::Duration(_) => "a duration",
        Value::Uuid(_) => "a UUID",
    }
}
