//! What a gateway is told, and the bounds on what strangers can make it spend.

use std::time::Duration;

use muster_serdes::client::RegistryClient;

use crate::engine::BatchLimits;

/// Settings of a [`Gateway`](super::Gateway).
///
/// ```no_run
/// # async fn f(registry: muster_serdes::client::RegistryClient) -> Result<(), muster_validator::gateway::GatewayError> {
/// use muster_validator::gateway::{Gateway, GatewayConfig};
///
/// let config = GatewayConfig::new("127.0.0.1:9192", "broker-1:9092,broker-2:9092", registry);
/// let gateway = Gateway::start(config).await?;
/// println!("listening on {}", gateway.local_addr());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where clients connect first, `HOST:PORT`. Each broker gets a port of its own, from the next one upwards; with
    /// port 0 the system chooses all of them.
    pub listen: String,
    /// Brokers to start from, each `HOST:PORT`. At least one.
    pub bootstrap: Vec<String>,
    /// The host clients are told to connect to. Default: the host of `listen`; if that is a wildcard, the address
    /// that each client dialled.
    pub advertise: Option<String>,
    /// Where schemas are looked up.
    pub registry: RegistryClient,
    /// What happens to records whose schema the registry cannot tell about. Default [`OutagePolicy::ClosedRetry`].
    pub outage: OutagePolicy,
    /// The compacted topic that holds the topic settings. Default `_muster_topic_settings`.
    pub settings_topic: String,
    /// Bounds.
    pub limits: GatewayLimits,
}

impl GatewayConfig {
    /// The defaults for a listen address, a comma-separated list of brokers and a registry.
    pub fn new(listen: &str, bootstrap: &str, registry: RegistryClient) -> Self {
        let bootstrap = bootstrap.split(',').map(str::trim).filter(|broker| !broker.is_empty());
        Self {
            listen: listen.to_owned(),
            bootstrap: bootstrap.map(str::to_owned).collect(),
            advertise: None,
            registry,
            outage: OutagePolicy::default(),
            settings_topic: "_muster_topic_settings".to_owned(),
            limits: GatewayLimits::default(),
        }
    }
}

/// What to do with a batch whose records name schemas that the registry, being out of reach, says nothing about
/// (broker validation spec §7.6). Verdicts that are cached hold in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutagePolicy {
    /// Answer NOT_ENOUGH_REPLICAS (19), which every client repeats and takes as "not written".
    #[default]
    ClosedRetry,
    /// Answer INVALID_RECORD (87), which no client repeats.
    ClosedReject,
    /// Forward the batch and count it.
    Open,
}

/// Bounds on what one client, one frame or one moment may cost (broker validation spec §8.2, §16, §23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Longest frame from a client or a broker, in bytes. Default 104,857,600, as a broker's
    /// `socket.request.max.bytes`.
    pub frame_bytes: usize,
    /// Longest request of the administrative kinds that are read here, in bytes. Default 16 MiB.
    pub admin_frame_bytes: usize,
    /// Longest ApiVersions, SaslHandshake or SaslAuthenticate request, in bytes: what a client may send before it has
    /// proved who it is. Default 512 KiB.
    pub handshake_frame_bytes: usize,
    /// Bytes of frames beyond the first MiB of each that all connections together may hold. Default 512 MiB.
    pub buffered_bytes: usize,
    /// Requests of one connection that wait for their response. Default 1,000.
    pub in_flight: usize,
    /// Bytes of answers made here that one connection may have waiting. Default 4 MiB.
    pub local_answer_bytes: usize,
    /// Partitions in one Produce request. Default 20,000.
    pub produce_partitions: usize,
    /// Connections at a time. Default 20,000.
    pub connections: usize,
    /// Brokers, that is, listening ports. Default 1,000.
    pub brokers: usize,
    /// Time for a frame to arrive once its first byte is there; long frames get more. Default 60 s.
    pub frame_timeout: Duration,
    /// Time for bytes written to be taken. Default 10 minutes: a consumer that is busy does not read.
    pub write_timeout: Duration,
    /// Time to connect to a broker. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a connection waits for responses under way once the gateway stops. Default 10 s.
    pub drain: Duration,
    /// How long a batch waits for the registry. Default 2 s.
    pub lookup_deadline: Duration,
    /// Registry look-ups that one connection may cause per second, and as many again at once. Default 200.
    pub lookups_per_second: u32,
    /// Registry look-ups that all connections together may cause per second, and as many at once. Default 2,000.
    pub total_lookups_per_second: u32,
    /// How far above the highest schema id known an id may lie to be asked about by itself. Default 10,000.
    pub id_range: i32,
    /// Schemas whose facts are kept. Default 65,536.
    pub cached_schemas: u64,
    /// Age from which facts are asked for again, in the background. Default 60 s.
    pub refresh_after: Duration,
    /// How long a use of a schema that the registry has forgotten still counts: no shorter than a producer repeats a
    /// batch, lest a batch that was written be reported as refused. Default 120 s.
    pub sticky: Duration,
    /// How long "no such schema" holds when it cannot be asked for again. Default 5 s.
    pub negative_ttl: Duration,
    /// Bounds on judging one batch.
    pub batch: BatchLimits,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 104_857_600,
            admin_frame_bytes: 16 << 20,
            handshake_frame_bytes: 512 << 10,
            buffered_bytes: 512 << 20,
            in_flight: 1_000,
            local_answer_bytes: 4 << 20,
            produce_partitions: 20_000,
            connections: 20_000,
            brokers: 1_000,
            frame_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(600),
            connect_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            lookup_deadline: Duration::from_secs(2),
            lookups_per_second: 200,
            total_lookups_per_second: 2_000,
            id_range: 10_000,
            cached_schemas: 65_536,
            refresh_after: Duration::from_secs(60),
            sticky: Duration::from_secs(120),
            negative_ttl: Duration::from_secs(5),
            batch: BatchLimits::default(),
        }
    }
}
