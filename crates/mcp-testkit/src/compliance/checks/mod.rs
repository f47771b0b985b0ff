//! The checks, by promise.

mod closing;
mod correlation;
mod errors;
mod form;
mod life;
mod minting;
mod order;
mod sending;

use futures::future::BoxFuture;

use super::Verdict;
use super::bench::Bench;

/// One check.
pub(super) struct Check {
    pub(super) promise: u8,
    /// A sentence that is true if the promise is kept.
    pub(super) name: &'static str,
    pub(super) run: for<'a> fn(&'a Bench<'a>) -> BoxFuture<'a, Verdict>,
}

macro_rules! checks {
    ($($promise:literal $name:literal $run:path,)*) => {
        /// Every check of the kit, by promise.
        pub(super) const CHECKS: &[Check] =
            &[$(Check { promise: $promise, name: $name, run: |bench| Box::pin($run(bench)) },)*];
    };
}

checks! {
    1 "the server's lanes are fresh, or shared" minting::server_lanes,
    1 "the client's end uses the session's lanes" minting::client_lanes,
    2 "answers in any order find their calls" correlation::any_order,
    2 "equal ids on two lanes are two calls" correlation::equal_ids,
    2 "ids come back in their exact form" correlation::ids,
    2 "a client's answer reaches the server" correlation::client_answers,
    3 "a lane is over after its last message" life::after_last,
    3 "an abandoned exchange ends at the server" life::abandoned,
    3 "an exchange may end without an answer" life::unanswered,
    4 "a single reply is one message" form::one_body,
    4 "notifications go before the reply" form::a_stream,
    4 "the answers to a batch are one array" form::batch,
    5 "an error object is a message" errors::error_objects,
    5 "payloads pass byte for byte" errors::payloads,
    5 "bad input is refused, and the link continues" errors::bad_input,
    6 "send does not wait for answers" sending::no_waiting,
    6 "send waits only for the reader" sending::slow_reader,
    6 "large messages pass both ways at once" sending::large,
    6 "a message without a route is rejected at once" sending::nowhere,
    7 "nothing is lost, doubled or late from the client" order::upward,
    7 "a lane keeps its order" order::in_a_lane,
    7 "an ordered link keeps the order of all lanes" order::across_lanes,
    7 "delivery is reported where order is not kept" order::delivered,
    7 "recv loses nothing when dropped, at the server" order::cancel_safe_server,
    7 "recv loses nothing when dropped, at the client" order::cancel_safe_client,
    8 "the client's close is idempotent and ends" closing::client_close,
    8 "the server's close is idempotent and ends" closing::server_close,
    8 "replies in flight arrive before the end" closing::replies_first,
    8 "nothing hangs when the server vanishes" closing::vanished_server,
    8 "nothing hangs when the client vanishes" closing::vanished_client,
    8 "a dropped connect leaks nothing" closing::dropped_connect,
}
