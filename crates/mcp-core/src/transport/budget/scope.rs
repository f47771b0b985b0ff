//! What one scope of a budget holds, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Unit;

/// The places up to which a budget has no reserve.
const UNDIVIDED: u64 = 16;

/// Places and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) places: u64,
    pub(super) bytes: u64,
}

impl Amount {
    pub(super) fn plus(self, other: Amount) -> Amount {
        Amount {
            places: self.places.saturating_add(other.places),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    pub(super) fn minus(self, other: Amount) -> Amount {
        Amount {
            places: self.places.saturating_sub(other.places),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    pub(super) fn is_nothing(self) -> bool {
        self == Amount::default()
    }

    /// All of it but one part in `parts`. Small budgets are not divided: a server of eight places serves eight.
    pub(super) fn without(self, parts: u64) -> Amount {
        let rest = |all: u64| all - all.saturating_sub(UNDIVIDED) / parts;
        Amount { places: rest(self.places), bytes: rest(self.bytes) }
    }

    /// One part in `parts`.
    pub(super) fn part(self, parts: u64) -> Amount {
        Amount { places: self.places / parts, bytes: self.bytes / parts }
    }

    pub(super) fn min(self, other: Amount) -> Amount {
        Amount { places: self.places.min(other.places), bytes: self.bytes.min(other.bytes) }
    }
}

/// The counters of one scope. Two threads that take at the same moment may see each other's attempt, so that both are
/// refused near the limit; the sum never exceeds it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    places: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(super) fn held(&self) -> Amount {
        // Relaxed throughout: the counters order nothing but themselves.
        Amount { places: self.places.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// Adds both or none; returns the sum, or the unit that would exceed its limit, with what is held and the limit.
    pub(super) fn add(&self, more: Amount, most: Amount) -> Result<Amount, (Unit, u64, u64)> {
        let places =
            add(&self.places, more.places, most.places).map_err(|held| (Unit::Places, held, most.places))?;
        match add(&self.bytes, more.bytes, most.bytes) {
            Ok(bytes) => Ok(Amount { places, bytes }),
            Err(held) => {
                self.places.fetch_sub(more.places, Ordering::Relaxed);
                Err((Unit::Bytes, held, most.bytes))
            }
        }
    }

    pub(super) fn take_away(&self, less: Amount) {
        if less.places > 0 {
            self.places.fetch_sub(less.places, Ordering::Relaxed);
        }
        if less.bytes > 0 {
            self.bytes.fetch_sub(less.bytes, Ordering::Relaxed);
        }
    }

    /// What this scope may hold after it got `more`: `share`, or a first item, for which the server's limit alone counts.
    pub(super) fn share(&self, share: Amount, more: Amount) -> Amount {
        let held = self.held();
        let first = |held, more| if held == 0 { more } else { 0 };
        Amount {
            places: share.places.max(first(held.places, more.places.min(1))),
            bytes: share.bytes.max(first(held.bytes, more.bytes)),
        }
    }
}

fn add(counter: &AtomicU64, more: u64, most: u64) -> Result<u64, u64> {
    if more == 0 {
        return Ok(counter.load(Ordering::Relaxed));
    }
    let sum = |held: u64| held.checked_add(more).filter(|sum| *sum <= most);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).map(|held| held + more)
}
