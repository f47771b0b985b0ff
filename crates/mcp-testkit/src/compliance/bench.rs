//! What a check works with: a new link whose two sessions the check plays.

use std::collections::HashSet;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use mcp_core::message::{Message, RawJson, RequestId};
use mcp_core::transport::{
    Binding, Connect, EndReason, ErrorChain, Inbound, Lane, LossKind, Outbound, SendError, Transport,
    TransportSender,
};

use super::hub::{Arrived, Hub, Reading, Seen, ServerLink, read};
use super::traffic::{self, describe, kind};
use super::{Dialect, Fixture, Stop, Verdict, ensure, fail, has_exchanges};
use crate::lock::Lock;

/// Opens links, and records what the check waits for.
pub(super) struct Bench<'a> {
    pub(super) fixture: &'a dyn Fixture,
    waiting: Lock<String>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(fixture: &'a dyn Fixture) -> Bench<'a> {
        Bench { fixture, waiting: Lock::new("the start".to_owned()) }
    }

    pub(super) fn wait(&self, what: impl Into<String>) {
        *self.waiting.lock() = what.into();
    }

    pub(super) fn waiting(&self) -> String {
        self.waiting.lock().clone()
    }

    pub(super) async fn open(&self) -> Verdict<Rig<'_>> {
        self.open_reading(Reading::Plain, Reading::Plain).await
    }

    /// A link whose receivers are driven like this, after its legacy handshake.
    pub(super) async fn open_reading(&self, client: Reading, server: Reading) -> Verdict<Rig<'_>> {
        self.wait("the fixture to start");
        let (hub, gather) = Hub::new(server);
        let started = self.fixture.start(gather).await;
        let mut connect = started.map_err(|error| {
            Stop::Fail(format!("the fixture did not start: {}", ErrorChain::new(&*error)))
        })?;
        self.wait("connect");
        let link = connect.connect().await;
        let link =
            link.map_err(|error| Stop::Fail(format!("connect failed: {}", ErrorChain::new(&error))))?;
        let mut rig = Rig {
            bench: self,
            dialect: self.fixture.dialect(),
            client: Client::new(link, client),
            hub,
            finished: HashSet::new(),
            _connect: connect,
        };
        if let Dialect::Legacy(version) = rig.dialect {
            let lane = rig.client.lane();
            rig.send(traffic::initialize(version), lane).await?;
            let asked = rig.at_server().await?;
            rig.reply(&asked, traffic::initialized_result("kit-initialize".into(), version)).await?;
            rig.at_client().await?;
            let lane = rig.client.lane();
            let note = mcp_core::message::Notification::new("notifications/initialized", None);
            rig.send(note.into(), lane).await?;
            if self.fixture.carries_notifications() {
                rig.at_server().await?;
            }
            rig.expect_delivered(lane).await?;
        }
        Ok(rig)
    }
}

/// The client's end of the link.
pub(super) struct Client {
    pub(super) binding: Binding,
    pub(super) sender: Box<dyn TransportSender>,
    pub(super) events: mpsc::UnboundedReceiver<Seen>,
    open: watch::Sender<bool>,
    last_lane: u64,
    reader: JoinHandle<()>,
}

impl Client {
    fn new(link: Box<dyn Transport>, reading: Reading) -> Client {
        let binding = link.binding();
        let (sender, receiver) = link.split();
        let (tell, events) = mpsc::unbounded_channel();
        let (open, opened) = watch::channel(true);
        let reader = tokio::spawn(read(receiver, reading, opened, move |seen| {
            let _nobody_looks = tell.send(seen);
        }));
        Client { binding, sender, events, open, last_lane: 0, reader }
    }

    /// A fresh lane, minted as a session does.
    pub(super) fn lane(&mut self) -> Lane {
        self.last_lane += 1;
        Lane::numbered(self.last_lane)
    }

    /// Pauses or resumes reading, after the current `recv`.
    pub(super) fn read(&self, on: bool) {
        let _nobody_reads = self.open.send(on);
    }

    /// Pauses and resumes reading while the rest of the client is in use.
    pub(super) fn reading(&self) -> watch::Sender<bool> {
        self.open.clone()
    }

    /// Drops both halves without closing.
    pub(super) async fn vanish(mut self) {
        self.reader.abort();
        let _aborted = (&mut self.reader).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A link whose two sessions the check plays.
pub(super) struct Rig<'a> {
    pub(super) bench: &'a Bench<'a>,
    pub(super) dialect: Dialect,
    pub(super) client: Client,
    pub(super) hub: Hub,
    finished: HashSet<(usize, Lane)>,
    _connect: Box<dyn Connect>,
}

impl Rig<'_> {
    pub(super) fn has_exchanges(&self) -> bool {
        has_exchanges(self.client.binding)
    }

    /// Sends a client's message and flushes.
    pub(super) async fn send(&mut self, message: Message, lane: Lane) -> Verdict {
        let what = kind(&message);
        self.bench.wait(format!("send at the client, of a {what}"));
        let sent = self.try_send(traffic::out(self.dialect, message, lane, true)).await;
        sent.map_err(|error| {
            Stop::Fail(format!("the client's send of a {what} failed: {}", ErrorChain::new(&error)))
        })
    }

    async fn try_send(&mut self, out: Outbound) -> Result<(), SendError> {
        self.client.sender.send(out).await?;
        Ok(self.client.sender.flush().await?)
    }

    /// Sends a call, on a fresh lane.
    pub(super) async fn call(&mut self, id: impl Into<RequestId>, payload: RawJson) -> Verdict<Lane> {
        let lane = self.client.lane();
        self.send(traffic::call(self.dialect, id.into(), payload), lane).await?;
        Ok(lane)
    }

    /// Sends a notification, on a fresh lane.
    pub(super) async fn notify(&mut self, payload: RawJson) -> Verdict<Lane> {
        let lane = self.client.lane();
        self.send(traffic::client_note(self.dialect, payload), lane).await?;
        Ok(lane)
    }

    /// Ends a lane at the client.
    pub(super) async fn abandon(&mut self, lane: Lane) -> Verdict {
        self.bench.wait("send at the client, of an End");
        let sent = self.try_send(Outbound::end(lane, EndReason::Cancelled)).await;
        sent.map_err(|error| Stop::Fail(format!("the client's End failed: {}", ErrorChain::new(&error))))
    }

    /// The next event of a server link, except the ends that replies of the check cause.
    pub(super) async fn server_event(&mut self) -> (usize, Seen) {
        loop {
            let (link, seen) = self.hub.next().await;
            let once = self.hub.link(link).is_some_and(|link| link.binding.one_exchange);
            match &seen {
                Seen::End(_) | Seen::AfterEnd(_) if once => {}
                Seen::In(Inbound::Ended { lane, .. }) if self.finished.contains(&(link, *lane)) => {}
                _ => return (link, seen),
            }
        }
    }

    /// The next message at the server.
    pub(super) async fn at_server(&mut self) -> Verdict<Arrived> {
        self.bench.wait("a message at the server");
        match self.server_event().await {
            (link, Seen::In(Inbound::Message { message, lane, .. })) => Ok(Arrived { link, lane, message }),
            (_, other) => fail(format!("at the server, in place of a message: {other:?}")),
        }
    }

    pub(super) fn server_link(&self, index: usize) -> Verdict<ServerLink> {
        self.hub.link(index).ok_or_else(|| Stop::Fail("the server has no link".into()))
    }

    /// Sends at the server, on the lane of something that arrived.
    pub(super) async fn answer(
        &mut self,
        to: &Arrived,
        message: Message,
        last: bool,
    ) -> Result<(), SendError> {
        let out = traffic::out(self.dialect, message, to.lane, last);
        self.answer_out(to, out, last).await
    }

    async fn answer_out(&mut self, to: &Arrived, out: Outbound, last: bool) -> Result<(), SendError> {
        if let Outbound::Message { message, .. } = &out {
            self.bench.wait(format!("send at the server, of a {}", kind(message)));
        }
        let Some(link) = self.hub.link(to.link) else { return Ok(()) };
        let sent = link.send(out).await;
        if last {
            self.finished.insert((to.link, to.lane));
            if link.binding.one_exchange {
                let _closed = link.close().await;
            }
        }
        sent
    }

    /// Ignores the end of this lane from now on.
    pub(super) fn forget(&mut self, arrived: &Arrived) {
        self.finished.insert((arrived.link, arrived.lane));
    }

    /// Sends the last message on a lane as it is.
    pub(super) async fn answer_raw(&mut self, to: &Arrived, out: Outbound) -> Verdict {
        let sent = self.answer_out(to, out, true).await;
        sent.map_err(|error| Stop::Fail(format!("the server's reply failed: {}", ErrorChain::new(&error))))
    }

    /// The last message on a lane.
    pub(super) async fn reply(&mut self, to: &Arrived, message: Message) -> Verdict {
        let sent = self.answer(to, message, true).await;
        sent.map_err(|error| Stop::Fail(format!("the server's reply failed: {}", ErrorChain::new(&error))))
    }

    /// A notification on a lane, before its reply.
    pub(super) async fn note(&mut self, to: &Arrived, payload: RawJson) -> Verdict {
        let sent = self.answer(to, traffic::server_note(payload), false).await;
        sent.map_err(|error| {
            Stop::Fail(format!("the server's notification failed: {}", ErrorChain::new(&error)))
        })
    }

    pub(super) async fn client_event(&mut self) -> Seen {
        match self.client.events.recv().await {
            Some(seen) => seen,
            // The reader reports an end before it stops.
            None => std::future::pending().await,
        }
    }

    /// The next message at the client.
    pub(super) async fn at_client(&mut self) -> Verdict<(Lane, Message)> {
        self.bench.wait("a message at the client");
        match self.client_event().await {
            Seen::In(Inbound::Message { message, lane, .. }) => Ok((lane, message)),
            other => fail(format!("at the client, in place of a message: {other:?}")),
        }
    }

    /// Expects the message with this number next at the client, on this lane or the shared one.
    pub(super) async fn expect_at_client(&mut self, on: Lane, number: usize) -> Verdict<Message> {
        let (lane, message) = self.at_client().await?;
        self.check_lane(lane, on)?;
        ensure(traffic::number(&message) == Some(number), || {
            format!("at the client, in place of #{number}: a {}", describe(&message))
        })?;
        Ok(message)
    }

    /// Expects the lane of the call where lanes reach the peer, and the shared one elsewhere.
    pub(super) fn check_lane(&self, seen: Lane, called: Lane) -> Verdict {
        let expected = if self.has_exchanges() { called } else { Lane::SHARED };
        ensure(seen == expected, || {
            format!("a message for the call on {called:?} came to the client on {seen:?}, not {expected:?}")
        })
    }

    /// Expects `Delivered` for this lane next, unless the binding is ordered.
    pub(super) async fn expect_delivered(&mut self, lane: Lane) -> Verdict {
        if self.client.binding.ordered {
            return Ok(());
        }
        self.bench.wait(format!("Delivered at the client, for {lane:?}"));
        match self.client_event().await {
            Seen::In(Inbound::Delivered { lane: told, .. }) if told == lane => Ok(()),
            other => fail(format!("at the client, in place of Delivered for {lane:?}: {other:?}")),
        }
    }

    /// A call and its reply with nothing in between: the link works, and nothing was left over.
    pub(super) async fn round_trip(&mut self, number: usize) -> Verdict {
        let id = RequestId::from(format!("round-trip-{number}").as_str());
        let lane = self.call(id.clone(), traffic::numbered(number)).await?;
        let asked = self.at_server().await?;
        ensure(traffic::number(&asked.message) == Some(number), || {
            format!("at the server, in place of call #{number}: a {}", describe(&asked.message))
        })?;
        self.reply(&asked, traffic::result(id, traffic::numbered(number))).await?;
        self.expect_at_client(lane, number).await?;
        Ok(())
    }
}

/// Whether a send was rejected because there is no route to the peer, while the link continues.
pub(super) fn is_no_route(sent: &Result<(), SendError>) -> bool {
    matches!(sent, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute)
}
