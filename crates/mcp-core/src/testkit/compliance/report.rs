//! What the kit found out, for people.

use std::fmt;

/// One of the eight promises of [`crate::transport`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Its number.
    pub number: u8,
    /// Its name.
    pub title: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The promises, word for word as they stand in [`crate::transport`].
pub const PROMISES: [Promise; 8] = [
    Promise {
        number: 1,
        title: "Minting",
        text: "On a client link only the session mints lanes: a fresh one for every message, notifications \
               and answers too. On a server link only the transport does. Byte streams use [`Lane::SHARED`] \
               for all but batches.",
    },
    Promise {
        number: 2,
        title: "Correlation",
        text: "Delivery is by lane. A response on a lane of its own settles that lane: an absent or null id \
               is accepted, another id is a violation. One on [`Lane::SHARED`], or sent back by a client, \
               is matched by (link, direction, typed id). Inbound requests are keyed by (lane, id).",
    },
    Promise {
        number: 3,
        title: "Life",
        text: "A lane ends by `last`, [`Outbound::End`], [`Inbound::Lost`] or [`Inbound::Ended`]. A lane \
               that brought no request is released once `recv` has handed its message over.",
    },
    Promise {
        number: 4,
        title: "Form",
        text: "The first [`Outbound`] on a lane decides: `last` means one body, otherwise a stream. The \
               answers to a batch are collected until `last`.",
    },
    Promise {
        number: 5,
        title: "Errors that carry a message",
        text: "A JSON-RPC error for an exchange is a [`Message`], whatever status it came with. Where the \
               carrier itself refused, it is [`Inbound::Lost`].",
    },
    Promise {
        number: 6,
        title: "Sending",
        text: "[`TransportSender::send`] waits neither for an answer nor for capacity that only a later \
               send frees. A message that has nowhere to go is rejected at once.",
    },
    Promise {
        number: 7,
        title: "Order",
        text: "In order within a lane; nothing dropped silently, nothing twice. A binding that is \
               `ordered` keeps the order of all lanes; any other says [`Inbound::Delivered`] for messages \
               that expect no answer.",
    },
    Promise {
        number: 8,
        title: "Closing",
        text: "[`TransportSender::close`] is idempotent and bounded in time. While it runs, the driver goes \
               on receiving. Dropping a [`Connect::connect`] future leaks nothing.",
    },
];

/// How one check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The promise was kept.
    Passed,
    /// The promise was broken.
    Failed {
        /// What was seen instead.
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
pub struct CheckReport {
    /// The promise's number.
    pub promise: u8,
    /// What is checked.
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Panics with the whole report if a check failed, or if none passed.
    ///
    /// # Panics
    ///
    /// That is what it is for.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().next().is_none() && self.passed() > 0, "{self}");
    }
}

/// Each promise that was checked, quoted where it was broken, with a line for each check.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, skipped) = (self.failed().count(), self.skipped().count());
        writeln!(f, "{}: {} passed, {failed} failed, {skipped} skipped", self.transport, self.passed())?;
        for promise in PROMISES {
            let checks: Vec<_> = self.checks.iter().filter(|check| check.promise == promise.number).collect();
            if checks.is_empty() {
                continue;
            }
            writeln!(f, "{}. {}", promise.number, promise.title)?;
            if checks.iter().any(|check| matches!(check.outcome, Outcome::Failed { .. })) {
                writeln!(f, "   \"{}\"", promise.text.replace(['[', ']', '`'], ""))?;
            }
            for check in checks {
                match &check.outcome {
                    Outcome::Passed => writeln!(f, "   pass  {}", check.name)?,
                    Outcome::Failed { seen } => writeln!(f, "   FAIL  {}: {seen}", check.name)?,
                    Outcome::Skipped { why } => writeln!(f, "   skip  {}: {why}", check.name)?,
                }
            }
        }
        Ok(())
    }
}
