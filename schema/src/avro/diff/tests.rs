//! Each rule as a row of a table: reader, writer, what is found.

use proptest::prelude::*;

use super::*;
use crate::avro::model::{Kind, Node, NodeId};
use crate::avro::validate::generated::{self, Choices};
use crate::format::Strictness;
use crate::reference::ResolvedReferences;

fn parse(text: &str) -> AvroSchema {
    crate::avro::parse(text, &ResolvedReferences::default(), Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Compares and expects lines of `KIND location message`.
fn check(reader: &str, writer: &str, expected: &[&str]) {
    let found: Vec<String> = diff(&parse(reader), &parse(writer), &Limits::default())
        .iter()
        .map(|found| format!("{} {} {}", found.kind, found.location, found.message))
        .collect();
    assert_eq!(found, expected, "reader {reader}, writer {writer}");
}

/// A record of the given fields.
fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

#[test]
fn primitives_are_promoted_one_way() {
    let types = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
    let promotions = [
        ("int", "long"),
        ("int", "float"),
        ("int", "double"),
        ("long", "float"),
        ("long", "double"),
        ("float", "double"),
        ("string", "bytes"),
        ("bytes", "string"),
    ];
    for writer in types {
        for reader in types {
            let mismatch = format!(
                "TYPE_MISMATCH / reader type: {} not compatible with writer type: {}",
                reader.to_uppercase(),
                writer.to_uppercase()
            );
            let fine = reader == writer || promotions.contains(&(writer, reader));
            let expected: &[&str] = if fine { &[] } else { &[&mismatch] };
            check(&format!("{reader:?}"), &format!("{writer:?}"), expected);
        }
    }
}

#[test]
fn logical_types_do_not_matter() {
    check(
        r#"{"type":"long","logicalType":"timestamp-millis"}"#,
        r#"{"type":"int","logicalType":"date"}"#,
        &[],
    );
}

#[test]
fn locations_follow_the_reader_down() {
    check(
        &record(
            r#"{"name":"x","type":"int","default":0},{"name":"a","type":{"type":"map","values":{"type":"array","items":"int"}}}"#,
        ),
        &record(r#"{"name":"a","type":{"type":"map","values":{"type":"array","items":"string"}}}"#),
        &[
            "TYPE_MISMATCH /fields/1/type/values/items reader type: INT not compatible with writer type: STRING",
        ],
    );
}

#[test]
fn simple_names_or_a_reader_alias_must_agree() {
    let fixed = |head: &str| format!(r#"{{"type":"fixed","size":1,{head}}}"#);
    check(&fixed(r#""name":"n.F""#), &fixed(r#""name":"m.F""#), &[]);
    check(&fixed(r#""name":"n.F""#), &fixed(r#""name":"n.G""#), &["NAME_MISMATCH /name expected: n.G"]);
    check(&fixed(r#""name":"n.F","aliases":["G"]"#), &fixed(r#""name":"n.G""#), &[]);
    check(
        &fixed(r#""name":"n.F","aliases":["G"]"#),
        &fixed(r#""name":"m.G""#),
        &["NAME_MISMATCH /name expected: m.G"],
    );
    check(&fixed(r#""name":"n.F","aliases":["m.G"]"#), &fixed(r#""name":"m.G""#), &[]);
    // Outside any namespace an alias counts for a reader that has none itself, and for no other.
    check(&fixed(r#""name":"F","aliases":["G"]"#), &fixed(r#""name":"G""#), &[]);
    check(&fixed(r#""name":"F","aliases":[".G"]"#), &fixed(r#""name":"G""#), &[]);
    check(
        &fixed(r#""name":"n.F","aliases":[".G","G"]"#),
        &fixed(r#""name":"G""#),
        &["NAME_MISMATCH /name expected: G"],
    );
    check(
        &fixed(r#""name":"n.F""#),
        &fixed(r#""name":"n.G","aliases":["F"]"#),
        &["NAME_MISMATCH /name expected: n.G"],
    );
}

#[test]
fn a_fixed_can_differ_in_name_and_size() {
    check(
        r#"{"type":"fixed","name":"F","size":4}"#,
        r#"{"type":"fixed","name":"G","size":8}"#,
        &["NAME_MISMATCH /name expected: G", "FIXED_SIZE_MISMATCH /size expected: 8, found: 4"],
    );
}

#[test]
fn an_enum_needs_the_writers_symbols_or_a_default() {
    let of = |symbols: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]}}"#);
    check(&of(r#""B","A","C""#), &of(r#""A","B""#), &[]);
    check(&of(r#""B""#), &of(r#""D","B","A""#), &["MISSING_ENUM_SYMBOLS /symbols [A, D]"]);
    check(r#"{"type":"enum","name":"E","symbols":["B"],"default":"B"}"#, &of(r#""D","B","A""#), &[]);
    let writer_default = r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}"#;
    check(&of(r#""A""#), writer_default, &["MISSING_ENUM_SYMBOLS /symbols [B]"]);
}

#[test]
fn a_new_field_needs_a_default() {
    let writer = record(r#"{"name":"a","type":"int"}"#);
    check(&record(r#"{"name":"b","type":"int","default":1}"#), &writer, &[]);
    check(&record(r#"{"name":"b","type":["null","int"],"default":null}"#), &writer, &[]);
    check(
        &record(r#"{"name":"a","type":"int"},{"name":"b","type":["null","int"]}"#),
        &writer,
        &["READER_FIELD_MISSING_DEFAULT_VALUE /fields/1 b"],
    );
    // The default of an enum is no default of the field; the reference tells it in an odd way.
    check(
        &record(r#"{"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"}}"#),
        &writer,
        &["TYPE_MISMATCH /fields/0/type reader type: ENUM not compatible with writer type: RECORD"],
    );
}

#[test]
fn fields_match_by_name_or_reader_alias_in_any_order() {
    let writer = record(r#"{"name":"a","type":"int"},{"name":"b","type":"string"}"#);
    check(&record(r#"{"name":"b","type":"string"},{"name":"a","type":"long"}"#), &writer, &[]);
    check(&record(r#"{"name":"c","type":"string","aliases":["x","b","b"]}"#), &writer, &[]);
    check(
        &record(r#"{"name":"c","type":"int","aliases":["b"]}"#),
        &writer,
        &["TYPE_MISMATCH /fields/0/type reader type: INT not compatible with writer type: STRING"],
    );
}

#[test]
fn a_field_that_matches_twice_ends_the_check() {
    let reader = record(r#"{"name":"x","type":"int"},{"name":"b","type":["int"],"aliases":["a"]}"#);
    let writer = record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#);
    let expected = format!(
        "AMBIGUOUS_FIELD / Reader record field b type:UNION pos:1 matches multiple fields in writer record schema {writer}"
    );
    check(&reader, &writer, &[&expected]);
    let found = diff(&parse(&reader), &parse(&writer), &Limits::default());
    assert!(
        found[0]
            .text("new", "old")
            .starts_with("Unexpected exception during compatibility check: Reader record")
    );
    // An alias equal to the name counts too.
    let own = record(r#"{"name":"a","type":"int","aliases":["a"]}"#);
    let expected = format!(
        "AMBIGUOUS_FIELD / Reader record field a type:INT pos:0 matches multiple fields in writer record schema {writer}"
    );
    check(&own, &writer, &[&expected]);
}

#[test]
fn unions_are_read_branch_by_branch() {
    check(r#"["null","long"]"#, r#""int""#, &[]);
    check(r#"["null","long"]"#, r#"["int","null"]"#, &[]);
    check(
        r#"["null","long"]"#,
        r#"["null","string","int","boolean"]"#,
        &[
            "MISSING_UNION_BRANCH /1 reader union lacking writer type: STRING",
            "MISSING_UNION_BRANCH /3 reader union lacking writer type: BOOLEAN",
        ],
    );
    check(r#"["null"]"#, r#""int""#, &["MISSING_UNION_BRANCH / reader union lacking writer type: INT"]);
    check("[]", r#""int""#, &["MISSING_UNION_BRANCH / reader union lacking writer type: INT"]);
    check(
        r#""long""#,
        r#"["int","string"]"#,
        &["TYPE_MISMATCH /1 reader type: LONG not compatible with writer type: STRING"],
    );
    check(r#""int""#, "[]", &[]);
    check("[]", "[]", &[]);
}

#[test]
fn recursion_ends() {
    let node = |value: &str| {
        record(&format!(r#"{{"name":"v","type":"{value}"}},{{"name":"next","type":["null","R"]}}"#))
    };
    check(&node("long"), &node("int"), &[]);
    check(
        &node("int"),
        &node("long"),
        &["TYPE_MISMATCH /fields/0/type reader type: INT not compatible with writer type: LONG"],
    );
}

#[test]
fn a_pair_met_again_is_told_again_with_its_first_location() {
    let of = |size: u32| {
        record(&format!(
            r#"{{"name":"a","type":{{"type":"fixed","name":"F","size":{size}}}}},{{"name":"b","type":"F"}}"#
        ))
    };
    let line = "FIXED_SIZE_MISMATCH /fields/0/type/size expected: 2, found: 1";
    check(&of(1), &of(2), &[line, line]);
    // Unnamed types are not the same pair, however alike they look.
    check(
        &record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
        &record(r#"{"name":"a","type":"string"},{"name":"b","type":"string"}"#),
        &[
            "TYPE_MISMATCH /fields/0/type reader type: INT not compatible with writer type: STRING",
            "TYPE_MISMATCH /fields/1/type reader type: INT not compatible with writer type: STRING",
        ],
    );
}

#[test]
fn branches_of_a_reader_union_start_at_the_root() {
    let fixed = |size: u32| format!(r#"{{"type":"fixed","name":"F","size":{size}}}"#);
    check(
        &record(&format!(r#"{{"name":"a","type":["null",{}]}},{{"name":"b","type":"F"}}"#, fixed(1))),
        &record(&format!(r#"{{"name":"a","type":{}}},{{"name":"b","type":"F"}}"#, fixed(2))),
        &[
            "MISSING_UNION_BRANCH /fields/0/type reader union lacking writer type: FIXED",
            "FIXED_SIZE_MISMATCH /size expected: 2, found: 1",
        ],
    );
}

#[test]
fn each_kind_has_its_text() {
    let text = |kind| {
        let found = Difference { kind, location: "/l".to_owned(), message: "m".to_owned() };
        found.text("%r", "%w")
    };
    let cases = [
        (
            DifferenceKind::FixedSizeMismatch,
            "{errorType:'FIXED_SIZE_MISMATCH', description:'The size of FIXED type field at path '/l' in the %r schema \
             does not match with the %w schema', additionalInfo:'m'}",
        ),
        (
            DifferenceKind::TypeMismatch,
            "{errorType:'TYPE_MISMATCH', description:'The type (path '/l') of a field in the %r schema does not match \
             with the %w schema', additionalInfo:'m'}",
        ),
        (
            DifferenceKind::NameMismatch,
            "{errorType:'NAME_MISMATCH', description:'The name of the schema has changed (path '/l')', \
             additionalInfo:'m'}",
        ),
        (
            DifferenceKind::MissingEnumSymbols,
            "{errorType:'MISSING_ENUM_SYMBOLS', description:'The %r schema is missing enum symbols 'm' at path '/l' in \
             the %w schema', additionalInfo:'m'}",
        ),
        (
            DifferenceKind::MissingUnionBranch,
            "{errorType:'MISSING_UNION_BRANCH', description:'The %r schema is missing a type inside a union field at \
             path '/l' in the %w schema', additionalInfo:'m'}",
        ),
        (
            DifferenceKind::ReaderFieldMissingDefaultValue,
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'm' at path '/l' in the %r schema \
             has no default value and is missing in the %w schema', additionalInfo:'m'}",
        ),
        (DifferenceKind::AmbiguousField, "Unexpected exception during compatibility check: m"),
        (DifferenceKind::TooLarge, "m"),
    ];
    for (kind, expected) in cases {
        assert_eq!(text(kind), expected);
    }
}

#[test]
fn work_and_text_are_bounded() {
    let wide = |kind: &str| {
        let fields: Vec<String> = (0..100).map(|n| format!(r#"{{"name":"f{n}","type":"{kind}"}}"#)).collect();
        parse(&record(&fields.join(",")))
    };
    let (reader, writer) = (wide("int"), wide("string"));
    let kinds = |limits: Limits| -> Vec<DifferenceKind> {
        diff(&reader, &writer, &limits).iter().map(|found| found.kind).collect()
    };
    assert_eq!(kinds(Limits::default()).len(), 100);
    assert_eq!(kinds(Limits { pairs: 50, ..Limits::default() }), [DifferenceKind::TooLarge]);
    let few = kinds(Limits { difference_bytes: 1000, ..Limits::default() });
    assert!(few.len() < 10, "{few:?}");
    assert_eq!(few.last(), Some(&DifferenceKind::TooLarge));
}

#[test]
fn findings_that_double_at_every_level_stay_small() {
    // Each record uses the next one twice, so the innermost finding is repeated 2^60 times.
    let doubling = |inner: Kind| {
        let two = parse(&record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#));
        let mut nodes = vec![Node { kind: inner, props: Vec::new() }];
        for level in 0..60_u32 {
            let Kind::Record(mut record) = two.node(two.root()).kind.clone() else { unreachable!() };
            record.fields.iter_mut().for_each(|field| field.schema = NodeId(level));
            nodes.push(Node { kind: Kind::Record(record), props: Vec::new() });
        }
        AvroSchema::from_nodes(nodes, NodeId(60))
    };
    let limits = Limits { difference_bytes: 100_000, ..Limits::default() };
    let found = diff(&doubling(Kind::Int), &doubling(Kind::String), &limits);
    assert!(found.len() < 1000);
    assert_eq!(found.last().unwrap().kind, DifferenceKind::TooLarge);
}

#[test]
fn deep_schemas_fit_a_small_stack() {
    let work = || {
        let deep = |inner: Kind| {
            let levels = 50_000;
            let mut nodes = vec![Node { kind: inner, props: Vec::new() }];
            nodes.extend(
                (0..levels).map(|level| Node { kind: Kind::Array(NodeId(level)), props: Vec::new() }),
            );
            AvroSchema::from_nodes(nodes, NodeId(levels))
        };
        let found = diff(&deep(Kind::Int), &deep(Kind::String), &Limits::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].location.len(), 50_000 * "/items".len());
        assert_eq!(diff(&deep(Kind::Long), &deep(Kind::Int), &Limits::default()), []);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}

/// Readability by definition, without memory or messages: what a pair in progress needs is assumed.
fn readable(
    reader: &AvroSchema,
    r: NodeId,
    writer: &AvroSchema,
    w: NodeId,
    assumed: &mut Vec<(NodeId, NodeId)>,
    recursive: &mut bool,
) -> bool {
    if assumed.contains(&(r, w)) {
        *recursive = true;
        return true;
    }
    assumed.push((r, w));
    let mut reads = |r: NodeId, w: NodeId| readable(reader, r, writer, w, assumed, recursive);
    let result = match (&reader.node(r).kind, &writer.node(w).kind) {
        (_, Kind::Union(branches)) => branches.iter().all(|&branch| reads(r, branch)),
        (Kind::Union(branches), _) => branches.iter().any(|&branch| reads(branch, w)),
        (Kind::Array(r), Kind::Array(w)) | (Kind::Map(r), Kind::Map(w)) => reads(*r, *w),
        (Kind::Fixed(r), Kind::Fixed(w)) => r.named.name.simple == w.named.name.simple && r.size == w.size,
        (Kind::Enum(r), Kind::Enum(w)) => {
            r.named.name.simple == w.named.name.simple
                && w.symbols.iter().all(|symbol| r.symbols.contains(symbol))
        }
        (Kind::Record(r), Kind::Record(w)) => {
            r.named.name.simple == w.named.name.simple
                && r.fields.iter().all(|field| {
                    w.fields.iter().any(|other| other.name == field.name && reads(field.schema, other.schema))
                })
        }
        (Kind::Long, Kind::Int)
        | (Kind::Float, Kind::Int | Kind::Long)
        | (Kind::Double, Kind::Int | Kind::Long | Kind::Float)
        | (Kind::Bytes, Kind::String)
        | (Kind::String, Kind::Bytes) => true,
        (r, w) => std::mem::discriminant(r) == std::mem::discriminant(w),
    };
    assumed.pop();
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_schema_reads_its_own_data(shape in prop::collection::vec(any::<u8>(), 0..200)) {
        let schema = generated::schema(&mut Choices(&shape));
        prop_assert_eq!(diff(&schema, &schema, &Limits::default()), []);
        prop_assert_eq!(diff(&schema, &schema.clone(), &Limits::default()), []);
    }

    #[test]
    fn verdicts_follow_the_definition(
        shape in prop::collection::vec(any::<u8>(), 0..60),
        change in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let reader = generated::schema(&mut Choices(&shape));
        let mut changed = shape.clone();
        for (place, byte) in change {
            if !changed.is_empty() {
                let place = place.index(changed.len());
                changed[place] = byte;
            }
        }
        let writer = generated::schema(&mut Choices(&changed));
        let found = diff(&reader, &writer, &Limits::default());
        let mut recursive = false;
        let (r, w) = (reader.root(), writer.root());
        if readable(&reader, r, &writer, w, &mut Vec::new(), &mut recursive) {
            prop_assert_eq!(found, []);
        } else {
            // Like the reference, the comparison remembers what it found while it assumed a pair in progress to be
            // compatible, and so it can miss what is wrong with a recursive type that a union rejected.
            prop_assert!(!found.is_empty() || recursive);
        }
    }
}
