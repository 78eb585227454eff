//! Sequences, maps and structs on their way out.

use serde::ser::{self, Serialize};

use super::Datum;
use super::scalar::{Key, Octet};
use crate::avro::error::CodecError;
use crate::avro::output::{put_bytes, put_long};
use crate::avro::shape::{Record, Shape, TypeId};

/// One block of an array or map; written at once if its count is known, else held back.
pub(in crate::avro) struct Block<'a> {
    shape: &'a Shape,
    item: TypeId,
    /// Items still to come, if their number was told.
    expected: Option<usize>,
    /// Items seen, and their bytes if their number was not told.
    count: usize,
    held: Vec<u8>,
    out: &'a mut Vec<u8>,
}

impl<'a> Block<'a> {
    #[inline]
    pub(super) fn start(
        shape: &'a Shape,
        item: TypeId,
        expected: Option<usize>,
        out: &'a mut Vec<u8>,
    ) -> Self {
        if let Some(count) = expected
            && count > 0
        {
            put_long(count as i64, out);
        }
        Self { shape, item, expected, count: 0, held: Vec::new(), out }
    }

    /// Where the next item goes.
    #[inline]
    fn next(&mut self) -> Datum<'_> {
        self.count += 1;
        self.same()
    }

    #[inline]
    fn same(&mut self) -> Datum<'_> {
        let out = if self.expected.is_some() { &mut *self.out } else { &mut self.held };
        Datum { shape: self.shape, id: self.item, out }
    }

    #[inline]
    fn end(self) -> Result<(), CodecError> {
        match self.expected {
            Some(expected) if expected != self.count => {
                return Err(CodecError::mismatch(format!(
                    "{expected} items were announced, {} came",
                    self.count
                )));
            }
            Some(_) => {}
            None if self.count > 0 => {
                put_long(self.count as i64, self.out);
                self.out.extend_from_slice(&self.held);
            }
            None => {}
        }
        self.out.push(0);
        Ok(())
    }
}

/// A sequence or tuple being written.
pub(in crate::avro) enum Items<'a> {
    Block(Block<'a>),
    Record(Fields<'a>),
    Octets { size: Option<usize>, octets: Vec<u8>, out: &'a mut Vec<u8> },
}

impl Items<'_> {
    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        match self {
            Self::Block(block) => value.serialize(block.next()),
            Self::Record(fields) => match fields.record.fields.get(fields.next) {
                Some(field) => {
                    fields.next += 1;
                    let place = Datum { shape: fields.shape, id: field.id, out: fields.out };
                    value.serialize(place).map_err(|error| error.within(&field.name))
                }
                None => Err(CodecError::mismatch("the tuple has more items than the record has fields")),
            },
            Self::Octets { octets, .. } => {
                octets.push(value.serialize(Octet)?);
                Ok(())
            }
        }
    }

    #[inline]
    fn finish(self) -> Result<(), CodecError> {
        match self {
            Self::Block(block) => block.end(),
            Self::Record(fields) => fields.finish(),
            Self::Octets { size: None, octets, out } => {
                put_bytes(&octets, out);
                Ok(())
            }
            Self::Octets { size: Some(size), octets, out } => {
                if size != octets.len() {
                    return Err(CodecError::mismatch(format!(
                        "{} bytes for a fixed of {size}",
                        octets.len()
                    )));
                }
                out.extend_from_slice(&octets);
                Ok(())
            }
        }
    }
}

macro_rules! items {
    ($($of:ident $method:ident,)*) => {
        $(impl ser::$of for Items<'_> {
            type Ok = ();
            type Error = CodecError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
                self.put(value)
            }

            #[inline]
            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        })*
    };
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

/// The fields of a record being written. In the schema's order they go straight out; those that come early wait.
pub(in crate::avro) struct Fields<'a> {
    shape: &'a Shape,
    record: &'a Record,
    /// Position of the field whose turn it is.
    next: usize,
    early: Vec<(usize, Vec<u8>)>,
    /// Position of the field named by the last key of a map.
    key: Option<usize>,
    out: &'a mut Vec<u8>,
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn start(shape: &'a Shape, record: &'a Record, out: &'a mut Vec<u8>) -> Self {
        Self { shape, record, next: 0, early: Vec::new(), key: None, out }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), CodecError> {
        match self.record.fields.get(self.next) {
            Some(field) if *field.name == *name => {
                let place = Datum { shape: self.shape, id: field.id, out: self.out };
                value.serialize(place).map_err(|error| error.within(name))?;
                self.next += 1;
                if self.early.is_empty() { Ok(()) } else { self.catch_up() }
            }
            _ => self.field_at(self.position(name)?, value),
        }
    }

    fn position(&self, name: &str) -> Result<usize, CodecError> {
        self.record.position(name).ok_or_else(|| {
            CodecError::mismatch(format!("record {} has no field {name:?}", self.record.name.full()))
        })
    }

    fn field_at<T: Serialize + ?Sized>(&mut self, position: usize, value: &T) -> Result<(), CodecError> {
        let Some(field) = self.record.fields.get(position) else { return Ok(()) };
        if position == self.next {
            return self.field(&field.name, value);
        }
        if position < self.next || self.early.iter().any(|(early, _)| *early == position) {
            return Err(CodecError::mismatch(format!("field {:?} was given twice", field.name)));
        }
        let mut held = Vec::new();
        let place = Datum { shape: self.shape, id: field.id, out: &mut held };
        value.serialize(place).map_err(|error| error.within(&field.name))?;
        self.early.push((position, held));
        self.catch_up()
    }

    /// Writes the fields that came early and whose turn it is now.
    fn catch_up(&mut self) -> Result<(), CodecError> {
        while let Some(found) = self.early.iter().position(|(position, _)| *position == self.next) {
            let (_, bytes) = self.early.swap_remove(found);
            self.out.extend_from_slice(&bytes);
            self.next += 1;
        }
        Ok(())
    }

    #[inline]
    fn finish(mut self) -> Result<(), CodecError> {
        while let Some(field) = self.record.fields.get(self.next) {
            let default = field.default.as_ref().ok_or_else(|| {
                let record = self.record.name.full();
                CodecError::mismatch(format!(
                    "field {:?} of record {record} has no value and no default",
                    field.name
                ))
            })?;
            self.out.extend_from_slice(default);
            self.next += 1;
            self.catch_up()?;
        }
        Ok(())
    }
}

/// A map or struct being written.
pub(in crate::avro) enum Entries<'a> {
    Record(Fields<'a>),
    Map(Block<'a>),
}

impl Entries<'_> {
    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), CodecError> {
        match self {
            Self::Record(fields) => fields.field(name, value),
            Self::Map(block) => {
                let place = block.next();
                put_bytes(name.as_bytes(), place.out);
                value.serialize(block.same())
            }
        }
    }

    #[inline]
    fn finish(self) -> Result<(), CodecError> {
        match self {
            Self::Record(fields) => fields.finish(),
            Self::Map(block) => block.end(),
        }
    }
}

macro_rules! structs {
    ($($of:ident)*) => {
        $(impl ser::$of for Entries<'_> {
            type Ok = ();
            type Error = CodecError;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CodecError> {
                self.put(name, value)
            }

            #[inline]
            fn end(self) -> Result<(), CodecError> {
                self.finish()
            }
        })*
    };
}

structs! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CodecError> {
        let key = key.serialize(Key)?;
        match self {
            Self::Record(fields) => fields.key = Some(fields.position(&key)?),
            Self::Map(block) => put_bytes(key.as_bytes(), block.next().out),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CodecError> {
        match self {
            Self::Record(fields) => match fields.key.take() {
                Some(position) => fields.field_at(position, value),
                None => Err(CodecError::mismatch("a value came before its key")),
            },
            Self::Map(block) => value.serialize(block.same()),
        }
    }

    #[inline]
    fn end(self) -> Result<(), CodecError> {
        self.finish()
    }
}
