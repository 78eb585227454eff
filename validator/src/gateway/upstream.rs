//! Connections of our own to brokers, for the few requests a gateway or a tool makes itself.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::UpstreamError;
use crate::wire::client::Call;
use crate::wire::{Reader, WireError};

/// Longest answer accepted: the metadata of some hundred thousand partitions.
const ANSWER_BYTES: usize = 64 << 20;
/// How much is read at a time.
const CHUNK: usize = 64 << 10;

/// One connection, used for one request at a time.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    correlation_id: i32,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub(super) async fn open(address: &str, patience: Duration) -> Result<Self, UpstreamError> {
        let socket = in_time(patience, async { Ok(TcpStream::connect(address).await?) }).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, correlation_id: 0 })
    }

    /// Sends a request and waits for its response: what follows the frame's size.
    ///
    /// After an error the connection is of no further use.
    pub(super) async fn call(
        &mut self,
        mut call: Call,
        patience: Duration,
    ) -> Result<Vec<u8>, UpstreamError> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let id = self.correlation_id.to_be_bytes();
        if let Some(room) = call.frame.get_mut(8..12) {
            room.copy_from_slice(&id);
        }
        let message = in_time(patience, async {
            self.socket.write_all(&call.frame).await?;
            self.read().await
        })
        .await?;
        if message.first_chunk() != Some(&id) {
            return Err(UpstreamError::Unexpected("answer to another request"));
        }
        Ok(message)
    }

    async fn read(&mut self) -> Result<Vec<u8>, UpstreamError> {
        let mut size = [0; 4];
        self.socket.read_exact(&mut size).await?;
        let size =
            usize::try_from(Reader::new(&size, false).i32()?).map_err(|_| WireError::NegativeLength)?;
        if size > ANSWER_BYTES {
            return Err(UpstreamError::Unexpected("answer is too long"));
        }
        // Grows as bytes arrive, not as they are announced.
        let mut message = Vec::with_capacity(size.min(CHUNK));
        let mut limited = (&mut self.socket).take(u64::try_from(size).unwrap_or_default());
        while message.len() < size {
            if limited.read_buf(&mut message).await? == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(message)
    }
}

/// Runs `work`, but no longer than `patience`.
pub(super) async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, UpstreamError> {
    timeout(patience, work).await.unwrap_or(Err(UpstreamError::TimedOut { seconds: patience.as_secs() }))
}
