//! A whole partition, read once from its beginning to its end: for tools that take over what a topic holds.
//!
//! Ordinary Kafka requests to the brokers themselves, plaintext and without authentication. Compressed batches are
//! decompressed within the bounds of [`BatchLimits`].

use std::sync::Arc;
use std::time::Duration;

use super::cluster::{Cluster, Leader};
use super::error::UpstreamError;
use crate::engine::{BatchHeader, BatchLimits, Scratch, read_records};
use crate::wire::client::{self, Topics};
use crate::wire::{ErrorCode, Reader};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for one answer, with repetitions.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a broker may wait for something to be there.
const FETCH_WAIT_MS: i32 = 500;
/// Bytes asked for at a time. A batch that is larger comes all the same.
const FETCH_BYTES: i32 = 4 << 20;
/// Bytes of a batch before what its length counts.
const LOG_OVERHEAD: usize = 12;
/// Where the format of a batch stands.
const MAGIC_AT: usize = 16;

/// Why a topic cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// There is no such topic.
    #[error("topic {0:?} does not exist")]
    NoTopic(String),
    /// It has more than one partition, so its records have no order.
    #[error("topic {topic:?} has {partitions} partitions rather than one")]
    Partitions {
        /// The topic.
        topic: String,
        /// How many.
        partitions: usize,
    },
    /// No answer, or one that cannot be read.
    #[error("cannot read topic {topic:?} at {bootstrap}")]
    Upstream {
        /// The addresses.
        bootstrap: String,
        /// The topic.
        topic: String,
        /// The cause.
        #[source]
        source: UpstreamError,
    },
    /// A batch cannot be read.
    #[error("the batch at offset {offset} of topic {topic:?} is unreadable: {reason}")]
    Batch {
        /// The topic.
        topic: String,
        /// The offset.
        offset: i64,
        /// What is wrong with it.
        reason: String,
    },
}

/// A record of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicRecord<'a> {
    /// Its offset. In a batch of several records that was compacted, that of the batch plus its place there.
    pub offset: i64,
    /// When it was written, in milliseconds since the epoch: the timestamp of its batch. `None` in formats without.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// Hands every record of the one partition of `topic` to `each`, in order, up to the end as it was at first.
/// `progress` is told how many offsets were passed, of how many.
///
/// `bootstrap`: `HOST:PORT` of one or more brokers, separated by commas.
pub async fn read_topic(
    bootstrap: &str,
    topic: &str,
    each: &mut (dyn FnMut(TopicRecord<'_>) + Send),
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), RecordsError> {
    let failed = |source: UpstreamError| RecordsError::Upstream {
        bootstrap: bootstrap.to_owned(),
        topic: topic.to_owned(),
        source,
    };
    let addresses = bootstrap.split(',').map(str::trim).filter(|address| !address.is_empty());
    let cluster = Arc::new(Cluster::new(addresses.map(str::to_owned).collect(), CONNECT_TIMEOUT));
    let metadata = cluster.metadata(Topics::Names(&[topic])).await.map_err(failed)?;
    let found = metadata.topics.first().filter(|topic| topic.error != ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let Some(found) = found else { return Err(RecordsError::NoTopic(topic.to_owned())) };
    if found.partitions > 1 {
        return Err(RecordsError::Partitions { topic: topic.to_owned(), partitions: found.partitions });
    }
    let mut leader = Leader::new(cluster, topic);
    let (first, end) = {
        let mut ask = async |which| {
            let call = client::list_offset(topic, which);
            leader.insist(&call, read_offset, PATIENCE).await.map_err(failed)
        };
        (ask(client::EARLIEST).await?, ask(client::LATEST).await?)
    };
    let mut next = first;
    let mut scratch = Scratch::default();
    let span = |from: i64, to: i64| to.saturating_sub(from).max(0).unsigned_abs();
    while next < end {
        progress(span(first, next), span(first, end));
        let call = client::fetch(topic, next, FETCH_WAIT_MS, FETCH_BYTES);
        let bytes = leader.insist(&call, read_bytes, PATIENCE).await.map_err(failed)?;
        let reached = batches(&bytes, next, &mut scratch, each)
            .map_err(|(offset, reason)| RecordsError::Batch { topic: topic.to_owned(), offset, reason })?;
        if reached <= next && !bytes.is_empty() {
            let reason = "it does not fit into an answer".to_owned();
            return Err(RecordsError::Batch { topic: topic.to_owned(), offset: next, reason });
        }
        next = next.max(reached);
    }
    progress(span(first, end), span(first, end));
    Ok(())
}

/// Walks the whole batches at the front of `bytes`, passing over records before `from`; the offset to go on at.
fn batches(
    mut bytes: &[u8],
    from: i64,
    scratch: &mut Scratch,
    each: &mut (dyn FnMut(TopicRecord<'_>) + Send),
) -> Result<i64, (i64, String)> {
    let limits = BatchLimits::default();
    let mut next = from;
    while let Some((base_offset, size)) = front(bytes) {
        let Some((batch, rest)) = bytes.split_at_checked(size) else { break };
        bytes = rest;
        let header = batch.get(MAGIC_AT).filter(|magic| **magic >= 2).and_then(|_| BatchHeader::parse(batch));
        let (last, timestamp_ms) = match &header {
            Some(header) => {
                let last = base_offset.saturating_add(header.last_offset_delta.into());
                let at_append = header.is_log_append_time() || header.record_count == 1;
                let time = if at_append { header.max_timestamp_ms } else { header.base_timestamp_ms };
                (last, Some(time).filter(|time| *time >= 0))
            }
            // In the old formats the offset is that of the last message inside.
            None => (base_offset, None),
        };
        next = next.max(last.saturating_add(1));
        if last < from || header.as_ref().is_some_and(BatchHeader::is_control) {
            continue;
        }
        if header.as_ref().is_some_and(|header| !header.checksum_fits(batch)) {
            return Err((base_offset, "its checksum does not fit".to_owned()));
        }
        let read = read_records(batch, &limits, scratch, |record| {
            let offset = base_offset.saturating_add(record.index().into()).min(last);
            each(TopicRecord { offset, timestamp_ms, key: record.key(), value: record.value() });
        });
        read.map_err(|error| (base_offset, error.to_string()))?;
    }
    Ok(next)
}

/// Offset and size of the batch at the front, if its head is there.
fn front(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut reader = Reader::new(bytes, false);
    let base_offset = reader.i64().ok()?;
    let length = usize::try_from(reader.i32().ok()?).ok()?;
    Some((base_offset, length.checked_add(LOG_OVERHEAD)?))
}

fn read_offset(message: &[u8]) -> Result<i64, UpstreamError> {
    let (code, offset) = client::read_list_offset(message)?;
    if code.is_none() { Ok(offset) } else { Err(UpstreamError::Refused { code, message: String::new() }) }
}

fn read_bytes(message: &[u8]) -> Result<Vec<u8>, UpstreamError> {
    let (code, _, records) = client::read_fetch(message)?;
    if code.is_none() {
        Ok(records.to_vec())
    } else {
        Err(UpstreamError::Refused { code, message: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::batch::{NewRecord, encode};

    /// Offset, timestamp and key.
    type Found = Vec<(i64, Option<i64>, Vec<u8>)>;

    fn read(bytes: &[u8], from: i64) -> (Found, Result<i64, (i64, String)>) {
        let mut found = Vec::new();
        let mut each = |record: TopicRecord<'_>| {
            found.push((record.offset, record.timestamp_ms, record.key.unwrap_or_default().to_vec()));
        };
        let next = batches(bytes, from, &mut Scratch::default(), &mut each);
        (found, next)
    }

    fn batch(base_offset: i64, keys: &[&[u8]], timestamp_ms: i64) -> Vec<u8> {
        let records: Vec<_> = keys.iter().map(|key| NewRecord { key, value: None }).collect();
        let mut batch = encode(&records, timestamp_ms);
        batch[..8].copy_from_slice(&base_offset.to_be_bytes());
        batch
    }

    #[test]
    fn batches_are_read_from_an_offset_to_the_last_whole_one() {
        let mut bytes = batch(40, &[b"a"], 7);
        bytes.extend(batch(41, &[b"b", b"c"], 8));
        bytes.extend(&batch(43, &[b"d"], 9)[..30]);
        let all =
            vec![(40, Some(7), b"a".to_vec()), (41, Some(8), b"b".to_vec()), (42, Some(8), b"c".to_vec())];
        assert_eq!(read(&bytes, 0), (all.clone(), Ok(43)));
        assert_eq!(read(&bytes, 41), (all[1..].to_vec(), Ok(43)));
        assert_eq!(read(&bytes, 43), (vec![], Ok(43)));
        assert_eq!(read(&bytes[..20], 5), (vec![], Ok(5)));
    }

    #[test]
    fn damage_is_told_with_its_offset() {
        let mut bytes = batch(40, &[b"a"], 7);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(read(&bytes, 0).1, Err((40, "its checksum does not fit".to_owned())));
    }
}
