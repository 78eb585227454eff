//! Broker, registry and gateway together.

use std::net::SocketAddr;
use std::time::Duration;

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{
    ApiKey, CreateTopicsRequest, CreateTopicsResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use muster_serdes::client::{ClientConfig, RegistryClient};
use muster_validator::gateway::{Gateway, GatewayConfig, GatewayError};

use crate::broker::{Broker, NODE};
use crate::client::Client;
use crate::registry::Registry;

pub const VALIDATION: &str = "confluent.value.schema.validation";

pub struct Harness {
    pub broker: Broker,
    pub registry: Registry,
    pub gateway: Gateway,
}

pub fn config(broker: SocketAddr, registry: &Registry) -> GatewayConfig {
    let client = ClientConfig {
        max_retries: 0,
        request_timeout_ms: 2_000,
        connect_timeout_ms: 2_000,
        ..ClientConfig::new(&registry.url())
    };
    GatewayConfig::new("127.0.0.1:0", &broker.to_string(), RegistryClient::new(client).unwrap())
}

impl Harness {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let (broker, registry) = (Broker::start().await, Registry::start().await);
        let mut config = config(broker.address, &registry);
        change(&mut config);
        let gateway = Gateway::start(config).await.unwrap();
        Self { broker, registry, gateway }
    }

    /// A second gateway in front of the same broker.
    pub async fn another_gateway(&self) -> Result<Gateway, GatewayError> {
        Gateway::start(config(self.broker.address, &self.registry)).await
    }

    /// A client of the bootstrap port.
    pub async fn client(&self) -> Client {
        Client::connect(self.gateway.local_addr()).await
    }

    /// Creates a validated topic through the gateway.
    pub async fn validated(&self, topic: &str) {
        let response = create(&mut self.client().await, 7, topic, &[(VALIDATION, "true")]).await;
        assert_eq!(response.topics[0].error_code, 0);
    }

    pub async fn shutdown(self) -> Result<(), GatewayError> {
        self.gateway.shutdown(Duration::from_secs(20)).await
    }
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn creatable(topic: &str, configs: &[(&str, &str)]) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(TopicName(text(topic)))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(
            configs
                .iter()
                .map(|(name, value)| {
                    CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
                })
                .collect(),
        )
}

pub async fn create(
    client: &mut Client,
    version: i16,
    topic: &str,
    configs: &[(&str, &str)],
) -> CreateTopicsResponse {
    let request = CreateTopicsRequest::default().with_topics(vec![creatable(topic, configs)]);
    client.call(ApiKey::CreateTopics, version, &request).await
}

/// The port that stands for the broker, as a client learns it.
pub async fn broker_port(client: &mut Client) -> u16 {
    let request = MetadataRequest::default().with_topics(Some(vec![]));
    let response: MetadataResponse = client.call(ApiKey::Metadata, 12, &request).await;
    let broker = response.brokers.iter().find(|broker| broker.node_id.0 == NODE).unwrap();
    u16::try_from(broker.port).unwrap()
}

/// Tries until `attempt` says yes; fails after 10 s.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut attempt: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !attempt().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
