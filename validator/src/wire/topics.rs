//! What a gateway learns about topics from responses that pass: names with their ids, and deletions.

use super::{ErrorCode, NO_TOPIC_ID, Reader, TopicId, WireError, api, response_body};

/// A topic in a Metadata response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicMetadata<'a> {
    /// What is wrong with it.
    pub error: ErrorCode,
    /// Its name; none for an id that is not known.
    pub name: Option<&'a str>,
    /// Its id; all zero where there is none.
    pub id: TopicId,
    /// Whether it is one of Kafka's own.
    pub is_internal: bool,
    /// How many partitions it has.
    pub partitions: usize,
    /// The node id of the leader of partition 0; -1 if it has none.
    pub first_leader: i32,
}

/// A broker in a Metadata response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerMetadata<'a> {
    /// Its node id.
    pub node: i32,
    /// Its host.
    pub host: &'a str,
    /// Its port.
    pub port: i32,
}

/// Walks a Metadata response. `message`: what follows the frame's size.
pub fn metadata<'a>(
    version: i16,
    message: &'a [u8],
    mut broker: impl FnMut(BrokerMetadata<'a>),
    mut topic: impl FnMut(TopicMetadata<'a>),
) -> Result<(), WireError> {
    let (_, mut reader) = response_body(message, api::METADATA, version)?;
    if version >= 3 {
        reader.i32()?;
    }
    for _ in 0..reader.array(9)? {
        broker(BrokerMetadata { node: reader.i32()?, host: reader.string()?, port: reader.i32()? });
        if version >= 1 {
            reader.nullable_string()?;
        }
        reader.skip_tags()?;
    }
    if version >= 2 {
        reader.nullable_string()?;
    }
    if version >= 1 {
        reader.i32()?;
    }
    for _ in 0..reader.array(4)? {
        topic(metadata_topic(version, &mut reader)?);
    }
    Ok(())
}

fn metadata_topic<'a>(version: i16, reader: &mut Reader<'a>) -> Result<TopicMetadata<'a>, WireError> {
    let error = ErrorCode(reader.i16()?);
    let name = reader.nullable_string()?;
    let id = if version >= 10 { reader.uuid()? } else { NO_TOPIC_ID };
    let is_internal = version >= 1 && reader.bool()?;
    let partitions = reader.array(18)?;
    let mut first_leader = -1;
    for _ in 0..partitions {
        reader.i16()?;
        let index = reader.i32()?;
        let leader = reader.i32()?;
        if index == 0 {
            first_leader = leader;
        }
        if version >= 7 {
            reader.i32()?;
        }
        // Replicas, those in sync, those offline.
        for _ in 0..if version >= 5 { 3 } else { 2 } {
            let nodes = reader.array(4)?;
            reader.take(nodes.saturating_mul(4))?;
        }
        reader.skip_tags()?;
    }
    if version >= 8 {
        reader.i32()?;
    }
    reader.skip_tags()?;
    Ok(TopicMetadata { error, name, id, is_internal, partitions, first_leader })
}

/// A topic in a DeleteTopics response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedTopic<'a> {
    /// What is wrong; nothing if the topic is gone.
    pub error: ErrorCode,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its id, from version 6 on; all zero where there is none.
    pub id: TopicId,
}

/// Reads a DeleteTopics response. `message`: what follows the frame's size.
pub fn deleted(version: i16, message: &[u8]) -> Result<Vec<DeletedTopic<'_>>, WireError> {
    let (_, mut reader) = response_body(message, api::DELETE_TOPICS, version)?;
    reader.i32()?;
    let mut topics = Vec::new();
    for _ in 0..reader.array(3)? {
        let name = reader.nullable_string()?;
        let id = if version >= 6 { reader.uuid()? } else { NO_TOPIC_ID };
        let error = ErrorCode(reader.i16()?);
        if version >= 5 {
            reader.nullable_string()?;
        }
        reader.skip_tags()?;
        topics.push(DeletedTopic { error, name, id });
    }
    Ok(topics)
}
