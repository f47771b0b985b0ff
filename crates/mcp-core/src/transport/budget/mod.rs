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
//! take everything. The budget uses dynamic thresholds, as network switches do for their shared buffers: an owner may
//! hold as much as is still free, and a link a third of what is still free. A single owner can therefore reach one
//! half of the server, and a single link one quarter. A new owner always gets something, however many others are
//! busy.
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
//! let first = link.take(1, 100)?;
//! let second = link.take(1, 100)?;
//! // A link may hold a quarter of the eight places.
//! let full = link.take(1, 100).unwrap_err();
//! assert_eq!(full.to_string(), "the limit \"requests in flight\" is reached: 2 of 2 places for one link");
//! drop(first);
//! assert!(link.take(1, 100).is_ok());
//! # drop(second);
//! # Ok::<_, mcp_core::transport::budget::Full>(())
//! ```

mod error;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::lock::Lock;

use super::Owner;

pub use error::{Full, FullScope, Unit};
use scope::{Amount, Counters};

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
    owners: Lock<HashMap<Owner, Weak<OwnerScope>>>,
}

/// The share that a message is charged to. Without a key, a message is charged to the owner of its
/// [`Identity`](super::Identity) and to its link.
///
/// A transport puts a key into the [`Envelope`](super::Envelope) if its links are not the peer's connections. Over
/// HTTP every POST is a link, while the peer has a connection, and callers without an identity are distinguished by
/// their address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetKey {
    /// The owner whose share is charged.
    pub owner: Owner,
    /// The number of the connection, unique in this process.
    pub link: u64,
}

impl BudgetKey {
    /// The key of this owner's messages over this connection.
    pub fn new(owner: Owner, link: u64) -> BudgetKey {
        BudgetKey { owner, link }
    }

    /// Returns a number for a new connection.
    pub fn next_link() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }
}

/// What one owner holds. Lives as long as one of its links or permits.
struct OwnerScope {
    budget: Arc<Inner>,
    owner: Owner,
    anonymous: bool,
    held: Counters,
    links: Lock<HashMap<u64, Weak<LinkScope>>>,
}

const UNBOUNDED: Amount = Amount { places: u64::MAX, bytes: u64::MAX };

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
        Budget(Arc::new(Inner { name, limits, server: Counters::default(), owners: Lock::default() }))
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
        LinkBudget(Arc::new(LinkScope { owner: self.owner(owner), number: None, held: Counters::default() }))
    }

    /// Returns the share of a connection. All messages with an equal key get the same share, as long as one of its
    /// permits or handles lives.
    pub fn link_of(&self, key: &BudgetKey) -> LinkBudget {
        let owner = self.owner(&key.owner);
        let mut links = owner.links.lock();
        if let Some(scope) = links.get(&key.link).and_then(Weak::upgrade) {
            return LinkBudget(scope);
        }
        let held = Counters::default();
        let scope = Arc::new(LinkScope { owner: owner.clone(), number: Some(key.link), held });
        links.insert(key.link, Arc::downgrade(&scope));
        LinkBudget(scope)
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
    /// Takes places and bytes, in all three scopes or in none.
    ///
    /// # Errors
    ///
    /// [`Full`] names the exhausted scope and unit.
    pub fn take(&self, places: u64, bytes: u64) -> Result<Permit, Full> {
        let mut permit = Permit { link: self.clone(), held: Amount::default() };
        permit.add(Amount { places, bytes })?;
        Ok(permit)
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

/// Places and bytes that are taken. Dropping the permit releases them.
#[derive(Debug)]
#[must_use = "dropping a permit releases what it holds"]
pub struct Permit {
    link: LinkBudget,
    held: Amount,
}

impl Permit {
    /// Takes more bytes.
    ///
    /// # Errors
    ///
    /// [`Full`]; the permit then holds what it held before.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Full> {
        self.add(Amount { places: 0, bytes })
    }

    /// Releases some of the bytes, at most those that it holds.
    pub fn shrink(&mut self, bytes: u64) {
        self.give_back(Amount { places: 0, bytes: bytes.min(self.held.bytes) });
    }

    /// The places that it holds.
    pub fn places(&self) -> u64 {
        self.held.places
    }

    /// The bytes that it holds.
    pub fn bytes(&self) -> u64 {
        self.held.bytes
    }

    fn add(&mut self, more: Amount) -> Result<(), Full> {
        let LinkScope { owner, held: link, .. } = &*self.link.0;
        let Inner { name, limits, server, .. } = &*owner.budget;
        // A share shrinks while others take theirs, so it can be smaller than what is already held.
        let full = |scope, (unit, held, limit): (Unit, u64, u64)| Full {
            name,
            scope,
            unit,
            held,
            limit: limit.max(held),
        };
        let most = Amount { places: limits.places, bytes: limits.bytes };
        let total = server.add(more, most).map_err(|why| full(FullScope::Server, why))?;
        let free = most.minus(total);
        let link_most =
            Amount { places: limits.link_places, bytes: limits.link_bytes }.min(link.share(free, more, 3));
        if let Err(why) = link.add(more, link_most) {
            server.take_away(more);
            return Err(full(FullScope::Link, why));
        }
        // Anonymous callers share an owner by accident. Only their links are limited.
        let owner_most = if owner.anonymous { UNBOUNDED } else { owner.held.share(free, more, 1) };
        if let Err(why) = owner.held.add(more, owner_most) {
            link.take_away(more);
            server.take_away(more);
            return Err(full(FullScope::Owner, why));
        }
        self.held = self.held.plus(more);
        Ok(())
    }

    fn give_back(&mut self, less: Amount) {
        let LinkScope { owner, held: link, .. } = &*self.link.0;
        owner.held.take_away(less);
        link.take_away(less);
        owner.budget.server.take_away(less);
        self.held = self.held.minus(less);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back(self.held);
    }
}
