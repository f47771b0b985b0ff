//! Whose share a message is charged to, where the transport knows better than the link.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::transport::Owner;

use super::{Budget, LinkBudget};

/// How many budgets a key remembers its shares of: those of a server and of its transport.
const REMEMBERED: usize = 8;

/// Whose share a message is charged to. A transport puts it into the [`Envelope`](crate::transport::Envelope) where the
/// link of the contract is not what the peer has: over HTTP every POST is a link, while the peer has a connection; and
/// callers without an identity differ by their address. Without it a message is charged to the owner of its
/// [`Identity`](crate::transport::Identity) and to its link.
///
/// A clone shares what the key has looked up. Make one key for a connection and clone it for each message: looking a
/// share up takes two locks, asking a clone again takes none.
#[derive(Clone)]
#[non_exhaustive]
pub struct BudgetKey {
    /// The owner whose share it is.
    pub owner: Owner,
    /// The connection: a number that no other connection of this process has.
    pub link: u64,
    shares: Arc<[OnceLock<LinkBudget>; REMEMBERED]>,
}

impl BudgetKey {
    /// The key of this owner's messages over this connection.
    pub fn new(owner: Owner, link: u64) -> BudgetKey {
        BudgetKey { owner, link, shares: Arc::default() }
    }

    /// A number for a new connection.
    pub fn next_link() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// The share of this budget. Looked up once, as long as there is space to remember it.
    pub(super) fn remembered(&self, budget: &Budget, look_up: impl FnOnce() -> LinkBudget) -> LinkBudget {
        for slot in self.shares.iter() {
            match slot.get() {
                Some(share) if Arc::ptr_eq(&share.0.owner.budget, &budget.0) => return share.clone(),
                Some(_) => {}
                None => {
                    let share = look_up();
                    // If another message was faster, this share is not remembered, which costs a look-up later.
                    let _occupied = slot.set(share.clone());
                    return share;
                }
            }
        }
        look_up()
    }
}

impl PartialEq for BudgetKey {
    fn eq(&self, other: &BudgetKey) -> bool {
        self.link == other.link && self.owner == other.owner
    }
}

impl Eq for BudgetKey {}

impl fmt::Debug for BudgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetKey").field("owner", &self.owner).field("link", &self.link).finish()
    }
}
