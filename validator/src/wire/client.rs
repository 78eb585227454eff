//! The requests that a gateway, or a tool that talks to one, sends of its own accord.
//!
//! Each in one old version that every broker from 3.1 on speaks, but Metadata, which must carry topic ids.

use super::configs::TOPIC;
use super::{ErrorCode, NO_TOPIC_ID, Reader, WireError, Writer, api, response_body};

/// Version of Metadata used: names, ids, and no creation of topics by the way.
pub const METADATA_VERSION: i16 = 12;
const API_VERSIONS_VERSION: i16 = 0;
const CREATE_TOPICS_VERSION: i16 = 2;
const PRODUCE_VERSION: i16 = 8;
const LIST_OFFSETS_VERSION: i16 = 1;
const FETCH_VERSION: i16 = 4;
const DESCRIBE_CONFIGS_VERSION: i16 = 2;
const INCREMENTAL_ALTER_CONFIGS_VERSION: i16 = 0;

/// What is needed of a broker: API key and version.
pub const NEEDED: [(i16, i16); 5] = [
    (api::METADATA, METADATA_VERSION),
    (api::CREATE_TOPICS, CREATE_TOPICS_VERSION),
    (api::PRODUCE, PRODUCE_VERSION),
    (api::LIST_OFFSETS, LIST_OFFSETS_VERSION),
    (api::FETCH, FETCH_VERSION),
];

/// A request frame and what is needed to read its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The API.
    pub api_key: i16,
    /// Its version.
    pub version: i16,
    /// The frame. Bytes 8 to 11 hold the correlation id.
    pub frame: Vec<u8>,
}

const CLIENT_ID: &str = "muster-gateway";

fn call(api_key: i16, version: i16, body: impl FnOnce(&mut Writer)) -> Call {
    let flexible = api::find(api_key).is_some_and(|api| api.is_flexible(version));
    let mut writer = Writer::request(api_key, version, 0, Some(CLIENT_ID), flexible);
    body(&mut writer);
    Call { api_key, version, frame: writer.into_frame() }
}

/// Asks which APIs there are.
pub fn api_versions() -> Call {
    call(api::API_VERSIONS, API_VERSIONS_VERSION, |_| {})
}

/// Reads the ranges of the APIs: key, oldest, newest version.
pub fn read_api_versions(message: &[u8]) -> Result<Vec<(i16, i16, i16)>, WireError> {
    let (_, mut reader) = response_body(message, api::API_VERSIONS, API_VERSIONS_VERSION)?;
    reader.i16()?;
    let mut ranges = Vec::new();
    for _ in 0..reader.array(6)? {
        ranges.push((reader.i16()?, reader.i16()?, reader.i16()?));
    }
    Ok(ranges)
}

/// Which topics to ask about.
#[derive(Clone, Copy, Debug)]
pub enum Topics<'a> {
    /// None: the brokers alone.
    None,
    /// All of them.
    All,
    /// Those with these names.
    Names(&'a [&'a str]),
    /// Those with these ids.
    Ids(&'a [super::TopicId]),
}

/// Asks about brokers and topics. Creates nothing. See [`topics::metadata`](super::topics::metadata).
pub fn metadata(topics: Topics<'_>) -> Call {
    call(api::METADATA, METADATA_VERSION, |writer| {
        match topics {
            Topics::None => writer.array(0),
            Topics::All => writer.null_array(),
            Topics::Names(names) => {
                writer.array(names.len());
                for name in names {
                    writer.uuid(NO_TOPIC_ID);
                    writer.string(name);
                    writer.no_tags();
                }
            }
            Topics::Ids(ids) => {
                writer.array(ids.len());
                for id in ids {
                    writer.uuid(*id);
                    writer.nullable_string(None);
                    writer.no_tags();
                }
            }
        }
        // No auto-creation, no authorized operations.
        writer.bool(false);
        writer.bool(false);
        writer.no_tags();
    })
}

/// Creates a topic with one partition.
pub fn create_topic(name: &str, replication: i16, configs: &[(&str, &str)], timeout_ms: i32) -> Call {
    call(api::CREATE_TOPICS, CREATE_TOPICS_VERSION, |writer| {
        writer.array(1);
        writer.string(name);
        writer.i32(1);
        writer.i16(replication);
        writer.array(0);
        writer.array(configs.len());
        for (name, value) in configs {
            writer.string(name);
            writer.string(value);
        }
        writer.i32(timeout_ms);
        writer.bool(false);
    })
}

/// Reads code and words about the one topic of [`create_topic`].
pub fn read_create_topic(message: &[u8]) -> Result<(ErrorCode, String), WireError> {
    let (_, mut reader) = response_body(message, api::CREATE_TOPICS, CREATE_TOPICS_VERSION)?;
    reader.i32()?;
    if reader.array(6)? == 0 {
        return Err(WireError::Truncated);
    }
    reader.string()?;
    let error = ErrorCode(reader.i16()?);
    Ok((error, reader.nullable_string()?.unwrap_or_default().to_owned()))
}

/// Appends a batch to partition 0 of a topic, acknowledged by all replicas in sync.
pub fn produce(topic: &str, batch: &[u8], timeout_ms: i32) -> Call {
    call(api::PRODUCE, PRODUCE_VERSION, |writer| {
        writer.nullable_string(None);
        writer.i16(-1);
        writer.i32(timeout_ms);
        writer.array(1);
        writer.string(topic);
        writer.array(1);
        writer.i32(0);
        writer.bytes(batch);
    })
}

/// Reads code, base offset and words about the one partition of [`produce`].
pub fn read_produce(message: &[u8]) -> Result<(ErrorCode, i64, String), WireError> {
    let (_, mut reader) = response_body(message, api::PRODUCE, PRODUCE_VERSION)?;
    let mut reader = one_partition(&mut reader)?;
    let error = ErrorCode(reader.i16()?);
    let base_offset = reader.i64()?;
    reader.take(16)?;
    for _ in 0..reader.array(6)? {
        reader.i32()?;
        reader.nullable_string()?;
    }
    Ok((error, base_offset, reader.nullable_string()?.unwrap_or_default().to_owned()))
}

/// The earliest offset there is.
pub const EARLIEST: i64 = -2;
/// The offset behind the last record.
pub const LATEST: i64 = -1;

/// Asks for an offset of partition 0 of a topic: [`EARLIEST`] or [`LATEST`].
pub fn list_offset(topic: &str, which: i64) -> Call {
    call(api::LIST_OFFSETS, LIST_OFFSETS_VERSION, |writer| {
        writer.i32(-1);
        writer.array(1);
        writer.string(topic);
        writer.array(1);
        writer.i32(0);
        writer.i64(which);
    })
}

/// Reads code and offset from the answer to [`list_offset`].
pub fn read_list_offset(message: &[u8]) -> Result<(ErrorCode, i64), WireError> {
    let (_, mut reader) = response_body(message, api::LIST_OFFSETS, LIST_OFFSETS_VERSION)?;
    let mut reader = one_partition(&mut reader)?;
    let error = ErrorCode(reader.i16()?);
    reader.i64()?;
    Ok((error, reader.i64()?))
}

/// Reads partition 0 of a topic from an offset on, waiting up to `wait_ms` for something to be there.
pub fn fetch(topic: &str, offset: i64, wait_ms: i32, max_bytes: i32) -> Call {
    call(api::FETCH, FETCH_VERSION, |writer| {
        // A consumer, no replica.
        writer.i32(-1);
        writer.i32(wait_ms);
        writer.i32(1);
        writer.i32(max_bytes);
        // Read uncommitted.
        writer.i8(0);
        writer.array(1);
        writer.string(topic);
        writer.array(1);
        writer.i32(0);
        writer.i64(offset);
        writer.i32(max_bytes);
    })
}

/// Reads code, high watermark and records from the answer to [`fetch`].
pub fn read_fetch(message: &[u8]) -> Result<(ErrorCode, i64, &[u8]), WireError> {
    let (_, mut reader) = response_body(message, api::FETCH, FETCH_VERSION)?;
    reader.i32()?;
    let mut reader = one_partition(&mut reader)?;
    let error = ErrorCode(reader.i16()?);
    let high_watermark = reader.i64()?;
    reader.i64()?;
    for _ in 0..reader.nullable_array(16)?.unwrap_or_default() {
        reader.take(16)?;
    }
    Ok((error, high_watermark, reader.nullable_bytes()?.unwrap_or_default()))
}

/// Goes to the one partition of the one topic in a response, past its index.
fn one_partition<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, WireError> {
    if reader.array(2)? == 0 {
        return Err(WireError::Truncated);
    }
    reader.string()?;
    if reader.array(6)? == 0 {
        return Err(WireError::Truncated);
    }
    reader.i32()?;
    Ok(reader.clone())
}

/// Asks for some settings of topics.
pub fn describe_configs(topics: &[&str], keys: &[&str]) -> Call {
    call(api::DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION, |writer| {
        writer.array(topics.len());
        for topic in topics {
            writer.i8(TOPIC);
            writer.string(topic);
            writer.array(keys.len());
            for key in keys {
                writer.string(key);
            }
        }
        writer.bool(false);
    })
}

/// One topic in the answer to [`describe_configs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described<'a> {
    /// What is wrong with it.
    pub error: ErrorCode,
    /// Words about that.
    pub message: &'a str,
    /// The topic.
    pub topic: &'a str,
    /// Name, value and source of its settings.
    pub configs: Vec<(&'a str, Option<&'a str>, i8)>,
}

/// Reads the answer to [`describe_configs`].
pub fn read_describe_configs(message: &[u8]) -> Result<Vec<Described<'_>>, WireError> {
    let (_, mut reader) = response_body(message, api::DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION)?;
    reader.i32()?;
    let mut described = Vec::new();
    for _ in 0..reader.array(11)? {
        let error = ErrorCode(reader.i16()?);
        let message = reader.nullable_string()?.unwrap_or_default();
        reader.i8()?;
        let topic = reader.string()?;
        let mut configs = Vec::new();
        for _ in 0..reader.array(11)? {
            let (name, value) = (reader.string()?, reader.nullable_string()?);
            reader.bool()?;
            configs.push((name, value, reader.i8()?));
            reader.bool()?;
            for _ in 0..reader.array(5)? {
                reader.string()?;
                reader.nullable_string()?;
                reader.i8()?;
            }
        }
        described.push(Described { error, message, topic, configs });
    }
    Ok(described)
}

/// Changes settings of a topic; a setting without value goes back to its default.
pub fn alter_configs(topic: &str, changes: &[(&str, Option<&str>)]) -> Call {
    call(api::INCREMENTAL_ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS_VERSION, |writer| {
        writer.array(1);
        writer.i8(TOPIC);
        writer.string(topic);
        writer.array(changes.len());
        for (name, value) in changes {
            writer.string(name);
            writer.i8(if value.is_some() { super::configs::SET } else { super::configs::DELETE });
            writer.nullable_string(*value);
        }
        writer.bool(false);
    })
}

/// Reads code and words about the one topic of [`alter_configs`].
pub fn read_alter_configs(message: &[u8]) -> Result<(ErrorCode, String), WireError> {
    let (_, mut reader) =
        response_body(message, api::INCREMENTAL_ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS_VERSION)?;
    reader.i32()?;
    if reader.array(5)? == 0 {
        return Err(WireError::Truncated);
    }
    let error = ErrorCode(reader.i16()?);
    Ok((error, reader.nullable_string()?.unwrap_or_default().to_owned()))
}
