//! The report of the kit.

use std::fmt;

/// One of the eight promises of [`mcp_core::transport`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promise {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub title: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The usual causes when it is broken.
    pub causes: &'static str,
}

/// The promises, word for word from [`mcp_core::transport`].
pub const PROMISES: [Promise; 8] = [
    Promise {
        number: 1,
        title: "Minting",
        text: "On a client link the session mints the lanes: a fresh one for every message, notifications \
               and answers too. On a server link the transport mints them. A batch that a transport receives \
               outside an exchange gets [`Lane::batch`], at either end. Byte streams use [`Lane::SHARED`] for \
               everything else.",
        causes: "a number is used for two lanes, or the client's end makes one up. Count up and never reuse a number. Deliver a reply on the lane of its call. On a byte stream, use Lane::SHARED for everything.",
    },
    Promise {
        number: 2,
        title: "Correlation",
        text: "Delivery is by lane. A response on a lane other than [`Lane::SHARED`] settles that lane: \
               an absent or null id is accepted, another id is a violation. A response on \
               [`Lane::SHARED`], or one that a client sends, is matched by (link, direction, typed id). \
               Inbound requests are keyed by (lane, id).",
        causes: "something is looked up by the JSON-RPC id. Clients may send id 1 every time, so look it up by lane. Keep an id as a RequestId: \"7\" is not 7.",
    },
    Promise {
        number: 3,
        title: "Life",
        text: "A lane ends by `last`, [`Outbound::End`], [`Inbound::Lost`] or [`Inbound::Ended`]. A \
               lane that brought no request is released once `recv` has returned its message.",
        causes: "the table of open lanes forgets an entry too early or never. mcp_core::transport::lanes::Lanes keeps such a table.",
    },
    Promise {
        number: 4,
        title: "Form",
        text: "The first [`Outbound`] on a lane decides its form: `last` means one body, otherwise a \
               stream. The answers to a batch are collected until `last`.",
        causes: "notifications wait for the reply. A flush has to send everything that was sent before.",
    },
    Promise {
        number: 5,
        title: "Errors that carry a message",
        text: "A JSON-RPC error for an exchange is a [`Message`], independent of its status in the \
               carrier. A refusal by the carrier itself is [`Inbound::Lost`].",
        causes: "a status or an exception of the carrier hides the error object, or a payload is parsed and written again. Write with Message::write_to, read with message::decode.",
    },
    Promise {
        number: 6,
        title: "Sending",
        text: "[`TransportSender::send`] waits neither for an answer nor for capacity that only a later \
               send, or a `recv` at this end, frees. A message without a route is rejected at once.",
        causes: "send waits for the answer, or holds a lock across an await that the reading half needs. The two halves must not share such a lock. Or a message is dropped where the carrier is full.",
    },
    Promise {
        number: 7,
        title: "Order",
        text: "Messages keep their order within a lane; none is dropped silently, none is delivered \
               twice. A binding that is `ordered` keeps the order across lanes. Any other reports \
               [`Inbound::Delivered`] for messages that expect no answer.",
        causes: "recv keeps what it has taken in a local variable while it awaits something else, so a dropped future loses it (docs/cancel-safety.md). Or a full queue drops messages instead of making its writer wait. Or the client never gets LaneFrame::Taken for a message that is not a request (mcp_core::transport::lanes).",
    },
    Promise {
        number: 8,
        title: "Closing",
        text: "[`TransportSender::close`] is idempotent and bounded in time. The driver goes on \
               receiving while it runs. Dropping a [`Connect::connect`] future leaks nothing.",
        causes: "a task or a connection outlives both halves, or a half uses a carrier that has ended. Remember the end, and end everything that serves a half with it.",
    },
];

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The promise was kept.
    Passed,
    /// The promise was broken.
    Failed {
        /// What was observed instead.
        seen: String,
    },
    /// The check does not apply.
    Skipped {
        /// Why.
        why: String,
    },
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The promise's number.
    pub promise: u8,
    /// The statement that is checked.
    pub name: &'static str,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The fixture's name.
    pub transport: String,
    /// Every check, in order.
    pub checks: Vec<CheckReport>,
}

impl Report {
    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }

    /// The checks that were skipped.
    pub fn skipped(&self) -> impl Iterator<Item = &CheckReport> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Skipped { .. }))
    }

    /// How many checks passed.
    pub fn passed(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome == Outcome::Passed).count()
    }

    /// What every check observed, if none passed: there was no link.
    fn common_failure(&self) -> Option<&str> {
        let mut seen = self.failed().filter_map(|check| match &check.outcome {
            Outcome::Failed { seen } => Some(seen.as_str()),
            _ => None,
        });
        let first = seen.next()?;
        (self.passed() == 0 && self.checks.len() > 1 && seen.all(|seen| seen == first)).then_some(first)
    }

    /// Asserts that at least one check passed and none failed.
    ///
    /// # Panics
    ///
    /// With the whole report if a check failed, or if none passed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().next().is_none() && self.passed() > 0, "{self}");
    }
}

/// Removes the markup of the documentation.
fn plain(text: &str) -> String {
    text.replace(['[', ']', '`'], "")
}

/// Lists each promise that was checked and its checks; for a broken one also its text, what was observed, and the usual
/// causes.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failed().count(), self.skipped().count());
        writeln!(f, "{}: {} passed, {failed} failed, {skipped} skipped", self.transport, self.passed())?;
        if let Some(seen) = self.common_failure() {
            writeln!(f, "No check got beyond this: {seen}")?;
            let checked = |promise: &Promise| self.checks.iter().any(|check| check.promise == promise.number);
            for Promise { number, title, text, .. } in PROMISES.iter().filter(|promise| checked(promise)) {
                writeln!(f, "{number}. {title}: not reached\n   \"{}\"", plain(text))?;
            }
            return Ok(());
        }
        for promise in PROMISES {
            let checks: Vec<_> = self.checks.iter().filter(|check| check.promise == promise.number).collect();
            let all = |is: fn(&Outcome) -> bool| checks.iter().all(|check| is(&check.outcome));
            let verdict = match () {
                () if checks.is_empty() => continue,
                () if !all(|outcome| !matches!(outcome, Outcome::Failed { .. })) => "BROKEN",
                () if all(|outcome| matches!(outcome, Outcome::Skipped { .. })) => "not checked",
                () => "kept",
            };
            writeln!(f, "{}. {}: {verdict}", promise.number, promise.title)?;
            if verdict == "BROKEN" {
                writeln!(f, "   \"{}\"", plain(promise.text))?;
            }
            for check in checks {
                match &check.outcome {
                    Outcome::Passed => writeln!(f, "   pass  {}", check.name)?,
                    Outcome::Failed { seen } => {
                        writeln!(f, "   FAIL  {}\n         seen: {seen}", check.name)?;
                    }
                    Outcome::Skipped { why } => {
                        writeln!(f, "   skip  {}\n         because {why}", check.name)?;
                    }
                }
            }
            if verdict == "BROKEN" {
                writeln!(f, "   usually: {}", promise.causes)?;
            }
        }
        Ok(())
    }
}
