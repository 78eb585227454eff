//! Texts made to hurt: each is answered in bounded time and memory on a small stack.
#![cfg(feature = "json")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::{Duration, Instant};

use muster_schema::compatibility::CompatibilityPolicy::{Lenient, Strict};
use muster_schema::format::EntityTags;
use muster_schema::json::changes::changes;
use muster_schema::json::diff::{Difference, DifferenceKind, diff};
use muster_schema::json::validate::{InvalidKind, Options, Validator};
use muster_schema::json::{self, JsonSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(work);
    let began = Instant::now();
    if let Err(panic) = thread.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
    // Far above what it takes, far below what it would take without bounds.
    assert!(began.elapsed() < Duration::from_secs(120), "took {:?}", began.elapsed());
}

fn parse(text: &str) -> Result<JsonSchema, ParseError> {
    json::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())
}

/// Does with a text whatever can be done.
fn exercise(text: &str) -> Option<Vec<Difference>> {
    let schema = parse(text).ok()?;
    let limits = Limits::default();
    let changed = parse(&text.replace("string", "boolean")).ok()?;
    let found = diff(&schema, &changed, Strict, &limits);
    let _ = diff(&changed, &schema, Lenient, &limits);
    let _ = changes(&schema, &changed, Strict, &limits);
    let _ = (schema.normalized(), schema.record_name(), schema.top_level_fields());
    let tags = schema.inline_tags();
    let tag = |path: &str| EntityTags { path: path.to_owned(), is_field: true, tags: vec!["T".to_owned()] };
    let _ = schema.with_tags(&[tag("object.a"), tag("a.b.c")], &tags);
    Some(found)
}

const MODERN: &str = r#""$schema":"https://json-schema.org/draft/2020-12/schema","#;

#[test]
fn deep_texts_are_refused_or_survive() {
    on_a_small_stack(|| {
        for (open, close) in [
            ("{\"not\":", "}"),
            ("{\"items\":", "}"),
            ("{\"allOf\":[", "]}"),
            ("{\"properties\":{\"a\":", "}}"),
            ("{\"default\":", "}"),
            ("{\"x\":[", "]}"),
            ("{\"type\":\"object\",\"enum\":[{}],\"additionalProperties\":", "}"),
        ] {
            let nested = |depth: usize| open.repeat(depth) + "{\"type\":\"string\"}" + &close.repeat(depth);
            let levels = open.matches(['{', '[']).count();
            assert!(exercise(&nested(490 / levels)).is_some(), "{open}");
            assert!(matches!(parse(&nested(30_000)), Err(ParseError::TooLarge { .. })), "{open}");
            let nested = format!("{{{MODERN}\"anyOf\":[{}]}}", nested(480 / levels));
            assert!(exercise(&nested).is_some(), "{open}");
        }
        assert!(matches!(parse(&"[".repeat(100_000)), Err(ParseError::TooLarge { .. })));
    });
}

#[test]
fn huge_texts_are_refused() {
    let text = format!("{{\"title\":\"{}\"}}", "x".repeat(10 << 20));
    assert!(matches!(parse(&text), Err(ParseError::TooLarge { .. })));
    let references =
        ResolvedReferences { texts: vec![("r".to_owned(), text)], ..ResolvedReferences::default() };
    let parsed = json::parse("{}", &references, Strictness::New, &Limits::default());
    assert!(matches!(parsed, Err(ParseError::TooLarge { .. })));
    let references = ResolvedReferences {
        texts: vec![("r".to_owned(), "{}".to_owned()); 1_001],
        ..ResolvedReferences::default()
    };
    let parsed = json::parse("{}", &references, Strictness::New, &Limits::default());
    assert!(matches!(parsed, Err(ParseError::TooLarge { .. })));
}

#[test]
fn references_in_circles_end() {
    on_a_small_stack(|| {
        for text in [
            r##"{"$ref":"#"}"##,
            r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
            r##"{"allOf":[{"$ref":"#"},{"$ref":"#"}],"type":"string"}"##,
            r##"{"not":{"$ref":"#"},"type":"string"}"##,
            r##"{"anyOf":[{"$ref":"#/anyOf/1"},{"$ref":"#/anyOf/0"}]}"##,
            r##"{"oneOf":[{"$ref":"#"},{"type":"string"}],"properties":{"a":{"$ref":"#"}}}"##,
            r##"{"patternProperties":{"a":{"$ref":"#"}},"additionalProperties":{"$ref":"#"},"type":["string","object"]}"##,
        ] {
            assert!(exercise(text).is_some(), "{text}");
            let modern = format!("{{{MODERN}{}", &text[1..]);
            assert!(exercise(&modern).is_some(), "{modern}");
            let dynamic = modern.replace("$ref", "$dynamicRef");
            assert!(exercise(&dynamic).is_some(), "{dynamic}");
        }
    });
}

/// `count` definitions, each of which uses the next one twice.
fn lattice(count: usize, link: &str) -> String {
    let definitions: Vec<String> = (0..count)
        .map(|n| {
            let next = format!("{{\"$ref\":\"#/definitions/d{}\"}}", n + 1);
            format!("\"d{n}\":{}", link.replace('@', &next))
        })
        .collect();
    format!(
        "{{\"$ref\":\"#/definitions/d0\",\"definitions\":{{{},\"d{count}\":{{\"type\":\"string\"}}}}}}",
        definitions.join(",")
    )
}

#[test]
fn lattices_of_references_are_compared_in_linear_work_and_told_within_bounds() {
    on_a_small_stack(|| {
        for link in [
            r#"{"properties":{"a":@,"b":@}}"#,
            r#"{"allOf":[@,@,{"type":"object"}]}"#,
            r#"{"anyOf":[{"items":@},{"items":@,"title":"t"}]}"#,
            r#"{"oneOf":[@,{"not":@}]}"#,
            r#"{"not":@,"items":@}"#,
            r#"{"patternProperties":{"a":@},"properties":{"b":@},"additionalProperties":@}"#,
        ] {
            let text = lattice(60, link);
            let found = exercise(&text).unwrap_or_else(|| panic!("refused: {link}"));
            assert!(!found.is_empty(), "{link}");
            let modern = format!("{{{MODERN}{}", &text[1..]);
            assert!(exercise(&modern).is_some(), "{link}");
        }
        // Written out, this one has 2^60 differences.
        let found = exercise(&lattice(60, r#"{"properties":{"a":@,"b":@}}"#)).unwrap();
        assert_eq!(found.last().map(|last| last.kind), Some(DifferenceKind::NotComparable));
    });
}

#[test]
fn long_chains_of_references_need_no_stack() {
    on_a_small_stack(|| {
        for link in [r#"{"properties":{"a":@}}"#, r#"{"items":@}"#, "@", r#"{"not":@}"#] {
            for prefix in ["", MODERN] {
                let text = lattice(4_000, link);
                assert!(exercise(&format!("{{{prefix}{}", &text[1..])).is_some(), "{link}");
            }
        }
    });
}

#[test]
fn wide_schemas_end() {
    on_a_small_stack(|| {
        let list =
            |count: usize, item: fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
        let combined = list(3_000, |n| format!("{{\"type\":\"string\",\"maxLength\":{n}}}"));
        let found = exercise(&format!("{{\"anyOf\":[{combined}]}}")).unwrap();
        assert_eq!(found.last().map(|last| last.kind), Some(DifferenceKind::NotComparable));
        // Every pair of branches is compared.
        let combined = list(300, |n| format!("{{\"type\":\"string\",\"maxLength\":{n}}}"));
        assert!(exercise(&format!("{{\"oneOf\":[{combined}]}}")).is_some());
        let properties = list(20_000, |n| format!("\"p{n}\":{{\"type\":\"string\"}}"));
        assert!(exercise(&format!("{{\"properties\":{{{properties}}}}}")).is_some());
        let patterns = list(10_000, |n| format!("\"^a{{{n}}}$\":{{}}"));
        assert!(exercise(&format!("{{\"patternProperties\":{{{patterns}}}}}")).is_some());
        let heavy = format!(
            "{{\"title\":\"{}\",\"enum\":[{}]}}",
            "t".repeat(300_000),
            list(20_000, |n| n.to_string())
        );
        let links = list(1_000, |_| "{\"$ref\":\"#/$defs/h\"}".to_owned());
        let text =
            format!("{{{MODERN}\"$defs\":{{\"h\":{heavy}}},\"prefixItems\":[{links}],\"anyOf\":[{links}]}}");
        assert!(exercise(&text).is_some());
        let references = list(20_000, |_| "{\"$ref\":\"#\"}".to_owned());
        assert!(exercise(&format!("{{\"allOf\":[{references}]}}")).is_some());
        let ids = list(10_000, |n| format!("{{\"$id\":\"x{n}\"}}"));
        let long = format!("http://e.com/{}/", "y".repeat(100_000));
        assert!(matches!(
            parse(&format!("{{\"$id\":\"{long}\",\"allOf\":[{ids}]}}")),
            Err(ParseError::TooLarge { .. })
        ));
    });
}

#[test]
fn patterns_cannot_take_long() {
    on_a_small_stack(|| {
        let evil =
            ["(a+)+$", "(a|aa)*$", "(?=(a+)+$)b", "(.*)\\\\1{9}x", "(?<!b)(a*)*c", "a{0,30}{0,30}{0,30}x"];
        let patterns: Vec<String> = (0..100)
            .flat_map(|n| evil.iter().map(move |pattern| format!("\"{pattern}{}\":{{}}", "x".repeat(n))))
            .collect();
        let name = "a".repeat(20_000);
        let writer = parse(&format!("{{\"properties\":{{\"{name}\":{{\"type\":\"string\"}}}}}}")).unwrap();
        let reader = parse(&format!("{{\"patternProperties\":{{{}}}}}", patterns.join(","))).unwrap();
        let found = diff(&reader, &writer, Strict, &Limits::default());
        assert!(!found.is_empty());
    });
}

#[test]
fn places_inside_each_others_values_do_not_multiply() {
    on_a_small_stack(|| {
        // A reference to every level of a tower of defaults with a heavy top.
        let tower = "{\"default\":".repeat(400) + &format!("\"{}\"", "x".repeat(500_000)) + &"}".repeat(400);
        let references: Vec<String> =
            (0..400).map(|n| format!("{{\"$ref\":\"#/x{}\"}}", "/default".repeat(n))).collect();
        let text = format!("{{\"x\":{tower},\"allOf\":[{}]}}", references.join(","));
        assert!(matches!(parse(&text), Err(ParseError::TooLarge { .. })));
    });
}

fn check(schema: &str, body: &str) -> Result<(), InvalidKind> {
    let limits = Limits::default();
    let validator = Validator::compile(&parse(schema).unwrap(), Options::default(), &limits).unwrap();
    validator.check(body.as_bytes(), &limits).map_err(|invalid| invalid.kind)
}

#[test]
fn hidden_work_of_validation_counts() {
    on_a_small_stack(|| {
        // A lattice that asks the same of one value 900 times.
        let often = |leaf: &str| {
            let links = |name: &str| vec![format!("{{\"$ref\":\"#/definitions/{name}\"}}"); 30].join(",");
            let (a, b) = (links("a"), links("b"));
            format!("{{\"allOf\":[{a}],\"definitions\":{{\"a\":{{\"allOf\":[{b}]}},\"b\":{leaf}}}}}")
        };
        let ones = "1,".repeat(100_000);
        let members: Vec<String> = (0..40_000).map(|n| format!("\"m{n}\":1")).collect();
        let asked = vec!["{\"minLength\":1}"; 600].join(",");
        let long = "a".repeat(200_000);
        let cases = [
            // Whether few but heavy items repeat.
            (often(r#"{"uniqueItems":true}"#), format!("[[{ones}1],[{ones}2]]")),
            // The same at every level.
            (
                r##"{"uniqueItems":true,"items":{"$ref":"#"}}"##.to_owned(),
                format!(
                    "{}[{ones}2]{}",
                    "[".repeat(400),
                    ",0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]".repeat(400)
                ),
            ),
            // Every place of a text begins a look at the rest of it.
            (r#"{"not":{"pattern":"(?=.*b)c"}}"#.to_owned(), format!("\"{long}\"")),
            (r#"{"patternProperties":{"(?=.*b)c":{}}}"#.to_owned(), format!("{{\"{long}\":1}}")),
            (r#"{"propertyNames":{"not":{"pattern":"(?=.*b)c"}}}"#.to_owned(), format!("{{\"{long}\":1}}")),
            // Exponentially many ways, each with a look ahead.
            (
                r#"{"items":{"not":{"pattern":"^(?:(?=.*b)a|(?!.*b)a|(?!.*c)a)*d"}}}"#.to_owned(),
                format!("[{}1]", format!("\"{}\",", "a".repeat(400)).repeat(1_000)),
            ),
            // Exact arithmetic with hundreds of digits.
            (r#"{"items":{"multipleOf":0.1}}"#.to_owned(), format!("[{}0]", "1e308,".repeat(170_000))),
            // Every member asks every subschema.
            (
                format!("{{{MODERN}\"allOf\":[{asked}],\"unevaluatedProperties\":{{\"type\":\"integer\"}}}}"),
                format!("{{{}}}", members.join(",")),
            ),
        ];
        for (schema, body) in cases {
            let began = Instant::now();
            assert_eq!(check(&schema, &body), Err(InvalidKind::TooExpensive), "{schema:.200}");
            println!("{:?} {schema:.80}", began.elapsed());
        }
    });
}

#[test]
fn ordinary_payloads_are_not_too_expensive() {
    on_a_small_stack(|| {
        let many = |count: usize, item: &str| format!("[{}]", vec![item; count].join(","));
        let cases = [
            (r#"{"items":{"pattern":"^(?!x)[a-z0-9-]{1,40}$"}}"#, many(20_000, "\"some-name-12\"")),
            (
                r#"{"items":{"pattern":"^(?=.*[A-Z])(?=.*[0-9]).{8,30}$"}}"#,
                many(3_000, "\"Passw0rdPassw0rd\""),
            ),
            (
                r#"{"items":{"pattern":"^(?!-)[a-z-]+(?:[.](?!-)[a-z-]+)*$"}}"#,
                many(1_000, "\"a-host.a-domain.example\""),
            ),
            (r#"{"pattern":"^(?!\\s*$)[\\s\\S]+$"}"#, format!("\"{}\"", "some text ".repeat(100_000))),
            (r#"{"items":{"multipleOf":0.01}}"#, many(170_000, "12.34")),
            (
                r#"{"items":{"uniqueItems":true}}"#,
                many(
                    8_000,
                    r#"[{"a":1,"b":"x"},{"a":2,"b":"y"},"c","d","e","f","g","h","i","j","k","l","m","n","o","p"]"#,
                ),
            ),
            (r#"{"pattern":"^(?:[A-Za-z0-9+/]{4})*$"}"#, format!("\"{}\"", "QUJD".repeat(250_000))),
        ];
        for (schema, body) in cases {
            assert_eq!(check(schema, &body), Ok(()), "{schema}");
        }
    });
}
