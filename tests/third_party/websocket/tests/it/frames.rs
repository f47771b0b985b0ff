//! Frames that are not text or too long; peers of other origins or without the subprotocol.

use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use mcp_core::server::{Router, Server};
use mcp_core::transport::{Connect, ConnectError};
use third_party_websocket::{MAX_MESSAGE, WebSocketClient};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, ClientRequestBuilder, Error, Message};

use crate::{Raw, listen};

async fn server() -> String {
    let server = Server::builder("frames", "1").build(Router::new()).unwrap();
    listen(Arc::new(server)).await.unwrap().0
}

async fn close_code(raw: &mut Raw) -> CloseCode {
    loop {
        match raw.0.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => return frame.code,
            Message::Close(None) => panic!("closed without a reason"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_binary_frame_is_answered_by_1003() {
    let mut raw = Raw::connect(&server().await).await.unwrap();
    raw.0.send(Message::Binary(Bytes::from_static(b"{}"))).await.unwrap();
    assert_eq!(close_code(&mut raw).await, CloseCode::Unsupported);
}

/// It is refused by its length; nothing of it is read.
#[tokio::test]
async fn a_message_that_is_too_long_is_answered_by_1009() {
    let mut raw = Raw::connect(&server().await).await.unwrap();
    let mut header = vec![0x81, 0xff];
    header.extend((MAX_MESSAGE as u64 + 1).to_be_bytes());
    header.extend([0; 4]);
    raw.0.get_mut().write_all(&header).await.unwrap();
    assert_eq!(close_code(&mut raw).await, CloseCode::Size);
}

#[tokio::test]
async fn a_ping_frame_is_answered_and_the_link_lives() {
    let mut raw = Raw::connect(&server().await).await.unwrap();
    raw.0.send(Message::Ping(Bytes::from_static(b"7"))).await.unwrap();
    assert_eq!(raw.0.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"7")));
    raw.0.send(Message::text(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)).await.unwrap();
    let answer = raw.0.next().await.unwrap().unwrap();
    assert!(answer.to_text().unwrap().starts_with(r#"{"jsonrpc":"2.0","id":1,"#), "{answer}");
}

async fn status(url: &str, change: impl FnOnce(ClientRequestBuilder) -> ClientRequestBuilder) -> u16 {
    let request = change(ClientRequestBuilder::new(url.parse().unwrap()));
    match tokio_tungstenite::connect_async(request).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_upgrade_needs_the_subprotocol_and_an_origin_that_is_allowed() {
    let url = server().await;
    assert_eq!(status(&url, |request| request).await, 400);
    assert_eq!(status(&url, |request| request.with_sub_protocol("soap")).await, 400);
    for (origin, expected) in [("https://friend.example", 101), ("https://evil.example", 403), ("null", 403)]
    {
        let offered =
            |request: ClientRequestBuilder| request.with_sub_protocol("mcp").with_header("Origin", origin);
        assert_eq!(status(&url, offered).await, expected, "{origin}");
    }
    let typed = WebSocketClient::new(url.replace("ws://", "ws://user:secret@")).connect().await;
    assert!(typed.is_ok(), "{:?}", typed.err());
}

#[tokio::test]
async fn what_cannot_work_is_told_apart_from_what_may_work_later() {
    for url in ["wss://127.0.0.1:1/", "http://127.0.0.1/", "ws:///", "no url"] {
        let connected = WebSocketClient::new(url).connect().await;
        assert!(matches!(connected, Err(ConnectError::Unusable(_))), "{url}: {:?}", connected.err());
    }
    // Bound but not listening: connections are refused, and no other process can take the port.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = bound.local_addr().unwrap().port();
    let connected = WebSocketClient::new(format!("ws://127.0.0.1:{port}/")).connect().await;
    assert!(matches!(connected, Err(ConnectError::Unreachable(_))));
}
