//! Keys and values at level `payload`, in the three schema languages.

use std::cell::RefCell;
use std::sync::LazyLock;

use muster_schema::{
    Limits, ParsedSchema, ResolvedReferences, SchemaId, SchemaType, Strictness, SubjectNameStrategy,
};
use muster_validator::engine::*;

use crate::support::*;

pub const AVRO: (SchemaType, &str) = (
    SchemaType::Avro,
    r#"{"type":"record","name":"R","fields":[{"name":"s","type":"string"},{"name":"n","type":"long"}]}"#,
);
pub const PROTOBUF: (SchemaType, &str) = (
    SchemaType::Protobuf,
    "syntax = \"proto3\"; message R { string s = 1; message N { repeated sint64 n = 1; } } message S { R r = 3; }",
);
pub const JSON: (SchemaType, &str) = (
    SchemaType::Json,
    r#"{"title":"R","type":"object","properties":{"a":{"type":"integer","minimum":0},"s":{"pattern":"^(a|b)*$"}},"required":["a"]}"#,
);
/// More of each, with recursion, unions, maps, groups and references within the text.
const MORE: [(SchemaType, &str); 3] = [
    (
        SchemaType::Avro,
        r#"{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]},
            {"name":"m","type":{"type":"map","values":["int","double",{"type":"array","items":"bytes"}]}},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
            {"name":"f","type":{"type":"fixed","name":"F","size":3}},{"name":"b","type":"boolean"}]}"#,
    ),
    (
        SchemaType::Protobuf,
        "syntax = \"proto2\"; message R { required int32 a = 1; optional R r = 2; map<string, bytes> m = 3; repeated \
         group G = 4 { optional fixed32 f = 1; } oneof o { double d = 5; string s = 6; } }",
    ),
    (
        SchemaType::Json,
        r##"{"title":"R","$schema":"http://json-schema.org/draft-07/schema#","definitions":{"t":{"type":"array",
            "items":{"anyOf":[{"$ref":"#/definitions/t"},{"type":"number","multipleOf":0.1}]},"uniqueItems":true}},
            "properties":{"t":{"$ref":"#/definitions/t"},"d":{"format":"date"}},"additionalProperties":false}"##,
    ),
];

pub fn facts_of(schema_type: SchemaType, text: &str) -> SchemaFacts {
    let references = ResolvedReferences::default();
    let parsed = ParsedSchema::parse(schema_type, text, &references, Strictness::New, &Limits::default());
    SchemaFacts::of(&parsed.unwrap())
}

static FACTS: LazyLock<FactsMap> = LazyLock::new(|| {
    let mut facts = FactsMap::complete();
    for (n, (schema_type, text)) in (0..).zip([AVRO, PROTOBUF, JSON].into_iter().chain(MORE)) {
        let schema = facts_of(schema_type, text).registered("t-value", false).registered("R", false);
        assert!(schema.payload.is_some());
        facts.insert(Identifier::Id(SchemaId(n)), Fact::Known(schema.into()));
    }
    facts
});

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A byte chooses the strategy, the rest is the value of a record.
///
/// What passes at level `payload` passes at level `id`, and what is refused for any reason but its payload is refused
/// for the same reason there.
pub fn feed(input: &[u8]) -> String {
    let [choice, value @ ..] = input else { return String::new() };
    let strategy = [SubjectNameStrategy::TopicName, SubjectNameStrategy::RecordName][usize::from(choice % 2)];
    let at = |level| {
        let side = SideRules { strategy, level, ..SideRules::default() };
        let rules = TopicRules::new("t").with_value(side);
        let bytes = batch(Codec::None, &[Rec::value(value)]);
        SCRATCH.with_borrow_mut(|scratch| {
            validate_batch(&rules, &*FACTS, &bytes, &BatchLimits::default(), scratch)
        })
    };
    match (at(Level::Id), at(Level::Payload)) {
        (Outcome::Pass(_), Outcome::Pass(_)) => format!("pass {:?} {}", value.get(4), value.len().min(20)),
        (Outcome::Pass(_), Outcome::Reject(report)) => {
            assert_eq!(report.reason, Reason::Payload, "{report:?}");
            report.message.chars().filter(|c| !c.is_ascii_digit()).collect()
        }
        (Outcome::Reject(by_id), Outcome::Reject(by_payload)) => {
            assert_eq!(by_id, by_payload);
            by_id.message.chars().filter(|c| !c.is_ascii_digit()).collect()
        }
        (by_id, by_payload) => panic!("{by_id:?} at level id, {by_payload:?} at level payload"),
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let bodies: [(i32, &[u8]); 14] = [
        (0, b"\x06abc\x02"),
        (1, b"\x00\x0a\x03abc"),
        (1, b"\x04\x00\x00\x0a\x02\x01\x02"),
        (1, b"\x02\x02\x1a\x03\x0a\x01a"),
        (2, br#"{"a":1,"s":"ab"}"#),
        (2, br#" {"a":1e2,"b":[[]]} "#),
        (3, b"\x02\x00\x00\x00abc\x01\x00\x02\x02k\x00\x08\x00\x02abc\x00"),
        (3, b"\x00\x01\x0c\x02k\x04\x02\x02\x01\x00\x00\x02xyz\x00"),
        (4, b"\x00\x08\x01\x12\x02\x08\x05\x1a\x06\x0a\x01k\x12\x01v"),
        (4, b"\x00\x08\x01\x23\x0d\x01\x02\x03\x04\x24\x29\0\0\0\0\0\0\0\0"),
        (4, b"\x00\x08\x01\x32\x02hi\x43\x0b\x0c\x44"),
        (5, br#"{"t":[[],[1,0.1],[[2]]]}"#),
        (5, br#"{"t":[1,1.0]}"#),
        (5, br#"{"d":"2024-02-30"}"#),
    ];
    let with = |choice: u8| bodies.map(|(id, body)| [&[choice], &framed(id, body)[..]].concat());
    with(0).into_iter().chain(with(1)).collect()
}
