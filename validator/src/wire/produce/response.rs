//! Produce responses.

use std::collections::HashMap;
use std::ops::Range;

use super::{OwnedTopic, Topic};
use crate::wire::addresses::{Mapping, endpoints};
use crate::wire::{ErrorCode, Reader, WireError, Writer, api, response_body};

/// First version with record errors and a message (KIP-467).
const RECORD_ERRORS: i16 = 8;
/// First version that names leaders' addresses (KIP-951).
const NODE_ENDPOINTS: i16 = 10;

/// Why one record made its batch fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMessage {
    /// The record's place in the batch, from 0.
    pub index: i32,
    /// Words for people.
    pub message: String,
}

/// The answer for a partition that is not sent to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAnswer {
    /// The code.
    pub error: ErrorCode,
    /// The failing records, in ascending order. Left out below version 8.
    pub records: Vec<RecordMessage>,
    /// Words for people about the batch. Left out below version 8.
    pub message: Option<String>,
}

/// One partition of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPartition {
    /// Its index.
    pub index: i32,
    /// The answer made here; `None` if the broker answers.
    pub local: Option<Box<LocalAnswer>>,
}

/// What was asked for, in order, and which of it is answered here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The topics with their partitions.
    pub topics: Vec<(OwnedTopic, Vec<PlannedPartition>)>,
}

impl Plan {
    /// Roughly what the plan occupies, in bytes.
    pub fn size_bytes(&self) -> usize {
        let partition = |partition: &PlannedPartition| {
            let local = partition.local.as_ref().map_or(0, |local| {
                let records: usize = local.records.iter().map(|record| record.message.len() + 64).sum();
                records + local.message.as_ref().map_or(0, String::len) + 96
            });
            local + 16
        };
        self.topics.iter().map(|(_, partitions)| 300 + partitions.iter().map(partition).sum::<usize>()).sum()
    }

    /// The response when nothing was sent to the broker. Answers a whole frame.
    ///
    /// A partition without a local answer is left out.
    pub fn answer(&self, correlation_id: i32, version: i16) -> Vec<u8> {
        let mut writer = response(correlation_id, version);
        self.write_topics(version, &mut writer, &mut HashMap::new());
        writer.i32(0);
        writer.no_tags();
        writer.into_frame()
    }

    /// The broker's response with the local answers in their places. Answers a whole frame.
    ///
    /// `message`: the broker's, behind the frame's size. What the broker answers beyond what was planned is left out.
    pub fn merge(&self, version: i16, message: &[u8], map: &mut Mapping<'_>) -> Result<Vec<u8>, WireError> {
        let (correlation_id, mut reader) = response_body(message, api::PRODUCE, version)?;
        let mut answered: HashMap<_, Range<usize>> = HashMap::new();
        topics(&mut reader, version, |topic, index, span| {
            answered.entry((topic, index)).or_insert(span);
        })?;
        let mut spans =
            answered.into_iter().map(|(key, span)| (key, message.get(span).unwrap_or_default())).collect();

        let mut writer = response(correlation_id, version);
        self.write_topics(version, &mut writer, &mut spans);
        writer.i32(reader.i32()?);
        end(version, &mut reader, &mut writer, map)?;
        Ok(writer.into_frame())
    }

    fn write_topics(
        &self,
        version: i16,
        writer: &mut Writer,
        answered: &mut HashMap<(Topic<'_>, i32), &[u8]>,
    ) {
        let mut written: Vec<(&OwnedTopic, Vec<Answer<'_>>)> = Vec::new();
        for (topic, partitions) in &self.topics {
            let answers = partitions.iter().filter_map(|partition| match &partition.local {
                Some(local) => Some(Answer::Local(partition.index, local)),
                None => answered.get(&(topic.as_topic(), partition.index)).map(|bytes| Answer::Broker(bytes)),
            });
            let answers: Vec<_> = answers.collect();
            if !answers.is_empty() {
                written.push((topic, answers));
            }
        }
        writer.array(written.len());
        for (topic, answers) in written {
            topic.write(writer);
            writer.array(answers.len());
            for answer in answers {
                match answer {
                    Answer::Broker(bytes) => writer.raw(bytes),
                    Answer::Local(index, local) => write_local(version, index, local, writer),
                }
            }
            writer.no_tags();
        }
    }
}

enum Answer<'a> {
    Local(i32, &'a LocalAnswer),
    Broker(&'a [u8]),
}

fn response(correlation_id: i32, version: i16) -> Writer {
    let flexible = api::find(api::PRODUCE).is_some_and(|api| api.is_flexible(version));
    Writer::response(correlation_id, flexible)
}

fn write_local(version: i16, index: i32, local: &LocalAnswer, writer: &mut Writer) {
    writer.i32(index);
    writer.i16(local.error.0);
    // Base offset and log append time.
    writer.i64(-1);
    writer.i64(-1);
    if version >= 5 {
        // Log start offset.
        writer.i64(-1);
    }
    if version >= RECORD_ERRORS {
        writer.array(local.records.len());
        for record in &local.records {
            writer.i32(record.index);
            writer.string(&record.message);
            writer.no_tags();
        }
        writer.nullable_string(local.message.as_deref());
    }
    writer.no_tags();
}

/// Replaces the addresses in a broker's response.
///
/// `message`: what follows the frame's size. Answers a whole frame, or `None` if there are no addresses.
pub fn rewrite_addresses(
    version: i16,
    message: &[u8],
    map: &mut Mapping<'_>,
) -> Result<Option<Vec<u8>>, WireError> {
    if version < NODE_ENDPOINTS {
        return Ok(None);
    }
    let (correlation_id, mut reader) = response_body(message, api::PRODUCE, version)?;
    let body_at = reader.at();
    topics(&mut reader, version, |_, _, _| {})?;
    reader.i32()?;
    let body = reader.since(body_at);
    let mut named = false;
    reader.clone().tags(|tag, _| {
        named |= tag == 0;
        Ok(())
    })?;
    if !named {
        return Ok(None);
    }
    let mut writer = response(correlation_id, version);
    writer.raw(body);
    end(version, &mut reader, &mut writer, map)?;
    Ok(Some(writer.into_frame()))
}

/// Walks the topics of a response; `partition` gets topic, index and where the entry stands.
fn topics<'a>(
    reader: &mut Reader<'a>,
    version: i16,
    mut partition: impl FnMut(Topic<'a>, i32, Range<usize>),
) -> Result<(), WireError> {
    for _ in 0..reader.array(2)? {
        let topic = Topic::read(reader, version)?;
        for _ in 0..reader.array(22)? {
            let start = reader.at();
            let index = reader.i32()?;
            reader.take(2 + 8 + 8)?;
            if version >= 5 {
                reader.i64()?;
            }
            if version >= RECORD_ERRORS {
                for _ in 0..reader.array(5)? {
                    reader.i32()?;
                    reader.nullable_string()?;
                    reader.skip_tags()?;
                }
                reader.nullable_string()?;
            }
            reader.skip_tags()?;
            partition(topic, index, start..reader.at());
        }
        reader.skip_tags()?;
    }
    Ok(())
}

/// Copies the tagged fields at the end, with other addresses in the one that has them.
fn end(
    version: i16,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
    map: &mut Mapping<'_>,
) -> Result<(), WireError> {
    if version < NODE_ENDPOINTS {
        writer.raw(reader.rest());
        return Ok(());
    }
    let mut fields = Vec::new();
    reader.tags(|tag, bytes| {
        if tag == 0 {
            let mut endpoint_reader = Reader::new(bytes, true);
            let mut endpoint_writer = Writer::new(true);
            endpoints(&mut endpoint_reader, &mut endpoint_writer, true, true, map)?;
            endpoint_reader.finish()?;
            fields.push((tag, endpoint_writer.into_bytes()));
        } else {
            fields.push((tag, bytes.to_vec()));
        }
        Ok(())
    })?;
    writer.unsigned_varint(u32::try_from(fields.len()).unwrap_or(u32::MAX));
    for (tag, bytes) in fields {
        writer.tag(tag, &bytes);
    }
    writer.raw(reader.rest());
    Ok(())
}
