//! Avro texts in and out: what is accepted, how it is printed, normalized, compared and tagged.
#![cfg(feature = "avro")]
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use muster_schema::avro::{self, AvroSchema};
use muster_schema::format::EntityTags;
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};

fn parse_with(references: &[&str], text: &str, strictness: Strictness) -> Result<AvroSchema, ParseError> {
    let texts =
        references.iter().enumerate().map(|(at, text)| (format!("r{at}"), (*text).to_owned())).collect();
    avro::parse(
        text,
        &ResolvedReferences { texts, ..ResolvedReferences::default() },
        strictness,
        &Limits::default(),
    )
}

fn parse(text: &str) -> AvroSchema {
    parse_with(&[], text, Strictness::New).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// A record with one field of a type and more attributes.
fn with_field(schema: &str, rest: &str) -> String {
    record(&format!(r#"{{"name":"f","type":{schema}{rest}}}"#))
}

#[test]
fn canonical_text_has_one_order_of_attributes() {
    let cases = [
        (r#" /* c */ {"type" : "int"} "#, r#""int""#),
        (r#"{"x":1,"type":"int"}"#, r#"{"type":"int","x":1}"#),
        (r#"{"items":{"type":"long"},"k":[],"type":"array"}"#, r#"{"type":"array","items":"long","k":[]}"#),
        (r#"["null",{"type":"map","values":"bytes"}]"#, r#"["null",{"type":"map","values":"bytes"}]"#),
        ("[]", "[]"),
        (
            r#"{"aliases":["b","n.a","m.c","b"],"k":null,"fields":[],"doc":"","name":"n.R","type":"error","size":3}"#,
            r#"{"type":"error","name":"R","namespace":"n","doc":"","fields":[],"k":null,"aliases":["b","a","m.c"]}"#,
        ),
        (
            r#"{"type":"enum","default":"B","p":1,"symbols":["A","B"],"namespace":"n","name":"E","aliases":["int"]}"#,
            r#"{"type":"enum","name":"E","namespace":"n","symbols":["A","B"],"default":"B","p":1,"aliases":["n.int"]}"#,
        ),
        (
            r#"{"type":"fixed","size":-0,"doc":"d","name":".F","namespace":"n"}"#,
            r#"{"type":"fixed","name":"F","doc":"d","size":0}"#,
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"items":1,"aliases":["b","a","b"],"order":"DESCENDING",
                "default":1,"doc":"","type":"int","name":"f"},{"order":"ascending","aliases":[],"type":"int",
                "name":"g","doc":7}],"doc":7}"#,
            concat!(
                r#"{"type":"record","name":"R","fields":[{"name":"f","type":"int","doc":"","default":1,"#,
                r#""order":"descending","aliases":["b","a"],"items":1},{"name":"g","type":"int"}]}"#
            ),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).canonical(), expected);
    }
}

#[test]
fn names_are_as_short_as_the_namespace_allows() {
    let text = r#"{"type":"record","name":"n.R","fields":[
        {"name":"a","type":{"type":"fixed","name":"F","size":1}},
        {"name":"b","type":"n.F"},
        {"name":"c","type":{"type":"record","name":"S","namespace":"m","fields":[
            {"name":"d","type":"n.F"},{"name":"e","type":{"type":"enum","name":"int","symbols":[]}},
            {"name":"g","type":"m.int"},{"name":"h","type":["null","S"]}]}},
        {"name":"i","type":{"type":"enum","name":"E","namespace":"","symbols":[]}},
        {"name":"j","type":{"type":"E","lost":1}}]}"#;
    let expected = concat!(
        r#"{"type":"record","name":"R","namespace":"n","fields":["#,
        r#"{"name":"a","type":{"type":"fixed","name":"F","size":1}},"#,
        r#"{"name":"b","type":"F"},"#,
        r#"{"name":"c","type":{"type":"record","name":"S","namespace":"m","fields":["#,
        r#"{"name":"d","type":"n.F"},{"name":"e","type":{"type":"enum","name":"int","symbols":[]}},"#,
        r#"{"name":"g","type":"m.int"},{"name":"h","type":["null","S"]}]}},"#,
        r#"{"name":"i","type":{"type":"enum","name":"E","namespace":"","symbols":[]}},"#,
        r#"{"name":"j","type":"E"}]}"#
    );
    assert_eq!(parse(text).canonical(), expected);
}

#[test]
fn a_definition_is_printed_where_its_name_is_used_first() {
    let text = record(concat!(
        r#"{"name":"a","type":["null","Q"]},{"name":"b","type":{"type":"array","items":"#,
        r#"{"type":"record","name":"Q","fields":[{"name":"r","type":"R"}]}}},{"name":"c","type":"Q"}"#
    ));
    let expected = record(concat!(
        r#"{"name":"a","type":["null",{"type":"record","name":"Q","fields":[{"name":"r","type":"R"}]}]},"#,
        r#"{"name":"b","type":{"type":"array","items":"Q"}},{"name":"c","type":"Q"}"#
    ));
    assert_eq!(parse(&text).canonical(), expected);
    assert!(parse(&text).equivalent(&parse(&expected)));
}

#[test]
fn what_avro_refuses_is_refused_with_its_reason() {
    let twice = |a: &str, b: &str| record(&format!(r#"{{"name":"a","type":{a}}},{{"name":"b","type":{b}}}"#));
    let cases = [
        ("", "Cannot parse <null> schema"),
        ("int", "unexpected character 'i' instead of a value at line 1, column 1"),
        ("\"int\" // x", "dangling content after end of schema: // x"),
        ("true", "Schema not yet supported: true"),
        ("{}", "No type: {}"),
        (r#"{"type":{"type":"int"}}"#, r#"No type: {"type":{"type":"int"}}"#),
        ("\"Q\"", "Undefined schema: Q"),
        (r#"{"type":"Q"}"#, "Undefined schema: Q"),
        (r#"{"type":"array"}"#, "Array has no items type"),
        (r#"{"type":"map"}"#, "Map has no values type"),
        (r#"["int","int"]"#, "Duplicate in union:int"),
        (r#"["int",["null"]]"#, "Nested union"),
        (r#"{"type":"record","fields":[]}"#, "No name in schema"),
        (r#"{"type":"record","name":"R"}"#, "Record has no fields"),
        (
            r#"{"type":"record","name":"string","fields":[]}"#,
            "Schemas may not be named after primitives: string",
        ),
        (r#"{"type":"record","name":"a-b","fields":[]}"#, "Illegal character in: a-b"),
        (r#"{"type":"record","name":"Ü","fields":[]}"#, "Illegal initial character: Ü"),
        (r#"{"type":"record","name":"","fields":[]}"#, "Empty name"),
        (r#"{"type":"record","name":"1a.R","fields":[]}"#, "Namespace part \"1a\" is invalid"),
        (r#"{"type":"record","name":"R","aliases":["x-y"],"fields":[]}"#, "Illegal character in: x-y"),
        (r#"{"type":"record","name":"R","aliases":{},"fields":[]}"#, "aliases not an array"),
        (r#"{"type":"record","name":"R","aliases":[1],"fields":[]}"#, "alias not a string: 1"),
        (r#"{"type":"enum","name":"E"}"#, "Enum has no symbols"),
        (r#"{"type":"enum","name":"E","symbols":["a",null]}"#, "Null name"),
        (r#"{"type":"enum","name":"E","symbols":["a","a"]}"#, "Duplicate enum symbol: a"),
        (
            r#"{"type":"enum","name":"E","symbols":["a","b"],"default":"c"}"#,
            "The Enum Default: c is not in the enum symbol set: [a, b]",
        ),
        (r#"{"type":"fixed","name":"F"}"#, "Invalid or no size"),
        (r#"{"type":"fixed","name":"F","size":4.0}"#, "Invalid or no size"),
        (r#"{"type":"fixed","name":"F","size":-1}"#, "Malformed data. Length is negative: -1"),
        (
            r#"{"type":"fixed","name":"F","size":2147483640}"#,
            "Cannot read arrays longer than 2147483639 bytes",
        ),
        (&record(r#"{"type":"int"}"#), "No field name"),
        (&record(r#"{"name":"f"}"#), "No field type"),
        (&with_field("\"int\"", r#","order":"up""#), "No enum constant"),
        (&with_field("\"int\"", r#","order":null"#), "order not a string"),
        (
            &record(r#"{"name":"f","type":"int"},{"name":"f","type":"Q"}"#),
            "Duplicate field f in record R: f type:RECORD pos:1 and f type:INT pos:0.",
        ),
        (&with_field("\"Q\"", ""), "Undefined schema: Q"),
        (
            &twice(r#"{"type":"fixed","name":"F","size":1}"#, r#"{"type":"fixed","name":"F","size":2}"#),
            "Can't redefine: F",
        ),
        (
            &twice(
                r#"{"type":"record","name":"N","fields":[{"name":"n","type":["null","N"]}]}"#,
                r#"{"type":"record","name":"N","fields":[{"name":"n","type":["null","N"]}]}"#,
            ),
            "Can't redefine: N",
        ),
        (&twice(r#"["Q","Q"]"#, r#"{"type":"enum","name":"Q","symbols":[]}"#), "Duplicate in union:Q"),
        (
            r#"{"type":"record","name":"R","fields":[],"big":18446744073709551616}"#,
            "Can't set a property to null: big",
        ),
    ];
    for (text, expected) in cases {
        match parse_with(&[], text, Strictness::New) {
            Err(ParseError::Invalid(reason)) => assert!(reason.starts_with(expected), "{text}: {reason}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn stored_schemas_are_read_less_strictly() {
    let cases = [
        (r#"{"type":"record","name":"Ünï","fields":[]}"#, false, true),
        (r#"{"type":"record","name":"x-y.R","fields":[]}"#, false, true),
        (r#"{"type":"record","name":"R","aliases":["x-y"],"fields":[]}"#, false, true),
        (&with_field("\"int\"", r#","default":"a""#), false, true),
        (r#"{"type":"record","name":"a-b","fields":[]}"#, false, false),
        (r#"{"type":"enum","name":"E","symbols":["1"]}"#, false, false),
        (&with_field("\"double\"", r#","default":"abc""#), false, false),
        (&with_field("\"int\"", r#","aliases":["x-y"]"#), true, true),
    ];
    for (text, new, stored) in cases {
        assert_eq!(parse_with(&[], text, Strictness::New).is_ok(), new, "{text}");
        assert_eq!(parse_with(&[], text, Strictness::Stored).is_ok(), stored, "{text}");
    }
    let odd = r#"{"type":"record","name":"a-b.1","fields":[]}"#;
    assert!(parse_with(&[odd], "\"a-b.1\"", Strictness::Stored).is_ok());
    assert!(parse_with(&[odd], "\"int\"", Strictness::New).is_err());
}

#[test]
fn a_default_fits_by_its_json_kind() {
    let q = r#"{"type":"record","name":"Q","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":1}]}"#;
    let e = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
    let cases = [
        ("\"int\"", "2147483647", true),
        ("\"int\"", "2147483648", false),
        ("\"int\"", "1.0", false),
        ("\"long\"", "9223372036854775808", false),
        ("\"float\"", "1e400", true),
        ("\"double\"", "\"1.5\"", true),
        ("\"double\"", "\"INF\"", false),
        ("[\"double\"]", "\"1.5\"", false),
        ("\"boolean\"", "\"true\"", false),
        ("\"null\"", "null", true),
        ("\"string\"", "1", false),
        ("\"bytes\"", "\"\u{3b1}\"", true),
        (e, "\"Z\"", true),
        (e, "1", false),
        (r#"{"type":"fixed","name":"F","size":9}"#, "\"\"", true),
        (r#"{"type":"array","items":["null","int"]}"#, "[1,null]", true),
        (r#"{"type":"array","items":"int"}"#, "[1,\"a\"]", false),
        (r#"{"type":"map","values":"int"}"#, r#"{"a":1}"#, true),
        (r#"{"type":"map","values":"int"}"#, r#"{"a":null}"#, false),
        (q, r#"{"a":1}"#, true),
        (q, r#"{"b":1}"#, false),
        (q, r#"{"a":1,"unknown":true}"#, true),
        (q, "[]", false),
        ("[\"null\",\"int\"]", "5", true),
        ("[\"null\",\"int\"]", "\"5\"", false),
        ("[]", "null", false),
        ("\"R\"", "{}", false),
        ("[\"null\",\"R\"]", "null", true),
        ("[\"null\",\"R\"]", "{}", false),
        ("[{\"type\":\"map\",\"values\":\"R\"},\"R\"]", "{}", true),
        ("{\"type\":\"array\",\"items\":\"R\"}", "[{}]", false),
        ("{\"type\":\"array\",\"items\":\"R\"}", "[]", true),
        ("{\"type\":\"map\",\"values\":\"R\"}", "{}", true),
    ];
    for (schema, default, fits) in cases {
        let text = with_field(schema, &format!(",\"default\":{default}"));
        let parsed = parse_with(&[], &text, Strictness::New);
        assert_eq!(parsed.is_ok(), fits, "{text}: {:?}", parsed.err());
    }
    let later = |default: &str, schema: &str| {
        let first = format!(r#"{{"name":"f","type":"Q","default":{default}}}"#);
        record(&format!(r#"{first},{{"name":"g","type":{schema}}}"#))
    };
    let as_q = |schema: &str| schema.replace("\"E\"", "\"Q\"");
    let cases = [
        (later("{\"a\":1}", q), true),
        (later("{}", q), false),
        (later("\"A\"", &as_q(e)), false),
        (later("{}", &as_q(e)), false),
    ];
    for (text, fits) in cases {
        assert_eq!(parse_with(&[], &text, Strictness::New).is_ok(), fits, "{text}");
    }
}

#[test]
fn numbers_and_strings_are_printed_the_java_way() {
    let cases = [
        ("1.10", "1.1"),
        ("[1e3,1E5,100000000.0,-0,-0.0]", "[1000.0,100000.0,1.0E8,0,-0.0]"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("-1e400", "\"-Infinity\""),
        (r#""\u00e9\/\u0001\u2028""#, "\"é/\\u0001\u{2028}\""),
        (r#"{"b":1,"a":{"d":1,"c":2},"b":3}"#, r#"{"b":3,"a":{"d":1,"c":2}}"#),
    ];
    for (value, expected) in cases {
        let schema = parse(&format!(r#"{{"type":"int","x":{value}}}"#));
        assert_eq!(schema.canonical(), format!(r#"{{"type":"int","x":{expected}}}"#));
    }
    for (default, expected) in
        [("\" 1.50 \"", "1.5"), ("\"NaN\"", "\"NaN\""), ("\"1e400\"", "\"Infinity\""), ("1", "1")]
    {
        let schema = parse(&with_field("\"double\"", &format!(",\"default\":{default}")));
        assert_eq!(schema.canonical(), with_field("\"double\"", &format!(",\"default\":{expected}")));
    }
}

#[test]
fn normalization_sorts_what_has_no_meaning() {
    let decimal = r#""type":"bytes","scale":0,"precision":4,"a":1,"logicalType":"decimal""#;
    let cases = [
        (
            r#"{"type":"int","z":{"b":1,"a":[{"d":1,"c":2}]},"a":1}"#,
            r#"{"type":"int","a":1,"z":{"a":[{"c":2,"d":1}],"b":1}}"#,
        ),
        (
            &format!("{{{decimal}}}"),
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"a":1,"scale":0}"#,
        ),
        (
            &format!("{{{decimal},\"java-class\":\"X\"}}"),
            r#"{"type":"bytes","a":1,"java-class":"X","logicalType":"decimal","precision":4,"scale":0}"#,
        ),
        (
            &format!("{{{decimal},\"java-class\":1}}"),
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"a":1,"java-class":1,"scale":0}"#,
        ),
        (
            r#"{"type":"string","a":1,"logicalType":"date"}"#,
            r#"{"type":"string","a":1,"logicalType":"date"}"#,
        ),
        (
            r#"{"type":"fixed","name":"F","size":16,"doc":"","a":1,"logicalType":"uuid","aliases":["z","n.a",".y"]}"#,
            r#"{"type":"fixed","name":"F","size":16,"logicalType":"uuid","a":1,"aliases":["n.a","y","z"]}"#,
        ),
        (
            r#"{"type":"error","name":"n.R","fields":[{"name":"f","type":"int","doc":"","order":"ignore","aliases":["b","a"]}]}"#,
            concat!(
                r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"f","type":"int","doc":"","#,
                r#""order":"ignore","aliases":["a","b"]}]}"#
            ),
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["B","A"],"default":"A","doc":"d"}"#,
            r#"{"type":"enum","name":"E","doc":"d","symbols":["B","A"],"default":"A"}"#,
        ),
    ];
    for (text, expected) in cases {
        let normalized = parse(text).normalized().unwrap();
        assert_eq!(normalized.canonical(), expected);
        assert_eq!(normalized.normalized().unwrap().canonical(), expected);
    }
}

#[test]
fn normalization_reads_defaults_with_the_first_branch() {
    let q = r#"{"type":"record","name":"Q","fields":[{"name":"a","type":["null","int"]},{"name":"b","type":"float","default":1}]}"#;
    let q_normalized = q.replace("\"default\":1", "\"default\":1.0");
    let cases: [(&str, &str, Result<&str, ()>); 21] = [
        ("\"double\"", "1", Ok("1.0")),
        ("\"float\"", "0.1", Ok("0.1")),
        ("\"float\"", "16777217", Ok("1.6777216E7")),
        ("\"float\"", "1e40", Ok("\"Infinity\"")),
        ("\"double\"", "\"NaN\"", Ok("\"NaN\"")),
        ("\"double\"", "18446744073709551616", Ok("")),
        ("\"bytes\"", "\"a\u{ff}\u{100}\u{1f600}\"", Ok("\"a\u{ff}??\"")),
        ("[\"null\",\"int\"]", "5", Ok("")),
        ("[\"null\",\"string\"]", "\"5\"", Ok("")),
        ("[\"int\",\"null\"]", "null", Ok("null")),
        ("[\"null\",\"boolean\"]", "true", Ok("true")),
        ("[\"null\",\"long\",\"double\"]", "1.5", Ok("")),
        ("[\"long\",\"null\"]", "5", Ok("5")),
        (r#"["null",{"type":"array","items":"int"}]"#, "[]", Ok("[]")),
        (r#"["null",{"type":"array","items":"int"}]"#, "[1]", Err(())),
        (r#"{"type":"array","items":["null","int"]}"#, "[3]", Err(())),
        (r#"{"type":"array","items":["null","int"]}"#, "[null,null]", Ok("[null,null]")),
        (r#"{"type":"map","values":"double"}"#, r#"{"b":1,"a":2}"#, Ok(r#"{"a":2.0,"b":1.0}"#)),
        (r#"["null",{"type":"map","values":"double"}]"#, r#"{"b":1,"a":2}"#, Ok(r#"{"a":2,"b":1}"#)),
        (q, r#"{"b":2,"a":null}"#, Ok(r#"{"a":null,"b":2.0}"#)),
        (q, r#"{"a":null,"unknown":1}"#, Err(())),
    ];
    for (schema, default, expected) in cases {
        let schema_text = parse(&with_field(schema, &format!(",\"default\":{default}")));
        let normalized = schema_text.normalized().map(|normalized| normalized.canonical().to_owned());
        let default = match expected {
            Ok("") => String::new(),
            Ok(expected) => format!(",\"default\":{expected}"),
            Err(()) => {
                assert!(normalized.is_err(), "{schema} {default}: {normalized:?}");
                continue;
            }
        };
        assert_eq!(normalized, Ok(with_field(&schema.replace(q, &q_normalized), &default)));
    }
    assert!(parse(&with_field("[]", "")).normalized().is_err());
    assert!(parse(r#"{"type":"int","x":18446744073709551616}"#).normalized().is_err());
    let invalid = with_field("\"int\"", ",\"default\":\"a\"");
    let stored = parse_with(&[], &invalid, Strictness::Stored).unwrap();
    assert_eq!(stored.normalized().unwrap().canonical(), with_field("\"int\"", ""));
}

#[test]
fn equivalence_sees_the_model_and_its_notes_but_not_the_writing() {
    let field = |rest: &str| with_field("\"int\"", rest);
    let named = |rest: &str| format!(r#"{{"type":"fixed","name":"n.F","size":1{rest}}}"#);
    let cases = [
        (r#"{"type":"int"}"#.to_owned(), r#""int""#.to_owned(), true),
        (
            r#"{"type":"int","a":1,"b":{"c":1,"d":2}}"#.into(),
            r#"{"b":{"d":2,"c":1},"a":1,"type":"int"}"#.into(),
            true,
        ),
        (r#"{"type":"int","a":1}"#.into(), r#"{"type":"int","a":1.0}"#.into(), false),
        (r#"{"type":"int","a":1}"#.into(), "\"int\"".into(), false),
        (named(""), r#"{"type":"fixed","name":"F","namespace":"n","size":1}"#.into(), true),
        (named(""), r#"{"type":"fixed","name":"F","size":1}"#.into(), false),
        (named(r#","doc":"""#), named(""), false),
        (named(r#","aliases":["a","m.b"]"#), named(r#","aliases":["m.b","n.a"]"#), true),
        (named(r#","aliases":["a"]"#), named(""), false),
        (field(",\"order\":\"ascending\",\"aliases\":[]"), field(""), true),
        (field(",\"order\":\"ignore\""), field(""), false),
        (field(",\"doc\":\"\""), field(""), false),
        (field(",\"aliases\":[\"a\",\"b\"]"), field(",\"aliases\":[\"b\",\"a\"]"), true),
        (field(",\"default\":1"), field(""), false),
        (field(",\"default\":1"), field(",\"default\":2"), false),
        (
            with_field("\"double\"", ",\"default\":\"NaN\""),
            with_field("\"double\"", ",\"default\":\"+NaN\""),
            true,
        ),
        (with_field("\"double\"", ",\"default\":1"), with_field("\"double\"", ",\"default\":1.0"), false),
        (
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["A"]}"#.into(),
            false,
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["B","A"]}"#.into(),
            false,
        ),
        (record(""), record("").replace("record", "error"), true),
        (r#"["null","int"]"#.into(), r#"["int","null"]"#.into(), false),
        (r#"{"type":"array","items":"int"}"#.into(), r#"{"type":"map","values":"int"}"#.into(), false),
        (
            with_field(r#"["null","R"]"#, ""),
            with_field(r#"["null",{"type":"record","name":"Q","fields":[]}]"#, ""),
            false,
        ),
    ];
    for (a, b, expected) in cases {
        let (a, b) = (parse(&a), parse(&b));
        assert_eq!(a.equivalent(&b), expected, "{} and {}", a.canonical(), b.canonical());
        assert_eq!(b.equivalent(&a), expected, "{} and {}", b.canonical(), a.canonical());
        assert!(a.equivalent(&a.clone()));
    }
}

#[test]
fn references_are_printed_by_name_and_resolved_on_demand() {
    let outer = r#"{"type":"record","name":"n.Outer","fields":[{"name":"i","type":{"type":"fixed","name":"Inner","size":3}}]}"#;
    let user = r#"{"type":"record","name":"User","fields":[{"name":"o","type":"n.Outer"},{"name":"i","type":"n.Inner"}]}"#;
    let text =
        r#"{"type":"record","name":"n.R","fields":[{"name":"u","type":"User"},{"name":"o","type":"Outer"}]}"#;
    let schema = parse_with(&[outer, user, "\"int\""], text, Strictness::New).unwrap();
    assert_eq!(
        schema.canonical(),
        r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"u","type":"User"},{"name":"o","type":"Outer"}]}"#
    );
    let inlined = concat!(
        r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"u","type":{"type":"record","name":"User","#,
        r#""namespace":"","fields":[{"name":"o","type":{"type":"record","name":"Outer","namespace":"n","fields":["#,
        r#"{"name":"i","type":{"type":"fixed","name":"Inner","size":3}}]}},{"name":"i","type":"n.Inner"}]}},"#,
        r#"{"name":"o","type":"Outer"}]}"#
    );
    assert_eq!(schema.formatted("RESOLVED"), inlined);
    for format in ["", " ", "default", "unknown"] {
        assert_eq!(schema.formatted(format), schema.canonical());
    }
    assert!(schema.equivalent(&parse(inlined)));
    assert_eq!(schema.normalized().unwrap().canonical(), schema.canonical());
    // A type inside a referenced schema is not a referenced schema.
    let nested = parse_with(&[outer], r#"["null","n.Inner"]"#, Strictness::New).unwrap();
    assert_eq!(nested.canonical(), r#"["null",{"type":"fixed","name":"Inner","namespace":"n","size":3}]"#);
    // A definition equal to the referenced one is the same type; another one is not.
    let again = parse_with(&[outer], outer, Strictness::New).unwrap();
    assert_eq!((again.canonical(), again.record_name().as_deref()), ("\"n.Outer\"", Some("n.Outer")));
    let other = outer.replace("\"size\":3", "\"size\":4");
    assert!(parse_with(&[outer], &other, Strictness::New).is_err());
    assert!(parse_with(&["\"n.Outer\"", outer], "\"int\"", Strictness::New).is_err());
}

#[test]
fn defaults_of_referenced_schemas_are_checked_again_when_names_are_added() {
    // Read alone, `X` is complete before the default of `f` is checked; resolved once more, `A` comes first.
    let circular = concat!(
        r#"{"type":"record","name":"A","fields":[{"name":"f","type":"X","default":{}},{"name":"h","type":"#,
        r#"{"type":"record","name":"X","fields":[{"name":"g","type":["null","A"],"default":null}]}}]}"#
    );
    let names = r#"{"type":"enum","name":"E","symbols":[]}"#;
    let cases: [(&[&str], &str, bool); 4] = [
        (&[], circular, true),
        (&[circular], "[\"A\"]", true),
        (&[circular], names, false),
        (&[names, circular], "[\"A\"]", true),
    ];
    for (references, text, accepted) in cases {
        let new = parse_with(references, text, Strictness::New);
        assert_eq!(new.is_ok(), accepted, "{references:?} {text}");
        assert!(parse_with(references, text, Strictness::Stored).is_ok());
    }
}

#[test]
fn only_records_have_a_record_name_and_fields() {
    let schema = parse(
        r#"{"type":"record","name":"n.R","fields":[{"name":"b","type":"int"},{"name":"a","type":"int"}]}"#,
    );
    assert_eq!(
        (schema.record_name().as_deref(), schema.top_level_fields()),
        (Some("n.R"), vec!["b".into(), "a".into()])
    );
    for text in [
        "\"int\"",
        r#"{"type":"enum","name":"E","symbols":[]}"#,
        r#"["null",{"type":"record","name":"R","fields":[]}]"#,
    ] {
        assert_eq!((parse(text).record_name(), parse(text).top_level_fields()), (None, vec![]));
    }
}

fn tags(path: &str, is_field: bool, tags: &[&str]) -> EntityTags {
    EntityTags { path: path.to_owned(), is_field, tags: tags.iter().map(|&tag| tag.to_owned()).collect() }
}

const TAGGED: &str = r#"{"type":"record","name":"n.R","confluent:tags":["A"],"fields":[
    {"name":"f","type":"int","confluent:tags":["PII","X","PII"]},
    {"name":"g","type":["null",{"type":"array","items":{"type":"record","name":"Q","fields":[
        {"name":"h","type":"R","confluent:tags":[]},{"name":"i","type":"int","confluent:tags":["Y"]}]}}]},
    {"name":"j","type":"int","confluent:tags":"no list"}],"aliases":["S"]}"#;

#[test]
fn inline_tags_are_listed_in_document_order() {
    let expected =
        [tags("n.R", false, &["A"]), tags("n.R.f", true, &["PII", "X"]), tags("n.Q.i", true, &["Y"])];
    assert_eq!(parse(TAGGED).inline_tags(), expected);
}

#[test]
fn tags_are_added_then_removed() {
    let schema = parse(TAGGED);
    let edit = |add: &[EntityTags], remove: &[EntityTags]| {
        let text = schema.with_tags(add, remove)?;
        Ok::<_, ParseError>(parse(&text).inline_tags())
    };
    let add = [tags("n.R.f", true, &["X", "Z"]), tags(".n.Q", false, &["B"]), tags("R.f", true, &["W"])];
    let remove = [tags("n.R", false, &["A"]), tags("n.R.f", true, &["PII"]), tags("n.Q.h", true, &["none"])];
    let expected =
        [tags("n.R.f", true, &["X", "Z", "W"]), tags("n.Q", false, &["B"]), tags("n.Q.i", true, &["Y"])];
    assert_eq!(edit(&add, &remove).unwrap(), expected);
    // The attribute comes last among the properties, and goes when no tag is left.
    let plain = parse(r#"{"type":"record","name":"R","fields":[],"z":1,"aliases":["S"]}"#);
    let added = plain.with_tags(&[tags("R", false, &["A"])], &[]).unwrap();
    assert_eq!(
        added,
        r#"{"type":"record","name":"R","fields":[],"z":1,"confluent:tags":["A"],"aliases":["S"]}"#
    );
    assert_eq!(parse(&added).with_tags(&[], &[tags("R", false, &["A"])]).unwrap(), plain.canonical());
    for (path, is_field) in [("n.R.x", true), ("m.R", false), ("R", true), ("", false), ("n.Q.h.x", true)] {
        let error = edit(&[tags(path, is_field, &["A"])], &[]).unwrap_err();
        assert_eq!(error.to_string(), format!("No matching path '{path}' found in the schema"));
    }
    assert!(edit(&[tags("n.R.j", true, &["A"])], &[]).is_err());
}
