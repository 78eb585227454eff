//! Generic values.

use apache_avro::{Days, Decimal, Duration, Millis, Months, Uuid};

use super::*;

fn check(schema: &str, value: Value, bytes: &[u8]) {
    assert_eq!(encode_value(schema, &value).unwrap(), bytes, "{schema} {value:?}");
    assert_eq!(decode_value(schema, bytes).unwrap(), value, "{schema} {bytes:02x?}");
}

fn union(branch: u32, value: Value) -> Value {
    Value::Union(branch, Box::new(value))
}

fn fields(fields: &[(&str, Value)]) -> Value {
    Value::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

#[test]
fn each_type_has_its_variant() {
    check("\"null\"", Value::Null, &[]);
    check("\"boolean\"", Value::Boolean(false), &[0]);
    check("\"int\"", Value::Int(64), &[0x80, 1]);
    check("\"long\"", Value::Long(-1), &[1]);
    check("\"float\"", Value::Float(1.5), &[0, 0, 0xc0, 0x3f]);
    check("\"double\"", Value::Double(-2.25), &[0, 0, 0, 0, 0, 0, 2, 0xc0]);
    check("\"string\"", Value::String("a".into()), &[2, b'a']);
    check(r#"{"type": "fixed", "name": "F", "size": 2}"#, Value::Fixed(2, vec![1, 2]), &[1, 2]);
    check(r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#, Value::Enum(1, "B".into()), &[2]);
    check(r#"{"type": "array", "items": "int"}"#, Value::Array(vec![Value::Int(1)]), &[2, 2, 0]);
    check(
        r#"{"type": "map", "values": "int"}"#,
        Value::Map([("k".to_owned(), Value::Int(1))].into()),
        &[2, 2, b'k', 2, 0],
    );
    check(r#"["null", "int"]"#, union(1, Value::Int(1)), &[2, 2]);
    let fields_of = r#"{"name": "a", "type": "int"}, {"name": "b", "type": "bytes"}"#;
    check(&record(fields_of), fields(&[("a", Value::Int(1)), ("b", Value::Bytes(vec![7]))]), &[2, 2, 7]);
}

#[test]
fn logical_types_have_their_variants_if_they_are_well_formed() {
    let logical = |base: &str, name: &str| format!(r#"{{"type": "{base}", "logicalType": "{name}"}}"#);
    let fixed = |size: usize, rest: &str| {
        format!(r#"{{"type": "fixed", "name": "F", "size": {size}, "logicalType": {rest}}}"#)
    };
    check(&logical("int", "date"), Value::Date(1), &[2]);
    check(&logical("int", "time-millis"), Value::TimeMillis(1), &[2]);
    check(&logical("long", "time-micros"), Value::TimeMicros(1), &[2]);
    check(&logical("long", "timestamp-millis"), Value::TimestampMillis(1), &[2]);
    check(&logical("long", "timestamp-micros"), Value::TimestampMicros(1), &[2]);
    check(&logical("long", "timestamp-nanos"), Value::TimestampNanos(1), &[2]);
    check(&logical("long", "local-timestamp-millis"), Value::LocalTimestampMillis(1), &[2]);
    check(&logical("long", "local-timestamp-micros"), Value::LocalTimestampMicros(1), &[2]);
    check(&logical("long", "local-timestamp-nanos"), Value::LocalTimestampNanos(1), &[2]);
    let uuid = Uuid::from_bytes([0xab; 16]);
    let mut text = vec![72];
    text.extend_from_slice(b"abababab-abab-abab-abab-abababababab");
    check(&logical("string", "uuid"), Value::Uuid(uuid), &text);
    check(&logical("string", "uuid"), Value::String("x".into()), &[2, b'x']);
    check(&fixed(16, r#""uuid""#), Value::Uuid(uuid), &[0xab; 16]);
    let duration = Value::Duration(Duration::new(Months::new(1), Days::new(2), Millis::new(3)));
    check(&fixed(12, r#""duration""#), duration, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    let decimal = r#""decimal", "precision": 4"#;
    check(
        &fixed(4, decimal),
        Value::Decimal(Decimal::from([0xff, 0xff, 0xff, 0x80])),
        &[0xff, 0xff, 0xff, 0x80],
    );

    // Ill-formed ones are the type below.
    check(&logical("string", "decimal"), Value::String("x".into()), &[2, b'x']);
    check(&logical("long", "date"), Value::Long(1), &[2]);
    check(&logical("int", "made-up"), Value::Int(1), &[2]);
    check(&fixed(4, r#""uuid""#), Value::Fixed(4, vec![1; 4]), &[1; 4]);
    check(&fixed(4, r#""decimal", "precision": 2, "scale": 3"#), Value::Fixed(4, vec![1; 4]), &[1; 4]);
    check(&fixed(4, r#""decimal""#), Value::Fixed(4, vec![1; 4]), &[1; 4]);
    check(&fixed(4, r#""decimal", "precision": 0"#), Value::Fixed(4, vec![1; 4]), &[1; 4]);
}

#[test]
fn decimals_are_written_short_and_read_at_any_length() {
    let schema = record(
        r#"{"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}"#,
    );
    let decimal = |bytes: &[u8]| fields(&[("d", Value::Decimal(Decimal::from(bytes)))]);
    let cases: &[(&[u8], &[u8])] = &[
        (&[0xff, 0x80], &[0x80]),
        (&[0x80], &[0x80]),
        (&[0, 0x80], &[0, 0x80]),
        (&[0, 0, 0x7f], &[0x7f]),
        (&[0xff, 0xff, 0xff], &[0xff]),
        (&[0xff, 0x7f], &[0xff, 0x7f]),
        (&[0, 0], &[0]),
    ];
    for (given, minimal) in cases {
        let mut bytes = vec![u8::try_from(minimal.len() * 2).unwrap()];
        bytes.extend_from_slice(minimal);
        assert_eq!(encode_value(&schema, &decimal(given)).unwrap(), bytes, "{given:02x?}");
        let mut long = vec![u8::try_from(given.len() * 2).unwrap()];
        long.extend_from_slice(given);
        assert_eq!(decode_value(&schema, &long).unwrap(), decimal(minimal), "{given:02x?}");
    }
    assert_eq!(decode_value(&schema, &[0]).unwrap(), decimal(&[0]));
    let fixed = r#"{"type": "fixed", "name": "F", "size": 3, "logicalType": "decimal", "precision": 4}"#;
    let encode = |bytes: &[u8]| encode_value(fixed, &Value::Decimal(Decimal::from(bytes)));
    assert_eq!(encode(&[0xcf, 0xc7]).unwrap(), [0xff, 0xcf, 0xc7], "the sign is extended");
    assert_eq!(encode(&[0x30]).unwrap(), [0, 0, 0x30]);
    assert_eq!(encode(&[0, 0, 0, 0x30]).unwrap(), [0, 0, 0x30], "and redundant bytes are cut");
    assert!(encode(&[1, 0, 0, 0]).is_err());
}

#[test]
fn untagged_values_take_the_first_branch_that_fits() {
    let union = r#"["null", "long", "int", "string", {"type": "array", "items": "int"}]"#;
    assert_eq!(encode_value(union, &Value::Null).unwrap(), [0]);
    assert_eq!(encode_value(union, &Value::Int(1)).unwrap(), [4, 2], "a branch of the same type comes first");
    assert_eq!(encode_value(union, &Value::Long(1)).unwrap(), [2, 2]);
    assert_eq!(encode_value(union, &Value::Array(vec![Value::Int(1)])).unwrap(), [8, 2, 2, 0]);
    assert!(encode_value(union, &Value::Boolean(true)).is_err());
    assert!(encode_value(union, &Value::Union(5, Box::new(Value::Null))).is_err());
    assert!(encode_value(union, &Value::Union(0, Box::new(Value::Int(1)))).is_err());
    assert_eq!(encode_value(r#"["null", "long"]"#, &Value::Int(1)).unwrap(), [2, 2]);
}

#[test]
fn records_take_fields_by_name_and_defaults() {
    let schema = record(
        r#"{"name": "i", "type": "int", "default": 7}, {"name": "s", "type": "string", "default": "d"},
        {"name": "u", "type": ["null", "string"], "default": null},
        {"name": "v", "type": ["string", "null"], "default": "x"},
        {"name": "a", "type": {"type": "array", "items": "int"}, "default": [1, 2]},
        {"name": "m", "type": {"type": "map", "values": "int"}, "default": {"k": 1}},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}, "default": "B"},
        {"name": "b", "type": "bytes", "default": "\u00ff"},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 1}, "default": "\u0001"},
        {"name": "d", "type": "double", "default": 1},
        {"name": "r", "type": {"type": "record", "name": "I", "fields": [
            {"name": "x", "type": "int"}, {"name": "y", "type": "int", "default": 3}]}, "default": {"x": 2}},
        {"name": "t", "type": "boolean", "default": true}"#,
    );
    let mut expected = vec![14, 2, b'd', 0, 0, 2, b'x', 4, 2, 4, 0, 2, 2, b'k', 2, 0, 2, 2, 0xff, 1];
    expected.extend_from_slice(&1.0_f64.to_le_bytes());
    expected.extend_from_slice(&[4, 6, 1]);
    assert_eq!(encode_value(&schema, &fields(&[])).unwrap(), expected);
    expected[0] = 2;
    let given = fields(&[("t", Value::Boolean(true)), ("i", Value::Int(1))]);
    assert_eq!(encode_value(&schema, &given).unwrap(), expected, "in any order");
    let as_map = Value::Map([("i".to_owned(), Value::Int(1))].into());
    assert_eq!(encode_value(&schema, &as_map).unwrap(), expected);
    assert!(encode_value(&schema, &fields(&[("z", Value::Null)])).is_err());
    let needs = record(r#"{"name": "a", "type": "int"}"#);
    assert!(encode_value(&needs, &fields(&[])).is_err());
}

#[test]
fn names_resolve_in_their_namespaces() {
    let schema = r#"{"type": "record", "name": "Outer", "namespace": "n1", "fields": [
        {"name": "a", "type": {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int"}]}},
        {"name": "b", "type": {"type": "record", "name": "n2.Inner", "fields": [
            {"name": "y", "type": "string"}, {"name": "again", "type": ["null", "Inner"]}]}},
        {"name": "c", "type": "n1.Inner"}]}"#;
    let inner = |x| fields(&[("x", Value::Int(x))]);
    let other = |y: &str, again| fields(&[("y", Value::String(y.into())), ("again", again)]);
    let value = fields(&[
        ("a", inner(1)),
        ("b", other("z", union(1, other("q", union(0, Value::Null))))),
        ("c", inner(3)),
    ]);
    check(schema, value, &[2, 2, b'z', 2, 2, b'q', 0, 6]);
}
