//! Reading protocol primitives from a borrowed message.

use super::{TopicId, WireError};

/// Reads primitives from the front of a message, never past its end.
///
/// A flexible reader expects strings, bytes and arrays in their compact form and tagged fields where they may stand;
/// the other expects the old forms and none. The forms: broker validation spec §9.
///
/// ```
/// use muster_validator::wire::{Reader, WireError};
///
/// let mut old = Reader::new(&[0, 2, b'h', b'i'], false);
/// assert_eq!(old.string(), Ok("hi"));
/// let mut compact = Reader::new(&[3, b'h', b'i'], true);
/// assert_eq!(compact.string(), Ok("hi"));
/// let mut hostile = Reader::new(&[0x7f, 0xff, 0xff, 0xff], false);
/// assert_eq!(hostile.array(1), Err(WireError::CountTooLarge));
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    flexible: bool,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: &'a [u8], flexible: bool) -> Self {
        Self { bytes, at: 0, flexible }
    }

    /// How many bytes have been read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Those that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Those read since the reader was `start` bytes in.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Errors with [`WireError::TrailingBytes`] unless everything has been read.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.remaining() == 0 { Ok(()) } else { Err(WireError::TrailingBytes) }
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(length).ok_or(WireError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(WireError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let chunk = self.rest().first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.at += N;
        Ok(*chunk)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        let [byte] = self.chunk()?;
        Ok(byte)
    }

    /// One byte, signed.
    pub fn i8(&mut self) -> Result<i8, WireError> {
        self.chunk().map(i8::from_be_bytes)
    }

    /// Two bytes, big endian.
    pub fn i16(&mut self) -> Result<i16, WireError> {
        self.chunk().map(i16::from_be_bytes)
    }

    /// Four bytes, big endian.
    pub fn i32(&mut self) -> Result<i32, WireError> {
        self.chunk().map(i32::from_be_bytes)
    }

    /// Eight bytes, big endian.
    pub fn i64(&mut self) -> Result<i64, WireError> {
        self.chunk().map(i64::from_be_bytes)
    }

    /// One byte; anything but 0 is true.
    pub fn bool(&mut self) -> Result<bool, WireError> {
        Ok(self.u8()? != 0)
    }

    /// A topic id.
    pub fn uuid(&mut self) -> Result<TopicId, WireError> {
        self.chunk()
    }

    /// An unsigned variable-length integer of at most 5 bytes.
    pub fn unsigned_varint(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.base128(5)?).map_err(|_| WireError::VarintTooLong)
    }

    /// A zigzag variable-length integer of at most 5 bytes.
    pub fn varint(&mut self) -> Result<i32, WireError> {
        let raw = self.unsigned_varint()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// A zigzag variable-length integer of at most 10 bytes.
    pub fn varlong(&mut self) -> Result<i64, WireError> {
        let raw = self.base128(10)?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    fn base128(&mut self, longest: u32) -> Result<u64, WireError> {
        let mut value = 0u64;
        for index in 0..longest {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shift = index * 7;
            if shift == 63 && bits > 1 {
                return Err(WireError::VarintTooLong);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::VarintTooLong)
    }

    /// A compact length: one more than the length, 0 for null.
    fn compact_length(&mut self) -> Result<Option<usize>, WireError> {
        match self.unsigned_varint()? {
            0 => Ok(None),
            more => usize::try_from(more - 1).map(Some).map_err(|_| WireError::Truncated),
        }
    }

    fn old_length(length: i64) -> Result<Option<usize>, WireError> {
        match length {
            -1 => Ok(None),
            _ => usize::try_from(length).map(Some).map_err(|_| WireError::NegativeLength),
        }
    }

    /// Text, or null.
    pub fn nullable_string(&mut self) -> Result<Option<&'a str>, WireError> {
        let length =
            if self.flexible { self.compact_length()? } else { Self::old_length(i64::from(self.i16()?))? };
        let Some(length) = length else { return Ok(None) };
        let text = self.take(length)?;
        std::str::from_utf8(text).map(Some).map_err(|_| WireError::NotUtf8)
    }

    /// Text.
    pub fn string(&mut self) -> Result<&'a str, WireError> {
        self.nullable_string()?.ok_or(WireError::UnexpectedNull)
    }

    /// Bytes with a 32-bit or compact length, or null. Record batches are written so.
    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        let length =
            if self.flexible { self.compact_length()? } else { Self::old_length(i64::from(self.i32()?))? };
        length.map(|length| self.take(length)).transpose()
    }

    /// The number of elements of an array, or null.
    ///
    /// `least`: the fewest bytes an element takes. Errors with [`WireError::CountTooLarge`] if so many do not fit in
    /// what is left.
    pub fn nullable_array(&mut self, least: usize) -> Result<Option<usize>, WireError> {
        let count =
            if self.flexible { self.compact_length()? } else { Self::old_length(i64::from(self.i32()?))? };
        match count {
            Some(count) if count.saturating_mul(least.max(1)) > self.remaining() => {
                Err(WireError::CountTooLarge)
            }
            count => Ok(count),
        }
    }

    /// The number of elements of an array. See [`nullable_array`](Self::nullable_array).
    pub fn array(&mut self, least: usize) -> Result<usize, WireError> {
        self.nullable_array(least)?.ok_or(WireError::UnexpectedNull)
    }

    /// Tagged fields, each handed to `field` with its number and bytes. Nothing is read if the reader is not flexible.
    pub fn tags(
        &mut self,
        mut field: impl FnMut(u32, &'a [u8]) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        if !self.flexible {
            return Ok(());
        }
        let count = self.unsigned_varint()?;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            let size = usize::try_from(self.unsigned_varint()?).map_err(|_| WireError::Truncated)?;
            field(tag, self.take(size)?)?;
        }
        Ok(())
    }

    /// Reads over tagged fields.
    pub fn skip_tags(&mut self) -> Result<(), WireError> {
        self.tags(|_, _| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_length_integers_have_a_longest_form() {
        let unsigned: &[(&[u8], Result<u32, WireError>)] = &[
            (&[0], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x80, 1], Ok(128)),
            (&[0x80, 0], Ok(0)),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], Ok(u32::MAX)),
            (&[0xff, 0xff, 0xff, 0xff, 0x1f], Err(WireError::VarintTooLong)),
            (&[0x80, 0x80, 0x80, 0x80, 0x80, 0], Err(WireError::VarintTooLong)),
            (&[0x80], Err(WireError::Truncated)),
            (&[], Err(WireError::Truncated)),
        ];
        for (bytes, expected) in unsigned {
            assert_eq!(&Reader::new(bytes, true).unsigned_varint(), expected, "{bytes:x?}");
        }
        let long: &[(&[u8], Result<i64, WireError>)] = &[
            (&[1], Ok(-1)),
            (&[2], Ok(1)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(i64::MIN)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Err(WireError::VarintTooLong)),
            (&[0x80; 10], Err(WireError::VarintTooLong)),
        ];
        for (bytes, expected) in long {
            assert_eq!(&Reader::new(bytes, true).varlong(), expected, "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f], true).varint(), Ok(i32::MIN));
    }

    #[test]
    fn strings_bytes_and_arrays_are_bounded_by_what_is_there() {
        type Read = fn(&mut Reader<'_>) -> Result<Option<usize>, WireError>;
        let string: Read = |r| r.nullable_string().map(|s| s.map(str::len));
        let bytes: Read = |r| r.nullable_bytes().map(|b| b.map(<[u8]>::len));
        let array: Read = |r| r.nullable_array(2);
        type Case = (Read, bool, &'static [u8], Result<Option<usize>, WireError>);
        let cases: &[Case] = &[
            (string, false, &[0xff, 0xff], Ok(None)),
            (string, false, &[0xff, 0xfe], Err(WireError::NegativeLength)),
            (string, false, &[0x80, 0], Err(WireError::NegativeLength)),
            (string, false, &[0, 0], Ok(Some(0))),
            (string, false, &[0, 2, b'a'], Err(WireError::Truncated)),
            (string, false, &[0, 1, 0xff], Err(WireError::NotUtf8)),
            (string, true, &[0], Ok(None)),
            (string, true, &[1], Ok(Some(0))),
            (string, true, &[2, b'a'], Ok(Some(1))),
            (string, true, &[3, b'a'], Err(WireError::Truncated)),
            (string, true, &[0xff, 0xff, 0xff, 0xff, 0x0f], Err(WireError::Truncated)),
            (bytes, false, &[0xff, 0xff, 0xff, 0xff], Ok(None)),
            (bytes, false, &[0x80, 0, 0, 0], Err(WireError::NegativeLength)),
            (bytes, false, &[0x7f, 0xff, 0xff, 0xff, 0], Err(WireError::Truncated)),
            (bytes, true, &[0], Ok(None)),
            (bytes, true, &[2, 9], Ok(Some(1))),
            (array, false, &[0xff, 0xff, 0xff, 0xff], Ok(None)),
            (array, false, &[0, 0, 0, 1, 0, 0], Ok(Some(1))),
            (array, false, &[0, 0, 0, 2, 0, 0], Err(WireError::CountTooLarge)),
            (array, false, &[0x7f, 0xff, 0xff, 0xff], Err(WireError::CountTooLarge)),
            (array, false, &[0xff, 0xff, 0xff, 0xfe], Err(WireError::NegativeLength)),
            (array, true, &[0], Ok(None)),
            (array, true, &[2, 0, 0], Ok(Some(1))),
            (array, true, &[0xff, 0xff, 0xff, 0xff, 0x0f], Err(WireError::CountTooLarge)),
        ];
        for (read, flexible, input, expected) in cases {
            assert_eq!(&read(&mut Reader::new(input, *flexible)), expected, "{flexible} {input:x?}");
        }
    }

    #[test]
    fn tagged_fields_are_handed_over_and_bounded() {
        let mut reader = Reader::new(&[2, 0, 1, 7, 5, 0, 9], true);
        let mut seen = Vec::new();
        reader
            .tags(|tag, bytes| {
                seen.push((tag, bytes.to_vec()));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [(0, vec![7]), (5, vec![])]);
        assert_eq!(reader.rest(), [9]);

        for bytes in [&[1][..], &[1, 0], &[1, 0, 2, 0], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
            assert_eq!(Reader::new(bytes, true).skip_tags(), Err(WireError::Truncated), "{bytes:x?}");
        }
        let mut old = Reader::new(&[1], false);
        assert_eq!(old.skip_tags(), Ok(()));
        assert_eq!(old.remaining(), 1);
    }
}
