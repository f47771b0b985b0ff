//! Budgets: how much a server keeps for its peers, and how it is shared.
//!
//! A server takes a [`Permit`] before it holds anything for a peer: a request in flight, a body that is being
//! received, an answer that waits for a slow reader, a session, a subscription. Dropping the permit releases what it
//! holds. A [`Budget`] counts *places* (items) and *bytes* in three scopes:
//!
//! - the **server**: all permits together stay within [`Limits`];
//! - an **owner** ([`Owner`]): one caller, over any number of links;
//! - a **link**: one connection, pipe or process.
//!
//! # Shares
//!
//! A fixed quota for each owner would waste most of a server that has one user, and a common pool would let one user
//! take everything. The share therefore depends on who else asks. A link *asks* while it holds a permit or a
//! [`Waiting`].
//!
//! - A link that asks alone may hold everything but a reserve for newcomers: a quarter of what the budget has beyond 16.
//!   An owner whose links alone ask leaves half of that reserve. A budget of up to 16 places has no reserve.
//! - Beside others the budget uses dynamic thresholds, as network switches do for their shared buffers: an owner may
//!   hold as much as is still free, and a link a third of what is still free. One owner can therefore reach one half of
//!   the server, and one link one quarter. A newcomer gets something, however many others are busy.
//! - A link or an owner that holds nothing gets its first item as long as there is one.
//!
//! A share that shrinks takes nothing away: a link that holds more than its share gets nothing until it holds less. A
//! newcomer that finds a full budget keeps a [`Waiting`] while it retries, so that it gets what is released next.
//!
//! # Rules for users
//!
//! - Charge the memory that is held (capacity, clones, overhead of each item), not the bytes that were received.
//! - A full budget fails immediately with [`Full`], which names the limit. A caller that waits instead needs a
//!   deadline.
//! - Do not hold a permit while waiting for another permit of the same budget.
//!
//! ```
//! use mcp_core::transport::Owner;
//! use mcp_core::transport::budget::{Budget, Limits};
//!
//! let budget = Budget::new("requests in flight", Limits::new(8, 1 << 20));
//! let link = budget.link(&Owner::anonymous());
//! let mut held: Vec<_> = (0..8).map(|_| link.take(1, 100)).collect::<Result<_, _>>()?;
//! // Another link asks: this one may hold a quarter of the eight places from now on.
//! let newcomer = budget.link(&Owner::anonymous());
//! let full = newcomer.take(1, 100).unwrap_err();
//! assert_eq!(full.to_string(), "the limit \"requests in flight\" is reached: 8 of 8 places for this server");
//! let _waiting = newcomer.waiting();
//! held.pop();
//! assert!(newcomer.take(1, 100).is_ok());
//! # Ok::<_, mcp_core::transport::budget::Full>(())
//! ```

mod error;
mod key;
mod permit;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::lock::Lock;

use super::{Envelope, Identity, Owner};

pub use error::{Full, FullScope, Unit};
pub use key::BudgetKey;
pub use permit::{Permit, Waiting};
use scope::Counters;

/// The size of a [`Budget`]: what all its users together may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The number of places: requests, sessions or streams, depending on the budget.
    pub places: u64,
    /// The number of bytes.
    pub bytes: u64,
    /// The most places that one link may hold. Its share may be smaller.
    pub link_places: u64,
    /// The most bytes that one link may hold. Its share may be smaller.
    pub link_bytes: u64,
}

impl Limits {
    /// A limit on places and bytes. A link is limited by its share only.
    pub const fn new(places: u64, bytes: u64) -> Limits {
        Limits { places, bytes, link_places: u64::MAX, link_bytes: u64::MAX }
    }

    /// No limit at all.
    pub const UNLIMITED: Limits = Limits::new(u64::MAX, u64::MAX);

    /// Limits each link as well.
    #[must_use]
    pub const fn with_link(mut self, places: u64, bytes: u64) -> Limits {
        self.link_places = places;
        self.link_bytes = bytes;
        self
    }
}

/// The places and bytes that a server may hold for its peers. A clone is another handle to the same budget.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    name: &'static str,
    limits: Limits,
    server: Counters,
    /// The links and the owners that ask.
    asking_links: AtomicU64,
    asking_owners: AtomicU64,
    owners: Lock<HashMap<Owner, Weak<OwnerScope>>>,
}

/// What one owner holds. Lives as long as a link or a permit of it.
struct OwnerScope {
    budget: Arc<Inner>,
    owner: Owner,
    anonymous: bool,
    held: Counters,
    /// The links of this owner that ask.
    asking: AtomicU64,
    links: Lock<HashMap<u64, Weak<LinkScope>>>,
}

impl Drop for OwnerScope {
    fn drop(&mut self) {
        let mut owners = self.budget.owners.lock();
        // Another scope of the same owner may have replaced the entry since the last handle of this one was dropped.
        if owners.get(&self.owner).is_some_and(|entry| entry.strong_count() == 0) {
            owners.remove(&self.owner);
        }
    }
}

impl Budget {
    /// An empty budget. The name appears in errors, as in "requests in flight".
    pub fn new(name: &'static str, limits: Limits) -> Budget {
        Budget(Arc::new(Inner {
            name,
            limits,
            server: Counters::default(),
            asking_links: AtomicU64::new(0),
            asking_owners: AtomicU64::new(0),
            owners: Lock::default(),
        }))
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The size.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The places that are taken at the moment.
    pub fn places(&self) -> u64 {
        self.0.server.held().places
    }

    /// The bytes that are taken at the moment.
    pub fn bytes(&self) -> u64 {
        self.0.server.held().bytes
    }

    /// Returns the share of a new link of this owner.
    pub fn link(&self, owner: &Owner) -> LinkBudget {
        LinkBudget::new(self.owner(owner), None)
    }

    /// The share of this connection: the same for all messages with an equal key, as long as one of its permits or
    /// handles lives. A clone of a key that was asked before answers without a lock.
    pub fn link_of(&self, key: &BudgetKey) -> LinkBudget {
        key.remembered(self, || self.look_up(key))
    }

    /// The share that a message with this envelope is charged to: that of its [`BudgetKey`], else that of a new link
    /// of the owner of its [`Identity`], else that of a new anonymous link.
    pub fn link_for(&self, envelope: &Envelope) -> LinkBudget {
        match envelope.get::<BudgetKey>() {
            Some(key) => self.link_of(key),
            None => self.link(&envelope.get::<Identity>().map_or_else(Owner::anonymous, Identity::owner)),
        }
    }

    fn look_up(&self, key: &BudgetKey) -> LinkBudget {
        let owner = self.owner(&key.owner);
        let mut links = owner.links.lock();
        if let Some(scope) = links.get(&key.link).and_then(Weak::upgrade) {
            return LinkBudget(scope);
        }
        let link = LinkBudget::new(owner.clone(), Some(key.link));
        links.insert(key.link, Arc::downgrade(&link.0));
        link
    }

    fn owner(&self, owner: &Owner) -> Arc<OwnerScope> {
        let mut owners = self.0.owners.lock();
        if let Some(scope) = owners.get(owner).and_then(Weak::upgrade) {
            return scope;
        }
        let anonymous = *owner == Owner::anonymous();
        let scope = Arc::new(OwnerScope {
            budget: self.0.clone(),
            owner: owner.clone(),
            anonymous,
            held: Counters::default(),
            asking: AtomicU64::new(0),
            links: Lock::default(),
        });
        owners.insert(owner.clone(), Arc::downgrade(&scope));
        scope
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("name", &self.0.name)
            .field("places", &self.places())
            .field("bytes", &self.bytes())
            .field("limits", &self.0.limits)
            .finish()
    }
}

/// The part of a [`Budget`] that one link of one owner uses. A clone is another handle to the same link.
#[derive(Clone)]
pub struct LinkBudget(Arc<LinkScope>);

struct LinkScope {
    owner: Arc<OwnerScope>,
    /// Its number in the owner's table, if it has an entry.
    number: Option<u64>,
    held: Counters,
    /// Its permits that hold something, and its waits.
    users: AtomicU64,
}

impl LinkScope {
    /// Counts a permit or a wait.
    fn enter(&self) {
        // Relaxed: a share that is computed from a count of a moment ago is as good.
        if self.users.fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        let budget = &self.owner.budget;
        budget.asking_links.fetch_add(1, Ordering::Relaxed);
        if self.owner.asking.fetch_add(1, Ordering::Relaxed) == 0 {
            budget.asking_owners.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn leave(&self) {
        if self.users.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let budget = &self.owner.budget;
        budget.asking_links.fetch_sub(1, Ordering::Relaxed);
        if self.owner.asking.fetch_sub(1, Ordering::Relaxed) == 1 {
            budget.asking_owners.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether no other link asks.
    fn is_alone(&self) -> bool {
        let own = u64::from(self.users.load(Ordering::Relaxed) > 0);
        self.owner.budget.asking_links.load(Ordering::Relaxed) <= own
    }
}

impl OwnerScope {
    /// Whether no other owner asks.
    fn is_alone(&self) -> bool {
        let own = u64::from(self.asking.load(Ordering::Relaxed) > 0);
        self.budget.asking_owners.load(Ordering::Relaxed) <= own
    }
}

impl Drop for LinkScope {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut links = self.owner.links.lock();
        // Another scope of the same connection may have replaced the entry since the last handle of this one was
        // dropped.
        if links.get(&number).is_some_and(|entry| entry.strong_count() == 0) {
            links.remove(&number);
        }
    }
}

impl LinkBudget {
    fn new(owner: Arc<OwnerScope>, number: Option<u64>) -> LinkBudget {
        let (held, users) = (Counters::default(), AtomicU64::new(0));
        LinkBudget(Arc::new(LinkScope { owner, number, held, users }))
    }

    /// Takes places and bytes, in all three scopes or in none.
    ///
    /// # Errors
    ///
    /// [`Full`] names the exhausted scope and unit.
    pub fn take(&self, places: u64, bytes: u64) -> Result<Permit, Full> {
        Permit::take(self, places, bytes)
    }

    /// Counts this link among those that ask until the guard is dropped, so that others do not take its share while it
    /// waits for a permit.
    pub fn waiting(&self) -> Waiting {
        Waiting::new(self)
    }

    /// Whether no other link asks.
    pub(crate) fn is_alone(&self) -> bool {
        self.0.is_alone()
    }

    /// The budget.
    pub fn budget(&self) -> Budget {
        Budget(self.0.owner.budget.clone())
    }

    /// The places that this link holds.
    pub fn places(&self) -> u64 {
        self.0.held.held().places
    }

    /// The bytes that this link holds.
    pub fn bytes(&self) -> u64 {
        self.0.held.held().bytes
    }
}

impl fmt::Debug for LinkBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkBudget")
            .field("name", &self.0.owner.budget.name)
            .field("owner", &self.0.owner.owner)
            .field("places", &self.places())
            .field("bytes", &self.bytes())
            .finish()
    }
}
