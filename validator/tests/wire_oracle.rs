//! Our codec against an independent one, on well-formed messages: whatever the other writes we read, and whatever we
//! write the other reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::incremental_alter_configs_request as incremental;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use muster_validator::wire::addresses::{self, Address, Endpoint};
use muster_validator::wire::client::{self, Topics};
use muster_validator::wire::configs::{self, DescribedConfig, Kept, Synonym, TOPIC, Written};
use muster_validator::wire::produce::{
    self, Item, LocalAnswer, OwnedTopic, Plan, PlannedPartition, RecordMessage, Segment, Topic,
};
use muster_validator::wire::{ErrorCode, RequestHeader, api, api_versions, response_body, topics};
use proptest::prelude::*;
use uuid::Uuid;

const CORRELATION_ID: i32 = 0x0102_0304;

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

/// Header and body, without the frame's size.
fn response<M: Encodable + HeaderVersion>(message: &M, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(CORRELATION_ID);
    header.encode(&mut bytes, M::header_version(version)).unwrap();
    message.encode(&mut bytes, version).unwrap();
    bytes.to_vec()
}

fn request<M: Encodable + HeaderVersion>(key: i16, message: &M, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let header = kafka_protocol::messages::RequestHeader::default()
        .with_request_api_key(key)
        .with_request_api_version(version)
        .with_correlation_id(CORRELATION_ID)
        .with_client_id(Some(text("oracle")));
    header.encode(&mut bytes, M::header_version(version)).unwrap();
    message.encode(&mut bytes, version).unwrap();
    bytes.to_vec()
}

/// A whole frame, read by the other codec; nothing may be left over.
fn read_response<M: Decodable + HeaderVersion>(frame: &[u8], version: i16) -> M {
    let mut bytes = unframed(frame);
    let header = ResponseHeader::decode(&mut bytes, M::header_version(version)).unwrap();
    assert_eq!(header.correlation_id, CORRELATION_ID);
    let message = M::decode(&mut bytes, version).unwrap();
    assert!(bytes.is_empty(), "{} bytes left over", bytes.len());
    message
}

fn read_request<M: Decodable + HeaderVersion>(frame: &[u8], version: i16) -> M {
    let mut bytes = unframed(frame);
    kafka_protocol::messages::RequestHeader::decode(&mut bytes, M::header_version(version)).unwrap();
    let message = M::decode(&mut bytes, version).unwrap();
    assert!(bytes.is_empty(), "{} bytes left over", bytes.len());
    message
}

fn unframed(frame: &[u8]) -> Bytes {
    let size = i32::from_be_bytes(frame[..4].try_into().unwrap());
    assert_eq!(usize::try_from(size).unwrap(), frame.len() - 4);
    Bytes::copy_from_slice(&frame[4..])
}

/// Node 13 must not be named; all others get a port of ours.
fn map(endpoint: Endpoint<'_>) -> Option<Address> {
    let port = 10_000 + u16::try_from(endpoint.node).unwrap();
    (endpoint.node != 13).then(|| Address { host: Arc::from("gateway"), port })
}

fn port_of(node: i32) -> i32 {
    10_000 + node
}

fn nodes() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(0..20i32, 0..6)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-z.é]{1,12}", 0..4)
}

fn rewritten(key: i16, version: i16, message: &[u8]) -> Vec<u8> {
    addresses::rewrite(key, version, message, &mut map).unwrap().unwrap()
}

proptest! {
    #[test]
    fn metadata(version in 0..=13i16, nodes in nodes(), names in names(), replicas in nodes(), rack in any::<bool>()) {
        let broker = |node: &i32| {
            let broker = MetadataResponseBroker::default()
                .with_node_id(BrokerId(*node)).with_host(text(format!("real-{node}"))).with_port(9092);
            broker.with_rack((version >= 1 && rack).then(|| text("rack")))
        };
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let partition = MetadataResponsePartition::default()
            .with_partition_index(0).with_leader_id(BrokerId(7))
            .with_leader_epoch(if version >= 7 { 5 } else { -1 })
            .with_replica_nodes(ids(&replicas)).with_isr_nodes(ids(&nodes))
            .with_offline_replicas(if version >= 5 { ids(&nodes) } else { vec![] });
        let topic = |name: &String| MetadataResponseTopic::default()
            .with_name(Some(TopicName(text(name.clone()))))
            .with_topic_id(if version >= 10 { Uuid::from_u128(9) } else { Uuid::nil() })
            .with_is_internal(version >= 1 && name.len() > 3)
            .with_partitions(vec![partition.clone(), partition.clone().with_partition_index(1)]);
        let message = MetadataResponse::default()
            .with_throttle_time_ms(if version >= 3 { 8 } else { 0 })
            .with_brokers(nodes.iter().map(broker).collect())
            .with_cluster_id((version >= 2).then(|| text("cluster")))
            .with_controller_id(BrokerId(if version >= 1 { 3 } else { -1 }))
            .with_topics(names.iter().map(topic).collect());
        let bytes = response(&message, version);

        let expected = message.brokers.iter().filter(|broker| broker.node_id.0 != 13).map(|broker| {
            broker.clone().with_host(text("gateway")).with_port(port_of(broker.node_id.0))
        });
        let read: MetadataResponse = read_response(&rewritten(api::METADATA, version, &bytes), version);
        prop_assert_eq!(read, message.clone().with_brokers(expected.collect()));

        let (mut brokers, mut found) = (Vec::new(), Vec::new());
        topics::metadata(version, &bytes, |broker| brokers.push(broker.node), |topic| {
            found.push((topic.name.unwrap().to_owned(), topic.id, topic.is_internal, topic.partitions, topic.first_leader));
        }).unwrap();
        prop_assert_eq!(&brokers, &nodes);
        let expected: Vec<_> = message.topics.iter().map(|topic| {
            (topic.name.as_ref().unwrap().to_string(), *topic.topic_id.as_bytes(), topic.is_internal, 2, 7)
        }).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn find_coordinator(version in 0..=6i16, node in -1..20i32, nodes in nodes()) {
        let host = |node: i32| text(if node < 0 { String::new() } else { format!("real-{node}") });
        let port = |node: i32| if node < 0 { -1 } else { 9092 };
        let message = if version < 4 {
            FindCoordinatorResponse::default()
                .with_error_message(Some(text(if version >= 1 { "m" } else { "" })))
                .with_node_id(BrokerId(node)).with_host(host(node)).with_port(port(node))
        } else {
            FindCoordinatorResponse::default().with_coordinators(nodes.iter().chain([&node]).map(|node| {
                Coordinator::default().with_key(text("k")).with_node_id(BrokerId(*node))
                    .with_host(host(*node)).with_port(port(*node)).with_error_message(Some(text("m")))
            }).collect())
        };
        let message = message.with_throttle_time_ms(if version >= 1 { 4 } else { 0 });
        let told = |node: i32| match node {
            -1 => (BrokerId(-1), String::new(), -1, 0),
            13 => (BrokerId(-1), String::new(), -1, 15),
            node => (BrokerId(node), "gateway".to_owned(), port_of(node), 0),
        };
        let mut expected = message.clone();
        if version < 4 {
            (expected.node_id, _, expected.port, expected.error_code) = told(node);
            expected.host = text(told(node).1);
        }
        for coordinator in &mut expected.coordinators {
            let (node, host, port, error) = told(coordinator.node_id.0);
            *coordinator = coordinator.clone().with_node_id(node).with_host(text(host)).with_port(port).with_error_code(error);
        }
        let read: FindCoordinatorResponse =
            read_response(&rewritten(api::FIND_COORDINATOR, version, &response(&message, version)), version);
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn describe_cluster(version in 0..=2i16, nodes in nodes(), controllers in any::<bool>()) {
        let controllers = controllers && version >= 1;
        let broker = |node: &i32| DescribeClusterBroker::default()
            .with_broker_id(BrokerId(*node)).with_host(text("real")).with_port(9092)
            .with_rack(Some(text("r"))).with_is_fenced(version >= 2);
        let message = DescribeClusterResponse::default()
            .with_endpoint_type(if controllers { 2 } else { 1 })
            .with_cluster_id(text("cluster"))
            .with_brokers(nodes.iter().map(broker).collect());
        let mut expected = message.clone();
        if !controllers {
            expected.brokers.retain(|broker| broker.broker_id.0 != 13);
            for broker in &mut expected.brokers {
                *broker = broker.clone().with_host(text("gateway")).with_port(port_of(broker.broker_id.0));
            }
        }
        let frame = rewritten(api::DESCRIBE_CLUSTER, version, &response(&message, version));
        prop_assert_eq!(read_response::<DescribeClusterResponse>(&frame, version), expected);
    }

    #[test]
    fn share_responses(nodes in nodes(), records in prop::collection::vec(any::<u8>(), 0..50), acquired in 0..3usize) {
        let fetched = share_fetch_response::PartitionData::default()
            .with_error_message(Some(text("e")))
            .with_records(Some(Bytes::from(records)))
            .with_acquired_records(vec![share_fetch_response::AcquiredRecords::default(); acquired]);
        let topic = share_fetch_response::ShareFetchableTopicResponse::default()
            .with_topic_id(Uuid::from_u128(5)).with_partitions(vec![fetched; 2]);
        let endpoint = |node: &i32| share_fetch_response::NodeEndpoint::default()
            .with_node_id(BrokerId(*node)).with_host(text("real")).with_port(9092);
        let message = ShareFetchResponse::default()
            .with_responses(vec![topic]).with_node_endpoints(nodes.iter().map(endpoint).collect());
        let mut expected = message.clone();
        expected.node_endpoints.retain(|endpoint| endpoint.node_id.0 != 13);
        for endpoint in &mut expected.node_endpoints {
            *endpoint = endpoint.clone().with_host(text("gateway")).with_port(port_of(endpoint.node_id.0));
        }
        let frame = rewritten(api::SHARE_FETCH, 1, &response(&message, 1));
        prop_assert_eq!(read_response::<ShareFetchResponse>(&frame, 1), expected);

        let topic = share_acknowledge_response::ShareAcknowledgeTopicResponse::default()
            .with_partitions(vec![share_acknowledge_response::PartitionData::default(); 2]);
        let endpoint = |node: &i32| share_acknowledge_response::NodeEndpoint::default()
            .with_node_id(BrokerId(*node)).with_host(text("real")).with_port(9092);
        let message = ShareAcknowledgeResponse::default()
            .with_responses(vec![topic]).with_node_endpoints(nodes.iter().map(endpoint).collect());
        let frame = rewritten(api::SHARE_ACKNOWLEDGE, 1, &response(&message, 1));
        let read: ShareAcknowledgeResponse = read_response(&frame, 1);
        prop_assert_eq!(read.responses, message.responses);
        prop_assert!(read.node_endpoints.iter().all(|endpoint| &*endpoint.host == "gateway"));
    }

    #[test]
    fn produce_requests(
        version in 3..=13i16,
        transactional in any::<bool>(),
        acks in -1..=1i16,
        batches in prop::collection::vec(prop::collection::vec((0..5i32, prop::option::of(prop::collection::vec(any::<u8>(), 0..40)), any::<bool>()), 0..4), 0..4),
    ) {
        let topics: Vec<_> = batches.iter().enumerate().map(|(at, partitions)| {
            let topic = TopicProduceData::default().with_partition_data(partitions.iter().map(|(index, records, _)| {
                PartitionProduceData::default().with_index(*index).with_records(records.clone().map(Bytes::from))
            }).collect());
            if version >= 13 { topic.with_topic_id(Uuid::from_u128(at as u128 + 1)) }
            else { topic.with_name(TopicName(text(format!("topic-{at}")))) }
        }).collect();
        let message = ProduceRequest::default()
            .with_transactional_id(transactional.then(|| TransactionalId(text("tx"))))
            .with_acks(acks).with_timeout_ms(1_234).with_topic_data(topics);
        let bytes = request(api::PRODUCE, &message, version);
        prop_assert_eq!(produce::acks(&bytes), Ok(acks));

        let mut walk = produce::Request::read(&bytes).unwrap();
        prop_assert_eq!((walk.acks, walk.transactional_id), (acks, transactional.then_some("tx")));
        let mut seen = Vec::new();
        while let Some(item) = walk.next().unwrap() {
            match item {
                Item::Topic(Topic::Name(name)) => seen.push((name.to_owned(), vec![])),
                Item::Topic(Topic::Id(id)) => seen.push((format!("topic-{}", u128::from_be_bytes(id) - 1), vec![])),
                Item::Partition(partition) => {
                    seen.last_mut().unwrap().1.push((partition.index, partition.records.to_vec()));
                }
            }
        }
        let expected: Vec<_> = batches.iter().enumerate().map(|(at, partitions)| {
            let partitions = partitions.iter().map(|(index, records, _)| (*index, records.clone().unwrap_or_default()));
            (format!("topic-{at}"), partitions.collect::<Vec<_>>())
        }).collect();
        prop_assert_eq!(seen, expected);

        let mut keep = batches.iter().flatten().map(|(_, _, keep)| *keep);
        let piece = produce::reduce(&bytes, || keep.next().unwrap()).unwrap();
        let mut expected = message.clone();
        for (topic, partitions) in expected.topic_data.iter_mut().zip(&batches) {
            let mut keep = partitions.iter().map(|(_, _, keep)| *keep);
            topic.partition_data.retain(|_| keep.next().unwrap());
        }
        expected.topic_data.retain(|topic| !topic.partition_data.is_empty());
        match piece {
            None => prop_assert!(expected.topic_data.is_empty()),
            Some(piece) => {
                let mut frame = Vec::new();
                for segment in piece.segments {
                    match segment {
                        Segment::Kept(range) => frame.extend(&bytes[range]),
                        Segment::Made(made) => frame.extend(made),
                    }
                }
                prop_assert_eq!(read_request::<ProduceRequest>(&frame, version), expected);
            }
        }
    }

    #[test]
    fn produce_responses(
        version in 3..=13i16,
        nodes in nodes(),
        partitions in prop::collection::vec(prop::option::of((any::<i16>(), prop::collection::vec("[a-z]{0,5}", 0..3))), 1..6),
    ) {
        let id = Uuid::from_u128(77);
        let topic = |partitions| {
            let topic = TopicProduceResponse::default().with_partition_responses(partitions);
            if version >= 13 { topic.with_topic_id(id) } else { topic.with_name(TopicName(text("t"))) }
        };
        // The broker answers some of the partitions, in the opposite order.
        let broker = |index: usize| {
            let answer = PartitionProduceResponse::default()
                .with_index(index as i32).with_error_code(6).with_base_offset(100).with_log_append_time_ms(5);
            let answer = if version >= 5 { answer.with_log_start_offset(3) } else { answer };
            let answer = if version >= 8 {
                answer.with_error_message(Some(text("broker"))).with_record_errors(vec![
                    BatchIndexAndErrorMessage::default().with_batch_index(1).with_batch_index_error_message(None),
                ])
            } else { answer };
            if version >= 10 {
                answer.with_current_leader(LeaderIdAndEpoch::default().with_leader_id(BrokerId(1)).with_leader_epoch(2))
            } else { answer }
        };
        let from_broker: Vec<_> = (0..partitions.len()).rev().filter(|at| partitions[*at].is_none()).map(broker).collect();
        let endpoint = |node: &i32| NodeEndpoint::default()
            .with_node_id(BrokerId(*node)).with_host(text("real")).with_port(9092).with_rack(Some(text("r")));
        let endpoints = if version >= 10 { nodes.iter().map(endpoint).collect() } else { vec![] };
        let message = ProduceResponse::default()
            .with_responses(if from_broker.is_empty() { vec![] } else { vec![topic(from_broker)] })
            .with_throttle_time_ms(9).with_node_endpoints(endpoints);
        let bytes = response(&message, version);
        let mut told = message.clone();
        told.node_endpoints.retain(|endpoint| endpoint.node_id.0 != 13);
        for endpoint in &mut told.node_endpoints {
            *endpoint = endpoint.clone().with_host(text("gateway")).with_port(port_of(endpoint.node_id.0));
        }
        match produce::rewrite_addresses(version, &bytes, &mut map).unwrap() {
            None => prop_assert!(message.node_endpoints.is_empty()),
            Some(frame) => prop_assert_eq!(&read_response::<ProduceResponse>(&frame, version), &told),
        }

        let planned = partitions.iter().enumerate().map(|(index, local)| PlannedPartition {
            index: index as i32,
            local: local.as_ref().map(|(code, messages)| Box::new(LocalAnswer {
                error: ErrorCode(*code),
                records: messages.iter().enumerate().map(|(index, message)| {
                    RecordMessage { index: index as i32, message: message.clone() }
                }).collect(),
                message: Some("ours".to_owned()),
            })),
        });
        let name = if version >= 13 { OwnedTopic::Id(*id.as_bytes()) } else { OwnedTopic::Name("t".into()) };
        let plan = Plan { topics: vec![(name, planned.collect())] };
        let ours = |index: usize, code: i16, messages: &[String]| {
            let answer = PartitionProduceResponse::default()
                .with_index(index as i32).with_error_code(code).with_base_offset(-1)
                .with_log_append_time_ms(-1).with_log_start_offset(-1);
            if version < 8 { return answer }
            let records = messages.iter().enumerate().map(|(index, message)| BatchIndexAndErrorMessage::default()
                .with_batch_index(index as i32).with_batch_index_error_message(Some(text(message.clone()))));
            answer.with_record_errors(records.collect()).with_error_message(Some(text("ours")))
        };
        let merged = partitions.iter().enumerate().map(|(index, local)| match local {
            Some((code, messages)) => ours(index, *code, messages),
            None => broker(index),
        });
        let expected = told.clone().with_responses(vec![topic(merged.collect())]);
        let frame = plan.merge(version, &bytes, &mut map).unwrap();
        prop_assert_eq!(read_response::<ProduceResponse>(&frame, version), expected);

        let alone: Vec<_> = partitions.iter().enumerate()
            .filter_map(|(index, local)| local.as_ref().map(|(code, messages)| ours(index, *code, messages))).collect();
        let expected = ProduceResponse::default().with_responses(if alone.is_empty() { vec![] } else { vec![topic(alone)] });
        let read: ProduceResponse = read_response(&plan.answer(CORRELATION_ID, version), version);
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn config_requests(
        which in 0..4usize,
        version in 0..=7i16,
        resources in prop::collection::vec(("[a-z]{1,6}", prop::collection::vec(("[ab]{1,3}", prop::option::of("[x-z]{0,4}"), 0..4i8), 0..4)), 0..4),
        flag in any::<bool>(),
    ) {
        let (key, range) = [
            (api::CREATE_TOPICS, 2..=7), (api::DESCRIBE_CONFIGS, 1..=4),
            (api::ALTER_CONFIGS, 0..=2), (api::INCREMENTAL_ALTER_CONFIGS, 0..=1),
        ][which].clone();
        let version = version.clamp(*range.start(), *range.end());
        let keep = |name: &str| name.len() != 2;
        let message = |all: bool| {
            let entries = |entries: &[(String, Option<String>, i8)]| -> Vec<_> {
                entries.iter().filter(|entry| all || keep(&entry.0)).cloned().collect()
            };
            match key {
                api::CREATE_TOPICS => request(key, &CreateTopicsRequest::default()
                    .with_timeout_ms(5).with_validate_only(flag)
                    .with_topics(resources.iter().map(|(name, settings)| CreatableTopic::default()
                        .with_name(TopicName(text(name.clone()))).with_num_partitions(3).with_replication_factor(1)
                        .with_assignments(vec![CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1), BrokerId(2)]); settings.len()])
                        .with_configs(entries(settings).into_iter().map(|(name, value, _)| {
                            CreatableTopicConfig::default().with_name(text(name)).with_value(value.map(text))
                        }).collect())).collect()), version),
                api::DESCRIBE_CONFIGS => request(key, &DescribeConfigsRequest::default()
                    .with_include_synonyms(flag).with_include_documentation(flag && version >= 3)
                    .with_resources(resources.iter().map(|(name, settings)| DescribeConfigsResource::default()
                        .with_resource_type(TOPIC).with_resource_name(text(name.clone()))
                        .with_configuration_keys(Some(entries(settings).into_iter().map(|(name, ..)| text(name)).collect()))
                    ).collect()), version),
                api::ALTER_CONFIGS => request(key, &AlterConfigsRequest::default().with_validate_only(flag)
                    .with_resources(resources.iter().map(|(name, settings)| AlterConfigsResource::default()
                        .with_resource_type(TOPIC).with_resource_name(text(name.clone()))
                        .with_configs(entries(settings).into_iter().map(|(name, value, _)| {
                            AlterableConfig::default().with_name(text(name)).with_value(value.map(text))
                        }).collect())).collect()), version),
                _ => request(key, &IncrementalAlterConfigsRequest::default().with_validate_only(flag)
                    .with_resources(resources.iter().map(|(name, settings)| incremental::AlterConfigsResource::default()
                        .with_resource_type(TOPIC).with_resource_name(text(name.clone()))
                        .with_configs(entries(settings).into_iter().map(|(name, value, operation)| {
                            incremental::AlterableConfig::default()
                                .with_name(text(name)).with_value(value.map(text)).with_config_operation(operation)
                        }).collect())).collect()), version),
            }
        };
        let bytes = message(true);
        let read = configs::Request::read(&bytes).unwrap();
        prop_assert_eq!(read.header.correlation_id, CORRELATION_ID);
        prop_assert_eq!(read.header.client_id, Some("oracle"));
        if key == api::DESCRIBE_CONFIGS {
            prop_assert_eq!((read.synonyms, read.documentation), (flag, flag && version >= 3));
        } else {
            prop_assert_eq!(read.validate_only, flag);
        }
        let seen: Vec<_> = read.resources.iter().map(|resource| {
            let entries = resource.entries.iter().flatten();
            (resource.kind, resource.name.to_owned(), entries.map(|entry| (entry.name.to_owned(), entry.value.map(str::to_owned), entry.operation)).collect::<Vec<_>>())
        }).collect();
        let expected: Vec<_> = resources.iter().map(|(name, entries)| {
            let entries = entries.iter().map(|(name, value, operation)| (
                name.clone(),
                if key == api::DESCRIBE_CONFIGS { None } else { value.clone() },
                if key == api::INCREMENTAL_ALTER_CONFIGS { *operation } else { 0 },
            ));
            (TOPIC, name.clone(), entries.collect::<Vec<_>>())
        }).collect();
        prop_assert_eq!(seen, expected);

        let all = read.resources.iter().map(|resource| Kept { resource, entries: resource.entries.clone(), extra: None });
        prop_assert_eq!(&read.encode(all)[4..], &bytes[..]);
        let stripped = read.resources.iter().map(|resource| {
            let entries = resource.entries.iter().flatten().filter(|entry| keep(entry.name)).copied().collect();
            Kept { resource, entries: Some(entries), extra: None }
        });
        prop_assert_eq!(&read.encode(stripped)[4..], &message(false)[..]);
    }

    #[test]
    fn config_responses(
        which in 0..4usize,
        version in 0..=7i16,
        topics in prop::collection::vec(("[a-z]{1,6}", any::<bool>(), prop::collection::vec("[ab]{1,3}", 0..3)), 0..4),
        failing in any::<bool>(),
    ) {
        let (key, range) = [
            (api::CREATE_TOPICS, 2..=7), (api::DESCRIBE_CONFIGS, 1..=4),
            (api::ALTER_CONFIGS, 0..=2), (api::INCREMENTAL_ALTER_CONFIGS, 0..=1),
        ][which].clone();
        let version = version.clamp(*range.start(), *range.end());
        let described = |name: &str, value: &str, synonyms: Vec<&str>| {
            let config = DescribeConfigsResourceResult::default()
                .with_name(text(name)).with_value(Some(text(value))).with_config_source(5)
                .with_synonyms(synonyms.into_iter().map(|value| DescribeConfigsSynonym::default()
                    .with_name(text(name)).with_value(Some(text(value))).with_source(5)).collect());
            if version >= 3 { config.with_config_type(8).with_documentation(Some(text("doc"))) } else { config }
        };
        let created = |name: &str, value: &str| CreatableTopicConfigs::default()
            .with_name(text(name)).with_value(Some(text(value))).with_config_source(5);
        // What the broker says, and what the client should see: one more setting, one refusal more.
        let message = |ours: bool| -> Vec<u8> {
            let code = if failing { 3 } else { 0 };
            match key {
                api::CREATE_TOPICS => {
                    let mut results: Vec<_> = topics.iter().map(|(name, null, settings)| {
                        let result = CreatableTopicResult::default()
                            .with_name(TopicName(text(name.clone()))).with_error_code(code).with_error_message(Some(text("m")));
                        let result = if version >= 7 { result.with_topic_id(Uuid::from_u128(4)) } else { result };
                        if version < 5 { return result.with_configs(Some(vec![])) }
                        let result = result.with_num_partitions(2).with_replication_factor(1);
                        if *null { return result.with_configs(None).with_topic_config_error_code(29) }
                        let mut all: Vec<_> = settings.iter().map(|name| created(name, "v")).collect();
                        if ours { all.push(created("ours", "v")) }
                        result.with_configs(Some(all))
                    }).collect();
                    if ours {
                        results.push(CreatableTopicResult::default().with_name(TopicName(text("refused")))
                            .with_error_code(40).with_error_message(Some(text("why"))));
                    }
                    response(&CreateTopicsResponse::default().with_throttle_time_ms(6).with_topics(results), version)
                }
                api::DESCRIBE_CONFIGS => {
                    let mut results: Vec<_> = topics.iter().map(|(name, _, settings)| {
                        let mut all: Vec<_> = settings.iter().map(|name| described(name, "v", vec!["s"])).collect();
                        if ours { all.push(described("ours", "v", vec!["v", "d"])) }
                        DescribeConfigsResult::default().with_error_code(code).with_resource_type(TOPIC)
                            .with_resource_name(text(name.clone())).with_configs(all)
                    }).collect();
                    if ours {
                        results.push(DescribeConfigsResult::default().with_error_code(40).with_error_message(Some(text("why")))
                            .with_resource_type(TOPIC).with_resource_name(text("refused")));
                    }
                    response(&DescribeConfigsResponse::default().with_throttle_time_ms(6).with_results(results), version)
                }
                _ => {
                    let mut results: Vec<_> = topics.iter().map(|(name, ..)| {
                        alter_configs_response::AlterConfigsResourceResponse::default()
                            .with_error_code(code).with_resource_type(TOPIC).with_resource_name(text(name.clone()))
                    }).collect();
                    if ours {
                        results.push(alter_configs_response::AlterConfigsResourceResponse::default()
                            .with_error_code(40).with_error_message(Some(text("why")))
                            .with_resource_type(TOPIC).with_resource_name(text("refused")));
                    }
                    if key == api::ALTER_CONFIGS {
                        return response(&AlterConfigsResponse::default().with_throttle_time_ms(6).with_responses(results), version);
                    }
                    let results = results.into_iter().map(|result| {
                        incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                            .with_error_code(result.error_code).with_error_message(result.error_message)
                            .with_resource_type(result.resource_type).with_resource_name(result.resource_name)
                    });
                    response(&IncrementalAlterConfigsResponse::default().with_throttle_time_ms(6).with_responses(results.collect()), version)
                }
            }
        };
        let bytes = message(false);
        let read = configs::Response::read(key, version, &bytes).unwrap();
        prop_assert_eq!(read.correlation_id, CORRELATION_ID);
        let seen: Vec<_> = read.answers.iter().map(|answer| (answer.error.is_none(), answer.name)).collect();
        let expected: Vec<_> = topics.iter().map(|(name, ..)| (!failing, name.as_str())).collect();
        prop_assert_eq!(seen, expected);
        let same: Vec<_> = read.answers.iter()
            .map(|answer| Written::Broker { answer, removed: None, added: vec![] }).collect();
        prop_assert_eq!(&read.encode(&same)[4..], &bytes[..]);

        let added = DescribedConfig {
            name: "ours", value: "v", source: 5, config_type: 8, documentation: Some("doc"),
            synonyms: vec![Synonym { value: "v", source: 5 }, Synonym { value: "d", source: 5 }],
        };
        let mut written: Vec<_> = read.answers.iter().map(|answer| {
            let added = if answer.configs.is_some() { vec![added.clone()] } else { vec![] };
            Written::Broker { answer, removed: None, added }
        }).collect();
        written.push(Written::Refused {
            kind: TOPIC, name: "refused", error: ErrorCode::INVALID_CONFIG, message: "why".to_owned(),
        });
        prop_assert_eq!(&read.encode(&written)[4..], &message(true)[..]);
    }

    #[test]
    fn api_versions_responses(
        version in 0..=4i16,
        keys in prop::collection::vec((0..110i16, 0..4i16, 0..20i16), 0..30),
        level in 0..4i16,
    ) {
        let message = ApiVersionsResponse::default().with_throttle_time_ms(if version >= 1 { 2 } else { 0 })
            .with_api_keys(keys.iter().map(|(key, min, max)| ApiVersion::default()
                .with_api_key(*key).with_min_version(*min).with_max_version(*max)).collect());
        let message = if version >= 3 {
            message.with_finalized_features_epoch(7)
                .with_supported_features(vec![SupportedFeatureKey::default()
                    .with_name(text("transaction.version")).with_min_version(0).with_max_version(level)])
                .with_finalized_features(vec![FinalizedFeatureKey::default()
                    .with_name(text("transaction.version")).with_min_version_level(level).with_max_version_level(level)])
        } else { message };
        let mut expected = message.clone();
        expected.api_keys = keys.iter().filter_map(|(key, min, max)| {
            let (min, max) = api_versions::intersect(*key, *min, *max)?;
            Some(ApiVersion::default().with_api_key(*key).with_min_version(min).with_max_version(max))
        }).collect();
        let frame = api_versions::rewrite(version, &response(&message, version)).unwrap();
        let mut bytes = unframed(&frame);
        ResponseHeader::decode(&mut bytes, 0).unwrap();
        prop_assert_eq!(ApiVersionsResponse::decode(&mut bytes, version).unwrap(), expected);
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn deleted_topics(version in 1..=6i16, names in names(), code in any::<i16>()) {
        let message = DeleteTopicsResponse::default().with_responses(names.iter().map(|name| {
            let result = DeletableTopicResult::default().with_name(Some(TopicName(text(name.clone())))).with_error_code(code);
            let result = if version >= 6 { result.with_topic_id(Uuid::from_u128(6)) } else { result };
            if version >= 5 { result.with_error_message(Some(text("m"))) } else { result }
        }).collect());
        let bytes = response(&message, version);
        let seen: Vec<_> = topics::deleted(version, &bytes).unwrap().into_iter()
            .map(|topic| (topic.error.0, topic.name.unwrap().to_owned(), u128::from_be_bytes(topic.id))).collect();
        let expected: Vec<_> = names.into_iter().map(|name| (code, name, if version >= 6 { 6 } else { 0 })).collect();
        prop_assert_eq!(seen, expected);
    }
}

/// Every API in the table is flexible from the version on that the other codec says, and has the header it says.
#[test]
fn headers_agree_for_every_api() {
    let mut compared = 0;
    for (key, api) in api::all().filter(|(_, api)| api.min <= api.max) {
        // Streams groups came after the other codec was generated.
        let Ok(oracle) = ApiKey::try_from(key) else { continue };
        for version in api.min..=api.max {
            let flexible = oracle.request_header_version(version) == 2;
            assert_eq!(api.is_flexible(version), flexible, "{} {version}", api.name);
            let mut bytes = BytesMut::new();
            let header = ResponseHeader::default().with_correlation_id(CORRELATION_ID);
            header.encode(&mut bytes, oracle.response_header_version(version)).unwrap();
            let (id, rest) = response_body(&bytes, key, version).unwrap();
            assert_eq!((id, rest.remaining()), (CORRELATION_ID, 0), "{} {version}", api.name);
            let mut bytes = BytesMut::new();
            let header = kafka_protocol::messages::RequestHeader::default()
                .with_request_api_key(key)
                .with_request_api_version(version)
                .with_correlation_id(CORRELATION_ID)
                .with_client_id(Some(text("é")))
                .with_unknown_tagged_fields(if flexible {
                    BTreeMap::from([(9, Bytes::from_static(b"x"))])
                } else {
                    BTreeMap::new()
                });
            header.encode(&mut bytes, oracle.request_header_version(version)).unwrap();
            let (header, rest) = RequestHeader::read(&bytes).unwrap();
            assert_eq!((header.client_id, rest.remaining()), (Some("é"), 0), "{} {version}", api.name);
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

/// The requests we make are what the other codec reads, and we read what it answers.
#[test]
fn our_own_requests_are_understood() {
    let id = Uuid::from_u128(3);
    let call = client::metadata(Topics::Names(&["a"]));
    let read: MetadataRequest = read_request(&call.frame, call.version);
    assert!(!read.allow_auto_topic_creation);
    assert_eq!(read.topics.unwrap()[0].name.as_ref().unwrap().to_string(), "a");
    let call = client::metadata(Topics::Ids(&[*id.as_bytes()]));
    assert_eq!(read_request::<MetadataRequest>(&call.frame, call.version).topics.unwrap()[0].topic_id, id);
    let call = client::metadata(Topics::All);
    assert_eq!(read_request::<MetadataRequest>(&call.frame, call.version).topics, None);
    let call = client::metadata(Topics::None);
    assert_eq!(read_request::<MetadataRequest>(&call.frame, call.version).topics, Some(vec![]));

    let call = client::api_versions();
    read_request::<ApiVersionsRequest>(&call.frame, call.version);
    let answer = ApiVersionsResponse::default()
        .with_api_keys(vec![ApiVersion::default().with_api_key(3).with_min_version(1).with_max_version(2)]);
    assert_eq!(client::read_api_versions(&response(&answer, call.version)), Ok(vec![(3, 1, 2)]));

    let call = client::create_topic("t", 3, &[("cleanup.policy", "compact")], 5);
    let read: CreateTopicsRequest = read_request(&call.frame, call.version);
    assert_eq!(
        (read.topics[0].num_partitions, read.topics[0].replication_factor, read.timeout_ms),
        (1, 3, 5)
    );
    assert_eq!(&*read.topics[0].configs[0].name, "cleanup.policy");
    let answer = CreateTopicsResponse::default().with_topics(vec![
        CreatableTopicResult::default()
            .with_error_code(36)
            .with_error_message(Some(text("exists")))
            .with_configs(Some(vec![])),
    ]);
    let answer = client::read_create_topic(&response(&answer, call.version)).unwrap();
    assert_eq!(answer, (ErrorCode::TOPIC_ALREADY_EXISTS, "exists".to_owned()));

    let call = client::produce("t", b"batch", 7);
    let read: ProduceRequest = read_request(&call.frame, call.version);
    assert_eq!((read.acks, read.timeout_ms), (-1, 7));
    assert_eq!(read.topic_data[0].partition_data[0].records.as_deref(), Some(&b"batch"[..]));
    let answer = ProduceResponse::default().with_responses(vec![
        TopicProduceResponse::default().with_partition_responses(vec![
            PartitionProduceResponse::default()
                .with_error_code(2)
                .with_base_offset(8)
                .with_record_errors(vec![BatchIndexAndErrorMessage::default()])
                .with_error_message(Some(text("why"))),
        ]),
    ]);
    let answer = client::read_produce(&response(&answer, call.version)).unwrap();
    assert_eq!(answer, (ErrorCode(2), 8, "why".to_owned()));

    let call = client::list_offset("t", client::EARLIEST);
    let read: ListOffsetsRequest = read_request(&call.frame, call.version);
    assert_eq!(read.topics[0].partitions[0].timestamp, -2);
    let answer = ListOffsetsResponse::default().with_topics(vec![
        ListOffsetsTopicResponse::default().with_partitions(vec![
            ListOffsetsPartitionResponse::default().with_error_code(6).with_offset(11),
        ]),
    ]);
    assert_eq!(client::read_list_offset(&response(&answer, call.version)), Ok((ErrorCode(6), 11)));

    let call = client::fetch("t", 12, 500, 1 << 20);
    let read: FetchRequest = read_request(&call.frame, call.version);
    assert_eq!((read.max_wait_ms, read.min_bytes, read.topics[0].partitions[0].fetch_offset), (500, 1, 12));
    let answer =
        FetchResponse::default().with_responses(vec![FetchableTopicResponse::default().with_partitions(
            vec![
        PartitionData::default()
            .with_high_watermark(20)
            .with_aborted_transactions(Some(vec![AbortedTransaction::default()]))
            .with_records(Some(Bytes::from_static(b"records"))),
    ],
        )]);
    let bytes = response(&answer, call.version);
    assert_eq!(client::read_fetch(&bytes), Ok((ErrorCode::NONE, 20, &b"records"[..])));

    let call = client::describe_configs(&["t"], &["k"]);
    let read: DescribeConfigsRequest = read_request(&call.frame, call.version);
    assert_eq!(read.resources[0].configuration_keys.as_ref().unwrap()[0].to_string(), "k");
    let answer = DescribeConfigsResponse::default().with_results(vec![
        DescribeConfigsResult::default().with_resource_name(text("t")).with_configs(vec![
            DescribeConfigsResourceResult::default()
                .with_name(text("k"))
                .with_value(Some(text("v")))
                .with_config_source(1)
                .with_synonyms(vec![DescribeConfigsSynonym::default()]),
        ]),
    ]);
    let bytes = response(&answer, call.version);
    let described = client::read_describe_configs(&bytes).unwrap();
    assert_eq!((described[0].topic, &described[0].configs[..]), ("t", &[("k", Some("v"), 1)][..]));

    let call = client::alter_configs("t", &[("k", Some("v")), ("l", None)]);
    let read: IncrementalAlterConfigsRequest = read_request(&call.frame, call.version);
    let operations: Vec<_> = read.resources[0].configs.iter().map(|config| config.config_operation).collect();
    assert_eq!(operations, [0, 1]);
    let answer = IncrementalAlterConfigsResponse::default().with_responses(vec![
        incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_error_code(40)
            .with_error_message(Some(text("no"))),
    ]);
    let answer = client::read_alter_configs(&response(&answer, call.version)).unwrap();
    assert_eq!(answer, (ErrorCode::INVALID_CONFIG, "no".to_owned()));
}
