//! Which lanes of a pair are alive: shared by the two halves of one end.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::transport::Lane;

/// A panic while the lock is held leaves plain data behind, so the lock stays usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The client's lanes that wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct ClientLanes(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    open: HashSet<Lane>,
    used: bool,
}

impl ClientLanes {
    /// Notes that the first message goes out; `false` if one did before.
    pub(crate) fn first(&self) -> bool {
        !std::mem::replace(&mut lock(&self.0).used, true)
    }

    pub(crate) fn open(&self, lane: Lane) {
        lock(&self.0).open.insert(lane);
    }

    /// Ends a lane; `false` if it was not open.
    pub(crate) fn end(&self, lane: Lane) -> bool {
        lock(&self.0).open.remove(&lane)
    }

    pub(crate) fn is_open(&self, lane: Lane) -> bool {
        lock(&self.0).open.contains(&lane)
    }
}

/// The server's lanes, and the client's lane that each belongs to.
#[derive(Debug, Default)]
pub(crate) struct ServerLanes(Mutex<Minted>);

#[derive(Debug, Default)]
struct Minted {
    last: u64,
    to_client: HashMap<Lane, Lane>,
    to_server: HashMap<Lane, Lane>,
    /// Wakes the receiver when a lane ends.
    waker: Option<Waker>,
}

impl ServerLanes {
    /// A fresh lane for a message that came on this one. A lane that brought no request is released at
    /// once (promise 3).
    pub(crate) fn mint(&self, client: Lane, keep: bool) -> Lane {
        let mut minted = lock(&self.0);
        minted.last += 1;
        let lane = Lane::numbered(minted.last);
        if keep {
            minted.to_client.insert(lane, client);
            minted.to_server.insert(client, lane);
        }
        lane
    }

    /// The client's lane of a lane that is alive.
    pub(crate) fn client_of(&self, lane: Lane) -> Option<Lane> {
        lock(&self.0).to_client.get(&lane).copied()
    }

    /// Ends a lane by the server's number.
    pub(crate) fn end(&self, lane: Lane) {
        let mut minted = lock(&self.0);
        if let Some(client) = minted.to_client.remove(&lane) {
            minted.to_server.remove(&client);
        }
        if let Some(waker) = minted.waker.take() {
            waker.wake();
        }
    }

    /// Ends a lane by the client's number, and tells the server's.
    pub(crate) fn end_by_client(&self, client: Lane) -> Option<Lane> {
        let mut minted = lock(&self.0);
        let lane = minted.to_server.remove(&client)?;
        minted.to_client.remove(&lane);
        Some(lane)
    }

    /// Whether there was an exchange and none is left. If not, this waker is woken when one ends.
    pub(crate) fn is_over(&self, waker: &Waker) -> bool {
        let mut minted = lock(&self.0);
        minted.waker = Some(waker.clone());
        minted.last > 0 && minted.to_client.is_empty()
    }
}
