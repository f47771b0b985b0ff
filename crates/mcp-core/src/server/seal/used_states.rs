//! Which states were used: the hook for single use, and a store in memory.

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;

/// What a store says when it cannot say whether a state was used.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Remembers which states were used (ledger MRTR-S-009).
///
/// Replicas that may each get the retry of the same request have to share one store: a row in a database,
/// `SET NX` in Redis.
#[async_trait]
pub trait UsedStates: Send + Sync + 'static {
    /// Marks the state of this name as used, and tells whether it was *not* used before. Of two calls with
    /// the same name at the same time, on whichever replica, one alone may be told `true`.
    ///
    /// Called only for states that passed all other checks. From `expires` on the name may be forgotten: the
    /// state is refused by then. `now` is the time of the check.
    ///
    /// # Errors
    ///
    /// The store cannot tell. The state is refused.
    async fn spend(&self, id: [u8; 16], expires: SystemTime, now: SystemTime) -> Result<bool, StoreError>;
}

/// Remembers in the memory of one process: for one replica, or where a retry always comes back to the same.
///
/// It never forgets a state before its time is over. When it is full of states that are still good, further
/// ones are refused.
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
    /// A store of at most this many states, of about 100 bytes each.
    pub fn new(capacity: usize) -> MemoryUsedStates {
        MemoryUsedStates { capacity, used: Mutex::default() }
    }
}

#[async_trait]
impl UsedStates for MemoryUsedStates {
    async fn spend(&self, id: [u8; 16], expires: SystemTime, now: SystemTime) -> Result<bool, StoreError> {
        // Nothing below can panic halfway, so a poisoned lock guards whole data.
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
            return Err(format!("full: {} states are used and still good", self.capacity).into());
        }
        used.names.insert(id);
        used.by_expiry.insert((expires, id));
        Ok(true)
    }
}
