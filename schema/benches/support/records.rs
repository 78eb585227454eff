//! The records and histories that benches measure.
#![allow(dead_code, reason = "each bench uses a part")]

use muster_schema::reference::ResolvedReferences;
use muster_schema::{Limits, ParsedSchema, SchemaType, Strictness};

pub fn parse(text: &str) -> ParsedSchema {
    let references = ResolvedReferences::default();
    ParsedSchema::parse(SchemaType::Avro, text, &references, Strictness::New, &Limits::default())
        .expect("the schemas here are valid")
}

/// One kind of record to walk.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// 20 fields as they are found in events: numbers, texts, an enum, optional fields.
    Mixed,
    /// 20 longs of all widths.
    Longs,
    /// 20 texts of 12 bytes.
    Strings,
    /// 20 optional fields, half of them null.
    Optional,
    /// A record of an array of 100 small records.
    Nested,
}

pub const SHAPES: [Shape; 5] = [Shape::Mixed, Shape::Longs, Shape::Strings, Shape::Optional, Shape::Nested];

impl Shape {
    /// The schema and one datum.
    pub fn build(self) -> (String, Vec<u8>) {
        let mut datum = Vec::new();
        let mut types: Vec<String> = Vec::new();
        match self {
            Self::Mixed => {
                for n in 0..4_i64 {
                    types.extend(
                        ["\"long\"", "\"string\"", "\"double\"", r#"["null","string"]"#].map(str::to_owned),
                    );
                    long(1_700_000_000_000 + n, &mut datum);
                    text("some text", &mut datum);
                    datum.extend(1.5_f64.to_le_bytes());
                    long(n % 2, &mut datum);
                    if n % 2 == 1 {
                        text("maybe", &mut datum);
                    }
                }
                types.push(r#"{"type":"enum","name":"E","symbols":["A","B","C"]}"#.to_owned());
                types.extend(["\"int\"", "\"boolean\"", "\"bytes\""].map(str::to_owned));
                datum.extend([2, 84, 1, 8, 1, 2, 3, 4]);
            }
            Self::Longs => {
                types.resize(20, "\"long\"".to_owned());
                (0..20).for_each(|n| long(1 << (n * 3), &mut datum));
            }
            Self::Strings => {
                types.resize(20, "\"string\"".to_owned());
                (0..20).for_each(|_| text("twelve bytes", &mut datum));
            }
            Self::Optional => {
                types.resize(20, r#"["null","int"]"#.to_owned());
                (0..20).for_each(|n| datum.extend_from_slice(if n % 2 == 0 { &[0] } else { &[2, 42] }));
            }
            Self::Nested => {
                types.push(
                    r#"{"type":"array","items":{"type":"record","name":"I","fields":[
                        {"name":"sku","type":"string"},{"name":"count","type":"int"},{"name":"price","type":"double"}]}}"#
                        .to_owned(),
                );
                long(100, &mut datum);
                for _ in 0..100 {
                    text("ABC-1234", &mut datum);
                    datum.push(6);
                    datum.extend(9.99_f64.to_le_bytes());
                }
                datum.push(0);
            }
        }
        let fields: Vec<String> = (0..)
            .zip(&types)
            .map(|(n, kind): (usize, _)| format!(r#"{{"name":"f{n}","type":{kind}}}"#))
            .collect();
        (format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(",")), datum)
    }
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut left = (value << 1) as u64 ^ (value >> 63) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn text(text: &str, out: &mut Vec<u8>) {
    long(text.len() as i64, out);
    out.extend(text.bytes());
}

/// A record of 100 fields, of which the first `known` are old: each version adds one with a default.
pub fn version(known: usize) -> String {
    let fields: Vec<String> = (0..100)
        .map(|n| {
            let name = if n < known { format!("field_{n}") } else { format!("spare_{n}") };
            match n % 4 {
                0 => format!(r#"{{"name":"{name}","type":["null","string"],"default":null}}"#),
                1 => format!(r#"{{"name":"{name}","type":"long","default":0}}"#),
                2 => format!(r#"{{"name":"{name}","type":{{"type":"map","values":"string"}},"default":{{}}}}"#),
                _ => format!(
                    r#"{{"name":"{name}","type":{{"type":"enum","name":"E{n}","symbols":["A","B","C"]}},"default":"A"}}"#
                ),
            }
        })
        .collect();
    format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","))
}
