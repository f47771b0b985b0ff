//! The lanes of batches, and the answers that each has collected.

use std::collections::HashMap;

use crate::lock::Lock;
use crate::message::{Message, Refusal, Response};
use crate::transport::Lane;

/// How many batches of one link may wait for answers; more are refused.
pub(super) const MAX_OPEN: usize = 1024;

/// Shared by the two halves of one end.
#[derive(Default)]
pub(super) struct Batches(Lock<Open>);

#[derive(Default)]
struct Open {
    seen: u64,
    collected: HashMap<Lane, Vec<Message>>,
}

/// What happens to a message that is sent.
pub(super) enum Put {
    /// It is kept until its batch is complete.
    Kept,
    /// The batch is complete.
    Complete(Vec<Message>),
    /// The batch was refused as a whole, by this error. It is answered by one object.
    Refused(Message),
    /// The lane is not one of a batch.
    NoBatch(Message),
}

impl Batches {
    /// A lane for an inbound batch; `None` if too many are open. The lane of a batch that expects no answer is over
    /// at once (promise 3).
    pub(super) fn open(&self, items: &[Result<Message, Refusal>]) -> Option<Lane> {
        let answered = items.is_empty()
            || items.iter().any(|item| match item {
                Ok(message) => matches!(message, Message::Request(_)),
                Err(refusal) => refusal.is_answerable(),
            });
        let mut open = self.0.lock();
        if answered && open.collected.len() >= MAX_OPEN {
            return None;
        }
        let lane = Lane::batch(open.seen);
        open.seen += 1;
        if answered {
            open.collected.insert(lane, Vec::new());
        }
        Some(lane)
    }

    pub(super) fn put(&self, lane: Lane, message: Message, last: bool) -> Put {
        if lane.is_shared() {
            return Put::NoBatch(message);
        }
        let mut open = self.0.lock();
        match open.collected.get_mut(&lane) {
            None => Put::NoBatch(message),
            Some(collected) if last && collected.is_empty() && is_refusal(&message) => {
                open.collected.remove(&lane);
                Put::Refused(message)
            }
            Some(collected) => {
                collected.push(message);
                if !last {
                    return Put::Kept;
                }
                Put::Complete(open.collected.remove(&lane).unwrap_or_default())
            }
        }
    }

    /// Ends a lane; returns what it has collected, if it is one of a batch.
    pub(super) fn end(&self, lane: Lane) -> Option<Vec<Message>> {
        self.0.lock().collected.remove(&lane)
    }
}

/// Whether this is an error that names no request.
fn is_refusal(message: &Message) -> bool {
    matches!(message, Message::Response(Response { id: None, outcome: Err(_), .. }))
}
