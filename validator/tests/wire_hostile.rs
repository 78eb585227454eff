//! Bytes from strangers: whatever they are, reading ends with a value or an error, soon, and without room for what is
//! merely announced.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use muster_validator::wire::addresses::{self, Address, Endpoint};
use muster_validator::wire::client::{self, Topics};
use muster_validator::wire::configs::{Request as ConfigRequest, Response as ConfigResponse};
use muster_validator::wire::produce::{self, LocalAnswer, OwnedTopic, Plan, PlannedPartition};
use muster_validator::wire::{ErrorCode, RequestHeader, Writer, api, api_versions, batch, topics};
use proptest::prelude::*;

fn map(endpoint: Endpoint<'_>) -> Option<Address> {
    (endpoint.node % 2 == 0).then(|| Address { host: "gateway".into(), port: 1 })
}

/// Reads bytes in every way there is. Answers how many of the ways found something.
fn read_in_every_way(bytes: &[u8]) -> usize {
    let mut found = 0;
    let mut count = |ok: bool| found += usize::from(ok);
    count(RequestHeader::read(bytes).is_ok());
    count(produce::acks(bytes).is_ok());
    if let Ok(mut request) = produce::Request::read(bytes) {
        while let Ok(Some(_)) = request.next() {}
    }
    let mut turn = false;
    count(
        produce::reduce(bytes, || {
            turn = !turn;
            turn
        })
        .is_ok(),
    );
    count(ConfigRequest::read(bytes).is_ok_and(|request| {
        let kept = request.resources.iter().map(|resource| muster_validator::wire::configs::Kept {
            resource,
            entries: resource.entries.clone(),
            extra: None,
        });
        request.encode(kept).len() > 4
    }));
    let local = LocalAnswer { error: ErrorCode::INVALID_RECORD, records: vec![], message: None };
    let plan = Plan {
        topics: vec![(
            OwnedTopic::Name("t".into()),
            vec![
                PlannedPartition { index: 0, local: None },
                PlannedPartition { index: 1, local: Some(Box::new(local)) },
            ],
        )],
    };
    for (key, api) in api::all() {
        for version in api.min..=api.max {
            count(addresses::rewrite(key, version, bytes, &mut map).is_ok_and(|frame| frame.is_some()));
            match key {
                api::PRODUCE => {
                    count(produce::rewrite_addresses(version, bytes, &mut map).is_ok());
                    count(plan.merge(version, bytes, &mut map).is_ok());
                }
                api::METADATA => count(topics::metadata(version, bytes, |_| {}, |_| {}).is_ok()),
                api::DELETE_TOPICS => count(topics::deleted(version, bytes).is_ok()),
                api::API_VERSIONS => count(api_versions::rewrite(version, bytes).is_ok()),
                api::CREATE_TOPICS
                | api::DESCRIBE_CONFIGS
                | api::ALTER_CONFIGS
                | api::INCREMENTAL_ALTER_CONFIGS => count(ConfigResponse::read(key, version, bytes).is_ok()),
                _ => {}
            }
        }
    }
    count(client::read_api_versions(bytes).is_ok());
    count(client::read_create_topic(bytes).is_ok());
    count(client::read_produce(bytes).is_ok());
    count(client::read_list_offset(bytes).is_ok());
    count(client::read_fetch(bytes).is_ok());
    count(client::read_describe_configs(bytes).is_ok());
    count(client::read_alter_configs(bytes).is_ok());
    count(batch::decode(bytes, |_| {}).is_ok());
    found
}

/// Well-formed messages to start from, without the frame's size.
fn seeds() -> Vec<Vec<u8>> {
    let records = batch::encode(&[batch::NewRecord { key: b"k", value: Some(b"v") }], 7);
    let mut seeds = vec![records.clone()];
    let calls = [
        client::metadata(Topics::Names(&["a", "b"])),
        client::produce("topic", &records, 5),
        client::create_topic("topic", 1, &[("a", "b")], 5),
        client::describe_configs(&["a", "b"], &["k"]),
        client::alter_configs("a", &[("k", Some("v")), ("l", None)]),
        client::fetch("t", 0, 0, 0),
    ];
    seeds.extend(calls.into_iter().map(|call| call.frame[4..].to_vec()));
    for version in [3, 8, 9, 12, 13] {
        let flexible = version >= 9;
        let mut writer = Writer::request(api::PRODUCE, version, 1, Some("c"), flexible);
        writer.nullable_string(None);
        writer.i16(-1);
        writer.i32(0);
        writer.array(1);
        if version >= 13 {
            writer.uuid([3; 16])
        } else {
            writer.string("topic")
        }
        writer.array(2);
        for index in 0..2 {
            writer.i32(index);
            writer.bytes(&records);
            writer.no_tags();
        }
        writer.no_tags();
        writer.no_tags();
        seeds.push(writer.into_frame()[4..].to_vec());
    }
    for version in [0, 9, 12] {
        let mut writer = Writer::response(1, version >= 9);
        if version >= 3 {
            writer.i32(0);
        }
        writer.array(2);
        for node in 0..2 {
            writer.i32(node);
            writer.string("host");
            writer.i32(9092);
            if version >= 1 {
                writer.nullable_string(None);
            }
            writer.no_tags();
        }
        if version >= 2 {
            writer.nullable_string(Some("cluster"));
        }
        if version >= 1 {
            writer.i32(0);
        }
        writer.array(0);
        if (8..=10).contains(&version) {
            writer.i32(0);
        }
        writer.no_tags();
        seeds.push(writer.into_frame()[4..].to_vec());
    }
    seeds
}

#[test]
fn the_seeds_are_read() {
    for seed in seeds() {
        assert!(read_in_every_way(&seed) > 0, "{seed:x?}");
    }
}

/// Every position of every seed, overwritten with the numbers that hurt most.
#[test]
fn the_worst_numbers_everywhere() {
    for seed in seeds() {
        for at in 0..seed.len() {
            read_in_every_way(&seed[..at]);
            for worst in [
                &[0xff, 0xff, 0xff, 0xff][..],
                &[0x7f, 0xff, 0xff, 0xff],
                &[0x80, 0, 0, 0],
                &[0xff, 0xff, 0xff, 0xff, 0x07],
                &[0],
            ] {
                let mut bytes = seed.clone();
                let end = (at + worst.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&worst[..end - at]);
                read_in_every_way(&bytes);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_in_every_way(&bytes);
    }

    #[test]
    fn mutated_messages(
        seed in prop::sample::select(seeds()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = seed;
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        read_in_every_way(&bytes);
    }
}
