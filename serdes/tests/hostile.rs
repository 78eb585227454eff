//! Bytes of a stranger against the deserializers of all three languages, typed and generic: nothing panics, overflows the
//! stack of a worker thread, or takes memory out of proportion to the payload.
//!
//! A short run by default; for a long one set `MUSTER_FUZZ_SECONDS` (and `MUSTER_FUZZ_SEED`) and build it with
//! `--release`. A run is a function of its seed; a failure prints its input.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::Entry;
use muster_serdes::avro::AvroDeserializer;
use muster_serdes::json::JsonDeserializer;
use muster_serdes::protobuf::ProtobufDeserializer;
use muster_serdes::{Category, DeserializeError, Side};
use serde::Deserialize;

struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    NOW.set(NOW.get().saturating_add(bytes));
    PEAK.set(PEAK.get().max(NOW.get()));
}

fn shrink(bytes: usize) {
    NOW.set(NOW.get().saturating_sub(bytes));
}

// SAFETY: every method hands its arguments to the system allocator unchanged, whose contract is the same; counting
// touches thread-locals without destructor and never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most heap of one execution: what nulls without bytes may take in Avro, and a share for each byte.
const HEAP_FREE: usize = 16 << 20;
const HEAP_PER_BYTE: usize = 8 << 10;
/// As much as a worker of tokio has.
const STACK: usize = 2 << 20;
const MAX_PAYLOAD: usize = 2_048;

const AVRO: &str = r#"{"type": "record", "name": "Node", "fields": [
    {"name": "id", "type": "long"}, {"name": "name", "type": ["null", "string"], "default": null},
    {"name": "nulls", "type": {"type": "array", "items": "null"}},
    {"name": "map", "type": {"type": "map", "values": {"type": "array", "items": ["int", "bytes", "Node"]}}},
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}]}"#;
const JSON: &str = r##"{"type": "object", "properties": {"id": {"type": "integer"},
    "name": {"type": ["string", "null"], "pattern": "^[a-z]*$"}, "map": {"additionalProperties": {"type": "array",
    "items": {"$ref": "#"}}}}, "required": ["id"]}"##;
const PROTOBUF: &str = "syntax = \"proto2\"; message Node { required int64 id = 1; optional string name = 2;
    map<string, Node> map = 3; repeated Node nodes = 4; repeated sint32 packed = 5 [packed = true];
    optional group G = 6 { optional bytes b = 1; } } message Other { optional Node node = 1; }";

#[derive(Deserialize)]
#[allow(dead_code, reason = "read only")]
struct Node {
    id: i64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, Vec<Node>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProtoNode {
    #[prost(int64, required, tag = "1")]
    id: i64,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(btree_map = "string, message", tag = "3")]
    map: BTreeMap<String, ProtoNode>,
    #[prost(message, repeated, tag = "4")]
    nodes: Vec<ProtoNode>,
}

/// Deserializers that know their schemas, with the payloads that mutation starts from.
struct Targets {
    avro: AvroDeserializer,
    json: JsonDeserializer,
    lax: JsonDeserializer,
    protobuf: ProtobufDeserializer,
    seeds: [Vec<Vec<u8>>; 3],
}

const TOPIC: &str = "t";

impl Targets {
    async fn start() -> Self {
        let entry = |schema_type: &str, id, schema: &str| Entry {
            schema_type: schema_type.to_owned(),
            ..Entry::avro(&format!("{TOPIC}-value"), id, id, schema)
        };
        let entries = vec![entry("AVRO", 1, AVRO), entry("JSON", 2, JSON), entry("PROTOBUF", 3, PROTOBUF)];
        let server = common::registry(entries).await;
        let framed = |id: u8, body: &[u8]| [&[0, 0, 0, 0, id], body].concat();
        let targets = Self {
            avro: AvroDeserializer::builder(server.client()).build().unwrap(),
            json: JsonDeserializer::builder(server.client()).build().unwrap(),
            lax: JsonDeserializer::builder(server.client()).validate(false).build().unwrap(),
            protobuf: ProtobufDeserializer::builder(server.client()).build().unwrap(),
            seeds: [
                vec![
                    framed(1, &[14, 2, 2, b'x', 4, 0, 0, 4, 0x80, 0]),
                    framed(1, &[14, 0, 0, 2, 2, b'k', 4, 0, 8, 0, 10, 0, 0, 2, 1]),
                    framed(1, &[14, 0, 0xfe, 0xff, 0x07, 0, 0, 2, 0]),
                ],
                vec![
                    framed(2, br#"{"id":1,"name":"abc","map":{"k":[{"id":2},{"id":3,"name":null}]}}"#),
                    framed(2, br#"{"id":-1e2,"more":[[[["\u00e9"]]]]}"#),
                ],
                vec![
                    framed(3, &[0, 8, 1, 18, 1, b'x', 34, 2, 8, 2, 42, 2, 1, 2, 51, 10, 1, 9, 52]),
                    framed(3, &[2, 2, 10, 10, 8, 1, 26, 6, 10, 0, 18, 2, 8, 3]),
                    framed(3, &[2, 0, 8, 1, 26, 7, 10, 1, b'k', 18, 2, 8, 3]),
                ],
            ],
        };
        // The first record asks the registry; the others are read without it.
        for (language, seeds) in targets.seeds.iter().enumerate() {
            for payload in seeds {
                let payload = Some(&payload[..]);
                match language {
                    0 => {
                        drop(targets.avro.deserialize_value(TOPIC, Side::Value, None, payload).await.unwrap())
                    }
                    1 => {
                        for json in [&targets.json, &targets.lax] {
                            json.deserialize_value(TOPIC, Side::Value, None, payload).await.unwrap();
                        }
                    }
                    _ => drop(
                        targets
                            .protobuf
                            .deserialize_dynamic(TOPIC, Side::Value, None, payload)
                            .await
                            .unwrap(),
                    ),
                }
            }
        }
        targets
    }

    /// What becomes of a payload, for each way to read it.
    fn read(&self, language: usize, payload: &[u8]) -> Vec<Option<Category>> {
        fn seen<T>(read: Option<Result<Option<T>, DeserializeError>>) -> Option<Category> {
            // An identifier that is not known yet is as good as any other failure.
            read.map_or(Some(Category::SchemaNotFound), |read| read.err().map(|error| error.category()))
        }
        let payload = Some(payload);
        let side = Side::Value;
        match language {
            0 => vec![
                seen(self.avro.deserialize_now::<Node>(TOPIC, side, None, payload)),
                seen(self.avro.deserialize_now::<serde_json::Value>(TOPIC, side, None, payload)),
                seen(self.avro.deserialize_value_now(TOPIC, side, None, payload)),
            ],
            1 => vec![
                seen(self.json.deserialize_now::<Node>(TOPIC, side, None, payload)),
                seen(self.json.deserialize_value_now(TOPIC, side, None, payload)),
                seen(self.lax.deserialize_now::<Node>(TOPIC, side, None, payload)),
                seen(self.lax.deserialize_value_now(TOPIC, side, None, payload)),
            ],
            _ => vec![
                seen(self.protobuf.deserialize_as_now::<ProtoNode>(TOPIC, side, None, payload, "Node")),
                seen(self.protobuf.deserialize_dynamic_now(TOPIC, side, None, payload)),
            ],
        }
    }
}

/// Xorshift: reproducible, and random enough.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

/// Varints and lengths that lie, and what makes parsers recurse.
const WORDS: [&[u8]; 12] = [
    &[0xff; 10],
    &[0xfe, 0xff, 0xff, 0xff, 0x0f],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0x01, 0xfe, 0xff, 0x07],
    &[0xff, 0xff, 0xff, 0xff, 0x07],
    &[51, 51, 51, 51, 51, 51, 51, 51],
    &[34, 34, 34, 34],
    b"[[[[[[[[",
    b"{\"id\":1,\"map\":{\"k\":[",
    b"1e999",
    b"\"\\ud800\"",
    b"\xc3\x28",
];

fn mutate(payload: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(payload.len() + 1);
    let end = (at + 1 + random.below(16)).min(payload.len()).max(at);
    match random.below(7) {
        0 if at < payload.len() => payload[at] ^= 1 << random.below(8),
        1 if at < payload.len() => payload[at] = random.next().to_le_bytes()[0],
        2 => drop(payload.drain(at..end)),
        3 => {
            let copy = payload[at..end].repeat(1 + random.below(20));
            drop(payload.splice(at..at, copy));
        }
        4 => drop(payload.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
        5 => payload.truncate(at),
        _ => drop(payload.splice(at.., other.get(at..).unwrap_or_default().iter().copied())),
    }
    payload.truncate(MAX_PAYLOAD);
}

#[expect(clippy::disallowed_methods, reason = "a long run is told so by the environment")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn bytes_of_a_stranger_do_no_harm() {
    std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
}

fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let targets = runtime.block_on(Targets::start());
    let mut random = Random(setting("MUSTER_FUZZ_SEED").unwrap_or(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (start, seconds) = (Instant::now(), setting("MUSTER_FUZZ_SECONDS"));
    let mut corpus = targets.seeds.clone();
    let mut answers = std::collections::HashSet::new();
    let (mut executions, mut most_heap, mut slowest) = (0_u64, 0, Duration::ZERO);
    loop {
        match seconds {
            Some(seconds) if start.elapsed() >= Duration::from_secs(seconds) => break,
            None if executions >= 30_000 => break,
            _ => {}
        }
        executions += 1;
        let language = random.below(3);
        let inputs = &corpus[language];
        let mut payload = inputs[random.below(inputs.len())].clone();
        let other = inputs[random.below(inputs.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut payload, &other, &mut random);
        }
        // Mostly the body is of interest.
        if random.below(8) > 0 && payload.len() >= 5 {
            payload[..5].copy_from_slice(&targets.seeds[language][0][..5]);
        }
        let before = NOW.get();
        PEAK.set(before);
        let began = Instant::now();
        let read =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| targets.read(language, &payload)));
        slowest = slowest.max(began.elapsed());
        let heap = PEAK.get() - before;
        most_heap = most_heap.max(heap);
        let answer = read.unwrap_or_else(|_| panic!("language {language}: {payload:02x?}"));
        assert!(
            heap <= HEAP_FREE + HEAP_PER_BYTE * payload.len(),
            "language {language}: {heap} bytes of heap: {payload:02x?}"
        );
        // One who reads without validation reads all that is read with it.
        if language == 1 {
            assert!(answer[1].is_some() || answer[3].is_none(), "{answer:?}: {payload:02x?}");
        }
        if answers.insert((language, answer, payload.len() / 64)) {
            corpus[language].push(payload);
        }
    }
    println!(
        "{executions} executions, {} different answers, most heap {most_heap} bytes, slowest {slowest:?}",
        answers.len()
    );
    // A run that refuses everything shows nothing.
    for language in 0..3 {
        assert!(answers.iter().any(|(of, answer, _)| *of == language && answer.contains(&None)));
        assert!(
            answers
                .iter()
                .any(|(of, answer, _)| *of == language && answer.contains(&Some(Category::MalformedBody)))
        );
    }
}
