//! The cases of Protobuf.

use muster_schema::protobuf::{builtins, from_base64};
use muster_schema::{Limits, ParsedSchema, ResolvedReferences, SchemaType, Strictness};
use muster_serdes::protobuf::{ProtobufDeserializer, ProtobufSerializer};
use muster_serdes::{Encoded, Framing, SubjectNaming};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

use super::{Outcome, Verdict, chain, expect, header, hex, registry_of, schema_of, side, text, unhex};

pub async fn serialize(case: &Value, naming: SubjectNaming) -> Verdict {
    // The JavaScript client registers the names that fields have in JSON, even where they are the usual ones.
    let has_names = case["client"]["name"] != "confluent-kafka (python)";
    let server = registry_of(case).await;
    let (topic, side) = (text(case, "topic"), side(case));
    let framing = if case["framing"] == "V1-header" { Framing::Header } else { Framing::Prefix };
    let pool = pool(case);
    let descriptor = pool.get_message_by_name(text(case, "messageName")).ok_or("no such message")?;
    let file = descriptor.parent_file();
    let value = DynamicMessage::deserialize(descriptor, &case["value"]).map_err(chain)?;
    let wire = unhex(&case["wireHex"]);
    let deserializer =
        ProtobufDeserializer::builder(server.client()).subject_name_strategy(naming.clone()).build().unwrap();
    // From the registered text, and from the descriptor, whose imports are to become references.
    let given = ProtobufSerializer::builder(server.client(), schema_of(case));
    let described = ProtobufSerializer::builder_for(server.client(), file);
    for builder in [Some(given), (!has_names).then_some(described)].into_iter().flatten() {
        let serializer = builder.subject_name_strategy(naming.clone()).framing(framing).build().unwrap();
        let encoded: Encoded = serializer.serialize(topic, side, &value).await.map_err(chain)?;
        let ours = encoded.header().map(|header| (header.name().to_owned(), header.value().to_vec()));
        let theirs = header(case).map(|value| (format!("__{side}_schema_id"), value));
        expect(&ours, &theirs)?;
        if case["compare"] == "bytes" {
            let is_same = expect(&encoded.payload().map(hex), &wire.as_deref().map(hex));
            if is_same.is_err() && text(case, "note").starts_with("map entries") {
                return Ok(Outcome::Differs(
                    "what a map entry leaves out is up to the encoder (wire format spec §3.2)",
                ));
            }
            is_same?;
        }
        // Their bytes and ours, read by us.
        for (header, payload) in [
            (header(case), wire.as_deref()),
            (encoded.header().map(|header| header.value().to_vec()), encoded.payload()),
        ] {
            let read = deserializer.deserialize_dynamic(topic, side, header.as_deref(), payload).await;
            let read = read.map_err(chain)?.ok_or("no message")?;
            expect(&json(&read), &json(&value))?;
        }
    }
    let posted: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == "POST").collect();
    let last = posted.last().ok_or("nothing was registered")?;
    let subject = text(case, "subject").replace(' ', "%20").replace('/', "%2F");
    expect(&last.target, &format!("/subjects/{subject}/versions"))?;
    expect(&super::references_of(&last.json()), &super::references_of(case))
}

pub fn json(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

/// The descriptors that the client had.
fn pool(case: &Value) -> DescriptorPool {
    let mut files = Vec::new();
    let text_of = |text: &str| {
        let none = ResolvedReferences::default();
        let schema =
            ParsedSchema::parse(SchemaType::Protobuf, text, &none, Strictness::Stored, &Limits::default());
        schema.unwrap().as_protobuf().unwrap().descriptors().unwrap().pop().unwrap()
    };
    for (path, _) in builtins().filter(|(path, _)| path.starts_with("google/protobuf/")) {
        if let Some(file) = DescriptorPool::global().get_file_by_name(path) {
            files.push(file.file_descriptor_proto().clone());
        }
    }
    let mut open: Vec<&Value> = case["references"].as_array().into_iter().flatten().collect();
    while let Some(reference) = open.pop() {
        open.extend(reference["references"].as_array().into_iter().flatten());
        if reference["schema"].is_string() {
            let text = text(reference, "schema");
            files.push(from_base64(text).unwrap_or_else(|| text_of(text)));
        }
    }
    files.push(from_base64(text(case, "schema")).unwrap());
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files).unwrap();
    pool
}
