//! A handle of a legacy client's link, which outlives requests.

use std::sync::Arc;

use futures::future::{Either, select};

use crate::error::{CloseReason, Error};
use crate::message::{Method, Payload, ProtocolVersion, RawJson};
use crate::runtime::signal::Signal;

use super::driver::command::Command;
use super::driver::shared::LinkShared;

/// A legacy client, outside of its requests: see [`Handler::opened`](super::Handler::opened). Clones are cheap. A clone
/// may outlive the link; what it sends is dropped then.
///
/// A client of 2026-07-28 has no such handle: a server reaches it only in the answers to its requests.
#[derive(Clone)]
pub struct ServerLink {
    shared: Arc<LinkShared>,
    closed: Arc<Signal>,
    version: ProtocolVersion,
    client_info: Option<RawJson>,
    client_capabilities: RawJson,
}

impl ServerLink {
    pub(super) fn new(
        shared: Arc<LinkShared>,
        closed: Arc<Signal>,
        version: ProtocolVersion,
        client_info: Option<RawJson>,
        client_capabilities: RawJson,
    ) -> ServerLink {
        ServerLink { shared, closed, version, client_info, client_capabilities }
    }

    /// Sends a notification that belongs to no request. Dropped if a server may not send it there, and for log messages
    /// below the client's level. Over HTTP it needs a stream that the client opened for such messages.
    ///
    /// Waits while too many notifications of the link are unwritten, at most until the link ends. Cancel-safe: if the
    /// future is dropped before it completes, nothing is sent.
    pub async fn notify(&self, method: impl Into<Method>, params: Option<RawJson>) {
        let (method, bytes) = (method.into(), params.as_ref().map_or(0, |params| params.as_bytes().len()));
        let slot = std::pin::pin!(self.shared.notification_slot(bytes));
        if let Either::Left((slot, _)) = select(slot, std::pin::pin!(self.closed())).await {
            self.shared.command(Command::NotifyClient { method, params, slot });
        }
    }

    /// Sends a request that belongs to no request of the client: `roots/list`, `sampling/createMessage`,
    /// `elicitation/create` or `ping`. Dropping the future cancels it.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`], without sending anything, if the client did not declare the capability; [`Error::Closed`] once
    /// the link has ended; otherwise the errors of a call.
    pub async fn request(
        &self,
        method: impl Into<Method>,
        params: Option<RawJson>,
    ) -> Result<Payload, Error> {
        if self.is_closed() {
            return Err(Error::Closed(CloseReason::Requested));
        }
        self.shared.request(None, method.into(), params).await
    }

    /// Ends the link once the requests that it has are answered; further ones are refused. Does not wait. Has no effect on a
    /// link that has ended.
    ///
    /// Over HTTP this ends the session: the client's next request is answered 404, and clients then begin a new session. The
    /// client of a byte stream sees its end.
    ///
    /// ```
    /// use mcp_core::server::ServerLink;
    ///
    /// /// Whose sessions end when their rights change, so that clients learn what they may do now.
    /// fn rights_have_changed(sessions: &[ServerLink]) {
    ///     sessions.iter().for_each(ServerLink::drain);
    /// }
    /// ```
    pub fn drain(&self) {
        self.shared.command(Command::Drain);
    }

    /// Waits until the link has ended. Cancel-safe.
    pub async fn closed(&self) {
        self.closed.wait().await;
    }

    /// Whether the link has ended.
    pub fn is_closed(&self) -> bool {
        self.closed.is_raised()
    }

    /// The negotiated revision.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Who the client says it is. Untrusted.
    pub fn client_info(&self) -> Option<&RawJson> {
        self.client_info.as_ref()
    }

    /// The client's capabilities: an object.
    pub fn client_capabilities(&self) -> &RawJson {
        &self.client_capabilities
    }
}

impl std::fmt::Debug for ServerLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerLink").field("version", &self.version).finish_non_exhaustive()
    }
}
