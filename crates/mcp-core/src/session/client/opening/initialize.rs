//! The outcome of `initialize`: the handshake is complete, is repeated at another revision, or has failed.

use std::time::Instant;

use tracing::debug;

use super::super::ClientSession;
use super::super::legacy;
use super::super::probe::{ProbeContext, listed_by};
use super::{Found, Opening, OpeningStage, unsupported};
use crate::error::{CloseReason, Error};
use crate::message::Payload;
use crate::transport::LossKind;

impl<T: Clone> ClientSession<T> {
    /// `initialize` has an outcome.
    pub(in crate::session::client) fn initialize_answered(
        &mut self,
        now: Instant,
        outcome: Result<Payload, Error>,
    ) {
        match outcome {
            Ok(result) => match legacy::read_initialize(&result, &self.allowed()) {
                Ok(negotiated) => self.become_legacy(now, negotiated),
                Err(reason) => self.fail_opening(now, reason),
            },
            Err(error) => self.initialize_failed(now, error),
        }
    }

    fn initialize_failed(&mut self, now: Instant, error: Error) {
        let versions = self.allowed();
        let context = ProbeContext { versions: &versions, continuous: false, mirrors: false };
        let theirs = error.rpc().and_then(listed_by);
        let is_unsupported = unsupported(&error);
        // The revisions in the error decide; without any, `-32022` means the newest modern revision.
        let turn = match &theirs {
            Some(theirs) if is_unsupported => context.best(theirs),
            Some(theirs) => context.best_legacy(theirs).or_else(|| context.best(theirs)),
            None if is_unsupported => context.modern(),
            None => None,
        };
        let (ours, modern) = (versions.to_vec(), context.modern());
        drop(versions);
        let Some(opening) = self.opening_mut() else { return };
        if let OpeningStage::Initializing(Some(beside)) = &mut opening.stage
            && (!beside.answered || beside.found.is_some())
        {
            if let Some(version) = turn.filter(|version| version.is_legacy())
                && opening.initializes < 2
            {
                let beside = std::mem::take(beside);
                return self.send_initialize(version, Some(beside));
            }
            beside.failed = Some(error);
            return self.settle_beside(now);
        }
        let stale = std::mem::take(&mut opening.on_trust) && !is_transport_failure(&error);
        match (turn, theirs, modern) {
            (Some(version), ..) if version.is_modern() && !opening.turned_modern => {
                opening.turned_modern = true;
                self.known_era = None;
                self.send_probe(now, version);
            }
            (Some(version), ..) if version.is_legacy() && opening.initializes < 2 => {
                self.send_initialize(version, None);
            }
            // The known era has proved wrong: drop it and probe once.
            (.., Some(version)) if stale => {
                self.known_era = None;
                self.send_probe(now, version);
            }
            (None, Some(theirs), _) => {
                self.fail_opening(now, CloseReason::NoCommonVersion { ours, theirs });
            }
            _ => self.initialize_refused(now, error),
        }
    }

    /// `initialize` was refused for good on this link. If the probe came before it on a stream, the probe may be the
    /// reason, as with bridges that open their own session for the first request: one new link opens with `initialize`.
    pub(super) fn initialize_refused(&mut self, now: Instant, error: Error) {
        let continuous = self.link().is_some_and(|link| link.binding.continuous);
        let probed_first = self.opening_mut().is_some_and(|opening| opening.probed_first);
        let is_answer = error.rpc().is_some();
        let reason = CloseReason::opening_failed(error);
        let fresh = !self.tries.ever_ready && self.tries.first_close.is_none();
        if continuous && probed_first && is_answer && fresh && self.newest(false).is_some() {
            debug!(%reason, "initialize was refused behind the era probe; once more, with initialize first");
            return self.respawn(now, reason, true);
        }
        self.fail_opening(now, reason);
    }

    /// The start limit has run out.
    pub(in crate::session::client) fn start_expired(&mut self, now: Instant) {
        // Row 7: `initialize` has failed, be it by silence, so a DiscoverResult decides.
        if let Some(Opening { stage: OpeningStage::Initializing(Some(beside)), .. }) = self.opening_mut()
            && let Some(Found::Modern(negotiated)) = beside.found.take()
        {
            return self.become_modern(now, negotiated);
        }
        let limit = self.config.start_timeout;
        let mut reason = CloseReason::not_started(limit);
        if self.legacy().is_some() {
            let what = "no answer to notifications/initialized";
            reason = CloseReason::opening_failed(Error::timed_out(what, limit));
        } else if let Some(first) = self.tries.first_close.take() {
            reason = first;
        } else if let Some(Opening { stage: OpeningStage::Initializing(Some(beside)), .. }) =
            self.opening_mut()
            && let Some(failed) = beside.failed.take()
        {
            reason = CloseReason::opening_failed(failed);
        }
        self.fail_opening(now, reason);
    }
}

/// Whether a failure says nothing about the peer's era (row 1).
fn is_transport_failure(error: &Error) -> bool {
    matches!(error, Error::Lost(loss) if loss.kind != LossKind::NotUnderstood)
}
