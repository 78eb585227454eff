//! Bytes and schemas made to hurt.

use serde::Deserialize;

use super::*;

fn long(value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    crate::avro::output::put_long(value, &mut out);
    out
}

/// Refused as malformed by the value decoder, by serde and by skipping.
fn refuses(schema: &str, bytes: &[u8]) {
    let plan = Plan::plain(&shape(schema));
    let value = value::decode(&plan, &mut input(bytes)).unwrap_err();
    assert_eq!(value.fault(), Fault::Malformed, "{schema} {bytes:02x?}: {value}");
    let skipped = de::skip(&plan, plan.root(), &mut input(bytes)).unwrap_err();
    assert_eq!(skipped.fault(), Fault::Malformed, "{schema} {bytes:02x?}: {skipped}");
    de::decode::<serde_json::Value>(&plan, &mut input(bytes)).unwrap_err();
}

#[test]
fn cut_and_impossible_bytes_are_malformed() {
    let cases: &[(&str, &[u8])] = &[
        ("\"boolean\"", &[]),
        ("\"boolean\"", &[2]),
        ("\"int\"", &[]),
        ("\"int\"", &[0x80]),
        ("\"int\"", &[0xff; 11]),
        ("\"float\"", &[0; 3]),
        ("\"double\"", &[0; 7]),
        ("\"string\"", &[4, b'x']),
        ("\"string\"", &[1]),
        (r#"["null", "int"]"#, &[4]),
        (r#"["null", "int"]"#, &[1]),
        (r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#, &[2]),
        (r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#, &[1]),
        (r#"{"type": "fixed", "name": "F", "size": 2}"#, &[0]),
        (r#"{"type": "array", "items": "int"}"#, &[2]),
        (r#"{"type": "array", "items": "int"}"#, &[2, 2]),
        (r#"{"type": "map", "values": "int"}"#, &[2, 2, b'k', 2]),
    ];
    for (schema, bytes) in cases {
        refuses(schema, bytes);
    }
    let error = decode_value("\"string\"", &[2, 0xff]).unwrap_err();
    assert_eq!(error.fault(), Fault::Malformed, "a string is UTF-8");
}

#[test]
fn claimed_sizes_are_never_believed() {
    let schemas = [
        "\"string\"",
        r#"{"type": "array", "items": "long"}"#,
        r#"{"type": "array", "items": "null"}"#,
        r#"{"type": "map", "values": "null"}"#,
        r#"{"type": "array", "items": {"type": "record", "name": "E", "fields": []}}"#,
        r#"{"type": "array", "items": {"type": "fixed", "name": "Z", "size": 0}}"#,
    ];
    for schema in schemas {
        for claim in [i64::MAX, i64::MIN, i64::from(i32::MAX), -2_000_000_000, 100_000_000] {
            let mut bytes = long(claim);
            bytes.extend_from_slice(&long(i64::MAX));
            refuses(schema, &bytes);
        }
    }
    refuses(r#"{"type": "fixed", "name": "Huge", "size": 2000000000}"#, &[0; 16]);
}

#[test]
fn values_without_bytes_are_counted() {
    let nulls = r#"{"type": "array", "items": "null"}"#;
    let claim = |count: i64| [long(count), vec![0]].concat();
    assert!(decode_value(nulls, &claim(60_000)).is_ok());
    refuses(nulls, &claim(200_000));
    // Several blocks count together.
    let blocks: Vec<u8> = (0..4).flat_map(|_| long(60_000)).chain([0]).collect();
    refuses(nulls, &blocks);
    // A record of nulls is paid for in full.
    let fields: Vec<String> = (0..1000).map(|i| format!(r#"{{"name": "f{i}", "type": "null"}}"#)).collect();
    let wide = format!(r#"{{"type": "array", "items": {}}}"#, record(&fields.join(",")));
    refuses(&wide, &claim(60_000));
    // So are defaults.
    let writer = r#"{"type": "array", "items": {"type": "record", "name": "R", "fields": []}}"#;
    let default = "x".repeat(10_000);
    let reader = format!(
        r#"{{"type": "array", "items": {}}}"#,
        record(&format!(r#"{{"name": "s", "type": "string", "default": "{default}"}}"#))
    );
    let error = decode_value_by(&resolved(writer, &reader), &claim(60_000)).unwrap_err();
    assert_eq!(error.fault(), Fault::Malformed);
}

const LIST: &str =
    r#"{"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}"#;

#[derive(Deserialize)]
struct Node {
    #[allow(dead_code)]
    next: Option<Box<Node>>,
}

/// Runs in a thread with as much stack as a worker of tokio.
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

#[test]
fn nesting_is_bounded() {
    on_small_stack(|| {
        let deep = |levels: usize| [vec![2; levels], vec![0]].concat();
        let plan = Plan::plain(&shape(LIST));
        assert!(value::decode(&plan, &mut input(&deep(190))).is_ok());
        assert!(de::decode::<Node>(&plan, &mut input(&deep(190))).is_ok());
        assert!(de::decode::<serde::de::IgnoredAny>(&plan, &mut input(&deep(190))).is_ok());
        refuses(LIST, &deep(200));
        refuses(LIST, &deep(1_000_000));
    });
}

#[test]
fn a_record_that_never_ends_is_malformed() {
    let endless = r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "A"}]}"#;
    on_small_stack(move || refuses(endless, &[0; 100]));
}

#[test]
fn long_chains_of_names_are_compiled_and_resolved() {
    on_small_stack(|| {
        let records: Vec<String> = (0..4000)
            .map(|i| {
                let previous = if i == 0 { "\"int\"".to_owned() } else { format!("\"R{}\"", i - 1) };
                format!(
                    r#"{{"type": "record", "name": "R{i}", "fields": [{{"name": "f", "type": {previous}}}]}}"#
                )
            })
            .collect();
        let schema = format!("[{}]", records.join(","));
        let plan = resolved(&schema, &schema);
        let last = [long(3999), vec![2]].concat();
        assert_eq!(
            value::decode(&plan, &mut input(&last)).unwrap_err().fault(),
            Fault::Malformed,
            "too deep"
        );
        assert!(value::decode(&plan, &mut input(&[0, 2])).is_ok());
    });
}

#[test]
fn defaults_that_multiply_are_left_out() {
    // Each record holds the one before it twice, all by default: 2^60 values in the last.
    let records: Vec<String> = (0..60)
        .map(|i| {
            let previous = if i == 0 { "\"int\"".to_owned() } else { format!("\"D{}\"", i - 1) };
            let default = if i == 0 { "1" } else { "{}" };
            let field =
                |name: &str| format!(r#"{{"name": "{name}", "type": {previous}, "default": {default}}}"#);
            format!(r#"{{"type": "record", "name": "D{i}", "fields": [{}, {}]}}"#, field("a"), field("b"))
        })
        .collect();
    let schema = format!("[{}]", records.join(","));
    // Without its default the field has to be given.
    let empty = Value::Record(Vec::new());
    assert!(encode_value(&schema, &Value::Union(59, Box::new(empty.clone()))).is_err());
    assert_eq!(encode_value(&schema, &Value::Union(0, Box::new(empty))).unwrap(), [0, 2, 2]);
}

#[test]
fn unfit_defaults_are_no_defaults() {
    for (kind, default) in
        [("\"int\"", "\"x\""), ("\"int\"", "1e99"), ("\"bytes\"", "\"\u{100}\""), ("\"null\"", "0")]
    {
        let schema = record(&format!(r#"{{"name": "a", "type": {kind}, "default": {default}}}"#));
        assert!(encode_value(&schema, &Value::Record(Vec::new())).is_err(), "{kind} {default}");
    }
}
