//! The stream of a legacy server's own messages: GET on the endpoint.
// HTTP-C-007.

use std::sync::Arc;

use mcp_core::message::{Decoded, decode};
use mcp_core::transport::{Inbound, Lane, Loss, LossKind};
use tokio::time::Instant;

use super::link_state::{LinkState, Session};
use super::reopen::{Opened, Resuming, open};
use super::stream::{Cursor, Events};
use crate::HttpError;

/// Keeps the stream open for as long as the server wants one. It is optional: where the server has none (405 or any
/// other refusal), only the log says so.
pub(super) async fn run(link: Arc<LinkState>, session: Session) {
    let mut cursor = Cursor::default();
    let mut resuming = Resuming::new(&link, session.clone());
    let mut opened = match open(&link, &session, None).await {
        Opened::Stream(body) => Ok(body),
        // A 404 to the first GET is no lost session: many servers have no route for GET at all.
        Opened::Never(error) => return tracing::debug!(%error, "the server has no stream of its own"),
        Opened::Later(error, _) => resuming.next(&mut cursor, error).await,
    };
    loop {
        let mut body = match opened {
            Ok(body) => body,
            Err(loss) => return over(&link, loss),
        };
        body.may_be_silent();
        let since = Instant::now();
        let mut events = Events::new(body, link.config.limits.event);
        let cut = shared(&link, &mut events, &mut cursor).await.unwrap_or_else(|| events.ended());
        drop(events);
        if matches!(cut, HttpError::TooLarge { .. }) {
            // The server would send the same event again.
            return tracing::warn!(%cut, "the server's own stream is given up");
        }
        tracing::debug!(%cut, "the server's own stream broke");
        // One that stood for long was a good one, though it may have had nothing to say.
        if since.elapsed() >= link.config.reconnect.cap {
            resuming.renew();
        }
        opened = resuming.next(&mut cursor, cut).await;
    }
}

/// Hands over what comes on a stream that belongs to no exchange, until it ends; how, unless cleanly.
pub(super) async fn shared(link: &LinkState, events: &mut Events, cursor: &mut Cursor) -> Option<HttpError> {
    loop {
        link.room().await;
        let event = match events.message(cursor).await {
            Ok(Some(event)) => event,
            Ok(None) => return None,
            Err(error) => return Some(error),
        };
        match decode(event.data) {
            Decoded::One(Ok(message)) => link.deliver(Lane::SHARED, message),
            Decoded::One(Err(refusal)) => link.push(Inbound::refused(refusal, Lane::SHARED)),
            Decoded::Batch(items) => {
                let lane = link.batch_lane();
                link.push(Inbound::batch(items, lane));
            }
        }
    }
}

/// The stream is given up. If the session went with it, the client's session hears of it at once.
// T-19.
fn over(link: &LinkState, loss: Loss) {
    if matches!(loss.kind, LossKind::SessionLost { .. }) {
        let loss = loss.with_kind(LossKind::session_lost(false));
        link.push(Inbound::lost(Lane::SHARED, loss));
    } else {
        tracing::debug!(%loss, "the server's own stream is not opened any more");
    }
}
