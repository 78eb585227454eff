//! The verdict procedure, rule by rule.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::cell::RefCell;
use std::sync::Arc;

use muster_schema::{
    Guid, Limits, ParsedSchema, ResolvedReferences, SchemaId, SchemaType, Side, Strictness,
    SubjectNameStrategy,
};
use muster_validator::engine::*;
use support::*;

const GUID: Guid = Guid([7; 16]);

fn id(n: i32) -> Identifier {
    Identifier::Id(SchemaId(n))
}

fn avro(name: Option<&str>) -> SchemaFacts {
    SchemaFacts::new(SchemaType::Avro, name.map_or(RecordName::None, |name| RecordName::One(name.into())))
}

fn known(facts: SchemaFacts) -> Fact {
    Fact::Known(Arc::new(facts))
}

/// 1: orders-value and by name; 2: another subject; 3: soft-deleted; 4: no record; 5: Protobuf; 6: JSON without a
/// reader; 7: orders-key; 8: Protobuf elsewhere; 9: unavailable; 10: Protobuf without a table.
fn registry() -> FactsMap {
    let message = |name: &str, nested| Message { name: name.into(), nested };
    let deep = message("p.Event.Item.Deep", vec![]);
    let item = message("p.Event.Item", vec![deep]);
    let table = MessageTable { messages: vec![message("p.Event", vec![item]), message("p.Ping", vec![])] };
    let protobuf = || SchemaFacts::new(SchemaType::Protobuf, RecordName::PerMessage(table.clone()));
    let order = avro(Some("com.Order"))
        .registered("payments-value", false)
        .registered("orders-value", false)
        .registered("com.Order", false)
        .registered("orders-com.Order", false);
    let mut facts = FactsMap::complete();
    facts.insert(Identifier::Guid(GUID), known(order.clone()));
    facts.insert(id(0), known(order.clone()));
    facts.insert(id(1), known(order));
    facts.insert(id(2), known(avro(Some("com.Payment")).registered("payments-value", false)));
    facts.insert(id(3), known(avro(Some("com.Order")).registered("orders-value", true)));
    facts.insert(id(4), known(avro(None).registered("orders-value", false).registered("com.Order", false)));
    let event = protobuf().registered("orders-value", false).registered("orders-p.Event.Item", false);
    facts.insert(id(5), known(event.registered("p.Ping", false)));
    let json = SchemaFacts::new(SchemaType::Json, RecordName::Unread);
    facts.insert(id(6), known(json.registered("orders-value", false)));
    facts.insert(id(7), known(avro(None).registered("orders-key", false)));
    facts.insert(id(8), known(protobuf().registered("elsewhere", false)));
    facts.insert(id(9), Fact::Unavailable);
    let unread = SchemaFacts::new(SchemaType::Protobuf, RecordName::Unread);
    facts.insert(id(10), known(unread.registered("orders-value", false)));
    let twice = avro(None).registered("orders-value", true).registered("orders-value", false);
    facts.insert(id(11), known(twice));
    facts
}

fn orders(value: SideRules) -> TopicRules {
    TopicRules::new("orders").with_value(value)
}

fn judge(rules: &TopicRules, bytes: &[u8]) -> Outcome {
    validate_batch(rules, &registry(), bytes, &BatchLimits::default(), &mut Scratch::default())
}

/// Key and value reasons of the only record, judged in every codec.
fn reasons(rules: &TopicRules, rec: &Rec) -> (Option<Reason>, Option<Reason>) {
    let mut found = None;
    for codec in CODECS {
        let reasons = match judge(rules, &batch(codec, std::slice::from_ref(rec))) {
            Outcome::Pass(stats) => {
                assert_eq!(stats.records, 1);
                (None, None)
            }
            Outcome::Reject(report) => (report.records[0].key, report.records[0].value),
            other => panic!("{other:?}"),
        };
        assert_eq!(*found.get_or_insert(reasons), reasons, "{codec} differs");
    }
    found.unwrap()
}

fn value_reason(rules: SideRules, rec: &Rec) -> Option<Reason> {
    reasons(&orders(rules), rec).1
}

#[test]
fn framing_follows_the_policy() {
    use FramingPolicy::{Either, Header, Prefix};
    let guid = muster_schema::framing::guid_identifier(GUID);
    let good_id = framed(1, b"x");
    let good_guid = [&guid[..], b"x"].concat();
    let rec = |value: &[u8]| Rec::value(value);
    let own = "__value_schema_id";
    let no = Some(Reason::NoMagic);
    let short = Some(Reason::TooShort);
    let unknown = Some(Reason::UnknownId);
    // Record, then the reason under prefix, header and either.
    let cases: Vec<(Rec, [Option<Reason>; 3])> = vec![
        (Rec::default(), [None, None, None]),
        (Rec::default().with_header(own, Some(b"\x05")), [None, None, None]),
        (rec(b""), [short, no, short]),
        (rec(b"\0"), [short, no, short]),
        (rec(b"\0\0\0\0"), [short, no, short]),
        (rec(&framed(1, b"")), [None, no, None]),
        (rec(&good_id), [None, no, None]),
        (rec(b"\x05"), [no, no, no]),
        (rec(b"{\"a\":1}"), [no, no, no]),
        (rec(&[0xff; 20]), [no, no, no]),
        (rec(b"\x01"), [no, no, short]),
        (rec(&good_guid[..16]), [no, no, short]),
        (rec(&guid), [no, no, None]),
        (rec(&good_guid), [no, no, None]),
        (rec(&[1; 17]), [no, no, unknown]),
        // With a header the whole value is the body.
        (rec(b"body").with_header(own, Some(&guid)), [no, None, None]),
        (rec(b"").with_header(own, Some(&guid)), [short, None, None]),
        (rec(b"body").with_header(own, Some(&framed(1, b""))), [no, None, None]),
        (rec(b"body").with_header(own, Some(&framed(1, b"ignored"))), [no, None, None]),
        (rec(&good_id).with_header(own, Some(&framed(99, b""))), [None, unknown, unknown]),
        // A wrong header does not fall back to the prefix.
        (rec(&good_id).with_header(own, Some(b"")), [None, short, short]),
        (rec(&good_id).with_header(own, Some(&guid[..9])), [None, short, short]),
        (rec(&good_id).with_header(own, Some(b"\x05abcdefghijklmnopq")), [None, no, no]),
        // A header without value is no header.
        (rec(&good_id).with_header(own, None), [None, no, None]),
        (rec(&good_id).with_header(own, Some(&framed(99, b""))).with_header(own, None), [None, no, None]),
        // The last one counts.
        (rec(b"b").with_header(own, None).with_header(own, Some(&guid)), [no, None, None]),
        (
            rec(b"b").with_header(own, Some(&guid)).with_header(own, Some(&framed(99, b""))),
            [no, unknown, unknown],
        ),
        // Only the own side's exact name.
        (rec(b"b").with_header("__key_schema_id", Some(&guid)), [no, no, no]),
        (rec(b"b").with_header("__VALUE_SCHEMA_ID", Some(&guid)), [no, no, no]),
        (rec(b"b").with_header("__value_schema_id2", Some(&guid)), [no, no, no]),
    ];
    for (rec, expected) in cases {
        for (framing, expected) in [Prefix, Header, Either].into_iter().zip(expected) {
            let rules = SideRules { framing, ..SideRules::default() };
            assert_eq!(value_reason(rules, &rec), expected, "{framing:?} {rec:02x?}");
        }
    }
}

#[test]
fn a_null_passes_unless_the_rules_refuse_it() {
    let refuse = SideRules { null: NullPolicy::Reject, ..SideRules::default() };
    assert_eq!(value_reason(refuse, &Rec::default()), Some(Reason::TooShort));
    assert_eq!(value_reason(refuse, &Rec::value(framed(1, b""))), None);
    assert_eq!(value_reason(SideRules::default(), &Rec::default()), None);
}

#[test]
fn the_id_must_be_a_version_of_the_subject() {
    let reject = SideRules { deleted: DeletedPolicy::Reject, ..SideRules::default() };
    let wrong = Some(Reason::WrongSubject);
    let unknown = Some(Reason::UnknownId);
    // Id, then the reason with soft-deleted versions accepted and rejected.
    let cases = [
        (0, None, None),
        (1, None, None),
        (2, wrong, wrong),
        (3, None, wrong),
        (7, wrong, wrong),
        (11, None, None),
        (99, unknown, unknown),
        (-1, unknown, unknown),
        (i32::MAX, unknown, unknown),
        (i32::MIN, unknown, unknown),
    ];
    for (id, accepted, rejected) in cases {
        let rec = Rec::value(framed(id, b"x"));
        assert_eq!(value_reason(SideRules::default(), &rec), accepted, "{id}");
        assert_eq!(value_reason(reject, &rec), rejected, "{id}");
    }
}

#[test]
fn strategies_derive_the_subject() {
    use SubjectNameStrategy::{RecordName, TopicName, TopicRecordName};
    let wrong = Some(Reason::WrongSubject);
    let no_name = Some(Reason::NoRecordName);
    let bad = Some(Reason::BadIndexes);
    // Id and what is behind it, then the reason under topic name, record name and topic record name.
    type Case<'a> = (i32, &'a [u8], [Option<Reason>; 3]);
    let cases: &[Case] = &[
        (1, b"x", [None, None, None]),
        (2, b"x", [wrong, wrong, wrong]),
        (4, b"x", [None, no_name, no_name]),
        (6, b"{}", [None, no_name, no_name]),
        // Protobuf: p.Event is registered by topic only, p.Event.Item by topic and record, p.Ping by record.
        (5, &[0], [None, wrong, wrong]),
        (5, &[2, 0], [None, wrong, wrong]),
        (5, &[4, 0, 0, 9], [None, wrong, None]),
        (5, &[2, 2], [None, None, wrong]),
        (5, &[6, 0, 0, 0], [None, wrong, wrong]),
        (5, &[2, 4], [bad, bad, bad]),
        (5, &[4, 2, 0], [bad, bad, bad]),
        (5, &[], [bad, bad, bad]),
        (5, &[1], [bad, bad, bad]),
        (5, &[4, 0], [bad, bad, bad]),
        // Where the subject does not depend on the indexes, it comes first.
        (8, &[2, 4], [wrong, bad, bad]),
        (8, &[2, 2], [wrong, wrong, wrong]),
        // Without a table the syntax alone is checked.
        (10, &[2, 4], [None, no_name, no_name]),
        (10, &[1], [bad, no_name, no_name]),
    ];
    for (id, behind, expected) in cases {
        for (strategy, expected) in [TopicName, RecordName, TopicRecordName].into_iter().zip(expected) {
            let rules = SideRules { strategy, ..SideRules::default() };
            let rec = Rec::value(framed(*id, behind));
            assert_eq!(value_reason(rules, &rec), *expected, "{strategy:?} {id} {behind:02x?}");
            // The identifier and the indexes travel together in a header.
            let rules = SideRules { framing: FramingPolicy::Either, ..rules };
            let rec = Rec::value("body").with_header("__value_schema_id", Some(&framed(*id, behind)));
            assert_eq!(value_reason(rules, &rec), *expected, "header {strategy:?} {id} {behind:02x?}");
        }
    }
}

#[test]
fn a_passing_record_vouches_for_no_other() {
    // Each pair on one topic: what the second record gets must not depend on the first having passed.
    let either = SideRules { framing: FramingPolicy::Either, ..SideRules::default() };
    let header = |id| Rec::value(framed(1, b"x")).with_header("__value_schema_id", Some(&framed(id, b"")));
    let cases = [
        (SideRules::default(), Rec::value(framed(1, b"x")), Rec::value(framed(2, b"x"))),
        (SideRules::default(), Rec::value(framed(1, b"x")), Rec::value(&framed(1, b"")[..4])),
        (SideRules::default(), Rec::value(framed(1, b"x")), Rec::value([1, 0, 0, 0, 1, 0])),
        (SideRules::default(), Rec::default(), Rec::value([0xff; 9])),
        (SideRules::default(), Rec::value(framed(5, &[0])), Rec::value(framed(5, &[1]))),
        (either, Rec::value(framed(1, b"x")), header(99)),
        (either, header(1), Rec::value(framed(99, b"x"))),
        (
            SideRules { null: NullPolicy::Reject, ..SideRules::default() },
            Rec::value(framed(1, b"x")),
            Rec::default(),
        ),
    ];
    for (i, (rules, good, bad)) in cases.into_iter().enumerate() {
        let rules = orders(rules);
        let bytes = batch(Codec::None, &[good.clone(), bad, good]);
        assert_eq!(failing(&judge(&rules, &bytes)), [1], "case {i}");
    }
}

#[test]
fn a_topic_is_no_prefix_of_another() {
    let rules = |topic: &str| {
        let strategy = SubjectNameStrategy::TopicRecordName;
        TopicRules::new(topic).with_value(SideRules { strategy, ..SideRules::default() })
    };
    let bytes = batch(Codec::None, &[Rec::value(framed(1, b""))]);
    assert!(matches!(judge(&rules("orders"), &bytes), Outcome::Pass(_)));
    for topic in ["order", "orders-", "orders-com", "s", ""] {
        assert!(matches!(judge(&rules(topic), &bytes), Outcome::Reject(_)), "{topic:?}");
    }
}

#[test]
fn sides_are_judged_apart() {
    let both = TopicRules::new("orders").with_key(SideRules::default()).with_value(SideRules::default());
    let key_only = TopicRules::new("orders").with_key(SideRules::default());
    let cases = [
        (Rec::value(framed(1, b"")).with_key(framed(7, b"")), (None, None)),
        (
            Rec::value(framed(7, b"")).with_key(framed(1, b"")),
            (Some(Reason::WrongSubject), Some(Reason::WrongSubject)),
        ),
        (Rec::value(framed(1, b"")), (None, None)),
        (Rec::value(framed(1, b"")).with_key("plain"), (Some(Reason::NoMagic), None)),
        (Rec::value("plain").with_key(framed(7, b"")), (None, Some(Reason::NoMagic))),
        (Rec::value("").with_key(framed(99, b"")), (Some(Reason::UnknownId), Some(Reason::TooShort))),
    ];
    for (rec, expected) in cases {
        assert_eq!(reasons(&both, &rec), expected, "{rec:02x?}");
        assert_eq!(reasons(&key_only, &rec), (expected.0, None), "{rec:02x?}");
    }
}

#[test]
fn payload_level_without_a_check_fails_closed() {
    let rules = SideRules { level: Level::Payload, ..SideRules::default() };
    for id in [1, 6] {
        assert_eq!(value_reason(rules, &Rec::value(framed(id, b"{}"))), Some(Reason::Payload), "{id}");
    }
    assert_eq!(value_reason(rules, &Rec::value(framed(5, &[1]))), Some(Reason::BadIndexes));
    assert_eq!(value_reason(rules, &Rec::value(framed(2, b""))), Some(Reason::WrongSubject));
}

#[test]
fn json_payloads_must_be_one_valid_value() {
    let parse = |text: &str| {
        let (references, limits) = (ResolvedReferences::default(), Limits::default());
        ParsedSchema::parse(SchemaType::Json, text, &references, Strictness::Stored, &limits).unwrap()
    };
    let text = r#"{"title":"Order","properties":{"id":{"type":"string"}},"required":["id"],"additionalProperties":{"type":"null"}}"#;
    let mut facts = FactsMap::complete();
    let order = SchemaFacts::of(&parse(text)).registered("orders-value", false);
    assert_eq!(order.record_name, RecordName::One("Order".into()));
    facts.insert(id(1), known(order));
    let endless = SchemaFacts::of(&parse(r##"{"allOf":[{"$ref":"#"}]}"##)).registered("orders-value", false);
    facts.insert(id(2), known(endless));
    let cases = [
        (framed(1, br#" {"id":"a","x":null} "#), None),
        (framed(1, b"{\"id\":\"a\",\"SECRET\":1}"), Some("/* is not of type null")),
        (framed(1, br#"{"id":1}"#), Some("/id is not of type string")),
        (framed(1, b"{}"), Some("the value lacks the member \"id\"")),
        (framed(1, b""), Some("the value is not JSON: no a value at byte 0")),
        (framed(1, b"{\"id\":\"a\"} {}"), Some("the value has more text after the value, at byte 11")),
        (framed(1, b"\"\xff\""), Some("the value is not UTF-8 from byte 1 on")),
        (framed(2, b"{}"), Some("the schema refers to itself without end")),
    ];
    let rules = orders(SideRules { level: Level::Payload, ..SideRules::default() });
    for (value, expected) in cases {
        let bytes = batch(Codec::None, &[Rec::value(value.clone())]);
        let outcome =
            validate_batch(&rules, &facts, &bytes, &BatchLimits::default(), &mut Scratch::default());
        match (expected, outcome) {
            (None, Outcome::Pass(_)) => {}
            (Some(expected), Outcome::Reject(report)) => {
                assert_eq!(report.reason, Reason::Payload);
                assert!(report.message.contains(expected), "{}", report.message);
                assert!(!report.message.contains("SECRET"), "{}", report.message);
            }
            (_, outcome) => panic!("{}: {outcome:?}", String::from_utf8_lossy(&value)),
        }
    }
}

#[test]
fn protobuf_payloads_must_be_the_message_that_the_indexes_select() {
    let text = "syntax = \"proto3\"; package p;
        message Event { string id = 1; map<string, int32> counts = 2; message Item { sint32 n = 1; } }
        message Ping { }";
    let (references, limits) = (ResolvedReferences::default(), Limits::default());
    let schema =
        ParsedSchema::parse(SchemaType::Protobuf, text, &references, Strictness::Stored, &limits).unwrap();
    let event = SchemaFacts::of(&schema).registered("orders-value", false).registered("p.Event.Item", false);
    let mut facts = FactsMap::complete();
    facts.insert(id(1), known(event.clone()));
    facts.insert(Identifier::Guid(GUID), known(event));

    let mut in_header = muster_schema::framing::guid_identifier(GUID).to_vec();
    in_header.extend([4, 0, 0]);
    let header = |body: &[u8]| Rec::value(body).with_header("__value_schema_id", Some(&in_header));
    let cases = [
        (Rec::value(framed(1, &[0])), None),
        (Rec::value(framed(1, &[0, 10, 1, b'x', 18, 3, 10, 1, b'k'])), None),
        (Rec::value(framed(1, &[0, 0x7a, 1, 0xff])), None),
        (Rec::value(framed(1, &[0, 10, 1, 0xff])), Some(Reason::Payload)),
        (Rec::value(framed(1, &[0, 10, 2, b'x'])), Some(Reason::Payload)),
        (Rec::value(framed(1, &[0, 8, 1])), Some(Reason::Payload)),
        (Rec::value(framed(1, &[4, 0, 0, 8, 1])), None),
        (Rec::value(framed(1, &[4, 0, 0, 10, 0])), Some(Reason::Payload)),
        // The entries of the map are the second message inside, as they stand behind the declared one.
        (Rec::value(framed(1, &[4, 0, 2, 10, 1, b'k', 16, 1])), None),
        (Rec::value(framed(1, &[4, 0, 4])), Some(Reason::BadIndexes)),
        (Rec::value(framed(1, &[2, 2, 10, 1, 0xff])), None),
        (Rec::value(framed(1, &[2, 4])), Some(Reason::BadIndexes)),
        (header(&[8, 1]), None),
        (header(&[10, 0]), Some(Reason::Payload)),
    ];
    let side = SideRules { level: Level::Payload, framing: FramingPolicy::Either, ..SideRules::default() };
    let by_name = SideRules { strategy: SubjectNameStrategy::RecordName, ..side };
    let judge = |side: SideRules, rec: &Rec| {
        let rules = TopicRules::new("orders").with_value(side);
        let bytes = batch(Codec::None, std::slice::from_ref(rec));
        let outcome =
            validate_batch(&rules, &facts, &bytes, &BatchLimits::default(), &mut Scratch::default());
        match outcome {
            Outcome::Reject(report) => report.records.first().and_then(|record| record.value),
            _ => None,
        }
    };
    for (rec, expected) in cases {
        assert_eq!(judge(side, &rec), expected, "{rec:02x?}");
    }
    assert_eq!(judge(by_name, &Rec::value(framed(1, &[4, 0, 0, 8, 1]))), None);
    assert_eq!(judge(by_name, &Rec::value(framed(1, &[0]))), Some(Reason::WrongSubject));
}

#[test]
fn avro_payloads_must_decode_and_be_used_up() {
    let text = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"qty","type":"int"}]}"#;
    let parse = |text: &str| {
        let (references, limits) = (ResolvedReferences::default(), Limits::default());
        ParsedSchema::parse(SchemaType::Avro, text, &references, Strictness::Stored, &limits).unwrap()
    };
    let mut facts = FactsMap::complete();
    let order = SchemaFacts::of(&parse(text)).registered("orders-value", false).registered("Order", false);
    assert_eq!(order.record_name, RecordName::One("Order".into()));
    facts.insert(id(1), known(order.clone()));
    facts.insert(Identifier::Guid(GUID), known(order));
    let raw = SchemaFacts::of(&parse("\"bytes\"")).registered("orders-value", false);
    assert_eq!(raw.record_name, RecordName::None);
    facts.insert(id(2), known(raw));

    let long = [&[0xa0, 0x8d, 0x06][..], &[b'x'; 50_000], &[2]].concat();
    let guid = muster_schema::framing::guid_identifier(GUID);
    let header = |body: &[u8]| Rec::value(body).with_header("__value_schema_id", Some(&guid));
    let cases = [
        (Rec::value(framed(1, &[4, b'a', b'b', 2])), None),
        (Rec::value(framed(1, &[0, 0])), None),
        (Rec::value(framed(1, &long)), None),
        (
            Rec::value(framed(1, &[long.clone(), vec![b'x'; 30_000]].concat())),
            Some("bytes follow the datum at byte 50004"),
        ),
        (Rec::value(framed(1, &[4, b'a', b'b', 2, 0])), Some("bytes follow the datum at byte 4")),
        (Rec::value(framed(1, &[4, b'a'])), Some("length exceeds the data at byte 0")),
        (Rec::value(framed(1, &[])), Some("data ends inside a value at byte 0")),
        (Rec::value(framed(1, &[4, 0xff, 0xff, 2])), Some("string is not valid UTF-8 at byte 0")),
        (Rec::value(framed(2, b"anything")), None),
        (Rec::value(framed(2, b"")), None),
        (header(&[4, b'a', b'b', 2]), None),
        (header(&[4, b'a']), Some("length exceeds the data at byte 0")),
    ];
    let side = SideRules { level: Level::Payload, framing: FramingPolicy::Either, ..SideRules::default() };
    let limits = BatchLimits { decompressed_bytes: Some(1 << 20), ..BatchLimits::default() };
    for (rec, detail) in cases {
        for codec in CODECS {
            let bytes = batch(codec, std::slice::from_ref(&rec));
            let outcome = validate_batch(&orders(side), &facts, &bytes, &limits, &mut Scratch::default());
            match (outcome, detail) {
                (Outcome::Pass(_), None) => {}
                (Outcome::Reject(report), Some(detail)) => {
                    let named = if rec.headers.is_empty() {
                        "schema id 1".to_owned()
                    } else {
                        format!("schema guid {GUID}")
                    };
                    assert_eq!(
                        report.records[0].message,
                        format!(
                            "value: does not match {named}: {detail}; expected a schema of subject orders-value \
                             (schema-validation PAYLOAD)"
                        )
                    );
                }
                (other, _) => panic!("{codec} {detail:?}: {other:?}"),
            }
        }
        // At level `id` none of this matters.
        let side = SideRules { level: Level::Id, ..side };
        let outcome = validate_batch(
            &orders(side),
            &facts,
            &batch(Codec::None, &[rec]),
            &limits,
            &mut Scratch::default(),
        );
        assert!(matches!(outcome, Outcome::Pass(_)));
    }
}

fn failing(outcome: &Outcome) -> Vec<i32> {
    match outcome {
        Outcome::Pass(_) => vec![],
        Outcome::Reject(report) => report.records.iter().map(|record| record.index).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_failing_record_is_found_wherever_it_stands() {
    let good = || Rec::value(framed(1, b"some value"));
    let bad = || Rec::value("plain");
    let rules = orders(SideRules::default());
    for count in [1usize, 2, 3, 10] {
        for mask in 0..1u32 << count.min(6) {
            let recs: Vec<Rec> =
                (0..count).map(|i| if mask >> i & 1 == 1 { bad() } else { good() }).collect();
            let expected: Vec<i32> = (0..count as i32).filter(|i| mask >> i & 1 == 1).collect();
            for codec in CODECS {
                assert_eq!(
                    failing(&judge(&rules, &batch(codec, &recs))),
                    expected,
                    "{codec} {count} {mask:b}"
                );
            }
            let framed = batch_of(codec_bits(Codec::Snappy), count as i32, &java_snappy(&block(&recs)));
            assert_eq!(failing(&judge(&rules, &framed)), expected, "framed snappy {count} {mask:b}");
        }
    }
}

#[test]
fn a_failure_survives_a_good_record_behind_it() {
    // One known validator keeps only the verdict of the last record.
    let recs = [Rec::value(framed(99, b"")), Rec::value(framed(1, b"")), Rec::value(framed(1, b""))];
    assert_eq!(failing(&judge(&orders(SideRules::default()), &batch(Codec::None, &recs))), [0]);
}

#[test]
fn records_larger_than_the_window_are_judged_alike() {
    let own = "__value_schema_id";
    let large = |front: &[u8], length: usize| [front, &vec![b'.'; length]].concat();
    let path: Vec<u8> = {
        let mut bytes = vec![];
        varint(100, &mut bytes);
        bytes.resize(bytes.len() + 100, 0);
        bytes
    };
    for framing in [FramingPolicy::Prefix, FramingPolicy::Header, FramingPolicy::Either] {
        let rules = TopicRules::new("orders")
            .with_key(SideRules { framing, ..SideRules::default() })
            .with_value(SideRules { framing, ..SideRules::default() });
        let recs = [
            Rec::value(framed(1, b"small")),
            Rec::value(large(&framed(1, b""), 200_000)).with_key(large(&framed(7, b""), 70_000)),
            Rec::value(large(&framed(99, b""), 70_000)).with_key("k"),
            Rec::value(large(&framed(5, &[4, 0, 0]), 100_000)),
            Rec::value(large(&framed(5, &[2, 4]), 100_000)),
            Rec::value(large(&framed(5, &path), 100_000)),
            Rec::value(large(b"{", 100_000)).with_header(own, Some(&framed(1, b""))),
            Rec::value(large(&framed(1, b""), 100_000))
                .with_header(own, Some(&framed(1, b"")))
                .with_header("trace", Some(&vec![0; 100_000]))
                .with_header(own, None),
            Rec::value(large(&framed(1, b""), 66_000))
                .with_header(&"n".repeat(70_000), None)
                .with_header("__key_schema_id", Some(&framed(99, b"")))
                .with_key("k"),
            Rec::default().with_key(large(&framed(1, b""), 90_000)),
            Rec::value(framed(2, b"last")),
        ];
        let limits = BatchLimits { decompressed_bytes: Some(4 << 20), ..BatchLimits::default() };
        let report =
            |bytes: &[u8]| match validate_batch(&rules, &registry(), bytes, &limits, &mut Scratch::default())
            {
                Outcome::Reject(report) => (report.records.clone(), report.stats.records),
                other => panic!("{other:?}"),
            };
        let plain = report(&batch(Codec::None, &recs));
        assert_eq!(plain.1, recs.len() as u64);
        for codec in CODECS {
            assert_eq!(report(&batch(codec, &recs)), plain, "{codec} {framing:?}");
        }
        let java = batch_of(codec_bits(Codec::Snappy), recs.len() as i32, &java_snappy(&block(&recs)));
        assert_eq!(report(&java), plain, "framed snappy {framing:?}");
    }
}

#[test]
fn flaws_of_large_records_are_found_alike() {
    let value = vec![b'.'; 100_000];
    let good = record(0, &Rec::value(value.clone()).with_header("h", Some(b"v")));
    let at = good.len() - 5; // header count, name length, name, value length, value
    let altered = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let cases = [
        altered(&|bytes| bytes[at] = 0),
        altered(&|bytes| bytes[at] = 1),
        altered(&|bytes| bytes[at] = 4),
        altered(&|bytes| bytes[at + 1] = 1),
        altered(&|bytes| bytes[at + 1] = 8),
        altered(&|bytes| bytes[at + 3] = 3),
        altered(&|bytes| bytes[at + 3] = 4),
        altered(&|bytes| bytes[at + 3] = 0),
        altered(&|bytes| bytes.truncate(90_000)),
        altered(&|bytes| bytes[6] = 3),  // key length -2
        altered(&|bytes| bytes[7] |= 1), // a negative value length
        altered(&|bytes| bytes[9] = 0x7f),
    ];
    let rules = orders(SideRules::default());
    assert_eq!(good[2..7], [0x0c, 0, 0, 0, 1], "the length takes three bytes, each field up to the key one");
    for (i, bytes) in cases.iter().enumerate() {
        let mut messages = vec![];
        for codec in CODECS {
            match judge(&rules, &batch_of(codec_bits(codec), 1, &compress(codec, bytes))) {
                Outcome::Reject(report) if report.reason == Reason::Malformed => {
                    messages.push(report.message.clone())
                }
                other => panic!("case {i} {codec}: {other:?}"),
            }
        }
        assert!(messages.iter().all(|message| message.contains("record 0: ")), "case {i}: {messages:?}");
    }
}

/// Counts what it is asked.
struct Asked<'a>(&'a FactsMap, RefCell<Vec<Identifier>>);

impl Facts for Asked<'_> {
    fn lookup(&self, identifier: &Identifier) -> Fact {
        self.1.borrow_mut().push(*identifier);
        self.0.lookup(identifier)
    }
}

#[test]
fn each_identifier_is_looked_up_once_per_side() {
    let facts = registry();
    let asked = Asked(&facts, RefCell::default());
    let rules = TopicRules::new("orders").with_key(SideRules::default()).with_value(SideRules::default());
    let recs: Vec<Rec> =
        (0..1000).map(|i| Rec::value(framed([1, 2, 5, -7][i % 4], &[0])).with_key(framed(7, b""))).collect();
    validate_batch(
        &rules,
        &asked,
        &batch(Codec::None, &recs),
        &BatchLimits::default(),
        &mut Scratch::default(),
    );
    assert_eq!(asked.1.into_inner(), [id(7), id(1), id(2), id(5)]);
}

#[test]
fn more_identifiers_than_are_remembered_are_judged_all_the_same() {
    let mut facts = FactsMap::complete();
    for n in 0..10_000 {
        let subject = if n % 5000 == 4999 { "elsewhere" } else { "orders-value" };
        facts.insert(id(n), known(avro(None).registered(subject, false)));
    }
    let recs: Vec<Rec> = (0..20_000).map(|i| Rec::value(framed(i % 10_000, b""))).collect();
    let bytes = batch(Codec::None, &recs);
    let rules = orders(SideRules::default());
    let outcome = validate_batch(&rules, &facts, &bytes, &BatchLimits::default(), &mut Scratch::default());
    assert_eq!(failing(&outcome), [4999, 9999, 14999, 19999]);
}

#[test]
fn the_first_call_asks_and_the_second_decides() {
    let rules = orders(SideRules { framing: FramingPolicy::Either, ..SideRules::default() });
    let guid = muster_schema::framing::guid_identifier(GUID);
    let recs = [
        Rec::value(framed(2, b"")),
        Rec::value("plain"),
        Rec::value(guid),
        Rec::value(framed(2, b"")),
        Rec::value(framed(1, b"")),
        Rec::value(framed(-1, b"")),
    ];
    let bytes = batch(Codec::Zstd, &recs);
    let mut scratch = Scratch::default();
    let limits = BatchLimits::default();
    let mut facts = FactsMap::default();
    let first = validate_batch(&rules, &facts, &bytes, &limits, &mut scratch);
    assert_eq!(first, Outcome::NeedLookup(vec![id(2), Identifier::Guid(GUID), id(1)]));
    for identifier in [id(2), Identifier::Guid(GUID), id(1)] {
        facts.insert(identifier, registry().lookup(&identifier));
    }
    let second = validate_batch(&rules, &facts, &bytes, &limits, &mut scratch);
    assert_eq!(failing(&second), [0, 1, 3, 5]);
}

#[test]
fn look_ups_come_in_bounded_portions() {
    let recs: Vec<Rec> = (0..50).map(|i| Rec::value(framed(i, b""))).collect();
    let bytes = batch(Codec::None, &recs);
    let limits = BatchLimits { lookups: 20, ..BatchLimits::default() };
    let (mut facts, mut scratch, mut rounds) = (FactsMap::default(), Scratch::default(), 0);
    let outcome = loop {
        match validate_batch(&orders(SideRules::default()), &facts, &bytes, &limits, &mut scratch) {
            Outcome::NeedLookup(identifiers) => {
                assert!(identifiers.len() <= 20);
                identifiers.into_iter().for_each(|identifier| facts.insert(identifier, Fact::Unknown));
                rounds += 1;
            }
            outcome => break outcome,
        }
    };
    assert_eq!((rounds, failing(&outcome).len()), (3, 50));
}

#[test]
fn an_outage_is_no_verdict_but_a_failure_beside_it_is() {
    let rules = orders(SideRules::default());
    let unavailable = Rec::value(framed(9, b""));
    let good = Rec::value(framed(1, b""));
    let bytes = batch(Codec::None, &[good.clone(), unavailable.clone(), unavailable.clone()]);
    assert_eq!(judge(&rules, &bytes), Outcome::Unavailable(vec![id(9)]));
    let bytes = batch(Codec::None, &[unavailable.clone(), Rec::value("plain")]);
    assert_eq!(failing(&judge(&rules, &bytes)), [1]);
    // What has not been asked for yet comes before a verdict.
    let mut facts = FactsMap::default();
    facts.insert(id(9), Fact::Unavailable);
    let bytes = batch(Codec::None, &[unavailable, Rec::value("plain"), good]);
    let outcome = validate_batch(&rules, &facts, &bytes, &BatchLimits::default(), &mut Scratch::default());
    assert_eq!(outcome, Outcome::NeedLookup(vec![id(1)]));
}

#[test]
fn messages_say_why_and_name_the_subject() {
    use SubjectNameStrategy::{RecordName, TopicRecordName};
    let message = |rules: SideRules, rec: Rec| match judge(&orders(rules), &batch(Codec::None, &[rec])) {
        Outcome::Reject(report) => report.records[0].message.clone(),
        other => panic!("{other:?}"),
    };
    let rules = SideRules::default();
    let by = |strategy| SideRules { strategy, ..rules };
    let header = SideRules { framing: FramingPolicy::Header, ..rules };
    let own = "__value_schema_id";
    let cases = [
        (
            rules,
            Rec::value("secret"),
            "value: does not begin with a schema id; expected a schema of subject orders-value (schema-validation NO_MAGIC)",
        ),
        (
            rules,
            Rec::value("\0\0"),
            "value: 2 bytes are too few for a schema id; expected a schema of subject orders-value (schema-validation TOO_SHORT)",
        ),
        (
            rules,
            Rec::value(framed(99, b"secret")),
            "value: schema id 99 is unknown to the registry; expected a schema of subject orders-value (schema-validation UNKNOWN_ID)",
        ),
        (
            rules,
            Rec::value(framed(2, b"secret")),
            "value: schema id 2 is not registered under subject orders-value (schema-validation WRONG_SUBJECT)",
        ),
        (
            SideRules { deleted: DeletedPolicy::Reject, ..rules },
            Rec::value(framed(3, b"")),
            "value: schema id 3 is deleted from subject orders-value (schema-validation WRONG_SUBJECT)",
        ),
        (
            by(TopicRecordName),
            Rec::value(framed(2, b"")),
            "value: schema id 2 is not registered under subject orders-com.Payment (schema-validation WRONG_SUBJECT)",
        ),
        (
            by(RecordName),
            Rec::value(framed(5, &[4, 0, 0])),
            "value: schema id 5 is not registered under subject p.Event.Item (schema-validation WRONG_SUBJECT)",
        ),
        (
            by(RecordName),
            Rec::value(framed(4, b"")),
            "value: schema id 4 has no record name, which RecordNameStrategy needs (schema-validation NO_RECORD_NAME)",
        ),
        (
            by(TopicRecordName),
            Rec::value(framed(6, b"")),
            "value: the record name of schema id 6, which TopicRecordNameStrategy needs, cannot be read from JSON yet (schema-validation NO_RECORD_NAME)",
        ),
        (
            by(RecordName),
            Rec::value("secret"),
            "value: does not begin with a schema id (schema-validation NO_MAGIC)",
        ),
        (
            rules,
            Rec::value(framed(5, &[1])),
            "value: the message indexes behind schema id 5 are malformed; expected a schema of subject orders-value (schema-validation BAD_INDEXES)",
        ),
        (
            rules,
            Rec::value(framed(5, &[2, 4])),
            "value: the message indexes select no message of schema id 5; expected a schema of subject orders-value (schema-validation BAD_INDEXES)",
        ),
        (
            header,
            Rec::value("secret"),
            "value: has no record header __value_schema_id; expected a schema of subject orders-value (schema-validation NO_MAGIC)",
        ),
        (
            header,
            Rec::value("secret").with_header(own, Some(b"secret")),
            "value: record header __value_schema_id does not begin with a schema id; expected a schema of subject orders-value (schema-validation NO_MAGIC)",
        ),
        (
            header,
            Rec::value("secret").with_header(own, Some(b"\x01\x02")),
            "value: record header __value_schema_id has 2 bytes, too few for a schema id; expected a schema of subject orders-value (schema-validation TOO_SHORT)",
        ),
        (
            header,
            Rec::value("secret").with_header(own, Some(&[1; 17])),
            "value: schema guid 01010101-0101-0101-0101-010101010101 is unknown to the registry; expected a schema of subject orders-value (schema-validation UNKNOWN_ID)",
        ),
        (
            SideRules { null: NullPolicy::Reject, ..rules },
            Rec::default(),
            "value: is null, and this topic asks for a schema id; expected a schema of subject orders-value (schema-validation TOO_SHORT)",
        ),
        (
            SideRules { level: Level::Payload, ..rules },
            Rec::value(framed(6, b"secret")),
            "value: payloads of JSON cannot be checked against schema id 6 yet; expected a schema of subject orders-value (schema-validation PAYLOAD)",
        ),
    ];
    for (rules, rec, expected) in cases {
        assert_eq!(message(rules, rec), expected);
    }
}

#[test]
fn a_record_that_fails_twice_is_one_entry() {
    let rules = TopicRules::new("orders").with_key(SideRules::default()).with_value(SideRules::default());
    let bytes = batch(Codec::None, &[Rec::value("v").with_key(framed(1, b"")), Rec::value("v")]);
    let Outcome::Reject(report) = judge(&rules, &bytes) else { panic!() };
    assert_eq!(report.records.len(), 2);
    assert_eq!(
        (report.records[0].key, report.records[0].value),
        (Some(Reason::WrongSubject), Some(Reason::NoMagic))
    );
    assert_eq!(
        report.records[0].message,
        "key: schema id 1 is not registered under subject orders-key (schema-validation WRONG_SUBJECT); value: does \
         not begin with a schema id; expected a schema of subject orders-value (schema-validation NO_MAGIC)"
    );
    assert_eq!((report.total_failed, report.reason), (2, Reason::WrongSubject));
    let reasons: Vec<_> = report.reasons.iter().collect();
    assert_eq!(reasons, [(Reason::NoMagic, 2), (Reason::WrongSubject, 1)]);
    assert_eq!(
        report.message,
        "2 of 2 records failed schema validation (NO_MAGIC 2, WRONG_SUBJECT 1); record 0: key: schema id 1 is not \
         registered under subject orders-key (schema-validation WRONG_SUBJECT); value: does not begin with a schema \
         id; expected a schema of subject orders-value (schema-validation NO_MAGIC)"
    );
}

#[test]
fn reports_are_capped_prefixes() {
    let rules = orders(SideRules::default());
    let recs: Vec<Rec> =
        (0..1000).map(|i| if i % 2 == 0 { Rec::value("v") } else { Rec::value(framed(2, b"")) }).collect();
    let bytes = batch(Codec::None, &recs);
    let report = |limits: &BatchLimits| match validate_batch(
        &rules,
        &registry(),
        &bytes,
        limits,
        &mut Scratch::default(),
    ) {
        Outcome::Reject(report) => {
            let text = report.message.len() + report.records.iter().map(|r| r.message.len()).sum::<usize>();
            assert!(text <= limits.report_bytes, "{text}");
            assert!(report.records.len() <= limits.record_errors);
            assert!(report.records.iter().enumerate().all(|(i, record)| record.index == i as i32));
            assert_eq!(report.total_failed, 1000);
            *report
        }
        other => panic!("{other:?}"),
    };
    let limits = BatchLimits::default();
    let by_text = report(&limits);
    assert!(by_text.records.len() > 50, "{}", by_text.records.len());
    assert!(
        by_text
            .message
            .ends_with(&format!("; {} failing records are not listed", 1000 - by_text.records.len()))
    );
    let by_count = report(&BatchLimits { record_errors: 7, ..limits });
    assert_eq!(by_count.records.len(), 7);
    assert!(
        by_count
            .message
            .starts_with("1000 of 1000 records failed schema validation (NO_MAGIC 500, WRONG_SUBJECT 500)")
    );
    assert_eq!(report(&BatchLimits { record_errors: 0, ..limits }).records, []);
    assert_eq!(report(&BatchLimits { report_bytes: 40, ..limits }).message.len(), 40);
    assert_eq!(report(&BatchLimits { report_bytes: 0, ..limits }).message, "");
    let all = report(&BatchLimits { record_errors: usize::MAX, report_bytes: usize::MAX, ..limits });
    assert_eq!(all.records.len(), 1000);
    assert!(!all.message.contains("not listed"));
}

#[test]
fn long_and_odd_names_are_shortened() {
    let name = "é".repeat(5000) + "\n";
    let mut facts = FactsMap::complete();
    facts.insert(id(1), known(avro(Some(&name)).registered("x", false)));
    facts.insert(id(2), known(avro(Some("a\nb\u{7f}")).registered("x", false)));
    let strategy = SubjectNameStrategy::RecordName;
    let rules = orders(SideRules { strategy, ..SideRules::default() });
    let bytes = batch(Codec::None, &[Rec::value(framed(1, b"")), Rec::value(framed(2, b""))]);
    let outcome = validate_batch(&rules, &facts, &bytes, &BatchLimits::default(), &mut Scratch::default());
    let Outcome::Reject(report) = outcome else { panic!("{outcome:?}") };
    assert!(report.records[0].message.contains("é… (schema-validation"), "{}", report.records[0].message);
    assert!(report.records[0].message.len() < 600);
    assert!(
        report.records[1].message.contains("subject a\u{fffd}b\u{fffd} "),
        "{}",
        report.records[1].message
    );
}

#[test]
fn checksums_are_computed_when_asked_for() {
    let rules = orders(SideRules::default());
    let good = batch(Codec::None, &[Rec::value(framed(1, b"x"))]);
    let bad = batch(Codec::None, &[Rec::value("x")]);
    let garbled = batch_of(0, 1, b"garbage");
    let wrong = |batch: &[u8]| {
        let mut batch = batch.to_vec();
        batch[17] ^= 1;
        batch
    };
    let run = |bytes: &[u8], verify_crc| {
        let limits = BatchLimits { verify_crc, ..BatchLimits::default() };
        match validate_batch(&rules, &registry(), bytes, &limits, &mut Scratch::default()) {
            Outcome::Pass(_) => "pass",
            Outcome::Forward(ForwardCause::WrongChecksum) => "forward",
            Outcome::Reject(_) => "reject",
            other => panic!("{other:?}"),
        }
    };
    use VerifyCrc::{Always, Never, OnFailure};
    let cases = [
        (good.clone(), ["pass", "pass", "pass"]),
        (bad.clone(), ["reject", "reject", "reject"]),
        (garbled.clone(), ["reject", "reject", "reject"]),
        (wrong(&good), ["pass", "forward", "pass"]),
        (wrong(&bad), ["forward", "forward", "reject"]),
        (wrong(&garbled), ["forward", "forward", "reject"]),
    ];
    for (i, (bytes, expected)) in cases.iter().enumerate() {
        for (verify, expected) in [OnFailure, Always, Never].into_iter().zip(expected) {
            assert_eq!(run(bytes, verify), *expected, "case {i} {verify:?}");
        }
    }
}

#[test]
fn unreadable_batches_are_refused_or_left_to_the_broker() {
    let rules = orders(SideRules::default());
    let rec = || Rec::value(framed(1, b"x"));
    let good = batch(Codec::None, &[rec(), rec(), rec()]);
    let body = block(&[rec(), rec(), rec()]);
    let with = |at: usize, bytes: &[u8]| {
        let mut batch = good.clone();
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        seal(&mut batch);
        batch
    };
    let malformed = [
        ("count 0", batch_of(0, 0, b"")),
        ("count 0 with records", batch_of(0, 0, &body)),
        ("count -1", batch_of(0, -1, &body)),
        ("count 2 of 3", batch_of(0, 2, &body)),
        ("count 4 of 3", batch_of(0, 4, &body)),
        ("count 2^31-1", batch_of(0, i32::MAX, &body)),
        ("last offset delta", with(23, &[0, 0, 0, 3])),
        ("codec 5", with(22, &[5])),
        ("codec 7", with(22, &[7])),
        ("gzip on plain", with(22, &[1])),
        ("snappy on plain", with(22, &[2])),
        ("lz4 on plain", with(22, &[3])),
        ("zstd on plain", with(22, &[4])),
        ("magic 3", with(16, &[3])),
        ("magic 255", with(16, &[255])),
        ("two batches", [good.clone(), good.clone()].concat()),
        ("a stray byte", [good.clone(), vec![0]].concat()),
        ("no records", batch_of(0, 1, b"")),
        ("record length 0", batch_of(0, 1, &[0])),
        ("record length -1", batch_of(0, 1, &[1])),
        ("record beyond the end", batch_of(0, 1, &[8, 0, 0, 0, 1, 1])),
        ("empty gzip stream", batch_of(1, 1, &compress(Codec::Gzip, b""))),
        ("zero bytes of gzip", batch_of(1, 1, b"")),
        ("zero bytes of snappy", batch_of(2, 1, b"")),
        ("zero bytes of lz4", batch_of(3, 1, b"")),
        ("zero bytes of zstd", batch_of(4, 1, b"")),
        ("an extra record in gzip", batch_of(1, 2, &compress(Codec::Gzip, &body))),
        ("a missing record in zstd", batch_of(4, 4, &compress(Codec::Zstd, &body))),
        ("java snappy without blocks", batch_of(2, 1, &java_snappy(b""))),
    ];
    for (name, bytes) in &malformed {
        match judge(&rules, bytes) {
            Outcome::Reject(report) => {
                assert_eq!(report.reason, Reason::Malformed, "{name}");
                assert!(report.records.is_empty() && report.total_failed == 0, "{name}");
                assert_eq!(report.reasons.count(Reason::Malformed), 1, "{name}");
                let (start, end) =
                    ("the record batch cannot be validated: ", " (schema-validation MALFORMED)");
                assert!(
                    report.message.starts_with(start) && report.message.ends_with(end),
                    "{}",
                    report.message
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let cut_short = (0..good.len()).map(|end| good[..end].to_vec());
    let lengths = [i32::MIN, -1, 0, 48, good.len() as i32 - 11, i32::MAX].map(|length| {
        let mut batch = good.clone();
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        batch
    });
    for bytes in cut_short.chain(lengths) {
        assert_eq!(judge(&rules, &bytes), Outcome::Forward(ForwardCause::CutShort));
    }
    // A shorter length leaves a batch whose checksum is wrong.
    let mut shorter = good.clone();
    shorter[8..12].copy_from_slice(&(good.len() as i32 - 13).to_be_bytes());
    assert_eq!(judge(&rules, &shorter), Outcome::Forward(ForwardCause::WrongChecksum));
}

#[test]
fn what_brokers_accept_is_left_to_them() {
    let rules = orders(SideRules::default());
    let rec = Rec::value(framed(1, b"x"));
    let reversed: Vec<u8> = (0..3).rev().flat_map(|index| record(index, &rec)).collect();
    let mut unused_bits = batch(Codec::None, std::slice::from_ref(&rec));
    unused_bits[21] = 0x7f;
    seal(&mut unused_bits);
    let mut append_time = batch(Codec::Gzip, std::slice::from_ref(&rec));
    append_time[22] |= 8;
    seal(&mut append_time);
    for bytes in [batch_of(0, 3, &reversed), unused_bits, append_time] {
        assert!(matches!(judge(&rules, &bytes), Outcome::Pass(_)));
    }
}

#[test]
fn control_batches_are_walked_but_not_judged() {
    let rules = orders(SideRules::default());
    let marker = Rec::value([0; 6]).with_key([0, 0, 0, 1]);
    let control = |body: &[u8]| batch_of(0x30, 1, body);
    let outcome = judge(&rules, &control(&record(0, &marker)));
    assert_eq!(outcome, Outcome::Pass(Stats { skipped: 1, ..Stats::default() }));
    assert!(matches!(judge(&rules, &control(b"garbage")), Outcome::Reject(_)));
}

#[test]
fn a_topic_without_rules_accepts_anything() {
    let rules = TopicRules::new("orders");
    assert!(!rules.validates());
    for bytes in [&b""[..], b"garbage", &batch(Codec::None, &[Rec::value("plain")])] {
        assert_eq!(judge(&rules, bytes), Outcome::Pass(Stats::default()));
    }
}

#[test]
fn message_sets_count_over_all_their_messages() {
    let rules = orders(SideRules::default());
    for magic in [0, 1] {
        let one = |value: &[u8]| message(magic, 0, Some(b"k"), Some(value));
        let (good, bad) = (framed(1, b"x"), b"plain");
        let inner = [one(&good), one(bad), one(&good)].concat();
        let wrap = |codec: Codec, bytes: &[u8]| message(magic, codec_bits(codec) as u8, None, Some(bytes));
        let wrapped = |codec: Codec| wrap(codec, &compress(codec, &inner));
        let set = [one(&good), message(magic, 0, None, None), one(bad)].concat();
        assert_eq!(failing(&judge(&rules, &set)), [2]);
        for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4] {
            let set = [one(bad), wrapped(codec), one(&good), wrapped(codec), one(bad)].concat();
            assert_eq!(failing(&judge(&rules, &set)), [0, 2, 6, 8], "{codec} {magic}");
        }
        let malformed = [
            ("nested", wrap(Codec::Gzip, &compress(Codec::Gzip, &wrapped(Codec::Gzip)))),
            ("empty wrapper", wrap(Codec::Gzip, &compress(Codec::Gzip, b""))),
            ("null wrapper", message(magic, 1, None, None)),
            ("not gzip", wrap(Codec::Gzip, b"plain")),
            ("zstd", wrapped(Codec::Zstd)),
            ("codec 5", message(magic, 5, None, Some(b""))),
            ("cut behind a message", [one(&good), one(&good)[..20].to_vec()].concat()),
            (
                "format 2 within",
                [one(&good), {
                    let mut m = message(0, 0, None, Some(&good));
                    m[16] = 2;
                    fix(&mut m);
                    m
                }]
                .concat(),
            ),
        ];
        for (name, set) in malformed {
            match judge(&rules, &set) {
                Outcome::Reject(report) => assert_eq!(report.reason, Reason::Malformed, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let mut wrong = [one(&good), one(bad)].concat();
        wrong[12] ^= 1;
        assert_eq!(judge(&rules, &wrong), Outcome::Forward(ForwardCause::WrongChecksum));
        assert_eq!(judge(&rules, &one(&good)[..20]), Outcome::Forward(ForwardCause::CutShort));
    }
}

/// Makes the checksum of a message fit.
fn fix(message: &mut [u8]) {
    let mut crc = flate2::Crc::new();
    crc.update(&message[16..]);
    message[12..16].copy_from_slice(&crc.sum().to_be_bytes());
}

#[test]
fn statistics_count_what_was_walked() {
    let rules = orders(SideRules::default());
    let recs = vec![Rec::value(framed(1, &[b'a'; 100])); 50];
    let length = block(&recs).len() as u64;
    for codec in CODECS {
        let decompressed_bytes = if codec == Codec::None { 0 } else { length };
        let stats = Stats { records: 50, skipped: 0, decompressed_bytes };
        assert_eq!(judge(&rules, &batch(codec, &recs)), Outcome::Pass(stats), "{codec}");
    }
}

#[test]
fn a_side_without_rules_has_none() {
    let rules = TopicRules::new("orders").with_key(SideRules::default());
    assert!(rules.validates());
    assert!(rules.side(Side::Value).is_none());
    assert_eq!(&**rules.topic_name_subject(Side::Key), "orders-key");
    assert_eq!(&**rules.topic_name_subject(Side::Value), "orders-value");
}
