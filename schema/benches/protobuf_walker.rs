//! The walker of Protobuf against `prost-reflect`, which decodes into a `DynamicMessage`: one table for people.
//!
//! `cargo bench -p muster-schema --bench protobuf_walker`
//!
//! Both read the same bytes in the same run, in turn; each figure is the median of many short batches.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a table for people")]

#[path = "support/timing.rs"]
mod timing;

use std::hint::black_box;

use muster_schema::protobuf::diff::diff;
use muster_schema::protobuf::validate::{Program, Scratch};
use muster_schema::protobuf::{self, ProtobufSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use prost_reflect::DynamicMessage;
use timing::medians;

const SHAPES: &str = "syntax = \"proto3\"; package bench;
    message Mixed { int64 id = 1; string name = 2; double price = 3; bool paid = 4; bytes token = 5; Kind kind = 6;
        repeated string tags = 7; Address address = 8; map<string, string> labels = 9; repeated int32 counts = 10; }
    message Address { string street = 1; string town = 2; uint32 number = 3; }
    message Longs { int64 a = 1; int64 b = 2; int64 c = 3; int64 d = 4; int64 e = 5; int64 f = 6; int64 g = 7;
        int64 h = 8; int64 i = 9; int64 j = 10; }
    message Strings { repeated string values = 1; }
    message Packed { repeated int64 values = 1; }
    message Nested { repeated Address addresses = 1; Nested inner = 2; }
    enum Kind { UNKNOWN = 0; ORDER = 1; }";

fn parse(text: &str) -> ProtobufSchema {
    protobuf::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default()).unwrap()
}

fn main() {
    let schema = parse(SHAPES);
    let (program, pool, limits) = (Program::of(&schema).unwrap(), schema.pool().unwrap(), Limits::default());
    println!("one message      bytes    walker    DynamicMessage    times");
    for (name, json) in messages() {
        let descriptor = pool.get_message_by_name(&format!("bench.{name}")).unwrap();
        let value = DynamicMessage::deserialize(descriptor.clone(), &json).unwrap();
        let bytes = prost_reflect::prost::Message::encode_to_vec(&value);
        let message = program.message(&format!("bench.{name}")).unwrap();
        let mut scratch = Scratch::default();
        let mut walk = || program.check(message, black_box(&bytes), &limits, &mut scratch).is_ok();
        let mut decode = || DynamicMessage::decode(descriptor.clone(), black_box(bytes.as_slice())).is_ok();
        assert!(walk() && decode());
        let [walked, decoded] = medians([&mut walk, &mut decode], 101);
        println!(
            "{name:<12} {:>9} {:>6.0} ns {:>14.0} ns {:>8.1}",
            bytes.len(),
            walked.as_secs_f64() * 1e9,
            decoded.as_secs_f64() * 1e9,
            decoded.as_secs_f64() / walked.as_secs_f64()
        );
    }
    let many: String = (0..50)
        .map(|number| {
            format!(
                "message M{number} {{ int64 id = 1; repeated M{} next = 2; map<string, bytes> more = 3; \
                 oneof kind {{ string a = 4; sint32 b = 5; }} optional bool flag = 6; }}\n",
                (number + 1) % 50
            )
        })
        .collect();
    let many = format!("syntax = \"proto3\"; package bench.many; {many}");
    let (old, new) = (parse(&many), parse(&many.replace("sint32 b", "int32 b")));
    let mut compare = || diff(black_box(&new), black_box(&old), &limits).len() == 50;
    let mut compile = || Program::of(black_box(&old)).is_ok();
    let [compared, compiled] = medians([&mut compare, &mut compile], 101);
    println!("\n50 messages: compared in {compared:.0?}, compiled for walking in {compiled:.0?}");
}

/// Name and JSON form of the messages that are read.
fn messages() -> Vec<(&'static str, serde_json::Value)> {
    let address = serde_json::json!({"street": "Long Street", "town": "Somewhere", "number": 17});
    let nested =
        |inner: serde_json::Value| serde_json::json!({"addresses": vec![&address; 8], "inner": inner});
    vec![
        (
            "Mixed",
            serde_json::json!({"id": "123456789", "name": "an order", "price": 9.75, "paid": true, "token": "AAECAwQF",
                "kind": "ORDER", "tags": ["one", "two", "three"], "address": address,
                "labels": {"a": "b", "colour": "red"}, "counts": [1, 20, 300, 4000]}),
        ),
        (
            "Longs",
            serde_json::json!({"a": "1", "b": "20", "c": "300", "d": "4000", "e": "50000", "f": "600000",
                "g": "7000000", "h": "80000000", "i": "-9", "j": "1000000000000"}),
        ),
        ("Strings", serde_json::json!({"values": vec!["a string of some length"; 40]})),
        ("Packed", serde_json::json!({"values": (0..400).map(|n| (n * n).to_string()).collect::<Vec<_>>()})),
        ("Nested", nested(nested(nested(serde_json::json!({}))))),
    ]
}
