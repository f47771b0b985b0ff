//! The end of a link: what was sent is given a moment, and the session is ended by DELETE.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;

use super::link_state::{LinkState, Session};
use super::stream::drain;
use crate::net::Exchange;

/// How long notifications and answers that are under way may take before the session ends below them.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Sends DELETE for the session. 405 and any other answer are as good: the client is done with it either way. Bounded
/// by [`HttpClientConfig::delete_timeout`](super::HttpClientConfig::delete_timeout).
// SESS-C-009.
pub(super) async fn delete(link: &LinkState, session: &Session) {
    let mut headers = Vec::with_capacity(2);
    session.write_to(&mut headers);
    let exchange = Exchange {
        method: Method::DELETE,
        url: None,
        template: None,
        headers,
        body: Bytes::new(),
        counted: false,
        repeatable: true,
    };
    let work = async {
        match link.net.send(exchange).await {
            Ok(answer) => {
                tracing::debug!(status = answer.status.as_u16(), "the session was ended");
                drain(answer.body).await;
            }
            Err(error) => tracing::debug!(%error, "the session could not be ended"),
        }
    };
    if tokio::time::timeout(link.config.delete_timeout, work).await.is_err() {
        tracing::debug!(limit = ?link.config.delete_timeout, "the server took too long to end the session");
    }
}
