//! From the client to the broker.

use std::io::IoSlice;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, timeout};

use super::entry::{Entry, Then};
use super::pipe::{Arrival, Pipe};
use super::{Broken, End};
use crate::engine::Scratch;
use crate::gateway::Shared;
use crate::gateway::bucket::Bucket;
use crate::gateway::intercept;
use crate::gateway::produce::{self, Judgement};
use crate::wire::api::{self, Action, Api};
use crate::wire::produce::{Segment, reduce};
use crate::wire::{Reader, RequestHeader, WireError, Writer, api_versions};

/// The size field in front of a frame.
const SIZE: usize = 4;
/// Bytes of a frame that every connection may hold without asking.
const FREE_BYTES: usize = 1 << 20;
/// Enough of a Produce request to know its acks, unless the client has a very long name.
const HEAD: usize = 1 << 10;
/// How often the registry is asked about more schemas of one request. A request with more than some ten thousand of
/// them is told to come again.
const ROUNDS: u32 = 16;
/// Global buffer permits stand for so many bytes.
pub(in crate::gateway) const PERMIT_BYTES: usize = 1 << 10;

/// The half that reads requests.
pub(super) struct Requests<'s, R, W> {
    shared: &'s Arc<Shared>,
    pub(super) pipe: Pipe<R, W>,
    queue: Option<Sender<Entry>>,
    draining: watch::Receiver<bool>,
    /// Room for answers made here that wait in the queue.
    room: Arc<Semaphore>,
    bucket: Bucket,
    scratch: Scratch,
}

/// Whether to go on reading.
enum Next {
    More,
    End(End),
}

impl<'s, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Requests<'s, R, W> {
    pub(super) fn new(shared: &'s Arc<Shared>, pipe: Pipe<R, W>, queue: Sender<Entry>) -> Self {
        Self {
            shared,
            pipe,
            queue: Some(queue),
            draining: shared.draining(),
            room: Arc::new(Semaphore::new(shared.limits.local_answer_bytes)),
            bucket: Bucket::new(shared.limits.lookups_per_second),
            scratch: Scratch::default(),
        }
    }

    /// Reads requests until there are no more.
    pub(super) async fn run(&mut self) -> Result<End, Broken> {
        loop {
            match self.request().await? {
                Next::More => {}
                Next::End(end) => return Ok(end),
            }
        }
    }

    /// Tells the other half that nothing more will be owed.
    pub(super) fn no_more(&mut self) {
        self.queue = None;
    }

    async fn request(&mut self) -> Result<Next, Broken> {
        const FIXED: usize = SIZE + RequestHeader::FIXED_BYTES;
        if *self.draining.borrow_and_update() {
            return Ok(Next::End(End::Draining));
        }
        if self.pipe.waiting().len() < FIXED {
            self.pipe.flush().await?;
            if self.pipe.waiting().is_empty() {
                let arrival = tokio::select! {
                    biased;
                    _ = self.draining.wait_for(|draining| *draining) => return Ok(Next::End(End::Draining)),
                    arrival = self.pipe.idle() => arrival?,
                };
                if arrival == Arrival::End {
                    return Ok(Next::End(End::Client));
                }
            }
            // A size that cannot be is reported without waiting for the rest of the header.
            if self.pipe.fill(SIZE).await? == Arrival::End {
                return Ok(Next::End(End::Client));
            }
            self.frame_bytes()?;
            if self.pipe.fill(FIXED).await? == Arrival::End {
                return Ok(Next::End(End::Client));
            }
        }
        let length = self.frame_bytes()?;
        let header = RequestHeader::peek(self.pipe.waiting().get(SIZE..).unwrap_or_default())
            .map_err(Broken::Client)?;
        let (api_key, version, correlation_id) = (header.api_key, header.version, header.correlation_id);
        let Some(api) = api::find(api_key) else {
            return Err(Broken::Violation("uses an API that is not known"));
        };
        if !api.admits(version) && api_key != api::API_VERSIONS {
            return Err(Broken::Violation("uses an API or version that is not offered"));
        }
        if length > SIZE + self.longest(api_key) {
            return Err(Broken::Violation("sent a frame that is too long"));
        }
        match api_key {
            api::PRODUCE => self.produce(length, version, correlation_id).await,
            api::API_VERSIONS if !(0..=api_versions::MAX_VERSION).contains(&version) => {
                let header = RequestHeader { api_key, version, correlation_id, client_id: None };
                let frame = api_versions::unsupported(&header);
                self.answer(frame).await?;
                self.discard(length).await
            }
            api::API_VERSIONS => self.forward(length, correlation_id, Then::ApiVersions { version }).await,
            api::SASL_HANDSHAKE if version == 0 => {
                self.answer(sasl_handshake_refusal(correlation_id)).await?;
                self.push(Entry::Close).await?;
                Ok(Next::End(End::Closing))
            }
            api::CREATE_TOPICS
            | api::DESCRIBE_CONFIGS
            | api::ALTER_CONFIGS
            | api::INCREMENTAL_ALTER_CONFIGS
                if self.shared.keeps_settings =>
            {
                self.admin(length).await
            }
            _ => self.forward(length, correlation_id, then(api, api_key, version)).await,
        }
    }

    /// The length of the frame at the front, its size field included.
    fn frame_bytes(&self) -> Result<usize, Broken> {
        let size = Reader::new(self.pipe.waiting(), false).i32().map_err(Broken::Client)?;
        let size = usize::try_from(size).map_err(|_| Broken::Client(WireError::NegativeLength))?;
        if size > self.shared.limits.frame_bytes {
            return Err(Broken::Violation("sent a frame that is too long"));
        }
        if size < RequestHeader::FIXED_BYTES {
            return Err(Broken::Client(WireError::Truncated));
        }
        Ok(SIZE + size)
    }

    fn longest(&self, api_key: i16) -> usize {
        let limits = &self.shared.limits;
        match api_key {
            api::API_VERSIONS | api::SASL_HANDSHAKE | api::SASL_AUTHENTICATE => limits.handshake_frame_bytes,
            api::CREATE_TOPICS
            | api::DESCRIBE_CONFIGS
            | api::ALTER_CONFIGS
            | api::INCREMENTAL_ALTER_CONFIGS => limits.admin_frame_bytes,
            _ => limits.frame_bytes,
        }
    }

    /// Notes what the client will be owed. Must come before the request is written.
    async fn push(&mut self, entry: Entry) -> Result<(), Broken> {
        let Some(queue) = &self.queue else { return Err(Broken::Closing) };
        match queue.try_send(entry) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(Broken::Closing),
            Err(TrySendError::Full(entry)) => {
                // The responses that make room may be those to requests that wait here.
                self.pipe.flush().await?;
                queue.send(entry).await.map_err(|_| Broken::Closing)
            }
        }
    }

    /// Room in the queue for `bytes` made here.
    async fn room(&mut self, bytes: usize) -> Result<Option<OwnedSemaphorePermit>, Broken> {
        let bytes = bytes.min(self.shared.limits.local_answer_bytes);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = match Arc::clone(&self.room).try_acquire_many_owned(permits) {
            Ok(room) => room,
            Err(_) => {
                self.pipe.flush().await?;
                let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
                room.map_err(|_| Broken::Closing)?
            }
        };
        Ok(Some(room))
    }

    async fn answer(&mut self, frame: Vec<u8>) -> Result<(), Broken> {
        let room = self.room(frame.len()).await?;
        self.push(Entry::Local { frame, room }).await
    }

    async fn forward(&mut self, length: usize, correlation_id: i32, then: Then) -> Result<Next, Broken> {
        self.push(Entry::Broker { correlation_id, then }).await?;
        self.stream(length).await
    }

    async fn stream(&mut self, length: usize) -> Result<Next, Broken> {
        match self.pipe.pass(length).await? {
            Arrival::Bytes => Ok(Next::More),
            Arrival::End => Ok(Next::End(End::Client)),
        }
    }

    /// Reads a frame that is answered here and goes no further.
    async fn discard(&mut self, length: usize) -> Result<Next, Broken> {
        if self.pipe.fill(length).await? == Arrival::End {
            return Ok(Next::End(End::Client));
        }
        self.pipe.skip(length).await?;
        Ok(Next::More)
    }

    /// Waits for a whole frame. Beyond the first MiB it takes room that all connections share. `None` if the client
    /// left in the middle.
    async fn whole(&mut self, length: usize) -> Result<Option<Option<SemaphorePermit<'s>>>, Broken> {
        let shared: &'s Shared = self.shared;
        let mut held: Option<SemaphorePermit<'s>> = None;
        let mut there = length.min(FREE_BYTES);
        loop {
            if self.pipe.fill(there).await? == Arrival::End {
                return Ok(None);
            }
            if there == length {
                return Ok(Some(held));
            }
            self.pipe.flush().await?;
            let step = (length - there).min(FREE_BYTES);
            let permits = u32::try_from(step.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
            let room = timeout(shared.limits.frame_timeout, shared.buffered.acquire_many(permits)).await;
            let Ok(Ok(room)) = room else { return Err(Broken::Violation("had to wait too long for memory")) };
            match &mut held {
                Some(held) => held.merge(room),
                None => held = Some(room),
            }
            there += step;
        }
    }

    async fn produce(&mut self, length: usize, version: i16, correlation_id: i32) -> Result<Next, Broken> {
        if self.shared.settings.table().is_empty() {
            let Some(acks) = self.acks(length).await? else { return Ok(Next::End(End::Client)) };
            self.shared.metrics.unvalidated.increment(1);
            if acks != 0 {
                let then = Then::Produce { version, merge: None };
                self.push(Entry::Broker { correlation_id, then }).await?;
            }
            return self.stream(length).await;
        }
        let Some(_held) = self.whole(length).await? else { return Ok(Next::End(End::Client)) };
        let judgement = self.judge(length).await?;
        match judgement {
            Judgement::Pass { acks } => {
                if acks != 0 {
                    let then = Then::Produce { version, merge: None };
                    self.push(Entry::Broker { correlation_id, then }).await?;
                }
                self.stream(length).await
            }
            Judgement::Mixed(mixed) => {
                let message = self.pipe.frame(length).get(SIZE..).unwrap_or_default();
                let piece = reduce(message, mixed.keeper()).map_err(Broken::Client)?;
                if mixed.acks == 0 {
                    if let Some(piece) = piece {
                        self.send(length, &piece.segments).await?;
                    }
                    // What a broker does: without a response, closing is the only way to tell.
                    self.push(Entry::Close).await?;
                    return Ok(Next::End(End::Closing));
                }
                match piece {
                    None => self.answer(mixed.plan.answer(correlation_id, version)).await?,
                    Some(piece) => {
                        let room = self.room(mixed.plan.size_bytes()).await?;
                        let then = Then::Produce { version, merge: Some((Box::new(mixed.plan), room)) };
                        self.push(Entry::Broker { correlation_id, then }).await?;
                        self.send(length, &piece.segments).await?;
                    }
                }
                self.pipe.skip(length).await?;
                Ok(Next::More)
            }
        }
    }

    /// The acks of the Produce request at the front, read from its beginning.
    async fn acks(&mut self, length: usize) -> Result<Option<i16>, Broken> {
        let mut head = length.min(HEAD);
        loop {
            if self.pipe.fill(head).await? == Arrival::End {
                return Ok(None);
            }
            let message = self.pipe.frame(length).get(SIZE..).unwrap_or_default();
            match crate::wire::produce::acks(message) {
                Ok(acks) => return Ok(Some(acks)),
                Err(WireError::Truncated) if head < length => head = length.min(head.saturating_mul(8)),
                Err(error) => return Err(Broken::Client(error)),
            }
        }
    }

    /// Judges the Produce request at the front, asking the registry where need be.
    async fn judge(&mut self, length: usize) -> Result<Judgement, Broken> {
        let shared = self.shared;
        let table = shared.settings.table();
        let arrived = Instant::now();
        let deadline = arrived + shared.limits.lookup_deadline;
        let mut view = shared.facts.view(arrived);
        let mut names = produce::TopicNames::default();
        for round in 0.. {
            if round == ROUNDS || Instant::now() >= deadline {
                view.close();
            }
            let message = self.pipe.frame(length).get(SIZE..).unwrap_or_default();
            let context = produce::Context {
                table: &table,
                names: &names,
                limits: &shared.limits,
                outage: shared.outage,
                metrics: &shared.metrics,
            };
            // A long decompression must not hold up the connections that share this thread.
            let heavy = produce::is_heavy(message);
            let judged =
                off_the_workers(heavy, || produce::judge(message, &context, &view, &mut self.scratch));
            let aging = view.take_aging();
            if !aging.is_empty() {
                shared.facts.refresh(&aging);
            }
            match judged.map_err(Broken::Client)? {
                produce::Judged::Done(judgement) => return Ok(judgement),
                produce::Judged::TooManyPartitions => {
                    return Err(Broken::Violation("names too many partitions in one request"));
                }
                produce::Judged::NeedSchemas(identifiers) => {
                    // Everything before this request goes on meanwhile.
                    self.pipe.flush().await?;
                    shared.facts.resolve(&identifiers, &mut view, &mut self.bucket, deadline).await;
                }
                produce::Judged::NeedNames(ids) => {
                    self.pipe.flush().await?;
                    names.resolve(shared, &ids).await;
                }
            }
        }
        // Not reached: once the view is closed nothing more is asked for.
        Err(Broken::Closing)
    }

    async fn send(&mut self, length: usize, segments: &[Segment]) -> Result<(), Broken> {
        self.pipe
            .send_pieces(length, |frame| {
                let message = frame.get(SIZE..).unwrap_or_default();
                let slices = segments.iter().map(|segment| match segment {
                    Segment::Kept(range) => message.get(range.clone()).unwrap_or_default(),
                    Segment::Made(bytes) => bytes,
                });
                slices.map(IoSlice::new).collect()
            })
            .await?;
        Ok(())
    }

    async fn admin(&mut self, length: usize) -> Result<Next, Broken> {
        let Some(_held) = self.whole(length).await? else { return Ok(Next::End(End::Client)) };
        self.pipe.flush().await?;
        let message = self.pipe.frame(length).get(SIZE..).unwrap_or_default();
        let plan = intercept::read(message).map_err(Broken::Client)?;
        match plan {
            intercept::Decision::Answer(frame) => self.answer(frame).await?,
            intercept::Decision::Forward { mut plan, frame } => {
                plan.prepare(self.shared).await;
                let correlation_id = plan.correlation_id();
                self.push(Entry::Broker { correlation_id, then: Then::Admin(Box::new(plan)) }).await?;
                self.pipe.send(&frame).await?;
            }
        }
        self.pipe.skip(length).await?;
        Ok(Next::More)
    }
}

/// Runs what takes long where it holds up nobody else, if the runtime has more than one thread.
fn off_the_workers<T>(heavy: bool, work: impl FnOnce() -> T) -> T {
    if heavy && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

fn then(api: &Api, api_key: i16, version: i16) -> Then {
    match api.action {
        Action::Rewrite => Then::Rewrite { api_key, version },
        _ => Then::Pass,
    }
}

/// After SaslHandshake 0 tokens would follow without frames, which nobody could tell from requests.
fn sasl_handshake_refusal(correlation_id: i32) -> Vec<u8> {
    let mut writer = Writer::response(correlation_id, false);
    writer.i16(crate::wire::ErrorCode::UNSUPPORTED_VERSION.0);
    writer.array(0);
    writer.into_frame()
}
