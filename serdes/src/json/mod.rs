//! JSON serializer and deserializer, for serde types and for generic values (wire format spec §3.3, §5, §6).
//!
//! A body is compact JSON text in UTF-8, members in the order in which the value gives them. Values are validated
//! against their schema on both ways, as the Python client does by default; [`validate(false)`] turns that off, as in
//! the Java client's default configuration. Numbers that JSON cannot write (NaN, infinities) become null, as everywhere
//! in `serde_json`.
//!
//! ```no_run
//! use muster_serdes::json::{JsonDeserializer, JsonSerializer};
//! use muster_serdes::{ClientConfig, NewSchema, RegistryClient, Side};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     id: i64,
//!     note: Option<String>,
//! }
//!
//! const ORDER: &str = r#"{"title": "Order", "type": "object", "properties": {
//!     "id": {"type": "integer"}, "note": {"type": ["string", "null"]}}, "required": ["id"]}"#;
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = RegistryClient::new(ClientConfig::new("http://127.0.0.1:8081"))?;
//! let serializer = JsonSerializer::builder(registry.clone(), NewSchema::json(ORDER)).build()?;
//! let order = Order { id: 7, note: None };
//! // Registers the schema under `orders-value` the first time.
//! let encoded = serializer.serialize("orders", Side::Value, &order).await?;
//!
//! let deserializer = JsonDeserializer::builder(registry).build()?;
//! let order: Option<Order> = deserializer.deserialize("orders", Side::Value, None, encoded.payload()).await?;
//! # Ok(()) }
//! ```
//!
//! [`validate(false)`]: SerializerBuilder::validate

mod format;

use muster_schema::json::validate::{Formats, Options, Validator};
use muster_schema::{Limits, ParsedSchema};

use crate::{Deserializer, DeserializerBuilder, Encoder, Serializer, SerializerBuilder};

/// The language JSON Schema.
#[derive(Clone, Copy, Debug)]
pub enum Json {}

/// Writes values of one JSON Schema; a [`serde_json::Value`] is as good as any other.
pub type JsonSerializer = Serializer<Json>;
/// Settings of a [`JsonSerializer`].
pub type JsonSerializerBuilder = SerializerBuilder<Json>;
/// Writes values of one JSON Schema for one side of the records of one topic.
pub type JsonEncoder = Encoder<Json>;
/// Reads JSON keys and values.
pub type JsonDeserializer = Deserializer<Json>;
/// Settings of a [`JsonDeserializer`].
pub type JsonDeserializerBuilder = DeserializerBuilder<Json>;

/// Whether and how values are validated.
#[derive(Clone, Copy, Debug)]
pub struct Validation {
    is_on: bool,
    options: Options,
}

impl Default for Validation {
    fn default() -> Self {
        Self { is_on: true, options: Options::default() }
    }
}

impl JsonSerializerBuilder {
    /// `validate` (Python, JavaScript), `json.fail.invalid.schema` (Java): refuse values that do not satisfy the schema.
    /// Default true.
    pub fn validate(mut self, on: bool) -> Self {
        self.options.is_on = on;
        self
    }

    /// Whether a known `format` must fit, in drafts 4–7. Default false.
    pub fn assert_formats(mut self, on: bool) -> Self {
        self.options.assert_formats(on);
        self
    }
}

impl JsonDeserializerBuilder {
    /// `validate` (Python), `json.fail.invalid.schema` (Java): refuse values that do not satisfy the schema. Default
    /// true.
    pub fn validate(mut self, on: bool) -> Self {
        self.options.is_on = on;
        self
    }

    /// Whether a known `format` must fit, in drafts 4–7. Default false.
    pub fn assert_formats(mut self, on: bool) -> Self {
        self.options.assert_formats(on);
        self
    }
}

impl Validation {
    fn assert_formats(&mut self, on: bool) {
        self.options.formats = if on { Formats::Asserted } else { Formats::Ignored };
    }

    /// Compiles a schema if values are to be validated; the error says in words what is wrong with it.
    fn compile(self, schema: &ParsedSchema, limits: &Limits) -> Result<Option<Validator>, String> {
        match schema.as_json().filter(|_| self.is_on) {
            Some(schema) => {
                Validator::compile(schema, self.options, limits).map(Some).map_err(|error| error.to_string())
            }
            None => Ok(None),
        }
    }
}
