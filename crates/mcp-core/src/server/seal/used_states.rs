//! Stores of used states, for single use: the trait, and a store in memory.

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

/// The error of a store that cannot answer.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Records which states were used.
///
/// Replicas that can receive the retry of the same request have to share one store: a database row, or `SET NX`
/// in Redis.
// MRTR-S-009.
#[async_trait]
pub trait UsedStates: Send + Sync + 'static {
    /// Marks the state with this id as used. Returns `true` if it was *not* used before. Of concurrent calls
    /// with the same id, on any replicas, exactly one may return `true`.
    ///
    /// Called only for states that passed all other checks. From `expires` on the id may be forgotten, because
    /// the state has expired. `now` is the time of the check.
    ///
    /// # Errors
    ///
    /// The store cannot answer. The state is refused.
    async fn mark_used(&self, id: [u8; 16], expires: SystemTime, now: SystemTime)
    -> Result<bool, StoreError>;
}

/// A store in the memory of one process: for one replica, or where retries always reach the same replica.
///
/// A state is kept until it expires. While the store is full of states that have not expired, further states
/// are refused.
#[derive(Debug)]
pub struct MemoryUsedStates {
    capacity: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    names: HashSet<[u8; 16]>,
    by_expiry: BTreeSet<(SystemTime, [u8; 16])>,
}

impl MemoryUsedStates {
    /// A store of at most this number of states, of about 100 bytes each.
    pub fn new(capacity: usize) -> MemoryUsedStates {
        MemoryUsedStates { capacity, used: Mutex::default() }
    }
}

#[async_trait]
impl UsedStates for MemoryUsedStates {
    async fn mark_used(
        &self,
        id: [u8; 16],
        expires: SystemTime,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        // Nothing below panics between two changes, so the data behind a poisoned lock is consistent.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((expiry, name)) = used.by_expiry.first().copied().filter(|(expiry, _)| *expiry <= now)
        {
            used.by_expiry.remove(&(expiry, name));
            used.names.remove(&name);
        }
        if used.names.contains(&id) {
            return Ok(false);
        }
        if used.names.len() >= self.capacity {
            return Err(format!("full: {} used states have not expired", self.capacity).into());
        }
        used.names.insert(id);
        used.by_expiry.insert((expires, id));
        Ok(true)
    }
}
