//! One record of a batch (broker validation spec §11.1).

use muster_schema::Side;
use muster_schema::framing::header_name;

use super::cursor::{Cursor, Flaw};

/// Fewest bytes of a record: its length and six fields of one byte.
pub(super) const SMALLEST_RECORD_BYTES: usize = 7;

/// A record as far as verdicts and readers need it. Borrowed from the batch or from the window it decompresses into.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub(super) index: i32,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Headers<'a>,
}

/// The headers of a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Headers<'a> {
    /// All of them, checked, behind their count.
    All(&'a [u8]),
    /// What is kept of a record larger than the window.
    Last(&'a LastHeaders),
}

/// The front of the last value under the two names that hold schema identifiers. The outer `None` means no such
/// header, the inner one a header without value.
#[derive(Debug, Default)]
pub(super) struct LastHeaders {
    pub key: Option<Option<Vec<u8>>>,
    pub value: Option<Option<Vec<u8>>>,
}

impl<'a> Record<'a> {
    /// Its place in the batch, from 0.
    pub fn index(&self) -> i32 {
        self.index
    }

    /// The key.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// The value.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.value
    }

    /// Names and values of the headers, in order. A name may occur more than once.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let bytes = match self.headers {
            Headers::All(bytes) => bytes,
            Headers::Last(_) => &[],
        };
        let mut cursor = Cursor::new(bytes);
        std::iter::from_fn(move || {
            if cursor.is_empty() {
                return None;
            }
            let name = cursor.nullable_bytes().ok()??;
            let value = cursor.nullable_bytes().ok()?;
            Some((name, value))
        })
    }

    /// Value of the last header that names the schema of `side`. The outer `None` means no such header, the inner
    /// one a header without value.
    pub(super) fn identifier_header(&self, side: Side) -> Option<Option<&'a [u8]>> {
        match self.headers {
            Headers::All(_) => {
                let wanted = header_name(side).as_bytes();
                self.headers().filter(|(name, _)| *name == wanted).last().map(|(_, value)| value)
            }
            Headers::Last(last) => {
                let header = match side {
                    Side::Key => &last.key,
                    Side::Value => &last.value,
                };
                header.as_ref().map(Option::as_deref)
            }
        }
    }

    /// Reads the content of one record: `body` is what its length counts, neither more nor less.
    ///
    /// Every length is followed, so that what is judged is what any other reader sees; only five bytes or so per
    /// record are touched.
    #[inline(always)]
    pub(super) fn parse(index: i32, body: &'a [u8]) -> Result<Self, Flaw> {
        let mut cursor = Cursor::new(body);
        let [_attributes] = cursor.array().ok_or(Flaw::FieldLength)?;
        cursor.skip_varlong()?; // timestamp delta
        cursor.varint()?; // offset delta: brokers accept any, so the place in the batch is what counts
        let key = cursor.nullable_bytes()?;
        let value = cursor.nullable_bytes()?;
        let count = cursor.varint()?;
        let headers = cursor.rest();
        let rest = if count == 0 { headers } else { behind_headers(headers, count)? };
        if !rest.is_empty() {
            return Err(Flaw::TrailingInRecord);
        }
        Ok(Self { index, key, value, headers: Headers::All(headers) })
    }
}

/// Follows `count` headers and returns what is behind them. A header is at least two bytes, so a false count ends at
/// the end of the record.
#[inline(never)]
fn behind_headers(headers: &[u8], count: i32) -> Result<&[u8], Flaw> {
    if count < 0 {
        return Err(Flaw::FieldLength);
    }
    let mut cursor = Cursor::new(headers);
    for _ in 0..count {
        if cursor.is_empty() {
            return Err(Flaw::FieldLength);
        }
        cursor.nullable_bytes()?.ok_or(Flaw::FieldLength)?;
        cursor.nullable_bytes()?;
    }
    Ok(cursor.rest())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// attributes, timestamp delta, offset delta, then the rest.
    fn parse(rest: &[u8]) -> Result<Record<'_>, Flaw> {
        // Leaked so that the cases stay one-liners.
        let body = [&[0, 0, 0], rest].concat().leak();
        Record::parse(3, body)
    }

    #[test]
    fn fields_and_headers_are_found() {
        let record = parse(&[2, b'k', 4, 8, 9, 6, 2, b'a', 2, 1, 2, b'a', 1, 0, 0]).unwrap();
        assert_eq!((record.index(), record.key(), record.value()), (3, Some(&b"k"[..]), Some(&[8, 9][..])));
        let headers: Vec<_> = record.headers().collect();
        assert_eq!(headers, [(&b"a"[..], Some(&[1][..])), (b"a", None), (b"", Some(&[]))]);
        let record = parse(&[1, 1, 0]).unwrap();
        assert_eq!((record.key(), record.value(), record.headers().count()), (None, None, 0));
    }

    #[test]
    fn lengths_must_use_up_the_record() {
        let cases: &[(&[u8], Flaw)] = &[
            (&[], Flaw::Varint),
            (&[1, 1], Flaw::Varint),
            (&[3, 1, 0], Flaw::FieldLength),
            (&[1, 3, 0], Flaw::FieldLength),
            (&[4, 7, 1, 0], Flaw::Varint),
            (&[1, 6, 7, 8], Flaw::FieldLength),
            (&[1, 1, 0, 0], Flaw::TrailingInRecord),
            (&[1, 1, 1], Flaw::FieldLength),
            (&[1, 1, 2], Flaw::FieldLength),
            (&[1, 1, 2, 0], Flaw::Varint),
            (&[1, 1, 2, 1, 0], Flaw::FieldLength),
            (&[1, 1, 2, 0, 3], Flaw::FieldLength),
            (&[1, 1, 2, 0, 1, 0], Flaw::TrailingInRecord),
            (&[1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f], Flaw::FieldLength),
        ];
        for (rest, flaw) in cases {
            assert_eq!(parse(rest).err(), Some(*flaw), "{rest:02x?}");
        }
        assert_eq!(Record::parse(0, &[]).err(), Some(Flaw::FieldLength));
    }

    #[test]
    fn the_last_header_of_the_own_name_counts() {
        let named = |name: &str, value: Option<u8>| {
            let mut out = vec![u8::try_from(name.len() * 2).unwrap()];
            out.extend(name.as_bytes());
            match value {
                Some(byte) => out.extend([2, byte]),
                None => out.push(1),
            }
            out
        };
        let headers = [
            named("__value_schema_id", Some(1)),
            named("__key_schema_id", Some(2)),
            named("__value_schema_id", None),
            named("__key_schema_id", Some(3)),
            named("__key_schema_ix", Some(4)),
        ];
        let record = [vec![1, 1, 10], headers.concat()].concat();
        let record = parse(&record).unwrap();
        assert_eq!(record.identifier_header(Side::Key), Some(Some(&[3][..])));
        assert_eq!(record.identifier_header(Side::Value), Some(None));
        assert_eq!(parse(&[1, 1, 0]).unwrap().identifier_header(Side::Key), None);
    }
}
