//! A legacy client of an upstream session, outside of its requests.

use std::ops::Deref;

use mcp_core::message::ProtocolVersion;
use mcp_core::server::ServerLink;

/// A legacy client that uses an upstream session.
#[derive(Clone)]
pub(crate) struct Follower {
    link: ServerLink,
    /// It begins a new session if this one ends, as over HTTP. The client of a byte stream would have lost its server.
    renews: bool,
}

impl Follower {
    pub(crate) fn new(link: ServerLink, renews: bool) -> Follower {
        Follower { link, renews }
    }

    // BR-14.
    /// The upstream server was replaced. If the new one has a lower revision than before, and than the client agreed on, what
    /// its `initialize` was answered no longer holds: its session ends, so that it begins anew.
    pub(crate) fn upstream_is_now(&self, now: ProtocolVersion, before: Option<ProtocolVersion>) {
        let lower = |than: ProtocolVersion| now.as_str() < than.as_str();
        if self.renews && before.is_some_and(lower) && lower(self.link.version()) {
            tracing::info!(version = now.as_str(), "a session ends: its server has a lower revision now");
            self.link.drain();
        }
    }
}

impl Deref for Follower {
    type Target = ServerLink;

    fn deref(&self) -> &ServerLink {
        &self.link
    }
}
