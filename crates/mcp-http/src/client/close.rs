//! The end of a link: what was sent is given a moment, and the session is ended by DELETE.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;

use super::core::{Core, Session};
use super::net::Exchange;
use super::stream::drain;

/// How long notifications and answers that are under way may take before the session ends below them.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Sends DELETE for the session (ledger SESS-C-009). 405 and any other answer are as good: the client is done with it
/// either way. Bounded by [`Timeouts::delete`](super::Timeouts::delete).
pub(super) async fn delete(core: &Core, session: &Session) {
    let mut headers = Vec::with_capacity(2);
    session.write_to(&mut headers);
    let exchange = Exchange {
        method: Method::DELETE,
        url: None,
        common: None,
        headers,
        body: Bytes::new(),
        counted: false,
    };
    let work = async {
        match core.net.send(exchange).await {
            Ok(answer) => {
                tracing::debug!(status = answer.status.as_u16(), "the session was ended");
                drain(answer.body).await;
            }
            Err(error) => tracing::debug!(%error, "the session could not be ended"),
        }
    };
    if tokio::time::timeout(core.config.timeouts.delete, work).await.is_err() {
        tracing::debug!(limit = ?core.config.timeouts.delete, "the server took too long to end the session");
    }
}
