//! Transports that each break one promise on purpose. They prove that the kit detects it.
//!
//! Each is the in-memory pair with one [`Flaw`] at one end.
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
use std::sync::{Arc, MutexGuard};

use mcp_core::message::RequestId;
use mcp_core::transport::{Binding, Lane, Transport, TransportReceiver, TransportSender, memory};

use crate::lock::Lock;

/// One way to break a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// 1: the server's end reports every call on lane 1.
    OneLane,
    /// 1: the client's end delivers replies on lanes that it makes up.
    ClientMints,
    /// 1: on a byte stream, the server's end delivers each call on a separate lane.
    LanesOnAStream,
    /// 2: the client's end finds the lane of a reply by its id.
    RoutesById,
    /// 2: the server's end turns `"7"` into `7`.
    RetypesIds,
    /// 3: the client's end does not send an `End`.
    SwallowsEnd,
    /// 3: the server's end accepts messages that it can no longer deliver.
    AcceptsLate,
    /// 4: the server's end sends only the last message of a lane.
    LastOnly,
    /// 4: the server's end holds notifications back until the reply.
    HoldsNotes,
    /// 5: the client's end reports an error object as a loss.
    LosesErrors,
    /// 5: the client's end parses payloads into a tree and writes them again.
    Reencodes,
    /// 6: the client's send of a call waits for its answer.
    WaitsForAnswer,
    /// 6: the server's end waits for a route to the peer where there is none.
    WaitsForRoute,
    /// 6: at the client, a waiting send blocks `recv`.
    OneLock,
    /// 7: the client's end drops every seventh message.
    Drops,
    /// 7: the client's end sends every seventh message twice.
    Doubles,
    /// 7: the server's end lets every seventh message be overtaken by the next.
    Swaps,
    /// 7: the server's `recv` awaits again after it has taken a message.
    TearsAtServer,
    /// 7: the same at the client.
    TearsAtClient,
    /// 7: the client's end never reports `Delivered`.
    NeverDelivered,
    /// 7: the client's end reports `Delivered` for calls too.
    DeliversCalls,
    /// 8: the client's close never returns.
    HangsInClose,
    /// 8: the server's close is an error the second time.
    ClosesTwice,
    /// 8: the server's end does not notice that the client is gone.
    MissesTheEnd,
    /// 8: the client's `recv` ends cleanly, and with an error in the next call.
    EndsTwice,
    /// 8: the server's close discards messages in flight.
    CutsReplies,
}

impl Flaw {
    /// All flaws.
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

    /// A binding that the promise applies to: a stream, or exchanges.
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
    // Capacity for one message each way, so that every send waits for the peer and a hang shows.
    let (client, server) = memory::Pair::new(binding).capacity(1).link();
    let flaw_of = |client| (flaw.is_in_the_client() == client).then_some(flaw);
    (
        Broken { inner: Box::new(client), flaw: flaw_of(true) },
        Broken { inner: Box::new(server), flaw: flaw_of(false) },
    )
}

/// One end of a link, with or without a flaw.
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

/// The state that both halves of a flawed end share.
#[derive(Default)]
struct Shared {
    state: Lock<State>,
    answered: tokio::sync::Notify,
    lock: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The lane of the latest call.
    last_lane: Option<Lane>,
    /// The lane of the latest call with each id.
    lanes: HashMap<RequestId, Lane>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
