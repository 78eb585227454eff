//! One client connection and the broker connection behind it (broker validation spec §16, §20).
//!
//! One task owns both sockets. Two halves run in it: [`requests`] reads from the client, judges, and writes to the
//! broker; [`responses`] reads from the broker and writes to the client. Between them runs a queue with one
//! [entry] per response the client is owed, in order: a broker works on the requests of a connection one by one, so
//! its responses come in the order of the requests, and an answer made here waits in the queue for its turn.

mod entry;
mod pipe;
mod requests;
mod responses;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Shared;
use super::listeners::Target;
use crate::wire::WireError;
use pipe::Pipe;
pub(super) use requests::PERMIT_BYTES;
use requests::Requests;
use responses::Responses;

/// How long the other side is given to take what was written and to close, once a connection is over.
const LINGER: Duration = Duration::from_secs(2);

/// Why a connection ends without either side having closed it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// A socket failed.
    #[error("socket failed")]
    Io(#[from] io::Error),
    /// The client does not speak the protocol.
    #[error("client sent an unreadable request")]
    Client(#[source] WireError),
    /// The client breaks a rule that a broker would close the connection for.
    #[error("client {0}")]
    Violation(&'static str),
    /// The broker does not speak the protocol.
    #[error("broker sent an unreadable response")]
    Broker(#[source] WireError),
    /// The broker breaks a rule.
    #[error("broker {0}")]
    BrokerViolation(&'static str),
    /// The other half is gone.
    #[error("connection is closing")]
    Closing,
}

/// How the reading of requests came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client sends no more.
    Client,
    /// The gateway stops: what is under way is finished.
    Draining,
    /// The rest of the queue is answered, then the connection closes.
    Closing,
}

/// Serves a client until either side is done.
pub(super) async fn serve(shared: Arc<Shared>, mut client: TcpStream, target: Target) {
    let _counted = Counted::new(&shared.metrics.connections);
    let Some(mut broker) = connect(&shared, target).await else { return };
    let outcome = run(&shared, &mut client, &mut broker).await;
    match outcome {
        Ok(()) | Err(Broken::Closing) => {}
        Err(Broken::Io(error)) => tracing::debug!(%error, "connection broke"),
        Err(error @ (Broken::Client(_) | Broken::Violation(_))) => {
            shared.metrics.violations.increment(1);
            tracing::debug!(error = &error as &dyn std::error::Error, "connection closed");
        }
        Err(error @ (Broken::Broker(_) | Broken::BrokerViolation(_))) => {
            tracing::warn!(error = &error as &dyn std::error::Error, ?target, "connection closed");
        }
    }
}

async fn run(shared: &Arc<Shared>, client: &mut TcpStream, broker: &mut TcpStream) -> Result<(), Broken> {
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let host = shared.listeners.host_for(client.local_addr()?.ip());
    let (frame_timeout, write_timeout) = (shared.limits.frame_timeout, shared.limits.write_timeout);
    let (from_client, to_client) = client.split();
    let (from_broker, to_broker) = broker.split();
    let (queue, owed) = mpsc::channel(shared.limits.in_flight.max(1));
    let mut requests =
        Requests::new(shared, Pipe::new(from_client, to_broker, frame_timeout, write_timeout), queue);
    let mut responses =
        Responses::new(shared, Pipe::new(from_broker, to_client, frame_timeout, write_timeout), owed, host);

    let end = {
        let mut answering = std::pin::pin!(responses.run());
        tokio::select! {
            answered = &mut answering => {
                answered?;
                End::Closing
            }
            read = requests.run() => {
                let end = read?;
                requests.no_more();
                if end == End::Client {
                    // What was forwarded must reach the broker also if the client no longer reads.
                    requests.pipe.close_write().await?;
                }
                let rest = timeout(shared.limits.drain, &mut answering).await;
                if end != End::Client {
                    rest.map_err(|_| Broken::Io(io::ErrorKind::TimedOut.into()))??;
                }
                end
            }
        }
    };
    // Closing a socket with unread bytes resets it, which may destroy what was written last.
    let _ = responses.pipe.close_write().await;
    let _ = requests.pipe.close_write().await;
    let both = async {
        if end == End::Client {
            let _ = responses.pipe.drop_rest().await;
        } else {
            let _ = tokio::join!(requests.pipe.drop_rest(), responses.pipe.drop_rest());
        }
    };
    let _ = timeout(LINGER, both).await;
    Ok(())
}

/// Counts a connection for as long as it lives.
struct Counted(metrics::Gauge);

impl Counted {
    fn new(gauge: &metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Connects to the broker that a port stands for. Where there are several to choose from, the next one is tried.
async fn connect(shared: &Shared, target: Target) -> Option<TcpStream> {
    let addresses: Vec<Arc<str>> = match target {
        Target::Node(node) => shared.listeners.address_of(node).into_iter().collect(),
        Target::Bootstrap => {
            let configured = shared.cluster.bootstrap().iter().map(|address| address.as_str().into());
            configured.chain(shared.listeners.addresses()).collect()
        }
    };
    for address in &addresses {
        let problem = match timeout(shared.limits.connect_timeout, TcpStream::connect(&**address)).await {
            Ok(Ok(broker)) => {
                shared.unreachable.store(false, Ordering::Relaxed);
                return Some(broker);
            }
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        metrics::counter!("muster_gateway_connect_failures_total").increment(1);
        // Clients try again and again; the log needs to hear of it once.
        if !shared.unreachable.swap(true, Ordering::Relaxed) {
            tracing::warn!(broker.address = &**address, error = %problem, "cannot reach the broker");
        }
    }
    None
}
