//! One listening port per broker (broker validation spec §18.1).
//!
//! Node ids stay as they are, for clients key everything by them; host and port become the gateway's. A port belongs
//! to its node id for as long as the gateway runs.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::{TcpListener, TcpSocket};

use super::Shared;
use super::cluster::{self, host_and_port};
use super::connection;
use super::tasks::lock;
use crate::wire::addresses::{Address, Endpoint};

/// Connections that may wait to be accepted, per port.
const BACKLOG: u32 = 1_024;
/// Ports tried for a new broker before it is given up.
const PORTS_TRIED: u16 = 1_000;

/// Which broker a port stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Whichever answers: the port that clients know from their configuration.
    Bootstrap,
    /// The broker with this node id.
    Node(i32),
}

/// The ports and what they stand for.
#[derive(Debug)]
pub(super) struct Listeners {
    /// Where the bootstrap port listens; the others listen on the same address.
    bootstrap: SocketAddr,
    /// Whether ports are chosen by the system rather than counted up.
    any_port: bool,
    advertise: Option<Arc<str>>,
    limit: usize,
    next_port: Mutex<u16>,
    brokers: ArcSwap<HashMap<i32, Broker>>,
}

#[derive(Clone, Debug)]
struct Broker {
    /// As brokers name it.
    address: Arc<str>,
    /// Ours.
    port: u16,
}

/// Claims an address without listening on it yet.
pub(super) fn claim(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A gateway that restarts must not wait for connections of its predecessor to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Opens a port.
pub(super) fn open(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)
}

impl Listeners {
    /// `configured`, `bootstrap`: the address asked for and the one that was claimed.
    pub(super) fn new(
        configured: SocketAddr,
        bootstrap: SocketAddr,
        advertise: Option<&str>,
        limit: usize,
    ) -> Self {
        Self {
            bootstrap,
            any_port: configured.port() == 0,
            advertise: advertise.map(Into::into),
            limit,
            next_port: Mutex::new(bootstrap.port().saturating_add(1)),
            brokers: ArcSwap::default(),
        }
    }

    /// Where the bootstrap port listens.
    pub(super) fn bootstrap(&self) -> SocketAddr {
        self.bootstrap
    }

    /// The host to tell to a client that dialled `local`.
    pub(super) fn host_for(&self, local: IpAddr) -> Arc<str> {
        match &self.advertise {
            Some(host) => Arc::clone(host),
            None if self.bootstrap.ip().is_unspecified() => local.to_canonical().to_string().into(),
            None => self.bootstrap.ip().to_string().into(),
        }
    }

    /// The address of a broker, as brokers name it.
    pub(super) fn address_of(&self, node: i32) -> Option<Arc<str>> {
        self.brokers.load().get(&node).map(|broker| Arc::clone(&broker.address))
    }

    /// The addresses of all brokers known.
    pub(super) fn addresses(&self) -> Vec<Arc<str>> {
        self.brokers.load().values().map(|broker| Arc::clone(&broker.address)).collect()
    }

    /// What a client is told about a broker. Opens the port first if the broker is new; `None` if there is no port to
    /// be had or the broker's own address is no use.
    pub(super) fn advertised(
        &self,
        shared: &Arc<Shared>,
        host: &Arc<str>,
        endpoint: Endpoint<'_>,
    ) -> Option<Address> {
        let known = self.brokers.load();
        let port = match known.get(&endpoint.node) {
            Some(broker) if is_address(&broker.address, endpoint) => broker.port,
            _ => {
                let address = host_and_port(endpoint.host, endpoint.port);
                self.learn(shared, &cluster::Broker { node: endpoint.node, address: address.into() })?
            }
        };
        Some(Address { host: Arc::clone(host), port })
    }

    /// Notes where a broker is and answers the port that stands for it. Opens the port first if the broker is new.
    pub(super) fn learn(&self, shared: &Arc<Shared>, broker: &cluster::Broker) -> Option<u16> {
        if broker.node < 0 {
            return None;
        }
        let mut next_port = lock(&self.next_port);
        let known = self.brokers.load();
        let port = match known.get(&broker.node) {
            Some(known) if known.address == broker.address => return Some(known.port),
            Some(known) => known.port,
            None if known.len() >= self.limit => {
                tracing::error!(limit = self.limit, "too many brokers; one is hidden from clients");
                return None;
            }
            None => self.open_next(shared, broker.node, &mut next_port)?,
        };
        let mut brokers = HashMap::clone(&known);
        brokers.insert(broker.node, Broker { address: Arc::clone(&broker.address), port });
        self.brokers.store(Arc::new(brokers));
        tracing::info!(broker.node = broker.node, broker.address = &*broker.address, port, "broker");
        Some(port)
    }

    fn open_next(&self, shared: &Arc<Shared>, node: i32, next_port: &mut u16) -> Option<u16> {
        for _ in 0..PORTS_TRIED {
            let port = if self.any_port { 0 } else { *next_port };
            *next_port = next_port.checked_add(1)?;
            let address = SocketAddr::new(self.bootstrap.ip(), port);
            match claim(address)
                .and_then(open)
                .and_then(|listener| Ok((listener.local_addr()?.port(), listener)))
            {
                Ok((port, listener)) => {
                    shared.listening.spawn(accept(Arc::clone(shared), listener, Target::Node(node)));
                    return Some(port);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    tracing::warn!(%address, broker.node = node, "port is in use; trying the next");
                }
                Err(error) => {
                    tracing::error!(%address, broker.node = node, %error, "cannot listen; broker is hidden");
                    return None;
                }
            }
        }
        None
    }
}

/// Compares without putting the text together.
fn is_address(address: &str, endpoint: Endpoint<'_>) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let same_host =
        host == endpoint.host || endpoint.host == address.rsplit_once(':').map_or("", |(host, _)| host);
    same_host && port.parse() == Ok(endpoint.port)
}

/// Accepts connections until the gateway drains.
pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener, target: Target) {
    let mut draining = shared.draining();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = draining.wait_for(|draining| *draining) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((client, _)) if shared.connections.len() < shared.limits.connections => {
                shared.connections.spawn(connection::serve(Arc::clone(&shared), client, target));
            }
            Ok(_) => metrics::counter!("muster_gateway_connections_refused_total").increment(1),
            Err(error) => {
                // Out of file descriptors, most likely: some will be closed.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_with_and_without_brackets() {
        let endpoint = |host, port| Endpoint { node: 1, host, port };
        for (address, host, port, same) in [
            ("broker:9092", "broker", 9092, true),
            ("broker:9092", "broker", 9093, false),
            ("broker:9092", "other", 9092, false),
            ("[::1]:9092", "::1", 9092, true),
            ("[::1]:9092", "[::1]", 9092, true),
            ("", "", 0, false),
        ] {
            assert_eq!(is_address(address, endpoint(host, port)), same, "{address} {host} {port}");
        }
    }

    #[test]
    fn a_wildcard_is_never_told_to_clients() {
        let local: IpAddr = "10.0.0.7".parse().unwrap();
        for (listen, advertise, expected) in [
            ("127.0.0.1:9192", None, "127.0.0.1"),
            ("0.0.0.0:9192", None, "10.0.0.7"),
            ("[::]:9192", None, "10.0.0.7"),
            ("0.0.0.0:9192", Some("kafka.example.com"), "kafka.example.com"),
        ] {
            let listen: SocketAddr = listen.parse().unwrap();
            let listeners = Listeners::new(listen, listen, advertise, 10);
            assert_eq!(&*listeners.host_for(local), expected, "{listen}");
        }
        let dual: IpAddr = "::ffff:10.0.0.7".parse().unwrap();
        let listen: SocketAddr = "[::]:1".parse().unwrap();
        assert_eq!(&*Listeners::new(listen, listen, None, 1).host_for(dual), "10.0.0.7");
    }
}
