//! How long keys and answers are used. Pure: time comes in as a value.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::jose::KeySet;

/// The bounds of the time for which keys are fresh, and the time itself if the server names none.
const SHORTEST: Duration = Duration::from_secs(5 * 60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
const USUAL: Duration = Duration::from_secs(3600);
/// For how long keys are used after that if no others can be had.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// The time between two requests for keys because of a token.
const PAUSE: Duration = Duration::from_secs(30);
/// The time after a failure in which no other request is made, where there are no keys at all.
pub(super) const BACKOFF: Duration = Duration::from_secs(5);

/// What to do for a token.
#[derive(Debug)]
pub(super) enum Lookup {
    /// These keys are all that is known.
    Use(Arc<KeySet>),
    /// Fetch keys, then look again.
    Fetch,
    /// There are no keys, and none can be had before this time has passed.
    Unavailable(Duration),
}

/// The keys of an issuer, and when they were fetched.
// AU-S-07.
#[derive(Debug, Default)]
pub(super) struct KeyCache {
    keys: Option<Kept>,
    /// The start of the last request, and whether it failed.
    tried: Option<Instant>,
    failed: bool,
}

#[derive(Debug)]
struct Kept {
    keys: Arc<KeySet>,
    fresh_until: Instant,
}

impl KeyCache {
    /// What to do for a token with this key id. `missed`: these keys do not verify it.
    pub(super) fn look(&self, kid: Option<&str>, missed: bool, now: Instant) -> Lookup {
        let since = self.tried.map(|tried| now.saturating_duration_since(tried));
        let Some(kept) = self.keys.as_ref().filter(|kept| now < kept.fresh_until + STALE) else {
            return match since {
                Some(since) if self.failed && since < BACKOFF => Lookup::Unavailable(BACKOFF - since),
                _ => Lookup::Fetch,
            };
        };
        let unknown = missed || kid.is_some_and(|kid| !kept.keys.has(kid));
        let rested = since.is_none_or(|since| since >= PAUSE);
        if (unknown || now >= kept.fresh_until) && rested {
            return Lookup::Fetch;
        }
        Lookup::Use(kept.keys.clone())
    }

    /// What there is, fresh or not.
    pub(super) fn any(&self, now: Instant) -> Option<Arc<KeySet>> {
        self.keys.as_ref().filter(|kept| now < kept.fresh_until + STALE).map(|kept| kept.keys.clone())
    }

    /// A request begins. If its caller goes away, it counts as made.
    pub(super) fn begin(&mut self, now: Instant) {
        self.tried = Some(now);
        self.failed = false;
    }

    /// It brought keys, which are fresh for `max_age`, within bounds.
    pub(super) fn got(&mut self, keys: KeySet, max_age: Option<Duration>, now: Instant) {
        let fresh = max_age.unwrap_or(USUAL).clamp(SHORTEST, LONGEST);
        self.keys = Some(Kept { keys: Arc::new(keys), fresh_until: now + fresh });
        self.failed = false;
    }

    /// It failed.
    pub(super) fn failed(&mut self) {
        self.failed = true;
    }
}

/// The answers about opaque tokens, by the digest of the token.
#[derive(Debug)]
pub(super) struct Answers<T> {
    known: HashMap<[u8; 32], (T, Instant)>,
    /// In the order in which they were added.
    order: VecDeque<[u8; 32]>,
    most: usize,
}

impl<T: Clone> Answers<T> {
    pub(super) fn new(most: usize) -> Answers<T> {
        Answers { known: HashMap::new(), order: VecDeque::new(), most }
    }

    pub(super) fn get(&self, digest: &[u8; 32], now: Instant) -> Option<T> {
        self.known.get(digest).filter(|(_, until)| now < *until).map(|(answer, _)| answer.clone())
    }

    /// Keeps an answer. Of too many the oldest goes.
    pub(super) fn put(&mut self, digest: [u8; 32], answer: T, until: Instant) {
        if self.known.insert(digest, (answer, until)).is_some() {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}
