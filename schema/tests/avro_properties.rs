//! Laws that hold for every Avro schema, on schemas made of random choices, and on random text.
#![cfg(feature = "avro")]

use muster_schema::avro::{self, AvroSchema};
use muster_schema::{Limits, ParseError, ResolvedReferences, Strictness};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

fn parse(text: &str, strictness: Strictness) -> Result<AvroSchema, ParseError> {
    avro::parse(text, &ResolvedReferences::default(), strictness, &Limits::default())
}

/// Choices taken from a string of bytes; when it is used up every choice is the first one, so everything ends.
struct Choices<'a> {
    bytes: &'a [u8],
    names: usize,
}

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % count
    }

    fn pick<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.below(list.len())]
    }

    fn schema(&mut self, depth: usize) -> String {
        match self.below(if depth > 6 { 5 } else { 14 }) {
            0..3 => {
                format!("\"{}\"", self.pick(&["int", "null", "string", "double", "float", "bytes", "long"]))
            }
            // Earlier and later names alike; some are never defined.
            3 => format!("\"n.T{}\"", self.below(self.names + 2)),
            4 => {
                format!("{{\"type\":\"{}\"{}}}", self.pick(&["bytes", "int", "long", "string"]), self.props())
            }
            5 => format!("{{\"items\":{}{},\"type\":\"array\"}}", self.schema(depth + 1), self.props()),
            6 => format!("{{\"type\":\"map\",\"values\":{}{}}}", self.schema(depth + 1), self.props()),
            7 | 8 => {
                let branches: Vec<String> = (0..self.below(4)).map(|_| self.schema(depth + 1)).collect();
                format!("[{}]", branches.join(","))
            }
            kind => self.named(kind, depth),
        }
    }

    fn named(&mut self, kind: usize, depth: usize) -> String {
        let name = self.names;
        self.names += 1;
        let notes = self.pick(&[
            "",
            ",\"doc\":\"\"",
            ",\"doc\":\"d\",\"aliases\":[\"b\",\"m.a\"]",
            ",\"aliases\":[\"int\"]",
        ]);
        let props = self.props();
        let rest = match kind {
            9 => "\"type\":\"enum\",\"symbols\":[\"B\",\"A\"],\"default\":\"A\"".to_owned(),
            10 => format!("\"type\":\"fixed\",\"size\":{}", self.below(20)),
            _ => {
                let fields: Vec<String> = (0..self.below(5))
                    .map(|i| {
                        let (schema, props, default) = (self.schema(depth + 1), self.props(), self.default());
                        let notes = self.pick(&[
                            "",
                            ",\"order\":\"ignore\",\"aliases\":[\"b\",\"a\"]",
                            ",\"doc\":\"\"",
                        ]);
                        format!("{{\"name\":\"f{i}\",\"type\":{schema}{default}{notes}{props}}}")
                    })
                    .collect();
                format!("\"type\":\"{}\",\"fields\":[{}]", self.pick(&["record", "error"]), fields.join(","))
            }
        };
        format!(
            "{{\"name\":\"T{name}\",\"namespace\":\"{}\",{rest}{notes}{props}}}",
            self.pick(&["n", "n", "n", "m"])
        )
    }

    fn default(&mut self) -> String {
        let value = self.pick(&[
            "",
            "",
            "",
            "null",
            "1",
            "\"A\"",
            "[]",
            "{}",
            "1.5",
            "\"1e3\"",
            "[1,null]",
            "{\"f0\":1,\"a\":2}",
        ]);
        if value.is_empty() { String::new() } else { format!(",\"default\":{value}") }
    }

    fn props(&mut self) -> String {
        let logical = self.pick(&["", "", "date", "decimal", "uuid", "duration"]);
        let mut out = match logical {
            "" => String::new(),
            logical => format!(",\"scale\":0,\"logicalType\":\"{logical}\",\"precision\":2"),
        };
        if self.below(4) == 1 {
            let value = self.pick(&[
                "1.10",
                "[1e3,{\"d\":1,\"c\":null}]",
                "\"\u{e9}\\u0001\"",
                "-0",
                "9007199254740993",
            ]);
            out += &format!(",\"z\":{value},\"a\":true");
        }
        out
    }
}

/// A schema that parses, from bytes; most bytes give one.
fn schema(bytes: &[u8], strictness: Strictness) -> Option<(String, AvroSchema)> {
    let text = Choices { bytes, names: 0 }.schema(0);
    parse(&text, strictness).ok().map(|schema| (text, schema))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..120)
}

proptest! {
    #[test]
    fn canonical_text_is_its_own_canonical_text(bytes in bytes()) {
        let Some((text, schema)) = schema(&bytes, Strictness::New) else { return Ok(()) };
        let again = parse(schema.canonical(), Strictness::Stored);
        prop_assert!(again.is_ok(), "{} gave {}: {:?}", text, schema.canonical(), again.err());
        if let Ok(again) = again {
            prop_assert_eq!(again.canonical(), schema.canonical(), "{}", text);
            prop_assert!(again.equivalent(&schema) && schema.equivalent(&again), "{}", text);
        }
    }

    #[test]
    fn normalized_text_is_canonical_and_normal(bytes in bytes()) {
        let Some((text, schema)) = schema(&bytes, Strictness::Stored) else { return Ok(()) };
        let Ok(normalized) = schema.normalized() else { return Ok(()) };
        let twice = normalized.normalized().map(|schema| schema.canonical().to_owned());
        prop_assert_eq!(twice.as_deref(), Ok(normalized.canonical()), "{}", text);
        let again = parse(normalized.canonical(), Strictness::Stored).map(|schema| schema.canonical().to_owned());
        prop_assert_eq!(again.as_deref(), Ok(normalized.canonical()), "{}", text);
    }

    #[test]
    fn a_schema_is_equivalent_to_itself(bytes in bytes()) {
        let Some((text, schema)) = schema(&bytes, Strictness::Stored) else { return Ok(()) };
        let twin = parse(&text, Strictness::Stored);
        prop_assert!(twin.is_ok_and(|twin| twin.equivalent(&schema)), "{}", text);
        prop_assert!(schema.equivalent(&schema.clone()));
    }

    #[test]
    fn a_strictly_read_schema_is_read_the_same_when_stored(bytes in bytes()) {
        let Some((text, schema)) = schema(&bytes, Strictness::New) else { return Ok(()) };
        let stored = parse(&text, Strictness::Stored).map(|schema| schema.canonical().to_owned());
        prop_assert_eq!(stored.as_deref(), Ok(schema.canonical()), "{}", text);
    }

    #[test]
    fn fuzz_smoke(bytes in proptest::collection::vec(any::<u8>(), 0..300), edits in bytes()) {
        fuzz(&bytes);
        let mut text = Choices { bytes: &edits, names: 0 }.schema(0).into_bytes();
        for edit in bytes.chunks_exact(2) {
            let at = usize::from(edit[0]) * 7 % text.len();
            text[at] = b"{}[]\",:0\\n/*.-e\xc3"[usize::from(edit[1]) % 16];
        }
        fuzz(&text);
    }
}

#[test]
fn most_choices_give_a_schema() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = bytes();
    let parsed = (0..300).filter(|_| {
        let bytes = strategy.new_tree(&mut runner).map(|tree| tree.current()).unwrap_or_default();
        schema(&bytes, Strictness::Stored).is_some()
    });
    assert!(parsed.count() > 100);
}

/// Reads any bytes as a schema, strictly and not, and does with it whatever can be done. Must neither panic nor hang.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limits = Limits { depth: 50, nodes: 2_000, pairs: 20_000, ..Limits::default() };
    for strictness in [Strictness::New, Strictness::Stored] {
        let Ok(schema) = avro::parse(&text, &ResolvedReferences::default(), strictness, &limits) else {
            continue;
        };
        let references = ResolvedReferences {
            texts: vec![("r".to_owned(), schema.canonical().to_owned())],
            ..ResolvedReferences::default()
        };
        let _ = avro::parse(&text, &references, strictness, &limits);
        let _ =
            (schema.normalized(), schema.formatted("resolved"), schema.inline_tags(), schema.record_name());
        assert!(schema.equivalent(&schema.clone()));
    }
}
