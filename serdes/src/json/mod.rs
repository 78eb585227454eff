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
//! [`validate(false)`]: JsonSerializerBuilder::validate

mod deserializer;
mod serializer;

pub use deserializer::{JsonDeserializer, JsonDeserializerBuilder};
pub use serializer::{JsonEncoder, JsonSerializer, JsonSerializerBuilder};

use muster_schema::json::validate::{Formats, Options, Validator};
use muster_schema::{Limits, ParsedSchema, SchemaType};

use crate::load::{Ready, Source};

/// Topics, and schemas per topic, that a serde remembers (wire format spec §10.5).
const MEMO_CAPACITY: usize = 1_000;

/// A JSON Schema needs no work until something is validated against it.
#[derive(Debug)]
struct Text;

impl Ready for Text {
    const SCHEMA_TYPE: SchemaType = SchemaType::Json;

    fn prepare(schema: &ParsedSchema, _: Source<'_>, _: &Limits) -> Result<Self, String> {
        schema.as_json().map(|_| Self).ok_or_else(|| "not a JSON Schema".to_owned())
    }
}

/// Whether and how values are validated.
#[derive(Clone, Copy, Debug)]
struct Validation {
    is_on: bool,
    options: Options,
}

impl Default for Validation {
    fn default() -> Self {
        Self { is_on: true, options: Options::default() }
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
