//! Values that must be one thing: keys of maps, and bytes.

use serde::ser::{self, Serialize, Serializer};

use crate::avro::error::CodecError;

macro_rules! refuse {
    ($what:literal: $($method:ident($($argument:ty),*))*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<Self::Ok, CodecError> {
            Err(CodecError::mismatch($what))
        })*
    };
}

macro_rules! refuse_compound {
    ($what:literal) => {
        type SerializeSeq = ser::Impossible<Self::Ok, CodecError>;
        type SerializeTuple = ser::Impossible<Self::Ok, CodecError>;
        type SerializeTupleStruct = ser::Impossible<Self::Ok, CodecError>;
        type SerializeTupleVariant = ser::Impossible<Self::Ok, CodecError>;
        type SerializeMap = ser::Impossible<Self::Ok, CodecError>;
        type SerializeStruct = ser::Impossible<Self::Ok, CodecError>;
        type SerializeStructVariant = ser::Impossible<Self::Ok, CodecError>;

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, CodecError> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<Self::Ok, CodecError> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_tuple_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleStruct, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, CodecError> {
            Err(CodecError::mismatch($what))
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, CodecError> {
            Err(CodecError::mismatch($what))
        }
    };
}

/// A map key as text.
pub(super) struct Key;

macro_rules! key_text {
    ($($method:ident $number:ty,)*) => {
        $(fn $method(self, value: $number) -> Result<String, CodecError> {
            Ok(value.to_string())
        })*
    };
}

impl Serializer for Key {
    type Ok = String;
    type Error = CodecError;

    fn serialize_str(self, value: &str) -> Result<String, CodecError> {
        Ok(value.to_owned())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, CodecError> {
        Ok(variant.to_owned())
    }

    key_text! {
        serialize_char char,
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_u8 u8,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
    }

    refuse! { "keys of a map are strings":
        serialize_bool(bool) serialize_f32(f32) serialize_f64(f64) serialize_bytes(&[u8]) serialize_none()
        serialize_unit() serialize_unit_struct(&'static str)
    }

    refuse_compound!("keys of a map are strings");
}

/// One byte of a byte string given as a sequence.
pub(super) struct Octet;

macro_rules! octet {
    ($($method:ident $number:ty,)*) => {
        $(fn $method(self, value: $number) -> Result<u8, CodecError> {
            u8::try_from(value).map_err(|_| CodecError::mismatch(format!("{value} is not a byte")))
        })*
    };
}

impl Serializer for Octet {
    type Ok = u8;
    type Error = CodecError;

    octet! {
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
    }

    fn serialize_u8(self, value: u8) -> Result<u8, CodecError> {
        Ok(value)
    }

    refuse! { "a byte string is made of bytes":
        serialize_bool(bool) serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_str(&str)
        serialize_bytes(&[u8]) serialize_none() serialize_unit() serialize_unit_struct(&'static str)
        serialize_unit_variant(&'static str, u32, &'static str)
    }

    refuse_compound!("a byte string is made of bytes");
}
