//! The standalone stream of a legacy session, on which the server sends its own messages: GET on the endpoint.
// HTTP-C-007.

use std::sync::Arc;

use mcp_core::message::{Decoded, decode};
use mcp_core::transport::{Inbound, Lane, Loss, LossKind, ServerStream};
use tokio::time::Instant;

use super::link_state::{LinkState, Session};
use super::reopen::{Opened, Resuming, open};
use super::stream::{Cursor, Events};
use super::unreadable;
use crate::HttpError;

/// Keeps the stream open as long as the server supports it. The stream is optional: a refusal (405 or any other) is
/// only logged.
pub(super) async fn run(link: Arc<LinkState>, session: Session) {
    let mut cursor = Cursor::default();
    let mut resuming = Resuming::new(&link, session.clone());
    let mut opened = match open(&link, &session, None).await {
        Opened::Stream(body) => Ok(body),
        // A 404 to the first GET does not mean a lost session: many servers have no route for GET.
        Opened::Never(error) => {
            tracing::debug!(%error, "the server has no standalone stream");
            return tell(&link, ServerStream::Unavailable);
        }
        Opened::Later(error, _) => resuming.next(&mut cursor, error).await,
    };
    let mut gap = false;
    loop {
        let mut body = match opened {
            Ok(body) => body,
            Err(loss) => return over(&link, loss),
        };
        tell(&link, ServerStream::Open { gap });
        body.may_be_silent();
        let since = Instant::now();
        let mut events = Events::of(&link, body);
        let cut = shared(&link, &mut events, &mut cursor).await.unwrap_or_else(|| events.ended());
        drop(events);
        if matches!(cut, HttpError::TooLarge { .. }) {
            // The server would send the same event again.
            tracing::warn!(%cut, "the standalone stream is abandoned");
            return tell(&link, ServerStream::Unavailable);
        }
        tracing::debug!(%cut, "the standalone stream broke");
        // A stream that lasted long counts as a success, even if it carried no event.
        if since.elapsed() >= link.config.reconnect.cap {
            resuming.renew();
        }
        // Behind an event id the server sends what was missed.
        gap = cursor.last_id.is_none();
        opened = resuming.next(&mut cursor, cut).await;
    }
}

/// Tells the session whether messages can come.
pub(super) fn tell(link: &LinkState, state: ServerStream) {
    link.push(Inbound::server_stream(state));
}

/// Delivers the messages of a stream that belongs to no exchange, until it ends. Returns the error unless it ended
/// cleanly.
pub(super) async fn shared(link: &LinkState, events: &mut Events, cursor: &mut Cursor) -> Option<HttpError> {
    loop {
        link.room().await;
        let event = match events.message(cursor).await {
            Ok(Some(event)) => event,
            Ok(None) => return None,
            Err(error) => return Some(error),
        };
        match decode(event.data.clone()) {
            Decoded::One(Ok(message)) => link.deliver(Lane::SHARED, message),
            Decoded::One(Err(refusal)) => {
                for refusal in unreadable::explain(refusal, &event.data) {
                    link.push(Inbound::refused(refusal, Lane::SHARED));
                }
            }
            Decoded::Batch(items) => {
                let lane = link.batch_lane();
                link.push(Inbound::batch(items, lane));
            }
        }
    }
}

/// Abandons the stream. If the server has lost the session, the client's session is notified immediately.
// T-19.
fn over(link: &LinkState, loss: Loss) {
    if matches!(loss.kind, LossKind::SessionLost { .. }) {
        let loss = loss.with_kind(LossKind::session_lost(false));
        link.push(Inbound::lost(Lane::SHARED, loss));
    } else {
        tracing::debug!(%loss, "the standalone stream is not opened again");
        tell(link, ServerStream::Unavailable);
    }
}
