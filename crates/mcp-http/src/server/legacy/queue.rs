//! One connection of a stream: a bounded queue of events between a session and a reader that may be slow.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::server::body::Source;

/// How many times the capacity may be exceeded by what must not be dropped: answers, requests, what is replayed.
const HARD: usize = 4;

/// How often a full queue holds its session up, and for how long, before its reader counts as stuck. A reader that
/// takes anything in that time is merely slow, and sets the pace.
const PATIENCE: Duration = Duration::from_millis(100);

/// The session's end of a connection. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Writer(Arc<Mutex<Queue>>);

/// The reader's end. Dropped when all was read, or when the client hung up.
pub(super) struct Reader {
    queue: Arc<Mutex<Queue>>,
    /// Told when the connection is over.
    over: Option<Box<dyn FnOnce() + Send + Sync>>,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    capacity: usize,
    /// Nothing more will be queued.
    ended: bool,
    /// The reader is gone.
    gone: bool,
    /// The reader took nothing for a while when it should have.
    stuck: bool,
    /// When the reader took something, or found nothing.
    moved: Instant,
    /// How much the reader took.
    taken: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Waiting {
    event: Bytes,
    /// It may be dropped if the reader is too slow.
    droppable: bool,
}

/// What became of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is in the queue.
    Queued,
    /// There is no room.
    Full(Bytes),
    /// The reader is gone.
    Gone,
}

/// A connection whose queue holds this many events.
pub(super) fn connection(capacity: usize) -> (Writer, Reader) {
    let queue = Arc::new(Mutex::new(Queue {
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
    (Writer(queue.clone()), Reader { queue, over: None })
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // A panic while the lock is held leaves plain data behind.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// Queues an event if there is room.
    pub(super) fn offer(&self, event: Bytes, droppable: bool) -> Offer {
        let mut queue = lock(&self.0);
        if queue.gone || queue.ended {
            return Offer::Gone;
        }
        if queue.waiting.len() >= queue.capacity {
            return Offer::Full(event);
        }
        queue.put(event, droppable);
        Offer::Queued
    }

    /// Queues an event beyond the capacity, for what has to be told: a replay, a priming event. Ignored if the
    /// reader is gone.
    pub(super) fn force(&self, event: Bytes) {
        let mut queue = lock(&self.0);
        if !queue.gone && !queue.ended {
            queue.put(event, false);
        }
    }

    /// Makes room by dropping the oldest notification, for readers that cannot come back. The number of events that
    /// were lost by it: 0 or 1. If there are far too many that must not be dropped, the connection is cut.
    pub(super) fn squeeze(&self, event: Bytes, droppable: bool) -> u64 {
        let mut queue = lock(&self.0);
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

    /// Waits until there is room, or the reader is gone; `false` if it is stuck. Then nobody waits for it again until
    /// it takes something. Cancel-safe.
    pub(super) async fn room(&self) -> bool {
        loop {
            let taken = {
                let queue = lock(&self.0);
                if queue.stuck {
                    return false;
                }
                queue.taken
            };
            let moved = poll_fn(|cx| self.poll_moved(cx, taken));
            match tokio::time::timeout(PATIENCE, moved).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(_) => {
                    let mut queue = lock(&self.0);
                    if queue.taken == taken {
                        queue.stuck = true;
                        return false;
                    }
                }
            }
        }
    }

    /// Ready when there is room, or the reader is gone (`true`), or it took something since (`false`).
    fn poll_moved(&self, cx: &mut Context<'_>, taken: u64) -> Poll<bool> {
        let mut queue = lock(&self.0);
        if queue.gone || queue.ended || queue.waiting.len() < queue.capacity {
            return Poll::Ready(true);
        }
        if queue.taken != taken {
            return Poll::Ready(false);
        }
        queue.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Nothing more comes: the reader gets what is queued, then the end.
    pub(super) fn end(&self) {
        let mut queue = lock(&self.0);
        queue.ended = true;
        queue.wake();
    }

    /// The end at once: what is queued is not read any more.
    pub(super) fn cut(&self) {
        lock(&self.0).cut();
    }

    /// Whether the reader is gone, or has to be.
    pub(super) fn is_over(&self) -> bool {
        let queue = lock(&self.0);
        queue.gone || queue.ended
    }

    /// Whether something has waited for the reader since before this instant.
    pub(super) fn is_stalled(&self, before: Instant) -> bool {
        let queue = lock(&self.0);
        !queue.gone && !queue.waiting.is_empty() && queue.moved < before
    }

    /// Whether these are one connection.
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
    /// Has this called when the connection is over: read to its end, or dropped.
    pub(super) fn when_over(mut self, over: impl FnOnce() + Send + Sync + 'static) -> Reader {
        self.over = Some(Box::new(over));
        self
    }
}

impl Source for Reader {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut queue = lock(&self.queue);
        if let Some(next) = queue.waiting.pop_front() {
            queue.moved = Instant::now();
            queue.taken += 1;
            queue.stuck = false;
            if queue.waiting.is_empty() {
                // A burst is over: its memory goes with it.
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
            let mut queue = lock(&self.queue);
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

    /// FAULT C-13: notifications go, oldest first; answers stay.
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

    /// FAULT B: slow read. Even what must not be dropped has a bound.
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

    /// A stuck reader holds a session up once, not for each event; one that reads on is waited for again.
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

    /// A reader that has much before it, and reads, sets the pace.
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
