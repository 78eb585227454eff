//! Records, arrays, maps and union branches as serde sees them.

use std::marker::PhantomData;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::skip::{skip, skip_step};
use super::{Datum, Lending, Passing};
use crate::avro::error::CodecError;
use crate::avro::input::Input;
use crate::avro::plan::{Action, Node, NodeId, Plan, RecordNode, Step};

/// The fields of a record.
pub(super) struct Fields<'a, 'b, L> {
    plan: &'a Plan,
    steps: std::slice::Iter<'a, Step>,
    /// The field whose name has been given.
    pending: Option<&'a Step>,
    input: &'a mut Input<'b>,
    lending: PhantomData<L>,
}

impl<'a, 'b, L> Fields<'a, 'b, L> {
    pub(super) fn start(plan: &'a Plan, record: &'a RecordNode, input: &'a mut Input<'b>) -> Self {
        Self { plan, steps: record.steps.iter(), pending: None, input, lending: PhantomData }
    }

    /// The next step that yields a field; what the reader does not know is skipped on the way.
    fn next_step(&mut self) -> Result<Option<&'a Step>, CodecError> {
        for step in self.steps.by_ref() {
            let Action::Skip(node) = &step.action else { return Ok(Some(step)) };
            skip(self.plan, *node, self.input)?;
        }
        Ok(None)
    }

    pub(super) fn finish(&mut self) -> Result<(), CodecError> {
        if let Some(step) = self.pending.take() {
            skip_step(self.plan, step, self.input)?;
        }
        for step in self.steps.by_ref() {
            skip_step(self.plan, step, self.input)?;
        }
        Ok(())
    }
}

impl<'b, L> Fields<'_, 'b, L> {
    fn value<'de, S: DeserializeSeed<'de>>(&mut self, step: &Step, seed: S) -> Result<S::Value, CodecError>
    where
        L: Lending<'de, 'b>,
    {
        let result = match &step.action {
            Action::Read(node) | Action::Skip(node) => {
                seed.deserialize(Datum::<L>::new(self.plan, *node, self.input))
            }
            Action::Default(node, bytes) => {
                self.input.spend(1 + bytes.len())?;
                let mut input = self.input.branch_off(bytes);
                let value = seed.deserialize(Datum::<Passing>::new(self.plan, *node, &mut input));
                self.input.settle(&input);
                value
            }
        };
        result.map_err(|error| error.within(&step.name))
    }
}

impl<'de, 'b, L: Lending<'de, 'b>> de::MapAccess<'de> for &mut Fields<'_, 'b, L> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CodecError> {
        self.pending = self.next_step()?;
        match self.pending {
            Some(step) => seed.deserialize(StrDeserializer::<CodecError>::new(&step.name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, CodecError> {
        match self.pending.take() {
            Some(step) => self.value(step, seed),
            None => Err(CodecError::mismatch("a value was asked for before its key")),
        }
    }
}

impl<'de, 'b, L: Lending<'de, 'b>> de::SeqAccess<'de> for &mut Fields<'_, 'b, L> {
    type Error = CodecError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CodecError> {
        match self.next_step()? {
            Some(step) => self.value(step, seed).map(Some),
            None => Ok(None),
        }
    }
}

/// The items of an array, or the entries of a map.
pub(super) struct Items<'a, 'b, L> {
    plan: &'a Plan,
    item: NodeId,
    occupies: bool,
    /// Items left in the current block.
    left: usize,
    ended: bool,
    input: &'a mut Input<'b>,
    lending: PhantomData<L>,
}

impl<'a, 'b, L> Items<'a, 'b, L> {
    pub(super) fn start(
        plan: &'a Plan,
        item: NodeId,
        occupies: bool,
        input: &'a mut Input<'b>,
    ) -> Result<Self, CodecError> {
        let left = input.block(occupies)?;
        Ok(Self { plan, item, occupies, left, ended: left == 0, input, lending: PhantomData })
    }

    /// Whether there is another item; takes it off the count.
    pub(super) fn next_item(&mut self) -> Result<bool, CodecError> {
        if self.left == 0 && !self.ended {
            self.left = self.input.block(self.occupies)?;
            self.ended = self.left == 0;
        }
        if self.ended {
            return Ok(false);
        }
        self.left -= 1;
        Ok(true)
    }
}

impl<'de, 'b, L: Lending<'de, 'b>> de::SeqAccess<'de> for &mut Items<'_, 'b, L> {
    type Error = CodecError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, CodecError> {
        if !self.next_item()? {
            return Ok(None);
        }
        seed.deserialize(Datum::<L>::new(self.plan, self.item, self.input)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        // More blocks may follow. The count has been checked, and serde bounds what collections reserve on a hint.
        Some(self.left)
    }
}

impl<'de, 'b, L: Lending<'de, 'b>> de::MapAccess<'de> for &mut Items<'_, 'b, L> {
    type Error = CodecError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, CodecError> {
        if !self.next_item()? {
            return Ok(None);
        }
        seed.deserialize(Key { text: self.input.string()?, lending: PhantomData::<L> }).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, CodecError> {
        seed.deserialize(Datum::<L>::new(self.plan, self.item, self.input))
    }
}

/// The key of a map entry.
struct Key<'b, L> {
    text: &'b str,
    lending: PhantomData<L>,
}

macro_rules! parse_key {
    ($($method:ident $visit:ident $number:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            match self.text.parse::<$number>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => L::text(self.text, visitor),
            }
        })*
    };
}

impl<'de, 'b, L: Lending<'de, 'b>> Deserializer<'de> for Key<'b, L> {
    type Error = CodecError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        L::text(self.text, visitor)
    }

    // Maps with integer keys are written with the numbers as text.
    parse_key! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        visitor.visit_enum(StrDeserializer::<CodecError>::new(self.text))
    }

    serde::forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// Which variant of a Rust enum a union branch is.
pub(super) enum Variant<'a> {
    Name(&'a str),
    Index(u32),
}

/// A union branch as a variant of a Rust enum.
pub(super) struct Branch<'a, 'b, L> {
    pub(super) variant: Variant<'a>,
    pub(super) content: Datum<'a, 'b, L>,
}

impl<'de, 'a, 'b, L: Lending<'de, 'b>> de::EnumAccess<'de> for Branch<'a, 'b, L> {
    type Error = CodecError;
    type Variant = Content<'a, 'b, L>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), CodecError> {
        let value = match self.variant {
            Variant::Name(name) => seed.deserialize(StrDeserializer::<CodecError>::new(name))?,
            Variant::Index(index) => {
                let index: U32Deserializer<CodecError> = index.into_deserializer();
                seed.deserialize(index)?
            }
        };
        Ok((value, Content(self.content)))
    }
}

/// What a variant holds.
pub(super) struct Content<'a, 'b, L>(Datum<'a, 'b, L>);

impl<'de, 'b, L: Lending<'de, 'b>> de::VariantAccess<'de> for Content<'_, 'b, L> {
    type Error = CodecError;

    fn unit_variant(self) -> Result<(), CodecError> {
        match self.0.plan.get(self.0.id) {
            Node::Null => {}
            Node::Record(record) if record.fields == 0 => {}
            _ => {
                return Err(CodecError::mismatch(
                    "the union branch holds a value, the Rust variant does not",
                ));
            }
        }
        skip(self.0.plan, self.0.id, self.0.input)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, CodecError> {
        let Self(mut content) = self;
        if let Node::Record(record) = content.plan.get(content.id)
            && record.wraps
            && let [Step { action: Action::Read(inner), .. }] = &*record.steps
        {
            content.id = *inner;
        }
        content.input.enter()?;
        let value = seed.deserialize(Datum::<L>::new(content.plan, content.id, content.input))?;
        content.input.leave();
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, CodecError> {
        self.0.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.0.visit(visitor)
    }
}
