//! The limits of a server, and the budgets that they set up.

use std::time::Duration;

use crate::runtime::unread::UnreadLimits;
use crate::session::server::ServerConfig;
use crate::transport::Owner;
use crate::transport::budget::{Budget, BudgetKey, Limits, LinkBudget};
use crate::transport::{Envelope, Identity};

/// The most notices that wait for a slow handler; the oldest are dropped.
const NOTICES: usize = 256;

/// Limits of a server's drivers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerLimits {
    pub(crate) in_flight: usize,
    pub(crate) in_flight_bytes: usize,
    /// Requests of one link that wait for a place.
    pub(crate) waiting: usize,
    /// How long a request waits for a place that other links hold.
    pub(crate) busy_after: Duration,
    pub(crate) subscriptions: usize,
    pub(crate) subscription_bytes: usize,
    /// Answers that the peers have not read: of all links, of one link, of one batch.
    pub(crate) unread_bytes: usize,
    pub(crate) link_unread_bytes: usize,
    pub(crate) batch_bytes: usize,
    /// Notices that the handler has not taken.
    pub(crate) notice_bytes: usize,
    pub(crate) write_timeout: Duration,
    pub(crate) grace: Duration,
    pub(crate) linger: Duration,
    /// Each handler gets a task, however quick it is.
    pub(crate) spawn_handlers: bool,
}

impl Default for ServerLimits {
    fn default() -> ServerLimits {
        ServerLimits {
            in_flight: 1024,
            in_flight_bytes: 256 << 20,
            waiting: 256,
            busy_after: Duration::from_secs(1),
            subscriptions: 1024,
            subscription_bytes: 64 << 20,
            unread_bytes: 256 << 20,
            link_unread_bytes: 64 << 20,
            batch_bytes: 16 << 20,
            notice_bytes: 64 << 20,
            write_timeout: Duration::from_secs(60),
            grace: Duration::from_secs(5),
            linger: Duration::from_secs(30),
            spawn_handlers: false,
        }
    }
}

/// What all links of a server share.
#[derive(Debug)]
pub(crate) struct Budgets {
    pub(crate) requests: Budget,
    pub(crate) unread: Budget,
    pub(crate) subscriptions: Budget,
    pub(crate) notices: UnreadLimits,
}

impl Budgets {
    pub(super) fn new(config: &ServerConfig, limits: &ServerLimits) -> Budgets {
        let requests = Limits::new(limits.in_flight as u64, limits.in_flight_bytes as u64)
            .with_link(config.max_in_flight as u64, config.max_in_flight_bytes as u64);
        let subscriptions = Limits::new(limits.subscriptions as u64, limits.subscription_bytes as u64);
        Budgets {
            requests: Budget::new("requests in flight (max_in_flight)", requests),
            unread: Budget::new(
                "unread answers (max_unread_bytes)",
                Limits::new(u64::MAX, limits.unread_bytes as u64),
            ),
            subscriptions: Budget::new("subscriptions (max_subscriptions)", subscriptions),
            notices: UnreadLimits::new("notices (max_notice_bytes)", NOTICES, limits.notice_bytes),
        }
    }
}

/// The shares of one link, for one owner. A link that carries several owners has one at a time.
#[derive(Debug)]
pub(super) struct Account {
    whose: Whose,
    pub(super) requests: LinkBudget,
    pub(super) unread: LinkBudget,
}

#[derive(Debug)]
enum Whose {
    Key(BudgetKey),
    /// Kept whole, because comparing is cheaper than making the owner of each message.
    Identity(Box<Identity>),
    Anonymous,
}

impl Account {
    /// The account of messages with this envelope.
    pub(super) fn of(envelope: &Envelope, budgets: &Budgets) -> Account {
        let (whose, owner) = match (envelope.get::<BudgetKey>(), envelope.get::<Identity>()) {
            (Some(key), _) => {
                let (requests, unread) = (budgets.requests.link_of(key), budgets.unread.link_of(key));
                return Account { whose: Whose::Key(key.clone()), requests, unread };
            }
            (None, Some(identity)) => (Whose::Identity(Box::new(identity.clone())), identity.owner()),
            (None, None) => (Whose::Anonymous, Owner::anonymous()),
        };
        Account { whose, requests: budgets.requests.link(&owner), unread: budgets.unread.link(&owner) }
    }

    /// Whether messages with this envelope are charged to this account.
    pub(super) fn is_of(&self, envelope: &Envelope) -> bool {
        match (&self.whose, envelope.get::<BudgetKey>(), envelope.get::<Identity>()) {
            (Whose::Key(own), Some(key), _) => own == key,
            (Whose::Identity(own), None, Some(identity)) => {
                **own == *identity || own.owner() == identity.owner()
            }
            (Whose::Anonymous, None, None) => true,
            _ => false,
        }
    }
}
