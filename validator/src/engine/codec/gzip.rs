//! gzip, RFC 1952: members of header, deflate stream and trailer.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::Blocked;
use crate::engine::cursor::Cursor;

const DEFLATE: u8 = 8;
const FLAG_HEADER_CRC: u8 = 0x02;
const FLAG_EXTRA: u8 = 0x04;
const FLAG_NAME: u8 = 0x08;
const FLAG_COMMENT: u8 = 0x10;
const FLAGS_RESERVED: u8 = 0xe0;

/// A gzip stream in progress.
pub(super) struct Gzip<'a> {
    input: Cursor<'a>,
    inflate: &'a mut Decompress,
    crc: Crc,
    at: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first member.
    Start,
    Body,
    /// Behind a member, where another may begin.
    Between,
}

impl<'a> Gzip<'a> {
    pub fn new(input: &'a [u8], inflate: &'a mut Decompress) -> Self {
        Self { input: Cursor::new(input), inflate, crc: Crc::new(), at: Place::Start }
    }

    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, Blocked> {
        loop {
            if self.at != Place::Body {
                if self.at == Place::Between && self.input.is_empty() {
                    return Ok(0);
                }
                skip_header(&mut self.input).ok_or(Blocked::Damaged)?;
                self.inflate.reset(false);
                self.crc.reset();
                self.at = Place::Body;
            }
            let (consumed, produced) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(self.input.rest(), out, FlushDecompress::None)
                .map_err(|_| Blocked::Damaged)?;
            let consumed =
                usize::try_from(self.inflate.total_in() - consumed).map_err(|_| Blocked::Damaged)?;
            let produced =
                usize::try_from(self.inflate.total_out() - produced).map_err(|_| Blocked::Damaged)?;
            self.input.take(consumed).ok_or(Blocked::Damaged)?;
            self.crc.update(out.get(..produced).ok_or(Blocked::Damaged)?);
            if status == Status::StreamEnd {
                self.check_trailer().ok_or(Blocked::Damaged)?;
                self.at = Place::Between;
            } else if consumed == 0 && produced == 0 {
                return Err(Blocked::Damaged);
            }
            if produced > 0 {
                return Ok(produced);
            }
        }
    }

    /// CRC-32 and length of the content, the latter modulo 2^32.
    fn check_trailer(&mut self) -> Option<()> {
        let crc = u32::from_le_bytes(self.input.array()?);
        let length = u32::from_le_bytes(self.input.array()?);
        (crc == self.crc.sum() && length == self.crc.amount()).then_some(())
    }
}

/// Steps over a member header. `None` if it is cut or none.
fn skip_header(input: &mut Cursor<'_>) -> Option<()> {
    let start = input.rest();
    let [magic_0, magic_1, method, flags, _, _, _, _, _, _]: [u8; 10] = input.array()?;
    if [magic_0, magic_1, method] != [0x1f, 0x8b, DEFLATE] || flags & FLAGS_RESERVED != 0 {
        return None;
    }
    if flags & FLAG_EXTRA != 0 {
        let length = u16::from_le_bytes(input.array()?);
        input.take(usize::from(length))?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let length = input.rest().iter().position(|byte| *byte == 0)?;
            input.take(length + 1)?;
        }
    }
    if flags & FLAG_HEADER_CRC != 0 {
        let mut crc = Crc::new();
        crc.update(start.get(..start.len() - input.rest().len())?);
        let stated = u16::from_le_bytes(input.array()?);
        if u32::from(stated) != crc.sum() & 0xffff {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_header_fields_are_stepped_over() {
        let with = |flags: u8, rest: &[u8]| [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3][..], rest].concat();
        let crc = |bytes: &[u8]| {
            let mut crc = Crc::new();
            crc.update(bytes);
            let low = u16::try_from(crc.sum() & 0xffff).unwrap();
            [bytes, &low.to_le_bytes()].concat()
        };
        let cases = [
            (with(0, b"~"), Some(1)),
            (with(FLAG_EXTRA, b"\x02\x00ab~"), Some(1)),
            (with(FLAG_NAME, b"name\0~"), Some(1)),
            (with(FLAG_NAME | FLAG_COMMENT, b"name\0why\0~"), Some(1)),
            (crc(&with(FLAG_HEADER_CRC | FLAG_NAME, b"n\0")), Some(0)),
            (with(FLAG_HEADER_CRC, b"\x12\x34"), None),
            (with(FLAG_NAME, b"endless"), None),
            (with(FLAG_EXTRA, b"\xff\xffab"), None),
            (with(0x80, b""), None),
            (b"\x1f\x8b\x08\0\0\0\0\0\0".to_vec(), None),
            (b"\x1f\x8c\x08\0\0\0\0\0\0\0".to_vec(), None),
            (b"\x1f\x8b\x07\0\0\0\0\0\0\0".to_vec(), None),
        ];
        for (bytes, rest) in cases {
            let mut cursor = Cursor::new(&bytes);
            assert_eq!(skip_header(&mut cursor).map(|()| cursor.rest().len()), rest, "{bytes:02x?}");
        }
    }
}
