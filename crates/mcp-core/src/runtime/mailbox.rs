//! A queue with one reader: what a driver is told, and what a slow reader of notifications may miss.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::session::small::SmallQueue;

/// A queue with any number of writers and one reader. Empty it costs no memory beyond itself; nothing
/// in it needs a runtime, so that a guard may push from a `Drop` anywhere.
///
/// [`push`](Mailbox::push) never waits and never drops: what is pushed that way is bounded by permits.
/// [`push_lossy`](Mailbox::push_lossy) drops the oldest at its bound, and counts.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    queue: SmallQueue<T>,
    dropped: u64,
    unreported: u64,
    closed: bool,
    /// The task that waits for something to take.
    reader: Option<Waker>,
}

impl<T> State<T> {
    /// Whether there is something to take, or nothing more will come; if not, this task is woken when there is.
    fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.queue.is_empty() || self.closed {
            return Poll::Ready(());
        }
        match &mut self.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl<T> Mailbox<T> {
    pub(crate) fn new() -> Mailbox<T> {
        let state =
            State { queue: SmallQueue::default(), dropped: 0, unreported: 0, closed: false, reader: None };
        Mailbox { state: Mutex::new(state) }
    }

    /// A panic elsewhere cannot leave the queue half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item. Gives it back if the mailbox is closed.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(item);
        }
        state.queue.push(item);
        wake(state);
        Ok(())
    }

    /// Adds an item; beyond `bound` the oldest goes, and is counted. Does nothing once closed.
    pub(crate) fn push_lossy(&self, item: T, bound: usize) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let oldest = if state.queue.len() >= bound.max(1) { state.queue.pop() } else { None };
        if oldest.is_some() {
            state.dropped += 1;
            state.unreported += 1;
        }
        state.queue.push(item);
        wake(state);
        drop(oldest);
    }

    /// The oldest item, if there is one.
    pub(crate) fn try_pop(&self) -> Option<T> {
        self.lock().queue.pop()
    }

    /// How many items were dropped since this was asked last.
    pub(crate) fn take_unreported(&self) -> u64 {
        std::mem::take(&mut self.lock().unreported)
    }

    /// How many items were dropped in all.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// How many items wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Nothing more comes in. What waits can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        wake(state);
    }

    /// The reader goes, so nobody is woken: nothing more comes in, and what waits is dropped.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        let left = (std::mem::take(&mut state.queue), state.reader.take());
        // What is dropped may look in here again.
        drop(state);
        drop(left);
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The oldest item, or `None` once it is closed and empty. Wakes the last task that asked.
    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        state.poll_ready(cx).map(|()| state.queue.pop())
    }

    /// Waits until there is something to take, or the mailbox is closed. Cancel-safe: takes nothing.
    pub(crate) async fn ready(&self) {
        poll_fn(|cx| self.lock().poll_ready(cx)).await;
    }

    /// Like [`ready`](Mailbox::ready), for a reader that stands beside the only writer, in one task, and is polled
    /// whenever that has moved: nobody is woken. Cancel-safe: takes nothing.
    pub(crate) async fn ready_beside(&self) {
        poll_fn(|_| {
            let state = self.lock();
            if state.queue.is_empty() && !state.closed { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// The next item, or `None` once it is closed and empty. Cancel-safe.
    pub(crate) async fn pop(&self) -> Option<T> {
        poll_fn(|cx| self.poll_pop(cx)).await
    }
}

/// Wakes the reader, outside of the lock that it takes next.
fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A reader that waits is woken by the next item and by the end, and once for each time that it waited.
    #[test]
    fn a_reader_that_waits_is_woken_once() {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mailbox = Mailbox::new();
        assert!(mailbox.poll_pop(&mut cx).is_pending());
        assert!(mailbox.poll_pop(&mut cx).is_pending());
        mailbox.push(1).unwrap();
        mailbox.push_lossy(2, 9);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(matches!(mailbox.poll_pop(&mut cx), Poll::Ready(Some(1))));
        assert!(matches!(mailbox.poll_pop(&mut cx), Poll::Ready(Some(2))));
        assert!(pin!(mailbox.ready()).poll(&mut cx).is_pending());
        mailbox.close();
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert!(matches!(mailbox.poll_pop(&mut cx), Poll::Ready(None)));
        assert_eq!(mailbox.push(3), Err(3));
    }

    /// A reader that stands beside its writer, or has gone, wakes nobody: its task would be polled for nothing.
    #[test]
    fn nobody_is_woken_who_does_not_wait() {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mailbox = Mailbox::new();
        let item = Arc::new(());
        let mut beside = pin!(mailbox.ready_beside());
        assert!(beside.as_mut().poll(&mut cx).is_pending());
        mailbox.push(item.clone()).unwrap();
        assert!(beside.as_mut().poll(&mut cx).is_ready());
        assert!(mailbox.try_pop().is_some());
        assert!(mailbox.poll_pop(&mut cx).is_pending());
        mailbox.abandon();
        mailbox.push(item.clone()).unwrap_err();
        assert_eq!((woken.0.load(Ordering::Relaxed), Arc::strong_count(&item)), (0, 1));
    }
}
