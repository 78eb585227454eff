//! Produce requests.

use std::ops::Range;

use super::Topic;
use crate::wire::{Reader, RequestHeader, WireError, api};

/// The acks field of a request: 0 means that no response is expected.
///
/// `message`: what follows the frame's size, or enough of its beginning; errors with [`WireError::Truncated`] if it
/// is not enough.
pub fn acks(message: &[u8]) -> Result<i16, WireError> {
    let (_, mut reader) = RequestHeader::read(message)?;
    reader.nullable_string()?;
    reader.i16()
}

/// One partition of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition<'a> {
    /// Its index.
    pub index: i32,
    /// The record batch; no bytes if it is null.
    pub records: &'a [u8],
    /// Where the whole entry stands in the message.
    pub span: Range<usize>,
}

/// What a walk through a request comes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A topic begins; its partitions follow.
    Topic(Topic<'a>),
    /// A partition of the topic begun last.
    Partition(Partition<'a>),
}

/// A walk through the topics and partitions of a request. Nothing is copied or allocated.
///
/// ```
/// use muster_validator::wire::produce::{Item, Request, Topic};
///
/// // Header of version 8, no transactional id, acks -1, timeout 1 s, topic "t", partition 0 with 1 byte.
/// let mut message = vec![0, 0, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 3, 0xe8];
/// message.extend([0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9]);
/// let mut request = Request::read(&message)?;
/// assert_eq!(request.acks, -1);
/// assert_eq!(request.next()?, Some(Item::Topic(Topic::Name("t"))));
/// let Some(Item::Partition(partition)) = request.next()? else { panic!("no partition") };
/// assert_eq!((partition.index, partition.records), (0, &[9][..]));
/// assert_eq!(request.next()?, None);
/// # Ok::<(), muster_validator::wire::WireError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The header.
    pub header: RequestHeader<'a>,
    /// The transactional id, if the producer has one.
    pub transactional_id: Option<&'a str>,
    /// Which acknowledgements are waited for: -1 all, 1 the leader's, 0 none, not even a response.
    pub acks: i16,
    reader: Reader<'a>,
    version: i16,
    topics_at: usize,
    topics_left: usize,
    partitions_left: usize,
    in_topic: bool,
}

impl<'a> Request<'a> {
    /// Starts a walk. `message`: what follows the frame's size.
    pub fn read(message: &'a [u8]) -> Result<Self, WireError> {
        let (header, mut reader) = RequestHeader::read(message)?;
        let version = header.version;
        if !api::find(api::PRODUCE).is_some_and(|api| api.admits(version)) {
            return Err(WireError::UnsupportedVersion);
        }
        let transactional_id = reader.nullable_string()?;
        let acks = reader.i16()?;
        reader.i32()?;
        let topics_at = reader.at();
        let topics_left = reader.array(2)?;
        Ok(Self {
            header,
            transactional_id,
            acks,
            reader,
            version,
            topics_at,
            topics_left,
            partitions_left: 0,
            in_topic: false,
        })
    }

    /// The next topic or partition; `None` at the end, which must be the end of the message too.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot end with an error as plainly")]
    pub fn next(&mut self) -> Result<Option<Item<'a>>, WireError> {
        if self.partitions_left > 0 {
            self.partitions_left -= 1;
            return self.partition().map(|partition| Some(Item::Partition(partition)));
        }
        if std::mem::take(&mut self.in_topic) {
            self.reader.skip_tags()?;
        }
        if self.topics_left == 0 {
            self.reader.skip_tags()?;
            self.reader.finish()?;
            return Ok(None);
        }
        self.topics_left -= 1;
        self.in_topic = true;
        let topic = Topic::read(&mut self.reader, self.version)?;
        self.partitions_left = self.reader.array(5)?;
        Ok(Some(Item::Topic(topic)))
    }

    fn partition(&mut self) -> Result<Partition<'a>, WireError> {
        let start = self.reader.at();
        let index = self.reader.i32()?;
        let records = self.reader.nullable_bytes()?.unwrap_or_default();
        self.reader.skip_tags()?;
        Ok(Partition { index, records, span: start..self.reader.at() })
    }
}

/// One stretch of a request that was put together anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// From the original message.
    Kept(Range<usize>),
    /// Made here.
    Made(Vec<u8>),
}

/// A request without some of its partitions: stretches to write one after the other. Records stay where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The stretches; the frame's size is the first.
    pub segments: Vec<Segment>,
}

impl Piece {
    fn keep(&mut self, range: Range<usize>) {
        match self.segments.last_mut() {
            _ if range.is_empty() => {}
            Some(Segment::Kept(last)) if last.end == range.start => last.end = range.end,
            _ => self.segments.push(Segment::Kept(range)),
        }
    }

    fn make(&mut self, bytes: Vec<u8>) {
        match self.segments.last_mut() {
            Some(Segment::Made(last)) => last.extend(bytes),
            _ => self.segments.push(Segment::Made(bytes)),
        }
    }

    fn size(&self) -> usize {
        let sizes = self.segments.iter().map(|segment| match segment {
            Segment::Kept(range) => range.len(),
            Segment::Made(bytes) => bytes.len(),
        });
        sizes.sum()
    }
}

/// Where the parts of a topic stand.
struct KeptTopic {
    name: Range<usize>,
    partitions: Vec<Range<usize>>,
    tags: Range<usize>,
}

/// Cuts partitions out of a request. Topics of which nothing is left go too; order and everything else stay.
///
/// `keep`: asked once per partition, in order. Answers `None` if nothing is left.
pub fn reduce(message: &[u8], mut keep: impl FnMut() -> bool) -> Result<Option<Piece>, WireError> {
    let request = Request::read(message)?;
    let flexible = api::find(api::PRODUCE).is_some_and(|api| api.is_flexible(request.version));
    let topics_at = request.topics_at;
    let mut reader = request.reader;

    let mut topics: Vec<KeptTopic> = Vec::new();
    for _ in 0..request.topics_left {
        let name_at = reader.at();
        Topic::read(&mut reader, request.version)?;
        let name = name_at..reader.at();
        let mut partitions = Vec::new();
        for _ in 0..reader.array(5)? {
            let start = reader.at();
            reader.i32()?;
            reader.nullable_bytes()?;
            reader.skip_tags()?;
            if keep() {
                partitions.push(start..reader.at());
            }
        }
        let tags_at = reader.at();
        reader.skip_tags()?;
        if !partitions.is_empty() {
            topics.push(KeptTopic { name, partitions, tags: tags_at..reader.at() });
        }
    }
    if topics.is_empty() {
        return Ok(None);
    }

    let count = |count: usize| {
        let mut writer = crate::wire::Writer::new(flexible);
        writer.array(count);
        writer.into_bytes()
    };
    let mut piece = Piece::default();
    piece.keep(0..topics_at);
    piece.make(count(topics.len()));
    for KeptTopic { name, partitions, tags } in topics {
        piece.keep(name);
        piece.make(count(partitions.len()));
        for span in partitions {
            piece.keep(span);
        }
        piece.keep(tags);
    }
    piece.keep(reader.at()..message.len());
    // Smaller than the frame it was cut from, whose size is an i32.
    let size = i32::try_from(piece.size()).unwrap_or(i32::MAX);
    piece.segments.insert(0, Segment::Made(size.to_be_bytes().to_vec()));
    Ok(Some(piece))
}
