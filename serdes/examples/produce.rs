//! Produces Avro records, registering their schema by itself.
//!
//! ```text
//! cargo run --release -p muster-serdes --features rdkafka --example produce -- \
//!     --bootstrap 127.0.0.1:9192 --registry http://127.0.0.1:8081 --topic orders --count 10000
//! ```
//!
//! The producer is idempotent with `acks=all`. Each record that is refused is printed with its error code; the broker's
//! own words (KIP-467) are not among what `rdkafka` passes on. Exits 0 if every record was acknowledged.

use std::process::ExitCode;
use std::time::Duration;

use muster_serdes::avro::AvroSerializer;
use muster_serdes::{ClientConfig, NewSchema, RegistryClient, Side, kafka};
use rdkafka::ClientConfig as KafkaConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryFuture, FutureProducer, Producer};
use serde::Serialize;

mod arguments;
use arguments::Arguments;

/// One record. Field names and types are those of [`ORDER`].
#[derive(Serialize)]
struct Order {
    id: i64,
    customer: String,
    amount_cents: i64,
    note: Option<String>,
}

const ORDER: &str = r#"{
    "type": "record", "name": "Order", "namespace": "io.muster.example",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "customer", "type": "string"},
        {"name": "amount_cents", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": null}
    ]
}"#;

/// Printed refusals; the others are only counted.
const SHOWN_ERRORS: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    match produce().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            arguments::print_chain("produce", &*error);
            ExitCode::FAILURE
        }
    }
}

/// How many records failed.
async fn produce() -> Result<usize, Box<dyn std::error::Error>> {
    let Some(Arguments { bootstrap, registry, topic, count }) = Arguments::parse("produce")? else {
        return Ok(0);
    };
    let registry = RegistryClient::new(ClientConfig::new(&registry))?;
    let serializer = AvroSerializer::builder(registry, NewSchema::avro(ORDER)).build()?;
    let encoder = serializer.encoder(&topic, Side::Value).await?;
    if let Some(id) = encoder.schema_id() {
        println!("schema id {id} under subject {}", encoder.subject());
    }

    let producer: FutureProducer = KafkaConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("message.timeout.ms", "60000")
        .create()?;
    let mut deliveries = Vec::new();
    for id in 0..count {
        let order = Order {
            id: i64::try_from(id)?,
            customer: format!("customer-{}", id % 100),
            amount_cents: i64::try_from(id % 10_000)?,
            note: (id % 10 == 0).then(|| format!("note {id}")),
        };
        let value = encoder.encode(&order)?;
        deliveries.push((id, enqueue(&producer, &topic, &value).await?));
    }

    let mut failures = 0;
    for (id, delivery) in deliveries {
        if let Err((error, _)) = delivery.await? {
            failures += 1;
            if failures <= SHOWN_ERRORS {
                eprintln!("record {id} failed: {}", words(&error));
            }
        }
    }
    if failures > SHOWN_ERRORS {
        eprintln!("… and {} more", failures - SHOWN_ERRORS);
    }
    producer.flush(Duration::from_secs(10))?;
    println!("{} of {count} records acknowledged", count - failures);
    Ok(failures)
}

/// Puts a record into the producer's queue, waiting while the queue is full.
async fn enqueue(
    producer: &FutureProducer,
    topic: &str,
    value: &muster_serdes::Encoded,
) -> Result<DeliveryFuture, KafkaError> {
    let mut record = kafka::future_record(topic, None, value);
    loop {
        match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err((error, _)) => return Err(error),
        }
    }
}

/// The error with its code, for instance `… Broker failed to validate record [InvalidRecord]`.
fn words(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(code) => format!("{error} [{code:?}]"),
        None => error.to_string(),
    }
}
