//! Where registrations and tokens are kept.

mod file;
mod memory;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use mcp_core::transport::async_trait;

pub use file::FileStore;
pub use memory::MemoryStore;

use super::record::{Key, Stored};

/// Keeps registrations and tokens.
///
/// A refresh token can often be used only once. The provider therefore holds [`CredentialStore::lock`] over re-reading a
/// record, refreshing it and saving it. A store that several processes share must have a lock that they share too, and
/// that a crash releases.
#[async_trait]
pub trait CredentialStore: Send + Sync + 'static {
    /// What is kept under this key.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or what is there cannot be used. The record is left alone.
    async fn load(&self, key: &Key) -> Result<Option<Stored>, StoreError>;

    /// Keeps this, so that it survives a crash right afterwards.
    ///
    /// # Errors
    ///
    /// It could not be saved. What was there before is unchanged.
    async fn save(&self, key: &Key, stored: &Stored) -> Result<(), StoreError>;

    /// Removes the record if it is still this one: the same client, or the same tokens. `false` if another is there, or
    /// none. The caller holds the lock.
    ///
    /// # Errors
    ///
    /// The store cannot be read or written.
    async fn remove_if(&self, key: &Key, stored: &Stored) -> Result<bool, StoreError>;

    /// Waits for the exclusive lock of a key, which is released when the value is dropped. Not reentrant.
    ///
    /// # Errors
    ///
    /// It was not released for 30 seconds, or the store has no locks.
    async fn lock(&self, key: &Key) -> Result<StoreLock, StoreError>;

    /// The keys of all records.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    async fn keys(&self) -> Result<Vec<Key>, StoreError>;

    /// Where a record is kept, for people: a path. The default names nothing.
    fn location(&self, key: &Key) -> Option<String> {
        let _ = key;
        None
    }
}

/// A held lock. Dropping it releases the lock.
pub struct StoreLock(#[allow(dead_code, reason = "held for its destructor")] Box<dyn Send + Sync>);

impl StoreLock {
    /// A lock that is held as long as this value lives.
    pub fn new(guard: impl Send + Sync + 'static) -> StoreLock {
        StoreLock(Box::new(guard))
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreLock")
    }
}

/// A store failed. The text names the file and shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(String);

impl StoreError {
    /// A failure with this reason, which must not contain a secret.
    pub fn new(why: impl Into<String>) -> StoreError {
        StoreError(why.into())
    }
}

/// Whether two records hold the same credentials.
fn same(one: &Stored, other: &Stored) -> bool {
    match (one, other) {
        (Stored::Client(one), Stored::Client(other)) => {
            one.client_id == other.client_id && one.issuer == other.issuer
        }
        (Stored::Token(one), Stored::Token(other)) => one.same_tokens(other),
        _ => false,
    }
}
