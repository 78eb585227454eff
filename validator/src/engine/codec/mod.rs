//! Decompression that never holds more than the bytes at hand justify (broker validation spec §11.2, §11.4, §23).
//!
//! No buffer is sized by a number that the compressed bytes merely claim: each is bounded by what a block of that
//! length can expand to at most, or by the cap on the whole batch, which itself follows from the length of the block.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::fmt;

use super::cursor::Flaw;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not at all.
    None,
    /// RFC 1952, one or more members.
    Gzip,
    /// A raw block, or blocks in the framing of the Java client.
    Snappy,
    /// LZ4 frame format.
    Lz4,
    /// RFC 8878.
    Zstd,
}

impl Codec {
    /// The codec in bits 0–2 of the attributes; `None` for 5–7, which are not assigned.
    pub(super) fn from_attributes(attributes: i16) -> Option<Self> {
        match attributes & 0x07 {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decoders and the block buffer, kept from batch to batch.
#[derive(Default)]
pub(super) struct Contexts {
    gzip: Option<flate2::Decompress>,
    zstd: zstd::Contexts,
    block: Vec<u8>,
}

impl Contexts {
    /// Gives back what an unusually large batch made the block buffer grow to.
    pub fn trim(&mut self, most: usize) {
        trim(&mut self.block, most);
    }
}

/// Shrinks `buffer` to `most` bytes if it has grown beyond.
pub(super) fn trim(buffer: &mut Vec<u8>, most: usize) {
    if buffer.capacity() > most {
        buffer.truncate(most);
        buffer.shrink_to(most);
    }
}

/// Why a block yields no more bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// It is damaged or cut.
    Damaged,
    /// It expands to more than the cap.
    TooExpansive,
}

/// A compressed block, opened.
pub(super) enum Opened<'a> {
    /// The format has no streaming form: all of it, already within the cap.
    Whole(&'a [u8]),
    /// The bytes, one window at a time.
    Stream(Metered<'a>),
}

/// Opens `input` with a cap of `cap` decompressed bytes. `old_format`: in message sets of format 0, the header
/// checksum of an LZ4 frame is computed wrongly by convention and is not compared.
pub(super) fn open<'a>(
    codec: Codec,
    input: &'a [u8],
    cap: u64,
    old_format: bool,
    contexts: &'a mut Contexts,
) -> Result<Opened<'a>, Blocked> {
    let block = &mut contexts.block;
    let stream = match codec {
        Codec::None => return Ok(Opened::Whole(input)),
        Codec::Gzip => {
            let inflate = contexts.gzip.get_or_insert_with(|| flate2::Decompress::new(false));
            Stream::Gzip(Box::new(gzip::Gzip::new(input, inflate)))
        }
        Codec::Snappy if snappy::is_framed(input) => Stream::Snappy(snappy::Framed::new(input, cap, block)),
        Codec::Snappy => return snappy::decompress(input, cap, block).map(Opened::Whole),
        Codec::Lz4 => Stream::Lz4(Box::new(lz4::Lz4::new(input, cap, old_format, block))),
        Codec::Zstd => match contexts.zstd.open(input, cap, block)? {
            zstd::Opened::Whole(bytes) => return Ok(Opened::Whole(bytes)),
            zstd::Opened::Stream(stream) => Stream::Zstd(stream),
        },
    };
    Ok(Opened::Stream(Metered { stream, produced: 0, cap }))
}

enum Stream<'a> {
    Gzip(Box<gzip::Gzip<'a>>),
    Snappy(snappy::Framed<'a>),
    Lz4(Box<lz4::Lz4<'a>>),
    Zstd(zstd::Zstd<'a>),
}

/// A stream that stops at a cap.
pub(super) struct Metered<'a> {
    stream: Stream<'a>,
    produced: u64,
    cap: u64,
}

impl Metered<'_> {
    /// Decompresses into the front of `out`, which must not be empty. 0 bytes only at a proper end.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Blocked> {
        let count = match &mut self.stream {
            Stream::Gzip(stream) => stream.read(out),
            Stream::Snappy(stream) => stream.read(out),
            Stream::Lz4(stream) => stream.read(out),
            Stream::Zstd(stream) => stream.read(out),
        }?;
        self.produced = self.produced.saturating_add(count as u64);
        if self.produced > self.cap { Err(Blocked::TooExpansive) } else { Ok(count) }
    }

    /// Bytes handed out so far.
    pub fn produced(&self) -> u64 {
        self.produced
    }
}

impl Blocked {
    /// The flaw, unless the block is merely too large.
    pub fn flaw(self, codec: Codec) -> Option<Flaw> {
        match self {
            Self::Damaged => Some(Flaw::Decompress(codec)),
            Self::TooExpansive => None,
        }
    }
}

/// Makes `block` hold at least `length` bytes and hands out the first `length`. Callers bound `length` first.
fn room(block: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if block.len() < length {
        block.resize(length, 0);
    }
    block.get_mut(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decompresses through a window of `step` bytes.
    fn read_all(codec: Codec, input: &[u8], cap: u64, step: usize) -> Result<Vec<u8>, Blocked> {
        let mut contexts = Contexts::default();
        match open(codec, input, cap, false, &mut contexts)? {
            Opened::Whole(bytes) => Ok(bytes.to_vec()),
            Opened::Stream(mut stream) => {
                let (mut out, mut window) = (vec![], vec![0; step]);
                loop {
                    match stream.read(&mut window)? {
                        0 => return Ok(out),
                        count => out.extend(&window[..count]),
                    }
                }
            }
        }
    }

    fn sample(length: usize) -> Vec<u8> {
        (0..length).map(|i| u8::try_from((i * i / 7) % 251).unwrap()).collect()
    }

    fn compressed(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;
        match codec {
            Codec::None => bytes.to_vec(),
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Snappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            Codec::Lz4 => {
                let info = lz4_flex::frame::FrameInfo::new()
                    .block_mode(lz4_flex::frame::BlockMode::Linked)
                    .block_size(lz4_flex::frame::BlockSize::Max64KB)
                    .block_checksums(true)
                    .content_checksum(true);
                let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, vec![]);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Zstd => ::zstd::encode_all(bytes, 3).unwrap(),
        }
    }

    const COMPRESSED: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    #[test]
    fn every_codec_reads_back() {
        for length in [0, 1, 1000, 70_000, 300_000] {
            let bytes = sample(length);
            for codec in COMPRESSED {
                let input = compressed(codec, &bytes);
                for step in [1 << 16, 777] {
                    assert_eq!(
                        read_all(codec, &input, 1 << 20, step).as_ref(),
                        Ok(&bytes),
                        "{codec} {length} {step}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_cap_is_exact() {
        let bytes = sample(100_000);
        for codec in COMPRESSED {
            let input = compressed(codec, &bytes);
            assert!(read_all(codec, &input, 100_000, 4096).is_ok(), "{codec}");
            assert_eq!(read_all(codec, &input, 99_999, 4096), Err(Blocked::TooExpansive), "{codec}");
        }
    }

    #[test]
    fn a_cut_block_is_damaged() {
        let bytes = sample(5_000);
        for codec in COMPRESSED {
            let input = compressed(codec, &bytes);
            for cut in (0..input.len()).step_by(1 + input.len() / 200) {
                let result = read_all(codec, &input[..cut], 1 << 20, 4096);
                assert_eq!(result, Err(Blocked::Damaged), "{codec} cut to {cut} of {}", input.len());
            }
        }
    }

    #[test]
    fn bytes_behind_the_block_are_damage() {
        for codec in COMPRESSED {
            let mut input = compressed(codec, &sample(100));
            input.extend([1, 2, 3]);
            assert_eq!(read_all(codec, &input, 1 << 20, 4096), Err(Blocked::Damaged), "{codec}");
        }
    }

    #[test]
    fn members_and_frames_are_joined() {
        let (one, two) = (sample(3_000), sample(200));
        for codec in [Codec::Gzip, Codec::Lz4, Codec::Zstd] {
            let input = [compressed(codec, &one), compressed(codec, &two)].concat();
            assert_eq!(read_all(codec, &input, 1 << 20, 100), Ok([&one[..], &two].concat()), "{codec}");
        }
    }
}
