//! Through `rdkafka` and librdkafka's mock broker: what is produced is what is consumed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::Entry;
use muster_serdes::avro::{AvroDeserializer, AvroSerializer};
use muster_serdes::{Framing, NewSchema, Side, kafka};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, FutureProducer, Producer};
use rdkafka::{ClientConfig, Message};
use serde::{Deserialize, Serialize};

const ORDER: &str = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_consumed_as_they_were_produced() {
    let registry = common::registry(vec![
        Entry::avro("orders-key", 1, 1, "\"string\""),
        Entry::avro("orders-value", 1, 2, ORDER),
    ])
    .await;
    let cluster: MockCluster<'static, DefaultProducerContext> = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let config = |more: &[(&str, &str)]| {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        for (name, value) in more {
            config.set(*name, *value);
        }
        config
    };

    let keys = AvroSerializer::builder(registry.client(), NewSchema::avro("\"string\"")).build().unwrap();
    let producer: FutureProducer =
        config(&[("enable.idempotence", "true"), ("acks", "all")]).create().unwrap();
    let base: BaseProducer = config(&[]).create().unwrap();
    for (id, framing) in [(0, Framing::Prefix), (1, Framing::Header)] {
        let values = AvroSerializer::builder(registry.client(), NewSchema::avro(ORDER)).framing(framing);
        let values = values.build().unwrap();
        let key = keys.serialize("orders", Side::Key, &format!("key {id}")).await.unwrap();
        let value = values.serialize("orders", Side::Value, &Order { id }).await.unwrap();
        let record = kafka::future_record("orders", Some(&key), &value);
        producer.send(record, Duration::from_secs(10)).await.unwrap();
        base.send(kafka::base_record("orders", None, &value)).map_err(|(error, _)| error).unwrap();
        base.flush(Duration::from_secs(10)).unwrap();
    }
    let tombstone = keys.serialize_nullable("orders", Side::Value, None::<&str>).await.unwrap();
    producer.send(kafka::future_record("orders", None, &tombstone), Duration::from_secs(10)).await.unwrap();

    let consumer: StreamConsumer =
        config(&[("group.id", "test"), ("auto.offset.reset", "earliest")]).create().unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    let deserializer = AvroDeserializer::builder(registry.client()).build().unwrap();
    let mut read = Vec::new();
    while read.len() < 5 {
        let message = tokio::time::timeout(Duration::from_secs(60), consumer.recv()).await;
        let message = message.expect("a message arrives").unwrap();
        let header = |side| kafka::schema_header(&message, side);
        let key = deserializer.deserialize::<&str>("orders", Side::Key, header(Side::Key), message.key());
        let key = key.await.unwrap().map(str::to_owned);
        let value =
            deserializer.deserialize::<Order>("orders", Side::Value, header(Side::Value), message.payload());
        read.push((key, value.await.unwrap().map(|order| order.id), header(Side::Value).is_some()));
    }
    let key = |id| Some(format!("key {id}"));
    assert_eq!(
        read,
        [
            (key(0), Some(0), false),
            (None, Some(0), false),
            (key(1), Some(1), true),
            (None, Some(1), true),
            (None, None, false)
        ]
    );
}
