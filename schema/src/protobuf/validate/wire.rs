//! The wire format: keys, varints and values (Protocol Buffers documentation, "Encoding").

use super::InvalidKind;

pub const VARINT: u32 = 0;
pub const FIXED64: u32 = 1;
pub const LENGTH: u32 = 2;
pub const GROUP: u32 = 3;
pub const END_GROUP: u32 = 4;
pub const FIXED32: u32 = 5;

/// A wire type in words.
pub fn name(wire_type: u32) -> &'static str {
    match wire_type {
        VARINT => "a varint",
        FIXED64 => "64 bits",
        LENGTH => "bytes with a length",
        FIXED32 => "32 bits",
        _ => "a group",
    }
}

/// A field key: number, wire type and what follows.
#[inline(always)]
pub fn key(bytes: &[u8]) -> Result<(u32, u32, &[u8]), InvalidKind> {
    let (key, rest) = match bytes {
        [byte, rest @ ..] if *byte < 0x80 => (u32::from(*byte), rest),
        [low, high, rest @ ..] if *high < 0x80 => (u32::from(*low & 0x7f) | u32::from(*high) << 7, rest),
        _ => {
            let (key, rest) = varint(bytes)?;
            (u32::try_from(key).map_err(|_| InvalidKind::Key)?, rest)
        }
    };
    let (number, wire_type) = (key >> 3, key & 7);
    if number == 0 || wire_type > FIXED32 { Err(InvalidKind::Key) } else { Ok((number, wire_type, rest)) }
}

/// What follows a varint of at most 64 bits.
#[inline(always)]
pub fn skip_varint(bytes: &[u8]) -> Result<&[u8], InvalidKind> {
    match bytes {
        [..0x80, rest @ ..] | [_, ..0x80, rest @ ..] => Ok(rest),
        [_, _, ..0x80, rest @ ..] | [_, _, _, ..0x80, rest @ ..] => Ok(rest),
        _ => varint(bytes).map(|(_, rest)| rest),
    }
}

/// A varint of at most 64 bits and what follows it.
#[inline(always)]
pub fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), InvalidKind> {
    match bytes {
        [byte, rest @ ..] if *byte < 0x80 => Ok((u64::from(*byte), rest)),
        _ => long_varint(bytes),
    }
}

#[inline(never)]
fn long_varint(bytes: &[u8]) -> Result<(u64, &[u8]), InvalidKind> {
    let mut value = 0_u64;
    for (at, &byte) in bytes.iter().take(10).enumerate() {
        // The tenth byte has room for one bit.
        if at == 9 && byte > 1 {
            return Err(InvalidKind::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok((value, bytes.get(at + 1..).unwrap_or_default()));
        }
    }
    Err(InvalidKind::Truncated)
}

/// The value of a field: of a group without its end key, of everything else without its length.
pub struct Value<'b> {
    pub content: &'b [u8],
    /// How many bytes there are from the first of `content` on.
    pub content_left: usize,
    /// What follows it.
    pub rest: &'b [u8],
}

/// The value behind a key; none if its syntax is wrong.
pub fn value(number: u32, wire_type: u32, bytes: &[u8]) -> Option<Value<'_>> {
    let fixed = |length: usize| {
        let (content, rest) = bytes.split_at_checked(length)?;
        Some(Value { content, content_left: bytes.len(), rest })
    };
    match wire_type {
        VARINT => fixed(bytes.len() - skip_varint(bytes).ok()?.len()),
        FIXED64 => fixed(8),
        FIXED32 => fixed(4),
        LENGTH => {
            let (length, after) = varint(bytes).ok()?;
            let (content, rest) = after.split_at_checked(usize::try_from(length).ok()?)?;
            Some(Value { content, content_left: after.len(), rest })
        }
        _ => {
            let mut open = vec![number];
            let mut rest = bytes;
            while let Some(innermost) = open.last() {
                let (number, wire_type, after_key) = key(rest).ok()?;
                match wire_type {
                    END_GROUP if number == *innermost => {
                        open.pop();
                        if open.is_empty() {
                            let content = bytes.get(..bytes.len() - rest.len())?;
                            return Some(Value { content, content_left: bytes.len(), rest: after_key });
                        }
                        rest = after_key;
                    }
                    END_GROUP => return None,
                    GROUP => {
                        open.push(number);
                        rest = after_key;
                    }
                    _ => rest = value(number, wire_type, after_key)?.rest,
                }
            }
            None
        }
    }
}

/// Appends a key.
pub fn write_key(number: u32, wire_type: u32, out: &mut Vec<u8>) {
    write_varint(u64::from(number) << 3 | u64::from(wire_type), out);
}

/// Appends a varint.
pub fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes with their length.
pub fn write_delimited(bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
