use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::format::Strictness;
use crate::json;
use crate::reference::ResolvedReferences;

fn schema_with(text: &str, references: &[(&str, &str)]) -> JsonSchema {
    let texts = references.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    // Large schemas are refused by other limits; here it is about what gets through.
    let limits = Limits { schema_bytes: 16 << 20, nodes: 2_000_000, ..Limits::default() };
    json::parse(text, &ResolvedReferences { texts, ..Default::default() }, Strictness::Stored, &limits)
        .unwrap()
}

fn compile_as(text: &str, options: Options) -> Result<Validator, CompileError> {
    Validator::compile(&schema_with(text, &[]), options, &Limits::default())
}

fn validator(text: &str) -> Validator {
    compile_as(text, Options::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `valid`, or what is wrong.
fn verdict(validator: &Validator, body: &str) -> String {
    match validator.check(body.as_bytes(), &Limits::default()) {
        Ok(()) => "valid".to_owned(),
        Err(invalid) => invalid.to_string(),
    }
}

#[test]
fn every_dialect_is_validated_by_its_own_keywords() {
    let d4 = r#""$schema":"http://json-schema.org/draft-04/schema#""#;
    let d6 = r#""$schema":"http://json-schema.org/draft-06/schema#""#;
    let d2020 = r#""$schema":"https://json-schema.org/draft/2020-12/schema""#;
    let cases: &[(&str, &str, &str, &str)] = &[
        ("", r#""type":"integer""#, "1", "valid"),
        ("", r#""type":"integer""#, "1.5", "the value is not of type integer"),
        ("", r#""type":["string","null"]"#, "null", "valid"),
        ("", r#""type":["string","null"]"#, "7", "the value satisfies no branch of anyOf"),
        ("", r#""type":"string","enum":["a","b"]"#, "\"c\"", "the value is not one of [\"a\", \"b\"]"),
        ("", r#""const":[1,{"a":2.0}]"#, "[1,{\"a\":2}]", "valid"),
        ("", r#""const":null"#, "1", "the value is not null"),
        ("", r#""minimum":0,"exclusiveMaximum":10"#, "10", "the value is not less than 10"),
        (d4, r#""minimum":0,"exclusiveMinimum":true"#, "0", "the value is not more than 0"),
        (d4, r#""const":1"#, "2", "valid"),
        (d6, r#""if":true,"then":false"#, "2", "valid"),
        (d6, r#""contains":{"const":1},"maxContains":1"#, "[1,1]", "valid"),
        ("", r#""contains":{"const":1},"minContains":2"#, "[1]", "valid"),
        (
            "",
            r#""contains":{"const":1},"minContains":0"#,
            "[]",
            "the value holds too few or too many items that contains asks for",
        ),
        (
            d2020,
            r#""contains":{"const":1},"minContains":2"#,
            "[1]",
            "the value holds too few or too many items that contains asks for",
        ),
        (d2020, r#""contains":{"const":1},"minContains":0"#, "[]", "valid"),
        (
            "",
            r#""if":{"minimum":5},"then":{"multipleOf":5},"else":false"#,
            "7",
            "the value is no multiple of 5",
        ),
        ("", r#""if":{"minimum":5},"then":{"multipleOf":5},"else":false"#, "10", "valid"),
        ("", r#""multipleOf":0.01"#, "19.99", "valid"),
        ("", r#""maxLength":2"#, "\"äöü\"", "the value is longer than 2 characters"),
        ("", r#""maxLength":-1"#, "\"\"", "the value satisfies what not refuses"),
        ("", r#""maxLength":-1"#, "1", "valid"),
        ("", r#""minLength":-1"#, "\"\"", "valid"),
        (
            "",
            r#""pattern":"^(?=.*\\d)[a-z\\d]+$""#,
            "\"abc\"",
            r"the value does not match the pattern ^(?=.*\d)[a-z\d]+$",
        ),
        ("", r#""pattern":"^(?=.*\\d)[a-z\\d]+$""#, "\"abc1\"", "valid"),
        (
            "",
            r#""items":[{"type":"string"}],"additionalItems":false"#,
            "[\"a\",1]",
            "/1 is not allowed at all",
        ),
        ("", r#""additionalItems":false"#, "[1]", "valid"),
        ("", r#""items":{"type":"string"},"additionalItems":false"#, "[\"a\",\"b\"]", "valid"),
        (
            d2020,
            r#""prefixItems":[{"type":"string"}],"items":false"#,
            "[\"a\",1]",
            "/1 is not allowed at all",
        ),
        (d2020, r#""items":false"#, "[1]", "/0 is not allowed at all"),
        (
            d2020,
            r#""contains":{"type":"string"},"minContains":2"#,
            "[\"a\"]",
            "the value holds too few or too many items that contains asks for",
        ),
        (d2020, r#""contains":{"type":"string"},"minContains":0"#, "[]", "valid"),
        (d4, r#""contains":{"type":"string"}"#, "[]", "valid"),
        (
            "",
            r#""contains":{"type":"string"}"#,
            "[]",
            "the value holds too few or too many items that contains asks for",
        ),
        ("", r#""uniqueItems":true"#, "[1,1.0]", "the value has equal items"),
        (
            "",
            r#""properties":{"a":{"type":"integer"}},"additionalProperties":false"#,
            "{\"b\":1}",
            "the value has members that the schema does not allow",
        ),
        (
            "",
            r#""properties":{"a":{"type":"integer"}},"required":["a","b"]"#,
            "{\"a\":1}",
            "the value lacks the member \"b\"",
        ),
        (
            "",
            r#""properties":{"a":{"items":{"properties":{"b":{"minimum":3}}}}}"#,
            "{\"a\":[{},{\"b\":1}]}",
            "/a/1/b is less than 3",
        ),
        (
            "",
            r#""additionalProperties":{"type":"integer"}"#,
            "{\"secret\":true}",
            "/* is not of type integer",
        ),
        (
            "",
            r#""patternProperties":{"^n":{"type":"null"}},"additionalProperties":false"#,
            "{\"no\":null}",
            "valid",
        ),
        (
            "",
            r#""propertyNames":{"maxLength":2}"#,
            "{\"abc\":1}",
            "the value has a member whose name the schema does not allow",
        ),
        (
            "",
            r#""dependencies":{"a":["b"],"c":{"required":["d"]}}"#,
            "{\"a\":1}",
            "the value lacks the member \"b\"",
        ),
        (
            "",
            r#""dependencies":{"a":["b"],"c":{"required":["d"]}}"#,
            "{\"c\":1}",
            "the value lacks the member \"d\"",
        ),
        (d2020, r#""dependentRequired":{"a":["b"]},"dependencies":{"c":["d"]}"#, "{\"c\":1}", "valid"),
        ("", r#""not":{"type":"null"}"#, "null", "the value satisfies what not refuses"),
        (
            "",
            r#""oneOf":[{"minimum":1},{"minimum":2}]"#,
            "3",
            "the value satisfies more than one branch of oneOf",
        ),
        (
            "",
            r#""allOf":[{"minimum":1},{"maximum":2}],"anyOf":[{"type":"integer"},{"type":"null"}]"#,
            "1.5",
            "the value satisfies no branch of anyOf",
        ),
        // Up to draft 7 nothing beside a reference counts; later everything does.
        (
            "",
            r##""$ref":"#/definitions/a","minimum":5,"definitions":{"a":{"type":"integer"}}"##,
            "1",
            "valid",
        ),
        (
            d2020,
            r##""$ref":"#/$defs/a","minimum":5,"$defs":{"a":{"type":"integer"}}"##,
            "1",
            "the value is less than 5",
        ),
        (
            d2020,
            r#""allOf":[{"properties":{"a":true}}],"properties":{"b":true},"unevaluatedProperties":false"#,
            "{\"a\":1,\"b\":2}",
            "valid",
        ),
        (
            d2020,
            r#""allOf":[{"properties":{"a":true}}],"properties":{"b":true},"unevaluatedProperties":false"#,
            "{\"c\":1}",
            "the value has members that the schema does not allow",
        ),
        (
            d2020,
            r##""$ref":"#/$defs/a","unevaluatedProperties":false,"$defs":{"a":{"properties":{"a":true}}}"##,
            "{\"a\":1}",
            "valid",
        ),
        (
            d2020,
            r#""type":["object","null"],"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false"#,
            "{\"a\":1}",
            "valid",
        ),
        (
            d2020,
            r#""prefixItems":[true],"unevaluatedItems":false"#,
            "[1,2]",
            "the value has items that the schema does not allow",
        ),
        // `true` evaluates everything, which nothing does not.
        (
            d2020,
            r#""allOf":[{"additionalProperties":true}],"unevaluatedProperties":false"#,
            "{\"a\":1}",
            "valid",
        ),
        (d2020, r#""prefixItems":[true],"items":true,"unevaluatedItems":false"#, "[1,2]", "valid"),
        (d2020, r#""items":true,"unevaluatedItems":false"#, "[1,2]", "valid"),
        // What a meta-schema would refuse and the reference does not.
        (d4, r#""required":[],"enum":[]"#, "1", "the value is not one of []"),
        ("", r#""type":[]"#, "1", "the value satisfies no branch of anyOf"),
        ("", r#""format":"email""#, "\"x\"", "valid"),
    ];
    let mut wrong = Vec::new();
    for (dialect, keywords, body, expected) in cases {
        let comma = if dialect.is_empty() { "" } else { "," };
        let text = format!("{{{dialect}{comma}{keywords}}}");
        let validator = validator(&text);
        let found = verdict(&validator, body);
        if found != *expected {
            wrong.push(format!("{text} {body}: {found} instead of {expected}"));
        }
        // Counting changes no verdict.
        let counting = validator.counting().unwrap();
        let value: Value = serde_json::from_str(body).unwrap();
        let (is_valid, taken) = steps::counted(10_000, || counting.is_valid(&value));
        assert_eq!((is_valid, taken.is_some()), (*expected == "valid", true), "{text} {body} counting");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(verdict(&validator("true"), "[1]"), "valid");
    assert_eq!(verdict(&validator("false"), "1"), "the value is not allowed at all");
}

#[test]
fn formats_are_asserted_where_asked_for() {
    let options = Options { formats: Formats::Asserted, ..Options::default() };
    let text = r#"{"type":"string","format":"email"}"#;
    let asserting = compile_as(text, options).unwrap();
    assert_eq!(verdict(&asserting, "\"a@example.com\""), "valid");
    assert_eq!(verdict(&asserting, "\"x\""), "the value is not a email");
    let modern = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","format":"email"}"#;
    assert_eq!(verdict(&compile_as(modern, options).unwrap(), "\"x\""), "valid");
}

#[test]
fn references_are_those_of_the_closure() {
    let user = r##"{"$id":"http://x/user","definitions":{"name":{"type":"string"}},"properties":{"name":{"$ref":"#/definitions/name"}}}"##;
    let text = r#"{"properties":{"by":{"$ref":"user.json"},"first":{"$ref":"user.json#/definitions/name"}}}"#;
    let schema = schema_with(text, &[("user.json", user)]);
    let validator = Validator::compile(&schema, Options::default(), &Limits::default()).unwrap();
    assert_eq!(verdict(&validator, r#"{"by":{"name":"a"},"first":"b"}"#), "valid");
    assert_eq!(verdict(&validator, r#"{"by":{"name":1}}"#), "/by/name is not of type string");
    assert_eq!(verdict(&validator, r#"{"first":1}"#), "/first is not of type string");
}

#[test]
fn a_body_is_one_json_text() {
    let any = validator("true");
    let cases: &[(&[u8], &str)] = &[
        (b" {\"a\" : [1, -2.5e3, true, null, \"\\ud83d\\ude00\\n\\/\"] } \r\n\t", "valid"),
        (b"", "the value is not JSON: no a value at byte 0"),
        (b"[1,]", "the value is not JSON: no a value at byte 3"),
        (b"{\"a\":1,}", "the value is not JSON: no a member name at byte 7"),
        (b"{\"a\" 1}", "the value is not JSON: no ':' at byte 5"),
        (b"[1 2]", "the value is not JSON: no ',' or ']' at byte 3"),
        (b"01", "the value is not JSON: no the end of a number that begins with 0 at byte 1"),
        (b"1.", "the value is not JSON: no a digit at byte 2"),
        (b"NaN", "the value is not JSON: no a value at byte 0"),
        (b"'a'", "the value is not JSON: no a value at byte 0"),
        (b"\"a\nb\"", "the value is not JSON: no the end of a string at byte 2"),
        (b"\"\\x\"", "the value is not JSON: no an escape at byte 1"),
        (b"\"\\ud800\"", "the value is not JSON: no a character at byte 1"),
        (b"\"\\udc00\\udc00\"", "the value is not JSON: no a character at byte 1"),
        (b"\xef\xbb\xbf1", "the value is not JSON: no a value at byte 0"),
        (b"1 2", "the value has more text after the value, at byte 2"),
        (b"truex", "the value has more text after the value, at byte 4"),
        (b"\"\xff\"", "the value is not UTF-8 from byte 1 on"),
        (b"{\"a\":1,\"a\":2}", "valid"),
        (b"1e400", "valid"),
        (b"-123456789012345678901234567890", "valid"),
    ];
    for (body, expected) in cases {
        let found =
            any.check(body, &Limits::default()).map_or_else(|error| error.to_string(), |()| "valid".into());
        assert_eq!(found, *expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn bodies_read_as_serde_json_reads_them() {
    for body in [
        r#"{"a":[1,-1,0.1,1e3,1E-7,18446744073709551615,-9223372036854775808],"b":{"c":"\u00e9\"\\\b\f\n\r\t"}}"#,
        "[]",
        "{}",
        "\"\"",
        "123456789012345678901234567890",
        "0.1e1",
        "[[[{}]]]",
    ] {
        let read = instance::read(body.as_bytes(), DuplicateKeys::LastCounts, &Limits::default()).unwrap();
        assert_eq!(read.value, serde_json::from_str::<Value>(body).unwrap(), "{body}");
    }
}

#[test]
fn of_repeated_members_the_last_counts_unless_they_are_refused() {
    let text = r#"{"properties":{"a":{"type":"integer"}}}"#;
    assert_eq!(verdict(&validator(text), r#"{"a":"x","a":1}"#), "valid");
    assert_eq!(verdict(&validator(text), r#"{"a":1,"a":"x"}"#), "/a is not of type integer");
    let strict =
        compile_as(text, Options { duplicate_keys: DuplicateKeys::Refused, ..Options::default() }).unwrap();
    assert_eq!(verdict(&strict, r#"{"a":1,"b":{"a":1}}"#), "valid");
    assert_eq!(verdict(&strict, r#"{"a":1,"a":1}"#), "the value repeats a member name before byte 12");
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    let any = validator("{}");
    let limits = Limits { depth: 3, items: 5, ..Limits::default() };
    let check = |body: &str| any.check(body.as_bytes(), &limits).map_err(|error| error.kind);
    assert_eq!(check("[[[1]]]"), Ok(()));
    assert_eq!(check("[[[[]]]]"), Err(InvalidKind::TooLarge));
    assert_eq!(check("[1,2,3,4]"), Ok(()));
    assert_eq!(check("[1,2,3,4,5]"), Err(InvalidKind::TooLarge));
    let value = json!([[[[]]]]);
    assert_eq!(any.check_value(&value, &limits).map_err(|error| error.kind), Err(InvalidKind::TooLarge));
    assert_eq!(
        any.check(&[b'['; 100_000], &Limits::default()).map_err(|error| error.kind),
        Err(InvalidKind::TooLarge)
    );
}

#[test]
fn errors_hold_nothing_of_the_payload() {
    let text = r#"{"properties":{"id":{"type":"integer"}},"additionalProperties":{"items":{"enum":["x"]}},"patternProperties":{"^p":false}}"#;
    let validator = validator(text);
    for body in [
        r#"{"id":"SECRET"}"#,
        r#"{"SECRET":["SECRET"]}"#,
        r#"{"pSECRET":1}"#,
        r#"{"SECRET":1,"SECRET"}"#,
        "SECRET",
    ] {
        let invalid = validator.check(body.as_bytes(), &Limits::default()).unwrap_err();
        assert!(!invalid.to_string().contains("SECRET"), "{invalid}");
    }
    let invalid = validator.check(br#"{"4711":["y"]}"#, &Limits::default()).unwrap_err();
    assert_eq!((invalid.path.as_str(), invalid.place.as_str()), ("/4711/0", "/*/0"));
    let path = validator.check(br#"{"a/b":["y"]}"#, &Limits::default()).unwrap_err().path;
    assert_eq!(path, "/a~1b/0");
}

/// Runs on a stack as small as a library may be given, and says how long it took.
fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> (T, Duration) {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap();
    (thread.join().unwrap(), start.elapsed())
}

/// Long enough for a debug build on a busy machine, far too short for anything that multiplies.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn schemas_without_end_or_measure_are_refused() {
    let lattice = |applicator: &str, levels: usize| {
        let level = |i: usize| {
            let next = format!(r##"{{"$ref":"#/definitions/{}"}}"##, i + 1);
            format!(r#""{i}":{{"{applicator}":[{next},{next}]}}"#)
        };
        let levels: Vec<String> = (0..levels).map(level).collect();
        let last = format!(r#""{}":{{"type":"object"}}"#, levels.len());
        format!(r##"{{"$ref":"#/definitions/0","definitions":{{{},{last}}}}}"##, levels.join(","))
    };
    let chain = |levels: usize| {
        let level = |i: usize| format!(r##""{i}":{{"allOf":[{{"$ref":"#/definitions/{}"}}]}}"##, i + 1);
        let levels: Vec<String> = (0..levels).map(level).collect();
        let last = format!(r#""{}":{{"type":"object"}}"#, levels.len());
        format!(r##"{{"$ref":"#/definitions/0","definitions":{{{},{last}}}}}"##, levels.join(","))
    };
    let modern = r#""$schema":"https://json-schema.org/draft/2020-12/schema""#;
    let cases = [
        (r##"{"$ref":"#"}"##.to_owned(), CompileError::Endless),
        (r##"{"allOf":[{"$ref":"#"}]}"##.to_owned(), CompileError::Endless),
        (r##"{"not":{"$ref":"#"}}"##.to_owned(), CompileError::Endless),
        (r##"{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"anyOf":[{"$ref":"#/definitions/a"}]}},"properties":{"x":{"$ref":"#/definitions/a"}}}"##.to_owned(), CompileError::Endless),
        (format!(r##"{{{modern},"$dynamicAnchor":"n","$dynamicRef":"#n"}}"##), CompileError::Endless),
        (lattice("allOf", 40), CompileError::TooComplex),
        (lattice("anyOf", 40), CompileError::TooComplex),
        (lattice("oneOf", 1_000), CompileError::TooComplex),
        (chain(2_000), CompileError::TooComplex),
        (format!(r#"{{{modern},"unevaluatedProperties":false,{}"#, &lattice("allOf", 14).replace("definitions", "$defs")[1..]), CompileError::TooComplex),
        (r#"{"pattern":"(\\p{L}?){1000}x"}"#.to_owned(), CompileError::Pattern(r"(\p{L}?){1000}x".to_owned())),
    ];
    for (text, expected) in cases {
        let shown: String = text.chars().take(120).collect();
        let ((), taken) = on_small_stack(move || {
            let found = compile_as(&text, Options::default()).err();
            assert_eq!(found, Some(expected), "{}", &text[..text.len().min(200)]);
        });
        assert!(taken < PATIENCE, "{shown} took {taken:?}");
    }
}

#[test]
fn recursive_schemas_answer_whatever_they_multiply_to() {
    // Each level of the value doubles the work.
    let doubling = r##"{"allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}],"not":{"const":"x"}}"##;
    let tree = r##"{"type":"object","properties":{"v":{"type":"integer"},"n":{"items":{"$ref":"#"}}},"required":["v"]}"##;
    let cases = [
        (doubling, "[".repeat(400) + &"]".repeat(400), None),
        (doubling, "[".repeat(400) + "\"x\"" + &"]".repeat(400), Some(())),
        (tree, "{\"v\":1,\"n\":[".repeat(200) + &"]}".repeat(200), None),
        (tree, "{\"v\":1,\"n\":[".repeat(200) + "{\"v\":true}" + &"]}".repeat(200), Some(())),
        (tree, format!("{{\"v\":1,\"n\":[{}{{\"v\":2}}]}}", "{\"v\":1},".repeat(20_000)), None),
    ];
    for (text, body, invalid) in cases {
        let (found, taken) =
            on_small_stack(move || validator(text).check(body.as_bytes(), &Limits::default()));
        assert!(taken < PATIENCE, "{text} took {taken:?}");
        match (found, invalid) {
            (Ok(()), None) => {}
            // What doubles may be given up.
            (Err(error), _) if text == doubling => {
                assert!(matches!(error.kind, InvalidKind::TooExpensive | InvalidKind::Schema), "{error}");
            }
            (Err(error), Some(())) => assert_eq!(error.kind, InvalidKind::Schema),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }
}

#[test]
fn steps_are_counted_and_run_out() {
    let tree = r##"{"properties":{"n":{"items":{"$ref":"#"}}}}"##;
    let validator = validator(tree);
    let body = format!("{{\"n\":[{}{{}}]}}", "{},".repeat(1_000));
    let limits = Limits { validation_steps: 100, ..Limits::default() };
    let found = validator.check(body.as_bytes(), &limits).map_err(|error| error.kind);
    assert_eq!(found, Err(InvalidKind::TooExpensive));
    assert_eq!(validator.check(body.as_bytes(), &Limits::default()), Ok(()));
}

#[test]
fn what_is_wrong_is_not_looked_for_where_every_branch_would_multiply() {
    let schema = r##"{"$ref":"#/definitions/A","definitions":{"A":{"anyOf":[{"items":{"$ref":"#/definitions/A"},"maxItems":0},{"items":{"$ref":"#/definitions/A"},"minItems":9},{"type":"null"}]}}}"##;
    let body = format!("{}{}", "[".repeat(60), "]".repeat(60));
    let found = validator(schema).check(body.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!((found.kind, found.path.as_str()), (InvalidKind::Schema, ""));
    // A recursive schema alone does not multiply.
    let tree = r##"{"properties":{"v":{"type":"integer"},"n":{"items":{"$ref":"#"}}}}"##;
    let found = validator(tree).check(br#"{"n":[{"n":[{"v":"x"}]}]}"#, &Limits::default()).unwrap_err();
    assert_eq!(found.path, "/n/0/n/0/v");
}

#[test]
fn long_strings_and_many_members_cost_more_steps() {
    let limits = Limits { validation_steps: 3_000, ..Limits::default() };
    // Each case is below the limit for a short value and above it for a long one; all are recursive, so that they are
    // counted.
    for (keywords, short, long) in [
        (r#""pattern":"^a*$""#, r#""aa""#.to_owned(), format!("\"{}\"", "a".repeat(100_000))),
        (r#""maxLength":1000000"#, r#""aa""#.to_owned(), format!("\"{}\"", "a".repeat(200_000))),
        (
            r#""uniqueItems":true"#,
            "[1]".to_owned(),
            format!("[{}0]", (1..500).map(|n| format!("{n},")).collect::<String>()),
        ),
        (
            r#""patternProperties":{"^a":true,"^b":true}"#,
            "{}".to_owned(),
            format!("{{{}\"z\":1}}", (0..1_500).map(|n| format!("\"c{n}\":1,")).collect::<String>()),
        ),
    ] {
        let validator = validator(&format!(
            r##"{{{keywords},"contains":{{"$ref":"#"}},"minItems":0,"not":{{"properties":{{"z":{{"$ref":"#"}}}},"required":["never"]}}}}"##
        ));
        let kind = |body: &str| validator.check(body.as_bytes(), &limits).map_err(|error| error.kind);
        assert_ne!(kind(&short), Err(InvalidKind::TooExpensive), "{keywords}");
        assert_eq!(kind(&long), Err(InvalidKind::TooExpensive), "{keywords}");
    }
}

#[test]
fn deep_values_and_deep_schemas_answer_on_a_small_stack() {
    let depth = 200;
    let schema =
        (0..depth).fold(r#"{"type":"integer"}"#.to_owned(), |inner, _| format!(r#"{{"items":{inner}}}"#));
    let wide =
        (0..150).fold(r#"{"type":"integer"}"#.to_owned(), |inner, _| format!(r#"{{"allOf":[{inner}]}}"#));
    for (text, good, bad) in [
        (
            schema,
            "[".repeat(depth) + "1" + &"]".repeat(depth),
            "[".repeat(depth) + "true" + &"]".repeat(depth),
        ),
        (wide, "1".to_owned(), "true".to_owned()),
        ("{}".to_owned(), "[".repeat(500) + &"]".repeat(500), "[".repeat(501) + &"]".repeat(501)),
    ] {
        let ((), taken) = on_small_stack(move || {
            let validator = validator(&text);
            assert_eq!(validator.check(good.as_bytes(), &Limits::default()), Ok(()));
            assert!(validator.check(bad.as_bytes(), &Limits::default()).is_err());
        });
        assert!(taken < PATIENCE, "took {taken:?}");
    }
}

#[test]
fn patterns_cost_linear_time_or_are_given_up() {
    let attack = "a".repeat(1 << 20) + "b";
    let cases = [
        ("^(a+)+$", Err(InvalidKind::Schema)),
        ("^(a|a)*$", Err(InvalidKind::Schema)),
        ("(.*){30}x$", Err(InvalidKind::Schema)),
        (r"^(a|aa)+(?!b)\1$", Err(InvalidKind::TooExpensive)),
    ];
    for (pattern, expected) in cases {
        let text = json!({ "pattern": pattern }).to_string();
        let body = json!(attack).to_string();
        let (found, taken) = on_small_stack(move || {
            validator(&text).check(body.as_bytes(), &Limits::default()).map_err(|error| error.kind)
        });
        assert_eq!(found, expected, "{pattern}");
        assert!(taken < PATIENCE, "{pattern} took {taken:?}");
    }
}

#[test]
fn a_match_that_is_given_up_is_no_verdict() {
    let hopeless = r"^(a|aa)+(?!b)\\1$";
    let long = "a".repeat(2_000) + "b";
    let schemas = [
        format!(r#"{{"pattern":"{hopeless}"}}"#),
        format!(r#"{{"not":{{"pattern":"{hopeless}"}}}}"#),
        format!(r#"{{"not":{{"not":{{"pattern":"{hopeless}","minLength":1}}}}}}"#),
        format!(r#"{{"if":{{"pattern":"{hopeless}"}},"then":{{"maxLength":1}}}}"#),
        format!(r#"{{"oneOf":[{{"pattern":"{hopeless}"}},{{"pattern":"{hopeless}"}}]}}"#),
    ];
    for schema in schemas {
        let found = validator(&schema).check(json!(long).to_string().as_bytes(), &Limits::default());
        assert_eq!(found.map_err(|error| error.kind), Err(InvalidKind::TooExpensive), "{schema}");
    }
    let schemas = [
        format!(r#"{{"patternProperties":{{"{hopeless}":false}}}}"#),
        format!(r#"{{"not":{{"patternProperties":{{"{hopeless}":false}}}}}}"#),
        format!(r#"{{"patternProperties":{{"{hopeless}":true}},"additionalProperties":false}}"#),
        format!(
            r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","patternProperties":{{"{hopeless}":true}},"unevaluatedProperties":false}}"#
        ),
        format!(r#"{{"propertyNames":{{"not":{{"pattern":"{hopeless}"}}}}}}"#),
    ];
    for schema in schemas {
        let body = json!({ long.as_str(): 1 }).to_string();
        let found = validator(&schema).check(body.as_bytes(), &Limits::default());
        assert_eq!(found.map_err(|error| error.kind), Err(InvalidKind::TooExpensive), "{schema}");
    }
}

#[test]
fn patterns_that_only_java_reads_are_matched_as_java_does() {
    let cases = [
        (r"^[\w-.]+@[\w-]+$", "a-b.c@d-e", true),
        (r"^[\w-.]+@[\w-]+$", "a+b@d", false),
        (r"^(?>a*)b\Z", "aab", true),
        (r"^(?>a*)ab\Z", "aab", false),
        (r"^(?<n>a|b)\k<n>$", "bb", true),
        (r"^(?<n>a|b)\k<n>$", "ab", false),
        (r"^\Qa.b\E$", "a.b", true),
        (r"^\Qa.b\E$", "axb", false),
        (r"^\p{javaLetter}\h$", "α ", true),
        (r"^\p{javaLetter}\h$", "1 ", false),
    ];
    for (pattern, text, is_match) in cases {
        let schema = validator(&json!({ "pattern": pattern, "items": { "pattern": "^x" } }).to_string());
        let found = verdict(&schema, &json!(text).to_string());
        let expected = if is_match {
            "valid".to_owned()
        } else {
            format!("the value does not match the pattern {pattern}")
        };
        assert_eq!(found, expected, "{pattern} {text}");
        assert_ne!(verdict(&schema, r#"["y"]"#), "valid", "{pattern}");
        let names =
            json!({ "patternProperties": { pattern: { "type": "integer" } }, "additionalProperties": false })
                .to_string();
        let is_for_text_only = [r"(?>", r"\k"].iter().any(|part| pattern.contains(part));
        if is_for_text_only {
            let refused = compile_as(&names, Options::default()).map(|_| ());
            assert_eq!(refused, Err(CompileError::Pattern(pattern.to_owned())));
            continue;
        }
        let names = validator(&names);
        assert_eq!(verdict(&names, &json!({ text: 1 }).to_string()) == "valid", is_match, "{pattern} {text}");
        assert_ne!(verdict(&names, &json!({ text: "1" }).to_string()), "valid", "{pattern} {text}");
    }
    // A block of characters the engine does not know.
    let refused = compile_as(r#"{"pattern":"\\p{InGreek}"}"#, Options::default()).map(|_| ());
    assert_eq!(refused, Err(CompileError::Pattern(r"\p{InGreek}".to_owned())));
    // Written alike for the crate, and both count.
    let both =
        r#"{"patternProperties":{"^\\Qa\\E":{"minimum":1},"^a":{"maximum":2},"^\\Qa\\E\\Qb\\E":true}}"#;
    for (body, is_valid) in [(r#"{"a":1}"#, true), (r#"{"a":0}"#, false), (r#"{"a":3}"#, false)] {
        assert_eq!(verdict(&validator(both), body) == "valid", is_valid, "{body}");
    }
}

#[test]
fn only_patterns_that_step_back_are_paid_for() {
    let linear = [
        r"^[a-z]+$",
        r"^[\w-.]+@([\w-]+\.)+[\w-]{2,4}$",
        r"^\d{4}-\d{2}-\d{2}\b",
        r"(?i)^(?:a|b)*(?<n>c)?\.\-$",
        r"^\p{L}[\p{Alpha}\s]*\h$",
    ];
    let stepping_back =
        [r"(?=a)", r"(?<!a)", r"(a)\1", r"(?<n>a)\k<n>", r"(?>a)", r"a*+", r"(a|aa)*\Zb", r"\Gb"];
    for pattern in linear {
        assert!(!patterns::steps_back(pattern), "{pattern}");
    }
    for pattern in stepping_back {
        assert!(patterns::steps_back(pattern), "{pattern}");
    }
    // Java's `\Z` looks ahead.
    let body = json!(vec!["a".repeat(28); 3_000]).to_string();
    let schema = r#"{"items":{"not":{"pattern":"(a|aa)*\\Zb"}}}"#;
    let (found, taken) = on_small_stack(move || validator(schema).check(body.as_bytes(), &Limits::default()));
    assert_eq!(found.map_err(|error| error.kind), Err(InvalidKind::TooExpensive));
    assert!(taken < PATIENCE, "took {taken:?}");
}

#[test]
fn patterns_that_step_back_are_matched_in_every_try() {
    for length in [0, 1, 50, 99, 101, 500, 999, 1_001, 5_000] {
        // One step back for each letter.
        let found = "a".repeat(length) + "xyz";
        let other = "a".repeat(length) + "xz";
        let schema = validator(r#"{"pattern":"(?=xy)x"}"#);
        assert_eq!(verdict(&schema, &json!(found).to_string()), "valid", "{length}");
        let refused = schema.check(json!(other).to_string().as_bytes(), &Limits::default());
        assert_eq!(refused.map_err(|error| error.kind), Err(InvalidKind::Schema), "{length}");
        let refusing = validator(r#"{"not":{"pattern":"(?=xy)x"}}"#);
        assert_eq!(verdict(&refusing, &json!(other).to_string()), "valid", "{length}");
        let names = validator(
            r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","patternProperties":{"(?=xy)x":{"type":"integer"}},"unevaluatedProperties":false}"#,
        );
        let member = |name: &str, value: serde_json::Value| json!({ name: value }).to_string();
        assert_eq!(verdict(&names, &member(&found, json!(1))), "valid", "{length}");
        assert_ne!(verdict(&names, &member(&found, json!("1"))), "valid", "{length}");
        assert_ne!(verdict(&names, &member(&other, json!(1))), "valid", "{length}");
    }
}

#[test]
fn nothing_outside_is_asked() {
    // Known meta-schemas are built in; anything else does not get past the parser.
    let text = r#"{"properties":{"s":{"$ref":"http://json-schema.org/draft-07/schema#"}}}"#;
    let validator = validator(text);
    assert_eq!(verdict(&validator, r#"{"s":{"type":"string","minLength":1}}"#), "valid");
    assert_ne!(verdict(&validator, r#"{"s":{"type":7}}"#), "valid");
    let unknown = r#"{"$ref":"https://example.com/x.json"}"#;
    let parsed = json::parse(unknown, &ResolvedReferences::default(), Strictness::New, &Limits::default());
    assert!(parsed.is_err());
}

#[test]
fn patterns_that_nest_without_measure_are_answered() {
    for (open, close, depth) in
        [("(", ")", 100_000), ("(?=", ")", 5_000), ("(", ")*", 1_000), ("[", "]", 10_000)]
    {
        let pattern = open.repeat(depth) + "a" + &close.repeat(depth);
        let text = json!({ "pattern": pattern }).to_string();
        let (said, taken) = on_small_stack(move || {
            let schema = schema_with(&text, &[]);
            // Where it compiles, it answers.
            let validator = Validator::compile(&schema, Options::default(), &Limits::default());
            validator.map(|validator| validator.check(b"\"b\"", &Limits::default()).is_ok())
        });
        assert!(!matches!(said, Ok(true)), "{open} {said:?}");
        assert!(taken < PATIENCE, "{open} took {taken:?}");
    }
}
