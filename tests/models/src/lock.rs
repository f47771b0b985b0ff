//! The lock of mcp-core and mcp-http, over shuttle's mutex.

use std::sync::PoisonError;

use shuttle::sync::{Mutex, MutexGuard};

pub(crate) type Guard<'a, T> = MutexGuard<'a, T>;

#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Lock<T> {
        Lock(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
