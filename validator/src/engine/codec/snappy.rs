//! Snappy blocks: one raw block, or several in the framing of the Java client.
//!
//! Framed: `82 53 4E 41 50 50 59 00`, version and compatible version (4 bytes each, big endian), then blocks of a
//! 4-byte big-endian length and a raw block.

use std::io::Read as _;

use super::{Blocked, room};
use crate::engine::cursor::Cursor;

const FRAME_MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const FRAME_VERSIONS_BYTES: usize = 8;
/// The densest element turns 3 bytes into 64.
const MOST_EXPANSION: usize = 22;

/// Whether the block is in the framing of the Java client.
pub(super) fn is_framed(input: &[u8]) -> bool {
    input.starts_with(&FRAME_MAGIC)
}

/// Decompresses one raw block into `block`.
pub(super) fn decompress<'a>(input: &[u8], cap: u64, block: &'a mut Vec<u8>) -> Result<&'a [u8], Blocked> {
    let length = snap::raw::decompress_len(input).map_err(|_| Blocked::Damaged)?;
    if length as u64 > cap {
        return Err(Blocked::TooExpansive);
    }
    if length > input.len().saturating_mul(MOST_EXPANSION) {
        return Err(Blocked::Damaged);
    }
    let out = room(block, length);
    let written = snap::raw::Decoder::new().decompress(input, out).map_err(|_| Blocked::Damaged)?;
    out.get(..written).ok_or(Blocked::Damaged)
}

/// Framed blocks in progress.
pub(super) struct Framed<'a> {
    input: Cursor<'a>,
    cap: u64,
    block: &'a mut Vec<u8>,
    /// The part of `block` not yet handed out.
    start: usize,
    end: usize,
    header_read: bool,
}

impl<'a> Framed<'a> {
    pub fn new(input: &'a [u8], cap: u64, block: &'a mut Vec<u8>) -> Self {
        Self { input: Cursor::new(input), cap, block, start: 0, end: 0, header_read: false }
    }

    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Blocked> {
        if !self.header_read {
            self.input.take(FRAME_MAGIC.len() + FRAME_VERSIONS_BYTES).ok_or(Blocked::Damaged)?;
            self.header_read = true;
        }
        while self.start == self.end {
            if self.input.is_empty() {
                return Ok(0);
            }
            let length = i32::from_be_bytes(self.input.array().ok_or(Blocked::Damaged)?);
            let length = usize::try_from(length).map_err(|_| Blocked::Damaged)?;
            let compressed = self.input.take(length).ok_or(Blocked::Damaged)?;
            // One block beyond the cap is one too many; what all of them add up to is counted by the caller.
            self.end = decompress(compressed, self.cap, self.block)?.len();
            self.start = 0;
        }
        let mut ready = self.block.get(self.start..self.end).ok_or(Blocked::Damaged)?;
        let count = ready.read(out).map_err(|_| Blocked::Damaged)?;
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(bytes: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(bytes).unwrap()
    }

    fn framed(blocks: &[&[u8]]) -> Vec<u8> {
        let mut out = [&FRAME_MAGIC[..], &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        for block in blocks {
            out.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
            out.extend(*block);
        }
        out
    }

    fn read(input: &[u8]) -> Result<Vec<u8>, Blocked> {
        let (mut block, mut out, mut window) = (vec![], vec![], [0; 5]);
        let mut stream = Framed::new(input, 1000, &mut block);
        loop {
            match stream.read(&mut window)? {
                0 => return Ok(out),
                count => out.extend(&window[..count]),
            }
        }
    }

    #[test]
    fn framed_blocks_are_joined() {
        let (one, two, none) = (raw(b"one and "), raw(b"two"), raw(b""));
        assert_eq!(read(&framed(&[&one, &none, &two])).as_deref(), Ok(&b"one and two"[..]));
        assert_eq!(read(&framed(&[])).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn broken_framing_is_damage() {
        let good = framed(&[&raw(b"abc")]);
        for cut in 8..good.len() {
            if cut != 16 {
                assert_eq!(read(&good[..cut]), Err(Blocked::Damaged), "{cut}");
            }
        }
        let negative = [framed(&[]), vec![0xff; 4]].concat();
        assert_eq!(read(&negative), Err(Blocked::Damaged));
        assert_eq!(read(&framed(&[b""])), Err(Blocked::Damaged), "a block has at least its own length");
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        // 2 GiB - 1 and 900 bytes, claimed by a handful.
        let mut block = vec![];
        assert_eq!(
            decompress(&[0xff, 0xff, 0xff, 0xff, 0x07, 0, b'a'], 1 << 20, &mut block),
            Err(Blocked::TooExpansive)
        );
        assert_eq!(decompress(&[0x84, 0x07, 0, b'a'], 1 << 20, &mut block), Err(Blocked::Damaged));
        assert_eq!(block.capacity(), 0);
    }

    #[test]
    fn no_element_expands_beyond_the_bound() {
        let long = vec![7u8; 1 << 20];
        let input = raw(&long);
        assert!(long.len() < input.len() * MOST_EXPANSION);
        assert_eq!(decompress(&input, 1 << 20, &mut vec![]).map(<[u8]>::len), Ok(long.len()));
    }
}
