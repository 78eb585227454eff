//! From the broker to the client.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::Broken;
use super::entry::{Entry, Then};
use super::pipe::{Arrival, Pipe};
use crate::gateway::{Shared, learn};
use crate::wire::addresses::{self, Endpoint};
use crate::wire::{Reader, WireError, api_versions, produce};

/// The size field in front of a frame.
const SIZE: usize = 4;
/// Size and correlation id.
const FIXED: usize = SIZE + 4;

/// The half that writes responses.
pub(super) struct Responses<'s, R, W> {
    shared: &'s Arc<Shared>,
    pub(super) pipe: Pipe<R, W>,
    owed: Receiver<Entry>,
    /// The host that this client is told to connect to.
    host: Arc<str>,
}

impl<'s, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Responses<'s, R, W> {
    pub(super) fn new(
        shared: &'s Arc<Shared>,
        pipe: Pipe<R, W>,
        owed: Receiver<Entry>,
        host: Arc<str>,
    ) -> Self {
        Self { shared, pipe, owed, host }
    }

    /// Answers what the client is owed, in order, until the connection is to close or the broker has closed it.
    pub(super) async fn run(&mut self) -> Result<(), Broken> {
        loop {
            let Some(entry) = self.next().await? else { return Ok(()) };
            match entry {
                Entry::Local { frame, room } => {
                    self.pipe.send(&frame).await?;
                    drop(room);
                }
                Entry::Broker { correlation_id, then } => {
                    if self.respond(correlation_id, then).await? == Arrival::End {
                        return Ok(());
                    }
                }
                Entry::Close => {
                    self.pipe.flush().await?;
                    return Ok(());
                }
            }
        }
    }

    /// What the client is owed next; `None` if nothing ever will be.
    async fn next(&mut self) -> Result<Option<Entry>, Broken> {
        match self.owed.try_recv() {
            Ok(entry) => return Ok(Some(entry)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.pipe.flush().await?;
                return Ok(None);
            }
        }
        self.pipe.flush().await?;
        if !self.pipe.waiting().is_empty() {
            return Err(Broken::BrokerViolation("sent a response that nobody asked for"));
        }
        tokio::select! {
            biased;
            entry = self.owed.recv() => Ok(entry),
            arrival = self.pipe.idle() => match arrival? {
                Arrival::End => Ok(None),
                // A request is noted before it is sent, so its response cannot overtake the note.
                Arrival::Bytes => match self.owed.try_recv() {
                    Ok(entry) => Ok(Some(entry)),
                    Err(_) => Err(Broken::BrokerViolation("sent a response that nobody asked for")),
                },
            },
        }
    }

    async fn respond(&mut self, correlation_id: i32, then: Then) -> Result<Arrival, Broken> {
        if self.pipe.fill(FIXED).await? == Arrival::End {
            return Ok(Arrival::End);
        }
        let length = self.frame_bytes(correlation_id)?;
        let rewritten = match then {
            Then::Pass => return Ok(self.pipe.pass(length).await?),
            // No addresses below version 10.
            Then::Produce { version: ..10, merge: None } => return Ok(self.pipe.pass(length).await?),
            then => {
                if self.pipe.fill(length).await? == Arrival::End {
                    return Ok(Arrival::End);
                }
                self.rewrite(length, then).await?
            }
        };
        match rewritten {
            None => Ok(self.pipe.pass(length).await?),
            Some(frame) => {
                self.pipe.send(&frame).await?;
                self.pipe.skip(length).await?;
                Ok(Arrival::Bytes)
            }
        }
    }

    /// The length of the frame at the front, its size field included.
    fn frame_bytes(&self, correlation_id: i32) -> Result<usize, Broken> {
        let mut reader = Reader::new(self.pipe.waiting(), false);
        let size = reader.i32().map_err(Broken::Broker)?;
        let size = usize::try_from(size).map_err(|_| Broken::Broker(WireError::NegativeLength))?;
        if size < FIXED - SIZE {
            return Err(Broken::Broker(WireError::Truncated));
        }
        if reader.i32() != Ok(correlation_id) {
            return Err(Broken::BrokerViolation("answered another request than the one whose turn it is"));
        }
        Ok(SIZE + size)
    }

    /// The frame to send instead of the one at the front, if it is not that one.
    async fn rewrite(&mut self, length: usize, then: Then) -> Result<Option<Vec<u8>>, Broken> {
        if length - SIZE > self.shared.limits.frame_bytes {
            return Err(Broken::BrokerViolation("sent a frame that is too long"));
        }
        let message = self.pipe.frame(length).get(SIZE..).unwrap_or_default();
        let shared = self.shared;
        let host = &self.host;
        let mut map = |endpoint: Endpoint<'_>| shared.listeners.advertised(shared, host, endpoint);
        match then {
            Then::Pass => Ok(None),
            Then::ApiVersions { version } => {
                api_versions::rewrite(version, message).map(Some).map_err(Broken::Broker)
            }
            Then::Produce { version, merge: None } => {
                produce::rewrite_addresses(version, message, &mut map).map_err(Broken::Broker)
            }
            Then::Produce { version, merge: Some((plan, _room)) } => {
                plan.merge(version, message, &mut map).map(Some).map_err(Broken::Broker)
            }
            Then::Rewrite { api_key, version } => {
                let rewritten =
                    addresses::rewrite(api_key, version, message, &mut map).map_err(Broken::Broker)?;
                learn::from_response(shared, api_key, version, message).await.map_err(Broken::Broker)?;
                Ok(rewritten)
            }
            Then::Admin(plan) => plan.complete(shared, message).await.map(Some).map_err(Broken::Broker),
        }
    }
}
