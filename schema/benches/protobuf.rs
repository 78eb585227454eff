//! What the registry does with a Protobuf schema, on a file of 50 messages; `protobuf_walker` measures data.
//!
//! `cargo bench -p muster-schema --bench protobuf`

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use muster_schema::compatibility::{CompatibilityPolicy, Terms};
use muster_schema::protobuf::{self, ProtobufSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};

fn main() {
    divan::main();
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
             reserved 90 to 99, \"old\";\n  map<string, Message{next}> parts = 1;\n  Level level = 2;\n  \
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

#[divan::bench(args = ["stored", "new"])]
fn parse_and_canonicalize_50_messages(bencher: Bencher, how: &str) {
    let strictness = if how == "new" { Strictness::New } else { Strictness::Stored };
    let text = text();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| parse(black_box(&text), strictness).canonical().len());
}

#[divan::bench]
fn normalize_50_messages(bencher: Bencher) {
    let schema = parse(&text(), Strictness::New);
    bencher.bench_local(|| black_box(&schema).normalized().expect("it resolves").canonical().len());
}

#[divan::bench]
fn compare_50_messages(bencher: Bencher) {
    let [reader, writer] = [text().replace("repeated int64 field_9", "repeated uint64 field_9"), text()];
    let [reader, writer] = [reader, writer].map(|text| parse(&text, Strictness::New));
    let limits = Limits::default();
    let terms = Terms { labels: ("new", "old"), policy: CompatibilityPolicy::Strict, limits: &limits };
    assert!(reader.incompatibilities(&writer, terms).is_empty());
    bencher.bench_local(|| black_box(&reader).incompatibilities(black_box(&writer), terms).len());
}

#[divan::bench]
fn serialize_50_messages(bencher: Bencher) {
    let schema = parse(&text(), Strictness::New);
    bencher.bench_local(|| black_box(&schema).formatted("serialized").expect("it links").len());
}
