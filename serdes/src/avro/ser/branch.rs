//! Which branch of a union takes a value that does not say.

use crate::avro::shape::{Logical, Type};

/// What is known of a value that looks for its branch.
#[derive(Clone, Copy)]
pub(super) enum Given<'v> {
    Null,
    Bool,
    /// A signed or small unsigned number, and whether its Rust type has more than 32 bits.
    Integer(i64, bool),
    Float,
    Double,
    Text(&'v str),
    Octets(usize),
    Sequence,
    /// A tuple of this many.
    Tuple(usize),
    Map,
    Struct(&'v str),
    /// Enum and variant.
    Symbol(&'v str, &'v str),
    /// A fixed-size integer of this many bytes that no Avro number holds.
    Wide(usize),
}

/// How well a type takes a value, 0 best; `None` if not at all.
pub(super) fn rank(kind: &Type, given: Given<'_>) -> Option<u8> {
    Some(match (given, kind) {
        (Given::Null, Type::Null) | (Given::Bool, Type::Boolean) => 0,
        (Given::Integer(value, is_long), Type::Int(_)) => {
            i32::try_from(value).ok()?;
            if is_long { 2 } else { 0 }
        }
        (Given::Integer(_, is_long), Type::Long(_)) => u8::from(!is_long),
        (Given::Float, Type::Float) | (Given::Double, Type::Double) => 0,
        (Given::Float, Type::Double) => 1,
        (Given::Text(_), Type::String(_)) => 0,
        (Given::Text(symbol), Type::Enum(kind)) => {
            kind.position(symbol)?;
            1
        }
        (Given::Octets(_), Type::Bytes(_)) => 0,
        (Given::Octets(size), Type::Fixed(fixed)) if fixed.size == size => 1,
        (Given::Octets(16), Type::String(Logical::Uuid)) => 2,
        (Given::Sequence | Given::Tuple(_), Type::Array(_)) => 0,
        (Given::Tuple(size), Type::Record(record)) if record.fields.len() == size => 1,
        (Given::Tuple(size), Type::Fixed(fixed)) if fixed.size == size => 2,
        (Given::Sequence | Given::Tuple(_), Type::Bytes(_)) => 3,
        (Given::Map, Type::Map(_)) => 0,
        (Given::Map, Type::Record(_)) => 1,
        (Given::Struct(name), Type::Record(record)) => u8::from(record.name.simple() != name),
        (Given::Struct(_), Type::Map(_)) => 2,
        (Given::Symbol(name, symbol), Type::Enum(kind)) => {
            kind.position(symbol)?;
            u8::from(kind.name.simple() != name)
        }
        (Given::Symbol(_, symbol), Type::Record(record)) if record.fields.is_empty() => {
            if record.name.simple() != symbol {
                return None;
            }
            1
        }
        (Given::Symbol(..), Type::String(_)) => 3,
        (Given::Wide(size), Type::Fixed(fixed)) if fixed.size == size => 0,
        (Given::Wide(_), Type::Long(_)) => 1,
        _ => return None,
    })
}

pub(super) fn describe(given: Given<'_>) -> String {
    match given {
        Given::Null => "null".to_owned(),
        Given::Bool => "a bool".to_owned(),
        Given::Integer(value, _) => format!("the integer {value}"),
        Given::Float => "an f32".to_owned(),
        Given::Double => "an f64".to_owned(),
        Given::Text(_) => "a string".to_owned(),
        Given::Octets(size) => format!("a byte string of {size}"),
        Given::Sequence => "a sequence".to_owned(),
        Given::Tuple(size) => format!("a tuple of {size}"),
        Given::Map => "a map".to_owned(),
        Given::Struct(name) => format!("a struct {name}"),
        Given::Symbol(name, variant) => format!("{name}::{variant}"),
        Given::Wide(size) => format!("an integer of {size} bytes"),
    }
}
