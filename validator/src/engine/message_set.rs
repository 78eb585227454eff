//! Message sets: the record formats 0 and 1, from before record batches.
//!
//! A message: offset (8 bytes), length of what follows (4), CRC-32 of what follows it (4), magic (1), attributes (1),
//! in format 1 a timestamp (8), then key and value, each behind a 4-byte length (-1 for null); all big endian. A
//! compressed set is the value of a wrapper message. No Produce version since 3 admits them and brokers answer 87;
//! they are judged so that no older path becomes a way around.

use super::codec::{self, Codec, Contexts, Opened};
use super::cursor::{Cursor, Flaw};
use super::record::{Headers, Record};
use super::walk::{Buffers, Unreadable, Visitor};

/// Walks a message set and returns the bytes that wrappers decompressed to. Indexes count over the whole set, inner messages of wrappers included. `cap` bounds what all
/// wrappers together decompress to.
pub(super) fn walk_set(
    set: &[u8],
    cap: u64,
    buffers: &mut Buffers,
    visitor: &mut impl Visitor,
) -> Result<u64, Unreadable> {
    let mut decompressed_bytes = 0u64;
    let mut index = 0;
    let mut cursor = Cursor::new(set);
    while !cursor.is_empty() {
        let message = Message::read(&mut cursor).map_err(Unreadable::at(index))?;
        if message.codec == Codec::None {
            visit(&message, &mut index, visitor)?;
            continue;
        }
        let block = message.value.ok_or(Unreadable::at(index)(Flaw::FieldLength))?;
        let blocked = Unreadable::blocked(message.codec, cap);
        let left = cap - decompressed_bytes.min(cap);
        let mut inner = Vec::new();
        decompress(message.codec, block, left, message.magic == 0, &mut buffers.contexts, &mut inner)
            .map_err(blocked)?;
        decompressed_bytes = decompressed_bytes.saturating_add(inner.len() as u64);
        let mut cursor = Cursor::new(&inner);
        if cursor.is_empty() {
            return Err(Unreadable::whole(Flaw::Count));
        }
        while !cursor.is_empty() {
            let message = Message::read(&mut cursor).map_err(Unreadable::at(index))?;
            if message.codec != Codec::None {
                return Err(Unreadable::at(index)(Flaw::NestedCompression));
            }
            visit(&message, &mut index, visitor)?;
        }
    }
    Ok(decompressed_bytes)
}

/// Whether the CRC-32 of every complete message in the set is right; `None` if none is complete.
pub(super) fn checksums_fit(set: &[u8]) -> Option<bool> {
    let mut cursor = Cursor::new(set);
    let mut found = None;
    while let Some((crc, content)) = framed(&mut cursor) {
        let mut sum = flate2::Crc::new();
        sum.update(content);
        found = Some(found.unwrap_or(true) && sum.sum() == crc);
    }
    found
}

fn visit(message: &Message<'_>, index: &mut i32, visitor: &mut impl Visitor) -> Result<(), Unreadable> {
    let record = Record { index: *index, key: message.key, value: message.value, headers: Headers::All(&[]) };
    visitor.record(&record);
    *index = index.checked_add(1).ok_or(Unreadable::whole(Flaw::Count))?;
    Ok(())
}

struct Message<'a> {
    magic: u8,
    codec: Codec,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Flaw> {
        let (_, content) = framed(cursor).ok_or(Flaw::RecordLength)?;
        let mut content = Cursor::new(content);
        let [magic, attributes] = content.array().ok_or(Flaw::FieldLength)?;
        match magic {
            0 => {}
            1 => {
                let _timestamp: [u8; 8] = content.array().ok_or(Flaw::FieldLength)?;
            }
            _ => return Err(Flaw::Magic),
        }
        let codec = match Codec::from_attributes(i16::from(attributes)) {
            // Zstandard came with format 2.
            None | Some(Codec::Zstd) => return Err(Flaw::Codec),
            Some(codec) => codec,
        };
        let key = nullable_bytes(&mut content)?;
        let value = nullable_bytes(&mut content)?;
        if content.is_empty() { Ok(Self { magic, codec, key, value }) } else { Err(Flaw::TrailingInRecord) }
    }
}

/// Checksum and content of the next message, if it is complete.
fn framed<'a>(cursor: &mut Cursor<'a>) -> Option<(u32, &'a [u8])> {
    let _offset: [u8; 8] = cursor.array()?;
    let length = usize::try_from(i32::from_be_bytes(cursor.array()?)).ok()?;
    let mut message = Cursor::new(cursor.take(length)?);
    Some((u32::from_be_bytes(message.array()?), message.rest()))
}

fn nullable_bytes<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, Flaw> {
    match i32::from_be_bytes(cursor.array().ok_or(Flaw::FieldLength)?) {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| Flaw::FieldLength)?;
            cursor.take(length).map(Some).ok_or(Flaw::FieldLength)
        }
    }
}

/// Decompresses all of `block` into `out`, which grows with the bytes that arrive.
fn decompress(
    codec: Codec,
    block: &[u8],
    cap: u64,
    old_format: bool,
    contexts: &mut Contexts,
    out: &mut Vec<u8>,
) -> Result<(), codec::Blocked> {
    match codec::open(codec, block, cap, old_format, contexts)? {
        Opened::Whole(bytes) => out.extend_from_slice(bytes),
        Opened::Stream(mut stream) => {
            let mut chunk = [0; 4096];
            loop {
                match stream.read(&mut chunk)? {
                    0 => break,
                    count => out.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                }
            }
        }
    }
    Ok(())
}
