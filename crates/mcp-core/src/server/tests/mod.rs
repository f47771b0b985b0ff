//! Tests of the server: a peer that writes JSON by hand, over the in-memory pair.

mod bounds;
mod definitions;
mod drain;
mod exchange;
mod legacy;
mod link;
mod live;
#[cfg(feature = "macros")]
mod macros;
mod notify;
#[cfg(feature = "schemars")]
mod questions;
mod router;
#[cfg(feature = "schemars")]
mod schema;
mod script;
#[cfg(feature = "seal")]
mod seal;
#[cfg(feature = "seal")]
mod seal_handler;
mod state;
mod tool_errors;
mod typed;
mod unread;

use std::time::Duration;

use crate::message::{Decoded, Message, RawJson, decode};
use crate::server::{Handler, Server};
use crate::transport::{
    Binding, Envelope, Inbound, Lane, Outbound, Transport, TransportReceiver, TransportSender, memory,
};

/// A client that sends and receives JSON text.
pub(super) struct Peer {
    sender: Box<dyn TransportSender>,
    receiver: Box<dyn TransportReceiver>,
    lanes: u64,
}

impl Peer {
    /// Serves a link of this binding in a separate task.
    pub(super) fn of(server: &Server, binding: Binding) -> Peer {
        Peer::with(server, &memory::Pair::new(binding))
    }

    pub(super) fn with(server: &Server, pair: &memory::Pair) -> Peer {
        let (client, end) = pair.link();
        let server = server.clone();
        tokio::spawn(async move { server.serve(end).await });
        Peer::on(client)
    }

    /// The client of a link that is served elsewhere.
    pub(super) fn on(link: impl Transport) -> Peer {
        let (sender, receiver) = Box::new(link).split();
        Peer { sender, receiver, lanes: 0 }
    }

    /// Sends one message on its own lane.
    pub(super) async fn send(&mut self, text: &str) -> Lane {
        let Decoded::One(Ok(message)) = decode(text.to_owned().into()) else {
            panic!("not a message: {text}")
        };
        self.lanes += 1;
        let lane = Lane::numbered(self.lanes);
        let envelope = Envelope::default();
        let out = Outbound::message(message, lane).last(true).with_envelope(envelope);
        self.sender.send(out).await.unwrap();
        lane
    }

    /// A modern request. `params` without `_meta`.
    pub(super) async fn modern(&mut self, id: u32, method: &str, params: &str) -> Lane {
        let params = RawJson::parse(params.to_owned()).unwrap();
        let meta = params.member("_meta").unwrap_or_default().with_members(&[
            ("io.modelcontextprotocol/protocolVersion", &RawJson::string("2026-07-28")),
            ("io.modelcontextprotocol/clientCapabilities", &RawJson::EMPTY_OBJECT),
        ]);
        let params = params.with_members(&[("_meta", &meta)]);
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)).await
    }

    /// The legacy handshake.
    pub(super) async fn initialize(&mut self, capabilities: &str) {
        self.initialize_with("2025-11-25", capabilities).await;
    }

    pub(super) async fn initialize_with(&mut self, version: &str, capabilities: &str) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":"init","method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"t","version":"1"}}}}}}"#
        ))
        .await;
        assert!(self.text().await.contains("protocolVersion"));
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    }

    /// The next message, or `None` at the end of the link.
    pub(super) async fn next(&mut self) -> Option<Message> {
        loop {
            match self.receiver.recv().await {
                Ok(Some(Inbound::Message { message, .. })) => return Some(message),
                Ok(Some(Inbound::Delivered { .. })) => {}
                Ok(Some(other)) => panic!("unexpected: {other:?}"),
                Ok(None) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next message as text; empty at the end of the link.
    pub(super) async fn text(&mut self) -> String {
        self.next().await.as_ref().map(text).unwrap_or_default()
    }

    /// Nothing comes within a while.
    pub(super) async fn silence(&mut self) {
        let next = tokio::time::timeout(Duration::from_secs(1), self.next()).await;
        assert!(next.is_err(), "unexpected: {next:?}");
    }

    pub(super) async fn end(&mut self, lane: Lane) {
        let why = crate::transport::EndReason::Cancelled;
        self.sender.send(Outbound::end(lane, why)).await.unwrap();
    }

    pub(super) async fn close_sending(&mut self) {
        self.sender.close().await.unwrap();
    }
}

pub(super) fn text(message: &Message) -> String {
    let mut out = Vec::new();
    message.write_to(&mut out);
    String::from_utf8(out).unwrap()
}

pub(super) fn server(handler: impl Handler) -> Server {
    Server::builder("test", "1").build(handler).unwrap()
}

/// A binding like HTTP: each message on its own exchange, which is cancelled by ending it.
pub(super) const EXCHANGES: Binding = Binding::new("exchanges");

/// The link of one modern HTTP request.
pub(super) const ONE: Binding = EXCHANGES.one_exchange(true);
