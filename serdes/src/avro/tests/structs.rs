//! Serde types of all sorts.

use std::collections::{BTreeMap, HashMap};

use apache_avro::{Days, Decimal, Duration, Millis, Months, Uuid};
use serde::{Deserialize, Serialize};

use super::*;

/// Encodes, compares the bytes, and decodes again.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    schema: &str,
    value: T,
    bytes: &[u8],
) {
    assert_eq!(encode(schema, &value).unwrap(), bytes, "{schema} {value:?}");
    assert_eq!(decode::<T>(schema, bytes).unwrap(), value, "{schema} {bytes:02x?}");
}

fn refuses<T: Serialize + ?Sized>(schema: &str, value: &T) {
    let error = encode(schema, value).unwrap_err();
    assert_eq!(error.fault(), Fault::Mismatch, "{schema}: {error}");
}

const ENUM: &str = r#"{"type": "enum", "name": "Suit", "symbols": ["SPADES", "HEARTS"]}"#;
const FIXED: &str = r#"{"type": "fixed", "name": "F", "size": 4}"#;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Suit {
    Spades,
    Hearts,
}

#[test]
fn primitives_meet_the_avro_types_that_hold_them() {
    check("\"boolean\"", true, &[1]);
    check("\"int\"", -65_i32, &[0x81, 1]);
    check("\"int\"", 7_u8, &[14]);
    check("\"int\"", 7_i64, &[14]);
    check("\"long\"", 7_i8, &[14]);
    check("\"long\"", u32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x1f]);
    check("\"long\"", 7_u64, &[14]);
    check("\"long\"", 7_u128, &[14]);
    check("\"float\"", 1.5_f32, &[0, 0, 0xc0, 0x3f]);
    check("\"double\"", -2.25_f64, &[0, 0, 0, 0, 0, 0, 2, 0xc0]);
    check("\"double\"", 1.5_f32, &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
    check("\"string\"", "é".to_owned(), &[4, 0xc3, 0xa9]);
    check("\"string\"", 'é', &[4, 0xc3, 0xa9]);
    check("\"null\"", (), &[]);
    check(ENUM, Suit::Hearts, &[2]);
    check(ENUM, "HEARTS".to_owned(), &[2]);
    check("\"string\"", Suit::Hearts, &[12, b'H', b'E', b'A', b'R', b'T', b'S']);
    check(FIXED, [1_u8, 2, 3, 4], &[1, 2, 3, 4]);
    check(FIXED, vec![1_u8, 2, 3, 4], &[1, 2, 3, 4]);
    let wide = |size| format!(r#"{{"type": "fixed", "name": "W", "size": {size}}}"#);
    check(&wide(8), u64::MAX, &[0xff; 8]);
    check(&wide(16), i128::MIN, &i128::MIN.to_le_bytes());
    check(&wide(16), u128::MAX, &[0xff; 16]);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    refuses("\"int\"", &i64::MAX);
    refuses("\"int\"", &"7");
    refuses("\"long\"", &u64::MAX);
    refuses("\"long\"", &1.0_f64);
    refuses("\"float\"", &1.0_f64);
    refuses("\"string\"", &7);
    refuses("\"null\"", &Some(1));
    refuses("\"string\"", &None::<String>);
    refuses(ENUM, "CLUBS");
    refuses(FIXED, &[1_u8, 2, 3][..]);
    refuses(FIXED, &[1000, 0, 0, 0][..]);
    refuses(r#"["null", "int"]"#, "x");
    refuses(r#"{"type": "map", "values": "int"}"#, &HashMap::from([((1, 2), 3)]));
    assert_eq!(decode::<u8>("\"int\"", &[0x80, 4]).unwrap_err().fault(), Fault::Mismatch);
    assert_eq!(decode::<i32>("\"string\"", &[0]).unwrap_err().fault(), Fault::Mismatch);
    assert_eq!(decode::<Suit>("\"int\"", &[0]).unwrap_err().fault(), Fault::Mismatch);
    assert_eq!(decode::<Suit>("\"string\"", &[2, b'x']).unwrap_err().fault(), Fault::Mismatch);
}

#[test]
fn collections_are_one_block() {
    let longs = r#"{"type": "array", "items": "long"}"#;
    check(longs, Vec::<i64>::new(), &[0]);
    check(longs, vec![1_i64, -1], &[4, 2, 1, 0]);
    check(longs, [1_i64, -1], &[4, 2, 1, 0]);
    check(longs, (1_i64, -1_i64), &[4, 2, 1, 0]);
    let nested = r#"{"type": "array", "items": {"type": "array", "items": "long"}}"#;
    check(nested, vec![vec![], vec![1_i64], vec![2, 3]], &[6, 0, 2, 2, 0, 4, 4, 6, 0, 0]);
    let map = r#"{"type": "map", "values": "int"}"#;
    check(map, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]), &[4, 2, b'a', 2, 2, b'b', 4, 0]);
    check(map, BTreeMap::from([(7_i32, 1)]), &[2, 2, b'7', 2, 0]);
    check(map, HashMap::<String, i32>::new(), &[0]);
    check(r#"{"type": "array", "items": "null"}"#, vec![(), ()], &[4, 0]);
    // A length that is not known beforehand, and a struct as a map.
    struct Unsized;
    impl Serialize for Unsized {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq([3_i64, 4].iter().filter(|n| **n > 0))
        }
    }
    assert_eq!(encode(longs, &Unsized).unwrap(), [4, 6, 8, 0]);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair {
        a: i32,
        b: i32,
    }
    check(map, Pair { a: 1, b: 2 }, &[4, 2, b'a', 2, 2, b'b', 4, 0]);
}

#[test]
fn several_blocks_and_sizes_are_read() {
    let ints = r#"{"type": "array", "items": "int"}"#;
    for bytes in [&[4, 2, 4, 2, 6, 0][..], &[3, 4, 2, 4, 2, 6, 0], &[3, 4, 2, 4, 1, 2, 6, 0]] {
        assert_eq!(decode::<Vec<i32>>(ints, bytes).unwrap(), [1, 2, 3], "{bytes:02x?}");
    }
    let map = r#"{"type": "map", "values": "int"}"#;
    let expected = HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
    assert_eq!(decode::<HashMap<String, i32>>(map, &[1, 6, 2, b'a', 2, 2, 2, b'b', 4, 0]).unwrap(), expected);
    assert_eq!(decode::<[i32; 2]>(ints, &[6, 2, 4, 6, 0]).unwrap_err().fault(), Fault::Mismatch);
    assert_eq!(decode::<[i32; 2]>(ints, &[2, 2, 0]).unwrap_err().fault(), Fault::Mismatch);
}

#[test]
fn struct_fields_come_in_any_order_and_may_be_left_out() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Reversed {
        c: String,
        b: Vec<i32>,
        a: i64,
    }
    let fields = r#"{"name": "a", "type": "long"}, {"name": "b", "type": {"type": "array", "items": "int"}},
        {"name": "c", "type": "string"}"#;
    check(&record(fields), Reversed { a: 1, b: vec![2], c: "c".into() }, &[2, 2, 4, 0, 2, b'c']);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Partial {
        z: i32,
        #[serde(skip_serializing_if = "Option::is_none")]
        y: Option<i32>,
    }
    let fields = r#"{"name": "x", "type": {"type": "array", "items": "string"}, "default": ["d"]},
        {"name": "y", "type": ["null", "int"], "default": null}, {"name": "z", "type": "int"}"#;
    check(&record(fields), Partial { z: 1, y: None }, &[2, 2, b'd', 0, 0, 2]);
    check(&record(fields), Partial { z: 1, y: Some(3) }, &[2, 2, b'd', 0, 2, 6, 2]);
    refuses(
        &record(r#"{"name": "z", "type": "int"}, {"name": "q", "type": "int"}"#),
        &Partial { z: 1, y: None },
    );
    refuses(&record(r#"{"name": "z", "type": "int"}"#), &Partial { z: 1, y: Some(2) });
    let error =
        encode(&record(r#"{"name": "z", "type": "string"}"#), &Partial { z: 1, y: None }).unwrap_err();
    assert!(error.to_string().starts_with("z: "), "{error}");
}

#[test]
fn maps_tuples_and_flattened_structs_meet_records() {
    let fields = r#"{"name": "a", "type": "int"}, {"name": "b", "type": "string"}"#;
    let map = BTreeMap::from([("b", "x"), ("a", "y")]);
    let two = record(r#"{"name": "a", "type": "string"}, {"name": "b", "type": "string"}"#);
    assert_eq!(encode(&two, &map).unwrap(), [2, b'y', 2, b'x']);
    assert_eq!(
        decode::<BTreeMap<String, String>>(&two, &[2, b'y', 2, b'x']).unwrap(),
        BTreeMap::from([("a".to_owned(), "y".to_owned()), ("b".to_owned(), "x".to_owned())])
    );
    check(&record(fields), (1_i32, "x".to_owned()), &[2, 2, b'x']);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        b: String,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        a: i32,
        #[serde(flatten)]
        inner: Inner,
    }
    check(&record(fields), Outer { a: 1, inner: Inner { b: "x".into() } }, &[2, 2, b'x']);
}

#[test]
fn fields_that_rust_does_not_know_are_skipped() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Last {
        z: i32,
    }
    let fields = r#"{"name": "m", "type": {"type": "map", "values": ["null", {"type": "array", "items": "string"}]}},
        {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}}, {"name": "r", "type":
            {"type": "record", "name": "I", "fields": [{"name": "e", "type":
                {"type": "enum", "name": "E", "symbols": ["A"]}}, {"name": "d", "type": "double"}]}},
        {"name": "z", "type": "int"}"#;
    let mut bytes = vec![2, 2, b'k', 2, 2, 2, b'a', 0, 0, 9, 9, 0];
    bytes.extend_from_slice(&1.0_f64.to_le_bytes());
    bytes.push(8);
    assert_eq!(decode::<Last>(&record(fields), &bytes).unwrap(), Last { z: 4 });
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cat {
    lives: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Dog {
    name: String,
}

const PETS: &str = r#"["null",
    {"type": "record", "name": "Cat", "namespace": "pets", "fields": [{"name": "lives", "type": "int"}]},
    {"type": "record", "name": "Dog", "namespace": "pets", "fields": [{"name": "name", "type": "string"}]}]"#;

#[test]
fn options_are_unions_with_null() {
    check(r#"["null", "int"]"#, None::<i32>, &[0]);
    check(r#"["null", "int"]"#, Some(1), &[2, 2]);
    check(r#"["int", "null"]"#, None::<i32>, &[2]);
    check(r#"["int", "null"]"#, Some(1), &[0, 2]);
    check(r#"["null", "int", "string"]"#, Some("x".to_owned()), &[4, 2, b'x']);
    check(PETS, Some(Dog { name: "x".into() }), &[4, 2, b'x']);
    check("\"int\"", Some(1), &[2]);
    check("\"null\"", None::<i32>, &[]);
    check(&format!(r#"["null", {ENUM}]"#), Some(Suit::Hearts), &[2, 2]);
}

#[test]
fn untagged_values_take_the_branch_that_fits_best() {
    let numbers = r#"["double", "long", "int", "float", "string", "bytes", "boolean", "null"]"#;
    assert_eq!(encode(numbers, &1_i32).unwrap()[0], 4);
    assert_eq!(encode(numbers, &1_u8).unwrap()[0], 4);
    assert_eq!(encode(numbers, &1_i64).unwrap()[0], 2);
    assert_eq!(encode(numbers, &1_u64).unwrap()[0], 2);
    assert_eq!(encode(numbers, &1_f32).unwrap()[0], 6);
    assert_eq!(encode(numbers, &1_f64).unwrap()[0], 0);
    assert_eq!(encode(numbers, "x").unwrap()[0], 8);
    assert_eq!(encode(numbers, &true).unwrap()[0], 12);
    assert_eq!(encode(numbers, &()).unwrap()[0], 14);
    assert_eq!(encode(r#"["null", "int"]"#, &1_i64).unwrap(), [2, 2]);
    assert_eq!(encode(r#"["int", "long"]"#, &4_294_967_296_u64).unwrap()[0], 2);
    assert_eq!(encode(PETS, &Dog { name: "x".into() }).unwrap(), [4, 2, b'x']);
    assert_eq!(decode::<Dog>(PETS, &[4, 2, b'x']).unwrap(), Dog { name: "x".into() });
    let one = |name: &str| format!(r#"["null", {{"type": "record", "name": "{name}", "fields": []}}]"#);
    #[derive(Serialize)]
    struct Unit;
    assert_eq!(encode(&one("Unit"), &Unit).unwrap(), [2]);
    assert_eq!(encode(&one("Other"), &Unit).unwrap(), [2], "the only record will do");
}

#[test]
fn enums_are_unions_by_name_or_by_position() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum ByName {
        Dog {
            name: String,
        },
        Cat(Cat),
        #[serde(rename = "null")]
        Nothing,
    }
    check(PETS, ByName::Dog { name: "x".into() }, &[4, 2, b'x']);
    check(PETS, ByName::Cat(Cat { lives: 9 }), &[2, 18]);
    check(PETS, ByName::Nothing, &[0]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum ByPosition {
        Nothing,
        Feline(Cat),
        Canine { name: String },
    }
    check(PETS, ByPosition::Nothing, &[0]);
    check(PETS, ByPosition::Feline(Cat { lives: 9 }), &[2, 18]);
    check(PETS, ByPosition::Canine { name: "x".into() }, &[4, 2, b'x']);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Scalar {
        Long(i64),
        String(String),
        Array(Vec<i32>),
    }
    let scalars = r#"["string", {"type": "array", "items": "int"}, "long"]"#;
    check(scalars, Scalar::Long(1), &[4, 2]);
    check(scalars, Scalar::String("x".into()), &[0, 2, b'x']);
    check(scalars, vec![Scalar::Array(vec![1])].pop().unwrap(), &[2, 2, 2, 0]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Tuple {
        Pair(i32, i32),
    }
    let pair = r#"[{"type": "record", "name": "Pair", "fields":
        [{"name": "x", "type": "int"}, {"name": "y", "type": "int"}]}]"#;
    check(pair, Tuple::Pair(1, 2), &[0, 2, 4]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        pet: Option<ByName>,
    }
    let holder = record(&format!(r#"{{"name": "pet", "type": {PETS}}}"#));
    check(&holder, Holder { pet: Some(ByName::Cat(Cat { lives: 9 })) }, &[2, 18]);
    check(&holder, Holder { pet: None }, &[0]);
}

#[test]
fn newtypes_are_what_is_in_them_or_a_record_of_one_field() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Meters(i32);
    check("\"int\"", Meters(1), &[2]);
    check(r#"["null", "int"]"#, Some(Meters(1)), &[2, 2]);
    let meters = r#"{"type": "record", "name": "Meters", "fields": [{"name": "field_0", "type": "int"}]}"#;
    check(meters, Meters(1), &[2]);
    check(&format!(r#"["null", {meters}]"#), Some(Meters(1)), &[2, 2]);
    assert_eq!(oracle_bytes(meters, &Meters(1)), [2]);
}

#[test]
fn logical_types_of_apache_avro_pass() {
    let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#;
    let field = record(&format!(r#"{{"name": "x", "type": {decimal}}}"#));
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder<T> {
        x: T,
    }
    check(&field, Holder { x: Decimal::from([0x30, 0x39]) }, &[4, 0x30, 0x39]);
    let duration = record(
        r#"{"name": "x", "type": {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}}"#,
    );
    let value = Duration::new(Months::new(1), Days::new(2), Millis::new(1000));
    check(&duration, Holder { x: value }, &[1, 0, 0, 0, 2, 0, 0, 0, 0xe8, 3, 0, 0]);
    let uuid = Uuid::from_bytes(*b"0123456789abcdef");
    let text = record(r#"{"name": "x", "type": {"type": "string", "logicalType": "uuid"}}"#);
    let mut bytes = vec![72];
    bytes.extend_from_slice(b"30313233-3435-3637-3839-616263646566");
    check(&text, Holder { x: UuidBytes(uuid) }, &bytes);
    let fixed =
        record(r#"{"name": "x", "type": {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}}"#);
    check(&fixed, Holder { x: UuidBytes(uuid) }, b"0123456789abcdef");
}

/// The `uuid` crate's own serde form in binary formats: 16 bytes.
#[derive(Debug, PartialEq)]
struct UuidBytes(Uuid);

impl Serialize for UuidBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!serializer.is_human_readable());
        serializer.serialize_bytes(self.0.as_bytes())
    }
}

impl<'de> Deserialize<'de> for UuidBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = UuidBytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<UuidBytes, E> {
                Uuid::from_slice(bytes).map(UuidBytes).map_err(E::custom)
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[test]
fn strings_and_bytes_are_borrowed_from_the_body() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        s: &'a str,
        b: &'a [u8],
        o: Option<&'a str>,
    }
    let fields = r#"{"name": "s", "type": "string"}, {"name": "b", "type": "bytes"},
        {"name": "o", "type": ["null", "string"]}"#;
    let bytes = [2, b'x', 4, 1, 2, 2, 2, b'y'];
    let plan = Plan::plain(&shape(&record(fields)));
    let value: Borrowed<'_> = de::decode(&plan, &mut input(&bytes)).unwrap();
    assert_eq!((value.s, value.b, value.o), ("x", &[1, 2][..], Some("y")));
    assert!(bytes.as_ptr_range().contains(&value.s.as_ptr()));
}

#[test]
fn recursive_types_work() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Node {
        v: i32,
        next: Option<Box<Node>>,
    }
    let node = r#"{"type": "record", "name": "Node", "fields": [{"name": "v", "type": "int"},
        {"name": "next", "type": ["null", "Node"]}]}"#;
    let list = Node { v: 1, next: Some(Box::new(Node { v: 2, next: None })) };
    check(node, list, &[2, 2, 4, 0]);
}

#[test]
fn bytes_agree_with_apache_avro() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        b: bool,
        i: i32,
        l: i64,
        f: f32,
        d: f64,
        s: String,
        a: Vec<Option<i64>>,
        m: HashMap<String, f64>,
        e: Suit,
        r: Cat,
        o: Option<Dog>,
    }
    let schema = record(&format!(
        r#"{{"name": "b", "type": "boolean"}}, {{"name": "i", "type": "int"}}, {{"name": "l", "type": "long"}},
        {{"name": "f", "type": "float"}}, {{"name": "d", "type": "double"}}, {{"name": "s", "type": "string"}},
        {{"name": "a", "type": {{"type": "array", "items": ["null", "long"]}}}},
        {{"name": "m", "type": {{"type": "map", "values": "double"}}}}, {{"name": "e", "type": {ENUM}}},
        {{"name": "r", "type":
            {{"type": "record", "name": "Cat", "fields": [{{"name": "lives", "type": "int"}}]}}}},
        {{"name": "o", "type": ["null",
            {{"type": "record", "name": "Dog", "fields": [{{"name": "name", "type": "string"}}]}}]}}"#
    ));
    let value = All {
        b: true,
        i: i32::MIN,
        l: i64::MAX,
        f: f32::MIN_POSITIVE,
        d: f64::MAX,
        s: "日本".into(),
        a: vec![None, Some(-3)],
        m: HashMap::from([("k".into(), -0.0)]),
        e: Suit::Hearts,
        r: Cat { lives: 9 },
        o: Some(Dog { name: String::new() }),
    };
    let bytes = oracle_bytes(&schema, &value);
    check(&schema, value, &bytes);
}
