//! Serializer and deserializer together with a registry.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use apache_avro::types::Value;
use common::{Entry, Server, error};
use muster_schema::framing::Identifier;
use muster_serdes::avro::{AvroDeserializer, AvroSerializer};
use muster_serdes::{
    AssociatedName, Category, DeserializeCause, Encoded, Framing, Guid, Identification, InvalidSettings,
    Limits, NewSchema, SchemaId, SchemaReference, SerializeError, Side, SubjectError, SubjectNameStrategy,
    Version,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

const USER: &str = r#"{"type": "record", "name": "User", "namespace": "example",
    "fields": [{"name": "name", "type": "string"}, {"name": "age", "type": "int"}]}"#;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: i32,
}

fn alice() -> User {
    User { name: "alice".into(), age: 30 }
}

/// `{name "alice", age 30}`, wire format spec §13.
const ALICE: [u8; 7] = [0x0a, b'a', b'l', b'i', b'c', b'e', 0x3c];

fn framed(id: i32, body: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], body].concat()
}

async fn users() -> Server {
    common::registry(vec![
        Entry::avro("users-value", 1, 42, USER),
        Entry::avro("users-key", 1, 43, "\"string\""),
        Entry::avro("example.User", 1, 44, USER),
        Entry::avro("users-example.User", 1, 45, USER),
    ])
    .await
}

fn serializer(server: &Server, schema: &str) -> AvroSerializer {
    AvroSerializer::builder(server.client(), NewSchema::avro(schema)).build().unwrap()
}

fn deserializer(server: &Server) -> AvroDeserializer {
    AvroDeserializer::builder(server.client()).build().unwrap()
}

#[tokio::test]
async fn the_first_value_registers_the_schema_and_the_others_ask_nothing() {
    let server = users().await;
    let serializer = serializer(&server, USER);
    assert!(serializer.serialize_now("users", Side::Value, &alice()).is_none(), "not without asking");
    for _ in 0..3 {
        let encoded = serializer.serialize("users", Side::Value, &alice()).await.unwrap();
        assert_eq!(encoded.payload().unwrap(), framed(42, &ALICE));
        assert_eq!(encoded.header(), None);
    }
    assert_eq!(server.lines(), ["POST /subjects/users-value/versions"]);
    let encoded = serializer.serialize_now("users", Side::Value, &alice()).unwrap().unwrap();
    assert_eq!(encoded.into_payload().unwrap(), framed(42, &ALICE));
    let value =
        Value::Record(vec![("name".into(), Value::String("alice".into())), ("age".into(), Value::Int(30))]);
    let encoded = serializer.serialize_value("users", Side::Value, &value).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), framed(42, &ALICE));
    let encoder = serializer.encoder("users", Side::Value).await.unwrap();
    assert_eq!((encoder.subject(), encoder.schema_id()), ("users-value", Some(SchemaId(42))));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn subjects_follow_the_strategy() {
    let server = users().await;
    let cases = [
        (SubjectNameStrategy::TopicName, Side::Value, 42),
        (SubjectNameStrategy::RecordName, Side::Value, 44),
        (SubjectNameStrategy::RecordName, Side::Key, 44),
        (SubjectNameStrategy::TopicRecordName, Side::Value, 45),
    ];
    for (strategy, side, id) in cases {
        let serializer = AvroSerializer::builder(server.client(), NewSchema::avro(USER))
            .subject_name_strategy(strategy)
            .build()
            .unwrap();
        let encoded = serializer.serialize("users", side, &alice()).await.unwrap();
        assert_eq!(encoded.payload().unwrap(), framed(id, &ALICE), "{strategy:?} {side}");
    }
    let serializer = AvroSerializer::builder(server.client(), NewSchema::avro("\"string\""))
        .subject_name_strategy(SubjectNameStrategy::RecordName)
        .build()
        .unwrap();
    let refused = serializer.serialize("users", Side::Value, "x").await.unwrap_err();
    assert!(matches!(refused, SerializeError::NoSubject(SubjectError::NoRecordName)));
}

#[tokio::test]
async fn a_null_is_a_tombstone_and_registers_nothing() {
    let server = users().await;
    let serializer = serializer(&server, USER);
    let encoded = serializer.serialize_nullable("users", Side::Value, None::<&User>).await.unwrap();
    assert_eq!((&encoded, encoded.payload(), encoded.header()), (&Encoded::tombstone(), None, None));
    let read = deserializer(&server).deserialize::<User>("users", Side::Value, None, None).await.unwrap();
    assert_eq!(read, None);
    assert_eq!(server.count(), 0);
    let encoded = serializer.serialize_nullable("users", Side::Value, Some(&alice())).await.unwrap();
    assert!(encoded.payload().is_some());
}

#[tokio::test]
async fn without_auto_registration_the_schema_is_looked_up() {
    let server = users().await;
    let build = |schema: &str| {
        AvroSerializer::builder(server.client(), NewSchema::avro(schema))
            .auto_register_schemas(false)
            .normalize_schemas(true)
            .build()
            .unwrap()
    };
    let encoded = build(USER).serialize("users", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), framed(42, &ALICE));
    let missing = build("\"int\"").serialize("users", Side::Value, &1).await.unwrap_err();
    assert!(missing.may_heal() && matches!(missing, SerializeError::Registry { .. }), "{missing:?}");
    assert_eq!(
        server.lines(),
        ["POST /subjects/users-value?normalize=true", "POST /subjects/users-value?normalize=true"]
    );
}

const USER_2: &str = r#"{"type": "record", "name": "User", "namespace": "example", "fields": [
    {"name": "email", "type": ["null", "string"], "default": null},
    {"name": "name", "type": "string"}, {"name": "age", "type": "long"}]}"#;
const USER_3: &str = r#"{"type": "record", "name": "User", "namespace": "example", "fields": [
    {"name": "name", "type": "string"}, {"name": "age", "type": "int"}, {"name": "must", "type": "int"}]}"#;

#[tokio::test]
async fn a_schema_of_the_registry_can_be_chosen() {
    let server = common::registry(vec![
        Entry::avro("users-value", 1, 42, USER),
        Entry::avro("users-value", 2, 50, USER_2),
        Entry::avro("broken-value", 1, 51, USER_3),
    ])
    .await;
    let builder =
        || AvroSerializer::builder(server.client(), NewSchema::avro(USER)).auto_register_schemas(false);
    // Written with the chosen schema: a new field by its default, the age as a long.
    let body = [&[0][..], &ALICE].concat();
    let latest = builder().use_latest_version(true).build().unwrap();
    let encoded = latest.serialize("users", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), framed(50, &body));
    let fixed = builder().use_schema_id(SchemaId(50)).build().unwrap();
    let encoded = fixed.serialize("users", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), framed(50, &body));

    let strict = builder().use_latest_version(true).build().unwrap();
    let refused = strict.serialize("broken", Side::Value, &alice()).await.unwrap_err();
    assert!(matches!(refused, SerializeError::Incompatible { .. }), "{refused:?}");
    let lenient = builder().use_latest_version(true).compatibility_strict(false).build().unwrap();
    let refused = lenient.serialize("broken", Side::Value, &alice()).await.unwrap_err();
    assert!(matches!(refused, SerializeError::Value { .. }), "{refused:?}");
}

#[tokio::test]
async fn settings_that_exclude_each_other_are_refused() {
    let server = users().await;
    let builder = || AvroSerializer::builder(server.client(), NewSchema::avro(USER));
    let id = SchemaId(1);
    let lax = || builder().auto_register_schemas(false);
    let builders = [
        builder().use_latest_version(true),
        builder().use_latest_with_metadata([("a", "b")]),
        builder().use_schema_id(id),
        lax().use_latest_version(true).use_schema_id(id),
        lax().use_latest_with_metadata([("a", "b")]).use_latest_version(true),
    ];
    for builder in builders {
        let refused: InvalidSettings = builder.build().unwrap_err();
        assert!(refused.to_string().contains("use_latest_with_metadata exclude each other"), "{refused}");
    }
    let guid = lax().use_schema_guid(Guid([1; 16]));
    assert!(guid.clone().build().unwrap_err().to_string().contains("needs header framing"));
    assert!(guid.framing(Framing::Header).build().is_ok());
    let builder = AvroDeserializer::builder(server.client());
    assert!(builder.clone().use_latest_with_metadata([("a", "b")]).use_latest_version(true).build().is_err());
    assert!(builder.reader_schema(NewSchema::avro(USER)).use_latest_version(true).build().is_err());
}

#[tokio::test]
async fn a_schema_can_be_chosen_by_guid_and_by_metadata() {
    let marked = |version, id, schema, major: &str| {
        let metadata = json!({"properties": {"major": major, "app": "x"}});
        Entry { metadata, ..Entry::avro("users-value", version, id, schema) }
    };
    let server = common::registry(vec![
        marked(1, 42, USER, "1"),
        marked(2, 50, USER_2, "1"),
        marked(3, 51, USER_3, "2"),
    ])
    .await;
    let builder =
        || AvroSerializer::builder(server.client(), NewSchema::avro(USER)).auto_register_schemas(false);
    let body = [&[0][..], &ALICE].concat();
    let marked = builder().use_latest_with_metadata([("major", "1"), ("app", "x")]).build().unwrap();
    let encoded = marked.serialize("users", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), framed(50, &body));
    let asked = server.lines().pop().unwrap();
    assert_eq!(asked, "GET /subjects/users-value/metadata?key=app&value=x&key=major&value=1");
    let none = builder().use_latest_with_metadata([("major", "3")]).build().unwrap();
    assert!(none.serialize("users", Side::Value, &alice()).await.unwrap_err().may_heal());

    let fixed = builder().use_schema_guid(Guid([50; 16])).framing(Framing::Header).build().unwrap();
    let encoded = fixed.serialize("users", Side::Value, &alice()).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), body);
    assert_eq!(encoded.header().unwrap().value()[1..], [50; 16]);

    let reader = AvroDeserializer::builder(server.client());
    let bare = reader.clone().use_schema_guid(Guid([50; 16])).build().unwrap();
    let read = bare.deserialize::<User>("users", Side::Value, None, Some(&body)).await;
    assert_eq!(read.unwrap(), Some(alice()));
    let marked = reader.use_latest_with_metadata([("major", "1")]).build().unwrap();
    let read = marked.deserialize_value("users", Side::Value, None, Some(&framed(42, &ALICE))).await;
    let Some(Value::Record(fields)) = read.unwrap() else { panic!("a record") };
    assert_eq!(fields[0].0, "email", "read as version 2");
}

#[tokio::test]
async fn subjects_are_those_that_the_registry_associates() {
    let server = Server::start_with_associations(|seen, _| {
        let path = seen.target.split('?').next().unwrap();
        let answer = match path.strip_prefix("/associations/resources/") {
            Some("-/one") if seen.target.contains("associationType=value") => {
                json!([{"subject": "payments"}])
            }
            Some("lkc-1/one") => json!([{"subject": "in-lkc-1"}]),
            Some("-/two") => json!([{"subject": "a"}, {"subject": "b"}]),
            Some("-/gone") => return (404, error(404, "HTTP 404 Not Found")),
            Some("-/secret") => return (403, error(40301, "no")),
            Some(_) => json!([]),
            None => json!({"id": 7, "schema": USER}),
        };
        (200, answer.to_string())
    })
    .await;
    let plain = AssociatedName::default();
    let with = |name: &str| plain.clone().with_fallback_type(name).unwrap();
    let lkc = AssociatedName { kafka_cluster_id: Some("lkc-1".to_owned()), ..plain.clone() };
    type Expected = Result<&'static str, Category>;
    let cases: &[(AssociatedName, &str, Side, Expected)] = &[
        (plain.clone(), "one", Side::Value, Ok("payments")),
        (plain.clone(), "one", Side::Key, Ok("one-key")),
        (lkc, "one", Side::Key, Ok("in-lkc-1")),
        (plain.clone(), "two", Side::Value, Err(Category::MultipleAssociations)),
        (plain.clone(), "gone", Side::Value, Ok("gone-value")),
        (plain.clone(), "secret", Side::Value, Err(Category::Registry)),
        (with("none"), "one", Side::Value, Ok("payments")),
        (with("NONE"), "other", Side::Value, Err(Category::NoAssociation)),
        (with("record"), "other", Side::Value, Ok("example.User")),
        (with("Topic_Record"), "other", Side::Value, Ok("other-example.User")),
        (with("RECORD"), "one", Side::Value, Ok("payments")),
    ];
    for (naming, topic, side, expected) in cases {
        let builder = AvroSerializer::builder(server.client(), NewSchema::avro(USER));
        let serializer = builder.subject_name_strategy(naming.clone()).build().unwrap();
        let found = match serializer.encoder(topic, *side).await {
            Ok(encoder) => Ok(encoder.subject().to_owned()),
            Err(SerializeError::NoSubject(error)) => Err(error.category()),
            Err(error) => panic!("{topic}: {error}"),
        };
        assert_eq!(found, expected.map(str::to_owned), "{naming:?} {topic} {side}");
    }
    assert!(plain.with_fallback_type("ASSOCIATED").is_err());

    // Both ends ask once per topic and side, and readers ask for schemas under the associated subject.
    let (client, asked) = (server.client(), server.count());
    let serializer = AvroSerializer::builder(client.clone(), NewSchema::avro(USER)).build().unwrap();
    let deserializer = AvroDeserializer::builder(client).use_latest_version(true).build().unwrap();
    for _ in 0..3 {
        let encoded = serializer.serialize("one", Side::Value, &alice()).await.unwrap();
        let read = deserializer.deserialize::<User>("one", Side::Value, None, encoded.payload()).await;
        assert_eq!(read.unwrap(), Some(alice()));
    }
    assert_eq!(
        server.lines()[asked..],
        [
            "GET /associations/resources/-/one?resourceType=topic&associationType=value&offset=0&limit=-1",
            "POST /subjects/payments/versions",
            "GET /subjects/payments/versions/latest",
            "GET /schemas/ids/7?fetchMaxId=false&subject=payments",
        ]
    );
}

#[tokio::test]
async fn the_latest_schema_of_a_record_name_is_found_without_parsing_again() {
    let server = common::registry(vec![
        Entry::avro("example.User", 1, 42, USER),
        Entry::avro("example.User", 2, 50, USER_2),
    ])
    .await;
    let deserializer = AvroDeserializer::builder(server.client())
        .subject_name_strategy(SubjectNameStrategy::RecordName)
        .use_latest_version(true)
        .build()
        .unwrap();
    for _ in 0..3 {
        let read = deserializer.deserialize_value("any", Side::Value, None, Some(&framed(42, &ALICE))).await;
        assert!(matches!(read.unwrap(), Some(Value::Record(fields)) if fields.len() == 3));
    }
    let expected =
        ["GET /schemas/ids/42?fetchMaxId=false&subject=", "GET /subjects/example.User/versions/latest"];
    assert_eq!(server.lines(), expected);
}

#[tokio::test]
async fn header_framing_puts_the_guid_beside_a_bare_body() {
    let mut without = Entry::avro("old-value", 1, 7, USER);
    without.guid = None;
    let server = common::registry(vec![Entry::avro("users-value", 1, 42, USER), without]).await;
    let serializer = AvroSerializer::builder(server.client(), NewSchema::avro(USER))
        .framing(Framing::Header)
        .build()
        .unwrap();
    let encoded = serializer.serialize("users", Side::Value, &alice()).await.unwrap();
    let header = encoded.header().unwrap();
    assert_eq!(encoded.payload().unwrap(), ALICE);
    assert_eq!((header.name(), header.value()), ("__value_schema_id", &[&[1][..], &[42; 16]].concat()[..]));
    let read = deserializer(&server)
        .deserialize::<User>("users", Side::Value, Some(header.value()), encoded.payload())
        .await;
    assert_eq!(read.unwrap(), Some(alice()));
    let refused = serializer.serialize("old", Side::Value, &alice()).await.unwrap_err();
    assert!(matches!(refused, SerializeError::NoGuid { .. }), "{refused:?}");
}

#[tokio::test]
async fn top_level_bytes_are_raw_and_empty_bodies_are_read() {
    let record = r#"{"type": "record", "name": "Nothing", "fields": []}"#;
    let server = common::registry(vec![
        Entry::avro("b-value", 1, 7, "\"bytes\""),
        Entry::avro("n-value", 1, 8, record),
        Entry::avro("z-value", 1, 9, "\"null\""),
    ])
    .await;
    let serializer = serializer(&server, "\"bytes\"");
    let long: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for body in [&[][..], &[0, 1, 2, 0xfe, 0xff], &long] {
        let value = Value::Bytes(body.to_vec());
        let encoded = serializer.serialize_value("b", Side::Value, &value).await.unwrap();
        assert_eq!(encoded.payload().unwrap(), framed(7, body));
        let read = deserializer(&server).deserialize_value("b", Side::Value, None, encoded.payload()).await;
        assert_eq!(read.unwrap(), Some(value));
    }
    let deserializer = deserializer(&server);
    let read = deserializer.deserialize_value("n", Side::Value, None, Some(&framed(8, &[]))).await;
    assert_eq!(read.unwrap(), Some(Value::Record(vec![])));
    let header = [&[0][..], &9_i32.to_be_bytes()].concat();
    let read = deserializer.deserialize_value("z", Side::Value, Some(&header), Some(&[])).await;
    assert_eq!(read.unwrap(), Some(Value::Null));
}

#[tokio::test]
async fn identifiers_are_found_in_either_place_and_layout() {
    let server = users().await;
    let guid = [&[1][..], &[42; 16]].concat();
    let id = [&[0][..], &42_i32.to_be_bytes()].concat();
    let dual = deserializer(&server);
    let prefix =
        AvroDeserializer::builder(server.client()).identification(Identification::Prefix).build().unwrap();
    let fixed = AvroDeserializer::builder(server.client()).use_schema_id(SchemaId(42)).build().unwrap();
    let with = |prefix: &[u8]| [prefix, &ALICE].concat();
    let with_junk = [&guid[..], &[9, 9]].concat();
    let cases = [
        (&dual, None, with(&id)),
        (&dual, None, with(&guid)),
        (&dual, Some(&guid[..]), with(&[])),
        (&dual, Some(&id), with(&[])),
        // What follows the identifier in a header does not count.
        (&dual, Some(&with_junk), with(&[])),
        (&prefix, Some(&guid), with(&id)),
        (&prefix, Some(b"nonsense"), with(&id)),
        (&fixed, Some(b"nonsense"), with(&[])),
    ];
    for (deserializer, header, payload) in cases {
        let read = deserializer.deserialize::<User>("users", Side::Value, header, Some(&payload)).await;
        assert_eq!(read.unwrap(), Some(alice()), "{header:?} {payload:02x?}");
    }
}

#[tokio::test]
async fn failures_tell_data_from_schemas_from_outages() {
    let mut protobuf = Entry::avro("users-value", 3, 60, "syntax = \"proto3\";");
    protobuf.schema_type = "PROTOBUF".to_owned();
    let server = common::registry(vec![
        Entry::avro("users-value", 1, 42, USER),
        Entry::avro("users-value", 2, 43, "{not a schema"),
        protobuf,
    ])
    .await;
    let guid = [&[1][..], &[42; 16]].concat();
    type Case<'a> = (Option<&'a [u8]>, Vec<u8>, Category, bool);
    let cases: &[Case<'_>] = &[
        (None, vec![], Category::TooShort, false),
        (None, vec![0, 0, 0], Category::TooShort, false),
        (None, vec![1; 16], Category::TooShort, false),
        (None, vec![2, 0, 0, 0, 42], Category::BadMagic, false),
        (None, b"{\"name\": 1}".to_vec(), Category::BadMagic, false),
        (Some(&[5; 17]), ALICE.to_vec(), Category::BadMagic, false),
        (Some(&[]), ALICE.to_vec(), Category::MalformedHeader, false),
        (Some(&guid[..16]), framed(42, &ALICE), Category::MalformedHeader, false),
        (None, framed(42, &ALICE[..6]), Category::MalformedBody, false),
        (None, framed(42, &[]), Category::MalformedBody, false),
        (None, framed(999, &ALICE), Category::SchemaNotFound, true),
        (Some(&[1; 17]), ALICE.to_vec(), Category::SchemaNotFound, true),
        (None, framed(43, &ALICE), Category::UnusableSchema, false),
        (None, framed(60, &ALICE), Category::UnusableSchema, false),
    ];
    let deserializer = deserializer(&server);
    for (header, payload, category, may_heal) in cases {
        let failure =
            deserializer.deserialize::<User>("users", Side::Value, *header, Some(payload)).await.unwrap_err();
        assert_eq!(
            (failure.category(), failure.may_heal()),
            (*category, *may_heal),
            "{payload:02x?} {failure:?}"
        );
        assert_eq!((failure.topic.as_str(), failure.side), ("users", Side::Value));
    }
    let payload = framed(42, &ALICE);
    let failure =
        deserializer.deserialize::<u8>("users", Side::Value, None, Some(&payload)).await.unwrap_err();
    assert_eq!(failure.category(), Category::TypeMismatch);
    let cut = framed(42, &ALICE[..6]);
    let failure = deserializer.deserialize::<User>("users", Side::Value, None, Some(&cut)).await.unwrap_err();
    assert_eq!(failure.identifier, Some(Identifier::Id(SchemaId(42))));
    assert!(matches!(failure.cause, DeserializeCause::Body { offset: 6, .. }), "{failure:?}");
    assert_eq!(failure.to_string(), "cannot read value of a record of topic users (schema id 42)");

    let down = Server::start(|_, _| (503, error(50303, "down"))).await;
    let deserializer = AvroDeserializer::builder(down.client()).build().unwrap();
    let failure =
        deserializer.deserialize::<User>("users", Side::Value, None, Some(&payload)).await.unwrap_err();
    assert_eq!((failure.category(), failure.may_heal()), (Category::Registry, true));
}

#[tokio::test]
async fn a_schema_that_appears_is_found_by_the_next_record() {
    let server = Server::start(|_, number| match number {
        0 => (404, error(40403, "Schema 42 not found")),
        _ => (200, json!({"schema": USER}).to_string()),
    })
    .await;
    let deserializer = deserializer(&server);
    let payload = framed(42, &ALICE);
    assert!(deserializer.deserialize::<User>("users", Side::Value, None, Some(&payload)).await.is_err());
    assert!(deserializer.deserialize_now::<User>("users", Side::Value, None, Some(&payload)).is_none());
    let read = deserializer.deserialize::<User>("users", Side::Value, None, Some(&payload)).await;
    assert_eq!(read.unwrap(), Some(alice()));
    let read = deserializer.deserialize_now::<User>("users", Side::Value, None, Some(&payload)).unwrap();
    assert_eq!(read.unwrap(), Some(alice()));
    assert_eq!(
        server.lines(),
        vec!["GET /schemas/ids/42?fetchMaxId=false&subject=users-value"; 2],
        "and the schema is asked for once"
    );
}

#[tokio::test]
async fn values_are_read_as_the_reader_schema() {
    let server = common::registry(vec![
        Entry::avro("users-value", 1, 42, USER),
        Entry::avro("users-value", 2, 50, USER_2),
        Entry::avro("odd-value", 1, 51, USER),
        Entry::avro("odd-value", 2, 52, USER_3),
    ])
    .await;
    #[derive(Debug, PartialEq, Deserialize)]
    struct User2 {
        email: Option<String>,
        name: String,
        age: i64,
    }
    let expected = User2 { email: None, name: "alice".into(), age: 30 };
    let given =
        AvroDeserializer::builder(server.client()).reader_schema(NewSchema::avro(USER_2)).build().unwrap();
    let latest = AvroDeserializer::builder(server.client()).use_latest_version(true).build().unwrap();
    for deserializer in [&given, &latest] {
        for _ in 0..2 {
            let payload = framed(42, &ALICE);
            let read = deserializer.deserialize::<User2>("users", Side::Value, None, Some(&payload)).await;
            assert_eq!(read.unwrap().unwrap(), expected);
        }
        let payload = framed(50, &[&[0][..], &ALICE].concat());
        let read = deserializer.deserialize::<User2>("users", Side::Value, None, Some(&payload)).await;
        assert_eq!(read.unwrap().unwrap(), expected);
    }
    let failure =
        latest.deserialize_value("odd", Side::Value, None, Some(&framed(51, &ALICE))).await.unwrap_err();
    assert_eq!(failure.category(), Category::ResolutionError);
}

#[tokio::test]
async fn references_are_fetched_for_writing_and_reading() {
    let address = r#"{"type": "record", "name": "Address", "namespace": "ref",
        "fields": [{"name": "street", "type": "string"}]}"#;
    let customer = r#"{"type": "record", "name": "Customer", "namespace": "ref",
        "fields": [{"name": "addr", "type": "Address"}]}"#;
    let order = r#"["null", "ref.Customer"]"#;
    let refer = |name: &str, subject: &str| json!([{"name": name, "subject": subject, "version": 1}]);
    let mut customers = Entry::avro("customers", 1, 2, customer);
    customers.references = refer("ref.Address", "addresses");
    let mut orders = Entry::avro("orders-value", 1, 3, order);
    orders.references = refer("ref.Customer", "customers");
    let server = common::registry(vec![Entry::avro("addresses", 1, 1, address), customers, orders]).await;
    let reference =
        SchemaReference { name: "ref.Customer".into(), subject: "customers".into(), version: Version(1) };
    let schema = NewSchema { references: vec![reference], ..NewSchema::avro(order) };
    let serializer = AvroSerializer::builder(server.client(), schema).build().unwrap();

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Address {
        street: String,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Customer {
        addr: Address,
    }
    let customer = Customer { addr: Address { street: "s".into() } };
    let encoded = serializer.serialize("orders", Side::Value, &customer).await.unwrap();
    assert_eq!(encoded.payload().unwrap(), framed(3, &[2, 2, b's']));
    let read =
        deserializer(&server).deserialize::<Customer>("orders", Side::Value, None, encoded.payload()).await;
    assert_eq!(read.unwrap(), Some(customer));
    assert!(server.lines().contains(&"GET /subjects/addresses/versions/1?deleted=true".to_owned()));
}

#[tokio::test]
async fn trailing_data_is_ignored_unless_told_otherwise() {
    let server = users().await;
    let payload = framed(42, &[&ALICE[..], &[1, 2, 3]].concat());
    let read = deserializer(&server).deserialize::<User>("users", Side::Value, None, Some(&payload)).await;
    assert_eq!(read.unwrap(), Some(alice()));
    let strict = AvroDeserializer::builder(server.client()).fail_on_trailing_data(true).build().unwrap();
    let failure = strict.deserialize::<User>("users", Side::Value, None, Some(&payload)).await.unwrap_err();
    assert!(matches!(failure.cause, DeserializeCause::Body { offset: 7, .. }), "{failure:?}");
}

#[tokio::test]
async fn a_value_that_does_not_fit_says_where() {
    let server = users().await;
    #[derive(Serialize)]
    struct Wrong {
        name: i32,
    }
    let failure =
        serializer(&server, USER).serialize("users", Side::Value, &Wrong { name: 1 }).await.unwrap_err();
    let SerializeError::Value { subject, detail } = failure else { panic!("{failure:?}") };
    assert_eq!(subject, "users-value");
    assert!(detail.starts_with("name: "), "{detail}");
}

#[tokio::test]
async fn a_schema_that_cannot_be_written_is_not_registered() {
    let server = users().await;
    for schema in ["{not a schema", "{\"type\": \"record\"}", "\"example.Unknown\""] {
        let failure = serializer(&server, schema).serialize("users", Side::Value, &1).await.unwrap_err();
        assert!(matches!(failure, SerializeError::Schema { .. }), "{failure:?}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn hostile_schemas_of_a_registry_do_no_harm() {
    let deep = format!("{}\"int\"{}", r#"{"type": "array", "items": "#.repeat(100_000), "}".repeat(100_000));
    let wide = format!("[{}]", vec!["\"int\""; 500_000].join(","));
    let server = common::registry(vec![
        Entry::avro("users-value", 1, 1, &deep),
        Entry::avro("users-value", 2, 2, &wide),
        Entry::avro("users-value", 3, 3, &"[".repeat(1_000_000)),
    ])
    .await;
    for id in 1..=3 {
        let payload = framed(id, &ALICE);
        let failure = deserializer(&server)
            .deserialize_value("users", Side::Value, None, Some(&payload))
            .await
            .unwrap_err();
        assert_eq!(failure.category(), Category::UnusableSchema, "{id}");
    }
}

#[tokio::test]
async fn limits_are_obeyed() {
    let list = r#"{"type": "record", "name": "N", "fields": [{"name": "n", "type": ["null", "N"]}]}"#;
    let server = common::registry(vec![Entry::avro("l-value", 1, 1, list)]).await;
    let payload = framed(1, &[2, 2, 2, 2, 0]);
    for (depth, ok) in [(5, true), (4, false)] {
        let limits = Limits { depth, ..Limits::default() };
        let deserializer = AvroDeserializer::builder(server.client()).limits(limits).build().unwrap();
        let read = deserializer.deserialize_value("l", Side::Value, None, Some(&payload)).await;
        assert_eq!(read.is_ok(), ok, "{depth}: {read:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_a_stranger_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        header in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        framed_as in prop::option::of(0..3_i32),
    ) {
        let payload = match framed_as {
            Some(id) => framed(id, &bytes),
            None => bytes,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let map = r#"{"type": "map", "values": ["null", "long", {"type": "array", "items": "null"}]}"#;
            let entries = vec![Entry::avro("t-value", 1, 0, USER), Entry::avro("t-value", 2, 1, map)];
            let server = common::registry(entries).await;
            let deserializer = deserializer(&server);
            let header = header.as_deref();
            let _ = deserializer.deserialize::<User>("t", Side::Value, header, Some(&payload)).await;
            let _ = deserializer.deserialize_value("t", Side::Value, header, Some(&payload)).await;
        });
    }

    #[test]
    fn any_user_survives_the_way(name in any::<String>(), age in any::<i32>(), id in 0..=i32::MAX, by_header in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(move |_, _| {
                (200, json!({"id": id, "guid": Guid([7; 16]), "schema": USER}).to_string())
            })
            .await;
            let framing = if by_header { Framing::Header } else { Framing::Prefix };
            let serializer =
                AvroSerializer::builder(server.client(), NewSchema::avro(USER)).framing(framing).build().unwrap();
            let user = User { name, age };
            let encoded = serializer.serialize("t", Side::Key, &user).await.unwrap();
            let header = encoded.header();
            let header = header.as_ref().map(|header| header.value());
            let read = deserializer(&server).deserialize::<User>("t", Side::Key, header, encoded.payload()).await;
            assert_eq!(read.unwrap(), Some(user));
        });
    }
}

/// Compiles only if the futures may move between the threads of a runtime.
#[tokio::test]
async fn futures_are_send() {
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    let server = users().await;
    let (serializer, deserializer) = (serializer(&server, USER), deserializer(&server));
    let encoded = assert_send(serializer.serialize("users", Side::Value, &alice())).await.unwrap();
    let read = deserializer.deserialize::<User>("users", Side::Value, None, encoded.payload());
    assert_eq!(assert_send(read).await.unwrap(), Some(alice()));
    let read = deserializer.deserialize_value("users", Side::Value, None, encoded.payload());
    assert!(assert_send(read).await.unwrap().is_some());
}
