//! What Avro brings to serializers and deserializers.

use apache_avro::AvroSchema;
use apache_avro::types::Value;
use muster_schema::{Limits, ParsedSchema, SchemaType, Side};
use serde::{Deserialize, Serialize};

use super::error::{CodecError, Fault};
use super::input::Input;
use super::plan::Plan;
use super::shape::{Shape, Type};
use super::{
    Avro, AvroDeserializerBuilder, AvroEncoder, AvroReading, AvroSerializer, AvroSerializerBuilder, de, ser,
    value,
};
use crate::client::{NewSchema, RegistryClient};
use crate::error::{DeserializeCause, SerializeError};
use crate::format::{Format, Refused, SerdeFormat, Source};
use crate::load::Loaded;
use crate::record::Encoded;

impl Format for Avro {
    const SCHEMA_TYPE: SchemaType = SchemaType::Avro;

    type WriterOptions = ();
    type ReaderOptions = AvroReading;
    type Schema = Shape;
    type Kind = ();
    type Encoding = Shape;
    type Plan = Plan;

    fn prepare(schema: &ParsedSchema, _: Source<'_>, _: &Limits) -> Result<Shape, String> {
        schema.as_avro().map(Shape::compile).ok_or_else(|| "not an Avro schema".to_owned())
    }

    fn plan(
        _: &AvroReading,
        writer: Loaded<Self>,
        reader: Option<Loaded<Self>>,
        _: &Limits,
    ) -> Result<Plan, DeserializeCause> {
        Ok(match reader {
            Some(reader) => Plan::resolved(&writer.ready, &reader.ready),
            None => Plan::plain(&writer.ready),
        })
    }
}

impl SerdeFormat for Avro {
    type Value = Value;

    fn encoding(_: &(), schema: Loaded<Self>, _: &Limits) -> Result<Shape, String> {
        Ok(schema.ready)
    }

    fn encode<T: Serialize + ?Sized>(shape: &Shape, value: &T, out: &mut Vec<u8>) -> Result<(), Refused> {
        bare(shape, out, |out| ser::encode(shape, value, out))
    }

    fn decode<'de, T: Deserialize<'de>>(
        plan: &Plan,
        options: &AvroReading,
        limits: &Limits,
        body: &'de [u8],
    ) -> Result<T, DeserializeCause> {
        options.read(limits, body, |input| de::decode(plan, input))
    }

    fn decode_value(
        plan: &Plan,
        options: &AvroReading,
        limits: &Limits,
        body: &[u8],
    ) -> Result<Value, DeserializeCause> {
        options.read(limits, body, |input| value::decode(plan, input))
    }
}

impl AvroSerializer {
    /// A builder for a serializer of values of a type that carries its schema (`#[derive(AvroSchema)]`).
    pub fn builder_for<T: AvroSchema>(client: RegistryClient) -> AvroSerializerBuilder {
        Self::builder(client, schema_of::<T>())
    }

    /// Serializes a generic value for one side of a record of `topic`.
    ///
    /// A [`Value::Union`] says which branch it takes; any other value takes the first branch that it fits.
    /// Errors: as [`serialize`](Self::serialize).
    pub async fn serialize_value(
        &self,
        topic: &str,
        side: Side,
        value: &Value,
    ) -> Result<Encoded, SerializeError> {
        self.encoder(topic, side).await?.encode_value(value)
    }
}

impl AvroEncoder {
    /// Serializes a generic value.
    ///
    /// Errors: [`SerializeError::Value`].
    pub fn encode_value(&self, value: &Value) -> Result<Encoded, SerializeError> {
        self.frame(|shape, out| bare(shape, out, |out| value::encode(shape, value, out)))
    }
}

impl AvroDeserializerBuilder {
    /// The schema of a type that carries it (`#[derive(AvroSchema)]`), to read values as.
    pub fn reader_schema_of<T: AvroSchema>(self) -> Self {
        self.reader_schema(schema_of::<T>())
    }

    /// `avro.fail.on.trailing.data`: refuse bytes behind the value. Default false.
    pub fn fail_on_trailing_data(mut self, on: bool) -> Self {
        self.options.fail_on_trailing_data = on;
        self
    }
}

fn schema_of<T: AvroSchema>() -> NewSchema {
    // Printing what a derive macro made up cannot fail; a text that did would be refused by the registry.
    NewSchema::avro(serde_json::to_string(&T::get_schema()).unwrap_or_default())
}

/// A body as it is framed: top-level bytes go without their length (wire format spec §3.1).
#[inline]
fn bare(
    shape: &Shape,
    out: &mut Vec<u8>,
    append: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
) -> Result<(), Refused> {
    let start = out.len();
    append(out).map_err(|error| Refused::Value(error.into_detail()))?;
    if let Type::Bytes(_) = shape.root_type() {
        let length_bytes = out.iter().skip(start).take_while(|byte| **byte >= 0x80).count() + 1;
        out.drain(start..start + length_bytes);
    }
    Ok(())
}

impl AvroReading {
    #[inline]
    fn read<'de, T>(
        &self,
        limits: &Limits,
        body: &'de [u8],
        decode: impl FnOnce(&mut Input<'de>) -> Result<T, CodecError>,
    ) -> Result<T, DeserializeCause> {
        let mut input = Input::new(body, limits.depth, limits.items);
        match decode(&mut input) {
            Ok(value) if input.remaining() == 0 || !self.fail_on_trailing_data => Ok(value),
            Ok(_) => Err(DeserializeCause::Body {
                offset: input.offset(),
                detail: format!("{} bytes behind the value", input.remaining()),
            }),
            Err(error) => {
                let offset = input.offset();
                Err(match error.fault() {
                    Fault::Malformed => DeserializeCause::Body { offset, detail: error.into_detail() },
                    Fault::Resolution => DeserializeCause::Resolution { offset, detail: error.into_detail() },
                    Fault::Mismatch => DeserializeCause::Value { offset, detail: error.into_detail() },
                })
            }
        }
    }
}
