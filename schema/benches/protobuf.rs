//! What the registry does with a Protobuf schema, on a file of 50 messages, against the nearest that others offer: one
//! table for people. `protobuf_walker` measures data.
//!
//! `cargo bench -p muster-schema --bench protobuf`
//!
//! Both sides of a row work on the same text in the same run, in turn; each figure is the median of many short batches.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a table for people")]

#[path = "support/timing.rs"]
mod timing;

use std::hint::black_box;

use muster_schema::compatibility::{CompatibilityPolicy, Terms};
use muster_schema::protobuf::{self, ProtobufSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use protox::file::File;
use timing::row;

fn main() {
    let text = text();
    let changed = text.replace("repeated int64 field_9", "repeated uint64 field_9");
    let [old, new] = [&text, &changed].map(|text| parse(text, Strictness::New));
    let limits = Limits::default();
    let terms = Terms { labels: ("new", "old"), policy: CompatibilityPolicy::Strict, limits: &limits };
    let read = || File::from_source("default", black_box(&text)).unwrap().file_descriptor_proto().clone();
    let imports = imports();
    let link = |file| {
        let mut pool = imports.clone();
        pool.add_file_descriptor_proto(file).unwrap();
        pool
    };
    let [old_file, new_file] = [&old, &new].map(|schema| schema.descriptors().unwrap().pop().unwrap());
    println!("a file of 50 messages, {} bytes", text.len());
    row(
        "parse, canonical text",
        &mut || !parse(black_box(&text), Strictness::Stored).canonical().is_empty(),
        "protox: parse, encode",
        &mut || !read().encode_to_vec().is_empty(),
    );
    row(
        "parse, resolve, canonical text",
        &mut || !parse(black_box(&text), Strictness::New).canonical().is_empty(),
        "protox: parse; prost-reflect: link",
        &mut || link(read()).all_messages().len() > 0,
    );
    row(
        "normalized text",
        &mut || !black_box(&old).normalized().unwrap().canonical().is_empty(),
        "protox: parse; prost-reflect: link",
        &mut || link(read()).all_messages().len() > 0,
    );
    row(
        "compare",
        &mut || black_box(&new).incompatibilities(black_box(&old), terms).is_empty(),
        // Both sides begin with files that are not linked.
        "prost-reflect: link both, match fields",
        &mut || is_alike(&link(new_file.clone()), &link(old_file.clone())),
    );
    row(
        "descriptor in base64",
        &mut || !black_box(&old).formatted("serialized").unwrap().is_empty(),
        "protox: parse, encode",
        &mut || !read().encode_to_vec().is_empty(),
    );
}

/// The files that the text imports, linked.
fn imports() -> DescriptorPool {
    let text = "import \"confluent/meta.proto\"; import \"google/protobuf/timestamp.proto\";
        message M { optional confluent.Meta meta = 1; optional google.protobuf.Timestamp at = 2; }";
    let mut files = parse(text, Strictness::New).descriptors().unwrap();
    files.retain(|file| file.name() != "default");
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files).unwrap();
    pool
}

/// Whether every field of one side has a field with its number and a type of its kind on the other: the least that a
/// comparison does.
fn is_alike(new: &DescriptorPool, old: &DescriptorPool) -> bool {
    let alike = |new: MessageDescriptor, old: MessageDescriptor| {
        old.fields().all(|field| {
            new.get_field(field.number()).is_some_and(|other| {
                let kinds = (field.kind(), other.kind());
                other.name() == field.name()
                    && other.cardinality() == field.cardinality()
                    && kinds.0.as_message().map(MessageDescriptor::full_name)
                        == kinds.1.as_message().map(MessageDescriptor::full_name)
            })
        })
    };
    old.all_messages().all(|old| new.get_message_by_name(old.full_name()).is_some_and(|new| alike(new, old)))
}

/// A file of 50 messages of 12 fields, an enum, a oneof and a map each, and of services.
fn text() -> String {
    let mut text =
        "syntax = \"proto3\";\npackage com.acme.orders.v1;\n\nimport \"google/protobuf/timestamp.proto\";\n\
                    import \"confluent/meta.proto\";\noption java_package = \"com.acme.proto\";\n"
            .to_owned();
    for at in 0..50 {
        let next = (at + 1) % 50;
        text += &format!(
            "// The message {at}.\nmessage Message{at} {{\n  enum Level {{ LOW_{at} = 0; HIGH_{at} = 1; }}\n  \
             reserved 90 to 99; reserved \"old\";\n  map<string, Message{next}> parts = 1;\n  Level level = 2;\n  \
             google.protobuf.Timestamp at = 3;\n  oneof choice {{ string text = 4; bytes raw = 5; }}\n  \
             string mail = 6 [(confluent.field_meta) = {{ tags: [\"PII\"], doc: \"where\" }}, deprecated = false];\n"
        );
        for number in 7..15 {
            text += &format!("  repeated int64 field_{number} = {number}; // a number\n");
        }
        text += "}\n";
    }
    for at in 0..5 {
        text += &format!("service Service{at} {{ rpc Get (Message{at}) returns (stream Message{at}); }}\n");
    }
    text
}

fn parse(text: &str, strictness: Strictness) -> ProtobufSchema {
    protobuf::parse(text, &ResolvedReferences::default(), strictness, &Limits::default()).expect("a schema")
}
