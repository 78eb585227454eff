//! The compacted topic behind the settings.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::gateway::cluster::{Cluster, Leader};
use crate::gateway::error::UpstreamError;
use crate::wire::batch::{self, NewRecord};
use crate::wire::client::{self, Topics};
use crate::wire::{ErrorCode, WireError};

/// How long one answer is waited for when there is nothing to read. Also bounds how long a stop takes.
const FETCH_WAIT_MS: i32 = 500;
/// Bytes asked for at a time.
const FETCH_BYTES: i32 = 1 << 20;
/// Time for a write, with its repetitions.
const APPEND_PATIENCE: Duration = Duration::from_secs(10);
/// Time for the topic to be created and to have a leader.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);
const REPLICAS: usize = 3;

#[derive(Debug)]
pub(super) struct Log {
    cluster: Arc<Cluster>,
    topic: String,
    writer: tokio::sync::Mutex<Leader>,
}

impl Log {
    /// Finds the topic, creates it if need be, and waits until it can be used.
    pub(super) async fn open(cluster: Arc<Cluster>, topic: &str) -> Result<Self, UpstreamError> {
        let deadline = Instant::now() + OPEN_PATIENCE;
        loop {
            let problem = match find(&cluster, topic).await? {
                Found::Ready => break,
                Found::Absent { brokers } => match create(&cluster, topic, brokers).await? {
                    code if code.is_none() || code == ErrorCode::TOPIC_ALREADY_EXISTS => None,
                    code => Some(code),
                },
                Found::NotYet(code) => Some(code),
            };
            if Instant::now() >= deadline {
                let code = problem.unwrap_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
                return Err(UpstreamError::Refused {
                    code,
                    message: "the topic does not become ready".to_owned(),
                });
            }
            sleep(Duration::from_millis(100)).await;
        }
        let writer = tokio::sync::Mutex::new(Leader::new(Arc::clone(&cluster), topic));
        Ok(Self { cluster, topic: topic.to_owned(), writer })
    }

    /// The offset behind the last record.
    pub(super) async fn end(&self) -> Result<i64, UpstreamError> {
        let call = client::list_offset(&self.topic, client::LATEST);
        self.writer.lock().await.insist(&call, read_offset, APPEND_PATIENCE).await
    }

    /// Writes a record, acknowledged by all replicas in sync. Answers its offset.
    pub(super) async fn append(&self, key: &str, value: Option<&str>) -> Result<i64, UpstreamError> {
        let record = NewRecord { key: key.as_bytes(), value: value.map(str::as_bytes) };
        let batch = batch::encode(&[record], now_ms());
        let timeout_ms = i32::try_from(APPEND_PATIENCE.as_millis()).unwrap_or(i32::MAX);
        let call = client::produce(&self.topic, &batch, timeout_ms);
        let read = |message: &[u8]| {
            let (code, offset, message) = client::read_produce(message)?;
            if code.is_none() { Ok(offset) } else { Err(UpstreamError::Refused { code, message }) }
        };
        self.writer.lock().await.insist(&call, read, APPEND_PATIENCE).await
    }

    /// A reader of its own.
    pub(super) fn tail(&self) -> Tail {
        Tail {
            leader: Leader::new(Arc::clone(&self.cluster), &self.topic),
            topic: self.topic.clone(),
            next_offset: 0,
        }
    }
}

/// A reader of the topic.
#[derive(Debug)]
pub(super) struct Tail {
    leader: Leader,
    topic: String,
    next_offset: i64,
}

/// What a read brought.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The log begins anew; what was read before is no longer in it.
    pub(super) restarted: bool,
    /// Offset, key and value. Records without a key or with text that is not UTF-8 are left out.
    pub(super) records: Vec<(i64, String, Option<String>)>,
}

impl Tail {
    /// The offset that is read next.
    pub(super) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Goes on reading at `offset`.
    pub(super) fn seek(&mut self, offset: i64) {
        self.next_offset = offset;
    }

    /// Goes to the beginning. Answers the offset behind the last record.
    pub(super) async fn start(&mut self) -> Result<i64, UpstreamError> {
        let ask = |which| client::list_offset(&self.topic, which);
        let (earliest, latest) = (ask(client::EARLIEST), ask(client::LATEST));
        self.next_offset = self.leader.insist(&earliest, read_offset, APPEND_PATIENCE).await?;
        self.leader.insist(&latest, read_offset, APPEND_PATIENCE).await
    }

    /// Reads what there is, or waits a moment for something to come.
    pub(super) async fn next(&mut self) -> Result<News, UpstreamError> {
        let call = client::fetch(&self.topic, self.next_offset, FETCH_WAIT_MS, FETCH_BYTES);
        let read = self.leader.call(call, |message| {
            let (code, _, records) = client::read_fetch(message)?;
            if code.is_none() {
                Ok(records.to_vec())
            } else {
                Err(UpstreamError::Refused { code, message: String::new() })
            }
        });
        let bytes = match read.await {
            Ok(bytes) => bytes,
            Err(UpstreamError::Refused { code: ErrorCode::OFFSET_OUT_OF_RANGE, .. }) => {
                self.start().await?;
                return Ok(News { restarted: true, records: Vec::new() });
            }
            Err(error) => return Err(error),
        };
        let from = self.next_offset;
        let mut records = Vec::new();
        let next = batch::decode(&bytes, |record| {
            // A batch may begin before the offset asked for.
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned);
            if record.offset >= from
                && let Some(Ok(key)) = record.key.map(text)
                && let Ok(value) = record.value.map(text).transpose()
            {
                records.push((record.offset, key, value));
            }
        })?;
        match next {
            Some(next) => self.next_offset = next.max(from),
            // A broker sends at least one whole batch, whatever its size.
            None if !bytes.is_empty() => return Err(WireError::Truncated.into()),
            None => {}
        }
        Ok(News { restarted: false, records })
    }
}

enum Found {
    Ready,
    Absent { brokers: usize },
    NotYet(ErrorCode),
}

async fn find(cluster: &Cluster, topic: &str) -> Result<Found, UpstreamError> {
    let metadata = cluster.metadata(Topics::Names(&[topic])).await?;
    let found = metadata.topics.first().ok_or(UpstreamError::Unexpected("no metadata for the topic"))?;
    if found.error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION {
        return Ok(Found::Absent { brokers: metadata.brokers.len() });
    }
    // Leader not available: it will be.
    if found.first_leader < 0 || !found.error.is_none() {
        let healing = found.error.is_none() || found.error == ErrorCode(5);
        let code = if found.error.is_none() { ErrorCode(5) } else { found.error };
        return if healing {
            Ok(Found::NotYet(code))
        } else {
            Err(UpstreamError::Refused { code, message: String::new() })
        };
    }
    if found.partitions != 1 {
        return Err(UpstreamError::Unexpected("the topic must have exactly one partition"));
    }
    Ok(Found::Ready)
}

async fn create(cluster: &Cluster, topic: &str, brokers: usize) -> Result<ErrorCode, UpstreamError> {
    let replication = i16::try_from(brokers.clamp(1, REPLICAS)).unwrap_or(1);
    // Uncompressed whatever the broker's default is, for that is what is read here.
    let configs = [("cleanup.policy", "compact"), ("compression.type", "uncompressed")];
    let timeout_ms = i32::try_from(OPEN_PATIENCE.as_millis()).unwrap_or(i32::MAX) / 4;
    let (message, _) = cluster.call(client::create_topic(topic, replication, &configs, timeout_ms)).await?;
    let (code, message) = client::read_create_topic(&message)?;
    // Timed out, too few brokers registered yet, not the controller.
    if code.is_none() || code == ErrorCode::TOPIC_ALREADY_EXISTS || matches!(code.0, 7 | 38 | 41) {
        Ok(code)
    } else {
        Err(UpstreamError::Refused { code, message })
    }
}

fn read_offset(message: &[u8]) -> Result<i64, UpstreamError> {
    let (code, offset) = client::read_list_offset(message)?;
    if code.is_none() { Ok(offset) } else { Err(UpstreamError::Refused { code, message: String::new() }) }
}

/// Milliseconds since 1970, for the timestamps of our own records. Nothing is decided by them.
#[expect(
    clippy::disallowed_methods,
    reason = "records carry the writer's wall clock; nothing is decided by it"
)]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
