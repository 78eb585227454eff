//! Protobuf texts and descriptors made to hurt: each ends in an answer or an error, on a stack of 128 KiB, in short time.
#![cfg(feature = "protobuf")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::{Duration, Instant};

use muster_schema::compatibility::{CompatibilityPolicy, Terms};
use muster_schema::format::EntityTags;
use muster_schema::protobuf::{ProtobufSchema, parse};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};

/// Longest that one input may take, in a build without optimizations on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// Does with a text whatever can be done with one, on a small stack.
fn survive(text: String) -> Result<ProtobufSchema, ParseError> {
    let work = move || {
        let started = Instant::now();
        let (references, limits) = (ResolvedReferences::default(), Limits::default());
        let _ = parse(&text, &references, Strictness::New, &limits);
        let schema = parse(&text, &references, Strictness::Stored, &limits);
        if let Ok(schema) = &schema {
            use_all(schema, &limits);
        }
        assert!(started.elapsed() < LONGEST, "took {:?}", started.elapsed());
        schema
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap()
}

fn use_all(schema: &ProtobufSchema, limits: &Limits) {
    let _ = schema.normalized().map(|normalized| normalized.normalized());
    let _ = schema.validate(true);
    let _ = schema.descriptors();
    for format in ["serialized", "ignore_extensions"] {
        let _ = schema.formatted(format);
    }
    let _ = (schema.record_name(), schema.top_level_fields(), schema.inline_tags());
    let tags = EntityTags { path: "M.f".to_owned(), is_field: true, tags: vec!["T".to_owned()] };
    let _ = schema.with_tags(&[tags], &[]);
    let terms = Terms { labels: ("new", "old"), policy: CompatibilityPolicy::Strict, limits };
    let messages = schema.incompatibilities(schema, terms);
    assert!(messages.iter().all(|message| message.contains("too large")), "{messages:?}");
    let _ = schema.changes(schema, limits);
}

fn refused(text: String) -> String {
    match survive(text) {
        Ok(_) => panic!("it is accepted"),
        Err(error) => error.to_string(),
    }
}

fn accepted(text: String) -> ProtobufSchema {
    survive(text).unwrap()
}

const PROTO3: &str = "syntax = \"proto3\";";

#[test]
fn messages_nest_as_deep_as_the_limit_says() {
    let nested = |depth: usize| format!("{PROTO3}{}{}", "message M {".repeat(depth), "}".repeat(depth));
    assert_eq!(accepted(nested(500)).file().messages.len(), 500);
    for depth in [501, 80_000] {
        assert_eq!(refused(nested(depth)), "schema exceeds the limit of 500 levels of nested messages");
    }
    assert!(refused("message M {".repeat(90_000)).contains("levels"));
}

#[test]
fn groups_do_not_nest() {
    let nested = format!("message M {{{}", "optional group G = 1 {".repeat(1_000));
    assert!(refused(nested).contains("expected field declaration"));
}

#[test]
fn aggregates_lists_and_maps_nest_within_bounds() {
    let aggregate =
        |depth: usize| format!("{PROTO3}option (o) = {}{};", "{a:".repeat(depth) + "1", "}".repeat(depth));
    assert!(accepted(aggregate(100)).canonical().contains("a: 1"));
    assert!(refused(aggregate(101)).contains("levels of an option value"));
    assert!(refused(aggregate(100_000)).contains("levels of an option value"));
    assert!(refused(format!("{PROTO3}option (o) = {}", "[".repeat(500_000))).contains("levels"));
    assert!(refused(format!("{PROTO3}option (o) = {}", "{a".repeat(200_000))).contains("levels"));
    let map = |depth: usize| {
        format!("{PROTO3}message M {{{}int32{} f = 1;}}", "map<int32,".repeat(depth), ">".repeat(depth))
    };
    assert!(accepted(map(100)).canonical().contains("map<int32, map<int32"));
    assert!(refused(map(50_000)).contains("levels of nested maps"));
}

#[test]
fn long_dotted_names_cost_no_stack() {
    let path = "a.".repeat(200_000) + "a";
    for text in [
        format!("option (o).{path} = 1;"),
        format!("import \"confluent/meta.proto\"; option (confluent.file_meta).{path} = 1;"),
        format!("{PROTO3}package {path}; message M {{ M m = 1; }}"),
        format!("{PROTO3}message {path} {{ M m = 1; }}"),
        format!("{PROTO3}message M {{ {path} m = 1; }}"),
    ] {
        let _ = survive(text);
    }
}

#[test]
fn what_is_not_closed_is_refused() {
    for (text, expected) in [
        ("option a = \"".to_owned() + &"x".repeat(900_000), "unterminated string"),
        ("/*".to_owned() + &"*".repeat(900_000), "unterminated comment"),
        ("/* ".repeat(300_000), "unterminated comment"),
        ("message M {".to_owned(), "unexpected end of file"),
        ("option a = \"\\".to_owned(), "unexpected end of file"),
        ("option a = \"\\x".to_owned(), "expected a digit"),
        ("option a = \"\\xg\"".to_owned(), "expected a digit"),
        ("option a = ".to_owned() + &"\"\" ".repeat(300_000), "unexpected end of file"),
        ("(".repeat(900_000), "expected a word"),
        ("message M { optional int32 a = 99999999999999999999; }".to_owned(), "expected an integer"),
        (format!("message M {{ optional int32 a = {}; }}", "9".repeat(900_000)), "expected an integer"),
        ("\u{feff}message M {}".to_owned(), "expected a word"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{error}");
    }
    assert!(refused("x".repeat(2 << 20)).contains("bytes"));
}

#[test]
fn numbers_of_options_are_not_written_out_without_end() {
    for number in ["1e999999999", "1e-999999999", "1e30000", "-1e32767", "0x".to_owned().as_str()] {
        accepted(format!("message M {{ optional double f = 1 [(o) = {number}, default = {number}]; }}"));
    }
    accepted(format!("message M {{ optional double f = 1 [default = {}]; }}", "9".repeat(900_000)));
    accepted(format!("message M {{ optional double f = 1 [default = 0x{}]; }}", "f".repeat(900_000)));
    accepted(format!("message M {{ optional double f = 1 [default = 0.{}]; }}", "5".repeat(900_000)));
}

#[test]
fn indentation_does_not_multiply_a_text() {
    let depth = 499;
    let fields: String = (1..20_000).map(|number| format!("A a={number};")).collect();
    let text = format!("{PROTO3}{}{fields}{}", "message M {".repeat(depth), "}".repeat(depth));
    assert!(refused(text).contains("canonical text"));
}

#[test]
fn full_names_do_not_multiply_a_text() {
    let long = "x".repeat(300_000);
    let inner: String = (0..5_000).map(|at| format!("message I{at} {{ I{at} f = 1; }}")).collect();
    let _ = survive(format!("{PROTO3}message {long} {{ {inner} }}"));
    let fields: String = (1..20_000).map(|at| format!("{} f{at} = {at};", "I")).collect();
    let _ = survive(format!("{PROTO3}message {long} {{ message I {{}} {fields} }}"));
}

#[test]
fn many_things_of_one_kind_end() {
    let many = |count: usize, make: &dyn Fn(usize) -> String| (0..count).map(make).collect::<String>();
    let values = many(60_000, &|at| format!("k{at}: 1 "));
    assert!(refused(format!("option (o) = {{ {values} }};")).contains("steps"));
    let repeated = many(100_000, &|_| "k: 1 ".to_owned());
    let _ = survive(format!("option (o) = {{ {repeated} }};"));
    let tags = many(20_000, &|at| format!("(confluent.field_meta).tags = \"t{at}\","));
    let _ = survive(format!("message M {{ optional int32 f = 1 [{tags} deprecated = true]; }}"));
    let ranges = many(60_000, &|at| format!("{at}, "));
    let _ = survive(format!("message M {{ extensions {ranges} 1 [verification = UNVERIFIED]; }}"));
    let _ = survive(format!("message M {{ extensions {ranges} 1 [(o) = \"{}\"]; }}", "x".repeat(100_000)));
    let _ = survive(many(30_000, &|at| format!("extend M {{ optional int32 f{at} = {at}; }}")));
    let _ = survive(many(30_000, &|at| format!("service S{at} {{}}")));
    let _ = survive(many(80_000, &|_| "import \"\";".to_owned()));
    let _ = survive(many(40_000, &|at| format!("message M{at} {{}}")));
    let _ = survive(format!("{PROTO3}message M {{ {} }}", many(90_000, &|_| "M f=1;".to_owned())));
    let _ = survive(";".repeat(1_000_000));
    let _ = survive("//\n".repeat(300_000));
}

/// A field of bytes, as descriptors have them.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(bytes);
    out
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[test]
fn descriptors_nest_within_bounds() {
    let nested = |depth: usize| {
        let mut message = field(1, b"M");
        for _ in 1..depth {
            message = [field(1, b"M"), field(3, &message)].concat();
        }
        base64(&field(4, &message))
    };
    assert_eq!(accepted(nested(100)).file().messages.len(), 100);
    assert!(survive(nested(101)).is_err());
    assert!(survive(nested(20_000)).is_err());
}

#[test]
fn damaged_descriptors_are_refused() {
    for bytes in [
        vec![0x0b; 300_000],
        vec![0xfb; 100],
        [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01].to_vec(),
        vec![0x0a, 0x05, b'a'],
        vec![0x00, 0x00],
        vec![0x0c],
        field(4, &[0x12, 0x04, 0x28, 0x0b]),
    ] {
        assert!(survive(base64(&bytes)).is_err(), "{bytes:02x?}");
    }
}
