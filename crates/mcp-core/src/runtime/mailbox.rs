//! A queue with one reader, bounded by permits or by dropping the oldest item.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::lock::{Guard, Lock};
use crate::session::small::SmallQueue;

/// A queue with any number of writers and one reader. It holds no heap memory while it is empty, and needs no runtime,
/// so that guards can push from `Drop`.
///
/// [`push`](Mailbox::push) never waits and never drops; the caller bounds it by permits.
/// [`push_lossy`](Mailbox::push_lossy) drops the oldest item at its bound and counts it.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    inner: Lock<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    queue: SmallQueue<T>,
    dropped: u64,
    unreported: u64,
    closed: bool,
    /// The task that waits for an item.
    reader: Option<Waker>,
}

impl<T> Inner<T> {
    fn count_dropped(&mut self) {
        self.dropped += 1;
        self.unreported += 1;
    }

    /// Ready if there is an item or the mailbox is closed. Otherwise registers the task.
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
        let inner =
            Inner { queue: SmallQueue::default(), dropped: 0, unreported: 0, closed: false, reader: None };
        Mailbox { inner: Lock::new(inner) }
    }

    fn lock(&self) -> Guard<'_, Inner<T>> {
        self.inner.lock()
    }

    /// Adds an item. Gives it back if the mailbox is closed.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(item);
        }
        inner.queue.push(item);
        wake(inner);
        Ok(())
    }

    /// Adds an item; at `bound` items, drops and counts the oldest. Does nothing once closed.
    pub(crate) fn push_lossy(&self, item: T, bound: usize) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        let oldest = if inner.queue.len() >= bound.max(1) { inner.queue.pop() } else { None };
        if oldest.is_some() {
            inner.count_dropped();
        }
        inner.queue.push(item);
        wake(inner);
        drop(oldest);
    }

    /// Drops the oldest item and counts it. `false` if there is none.
    pub(crate) fn drop_oldest(&self) -> bool {
        let mut inner = self.lock();
        let oldest = inner.queue.pop();
        if oldest.is_some() {
            inner.count_dropped();
        }
        // Dropping an item may lock the mailbox again.
        drop(inner);
        oldest.is_some()
    }

    /// Counts an item that was dropped before it was added.
    pub(crate) fn count_dropped(&self) {
        self.lock().count_dropped();
    }

    /// The oldest item, if there is one.
    pub(crate) fn try_pop(&self) -> Option<T> {
        self.lock().queue.pop()
    }

    /// The number of items dropped since the last call.
    pub(crate) fn take_unreported(&self) -> u64 {
        std::mem::take(&mut self.lock().unreported)
    }

    /// The number of items dropped in total.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Whether no item waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// The number of waiting items.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// Closes the mailbox for writers. Waiting items can still be taken.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        wake(inner);
    }

    /// Closes the mailbox for the reader, who wakes no longer, and drops the waiting items.
    pub(crate) fn abandon(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let left = (std::mem::take(&mut inner.queue), inner.reader.take());
        // Dropping an item may lock the mailbox again.
        drop(inner);
        drop(left);
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The oldest item, or `None` once it is closed and empty. Registers the task; only the last one is woken.
    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut inner = self.lock();
        inner.poll_ready(cx).map(|()| inner.queue.pop())
    }

    /// Whether there is an item, or the mailbox is closed. Registers the task; only the last one is woken.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<()> {
        self.lock().poll_ready(cx)
    }

    /// Waits until there is an item or the mailbox is closed. Cancel-safe: takes nothing.
    pub(crate) async fn ready(&self) {
        poll_fn(|cx| self.poll_ready(cx)).await;
    }

    /// Like [`ready`](Mailbox::ready), but registers no waker. The caller must poll this future after every push or
    /// close, as a reader in the same task as the only writer does. Cancel-safe: takes nothing.
    pub(crate) async fn ready_beside(&self) {
        poll_fn(|_| {
            let inner = self.lock();
            if inner.queue.is_empty() && !inner.closed { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// The next item, or `None` once it is closed and empty. Cancel-safe.
    pub(crate) async fn pop(&self) -> Option<T> {
        poll_fn(|cx| self.poll_pop(cx)).await
    }
}

/// Wakes the reader, after releasing the lock that the reader takes next.
fn wake<T>(mut inner: Guard<'_, Inner<T>>) {
    let reader = inner.reader.take();
    drop(inner);
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

    /// A waiting reader is woken by the next item and by a close, once per wait.
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

    /// `ready_beside` registers no waker, and `abandon` wakes none.
    #[test]
    fn a_reader_that_does_not_wait_is_not_woken() {
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
