//! Protobuf of a message with 20 fields: ours, with framing and bounded checks, against `prost` alone, and dynamic messages
//! against `prost-reflect` alone, both without framing.
//!
//! `cargo bench -p muster-serdes --bench protobuf` prints the times and, at the end, the ratios from interleaved rounds of
//! one run: above 1 ours is faster. What ours takes more is the check, which tells where a body is wrong.

mod support;

use std::hint::black_box;
use std::sync::LazyLock;

use divan::Bencher;
use muster_serdes::protobuf::{ProtobufDeserializer, ProtobufSerializer};
use muster_serdes::{NewSchema, Side};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage};
use support::{Payment, TOPIC, payment, ratio};

const SCHEMA: &str = "syntax = \"proto3\"; package bench; message Payment { int64 id = 1; string account = 2;
    string counterparty = 3; sint64 amount_cents = 4; sint64 balance_cents = 5; string currency = 6; int64 booked_at = 7;
    int64 valued_at = 8; int32 sequence = 9; int32 attempts = 10; int32 region = 11; double score = 12; double rate = 13;
    float weight = 14; bool is_credit = 15; bool is_reversal = 16; optional string reference = 17;
    optional string note = 18; optional int32 category = 19; repeated string tags = 20; }";

struct Ours {
    serializer: ProtobufSerializer,
    deserializer: ProtobufDeserializer,
    payload: Vec<u8>,
    descriptor: MessageDescriptor,
}

const NAME: &str = "bench.Payment";

/// Serializer and deserializer that have learnt the schema, and a payload.
static OURS: LazyLock<Ours> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    runtime.block_on(async {
        let answer = serde_json::json!({"id": 7, "schema": SCHEMA, "schemaType": "PROTOBUF"});
        let (registry, _server) = support::registry(answer).await;
        let serializer = ProtobufSerializer::builder(registry.clone(), NewSchema::protobuf(SCHEMA)).build();
        let serializer = serializer.expect("the settings are valid");
        let deserializer = ProtobufDeserializer::builder(registry).build().expect("the settings are valid");
        let encoded = serializer.serialize_as(TOPIC, Side::Value, NAME, &payment()).await;
        let payload = encoded.expect("the schema has it").into_payload().expect("a value is not null");
        let read = deserializer.deserialize_dynamic(TOPIC, Side::Value, None, Some(&payload)).await;
        let read = read.expect("the payload is sound").expect("a value is not null");
        Ours { serializer, deserializer, payload, descriptor: read.descriptor() }
    })
});

fn encode_ours(ours: &Ours, value: &Payment) -> Vec<u8> {
    let encoded = ours.serializer.serialize_as_now(TOPIC, Side::Value, NAME, value);
    encoded.expect("the schema is known").into_payload().expect("a value is not null")
}

fn decode_ours(ours: &Ours) -> Payment {
    let value = ours.deserializer.deserialize_as_now(TOPIC, Side::Value, None, Some(&ours.payload), NAME);
    value.expect("the schema is known").expect("the payload is sound").expect("a value is not null")
}

fn decode_ours_dynamic(ours: &Ours) -> DynamicMessage {
    let value = ours.deserializer.deserialize_dynamic_now(TOPIC, Side::Value, None, Some(&ours.payload));
    value.expect("the schema is known").expect("the payload is sound").expect("a value is not null")
}

fn encode_theirs(value: &Payment) -> Vec<u8> {
    value.encode_to_vec()
}

fn decode_theirs(body: &[u8]) -> Payment {
    Payment::decode(body).expect("the body is sound")
}

fn decode_theirs_dynamic(descriptor: &MessageDescriptor, body: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(descriptor.clone(), body).expect("the body is sound")
}

/// Behind the identifier and the message indexes.
fn body(ours: &Ours) -> &[u8] {
    ours.payload.get(6..).expect("a payload has a prefix")
}

#[divan::bench]
fn encode_muster(bencher: Bencher<'_, '_>) {
    let (ours, value) = (&*OURS, payment());
    bencher.bench(|| encode_ours(ours, black_box(&value)));
}

#[divan::bench]
fn encode_prost(bencher: Bencher<'_, '_>) {
    let value = payment();
    bencher.bench(|| encode_theirs(black_box(&value)));
}

#[divan::bench]
fn decode_muster(bencher: Bencher<'_, '_>) {
    let ours = &*OURS;
    bencher.bench(|| decode_ours(black_box(ours)));
}

#[divan::bench]
fn decode_prost(bencher: Bencher<'_, '_>) {
    let body = body(&OURS);
    bencher.bench(|| decode_theirs(black_box(body)));
}

#[divan::bench]
fn decode_dynamic_muster(bencher: Bencher<'_, '_>) {
    let ours = &*OURS;
    bencher.bench(|| decode_ours_dynamic(black_box(ours)));
}

#[divan::bench]
fn decode_dynamic_prost_reflect(bencher: Bencher<'_, '_>) {
    let (ours, body) = (&*OURS, body(&OURS));
    bencher.bench(|| decode_theirs_dynamic(&ours.descriptor, black_box(body)));
}

fn main() {
    divan::main();
    let (ours, value, body) = (&*OURS, payment(), body(&OURS));
    assert_eq!(encode_theirs(&value), body, "both write the same bytes");
    assert_eq!(decode_theirs(body), decode_ours(ours));
    assert_eq!(decode_theirs_dynamic(&ours.descriptor, body), decode_ours_dynamic(ours));
    ratio(
        "encode, framed",
        || drop(black_box(encode_ours(ours, black_box(&value)))),
        "prost",
        || drop(black_box(encode_theirs(black_box(&value)))),
    );
    ratio(
        "decode, framed and checked",
        || drop(black_box(decode_ours(black_box(ours)))),
        "prost",
        || drop(black_box(decode_theirs(black_box(body)))),
    );
    ratio(
        "decode, dynamic, framed and checked",
        || drop(black_box(decode_ours_dynamic(black_box(ours)))),
        "prost-reflect",
        || drop(black_box(decode_theirs_dynamic(&ours.descriptor, black_box(body)))),
    );
}
