//! Names of things in flight, as the application sees them. They never stand on the wire.

macro_rules! local_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u64);
    };
}

local_id! {
    /// A call of a client. Stays the same over retries, which use fresh request ids.
    CallId
}
local_id! {
    /// A subscription of a client. Stays the same over reconnects.
    ListenId
}
local_id! {
    /// A question of the server to the client: elicitation, sampling, roots; in both eras.
    InputId
}
local_id! {
    /// A request that a server accepted and owes one outcome.
    ExchangeId
}
local_id! {
    /// A request of a legacy server to its client.
    OutgoingId
}
