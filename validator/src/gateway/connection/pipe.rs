//! One direction of a connection: bytes that arrive, are approved, and go on.

use std::io::{self, IoSlice};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};

/// Room for a read, to begin with.
const CHUNK: usize = 64 << 10;
/// Room for a read on a busy connection: one whose reads have filled all the room there was.
const LONGEST_CHUNK: usize = 256 << 10;
/// Long frames get more time than short ones, at this rate.
const SLOWEST_BYTES_PER_SECOND: usize = 256 << 10;
/// What a connection without traffic holds, once it has been idle for [`IDLE`].
const IDLE_BYTES: usize = 1 << 10;
const IDLE: Duration = Duration::from_secs(10);

/// Reads from one socket and writes to another, through a buffer of its own.
///
/// The buffer holds first what has been approved but not written, then what has arrived but not been decided about.
/// Approved bytes are written together, as late as possible, straight from where they arrived.
#[derive(Debug)]
pub(super) struct Pipe<R, W> {
    from: R,
    to: W,
    buffer: Vec<u8>,
    /// Where the bytes not yet written begin.
    start: usize,
    /// Where the bytes not yet approved begin.
    approved: usize,
    /// Room for the next read, unless it is known to be shorter.
    chunk: usize,
    frame_timeout: Duration,
    write_timeout: Duration,
}

/// Whether there are more bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Some arrived.
    Bytes,
    /// None will.
    End,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Pipe<R, W> {
    /// `frame_timeout`: how long a frame may take to arrive once it has begun. `write_timeout`: how long bytes may
    /// wait to be taken.
    pub(super) fn new(from: R, to: W, frame_timeout: Duration, write_timeout: Duration) -> Self {
        Self {
            from,
            to,
            buffer: Vec::new(),
            start: 0,
            approved: 0,
            chunk: CHUNK,
            frame_timeout,
            write_timeout,
        }
    }

    /// The bytes that have arrived and not been decided about.
    pub(super) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.approved..).unwrap_or_default()
    }

    /// The first `length` of them, or as many as there are.
    pub(super) fn frame(&self, length: usize) -> &[u8] {
        let waiting = self.waiting();
        waiting.get(..length).unwrap_or(waiting)
    }

    /// Waits for bytes between frames, for as long as it takes.
    ///
    /// Can be dropped without losing anything, once everything approved has been [flushed](Self::flush).
    pub(super) async fn idle(&mut self) -> io::Result<Arrival> {
        self.flush().await?;
        if !self.waiting().is_empty() {
            return self.read(self.chunk).await;
        }
        if self.buffer.capacity() > IDLE_BYTES {
            match timeout(IDLE, self.read(self.chunk)).await {
                Ok(arrival) => return arrival,
                Err(_) => (self.buffer, self.chunk) = (Vec::new(), CHUNK),
            }
        }
        self.read(IDLE_BYTES).await
    }

    /// Waits until at least `length` bytes are waiting. Tells [`Arrival::End`] if they never will be.
    ///
    /// The buffer grows as bytes arrive, to no more than twice what is there: a length that is announced makes nothing
    /// grow. Room that is there already is used.
    pub(super) async fn fill(&mut self, length: usize) -> io::Result<Arrival> {
        if self.waiting().len() >= length {
            return Ok(Arrival::Bytes);
        }
        let deadline = self.deadline(length);
        while self.waiting().len() < length {
            self.flush().await?;
            let missing = length - self.waiting().len();
            // Where much is missing nothing beyond it is read, so that the next frame starts at the front again.
            let here = self.waiting().len();
            let spare = self.buffer.capacity().saturating_sub(here);
            let room = if missing < self.chunk / 2 {
                self.chunk
            } else {
                missing.min(here.max(spare).max(self.chunk))
            };
            if self.read_by(deadline, room).await? == Arrival::End {
                return Ok(Arrival::End);
            }
        }
        Ok(Arrival::Bytes)
    }

    /// Approves the next `length` bytes, as they arrive.
    pub(super) async fn pass(&mut self, mut length: usize) -> io::Result<Arrival> {
        let mut deadline = None;
        loop {
            let here = self.waiting().len().min(length);
            self.approved += here;
            length -= here;
            if length == 0 {
                return Ok(Arrival::Bytes);
            }
            self.flush().await?;
            let deadline = *deadline.get_or_insert_with(|| self.deadline(length));
            if self.read_by(deadline, self.chunk).await? == Arrival::End {
                return Ok(Arrival::End);
            }
        }
    }

    /// Writes what has been approved.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let approved = self.buffer.get(self.start..self.approved).unwrap_or_default();
        if !approved.is_empty() {
            in_time(self.write_timeout, self.to.write_all(approved)).await?;
            self.start = self.approved;
        }
        if self.start == self.buffer.len() {
            self.buffer.clear();
            (self.start, self.approved) = (0, 0);
        }
        Ok(())
    }

    /// Writes something else, behind what has been approved.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.flush().await?;
        in_time(self.write_timeout, self.to.write_all(bytes)).await
    }

    /// Writes stretches of the first `length` waiting bytes, and others, behind what has been approved. `slices`
    /// chooses them.
    pub(super) async fn send_pieces<'a>(
        &'a mut self,
        length: usize,
        slices: impl FnOnce(&'a [u8]) -> Vec<IoSlice<'a>>,
    ) -> io::Result<()> {
        self.flush().await?;
        let waiting = self.buffer.get(self.approved..).unwrap_or_default();
        let mut slices = slices(waiting.get(..length).unwrap_or(waiting));
        let mut slices = slices.as_mut_slice();
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let written = in_time(self.write_timeout, self.to.write_vectored(slices)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut slices, written);
        }
        Ok(())
    }

    /// Drops the next `length` bytes, or as many as are waiting.
    pub(super) async fn skip(&mut self, length: usize) -> io::Result<()> {
        self.flush().await?;
        self.start = self.start.saturating_add(length).min(self.buffer.len());
        self.approved = self.start;
        self.flush().await
    }

    /// Says that nothing more will be written.
    pub(super) async fn close_write(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.to.shutdown().await
    }

    /// Reads and drops whatever still comes, until the end.
    pub(super) async fn drop_rest(&mut self) -> io::Result<()> {
        loop {
            self.buffer.clear();
            (self.start, self.approved) = (0, 0);
            if self.read(CHUNK).await? == Arrival::End {
                return Ok(());
            }
        }
    }

    /// When a frame of which `length` bytes are missing must be there.
    fn deadline(&self, length: usize) -> Instant {
        let seconds = length / SLOWEST_BYTES_PER_SECOND;
        Instant::now() + self.frame_timeout + Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
    }

    async fn read_by(&mut self, deadline: Instant, room: usize) -> io::Result<Arrival> {
        timeout_at(deadline, self.read(room)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads up to `room` bytes. Losing the future loses nothing.
    async fn read(&mut self, room: usize) -> io::Result<Arrival> {
        if self.start > 0 && self.buffer.capacity() - self.buffer.len() < room {
            self.buffer.drain(..self.start);
            self.approved -= self.start;
            self.start = 0;
        }
        self.buffer.reserve(room);
        let mut limited = (&mut self.from).take(u64::try_from(room).unwrap_or(u64::MAX));
        let arrived = limited.read_buf(&mut self.buffer).await?;
        if arrived >= self.chunk {
            self.chunk = (self.chunk * 2).min(LONGEST_CHUNK);
        }
        Ok(if arrived == 0 { Arrival::End } else { Arrival::Bytes })
    }
}

async fn in_time<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn approved_bytes_go_on_and_others_do_not() {
        let input: &[u8] = b"passSKIPrestleft";
        let mut output = Vec::new();
        let mut pipe = Pipe::new(input, &mut output, PATIENCE, PATIENCE);
        assert_eq!(pipe.fill(8).await.unwrap(), Arrival::Bytes);
        pipe.pass(4).await.unwrap();
        assert_eq!(pipe.frame(4), b"SKIP");
        pipe.send(b"-").await.unwrap();
        pipe.skip(4).await.unwrap();
        pipe.pass(2).await.unwrap();
        pipe.send_pieces(2, |frame| vec![IoSlice::new(b"<"), IoSlice::new(frame), IoSlice::new(b">")])
            .await
            .unwrap();
        pipe.skip(2).await.unwrap();
        assert_eq!(pipe.fill(5).await.unwrap(), Arrival::End);
        assert_eq!(pipe.waiting(), b"left");
        assert_eq!(output, b"pass-re<st>");
    }

    #[tokio::test]
    async fn an_announced_length_makes_nothing_grow() {
        let input: &[u8] = &[7; 1_000];
        let mut pipe = Pipe::new(input, tokio::io::sink(), PATIENCE, PATIENCE);
        assert_eq!(pipe.fill(100 << 20).await.unwrap(), Arrival::End);
        assert!(pipe.buffer.capacity() <= 4 * CHUNK, "{}", pipe.buffer.capacity());
    }

    #[tokio::test]
    async fn long_stretches_stream_through_a_small_buffer() {
        let input = vec![9; 4 << 20];
        let mut output = Vec::new();
        let mut pipe = Pipe::new(&input[..], &mut output, PATIENCE, PATIENCE);
        assert_eq!(pipe.pass(input.len()).await.unwrap(), Arrival::Bytes);
        pipe.flush().await.unwrap();
        assert!(pipe.buffer.capacity() <= 2 * LONGEST_CHUNK);
        assert_eq!(output, input);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_stalls_times_out() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"half").await.unwrap();
        let mut pipe = Pipe::new(server, tokio::io::sink(), PATIENCE, PATIENCE);
        let error = pipe.fill(8).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(pipe.waiting(), b"half");
    }
}
