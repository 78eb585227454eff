//! Avro of a struct with 20 fields: ours, with framing and bounded reading, against the fastest path of `apache_avro`
//! (serde straight to and from the datum, with writer and reader built once), without framing.
//!
//! `cargo bench -p muster-serdes --bench avro` prints the times and, at the end, the ratios from interleaved rounds of
//! one run: above 1 ours is faster.

mod support;

use std::hint::black_box;
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use divan::Bencher;
use muster_serdes::avro::{AvroDeserializer, AvroSerializer};
use muster_serdes::{NewSchema, Side};
use support::{Payment, TOPIC, payment, ratio};

const SCHEMA: &str = r#"{"type": "record", "name": "Payment", "namespace": "bench", "fields": [
    {"name": "id", "type": "long"}, {"name": "account", "type": "string"},
    {"name": "counterparty", "type": "string"}, {"name": "amount_cents", "type": "long"},
    {"name": "balance_cents", "type": "long"}, {"name": "currency", "type": "string"},
    {"name": "booked_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "valued_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "sequence", "type": "int"}, {"name": "attempts", "type": "int"}, {"name": "region", "type": "int"},
    {"name": "score", "type": "double"}, {"name": "rate", "type": "double"}, {"name": "weight", "type": "float"},
    {"name": "is_credit", "type": "boolean"}, {"name": "is_reversal", "type": "boolean"},
    {"name": "reference", "type": ["null", "string"]}, {"name": "note", "type": ["null", "string"]},
    {"name": "category", "type": ["null", "int"]}, {"name": "tags", "type": {"type": "array", "items": "string"}}]}"#;

static THEIR_SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::parse_str(SCHEMA).expect("the schema is well-formed"));

struct Ours {
    serializer: AvroSerializer,
    deserializer: AvroDeserializer,
    payload: Vec<u8>,
}

/// Serializer and deserializer that have learnt the schema, and a payload.
static OURS: LazyLock<Ours> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    runtime.block_on(async {
        let (registry, _server) = support::registry(serde_json::json!({"id": 7, "schema": SCHEMA})).await;
        let serializer = AvroSerializer::builder(registry.clone(), NewSchema::avro(SCHEMA)).build();
        let serializer = serializer.expect("the settings are valid");
        let deserializer = AvroDeserializer::builder(registry).build().expect("the settings are valid");
        let encoded = serializer.serialize(TOPIC, Side::Value, &payment()).await.expect("the value fits");
        let back = deserializer.deserialize::<Payment>(TOPIC, Side::Value, None, encoded.payload()).await;
        assert_eq!(back.expect("the payload is sound"), Some(payment()));
        Ours { serializer, deserializer, payload: encoded.into_payload().expect("a value is not null") }
    })
});

fn encode_ours(ours: &Ours, value: &Payment) -> Vec<u8> {
    let encoded = ours.serializer.serialize_now(TOPIC, Side::Value, value).expect("the schema is known");
    encoded.expect("the value fits").into_payload().expect("a value is not null")
}

fn decode_ours(ours: &Ours) -> Payment {
    let value = ours.deserializer.deserialize_now(TOPIC, Side::Value, None, Some(&ours.payload));
    value.expect("the schema is known").expect("the payload is sound").expect("a value is not null")
}

fn encode_theirs(writer: &GenericDatumWriter<'_>, value: &Payment) -> Vec<u8> {
    // As much room as ours gets, so that growing is no part of the comparison.
    let mut out = Vec::with_capacity(192);
    writer.write_ser(&mut out, value).expect("the value fits");
    out
}

fn decode_theirs(reader: &GenericDatumReader<'_>, mut body: &[u8]) -> Payment {
    reader.read_deser(&mut body).expect("the body is sound")
}

#[divan::bench]
fn encode_muster(bencher: Bencher<'_, '_>) {
    let (ours, value) = (&*OURS, payment());
    bencher.bench(|| encode_ours(ours, black_box(&value)));
}

#[divan::bench]
fn encode_apache_avro(bencher: Bencher<'_, '_>) {
    let value = payment();
    let writer = GenericDatumWriter::builder(&THEIR_SCHEMA).build().expect("the schema resolves");
    bencher.bench(|| encode_theirs(&writer, black_box(&value)));
}

#[divan::bench]
fn decode_muster(bencher: Bencher<'_, '_>) {
    let ours = &*OURS;
    bencher.bench(|| decode_ours(black_box(ours)));
}

#[divan::bench]
fn decode_apache_avro(bencher: Bencher<'_, '_>) {
    let body = OURS.payload.get(5..).expect("a payload has a prefix");
    let reader = GenericDatumReader::builder(&THEIR_SCHEMA).build().expect("the schema resolves");
    bencher.bench(|| decode_theirs(&reader, black_box(body)));
}

fn main() {
    divan::main();
    let (ours, value) = (&*OURS, payment());
    let writer = GenericDatumWriter::builder(&THEIR_SCHEMA).build().expect("the schema resolves");
    let reader = GenericDatumReader::builder(&THEIR_SCHEMA).build().expect("the schema resolves");
    let body = ours.payload.get(5..).expect("a payload has a prefix");
    assert_eq!(encode_theirs(&writer, &value), body, "both write the same datum");
    assert_eq!(decode_theirs(&reader, body), decode_ours(ours));
    ratio(
        "encode, framed",
        || drop(black_box(encode_ours(ours, black_box(&value)))),
        "apache-avro",
        || drop(black_box(encode_theirs(&writer, black_box(&value)))),
    );
    ratio(
        "decode, framed",
        || drop(black_box(decode_ours(black_box(ours)))),
        "apache-avro",
        || drop(black_box(decode_theirs(&reader, black_box(body)))),
    );
}
