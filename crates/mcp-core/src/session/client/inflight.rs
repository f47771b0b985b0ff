//! Requests in flight, by the number that is both request id and lane.

use crate::message::RequestId;
use crate::session::{CallId, ListenId};
use crate::transport::Lane;
use rustc_hash::FxHashMap;

/// The purpose of a request in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The era probe: `server/discover`.
    Probe,
    /// `initialize`. Never cancelled.
    // CANC-C-002.
    Initialize,
    /// The application's call.
    Call(CallId),
    /// A keep-alive.
    Ping,
    /// `subscriptions/listen`.
    Listen(ListenId),
    /// `resources/subscribe` for this URI.
    Subscribe(String),
    /// A request of the session's own whose answer is ignored.
    Unheeded,
}

/// Which request a response answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The request of this number.
    Number(u64),
    /// It came on the lane of this request, with another id.
    WrongId(u64),
    /// No request in flight.
    None,
}

/// The requests in flight. Numbers are never reused, also across links.
// ID-B-003.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    entries: FxHashMap<u64, Purpose>,
    last: u64,
}

impl InFlight {
    /// A fresh number, for a request or for the lane of any other message.
    pub(super) fn mint(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn insert(&mut self, number: u64, purpose: Purpose) {
        self.entries.insert(number, purpose);
    }

    pub(super) fn get(&self, number: u64) -> Option<&Purpose> {
        self.entries.get(&number)
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Purpose> {
        self.entries.remove(&number)
    }

    /// The only request in flight, if there is exactly one.
    pub(super) fn only(&self) -> Option<(u64, &Purpose)> {
        let (number, purpose) = self.entries.iter().next()?;
        (self.entries.len() == 1).then_some((*number, purpose))
    }

    /// Whether this number was ever made.
    pub(super) fn was_minted(&self, id: Option<&RequestId>) -> bool {
        let number = id.and_then(|id| plain_number(id).or_else(|| listen_number(id)));
        number.is_some_and(|number| number <= self.last)
    }

    /// Removes the requests for which `which` returns true, in the order they were made.
    pub(super) fn drain(&mut self, mut which: impl FnMut(&Purpose) -> bool) -> Vec<(u64, Purpose)> {
        let mut taken: Vec<(u64, Purpose)> = self.entries.extract_if(|_, purpose| which(purpose)).collect();
        taken.sort_unstable_by_key(|(number, _)| *number);
        taken
    }

    /// Correlation (promise 2): by lane if the message did not come on the shared lane, by typed id otherwise.
    pub(super) fn find(&self, lane: Lane, id: Option<&RequestId>) -> Match {
        if !lane.is_shared() {
            let number = lane.number();
            return match (self.entries.get(&number), id) {
                (None, _) => Match::None,
                (Some(_), None) => Match::Number(number),
                (Some(purpose), Some(id)) if names(id, number, purpose) => Match::Number(number),
                (Some(_), Some(_)) => Match::WrongId(number),
            };
        }
        let number = id.and_then(|id| plain_number(id).or_else(|| listen_number(id)));
        let found = number.zip(id).filter(|(number, id)| {
            self.entries.get(number).is_some_and(|purpose| names(id, *number, purpose))
        });
        found.map_or(Match::None, |(number, _)| Match::Number(number))
    }

    /// The request that an id or progress token of this side names.
    pub(super) fn by_id(&self, id: &RequestId) -> Option<(u64, &Purpose)> {
        match self.find(Lane::SHARED, Some(id)) {
            Match::Number(number) => self.entries.get(&number).map(|purpose| (number, purpose)),
            Match::WrongId(_) | Match::None => None,
        }
    }
}

/// The id of a request on the wire. Subscriptions have string ids: they are returned in `_meta`, where some peers turn
/// numbers into strings.
// T-13.
pub(super) fn wire_id(number: u64, purpose: &Purpose) -> RequestId {
    match purpose {
        Purpose::Listen(_) => RequestId::from(format!("{LISTEN}{number}")),
        _ => RequestId::from(i64::try_from(number).unwrap_or(i64::MAX)),
    }
}

const LISTEN: &str = "listen-";

/// The number of a request whose id is a number. Some peers return every id as a string, which can mean no other
/// request: all other ids of this side begin with [`LISTEN`].
// T-22; FAULT F-C11.
fn plain_number(id: &RequestId) -> Option<u64> {
    match id.as_str() {
        Some(text) => number(text),
        None => id.as_i64().and_then(|number| u64::try_from(number).ok()),
    }
}

fn listen_number(id: &RequestId) -> Option<u64> {
    number(id.as_str()?.strip_prefix(LISTEN)?)
}

/// A number in the one form that this side writes.
fn number(digits: &str) -> Option<u64> {
    let number = digits.parse::<u64>().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn names(id: &RequestId, number: u64, purpose: &Purpose) -> bool {
    let named = match purpose {
        Purpose::Listen(_) => listen_number(id),
        _ => plain_number(id),
    };
    named == Some(number)
}
