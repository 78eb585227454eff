//! What a client sends.

use muster_validator::wire::client::{self, Topics};
use muster_validator::wire::configs::{Kept, Request as ConfigRequest};
use muster_validator::wire::produce::{self, Item, OwnedTopic, Piece, Request, Segment};
use muster_validator::wire::{RequestHeader, Writer, api, batch};

/// The input is what follows a frame's size.
///
/// A Produce request that is walked to its end and cut holds the partitions that were kept, in their order, and is
/// walked to its end again; an admin request that is put together from all of its parts is the same request.
pub fn feed(input: &[u8]) -> String {
    let Ok((header, _)) = RequestHeader::read(input) else {
        return format!("no header {}", input.len().min(12));
    };
    let said = match header.api_key {
        api::PRODUCE => produce(input),
        api::CREATE_TOPICS | api::DESCRIBE_CONFIGS | api::ALTER_CONFIGS | api::INCREMENTAL_ALTER_CONFIGS => {
            configs(input)
        }
        _ => return "another API".to_owned(),
    };
    // Versions that there are not would all be news.
    let version = header.version.clamp(-1, 14);
    format!("{} {version} {said}", header.api_key)
}

/// Topic, partition and records.
type Entry = (OwnedTopic, i32, Vec<u8>);

fn walk(message: &[u8]) -> Result<Vec<Entry>, muster_validator::wire::WireError> {
    let mut request = Request::read(message)?;
    assert_eq!(produce::acks(message), Ok(request.acks));
    let (mut topic, mut found) = (None, Vec::new());
    while let Some(item) = request.next()? {
        match item {
            Item::Topic(named) => topic = Some(named.to_owned()),
            Item::Partition(partition) => {
                found.push((topic.clone().unwrap(), partition.index, partition.records.to_vec()));
            }
        }
    }
    Ok(found)
}

fn put_together(message: &[u8], piece: &Piece) -> Vec<u8> {
    let slices = piece.segments.iter().map(|segment| match segment {
        Segment::Kept(range) => &message[range.clone()],
        Segment::Made(bytes) => bytes,
    });
    let frame = slices.collect::<Vec<_>>().concat();
    assert_eq!(frame[..4], (frame.len() as u32 - 4).to_be_bytes());
    frame[4..].to_vec()
}

fn produce(input: &[u8]) -> String {
    let found = match walk(input) {
        Ok(found) => found,
        Err(error) => return error.to_string(),
    };
    let (mut places, odd) = (0.., input.len() % 2);
    let kept: Vec<Entry> = found
        .iter()
        .cloned()
        .zip(0..)
        .filter(|(_, place)| place % 2 == odd)
        .map(|(entry, _)| entry)
        .collect();
    let piece =
        produce::reduce(input, || places.next().is_some_and(|place: usize| place % 2 == odd)).unwrap();
    match piece {
        None => assert!(kept.is_empty()),
        Some(piece) => assert_eq!(walk(&put_together(input, &piece)), Ok(kept)),
    }
    let whole = produce::reduce(input, || true).unwrap();
    match whole {
        None => assert!(found.is_empty()),
        Some(piece) => assert_eq!(walk(&put_together(input, &piece)).as_ref(), Ok(&found)),
    }
    format!("{} partitions", found.len().min(9))
}

fn configs(input: &[u8]) -> String {
    let request = match ConfigRequest::read(input) {
        Ok(request) => request,
        Err(error) => return error.to_string(),
    };
    let kept = request.resources.iter().map(|resource| Kept {
        resource,
        entries: resource.entries.clone(),
        extra: None,
    });
    let frame = request.encode(kept);
    let again = ConfigRequest::read(&frame[4..]).unwrap();
    assert_eq!((&again.header, &again.resources), (&request.header, &request.resources));
    assert_eq!(
        (again.validate_only, again.synonyms, again.documentation),
        (request.validate_only, request.synonyms, request.documentation)
    );
    let entries = request.resources.iter().flat_map(|resource| &resource.entries).map(Vec::len);
    format!("{} resources, {} entries", request.resources.len().min(5), entries.sum::<usize>().min(5))
}

/// A request of every version of the APIs that are read.
pub fn seeds() -> Vec<Vec<u8>> {
    let records = batch::encode(&[batch::NewRecord { key: b"k", value: Some(b"v") }], 7);
    let mut seeds: Vec<Vec<u8>> = [
        client::metadata(Topics::Names(&["a"])),
        client::create_topic("topic", 1, &[("a", "b")], 5),
        client::describe_configs(&["a", "b"], &["k"]),
        client::alter_configs("a", &[("k", Some("v")), ("l", None)]),
    ]
    .map(|call| call.frame[4..].to_vec())
    .into();
    for key in [
        api::PRODUCE,
        api::CREATE_TOPICS,
        api::DESCRIBE_CONFIGS,
        api::ALTER_CONFIGS,
        api::INCREMENTAL_ALTER_CONFIGS,
    ] {
        let known = api::find(key).unwrap();
        for version in known.min..=known.max {
            let mut writer = Writer::request(key, version, 1, Some("c"), known.is_flexible(version));
            match key {
                api::PRODUCE => produce_body(&mut writer, version, &records),
                _ => config_body(&mut writer, key, version),
            }
            writer.no_tags();
            seeds.push(writer.into_frame()[4..].to_vec());
        }
    }
    for seed in &seeds {
        assert!(!feed(seed).contains("message"), "{}", feed(seed));
    }
    seeds
}

fn produce_body(writer: &mut Writer, version: i16, records: &[u8]) {
    writer.nullable_string((version % 2 == 0).then_some("tx"));
    writer.i16(-1);
    writer.i32(0);
    writer.array(2);
    for topic in 0..2 {
        if version >= 13 {
            writer.uuid([topic; 16])
        } else {
            writer.string("topic")
        }
        writer.array(2);
        for index in 0..2 {
            writer.i32(index);
            writer.bytes(records);
            writer.no_tags();
        }
        writer.no_tags();
    }
}

fn config_body(writer: &mut Writer, key: i16, version: i16) {
    writer.array(2);
    for name in ["a", "b"] {
        if key == api::CREATE_TOPICS {
            writer.string(name);
            writer.i32(1);
            writer.i16(1);
            writer.array(1);
            writer.i32(0);
            writer.array(1);
            writer.i32(7);
            writer.no_tags();
        } else {
            writer.i8(2);
            writer.string(name);
        }
        writer.array(1);
        writer.string("confluent.value.schema.validation");
        if key == api::INCREMENTAL_ALTER_CONFIGS {
            writer.i8(0);
        }
        if key != api::DESCRIBE_CONFIGS {
            writer.nullable_string(Some("true"));
            writer.no_tags();
        }
        writer.no_tags();
    }
    match key {
        api::CREATE_TOPICS => {
            writer.i32(5);
            writer.bool(false);
        }
        api::DESCRIBE_CONFIGS => {
            writer.bool(true);
            if version >= 3 {
                writer.bool(true);
            }
        }
        _ => writer.bool(false),
    }
}
