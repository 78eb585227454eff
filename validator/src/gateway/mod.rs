//! The gateway: stands in front of an unmodified Kafka cluster and lets only those record batches through whose
//! schemas are registered.
//!
//! Clients connect to it as if it were the cluster. The port of [`GatewayConfig::listen`] stands for any broker, each
//! broker has a port of its own beside it, and no address of a real broker reaches a client. What a Produce request to
//! a validated topic carries is judged by [`crate::engine`]; topic settings pass through the ordinary admin APIs;
//! everything else goes through byte for byte.
//!
//! - `connection`: one client and the broker behind it; order, flow control, time limits.
//! - `produce`: from a Produce request to a verdict per partition.
//! - `facts`: what is known about schemas, and look-ups at the registry.
//! - `settings`, `intercept`: topic settings, kept in a compacted topic, and the admin APIs that carry them.
//! - `listeners`, `cluster`, `upstream`: which port stands for which broker; requests of our own.
//! - `admin`: the settings as a client of a gateway sees them.
//! - `records`: a whole topic, for tools that take over what it holds.
//!
//! The gateway's own requests go over plaintext without authentication. SASL of clients passes through.
//!
//! Rules: broker validation spec §7.4–§20.

pub mod admin;
mod bucket;
mod cluster;
mod config;
mod connection;
mod error;
mod facts;
mod intercept;
mod learn;
mod listeners;
mod metrics;
mod produce;
pub mod records;
mod settings;
mod tasks;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use crate::wire::TopicId;
use crate::wire::client::{self, Topics};
use cluster::Cluster;
pub use config::{GatewayConfig, GatewayLimits, OutagePolicy};
pub use error::{GatewayError, UpstreamError};
use facts::FactCache;
use listeners::{Listeners, Target};
use settings::Settings;
use tasks::Tasks;

/// How often the gateway looks at which brokers and topics there are.
const WATCH: Duration = Duration::from_secs(2);
/// Least pause between two looks.
const WATCH_LEAST: Duration = Duration::from_millis(200);
/// Topic ids whose name is remembered.
const NAMES: u64 = 100_000;

/// A running gateway. Dropped without [`shutdown`](Self::shutdown), it cuts all connections off.
#[derive(Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    limits: GatewayLimits,
    outage: OutagePolicy,
    /// Whether topic settings are ours to keep: not if the brokers know them.
    keeps_settings: bool,
    listeners: Listeners,
    cluster: Arc<Cluster>,
    settings: Settings,
    facts: Arc<FactCache>,
    /// Topic names by id, as learned from what passes.
    names: Cache<TopicId, Arc<str>>,
    /// Room for long frames, see [`GatewayLimits::buffered_bytes`].
    buffered: Semaphore,
    metrics: metrics::Metrics,
    /// Whether the last attempt to connect a client to a broker failed.
    unreachable: AtomicBool,
    draining: watch::Sender<bool>,
    listening: Tasks,
    connections: Tasks,
    background: Arc<Tasks>,
}

impl Shared {
    fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }
}

impl Gateway {
    /// Starts a gateway. Comes back once it accepts connections, which is not before all topic settings are known.
    ///
    /// Errors: [`GatewayError`]; each says in one line what is wrong.
    pub async fn start(config: GatewayConfig) -> Result<Self, GatewayError> {
        let GatewayConfig { listen, bootstrap, advertise, registry, outage, settings_topic, limits } = config;
        let address = resolve(&listen).await?;
        let cannot_listen = |source| GatewayError::Listen { address: listen.clone(), source };
        let socket = listeners::claim(address).map_err(cannot_listen)?;
        let claimed = socket.local_addr().map_err(cannot_listen)?;

        let addresses = bootstrap.join(",");
        let cluster = Arc::new(Cluster::new(bootstrap, limits.connect_timeout));
        let metadata = cluster.metadata(Topics::None).await;
        metadata.map_err(|source| GatewayError::Unreachable { bootstrap: addresses, source })?;
        let settings = Settings::open(Arc::clone(&cluster), &settings_topic).await;
        let settings =
            settings.map_err(|source| GatewayError::Settings { topic: settings_topic.clone(), source })?;
        let keeps_settings = !brokers_know_settings(&cluster, &settings_topic).await;

        let background = Arc::new(Tasks::default());
        let permits = limits.buffered_bytes / connection::PERMIT_BYTES;
        let shared = Arc::new(Shared {
            limits,
            outage,
            keeps_settings,
            listeners: Listeners::new(address, claimed, advertise.as_deref(), limits.brokers),
            cluster,
            settings,
            facts: Arc::new(FactCache::new(registry, Arc::clone(&background), limits)),
            names: Cache::new(NAMES),
            buffered: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
            metrics: metrics::Metrics::new(),
            unreachable: AtomicBool::new(false),
            draining: watch::Sender::new(false),
            listening: Tasks::default(),
            connections: Tasks::default(),
            background,
        });
        let mut brokers = shared.cluster.brokers();
        // The same ports after a restart, as long as the brokers are the same.
        brokers.sort_by_key(|broker| broker.node);
        for broker in &brokers {
            shared.listeners.learn(&shared, broker);
        }
        let listener = listeners::open(socket).map_err(cannot_listen)?;
        let gateway = Self { shared: Arc::clone(&shared) };
        shared.listening.spawn(listeners::accept(Arc::clone(&shared), listener, Target::Bootstrap));
        for task in [Task::Follow, Task::Watch] {
            let owner = Arc::clone(&shared);
            shared.background.spawn(async move {
                match task {
                    Task::Follow => owner.settings.follow().await,
                    Task::Watch => watch(&owner).await,
                }
            });
        }
        Ok(gateway)
    }

    /// Where clients connect first.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.listeners.bootstrap()
    }

    /// Stops: accepts nothing more, reads no further request, waits for the responses that are under way, and closes.
    ///
    /// `patience`: after this time connections are cut off, which is an error. Each connection gives up by itself
    /// after [`GatewayLimits::drain`].
    pub async fn shutdown(self, patience: Duration) -> Result<(), GatewayError> {
        self.shared.draining.send_replace(true);
        self.shared.listening.join(patience).await;
        let connections = self.shared.connections.join(patience).await;
        if connections > 0 { Err(GatewayError::Drain { connections }) } else { Ok(()) }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for tasks in [&self.shared.listening, &self.shared.connections, &*self.shared.background] {
            tasks.abort();
        }
    }
}

#[derive(Clone, Copy)]
enum Task {
    Follow,
    Watch,
}

/// Whether the brokers know the settings themselves, as Confluent Server does, or another gateway behind this one.
async fn brokers_know_settings(cluster: &Cluster, topic: &str) -> bool {
    let name = settings::OwnedKey::ValueValidation.name();
    let Ok((message, _)) = cluster.call(client::describe_configs(&[topic], &[name])).await else {
        return false;
    };
    let described = client::read_describe_configs(&message).unwrap_or_default();
    let known = described.iter().flat_map(|topic| &topic.configs).any(|(config, ..)| *config == name);
    if known {
        tracing::warn!(
            "the brokers know the validation settings: this gateway leaves them and validation to them"
        );
    }
    known
}

async fn resolve(listen: &str) -> Result<SocketAddr, GatewayError> {
    let invalid = |detail: String| GatewayError::Config { setting: "listen", detail };
    let mut addresses =
        tokio::net::lookup_host(listen).await.map_err(|error| invalid(format!("{listen:?}: {error}")))?;
    addresses.next().ok_or_else(|| invalid(format!("{listen:?} is no address")))
}

/// Keeps the view of brokers and topics up to date.
async fn watch(shared: &Arc<Shared>) {
    loop {
        tokio::select! {
            () = sleep(WATCH) => {}
            () = shared.settings.doubted() => sleep(WATCH_LEAST).await,
        }
        let names = shared.settings.names();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let topics = if names.is_empty() { Topics::None } else { Topics::Names(&names) };
        match shared.cluster.metadata(topics).await {
            Ok(metadata) => {
                for broker in &metadata.brokers {
                    shared.listeners.learn(shared, broker);
                }
                shared.settings.compare(&metadata).await;
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no broker answers");
            }
        }
    }
}
