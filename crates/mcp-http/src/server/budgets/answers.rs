//! Charges the text of an answer until the client has read it.

use bytes::Bytes;
use mcp_core::message::{Decoded, Message, RequestId, decode};
use mcp_core::transport::budget::{BudgetKey, Full};

use super::super::body::Body;
use super::super::respond::Reply;
use super::{Budgets, busy};

/// A text up to this length is not charged: the numbers of connections and of their streams are bounded.
const FREE: usize = 1024;

impl Budgets {
    /// Charges the text of a reply. If there is no space for it, slower clients are cut; if none is slower, the reply
    /// becomes 503.
    pub(crate) async fn charge(&self, key: &BudgetKey, http2: bool, reply: Reply) -> Reply {
        match reply.text().map(|text| text.len()) {
            Some(length) if length > FREE => Box::pin(self.charge_text(key, http2, reply)).await,
            _ => reply,
        }
    }

    async fn charge_text(&self, key: &BudgetKey, http2: bool, reply: Reply) -> Reply {
        let Some(text) = reply.text().cloned() else { return reply };
        let charged: Result<Body, Full> = if Body::is_long(text.len()) {
            let holder = self.answers.begin(key);
            holder.charge(&text).await.map(|text| Body::in_pieces(text, http2, holder))
        } else {
            self.answers.charge(key, &text).map(Body::full)
        };
        match charged {
            Ok(body) => reply.with_body(body),
            Err(full) => {
                tracing::debug!(%full, "an answer is dropped, because others are not read");
                busy(&full, id(&text).as_ref())
            }
        }
    }
}

/// The id of an answer: JSON, or one event.
fn id(text: &Bytes) -> Option<RequestId> {
    let json = text
        .strip_prefix(b"data: ")
        .map_or_else(|| text.clone(), |json| text.slice_ref(json.trim_ascii_end()));
    match decode(json) {
        Decoded::One(Ok(Message::Response(response))) => response.id,
        _ => None,
    }
}
