//! Locks whose value stays usable after a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The value of a [`Lock`], until it is dropped.
pub(crate) type Guard<'a, T> = MutexGuard<'a, T>;

/// A [`Mutex`] that ignores poisoning: a panic while it is held leaves plain data behind, not a broken invariant.
// tests/models replaces this file, so that a model checker chooses who gets a lock.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Lock<T> {
        Lock(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is free at this moment.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.0.try_lock().is_ok()
    }
}

#[cfg(feature = "seal")]
pub(crate) use shared::SharedLock;

#[cfg(feature = "seal")]
mod shared {
    use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

    /// A [`RwLock`] that ignores poisoning, like [`Lock`](super::Lock).
    #[derive(Debug, Default)]
    pub(crate) struct SharedLock<T>(RwLock<T>);

    impl<T> SharedLock<T> {
        pub(crate) const fn new(value: T) -> SharedLock<T> {
            SharedLock(RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
