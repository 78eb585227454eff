//! JSON serializer and deserializer together with a registry.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::LazyLock;

use common::{Entry, Server};
use muster_serdes::json::{JsonDeserializer, JsonSerializer};
use muster_serdes::{
    Category, DeserializeCause, Encoded, Framing, NewSchema, SchemaId, SerializeError, Side, SubjectError,
    SubjectNameStrategy,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const USER: &str = r#"{"title":"User","type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0}},"required":["name"],"additionalProperties":false}"#;
const WIDER: &str = r#"{"title":"User","type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name"],"additionalProperties":false}"#;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: i32,
}

fn alice() -> User {
    User { name: "alice".into(), age: 30 }
}

fn entry(subject: &str, version: i32, id: i32, schema: &str) -> Entry {
    Entry { schema_type: "JSON".to_owned(), ..Entry::avro(subject, version, id, schema) }
}

async fn users() -> Server {
    common::registry(vec![
        entry("users-value", 1, 42, USER),
        entry("users-key", 1, 43, r#"{"type":"string"}"#),
        entry("User", 1, 44, USER),
        entry("wide-value", 1, 45, USER),
        entry("wide-value", 2, 46, WIDER),
        Entry::avro("avro-value", 1, 47, "\"string\""),
        entry("odd-value", 1, 48, r##"{"not":{"$ref":"#"}}"##),
    ])
    .await
}

fn serializer(server: &Server, schema: &str) -> JsonSerializer {
    JsonSerializer::builder(server.client(), NewSchema::json(schema)).build().unwrap()
}

fn deserializer(server: &Server) -> JsonDeserializer {
    JsonDeserializer::builder(server.client()).build().unwrap()
}

#[tokio::test]
async fn the_first_value_registers_the_schema_and_the_others_ask_nothing() {
    let server = users().await;
    let serializer = serializer(&server, USER);
    assert!(serializer.serialize_now("users", Side::Value, &alice()).is_none(), "not without asking");
    let encoded = serializer.serialize("users", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), b"\0\0\0\0\x2a{\"name\":\"alice\",\"age\":30}");
    let again =
        serializer.serialize_now("users", Side::Value, &json!({"age": 30, "name": "é"})).unwrap().unwrap();
    assert_eq!(again.payload().unwrap(), "\0\0\0\0\x2a{\"age\":30,\"name\":\"é\"}".as_bytes());
    assert_eq!(server.lines(), ["POST /subjects/users-value/versions"]);

    let deserializer = deserializer(&server);
    assert!(deserializer.deserialize_now::<User>("users", Side::Value, None, encoded.payload()).is_none());
    let read: Option<User> =
        deserializer.deserialize("users", Side::Value, None, encoded.payload()).await.unwrap();
    assert_eq!(read, Some(alice()));
    let read = deserializer.deserialize_now::<Value>("users", Side::Value, None, encoded.payload());
    assert_eq!(read.unwrap().unwrap(), Some(json!({"name": "alice", "age": 30})));
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn values_that_are_not_valid_are_refused_unless_validation_is_off() {
    let server = users().await;
    let bad = json!({"name": "alice", "age": -1});
    let refused = serializer(&server, USER).serialize("users", Side::Value, &bad).await.unwrap_err();
    assert!(matches!(&refused, SerializeError::Invalid { path, .. } if path == "/age"), "{refused:?}");
    assert_eq!(
        refused.to_string(),
        "value is not valid against the schema of subject users-value: /age is less than 0"
    );
    let lax =
        JsonSerializer::builder(server.client(), NewSchema::json(USER)).validate(false).build().unwrap();
    let encoded = lax.serialize("users", Side::Value, &bad).await.unwrap();

    let error = deserializer(&server)
        .deserialize_value("users", Side::Value, None, encoded.payload())
        .await
        .unwrap_err();
    assert_eq!(error.category(), Category::ValidationError);
    assert!(matches!(&error.cause, DeserializeCause::Invalid { path, .. } if path == "/age"));
    assert!(!error.may_heal());
    let lax = JsonDeserializer::builder(server.client()).validate(false).build().unwrap();
    let read = lax.deserialize_value("users", Side::Value, None, encoded.payload()).await.unwrap();
    assert_eq!(read, Some(bad));
}

#[tokio::test]
async fn titles_name_subjects_and_headers_carry_guids() {
    let server = users().await;
    let serializer = JsonSerializer::builder(server.client(), NewSchema::json(USER))
        .subject_name_strategy(SubjectNameStrategy::RecordName)
        .framing(Framing::Header)
        .build()
        .unwrap();
    let encoded = serializer.serialize("any", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), br#"{"name":"alice","age":30}"#);
    assert_eq!(server.lines(), ["POST /subjects/User/versions"]);
    let header = encoded.header().unwrap();
    let read: Option<User> = deserializer(&server)
        .deserialize("any", Side::Value, Some(header.value()), encoded.payload())
        .await
        .unwrap();
    assert_eq!(read, Some(alice()));

    let nameless = JsonSerializer::builder(server.client(), NewSchema::json("{}"))
        .subject_name_strategy(SubjectNameStrategy::RecordName)
        .build()
        .unwrap();
    let error = nameless.serialize("any", Side::Value, &1).await.unwrap_err();
    assert!(matches!(error, SerializeError::NoSubject(SubjectError::NoRecordName)));
}

#[tokio::test]
async fn a_schema_taken_from_the_registry_must_suit_and_counts_for_validation() {
    let server = users().await;
    let builder = |schema: &str| {
        JsonSerializer::builder(server.client(), NewSchema::json(schema)).auto_register_schemas(false)
    };
    let latest = builder(USER).use_latest_version(true).build().unwrap();
    let encoded = latest.serialize("wide", Side::Value, &json!({"name": "a", "age": -1})).await.unwrap();
    assert_eq!(&encoded.payload().unwrap()[..5], [0, 0, 0, 0, 46]);
    let fixed = builder(WIDER).use_schema_id(SchemaId(45)).build().unwrap();
    let error = fixed.serialize("wide", Side::Value, &alice()).await.unwrap_err();
    assert!(
        matches!(&error, SerializeError::Incompatible { detail, .. } if detail.contains("MINIMUM_ADDED")),
        "{error}"
    );
    let careless = builder(WIDER).use_schema_id(SchemaId(45)).compatibility_strict(false).build().unwrap();
    assert!(careless.serialize("wide", Side::Value, &alice()).await.is_ok());

    // Readers validate with the latest schema if told so.
    let reader = JsonDeserializer::builder(server.client()).use_latest_version(true).build().unwrap();
    let payload = b"\0\0\0\0\x2d{\"name\":\"a\",\"age\":-1}";
    assert!(reader.deserialize_value("wide", Side::Value, None, Some(payload)).await.is_ok());
    let error = deserializer(&server).deserialize_value("wide", Side::Value, None, Some(payload)).await;
    assert_eq!(error.unwrap_err().category(), Category::ValidationError);
}

#[tokio::test]
async fn nulls_are_tombstones() {
    let server = users().await;
    let none: Option<&User> = None;
    let encoded = serializer(&server, USER).serialize_nullable("users", Side::Value, none).await.unwrap();
    assert_eq!(encoded, Encoded::tombstone());
    let read = deserializer(&server).deserialize_value("users", Side::Value, None, None).await.unwrap();
    assert_eq!((read, server.count()), (None, 0));
}

#[tokio::test]
async fn what_cannot_be_read_has_its_category() {
    let server = users().await;
    let deserializer = deserializer(&server);
    let cases: &[(&[u8], Category)] = &[
        (b"", Category::TooShort),
        (b"\0\0\0", Category::TooShort),
        (b"{\"a\":1}", Category::BadMagic),
        (b"\0\0\0\0\x2a", Category::MalformedBody),
        (b"\0\0\0\0\x2a{", Category::MalformedBody),
        (b"\0\0\0\0\x2a{\"name\":\"a\"} x", Category::MalformedBody),
        (b"\0\0\0\0\x2a\"\xff\"", Category::MalformedBody),
        (b"\0\0\0\0\x2a{\"name\":1}", Category::ValidationError),
        (b"\0\0\0\0\x2a{\"name\":\"a\"}", Category::TypeMismatch),
        (b"\0\0\0\0\x2f\x02a", Category::UnusableSchema),
        (b"\0\0\0\0\x30null", Category::UnusableSchema),
        (b"\0\0\0\x01\0null", Category::SchemaNotFound),
    ];
    for (payload, expected) in cases {
        let read = deserializer.deserialize::<User>("users", Side::Value, None, Some(payload)).await;
        assert_eq!(read.unwrap_err().category(), *expected, "{payload:02x?}");
    }
    let deep = [&b"\0\0\0\0\x2a"[..], &[b'['; 100_000]].concat();
    let read = deserializer.deserialize_value("users", Side::Value, None, Some(&deep)).await;
    assert_eq!(read.unwrap_err().category(), Category::MalformedBody);
}

#[tokio::test]
async fn values_that_json_cannot_hold_are_refused() {
    let server = users().await;
    let by_pair: std::collections::HashMap<(i32, i32), i32> = [((1, 2), 3)].into();
    let serializer = serializer(&server, r#"{"type":"string"}"#);
    let error = serializer.serialize("users", Side::Key, &by_pair).await.unwrap_err();
    assert!(matches!(error, SerializeError::Value { .. }), "{error}");
}

/// Serializer and deserializer that know a schema that admits everything.
static ANYTHING: LazyLock<(JsonSerializer, JsonDeserializer)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = common::registry(vec![entry("t-value", 1, 1, "{}")]).await;
        let pair = (serializer(&server, "{}"), deserializer(&server));
        let encoded = pair.0.serialize("t", Side::Value, &1).await.unwrap();
        assert!(pair.1.deserialize_value("t", Side::Value, None, encoded.payload()).await.is_ok());
        pair
    })
});

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_survives_the_way_in_its_order(value in anything()) {
        let (serializer, deserializer) = &*ANYTHING;
        let encoded = serializer.serialize_now("t", Side::Value, &value).unwrap().unwrap();
        let read = deserializer.deserialize_now::<Value>("t", Side::Value, None, encoded.payload()).unwrap();
        let read = read.unwrap().unwrap();
        prop_assert_eq!(&read, &value);
        prop_assert_eq!(read.to_string(), value.to_string());
        let text = value.to_string();
        prop_assert_eq!(&encoded.payload().unwrap()[5..], text.as_bytes(), "compact");
    }
}
