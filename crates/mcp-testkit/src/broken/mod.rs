//! Transports that break one promise each, on purpose: they prove that the kit looks.
//!
//! Each is the in-memory pair with one [`Flaw`] in one of its ends.
//!
//! ```
//! use mcp_testkit::broken::{self, Flaw};
//! use mcp_testkit::compliance;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let flaw = Flaw::ClosesTwice;
//! let fixture = compliance::pairs("broken", || async move { Ok(broken::pair(flaw, flaw.binding())) });
//! let report = compliance::run(&fixture).await;
//! assert!(report.failed().any(|check| check.promise == flaw.promise()));
//! # }
//! ```

mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_core::message::RequestId;
use mcp_core::transport::{Binding, Lane, Transport, TransportReceiver, TransportSender, memory};

/// One way to break a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// 1: the server's end names every call's lane 1.
    OneLane,
    /// 1: the client's end hands replies over on lanes of its own making.
    ClientMints,
    /// 1: on a byte stream, the server's end hands calls over on lanes of their own.
    LanesOnAStream,
    /// 2: the client's end finds the lane of a reply by its id.
    RoutesById,
    /// 2: the server's end turns `"7"` into `7`.
    RetypesIds,
    /// 3: the client's end keeps an `End` to itself.
    SwallowsEnd,
    /// 3: the server's end accepts what it can not deliver any more.
    AcceptsLate,
    /// 4: the server's end sends only the last message of a lane.
    LastOnly,
    /// 4: the server's end keeps notifications until the reply.
    HoldsNotes,
    /// 5: the client's end reports an error object as a loss.
    LosesErrors,
    /// 5: the client's end reads payloads into a tree and writes them anew.
    Reencodes,
    /// 6: the client's send of a call waits for its answer.
    WaitsForAnswer,
    /// 6: the server's end waits for a way to the peer where there is none.
    WaitsForRoute,
    /// 6: at the client, a send that waits keeps `recv` from going on.
    OneLock,
    /// 7: the client's end drops every seventh message.
    Drops,
    /// 7: the client's end sends every seventh message twice.
    Doubles,
    /// 7: the server's end lets every seventh message be overtaken by the next.
    Swaps,
    /// 7: the server's `recv` has taken a message when it waits once more.
    TearsAtServer,
    /// 7: the same at the client.
    TearsAtClient,
    /// 7: the client's end never says `Delivered`.
    NeverDelivered,
    /// 7: the client's end says `Delivered` for calls as well.
    DeliversCalls,
    /// 8: the client's close never returns.
    HangsInClose,
    /// 8: the server's close is an error the second time.
    ClosesTwice,
    /// 8: the server's end does not notice that the client is gone.
    MissesTheEnd,
    /// 8: the client's `recv` ends cleanly, and with an error when asked again.
    EndsTwice,
    /// 8: the server's close throws away what is under way.
    CutsReplies,
}

impl Flaw {
    /// All of them.
    pub const ALL: &'static [Flaw] = &[
        Flaw::OneLane,
        Flaw::ClientMints,
        Flaw::LanesOnAStream,
        Flaw::RoutesById,
        Flaw::RetypesIds,
        Flaw::SwallowsEnd,
        Flaw::AcceptsLate,
        Flaw::LastOnly,
        Flaw::HoldsNotes,
        Flaw::LosesErrors,
        Flaw::Reencodes,
        Flaw::WaitsForAnswer,
        Flaw::WaitsForRoute,
        Flaw::OneLock,
        Flaw::Drops,
        Flaw::Doubles,
        Flaw::Swaps,
        Flaw::TearsAtServer,
        Flaw::TearsAtClient,
        Flaw::NeverDelivered,
        Flaw::DeliversCalls,
        Flaw::HangsInClose,
        Flaw::ClosesTwice,
        Flaw::MissesTheEnd,
        Flaw::EndsTwice,
        Flaw::CutsReplies,
    ];

    /// The promise that it breaks.
    pub fn promise(self) -> u8 {
        match self {
            Flaw::OneLane | Flaw::ClientMints | Flaw::LanesOnAStream => 1,
            Flaw::RoutesById | Flaw::RetypesIds => 2,
            Flaw::SwallowsEnd | Flaw::AcceptsLate => 3,
            Flaw::LastOnly | Flaw::HoldsNotes => 4,
            Flaw::LosesErrors | Flaw::Reencodes => 5,
            Flaw::WaitsForAnswer | Flaw::WaitsForRoute | Flaw::OneLock => 6,
            Flaw::Drops
            | Flaw::Doubles
            | Flaw::Swaps
            | Flaw::TearsAtServer
            | Flaw::TearsAtClient
            | Flaw::NeverDelivered
            | Flaw::DeliversCalls => 7,
            Flaw::HangsInClose
            | Flaw::ClosesTwice
            | Flaw::MissesTheEnd
            | Flaw::EndsTwice
            | Flaw::CutsReplies => 8,
        }
    }

    /// A binding that owes the promise: a stream, or exchanges.
    pub fn binding(self) -> Binding {
        match self {
            Flaw::OneLane
            | Flaw::ClientMints
            | Flaw::RoutesById
            | Flaw::SwallowsEnd
            | Flaw::AcceptsLate
            | Flaw::WaitsForRoute
            | Flaw::NeverDelivered
            | Flaw::DeliversCalls => Binding::new("exchanges").continuous(true),
            _ => Binding::STREAM,
        }
    }

    fn is_in_the_client(self) -> bool {
        matches!(
            self,
            Flaw::ClientMints
                | Flaw::RoutesById
                | Flaw::SwallowsEnd
                | Flaw::LosesErrors
                | Flaw::Reencodes
                | Flaw::WaitsForAnswer
                | Flaw::Drops
                | Flaw::Doubles
                | Flaw::TearsAtClient
                | Flaw::NeverDelivered
                | Flaw::DeliversCalls
                | Flaw::OneLock
                | Flaw::HangsInClose
                | Flaw::EndsTwice
        )
    }
}

/// A client's and a server's end of a link with this flaw.
pub fn pair(flaw: Flaw, binding: Binding) -> (Broken, Broken) {
    // One place each way: every send waits for the peer, so that whatever can hang does.
    let (client, server) = memory::Pair::new(binding).capacity(1).link();
    let flaw_of = |client| (flaw.is_in_the_client() == client).then_some(flaw);
    (
        Broken { inner: Box::new(client), flaw: flaw_of(true) },
        Broken { inner: Box::new(server), flaw: flaw_of(false) },
    )
}

/// One end of a link, with a flaw or without.
pub struct Broken {
    inner: Box<dyn Transport>,
    flaw: Option<Flaw>,
}

impl Transport for Broken {
    fn binding(&self) -> Binding {
        self.inner.binding()
    }

    fn split(self: Box<Self>) -> (Box<dyn TransportSender>, Box<dyn TransportReceiver>) {
        let (sender, receiver) = self.inner.split();
        let Some(flaw) = self.flaw else { return (sender, receiver) };
        let shared = Arc::new(Shared::default());
        (
            Box::new(send::Sender::new(sender, flaw, shared.clone())),
            Box::new(receive::Receiver::new(receiver, flaw, shared)),
        )
    }
}

/// What the two halves of a flawed end both need.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    answered: tokio::sync::Notify,
    lock: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The lane that a call arrived on last.
    last_lane: Option<Lane>,
    /// The lane of the last call with each id.
    lanes: HashMap<RequestId, Lane>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
