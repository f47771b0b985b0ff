//! Key material.

use std::fmt;
use std::io;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A MAC in the making.
pub(super) type KeyedHash = Hmac<Sha256>;

/// The length of a key id, in bytes.
pub(super) const KEY_ID: usize = 8;

/// A secret key. Replicas that accept each other's states share it.
///
/// `Debug` shows the key's id, which every sealed state contains, and no secret. The memory is not overwritten
/// when a key is dropped.
#[derive(Clone)]
pub struct Key {
    keyed: KeyedHash,
    id: [u8; KEY_ID],
}

impl Key {
    /// A key of these bytes. They have to come from a secure random source: a password is not enough.
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        // HMAC pads a key with zeros to the block of its hash.
        let mut block = [0; 64];
        block.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        let keyed = KeyedHash::new(&block.into());
        // The id is derived from the key, so that replicas agree on it, and reveals nothing about it.
        let name = keyed.clone().chain_update(b"mcp-core sealed state: the name of the key").finalize();
        let mut id = [0; KEY_ID];
        id.iter_mut().zip(name.into_bytes()).for_each(|(to, from)| *to = from);
        // The MAC of a state starts with a version byte, which is no letter: it is never this text.
        Key { keyed, id }
    }

    /// A new key from the operating system's random source. Its states are valid in this process only. For
    /// states that survive a restart, store the bytes and use [`Key::from_bytes`].
    ///
    /// # Errors
    ///
    /// The operating system returned no random bytes.
    pub fn generate() -> io::Result<Key> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Key::from_bytes(bytes))
    }

    pub(super) fn id(&self) -> &[u8; KEY_ID] {
        &self.id
    }

    pub(super) fn mac(&self) -> KeyedHash {
        self.keyed.clone()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
