//! HTTP/2 streams whose client takes nothing. hyper asks for no more of a body then, and nothing else tells.
//!
//! A stream that is read yields something whenever its keep-alive is due, so one that yields nothing for longer is
//! stalled: no timer of its own is needed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The streams of one connection.
#[derive(Debug, Default)]
pub(super) struct Stalls(Mutex<Vec<Stream>>);

#[derive(Debug)]
struct Stream {
    /// How many chunks it has yielded. Gone with the stream.
    yielded: Weak<AtomicU32>,
    /// How many it had at the last tick, and for how many ticks.
    seen: u32,
    silent: u32,
}

impl Stalls {
    /// Looks after a stream that counts its chunks here.
    pub(super) fn watch(&self, yielded: &Arc<AtomicU32>) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if streams.len() == streams.capacity() {
            // Streams that come and go between two ticks leave nothing behind.
            streams.retain(|stream| stream.yielded.strong_count() > 0);
        }
        streams.push(Stream { yielded: Arc::downgrade(yielded), seen: 0, silent: 0 });
    }

    /// For how many ticks the stream has been silent that has been so for longest.
    pub(super) fn tick(&self) -> u32 {
        let mut longest = 0;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|stream| {
            let Some(yielded) = stream.yielded.upgrade() else { return false };
            let yielded = yielded.load(Ordering::Relaxed);
            stream.silent = if stream.seen == yielded { stream.silent.saturating_add(1) } else { 0 };
            stream.seen = yielded;
            longest = longest.max(stream.silent);
            true
        });
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FAULT B: slow read; unbounded memory.
    #[test]
    fn the_longest_silence_counts_and_streams_that_ended_are_forgotten() {
        let stalls = Stalls::default();
        let (busy, silent) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        stalls.watch(&busy);
        stalls.watch(&silent);
        for tick in 1..=5 {
            busy.fetch_add(1, Ordering::Relaxed);
            assert_eq!(stalls.tick(), tick);
        }
        silent.fetch_add(1, Ordering::Relaxed);
        assert_eq!(stalls.tick(), 1, "the other one stands still now");
        drop((busy, silent));
        for _ in 0..1000 {
            stalls.watch(&Arc::default());
        }
        assert!(stalls.0.lock().unwrap().len() < 10);
        assert_eq!(stalls.tick(), 0);
    }
}
