//! Every rule of the walker as a table, and its laws on generated schemas.

use proptest::prelude::*;

use super::generated::{self, Choices, varint};
use super::*;
use crate::avro::model::{Kind, Node, NodeId};
use crate::format::Strictness;
use crate::reference::ResolvedReferences;

fn parse(text: &str) -> AvroSchema {
    crate::avro::parse(text, &ResolvedReferences::default(), Strictness::New, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn kind_of(schema: &str, bytes: &[u8]) -> Option<InvalidKind> {
    let program = Program::compile(&parse(schema));
    program.check(bytes, &Limits::default(), &mut Scratch::default()).err().map(|invalid| invalid.kind)
}

/// Each schema with data it must accept, and data it must refuse and why.
fn check(schema: &str, good: &[&[u8]], bad: &[(&[u8], InvalidKind)]) {
    for bytes in good {
        assert_eq!(kind_of(schema, bytes), None, "{schema} with {bytes:02x?}");
    }
    for (bytes, kind) in bad {
        assert_eq!(kind_of(schema, bytes), Some(*kind), "{schema} with {bytes:02x?}");
    }
}

use InvalidKind as Why;

#[test]
fn null_takes_no_bytes() {
    check(r#""null""#, &[b""], &[(b"\0", Why::TrailingBytes)]);
}

#[test]
fn boolean_is_0_or_1() {
    check(r#""boolean""#, &[b"\0", b"\x01"], &[(b"", Why::Truncated), (b"\x02", Why::Boolean)]);
}

#[test]
fn int_has_at_most_5_bytes_and_32_bits() {
    check(
        r#""int""#,
        &[b"\0", b"\x7f", b"\x80\x01", b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x00", b"\x80\x00"],
        &[
            (b"", Why::Truncated),
            (b"\x80", Why::Truncated),
            (b"\x80\x80\x80\x80", Why::Truncated),
            (b"\xff\xff\xff\xff\x1f", Why::VarintOutOfRange),
            (b"\x80\x80\x80\x80\x80\x00", Why::VarintTooLong),
            (b"\x80\x80\x80\x80\x80\x80\x80\x80\x00", Why::VarintTooLong),
            (b"\0\0", Why::TrailingBytes),
        ],
    );
}

#[test]
fn long_has_at_most_10_bytes_and_64_bits() {
    check(
        r#""long""#,
        &[
            b"\0",
            b"\xff\xff\xff\xff\x1f",
            b"\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ],
        &[
            (b"\x80", Why::Truncated),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff", Why::Truncated),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", Why::VarintOutOfRange),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", Why::VarintTooLong),
        ],
    );
}

#[test]
fn float_double_and_fixed_have_their_size() {
    check(r#""float""#, &[b"abcd"], &[(b"abc", Why::Truncated), (b"abcde", Why::TrailingBytes)]);
    check(r#""double""#, &[b"abcdefgh"], &[(b"abcdefg", Why::Truncated)]);
    let fixed = r#"{"type":"fixed","name":"F","size":3}"#;
    check(
        fixed,
        &[b"\xff\xff\xff"],
        &[(b"", Why::Truncated), (b"ab", Why::Truncated), (b"abcd", Why::TrailingBytes)],
    );
    check(r#"{"type":"fixed","name":"F","size":2147483639}"#, &[], &[(b"abc", Why::Truncated)]);
}

#[test]
fn lengths_stay_within_the_data() {
    for schema in [r#""bytes""#, r#""string""#] {
        check(
            schema,
            &[b"\0", b"\x02a", b"\x80\x00", b"\x86\x00abc"],
            &[
                (b"", Why::Truncated),
                (b"\x01", Why::NegativeLength),
                (b"\x04a", Why::LengthPastEnd),
                (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", Why::LengthPastEnd),
                (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Why::NegativeLength),
                (b"\x02ab", Why::TrailingBytes),
            ],
        );
    }
}

#[test]
fn strings_and_keys_are_utf8_and_bytes_need_not_be() {
    check(r#""bytes""#, &[b"\x04\xc3\x28"], &[]);
    check(
        r#""string""#,
        &[b"\x04\xc3\xa9"],
        &[(b"\x04\xc3\x28", Why::NotUtf8), (b"\x06\xed\xa0\x80", Why::NotUtf8)],
    );
    let map = r#"{"type":"map","values":"int"}"#;
    check(map, &[b"\x02\x02k\x00\x00"], &[(b"\x02\x02\xff\x00\x00", Why::NotUtf8)]);
}

#[test]
fn enums_have_only_their_symbols() {
    check(
        r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        &[b"\0", b"\x02"],
        &[
            (b"\x04", Why::EnumSymbol),
            (b"\x01", Why::EnumSymbol),
            (b"", Why::Truncated),
            (b"\xff\xff\xff\xff\x1f", Why::VarintOutOfRange),
        ],
    );
}

#[test]
fn unions_have_only_their_branches() {
    // The number of a branch is an int, as Avro Java reads it.
    let bad: [(&[u8], _); 6] = [
        (b"", Why::Truncated),
        (b"\x01", Why::UnionBranch),
        (b"\x06", Why::UnionBranch),
        (b"\xfe\xff\xff\xff\x0f", Why::UnionBranch),
        (b"\x80\x80\x80\x80\x80\0", Why::VarintTooLong),
        (b"\x80\x80\x80\x80\x10", Why::VarintOutOfRange),
    ];
    check(r#"["null","boolean"]"#, &[b"\0", b"\x02\x01"], &bad);
    check(r#"["boolean","null"]"#, &[b"\0\x01", b"\x02"], &bad);
    check(r#"["null","boolean"]"#, &[], &[(b"\x04", Why::UnionBranch), (b"\x02\x02", Why::Boolean)]);
    check(r#"["boolean","null","string"]"#, &[b"\0\x01", b"\x02", b"\x04\x02a"], &bad);
    check(r#"["null"]"#, &[b"\0"], &[(b"\x02", Why::UnionBranch)]);
    check("[]", &[], &[(b"\0", Why::UnionBranch), (b"", Why::Truncated)]);
}

#[test]
fn a_branch_continues_after_its_union() {
    let record = r#"{"type":"record","name":"R","fields":[
        {"name":"a","type":["int","float","double","null"]},
        {"name":"b","type":["null","float"]},
        {"name":"c","type":"double"}]}"#;
    check(
        record,
        &[
            b"\x00\x05\x00abcdefgh",
            b"\x02abcd\x02efghabcdefgh",
            b"\x04abcdefgh\x00abcdefgh",
            b"\x06\x02abcdabcdefgh",
        ],
        &[(b"\x02abcd\x02efghabcdefg", Why::Truncated), (b"\x06\x00abcdefghi", Why::TrailingBytes)],
    );
}

#[test]
fn blocks_end_with_an_empty_one() {
    let array = r#"{"type":"array","items":"boolean"}"#;
    check(
        array,
        &[
            b"\0",
            b"\x02\x01\0",
            b"\x04\x01\x01\0",
            b"\x02\x01\x02\x01\0",
            b"\x01\x02\x01\0",
            b"\x03\x04\x01\x01\x01\x02\0\0",
        ],
        &[
            (b"", Why::Truncated),
            (b"\x02\x01", Why::Truncated),
            (b"\x02", Why::LengthPastEnd),
            (b"\x08\x01\x01\0", Why::LengthPastEnd),
            (b"\x02\x02\0", Why::Boolean),
            (b"\0\0", Why::TrailingBytes),
        ],
    );
}

#[test]
fn a_block_takes_the_bytes_it_says() {
    let array = r#"{"type":"array","items":"boolean"}"#;
    check(
        array,
        &[],
        &[
            (b"\x01\x00\x01\0", Why::BlockSize),
            (b"\x01\x04\x01\0", Why::BlockSize),
            (b"\x01\x7e\x01\0", Why::LengthPastEnd),
            (b"\x01\x01\x01\0", Why::NegativeLength),
            // i64::MIN items
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x01\0", Why::BlockSize),
        ],
    );
    let nulls = r#"{"type":"array","items":"null"}"#;
    check(nulls, &[b"\x05\x00\0"], &[(b"\x05\x02\0", Why::BlockSize)]);
    // The inner block swallows what the outer one still needs.
    let nested = r#"{"type":"array","items":{"type":"array","items":"boolean"}}"#;
    check(nested, &[b"\x01\x06\x02\x01\0\0"], &[(b"\x01\x04\x02\x01\0\0", Why::BlockSize)]);
}

#[test]
fn maps_have_a_key_before_each_value() {
    check(
        r#"{"type":"map","values":"boolean"}"#,
        &[b"\0", b"\x02\x02k\x01\0", b"\x04\x02k\x01\x02k\x00\0"],
        &[(b"\x02\x01\0", Why::NegativeLength), (b"\x02\x02k\0", Why::Truncated)],
    );
    check(r#"{"type":"map","values":"null"}"#, &[b"\x02\x02k\0", b"\x04\0\0\0"], &[]);
}

#[test]
fn items_are_counted_even_if_they_cost_nothing() {
    let limits = Limits { items: 5, ..Limits::default() };
    let empty = r#"{"type":"record","name":"E","fields":[{"name":"a","type":"null"},
        {"name":"b","type":{"type":"fixed","name":"Z","size":0}},
        {"name":"c","type":{"type":"record","name":"I","fields":[]}}]}"#;
    for items in [r#""null""#, empty] {
        for schema in [
            format!(r#"{{"type":"array","items":{items}}}"#),
            format!(r#"{{"type":"array","items":{{"type":"array","items":{items}}}}}"#),
        ] {
            let program = Program::compile(&parse(&schema));
            let mut scratch = Scratch::default();
            let nested = schema.matches("array").count() > 1;
            let (good, bad): (&[u8], &[u8]) =
                if nested { (b"\x02\x08\0\0", b"\x02\x0a\0\0") } else { (b"\x06\x04\0", b"\x06\x06\0") };
            assert_eq!(program.check(good, &limits, &mut scratch), Ok(()), "{schema}");
            let error = program.check(bad, &limits, &mut scratch).unwrap_err();
            assert_eq!(error.kind, Why::TooManyItems, "{schema}");
        }
    }
    let nulls = Program::compile(&parse(r#"{"type":"array","items":"null"}"#));
    let mut huge = Vec::new();
    varint(i64::MAX, &mut huge);
    let error = nulls.check(&huge, &Limits::default(), &mut Scratch::default()).unwrap_err();
    assert_eq!(error.kind, Why::TooManyItems);
}

const LIST: &str = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;

#[test]
fn depth_is_bounded() {
    let limits = Limits { depth: 3, ..Limits::default() };
    let program = Program::compile(&parse(LIST));
    let mut scratch = Scratch::default();
    assert_eq!(program.check(b"\x02\x02\0", &limits, &mut scratch), Ok(()));
    assert_eq!(program.check(b"\x02\x02\x02\0", &limits, &mut scratch).unwrap_err().kind, Why::TooDeep);
    let endless =
        Program::compile(&parse(r#"{"type":"record","name":"L","fields":[{"name":"next","type":"L"}]}"#));
    assert_eq!(endless.check(b"", &limits, &mut scratch).unwrap_err().kind, Why::TooDeep);
    let arrays = r#"{"type":"array","items":{"type":"array","items":{"type":"array","items":
        {"type":"array","items":"boolean"}}}}"#;
    let arrays = Program::compile(&parse(arrays));
    assert_eq!(arrays.check(b"\x02\x02\x02\0\0\0\0", &limits, &mut scratch), Ok(()));
    assert_eq!(
        arrays.check(b"\x02\x02\x02\x02\0\0\0\0\0", &limits, &mut scratch).unwrap_err().kind,
        Why::TooDeep
    );
}

#[test]
fn shared_and_recursive_records_are_walked_wherever_they_are_used() {
    let tree = r#"{"type":"record","name":"T","fields":[
        {"name":"value","type":"int"},
        {"name":"left","type":["null","T"]},
        {"name":"right","type":["T","null"]},
        {"name":"pair","type":{"type":"record","name":"P","fields":[{"name":"x","type":"float"}]}},
        {"name":"pairs","type":{"type":"map","values":"P"}}]}"#;
    check(
        tree,
        &[b"\x02\0\x02abcd\0", b"\x02\x02\x04\0\x02abcd\0\0\x06\0\x02abcd\0abcd\x02\x02kabcd\0"],
        &[(b"\x02\0\x02abcd\x02\x02kabc", Why::Truncated), (b"\x02\x02\x04\0\x02abc", Why::Truncated)],
    );
}

#[test]
fn records_that_consist_of_one_record_take_no_time() {
    // Each is used twice, so that none is a part of another's program: 450 calls for each byte, if they were made.
    let (levels, items) = (450, 200_000);
    let named = |level: i64, part: &str| {
        format!(r#"{{"type":"record","name":"R{level}","fields":[{{"name":"f","type":"{part}"}}]}}"#)
    };
    let mut types: Vec<String> = (0..levels).map(|n| named(n, &format!("R{}", n + 1))).collect();
    types.push(named(levels, "boolean"));
    types.reverse();
    types.push(r#"{"type":"array","items":"R0"}"#.to_owned());
    let schema = parse(&format!("[{}]", types.join(",")));
    let mut datum = Vec::new();
    varint(levels + 1, &mut datum);
    varint(items, &mut datum);
    datum.extend((0..items).map(|_| 1));
    datum.push(0);
    let program = Program::compile(&schema);
    let limits = Limits { depth: 2, ..Limits::default() };
    assert_eq!(program.check(&datum, &limits, &mut Scratch::default()), Ok(()));
    // Nor is a record of itself alone gone around for ever, however it is reached.
    let endless = [
        r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#,
        r#"{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}}]}"#,
        r#"[{"type":"record","name":"W","fields":[{"name":"a","type":{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}}]},{"type":"array","items":"W"}]"#,
    ];
    for schema in endless {
        check(schema, &[], &[(b"\0\0\0", Why::TooDeep)]);
    }
}

#[test]
fn many_uses_of_an_empty_record_take_no_time() {
    // 60 levels, each using the next one twice: 2^60 visits if each were made.
    let mut nodes = vec![Node { kind: Kind::Null, props: Vec::new() }];
    for level in 0..60_u32 {
        let template = parse(
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"null"},{"name":"b","type":"null"}]}"#,
        );
        let Kind::Record(mut record) = template.node(template.root()).kind.clone() else { unreachable!() };
        record.fields.iter_mut().for_each(|field| field.schema = NodeId(level));
        nodes.push(Node { kind: Kind::Record(record), props: Vec::new() });
    }
    let schema = AvroSchema::from_nodes(nodes, NodeId(60));
    assert_eq!(Program::compile(&schema).check(b"", &Limits::default(), &mut Scratch::default()), Ok(()));
}

#[test]
fn a_top_level_bytes_body_has_no_length() {
    let limits = Limits::default();
    let mut scratch = Scratch::default();
    for schema in [r#""bytes""#, r#"{"type":"bytes","logicalType":"decimal","precision":4}"#] {
        let program = Program::compile(&parse(schema));
        for body in [b"".as_slice(), b"\xff", b"\x02abc"] {
            assert_eq!(program.check_body(body, &limits, &mut scratch), Ok(()));
        }
        assert!(program.check(b"\x02abc", &limits, &mut scratch).is_err());
    }
    let program = Program::compile(&parse(r#""string""#));
    assert_eq!(program.check_body(b"\x02a", &limits, &mut scratch), Ok(()));
    assert!(program.check_body(b"a", &limits, &mut scratch).is_err());
    let program =
        Program::compile(&parse(r#"{"type":"record","name":"R","fields":[{"name":"b","type":"bytes"}]}"#));
    assert!(program.check_body(b"\x02abc", &limits, &mut scratch).is_err());
}

#[test]
fn measure_lets_bytes_follow() {
    let program = Program::compile(&parse(r#"["null","string"]"#));
    assert_eq!(program.measure(b"\x02\x04ab+more", &Limits::default(), &mut Scratch::default()), Ok(4));
}

#[test]
fn an_error_names_the_place_and_the_reason() {
    let record = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"double"},{"name":"b","type":"string"}]}"#;
    let program = Program::compile(&parse(record));
    let error = program.check(b"abcdefgh\x08ab", &Limits::default(), &mut Scratch::default()).unwrap_err();
    assert_eq!(error, Invalid { kind: Why::LengthPastEnd, offset: 8 });
    assert_eq!(error.to_string(), "length exceeds the data at byte 8");
}

#[test]
fn a_failed_walk_leaves_nothing_behind() {
    let program = Program::compile(&parse(LIST));
    let mut scratch = Scratch::default();
    assert!(program.check(b"\x02\x02\x02", &Limits::default(), &mut scratch).is_err());
    assert_eq!(program.check(b"\x02\0", &Limits::default(), &mut scratch), Ok(()));
}

#[test]
fn deep_schemas_and_data_fit_a_small_stack() {
    let work = || {
        let levels = 100_000;
        let mut nodes = vec![Node { kind: Kind::Boolean, props: Vec::new() }];
        nodes.extend((0..levels).map(|level| Node { kind: Kind::Array(NodeId(level)), props: Vec::new() }));
        let deep = AvroSchema::from_nodes(nodes, NodeId(levels));
        let limits = Limits { depth: usize::MAX, ..Limits::default() };
        let mut data = vec![2; levels as usize];
        data.push(1);
        data.resize(data.len() + levels as usize, 0);
        let mut scratch = Scratch::default();
        assert_eq!(Program::compile(&deep).check(&data, &limits, &mut scratch), Ok(()));
        let list = Program::compile(&parse(LIST));
        let mut data = vec![2; 1_000_000];
        data.push(0);
        assert_eq!(list.check(&data, &limits, &mut scratch), Ok(()));
        assert_eq!(list.check(&data, &Limits::default(), &mut scratch).unwrap_err().kind, Why::TooDeep);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}

/// The verdict of the plain decoder on all of `bytes`.
fn oracle(schema: &AvroSchema, bytes: &[u8], limits: &Limits) -> bool {
    let mut rest = bytes;
    generated::accepts(schema, schema.root(), &mut rest, &mut limits.items.clone()).is_some()
        && rest.is_empty()
}

/// Few enough items for the oracle's patience, deep enough for any data of these sizes.
fn small() -> Limits {
    Limits { items: 10_000, depth: 10_000, ..Limits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn data_of_a_schema_are_accepted(
        shape in prop::collection::vec(any::<u8>(), 0..120),
        value in prop::collection::vec(any::<u8>(), 0..300),
        tail in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let schema = generated::schema(&mut Choices(&shape));
        let mut bytes = Vec::new();
        generated::datum(&schema, schema.root(), &mut Choices(&value), 6, &mut bytes);
        let program = Program::compile(&schema);
        let mut scratch = Scratch::default();
        prop_assert!(oracle(&schema, &bytes, &small()));
        prop_assert_eq!(program.check(&bytes, &small(), &mut scratch), Ok(()));
        let length = bytes.len();
        bytes.extend(&tail);
        prop_assert_eq!(program.measure(&bytes, &small(), &mut scratch), Ok(length));
        if !tail.is_empty() {
            let expected = Err(Invalid { kind: Why::TrailingBytes, offset: length });
            prop_assert_eq!(program.check(&bytes, &small(), &mut scratch), expected);
        }
    }

    #[test]
    fn damaged_data_get_the_verdict_of_a_plain_decoder(
        shape in prop::collection::vec(any::<u8>(), 0..120),
        value in prop::collection::vec(any::<u8>(), 0..300),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        kept in any::<prop::sample::Index>(),
    ) {
        let schema = generated::schema(&mut Choices(&shape));
        let mut bytes = Vec::new();
        generated::datum(&schema, schema.root(), &mut Choices(&value), 6, &mut bytes);
        let program = Program::compile(&schema);
        let mut scratch = Scratch::default();
        for (place, byte) in damage {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        let cut = &bytes[..kept.index(bytes.len() + 1)];
        for bytes in [&bytes, cut] {
            let verdict = program.check(bytes, &small(), &mut scratch);
            prop_assert_eq!(verdict.is_ok(), oracle(&schema, bytes, &small()), "{:?}", verdict);
        }
    }

    #[test]
    fn any_bytes_get_the_verdict_of_a_plain_decoder(
        shape in prop::collection::vec(any::<u8>(), 0..60),
        bytes in prop::collection::vec(prop_oneof![0..8_u8, any::<u8>()], 0..60),
    ) {
        let schema = generated::schema(&mut Choices(&shape));
        let verdict = Program::compile(&schema).check(&bytes, &small(), &mut Scratch::default());
        prop_assert_eq!(verdict.is_ok(), oracle(&schema, &bytes, &small()), "{:?}", verdict);
    }
}
