//! The interpreter of a [`Program`](super::Program).

use super::program::Op;
use super::{Invalid, InvalidKind};
use crate::limits::Limits;

/// An open block of items, or a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Items of the block that are not complete, or the place to return to.
    left: usize,
    /// How many bytes of the input must remain when the block is complete; [`ANY`] if it did not say its size.
    rest_after: usize,
}

/// No slice is so long.
const ANY: usize = usize::MAX;

impl Frame {
    fn ends_at(self, rest: &[u8]) -> bool {
        self.rest_after == ANY || self.rest_after == rest.len()
    }
}

/// Runs a program over the start of `bytes`; returns how many bytes the datum takes.
pub(super) fn walk(
    ops: &[Op],
    targets: &[usize],
    bytes: &[u8],
    limits: &Limits,
    frames: &mut Vec<Frame>,
) -> Result<usize, Invalid> {
    frames.clear();
    let mut input = Input { rest: bytes, items_left: limits.items };
    match input.run(ops, targets, limits.depth, frames) {
        Ok(()) => Ok(bytes.len() - input.rest.len()),
        Err(kind) => Err(Invalid { kind, offset: bytes.len() - input.rest.len() }),
    }
}

/// What remains to be read. A method that fails leaves it before the element it could not read.
struct Input<'a> {
    rest: &'a [u8],
    items_left: usize,
}

impl Input<'_> {
    fn run(
        &mut self,
        ops: &[Op],
        targets: &[usize],
        max_depth: usize,
        frames: &mut Vec<Frame>,
    ) -> Result<(), InvalidKind> {
        let mut place = 0;
        while let Some(&op) = ops.get(place) {
            place += 1;
            match op {
                Op::Boolean => match self.rest {
                    [0 | 1, rest @ ..] => self.rest = rest,
                    [] => return Err(InvalidKind::Truncated),
                    _ => return Err(InvalidKind::Boolean),
                },
                Op::Int => self.skip_int()?,
                Op::Long => self.skip_long()?,
                Op::Longs(count) => self.skip_longs(count)?,
                Op::Skip(length) => {
                    self.rest = self.rest.get(length..).ok_or(InvalidKind::Truncated)?;
                }
                Op::Bytes => {
                    let (_, rest) = sized(self.rest)?;
                    self.rest = rest;
                }
                Op::String => {
                    let (text, rest) = sized(self.rest)?;
                    // Most texts are short and ASCII, which is quicker to see than to decode.
                    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
                        return Err(InvalidKind::NotUtf8);
                    }
                    self.rest = rest;
                }
                Op::Enum(symbols) => {
                    let (number, rest) = int(self.rest)?;
                    if usize::try_from(number).is_ok_and(|number| number < symbols) {
                        self.rest = rest;
                    } else {
                        return Err(InvalidKind::EnumSymbol);
                    }
                }
                Op::Union { first, count } => {
                    let (number, rest) = int(self.rest)?;
                    let branch = u32::try_from(number).ok().filter(|branch| *branch < count);
                    let target = branch.and_then(|branch| targets.get(first + branch as usize));
                    place = *target.ok_or(InvalidKind::UnionBranch)?;
                    self.rest = rest;
                }
                Op::Optional { null, end } => {
                    let (number, rest) = int(self.rest)?;
                    if number == i64::from(null) {
                        place = end;
                    } else if number != i64::from(1 - null) {
                        return Err(InvalidKind::UnionBranch);
                    }
                    self.rest = rest;
                }
                Op::Blocks { end } => match self.block(true)? {
                    Some(_) if frames.len() >= max_depth => return Err(InvalidKind::TooDeep),
                    Some(block) => frames.push(block),
                    None => place = end,
                },
                Op::Next { item } => {
                    let Some(block) = frames.last_mut() else { return Ok(()) };
                    block.left -= 1;
                    if block.left > 0 {
                        place = item;
                        continue;
                    }
                    if !block.ends_at(self.rest) {
                        return Err(InvalidKind::BlockSize);
                    }
                    if let Some(next) = self.block(true)? {
                        *block = next;
                        place = item;
                    } else {
                        frames.pop();
                    }
                }
                Op::EmptyItems => {
                    while let Some(block) = self.block(false)? {
                        if !block.ends_at(self.rest) {
                            return Err(InvalidKind::BlockSize);
                        }
                    }
                }
                Op::Jump(target) => place = target,
                Op::Call(target) => {
                    if frames.len() >= max_depth {
                        return Err(InvalidKind::TooDeep);
                    }
                    frames.push(Frame { left: place, rest_after: ANY });
                    place = target;
                }
                Op::Return => {
                    let Some(call) = frames.pop() else { return Ok(()) };
                    place = call.left;
                }
                Op::End => return Ok(()),
            }
        }
        Ok(())
    }

    /// The head of a block of items; `None` for the empty block that ends an array or map.
    ///
    /// `items_take_bytes`: an item is at least one byte long, so a count beyond the rest of the data is hopeless and need
    /// not be tried.
    fn block(&mut self, items_take_bytes: bool) -> Result<Option<Frame>, InvalidKind> {
        let (count, mut rest) = long(self.rest)?;
        if count == 0 {
            self.rest = rest;
            return Ok(None);
        }
        let mut rest_after = ANY;
        if count < 0 {
            let (size, after) = long(rest)?;
            let size = usize::try_from(size).map_err(|_| InvalidKind::NegativeLength)?;
            rest_after = after.len().checked_sub(size).ok_or(InvalidKind::LengthPastEnd)?;
            rest = after;
        }
        // The magnitude of i64::MIN is no i64: nobody can have written so many items.
        let count = count
            .checked_abs()
            .and_then(|count| usize::try_from(count).ok())
            .ok_or(InvalidKind::BlockSize)?;
        if items_take_bytes && count > rest.len() {
            return Err(InvalidKind::LengthPastEnd);
        }
        self.items_left = self.items_left.checked_sub(count).ok_or(InvalidKind::TooManyItems)?;
        self.rest = rest;
        Ok(Some(Frame { left: count, rest_after }))
    }

    fn skip_long(&mut self) -> Result<(), InvalidKind> {
        if let Some(length) = varint_length(self.rest) {
            self.rest = self.rest.get(length..).ok_or(InvalidKind::Truncated)?;
        } else {
            self.rest = long(self.rest)?.1;
        }
        Ok(())
    }

    /// Counts the last bytes of varints, eight bytes at a time, as long as none can be too long.
    fn skip_longs(&mut self, mut count: usize) -> Result<(), InvalidKind> {
        /// A varint of so many bytes has at most 63 bits.
        const SURE_BYTES: usize = 9;
        // `rest` begins with a varint, the next word is so many bytes into it.
        let mut ahead = 0;
        while count > 0 {
            let word = self.rest.get(ahead..).and_then(<[u8]>::first_chunk::<8>);
            let ends = word.map_or(0, |word| !u64::from_le_bytes(*word) & 0x8080_8080_8080_8080);
            let first_end = ends.trailing_zeros() as usize / 8;
            if ends == 0 || ahead + first_end >= SURE_BYTES {
                self.rest = match self.rest {
                    [_, _, _, _, _, _, _, _, 0..0x80, rest @ ..]
                        if word.is_some() && ends == 0 && ahead == 0 =>
                    {
                        rest
                    }
                    rest => long(rest)?.1,
                };
                (count, ahead) = (count - 1, 0);
                continue;
            }
            let ended = ends.count_ones() as usize;
            if ended >= count {
                let mut ends = ends;
                for _ in 1..count {
                    ends &= ends - 1;
                }
                let after = ahead + ends.trailing_zeros() as usize / 8 + 1;
                self.rest = self.rest.get(after..).ok_or(InvalidKind::Truncated)?;
                return Ok(());
            }
            count -= ended;
            let begun = ends.leading_zeros() as usize / 8;
            self.rest = self.rest.get(ahead + 8 - begun..).ok_or(InvalidKind::Truncated)?;
            ahead = begun;
        }
        Ok(())
    }

    fn skip_int(&mut self) -> Result<(), InvalidKind> {
        match varint_length(self.rest) {
            Some(length @ 1..=4) => self.rest = self.rest.get(length..).ok_or(InvalidKind::Truncated)?,
            _ => self.rest = int(self.rest)?.1,
        }
        Ok(())
    }
}

/// A length and as many bytes: these, and what follows them.
fn sized(bytes: &[u8]) -> Result<(&[u8], &[u8]), InvalidKind> {
    let (length, rest) = long(bytes)?;
    if length < 0 {
        return Err(InvalidKind::NegativeLength);
    }
    let length = usize::try_from(length).map_err(|_| InvalidKind::LengthPastEnd)?;
    rest.split_at_checked(length).ok_or(InvalidKind::LengthPastEnd)
}

/// How many bytes the varint at the start of `bytes` takes, if 8 bytes are there and suffice: found without a branch per
/// byte, since the lengths of numbers are hard to predict.
fn varint_length(bytes: &[u8]) -> Option<usize> {
    let word = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
    let last_bytes = !word & 0x8080_8080_8080_8080;
    (last_bytes != 0).then_some(last_bytes.trailing_zeros() as usize / 8 + 1)
}

/// A zigzag varint of at most 64 bits and what follows it.
fn long(bytes: &[u8]) -> Result<(i64, &[u8]), InvalidKind> {
    match bytes {
        [first @ 0..0x80, rest @ ..] => Ok((zigzag(u64::from(*first)), rest)),
        _ => varint(bytes, 10, u64::MAX),
    }
}

/// A zigzag varint of at most 32 bits and what follows it.
pub(super) fn int(bytes: &[u8]) -> Result<(i64, &[u8]), InvalidKind> {
    match bytes {
        [first @ 0..0x80, rest @ ..] => Ok((zigzag(u64::from(*first)), rest)),
        _ => varint(bytes, 5, u64::from(u32::MAX)),
    }
}

#[inline(never)]
fn varint(bytes: &[u8], max_bytes: usize, max: u64) -> Result<(i64, &[u8]), InvalidKind> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(max_bytes) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index;
        if byte >= 0x80 && index + 1 == max_bytes {
            return Err(InvalidKind::VarintTooLong);
        }
        if bits > max >> shift {
            return Err(InvalidKind::VarintOutOfRange);
        }
        value |= bits << shift;
        if byte < 0x80 {
            let rest = bytes.get(index + 1..).unwrap_or_default();
            return Ok((zigzag(value), rest));
        }
    }
    Err(InvalidKind::Truncated)
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
