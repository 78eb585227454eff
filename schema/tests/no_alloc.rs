//! The walker allocates nothing per datum once its scratch is warm, shown by an allocator that counts.

#![cfg(feature = "avro")]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use muster_schema::avro::validate::{Program, Projection, Scratch};
use muster_schema::reference::ResolvedReferences;
use muster_schema::{Limits, Strictness, avro};

struct Counting;

thread_local! {
    /// Allocations of this thread, so that the test harness's own do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every method hands its arguments to the system allocator unchanged, whose contract is the same; counting
// touches a thread-local without destructor and never allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SCHEMA: &str = r#"{"type": "record", "name": "Tree", "fields": [
    {"name": "id", "type": "long"},
    {"name": "name", "type": "string"},
    {"name": "weight", "type": ["null", "double"]},
    {"name": "tags", "type": {"type": "map", "values": "string"}},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["LEAF", "NODE"]}},
    {"name": "children", "type": {"type": "array", "items": "Tree"}}
]}"#;

/// A tree of so many levels with two children per node.
fn tree(levels: usize, out: &mut Vec<u8>) {
    out.extend(b"\x86\x01\x08name\x02abcdefgh\x02\x02k\x06val\0\x02");
    if levels > 0 {
        out.push(4);
        tree(levels - 1, out);
        tree(levels - 1, out);
    }
    out.push(0);
}

#[test]
fn walking_allocates_nothing_once_warm() {
    let limits = Limits::default();
    let schema = avro::parse(SCHEMA, &ResolvedReferences::default(), Strictness::New, &limits).unwrap();
    let program = Program::compile(&schema);
    let projection = Projection::compile(&schema, &["children"]).unwrap();
    let mut scratch = Scratch::default();
    let mut data = Vec::new();
    tree(6, &mut data);
    let mut damaged = data.clone();
    let last = damaged.len() - 9;
    damaged[last] = 0xff;
    assert_eq!(program.check(&data, &limits, &mut scratch), Ok(()));

    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        assert_eq!(program.check(&data, &limits, &mut scratch), Ok(()));
        assert_eq!(program.check_body(&data, &limits, &mut scratch), Ok(()));
        assert!(program.check(&damaged, &limits, &mut scratch).is_err());
        assert!(projection.find(&data, &limits, &mut scratch).is_ok_and(|found| found.is_some()));
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);

    drop(std::hint::black_box(vec![1_u8]));
    assert!(ALLOCATIONS.get() > before, "the allocator counts");
}

#[cfg(feature = "protobuf")]
#[test]
fn walking_protobuf_allocates_nothing_once_warm() {
    use muster_schema::protobuf::{self, validate};

    const PROTO: &str = "syntax = \"proto2\"; message Tree { required int64 id = 1; optional string name = 2;
        map<string, string> tags = 3; repeated Tree children = 4; repeated sint32 numbers = 5 [packed = true];
        optional group Extra = 6 { optional fixed64 x = 1; } }";

    fn tree(levels: usize) -> Vec<u8> {
        let mut out = vec![0x08, 1, 0x12, 1, b'n', 0x1a, 6, 0x0a, 1, b'k', 0x12, 1, b'v', 0x2a, 2, 1, 2];
        out.extend([0x33, 0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x34, 0x7a, 1, 0xff]);
        for _ in 0..if levels > 0 { 2 } else { 0 } {
            let child = tree(levels - 1);
            out.push(0x22);
            let length = u32::try_from(child.len()).unwrap();
            out.extend([
                (length & 0x7f) as u8 | 0x80,
                (length >> 7 & 0x7f) as u8 | 0x80,
                (length >> 14) as u8,
            ]);
            out.extend(child);
        }
        out
    }

    let limits = Limits::default();
    let schema = protobuf::parse(PROTO, &ResolvedReferences::default(), Strictness::New, &limits).unwrap();
    let program = validate::Program::of(&schema).unwrap();
    let message = program.message("Tree").unwrap();
    let mut scratch = validate::Scratch::default();
    let data = tree(6);
    let cut = &data[..data.len() - 1];
    assert!(program.check(message, &data, &limits, &mut scratch).is_ok());

    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        assert!(
            program.check(message, &data, &limits, &mut scratch).is_ok_and(|seen| seen.unknown_fields == 127)
        );
        assert!(program.check(message, cut, &limits, &mut scratch).is_err());
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
