//! Produce, versions 3 to 13 (broker validation spec §10, §12).
//!
//! [`Request`] walks a request without copying or allocating; [`reduce`] cuts partitions out of it; [`Plan`] answers
//! what was cut out, alone or merged into the broker's response.

mod request;
mod response;

pub use request::{Item, Partition, Piece, Request, Segment, acks, reduce};
pub use response::{LocalAnswer, Plan, PlannedPartition, RecordMessage, rewrite_addresses};

use super::{Reader, TopicId, WireError, Writer};

/// How a request or response names a topic: by name up to version 12, by id from 13 on (KIP-516).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic<'a> {
    /// By name.
    Name(&'a str),
    /// By id.
    Id(TopicId),
}

/// First version that names topics by id.
const TOPIC_IDS: i16 = 13;

impl<'a> Topic<'a> {
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        if version >= TOPIC_IDS { reader.uuid().map(Self::Id) } else { reader.string().map(Self::Name) }
    }

    /// Keeps the name.
    pub fn to_owned(self) -> OwnedTopic {
        match self {
            Self::Name(name) => OwnedTopic::Name(name.into()),
            Self::Id(id) => OwnedTopic::Id(id),
        }
    }
}

/// A [`Topic`] of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedTopic {
    /// By name.
    Name(Box<str>),
    /// By id.
    Id(TopicId),
}

impl OwnedTopic {
    fn as_topic(&self) -> Topic<'_> {
        match self {
            Self::Name(name) => Topic::Name(name),
            Self::Id(id) => Topic::Id(*id),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Name(name) => writer.string(name),
            Self::Id(id) => writer.uuid(*id),
        }
    }
}
