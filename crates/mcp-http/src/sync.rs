//! What `tests/models` replaces in the files that it checks, beside the lock.

pub(crate) use std::sync::atomic::{AtomicU8, AtomicUsize};

pub(crate) use tokio::time::timeout;
