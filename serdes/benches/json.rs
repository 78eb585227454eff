//! JSON of a struct with 20 fields: ours, with framing and bounded validation, against `serde_json` with `jsonschema`, and
//! without validation against `serde_json` alone, both without framing.
//!
//! `cargo bench -p muster-serdes --bench json` prints the times and, at the end, the ratios from interleaved rounds of one
//! run: above 1 ours is faster.

mod support;

use std::hint::black_box;
use std::sync::LazyLock;

use divan::Bencher;
use muster_serdes::json::{JsonDeserializer, JsonSerializer};
use muster_serdes::{NewSchema, Side};
use support::{Payment, TOPIC, payment, ratio};

const SCHEMA: &str = r#"{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Payment", "type": "object",
    "properties": {"id": {"type": "integer"}, "account": {"type": "string", "maxLength": 34},
    "counterparty": {"type": "string", "maxLength": 34}, "amount_cents": {"type": "integer"},
    "balance_cents": {"type": "integer"}, "currency": {"enum": ["EUR", "CHF", "USD"]},
    "booked_at": {"type": "integer", "minimum": 0}, "valued_at": {"type": "integer", "minimum": 0},
    "sequence": {"type": "integer"}, "attempts": {"type": "integer", "minimum": 0}, "region": {"type": "integer"},
    "score": {"type": "number"}, "rate": {"type": "number"}, "weight": {"type": "number"},
    "is_credit": {"type": "boolean"}, "is_reversal": {"type": "boolean"}, "reference": {"type": ["null", "string"]},
    "note": {"type": ["null", "string"]}, "category": {"type": ["null", "integer"]},
    "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["id", "account", "currency"],
    "additionalProperties": false}"#;

static THEIR_VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is valid")
});

struct Ours {
    serializer: JsonSerializer,
    deserializer: JsonDeserializer,
    payload: Vec<u8>,
}

/// Serializer and deserializer that have learnt the schema, and a payload; with and without validation.
static OURS: LazyLock<[Ours; 2]> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    runtime.block_on(async { [learn(true).await, learn(false).await] })
});

async fn learn(validate: bool) -> Ours {
    let answer = serde_json::json!({"id": 7, "schema": SCHEMA, "schemaType": "JSON"});
    let (registry, _server) = support::registry(answer).await;
    let serializer =
        JsonSerializer::builder(registry.clone(), NewSchema::json(SCHEMA)).validate(validate).build();
    let serializer = serializer.expect("the settings are valid");
    let deserializer = JsonDeserializer::builder(registry).validate(validate).build();
    let deserializer = deserializer.expect("the settings are valid");
    let encoded = serializer.serialize(TOPIC, Side::Value, &payment()).await.expect("the value is valid");
    let back = deserializer.deserialize::<Payment>(TOPIC, Side::Value, None, encoded.payload()).await;
    assert_eq!(back.expect("the payload is sound"), Some(payment()));
    Ours { serializer, deserializer, payload: encoded.into_payload().expect("a value is not null") }
}

fn encode_ours(ours: &Ours, value: &Payment) -> Vec<u8> {
    let encoded = ours.serializer.serialize_now(TOPIC, Side::Value, value).expect("the schema is known");
    encoded.expect("the value is valid").into_payload().expect("a value is not null")
}

fn decode_ours(ours: &Ours) -> Payment {
    let value = ours.deserializer.deserialize_now(TOPIC, Side::Value, None, Some(&ours.payload));
    value.expect("the schema is known").expect("the payload is sound").expect("a value is not null")
}

fn encode_validated(value: &Payment) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("the value is JSON");
    assert!(THEIR_VALIDATOR.is_valid(&value));
    serde_json::to_vec(&value).expect("a value is JSON")
}

fn decode_validated(body: &[u8]) -> Payment {
    let value = serde_json::from_slice(body).expect("the body is JSON");
    assert!(THEIR_VALIDATOR.is_valid(&value));
    serde_json::from_value(value).expect("the value fits")
}

fn encode_plain(value: &Payment) -> Vec<u8> {
    serde_json::to_vec(value).expect("the value is JSON")
}

fn decode_plain(body: &[u8]) -> Payment {
    serde_json::from_slice(body).expect("the body is JSON")
}

#[divan::bench]
fn encode_muster(bencher: Bencher<'_, '_>) {
    let ([ours, _], value) = (&*OURS, payment());
    bencher.bench(|| encode_ours(ours, black_box(&value)));
}

#[divan::bench]
fn encode_serde_json_and_jsonschema(bencher: Bencher<'_, '_>) {
    let value = payment();
    bencher.bench(|| encode_validated(black_box(&value)));
}

#[divan::bench]
fn decode_muster(bencher: Bencher<'_, '_>) {
    let [ours, _] = &*OURS;
    bencher.bench(|| decode_ours(black_box(ours)));
}

#[divan::bench]
fn decode_serde_json_and_jsonschema(bencher: Bencher<'_, '_>) {
    let body = OURS[0].payload.get(5..).expect("a payload has a prefix");
    bencher.bench(|| decode_validated(black_box(body)));
}

fn main() {
    divan::main();
    let ([validated, plain], value) = (&*OURS, payment());
    let body = validated.payload.get(5..).expect("a payload has a prefix");
    assert_eq!(encode_plain(&value), body, "both write the same text");
    assert_eq!(decode_validated(body), decode_ours(validated));
    ratio(
        "encode, framed and validated",
        || drop(black_box(encode_ours(validated, black_box(&value)))),
        "serde_json + jsonschema",
        || drop(black_box(encode_validated(black_box(&value)))),
    );
    ratio(
        "decode, framed and validated",
        || drop(black_box(decode_ours(black_box(validated)))),
        "serde_json + jsonschema",
        || drop(black_box(decode_validated(black_box(body)))),
    );
    ratio(
        "encode, framed",
        || drop(black_box(encode_ours(plain, black_box(&value)))),
        "serde_json",
        || drop(black_box(encode_plain(black_box(&value)))),
    );
    ratio(
        "decode, framed",
        || drop(black_box(decode_ours(black_box(plain)))),
        "serde_json",
        || drop(black_box(decode_plain(black_box(body)))),
    );
}
