//! Witnesses of Protobuf incompatibilities: small ones word for word, and how many the conformance folder has.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use muster_schema::protobuf::diff::DifferenceKind;
use muster_schema::protobuf::validate::{InvalidKind, Program, Scratch};
use muster_schema::protobuf::witness::{Explained, NoWitness, explain};
use muster_schema::protobuf::{self, ProtobufSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;

fn parse(text: &str, texts: Vec<(String, String)>) -> ProtobufSchema {
    let references = ResolvedReferences { texts, ..ResolvedReferences::default() };
    protobuf::parse(text, &references, Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The one incompatibility of two bodies of a message, both in proto3.
fn only(writer: &str, reader: &str, syntax: &str) -> Explained {
    let text = |body: &str| format!("syntax = \"{syntax}\"; package p; {body}");
    let [writer, reader] = [writer, reader].map(|body| parse(&text(body), Vec::new()));
    let explained = explain(&reader, &writer, &Limits::default());
    let [only] = explained.as_slice() else { panic!("{explained:?}") };
    prove(&writer, &reader, only);
    only.clone()
}

/// A witness is a message of the writer's, whose text says what its bytes say.
fn prove(writer: &ProtobufSchema, reader: &ProtobufSchema, explained: &Explained) {
    let Ok(witness) = &explained.witness else { return };
    let reason = &witness.reason;
    let name = match reason.strip_prefix("the reader has no message ") {
        Some(name) => name,
        None => reason.strip_prefix("in a ").and_then(|rest| rest.split(", ").next()).unwrap(),
    };
    let (limits, mut scratch) = (Limits::default(), Scratch::default());
    let program = Program::of(writer).unwrap();
    let message = program.message(name).unwrap_or_else(|| panic!("no message {name}"));
    program
        .check(message, &witness.bytes, &limits, &mut scratch)
        .unwrap_or_else(|error| panic!("{error}: {witness:?}"));
    let fails = reason.contains("encoded as") || reason.contains("required field");
    if fails && let Some(message) = Program::of(reader).unwrap().message(name) {
        let read = Program::of(reader).unwrap().check(message, &witness.bytes, &limits, &mut scratch);
        let is_expected = read.is_err_and(|read| {
            matches!(read.kind, InvalidKind::WireType(_) | InvalidKind::MissingRequired(_))
        });
        assert!(is_expected, "{witness:?}");
    }
    let Some(descriptor) = writer.pool().ok().and_then(|pool| pool.get_message_by_name(name)) else { return };
    let decoded = DynamicMessage::decode(descriptor, &*witness.bytes).unwrap();
    let options = SerializeOptions::new().use_proto_field_name(true);
    let json = decoded.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
    let datum: Value =
        serde_json::from_str(&witness.datum).unwrap_or_else(|error| panic!("{error}: {witness:?}"));
    // Of the well-known types JSON has a form of its own.
    if !witness.datum.contains("seconds") && !format!("{decoded:?}").contains("google.protobuf") {
        assert_eq!(datum, json, "{witness:?}");
    }
    if !witness.path.is_empty() {
        assert!(datum.pointer(&witness.path).is_some(), "{witness:?}");
    }
}

#[test]
fn what_is_lost_or_misread_is_shown() {
    // Syntax, writer, reader, kind, datum, bytes, reason.
    type Case =
        (&'static str, &'static str, &'static str, DifferenceKind, &'static str, &'static [u8], &'static str);
    use DifferenceKind as D;
    let cases: &[Case] = &[
        (
            "proto3",
            "message M { int32 a = 1; }",
            "message M { sint32 a = 1; }",
            D::FieldScalarKindChanged,
            r#"{"a":1}"#,
            &[8, 1],
            "in a p.M, the writer's a is 1, and the reader reads -1",
        ),
        (
            "proto3",
            "message M { int32 a = 1; }",
            "message M { string a = 1; }",
            D::FieldScalarKindChanged,
            r#"{"a":1}"#,
            &[8, 1],
            "in a p.M, a (1): it is encoded as a varint, which the reader's type does not admit",
        ),
        (
            "proto3",
            "message M { string a = 1; }",
            "message M { N a = 1; } message N { int32 x = 1; }",
            D::FieldKindChanged,
            r#"{"a":"a"}"#,
            &[10, 1, b'a'],
            "in a p.M, a (1): the message cannot be read",
        ),
        (
            "proto3",
            "message M { oneof o { int32 a = 1; string b = 2; } }",
            "message M { oneof o { int32 a = 1; } }",
            D::OneofFieldRemoved,
            r#"{"b":"a"}"#,
            &[18, 1, b'a'],
            "in a p.M, the writer's b is \"a\", and the reader has no field 2: the value is lost",
        ),
        (
            "proto3",
            "message M { int32 a = 1; int32 b = 2; }",
            "message M { oneof o { int32 a = 1; int32 b = 2; } }",
            D::MultipleFieldsMovedToOneof,
            r#"{"a":1,"b":1}"#,
            &[8, 1, 16, 1],
            "in a p.M, the writer's a is 1, and the reader sees nothing of it",
        ),
        (
            "proto2",
            "message M { }",
            "message M { required int32 a = 1; }",
            D::RequiredFieldAdded,
            "{}",
            &[],
            "in a p.M, the reader's required field a is missing",
        ),
        (
            "proto2",
            "message M { required N n = 1; message N { required bool x = 3; } }",
            "message M { message N { required bool x = 3; } }",
            D::RequiredFieldRemoved,
            r#"{"n":{"x":true}}"#,
            &[10, 2, 24, 1],
            "in a p.M, the writer's n is {3: 1}, and the reader has no field 1: the value is lost",
        ),
        (
            "proto2",
            "message M { repeated int32 a = 1; }",
            "message M { optional int32 a = 1; }",
            D::FieldNumericLabelChanged,
            r#"{"a":[1,-1]}"#,
            &[8, 1, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            "in a p.M, the writer's a is 2 values from 1 on, and the reader reads -1",
        ),
        (
            "proto3",
            "message M { map<string, A> a = 1; } message A { int32 x = 1; } message B { bytes x = 1; }",
            "message M { map<string, B> a = 1; } message A { int32 x = 1; } message B { bytes x = 1; }",
            D::FieldNamedTypeChanged,
            r#"{"a":{"a":{"x":1}}}"#,
            &[10, 7, 10, 1, b'a', 18, 2, 8, 1],
            "in a p.M, a (1): x (1): it is encoded as a varint, which the reader's type does not admit",
        ),
        (
            "proto3",
            "message M { repeated S a = 1; } message S {}",
            "message M { map<string, S> a = 1; } message S {}",
            D::FieldKindChanged,
            r#"{"a":[{},{}]}"#,
            &[10, 0, 10, 0],
            "in a p.M, the writer's a is 2 values from {} on, and the reader reads {}",
        ),
        (
            "proto3",
            "message M { google.protobuf.Timestamp a = 1; }",
            "message M { google.protobuf.Duration a = 1; }",
            D::FieldNamedTypeChanged,
            r#"{"a":{"seconds":"1","nanos":1}}"#,
            &[10, 4, 8, 1, 16, 1],
            "in a p.M, the writer's a is the google.protobuf.Timestamp {1: 1, 2: 1}, and the reader reads the \
             google.protobuf.Duration {1: 1, 2: 1}",
        ),
        (
            "proto3",
            "message M { } message N { int32 x = 1; }",
            "message M { }",
            D::MessageRemoved,
            "{}",
            &[],
            "the reader has no message p.N",
        ),
    ];
    for (syntax, writer, reader, kind, datum, bytes, reason) in cases {
        let explained = only(writer, reader, syntax);
        assert_eq!(explained.difference.kind, *kind);
        let witness = explained.witness.unwrap_or_else(|error| panic!("{writer} {reader}: {error}"));
        assert_eq!(
            (witness.datum.as_str(), witness.bytes.as_slice(), witness.reason.as_str()),
            (*datum, *bytes, *reason)
        );
    }
}

#[test]
fn what_does_no_harm_has_no_witness() {
    let alike = "message A { int32 x = 1; } message B { int32 x = 1; }";
    let renamed = only(
        &format!("message M {{ A a = 1; }} {alike}"),
        &format!("message M {{ B a = 1; }} {alike}"),
        "proto3",
    );
    assert_eq!(renamed.witness, Err(NoWitness::NoneFound));
    for (before, after) in [("optional", "repeated"), ("required", "repeated"), ("required", "optional")] {
        let [before, after] = [before, after].map(|label| format!("message M {{ {label} int32 a = 1; }}"));
        assert_eq!(only(&before, &after, "proto2").witness, Err(NoWitness::NoneFound), "{before} {after}");
    }
    let circle = "message M { required M m = 1; ";
    let endless = only(
        &format!("{circle} optional int32 a = 2; }}"),
        &format!("{circle} optional string a = 2; }}"),
        "proto2",
    );
    assert_eq!(endless.witness, Err(NoWitness::NoMessage));
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line to name the folder on")]
fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    std::env::var("MUSTER_CONFORMANCE_DIR").map_or_else(|_| beside(), PathBuf::from)
}

#[test]
fn most_incompatibilities_of_the_conformance_folder_have_a_witness() {
    let mut counts = BTreeMap::<&str, (usize, usize)>::new();
    for table in ["protobuf-diff-schema-examples.json", "protobuf-diff-extra.json"] {
        let Ok(text) = std::fs::read_to_string(folder().join(table)) else {
            println!("skipped: {} is not there", folder().join(table).display());
            return;
        };
        let table: Value = serde_json::from_str(&text).unwrap();
        for case in table["cases"].as_array().unwrap() {
            let side = |side: &str| {
                let texts = case[format!("{side}_dependencies")].as_array().into_iter().flatten();
                let texts = texts.filter_map(|file| {
                    Some((file["name"].as_str()?.to_owned(), file["dependency"].as_str()?.to_owned()))
                });
                parse(case[format!("{side}_schema")].as_str().unwrap(), texts.collect())
            };
            let (writer, reader) = (side("original"), side("update"));
            for explained in explain(&reader, &writer, &Limits::default()) {
                prove(&writer, &reader, &explained);
                let count = counts.entry(explained.difference.kind.as_str()).or_default();
                count.0 += usize::from(explained.witness.is_ok());
                count.1 += 1;
            }
        }
    }
    let (shown, all) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    for (kind, (shown, all)) in &counts {
        println!("{kind}: {shown} of {all}");
    }
    println!("{shown} of {all} incompatibilities have a witness");
    assert!(shown * 100 >= all * 93, "{counts:?}");
}
