//! Avro binary as a serde data format.
//!
//! How types meet: a record is a struct or a map; a union with null is an `Option`; any union is the value in it, or
//! a Rust enum whose variants are named like the branches (else counted like them); an Avro enum is a Rust enum or a
//! string; `bytes` and `fixed` are byte buffers or sequences of `u8`. Numbers may be wider in Rust than in Avro, or
//! narrower where the value fits. Strings and bytes can be borrowed from the body.

mod compound;
mod skip;

use std::marker::PhantomData;

use muster_schema::Guid;
use serde::de::value::StrDeserializer;
use serde::de::{self, Deserializer, Visitor};

use super::error::CodecError;
use super::input::{Input, utf8};
use super::plan::{Action, Node, NodeId, Plan, RecordNode, Step};
use super::shape::Logical;
use compound::{Branch, Fields, Items, Variant};

pub(super) use skip::{Wider, branch, promote, skip, symbol};

/// Decodes one value from `input`, which then stands behind it.
pub(super) fn decode<'de, T: de::Deserialize<'de>>(
    plan: &Plan,
    input: &mut Input<'de>,
) -> Result<T, CodecError> {
    T::deserialize(Datum::<Lent>::new(plan, plan.root(), input))
}

/// How long strings and bytes live: as long as the data (`'de`), or only for the call.
pub(super) trait Lending<'de, 'b> {
    fn text<V: Visitor<'de>>(text: &'b str, visitor: V) -> Result<V::Value, CodecError>;
    fn bytes<V: Visitor<'de>>(bytes: &'b [u8], visitor: V) -> Result<V::Value, CodecError>;
}

/// From the body.
pub(super) struct Lent;

/// From a default in the schema.
pub(super) struct Passing;

impl<'de> Lending<'de, 'de> for Lent {
    fn text<V: Visitor<'de>>(text: &'de str, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_str(text)
    }

    fn bytes<V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_bytes(bytes)
    }
}

impl<'de, 'b> Lending<'de, 'b> for Passing {
    fn text<V: Visitor<'de>>(text: &'b str, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_str(text)
    }

    fn bytes<V: Visitor<'de>>(bytes: &'b [u8], visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_bytes(bytes)
    }
}

/// The value at a node.
struct Datum<'a, 'b, L> {
    plan: &'a Plan,
    id: NodeId,
    input: &'a mut Input<'b>,
    lending: PhantomData<L>,
}

impl<'a, 'b, L> Datum<'a, 'b, L> {
    fn new(plan: &'a Plan, id: NodeId, input: &'a mut Input<'b>) -> Self {
        Self { plan, id, input, lending: PhantomData }
    }

    /// Goes through unions of the bytes and of the value, to what is in them.
    fn node(&mut self) -> Result<&'a Node, CodecError> {
        loop {
            match self.plan.get(self.id) {
                Node::Tagged { inner, .. } => self.id = *inner,
                Node::Switch(branches) => self.id = branch(branches, self.input)?,
                Node::Fail(why) => return Err(CodecError::resolution(&**why)),
                node => return Ok(node),
            }
        }
    }

    /// Goes through unions of the bytes only.
    fn branch(&mut self) -> Result<&'a Node, CodecError> {
        loop {
            match self.plan.get(self.id) {
                Node::Switch(branches) => self.id = branch(branches, self.input)?,
                Node::Fail(why) => return Err(CodecError::resolution(&**why)),
                node => return Ok(node),
            }
        }
    }
}

impl<'de, 'b, L: Lending<'de, 'b>> Datum<'_, 'b, L> {
    fn visit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        match self.node()? {
            Node::Null => {
                self.input.spend(1)?;
                visitor.visit_unit()
            }
            Node::Boolean => visitor.visit_bool(self.input.boolean()?),
            Node::Int(_) => visitor.visit_i32(self.input.int()?),
            Node::Long(_) => visitor.visit_i64(self.input.long()?),
            Node::Float => visitor.visit_f32(self.input.float()?),
            Node::Double => visitor.visit_f64(self.input.double()?),
            Node::Promoted { from, to, .. } => match promote(*from, *to, self.input)? {
                Wider::Long(value) => visitor.visit_i64(value),
                Wider::Float(value) => visitor.visit_f32(value),
                Wider::Double(value) => visitor.visit_f64(value),
            },
            Node::String(_) => L::text(self.input.string()?, visitor),
            Node::BytesAsString(_) => L::text(utf8(self.input.bytes()?)?, visitor),
            Node::RawBytesAsString(_) => L::text(utf8(self.input.take(self.input.remaining())?)?, visitor),
            Node::Bytes(_) | Node::StringAsBytes(_) => L::bytes(self.input.bytes()?, visitor),
            Node::RawBytes(_) => L::bytes(self.input.take(self.input.remaining())?, visitor),
            Node::Fixed { size, .. } => {
                self.input.spend(usize::from(*size == 0))?;
                L::bytes(self.input.take(*size)?, visitor)
            }
            Node::Enum(node) => visitor.visit_str(&symbol(node, self.input)?.text),
            Node::Array { item, occupies } => self.items(*item, *occupies, visitor),
            Node::Map { value } => self.entries(*value, visitor),
            Node::Record(record) => self.fields(record, visitor),
            Node::Switch(_) | Node::Tagged { .. } | Node::Fail(_) => {
                Err(CodecError::malformed("unresolved union"))
            }
        }
    }

    fn fields<V: Visitor<'de>>(self, record: &RecordNode, visitor: V) -> Result<V::Value, CodecError> {
        self.input.enter()?;
        self.input.spend(1)?;
        let mut fields: Fields<'_, 'b, L> = Fields::start(self.plan, record, self.input);
        let value = visitor.visit_map(&mut fields)?;
        fields.finish()?;
        self.input.leave();
        Ok(value)
    }

    /// A record as a tuple, which needs the reader's order.
    fn positions<V: Visitor<'de>>(self, record: &RecordNode, visitor: V) -> Result<V::Value, CodecError> {
        if !record.in_order {
            return Err(CodecError::mismatch(
                "a tuple needs writer and reader to agree on the order of fields",
            ));
        }
        self.input.enter()?;
        self.input.spend(1)?;
        let mut fields: Fields<'_, 'b, L> = Fields::start(self.plan, record, self.input);
        let value = visitor.visit_seq(&mut fields)?;
        fields.finish()?;
        self.input.leave();
        Ok(value)
    }

    fn items<V: Visitor<'de>>(
        self,
        item: NodeId,
        occupies: bool,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.input.enter()?;
        let mut items: Items<'_, 'b, L> = Items::start(self.plan, item, occupies, self.input)?;
        let value = visitor.visit_seq(&mut items)?;
        if items.next_item()? {
            return Err(CodecError::mismatch("the array has more items than the Rust type takes"));
        }
        self.input.leave();
        Ok(value)
    }

    fn entries<V: Visitor<'de>>(self, value: NodeId, visitor: V) -> Result<V::Value, CodecError> {
        self.input.enter()?;
        let mut items: Items<'_, 'b, L> = Items::start(self.plan, value, true, self.input)?;
        let value = visitor.visit_map(&mut items)?;
        if items.next_item()? {
            return Err(CodecError::mismatch("the map has more entries than the Rust type takes"));
        }
        self.input.leave();
        Ok(value)
    }

    /// The content of a `bytes` or `fixed` node.
    fn octets(&mut self) -> Result<Option<&'b [u8]>, CodecError> {
        Ok(Some(match self.node()? {
            Node::Bytes(_) | Node::StringAsBytes(_) => self.input.bytes()?,
            Node::RawBytes(_) => self.input.take(self.input.remaining())?,
            Node::Fixed { size, .. } => {
                self.input.spend(usize::from(*size == 0))?;
                self.input.take(*size)?
            }
            _ => return Ok(None),
        }))
    }
}

macro_rules! visit_any {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            self.visit(visitor)
        })*
    };
}

macro_rules! visit_likely {
    ($($method:ident $node:pat => $visit:ident $read:ident,)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            match self.plan.get(self.id) {
                $node => visitor.$visit(self.input.$read()?),
                _ => self.visit(visitor),
            }
        })*
    };
}

impl<'de, 'b, L: Lending<'de, 'b>> Deserializer<'de> for Datum<'_, 'b, L> {
    type Error = CodecError;

    // The visitors of numbers, strings and the like take what fits and refuse the rest.
    visit_any! {
        deserialize_any deserialize_i8 deserialize_i16 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_char deserialize_str deserialize_unit deserialize_identifier deserialize_map
    }

    // A shortcut for the pairs that meet most often.
    visit_likely! {
        deserialize_bool Node::Boolean => visit_bool boolean,
        deserialize_i32 Node::Int(_) => visit_i32 int,
        deserialize_i64 Node::Long(_) => visit_i64 long,
        deserialize_f32 Node::Float => visit_f32 float,
        deserialize_f64 Node::Double => visit_f64 double,
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.plan.get(self.id) {
            Node::String(_) => L::text(self.input.string()?, visitor),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        match self.node()? {
            // How `apache_avro` writes a `u64`, which no Avro number holds.
            Node::Fixed { size: 8, .. } => visitor.visit_u64(u64::from_le_bytes(self.input.array()?)),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        match self.node()? {
            Node::Fixed { size: 16, .. } => visitor.visit_i128(i128::from_le_bytes(self.input.array()?)),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        match self.node()? {
            Node::Fixed { size: 16, .. } => visitor.visit_u128(u128::from_le_bytes(self.input.array()?)),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        match self.node()? {
            // A Rust UUID is 16 bytes in a binary format, whichever way the schema spells it.
            Node::String(Logical::Uuid) => {
                let text = self.input.string()?;
                match text.parse::<Guid>() {
                    Ok(uuid) => visitor.visit_bytes(&uuid.0),
                    Err(_) => L::bytes(text.as_bytes(), visitor),
                }
            }
            Node::String(_) => L::bytes(self.input.string()?.as_bytes(), visitor),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        let is_null = match self.branch()? {
            Node::Null => true,
            Node::Tagged { inner, .. } => matches!(self.plan.get(*inner), Node::Null),
            _ => false,
        };
        if is_null {
            self.input.spend(1)?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        match self.node()? {
            Node::Record(record) if record.fields == 0 => {
                skip(self.plan, self.id, self.input)?;
                visitor.visit_unit()
            }
            _ => self.visit(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        // `apache_avro`'s derive makes a record of one field of a newtype. No branch is read for this, so that a
        // newtype around an enum still sees its union.
        let id = match self.plan.get(self.id) {
            Node::Tagged { inner, .. } => *inner,
            _ => self.id,
        };
        if let Node::Record(record) = self.plan.get(id)
            && record.name.simple() == name
            && let [Step { action: Action::Read(inner), .. }] = &*record.steps
        {
            self.id = *inner;
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, CodecError> {
        if let Some(octets) = self.octets()? {
            return visitor.visit_seq(de::value::SeqDeserializer::new(octets.iter().copied()));
        }
        match self.node()? {
            Node::Record(record) => self.positions(record, visitor),
            _ => self.visit(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, CodecError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.visit(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        match self.branch()? {
            Node::Tagged { union, branch, inner } => {
                let names = self.plan.branch_names(*union);
                let name = names.get(*branch as usize).map_or("", |name| name.simple());
                if let Node::Enum(node) = self.plan.get(*inner)
                    && !variants.contains(&name)
                {
                    let before = self.input.mark();
                    let symbol: &str = &symbol(node, self.input)?.text;
                    if variants.contains(&symbol) {
                        return visitor.visit_enum(StrDeserializer::<CodecError>::new(symbol));
                    }
                    self.input.rewind(before);
                }
                let variant =
                    if variants.contains(&name) { Variant::Name(name) } else { Variant::Index(*branch) };
                self.id = *inner;
                visitor.visit_enum(Branch { variant, content: self })
            }
            Node::Enum(node) => {
                visitor.visit_enum(StrDeserializer::<CodecError>::new(&symbol(node, self.input)?.text))
            }
            Node::String(_) => visitor.visit_enum(StrDeserializer::<CodecError>::new(self.input.string()?)),
            // A newtype variant around what the schema has without a union, in the one way serde can express it.
            Node::Record(record) if variants.contains(&record.name.simple()) => {
                visitor.visit_enum(Branch { variant: Variant::Name(record.name.simple()), content: self })
            }
            _ => Err(CodecError::mismatch("a Rust enum needs a union, an enum or a string in the schema")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        skip(self.plan, self.id, self.input)?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
