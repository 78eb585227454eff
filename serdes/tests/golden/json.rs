//! The cases of JSON Schema.

use muster_serdes::json::{JsonDeserializer, JsonSerializer};
use muster_serdes::{Encoded, Framing, SerializeError, SubjectNaming};
use serde_json::{Value, json};

use super::{Outcome, Verdict, chain, expect, header, hex, registry_of, schema_of, side, text, unhex};
use crate::common;

pub async fn serialize(case: &Value, naming: SubjectNaming) -> Verdict {
    let server = if case["subject"].is_string() {
        registry_of(case).await
    } else {
        // The client got no further than this.
        common::Server::start(|_, _| (200, r#"{"id": 1}"#)).await
    };
    let (topic, side) = (text(case, "topic"), side(case));
    let framing = if case["framing"] == "V1-header" { Framing::Header } else { Framing::Prefix };
    let serializer = JsonSerializer::builder(server.client(), schema_of(case))
        .subject_name_strategy(naming.clone())
        .framing(framing)
        .build()
        .unwrap();
    let encoded = serializer.serialize(topic, side, &case["value"]).await;
    if case["compare"] == "error" {
        expect(&text(case, "expectError"), &"validation")?;
        return match encoded {
            Err(SerializeError::Invalid { .. }) => Ok(Outcome::Passed),
            other => Err(format!("a value that is not valid gave {other:?}")),
        };
    }
    let encoded: Encoded = encoded.map_err(chain)?;
    let ours = encoded.header().map(|header| (header.name().to_owned(), header.value().to_vec()));
    let theirs = header(case).map(|value| (format!("__{side}_schema_id"), value));
    expect(&ours, &theirs)?;
    let wire = unhex(&case["wireHex"]);
    if case["compare"] == "bytes" {
        expect(&encoded.payload().map(hex), &wire.as_deref().map(hex))?;
    }
    // Their bytes and ours, read by us.
    let deserializer =
        JsonDeserializer::builder(server.client()).subject_name_strategy(naming).build().unwrap();
    for (header, payload) in [
        (header(case), wire.as_deref()),
        (encoded.header().map(|header| header.value().to_vec()), encoded.payload()),
    ] {
        let read = deserializer.deserialize_value(topic, side, header.as_deref(), payload).await;
        expect(&numbers(&read.map_err(chain)?.ok_or("no value")?), &numbers(&case["value"]))?;
    }
    let posted = server.seen().into_iter().find(|seen| seen.method == "POST");
    let posted = posted.ok_or("nothing was registered")?;
    let subject = text(case, "subject").replace(' ', "%20").replace('/', "%2F");
    expect(&posted.target, &format!("/subjects/{subject}/versions"))
}

/// The value with its numbers compared by value: their spelling differs between languages.
pub fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(numbers).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), numbers(member))).collect())
        }
        other => other.clone(),
    }
}
