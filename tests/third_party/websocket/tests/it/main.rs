//! The compliance kit and a conversation over real WebSockets; frames, origins, closing.
#![allow(clippy::unwrap_used)]

mod frames;
mod peers;

use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use mcp_core::transport::{Accept, async_trait};
use mcp_testkit::compliance::{self, CannotCarry, Failure, Fixture, Wire};
use mcp_testkit::conversation;
use third_party_websocket::{WebSocketClient, WebSocketServer};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// A client that sends the given texts.
struct Raw(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Raw {
    async fn connect(url: &str) -> Result<Raw, Failure> {
        let request = ClientRequestBuilder::new(url.parse()?).with_sub_protocol("mcp");
        Ok(Raw(tokio_tungstenite::connect_async(request).await?.0))
    }
}

#[async_trait]
impl Wire for Raw {
    async fn write(&mut self, text: Bytes) -> Result<(), Failure> {
        let text = Utf8Bytes::try_from(text).map_err(|_| CannotCarry("a text frame is UTF-8"))?;
        Ok(self.0.send(Message::Text(text)).await?)
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.0.next().await.transpose()? {
            Some(Message::Text(text)) => Ok(Some(text.into())),
            other => Err(format!("no text: {other:?}").into()),
        }
    }
}

/// Starts a server, and returns its URL.
async fn listen(server: Arc<dyn Accept>) -> Result<(String, tokio::task::JoinHandle<()>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let websockets = WebSocketServer::default().allow_origin("https://friend.example");
    Ok((url, tokio::spawn(websockets.serve(listener, server))))
}

fn fixture() -> impl Fixture {
    compliance::listening("websocket", |server| async {
        let (url, serving) = listen(server).await?;
        Ok((WebSocketClient::new(url), serving))
    })
    .wire(|server| async { Raw::connect(&listen(server).await?.0).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept() {
    let report = compliance::run(&fixture()).await;
    report.assert_passed();
    let skipped: Vec<_> = report.skipped().map(|check| check.name).collect();
    let lanes = [
        "equal ids on two lanes are two calls",
        "a lane is over after its last message",
        "a message without a route is rejected at once",
    ];
    assert_eq!(skipped, lanes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_conversation_in_both_eras() {
    conversation::run(&fixture()).await.assert_passed();
}
