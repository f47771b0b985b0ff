//! The opening of a link: sends the probe and `initialize`, and acts on the outcome.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::error::{CloseReason, Error};
use crate::message::{Payload, ProtocolVersion, Request, code};
use crate::session::departure::Departures;
use crate::transport::{Binding, Envelope, ErrorChain, Loss};
use tracing::debug;

mod initialize;

use super::ClientSession;
use super::config::{EraMode, KnownEra};
use super::event::Negotiated;
use super::inflight::{Purpose, wire_id};
use super::legacy;
use super::link::{Era, Link, Phase};
use super::modern::{self, Extras, RequestMeta};
use super::probe::{ProbeAction, ProbeContext, ProbeOutcome, judge, seen_in_error, seen_in_result};
use super::timers::TimerKey;

/// A link whose era is not known yet.
#[derive(Debug, Default)]
pub(super) struct Opening {
    stage: OpeningStage,
    /// A probe was sent on this link.
    pub(super) probed: bool,
    /// It was the first message on this link, and may have spoiled the peer for what came after it.
    probed_first: bool,
    /// The probe was sent again after a `-32022`.
    retried: bool,
    /// A probe was sent after a `-32022` to `initialize`.
    turned_modern: bool,
    initializes: u8,
    /// `initialize` was sent because of a known era, which may be outdated.
    on_trust: bool,
    /// The loss that reported the end of the previous session on this link. Calls of that session may still be in
    /// flight.
    pub(super) stale: Option<Loss>,
}

/// What the opening waits for.
#[derive(Debug, Default)]
enum OpeningStage {
    #[default]
    Probing,
    Initializing(Option<Beside>),
}

/// `initialize` was sent with the probe still open (row 7).
#[derive(Debug, Default)]
struct Beside {
    /// The outcome of the probe, if it is modern.
    found: Option<Found>,
    answered: bool,
    /// The error of `initialize`.
    failed: Option<Error>,
}

#[derive(Debug)]
enum Found {
    Modern(Negotiated),
    Retry(ProtocolVersion),
}

enum FirstOutput {
    Probe(ProtocolVersion),
    Initialize(ProtocolVersion),
}

impl Opening {
    /// The opening of a link whose peer lost the session.
    pub(super) fn after_session_loss(loss: Loss) -> Opening {
        Opening { stale: Some(loss), ..Opening::default() }
    }
}

impl<T: Clone> ClientSession<T> {
    /// The revisions that the mode allows, newest first.
    fn allowed(&self) -> Cow<'_, [ProtocolVersion]> {
        let ours = &self.config.versions;
        let only = |modern: bool| ours.iter().copied().filter(move |version| version.is_modern() == modern);
        match self.config.era {
            EraMode::Auto if ours.is_empty() => Cow::Borrowed(ProtocolVersion::ALL),
            EraMode::Auto => Cow::Borrowed(ours),
            EraMode::Modern if only(true).next().is_none() => {
                Cow::Owned(vec![ProtocolVersion::LATEST_MODERN])
            }
            EraMode::Modern => Cow::Owned(only(true).collect()),
            EraMode::Legacy(pinned) => {
                let pinned = if pinned.is_legacy() { pinned } else { ProtocolVersion::LATEST_LEGACY };
                let others = only(false).filter(|version| *version != pinned);
                Cow::Owned(std::iter::once(pinned).chain(others).collect())
            }
        }
    }

    fn judge(&self, seen: &ProbeOutcome) -> ProbeAction {
        let binding = self.link().map_or(Binding::STREAM, |link| link.binding);
        let versions = self.allowed();
        let context =
            ProbeContext { versions: &versions, continuous: binding.continuous, mirrors: binding.mirrors };
        let (row, action) = judge(seen, &context);
        debug!(?row, ?action, "the era probe was judged");
        action
    }

    fn newest(&self, modern: bool) -> Option<ProtocolVersion> {
        self.allowed().iter().copied().find(|version| version.is_modern() == modern)
    }

    fn opening_mut(&mut self) -> Option<&mut Opening> {
        match &mut self.link_mut()?.era {
            Era::Opening(opening) => Some(opening),
            Era::Legacy(_) | Era::Modern(_) => None,
        }
    }

    /// A link is open: sends the first message on it.
    pub(super) fn open(&mut self, now: Instant, binding: Binding) {
        let known = self.known_era.filter(|verdict| self.allowed().contains(&verdict.version));
        let first = match (known, self.newest(true), self.newest(false)) {
            (_, _, Some(version)) if self.tries.first_close.is_some() => FirstOutput::Initialize(version),
            (Some(KnownEra { version }), ..) if version.is_legacy() => FirstOutput::Initialize(version),
            (Some(KnownEra { version }), ..) => FirstOutput::Probe(version),
            (None, Some(version), _) => FirstOutput::Probe(version),
            (None, None, version) => {
                FirstOutput::Initialize(version.unwrap_or(ProtocolVersion::LATEST_LEGACY))
            }
        };
        let era = Era::Opening(Opening { on_trust: known.is_some(), ..Opening::default() });
        self.phase = Phase::Open(Link {
            binding,
            garbage: 0,
            heard: now,
            ready: None,
            answered: false,
            forgotten: 0,
            server_stream: None,
            told: 0,
            departures: Departures::default(),
            era,
        });
        if !self.timers.is_set(TimerKey::Start) {
            self.timers.set(TimerKey::Start, now.checked_add(self.config.start_timeout));
        }
        match first {
            FirstOutput::Probe(version) => self.send_probe(now, version),
            FirstOutput::Initialize(version) => self.send_initialize(version, None),
        }
    }

    /// The time limit of the probe. It is longer for a peer that is known to be modern.
    fn probe_timeout(&self) -> Duration {
        let modern_before = self.known_era.is_some_and(|known_era| known_era.version.is_modern());
        if modern_before {
            self.config.probe_timeout.max(self.config.start_timeout / 2)
        } else {
            self.config.probe_timeout
        }
    }

    fn send_probe(&mut self, now: Instant, version: ProtocolVersion) {
        let Some(opening) = self.opening_mut() else { return };
        opening.stage = OpeningStage::Probing;
        opening.probed_first |= opening.initializes == 0;
        opening.probed = true;
        let params = RequestMeta::new(&self.config, version).params(None, &Extras::default());
        self.send_opening("server/discover", params, Purpose::Probe, Some(version));
        let probe_timeout = self.probe_timeout();
        self.timers.set(TimerKey::Probe, now.checked_add(probe_timeout));
    }

    /// Sends `initialize`, alone.
    pub(super) fn initialize(&mut self, version: ProtocolVersion) {
        self.send_initialize(version, None);
    }

    fn send_initialize(&mut self, version: ProtocolVersion, beside: Option<Beside>) {
        let params = Payload::new(legacy::initialize_params(&self.config, version));
        let Some(opening) = self.opening_mut() else { return };
        opening.stage = OpeningStage::Initializing(beside);
        opening.initializes += 1;
        // Without a version, so that a binding does not send it as metadata.
        self.send_opening("initialize", params, Purpose::Initialize, None);
    }

    fn send_opening(
        &mut self,
        method: &'static str,
        params: Payload,
        purpose: Purpose,
        version: Option<ProtocolVersion>,
    ) {
        let number = self.inflight.mint();
        let request = Request { id: wire_id(number, &purpose), method: method.into(), params: Some(params) };
        self.inflight.insert(number, purpose);
        let mut envelope = Envelope::default();
        envelope.version = version;
        self.transmit(number, request.into(), envelope);
    }

    /// The probe was not answered in time.
    pub(super) fn probe_silent(&mut self, now: Instant) {
        let error = Error::timed_out("no answer to server/discover", self.probe_timeout());
        self.on_probe(now, ProbeOutcome::Silence, Err(error));
    }

    /// The probe has an outcome.
    pub(super) fn probe_answered(&mut self, now: Instant, outcome: Result<Payload, Error>) {
        let seen = match &outcome {
            Ok(result) => seen_in_result(result),
            Err(Error::Rpc(error)) => seen_in_error(error),
            Err(Error::Lost(loss)) => ProbeOutcome::Lost(loss.kind),
            Err(_) => ProbeOutcome::Nonsense,
        };
        self.on_probe(now, seen, outcome);
    }

    fn on_probe(&mut self, now: Instant, seen: ProbeOutcome, outcome: Result<Payload, Error>) {
        let action = self.judge(&seen);
        let discovered = match (&seen, &action, &outcome) {
            (ProbeOutcome::Discovered(offered), ProbeAction::Modern(version), Ok(result)) => {
                Some(modern::negotiated(result, *version, offered.clone()))
            }
            _ => None,
        };
        let Some(opening) = self.opening_mut() else { return };
        match &mut opening.stage {
            OpeningStage::Probing => {}
            OpeningStage::Initializing(None) => return,
            OpeningStage::Initializing(Some(beside)) => {
                beside.answered = true;
                beside.found = match (action, discovered) {
                    (ProbeAction::Modern(_), Some(negotiated)) => Some(Found::Modern(negotiated)),
                    (ProbeAction::Retry(version), _) => Some(Found::Retry(version)),
                    _ => None,
                };
                return self.settle_beside(now);
            }
        }
        let again = opening.retried;
        opening.retried |= matches!(action, ProbeAction::Retry(_));
        let exhausted = opening.initializes >= 2;
        self.timers.clear(TimerKey::Probe);
        match (action, discovered) {
            (ProbeAction::Modern(_), Some(negotiated)) => self.become_modern(now, negotiated),
            (ProbeAction::Retry(version), _) if !again => self.send_probe(now, version),
            (ProbeAction::Initialize(version), _) if !exhausted => self.send_initialize(version, None),
            (ProbeAction::NothingInCommon(theirs), _) => {
                let ours = self.allowed().into_owned();
                self.fail_opening(now, CloseReason::NoCommonVersion { ours, theirs });
            }
            (ProbeAction::Beside(version), _) => self.send_initialize(version, Some(Beside::default())),
            (ProbeAction::NotModern, _) => {
                let said = outcome
                    .err()
                    .map_or("another result".to_owned(), |error| ErrorChain::new(&error).to_string());
                let why = format!(
                    "2026-07-28 was required, and the server does not speak it ({said}); \
                     allow a legacy revision, or use the automatic mode"
                );
                self.fail_opening(now, CloseReason::OpeningFailed(Box::new(Error::Misuse(why))));
            }
            (ProbeAction::Wait, _) => {}
            _ => {
                let unclear = || Error::Violation("the server answers neither era's opening".into());
                let error = outcome.err().unwrap_or_else(unclear);
                self.fail_opening(now, CloseReason::opening_failed(error));
            }
        }
    }

    /// Row 7: probe and `initialize` are both in flight. An InitializeResult is not handled here: it wins at once.
    fn settle_beside(&mut self, now: Instant) {
        let modern = self.newest(true);
        let Some(opening) = self.opening_mut() else { return };
        let OpeningStage::Initializing(Some(beside)) = &mut opening.stage else { return };
        let Some(failed) = &beside.failed else { return };
        let turn = unsupported(failed) && !opening.turned_modern;
        match (beside.found.take(), modern) {
            (Some(Found::Modern(negotiated)), _) => self.become_modern(now, negotiated),
            (Some(Found::Retry(version)), _) if !opening.retried => {
                opening.retried = true;
                self.send_probe(now, version);
            }
            (_, Some(version)) if turn => {
                opening.turned_modern = true;
                self.send_probe(now, version);
            }
            _ if beside.answered => {
                let error = failed.clone();
                self.initialize_refused(now, error);
            }
            // The probe is still open; the start limit bounds it.
            _ => {}
        }
    }

    /// The opening failed on a link that is still open.
    pub(super) fn fail_opening(&mut self, now: Instant, reason: CloseReason) {
        if self.tries.ever_ready && reason.is_retryable() {
            self.lose_link(now, reason, true);
        } else {
            self.end(reason);
        }
    }

    /// Whether a link that ended during its opening is replaced at once (row 8).
    pub(super) fn respawns(&self) -> bool {
        let probed =
            self.link().is_some_and(|link| matches!(&link.era, Era::Opening(opening) if opening.probed));
        probed
            && !self.tries.ever_ready
            && self.tries.first_close.is_none()
            && matches!(self.judge(&ProbeOutcome::LinkClosed), ProbeAction::Respawn(_))
    }

    /// Whether the link ended because of an `initialize` that was sent for a known era: the peer is probed once then,
    /// before the first link that was ready. Later a crash is more likely.
    pub(super) fn doubts_known_era(&self) -> bool {
        let trusted = self.link().is_some_and(|link| {
            link.binding.continuous
                && matches!(&link.era, Era::Opening(opening) if opening.on_trust && !opening.probed)
        });
        trusted && self.known_era.is_some() && !self.tries.ever_ready && self.newest(true).is_some()
    }
}

fn unsupported(error: &Error) -> bool {
    error.rpc().is_some_and(|error| error.code == code::UNSUPPORTED_VERSION)
}
