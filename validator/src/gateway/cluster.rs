//! The cluster as the gateway itself sees it: a connection for metadata, and connections to the leader of a topic.

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use tokio::time::sleep;

use super::error::UpstreamError;
use super::tasks::lock;
use super::upstream::Connection;
use crate::wire::api::Action;
use crate::wire::client::{self, Call, METADATA_VERSION, NEEDED, Topics};
use crate::wire::{ErrorCode, TopicId, api, api_versions, topics};

/// Time for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause before something that may heal is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broker {
    /// Its node id.
    pub(super) node: i32,
    /// `HOST:PORT`, as brokers name it.
    pub(super) address: Arc<str>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) error: ErrorCode,
    /// Empty for an id that is not known.
    pub(super) name: String,
    pub(super) id: TopicId,
    pub(super) is_internal: bool,
    pub(super) partitions: usize,
    pub(super) first_leader: i32,
}

/// Brokers and the topics asked about.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) brokers: Vec<Broker>,
    pub(super) topics: Vec<Topic>,
    /// Which connection said so: on one connection the news never gets older.
    pub(super) connection: u64,
}

impl Metadata {
    fn read(message: &[u8], connection: u64) -> Result<Self, UpstreamError> {
        let (mut brokers, mut found) = (Vec::new(), Vec::new());
        topics::metadata(
            METADATA_VERSION,
            message,
            |broker| {
                let address = host_and_port(broker.host, broker.port);
                brokers.push(Broker { node: broker.node, address: address.into() });
            },
            |topic| {
                found.push(Topic {
                    error: topic.error,
                    name: topic.name.unwrap_or_default().to_owned(),
                    id: topic.id,
                    is_internal: topic.is_internal,
                    partitions: topic.partitions,
                    first_leader: topic.first_leader,
                });
            },
        )?;
        Ok(Self { brokers, topics: found, connection })
    }
}

/// `HOST:PORT`, with brackets where an IPv6 address needs them.
pub(super) fn host_and_port(host: &str, port: i32) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The gateway's own view of a cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    bootstrap: Vec<String>,
    connect_timeout: Duration,
    control: tokio::sync::Mutex<Control>,
    /// Brokers heard of last, to fall back on.
    brokers: Mutex<Vec<Broker>>,
    /// Whether what is kept from clients has been told.
    told: Once,
}

#[derive(Debug, Default)]
struct Control {
    connection: Option<Connection>,
    serial: u64,
}

impl Cluster {
    /// A view of the cluster that these brokers belong to. Opens no connection.
    pub(super) fn new(bootstrap: Vec<String>, connect_timeout: Duration) -> Self {
        Self {
            bootstrap,
            connect_timeout,
            control: tokio::sync::Mutex::default(),
            brokers: Mutex::default(),
            told: Once::new(),
        }
    }

    /// The addresses to start from.
    pub(super) fn bootstrap(&self) -> &[String] {
        &self.bootstrap
    }

    /// The brokers heard of last.
    pub(super) fn brokers(&self) -> Vec<Broker> {
        lock(&self.brokers).clone()
    }

    /// Asks for brokers and topics. A connection that broke is replaced once.
    pub(super) async fn metadata(&self, topics: Topics<'_>) -> Result<Metadata, UpstreamError> {
        let message = self.call(client::metadata(topics)).await?;
        let metadata = Metadata::read(&message.0, message.1)?;
        lock(&self.brokers).clone_from(&metadata.brokers);
        Ok(metadata)
    }

    /// One request to any broker; also tells which connection answered.
    pub(super) async fn call(&self, call: Call) -> Result<(Vec<u8>, u64), UpstreamError> {
        let mut control = self.control.lock().await;
        if let Some(mut connection) = control.connection.take()
            && let Ok(message) = connection.call(call.clone(), PATIENCE).await
        {
            control.connection = Some(connection);
            return Ok((message, control.serial));
        }
        let mut connection = self.connect().await?;
        let message = connection.call(call, PATIENCE).await?;
        control.connection = Some(connection);
        control.serial += 1;
        Ok((message, control.serial))
    }

    /// Connects to the first broker that answers and speaks what is needed.
    async fn connect(&self) -> Result<Connection, UpstreamError> {
        let known = self.brokers();
        let known = known.iter().map(|broker| &*broker.address);
        let mut failure = UpstreamError::Unexpected("no broker is configured");
        for address in self.bootstrap.iter().map(String::as_str).chain(known) {
            match self.connect_to(address).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn connect_to(&self, address: &str) -> Result<Connection, UpstreamError> {
        let mut connection = Connection::open(address, self.connect_timeout).await?;
        let message = connection.call(client::api_versions(), PATIENCE).await?;
        let offered = client::read_api_versions(&message)?;
        for (key, version) in NEEDED {
            let speaks =
                |(offered, min, max): &(i16, i16, i16)| *offered == key && (*min..=*max).contains(&version);
            if !offered.iter().any(speaks) {
                let api = api::find(key).map_or("?", |api| api.name);
                return Err(UpstreamError::TooOld { api, version });
            }
        }
        self.told.call_once(|| tell_capped(&offered));
        Ok(connection)
    }
}

/// Logs which versions of the brokers clients are not offered: a feature they may miss.
fn tell_capped(offered: &[(i16, i16, i16)]) {
    let capped = offered.iter().filter_map(|(key, min, max)| {
        let Some(api) = api::find(*key) else { return Some(format!("API {key} hidden")) };
        let kept = api_versions::intersect(*key, *min, *max).map(|(_, max)| max);
        match kept {
            None if api.action == Action::Hide => None,
            None => Some(format!("{} hidden", api.name)),
            Some(kept) => (kept < *max).then(|| format!("{} up to {kept} of {max}", api.name)),
        }
    });
    let capped: Vec<String> = capped.collect();
    if !capped.is_empty() {
        tracing::info!(apis = capped.join(", "), "the brokers offer more than clients are offered");
    }
}

/// A connection to whichever broker leads partition 0 of a topic.
#[derive(Debug)]
pub(super) struct Leader {
    cluster: Arc<Cluster>,
    topic: String,
    connection: Option<Connection>,
}

impl Leader {
    /// Opens no connection yet.
    pub(super) fn new(cluster: Arc<Cluster>, topic: &str) -> Self {
        Self { cluster, topic: topic.to_owned(), connection: None }
    }

    /// Sends a request to the leader and reads its answer.
    ///
    /// Whatever goes wrong, the leader is looked for anew by the next call.
    pub(super) async fn call<T>(
        &mut self,
        call: Call,
        read: impl FnOnce(&[u8]) -> Result<T, UpstreamError>,
    ) -> Result<T, UpstreamError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let answer = read(&connection.call(call, PATIENCE).await?)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// As [`call`](Self::call), tried again until it succeeds, fails for good, or `patience` is over.
    pub(super) async fn insist<T>(
        &mut self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, UpstreamError>,
        patience: Duration,
    ) -> Result<T, UpstreamError> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            match self.call(call.clone(), &read).await {
                Err(error) if may_heal(&error) && tokio::time::Instant::now() < deadline => {
                    sleep(RETRY_PAUSE).await
                }
                answer => return answer,
            }
        }
    }

    async fn connect(&self) -> Result<Connection, UpstreamError> {
        let metadata = self.cluster.metadata(Topics::Names(&[&self.topic])).await?;
        let topic = metadata.topics.iter().find(|topic| topic.name == self.topic);
        let topic = topic.ok_or(UpstreamError::Unexpected("no metadata for the topic"))?;
        if !topic.error.is_none() && topic.first_leader < 0 {
            return Err(UpstreamError::Refused { code: topic.error, message: String::new() });
        }
        let leader = metadata.brokers.iter().find(|broker| broker.node == topic.first_leader);
        let leader = leader.ok_or(UpstreamError::Refused { code: ErrorCode(5), message: String::new() })?;
        self.cluster.connect_to(&leader.address).await
    }
}

/// Whether trying again may help.
fn may_heal(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Io(_) | UpstreamError::TimedOut { .. } | UpstreamError::Unexpected(_) => true,
        // Unknown topic, no leader, another leader, timed out, too few replicas, storage trouble.
        UpstreamError::Refused { code, .. } => matches!(code.0, 3 | 5 | 6 | 7 | 9 | 13 | 19 | 20 | 56),
        UpstreamError::Wire(_) | UpstreamError::TooOld { .. } => false,
    }
}
