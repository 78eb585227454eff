//! Each kind of change as a row of a table: writer, reader, what is listed.
#![cfg(feature = "avro")]
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

use muster_schema::avro::changes::{ChangeKind, changes};
use muster_schema::avro::{self, AvroSchema};
use muster_schema::{Limits, ResolvedReferences, Strictness};

fn parse(text: &str) -> AvroSchema {
    avro::parse(text, &ResolvedReferences::default(), Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{text:.300}: {error}"))
}

/// Lists what changed and expects these lines.
fn check(writer: &str, reader: &str, expected: &[&str]) {
    let listed = changes(&parse(writer), &parse(reader), &Limits::default());
    let lines: Vec<String> = listed.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected, "writer {writer}, reader {reader}");
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// Two records with a field of the same name.
fn check_field(writer: &str, reader: &str, expected: &[&str]) {
    let field = |rest: &str| record(&format!(r#"{{"name":"f",{rest}}}"#));
    check(&field(writer), &field(reader), expected);
}

#[test]
fn types_change_and_are_promoted() {
    check("\"int\"", "\"int\"", &[]);
    check("\"int\"", "\"string\"", &["/: type changed from int to string (breaks both ways)"]);
    check("\"int\"", "\"double\"", &["/: type promoted from int to double (breaks forward)"]);
    check("\"long\"", "\"int\"", &["/: type changed from long to int (breaks backward)"]);
    check("\"string\"", "\"bytes\"", &["/: type promoted from string to bytes (compatible)"]);
    check(
        r#"{"type":"array","items":{"type":"map","values":"int"}}"#,
        r#"{"type":"array","items":{"type":"map","values":"long"}}"#,
        &["/[]/{}: type promoted from int to long (breaks forward)"],
    );
    check(
        r#"{"type":"array","items":"int"}"#,
        r#"{"type":"map","values":"int"}"#,
        &["/: type changed from array of int to map of int (breaks both ways)"],
    );
}

#[test]
fn fields_come_and_go() {
    check(
        &record(r#"{"name":"a","type":"int"},{"name":"b","type":"int","default":1}"#),
        &record(r#"{"name":"c","type":"int"},{"name":"d","type":["null","int"],"default":null}"#),
        &[
            "/c: field added: int (breaks backward)",
            "/d: field added: [null, int] = null (compatible)",
            "/a: field removed: int (breaks forward)",
            "/b: field removed: int = 1 (compatible)",
        ],
    );
    // The default of an enum is none of the field.
    let of_enum = r#"{"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"}}"#;
    check(&record(""), &record(of_enum), &["/e: field added: enum E (breaks backward)"]);
}

#[test]
fn fields_are_renamed_with_an_alias_of_either_side() {
    let (old, new) = (r#"{"name":"old","type":"int"}"#, r#"{"name":"new","type":"int","aliases":["old"]}"#);
    check(
        &record(old),
        &record(new),
        &[
            "/new: field renamed from old to new (breaks forward)",
            "/new: aliases changed from [] to [old] (compatible)",
        ],
    );
    check(
        &record(new),
        &record(old),
        &[
            "/old: field renamed from new to old (breaks backward)",
            "/old: aliases changed from [old] to [] (compatible)",
        ],
    );
    // Without an alias it is another field.
    check(
        &record(old),
        &record(r#"{"name":"new","type":"int"}"#),
        &["/new: field added: int (breaks backward)", "/old: field removed: int (breaks forward)"],
    );
}

#[test]
fn a_field_that_stands_for_several_makes_schemas_incomparable() {
    let listed = changes(
        &parse(&record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#)),
        &parse(&record(r#"{"name":"b","type":"int","aliases":["a"]}"#)),
        &Limits::default(),
    );
    assert_eq!(listed[0].kind, ChangeKind::NotComparable.as_str());
    assert!(listed[0].verdict.breaks_backward && !listed[0].verdict.breaks_forward);
    assert!(listed[0].to.as_ref().is_some_and(|text| text.contains("matches multiple fields")));
}

#[test]
fn attributes_of_fields_change() {
    check_field(r#""type":"int""#, r#""type":"int","default":1"#, &["/f: default added: 1 (compatible)"]);
    check_field(r#""type":"int","default":1"#, r#""type":"int""#, &["/f: default removed: 1 (compatible)"]);
    check_field(
        r#""type":"int","default":1"#,
        r#""type":"int","default":2"#,
        &["/f: default changed from 1 to 2 (compatible)"],
    );
    check_field(
        r#""type":"int","doc":"a""#,
        r#""type":"int","order":"ignore","x":[1]"#,
        &[
            "/f: sort order changed from ascending to ignore (compatible)",
            r#"/f: doc changed: "a" (compatible)"#,
            "/f: property added: x = [1] (compatible)",
        ],
    );
    check_field(
        r#""type":{"type":"int","logicalType":"date","y":1}"#,
        r#""type":{"type":"int","logicalType":"time-millis"}"#,
        &[
            r#"/f: property changed from logicalType = "date" to logicalType = "time-millis" (compatible)"#,
            "/f: property removed: y = 1 (compatible)",
        ],
    );
    check(
        &record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"},{"name":"c","type":"int"}"#),
        &record(r#"{"name":"b","type":"int"},{"name":"a","type":"int"}"#),
        &[
            "/c: field removed: int (breaks forward)",
            "/: fields reordered from [a, b, c] to [b, a] (compatible)",
        ],
    );
}

#[test]
fn names_change() {
    let fixed = |head: &str, size: u32| format!(r#"{{"type":"fixed","size":{size},{head}}}"#);
    check(
        &fixed(r#""name":"n.F""#, 1),
        &fixed(r#""name":"m.F","doc":"d""#, 1),
        &["/: namespace changed from n to m (compatible)", r#"/: doc changed: "d" (compatible)"#],
    );
    check(
        &fixed(r#""name":"n.F""#, 1),
        &fixed(r#""name":"n.G""#, 2),
        &["/: name changed from F to G (breaks both ways)", "/: size changed from 1 to 2 (breaks both ways)"],
    );
    check(
        &fixed(r#""name":"n.F""#, 1),
        &fixed(r#""name":"n.G","aliases":["F"]"#, 1),
        &["/: name changed from F to G (breaks forward)", "/: aliases changed from [] to [n.F] (compatible)"],
    );
    check(
        &record(""),
        &record("").replace("record", "error"),
        &["/: error changed from record to error (compatible)"],
    );
}

#[test]
fn symbols_come_and_go() {
    let of = |rest: &str| format!(r#"{{"type":"enum","name":"E",{rest}}}"#);
    check(
        &of(r#""symbols":["A","B","C"]"#),
        &of(r#""symbols":["D","B","A"],"default":"A""#),
        &[
            "/: symbol added: D (breaks forward)",
            "/: symbol removed: C (compatible)",
            "/: symbols reordered from [A, B, C] to [D, B, A] (compatible)",
            "/: default added: A (compatible)",
        ],
    );
    check(
        &of(r#""symbols":["A","B"]"#),
        &of(r#""symbols":["A"]"#),
        &["/: symbol removed: B (breaks backward)"],
    );
}

#[test]
fn unions_change_branch_by_branch() {
    check(
        r#"["null","int","string"]"#,
        r#"["string","null","long"]"#,
        &[
            "/: branch added: long (breaks forward)",
            "/: branch removed: int (compatible)",
            "/: branches reordered from [null, int, string] to [string, null, long] (compatible)",
        ],
    );
    check("\"int\"", r#"["null","int"]"#, &["/: type changed from int to [null, int] (breaks forward)"]);
    check(r#"["null","int"]"#, "\"int\"", &["/: type changed from [null, int] to int (breaks backward)"]);
    check(
        "\"int\"",
        r#"["null","string"]"#,
        &["/: type changed from int to [null, string] (breaks both ways)"],
    );
    check("\"int\"", r#"["null","long"]"#, &["/: type changed from int to [null, long] (breaks forward)"]);
}

#[test]
fn what_changed_inside_a_branch_counts_if_no_other_branch_helps() {
    let of = |other: &str, kind: &str| {
        format!(
            r#"["null",{other}{{"type":"record","name":"n.B","fields":[{{"name":"x","type":"{kind}"}}]}}]"#
        )
    };
    check(&of("", "int"), &of("", "string"), &["/n.B/x: type changed from int to string (breaks both ways)"]);
    // A branch of the same simple name reads it as well.
    let helper = r#"{"type":"record","name":"m.B","fields":[{"name":"x","type":"int"}]},"#;
    check(
        &of("", "int"),
        &of(helper, "string"),
        &[
            "/: branch added: record m.B (compatible)",
            "/n.B/x: type changed from int to string (breaks forward)",
        ],
    );
}

#[test]
fn types_used_often_and_recursive_types_are_told_once() {
    let of = |kind: &str| {
        record(&format!(
            r#"{{"name":"a","type":{{"type":"record","name":"N","fields":[
                {{"name":"v","type":"{kind}"}},{{"name":"next","type":["null","N"]}}]}}}},{{"name":"b","type":"N"}}"#
        ))
    };
    check(&of("int"), &of("long"), &["/a/v: type promoted from int to long (breaks forward)"]);
}

#[test]
fn work_and_text_are_bounded() {
    let wide = |prefix: &str| {
        let fields: Vec<String> =
            (0..1_000).map(|n| format!(r#"{{"name":"{prefix}{n}","type":"int"}}"#)).collect();
        parse(&record(&fields.join(",")))
    };
    let (writer, reader) = (wide("a"), wide("b"));
    let listed = |limits: Limits| changes(&writer, &reader, &limits);
    assert_eq!(listed(Limits::default()).len(), 2_000);
    let few = listed(Limits { difference_bytes: 10_000, ..Limits::default() });
    assert!(few.len() < 200);
    assert_eq!(few.last().map(|change| change.kind), Some(ChangeKind::ListCut.as_str()));
    let none = listed(Limits { pairs: 100, ..Limits::default() });
    assert_eq!(none.first().map(|change| change.kind), Some(ChangeKind::NotComparable.as_str()));
}

#[test]
fn deep_schemas_fit_a_small_stack() {
    let work = || {
        let deep = |leaf: &str| {
            let open = r#"{"type":"array","items":"#.repeat(490);
            parse(&format!("{open}\"{leaf}\"{}", "}".repeat(490)))
        };
        let listed = changes(&deep("int"), &deep("string"), &Limits::default());
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].path, "/[]".repeat(490));
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}
