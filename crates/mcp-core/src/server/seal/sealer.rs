//! The sealer: keys, a lifetime, and what a state is bound to.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hmac::Mac;

use crate::lock::SharedLock;
use crate::message::RawJson;
use crate::transport::{Envelope, Identity};

use super::key::KeyedHash;
use super::text::{self, Fields, NONCE};
use super::{Fault, Key, OpenError, SealError, UsedStates, digest};

/// The most keys that a sealer holds.
pub const MAX_KEYS: usize = 8;

const LIFETIME: Duration = Duration::from_secs(600);
const MAX_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

type Principal = dyn Fn(&Envelope) -> Option<Vec<u8>> + Send + Sync;

/// Seals states and opens them. See the [module](crate::server::seal). Clones share the keys and the store.
#[derive(Clone)]
pub struct Sealer {
    /// The first one seals; all of them open.
    keys: Arc<SharedLock<VecDeque<Key>>>,
    lifetime: Duration,
    principal: Option<Arc<Principal>>,
    used: Option<Arc<dyn UsedStates>>,
}

/// What a state is valid for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scope<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its params. `_meta`, `inputResponses` and `requestState` are ignored.
    pub params: Option<&'a RawJson>,
    /// The user, as bytes that identify one user, from a verified identity. A state that was sealed without
    /// one is valid only without one.
    pub principal: Option<&'a [u8]>,
}

impl<'a> Scope<'a> {
    /// Requests of this method with these params, without a user.
    pub fn new(method: &'a str, params: Option<&'a RawJson>) -> Scope<'a> {
        Scope { method, params, principal: None }
    }

    /// Requests of this user: bytes that identify one user, from a verified identity.
    #[must_use]
    pub fn principal(mut self, user: &'a [u8]) -> Scope<'a> {
        self.principal = Some(user);
        self
    }
}

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: Key) -> Sealer {
        Sealer {
            keys: Arc::new(SharedLock::new([key].into())),
            lifetime: LIFETIME,
            principal: None,
            used: None,
        }
    }

    /// Also opens states that these keys sealed, newest first. At most [`MAX_KEYS`] in all; the oldest are
    /// dropped.
    #[must_use]
    pub fn older_keys(self, older: impl IntoIterator<Item = Key>) -> Sealer {
        {
            let mut keys = self.keys.write();
            let free = MAX_KEYS.saturating_sub(keys.len());
            keys.extend(older.into_iter().take(free));
        }
        self
    }

    /// Seals with a new key from now on, here and in all clones. States of the older keys can still be opened.
    /// At most [`MAX_KEYS`] in all: the oldest is dropped, and its states are refused.
    ///
    /// With several replicas, first give all of them the new key with [`Sealer::older_keys`].
    pub fn rotate(&self, key: Key) {
        let mut keys = self.keys.write();
        keys.push_front(key);
        keys.truncate(MAX_KEYS);
    }

    /// How long a state is valid. Default 10 minutes, so that a person has time to answer. At most a year.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Sealer {
        self.lifetime = lifetime.min(MAX_LIFETIME);
        self
    }

    /// Sets how to identify the user of a request: bytes that identify one user, from an identity that the transport
    /// *verified*. Default: the [`Owner`](crate::transport::Owner) of the [`Identity`] in the envelope. Without an identity a state is valid
    /// for every client without one that obtains it: use that only where a link has one user, such as a pipe.
    // MRTR-S-008.
    #[must_use]
    pub fn principal(mut self, of: impl Fn(&Envelope) -> Option<Vec<u8>> + Send + Sync + 'static) -> Sealer {
        self.principal = Some(Arc::new(of));
        self
    }

    /// Makes a state valid once: opening it marks it as used, in this store. A client that lost the answer to
    /// its retry cannot use the state again.
    // MRTR-S-009.
    #[must_use]
    pub fn single_use(mut self, store: impl UsedStates) -> Sealer {
        self.used = Some(Arc::new(store));
        self
    }

    pub(super) fn principal_of(&self, envelope: &Envelope) -> Option<Vec<u8>> {
        match &self.principal {
            Some(of) => of(envelope),
            None => envelope.get::<Identity>().map(|identity| identity.owner().as_bytes().to_vec()),
        }
    }

    /// [`Sealer::seal_at`] the current time.
    pub fn seal(&self, scope: Scope<'_>, payload: impl AsRef<[u8]>) -> Result<String, SealError> {
        self.seal_at(SystemTime::now(), scope, payload)
    }

    /// Makes an opaque ASCII text of a payload, valid for this scope, from `now` for the lifetime.
    ///
    /// # Errors
    ///
    /// The text would be longer than [`MAX_TEXT`](super::MAX_TEXT), or the operating system returned no random
    /// bytes.
    pub fn seal_at(
        &self,
        now: SystemTime,
        scope: Scope<'_>,
        payload: impl AsRef<[u8]>,
    ) -> Result<String, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let expiry = millis(now).saturating_add(duration_millis(self.lifetime));
        let keys = self.keys.read();
        // There is always one: only `truncate` removes keys, and it keeps the first.
        let key = keys.front().ok_or(SealError::NoRandom)?;
        let head = text::head(key.id(), expiry, &nonce);
        let mac = mac(key, &head, scope, payload.as_ref()).finalize().into_bytes();
        text::encode(&head, payload.as_ref(), &mac)
    }

    /// [`Sealer::open_at`] the current time.
    pub async fn open(&self, scope: Scope<'_>, text: &str) -> Result<Vec<u8>, OpenError> {
        self.open_at(SystemTime::now(), scope, text).await
    }

    /// The payload of a text that a sealer with one of these keys made for this scope and that has not expired.
    /// With [`Sealer::single_use`] it marks the state as used. Takes time in proportion to the text and the
    /// params. Not cancel-safe with a store: the state may be marked although the future was dropped.
    ///
    /// # Errors
    ///
    /// The same for all checks: see [`OpenError`].
    pub async fn open_at(&self, now: SystemTime, scope: Scope<'_>, text: &str) -> Result<Vec<u8>, OpenError> {
        let fields = self.check(now, scope, text)?;
        if let Some(used) = &self.used {
            let expires = SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_millis(fields.expiry()))
                .ok_or(Fault::Expired)?;
            match used.mark_used(fields.nonce(), expires, now).await {
                Ok(true) => {}
                Ok(false) => return Err(Fault::AlreadyUsed.into()),
                Err(error) => {
                    tracing::warn!(%error, "the store of used states failed");
                    return Err(Fault::Store.into());
                }
            }
        }
        Ok(fields.payload().to_vec())
    }

    /// All checks except single use.
    fn check(&self, now: SystemTime, scope: Scope<'_>, text: &str) -> Result<Fields, Fault> {
        let fields = text::decode(text)?;
        let key = {
            let keys = self.keys.read();
            keys.iter().find(|key| key.id() == fields.key()).cloned().ok_or(Fault::UnknownKey)?
        };
        // In constant time. The fields can be trusted from here on.
        mac(&key, fields.head(), scope, fields.payload())
            .verify_slice(fields.mac())
            .map_err(|_| Fault::Mismatch)?;
        if millis(now) >= fields.expiry() { Err(Fault::Expired) } else { Ok(fields) }
    }
}

/// The MAC over the header, the scope and the payload. Parts of variable length follow their length, so that
/// different scopes and payloads never produce the same bytes.
fn mac(key: &Key, head: &[u8], scope: Scope<'_>, payload: &[u8]) -> KeyedHash {
    let mut mac = key.mac();
    mac.update(head);
    mac.update(&digest::of_params(scope.params));
    mac.update(&[u8::from(scope.principal.is_some())]);
    for part in [scope.method.as_bytes(), scope.principal.unwrap_or_default(), payload] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

/// Milliseconds since 1970. Earlier times count as 1970.
fn millis(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, duration_millis)
}

fn duration_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("keys", &*self.keys.read())
            .field("lifetime", &self.lifetime)
            .field("binds_principal", &self.principal.is_some())
            .field("single_use", &self.used.is_some())
            .finish()
    }
}
