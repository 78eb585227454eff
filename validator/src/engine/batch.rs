//! The header of a record batch (broker validation spec §11.1).

use super::codec::Codec;
use super::cursor::Cursor;

/// Bytes of a batch before its records.
pub(super) const HEADER_BYTES: usize = 61;
/// Bytes before the first one that the length field counts.
pub(super) const LOG_OVERHEAD: usize = 12;
/// Where the format version stands, in a batch as well as in the messages of format 0 and 1.
pub(super) const MAGIC_AT: usize = 16;
/// Where the part of a batch begins that its checksum covers.
const CRC_COVERS_FROM: usize = 21;

/// The header of a record batch in format version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; clients send 0.
    pub base_offset: i64,
    /// Bytes of the whole batch, header included.
    pub size_bytes: usize,
    /// The format version as found.
    pub magic: u8,
    /// CRC-32C as stated.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: i16,
    /// Offset of the last record relative to the first.
    pub last_offset_delta: i32,
    /// Timestamp that the records count from, in milliseconds.
    pub base_timestamp_ms: i64,
    /// Largest timestamp, in milliseconds.
    pub max_timestamp_ms: i64,
    /// Producer id; -1 for none.
    pub producer_id: i64,
    /// Producer epoch; -1 for none.
    pub producer_epoch: i16,
    /// Sequence of the first record; -1 for none.
    pub base_sequence: i32,
    /// Number of records as stated.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front of `bytes` without looking at its magic or checksum.
    ///
    /// `None` if the batch is cut short, or if its length field is smaller than a header or larger than the bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let base_offset = i64::from_be_bytes(cursor.array()?);
        let length = usize::try_from(i32::from_be_bytes(cursor.array()?)).ok()?;
        let size_bytes = LOG_OVERHEAD.checked_add(length)?;
        if size_bytes < HEADER_BYTES || size_bytes > bytes.len() {
            return None;
        }
        let _leader_epoch: [u8; 4] = cursor.array()?;
        let [magic] = cursor.array()?;
        Some(Self {
            base_offset,
            size_bytes,
            magic,
            crc: u32::from_be_bytes(cursor.array()?),
            attributes: i16::from_be_bytes(cursor.array()?),
            last_offset_delta: i32::from_be_bytes(cursor.array()?),
            base_timestamp_ms: i64::from_be_bytes(cursor.array()?),
            max_timestamp_ms: i64::from_be_bytes(cursor.array()?),
            producer_id: i64::from_be_bytes(cursor.array()?),
            producer_epoch: i16::from_be_bytes(cursor.array()?),
            base_sequence: i32::from_be_bytes(cursor.array()?),
            record_count: i32::from_be_bytes(cursor.array()?),
        })
    }

    /// The compression codec; `None` for a number that is not assigned.
    pub fn codec(&self) -> Option<Codec> {
        Codec::from_attributes(self.attributes)
    }

    /// Whether the broker, not the producer, sets the timestamps.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & 0x08 != 0
    }

    /// Whether the batch belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    /// Whether the batch holds transaction markers. Only brokers write them.
    pub fn is_control(&self) -> bool {
        self.attributes & 0x20 != 0
    }

    /// Whether the stated checksum fits `bytes`, which this header was read from.
    pub fn checksum_fits(&self, bytes: &[u8]) -> bool {
        bytes.get(CRC_COVERS_FROM..self.size_bytes).is_some_and(|covered| crc32c::crc32c(covered) == self.crc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_not_all_there_has_no_header() {
        let mut batch = vec![0u8; 70];
        let with_length = |batch: &mut Vec<u8>, length: i32| {
            batch[8..12].copy_from_slice(&length.to_be_bytes());
            BatchHeader::parse(batch).map(|header| header.size_bytes)
        };
        let cases = [(-1, None), (0, None), (48, None), (49, Some(61)), (58, Some(70)), (59, None)];
        for (length, expected) in cases {
            assert_eq!(with_length(&mut batch, length), expected, "{length}");
        }
        assert_eq!(with_length(&mut batch, i32::MAX), None);
        assert_eq!(with_length(&mut batch, i32::MIN), None);
        for cut in 0..61 {
            assert_eq!(BatchHeader::parse(&batch[..cut]), None, "{cut}");
        }
    }
}
