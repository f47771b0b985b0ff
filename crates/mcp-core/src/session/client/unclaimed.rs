//! Answers that name no request in flight.

use std::time::Instant;

use tracing::debug;

use crate::error::Error;
use crate::message::{ErrorObject, Payload, RequestId, code};
use crate::session::departure::Departure;
use crate::transport::Lane;

use super::ClientSession;
use super::inflight::Purpose;

impl<T: Clone> ClientSession<T> {
    pub(super) fn unclaimed(
        &mut self,
        now: Instant,
        lane: Lane,
        id: Option<RequestId>,
        outcome: Result<Payload, Error>,
    ) {
        if id.is_none()
            && lane.is_shared()
            && let Some((number, purpose)) = self.inflight.only()
        {
            // A peer that cannot parse the first request may answer without its id (T-03).
            if matches!(purpose, Purpose::Probe | Purpose::Initialize) {
                return self.settle(now, number, outcome);
            }
            // FAULT F-C11.
            match &outcome {
                Err(Error::Rpc(error)) if !self.refuses_notification(error) => {
                    self.tolerate(Departure::ErrorWithoutId);
                    return self.settle(now, number, outcome);
                }
                Ok(_) if self.only_awaited().is_some() => {
                    let why = "a result without an id, while this was the only open request".to_owned();
                    return self.settle(now, number, Err(Error::Violation(why)));
                }
                _ => {}
            }
        }
        let minted = self.inflight.was_minted(id.as_ref()) || (!lane.is_shared() && id.is_none());
        if minted {
            self.stats.late += 1;
        } else {
            self.stats.unknown += 1;
        }
        debug!(?id, ?lane, "an answer to no request in flight was dropped");
    }

    /// The request that an answer without an id belongs to: the only one that is open. `None` if the answer may be to a
    /// notification, which some servers answer with an empty result.
    pub(super) fn only_awaited(&self) -> Option<u64> {
        let told = self.link().is_none_or(|link| link.told != 0);
        self.inflight.only().map(|(number, _)| number).filter(|_| !told)
    }

    /// Whether an error without an id is the answer to a notification: simple servers answer one that they do not know
    /// as if it were a request. Only the first error after a notification can be that.
    fn refuses_notification(&mut self, error: &ErrorObject) -> bool {
        let told = self.link_mut().map_or(0, |link| std::mem::take(&mut link.told));
        told != 0 && error.code == code::METHOD_NOT_FOUND
    }
}
