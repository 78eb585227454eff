//! Record batches of the gateway's own settings topic: uncompressed, small (broker validation spec §11.1).
//!
//! Batches of clients are judged by [`crate::engine`].

use super::{Reader, WireError, Writer};

/// Bytes of a batch before its length field ends.
const LENGTH_END: usize = 12;
/// Bytes before the part that the checksum covers.
const CHECKED_FROM: usize = 21;
const MAGIC: i8 = 2;
const CODEC_BITS: i16 = 0b111;
const CONTROL_BIT: i16 = 1 << 5;

/// A record to write: key and value; no value deletes the key from a compacted topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: Option<&'a [u8]>,
}

/// A record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRecord<'a> {
    /// Its offset in the partition.
    pub offset: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// Builds a batch of a producer without id. `timestamp_ms`: since 1970, of every record.
pub fn encode(records: &[NewRecord<'_>], timestamp_ms: i64) -> Vec<u8> {
    // A handful of records of a few hundred bytes.
    let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
    let mut checked = Writer::new(false);
    // Attributes, last offset delta, both timestamps; no producer id, epoch and sequence.
    checked.i16(0);
    checked.i32(count.saturating_sub(1));
    checked.i64(timestamp_ms);
    checked.i64(timestamp_ms);
    checked.i64(-1);
    checked.i16(-1);
    checked.i32(-1);
    checked.i32(count);
    for (delta, record) in (0..).zip(records) {
        let mut body = Writer::new(false);
        // Attributes and timestamp delta.
        body.i8(0);
        body.varint(0);
        body.varint(delta);
        for field in [Some(record.key), record.value] {
            match field {
                Some(bytes) => {
                    body.varint(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                    body.raw(bytes);
                }
                None => body.varint(-1),
            }
        }
        // No headers.
        body.varint(0);
        checked.varint(i32::try_from(body.len()).unwrap_or(i32::MAX));
        checked.raw(&body.into_bytes());
    }
    let checked = checked.into_bytes();

    let mut batch = Writer::new(false);
    batch.i64(0);
    batch.i32(i32::try_from(checked.len() + CHECKED_FROM - LENGTH_END).unwrap_or(i32::MAX));
    // Partition leader epoch: unknown.
    batch.i32(-1);
    batch.i8(MAGIC);
    batch.i32(crc32c::crc32c(&checked).cast_signed());
    batch.raw(&checked);
    batch.into_bytes()
}

/// Reads the records of a Fetch response in order.
///
/// `bytes`: whole batches and perhaps the beginning of one more, which is left alone. Batches of transaction markers
/// and compressed ones hold nothing of ours and are passed over.
/// Answers the offset to read from next, or `None` if there was no whole batch.
pub fn decode<'a>(
    bytes: &'a [u8],
    mut record: impl FnMut(StoredRecord<'a>),
) -> Result<Option<i64>, WireError> {
    let mut rest = Reader::new(bytes, false);
    let mut next = None;
    while rest.remaining() >= LENGTH_END {
        let base_offset = rest.i64()?;
        let length = usize::try_from(rest.i32()?).map_err(|_| WireError::NegativeLength)?;
        if length > rest.remaining() {
            break;
        }
        let mut batch = Reader::new(rest.take(length)?, false);
        batch.i32()?;
        let magic = batch.i8()?;
        batch.i32()?;
        if magic != MAGIC {
            return Err(WireError::UnsupportedVersion);
        }
        let attributes = batch.i16()?;
        let last_offset_delta = batch.i32()?;
        batch.take(8 + 8 + 8 + 2 + 4)?;
        let count = batch.i32()?;
        next = Some(base_offset.saturating_add(i64::from(last_offset_delta)).saturating_add(1));
        if attributes & (CODEC_BITS | CONTROL_BIT) != 0 {
            continue;
        }
        for _ in 0..count {
            let length = usize::try_from(batch.varint()?).map_err(|_| WireError::NegativeLength)?;
            let mut body = Reader::new(batch.take(length)?, false);
            body.i8()?;
            body.varlong()?;
            let offset = base_offset.saturating_add(i64::from(body.varint()?));
            let (key, value) = (field(&mut body)?, field(&mut body)?);
            record(StoredRecord { offset, key, value });
        }
    }
    Ok(next)
}

fn field<'a>(body: &mut Reader<'a>) -> Result<Option<&'a [u8]>, WireError> {
    match body.varint()? {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| WireError::NegativeLength)?;
            body.take(length).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Vec<StoredRecord<'_>>, Result<Option<i64>, WireError>) {
        let mut records = Vec::new();
        let next = decode(bytes, |record| records.push(record));
        (records, next)
    }

    #[test]
    fn batches_read_back() {
        let records = [NewRecord { key: b"a", value: Some(b"1") }, NewRecord { key: b"b", value: None }];
        let mut bytes = encode(&records, 1_700_000_000_000);
        bytes[7] = 40;
        let second = encode(&records[..1], 0);
        bytes.extend(&second);
        bytes.extend(&second[..30]);
        let (read, next) = read(&bytes);
        let expected = [
            StoredRecord { offset: 40, key: Some(b"a"), value: Some(b"1") },
            StoredRecord { offset: 41, key: Some(b"b"), value: None },
            StoredRecord { offset: 0, key: Some(b"a"), value: Some(b"1") },
        ];
        assert_eq!(read, expected);
        assert_eq!(next, Ok(Some(1)));
    }

    #[test]
    fn hostile_batches_are_errors() {
        let whole = encode(&[NewRecord { key: b"a", value: Some(b"1") }], 0);
        assert_eq!(read(&whole[..40]).1, Ok(None), "cut: nothing whole");
        let changed = |at: usize, bytes: &[u8]| {
            let mut batch = whole.clone();
            batch[at..at + bytes.len()].copy_from_slice(bytes);
            batch
        };
        for (batch, expected) in [
            (changed(8, &[0xff; 4]), Err(WireError::NegativeLength)),
            (changed(8, &[0, 0, 0, 3]), Err(WireError::Truncated)),
            (changed(16, &[1]), Err(WireError::UnsupportedVersion)),
            (changed(57, &[0x7f, 0xff, 0xff, 0xff]), Err(WireError::Truncated)),
            (changed(61, &[0x01]), Err(WireError::NegativeLength)),
            (changed(21, &[0, 1]), Ok(Some(1))),
            (changed(21, &[0, 0x20]), Ok(Some(1))),
        ] {
            assert_eq!(read(&batch).1, expected, "{batch:x?}");
        }
    }
}
