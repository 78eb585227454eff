//! What a broker sends, on a client's connection and on our own.

use muster_validator::wire::addresses::{self, Address, Endpoint};
use muster_validator::wire::configs::{Response as ConfigResponse, Written};
use muster_validator::wire::produce::{self, LocalAnswer, OwnedTopic, Plan, PlannedPartition, RecordMessage};
use muster_validator::wire::{ErrorCode, Writer, api, api_versions, batch, client, topics};

fn map(endpoint: Endpoint<'_>) -> Option<Address> {
    (endpoint.node % 2 == 0).then(|| Address { host: "gateway".into(), port: 1 })
}

/// Two bytes choose API and version, the rest is what follows a frame's size.
///
/// What is rewritten can be read again, names no broker but by the gateway's address, and stays as it is when it is
/// rewritten once more. An admin response that is put together from its parts is the same response.
pub fn feed(input: &[u8]) -> String {
    let [key, version, message @ ..] = input else { return String::new() };
    // Answers to our own calls are in fixed versions.
    own(message);
    let key = i16::from(*key);
    let Some(known) = api::find(key).filter(|api| api.min <= api.max) else { return String::new() };
    let version = known.min + i16::from(*version) % (known.max - known.min + 1);
    let said = match key {
        api::API_VERSIONS => again(message, |message| api_versions::rewrite(version, message).map(Some)),
        api::PRODUCE => {
            let merged = again(message, |message| plan(version).merge(version, message, &mut map).map(Some));
            let rewritten = again(message, |message| produce::rewrite_addresses(version, message, &mut map));
            format!("{merged} {rewritten}")
        }
        api::CREATE_TOPICS | api::DESCRIBE_CONFIGS | api::ALTER_CONFIGS | api::INCREMENTAL_ALTER_CONFIGS => {
            configs(key, version, message)
        }
        api::DELETE_TOPICS => match topics::deleted(version, message) {
            Ok(topics) => format!("{} deleted", topics.len().min(5)),
            Err(error) => error.to_string(),
        },
        _ => {
            let said = again(message, |message| addresses::rewrite(key, version, message, &mut map));
            if key == api::METADATA { format!("{said} {}", metadata(version, message)) } else { said }
        }
    };
    format!("{key} {version} {said}")
}

type Rewritten = Result<Option<Vec<u8>>, muster_validator::wire::WireError>;

fn again(message: &[u8], rewrite: impl Fn(&[u8]) -> Rewritten) -> String {
    match rewrite(message) {
        Ok(None) => "nothing".to_owned(),
        Ok(Some(frame)) => {
            assert_eq!(frame[..4], (frame.len() as u32 - 4).to_be_bytes());
            assert_eq!(rewrite(&frame[4..]), Ok(Some(frame.clone())));
            format!("rewritten {:?}", frame.len().cmp(&(message.len() + 4)))
        }
        Err(error) => error.to_string(),
    }
}

/// Reads a Metadata response whole, and what it is rewritten to.
fn metadata(version: i16, message: &[u8]) -> String {
    let (mut brokers, mut found) = (0, Vec::new());
    let read = topics::metadata(version, message, |_| brokers += 1, |topic| found.push(topic));
    if let Err(error) = read {
        return error.to_string();
    }
    let frame = addresses::rewrite(api::METADATA, version, message, &mut map).unwrap().unwrap();
    let mut found_again = Vec::new();
    let broker = |broker: topics::BrokerMetadata<'_>| {
        assert_eq!((broker.node % 2, broker.host, broker.port), (0, "gateway", 1));
    };
    topics::metadata(version, &frame[4..], broker, |topic| found_again.push(topic)).unwrap();
    assert_eq!(found, found_again);
    format!("{} brokers, {} topics", brokers.min(3), found.len().min(3))
}

fn plan(version: i16) -> Plan {
    let local = LocalAnswer {
        error: ErrorCode::INVALID_RECORD,
        records: vec![RecordMessage { index: 3, message: "no".to_owned() }],
        message: Some("none".to_owned()),
    };
    let topic = if version >= 13 { OwnedTopic::Id([1; 16]) } else { OwnedTopic::Name("t".into()) };
    let partition = |index, local| PlannedPartition { index, local };
    let partitions = vec![partition(0, None), partition(1, Some(Box::new(local))), partition(2, None)];
    Plan { topics: vec![(topic, partitions)] }
}

fn configs(key: i16, version: i16, message: &[u8]) -> String {
    let response = match ConfigResponse::read(key, version, message) {
        Ok(response) => response,
        Err(error) => return error.to_string(),
    };
    let written: Vec<Written<'_>> = response
        .answers
        .iter()
        .map(|answer| Written::Broker { answer, removed: None, added: Vec::new() })
        .collect();
    let frame = response.encode(&written);
    assert_eq!(ConfigResponse::read(key, version, &frame[4..]).as_ref(), Ok(&response));
    let configs = response.answers.iter().flat_map(|answer| &answer.configs).map(Vec::len);
    format!("{} answers, {} configs", response.answers.len().min(4), configs.sum::<usize>().min(4))
}

fn own(message: &[u8]) {
    let _ = client::read_api_versions(message);
    let _ = client::read_create_topic(message);
    let _ = client::read_produce(message);
    let _ = client::read_list_offset(message);
    let _ = client::read_describe_configs(message);
    let _ = client::read_alter_configs(message);
    if let Ok((_, _, records)) = client::read_fetch(message) {
        let _ = batch::decode(records, |_| {});
    }
    let mut last = None;
    let next = batch::decode(message, |record| last = Some(record.offset));
    if let (Ok(next), Some(_)) = (next, last) {
        assert!(next.is_some(), "records come from a whole batch");
    }
}

/// A response of every version of the APIs that are read.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (key, known) in api::all().filter(|(_, api)| api.min <= api.max) {
        for version in known.min..=known.max {
            let flexible = known.is_flexible(version);
            let mut writer = Writer::response(1, flexible && key != api::API_VERSIONS);
            writer.set_flexible(flexible);
            match body(&mut writer, key, version) {
                Body::None => continue,
                Body::WithTags => {}
                Body::WithoutTags => writer.no_tags(),
            }
            let front = [key as u8, (version - known.min) as u8];
            let seed = [&front, &writer.into_frame()[4..]].concat();
            let said = feed(&seed);
            assert!(!["message", "count", "length"].iter().any(|word| said.contains(word)), "{said}");
            seeds.push(seed);
        }
    }
    let records = batch::encode(&[batch::NewRecord { key: b"k", value: Some(b"v") }], 7);
    seeds.push([&[0, 0], &records[..]].concat());
    seeds
}

fn brokers(writer: &mut Writer, racked: bool, fenced: bool) {
    writer.array(3);
    for node in 0..3 {
        writer.i32(node);
        writer.string("host");
        writer.i32(9092);
        if racked {
            writer.nullable_string((node == 1).then_some("rack"));
        }
        if fenced {
            writer.bool(false);
        }
        writer.no_tags();
    }
}

enum Body {
    None,
    WithTags,
    WithoutTags,
}

fn body(writer: &mut Writer, key: i16, version: i16) -> Body {
    match key {
        api::METADATA => {
            if version >= 3 {
                writer.i32(0);
            }
            brokers(writer, version >= 1, false);
            if version >= 2 {
                writer.nullable_string(Some("cluster"));
            }
            if version >= 1 {
                writer.i32(0);
            }
            writer.array(1);
            metadata_topic(writer, version);
            if (8..=10).contains(&version) {
                writer.i32(0);
            }
            if version >= 13 {
                writer.i16(0);
            }
        }
        api::FIND_COORDINATOR => {
            if version >= 1 {
                writer.i32(0);
            }
            if version >= 4 {
                writer.array(2);
                for node in 1..3 {
                    writer.string("group");
                    writer.i32(node);
                    writer.string("host");
                    writer.i32(9092);
                    writer.i16(0);
                    writer.nullable_string(None);
                    writer.no_tags();
                }
            } else {
                writer.i16(0);
                if version >= 1 {
                    writer.nullable_string(None);
                }
                writer.i32(2);
                writer.string("host");
                writer.i32(9092);
            }
        }
        api::DESCRIBE_CLUSTER => {
            writer.i32(0);
            writer.i16(0);
            writer.nullable_string(None);
            if version >= 1 {
                writer.i8(1);
            }
            writer.string("cluster");
            writer.i32(0);
            brokers(writer, true, version >= 2);
            writer.i32(0);
        }
        api::API_VERSIONS => {
            writer.i16(0);
            writer.array(3);
            for (key, max) in [(api::PRODUCE, 13), (api::FETCH, 18), (93, 1)] {
                writer.i16(key);
                writer.i16(0);
                writer.i16(max);
                writer.no_tags();
            }
            if version >= 1 {
                writer.i32(0);
            }
        }
        api::PRODUCE => {
            writer.array(1);
            if version >= 13 {
                writer.uuid([1; 16])
            } else {
                writer.string("t")
            }
            writer.array(2);
            for index in [0, 2] {
                writer.i32(index);
                writer.i16(0);
                writer.raw(&[0; 16]);
                if version >= 5 {
                    writer.i64(0);
                }
                if version >= 8 {
                    writer.array(1);
                    writer.i32(0);
                    writer.nullable_string(Some("why"));
                    writer.no_tags();
                    writer.nullable_string(None);
                }
                writer.no_tags();
            }
            writer.no_tags();
            writer.i32(0);
            if version >= 10 {
                let mut endpoints = Writer::new(true);
                brokers(&mut endpoints, true, false);
                writer.unsigned_varint(1);
                writer.tag(0, &endpoints.into_bytes());
                return Body::WithTags;
            }
        }
        api::CREATE_TOPICS => {
            if version >= 2 {
                writer.i32(0);
            }
            writer.array(1);
            writer.string("t");
            if version >= 7 {
                writer.uuid([1; 16]);
            }
            writer.i16(0);
            writer.nullable_string(None);
            if version >= 5 {
                writer.i32(1);
                writer.i16(1);
                writer.array(1);
                config(writer, key, version);
            }
            writer.no_tags();
        }
        api::DESCRIBE_CONFIGS | api::ALTER_CONFIGS | api::INCREMENTAL_ALTER_CONFIGS => {
            writer.i32(0);
            writer.array(1);
            writer.i16(0);
            writer.nullable_string(None);
            writer.i8(2);
            writer.string("t");
            if key == api::DESCRIBE_CONFIGS {
                writer.array(1);
                config(writer, key, version);
            }
            writer.no_tags();
        }
        api::DELETE_TOPICS => {
            writer.i32(0);
            writer.array(1);
            writer.nullable_string(Some("t"));
            if version >= 6 {
                writer.uuid([1; 16]);
            }
            writer.i16(0);
            if version >= 5 {
                writer.nullable_string(None);
            }
            writer.no_tags();
        }
        api::SHARE_ACKNOWLEDGE | api::SHARE_FETCH => {
            let fetch = key == api::SHARE_FETCH;
            writer.i32(0);
            writer.i16(0);
            writer.nullable_string(None);
            if fetch || version >= 2 {
                writer.i32(0);
            }
            writer.array(1);
            writer.uuid([1; 16]);
            writer.array(1);
            writer.i32(0);
            writer.i16(0);
            writer.nullable_string(None);
            if fetch {
                writer.i16(0);
                writer.nullable_string(None);
            }
            writer.i32(1);
            writer.i32(1);
            writer.no_tags();
            if fetch {
                writer.bytes(b"records");
                writer.array(1);
                writer.i64(0);
                writer.i64(1);
                writer.i16(1);
                writer.no_tags();
            }
            writer.no_tags();
            writer.no_tags();
            brokers(writer, true, false);
        }
        _ => return Body::None,
    }
    Body::WithoutTags
}

fn metadata_topic(writer: &mut Writer, version: i16) {
    writer.i16(0);
    writer.string("t");
    if version >= 10 {
        writer.uuid([1; 16]);
    }
    if version >= 1 {
        writer.bool(false);
    }
    writer.array(1);
    writer.i16(0);
    writer.i32(0);
    writer.i32(1);
    if version >= 7 {
        writer.i32(0);
    }
    for _ in 0..if version >= 5 { 3 } else { 2 } {
        writer.array(1);
        writer.i32(1);
    }
    writer.no_tags();
    if version >= 8 {
        writer.i32(0);
    }
    writer.no_tags();
}

fn config(writer: &mut Writer, key: i16, version: i16) {
    writer.string("retention.ms");
    writer.nullable_string(Some("7"));
    writer.bool(false);
    writer.i8(5);
    writer.bool(false);
    if key == api::DESCRIBE_CONFIGS {
        writer.array(1);
        writer.string("retention.ms");
        writer.nullable_string(None);
        writer.i8(5);
        writer.no_tags();
        if version >= 3 {
            writer.i8(5);
            writer.nullable_string(None);
        }
    }
    writer.no_tags();
}
