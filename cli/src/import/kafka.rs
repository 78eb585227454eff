//! The topic of a registry.

use muster_registry::portable::{Record, Replay};
use muster_validator::gateway::records::{TopicRecord, read_topic};
use serde_json::Value;

use crate::progress::Bar;

/// Applies the records of the topic in their order.
pub async fn read(bootstrap: &str, topic: &str, replay: &mut Replay, bar: &mut Bar) -> anyhow::Result<()> {
    let mut apply = |record: TopicRecord<'_>| {
        let place = record.offset.unsigned_abs();
        match decode(&record) {
            Ok(decoded) => replay.apply(decoded, place, record.timestamp_ms),
            Err(reason) => replay.skip(place, reason),
        }
    };
    read_topic(bootstrap, topic, &mut apply, &mut |done, total| bar.show(done, total)).await?;
    Ok(())
}

fn decode(record: &TopicRecord<'_>) -> Result<Record, String> {
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_err(|error| error.to_string());
    let key = parse(record.key.ok_or("no key")?)?;
    let value = record.value.map(parse).transpose()?;
    Record::decode(&key, value.as_ref(), record.timestamp_ms).map_err(|error| error.to_string())
}
