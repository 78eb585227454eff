//! Levels, directions and the lines around the differences, with Avro schemas.

use std::collections::BTreeMap;

use super::*;
use crate::format::{SchemaType, Strictness};
use crate::reference::ResolvedReferences;
use CompatibilityLevel as Level;

fn parse(text: &str) -> ParsedSchema {
    let references = ResolvedReferences::default();
    ParsedSchema::parse(SchemaType::Avro, text, &references, Strictness::New, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn record(fields: &str) -> ParsedSchema {
    parse(&format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#))
}

fn properties(properties: &[(&str, &str)]) -> Metadata {
    let properties: BTreeMap<_, _> =
        properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Metadata { properties: Some(properties), ..Metadata::default() }
}

fn settings(level: Level) -> Settings<'static> {
    Settings::of(level)
}

/// Checks against versions 1, 2, 3…, oldest first.
fn messages(new: &ParsedSchema, history: &[&ParsedSchema], level: Level) -> Vec<String> {
    let history: Vec<_> = (1..)
        .zip(history)
        .map(|(version, schema)| Previous { version: Some(Version(version)), schema, metadata: None })
        .collect();
    check(Candidate { schema: new, metadata: None }, &history, settings(level), &Limits::default())
}

const A: &str = r#"{"name":"a","type":"int"}"#;
const A_AND_B: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#;

fn missing_b(reader: &str, writer: &str) -> String {
    format!(
        "{{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the {reader} \
         schema has no default value and is missing in the {writer} schema', additionalInfo:'b'}}"
    )
}

#[test]
fn levels_look_in_their_directions() {
    let (small, large) = (record(A), record(A_AND_B));
    let (backward, forward) = (Some(("new", "old")), Some(("old", "new")));
    let cases = [
        (Level::None, None, None),
        (Level::Backward, backward, None),
        (Level::BackwardTransitive, backward, None),
        (Level::Forward, None, forward),
        (Level::ForwardTransitive, None, forward),
        (Level::Full, backward, forward),
        (Level::FullTransitive, backward, forward),
    ];
    for (level, adding, removing) in cases {
        for (new, old, labels) in [(&large, &small, adding), (&small, &large, removing)] {
            let found = messages(new, &[old], level);
            let expected = labels.map(|(reader, writer)| missing_b(reader, writer));
            assert_eq!(found.first(), expected.as_ref(), "{level}");
        }
        assert_eq!(messages(&large, &[&large], level), Vec::<String>::new(), "{level}");
        assert_eq!(messages(&large, &[], level), Vec::<String>::new(), "{level}");
    }
}

#[test]
fn the_old_schema_and_the_settings_follow_the_differences() {
    let (small, large) = (record(A), record(A_AND_B));
    let old = |schema: &ParsedSchema| format!("{{oldSchema: '{}'}}", schema.canonical());
    assert_eq!(
        messages(&large, &[&small], Level::Backward),
        [
            missing_b("new", "old"),
            "{oldSchemaVersion: 1}".to_owned(),
            old(&small),
            "{validateFields: 'false', compatibility: 'BACKWARD'}".to_owned(),
        ]
    );
    // FULL checks forward first, and tells about the old schema only if the check backward failed.
    assert_eq!(
        messages(&small, &[&large], Level::Full),
        [missing_b("old", "new"), "{validateFields: 'false', compatibility: 'FULL'}".to_owned()]
    );
    let (int, string) = (parse(r#""int""#), parse(r#""boolean""#));
    let found = messages(&int, &[&string], Level::Full);
    assert_eq!(found.len(), 5);
    assert!(found[0].contains("in the old schema does not match with the new schema"), "{found:?}");
    assert!(found[0].contains("reader type: BOOLEAN not compatible with writer type: INT"), "{found:?}");
    assert!(found[1].contains("in the new schema does not match with the old schema"), "{found:?}");
}

#[test]
fn an_unknown_version_is_left_out() {
    let (small, large) = (record(A), record(A_AND_B));
    let history = [Previous { version: None, schema: &small, metadata: None }];
    let candidate = Candidate { schema: &large, metadata: None };
    let found = check(candidate, &history, settings(Level::Backward), &Limits::default());
    assert_eq!(found.len(), 3);
    assert!(found[1].starts_with("{oldSchema: "));
}

#[test]
fn transitive_levels_go_back_and_stop_at_the_first_failure() {
    let first = record(r#"{"name":"a","type":"string"}"#);
    let second = record(r#"{"name":"a","type":"boolean"}"#);
    let third = record(r#"{"name":"a","type":"long"}"#);
    let new = record(r#"{"name":"a","type":"long"}"#);
    let history = [&first, &second, &third];
    assert_eq!(messages(&new, &history, Level::Backward), Vec::<String>::new());
    for level in [Level::BackwardTransitive, Level::ForwardTransitive, Level::FullTransitive] {
        let found = messages(&new, &history, level);
        assert_eq!(found.iter().filter(|line| line.starts_with("{oldSchemaVersion")).count(), 1);
        assert!(found.contains(&"{oldSchemaVersion: 2}".to_owned()), "{found:?}");
    }
}

#[test]
fn a_long_old_schema_is_cut_at_utf_16_units() {
    let shown = |canonical: &str| truncated(canonical, 5).map(str::to_owned);
    let cases = [
        ("abcde", None),
        ("abcdef", Some("abcde")),
        ("ßßßßß", None),
        ("ßßßßßß", Some("ßßßßß")),
        ("ab🚀c", None),
        ("abcd🚀", Some("abcd")),
        ("abc🚀d", Some("abc🚀")),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text).as_deref(), expected, "{text}");
    }
    let fields: Vec<String> = (0..400).map(|n| format!(r#"{{"name":"f{n}","type":"int"}}"#)).collect();
    let (old, new) = (record(&fields.join(",")), parse(r#""int""#));
    let found = messages(&new, &[&old], Level::Backward);
    let expected = format!("{{oldSchema: <truncated> '{}...'}}", &old.canonical()[..10240]);
    assert_eq!(found.get(2), Some(&expected));
}

#[test]
fn only_versions_of_the_same_group_are_compared() {
    let (small, large) = (record(A), record(A_AND_B));
    let (one, two, none) = (properties(&[("major", "1")]), properties(&[("major", "2")]), properties(&[]));
    let nine = properties(&[("major", "9")]);
    let of = |version, schema, metadata| Previous { version: Some(Version(version)), schema, metadata };
    let history = [of(1, &small, Some(&one)), of(2, &large, Some(&two)), of(3, &large, None)];
    let found = |metadata, group| {
        let settings = Settings { group, ..settings(Level::Backward) };
        let found = check(Candidate { schema: &large, metadata }, &history, settings, &Limits::default());
        found.into_iter().find(|line| line.starts_with("{oldSchemaVersion"))
    };
    let incompatible_with_1 = Some("{oldSchemaVersion: 1}".to_owned());
    assert_eq!(found(Some(&one), Some("major")), incompatible_with_1);
    assert_eq!(found(Some(&two), Some("major")), None);
    assert_eq!(found(None, Some("major")), None);
    assert_eq!(found(Some(&none), Some("major")), None);
    assert_eq!(found(Some(&nine), Some("major")), None);
    assert_eq!(found(Some(&one), Some("other")), None);
    assert_eq!(found(Some(&one), None), None);
}

#[test]
fn reserved_fields_stay_reserved_and_unused() {
    let schema = record(r#"{"name":"f9","type":"int"},{"name":"a","type":"int"}"#);
    let removed = |name: &str| {
        format!(
            "The new schema has reserved field {name} removed from its metadata which is present in the old schema's \
             metadata."
        )
    };
    let conflict =
        |name: &str| format!("The new schema has field that conflicts with the reserved field {name}.");
    let reserving = |names: &str| properties(&[("confluent:reserved", names)]);
    let run = |new: &str, old: Option<&str>| {
        let (new, old) = (reserving(new), old.map(reserving));
        let history: Vec<_> = old
            .iter()
            .map(|old| Previous { version: Some(Version(1)), schema: &schema, metadata: Some(old) })
            .collect();
        let settings = Settings { validate_fields: true, ..settings(Level::None) };
        let candidate = Candidate { schema: &schema, metadata: Some(&new) };
        let mut found = check(candidate, &history, settings, &Limits::default());
        if let Some(last) = found.pop() {
            assert_eq!(last, "{validateFields: 'true', compatibility: 'NONE'}");
        }
        found
    };
    assert_eq!(run("", None), Vec::<String>::new());
    assert_eq!(run(" x ,, y,", Some("y,x")), Vec::<String>::new());
    assert_eq!(run(" f9\t,b", None), [conflict("f9")]);
    assert_eq!(run("", Some("f9,f8")), [removed("f8"), removed("f9")]);
    assert_eq!(run("a,f9", Some("x")), [removed("x"), conflict("a"), conflict("f9")]);
    // Nothing is looked at unless it is asked for.
    let metadata = reserving("a");
    let candidate = Candidate { schema: &schema, metadata: Some(&metadata) };
    assert_eq!(check(candidate, &[], settings(Level::None), &Limits::default()), Vec::<String>::new());
}

#[test]
fn reserved_names_are_listed_as_a_java_hash_set_does() {
    let names = |text: &str| {
        let metadata = properties(&[("confluent:reserved", text)]);
        reserved_names(Some(&metadata)).join(" ")
    };
    assert_eq!(names("f9,f8,f8"), "f8 f9");
    // Hashes 97, 2112 ("BB"), 2112 ("Aa", which collides), 98: buckets 1, 0, 0, 2.
    assert_eq!(names("a,BB,Aa,b"), "BB Aa a b");
    // Twelve names fit 16 buckets; 'p' (112) shares the first bucket with none of a…k until there are 32.
    assert_eq!(names("q,p,a,b,c,d,e,f,g,h,i,j"), "p q a b c d e f g h i j");
    assert_eq!(names("q,p,a,b,c,d,e,f,g,h,i,j,k"), "a b c d e f g h i j k p q");
}
