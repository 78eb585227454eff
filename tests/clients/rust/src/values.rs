//! Schemas and values that both forms of the client are given.

use apache_avro::types::Value;
use schema_registry_converter::schema_registry_common::{SchemaType, SuppliedReference, SuppliedSchema};
use serde::Serialize;

pub const MONEY_AVRO: &str =
    r#"{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"units","type":"long"}]}"#;
pub const ORDER_AVRO: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"total","type":"Money"}]}"#;
pub const BROKEN_AVRO: &str =
    r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"string"}]}"#;
const MONEY_JSON: &str = r#"{"$id":"http://shop/money.json","type":"object","properties":{"units":{"type":"integer"}},"additionalProperties":false}"#;
const ORDER_JSON: &str = r#"{"$id":"http://shop/order.json","type":"object","properties":{"id":{"type":"integer"},"total":{"$ref":"http://shop/money.json"}},"required":["id"],"additionalProperties":false}"#;
const MONEY_PROTO: &str = "syntax = \"proto3\";\npackage shop;\nmessage Money {\n  int64 units = 1;\n}\n";
const ORDER_PROTO: &str = "syntax = \"proto3\";\npackage shop;\nimport \"money.proto\";\nmessage Unused {\n  bool a = 1;\n}\nmessage Order {\n  int32 id = 1;\n  Money total = 2;\n}\n";
pub const SINGLE_PROTO: &str = "syntax = \"proto3\";\npackage shop;\nmessage Single {\n  int32 id = 1;\n}\n";

/// The bytes of the message `{id: 7}` of `Single` and `Order`.
pub const RAW: [u8; 2] = [8, 7];

#[derive(Serialize)]
pub struct Money {
    pub units: i64,
}

#[derive(Serialize)]
pub struct Order {
    pub id: i64,
    pub total: Money,
}

pub fn order() -> Order {
    Order { id: 1 << 40, total: Money { units: -3 } }
}

pub fn order_fields() -> Vec<(&'static str, Value)> {
    let total = Value::Record(vec![("units".to_owned(), Value::Long(-3))]);
    vec![("id", Value::Long(1 << 40)), ("total", total)]
}

pub fn order_value() -> Value {
    Value::Record(order_fields().into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn supplied(name: &str, kind: SchemaType, text: &str, reference: [&str; 3]) -> SuppliedSchema {
    let [imported, subject, schema] = reference.map(str::to_owned);
    SuppliedSchema::new(Some(name.to_owned()), kind, text.to_owned())
        .with_references(vec![SuppliedReference::new(imported, subject, schema)])
}

pub fn avro() -> SuppliedSchema {
    supplied("shop.Order", SchemaType::Avro, ORDER_AVRO, ["shop.Money", "shop.Money", MONEY_AVRO])
}

pub fn json() -> SuppliedSchema {
    supplied("order", SchemaType::Json, ORDER_JSON, ["http://shop/money.json", "money.json", MONEY_JSON])
}

pub fn protobuf() -> SuppliedSchema {
    supplied("shop.Order", SchemaType::Protobuf, ORDER_PROTO, ["money.proto", "money.proto", MONEY_PROTO])
}

pub fn plain(kind: SchemaType, text: &str) -> SuppliedSchema {
    SuppliedSchema::new(None, kind, text.to_owned())
}
