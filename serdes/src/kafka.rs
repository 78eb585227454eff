//! Glue to `rdkafka`: what a serializer made becomes a record, and a message becomes what a deserializer reads.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use muster_serdes::avro::{AvroDeserializer, AvroSerializer};
//! use muster_serdes::{ClientConfig, NewSchema, RegistryClient, Side, kafka};
//! use rdkafka::Message;
//! use rdkafka::consumer::{Consumer, StreamConsumer};
//! use rdkafka::producer::FutureProducer;
//!
//! # async fn f(producer: FutureProducer, consumer: StreamConsumer) -> Result<(), Box<dyn std::error::Error>> {
//! let registry = RegistryClient::new(ClientConfig::new("http://127.0.0.1:8081"))?;
//! let serializer = AvroSerializer::builder(registry.clone(), NewSchema::avro(r#""string""#)).build()?;
//! let key = serializer.serialize("greetings", Side::Key, "en").await?;
//! let value = serializer.serialize("greetings", Side::Value, "hello").await?;
//! let record = kafka::future_record("greetings", Some(&key), &value);
//! producer.send(record, Duration::from_secs(30)).await.map_err(|(error, _)| error)?;
//!
//! let deserializer = AvroDeserializer::builder(registry).build()?;
//! let message = consumer.recv().await?;
//! let header = kafka::schema_header(&message, Side::Value);
//! let value: Option<&str> =
//!     deserializer.deserialize(message.topic(), Side::Value, header, message.payload()).await?;
//! # Ok(()) }
//! ```

use muster_schema::Side;
use muster_schema::framing::header_name;
use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{BaseRecord, FutureRecord};

use crate::record::{Encoded, SchemaHeader};

/// A record for [`FutureProducer`](rdkafka::producer::FutureProducer) with the headers that name its schemas, if any.
/// Borrows the bytes.
pub fn future_record<'a>(
    topic: &'a str,
    key: Option<&'a Encoded>,
    value: &'a Encoded,
) -> FutureRecord<'a, [u8], [u8]> {
    FutureRecord {
        topic,
        partition: None,
        payload: value.payload(),
        key: key.and_then(Encoded::payload),
        timestamp: None,
        headers: headers(key, value),
    }
}

/// A record for [`BaseProducer`](rdkafka::producer::BaseProducer) with the headers that name its schemas, if any. Borrows
/// the bytes.
pub fn base_record<'a>(
    topic: &'a str,
    key: Option<&'a Encoded>,
    value: &'a Encoded,
) -> BaseRecord<'a, [u8], [u8]> {
    let mut record = BaseRecord::to(topic);
    record.key = key.and_then(Encoded::payload);
    record.payload = value.payload();
    record.headers = headers(key, value);
    record
}

/// Adds the header that names a schema, unless the last header of its name says the same (wire format spec §1.4).
pub fn with_schema_header(headers: OwnedHeaders, header: &SchemaHeader) -> OwnedHeaders {
    if last(&headers, header.name()) == Some(Some(header.value())) {
        return headers;
    }
    headers.insert(Header { key: header.name(), value: Some(header.value()) })
}

/// The `header` that a deserializer wants for one side of a message.
pub fn schema_header<M: Message>(message: &M, side: Side) -> Option<&[u8]> {
    last(message.headers()?, header_name(side)).flatten()
}

fn headers(key: Option<&Encoded>, value: &Encoded) -> Option<OwnedHeaders> {
    let wanted = [key.and_then(Encoded::header), value.header()];
    wanted.iter().flatten().fold(None, |headers, header| {
        Some(with_schema_header(headers.unwrap_or_else(OwnedHeaders::new), header))
    })
}

/// The value of the last header of a name.
fn last<'h, H: Headers>(headers: &'h H, name: &str) -> Option<Option<&'h [u8]>> {
    // librdkafka's headers are walked from the front, so the index is not taken from the back.
    headers.iter().filter(|header| header.key == name).last().map(|header| header.value)
}

#[cfg(all(test, feature = "avro"))]
mod tests {
    use muster_schema::Guid;

    use super::*;

    #[test]
    fn the_last_header_of_a_name_counts() {
        let header = SchemaHeader::new(Side::Value, Guid([7; 16]), &[]);
        let other = SchemaHeader::new(Side::Value, Guid([8; 16]), &[]);
        let headers = with_schema_header(OwnedHeaders::new(), &header);
        assert_eq!(with_schema_header(headers, &header).count(), 1, "the same header is not added again");
        let headers =
            [&header, &other, &header].iter().fold(OwnedHeaders::new(), |h, x| with_schema_header(h, x));
        assert_eq!(headers.count(), 3);
        assert_eq!(last(&headers, "__value_schema_id"), Some(Some(header.value())));
        assert_eq!(last(&headers, "__key_schema_id"), None);
    }

    #[test]
    fn records_carry_payloads_and_headers() {
        let prefix = Encoded::new(vec![0, 0, 0, 0, 1, 2], None);
        let bare = Encoded::new(vec![2], Some(SchemaHeader::new(Side::Value, Guid([7; 16]), &[])));
        let record = future_record("t", Some(&prefix), &bare);
        assert_eq!((record.key, record.payload), (prefix.payload(), Some(&[2][..])));
        assert_eq!(record.headers.map(|headers| headers.count()), Some(1));
        let tombstone = Encoded::tombstone();
        let record = base_record("t", None, &tombstone);
        assert_eq!((record.key, record.payload), (None, None));
        assert!(record.headers.is_none());
    }
}
