//! A mutex whose value stays usable after a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

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
