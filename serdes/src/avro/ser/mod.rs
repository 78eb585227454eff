//! Serde values as Avro binary, with the schema at hand.
//!
//! How types meet: see [`super::de`]; and a value that meets a union goes to the branch that fits it best (the same
//! type, then a wider one; for structs the record of the same name), unless the Rust type says which: `Option`, or an
//! enum whose variants are named like the branches (else counted like them).

mod branch;
mod compound;
mod scalar;

use std::fmt;

use muster_schema::Guid;
use serde::ser::{self, Serialize, Serializer};

use super::error::CodecError;
use super::output::{put_bytes, put_long};
use super::shape::{Logical, Record, Shape, Type, TypeId, Union};
use branch::{Given, describe, rank};
use compound::{Block, Entries, Fields, Items};

/// Appends `value` as a value of the schema to `out`. On an error `out` holds a part of it.
pub(super) fn encode<T: Serialize + ?Sized>(
    shape: &Shape,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    value.serialize(Datum { shape, id: shape.root(), out })
}

/// A place for a value.
struct Datum<'a> {
    shape: &'a Shape,
    id: TypeId,
    out: &'a mut Vec<u8>,
}

impl<'a> Datum<'a> {
    #[inline]
    fn at(self, id: TypeId) -> Self {
        Self { id, ..self }
    }

    /// The type to write, after going into the branch of a union that fits best.
    #[inline]
    fn place(self, given: Given<'_>) -> Result<(&'a Type, Self), CodecError> {
        match self.shape.get(self.id) {
            Type::Union(union) => {
                let place = self.enter_best(union, given)?;
                Ok((place.shape.get(place.id), place))
            }
            kind => Ok((kind, self)),
        }
    }

    fn enter_best(self, union: &Union, given: Given<'_>) -> Result<Self, CodecError> {
        let shape = self.shape;
        let ranks =
            union.branches.iter().enumerate().filter_map(|(i, &id)| Some((rank(shape.get(id), given)?, i)));
        let (_, best) = ranks.min().ok_or_else(|| {
            CodecError::mismatch(format!("no branch of the union takes {}", describe(given)))
        })?;
        self.enter(union, best)
    }

    /// Writes the position of a branch, and stands in it.
    #[inline]
    fn enter(self, union: &Union, branch: usize) -> Result<Self, CodecError> {
        let id = union
            .branches
            .get(branch)
            .ok_or_else(|| CodecError::mismatch(format!("the union has no branch {branch}")))?;
        put_long(branch as i64, self.out);
        Ok(self.at(*id))
    }

    /// The branch that a variant of a Rust enum names, else the one that it counts to.
    fn enter_variant(self, variant: &str, index: u32) -> Result<Self, CodecError> {
        let Type::Union(union) = self.shape.get(self.id) else {
            return Ok(self);
        };
        let named = union.names.iter().position(|name| name.simple() == variant || name.full() == variant);
        self.enter(union, named.unwrap_or(index as usize))
    }

    #[cold]
    fn unfit<T>(&self, given: Given<'_>) -> Result<T, CodecError> {
        let kind = self.shape.get(self.id).word();
        Err(CodecError::mismatch(format!("{} does not fit type {kind}", describe(given))))
    }

    #[inline]
    fn integer(self, value: i64, is_long: bool) -> Result<(), CodecError> {
        let given = Given::Integer(value, is_long);
        let (kind, place) = self.place(given)?;
        match kind {
            Type::Int(_) if i32::try_from(value).is_ok() => put_long(value, place.out),
            Type::Long(_) => put_long(value, place.out),
            _ => return place.unfit(given),
        }
        Ok(())
    }

    fn wide<const N: usize>(self, value: Option<i64>, bytes: [u8; N]) -> Result<(), CodecError> {
        let (kind, place) = self.place(Given::Wide(N))?;
        match (kind, value) {
            (Type::Fixed(fixed), _) if fixed.size == N => place.out.extend_from_slice(&bytes),
            (Type::Long(_) | Type::Int(_), Some(value)) => return place.integer(value, true),
            _ => return place.unfit(Given::Wide(N)),
        }
        Ok(())
    }

    #[inline]
    fn record(self, record: &'a Record) -> Fields<'a> {
        Fields::start(self.shape, record, self.out)
    }
}

impl<'a> Serializer for Datum<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        let (kind, place) = self.place(Given::Bool)?;
        match kind {
            Type::Boolean => place.out.push(u8::from(value)),
            _ => return place.unfit(Given::Bool),
        }
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), CodecError> {
        self.integer(i64::from(value), false)
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), CodecError> {
        self.integer(i64::from(value), false)
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), CodecError> {
        self.integer(i64::from(value), false)
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), CodecError> {
        self.integer(value, true)
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), CodecError> {
        self.integer(i64::from(value), false)
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), CodecError> {
        self.integer(i64::from(value), false)
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), CodecError> {
        self.integer(i64::from(value), true)
    }

    fn serialize_u64(self, value: u64) -> Result<(), CodecError> {
        self.wide(i64::try_from(value).ok(), value.to_le_bytes())
    }

    fn serialize_i128(self, value: i128) -> Result<(), CodecError> {
        self.wide(i64::try_from(value).ok(), value.to_le_bytes())
    }

    fn serialize_u128(self, value: u128) -> Result<(), CodecError> {
        self.wide(i64::try_from(value).ok(), value.to_le_bytes())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), CodecError> {
        let (kind, place) = self.place(Given::Float)?;
        match kind {
            Type::Float => place.out.extend_from_slice(&value.to_le_bytes()),
            Type::Double => place.out.extend_from_slice(&f64::from(value).to_le_bytes()),
            _ => return place.unfit(Given::Float),
        }
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), CodecError> {
        let (kind, place) = self.place(Given::Double)?;
        match kind {
            Type::Double => place.out.extend_from_slice(&value.to_le_bytes()),
            _ => return place.unfit(Given::Double),
        }
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), CodecError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), CodecError> {
        let (kind, place) = self.place(Given::Text(value))?;
        match kind {
            Type::String(_) => put_bytes(value.as_bytes(), place.out),
            Type::Enum(kind) => match kind.position(value) {
                Some(position) => put_long(position as i64, place.out),
                None => {
                    return Err(CodecError::mismatch(format!(
                        "enum {} has no symbol {value}",
                        kind.name.full()
                    )));
                }
            },
            _ => return place.unfit(Given::Text(value)),
        }
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), CodecError> {
        let given = Given::Octets(value.len());
        let (kind, place) = self.place(given)?;
        match (kind, <[u8; 16]>::try_from(value)) {
            (Type::Bytes(_), _) => put_bytes(value, place.out),
            (Type::Fixed(fixed), _) if fixed.size == value.len() => place.out.extend_from_slice(value),
            // A Rust UUID is 16 bytes in a binary format, whichever way the schema spells it.
            (Type::String(Logical::Uuid), Ok(uuid)) => {
                put_bytes(Guid(uuid).to_string().as_bytes(), place.out)
            }
            _ => return place.unfit(given),
        }
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), CodecError> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        match self.shape.get(self.id) {
            // The usual nullable type: the value needs no looking at.
            Type::Union(union) if union.branches.len() == 2 => match union.null {
                Some(null) => value.serialize(self.enter(union, 1 - null)?),
                None => value.serialize(self),
            },
            _ => value.serialize(self),
        }
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), CodecError> {
        let (kind, place) = self.place(Given::Null)?;
        match kind {
            Type::Null => Ok(()),
            _ => place.unfit(Given::Null),
        }
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), CodecError> {
        if let Type::Null = self.shape.get(self.id) {
            return Ok(());
        }
        ser::SerializeStruct::end(self.serialize_struct(name, 0)?)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), CodecError> {
        if let Type::Union(union) = self.shape.get(self.id) {
            let shape = self.shape;
            let takes =
                union.branches.iter().any(|&id| rank(shape.get(id), Given::Symbol(name, variant)).is_some());
            let null = union.null == Some(index as usize) || variant.eq_ignore_ascii_case("null");
            if !takes && null && union.null.is_some() {
                return self.serialize_unit();
            }
        }
        let given = Given::Symbol(name, variant);
        let (kind, place) = self.place(given)?;
        match kind {
            Type::Enum(kind) => match kind.position(variant) {
                Some(position) => put_long(position as i64, place.out),
                None => {
                    return Err(CodecError::mismatch(format!(
                        "enum {} has no symbol {variant}",
                        kind.name.full()
                    )));
                }
            },
            Type::String(_) => put_bytes(variant.as_bytes(), place.out),
            Type::Record(record) if record.fields.is_empty() => {}
            _ => return place.unfit(given),
        }
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        let one_field = |kind: &Type| match kind {
            Type::Record(record) if record.name.simple() == name => match &*record.fields {
                [field] => Some(field.id),
                _ => None,
            },
            _ => None,
        };
        // `apache_avro`'s derive makes a record of one field of a newtype.
        match self.shape.get(self.id) {
            Type::Union(union) => {
                let shape = self.shape;
                match union.branches.iter().position(|&id| one_field(shape.get(id)).is_some()) {
                    Some(branch) => self.enter(union, branch)?.serialize_newtype_struct(name, value),
                    None => value.serialize(self),
                }
            }
            kind => match one_field(kind) {
                Some(id) => value.serialize(self.at(id)),
                None => value.serialize(self),
            },
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        let place = self.enter_variant(variant, index)?;
        match place.shape.get(place.id) {
            Type::Record(record) if record.wraps => match &*record.fields {
                [field] => value.serialize(place.at(field.id)),
                _ => value.serialize(place),
            },
            _ => value.serialize(place),
        }
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Items<'a>, CodecError> {
        self.items(Given::Sequence, length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Items<'a>, CodecError> {
        self.items(Given::Tuple(length), Some(length))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Items<'a>, CodecError> {
        self.items(Given::Tuple(length), Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items<'a>, CodecError> {
        self.enter_variant(variant, index)?.items(Given::Tuple(length), Some(length))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Entries<'a>, CodecError> {
        self.entries(Given::Map, length)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Entries<'a>, CodecError> {
        self.entries(Given::Struct(name), Some(length))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Entries<'a>, CodecError> {
        self.enter_variant(variant, index)?.entries(Given::Struct(variant), Some(length))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), CodecError> {
        self.serialize_str(&value.to_string())
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl<'a> Datum<'a> {
    #[inline]
    fn items(self, given: Given<'_>, length: Option<usize>) -> Result<Items<'a>, CodecError> {
        let (kind, place) = self.place(given)?;
        Ok(match kind {
            Type::Array(item) => Items::Block(Block::start(place.shape, *item, length, place.out)),
            Type::Record(record) => Items::Record(place.record(record)),
            Type::Bytes(_) => Items::Octets { size: None, octets: Vec::new(), out: place.out },
            Type::Fixed(fixed) => {
                Items::Octets { size: Some(fixed.size), octets: Vec::new(), out: place.out }
            }
            _ => return place.unfit(given),
        })
    }

    #[inline]
    fn entries(self, given: Given<'_>, length: Option<usize>) -> Result<Entries<'a>, CodecError> {
        let (kind, place) = self.place(given)?;
        Ok(match kind {
            Type::Record(record) => Entries::Record(place.record(record)),
            // A struct may skip fields, so its length is a guess.
            Type::Map(value) => Entries::Map(Block::start(
                place.shape,
                *value,
                length.filter(|_| matches!(given, Given::Map)),
                place.out,
            )),
            _ => return place.unfit(given),
        })
    }
}
