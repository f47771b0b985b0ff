//! One MCP endpoint: the token in memory, and what is known about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, SystemTime};

use super::flight::Flight;
use super::oauth::{Inner, OAuth, store};
use crate::client::error::OAuthError;
use crate::client::record::{Key, Stored, TokenRecord};
use crate::lock::Lock;
use crate::urls::WebUrl;

/// Step-ups for the same scopes until they are given up.
const MOST_STEP_UPS: u32 = 3;
/// How long step-ups are remembered.
const STEP_UP_MEMORY: Duration = Duration::from_secs(600);
/// The most sets of scopes that are remembered.
const MOST_REMEMBERED: usize = 64;

/// Authorizes the requests to one MCP endpoint. Cheap to clone; clones share their tokens.
#[derive(Clone)]
pub struct ResourceAuth {
    pub(super) oauth: OAuth,
    pub(super) resource: Arc<Resource>,
}

impl fmt::Debug for ResourceAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceAuth")
            .field("endpoint", &self.resource.endpoint.shown())
            .finish_non_exhaustive()
    }
}

pub(super) struct Resource {
    pub(super) endpoint: WebUrl,
    pub(super) profile: String,
    state: Lock<State>,
    pub(super) flight: Flight,
}

/// Where the current token is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// The store: another process or an earlier run.
    #[default]
    Store,
    /// A refresh of this process.
    Refresh,
    /// A login of this process.
    Login,
}

#[derive(Default)]
struct State {
    /// The store was read.
    loaded: bool,
    record: Option<Arc<TokenRecord>>,
    /// The server accepted the record's token.
    accepted: bool,
    source: Source,
    step_ups: BTreeMap<String, (u32, SystemTime)>,
}

impl Resource {
    pub(super) fn new(endpoint: WebUrl, profile: String) -> Resource {
        Resource { endpoint, profile, state: Lock::default(), flight: Flight::default() }
    }

    pub(super) fn key(&self) -> Key {
        Key::Token { endpoint: self.endpoint.as_str().to_owned(), profile: self.profile.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The record in memory; at first use that of the store.
    pub(super) async fn current(&self, inner: &Inner) -> Result<Option<Arc<TokenRecord>>, OAuthError> {
        {
            let state = self.state();
            if state.loaded {
                return Ok(state.record.clone());
            }
        }
        self.load(inner).await
    }

    /// The record of the store, which is the current one from now on.
    pub(super) async fn load(&self, inner: &Inner) -> Result<Option<Arc<TokenRecord>>, OAuthError> {
        let record = self.peek(inner).await?.map(Arc::new);
        self.adopt(record.clone());
        Ok(record)
    }

    /// The record of the store.
    pub(super) async fn peek(&self, inner: &Inner) -> Result<Option<TokenRecord>, OAuthError> {
        match inner.store.load(&self.key()).await.map_err(store)? {
            Some(Stored::Token(record)) => Ok(Some(record)),
            _ => Ok(None),
        }
    }

    /// Uses this record from now on.
    pub(super) fn adopt(&self, record: Option<Arc<TokenRecord>>) {
        let mut state = self.state();
        let is_same = match (&state.record, &record) {
            (Some(old), Some(new)) => old.access_token == new.access_token,
            _ => false,
        };
        state.accepted &= is_same;
        if !is_same {
            state.source = Source::Store;
        }
        state.loaded = true;
        state.record = record;
    }

    /// The server accepted a request with the current token.
    pub(super) fn accepted(&self) {
        let mut state = self.state();
        state.accepted = state.record.is_some();
    }

    pub(super) fn was_accepted(&self) -> bool {
        self.state().accepted
    }

    /// Uses a record that this process got.
    pub(super) fn adopt_from(&self, record: Arc<TokenRecord>, source: Source) {
        self.adopt(Some(record));
        self.state().source = source;
    }

    /// Where this token is from, if it is the current one and the server has not accepted it yet.
    pub(super) fn unproven(&self, record: &TokenRecord) -> Option<Source> {
        let state = self.state();
        let is_current = state.record.as_ref().is_some_and(|own| own.access_token == record.access_token);
        (is_current && !state.accepted).then_some(state.source)
    }

    /// Whether one more step-up for these scopes may be tried.
    // AU-C-43.
    pub(super) fn may_step_up(&self, scopes: &str, now: SystemTime) -> bool {
        let mut state = self.state();
        state.step_ups.retain(|_, (_, at)| now.duration_since(*at).is_ok_and(|age| age < STEP_UP_MEMORY));
        if state.step_ups.len() >= MOST_REMEMBERED && !state.step_ups.contains_key(scopes) {
            return false;
        }
        let (count, at) = state.step_ups.entry(scopes.to_owned()).or_insert((0, now));
        *count += 1;
        *at = now;
        *count <= MOST_STEP_UPS
    }
}
