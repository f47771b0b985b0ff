//! A store that lives as long as its process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mcp_core::transport::async_trait;

use super::{CredentialStore, StoreError, StoreLock, same};
use crate::client::record::{Key, Stored};
use crate::lock::Lock;

/// Keeps everything in memory. Clones share it. `Debug` shows no record.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    records: Lock<BTreeMap<Key, Stored>>,
    locks: Lock<BTreeMap<Key, Arc<tokio::sync::Mutex<()>>>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }
}

#[async_trait]
impl CredentialStore for MemoryStore {
    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        Ok(self.shared.records.lock().get(key).cloned())
    }

    async fn save(&self, key: &Key, stored: &Stored) -> Result<(), StoreError> {
        let mut records = self.shared.records.lock();
        records.insert(key.clone(), stored.clone());
        Ok(())
    }

    async fn remove_if(&self, key: &Key, stored: &Stored) -> Result<bool, StoreError> {
        let mut records = self.shared.records.lock();
        let is_same = records.get(key).is_some_and(|kept| same(kept, stored));
        if is_same {
            records.remove(key);
        }
        Ok(is_same)
    }

    async fn lock(&self, key: &Key) -> Result<StoreLock, StoreError> {
        let lock = {
            let mut locks = self.shared.locks.lock();
            locks.entry(key.clone()).or_default().clone()
        };
        Ok(StoreLock::new(lock.lock_owned().await))
    }

    async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        Ok(self.shared.records.lock().keys().cloned().collect())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
