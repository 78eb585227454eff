//! Writing protocol primitives.

use super::TopicId;

/// Writes primitives behind each other, in the old or the compact form (see [`Reader`](super::Reader)).
///
/// Values come from here, not from strangers; text longer than its length field can say is cut.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    flexible: bool,
}

impl Writer {
    /// Starts empty.
    pub fn new(flexible: bool) -> Self {
        Self { out: Vec::new(), flexible }
    }

    /// Starts a response frame: room for its size, then the header.
    ///
    /// `flexible`: whether the header has tagged fields and the body uses the compact forms. ApiVersions responses
    /// have a header without, whatever their body (KIP-511).
    pub fn response(correlation_id: i32, flexible: bool) -> Self {
        let mut writer = Self { out: vec![0; 4], flexible };
        writer.i32(correlation_id);
        writer.no_tags();
        writer
    }

    /// Starts a request frame: room for its size, then the header, without a client id if that is null.
    pub fn request(
        api_key: i16,
        version: i16,
        correlation_id: i32,
        client_id: Option<&str>,
        flexible: bool,
    ) -> Self {
        let mut writer = Self { out: vec![0; 4], flexible: false };
        writer.i16(api_key);
        writer.i16(version);
        writer.i32(correlation_id);
        writer.nullable_string(client_id);
        writer.flexible = flexible;
        writer.no_tags();
        writer
    }

    /// Switches between the forms.
    pub fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    /// The frame, with its size filled in.
    pub fn into_frame(mut self) -> Vec<u8> {
        // Frames made here are far below 2 GiB.
        let size = i32::try_from(self.out.len().saturating_sub(4)).unwrap_or(i32::MAX);
        if let Some(room) = self.out.first_chunk_mut::<4>() {
            *room = size.to_be_bytes();
        }
        self.out
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// How many bytes have been written.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// One byte, signed.
    pub fn i8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    /// Two bytes, big endian.
    pub fn i16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, big endian.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes, big endian.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// One byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// A topic id.
    pub fn uuid(&mut self, value: TopicId) {
        self.raw(&value);
    }

    /// An unsigned variable-length integer.
    pub fn unsigned_varint(&mut self, value: u32) {
        self.base128(u64::from(value));
    }

    /// A zigzag variable-length integer.
    pub fn varint(&mut self, value: i32) {
        self.base128(u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()));
    }

    /// A zigzag variable-length integer of up to 10 bytes.
    pub fn varlong(&mut self, value: i64) {
        self.base128(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn base128(&mut self, mut value: u64) {
        loop {
            // Seven bits fit in a byte.
            let bits = u8::try_from(value & 0x7f).unwrap_or_default();
            value >>= 7;
            if value == 0 {
                return self.u8(bits);
            }
            self.u8(bits | 0x80);
        }
    }

    fn compact_length(&mut self, length: usize) {
        self.unsigned_varint(u32::try_from(length).unwrap_or(u32::MAX - 1).saturating_add(1));
    }

    /// Text, or null.
    pub fn nullable_string(&mut self, text: Option<&str>) {
        let Some(text) = text else {
            return if self.flexible { self.u8(0) } else { self.i16(-1) };
        };
        let text = truncate(text, usize::from(i16::MAX.cast_unsigned()));
        if self.flexible {
            self.compact_length(text.len());
        } else {
            self.i16(i16::try_from(text.len()).unwrap_or(i16::MAX));
        }
        self.raw(text.as_bytes());
    }

    /// Text.
    pub fn string(&mut self, text: &str) {
        self.nullable_string(Some(text));
    }

    /// Bytes with a 32-bit or compact length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.array(bytes.len());
        self.raw(bytes);
    }

    /// The number of elements that follow.
    pub fn array(&mut self, count: usize) {
        if self.flexible {
            self.compact_length(count);
        } else {
            self.i32(i32::try_from(count).unwrap_or(i32::MAX));
        }
    }

    /// An array, or bytes, that are null.
    pub fn null_array(&mut self) {
        if self.flexible { self.u8(0) } else { self.i32(-1) }
    }

    /// The end of a structure without tagged fields; nothing in the old form.
    pub fn no_tags(&mut self) {
        if self.flexible {
            self.u8(0);
        }
    }

    /// One tagged field.
    pub fn tag(&mut self, tag: u32, bytes: &[u8]) {
        self.unsigned_varint(tag);
        self.unsigned_varint(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.raw(bytes);
    }
}

/// The longest beginning of `text` that is whole characters and at most `limit` bytes.
fn truncate(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit.min(text.len()))).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;

    #[test]
    fn what_is_written_reads_back() {
        for flexible in [false, true] {
            let mut writer = Writer::new(flexible);
            for value in [0, 1, -1, 63, -64, 64, i32::MAX, i32::MIN] {
                writer.varint(value);
                writer.varlong(i64::from(value) << 31);
            }
            writer.nullable_string(None);
            writer.string("é");
            writer.bytes(&[1, 2]);
            writer.null_array();
            writer.array(0);
            writer.no_tags();
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes, flexible);
            for value in [0, 1, -1, 63, -64, 64, i32::MAX, i32::MIN] {
                assert_eq!(reader.varint(), Ok(value));
                assert_eq!(reader.varlong(), Ok(i64::from(value) << 31));
            }
            assert_eq!(reader.nullable_string(), Ok(None));
            assert_eq!(reader.string(), Ok("é"));
            assert_eq!(reader.nullable_bytes(), Ok(Some(&[1, 2][..])));
            assert_eq!(reader.nullable_array(1), Ok(None));
            assert_eq!(reader.array(1), Ok(0));
            assert_eq!(reader.skip_tags(), Ok(()));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "é".repeat(20_000);
        let mut writer = Writer::new(false);
        writer.string(&text);
        let bytes = writer.into_bytes();
        let read = Reader::new(&bytes, false).string().unwrap().len();
        assert_eq!(read, 32_766);
    }

    #[test]
    fn frames_state_their_size() {
        let mut writer = Writer::response(7, true);
        writer.i16(3);
        assert_eq!(writer.into_frame(), [0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 3]);
        let request = Writer::request(18, 3, 9, None, true).into_frame();
        assert_eq!(request, [0, 0, 0, 11, 0, 18, 0, 3, 0, 0, 0, 9, 0xff, 0xff, 0]);
    }
}
