//! What becomes of batches.

use kafka_protocol::messages::{ApiKey, ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use muster_validator::wire::batch::{self, NewRecord};

use crate::client::{batch, codes, framed, good, produce_request, topic_data};
use crate::harness::{Harness, VALIDATION, create, text};

const INVALID_RECORD: i16 = 87;

#[tokio::test]
async fn only_batches_with_schemas_of_the_topic_reach_the_log() {
    let harness = Harness::start().await;
    harness.validated("orders").await;
    harness.registry.register(1, "orders-value");
    harness.registry.register(2, "payments-value");
    let mut client = harness.client().await;
    let null = batch::encode(&[NewRecord { key: b"k", value: None }], 0);
    let cases = [
        (good(1), 0, ""),
        (null, 0, ""),
        (batch(&[b"plain"]), INVALID_RECORD, "NO_MAGIC"),
        (batch(&[b"\0\0"]), INVALID_RECORD, "TOO_SHORT"),
        (batch(&[b""]), INVALID_RECORD, "TOO_SHORT"),
        (good(99), INVALID_RECORD, "UNKNOWN_ID"),
        (good(-1), INVALID_RECORD, "UNKNOWN_ID"),
        (good(i32::MAX), INVALID_RECORD, "UNKNOWN_ID"),
        (good(2), INVALID_RECORD, "orders-value"),
        (batch(&[&framed(1), b"bad", &framed(1)]), INVALID_RECORD, "record 1"),
        (batch(&[b"bad", &framed(1)]), INVALID_RECORD, "record 0"),
        (good(1), 0, ""),
    ];
    let mut passed = 0;
    for (batch, code, words) in cases {
        let answer = client.produce("orders", &[batch]).await;
        assert_eq!(answer[0].0, code, "{words}");
        assert!(answer[0].1.clone().unwrap_or_default().contains(words), "{answer:?}");
        passed += usize::from(code == 0);
        assert_eq!(harness.broker.log("orders").len(), passed);
    }
}

#[tokio::test]
async fn each_failing_record_says_why() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    let request = produce_request("t", &[batch(&[&framed(1), b"one", &framed(1), b"", &framed(5)])]);
    for version in [8, 9, 12] {
        let response: ProduceResponse = client.call(ApiKey::Produce, version, &request).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset, partition.log_start_offset), (87, -1, -1));
        let indexes: Vec<i32> = partition.record_errors.iter().map(|record| record.batch_index).collect();
        assert_eq!(indexes, [1, 3, 4]);
        let unknown = partition.record_errors[2].batch_index_error_message.as_ref().unwrap();
        assert!(unknown.contains("UNKNOWN_ID"), "{unknown}");
    }
    for version in 3..8 {
        let response: ProduceResponse = client.call(ApiKey::Produce, version, &request).await;
        assert_eq!(codes(&response), [(87, None)], "no words before version 8");
    }
    assert!(harness.broker.log("t").is_empty());
}

#[tokio::test]
async fn partitions_are_judged_one_by_one_and_answered_in_their_order() {
    let harness = Harness::start().await;
    for topic in ["a", "b"] {
        harness.validated(topic).await;
    }
    harness.broker.create("free");
    harness.registry.register(1, "a-value");
    harness.registry.register(1, "b-value");
    let bad = batch(&[b"bad"]);
    let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(1_000).with_topic_data(vec![
        topic_data("a", &[good(1), bad.clone(), good(1)]),
        topic_data("free", std::slice::from_ref(&bad)),
        topic_data("b", std::slice::from_ref(&bad)),
        topic_data("nowhere", &[good(1)]),
        topic_data("a", std::slice::from_ref(&bad)),
    ]);
    let mut client = harness.client().await;
    for version in 3..=12 {
        let response: ProduceResponse = client.call(ApiKey::Produce, version, &request).await;
        let codes: Vec<_> = response
            .responses
            .iter()
            .map(|topic| {
                let codes =
                    topic.partition_responses.iter().map(|partition| (partition.index, partition.error_code));
                (topic.name.to_string(), codes.collect::<Vec<_>>())
            })
            .collect();
        let expected = [
            ("a", vec![(0, 0), (1, 87), (2, 0)]),
            ("free", vec![(0, 0)]),
            ("b", vec![(0, 87)]),
            ("nowhere", vec![(0, 3)]),
            ("a", vec![(0, 87)]),
        ];
        assert_eq!(codes, expected.map(|(topic, codes)| (topic.to_owned(), codes)), "version {version}");
    }
    assert_eq!(harness.broker.log("a").len(), 2 * 10);
    assert_eq!(harness.broker.log("free").len(), 10);
    assert!(harness.broker.log("b").is_empty());
}

#[tokio::test]
async fn a_request_of_which_nothing_is_left_is_not_sent() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    let mut client = harness.client().await;
    let answer = client.produce("t", &[batch(&[b"bad"]), batch(&[b"bad"])]).await;
    assert_eq!(answer.iter().map(|answer| answer.0).collect::<Vec<_>>(), [87, 87]);
    assert!(harness.broker.seen(0).is_empty());
}

#[tokio::test]
async fn topics_are_found_by_id() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    let id = create(&mut client, 7, "t", &[(VALIDATION, "true")]).await.topics[0].topic_id;
    let free = harness.broker.create("free");
    harness.registry.register(1, "t-value");
    let by_id = |id, batches: &[Vec<u8>]| {
        let data = topic_data("", batches).with_name(TopicName(StrBytes::default())).with_topic_id(id);
        ProduceRequest::default().with_acks(-1).with_topic_data(vec![data])
    };
    for (id, batch, code) in [
        (id, good(1), 0),
        (id, batch(&[b"bad"]), 87),
        (free, batch(&[b"anything"]), 0),
        (uuid::Uuid::from_u128(1), good(1), 100),
    ] {
        let response: ProduceResponse = client.call(ApiKey::Produce, 13, &by_id(id, &[batch])).await;
        assert_eq!(response.responses[0].partition_responses[0].error_code, code);
        assert_eq!(response.responses[0].topic_id, id);
    }
}

#[tokio::test]
async fn without_acks_a_bad_batch_closes_the_connection() {
    let harness = Harness::start().await;
    for topic in ["a", "b"] {
        harness.validated(topic).await;
    }
    harness.registry.register(1, "a-value");
    let mut client = harness.client().await;
    // Good ones get no response, and the next request's response comes next.
    client.send(ApiKey::Produce, 9, &produce_request("a", &[good(1)]).with_acks(0)).await;
    assert_eq!(client.produce("a", &[good(1)]).await, [(0, None)]);
    let topics = vec![topic_data("a", &[good(1)]), topic_data("b", &[batch(&[b"bad"])])];
    let request = ProduceRequest::default().with_acks(0).with_topic_data(topics);
    let earlier = client.send(ApiKey::Produce, 9, &produce_request("a", &[good(1)])).await;
    client.send(ApiKey::Produce, 9, &request).await;
    let response: ProduceResponse = client.response(earlier, 9).await;
    assert_eq!(codes(&response), [(0, None)], "what came before is answered");
    assert!(client.is_closed().await);
    crate::harness::eventually("the good partition arrives", || async { harness.broker.log("a").len() == 4 })
        .await;
    assert!(harness.broker.log("b").is_empty());
}

#[tokio::test]
async fn a_damaged_batch_is_left_to_the_broker() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    let mut damaged = batch(&[b"bad"]);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let mut client = harness.client().await;
    // This broker does not look; a real one answers CORRUPT_MESSAGE, which clients repeat.
    assert_eq!(client.produce("t", &[damaged]).await, [(0, None)]);
    // With a good checksum it is refused here.
    let mut trailing = batch(&[b"\0\0\0\0\x01x"]);
    trailing[11] += 1;
    trailing.push(0);
    let checksum = crc32c(&trailing[21..]);
    trailing[17..21].copy_from_slice(&checksum.to_be_bytes());
    let answer = client.produce("t", &[trailing]).await;
    assert_eq!(answer[0].0, 87);
    assert!(answer[0].1.as_ref().unwrap().contains("MALFORMED"), "{answer:?}");
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[tokio::test]
async fn a_schema_registered_a_moment_ago_is_never_refused() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    let mut client = harness.client().await;
    for id in 1..30 {
        assert_eq!(client.produce("t", &[good(id)]).await[0].0, 87);
        // First under another subject, then under the right one, each time with the answer fresh in memory.
        harness.registry.register(id, "other-value");
        assert_eq!(client.produce("t", &[good(id)]).await[0].0, 87);
        harness.registry.register(id, "t-value");
        assert_eq!(client.produce("t", &[good(id)]).await[0].0, 0, "schema {id}");
    }
}

#[tokio::test]
async fn known_schemas_are_not_asked_about_again() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    for _ in 0..50 {
        assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0);
    }
    assert_eq!(harness.registry.asked(1), 1);
}

#[tokio::test]
async fn a_batch_that_was_written_once_is_not_refused_when_it_is_repeated() {
    let harness = Harness::with(|config| config.limits.refresh_after = std::time::Duration::ZERO).await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0);
    harness.registry.forget(1);
    for _ in 0..20 {
        assert_eq!(client.produce("t", &[good(1)]).await[0].0, 0);
    }
    assert!(harness.registry.asked(1) > 1, "it was asked about again in the background");
}

#[tokio::test]
async fn keys_are_judged_by_their_own_setting() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    create(&mut client, 5, "t", &[("confluent.key.schema.validation", "true")]).await;
    harness.registry.register(1, "t-key");
    let record = |key: &[u8]| batch::encode(&[NewRecord { key, value: Some(b"anything") }], 0);
    assert_eq!(client.produce("t", &[record(&framed(1))]).await[0].0, 0);
    let answer = client.produce("t", &[record(b"plain")]).await;
    assert!(answer[0].0 == 87 && answer[0].1.as_ref().unwrap().contains("key"), "{answer:?}");
}

#[tokio::test]
async fn transactional_batches_are_judged_too() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    let mut client = harness.client().await;
    let request = produce_request("t", &[batch(&[b"bad"])])
        .with_transactional_id(Some(kafka_protocol::messages::TransactionalId(text("tx"))));
    let response: ProduceResponse = client.call(ApiKey::Produce, 12, &request).await;
    assert_eq!(codes(&response)[0].0, 87);
}
