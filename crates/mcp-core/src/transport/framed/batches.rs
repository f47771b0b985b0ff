//! The lanes of batches: what was answered so far, until the last answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::message::{Message, Refusal, Response};
use crate::transport::Lane;

/// How many batches of one link may wait for answers. One more is refused.
pub(super) const MAX_OPEN: usize = 1024;

/// Shared by the two halves of one end.
#[derive(Default)]
pub(super) struct Batches(Mutex<Open>);

#[derive(Default)]
struct Open {
    seen: u64,
    collected: HashMap<Lane, Vec<Message>>,
}

/// What became of a message that is sent.
pub(super) enum Put {
    /// It waits for the rest of its batch.
    Kept,
    /// The batch is complete.
    Complete(Vec<Message>),
    /// The batch was refused as a whole, by this error. It is answered by one object.
    Refused(Message),
    /// The lane is no batch's.
    NoBatch(Message),
}

impl Batches {
    /// A panic while the lock is held leaves plain data behind, so the lock stays usable.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lane for a batch that came in; `None` if too many are open. A batch that may not be answered
    /// gets a lane that is over at once (promise 3).
    pub(super) fn open(&self, items: &[Result<Message, Refusal>]) -> Option<Lane> {
        let answered = items.is_empty()
            || items.iter().any(|item| match item {
                Ok(message) => matches!(message, Message::Request(_)),
                Err(refusal) => refusal.is_answerable(),
            });
        let mut open = self.lock();
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
        let mut open = self.lock();
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

    /// Ends a lane; what was collected on it, if it is a batch's.
    pub(super) fn end(&self, lane: Lane) -> Option<Vec<Message>> {
        self.lock().collected.remove(&lane)
    }
}

/// Whether this is an error that names no request.
fn is_refusal(message: &Message) -> bool {
    matches!(message, Message::Response(Response { id: None, outcome: Err(_), .. }))
}
