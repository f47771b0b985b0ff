//! One connection of a stream: a bounded queue of events between a session and a possibly slow reader.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::lock::Lock;
use crate::server::body::Source;
use crate::server::budgets::Holder;
use crate::sync::timeout;

/// The multiple of the capacity that events may fill which must not be dropped: answers, requests, replayed events.
const HARD: usize = 4;

/// How long a full queue delays its session before the reader counts as stuck. A slow reader that makes progress is waited
/// for.
const PATIENCE: Duration = Duration::from_millis(100);

/// The session's end of a connection. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Writer(Arc<Lock<Queue>>, Arc<Holder>);

/// The reader's end. Dropped when everything was read, or when the client hung up.
pub(super) struct Reader {
    queue: Arc<Lock<Queue>>,
    holder: Arc<Holder>,
    /// Called when the connection ends.
    over: Option<Box<dyn FnOnce() + Send + Sync>>,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    capacity: usize,
    /// Nothing more will be queued.
    ended: bool,
    /// The reader is gone.
    gone: bool,
    /// The reader read nothing from a full queue for a while.
    stuck: bool,
    /// When the reader last read an event, or the queue was last empty.
    moved: Instant,
    /// The number of events that the reader read.
    taken: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Waiting {
    event: Bytes,
    /// Whether it may be dropped for a slow reader.
    droppable: bool,
}

/// The outcome of an offer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// The event is in the queue.
    Queued,
    /// The queue is full. Returns the event.
    Full(Bytes),
    /// The reader is gone.
    Gone,
}

/// Creates a connection with a queue of `capacity` events.
pub(super) fn connection(capacity: usize, holder: Arc<Holder>) -> (Writer, Reader) {
    let queue = Arc::new(Lock::new(Queue {
        waiting: VecDeque::new(),
        capacity: capacity.max(1),
        ended: false,
        gone: false,
        stuck: false,
        moved: Instant::now(),
        taken: 0,
        reader: None,
        writer: None,
    }));
    (Writer(queue.clone(), holder.clone()), Reader { queue, holder, over: None })
}

impl Writer {
    /// Queues an event unless the queue is full.
    pub(super) fn offer(&self, event: Bytes, droppable: bool) -> Offer {
        let mut queue = self.0.lock();
        if queue.gone || queue.ended {
            return Offer::Gone;
        }
        if queue.waiting.len() >= queue.capacity {
            return Offer::Full(event);
        }
        queue.put(event, droppable);
        Offer::Queued
    }

    /// Queues an event even if the queue is full: replayed and priming events. Has no effect if the reader is gone.
    pub(super) fn force(&self, event: Bytes) {
        let mut queue = self.0.lock();
        if !queue.gone && !queue.ended {
            queue.put(event, false);
        }
    }

    /// Queues an event for a reader that cannot resume, in place of the oldest notification. Returns the number of events
    /// that were lost: 0 or 1. Cuts the connection if too many events wait that must not be dropped.
    pub(super) fn squeeze(&self, event: Bytes, droppable: bool) -> u64 {
        let mut queue = self.0.lock();
        if queue.gone || queue.ended {
            return u64::from(droppable);
        }
        let oldest = queue.waiting.iter().position(|waiting| waiting.droppable);
        if let Some(oldest) = oldest {
            queue.waiting.remove(oldest);
            queue.put(event, droppable);
            return 1;
        }
        if droppable {
            return 1;
        }
        if queue.waiting.len() >= queue.capacity * HARD {
            queue.cut();
        } else {
            queue.put(event, droppable);
        }
        0
    }

    /// Waits until the queue is not full, or the reader is gone. Returns `false` if the reader is stuck; then this returns at
    /// once until it reads again. Cancel-safe.
    pub(super) async fn room(&self) -> bool {
        loop {
            let taken = {
                let queue = self.0.lock();
                if queue.stuck {
                    return false;
                }
                queue.taken
            };
            let moved = poll_fn(|cx| self.poll_moved(cx, taken));
            match timeout(PATIENCE, moved).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(_) => {
                    let mut queue = self.0.lock();
                    if queue.taken == taken {
                        queue.stuck = true;
                        return false;
                    }
                }
            }
        }
    }

    /// Ready with `true` if the queue is not full or the reader is gone, with `false` if it has read since.
    fn poll_moved(&self, cx: &mut Context<'_>, taken: u64) -> Poll<bool> {
        let mut queue = self.0.lock();
        if queue.gone || queue.ended || queue.waiting.len() < queue.capacity {
            return Poll::Ready(true);
        }
        if queue.taken != taken {
            return Poll::Ready(false);
        }
        queue.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends the connection after the queued events.
    pub(super) fn end(&self) {
        let mut queue = self.0.lock();
        queue.ended = true;
        queue.wake();
    }

    /// Ends the connection at once and drops the queued events.
    pub(super) fn cut(&self) {
        self.0.lock().cut();
    }

    /// Whether the reader is gone, or the connection has ended.
    pub(super) fn is_over(&self) -> bool {
        let queue = self.0.lock();
        queue.gone || queue.ended
    }

    /// Whether something has waited for the reader since before this instant.
    pub(super) fn is_stalled(&self, before: Instant) -> bool {
        let queue = self.0.lock();
        !queue.gone && !queue.waiting.is_empty() && queue.moved < before
    }

    /// What holds the memory of the events.
    pub(super) fn holder(&self) -> &Arc<Holder> {
        &self.1
    }

    /// Whether both are the same connection.
    pub(super) fn is(&self, other: &Writer) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Queue {
    fn put(&mut self, event: Bytes, droppable: bool) {
        if self.waiting.is_empty() {
            self.moved = Instant::now();
        }
        self.waiting.push_back(Waiting { event, droppable });
        self.wake();
    }

    fn cut(&mut self) {
        self.waiting = VecDeque::new();
        self.ended = true;
        self.wake();
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take().filter(|_| self.ended)].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Reader {
    /// Sets a function that is called when the connection ends: read to its end, or dropped.
    pub(super) fn when_over(mut self, over: impl FnOnce() + Send + Sync + 'static) -> Reader {
        self.over = Some(Box::new(over));
        self
    }
}

impl Source for Reader {
    fn holder(&self) -> Option<Arc<Holder>> {
        Some(self.holder.clone())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut queue = self.queue.lock();
        if let Some(next) = queue.waiting.pop_front() {
            queue.moved = Instant::now();
            queue.taken += 1;
            queue.stuck = false;
            if queue.waiting.is_empty() {
                // Frees the memory after a burst.
                queue.waiting = VecDeque::new();
            }
            if let Some(writer) = queue.writer.take() {
                writer.wake();
            }
            return Poll::Ready(Some(next.event));
        }
        if queue.ended {
            return Poll::Ready(None);
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        {
            let mut queue = self.queue.lock();
            queue.gone = true;
            queue.waiting = VecDeque::new();
            if let Some(writer) = queue.writer.take() {
                writer.wake();
            }
        }
        if let Some(over) = self.over.take() {
            over();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn connection(capacity: usize) -> (Writer, Reader) {
        super::connection(capacity, Holder::for_tests())
    }

    fn event(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    async fn next(reader: &mut Reader) -> Option<Bytes> {
        poll_fn(|cx| reader.poll_chunk(cx)).await
    }

    async fn rest(mut reader: Reader) -> String {
        let mut all = Vec::new();
        while let Some(Some(event)) = next(&mut reader).now_or_never() {
            all.extend_from_slice(&event);
        }
        String::from_utf8(all).unwrap()
    }

    /// FAULT C-13: notifications are dropped, oldest first; answers are kept.
    #[tokio::test]
    async fn a_full_queue_loses_its_oldest_notification_and_never_an_answer() {
        let (writer, reader) = connection(3);
        for (text, droppable) in [("a", false), ("b", true), ("c", true)] {
            assert_eq!(writer.offer(event(text), droppable), Offer::Queued);
        }
        assert_eq!(writer.offer(event("d"), true), Offer::Full(event("d")));
        assert_eq!(writer.squeeze(event("d"), true), 1);
        assert_eq!(writer.squeeze(event("E"), false), 1);
        assert_eq!(writer.squeeze(event("F"), false), 1);
        assert_eq!(writer.squeeze(event("g"), true), 1, "nothing else can be dropped");
        assert_eq!(writer.squeeze(event("H"), false), 0);
        writer.end();
        assert_eq!(rest(reader).await, "aEFH");
    }

    /// FAULT B: slow read. Events that must not be dropped are bounded too.
    #[tokio::test]
    async fn a_reader_that_never_reads_is_cut_in_the_end() {
        let (writer, mut reader) = connection(2);
        for _ in 0..8 {
            assert_eq!(writer.squeeze(event("x"), false), 0);
        }
        assert!(!writer.is_over());
        writer.squeeze(event("x"), false);
        assert!(writer.is_over());
        assert_eq!(next(&mut reader).await, None);
    }

    /// A stuck reader delays a session once, not for each event; one that reads again is waited for again.
    #[tokio::test(start_paused = true)]
    async fn a_stuck_reader_is_waited_for_once() {
        let (writer, mut reader) = connection(1);
        writer.force(event("a"));
        let start = Instant::now();
        assert!(!writer.room().await);
        assert_eq!(start.elapsed(), PATIENCE);
        assert!(!writer.room().await);
        assert_eq!(start.elapsed(), PATIENCE);
        assert_eq!(next(&mut reader).await, Some(event("a")));
        writer.force(event("b"));
        let (room, read) = tokio::join!(writer.room(), next(&mut reader));
        assert!(room && read.is_some());
        assert_eq!(start.elapsed(), PATIENCE);
    }

    /// A slow reader that makes progress is waited for.
    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_waited_for_while_it_moves() {
        let (writer, mut reader) = connection(1);
        for _ in 0..5 {
            writer.force(event("x"));
        }
        let start = Instant::now();
        let reading = async {
            for _ in 0..5 {
                tokio::time::sleep(PATIENCE * 3 / 5).await;
                next(&mut reader).await;
            }
        };
        let (room, ()) = tokio::join!(writer.room(), reading);
        assert!(room);
        assert_eq!(start.elapsed(), PATIENCE * 3);
    }

    #[tokio::test]
    async fn the_end_comes_after_what_is_queued_and_a_cut_at_once() {
        let (writer, reader) = connection(4);
        writer.force(event("a"));
        writer.end();
        assert_eq!(writer.offer(event("b"), false), Offer::Gone);
        assert_eq!(rest(reader).await, "a");
        let (writer, mut reader) = connection(4);
        writer.force(event("a"));
        writer.cut();
        assert_eq!(next(&mut reader).await, None);
    }

    /// SESS: a client that hangs up is noticed without a write.
    #[tokio::test]
    async fn a_dropped_reader_is_told_at_once() {
        let (writer, reader) = connection(4);
        let (tell, told) = std::sync::mpsc::channel();
        let reader = reader.when_over(move || tell.send(()).unwrap());
        assert!(!writer.is_over());
        drop(reader);
        told.try_recv().unwrap();
        assert!(writer.is_over());
        assert_eq!(writer.offer(event("a"), true), Offer::Gone);
    }
}
