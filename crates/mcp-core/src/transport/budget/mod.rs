//! Budgets: how much a server keeps for its peers, and how it is shared.
//!
//! Everything that holds memory or a place for a peer takes a [`Permit`] first: a request in flight, a body under way,
//! an answer that waits for a slow reader, a session, a subscription. The permit gives back what it holds when it is
//! dropped. A [`Budget`] counts *places* and *bytes* in three scopes:
//!
//! - the **server**: all permits together stay within [`Limits`];
//! - an **owner** ([`Owner`]): one caller, over any number of links;
//! - a **link**: one connection, pipe or process.
//!
//! # Shares
//!
//! A fixed quota for each owner would waste most of a server that has one user, and a common pool lets one user take
//! everything. The budget uses dynamic thresholds, as switches do for their shared buffers: an owner may hold as much
//! as is still free, a link a third of what is still free. A single owner can thus reach one half of the server, a
//! single link one quarter, and a newcomer always finds something, however many others are busy and however long they
//! stay.
//!
//! # Rules for users
//!
//! - Charge the memory that is held (capacity, clones, overhead of each item), not the bytes that were received.
//! - A full budget is an error at once ([`Full`], which names the limit); waiting is the caller's decision and needs a
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
    /// Places: requests, sessions, streams, whatever the budget is for.
    pub places: u64,
    /// Bytes.
    pub bytes: u64,
    /// What one link may hold at most, if that is less than its share.
    pub link_places: u64,
    /// The same, in bytes.
    pub link_bytes: u64,
}

impl Limits {
    /// So many places and bytes, without a limit for one link but its share.
    pub const fn new(places: u64, bytes: u64) -> Limits {
        Limits { places, bytes, link_places: u64::MAX, link_bytes: u64::MAX }
    }

    /// No limit at all.
    pub const UNLIMITED: Limits = Limits::new(u64::MAX, u64::MAX);

    /// With a limit for each link.
    #[must_use]
    pub const fn with_link(mut self, places: u64, bytes: u64) -> Limits {
        self.link_places = places;
        self.link_bytes = bytes;
        self
    }
}

/// A number of places and bytes that a server keeps for its peers. Cloning it gives another handle of the same budget.
#[derive(Clone)]
pub struct Budget(Arc<Inner>);

struct Inner {
    name: &'static str,
    limits: Limits,
    server: Counters,
    owners: Lock<HashMap<Owner, Weak<OwnerScope>>>,
}

/// Whose share a message is charged to. A transport puts it into the [`Envelope`](super::Envelope) where the link of
/// the contract is not what the peer has: over HTTP every POST is a link, while the peer has a connection; and callers
/// without an identity are told apart by their address. Without it a message is charged to the owner of its
/// [`Identity`](super::Identity) and to its link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetKey {
    /// The owner whose share it is.
    pub owner: Owner,
    /// The connection: a number that no other connection of this process has.
    pub link: u64,
}

impl BudgetKey {
    /// The key of this owner's messages over this connection.
    pub fn new(owner: Owner, link: u64) -> BudgetKey {
        BudgetKey { owner, link }
    }

    /// A number for a new connection.
    pub fn next_link() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }
}

/// What one owner holds. Lives as long as a link or a permit of it.
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
        // Another scope of the same owner may have taken the entry since the last handle of this one went.
        if owners.get(&self.owner).is_some_and(|entry| entry.strong_count() == 0) {
            owners.remove(&self.owner);
        }
    }
}

impl Budget {
    /// An empty budget. The name appears in errors: "requests in flight", "bodies under way".
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

    /// The places that are taken now.
    pub fn places(&self) -> u64 {
        self.0.server.held().places
    }

    /// The bytes that are taken now.
    pub fn bytes(&self) -> u64 {
        self.0.server.held().bytes
    }

    /// The share of a new link of this owner.
    pub fn link(&self, owner: &Owner) -> LinkBudget {
        LinkBudget(Arc::new(LinkScope { owner: self.owner(owner), number: None, held: Counters::default() }))
    }

    /// The share of this connection: the same for all messages with an equal key, as long as one of its permits or
    /// handles lives.
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

/// The part of a [`Budget`] that one link of one owner uses. Cloning it gives another handle of the same link.
#[derive(Clone)]
pub struct LinkBudget(Arc<LinkScope>);

struct LinkScope {
    owner: Arc<OwnerScope>,
    /// Its number in the owner's table, if it is there.
    number: Option<u64>,
    held: Counters,
}

impl Drop for LinkScope {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut links = self.owner.links.lock();
        // Another scope of the same connection may have taken the entry since the last handle of this one went.
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
    /// [`Full`] names the scope and the unit that has no more to give.
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

/// Places and bytes that are taken. Gives them back when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives back at once what it holds"]
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

    /// Gives some of the bytes back, at most what it holds.
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
        // A share shrinks when others take theirs: it can be less than what is held already.
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
        // Anonymous callers have nothing in common: they are told apart by their links alone.
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
