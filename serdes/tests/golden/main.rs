//! Vectors made by official clients: bytes to values and back, through a registry that holds their schemas.
//!
//! Reads the folder named by `MUSTER_GOLDEN_DIR` (default `../../shared/golden` beside the crate); without it the test
//! says "skipped". Prints per file how many cases were read, passed, await a later language or feature, or differ from
//! one client because the wire format spec says so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod avro_values;
#[path = "../common/mod.rs"]
mod common;
mod json;
mod protobuf;

use std::path::PathBuf;
use std::str::FromStr;

use common::{Entry, Server};
use muster_serdes::avro::{AvroDeserializer, AvroSerializer};
use muster_serdes::json::{JsonDeserializer, JsonSerializer};
use muster_serdes::protobuf::{ProtobufDeserializer, ProtobufSerializer};
use muster_serdes::{
    AssociatedName, Category, DeserializeError, Encoded, Framing, Guid, InvalidSettings, NewSchema,
    SchemaReference, SerializeError, Side, SubjectError, SubjectNameStrategy, SubjectNaming, Version,
};
use serde_json::{Value as Json, json};

/// What became of a case.
enum Outcome {
    Passed,
    /// Needs a language or feature that has yet to come.
    Awaiting,
    /// We deliberately do not do what that client does.
    Differs(&'static str),
}

type Verdict = Result<Outcome, String>;

#[tokio::test]
async fn serdes_golden() {
    let folder = folder();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("serdes_golden: skipped, there is no folder {}", folder.display());
        return;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut total, mut failures) = (0, Vec::new());
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Record batches are the validator's.
        if name.starts_with("70-") || name == "manifest.json" {
            continue;
        }
        let file: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (mut read, mut passed, mut awaiting, mut differing) = (0, 0, 0, 0);
        for case in file["cases"].as_array().unwrap() {
            read += 1;
            let id = case["id"].as_str().unwrap();
            match run(case).await {
                Ok(Outcome::Passed) => passed += 1,
                Ok(Outcome::Awaiting) => awaiting += 1,
                Ok(Outcome::Differs(why)) => {
                    differing += 1;
                    println!("  {id}: {why}");
                }
                Err(failure) => failures.push(format!("{id}: {failure}")),
            }
        }
        total += read;
        println!("{name}: {read} read, {passed} passed, {awaiting} awaiting, {differing} differ by intent");
    }
    assert!(total > 0, "no case in {}", folder.display());
    assert!(failures.is_empty(), "{} of {total} failed:\n{}", failures.len(), failures.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "a test finds its data by the environment")]
fn folder() -> PathBuf {
    match std::env::var("MUSTER_GOLDEN_DIR") {
        Ok(folder) => PathBuf::from(folder),
        Err(_) => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden"),
    }
}

async fn run(case: &Json) -> Verdict {
    if case["clientSpecific"] == true {
        return Ok(Outcome::Differs("a behaviour of that client alone"));
    }
    let naming = match naming(case) {
        Ok(Some(naming)) => naming,
        Ok(None) => return Ok(Outcome::Awaiting),
        Err(InvalidSettings(_)) => return expect(&"invalid-config", &text(case, "expectError")),
    };
    match (case["op"].as_str(), case["schemaType"].as_str()) {
        (Some("serialize"), _) if case["wireHex"].is_null() && case["compare"] != "error" => {
            tombstone(case).await
        }
        (Some("serialize"), Some("AVRO")) => serialize(case, naming).await,
        (Some("serialize"), Some("JSON")) => json::serialize(case, naming).await,
        (Some("serialize"), Some("PROTOBUF")) => protobuf::serialize(case, naming).await,
        (Some("deserialize"), _) => deserialize(case, naming).await,
        (Some("subject"), _) => subject(case, naming).await,
        _ => Ok(Outcome::Awaiting),
    }
}

fn text<'c>(case: &'c Json, member: &str) -> &'c str {
    case[member].as_str().unwrap_or_default()
}

fn side(case: &Json) -> Side {
    if case["field"] == "key" { Side::Key } else { Side::Value }
}

/// `None` for strategies that we do not have.
fn naming(case: &Json) -> Result<Option<SubjectNaming>, InvalidSettings> {
    let config = &case["strategyConfig"];
    Ok(Some(match text(case, "subjectNameStrategy") {
        "TopicName" => SubjectNameStrategy::TopicName.into(),
        "RecordName" => SubjectNameStrategy::RecordName.into(),
        "TopicRecordName" => SubjectNameStrategy::TopicRecordName.into(),
        "AssociatedName" => {
            let id = config["subject.name.strategy.kafka.cluster.id"].as_str().map(str::to_owned);
            let associated = AssociatedName { kafka_cluster_id: id, ..AssociatedName::default() };
            match config["subject.name.strategy.fallback.type"].as_str() {
                Some(name) => associated.with_fallback_type(name)?.into(),
                None => associated.into(),
            }
        }
        _ => return Ok(None),
    }))
}

fn unhex(json: &Json) -> Option<Vec<u8>> {
    let hex = json.as_str()?;
    Some((0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect())
}

/// Value of the last header of the own side.
fn header(case: &Json) -> Option<Vec<u8>> {
    let name = format!("__{}_schema_id", side(case));
    let headers = case["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    unhex(&headers.iter().rfind(|header| header["key"] == name.as_str())?["valueHex"])
}

/// `schema_type`: where the entry does not say.
fn entry(json: &Json, schema_type: &str) -> Entry {
    Entry {
        subject: text(json, "subject").to_owned(),
        version: i32::try_from(json["version"].as_i64().unwrap_or(1)).unwrap(),
        id: i32::try_from(json["schemaId"].as_i64().unwrap_or(-1)).unwrap(),
        guid: json["schemaGuid"].as_str().map(|guid| Guid::from_str(guid).unwrap()),
        schema_type: json["schemaType"].as_str().unwrap_or(schema_type).to_owned(),
        schema: text(json, "schema").to_owned(),
        references: references_of(json),
        metadata: json["metadata"].clone(),
    }
}

/// Name, subject and version of each reference.
fn references_of(json: &Json) -> Json {
    let list = json["references"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|one| json!({"name": one["name"], "subject": one["subject"], "version": one["version"]}))
        .collect()
}

/// The case's schema and everything it refers to.
async fn registry_of(case: &Json) -> Server {
    let schema_type = text(case, "schemaType");
    let mut entries = vec![entry(case, schema_type)];
    let mut open: Vec<&Json> = case["references"].as_array().into_iter().flatten().collect();
    while let Some(reference) = open.pop() {
        open.extend(reference["references"].as_array().into_iter().flatten());
        // Entries may be abbreviated where the full one stands elsewhere.
        if reference["schema"].is_string() {
            entries.push(entry(reference, schema_type));
        }
    }
    common::registry(entries).await
}

fn schema_of(case: &Json) -> NewSchema {
    let references: Vec<SchemaReference> = references_of(case)
        .as_array()
        .unwrap()
        .iter()
        .map(|one| SchemaReference {
            name: text(one, "name").to_owned(),
            subject: text(one, "subject").to_owned(),
            version: Version(i32::try_from(one["version"].as_i64().unwrap()).unwrap()),
        })
        .collect();
    let schema_type = text(case, "schemaType").parse().unwrap();
    NewSchema { references, ..NewSchema::new(schema_type, text(case, "schema")) }
}

/// Null is null on both ways, in whichever language, and nothing is asked.
async fn tombstone(case: &Json) -> Verdict {
    let server = registry_of(case).await;
    let (client, schema) = (server.client(), schema_of(case));
    let (topic, side) = (text(case, "topic"), side(case));
    let none: Option<&str> = None;
    let written = match text(case, "schemaType") {
        "AVRO" => {
            let serializer = AvroSerializer::builder(client.clone(), schema).build().unwrap();
            serializer.serialize_nullable(topic, side, none).await
        }
        "JSON" => {
            let serializer = JsonSerializer::builder(client.clone(), schema).build().unwrap();
            serializer.serialize_nullable(topic, side, none).await
        }
        _ => {
            let serializer = ProtobufSerializer::builder(client.clone(), schema).build().unwrap();
            let none: Option<&prost_reflect::DynamicMessage> = None;
            serializer.serialize_nullable(topic, side, none).await
        }
    };
    let deserializer = AvroDeserializer::builder(client).build().unwrap();
    let header = header(case);
    let read = deserializer.deserialize_value(topic, side, header.as_deref(), None).await;
    let found = (written.map_err(chain)?, read.map_err(chain)?, server.count());
    expect(&found, &(Encoded::tombstone(), None, 0))
}

async fn serialize(case: &Json, naming: SubjectNaming) -> Verdict {
    let server = registry_of(case).await;
    let (topic, side) = (text(case, "topic"), side(case));
    let framing = if case["framing"] == "V1-header" { Framing::Header } else { Framing::Prefix };
    let serializer = AvroSerializer::builder(server.client(), schema_of(case))
        .subject_name_strategy(naming.clone())
        .framing(framing)
        .build()
        .unwrap();
    let deserializer =
        AvroDeserializer::builder(server.client()).subject_name_strategy(naming).build().unwrap();
    let wire = unhex(&case["wireHex"]);
    let header = header(case);

    // Their bytes, read by us.
    let read = deserializer.deserialize_value(topic, side, header.as_deref(), wire.as_deref()).await;
    if case["compare"] == "error" {
        return match read {
            Err(_) => Ok(Outcome::Passed),
            Ok(value) => Err(format!("no error but {value:?}")),
        };
    }
    let read = read.map_err(chain)?;
    let read = read.ok_or("no value")?;
    let kinds = avro_values::Kinds::of(&schema_of(case), &case["references"]);
    if case["valueEncoding"] == "avro-json" {
        expect(&kinds.to_json(&read), &avro_values::normalized(&case["value"]))?;
    } else {
        expect(&avro_values::plain(&read), &avro_values::normalized(&case["value"]))?;
        return Ok(Outcome::Passed);
    }

    // Their value, written by us.
    let value = kinds.to_value(&case["value"]);
    let encoded = serializer.serialize_value(topic, side, &value).await.map_err(chain)?;
    let ours = encoded.header().map(|header| (header.name().to_owned(), header.value().to_vec()));
    let theirs = header.map(|value| (format!("__{side}_schema_id"), value));
    expect(&ours, &theirs)?;
    if case["compare"] == "bytes" {
        expect(&encoded.payload().map(hex), &wire.as_deref().map(hex))?;
    }
    let header = encoded.header();
    let again = deserializer
        .deserialize_value(topic, side, header.as_ref().map(|header| header.value()), encoded.payload())
        .await
        .map_err(chain)?;
    let again = again.ok_or("no value")?;
    // Equal decimals may differ in bytes, and NaN is not equal to itself.
    if again != read {
        expect(&kinds.to_json(&again), &kinds.to_json(&read))?;
    }
    let posted =
        server.seen().into_iter().find(|seen| seen.method == "POST").ok_or("nothing was registered")?;
    let registered = format!("/subjects/{}/versions", text(case, "subject"));
    expect(&posted.target.as_str(), &registered.as_str())
}

async fn deserialize(case: &Json, naming: SubjectNaming) -> Verdict {
    let config = &case["config"];
    let known = ["use.latest.version", "use.latest.with.metadata", "validate"];
    if config.as_object().is_some_and(|all| all.keys().any(|key| !known.contains(&key.as_str()))) {
        return Ok(Outcome::Awaiting);
    }
    let registry = case["registry"].as_array().unwrap();
    if registry.iter().any(|one| one["ruleSet"].is_object()) {
        return Ok(Outcome::Awaiting);
    }
    let schema_type = text(case, "schemaType");
    let server = common::registry(registry.iter().map(|one| entry(one, schema_type)).collect()).await;
    let client = server.client();
    let metadata = config["use.latest.with.metadata"].as_object().into_iter().flatten();
    let metadata = metadata.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
    let is_latest = config["use.latest.version"] == true;
    let (topic, side) = (text(case, "topic"), side(case));
    let (header, wire) = (header(case), unhex(&case["wireHex"]));
    let (header, payload) = (header.as_deref(), wire.as_deref());
    // What was read, and what is expected, in a form in which they can be compared.
    let (read, expected): (Result<Json, DeserializeError>, Json) = match schema_type {
        "AVRO" => {
            let builder = AvroDeserializer::builder(client).subject_name_strategy(naming);
            let builder = builder.use_latest_version(is_latest).use_latest_with_metadata(metadata);
            let read = builder.build().unwrap().deserialize_value(topic, side, header, payload).await;
            let read = read.map(|value| value.as_ref().map_or(Json::Null, avro_values::plain));
            (read, avro_values::normalized(&case["value"]))
        }
        "JSON" => {
            let builder = JsonDeserializer::builder(client).subject_name_strategy(naming);
            let builder = builder.use_latest_version(is_latest).use_latest_with_metadata(metadata);
            let builder = builder.validate(config["validate"] != false);
            let read = builder.build().unwrap().deserialize_value(topic, side, header, payload).await;
            (read.map(|value| json::numbers(&value.unwrap_or_default())), json::numbers(&case["value"]))
        }
        "PROTOBUF" => {
            let builder = ProtobufDeserializer::builder(client).subject_name_strategy(naming);
            let builder = builder.use_latest_version(is_latest).use_latest_with_metadata(metadata);
            let read = builder.build().unwrap().deserialize_dynamic(topic, side, header, payload).await;
            (read.map(|value| value.as_ref().map_or(Json::Null, protobuf::json)), case["value"].clone())
        }
        _ => return Ok(Outcome::Awaiting),
    };
    let verdict = match (case["expectError"].as_str(), read) {
        (None, Ok(value)) => expect(&value, &expected),
        (None, Err(error)) => Err(chain(error)),
        (Some(expected), Ok(value)) => Err(format!("{expected} expected, got {value:?}")),
        (Some(_), Err(error)) if error.category() == Category::SchemaNotFound && !error.may_heal() => {
            return Err("a missing schema may yet come".to_owned());
        }
        (Some(expected), Err(error)) => expect(&error.category().as_str(), &expected),
    };
    verdict.or_else(|failure| differs(case, payload).map(Outcome::Differs).ok_or(failure))
}

/// Where we do not do as the Python client does, and which rule says so.
fn differs(case: &Json, wire: Option<&[u8]>) -> Option<&'static str> {
    let own = format!("__{}_schema_id", side(case));
    let headers = case["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if headers.iter().filter(|header| header["key"] == own.as_str()).count() > 1 {
        return Some("of several equal headers the last counts (wire format spec §15)");
    }
    if case["schemaType"] == "AVRO" && wire.is_some_and(|wire| wire.len() <= 5) {
        return Some("short payloads are read if they are valid (wire format spec §3.4)");
    }
    None
}

async fn subject(case: &Json, naming: SubjectNaming) -> Verdict {
    let (topic, side) = (text(case, "topic"), side(case));
    let associations: Vec<(String, Json)> = case["associations"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|one| {
            let target = |namespace: &str| {
                let (topic, side) = (text(one, "topic"), text(one, "type"));
                format!(
                    "/associations/resources/{namespace}/{topic}?resourceType=topic&associationType={side}\
                     &offset=0&limit=-1"
                )
            };
            [(target("-"), one.clone()), (target(text(one, "namespace")), one.clone())]
        })
        .collect();
    // Whatever is registered gets an id; the subject is what is asked for.
    let server = Server::start_with_associations(move |seen, _| {
        let mut found: Vec<_> =
            associations.iter().filter(|(target, _)| *target == seen.target).map(|(_, one)| one).collect();
        // One of the namespace "-" is listed once.
        found.dedup();
        let answer = match seen.target.starts_with("/associations/") {
            true => json!(found),
            false => json!({"id": 1}),
        };
        (200, answer.to_string())
    })
    .await;
    let (client, schema) = (server.client(), text(case, "schema"));
    let found = match text(case, "schemaType") {
        "AVRO" => {
            let builder = AvroSerializer::builder(client, NewSchema::avro(schema));
            let serializer = builder.subject_name_strategy(naming).build().unwrap();
            serializer.encoder(topic, side).await.map(|encoder| encoder.subject().to_owned())
        }
        "JSON" => {
            let builder = JsonSerializer::builder(client, NewSchema::json(schema));
            let serializer = builder.subject_name_strategy(naming).build().unwrap();
            serializer.encoder(topic, side).await.map(|encoder| encoder.subject().to_owned())
        }
        // The case tells the name of a file; any that has the message will do.
        _ => {
            let name = text(case, "recordName");
            let nested: String = name.split('.').map(|part| format!("message {part} {{ ")).collect();
            let file = format!("syntax = \"proto3\"; {nested}{}", "}".repeat(name.split('.').count()));
            let builder = ProtobufSerializer::builder(client, NewSchema::protobuf(file));
            let serializer = builder.subject_name_strategy(naming).build().unwrap();
            serializer.encoder(topic, side, name).await.map(|encoder| encoder.subject().to_owned())
        }
    };
    match (found, case["subject"].as_str()) {
        (Ok(subject), Some(expected)) => expect(&subject.as_str(), &expected),
        (Err(SerializeError::NoSubject(error)), None) => {
            expect(&error.category().as_str(), &text(case, "expectError"))
        }
        (Err(SerializeError::NoSubject(SubjectError::NoRecordName)), Some(_))
            if case["portable"] == false =>
        {
            Ok(Outcome::Differs("record-name strategies refuse what is no record (wire format spec §15)"))
        }
        (found, expected) => Err(format!("{expected:?} expected, got {found:?}")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn expect<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Verdict {
    if found == expected { Ok(Outcome::Passed) } else { Err(format!("{expected:?} expected, got {found:?}")) }
}

fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
