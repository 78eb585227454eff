//! Schemas made to hurt: each is answered in bounded time, memory and stack.
#![cfg(feature = "avro")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::{Duration, Instant};

use muster_schema::avro::AvroSchema;
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness, avro};

/// Parses on a stack as small as any thread here has, and does all that can be done with a schema.
fn parse(text: &str) -> Result<AvroSchema, ParseError> {
    let text = text.to_owned();
    let work = move || {
        let started = Instant::now();
        let parsed = avro::parse(&text, &ResolvedReferences::default(), Strictness::New, &Limits::default());
        if let Ok(schema) = &parsed {
            let again = avro::parse(
                schema.canonical(),
                &ResolvedReferences::default(),
                Strictness::Stored,
                &Limits::default(),
            );
            let again = again.expect("canonical text is a schema");
            assert_eq!(again.canonical(), schema.canonical());
            assert!(again.equivalent(schema));
            assert_eq!(schema.formatted("resolved"), schema.canonical());
            let _ = schema.normalized().map(|normalized| normalized.canonical().to_owned());
            let _ = schema.inline_tags();
            let _ = schema.clone();
        }
        let took = started.elapsed();
        assert!(took < Duration::from_secs(20), "took {took:?}");
        parsed
    };
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap()
}

fn record(name: &str, fields: &[String]) -> String {
    format!(r#"{{"type":"record","name":"{name}","fields":[{}]}}"#, fields.join(","))
}

fn field(name: &str, schema: &str, rest: &str) -> String {
    format!(r#"{{"name":"{name}","type":{schema}{rest}}}"#)
}

fn is_too_large(text: &str) {
    assert!(matches!(parse(text), Err(ParseError::TooLarge { .. })), "{:.200}", text);
}

#[test]
fn nesting_is_bounded() {
    let nested = |open: &str, middle: &str, close: &str, levels: usize| {
        format!("{}{middle}{}", open.repeat(levels), close.repeat(levels))
    };
    let array = r#"{"type":"array","items":"#;
    assert!(parse(&nested(array, "\"int\"", "}", 500)).is_ok());
    is_too_large(&nested(array, "\"int\"", "}", 501));
    for levels in [501, 100_000] {
        is_too_large(&nested("[", "", "]", levels));
        is_too_large(&nested("{\"type\":", "1", "}", levels));
        is_too_large(&nested("{\"x\":[", "1", "]}", levels));
    }
    let deep_value = nested("[", "1", "]", 490);
    assert!(parse(&format!(r#"{{"type":"int","x":{deep_value}}}"#)).is_ok());
    let type_of_value = nested(r#"{"type":"array","items":"#, "\"int\"", "}", 490);
    let text = record("R", &[field("f", &type_of_value, &format!(",\"default\":{deep_value}"))]);
    assert!(parse(&text).is_ok());
}

#[test]
fn names_that_are_used_first_do_not_nest_canonical_text_too_deep() {
    // Each type is written out inside the one that uses it.
    let chain = |length: usize| {
        let types: Vec<String> = (0..length)
            .map(|i| {
                let next = if i + 1 < length { format!("\"T{}\"", i + 1) } else { "\"int\"".to_owned() };
                field(&format!("f{i}"), &record(&format!("T{i}"), &[field("next", &next, "")]), "")
            })
            .collect();
        record("Root", &types)
    };
    assert!(parse(&chain(100)).is_ok());
    is_too_large(&chain(2_000));
    is_too_large(&chain(12_000));
}

#[test]
fn long_chains_of_types_do_not_need_stack() {
    let types: Vec<String> = (0..9_000)
        .map(|i| {
            let previous = if i > 0 { format!("\"T{}\"", i - 1) } else { "\"int\"".to_owned() };
            field(&format!("f{i}"), &record(&format!("T{i}"), &[field("p", &previous, "")]), "")
        })
        .collect();
    assert!(parse(&record("Root", &types)).is_ok());
}

#[test]
fn recursive_types_come_to_an_end() {
    let text = r#"{"type":"record","name":"A","fields":[
        {"name":"b","type":["null","B"],"default":null},
        {"name":"c","type":{"type":"record","name":"B","fields":[
            {"name":"a","type":{"type":"array","items":"A"}},
            {"name":"b","type":{"type":"map","values":["B","null"]}}]}}]}"#;
    let schema = parse(text).unwrap();
    assert!(schema.equivalent(&schema.normalized().unwrap()));
    let all_to_all: Vec<String> = (0..60)
        .map(|i| {
            let fields: Vec<String> =
                (0..60).map(|j| field(&format!("f{j}"), &format!("[\"null\",\"T{j}\"]"), "")).collect();
            field(&format!("f{i}"), &record(&format!("T{i}"), &fields), "")
        })
        .collect();
    assert!(parse(&record("Root", &all_to_all)).is_ok());
}

#[test]
fn many_ways_to_fit_a_default_are_not_tried_one_by_one() {
    // Each level offers two records that only differ in a field that the default does not have.
    let mut previous = "\"int\"".to_owned();
    let mut types = Vec::new();
    for i in 0..60 {
        let branches: Vec<String> =
            ["A", "B"].iter().map(|n| record(&format!("{n}{i}"), &[field("f", &previous, "")])).collect();
        types.push(field(&format!("t{i}"), &format!("[{}]", branches.join(",")), ""));
        previous = format!("[\"A{i}\",\"B{i}\"]");
    }
    let default = format!("{}\"x\"{}", "{\"f\":".repeat(60), "}".repeat(60));
    types.push(field("last", &previous, &format!(",\"default\":{default}")));
    assert!(matches!(parse(&record("Root", &types)), Err(ParseError::Invalid(_))));
    // A record without members takes the defaults of its fields, and so do those.
    let types: Vec<String> = (0..2_000)
        .map(|i| {
            let fields = ["a", "b"].map(|name| match i {
                0 => field(name, "\"int\"", ",\"default\":0"),
                _ => field(name, &format!("\"T{}\"", i - 1), ",\"default\":{}"),
            });
            field(&format!("f{i}"), &record(&format!("T{i}"), &fields), "")
        })
        .collect();
    assert!(parse(&record("Root", &types)).is_ok());
}

#[test]
fn types_that_use_each_other_before_they_are_defined_are_resolved_in_bounded_work() {
    let mutual = |count: usize| {
        let uses: Vec<String> =
            (0..count).map(|i| field(&format!("f{i}"), &format!("\"P{i}\""), "")).collect();
        let mut types = vec![field("x", &record("X", &uses), "")];
        types.extend(
            (0..count)
                .map(|i| field(&format!("p{i}"), &record(&format!("P{i}"), &[field("x", "\"X\"", "")]), "")),
        );
        record("Root", &types)
    };
    assert!(parse(&mutual(300)).is_ok());
    is_too_large(&mutual(5_000));
}

#[test]
fn long_names_are_not_repeated_without_end() {
    let namespace = "n".repeat(100_000);
    let inherit: Vec<String> = (0..10_000)
        .map(|i| field(&format!("f{i}"), &format!(r#"{{"type":"enum","name":"E{i}","symbols":[]}}"#), ""))
        .collect();
    is_too_large(&record(&format!("{namespace}.R"), &inherit));
    let uses: Vec<String> = (0..20_000).map(|i| field(&format!("f{i}"), "\"R\"", "")).collect();
    is_too_large(&record(&format!("{namespace}.R"), &uses));
    let aliases: Vec<String> = (0..500)
        .map(|i| {
            let aliases = r#"["int","long","map","enum","fixed","array","union","record","bytes","null"]"#;
            let text = format!(r#"{{"type":"enum","name":"E{i}","symbols":[],"aliases":{aliases}}}"#);
            field(&format!("f{i}"), &text, "")
        })
        .collect();
    is_too_large(&record(&format!("{}.R", "n".repeat(10_000)), &aliases));
}

#[test]
fn size_is_bounded() {
    is_too_large(&" ".repeat(1 << 21));
    let symbols: Vec<String> = (0..100_000).map(|i| format!("\"S{i}\"")).collect();
    let enumeration = format!(r#"{{"type":"enum","name":"E","symbols":[{}]}}"#, symbols.join(","));
    assert!(parse(&enumeration).is_ok());
    let limits = Limits { nodes: 1_000, ..Limits::default() };
    let parsed = avro::parse(&enumeration, &ResolvedReferences::default(), Strictness::New, &limits);
    assert!(matches!(parsed, Err(ParseError::TooLarge { .. })));
    // Shorter than the limit, but longer once numbers are printed in full.
    is_too_large(&format!("{{\"type\":\"int\",\"x\":[{}1]}}", "1e6,".repeat(200_000)));
    let members: Vec<String> = (0..80_000).map(|i| format!("\"k{i}\":1")).collect();
    assert!(parse(&format!("{{\"type\":\"int\",{}}}", members.join(","))).is_ok());
}

#[test]
fn the_closure_of_references_is_bounded() {
    let parse = |texts: Vec<String>| {
        let texts = texts.into_iter().enumerate().map(|(at, text)| (format!("r{at}"), text)).collect();
        avro::parse(
            "\"int\"",
            &ResolvedReferences { texts, ..ResolvedReferences::default() },
            Strictness::Stored,
            &Limits::default(),
        )
    };
    let referenced = |i: usize| format!(r#"{{"type":"enum","name":"E{i}","symbols":[]}}"#);
    assert!(parse((0..1_000).map(referenced).collect()).is_ok());
    assert!(matches!(parse((0..1_001).map(referenced).collect()), Err(ParseError::TooLarge { .. })));
    let large = |i: usize| format!("{}{}", referenced(i), " ".repeat(1_000_000));
    assert!(matches!(parse((0..20).map(large).collect()), Err(ParseError::TooLarge { .. })));
}
