//! A mutex whose value stays usable after a panic, and waiting for a change of the value.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A [`Mutex`] that ignores poisoning: a panic while it is held leaves plain data behind, not a broken invariant.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Lock<T> {
        Lock(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits while the condition holds, like [`Condvar::wait_while`].
pub(crate) fn wait_while<'l, T>(
    changed: &Condvar,
    value: MutexGuard<'l, T>,
    condition: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'l, T> {
    changed.wait_while(value, condition).unwrap_or_else(PoisonError::into_inner)
}

/// Waits while the condition holds, at most for this time, like [`Condvar::wait_timeout_while`].
pub(crate) fn wait_timeout_while<'l, T>(
    changed: &Condvar,
    value: MutexGuard<'l, T>,
    limit: Duration,
    condition: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'l, T> {
    changed.wait_timeout_while(value, limit, condition).unwrap_or_else(PoisonError::into_inner).0
}
