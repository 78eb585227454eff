//! Protobuf through a registry: what is registered, what is written, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use common::{Entry, Server, registry};
use muster_serdes::protobuf::{ProtobufDeserializer, ProtobufSerializer, ReferenceSubjects};
use muster_serdes::{
    Category, Framing, Guid, NewSchema, RegistryClient, SchemaId, SerializeError, Side, SubjectNameStrategy,
};
use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use serde_json::json;

const ORDERS: &str = "syntax = \"proto3\"; package shop; import \"common/money.proto\";
    message Order { int64 id = 1; common.Money price = 2; message Line { string sku = 1; } }
    message Ping { }";
const MONEY: &str = "syntax = \"proto3\"; package common; message Money { int64 units = 1; }";

/// As `prost-build` would write it.
#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(string, tag = "1")]
    sku: String,
}

fn protobuf(subject: &str, version: i32, id: i32, schema: &str) -> Entry {
    Entry { schema_type: "PROTOBUF".to_owned(), ..Entry::avro(subject, version, id, schema) }
}

fn orders(subject: &str, id: i32) -> Entry {
    let references = json!([{"name": "common/money.proto", "subject": "money", "version": 1}]);
    Entry { references, ..protobuf(subject, 1, id, ORDERS) }
}

fn schema() -> NewSchema {
    let reference = json!({"name": "common/money.proto", "subject": "money", "version": 1});
    NewSchema { references: vec![serde_json::from_value(reference).unwrap()], ..NewSchema::protobuf(ORDERS) }
}

async fn server() -> Server {
    registry(vec![orders("orders-value", 7), protobuf("money", 1, 3, MONEY)]).await
}

fn serializer(client: RegistryClient) -> ProtobufSerializer {
    ProtobufSerializer::builder(client, schema()).build().unwrap()
}

fn deserializer(client: RegistryClient) -> ProtobufDeserializer {
    ProtobufDeserializer::builder(client).build().unwrap()
}

#[tokio::test]
async fn a_prost_message_goes_there_and_back_under_its_name() {
    let server = server().await;
    let line = Line { sku: "x".to_owned() };
    let serializer = serializer(server.client());
    let encoded = serializer.serialize_as("orders", Side::Value, "shop.Order.Line", &line).await.unwrap();
    assert_eq!(encoded.payload(), Some(&[0, 0, 0, 0, 7, 4, 0, 0, 10, 1, b'x'][..]));
    let asked = server.count();
    let again = serializer.serialize_as("orders", Side::Value, "shop.Order.Line", &line).await.unwrap();
    assert_eq!((again, server.count()), (encoded.clone(), asked), "the second message asks nothing");

    let deserializer = deserializer(server.client());
    let payload = encoded.payload();
    let read = deserializer.deserialize_as("orders", Side::Value, None, payload, "shop.Order.Line").await;
    assert_eq!(read.unwrap(), Some(line));
    let wrong: Result<Option<Line>, _> =
        deserializer.deserialize_as("orders", Side::Value, None, payload, "shop.Ping").await;
    assert_eq!(wrong.unwrap_err().category(), Category::TypeMismatch);
    let nothing: Option<Line> =
        deserializer.deserialize_as("orders", Side::Value, None, None, "shop.Ping").await.unwrap();
    assert_eq!(nothing, None);
}

#[tokio::test]
async fn a_dynamic_message_with_imports_goes_there_and_back() {
    let server = server().await;
    let payload = [0, 0, 0, 0, 7, 0, 8, 5, 18, 2, 8, 9];
    let deserializer = deserializer(server.client());
    let read = deserializer.deserialize_dynamic("orders", Side::Value, None, Some(&payload)).await;
    let order = read.unwrap().unwrap();
    assert_eq!(order.descriptor().full_name(), "shop.Order");
    assert_eq!(order.get_field_by_name("id").unwrap().as_ref(), &Value::I64(5));
    let written = serializer(server.client()).serialize("orders", Side::Value, &order).await.unwrap();
    assert_eq!(written.payload(), Some(&payload[..]));
}

#[tokio::test]
async fn with_header_framing_the_indexes_are_in_the_header() {
    let server = server().await;
    let builder = ProtobufSerializer::builder(server.client(), schema()).framing(Framing::Header);
    let line = Line { sku: String::new() };
    let encoded =
        builder.build().unwrap().serialize_as("orders", Side::Value, "shop.Order.Line", &line).await;
    let encoded = encoded.unwrap();
    let header = encoded.header().unwrap();
    let expected = [&[1][..], &[7; 16], &[4, 0, 0]].concat();
    assert_eq!((header.value(), encoded.payload()), (&expected[..], Some(&[][..])));
    let read = deserializer(server.client());
    let read = read.deserialize_dynamic("orders", Side::Value, Some(header.value()), encoded.payload()).await;
    assert_eq!(read.unwrap().unwrap().descriptor().full_name(), "shop.Order.Line");
}

#[tokio::test]
async fn each_message_has_its_own_subject_under_a_record_name_strategy() {
    let server = registry(vec![
        orders("shop.Ping", 1),
        orders("t-shop.Order.Line", 2),
        protobuf("money", 1, 3, MONEY),
    ])
    .await;
    let line = Line::default();
    for (strategy, name, id) in [
        (SubjectNameStrategy::RecordName, "shop.Ping", 1),
        (SubjectNameStrategy::TopicRecordName, "shop.Order.Line", 2),
    ] {
        let builder = ProtobufSerializer::builder(server.client(), schema()).subject_name_strategy(strategy);
        let encoder = builder.build().unwrap().encoder("t", Side::Value, name).await.unwrap();
        assert_eq!(encoder.schema_id(), Some(SchemaId(id)));
        assert!(encoder.encode(&line).payload().is_some());
    }
}

#[tokio::test]
async fn what_the_schema_does_not_have_is_refused() {
    let server = server().await;
    let refused = serializer(server.client()).encoder("orders", Side::Value, "shop.Pong").await;
    assert!(matches!(refused, Err(SerializeError::Value { detail, .. }) if detail.contains("shop.Pong")));
    let deserializer = deserializer(server.client());
    // The body, or what stands before it, and what is wrong.
    let cases: &[(&[u8], Category)] = &[
        (&[], Category::TooShort),
        (&[9], Category::BadMagic),
        (&[0, 0, 0, 0, 8, 0], Category::SchemaNotFound),
        (&[0, 0, 0, 0, 7], Category::MalformedIndex),
        (&[0, 0, 0, 0, 7, 2, 8], Category::MalformedIndex),
        (&[0, 0, 0, 0, 7, 0xfe, 0xff, 0xff, 0xff, 0x0f], Category::MalformedIndex),
        (&[0, 0, 0, 0, 7, 0, 0x0a, 1], Category::MalformedBody),
    ];
    for (payload, category) in cases {
        let read = deserializer.deserialize_dynamic("orders", Side::Value, None, Some(payload)).await;
        assert_eq!(read.unwrap_err().category(), *category, "{payload:02x?}");
    }
}

#[tokio::test]
async fn a_reader_schema_sees_what_it_knows() {
    let server = server().await;
    let reader = "syntax = \"proto3\"; package shop; message Order { int64 number = 1; bool paid = 9; }";
    let builder = ProtobufDeserializer::builder(server.client()).reader_schema(NewSchema::protobuf(reader));
    let deserializer = builder.build().unwrap();
    let payload = [0, 0, 0, 0, 7, 0, 8, 5];
    let order = deserializer.deserialize_dynamic("orders", Side::Value, None, Some(&payload)).await;
    let order = order.unwrap().unwrap();
    assert_eq!(order.get_field_by_name("number").unwrap().as_ref(), &Value::I64(5));
    let missing = [0, 0, 0, 0, 7, 2, 2];
    let refused = deserializer.deserialize_dynamic("orders", Side::Value, None, Some(&missing)).await;
    assert_eq!(refused.unwrap_err().category(), Category::ResolutionError);
}

#[tokio::test]
async fn the_imports_of_a_descriptor_are_registered_first() {
    let server = Server::start(|seen, _| {
        let id = if seen.target.contains("money") { 3 } else { 7 };
        (200, json!({"id": id, "version": id + 10, "guid": Guid([7; 16])}).to_string())
    })
    .await;
    let text = |text: &str| {
        let none = muster_schema::ResolvedReferences::default();
        let limits = muster_schema::Limits::default();
        muster_schema::protobuf::parse(text, &none, muster_schema::Strictness::New, &limits).unwrap()
    };
    let mut money = text(MONEY).descriptors().unwrap().pop().unwrap();
    money.name = Some("common/money.proto".to_owned());
    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(money).unwrap();
    let orders = "syntax = \"proto3\"; package shop; message Order { int64 id = 1; }";
    let mut orders = text(orders).descriptors().unwrap().pop().unwrap();
    orders.name = Some("shop/order.proto".to_owned());
    orders.dependency = vec!["google/protobuf/timestamp.proto".to_owned(), "common/money.proto".to_owned()];
    pool.add_file_descriptor_proto(orders).unwrap();
    let descriptor = pool.get_message_by_name("shop.Order").unwrap();
    let serializer = ProtobufSerializer::builder_for(server.client(), descriptor.parent_file())
        .reference_subjects(ReferenceSubjects::Qualified)
        .build()
        .unwrap();
    // The registry of this test keeps nothing, so the schema itself cannot be read back.
    let _ = serializer.serialize("orders", Side::Value, &DynamicMessage::new(descriptor)).await;
    let first = server.seen().into_iter().find(|seen| seen.method == "POST").unwrap();
    assert_eq!(first.target, "/subjects/common.money/versions");
    assert_eq!(first.json()["schemaType"], "PROTOBUF");
    let fetched = server.lines().into_iter().find(|line| line.starts_with("GET")).unwrap();
    assert!(fetched.starts_with("GET /subjects/common.money/versions/13"), "{fetched}");
}

#[tokio::test]
async fn the_indexes_are_those_of_the_form_that_was_registered() {
    // A compiler puts the entries of a map where the field stands; the registry, asked to normalise, behind the others.
    let text = |text: &str| {
        let none = muster_schema::ResolvedReferences::default();
        let limits = muster_schema::Limits::default();
        muster_schema::protobuf::parse(text, &none, muster_schema::Strictness::New, &limits).unwrap()
    };
    let stored = "syntax = \"proto3\"; message Holder { map<string, int32> first = 1;
        message Inner { string sku = 1; } message Tail { } }";
    let spelled_out = "syntax = \"proto3\"; message Holder { repeated FirstEntry first = 1;
        message FirstEntry { option map_entry = true; string key = 1; int32 value = 2; }
        message Inner { string sku = 1; } message Tail { } }";
    let file = text(spelled_out).descriptors().unwrap().pop().unwrap();
    assert_eq!(file.message_type[0].nested_type[1].name(), "Inner");
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    let inner = pool.get_message_by_name("Holder.Inner").unwrap();
    let server = Server::start(move |seen, _| {
        let normalized = seen.target.contains("normalize=true");
        let id = if normalized || seen.target.contains("/ids/1?") { 1 } else { 2 };
        let posted = || seen.json()["schema"].as_str().unwrap().to_owned();
        let schema = match (seen.method.as_str(), id) {
            ("POST", 2) => return (200, json!({"id": 2, "version": 1, "schema": posted()}).to_string()),
            (_, 1) => stored.to_owned(),
            // As the registry shows what was registered as a descriptor.
            _ => spelled_out.to_owned(),
        };
        (200, json!({"id": id, "version": 1, "schemaType": "PROTOBUF", "schema": schema}).to_string())
    })
    .await;
    for (normalize, index) in [(false, 2), (true, 0)] {
        let serializer = ProtobufSerializer::builder_for(server.client(), inner.parent_file())
            .normalize_schemas(normalize)
            .build()
            .unwrap();
        let encoded =
            serializer.serialize("t", Side::Value, &DynamicMessage::new(inner.clone())).await.unwrap();
        assert_eq!(encoded.payload().unwrap()[5..], [4, 0, index], "normalize {normalize}");
        let deserializer = deserializer(server.client());
        let read = deserializer.deserialize_dynamic("t", Side::Value, None, encoded.payload());
        assert_eq!(read.await.unwrap().unwrap().descriptor().full_name(), "Holder.Inner");
    }
}

#[tokio::test]
async fn under_a_record_name_strategy_the_latest_schema_is_that_of_the_message() {
    let newer = ORDERS.replace("string sku = 1;", "string sku = 1; string colour = 2;");
    let entries = vec![
        orders("shop.Order.Line", 7),
        Entry { schema: newer, version: 2, ..orders("shop.Order.Line", 8) },
        protobuf("money", 1, 3, MONEY),
    ];
    let server = registry(entries).await;
    let deserializer = ProtobufDeserializer::builder(server.client())
        .subject_name_strategy(SubjectNameStrategy::RecordName)
        .use_latest_version(true)
        .build()
        .unwrap();
    let line = [0, 0, 0, 0, 7, 4, 0, 0, 10, 1, b'x'];
    let read =
        deserializer.deserialize_dynamic("any", Side::Value, None, Some(&line)).await.unwrap().unwrap();
    assert!(read.descriptor().get_field_by_name("colour").is_some());
    let ping = [0, 0, 0, 0, 7, 2, 2];
    let refused = deserializer.deserialize_dynamic("any", Side::Value, None, Some(&ping)).await.unwrap_err();
    assert_eq!(refused.category(), Category::SchemaNotFound, "there is no subject shop.Ping");
}

/// As `prost-build` would write it.
#[derive(Clone, PartialEq, prost::Message)]
struct Sample {
    #[prost(int64, tag = "1")]
    number: i64,
    #[prost(string, optional, tag = "2")]
    text: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    parts: Vec<Vec<u8>>,
    #[prost(sint32, repeated, tag = "4")]
    packed: Vec<i32>,
    #[prost(btree_map = "string, message", tag = "5")]
    lines: BTreeMap<String, Line>,
    #[prost(double, tag = "6")]
    double: f64,
}

const SAMPLE: &str = "syntax = \"proto3\"; message First { }
    message Sample { int64 number = 1; optional string text = 2; repeated bytes parts = 3; repeated sint32 packed = 4;
        map<string, Line> lines = 5; double double = 6; } message Line { string sku = 1; }";

/// Serializer and deserializer that know [`SAMPLE`].
static KNOWN: LazyLock<(ProtobufSerializer, ProtobufDeserializer)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = registry(vec![protobuf("t-value", 1, 1, SAMPLE)]).await;
        let schema = NewSchema::protobuf(SAMPLE);
        let serializer = ProtobufSerializer::builder(server.client(), schema).build().unwrap();
        let deserializer = deserializer(server.client());
        let encoded = serializer.serialize_as("t", Side::Value, "Sample", &Sample::default()).await.unwrap();
        let read = deserializer.deserialize_dynamic("t", Side::Value, None, encoded.payload()).await;
        assert!(read.unwrap().is_some());
        (serializer, deserializer)
    })
});

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_message_survives_the_way(
        number in any::<i64>(),
        text in any::<Option<String>>(),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..5),
        packed in prop::collection::vec(any::<i32>(), 0..9),
        lines in prop::collection::btree_map(any::<String>(), any::<String>(), 0..5),
        double in prop::num::f64::NORMAL,
    ) {
        let (serializer, deserializer) = &*KNOWN;
        let lines = lines.into_iter().map(|(key, sku)| (key, Line { sku })).collect();
        let sample = Sample { number, text, parts, packed, lines, double };
        let encoded = serializer.serialize_as_now("t", Side::Value, "Sample", &sample).unwrap();
        let payload = encoded.payload();
        let read = deserializer.deserialize_as_now("t", Side::Value, None, payload, "Sample").unwrap();
        prop_assert_eq!(read.unwrap(), Some(sample.clone()));
        let dynamic = deserializer.deserialize_dynamic_now("t", Side::Value, None, payload).unwrap();
        let dynamic = dynamic.unwrap().unwrap();
        prop_assert_eq!(dynamic.transcode_to::<Sample>().unwrap(), sample);
        let again = serializer.serialize_now("t", Side::Value, &dynamic).unwrap();
        let read = deserializer.deserialize_dynamic_now("t", Side::Value, None, again.payload()).unwrap();
        prop_assert_eq!(read.unwrap(), Some(dynamic));
    }
}
