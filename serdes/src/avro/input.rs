//! Bytes of a body under attack: every length is checked against what is left before anything is done with it.

use super::error::CodecError;

/// Most values per body byte that occupy no byte themselves (nulls, records, defaults), beyond a fixed allowance.
const VALUES_PER_BYTE: usize = 64;
const VALUES_FREE: usize = 1 << 16;
/// Deepest nesting of records, arrays and maps, whatever the limits say: a level of a derived type may take several
/// KiB of stack in a build without optimisation, and a thread of tokio has 2 MiB.
const MAX_DEPTH: usize = 200;

/// A body being read, and what reading it may still cost.
#[derive(Debug)]
pub(super) struct Input<'b> {
    rest: &'b [u8],
    total: usize,
    /// Nested values that may still be entered.
    depth: usize,
    /// Values that may still be made without reading a byte for each.
    values: usize,
}

impl<'b> Input<'b> {
    /// `depth`: deepest nesting of records, arrays and maps, at most 200. `items`: most values, whatever the length.
    #[inline]
    pub(super) fn new(body: &'b [u8], depth: usize, items: usize) -> Self {
        let values = body.len().saturating_mul(VALUES_PER_BYTE).saturating_add(VALUES_FREE).min(items);
        Self { rest: body, total: body.len(), depth: depth.min(MAX_DEPTH), values }
    }

    /// How many bytes have been read.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.total - self.rest.len()
    }

    #[inline]
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// A place to come back to with [`rewind`](Self::rewind).
    pub(super) fn mark(&self) -> &'b [u8] {
        self.rest
    }

    pub(super) fn rewind(&mut self, mark: &'b [u8]) {
        self.rest = mark;
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.rest.split_first().ok_or_else(CodecError::cut)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'b [u8], CodecError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(CodecError::cut)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(CodecError::cut)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A zigzag varint of at most ten bytes.
    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, CodecError> {
        if let Some((&first, rest)) = self.rest.split_first()
            && first < 0x80
        {
            self.rest = rest;
            return Ok(unzigzag(u64::from(first)));
        }
        self.long_of_several_bytes()
    }

    fn long_of_several_bytes(&mut self) -> Result<i64, CodecError> {
        let mut value = 0u64;
        for (position, &byte) in self.rest.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit only.
            if position == 9 && byte > 1 {
                break;
            }
            value |= bits << (7 * position);
            if byte < 0x80 {
                self.take(position + 1)?;
                return Ok(unzigzag(value));
            }
        }
        Err(if self.rest.len() < 10 {
            CodecError::cut()
        } else {
            CodecError::malformed("varint exceeds 64 bits")
        })
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, CodecError> {
        i32::try_from(self.long()?).map_err(|_| CodecError::malformed("varint exceeds 32 bits"))
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool, CodecError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(CodecError::malformed(format!("byte {other} is not a boolean"))),
        }
    }

    #[inline]
    pub(super) fn float(&mut self) -> Result<f32, CodecError> {
        self.array().map(f32::from_le_bytes)
    }

    #[inline]
    pub(super) fn double(&mut self) -> Result<f64, CodecError> {
        self.array().map(f64::from_le_bytes)
    }

    /// Bytes behind their length.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'b [u8], CodecError> {
        let length = self.long()?;
        let length = usize::try_from(length)
            .map_err(|_| CodecError::malformed(format!("length {length} is negative")))?;
        self.take(length)
    }

    /// Text behind its length.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'b str, CodecError> {
        utf8(self.bytes()?)
    }

    /// The position of a union branch or enum symbol among `count`.
    #[inline]
    pub(super) fn choice(&mut self, count: usize, of: &'static str) -> Result<usize, CodecError> {
        let index = self.long()?;
        usize::try_from(index)
            .ok()
            .filter(|&index| index < count)
            .ok_or_else(|| CodecError::malformed(format!("{of} {index} of {count}")))
    }

    /// Reads the count of the next block of an array or map, 0 at the end.
    ///
    /// `occupies`: each item surely occupies a byte; then a count beyond the bytes left is refused at once. Items of
    /// other types are paid for with [`spend`](Self::spend).
    #[inline]
    pub(super) fn block(&mut self, occupies: bool) -> Result<usize, CodecError> {
        let count = self.long()?;
        if count < 0 {
            // The size of the block in bytes lets readers skip it; reading needs only that it is no lie.
            self.block_size()?;
        }
        self.check_count(count.unsigned_abs(), occupies)
    }

    /// As [`block`](Self::block), but skips blocks that tell their size. For values nobody wants.
    pub(super) fn block_to_skip(&mut self, occupies: bool) -> Result<usize, CodecError> {
        loop {
            let count = self.long()?;
            if count >= 0 {
                return self.check_count(count.unsigned_abs(), occupies);
            }
            let size = self.block_size()?;
            self.take(size)?;
        }
    }

    fn block_size(&mut self) -> Result<usize, CodecError> {
        let size = self.long()?;
        usize::try_from(size)
            .ok()
            .filter(|&size| size <= self.rest.len())
            .ok_or_else(|| CodecError::malformed(format!("block of {size} bytes")))
    }

    #[inline]
    fn check_count(&self, count: u64, occupies: bool) -> Result<usize, CodecError> {
        let bound = if occupies { self.rest.len() } else { self.values };
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= bound)
            .ok_or_else(|| CodecError::malformed(format!("block of {count} items")))
    }

    /// Pays for values that occupy no byte.
    #[inline]
    pub(super) fn spend(&mut self, values: usize) -> Result<(), CodecError> {
        self.values = self
            .values
            .checked_sub(values)
            .ok_or_else(|| CodecError::malformed("too many values for so few bytes"))?;
        Ok(())
    }

    #[inline]
    pub(super) fn enter(&mut self) -> Result<(), CodecError> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| CodecError::malformed("nested too deeply"))?;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth += 1;
    }

    /// What is left to spend, for reading bytes from elsewhere (a default) on the same account.
    pub(super) fn branch_off<'d>(&self, bytes: &'d [u8]) -> Input<'d> {
        Input { rest: bytes, total: bytes.len(), depth: self.depth, values: self.values }
    }

    /// Takes over what reading elsewhere has spent.
    pub(super) fn settle(&mut self, other: &Input<'_>) {
        self.values = self.values.min(other.values);
    }
}

#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, CodecError> {
    std::str::from_utf8(bytes).map_err(|_| CodecError::malformed("string is not UTF-8"))
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avro::output::put_long;

    fn input(bytes: &[u8]) -> Input<'_> {
        Input::new(bytes, 8, 1000)
    }

    #[test]
    fn longs_read_back() {
        for value in [0, -1, 1, 63, -64, 64, i64::from(i32::MAX), i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_long(value, &mut bytes);
            let mut input = input(&bytes);
            assert_eq!(input.long().unwrap(), value);
            assert_eq!(input.remaining(), 0);
        }
    }

    #[test]
    fn bad_varints_are_refused() {
        let too_long = [0xff; 11];
        let overflow = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        for bytes in [&[][..], &[0x80], &[0xff; 9], &too_long, &overflow] {
            assert!(input(bytes).long().is_err(), "{bytes:02x?}");
        }
        assert!(input(&[0x80, 0x80, 0x80, 0x80, 0x10]).int().is_err(), "2^31 is no int");
    }

    #[test]
    fn claims_are_checked_before_anything_is_taken() {
        let huge = |mut bytes: Vec<u8>| {
            put_long(i64::MAX, &mut bytes);
            bytes
        };
        assert!(input(&huge(vec![])).bytes().is_err());
        assert!(input(&[1]).bytes().is_err(), "negative length");
        assert!(input(&huge(vec![])).block(true).is_err());
        assert!(input(&huge(vec![])).block(false).is_err());
        assert!(input(&huge(vec![1])).block(true).is_err(), "block of one item and huge size");
        assert!(input(&[4, 0]).block(true).is_err(), "two items in one byte");
        assert_eq!(input(&[4, 0]).block(false).unwrap(), 2);
        assert!(input(&[8]).choice(4, "branch").is_err());
        assert_eq!(input(&[6]).choice(4, "branch").unwrap(), 3);
        let minimum = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00];
        assert!(input(&minimum).block(true).is_err(), "i64::MIN has no positive counterpart");
    }
}
