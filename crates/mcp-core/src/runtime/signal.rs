//! A flag that is raised once and can be waited for.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::lock::Lock;

/// Raised once, never lowered. Any number of tasks may wait for it.
///
/// Most handlers that wait for something wait for a signal beside it, so to poll again costs a load and a comparison.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    raised: AtomicBool,
    waiting: Lock<Slots>,
}

/// The wakers of those that wait, by the numbers of their slots. A request has two that wait for its cancellation: they
/// need no heap memory.
#[derive(Debug, Default)]
struct Slots {
    first: [Option<Waker>; FIRST],
    more: Vec<Slot>,
    /// The first of the chain of free slots among `more`.
    free: Option<usize>,
}

const FIRST: usize = 2;

#[derive(Debug)]
enum Slot {
    Waiting(Waker),
    Free { next: Option<usize> },
}

impl Slots {
    fn insert(&mut self, waker: Waker) -> usize {
        let first = self.first.iter_mut().enumerate().find(|(_, slot)| slot.is_none());
        if let Some((number, slot)) = first {
            *slot = Some(waker);
            return number;
        }
        let number = self.free.unwrap_or(self.more.len());
        match self.more.get_mut(number) {
            Some(slot) => {
                if let Slot::Free { next } = *slot {
                    self.free = next;
                }
                *slot = Slot::Waiting(waker);
            }
            None => self.more.push(Slot::Waiting(waker)),
        }
        FIRST + number
    }

    /// Frees a slot. Has no effect once the signal was raised, which takes all slots.
    fn remove(&mut self, number: usize) -> Option<Waker> {
        let Some(number) = number.checked_sub(FIRST) else { return self.first.get_mut(number)?.take() };
        let slot = self.more.get_mut(number)?;
        let removed = std::mem::replace(slot, Slot::Free { next: self.free });
        self.free = Some(number);
        match removed {
            Slot::Waiting(waker) => Some(waker),
            Slot::Free { .. } => None,
        }
    }
}

impl Signal {
    /// Raises the flag and wakes all waiting tasks.
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        let Slots { first, more, .. } = std::mem::take(&mut *self.waiting.lock());
        let more = more.into_iter().filter_map(|slot| match slot {
            Slot::Waiting(waker) => Some(waker),
            Slot::Free { .. } => None,
        });
        first.into_iter().flatten().chain(more).for_each(Waker::wake);
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Waits until it is raised. Cancel-safe.
    pub(crate) fn wait(&self) -> Wait<'_> {
        Wait { signal: self, slot: None }
    }
}

/// Waits for a signal.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Wait<'a> {
    signal: &'a Signal,
    /// The slot, and which waker is in it.
    slot: Option<(usize, WakerId)>,
}

/// Tells wakers apart without a clone. Valid while the waker itself is in a slot, and its task exists.
#[derive(Debug, PartialEq, Eq)]
struct WakerId {
    data: usize,
    vtable: usize,
}

impl WakerId {
    fn of(waker: &Waker) -> WakerId {
        WakerId { data: waker.data().addr(), vtable: std::ptr::from_ref(waker.vtable()).addr() }
    }
}

impl Wait<'_> {
    fn leave(&mut self) {
        if let Some((number, _)) = self.slot.take() {
            // The waker is dropped after the lock is released: its task may be dropped with it, and leave other slots.
            let _waker = self.signal.waiting.lock().remove(number);
        }
    }
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.signal.is_raised() {
            return Poll::Ready(());
        }
        let polled_by = WakerId::of(cx.waker());
        if self.slot.as_ref().is_some_and(|(_, waiting)| *waiting == polled_by) {
            return Poll::Pending;
        }
        self.leave();
        let signal = self.signal;
        let mut waiting = signal.waiting.lock();
        // Checked again under the lock: a raise takes all slots after it has set the flag.
        if signal.is_raised() {
            return Poll::Ready(());
        }
        self.slot = Some((waiting.insert(cx.waker().clone()), polled_by));
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Woken {
        fn times(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn task() -> (Arc<Woken>, Waker) {
        let woken = Arc::<Woken>::default();
        (woken.clone(), Waker::from(woken))
    }

    fn poll(waiting: &mut Pin<Box<Wait<'_>>>, waker: &Waker) -> Poll<()> {
        waiting.as_mut().poll(&mut Context::from_waker(waker))
    }

    /// All that wait are woken once, those that have left are not, and who comes later does not wait.
    #[test]
    fn those_that_wait_are_woken_once() {
        let signal = Signal::default();
        let tasks: Vec<_> = (0..6).map(|_| task()).collect();
        let mut waiting: Vec<_> = tasks.iter().map(|_| Some(Box::pin(signal.wait()))).collect();
        for (waiting, (_, waker)) in waiting.iter_mut().flatten().zip(&tasks) {
            assert!(poll(waiting, waker).is_pending());
            assert!(poll(waiting, waker).is_pending());
        }
        for left in [1, 3] {
            waiting[left] = None;
        }
        signal.raise();
        signal.raise();
        let times: Vec<usize> = tasks.iter().map(|(woken, _)| woken.times()).collect();
        assert_eq!(times, [1, 0, 1, 0, 1, 1]);
        for (waiting, (_, waker)) in waiting.iter_mut().zip(&tasks) {
            let Some(waiting) = waiting else { continue };
            assert!(poll(waiting, waker).is_ready());
        }
        assert!(poll(&mut Box::pin(signal.wait()), Waker::noop()).is_ready());
    }

    /// A future that moves to another task wakes that one only.
    #[test]
    fn the_task_that_polled_last_is_woken() {
        for others in 0..4 {
            let signal = Signal::default();
            let mut other: Vec<_> = (0..others).map(|_| Box::pin(signal.wait())).collect();
            other.iter_mut().for_each(|other| assert!(poll(other, Waker::noop()).is_pending()));
            let [(first, one), (second, two)] = [task(), task()];
            let mut waiting = Box::pin(signal.wait());
            for waker in [&one, &two] {
                assert!(poll(&mut waiting, waker).is_pending());
            }
            signal.raise();
            assert_eq!((first.times(), second.times()), (0, 1));
        }
    }

    /// Slots that became free are taken again, in any order, and still wake those that have them.
    #[test]
    fn slots_are_reused() {
        let (signal, (woken, waker)) = (Signal::default(), task());
        let mut stay = Vec::new();
        for round in 0..4 {
            let mut waiting: Vec<_> = (0..6 - round).map(|_| Box::pin(signal.wait())).collect();
            waiting.iter_mut().for_each(|wait| assert!(poll(wait, &waker).is_pending()));
            stay.push(waiting.swap_remove(round % 3));
        }
        assert_eq!(signal.waiting.lock().more.len(), 6 - FIRST);
        signal.raise();
        assert_eq!(woken.times(), stay.len());
    }

    /// Does something when its last clone is dropped, as the waker of a task does that has ended.
    struct AtDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

    impl AtDrop {
        fn waker(last: impl FnOnce() + Send + Sync + 'static) -> Waker {
            Waker::from(Arc::new(AtDrop(Some(Box::new(last)))))
        }
    }

    impl Wake for AtDrop {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for AtDrop {
        fn drop(&mut self) {
            self.0.take().expect("once")();
        }
    }

    /// A waker that is dropped may drop other waiting futures with its task, or raise the signal: while it is looked at, too.
    #[test]
    fn dropping_a_waker_may_use_the_signal() {
        for others in 0..4 {
            let signal = Arc::new(Signal::default());
            let mut stay: Vec<_> = (0..others).map(|_| Box::pin(signal.wait())).collect();
            stay.iter_mut().for_each(|stay| assert!(poll(stay, Waker::noop()).is_pending()));
            let (inner, free) = (signal.clone(), Arc::new(AtomicBool::new(false)));
            let seen = free.clone();
            let waker = AtDrop::waker(move || {
                seen.store(inner.waiting.is_free(), Ordering::Relaxed);
                if seen.load(Ordering::Relaxed) {
                    inner.raise();
                }
            });
            let mut waiting = Box::pin(signal.wait());
            assert!(poll(&mut waiting, &waker).is_pending());
            drop(waker);
            // It is raised between the first look at the flag and the place among those that wait.
            assert!(poll(&mut waiting, Waker::noop()).is_ready());
            assert!(free.load(Ordering::Relaxed), "dropped under the lock");
        }
    }
}
