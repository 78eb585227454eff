//! Versions, addresses, order, and frames that are not what they should be.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    MetadataRequest, MetadataResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::Decodable;
use muster_validator::gateway::{Gateway, GatewayError, GatewayLimits};
use tokio::io::AsyncWriteExt;

use crate::broker::NODE;
use crate::client::{Client, frame, good, produce_request};
use crate::harness::{Harness, broker_port, config, text};
use crate::registry::Registry;

fn range(response: &ApiVersionsResponse, key: i16) -> Option<(i16, i16)> {
    let api = response.api_keys.iter().find(|api| api.api_key == key)?;
    Some((api.min_version, api.max_version))
}

#[tokio::test]
async fn versions_are_those_both_sides_speak() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    for version in 0..=4 {
        let response: ApiVersionsResponse =
            client.call(ApiKey::ApiVersions, version, &ApiVersionsRequest::default()).await;
        assert_eq!(response.error_code, 0);
        assert_eq!(range(&response, 0), Some((0, 13)), "Produce 0 stays for clients that look at it");
        assert_eq!(range(&response, 1), Some((4, 15)), "Fetch from 16 on names brokers behind the records");
        for hidden in [27, 52, 120] {
            assert_eq!(range(&response, hidden), None, "{hidden}");
        }
        if version >= 3 {
            assert_eq!(
                response.finalized_features[0].max_version_level, 2,
                "nothing transactions need is capped"
            );
        }
    }
}

#[tokio::test]
async fn a_version_from_the_future_is_answered_as_version_0() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    // Nobody can read the body of version 99.
    let mut bytes = frame(ApiKey::ApiVersions, 4, 5, &ApiVersionsRequest::default());
    bytes[7] = 99;
    client.socket.write_all(&bytes).await.unwrap();
    let mut message = client.receive().await.unwrap();
    assert_eq!(message.split_to(4)[..], [0, 0, 0, 5]);
    let response = ApiVersionsResponse::decode(&mut message, 0).unwrap();
    assert_eq!((response.error_code, range(&response, 18)), (35, Some((0, 4))));
    // The connection goes on.
    let response: ApiVersionsResponse =
        client.call(ApiKey::ApiVersions, 3, &ApiVersionsRequest::default()).await;
    assert_eq!(response.error_code, 0);
    // So does one whose broker knows less than the gateway.
    harness.broker.trick(|tricks| tricks.api_versions_max = Some(3));
    let id = client.send(ApiKey::ApiVersions, 4, &ApiVersionsRequest::default()).await;
    let mut message = client.receive().await.unwrap();
    assert_eq!(message.split_to(4)[..], id.to_be_bytes());
    let response = ApiVersionsResponse::decode(&mut message, 0).unwrap();
    assert_eq!((response.error_code, range(&response, 18)), (35, Some((0, 3))));
}

#[tokio::test]
async fn real_addresses_never_reach_a_client() {
    let harness = Harness::start().await;
    let real = harness.broker.address;
    let mut client = harness.client().await;
    let topics = Some(vec![]);
    for version in 0..=13 {
        let request = MetadataRequest::default().with_topics(topics.clone());
        let response: MetadataResponse = client.call(ApiKey::Metadata, version, &request).await;
        assert_eq!(response.brokers.len(), 1);
        assert_ne!(response.brokers[0].port, i32::from(real.port()), "version {version}");
        assert_eq!(response.brokers[0].node_id.0, NODE);
    }
    for version in 0..=3 {
        let request = FindCoordinatorRequest::default().with_key(text("group"));
        let response: FindCoordinatorResponse = client.call(ApiKey::FindCoordinator, version, &request).await;
        assert_ne!(response.port, i32::from(real.port()), "version {version}");
    }
    // The port that is named stands for that broker.
    let port = broker_port(&mut client).await;
    let mut direct = Client::connect(([127, 0, 0, 1], port).into()).await;
    assert_eq!(broker_port(&mut direct).await, port);
}

#[tokio::test]
async fn a_new_broker_gets_a_port_before_it_is_named() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    let first = broker_port(&mut client).await;
    harness.broker.also_name(9);
    let request = MetadataRequest::default().with_topics(Some(vec![]));
    let response: MetadataResponse = client.call(ApiKey::Metadata, 12, &request).await;
    let ports: Vec<i32> = response.brokers.iter().map(|broker| broker.port).collect();
    assert_eq!(ports.len(), 2);
    assert_eq!(ports[0], i32::from(first), "a port stays with its node");
    let mut other = Client::connect(([127, 0, 0, 1], u16::try_from(ports[1]).unwrap()).into()).await;
    assert_eq!(broker_port(&mut other).await, first);
}

#[tokio::test]
async fn requests_pass_byte_for_byte() {
    let harness = Harness::start().await;
    harness.broker.create("free");
    let mut client = harness.client().await;
    let request = frame(ApiKey::Produce, 9, 1, &produce_request("free", &[good(1), good(2)]));
    client.socket.write_all(&request).await.unwrap();
    client.receive().await.unwrap();
    let request_to_validated = frame(ApiKey::Produce, 9, 1, &produce_request("other", &[good(1)]));
    harness.validated("validated").await;
    client.socket.write_all(&request_to_validated).await.unwrap();
    client.receive().await.unwrap();
    assert_eq!(harness.broker.seen(0), [&request[4..], &request_to_validated[4..]]);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let mut client = harness.client().await;
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for id in 0..60 {
        // Refusals are made here, the rest comes from the broker.
        let request = match id % 4 {
            0 => frame(ApiKey::Produce, 9, id, &produce_request("t", &[good(1)])),
            1 => frame(
                ApiKey::Produce,
                9,
                id,
                &produce_request("t", &[b"x".to_vec(), crate::client::batch(&[b"bad"])]),
            ),
            2 => frame(ApiKey::Metadata, 12, id, &MetadataRequest::default().with_topics(Some(vec![]))),
            _ => frame(ApiKey::Produce, 9, id, &produce_request("t", &[crate::client::batch(&[b"bad"])])),
        };
        if id % 4 != 1 {
            bytes.extend(request);
            expected.push(id);
        }
    }
    client.socket.write_all(&bytes).await.unwrap();
    for id in expected {
        let message = client.receive().await.unwrap();
        assert_eq!(message[..4], id.to_be_bytes());
    }
}

#[tokio::test]
async fn broken_frames_close_the_connection_and_harm_nobody_else() {
    let harness = Harness::with(|config| config.limits.frame_bytes = 1 << 20).await;
    harness.validated("t").await;
    let mut other = harness.client().await;
    let produce = frame(ApiKey::Produce, 9, 1, &produce_request("t", &[good(1)]));
    let with = |at: usize, bytes: &[u8]| {
        let mut broken = produce.clone();
        broken[at..at + bytes.len()].copy_from_slice(bytes);
        broken
    };
    let records = produce.windows(2).position(|window| window == b"t\x02").unwrap();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a negative size", vec![0xff, 0xff, 0xff, 0xff]),
        ("the least size", vec![0x80, 0, 0, 0]),
        ("a size of nothing", vec![0, 0, 0, 0]),
        ("a size too small for a header", vec![0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0]),
        ("a frame that is too long", vec![0, 0x20, 0, 0]),
        ("the greatest size", vec![0x7f, 0xff, 0xff, 0xff]),
        ("a hidden API", with(4, &[0, 27])),
        ("an unknown API", with(4, &[0, 120])),
        ("a negative API", with(4, &[0xff, 0xff])),
        ("a version that is not offered", with(6, &[0, 14])),
        ("Produce before version 3", with(6, &[0, 2])),
        ("a negative version", with(6, &[0xff, 0xff])),
        ("a hostile count of topics", with(records - 2, &[0xff, 0xff, 0xff, 0xff, 0x07])),
        ("a hostile count of partitions", with(records + 1, &[0xff, 0xff, 0xff, 0xff, 0x07])),
        ("text", b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec()),
    ];
    for (name, bytes) in cases {
        let mut client = harness.client().await;
        client.socket.write_all(&bytes).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(5), client.is_closed()).await;
        assert_eq!(closed, Ok(true), "{name}");
    }
    let response: ApiVersionsResponse =
        other.call(ApiKey::ApiVersions, 3, &ApiVersionsRequest::default()).await;
    assert_eq!(response.error_code, 0);
    assert!(harness.broker.seen(0).is_empty(), "nothing broken was forwarded");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_frame_leaves_nothing_behind() {
    let harness = Harness::start().await;
    harness.validated("t").await;
    harness.registry.register(1, "t-value");
    let whole = frame(ApiKey::Produce, 9, 1, &produce_request("t", &[good(1)]));
    for length in [1, 4, 11, 30, whole.len() - 1] {
        let mut client = harness.client().await;
        client.socket.write_all(&whole[..length]).await.unwrap();
        client.socket.shutdown().await.unwrap();
        assert!(client.is_closed().await, "{length}");
    }
    assert!(harness.broker.seen(0).is_empty());
    let mut client = harness.client().await;
    assert_eq!(client.produce("t", &[good(1)]).await, [(0, None)]);
}

#[tokio::test]
async fn a_frame_that_does_not_get_on_is_given_up() {
    let harness = Harness::with(|config| {
        config.limits = GatewayLimits { frame_timeout: Duration::from_millis(200), ..config.limits };
    })
    .await;
    let mut client = harness.client().await;
    client.socket.write_all(&[0, 0, 0]).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(5), client.is_closed()).await.unwrap());
}

#[tokio::test]
async fn a_broker_that_breaks_the_rules_is_dropped() {
    let harness = Harness::start().await;
    harness.broker.create("free");
    for (name, trick) in [("wrong id", 0), ("unasked", 1), ("hang up", 2)] {
        harness.broker.trick(|tricks| {
            tricks.wrong_correlation_id = trick == 0;
            tricks.talk_unasked = trick == 1;
            tricks.hang_up_on = (trick == 2).then_some(0);
        });
        let mut client = harness.client().await;
        client.send(ApiKey::Produce, 9, &produce_request("free", &[good(1)])).await;
        assert!(client.is_closed().await, "{name}");
    }
}

#[tokio::test]
async fn leaders_named_in_produce_responses_are_ours() {
    let harness = Harness::start().await;
    harness.broker.create("free");
    harness.broker.trick(|tricks| tricks.name_leader = true);
    let mut client = harness.client().await;
    let port = broker_port(&mut client).await;
    for version in [10, 12] {
        let response: kafka_protocol::messages::ProduceResponse =
            client.call(ApiKey::Produce, version, &produce_request("free", &[good(1)])).await;
        assert_eq!(response.node_endpoints[0].port, i32::from(port));
    }
}

#[tokio::test]
async fn sasl_without_frames_is_refused() {
    let harness = Harness::start().await;
    let mut client = harness.client().await;
    let request = SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
    let response: SaslHandshakeResponse = client.call(ApiKey::SaslHandshake, 0, &request).await;
    assert_eq!(response.error_code, 35);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn what_keeps_a_gateway_from_starting_is_one_clear_line() {
    let harness = Harness::start().await;
    let registry = Registry::start().await;
    let taken = harness.gateway.local_addr().to_string();
    let mut in_use = config(harness.broker.address, &registry);
    in_use.listen = taken.clone();
    let error = Gateway::start(in_use).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {taken}"));

    // A port nobody listens on: claimed for a moment, then given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Gateway::start(config(free, &registry)).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreachable { .. }));
    assert_eq!(error.to_string(), format!("cannot reach a broker at {free}"));

    let mut nonsense = config(harness.broker.address, &registry);
    nonsense.listen = "nowhere".to_owned();
    assert!(matches!(Gateway::start(nonsense).await, Err(GatewayError::Config { setting: "listen", .. })));
}

#[tokio::test]
async fn a_broker_that_comes_back_elsewhere_is_found_again() {
    let mut harness = Harness::start().await;
    harness.broker.create("free");
    let mut client = harness.client().await;
    let port = broker_port(&mut client).await;
    // The old one tells of the new address before it goes.
    let second = crate::broker::Broker::with_state(std::sync::Arc::clone(&harness.broker.state)).await;
    crate::harness::eventually("the new address is learned", || async {
        Client::connect(([127, 0, 0, 1], port).into()).await;
        second.accepted.load(std::sync::atomic::Ordering::Relaxed) > 0
    })
    .await;
    let old = std::mem::replace(&mut harness.broker, second);
    // Clients of the old one are disconnected, so that they recover by themselves.
    old.stop().await;
    assert!(client.is_closed().await);
    crate::harness::eventually("the broker is reached at its new address", || async {
        let mut client = Client::connect(([127, 0, 0, 1], port).into()).await;
        client.send(ApiKey::Produce, 9, &produce_request("free", &[good(1)])).await;
        client.receive().await.is_some()
    })
    .await;
}

#[tokio::test]
async fn an_unread_response_body_streams_through() {
    // A Fetch response of 8 MB, larger than any buffer here.
    let harness = Harness::start().await;
    harness.broker.create("free");
    let value = vec![7; 1 << 20];
    let mut client = harness.client().await;
    for _ in 0..8 {
        client.produce("free", &[crate::client::batch(&[&value])]).await;
    }
    use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
    use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};
    let request = FetchRequest::default().with_max_bytes(1 << 30).with_topics(vec![
        FetchTopic::default()
            .with_topic(TopicName(text("free")))
            .with_partitions(vec![FetchPartition::default()]),
    ]);
    let response: FetchResponse = client.call(ApiKey::Fetch, 11, &request).await;
    let records: &Bytes = response.responses[0].partitions[0].records.as_ref().unwrap();
    assert_eq!(records.to_vec(), harness.broker.log("free").concat());
}
