//! Reading with another schema than the writer's.

use serde::Deserialize;

use super::*;

fn field(schema: &str) -> String {
    record(&format!(r#"{{"name": "a", "type": {schema}}}"#))
}

/// Reads the bytes of a one-field record, and gives the field's value.
fn read(writer: &str, reader: &str, bytes: &[u8]) -> Result<Value, CodecError> {
    match decode_value_by(&resolved(&field(writer), &field(reader)), bytes)? {
        Value::Record(fields) => Ok(fields.into_iter().next().unwrap().1),
        other => Ok(other),
    }
}

fn check(writer: &str, reader: &str, bytes: &[u8], expected: Value) {
    assert_eq!(read(writer, reader, bytes).unwrap(), expected, "{writer} as {reader}");
}

fn refuses(writer: &str, reader: &str, bytes: &[u8]) {
    let error = read(writer, reader, bytes).unwrap_err();
    assert_eq!(error.fault(), Fault::Resolution, "{writer} as {reader}: {error}");
}

fn union(branch: u32, value: Value) -> Value {
    Value::Union(branch, Box::new(value))
}

#[test]
fn numbers_and_texts_are_promoted() {
    check("\"int\"", "\"long\"", &[6], Value::Long(3));
    check("\"int\"", "\"float\"", &[6], Value::Float(3.0));
    check("\"int\"", "\"double\"", &[6], Value::Double(3.0));
    check("\"long\"", "\"float\"", &[6], Value::Float(3.0));
    check("\"long\"", "\"double\"", &[6], Value::Double(3.0));
    check("\"float\"", "\"double\"", &[0, 0, 0xc0, 0x3f], Value::Double(1.5));
    check("\"string\"", "\"bytes\"", &[4, b'h', b'i'], Value::Bytes(b"hi".to_vec()));
    check("\"bytes\"", "\"string\"", &[4, b'h', b'i'], Value::String("hi".into()));
    let millis = r#"{"type": "long", "logicalType": "timestamp-millis"}"#;
    check("\"int\"", millis, &[6], Value::TimestampMillis(3));
    check(millis, "\"long\"", &[6], Value::Long(3));
    let error = read("\"bytes\"", "\"string\"", &[2, 0xff]).unwrap_err();
    assert_eq!(error.fault(), Fault::Malformed);
}

#[test]
fn nothing_is_demoted() {
    let cases: &[(&str, &str, &[u8])] = &[
        ("\"long\"", "\"int\"", &[6]),
        ("\"double\"", "\"float\"", &[0; 8]),
        ("\"float\"", "\"long\"", &[0; 4]),
        ("\"string\"", "\"int\"", &[0]),
        ("\"null\"", "\"int\"", &[]),
        ("\"boolean\"", "\"int\"", &[1]),
        (r#"{"type": "array", "items": "int"}"#, r#"{"type": "map", "values": "int"}"#, &[0]),
        (
            r#"{"type": "fixed", "name": "F", "size": 1}"#,
            r#"{"type": "fixed", "name": "F", "size": 2}"#,
            &[0],
        ),
        (
            r#"{"type": "fixed", "name": "F", "size": 1}"#,
            r#"{"type": "fixed", "name": "G", "size": 1}"#,
            &[0],
        ),
    ];
    for (writer, reader, bytes) in cases {
        refuses(writer, reader, bytes);
    }
}

#[test]
fn unions_are_matched_branch_by_branch() {
    check(
        r#"["null", "int", "string"]"#,
        r#"["string", "null", "int"]"#,
        &[4, 2, b'x'],
        union(0, Value::String("x".into())),
    );
    check(r#"["null", "int"]"#, "\"int\"", &[2, 4], Value::Int(2));
    check(r#"["null", "int"]"#, "\"long\"", &[2, 4], Value::Long(2));
    refuses(r#"["null", "int"]"#, "\"int\"", &[0]);
    check("\"int\"", r#"["null", "int"]"#, &[4], union(1, Value::Int(2)));
    check("\"int\"", r#"["null", "double", "long"]"#, &[4], union(1, Value::Double(2.0)));
    check("\"int\"", r#"["long", "int"]"#, &[4], union(1, Value::Int(2)));
    refuses("\"string\"", r#"["null", "int"]"#, &[0]);
    check(
        r#"["int", "string"]"#,
        r#"["bytes", "long"]"#,
        &[2, 2, b'x'],
        union(0, Value::Bytes(b"x".to_vec())),
    );
}

#[test]
fn records_in_unions_are_matched_by_name_then_by_shape() {
    let named = |name: &str, field: &str| {
        format!(r#"{{"type": "record", "name": "{name}", "fields": [{{"name": "{field}", "type": "int"}}]}}"#)
    };
    let of = |field: &str| Value::Record(vec![(field.to_owned(), Value::Int(1))]);
    let both = format!("[{}, {}]", named("n.B", "v"), named("n.A", "v"));
    check(&named("n.A", "v"), &both, &[2], union(1, of("v")));
    check(&named("m.A", "v"), &both, &[2], union(1, of("v")));
    check(&named("n.C", "v"), &both, &[2], union(0, of("v")));
    refuses(&named("n.C", "w"), &both, &[2]);
}

#[test]
fn enum_symbols_are_matched_by_name() {
    let kind = |rest: &str| format!(r#"{{"type": "enum", "name": "E", {rest}}}"#);
    let writer = kind(r#""symbols": ["A", "B", "C"]"#);
    check(&writer, &kind(r#""symbols": ["C", "B"]"#), &[4], Value::Enum(0, "C".into()));
    refuses(&writer, &kind(r#""symbols": ["C", "B"]"#), &[0]);
    check(&writer, &kind(r#""symbols": ["C", "B"], "default": "B""#), &[0], Value::Enum(1, "B".into()));
    refuses(&writer, r#"{"type": "enum", "name": "F", "symbols": ["A", "B", "C"]}"#, &[0]);
    check(
        &writer,
        r#"{"type": "enum", "name": "F", "aliases": ["E"], "symbols": ["A", "B", "C"]}"#,
        &[0],
        Value::Enum(0, "A".into()),
    );
}

fn value_of(fields: &[(&str, Value)]) -> Value {
    Value::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

#[test]
fn record_fields_are_reordered_dropped_renamed_and_defaulted() {
    let writer = record(
        r#"{"name": "a", "type": "int"}, {"name": "b", "type": "string"},
        {"name": "old", "type": "long"}, {"name": "gone", "type": {"type": "array", "items": "string"}}"#,
    );
    let reader = record(
        r#"{"name": "new", "type": "double", "aliases": ["old"]}, {"name": "n", "type": ["null", "int"], "default": null},
        {"name": "b", "type": "bytes"}, {"name": "d", "type": {"type": "array", "items": "string"}, "default": ["x"]},
        {"name": "a", "type": "long"}"#,
    );
    let bytes = [2, 2, b's', 6, 2, 2, b'q', 0];
    let expected = value_of(&[
        ("new", Value::Double(3.0)),
        ("n", union(0, Value::Null)),
        ("b", Value::Bytes(b"s".to_vec())),
        ("d", Value::Array(vec![Value::String("x".into())])),
        ("a", Value::Long(1)),
    ]);
    let plan = resolved(&writer, &reader);
    assert_eq!(decode_value_by(&plan, &bytes).unwrap(), expected);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Reader {
        a: i64,
        n: Option<i32>,
        new: f64,
        d: Vec<String>,
        #[serde(default)]
        absent: i32,
    }
    let expected = Reader { a: 1, n: None, new: 3.0, d: vec!["x".into()], absent: 0 };
    assert_eq!(decode_by::<Reader>(&plan, &bytes).unwrap(), expected);
}

#[test]
fn a_missing_field_without_default_is_refused_when_met() {
    let reader = r#"["null", {"type": "record", "name": "I", "fields": [
        {"name": "x", "type": "int"}, {"name": "y", "type": "int"}]}]"#;
    let writer = r#"["null", {"type": "record", "name": "I", "fields": [{"name": "x", "type": "int"}]}]"#;
    refuses(writer, reader, &[2, 2]);
    check(writer, reader, &[0], union(0, Value::Null));
}

#[test]
fn recursive_schemas_resolve() {
    let node = |value: &str, more: &str| {
        format!(
            r#"{{"type": "record", "name": "Node", "fields": [{{"name": "v", "type": "{value}"}}{more},
            {{"name": "next", "type": ["null", "Node"]}}]}}"#
        )
    };
    let plan = resolved(&node("int", ""), &node("long", r#", {"name": "d", "type": "int", "default": 9}"#));
    let leaf = value_of(&[("v", Value::Long(2)), ("d", Value::Int(9)), ("next", union(0, Value::Null))]);
    let expected = value_of(&[("v", Value::Long(1)), ("d", Value::Int(9)), ("next", union(1, leaf))]);
    assert_eq!(decode_value_by(&plan, &[2, 2, 4, 0]).unwrap(), expected);
}

#[test]
fn top_level_bytes_stay_raw_whatever_they_are_read_as() {
    let raw = [0, 1, 2, 0x41];
    assert_eq!(decode_value("\"bytes\"", &raw).unwrap(), Value::Bytes(raw.to_vec()));
    let plan = resolved("\"bytes\"", "\"string\"");
    assert_eq!(decode_value_by(&plan, b"hi").unwrap(), Value::String("hi".into()));
    let plan = resolved("\"bytes\"", r#"["null", "bytes"]"#);
    assert_eq!(decode_value_by(&plan, b"hi").unwrap(), union(1, Value::Bytes(b"hi".to_vec())));
    let plan = resolved("\"string\"", "\"bytes\"");
    assert_eq!(decode_value_by(&plan, &[4, b'h', b'i']).unwrap(), Value::Bytes(b"hi".to_vec()));
    assert_eq!(decode_value(r#"["null", "bytes"]"#, &[2, 2, 7]).unwrap(), union(1, Value::Bytes(vec![7])));
}

#[test]
fn resolution_agrees_with_apache_avro() {
    let cases: &[(&str, &str, &[u8])] = &[
        ("\"int\"", "\"double\"", &[6]),
        (r#"["null", "int"]"#, r#"["long", "null"]"#, &[2, 4]),
        (r#"{"type": "array", "items": "int"}"#, r#"{"type": "array", "items": "float"}"#, &[4, 2, 4, 0]),
        (
            r#"{"type": "map", "values": "string"}"#,
            r#"{"type": "map", "values": "bytes"}"#,
            &[2, 2, b'k', 2, b'v', 0],
        ),
    ];
    for (writer, reader, bytes) in cases {
        let (writer, reader) = (field(writer), field(reader));
        let schemas = [&writer, &reader].map(|text| apache_avro::Schema::parse_str(text).unwrap());
        let theirs = apache_avro::reader::datum::GenericDatumReader::builder(&schemas[0])
            .reader_schema(&schemas[1])
            .build()
            .unwrap();
        let expected = theirs.read_value(&mut &**bytes).unwrap();
        assert_eq!(
            decode_value_by(&resolved(&writer, &reader), bytes).unwrap(),
            expected,
            "{writer} as {reader}"
        );
    }
}
