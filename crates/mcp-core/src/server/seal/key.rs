//! Key material.

use std::fmt;
use std::io;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A MAC in the making.
pub(super) type KeyedHash = Hmac<Sha256>;

/// How many bytes name a key in a sealed text.
pub(super) const KEY_ID: usize = 8;

/// Secret bytes to seal with. Replicas that have to trust each other's states share them.
///
/// `Debug` shows the key's name, which every sealed text carries, and no secret. The memory is not
/// overwritten when a key is dropped: whoever can read the memory of this process reads its states too.
#[derive(Clone)]
pub struct Key {
    keyed: KeyedHash,
    id: [u8; KEY_ID],
}

impl Key {
    /// A key of these bytes. They have to come from a secure random source: a password is not good enough.
    pub fn from_bytes(bytes: [u8; 32]) -> Key {
        // HMAC pads a key with zeros to the block of its hash.
        let mut block = [0; 64];
        block[..bytes.len()].copy_from_slice(&bytes);
        let keyed = KeyedHash::new(&block.into());
        // A name that replicas agree upon without being told, and that says nothing about the key.
        let name = keyed.clone().chain_update(b"mcp-core sealed state: the name of the key").finalize();
        let mut id = [0; KEY_ID];
        id.iter_mut().zip(name.into_bytes()).for_each(|(to, from)| *to = from);
        // The MAC of a state starts with a version byte, which is no letter: it is never this text.
        Key { keyed, id }
    }

    /// A new key from the operating system's random source. States do not survive the process, unless the
    /// bytes come from elsewhere: see [`Key::from_bytes`].
    ///
    /// # Errors
    ///
    /// The operating system has no random bytes to give.
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
