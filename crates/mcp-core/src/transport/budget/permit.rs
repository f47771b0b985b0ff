//! What is taken of a budget, and the rule of shares.

use super::scope::Amount;
use super::{Full, FullScope, Inner, LinkBudget, LinkScope, OwnerScope, Unit};

/// The part of a budget that a link which asks alone leaves to newcomers: one in four.
const LINK_RESERVE: u64 = 4;

/// The same for an owner that asks alone: less, so that another link of the same owner finds something, too.
const OWNER_RESERVE: u64 = 8;

const UNBOUNDED: Amount = Amount { places: u64::MAX, bytes: u64::MAX };

/// Places and bytes that are taken. Gives them back when it is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped gives back at once what it holds"]
pub struct Permit {
    link: LinkBudget,
    held: Amount,
}

impl Permit {
    pub(super) fn take(link: &LinkBudget, places: u64, bytes: u64) -> Result<Permit, Full> {
        let mut permit = Permit { link: link.clone(), held: Amount::default() };
        permit.add(Amount { places, bytes })?;
        Ok(permit)
    }

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
        if more.is_nothing() {
            return Ok(());
        }
        let scope = &*self.link.0;
        let LinkScope { owner, held: link, .. } = scope;
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
        let free = most.minus(server.held().plus(more));
        // The narrowest scope first: a link that holds more than its share is told so, not that the server is full.
        let alone = scope.is_alone().then(|| most.without(LINK_RESERVE));
        let share = link.share(alone.unwrap_or_else(|| free.part(3)), more);
        let link_most = Amount { places: limits.link_places, bytes: limits.link_bytes }.min(share);
        link.add(more, link_most).map_err(|why| full(FullScope::Link, why))?;
        // Anonymous callers have nothing in common: they are told apart by their links alone.
        let owner_most = match &**owner {
            OwnerScope { anonymous: true, .. } => UNBOUNDED,
            owner if owner.is_alone() => owner.held.share(most.without(OWNER_RESERVE), more),
            owner => owner.held.share(free, more),
        };
        if let Err(why) = owner.held.add(more, owner_most) {
            link.take_away(more);
            return Err(full(FullScope::Owner, why));
        }
        if let Err(why) = server.add(more, most) {
            owner.held.take_away(more);
            link.take_away(more);
            return Err(full(FullScope::Server, why));
        }
        if self.held.is_nothing() {
            scope.enter();
        }
        self.held = self.held.plus(more);
        Ok(())
    }

    fn give_back(&mut self, less: Amount) {
        if less.is_nothing() {
            return;
        }
        let scope = &*self.link.0;
        scope.owner.held.take_away(less);
        scope.held.take_away(less);
        scope.owner.budget.server.take_away(less);
        self.held = self.held.minus(less);
        if self.held.is_nothing() {
            scope.leave();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back(self.held);
    }
}

/// A link that waits for a permit: see [`LinkBudget::waiting`].
#[derive(Debug)]
#[must_use = "a wait that is dropped is over"]
pub struct Waiting(LinkBudget);

impl Waiting {
    pub(super) fn new(link: &LinkBudget) -> Waiting {
        link.0.enter();
        Waiting(link.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.leave();
    }
}
