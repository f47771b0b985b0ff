//! The state that a connection, its service and its server share: counters and flags.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;

use super::streams::Streams;
use super::watch::Sample;

/// The phase of a connection, set by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ConnPhase {
    Serving = 0,
    /// It accepts no further request, and ends after its answers.
    Draining = 1,
    /// It ends now.
    Cut = 2,
}

/// The state of one connection.
#[derive(Debug, Default)]
pub(crate) struct ConnState {
    phase: AtomicU8,
    waker: AtomicWaker,
    /// HTTP/1 only: something that the request waits for has happened.
    woken: AtomicBool,
    /// Requests whose head was read, since the connection began.
    pub(super) requests: AtomicU32,
    /// Requests in flight, streams included.
    pub(super) in_flight: AtomicU32,
    /// Bytes of an incomplete head were read.
    pub(super) began: AtomicBool,
    /// A body was not read, so the connection is read for a while after its end: a reset would destroy the answer.
    pub(super) unread: AtomicBool,
    /// HTTP/1 only: the first request, counted from 1, that must not be served, because its head has two lengths.
    /// 0: none.
    pub(super) refused_from: AtomicU32,
    /// HTTP/1 only: how many requests came, if every byte that was read belongs to one of them that is complete. 0: none.
    pub(super) whole: AtomicU32,
    /// Something was written and is not flushed.
    pub(super) unflushed: AtomicBool,
    /// HTTP/2 only: on HTTP/1 an answer that is not read stalls the writes.
    pub(super) streams: Streams,
}

impl ConnState {
    pub(crate) fn phase(&self) -> ConnPhase {
        match self.phase.load(Ordering::Acquire) {
            0 => ConnPhase::Serving,
            1 => ConnPhase::Draining,
            _ => ConnPhase::Cut,
        }
    }

    /// Moves on to this phase, never back.
    pub(crate) fn advance(&self, phase: ConnPhase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Ends the connection now: the client reads too slowly.
    pub(crate) fn cut(&self) {
        self.advance(ConnPhase::Cut);
    }

    /// Wakes the connection's task when the phase moves on, or the request is to be polled.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// The request is polled when its connection is polled next, which is to happen soon in any case.
    pub(super) fn look_at_request(&self) {
        self.woken.store(true, Ordering::Release);
    }

    /// The waker of the request that an HTTP/1 connection serves. The request is polled soon.
    pub(super) fn begin_request(self: &Arc<Self>) -> Waker {
        self.look_at_request();
        Waker::from(self.clone())
    }

    /// HTTP/1 only: polls a request if something has woken it. hyper polls it whenever the connection is polled, which each
    /// body causes once more than it has to.
    pub(super) fn poll_request<F: Future>(&self, request: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
        match self.woken.swap(false, Ordering::AcqRel) {
            true => request.poll(&mut Context::from_waker(waker)),
            false => Poll::Pending,
        }
    }

    /// Whether the client may still be writing.
    pub(super) fn owes_reading(&self) -> bool {
        self.unread.load(Ordering::Relaxed) || self.began.load(Ordering::Relaxed)
    }

    /// What [`Watch`](super::watch::Watch) looks at.
    pub(super) fn sample(&self) -> Sample {
        Sample {
            requests: self.requests.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            began: self.began.load(Ordering::Relaxed),
        }
    }

    /// HTTP/1 only: whether every byte that was read belongs to a request that was served, and every answer is written.
    pub(super) fn is_silent(&self) -> bool {
        let requests = self.requests.load(Ordering::Relaxed);
        requests > 0
            && self.whole.load(Ordering::Relaxed) == requests
            && self.in_flight.load(Ordering::Relaxed) == 0
            && !self.unflushed.load(Ordering::Relaxed)
            && !self.owes_reading()
    }

    /// Counts a request whose head was read. Returns its guard, and whether it may be served.
    pub(super) fn begin(self: &Arc<Self>) -> (InFlight, bool) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let refused_from = self.refused_from.load(Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.began.store(false, Ordering::Relaxed);
        (InFlight(self.clone()), refused_from == 0 || number < refused_from)
    }
}

/// Wakes the request that an HTTP/1 connection serves.
impl Wake for ConnState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.look_at_request();
        self.waker.wake();
    }
}

/// A request in flight: until its answer is made, or its stream ends.
#[derive(Debug)]
pub(super) struct InFlight(Arc<ConnState>);

impl Drop for InFlight {
    fn drop(&mut self) {
        // Reads of its body have set it.
        self.0.began.store(false, Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;

    /// A request is polled when it begins, when it was woken, and at a tick, and not whenever hyper polls it. What wakes it
    /// wakes the task of its connection.
    #[test]
    fn a_request_that_was_not_woken_is_not_polled() {
        let state = Arc::<ConnState>::default();
        let polls = Cell::new(0);
        let mut request = pin!(poll_fn(|_| {
            polls.set(polls.get() + 1);
            if polls.get() == 3 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let waker = state.begin_request();
        let mut poll = || state.poll_request(request.as_mut(), &waker);
        assert!(poll().is_pending() && poll().is_pending());
        assert_eq!(polls.get(), 1);
        let woken = Arc::new(Woken::default());
        state.register(&Waker::from(woken.clone()));
        waker.wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(poll().is_pending() && poll().is_pending());
        assert_eq!(polls.get(), 2);
        state.look_at_request();
        assert!(poll().is_ready());
    }

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
