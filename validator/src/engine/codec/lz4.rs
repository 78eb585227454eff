//! The LZ4 frame format, version 1.6: frames of blocks, each at most 4 MiB, with optional checksums.
//!
//! Only the blocks are left to `lz4_flex`: its own frame reader takes a stream that is cut between blocks for a
//! complete one and sizes its buffers by what the frame header says.

use std::hash::Hasher;
use std::io::Read as _;

use lz4_flex::block::DecompressError;
use twox_hash::XxHash32;

use super::{Blocked, room};
use crate::engine::cursor::Cursor;

const MAGIC: u32 = 0x184d_2204;
/// How far back a match may reach.
const HISTORY_BYTES: usize = 64 << 10;
/// How much is kept behind a block before only the history is.
const MOST_BEHIND_BYTES: usize = 4 * HISTORY_BYTES;
/// Each byte that lengthens a match adds 255 bytes.
const MOST_EXPANSION: usize = 255;
/// Room tried first for a block, as a multiple of its length, and the least: hardly any real block needs more.
const FIRST_EXPANSION: usize = 4;
const FIRST_BYTES: usize = 64 << 10;

/// LZ4 frames in progress.
pub(super) struct Lz4<'a> {
    input: Cursor<'a>,
    /// Message sets of format 0 carry a header checksum that was computed over the wrong bytes.
    skip_header_checksum: bool,
    /// Bytes that may still come out.
    left: u64,
    frame: Option<Frame>,
    any_frame: bool,
    /// The current block, `start..end` of which is not handed out yet, behind the blocks that it may reach back to.
    block: &'a mut Vec<u8>,
    start: usize,
    end: usize,
}

struct Frame {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    most_block_bytes: usize,
    hasher: XxHash32,
    produced: u64,
}

impl<'a> Lz4<'a> {
    pub fn new(input: &'a [u8], cap: u64, skip_header_checksum: bool, block: &'a mut Vec<u8>) -> Self {
        Self {
            input: Cursor::new(input),
            skip_header_checksum,
            left: cap,
            frame: None,
            any_frame: false,
            block,
            start: 0,
            end: 0,
        }
    }

    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Blocked> {
        while self.start == self.end {
            if self.frame.is_none() && self.any_frame && self.input.is_empty() {
                return Ok(0);
            }
            self.next_block()?;
        }
        let mut ready = self.block.get(self.start..self.end).ok_or(Blocked::Damaged)?;
        let count = ready.read(out).map_err(|_| Blocked::Damaged)?;
        self.start += count;
        Ok(count)
    }

    /// Takes one step: a frame header, a block or an end mark.
    fn next_block(&mut self) -> Result<(), Blocked> {
        let Some(frame) = &mut self.frame else {
            let frame = frame_header(&mut self.input, self.skip_header_checksum).ok_or(Blocked::Damaged)?;
            self.frame = Some(frame);
            self.any_frame = true;
            (self.start, self.end) = (0, 0);
            return Ok(());
        };
        let Some((stored, data)) = frame.block(&mut self.input).ok_or(Blocked::Damaged)? else {
            self.frame = None;
            return Ok(());
        };
        if !frame.linked {
            self.end = 0;
        } else if self.end > MOST_BEHIND_BYTES {
            // Moved once in a while rather than for every block, of which a frame may have very many small ones.
            self.block.copy_within(self.end - HISTORY_BYTES..self.end, 0);
            self.end = HISTORY_BYTES;
        }
        self.start = self.end;
        let history_from = self.end.saturating_sub(HISTORY_BYTES);
        let most = if stored { data.len() } else { data.len().saturating_mul(MOST_EXPANSION) };
        let most = most.min(frame.most_block_bytes);
        // A block that does not fit what the cap leaves is not decoded to the end.
        let capped = usize::try_from(self.left).map_or(most, |left| most.min(left));
        let mut size = capped.min(data.len().saturating_mul(FIRST_EXPANSION).max(FIRST_BYTES));
        let (out, produced) = loop {
            let room = room(self.block, self.start.saturating_add(size));
            let (behind, out) = room.split_at_mut_checked(self.start).ok_or(Blocked::Damaged)?;
            let history = behind.get(history_from..).unwrap_or_default();
            let result = if stored {
                out.get_mut(..data.len()).ok_or(Blocked::TooExpansive)?.copy_from_slice(data);
                Ok(data.len())
            } else if history.is_empty() {
                lz4_flex::block::decompress_into(data, out)
            } else {
                lz4_flex::block::decompress_into_with_dict(data, out, history)
            };
            match result {
                Ok(produced) => break (out, produced),
                Err(DecompressError::OutputTooSmall { .. }) if size < capped => {
                    size = size.saturating_mul(8).min(capped);
                }
                Err(DecompressError::OutputTooSmall { .. }) if capped < most => {
                    return Err(Blocked::TooExpansive);
                }
                Err(_) => return Err(Blocked::Damaged),
            }
        };
        frame.count(out.get(..produced).ok_or(Blocked::Damaged)?);
        self.left = self.left.saturating_sub(produced as u64);
        self.end = self.start + produced;
        Ok(())
    }
}

impl Frame {
    /// The next block as it stands and whether it is stored rather than compressed; the inner `None` behind the last
    /// one, with the frame's own checks made. The outer `None` if the frame is damaged or cut.
    fn block<'a>(&self, input: &mut Cursor<'a>) -> Option<Option<(bool, &'a [u8])>> {
        let word = u32::from_le_bytes(input.array()?);
        if word == 0 {
            let complete = self.content_size.is_none_or(|size| size == self.produced);
            let intact =
                !self.content_checksum || u32::from_le_bytes(input.array()?) == self.hasher.finish_32();
            return (complete && intact).then_some(None);
        }
        let length = usize::try_from(word & 0x7fff_ffff).ok()?;
        if length > self.most_block_bytes {
            return None;
        }
        let data = input.take(length)?;
        if self.block_checksums && u32::from_le_bytes(input.array()?) != XxHash32::oneshot(0, data) {
            return None;
        }
        Some(Some((word & 0x8000_0000 != 0, data)))
    }

    /// Takes note of content.
    fn count(&mut self, bytes: &[u8]) {
        self.produced = self.produced.saturating_add(bytes.len() as u64);
        if self.content_checksum {
            self.hasher.write(bytes);
        }
    }
}

/// Reads a frame header. `None` if it is cut, has reserved bits set, needs a dictionary or fails its checksum.
fn frame_header(input: &mut Cursor<'_>, skip_checksum: bool) -> Option<Frame> {
    if u32::from_le_bytes(input.array()?) != MAGIC {
        return None;
    }
    let descriptor = input.rest();
    let [flags, block_descriptor]: [u8; 2] = input.array()?;
    // Version 01; bit 1 is reserved, bit 0 announces a dictionary.
    if flags & 0xc3 != 0x40 || block_descriptor & 0x8f != 0 {
        return None;
    }
    let most_block_bytes = match block_descriptor >> 4 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return None,
    };
    let content_size = if flags & 0x08 != 0 { Some(u64::from_le_bytes(input.array()?)) } else { None };
    let descriptor = descriptor.get(..descriptor.len() - input.rest().len())?;
    let [checksum] = input.array()?;
    let [_, expected, ..] = XxHash32::oneshot(0, descriptor).to_le_bytes();
    if checksum != expected && !skip_checksum {
        return None;
    }
    Some(Frame {
        linked: flags & 0x20 == 0,
        block_checksums: flags & 0x10 != 0,
        content_checksum: flags & 0x04 != 0,
        content_size,
        most_block_bytes,
        hasher: XxHash32::with_seed(0),
        produced: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

    fn read(input: &[u8], skip_header_checksum: bool) -> Result<Vec<u8>, Blocked> {
        let (mut block, mut out, mut window) = (vec![], vec![], [0; 1000]);
        let mut stream = Lz4::new(input, 1 << 20, skip_header_checksum, &mut block);
        loop {
            match stream.read(&mut window)? {
                0 => return Ok(out),
                count => out.extend(&window[..count]),
            }
        }
    }

    fn frame(info: FrameInfo, bytes: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, vec![]);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_kind_of_frame_reads_back() {
        // Matches that reach back over block borders, then bytes that do not compress.
        let mut bytes: Vec<u8> =
            (0..200_000u32).map(|i| (i % 40_000).to_le_bytes()[usize::from(i % 3 == 0)]).collect();
        let mut state = 1u32;
        bytes.extend((0..100_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }));
        for mode in [BlockMode::Independent, BlockMode::Linked] {
            for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
                for checksums in [false, true] {
                    let info = FrameInfo::new()
                        .block_mode(mode)
                        .block_size(size)
                        .block_checksums(checksums)
                        .content_checksum(checksums)
                        .content_size(checksums.then_some(bytes.len() as u64));
                    let input = frame(info, &bytes);
                    assert!(read(&input, false) == Ok(bytes.clone()), "{mode:?} {size:?} {checksums}");
                }
            }
        }
    }

    #[test]
    fn no_frame_reaches_back_into_another() {
        let info = || FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB);
        let first = frame(info(), b"something to reach back to, something to reach back to");
        // A token for 4 bytes of match, 20 bytes back, then literals.
        let block = [0x00, 20, 0, 0x50, b'a', b'b', b'c', b'd', b'e'];
        let header = &first[..7];
        let second = [header, &9u32.to_le_bytes(), &block, &[0; 4]].concat();
        assert_eq!(read(&[first, second].concat(), false), Err(Blocked::Damaged));
    }

    #[test]
    fn each_checksum_and_size_counts() {
        let info = || FrameInfo::new().block_mode(BlockMode::Independent).content_size(Some(12));
        let good = frame(info().block_checksums(true).content_checksum(true), b"some content");
        assert!(read(&good, false).is_ok());
        // Magic 4, descriptor 10, header checksum 1, block length 4, 12 bytes stored or compressed, two checksums.
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x04;
            assert_eq!(read(&bad, false), Err(Blocked::Damaged), "byte {at} of {}", good.len());
        }
        let mut wrong_size = frame(info(), b"some content");
        wrong_size[6] = 13;
        assert_eq!(read(&wrong_size, true), Err(Blocked::Damaged));
    }

    #[test]
    fn a_wrong_header_checksum_passes_in_format_0_only() {
        let mut input = frame(FrameInfo::new().block_mode(BlockMode::Independent), b"abc");
        input[6] ^= 0xff;
        assert_eq!(read(&input, false), Err(Blocked::Damaged));
        assert_eq!(read(&input, true).as_deref(), Ok(&b"abc"[..]));
    }

    #[test]
    fn a_claimed_block_size_allocates_little() {
        let input =
            frame(FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max4MB), b"abc");
        let (mut block, mut window) = (vec![], [0; 10]);
        assert_eq!(Lz4::new(&input, 1 << 20, false, &mut block).read(&mut window), Ok(3));
        assert!(block.capacity() <= 4096, "{}", block.capacity());
    }
}
