//! Reads forward over bytes that are all there, and the flaws a batch can have.

use super::codec::Codec;

/// What is wrong with a batch that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// There is no complete batch.
    #[error("the batch is cut short, or its length is wrong")]
    BatchLength,
    /// The format version is none of 0, 1 and 2.
    #[error("the format version is unknown")]
    Magic,
    /// Bytes follow the batch: a Produce request holds one batch per partition.
    #[error("bytes follow the record batch, of which a request may hold one per partition")]
    TrailingAfterBatch,
    /// The compression codec does not exist in this format version.
    #[error("the compression codec is unknown")]
    Codec,
    /// The record count is not positive, disagrees with the last offset delta, or asks for more than the bytes hold.
    #[error("the record count is wrong")]
    Count,
    /// A variable-length integer is cut or does not fit its type.
    #[error("a variable-length integer is cut or too long")]
    Varint,
    /// A record is cut, or its length is negative or runs over the end.
    #[error("its length is negative or runs over the end of the batch")]
    RecordLength,
    /// The length of a key, value or header, or a header count, is negative or runs over the end of the record.
    #[error("a key, value or header has a negative length or runs over the end of the record")]
    FieldLength,
    /// Bytes are left in a record behind its headers.
    #[error("bytes are left over behind its headers")]
    TrailingInRecord,
    /// Bytes follow the last record.
    #[error("bytes follow the last record")]
    TrailingInBlock,
    /// The compressed block is damaged or cut.
    #[error("the {0} block does not decompress")]
    Decompress(Codec),
    /// A compressed message set holds a compressed message.
    #[error("a compressed message holds a compressed message")]
    NestedCompression,
}

/// A position in a slice. Every read checks against the bytes that remain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    #[inline(always)]
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next `N` bytes.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    /// A zigzag varint of at most 5 bytes.
    #[inline(always)]
    pub fn varint(&mut self) -> Result<i32, Flaw> {
        self.raw_varint().map(zigzag)
    }

    /// A zigzag varint of at most 5 bytes that is a length: not negative.
    #[inline(always)]
    pub fn length(&mut self) -> Result<Option<usize>, Flaw> {
        // The sign is the lowest bit.
        let raw = self.raw_varint()?;
        Ok(if raw & 1 == 0 { usize::try_from(raw >> 1).ok() } else { None })
    }

    #[inline(always)]
    fn raw_varint(&mut self) -> Result<u32, Flaw> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u32::from(*byte))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.rest = rest;
                Ok(u32::from(*low & 0x7f) | u32::from(*high) << 7)
            }
            bytes => {
                let (value, rest) = long_varint(bytes)?;
                self.rest = rest;
                Ok(value)
            }
        }
    }

    /// Steps over a varint of at most 10 bytes.
    #[inline(always)]
    pub fn skip_varlong(&mut self) -> Result<(), Flaw> {
        self.rest = match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => rest,
            [_, byte, rest @ ..] if *byte < 0x80 => rest,
            [_, _, byte, rest @ ..] if *byte < 0x80 => rest,
            bytes => behind_long_varlong(bytes)?,
        };
        Ok(())
    }

    /// Bytes behind a varint length; `None` for length -1.
    #[inline(always)]
    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, Flaw> {
        let raw = self.raw_varint()?;
        if raw & 1 == 0 {
            let length = usize::try_from(raw >> 1).map_err(|_| Flaw::FieldLength)?;
            self.take(length).map(Some).ok_or(Flaw::FieldLength)
        } else if raw == 1 {
            Ok(None)
        } else {
            Err(Flaw::FieldLength)
        }
    }
}

// The rare cases take and return slices rather than the cursor, which so stays in registers.

#[cold]
#[inline(never)]
fn long_varint(bytes: &[u8]) -> Result<(u32, &[u8]), Flaw> {
    let mut value = 0u32;
    for (i, &byte) in bytes.iter().take(5).enumerate() {
        // The fifth byte has room for four bits. More would be dropped by one reader and kept by another.
        if i == 4 && byte > 0x0f {
            return Err(Flaw::Varint);
        }
        value |= u32::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Ok((value, bytes.get(i + 1..).unwrap_or_default()));
        }
    }
    Err(Flaw::Varint)
}

#[inline(never)]
fn behind_long_varlong(bytes: &[u8]) -> Result<&[u8], Flaw> {
    let last = bytes.iter().take(10).position(|byte| *byte < 0x80).ok_or(Flaw::Varint)?;
    if last == 9 && bytes.get(9).is_some_and(|byte| *byte > 1) {
        return Err(Flaw::Varint);
    }
    bytes.get(last + 1..).ok_or(Flaw::Varint)
}

/// Undoes the zigzag mapping: 0, 1, 2, 3 are 0, -1, 1, -2.
#[inline(always)]
fn zigzag(value: u32) -> i32 {
    ((value >> 1) ^ (value & 1).wrapping_neg()).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes and what is read from them.
    type Case<'a, T> = (&'a [u8], Result<T, Flaw>);

    #[test]
    fn varints_are_zigzag_and_fit_their_type() {
        let cases: &[Case<(i32, usize)>] = &[
            (&[0], Ok((0, 0))),
            (&[1], Ok((-1, 0))),
            (&[2, 9], Ok((1, 1))),
            (&[0x7e], Ok((63, 0))),
            (&[0x80, 0x01], Ok((64, 0))),
            (&[0x80, 0x00], Ok((0, 0))),
            (&[0xff, 0xff, 0x7f], Ok((-1_048_576, 0))),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], Ok((i32::MAX, 0))),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f, 7], Ok((i32::MIN, 1))),
            (&[0x80, 0x80, 0x80, 0x80, 0x00], Ok((0, 0))),
            (&[0x80, 0x80, 0x80, 0x80, 0x10], Err(Flaw::Varint)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], Err(Flaw::Varint)),
            (&[], Err(Flaw::Varint)),
            (&[0x80], Err(Flaw::Varint)),
            (&[0x80, 0x80, 0x80, 0x80], Err(Flaw::Varint)),
        ];
        for (bytes, expected) in cases {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.varint().map(|value| (value, cursor.rest().len())), *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn varlongs_have_at_most_ten_bytes() {
        let cases: &[Case<usize>] = &[
            (&[0, 5], Ok(1)),
            (&[0x80, 0, 5], Ok(1)),
            (&[0x80, 0x80, 0x80, 0, 5], Ok(1)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(0)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Err(Flaw::Varint)),
            (&[0x80; 10], Err(Flaw::Varint)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], Err(Flaw::Varint)),
            (&[0x80], Err(Flaw::Varint)),
            (&[], Err(Flaw::Varint)),
        ];
        for (bytes, expected) in cases {
            let mut cursor = Cursor::new(bytes);
            assert_eq!(cursor.skip_varlong().map(|()| cursor.rest().len()), *expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn lengths_below_minus_one_are_refused() {
        let cases: &[Case<Option<&[u8]>>] = &[
            (&[1], Ok(None)),
            (&[0], Ok(Some(&[]))),
            (&[4, 7, 8, 9], Ok(Some(&[7, 8]))),
            (&[3], Err(Flaw::FieldLength)),
            (&[4, 7], Err(Flaw::FieldLength)),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], Err(Flaw::FieldLength)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(&Cursor::new(bytes).nullable_bytes(), expected, "{bytes:02x?}");
        }
    }
}
