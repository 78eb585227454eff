//! Zstandard, RFC 8878.
//!
//! Frames state the window that a streaming decoder must keep. Up to 8 MiB, which is what the RFC asks decoders for,
//! a frame is streamed. A larger window (the highest levels, or one segment of known size) costs no window at all
//! when the output is decoded in one piece, and that piece is bounded by the cap on the batch.

use zstd::bulk::Decompressor;
use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::Blocked;
use crate::engine::cursor::Cursor;

const MAGIC: u32 = 0xfd2f_b528;
const STREAMED_WINDOW_LOG: u32 = 23;
/// First size tried for output in one piece, as a multiple of the input, and the least.
const FIRST_RATIO: u64 = 16;
const FIRST_BYTES: u64 = 1 << 20;

/// Decoders kept from batch to batch, built when first needed.
#[derive(Default)]
pub(super) struct Contexts {
    stream: Option<Decoder<'static>>,
    whole: Option<Decompressor<'static>>,
}

/// An opened block.
pub(super) enum Opened<'a> {
    /// Decoded in one piece.
    Whole(&'a [u8]),
    /// To be streamed.
    Stream(Zstd<'a>),
}

impl Contexts {
    /// Opens `input`; output in one piece goes into `block`.
    pub fn open<'a>(
        &'a mut self,
        input: &'a [u8],
        cap: u64,
        block: &'a mut Vec<u8>,
    ) -> Result<Opened<'a>, Blocked> {
        if frame_window(input).ok_or(Blocked::Damaged)? > 1 << STREAMED_WINDOW_LOG {
            return self.decode_whole(input, cap, block).map(Opened::Whole);
        }
        let decoder = match &mut self.stream {
            Some(decoder) => decoder,
            slot => {
                let mut decoder = Decoder::new().map_err(|_| Blocked::Damaged)?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(STREAMED_WINDOW_LOG))
                    .map_err(|_| Blocked::Damaged)?;
                slot.insert(decoder)
            }
        };
        // Forgets a frame that an earlier batch left unfinished; parameters stay.
        decoder.reinit().map_err(|_| Blocked::Damaged)?;
        Ok(Opened::Stream(Zstd { input: Cursor::new(input), decoder, in_frame: true }))
    }

    fn decode_whole<'a>(
        &mut self,
        input: &[u8],
        cap: u64,
        block: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Blocked> {
        let decompressor = match &mut self.whole {
            Some(decompressor) => decompressor,
            slot => slot.insert(Decompressor::new().map_err(|_| Blocked::Damaged)?),
        };
        let mut size = (input.len() as u64).saturating_mul(FIRST_RATIO).max(FIRST_BYTES).min(cap);
        loop {
            block.clear();
            block.reserve_exact(usize::try_from(size).map_err(|_| Blocked::TooExpansive)?);
            match decompressor.decompress_to_buffer(input, block) {
                // A buffer that had more room than asked for may hold more than the cap.
                Ok(length) if length as u64 > cap => return Err(Blocked::TooExpansive),
                Ok(_) => return Ok(block),
                Err(error) if error.to_string().contains("too small") => {
                    block.clear();
                    if size >= cap {
                        return Err(Blocked::TooExpansive);
                    }
                    size = size.saturating_mul(4).min(cap);
                }
                Err(_) => {
                    block.clear();
                    return Err(Blocked::Damaged);
                }
            }
        }
    }
}

/// Zstandard frames in progress.
pub(super) struct Zstd<'a> {
    input: Cursor<'a>,
    decoder: &'a mut Decoder<'static>,
    in_frame: bool,
}

impl Zstd<'_> {
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Blocked> {
        loop {
            if self.input.is_empty() && !self.in_frame {
                return Ok(0);
            }
            let status = self.decoder.run_on_buffers(self.input.rest(), out).map_err(|_| Blocked::Damaged)?;
            self.input.take(status.bytes_read).ok_or(Blocked::Damaged)?;
            self.in_frame = status.remaining != 0;
            if status.bytes_written > 0 {
                return Ok(status.bytes_written);
            }
            if status.bytes_read == 0 {
                return Err(Blocked::Damaged);
            }
        }
    }
}

/// The window of the first frame in bytes: what it states, or its content size if it is a single segment; 0 for a
/// skippable frame. `None` if there is no frame header.
fn frame_window(input: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(input);
    let magic = u32::from_le_bytes(cursor.array()?);
    if magic & 0xffff_fff0 == 0x184d_2a50 {
        return Some(0);
    }
    if magic != MAGIC {
        return None;
    }
    let [descriptor] = cursor.array()?;
    if descriptor & 0x20 == 0 {
        let [window] = cursor.array()?;
        let base = 1u64 << (10 + (window >> 3));
        return Some(base + (base >> 3) * u64::from(window & 7));
    }
    cursor.take(match descriptor & 0x03 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 4,
    })?;
    match descriptor >> 6 {
        0 => cursor.array().map(|[size]: [u8; 1]| u64::from(size)),
        1 => cursor.array().map(|size| u64::from(u16::from_le_bytes(size)) + 256),
        2 => cursor.array().map(|size| u64::from(u32::from_le_bytes(size))),
        _ => cursor.array().map(u64::from_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(contexts: &mut Contexts, input: &[u8], cap: u64) -> Result<(Vec<u8>, bool), Blocked> {
        let mut block = vec![];
        match contexts.open(input, cap, &mut block)? {
            Opened::Whole(bytes) => Ok((bytes.to_vec(), true)),
            Opened::Stream(mut stream) => {
                let (mut out, mut window) = (vec![], [0; 1000]);
                loop {
                    match stream.read(&mut window)? {
                        0 => return Ok((out, false)),
                        count => out.extend(&window[..count]),
                    }
                }
            }
        }
    }

    /// A frame without content size and with a window of 2^`log` bytes.
    fn frame(log: u32, bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(vec![], 1).unwrap();
        encoder.set_parameter(zstd::zstd_safe::CParameter::WindowLog(log)).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn large_windows_are_decoded_in_one_piece() {
        let bytes: Vec<u8> = (0..2_000_000u32).map(|i| (i / 1000).to_le_bytes()[0]).collect();
        let mut contexts = Contexts::default();
        for (log, whole) in [(17, false), (23, false), (24, true), (27, true)] {
            let input = frame(log, &bytes);
            assert_eq!(frame_window(&input), Some(1 << log));
            let read_back = read(&mut contexts, &input, 4_000_000).unwrap();
            assert!(read_back == (bytes.clone(), whole), "{log}");
            assert!(read(&mut contexts, &input, 2_000_000).is_ok(), "{log}");
            if whole {
                assert_eq!(read(&mut contexts, &input, 1_999_999), Err(Blocked::TooExpansive), "{log}");
            }
            assert_eq!(
                read(&mut contexts, &input[..input.len() - 1], 4_000_000),
                Err(Blocked::Damaged),
                "{log}"
            );
        }
    }

    #[test]
    fn a_claimed_window_allocates_nothing() {
        // A single segment of 100 MiB, claimed by nine bytes and a raw block of one byte.
        let input =
            [&MAGIC.to_le_bytes()[..], &[0xa0], &(100u32 << 20).to_le_bytes(), &[9, 0, 0, b'a']].concat();
        assert_eq!(frame_window(&input), Some(100 << 20));
        let mut block = vec![];
        assert!(Contexts::default().open(&input, 1 << 20, &mut block).is_err());
        assert!(block.capacity() <= 1 << 20);
    }

    #[test]
    fn a_decoder_forgets_the_batch_before() {
        let mut contexts = Contexts::default();
        let input = frame(17, &[7; 5000]);
        assert!(read(&mut contexts, &input[..input.len() / 2], 1 << 20).is_err());
        assert!(read(&mut contexts, &input, 1 << 20).is_ok());
    }

    #[test]
    fn window_sizes_are_read_from_the_header() {
        let with = |rest: &[u8]| frame_window(&[&MAGIC.to_le_bytes()[..], rest].concat());
        let cases: &[(&[u8], Option<u64>)] = &[
            (&[0x00, 0x00], Some(1024)),
            (&[0x00, 0x07], Some(1024 + 7 * 128)),
            (&[0x04, 0x88], Some(1 << 27)),
            (&[0x00, 0xff], Some((1 << 41) + 7 * (1 << 38))),
            (&[0x20, 9], Some(9)),
            (&[0x60, 1, 0], Some(257)),
            (&[0x63, 9, 9, 9, 9, 0, 1], Some(512)),
            (&[0xa1, 9, 1, 0, 0, 1], Some((1 << 24) + 1)),
            (&[0xe0, 255, 255, 255, 255, 255, 255, 255, 255], Some(u64::MAX)),
            (&[0xe0, 255], None),
            (&[0x00], None),
            (&[], None),
        ];
        for (rest, expected) in cases {
            assert_eq!(with(rest), *expected, "{rest:02x?}");
        }
        assert_eq!(frame_window(&0x184d_2a57u32.to_le_bytes()), Some(0));
        assert_eq!(frame_window(b"gzip"), None);
    }
}
