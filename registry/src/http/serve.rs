//! Sockets: accepting, keeping alive, cutting off the slow, draining.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::front::Front;
use crate::Registry;

/// The least bound on a request's head that can be kept, in bytes.
const LEAST_HEAD_BYTES: usize = 8 << 10;

/// How often samples of metrics are moved into their buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long to wait when connections cannot be accepted, for want of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `registry` on `listener` until `shutdown` ends. Then the port closes, requests under way are finished,
/// connections are closed behind them, and what is left after the drain timeout is cut off.
///
/// A client that does not send a request's head in time, or stays silent between two requests, is cut off too: after at
/// least the header timeout and at most twice that. Errors: none at present; trouble with one connection is no error.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let front = registry.front;
    let most = front.options().max_connections;
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut upkeep = interval(UPKEEP);
    upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = std::pin::pin!(shutdown);
    let mut paused_until: Option<Instant> = None;
    loop {
        let pause = async {
            if let Some(until) = paused_until {
                sleep_until(until).await;
            }
        };
        let accept = async {
            pause.await;
            listener.accept().await
        };
        tokio::select! {
            () = &mut shutdown => break,
            _ = upkeep.tick() => front.metrics().upkeep(),
            Some(_) = connections.join_next() => {}
            accepted = accept, if connections.len() < most => {
                paused_until = None;
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&front), stopping.clone()));
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "cannot accept connections");
                        paused_until = Some(Instant::now() + ACCEPT_PAUSE);
                    }
                }
            }
        }
    }
    drop(listener);
    // Nobody listens if there are no connections.
    let _ = stop.send(true);
    let drained =
        timeout(front.options().drain_timeout, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not finish in time and are cut off");
        connections.shutdown().await;
    }
    Ok(())
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(stream: TcpStream, front: Arc<Front>, mut stopping: watch::Receiver<bool>) {
    // Answers are written whole, so waiting for more to send only costs time. If it cannot be set, so be it.
    let _ = stream.set_nodelay(true);
    let silence = front.options().header_timeout;
    // hyper takes no smaller bound.
    let head_bytes = front.options().max_head_bytes.max(LEAST_HEAD_BYTES);
    let activity = Arc::new(Activity::default());
    let io = TokioIo::new(Watched { stream, activity: Arc::clone(&activity) });
    let service = Exchange { front, activity: Arc::clone(&activity) };
    let mut builder = http1::Builder::new();
    // Without `pipeline_flush`: with it, hyper forgets to send the answer to what is not HTTP.
    builder.header_read_timeout(None).max_buf_size(head_bytes);
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut seen = activity.count();
    let mut tick = std::pin::pin!(sleep_until(Instant::now() + silence));
    let mut draining = *stopping.borrow();
    if draining {
        connection.as_mut().graceful_shutdown();
    }
    loop {
        tokio::select! {
            // Errors are the client's: it went away, or did not speak HTTP and was told so.
            _ = connection.as_mut() => return,
            () = tick.as_mut() => {
                let now = activity.count();
                if now == seen && !activity.busy.load(Ordering::Relaxed) {
                    return;
                }
                seen = now;
                tick.as_mut().reset(Instant::now() + silence);
            }
            changed = stopping.changed(), if !draining => {
                draining = true;
                if changed.is_ok() {
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// What a connection has done, to tell a silent client from a slow reader. A timer per request would cost the hot path an
/// allocation; this costs two atomic stores on a line that no other thread touches.
#[derive(Default)]
struct Activity {
    /// A request is being answered.
    busy: AtomicBool,
    /// Requests begun and writes that made progress.
    count: AtomicU64,
}

impl Activity {
    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn note(&self) {
        self.count.store(self.count().wrapping_add(1), Ordering::Relaxed);
    }
}

/// A stream whose writes count as activity.
struct Watched {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.activity.note();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.activity.note();
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}

/// The service of one connection.
struct Exchange {
    front: Arc<Front>,
    activity: Arc<Activity>,
}

type AnswerBody = Either<Full<Bytes>, Body>;

impl hyper::service::Service<Request<Incoming>> for Exchange {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.activity.note();
        if let Some(kept) = self.front.kept(&request) {
            return Answering::Kept(Some(kept.map(|body| Either::Left(Full::new(body)))));
        }
        let (front, activity) = (Arc::clone(&self.front), Arc::clone(&self.activity));
        Answering::Made(Box::pin(async move {
            activity.busy.store(true, Ordering::Relaxed);
            let response = front.answer(request.map(Body::new)).await;
            activity.busy.store(false, Ordering::Relaxed);
            activity.note();
            response.map(Either::Right)
        }))
    }
}

/// An answer at once, or one being made.
enum Answering {
    Kept(Option<Response<AnswerBody>>),
    Made(Pin<Box<dyn Future<Output = Response<AnswerBody>> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Kept(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            Self::Made(work) => work.as_mut().poll(context).map(Ok),
        }
    }
}
