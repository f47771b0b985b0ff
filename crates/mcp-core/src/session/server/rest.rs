//! A session on whose link nothing happens, in as little memory as it can be.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::exchange::Exchanges;
use super::legacy::Legacy;
use super::pending::{Asked, PendingRequests};
use super::server_features::ServerFeatures;
use super::{Batches, Closing, Listens, ServerConfig, ServerSession, ServerStats};
use crate::session::small::SmallQueue;
use crate::transport::budget::{Budget, LinkBudget};
use crate::transport::{Binding, Owner};

/// A session that gets no input until [`wake`](RestingSession::wake).
#[derive(Debug)]
pub(crate) enum RestingSession {
    /// Without requests, subscriptions and outputs: all that is left is what was negotiated and counted.
    Small(Box<Small>),
    Whole(Box<ServerSession>),
}

/// The fields of [`ServerSession`] that outlive its requests.
#[derive(Debug)]
pub(crate) struct Small {
    declared: OnceLock<ServerFeatures>,
    /// The last name of an exchange.
    last: u64,
    /// The last ids of requests to the client.
    asked: Asked,
    legacy: Option<Box<Legacy>>,
    closing: Closing,
    stats: ServerStats,
    max_waiting: usize,
    subscriptions: Option<Budget>,
    subscription_share: Option<(Owner, LinkBudget)>,
}

impl ServerSession {
    /// Takes the session out of its place, where a new one stays behind.
    pub(crate) fn rest(&mut self, now: Instant) -> RestingSession {
        let fresh = ServerSession::new(now, self.config.clone(), self.binding);
        let session = std::mem::replace(self, fresh);
        let idle = session.exchanges.is_empty()
            && session.listens.is_empty()
            && session.pending.is_empty()
            && session.batches.is_empty()
            && session.out.is_empty();
        if !idle {
            return RestingSession::Whole(Box::new(session));
        }
        RestingSession::Small(Box::new(Small {
            declared: session.declared,
            last: session.exchanges.last,
            asked: session.pending.asked,
            legacy: session.legacy,
            closing: session.closing,
            stats: session.stats,
            max_waiting: session.max_waiting,
            subscriptions: session.subscriptions,
            subscription_share: session.subscription_share,
        }))
    }
}

impl RestingSession {
    /// The session as it was, of this configuration on this binding.
    pub(crate) fn wake(self, config: &Arc<ServerConfig>, binding: Binding) -> ServerSession {
        let small = match self {
            RestingSession::Whole(session) => return *session,
            RestingSession::Small(small) => *small,
        };
        ServerSession {
            config: config.clone(),
            binding,
            declared: small.declared,
            exchanges: Exchanges::after(small.last),
            listens: Listens::default(),
            batches: Batches::default(),
            pending: PendingRequests::after(small.asked),
            legacy: small.legacy,
            closing: small.closing,
            stats: small.stats,
            max_waiting: small.max_waiting,
            subscriptions: small.subscriptions,
            subscription_share: small.subscription_share,
            out: SmallQueue::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Peer;
    use super::*;
    use crate::transport::budget::Limits;

    /// An idle legacy session is small, whatever it served before; one with a request is whole.
    #[test]
    fn a_session_without_requests_is_small() {
        let mut peer = Peer::legacy("2025-11-25", "{}");
        peer.line(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
        assert!(matches!(peer.session.rest(peer.now), RestingSession::Whole(_)));
        let mut peer = Peer::legacy("2025-11-25", "{}");
        peer.line(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#);
        peer.result(1, "{}");
        assert!(matches!(peer.session.rest(peer.now), RestingSession::Small(_)));
    }

    /// Also on a link of one exchange, which has no index of ids.
    #[test]
    fn a_session_with_a_subscription_is_whole() {
        for one_exchange in [false, true] {
            let mut peer = Peer::with(Binding::new("b").one_exchange(one_exchange), |_| {});
            peer.line(LISTEN);
            assert!(matches!(peer.session.rest(peer.now), RestingSession::Whole(_)), "{one_exchange}");
        }
    }

    /// The bounds that its driver has set hold after the rest.
    #[test]
    fn its_bounds_hold_on() {
        let mut peer = Peer::legacy("2025-11-25", "{}");
        peer.session.set_max_waiting(3);
        peer.session.set_subscription_budget(Budget::new("subscriptions", Limits::new(1, 1)));
        let resting = peer.session.rest(peer.now);
        assert!(matches!(resting, RestingSession::Small(_)));
        let woken = resting.wake(&peer.session.config, peer.session.binding);
        assert_eq!((woken.max_waiting, woken.subscriptions.is_some()), (3, true));
    }

    const LISTEN: &str = concat!(
        r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"_meta":{"#,
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientCapabilities":{}},"notifications":{"toolsListChanged":true}}}"#
    );
}
