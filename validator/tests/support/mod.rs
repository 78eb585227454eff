//! Builds record batches byte by byte, good and bad ones.
#![allow(dead_code, reason = "each test target uses a part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;

use muster_schema::SchemaId;
use muster_schema::framing::id_prefix;
use muster_validator::engine::Codec;

/// A record to be encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rec {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Rec {
    pub fn value(bytes: impl Into<Vec<u8>>) -> Self {
        Self { value: Some(bytes.into()), ..Self::default() }
    }

    pub fn with_key(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.key = Some(bytes.into());
        self
    }

    pub fn with_header(mut self, name: &str, value: Option<&[u8]>) -> Self {
        self.headers.push((name.into(), value.map(<[u8]>::to_vec)));
        self
    }
}

/// Magic byte 0, `id` and `body`.
pub fn framed(id: i32, body: &[u8]) -> Vec<u8> {
    [&id_prefix(SchemaId(id))[..], body].concat()
}

pub fn varint(value: i64, out: &mut Vec<u8>) {
    let mut zigzag = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while zigzag >= 0x80 {
        out.push((zigzag & 0x7f) as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

fn nullable(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    varint(bytes.map_or(-1, |bytes| bytes.len() as i64), out);
    out.extend(bytes.unwrap_or_default());
}

/// One record with its length.
pub fn record(index: usize, rec: &Rec) -> Vec<u8> {
    let mut body = vec![0];
    varint(10 * index as i64, &mut body);
    varint(index as i64, &mut body);
    nullable(rec.key.as_deref(), &mut body);
    nullable(rec.value.as_deref(), &mut body);
    varint(rec.headers.len() as i64, &mut body);
    for (name, value) in &rec.headers {
        nullable(Some(name), &mut body);
        nullable(value.as_deref(), &mut body);
    }
    let mut out = Vec::new();
    varint(body.len() as i64, &mut out);
    out.extend(body);
    out
}

/// All records, not compressed.
pub fn block(records: &[Rec]) -> Vec<u8> {
    records.iter().enumerate().flat_map(|(index, rec)| record(index, rec)).collect()
}

/// A batch around `block`, which `codec` bits describe and `count` records are said to be in.
pub fn batch_of(attributes: i16, count: i32, block: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 61];
    out[12..16].copy_from_slice(&(-1i32).to_be_bytes());
    out[16] = 2;
    out[21..23].copy_from_slice(&attributes.to_be_bytes());
    out[23..27].copy_from_slice(&count.wrapping_sub(1).to_be_bytes());
    out[43..57].copy_from_slice(&[0xff; 14]);
    out[57..61].copy_from_slice(&count.to_be_bytes());
    out.extend(block);
    seal(&mut out);
    out
}

/// Makes length and checksum fit the bytes.
pub fn seal(batch: &mut [u8]) {
    let length = batch.len() as i32 - 12;
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}

pub fn codec_bits(codec: Codec) -> i16 {
    match codec {
        Codec::None => 0,
        Codec::Gzip => 1,
        Codec::Snappy => 2,
        Codec::Lz4 => 3,
        Codec::Zstd => 4,
    }
}

pub const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

pub fn batch(codec: Codec, records: &[Rec]) -> Vec<u8> {
    batch_of(codec_bits(codec), records.len() as i32, &compress(codec, &block(records)))
}

pub fn compress(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    match codec {
        Codec::None => bytes.to_vec(),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Codec::Snappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
        Codec::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new().block_mode(lz4_flex::frame::BlockMode::Independent);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Codec::Zstd => zstd::encode_all(bytes, 3).unwrap(),
    }
}

/// Snappy in the framing of the Java client, in blocks of 32 KiB.
pub fn java_snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for chunk in bytes.chunks(32 << 10) {
        let compressed = compress(Codec::Snappy, chunk);
        out.extend((compressed.len() as u32).to_be_bytes());
        out.extend(compressed);
    }
    out
}

/// A message of format 0 or 1.
pub fn message(magic: u8, attributes: u8, key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
    let mut content = vec![magic, attributes];
    if magic == 1 {
        content.extend([0; 8]);
    }
    for bytes in [key, value] {
        content.extend(bytes.map_or(-1, |bytes| bytes.len() as i32).to_be_bytes());
        content.extend(bytes.unwrap_or_default());
    }
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    let mut out = vec![0; 8];
    out.extend((content.len() as i32 + 4).to_be_bytes());
    out.extend(crc.sum().to_be_bytes());
    out.extend(content);
    out
}

/// A small generator, so that runs repeat.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
