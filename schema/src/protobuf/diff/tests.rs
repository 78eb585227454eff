//! What is found, and that nothing makes it slow.

use super::*;
use crate::format::Strictness;
use crate::ids::Guid;
use crate::protobuf::parse;
use crate::reference::ResolvedReferences;

fn schema(text: &str, imports: &[(&str, &str)], guids: &[u8]) -> ProtobufSchema {
    let references = ResolvedReferences {
        texts: imports.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        guids: guids.iter().map(|byte| Guid([*byte; 16])).collect(),
    };
    parse(text, &references, Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn found(reader: &ProtobufSchema, writer: &ProtobufSchema) -> Vec<String> {
    diff(reader, writer, &Limits::default()).iter().map(ToString::to_string).collect()
}

/// Compares two texts without imports, both in proto2.
fn between(writer: &str, reader: &str) -> Vec<String> {
    found(&schema(reader, &[], &[]), &schema(writer, &[], &[]))
}

#[test]
fn differences_are_named_and_placed() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("package a;", "package b;", &["PACKAGE_CHANGED #/"]),
        ("package a;", "", &["PACKAGE_CHANGED #/"]),
        (
            "message A {} message B {}",
            "message B {} message C {} message A {}",
            &["MESSAGE_MOVED #/A", "MESSAGE_MOVED #/B", "MESSAGE_ADDED #/C"],
        ),
        // An enum between messages moves none of them.
        ("message A {} message B {}", "message A {} enum E { X = 0; } message B {}", &["ENUM_ADDED #/E"]),
        (
            "message A { message B { message C {} } }",
            "message A { message B {} }",
            &["MESSAGE_REMOVED #/A/B/C"],
        ),
        (
            "enum E { A = 0; B = 1; C = 2; }",
            "enum E { A = 0; X = 1; D = 3; }",
            &["ENUM_CONST_CHANGED #/E/1", "ENUM_CONST_REMOVED #/E/2", "ENUM_CONST_ADDED #/E/3"],
        ),
        (
            "message A { optional int32 a = 1; required int32 b = 2; }",
            "message A { optional int32 x = 3; required int32 y = 4; }",
            &[
                "FIELD_REMOVED #/A/1",
                "REQUIRED_FIELD_REMOVED #/A/2",
                "FIELD_ADDED #/A/3",
                "REQUIRED_FIELD_ADDED #/A/4",
            ],
        ),
        // A group of scalars is read as any of it; an enum is in the general one, sint is in none with int.
        (
            "message A { optional int32 a = 1; optional bool b = 2; optional string c = 3; optional int64 d = 4; }",
            "message A { optional E a = 1; optional uint64 b = 2; optional bytes c = 3; optional sint64 d = 4; }
             enum E { X = 0; }",
            &["ENUM_ADDED #/E", "FIELD_SCALAR_KIND_CHANGED #/A/4"],
        ),
        (
            "message A { repeated int32 a = 1; repeated string b = 2; repeated A c = 3; }",
            "message A { optional int32 a = 1; optional string b = 2; optional A c = 3; }",
            &["FIELD_NUMERIC_LABEL_CHANGED #/A/1", "FIELD_STRING_OR_BYTES_LABEL_CHANGED #/A/2"],
        ),
        (
            "message A { map<string, int32> m = 1; map<string, A> n = 2; }",
            "message A { map<string, bool> m = 1; map<int32, int32> n = 2; }",
            &["FIELD_SCALAR_KIND_CHANGED #/A/2", "FIELD_KIND_CHANGED #/A/2"],
        ),
        // A map is what its entries are, however it is spelt.
        (
            "message A { map<string, int32> m = 1; }",
            "message A { repeated MEntry m = 1;
               message MEntry { option map_entry = true; optional string key = 1; optional int32 value = 2; } }",
            &["MESSAGE_ADDED #/A/MEntry"],
        ),
        ("message A { optional B b = 1; }", "message A { optional C b = 1; }", &["FIELD_NAMED_TYPE_CHANGED #/A/1"]),
        ("message A { optional p.B b = 1; }", "message A { optional p.B b = 1; }", &[]),
    ];
    for (writer, reader, expected) in cases {
        assert_eq!(between(writer, reader), *expected, "{writer} -> {reader}");
    }
}

#[test]
fn members_of_oneofs_are_followed_where_they_go() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("oneof o { int32 a = 1; }", "oneof o { int32 a = 1; int32 b = 2; }", &["ONEOF_FIELD_ADDED #/A/o/2"]),
        (
            "oneof o { int32 a = 1; int32 b = 2; }",
            "oneof o { int32 a = 1; }",
            &["ONEOF_FIELD_REMOVED #/A/o/2"],
        ),
        (
            "oneof o { int32 a = 1; }",
            "oneof p { int32 a = 1; }",
            &["ONEOF_REMOVED #/A/o", "ONEOF_ADDED #/A/p"],
        ),
        // The whole of it is gone.
        ("oneof o { int32 a = 1; int32 b = 2; }", "", &["ONEOF_REMOVED #/A/o"]),
        (
            "oneof o { int32 a = 1; int32 b = 2; }",
            "optional int32 a = 1;",
            &["ONEOF_REMOVED #/A/o", "ONEOF_FIELD_MOVED_TO_TOP_LEVEL #/A/1", "ONEOF_FIELD_REMOVED #/A/o/2"],
        ),
        ("optional int32 a = 1;", "oneof o { int32 a = 1; }", &["ONEOF_ADDED #/A/o"]),
        (
            "optional int32 a = 1; optional int32 b = 2;",
            "oneof o { int32 a = 1; int32 b = 2; }",
            &["MULTIPLE_FIELDS_MOVED_TO_ONEOF #/A/o", "ONEOF_ADDED #/A/o"],
        ),
        (
            "optional int32 a = 1; oneof o { int32 b = 2; }",
            "oneof o { int32 a = 1; int32 b = 2; }",
            &["FIELD_MOVED_TO_EXISTING_ONEOF #/A/o"],
        ),
        (
            "oneof o { int32 a = 1; } oneof p { int32 b = 2; }",
            "oneof o { int32 a = 1; int32 b = 2; }",
            &["FIELD_MOVED_TO_EXISTING_ONEOF #/A/o", "ONEOF_REMOVED #/A/p"],
        ),
    ];
    for (writer, reader, expected) in cases {
        let [writer, reader] = [writer, reader].map(|body| format!("message A {{ {body} }}"));
        assert_eq!(between(&writer, &reader), *expected, "{writer} -> {reader}");
    }
}

#[test]
fn imported_messages_are_looked_into_unless_they_are_one() {
    let main = "import \"d.proto\"; message A { optional d.D d = 1; }";
    let imported = |field: &str| format!("package d; message D {{ optional {field} x = 1; }}");
    let (old, new) = (imported("int32"), imported("string"));
    let side = |text: &str, guids: &[u8]| schema(main, &[("d.proto", text)], guids);
    let changed = ["FIELD_SCALAR_KIND_CHANGED #/D/1", "FIELD_NAMED_TYPE_CHANGED #/A/1"];
    assert_eq!(found(&side(&new, &[]), &side(&old, &[])), changed);
    assert_eq!(found(&side(&new, &[2]), &side(&old, &[1])), changed);
    assert!(found(&side(&new, &[1]), &side(&old, &[1])).is_empty());
    assert!(found(&side(&old, &[2]), &side(&old, &[1])).is_empty());
}

#[test]
fn a_change_in_a_web_of_imported_messages_is_found_in_bounded_time() {
    // Each of so many messages holds each: as many ways through them as there are orders of them.
    let web = |kind: &str| {
        let messages = (0..40).map(|at| {
            let fields = (0..40).map(|to| format!("optional M{to} f{to} = {};", to + 1));
            format!("message M{at} {{ {} optional {kind} last = 100; }}", fields.collect::<String>())
        });
        messages.collect::<String>()
    };
    let main = "import \"web.proto\"; message A { optional M0 a = 1; }";
    let side = |kind| schema(main, &[("web.proto", &web(kind))], &[]);
    assert!(found(&side("int32"), &side("int32")).is_empty());
    let found = found(&side("string"), &side("int32"));
    for at in 0..40 {
        let expected = format!("FIELD_SCALAR_KIND_CHANGED #/M{at}/100");
        assert!(found.contains(&expected), "{expected}");
    }
}

#[test]
fn a_map_entry_that_holds_itself_has_an_end() {
    let text = |kind: &str| {
        format!(
            "message A {{ repeated E e = 1; message E {{ option map_entry = true; repeated E key = 1; \
             repeated E value = 2; optional {kind} x = 3; }} }}"
        )
    };
    let found = between(&text("int32"), &text("string"));
    assert!(found.contains(&"FIELD_SCALAR_KIND_CHANGED #/A/E/3".to_owned()), "{found:?}");
}

#[test]
fn past_its_bounds_the_comparison_says_so() {
    let fields = |kind: &str| {
        let fields: String =
            (1..500).map(|number| format!("optional {kind} f{number} = {number};")).collect();
        format!("message A {{ {fields} }}")
    };
    let (writer, reader) = (schema(&fields("int32"), &[], &[]), schema(&fields("string"), &[], &[]));
    for limits in
        [Limits { pairs: 100, ..Limits::default() }, Limits { difference_bytes: 1_000, ..Limits::default() }]
    {
        let found = diff(&reader, &writer, &limits);
        assert_eq!(found.last().map(|last| last.kind), Some(DifferenceKind::TooLarge));
        assert!(found.len() < 499);
    }
    let all = diff(&reader, &writer, &Limits::default());
    assert_eq!(all.len(), 499);
}

#[test]
fn changes_carry_the_verdicts_of_both_directions() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "message A { optional int32 a = 1; }",
            "message A { optional string b = 1; required bool c = 2; }",
            &[
                "#/A/1: field name changed from a to b (compatible)",
                "#/A/1: field scalar kind changed from int32 to string (breaks both ways)",
                "#/A/2: required field added: required bool c (breaks both ways)",
            ],
        ),
        (
            "message A {} message B {}",
            "message B {}",
            &[
                "#/A: message removed: A (breaks backward)",
                "#/B: message moved from position 1 to position 0 (compatible)",
            ],
        ),
        (
            "message A { oneof o { int32 a = 1; int32 b = 2; } }",
            "message A { optional int32 a = 1; optional int32 b = 2; }",
            &[
                "#/A/o: oneof removed: o (compatible)",
                "#/A/1: oneof field moved to top level from int32 a to optional int32 a (compatible)",
                "#/A/2: oneof field moved to top level from int32 b to optional int32 b (compatible)",
                "#/A/o: multiple fields moved to oneof: o (breaks forward)",
            ],
        ),
        (
            "message A { map<fixed64, uint64> m = 1; }",
            "message A { map<string, sint32> m = 1; }",
            // The key and the value.
            &[
                "#/A/1: field scalar kind changed from map<fixed64, uint64> to map<string, sint32> (breaks both ways)",
                "#/A/1: field scalar kind changed from map<fixed64, uint64> to map<string, sint32> (breaks both ways)",
            ],
        ),
        ("package a;", "package b;", &["#/: package changed from a to b (breaks both ways)"]),
        ("enum E { A = 0; }", "enum E { B = 0; }", &["#/E/0: enum const changed from A to B (compatible)"]),
    ];
    for (writer, reader, expected) in cases {
        let listed = changes(&schema(writer, &[], &[]), &schema(reader, &[], &[]), &Limits::default());
        let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(listed, *expected, "{writer} -> {reader}");
    }
}
