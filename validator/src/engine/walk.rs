//! Walks the records of a batch in place, or through a small window while they decompress.

use muster_schema::Side;
use muster_schema::framing::{GUID_PREFIX_BYTES, header_name};
use muster_schema::protobuf::indexes::LONGEST_BYTES as LONGEST_INDEXES_BYTES;

use super::batch::BatchHeader;
use super::codec::{self, Blocked, Codec, Metered, Opened};
use super::cursor::{Cursor, Flaw};
use super::record::{Headers, LastHeaders, Record, SMALLEST_RECORD_BYTES};

/// Bytes of a decompressed stream that are at hand at once.
const WINDOW_BYTES: usize = 64 << 10;
/// Largest buffer kept for the next batch.
const KEPT_BYTES: usize = 1 << 20;
/// What a verdict at level `id` may need of a key, value or header: identifier and message indexes.
const HEAD_BYTES: usize = GUID_PREFIX_BYTES + LONGEST_INDEXES_BYTES;

/// Buffers of the walk.
#[derive(Default)]
pub(super) struct Buffers {
    pub contexts: codec::Contexts,
    window: Vec<u8>,
    heads: Heads,
}

impl Buffers {
    /// Gives back what an unusually large batch needed.
    pub fn trim(&mut self) {
        self.contexts.trim(KEPT_BYTES);
        codec::trim(&mut self.window, KEPT_BYTES);
    }
}

/// Where the records go.
pub(super) trait Visitor {
    /// Whether all bytes of every record are wanted. Otherwise a record larger than the window arrives with the
    /// first [`HEAD_BYTES`] of key, value and identifier headers only.
    fn wants_whole_records(&self) -> bool;

    /// Takes one record.
    fn record(&mut self, record: &Record<'_>);
}

/// Why a batch cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Something is wrong with its bytes.
    #[error("{flaw}")]
    Malformed {
        /// What.
        flaw: Flaw,
        /// In which record, if it is in one.
        record: Option<i32>,
    },
    /// It decompresses to more than the cap.
    #[error("it decompresses to more than {cap} bytes")]
    TooExpansive {
        /// The cap in bytes.
        cap: u64,
    },
}

impl Unreadable {
    pub(super) fn whole(flaw: Flaw) -> Self {
        Self::Malformed { flaw, record: None }
    }

    pub(super) fn at(record: i32) -> impl Fn(Flaw) -> Self {
        move |flaw| Self::Malformed { flaw, record: Some(record) }
    }

    pub(super) fn blocked(codec: Codec, cap: u64) -> impl Fn(Blocked) -> Self {
        move |blocked| blocked.flaw(codec).map_or(Self::TooExpansive { cap }, Self::whole)
    }
}

/// Walks a batch whose header is `header`. Returns the bytes its block decompressed to, 0 if it is not compressed.
pub(super) fn walk_batch(
    header: &BatchHeader,
    block: &[u8],
    cap: u64,
    buffers: &mut Buffers,
    visitor: &mut impl Visitor,
) -> Result<u64, Unreadable> {
    let codec = header.codec().ok_or(Unreadable::whole(Flaw::Codec))?;
    let count = header.record_count;
    if count <= 0 || header.last_offset_delta != count - 1 {
        return Err(Unreadable::whole(Flaw::Count));
    }
    if codec == Codec::None {
        return walk_slice(block, count, visitor).map(|()| 0);
    }
    let blocked = Unreadable::blocked(codec, cap);
    match codec::open(codec, block, cap, false, &mut buffers.contexts).map_err(&blocked)? {
        Opened::Whole(records) => walk_slice(records, count, visitor).map(|()| records.len() as u64),
        Opened::Stream(stream) => {
            let window = Window::new(&mut buffers.window, stream, &blocked);
            walk_stream(window, count, &mut buffers.heads, visitor)
        }
    }
}

fn walk_slice(records: &[u8], count: i32, visitor: &mut impl Visitor) -> Result<(), Unreadable> {
    // A false count is found out before the first record rather than after the last.
    if usize::try_from(count).is_ok_and(|count| count > records.len() / SMALLEST_RECORD_BYTES) {
        return Err(Unreadable::whole(Flaw::Count));
    }
    let mut cursor = Cursor::new(records);
    for index in 0..count {
        let record = next_record(&mut cursor, index).map_err(Unreadable::at(index))?;
        visitor.record(&record);
    }
    if cursor.is_empty() { Ok(()) } else { Err(Unreadable::whole(Flaw::TrailingInBlock)) }
}

#[inline(always)]
fn next_record<'a>(cursor: &mut Cursor<'a>, index: i32) -> Result<Record<'a>, Flaw> {
    if cursor.is_empty() {
        return Err(Flaw::RecordLength);
    }
    let length = cursor.length()?.ok_or(Flaw::RecordLength)?;
    Record::parse(index, cursor.take(length).ok_or(Flaw::RecordLength)?)
}

fn walk_stream(
    mut window: Window<'_>,
    count: i32,
    heads: &mut Heads,
    visitor: &mut impl Visitor,
) -> Result<u64, Unreadable> {
    for index in 0..count {
        let at = Unreadable::at(index);
        window.fill(5)?;
        let mut cursor = Cursor::new(window.ready());
        let before = cursor.rest().len();
        if before == 0 {
            // An empty stream is a wrong count; one that ends early is a record that is cut.
            return Err(if index == 0 { Unreadable::whole(Flaw::Count) } else { at(Flaw::RecordLength) });
        }
        let length = cursor.length().and_then(|length| length.ok_or(Flaw::RecordLength));
        let length = length.map_err(&at)?;
        window.consume(before - cursor.rest().len());
        if length <= WINDOW_BYTES || visitor.wants_whole_records() {
            window.fill(length)?;
            let body = window.ready().get(..length).ok_or_else(|| at(Flaw::RecordLength))?;
            visitor.record(&Record::parse(index, body).map_err(&at)?);
            window.consume(length);
        } else {
            let mut large = Large { window: &mut window, left: length };
            heads.read(&mut large).map_err(|stop| match stop {
                Stop::Flaw(flaw) => at(flaw),
                Stop::Unreadable(error) => error,
            })?;
            visitor.record(&heads.record(index));
        }
    }
    window.fill(1)?;
    if window.ready().is_empty() {
        Ok(window.stream.produced())
    } else {
        Err(Unreadable::whole(Flaw::TrailingInBlock))
    }
}

/// The part of a decompressed stream that is at hand: `buffer[start..end]`.
struct Window<'a> {
    buffer: &'a mut Vec<u8>,
    start: usize,
    end: usize,
    /// How much of the buffer is in use. What an earlier batch made it grow to does not show.
    size: usize,
    stream: Metered<'a>,
    blocked: &'a dyn Fn(Blocked) -> Unreadable,
}

impl<'a> Window<'a> {
    fn new(buffer: &'a mut Vec<u8>, stream: Metered<'a>, blocked: &'a dyn Fn(Blocked) -> Unreadable) -> Self {
        Self { buffer, start: 0, end: 0, size: 0, stream, blocked }
    }

    /// The bytes at hand.
    fn ready(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
    }

    /// Reads until `count` bytes are at hand or the stream ends. Beyond its usual size the buffer grows with the
    /// bytes that arrive, whatever `count` says.
    #[inline]
    fn fill(&mut self, count: usize) -> Result<(), Unreadable> {
        if self.end - self.start < count { self.refill(count) } else { Ok(()) }
    }

    fn refill(&mut self, count: usize) -> Result<(), Unreadable> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < count {
            if self.end == self.size {
                self.size = self.size.saturating_mul(2).min(count).max(WINDOW_BYTES);
                if self.buffer.len() < self.size {
                    self.buffer.resize(self.size, 0);
                }
            }
            let room = self.buffer.get_mut(self.end..self.size).unwrap_or_default();
            match self.stream.read(room).map_err(self.blocked)? {
                0 => break,
                read => self.end += read,
            }
        }
        Ok(())
    }
}

/// The content of a record that is larger than the window, read once from front to back.
struct Large<'w, 'a> {
    window: &'w mut Window<'a>,
    left: usize,
}

enum Stop {
    Flaw(Flaw),
    Unreadable(Unreadable),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl From<Unreadable> for Stop {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl Large<'_, '_> {
    /// Applies `read` to at most `longest` bytes of what is left and steps over what it took.
    fn small<T>(
        &mut self,
        longest: usize,
        read: impl FnOnce(&mut Cursor<'_>) -> Result<T, Flaw>,
    ) -> Result<T, Stop> {
        let longest = longest.min(self.left);
        self.window.fill(longest)?;
        let ready = self.window.ready();
        let ready = ready.get(..longest).unwrap_or(ready);
        let mut cursor = Cursor::new(ready);
        let value = read(&mut cursor)?;
        let taken = ready.len() - cursor.rest().len();
        self.window.consume(taken);
        self.left -= taken;
        Ok(value)
    }

    fn varint(&mut self) -> Result<i32, Stop> {
        self.small(5, |cursor| cursor.varint())
    }

    /// A length that does not run over the record; `None` for -1.
    fn length(&mut self) -> Result<Option<usize>, Stop> {
        match self.varint()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) if length <= self.left => Ok(Some(length)),
                _ => Err(Flaw::FieldLength.into()),
            },
        }
    }

    /// Takes `length` bytes, keeping the first of them in `head`.
    fn bytes(&mut self, mut length: usize, head: &mut Vec<u8>) -> Result<(), Stop> {
        head.clear();
        while length > 0 {
            self.window.fill(length.min(HEAD_BYTES))?;
            let ready = self.window.ready();
            let ready = ready.get(..length).unwrap_or(ready);
            if ready.is_empty() {
                return Err(Flaw::RecordLength.into());
            }
            let wanted = HEAD_BYTES.saturating_sub(head.len());
            head.extend_from_slice(ready.get(..wanted).unwrap_or(ready));
            let taken = ready.len();
            self.window.consume(taken);
            self.left -= taken;
            length -= taken;
        }
        Ok(())
    }
}

/// What is kept of a record that is larger than the window.
#[derive(Default)]
struct Heads {
    key: Head,
    value: Head,
    headers: LastHeaders,
    name: Vec<u8>,
}

/// The front of some bytes, or their absence.
#[derive(Default)]
struct Head {
    present: bool,
    bytes: Vec<u8>,
}

impl Head {
    fn read(&mut self, large: &mut Large<'_, '_>) -> Result<(), Stop> {
        let length = large.length()?;
        self.present = length.is_some();
        large.bytes(length.unwrap_or(0), &mut self.bytes)
    }

    fn get(&self) -> Option<&[u8]> {
        self.present.then_some(self.bytes.as_slice())
    }
}

impl Heads {
    /// Follows every length of the record, like [`Record::parse`].
    fn read(&mut self, large: &mut Large<'_, '_>) -> Result<(), Stop> {
        large.small(1, |cursor| cursor.take(1).map(|_| ()).ok_or(Flaw::FieldLength))?;
        large.small(10, |cursor| cursor.skip_varlong())?;
        large.varint()?;
        self.key.read(large)?;
        self.value.read(large)?;
        self.headers = LastHeaders::default();
        let count = large.varint()?;
        if count < 0 {
            return Err(Flaw::FieldLength.into());
        }
        for _ in 0..count {
            if large.left == 0 {
                return Err(Flaw::FieldLength.into());
            }
            let length = large.length()?.ok_or(Flaw::FieldLength)?;
            large.bytes(length, &mut self.name)?;
            let mut head = Head::default();
            head.read(large)?;
            let value = head.present.then_some(head.bytes);
            // The head of a name suffices: both names are shorter, and a longer one differs from them.
            if self.name == header_name(Side::Key).as_bytes() {
                self.headers.key = Some(value);
            } else if self.name == header_name(Side::Value).as_bytes() {
                self.headers.value = Some(value);
            }
        }
        if large.left == 0 { Ok(()) } else { Err(Flaw::TrailingInRecord.into()) }
    }

    fn record(&self, index: i32) -> Record<'_> {
        Record { index, key: self.key.get(), value: self.value.get(), headers: Headers::Last(&self.headers) }
    }
}
