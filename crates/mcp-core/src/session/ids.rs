//! Local ids of things in flight. They are never sent.

macro_rules! local_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u64);
    };
}

local_id! {
    /// A call by a client. Stable across retries, which use new request ids.
    CallId
}
local_id! {
    /// A subscription by a client. Stable across reconnects.
    ListenId
}
local_id! {
    /// A request for input by the server (elicitation, sampling, roots), in either era.
    InputId
}
local_id! {
    /// A request that a server accepted and owes one outcome.
    ExchangeId
}
local_id! {
    /// A request by a legacy server to its client.
    OutgoingId
}
