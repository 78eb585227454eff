//! Each incompatibility has a datum that shows it: small cases as a table, then every incompatibility of the conformance
//! folder, proved by really encoding and decoding.
#![cfg(feature = "avro")]
#![expect(clippy::panic, reason = "a helper that fails fails its test")]

mod support;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use muster_schema::avro::diff::diff;
use muster_schema::avro::validate::{Program, Scratch};
use muster_schema::avro::witness::{Explained, NoWitness, explain, witness};
use muster_schema::avro::{self, AvroSchema};
use muster_schema::compatibility::Witness;
use muster_schema::{Limits, ResolvedReferences, Strictness};
use serde_json::Value as Json;
use support::Choices;
use support::resolve::{Unions, failures};
use support::values::{Patience, Value, decode_all, encode, to_json};

fn parse(text: &str) -> AvroSchema {
    avro::parse(text, &ResolvedReferences::default(), Strictness::Stored, &Limits::default())
        .unwrap_or_else(|error| panic!("{text:.300}: {error}"))
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// Each incompatibility as `datum | path | reason`, or what there is instead of a witness; all are proved.
fn check(reader: &str, writer: &str, expected: &[&str]) {
    let (reader, writer) = (parse(reader), parse(writer));
    let explained = explain(&reader, &writer, &Limits::default());
    let shown: Vec<String> = explained
        .iter()
        .map(|Explained { difference, witness: found }| {
            assert_eq!(&witness(&reader, &writer, difference, &Limits::default()), found);
            match found {
                Err(reason) => format!("none: {reason}"),
                Ok(found) => {
                    prove(&reader, &writer, difference, found).unwrap_or_else(|error| panic!("{error}"));
                    format!("{} | {} | {}", found.datum, found.path, found.reason)
                }
            }
        })
        .collect();
    assert_eq!(shown, expected);
}

/// Encodes, decodes and reads a witness: all must come out as it says.
fn prove(
    reader: &AvroSchema,
    writer: &AvroSchema,
    difference: &avro::diff::Difference,
    witness: &Witness,
) -> Result<Value, String> {
    let limits = Limits::default();
    let patience = Patience { items: 1_000, depth: 1_000 };
    let value = decode_all(writer, &witness.bytes, patience)
        .map_err(|refused| format!("not a datum of the writer ({refused:?}): {witness:?}"))?;
    let mut encoded = Vec::new();
    encode(&value, &mut Choices(&[]), &mut encoded);
    if encoded != witness.bytes {
        return Err(format!("encodes to {encoded:02x?}: {witness:?}"));
    }
    Program::compile(writer)
        .check(&witness.bytes, &limits, &mut Scratch::default())
        .map_err(|invalid| format!("refused by the walker ({invalid}): {witness:?}"))?;
    let datum: Json =
        serde_json::from_str(&witness.datum).map_err(|error| format!("{error}: {witness:?}"))?;
    if datum != to_json(writer, writer.root(), &value) {
        return Err(format!("text and bytes differ: {witness:?}"));
    }
    if datum.pointer(&witness.path).is_none() {
        return Err(format!("the path leads nowhere: {witness:?}"));
    }
    let found = failures(reader, writer, &value, Unions::FirstMatch);
    if !found.iter().any(|failure| failure.path == witness.path && failure.is_about(difference.kind)) {
        return Err(format!("{difference:?} is not what fails, but {found:?}: {witness:?}"));
    }
    Ok(value)
}

#[test]
fn types_are_shown_by_any_datum() {
    check(r#""int""#, r#""string""#, &[r#""" |  | the writer wrote string, the reader expects int"#]);
    check(
        &record(r#"{"name":"x","type":"int","default":1},{"name":"a","type":"int"}"#),
        &record(r#"{"name":"a","type":"double"},{"name":"y","type":["string","null"]}"#),
        &[r#"{"a":0.0,"y":null} | /a | the writer wrote double, the reader expects int"#],
    );
}

#[test]
fn items_and_values_are_there() {
    check(
        r#"{"type":"map","values":{"type":"array","items":"int"}}"#,
        r#"{"type":"map","values":{"type":"array","items":"null"}}"#,
        &[r#"{"key":[null]} | /key/0 | the writer wrote null, the reader expects int"#],
    );
}

#[test]
fn the_branch_of_the_writers_union_is_taken() {
    check(
        &record(r#"{"name":"a","type":"long"}"#),
        &record(r#"{"name":"a","type":["int","null","string"]}"#),
        &[
            r#"{"a":null} | /a | the writer wrote null, the reader expects long"#,
            r#"{"a":{"string":""}} | /a/string | the writer wrote string, the reader expects long"#,
        ],
    );
}

#[test]
fn a_missing_symbol_is_written() {
    check(
        r#"{"type":"enum","name":"E","symbols":["B"]}"#,
        r#"{"type":"enum","name":"E","symbols":["B","A","C"]}"#,
        &[
            r#""A" |  | the writer wrote the symbol A, which the reader's enum E does not have, nor a default"#,
        ],
    );
}

#[test]
fn names_and_sizes_are_told() {
    check(
        r#"{"type":"fixed","name":"n.F","size":1}"#,
        r#"{"type":"fixed","name":"n.G","size":2}"#,
        &[
            r#""\u0000\u0000" |  | the writer wrote fixed n.G, the reader expects fixed n.F: the names differ, and no alias of the reader's is n.G"#,
            r#""\u0000\u0000" |  | the writer wrote 2 bytes, the reader's fixed n.F takes 1"#,
        ],
    );
}

#[test]
fn an_alias_that_only_readers_count_is_told() {
    let uncounted = "none: a reader takes its alias outside any namespace into account, this check does not";
    let reader = |size: u32| format!(r#"{{"type":"fixed","name":"n.F","aliases":[".G"],"size":{size}}}"#);
    let writer = r#"{"type":"fixed","name":"G","size":2}"#;
    check(&reader(2), writer, &[uncounted]);
    check(&format!(r#"["null",{}]"#, reader(2)), writer, &[uncounted]);
    check(
        &format!(r#"["null",{}]"#, reader(1)),
        writer,
        &[concat!(
            r#""\u0000\u0000" |  | the writer wrote 2 bytes, the reader's fixed n.F takes 1; "#,
            r#"the reader's union [null, n.F] at the top has only n.F for it"#
        )],
    );
}

#[test]
fn a_field_without_default_is_missed_by_the_smallest_datum() {
    check(
        &record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
        &record(r#"{"name":"a","type":"int"}"#),
        &[r#"{"a":0} |  | the reader's field b has no default, and the writer wrote none"#],
    );
    // The reference tells it as a comparison of the enum with the whole record.
    check(
        &record(r#"{"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"}}"#),
        &record(""),
        &[r#"{} |  | the reader's field e has no default, and the writer wrote none"#],
    );
}

#[test]
fn a_union_without_a_branch_is_told_from_one_whose_branch_fails() {
    check(
        r#"["null","int"]"#,
        r#"["null","string"]"#,
        &[
            r#"{"string":""} | /string | the writer wrote string, which no branch of the reader's union [null, int] takes"#,
        ],
    );
    let of =
        |item: &str| record(&format!(r#"{{"name":"a","type":["null",{{"type":"array","items":{item}}}]}}"#));
    check(
        &of(r#"["int",{"type":"enum","name":"E","symbols":["A"]}]"#),
        &of(r#"["null","int",{"type":"enum","name":"E","symbols":["A","B"]}]"#),
        &[concat!(
            r#"{"a":{"array":[null]}} | /a/array/0 | the writer wrote null, which no branch of the reader's union "#,
            r#"[int, E] takes; the reader's union [null, array] at /a/array has only array for it"#
        )],
    );
}

#[test]
fn recursive_types_come_to_an_end() {
    let list = |value: &str| {
        record(&format!(r#"{{"name":"next","type":["null","R"]}},{{"name":"v","type":"{value}"}}"#))
    };
    check(
        &list("int"),
        &list("string"),
        &[r#"{"next":null,"v":""} | /v | the writer wrote string, the reader expects int"#],
    );
    let tree = |leaf: &str| {
        record(&format!(
            r#"{{"name":"kids","type":{{"type":"array","items":"R"}}}},
               {{"name":"leaf","type":["R",{{"type":"record","name":"L","fields":[{leaf}]}}]}}"#
        ))
    };
    check(
        &tree(r#"{"name":"x","type":"int"}"#),
        &tree(""),
        &[concat!(
            r#"{"kids":[],"leaf":{"L":{}}} | /leaf/L | the reader's field x has no default, and the writer wrote none; "#,
            r#"the reader's union [R, L] at /leaf/L has only L for it"#
        )],
    );
}

#[test]
fn a_field_that_stands_for_several_is_told() {
    check(
        &format!(r#"["null",{}]"#, record(r#"{"name":"b","type":"int","aliases":["a"]}"#)),
        &record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#),
        &[r#"{"a":0,"b":0} |  | the reader's field b stands for several fields of the writer's record R"#],
    );
}

#[test]
fn where_the_writer_has_no_data_there_is_no_witness() {
    let none = "none: the writer's schema has no data there";
    check(
        r#"{"type":"enum","name":"E","symbols":["A"]}"#,
        r#"{"type":"enum","name":"F","symbols":[]}"#,
        &[none],
    );
    let endless = r#"{"type":"record","name":"L","fields":[{"name":"next","type":"L"}]}"#;
    check(
        &record(&format!(r#"{{"name":"a","type":{endless}}},{{"name":"b","type":"int"}}"#)),
        &record(""),
        &[
            r#"{} |  | the reader's field a has no default, and the writer wrote none"#,
            r#"{} |  | the reader's field b has no default, and the writer wrote none"#,
        ],
    );
    let beside =
        |kind: &str| record(&format!(r#"{{"name":"a","type":{endless}}},{{"name":"b","type":"{kind}"}}"#));
    check(&beside("int"), &beside("string"), &[none]);
    check(&record(r#"{"name":"b","type":"int"}"#), &record(r#"{"name":"a","type":[]}"#), &[none]);
}

#[test]
fn a_finding_met_again_has_the_witness_of_the_first_place() {
    let of = |size: u32| {
        record(&format!(
            r#"{{"name":"a","type":["null",{{"type":"fixed","name":"F","size":{size}}}]}},{{"name":"b","type":"F"}}"#
        ))
    };
    check(
        &of(1),
        &of(2),
        &[
            concat!(
                r#"{"a":{"F":"\u0000\u0000"},"b":"\u0000\u0000"} | /a/F | the writer wrote 2 bytes, the reader's fixed F "#,
                r#"takes 1; the reader's union [null, F] at /a/F has only F for it"#
            ),
            r#"{"a":null,"b":"\u0000\u0000"} | /b | the writer wrote 2 bytes, the reader's fixed F takes 1"#,
        ],
    );
}

#[test]
fn a_large_datum_is_no_witness() {
    let fixed = |size: u32| format!(r#"{{"type":"fixed","name":"F","size":{size}}}"#);
    check(&fixed(1), &fixed(2_147_483_639), &["none: a witness would be too large"]);
    let limits = Limits { witness_bytes: 8, ..Limits::default() };
    let (reader, writer) =
        (parse(&record(r#"{"name":"a","type":"int"}"#)), parse(&record(r#"{"name":"a","type":"null"}"#)));
    let explained = explain(&reader, &writer, &limits);
    assert_eq!(explained[0].witness, Err(NoWitness::TooLarge));
    let limits = Limits { pairs: 4, ..Limits::default() };
    assert_eq!(explain(&reader, &writer, &limits).len(), 1);
}

#[test]
fn another_difference_is_unknown() {
    let (int, string) = (parse("\"int\""), parse("\"string\""));
    let found = diff(&int, &string, &Limits::default());
    assert_eq!(witness(&string, &int, &found[0], &Limits::default()), Err(NoWitness::Unknown));
}

#[test]
fn many_and_deep_differences_take_bounded_time_on_a_small_stack() {
    let work = || {
        // A record of unions, each of which fails in the same deep way.
        let levels = 60;
        let deep = |leaf: &str| {
            let open = r#"{"type":"array","items":"#.repeat(levels);
            format!("{open}\"{leaf}\"{}", "}".repeat(levels))
        };
        let wide = |leaf: &str| {
            let fields: Vec<String> =
                (0..300).map(|n| format!(r#"{{"name":"f{n}","type":["null",{}]}}"#, deep(leaf))).collect();
            parse(&record(&fields.join(",")))
        };
        let (reader, writer) = (wide("int"), wide("string"));
        let limits = Limits { difference_bytes: 1 << 20, ..Limits::default() };
        let explained = explain(&reader, &writer, &limits);
        assert_eq!(explained.len(), 300);
        let size = |found: &Witness| found.datum.len() + found.bytes.len() + found.path.len();
        let total: usize = explained.iter().filter_map(|found| found.witness.as_ref().ok()).map(size).sum();
        assert!((1 << 16..1 << 20).contains(&total), "{total}");
        assert_eq!(explained.last().map(|found| found.witness.clone()), Some(Err(NoWitness::TooLarge)));
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap().join().unwrap();
}

/// What came of the incompatibilities of one kind.
#[derive(Default)]
struct Count {
    found: usize,
    proved: usize,
    /// Of those proved: how many cannot be read by a reader that tries every branch of its unions either.
    any_branch: usize,
    /// What apache-avro says of those whose schemas it reads: refused, read.
    refused: usize,
    read: usize,
}

#[test]
fn the_incompatibilities_of_the_conformance_folder_have_proved_witnesses() {
    let Some(folder) = conformance_folder() else { return };
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut without = Vec::new();
    let mut pairs = 0;
    for table in ["avro-compat.json", "random-avro.json"] {
        let text = std::fs::read_to_string(folder.join(table)).expect("the table is there");
        let table_json: Json = serde_json::from_str(&text).expect("the table is JSON");
        let mut in_table = (0, 0);
        for case in table_json["cases"].as_array().expect("cases") {
            for (reader, writer) in schema_pairs(table, case) {
                pairs += 1;
                for Explained { difference, witness } in explain(&reader, &writer, &Limits::default()) {
                    let count = counts.entry(difference.kind.as_str()).or_default();
                    count.found += 1;
                    in_table.0 += 1;
                    let proof = witness.map_err(|reason| reason.to_string()).and_then(|witness| {
                        let value = prove(&reader, &writer, &difference, &witness)?;
                        Ok((witness, value))
                    });
                    match proof {
                        Err(reason) => without.push(format!(
                            "{table} {}: {} {} {}: {reason}",
                            case["index"], difference.kind, difference.location, difference.message
                        )),
                        Ok((witness, value)) => {
                            count.proved += 1;
                            in_table.1 += 1;
                            let any = failures(&reader, &writer, &value, Unions::AnyThatReads);
                            count.any_branch += usize::from(!any.is_empty());
                            match apache_avro_refuses(&reader, &writer, &witness.bytes) {
                                Some(true) => count.refused += 1,
                                Some(false) => count.read += 1,
                                None => {}
                            }
                        }
                    }
                }
            }
        }
        println!("{table}: {} incompatibilities, {} with a proved witness", in_table.0, in_table.1);
    }
    println!(
        "kind                                 found  proved  any-branch readers too  apache-avro: refuses  reads"
    );
    for (kind, Count { found, proved, any_branch, refused, read }) in &counts {
        println!("{kind:36} {found:5}  {proved:6}  {any_branch:22}  {refused:20}  {read:5}");
    }
    let found: usize = counts.values().map(|count| count.found).sum();
    let proved: usize = counts.values().map(|count| count.proved).sum();
    println!("witnesses: {proved} of {found} incompatibilities in {pairs} pairs of schemas are proved");
    without.iter().for_each(|line| println!("  without: {line}"));
    assert!(found > 0, "the tables hold no incompatibility");
    assert!(proved * 100 >= found * 95, "fewer than 95 %");
    assert!(
        without.iter().all(|line| line.ends_with("no data there") || line.ends_with("this check does not")),
        "the only reasons are that the writer has no data, and an alias that the comparison does not count"
    );
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line to name the folder on")]
fn conformance_folder() -> Option<std::path::PathBuf> {
    let beside = || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let folder = std::env::var("MUSTER_CONFORMANCE_DIR").map_or_else(|_| beside(), std::path::PathBuf::from);
    if !folder.is_dir() {
        println!("witnesses: skipped ({} is not there; set MUSTER_CONFORMANCE_DIR)", folder.display());
        return None;
    }
    Some(folder)
}

/// Reader and writer of each comparison that a case is about.
fn schema_pairs(table: &str, case: &Json) -> Vec<(AvroSchema, AvroSchema)> {
    if table == "avro-compat.json" {
        let [reader, writer] = ["reader", "writer"].map(|side| parse(&case[side].to_string()));
        return vec![(reader, writer)];
    }
    // Subjects that are referenced; their own references are among those before them.
    let mut texts = Vec::new();
    for subject in case["subjects"].as_array().into_iter().flatten() {
        for version in subject["versions"].as_array().into_iter().flatten() {
            texts.push((subject["subject"].clone(), version.clone()));
        }
    }
    let read = |version: &Json| {
        let mut closure = ResolvedReferences::default();
        add_references(version, &texts, &mut closure);
        let text = version["canonical"].as_str().or_else(|| version["schema"].as_str())?;
        avro::parse(text, &closure, Strictness::Stored, &Limits::default()).ok()
    };
    let Some(candidate) = read(&case["candidate"]).filter(|_| case["candidate"]["status"] == 200) else {
        return Vec::new();
    };
    let history = case["history"].as_array().into_iter().flatten();
    history
        .filter_map(read)
        .flat_map(|version| [(candidate.clone(), version.clone()), (version, candidate.clone())])
        .collect()
}

fn add_references(version: &Json, texts: &[(Json, Json)], closure: &mut ResolvedReferences) {
    for reference in version["references"].as_array().into_iter().flatten() {
        let name = reference["name"].as_str().unwrap_or_default();
        let versions: Vec<&Json> = texts
            .iter()
            .filter(|(subject, _)| *subject == reference["subject"])
            .map(|(_, version)| version)
            .collect();
        let number = reference["version"].as_i64().and_then(|number| usize::try_from(number).ok());
        let found = number.and_then(|number| versions.get(number.wrapping_sub(1))).or(versions.last());
        let Some(found) = found else { continue };
        add_references(found, texts, closure);
        let text = found["canonical"].as_str().or_else(|| found["schema"].as_str()).unwrap_or_default();
        if closure.texts.iter().all(|(known, _)| known != name) {
            closure.texts.push((name.to_owned(), text.to_owned()));
        }
    }
}

/// Whether apache-avro cannot read the bytes; none if it does not take one of the schemas.
///
/// It resolves more loosely than the specification: the names of records, enums and fixeds play no part, and a union
/// takes any branch that fits the value.
fn apache_avro_refuses(reader: &AvroSchema, writer: &AvroSchema, bytes: &[u8]) -> Option<bool> {
    let resolved = |schema: &AvroSchema| apache_avro::Schema::parse_str(&schema.formatted("resolved"));
    let attempt = || {
        let (reader, writer) = (resolved(reader).ok()?, resolved(writer).ok()?);
        let writer_only = apache_avro::reader::datum::GenericDatumReader::builder(&writer).build().ok()?;
        writer_only.read_value(&mut &*bytes).ok()?;
        let both = apache_avro::reader::datum::GenericDatumReader::builder(&writer).reader_schema(&reader);
        Some(both.build().and_then(|both| both.read_value(&mut &*bytes)).is_err())
    };
    catch_unwind(AssertUnwindSafe(attempt)).ok().flatten()
}
