//! Departures from the protocol that do not stop a conversation.

/// A departure that is accepted, with one warning for each link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// An answer has its numeric id as a string.
    IdAsText,
    /// An error names no request, and one request is open.
    ErrorWithoutId,
    /// An answer has both a result and an error, one of them `null`.
    NullMember,
}

/// The departures of one link that were reported.
#[derive(Debug, Default)]
pub(super) struct Departures(u8);

impl Departures {
    /// Warns of a departure if it is the first of its kind on this link.
    // FAULT F-C11, F-S16.
    pub(super) fn warn_once(&mut self, what: Departure) {
        let bit = 1 << what as u8;
        if self.0 & bit != 0 {
            return;
        }
        self.0 |= bit;
        let what = match what {
            Departure::IdAsText => "an answer has its id as a string",
            Departure::ErrorWithoutId => "an error names no request, and settles the only open one",
            Departure::NullMember => "an answer has a result and an error, one of them null",
        };
        tracing::warn!("{what}; this is accepted, and reported once for each link");
    }
}
