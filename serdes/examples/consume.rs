//! Reads Avro records from the beginning of a topic and decodes them.
//!
//! ```text
//! cargo run --release -p muster-serdes --features rdkafka --example consume -- \
//!     --bootstrap 127.0.0.1:9192 --registry http://127.0.0.1:8081 --topic orders --count 10000
//! ```
//!
//! Stops after `--count` records, or after ten seconds without one. Exits 0 if all were read and decoded.

use std::process::ExitCode;
use std::time::Duration;

use muster_serdes::avro::AvroDeserializer;
use muster_serdes::{ClientConfig, RegistryClient, Side, kafka};
use rdkafka::ClientConfig as KafkaConfig;
use rdkafka::Message;
use rdkafka::consumer::{Consumer, StreamConsumer};
use serde::Deserialize;

mod arguments;
use arguments::Arguments;

/// What is read of a record; the text is borrowed from the message.
#[derive(Deserialize)]
struct Order<'m> {
    id: i64,
    customer: &'m str,
    amount_cents: i64,
    note: Option<&'m str>,
}

/// Printed records.
const SHOWN: usize = 3;
/// Silence after which the topic counts as read.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match consume().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            arguments::print_chain("consume", &*error);
            ExitCode::FAILURE
        }
    }
}

/// Whether as many records were decoded as were wanted.
async fn consume() -> Result<bool, Box<dyn std::error::Error>> {
    let Some(Arguments { bootstrap, registry, topic, count }) = Arguments::parse("consume")? else {
        return Ok(true);
    };
    let registry = RegistryClient::new(ClientConfig::new(&registry))?;
    let deserializer = AvroDeserializer::builder(registry).build()?;
    let consumer: StreamConsumer = KafkaConfig::new()
        .set("bootstrap.servers", bootstrap)
        // No offsets are committed: each run reads from the beginning.
        .set("group.id", "muster-example-consume")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .create()?;
    consumer.subscribe(&[&topic])?;

    let (mut decoded, mut failed, mut total_cents) = (0, 0, 0_i64);
    while decoded + failed < count {
        let Ok(message) = tokio::time::timeout(PATIENCE, consumer.recv()).await else { break };
        let message = message?;
        let header = kafka::schema_header(&message, Side::Value);
        let order = deserializer.deserialize(message.topic(), Side::Value, header, message.payload()).await;
        match order {
            Ok(Some(order)) => {
                let order: Order<'_> = order;
                if decoded < SHOWN {
                    let Order { id, customer, amount_cents, note } = &order;
                    println!("order {id} of {customer}: {amount_cents} cents, note {note:?}");
                }
                decoded += 1;
                total_cents += order.amount_cents;
            }
            Ok(None) => decoded += 1,
            Err(error) if error.may_heal() => return Err(error.into()),
            Err(error) => {
                failed += 1;
                arguments::print_chain(&format!("offset {}", message.offset()), &error);
            }
        }
    }
    println!("{decoded} of {count} records decoded, {failed} failed, {total_cents} cents in total");
    Ok(decoded == count)
}
