//! A broker in a few hundred lines: keeps topics and logs in memory, works on the requests of a connection one by one,
//! and can be told to misbehave. Reads and writes with a codec that is not ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey};
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_response::{
    NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

pub const NODE: i32 = 7;

/// What a broker is told to do besides its job.
#[derive(Clone, Debug, Default)]
pub struct Tricks {
    /// Close the connection when a request of this API arrives.
    pub hang_up_on: Option<i16>,
    /// Answer Produce with another correlation id.
    pub wrong_correlation_id: bool,
    /// Send a response that nobody asked for, after the next one.
    pub talk_unasked: bool,
    /// Name this broker's own address in Produce responses from version 10 on.
    pub name_leader: bool,
    /// Refuse admin requests about topics.
    pub deny_admin: bool,
    /// Offer ApiVersions no higher than this.
    pub api_versions_max: Option<i16>,
    /// Answer Produce requests of version 9 without looking at them.
    pub sink: bool,
    /// Fail writes to the settings topic.
    pub refuse_settings: bool,
}

#[derive(Debug)]
pub struct Topic {
    pub id: Uuid,
    /// Whole batches with their base offsets, one log for all partitions.
    pub log: Vec<(i64, Vec<u8>)>,
    next: i64,
    pub configs: BTreeMap<String, String>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub api_key: i16,
    pub message: Vec<u8>,
}

#[derive(Debug)]
pub struct State {
    pub topics: Mutex<BTreeMap<String, Topic>>,
    pub seen: Mutex<Vec<Seen>>,
    pub tricks: Mutex<Tricks>,
    /// Produce requests are answered while this is true.
    pub answering: watch::Sender<bool>,
    changed: watch::Sender<u64>,
    address: Mutex<Option<SocketAddr>>,
    extra_brokers: Mutex<Vec<i32>>,
}

pub struct Broker {
    pub state: Arc<State>,
    /// Connections accepted by this one.
    pub accepted: Arc<AtomicUsize>,
    pub address: SocketAddr,
    tasks: JoinSet<()>,
}

impl Broker {
    pub async fn start() -> Self {
        let state = Arc::new(State {
            topics: Mutex::default(),
            seen: Mutex::default(),
            tricks: Mutex::default(),
            answering: watch::Sender::new(true),
            changed: watch::Sender::new(0),
            address: Mutex::default(),
            extra_brokers: Mutex::default(),
        });
        Self::with_state(state).await
    }

    /// A broker that goes on where another left off, on another port.
    pub async fn with_state(state: Arc<State>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        *state.address.lock().unwrap() = Some(address);
        let mut tasks = JoinSet::new();
        let owner = Arc::clone(&state);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(Arc::clone(&owner), socket));
            }
        });
        Self { state, accepted, address, tasks }
    }

    /// Cuts all connections and stops listening.
    pub async fn stop(mut self) -> Arc<State> {
        self.tasks.shutdown().await;
        self.state
    }

    pub fn create(&self, name: &str) -> Uuid {
        self.state.create(name, BTreeMap::new()).unwrap()
    }

    /// Removes a topic behind the gateway's back.
    pub fn delete(&self, name: &str) {
        self.state.topics.lock().unwrap().remove(name);
    }

    pub fn trick(&self, change: impl FnOnce(&mut Tricks)) {
        change(&mut self.state.tricks.lock().unwrap());
    }

    pub fn also_name(&self, node: i32) {
        self.state.extra_brokers.lock().unwrap().push(node);
    }

    /// Every batch in the log of a topic.
    pub fn log(&self, topic: &str) -> Vec<Vec<u8>> {
        let topics = self.state.topics.lock().unwrap();
        topics
            .get(topic)
            .map(|topic| topic.log.iter().map(|(_, batch)| batch.clone()).collect())
            .unwrap_or_default()
    }

    /// The requests of one API, header included, from clients: the gateway's own are left out.
    pub fn seen(&self, api_key: i16) -> Vec<Vec<u8>> {
        let seen = self.state.seen.lock().unwrap();
        let from_clients = seen.iter().filter(|seen| {
            seen.api_key == api_key && !seen.message.windows(14).any(|window| window == b"muster-gateway")
        });
        from_clients.map(|seen| seen.message.clone()).collect()
    }
}

impl State {
    fn create(&self, name: &str, configs: BTreeMap<String, String>) -> Option<Uuid> {
        let mut topics = self.topics.lock().unwrap();
        if topics.contains_key(name) {
            return None;
        }
        let id = Uuid::new_v4();
        topics.insert(name.to_owned(), Topic { id, log: Vec::new(), next: 0, configs });
        Some(id)
    }

    fn tricks(&self) -> Tricks {
        self.tricks.lock().unwrap().clone()
    }
}

async fn serve(state: Arc<State>, mut socket: TcpStream) {
    let sink = state.tricks().sink;
    let mut message = Vec::new();
    loop {
        let Ok(size) = socket.read_i32().await else { return };
        message.resize(usize::try_from(size).unwrap(), 0);
        if socket.read_exact(&mut message).await.is_err() {
            return;
        }
        if sink && message[..4] == [0, 0, 0, 9] {
            let mut frame = vec![0, 0, 0, 11];
            frame.extend(&message[4..8]);
            frame.extend([0, 1, 0, 0, 0, 0, 0]);
            if socket.write_all(&frame).await.is_err() {
                return;
            }
            continue;
        }
        let key = i16::from_be_bytes([message[0], message[1]]);
        let version = i16::from_be_bytes([message[2], message[3]]);
        state.seen.lock().unwrap().push(Seen { api_key: key, message: message.clone() });
        if state.tricks().hang_up_on == Some(key) {
            return;
        }
        let Ok(api) = ApiKey::try_from(key) else { return };
        let mut bytes = Bytes::from(std::mem::take(&mut message));
        let header = RequestHeader::decode(&mut bytes, api.request_header_version(version)).unwrap();
        let Some((body, version)) = answer(&state, api, version, bytes).await else { continue };
        let tricks = state.tricks();
        let mut correlation_id = header.correlation_id;
        if tricks.wrong_correlation_id && api == ApiKey::Produce {
            correlation_id += 1;
        }
        let mut out = BytesMut::new();
        let header = ResponseHeader::default().with_correlation_id(correlation_id);
        header.encode(&mut out, api.response_header_version(version)).unwrap();
        out.extend_from_slice(&body);
        let mut frame = i32::try_from(out.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(&out);
        if tricks.talk_unasked {
            let again = frame.clone();
            frame.extend(again);
        }
        if socket.write_all(&frame).await.is_err() {
            return;
        }
    }
}

fn body<M: Encodable>(message: &M, version: i16) -> Option<(Vec<u8>, i16)> {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).unwrap();
    Some((bytes.to_vec(), version))
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

async fn answer(state: &Arc<State>, api: ApiKey, version: i16, mut bytes: Bytes) -> Option<(Vec<u8>, i16)> {
    match api {
        ApiKey::ApiVersions => api_versions(state, version),
        ApiKey::Metadata => metadata(state, version, &MetadataRequest::decode(&mut bytes, version).unwrap()),
        ApiKey::FindCoordinator => {
            let address = state.address.lock().unwrap().unwrap();
            let response = FindCoordinatorResponse::default()
                .with_node_id(BrokerId(NODE))
                .with_host(text(address.ip().to_string()))
                .with_port(i32::from(address.port()));
            body(&response, version)
        }
        ApiKey::Produce => {
            produce(state, version, ProduceRequest::decode(&mut bytes, version).unwrap()).await
        }
        ApiKey::CreateTopics => {
            create(state, version, CreateTopicsRequest::decode(&mut bytes, version).unwrap())
        }
        ApiKey::DeleteTopics => {
            delete(state, version, DeleteTopicsRequest::decode(&mut bytes, version).unwrap())
        }
        ApiKey::ListOffsets => {
            let request = ListOffsetsRequest::decode(&mut bytes, version).unwrap();
            let topics = state.topics.lock().unwrap();
            let topic = &request.topics[0];
            let next = topics.get(&topic.name.to_string()).map(|topic| topic.next);
            let partition = ListOffsetsPartitionResponse::default()
                .with_error_code(if next.is_some() { 0 } else { 3 })
                .with_offset(if topic.partitions[0].timestamp == -2 { 0 } else { next.unwrap_or(-1) });
            let topic = ListOffsetsTopicResponse::default()
                .with_name(topic.name.clone())
                .with_partitions(vec![partition]);
            body(&ListOffsetsResponse::default().with_topics(vec![topic]), version)
        }
        ApiKey::Fetch => fetch(state, version, FetchRequest::decode(&mut bytes, version).unwrap()).await,
        ApiKey::IncrementalAlterConfigs => {
            let request = IncrementalAlterConfigsRequest::decode(&mut bytes, version).unwrap();
            let results = request.resources.into_iter().map(|resource| {
                let unknown = resource.configs.iter().any(|config| config.name.starts_with("confluent."));
                let code = state.admin_error(&resource.resource_name, unknown);
                incremental_alter_configs_response::AlterConfigsResourceResponse::default()
                    .with_error_code(code)
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name)
            });
            body(&IncrementalAlterConfigsResponse::default().with_responses(results.collect()), version)
        }
        ApiKey::AlterConfigs => {
            let request = AlterConfigsRequest::decode(&mut bytes, version).unwrap();
            let results = request.resources.into_iter().map(|resource| {
                let unknown = resource.configs.iter().any(|config| config.name.starts_with("confluent."));
                let code = state.admin_error(&resource.resource_name, unknown);
                AlterConfigsResourceResponse::default()
                    .with_error_code(code)
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name)
            });
            body(&AlterConfigsResponse::default().with_responses(results.collect()), version)
        }
        ApiKey::DescribeConfigs => {
            let request = DescribeConfigsRequest::decode(&mut bytes, version).unwrap();
            let results = request.resources.into_iter().map(|resource| {
                let asked: Vec<String> =
                    resource.configuration_keys.iter().flatten().map(ToString::to_string).collect();
                let names = ["cleanup.policy", "retention.ms"].into_iter();
                let names = names.filter(|name| asked.is_empty() || asked.iter().any(|asked| asked == name));
                let configs = names.map(|name| {
                    DescribeConfigsResourceResult::default()
                        .with_name(text(name))
                        .with_value(Some(text("v")))
                        .with_config_source(5)
                });
                let code = if resource.resource_type == 2 {
                    state.admin_error(&resource.resource_name, false)
                } else {
                    0
                };
                DescribeConfigsResult::default()
                    .with_error_code(code)
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name)
                    .with_configs(if code == 0 { configs.collect() } else { vec![] })
            });
            body(&DescribeConfigsResponse::default().with_results(results.collect()), version)
        }
        other => panic!("the fake broker was asked for {other:?}"),
    }
}

impl State {
    fn admin_error(&self, topic: &str, unknown_config: bool) -> i16 {
        if self.tricks().deny_admin {
            29
        } else if !self.topics.lock().unwrap().contains_key(topic) {
            3
        } else if unknown_config {
            40
        } else {
            0
        }
    }
}

fn api_versions(state: &State, version: i16) -> Option<(Vec<u8>, i16)> {
    let tricks = state.tricks();
    let max = tricks.api_versions_max.unwrap_or(4);
    let range = |key: i16, min: i16, max: i16| {
        ApiVersion::default().with_api_key(key).with_min_version(min).with_max_version(max)
    };
    if version > max {
        let refusal =
            ApiVersionsResponse::default().with_error_code(35).with_api_keys(vec![range(18, 0, max)]);
        return body(&refusal, 0);
    }
    let keys = [
        (0, 0, 13),
        (1, 4, 18),
        (2, 1, 11),
        (3, 0, 13),
        (10, 0, 6),
        (17, 0, 1),
        (18, 0, max),
        (19, 2, 7),
        (20, 1, 6),
        (27, 1, 2),
        (32, 1, 4),
        (33, 0, 2),
        (44, 0, 1),
        (52, 0, 2),
        (120, 0, 3),
    ];
    let response = ApiVersionsResponse::default()
        .with_api_keys(keys.iter().map(|(key, min, max)| range(*key, *min, *max)).collect());
    let response = if version >= 3 {
        response.with_finalized_features_epoch(1).with_finalized_features(vec![
            FinalizedFeatureKey::default()
                .with_name(text("transaction.version"))
                .with_max_version_level(2)
                .with_min_version_level(2),
        ])
    } else {
        response
    };
    body(&response, version)
}

fn metadata(state: &State, version: i16, request: &MetadataRequest) -> Option<(Vec<u8>, i16)> {
    let address = state.address.lock().unwrap().unwrap();
    let mut nodes = vec![NODE];
    nodes.extend(&*state.extra_brokers.lock().unwrap());
    let brokers = nodes.into_iter().map(|node| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(node))
            .with_host(text(address.ip().to_string()))
            .with_port(i32::from(address.port()))
    });
    let topics = state.topics.lock().unwrap();
    let describe = |name: Option<&str>, id: Uuid, code: i16| {
        let partition = MetadataResponsePartition::default().with_leader_id(BrokerId(NODE));
        MetadataResponseTopic::default()
            .with_error_code(code)
            .with_name(name.map(|name| TopicName(text(name))))
            .with_topic_id(if version >= 10 { id } else { Uuid::nil() })
            .with_partitions(if code == 0 { vec![partition] } else { vec![] })
    };
    let all = || topics.iter().map(|(name, topic)| describe(Some(name), topic.id, 0)).collect();
    let found: Vec<MetadataResponseTopic> = match &request.topics {
        None => all(),
        Some(asked) if asked.is_empty() && version == 0 => all(),
        Some(asked) => asked
            .iter()
            .map(|asked| match &asked.name {
                Some(name) => match topics.get(&name.to_string()) {
                    Some(topic) => describe(Some(name), topic.id, 0),
                    None => describe(Some(name), Uuid::nil(), 3),
                },
                None => match topics.iter().find(|(_, topic)| topic.id == asked.topic_id) {
                    Some((name, topic)) => describe(Some(name), topic.id, 0),
                    None => describe(None, asked.topic_id, 100),
                },
            })
            .collect(),
    };
    body(&MetadataResponse::default().with_brokers(brokers.collect()).with_topics(found), version)
}

async fn produce(state: &Arc<State>, version: i16, request: ProduceRequest) -> Option<(Vec<u8>, i16)> {
    let _ = state.answering.subscribe().wait_for(|answering| *answering).await;
    let tricks = state.tricks();
    let mut responses = Vec::new();
    {
        let mut topics = state.topics.lock().unwrap();
        for asked in request.topic_data {
            let found = topics.iter_mut().find(|(name, topic)| {
                if version >= 13 { topic.id == asked.topic_id } else { ***name == **asked.name }
            });
            let mut partitions = Vec::new();
            let mut found = found.map(|(name, topic)| (name.clone(), topic));
            for partition in asked.partition_data {
                let result = PartitionProduceResponse::default().with_index(partition.index);
                partitions.push(match &mut found {
                    Some((name, _)) if tricks.refuse_settings && name.starts_with("_muster") => {
                        result.with_error_code(29)
                    }
                    Some((_, topic)) => {
                        let mut batch = partition.records.unwrap_or_default().to_vec();
                        let base = topic.next;
                        batch[..8].copy_from_slice(&base.to_be_bytes());
                        let count = i32::from_be_bytes(batch[57..61].try_into().unwrap());
                        topic.next += i64::from(count);
                        topic.log.push((base, batch));
                        result.with_base_offset(base)
                    }
                    None => result.with_error_code(if version >= 13 { 100 } else { 3 }),
                });
            }
            let response = TopicProduceResponse::default().with_partition_responses(partitions);
            responses.push(if version >= 13 {
                response.with_topic_id(asked.topic_id)
            } else {
                response.with_name(asked.name)
            });
        }
    }
    state.changed.send_modify(|changes| *changes += 1);
    if request.acks == 0 {
        return None;
    }
    let response = ProduceResponse::default().with_responses(responses);
    let response = if tricks.name_leader && version >= 10 {
        let address = state.address.lock().unwrap().unwrap();
        response.with_node_endpoints(vec![
            NodeEndpoint::default()
                .with_node_id(BrokerId(NODE))
                .with_host(text(address.ip().to_string()))
                .with_port(i32::from(address.port())),
        ])
    } else {
        response
    };
    body(&response, version)
}

fn create(state: &State, version: i16, request: CreateTopicsRequest) -> Option<(Vec<u8>, i16)> {
    let results = request.topics.into_iter().map(|topic| {
        let result = CreatableTopicResult::default().with_name(topic.name.clone()).with_configs(Some(vec![]));
        let unknown = topic.configs.iter().any(|config| config.name.starts_with("confluent."));
        let configs = topic.configs.iter().map(|config| {
            (config.name.to_string(), config.value.as_ref().map(ToString::to_string).unwrap_or_default())
        });
        let exists = state.topics.lock().unwrap().contains_key(&topic.name.to_string());
        let code = match () {
            () if state.tricks().deny_admin => 29,
            () if exists => 36,
            () if unknown => 40,
            () => 0,
        };
        if code != 0 {
            return result.with_error_code(code);
        }
        let id = if request.validate_only {
            Uuid::nil()
        } else {
            state.create(&topic.name, configs.collect()).unwrap()
        };
        let result = if version >= 7 { result.with_topic_id(id) } else { result };
        if version < 5 {
            return result;
        }
        let config =
            CreatableTopicConfigs::default().with_name(text("retention.ms")).with_value(Some(text("v")));
        result
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(Some(vec![config.with_config_source(5)]))
    });
    body(&CreateTopicsResponse::default().with_topics(results.collect()), version)
}

fn delete(state: &State, version: i16, request: DeleteTopicsRequest) -> Option<(Vec<u8>, i16)> {
    let mut topics = state.topics.lock().unwrap();
    let asked: Vec<(Option<String>, Uuid)> = if version >= 6 {
        request
            .topics
            .into_iter()
            .map(|topic| (topic.name.map(|name| name.to_string()), topic.topic_id))
            .collect()
    } else {
        request.topic_names.into_iter().map(|name| (Some(name.to_string()), Uuid::nil())).collect()
    };
    let results = asked.into_iter().map(|(name, id)| {
        let by_id = || topics.iter().find(|(_, topic)| topic.id == id).map(|(name, _)| name.clone());
        let name = name.or_else(by_id);
        let removed = name.as_ref().and_then(|name| topics.remove(name));
        let result = DeletableTopicResult::default()
            .with_name(name.map(|name| TopicName(text(name))))
            .with_error_code(if removed.is_some() { 0 } else { 3 });
        let result = if version >= 5 { result.with_error_message(None) } else { result };
        if version >= 6 { result.with_topic_id(removed.map_or(id, |topic| topic.id)) } else { result }
    });
    body(&DeleteTopicsResponse::default().with_responses(results.collect()), version)
}

async fn fetch(state: &Arc<State>, version: i16, request: FetchRequest) -> Option<(Vec<u8>, i16)> {
    let asked = &request.topics[0];
    let name = asked.topic.to_string();
    let from = asked.partitions[0].fetch_offset;
    let mut changed = state.changed.subscribe();
    let read = || {
        let topics = state.topics.lock().unwrap();
        let topic = topics.get(&name)?;
        let records: Vec<u8> =
            topic.log.iter().filter(|(base, _)| *base >= from).flat_map(|(_, batch)| batch.clone()).collect();
        Some((topic.next, records))
    };
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap());
    if read().is_some_and(|(_, records)| records.is_empty()) {
        let _ = tokio::time::timeout(wait, changed.changed()).await;
    }
    let partition = match read() {
        Some((next, _)) if from > next => PartitionData::default().with_error_code(1),
        Some((next, records)) => {
            PartitionData::default().with_high_watermark(next).with_records(Some(Bytes::from(records)))
        }
        None => PartitionData::default().with_error_code(3),
    };
    let partition = partition.with_aborted_transactions(Some(vec![]));
    let topic =
        FetchableTopicResponse::default().with_topic(asked.topic.clone()).with_partitions(vec![partition]);
    body(&FetchResponse::default().with_responses(vec![topic]), version)
}
