//! The streams of an HTTP/2 connection: each runs in its own task, and can be cut without the others.
//!
//! hyper polls a body only while the client reads, and does not report when it stops. A stream that is read yields something
//! whenever its keep-alive is due, so one that yields nothing for longer is stalled. Aborting its task drops
//! the stream, and h2 sends `RST_STREAM`. All streams of a connection share one timer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use futures::FutureExt;
use futures::future::{AbortHandle, Abortable};
use hyper::rt::Executor;

use crate::lock::Lock;

tokio::task_local! {
    /// Aborts the stream that the current task serves.
    static STREAM: AbortHandle;
}

/// Runs each stream of a connection in a task that [`Streams::watch`] can find.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamExecutor;

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let (handle, registration) = AbortHandle::new_pair();
        let _task = tokio::spawn(STREAM.scope(handle, Abortable::new(stream, registration)).map(drop));
    }
}

/// Aborts the stream that the current task serves. `None` outside such a task.
pub(super) fn current() -> Option<AbortHandle> {
    STREAM.try_with(AbortHandle::clone).ok()
}

/// The streams of one connection whose answers are written in pieces.
#[derive(Debug, Default)]
pub(super) struct Streams(Lock<Vec<Watched>>);

#[derive(Debug)]
struct Watched {
    /// How many chunks the stream has yielded. Gone with the stream.
    yielded: Weak<AtomicU32>,
    stream: AbortHandle,
    /// The chunks at the last tick, and for how many ticks there were no more.
    seen: u32,
    silent: u32,
}

impl Streams {
    /// Watches the stream of the current task, which counts its chunks here. Nothing outside such a task.
    pub(super) fn watch(&self, yielded: &Arc<AtomicU32>) {
        if let Some(stream) = current() {
            self.add(yielded, stream);
        }
    }

    fn add(&self, yielded: &Arc<AtomicU32>, stream: AbortHandle) {
        let mut streams = self.0.lock();
        if streams.len() == streams.capacity() {
            // Streams that come and go between two ticks leave nothing behind.
            streams.retain(|watched| watched.yielded.strong_count() > 0);
        }
        streams.push(Watched { yielded: Arc::downgrade(yielded), stream, seen: 0, silent: 0 });
    }

    /// Counts a tick, and cuts the streams that have been silent for this many. Returns how many were cut.
    pub(super) fn tick(&self, limit: u32) -> usize {
        let mut cut = 0;
        self.0.lock().retain_mut(|watched| {
            let Some(yielded) = watched.yielded.upgrade() else { return false };
            let yielded = yielded.load(Ordering::Relaxed);
            watched.silent = if watched.seen == yielded { watched.silent.saturating_add(1) } else { 0 };
            watched.seen = yielded;
            let stalled = watched.silent >= limit;
            if stalled {
                watched.stream.abort();
                cut += 1;
            }
            !stalled
        });
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(streams: &Streams) -> (Arc<AtomicU32>, AbortHandle) {
        let (yielded, (stream, _)) = (Arc::default(), AbortHandle::new_pair());
        streams.add(&yielded, stream.clone());
        (yielded, stream)
    }

    /// FAULT F-S3, FAULT B: slow read; unbounded memory.
    #[test]
    fn a_silent_stream_is_cut_alone_and_streams_that_ended_are_forgotten() {
        let streams = Streams::default();
        let ((busy, busy_stream), (_silent, silent_stream)) = (watched(&streams), watched(&streams));
        for _ in 1..5 {
            busy.fetch_add(1, Ordering::Relaxed);
            assert_eq!(streams.tick(5), 0);
        }
        busy.fetch_add(1, Ordering::Relaxed);
        assert_eq!(streams.tick(5), 1);
        assert!(silent_stream.is_aborted() && !busy_stream.is_aborted());
        assert_eq!((streams.tick(5), streams.tick(5)), (0, 0), "it is cut once");
        drop(busy);
        for _ in 0..1000 {
            drop(watched(&streams));
        }
        assert!(streams.0.lock().len() < 10);
        assert_eq!(streams.tick(1), 0);
    }

    /// A stream is found by its task, and dropped when it is aborted.
    #[tokio::test]
    async fn a_stream_is_aborted_from_outside_its_task() {
        let streams = Arc::new(Streams::default());
        let yielded = Arc::<AtomicU32>::default();
        streams.watch(&yielded);
        assert_eq!(streams.tick(1), 0, "this task serves no stream");
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let own = streams.clone();
        StreamExecutor.execute(async move {
            own.watch(&yielded);
            let _held = (held, yielded);
            begun.send(()).unwrap();
            std::future::pending().await
        });
        begins.await.unwrap();
        assert_eq!(streams.tick(1), 1);
        assert!(dropped.await.is_err());
    }
}
