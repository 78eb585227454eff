//! Small compressed streams that inflate to something large, written by hand for each codec of Kafka.

use std::process::Command;
use std::time::Duration;

use super::process::run;
use super::{hex, wire};

/// What most of them inflate to.
const SIZE: i64 = 1 << 30;

/// The records section of a batch with one record whose value takes about a gigabyte once inflated and begins with
/// `start`, for the codec with this number. Snappy, which shrinks no better than 21 to 1, makes do with 19 MB.
pub fn bomb(codec: i16, start: &[u8]) -> Vec<u8> {
    match codec {
        1 => gzip(&record_head(SIZE, start)),
        2 => snappy(start),
        3 => lz4(&record_head(SIZE, start)),
        4 => zstd(&record_head(SIZE, start)),
        _ => panic!("four codecs compress"),
    }
}

/// The first bytes of a record of `size` bytes: no key, and a value that begins with `start` and takes the rest.
fn record_head(size: i64, start: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    wire::varint(&mut head, size);
    head.extend_from_slice(&[0, 0, 0, 1]);
    // Four bytes before this length, four or five for itself, one behind the value for the number of headers.
    wire::varint(&mut head, size - 10);
    head.extend_from_slice(start);
    head
}

/// Zeros, through Python's zlib: 1 MiB becomes 1 KiB.
fn gzip(head: &[u8]) -> Vec<u8> {
    let script = "import binascii, sys, zlib\n\
                  stream, zeros = zlib.compressobj(9, zlib.DEFLATED, 31), bytes(1 << 20)\n\
                  parts = [stream.compress(bytes.fromhex(sys.argv[1]))]\n\
                  parts += [stream.compress(zeros) for _ in range(1024)] + [stream.flush()]\n\
                  print(binascii.hexlify(b''.join(parts)).decode(), end='')";
    let mut command = Command::new("python3");
    command.args(["-c", script, &hex(head)]);
    let digits = run(command, b"", Duration::from_secs(60)).ok();
    let byte =
        |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hexlify wrote it");
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// One raw block: copies of 64 bytes for three bytes each.
fn snappy(start: &[u8]) -> Vec<u8> {
    const COPIES: usize = 300_000;
    let size = 64 * COPIES;
    let head = record_head(i64::try_from(size).expect("19 million"), start);
    let mut bytes = Vec::new();
    let mut rest = size + head.len();
    while rest >= 0x80 {
        bytes.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    bytes.push(rest.to_le_bytes()[0]);
    let literal = u8::try_from(head.len() - 1).expect("a short literal");
    bytes.push(literal << 2);
    bytes.extend_from_slice(&head);
    bytes.extend([0xfe, 0x01, 0x00].repeat(COPIES));
    bytes
}

/// One frame of independent blocks: the head, then matches of 4 MB whose length is written in 255s.
fn lz4(head: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73];
    let mut block = |block: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(block.len()).expect("blocks are small").to_le_bytes());
        bytes.extend_from_slice(block);
    };
    // Literals only: their number is written as 15 and what it is more.
    let more = u8::try_from(head.len() - 15).expect("a head of 15 to 255 bytes");
    block(&[&[0xf0, more], head].concat());
    let mut long = vec![0x1f, 0x00, 0x01, 0x00];
    long.extend(vec![0xff; 16_000]);
    long.extend([0x00, 0x50, 0, 0, 0, 0, 0]);
    for _ in 0..260 {
        block(&long);
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// One frame: the head as it is, then blocks of 128 KiB from four bytes each.
fn zstd(head: &[u8]) -> Vec<u8> {
    const BLOCKS: u32 = 8_193;
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let header = |bytes: &mut Vec<u8>, last: bool, kind: u32, size: u32| {
        let header = u32::from(last) | (kind << 1) | (size << 3);
        bytes.extend_from_slice(&header.to_le_bytes()[..3]);
    };
    header(&mut bytes, false, 0, u32::try_from(head.len()).expect("a short head"));
    bytes.extend_from_slice(head);
    for index in 1..=BLOCKS {
        header(&mut bytes, index == BLOCKS, 1, 128 << 10);
        bytes.push(0);
    }
    bytes
}
