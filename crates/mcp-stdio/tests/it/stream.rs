//! Links over any byte stream, in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mcp_core::client::{Client, EraMode};
use mcp_core::message::{Message, ProtocolVersion, RawJson, Response};
use mcp_core::transport::{Connect, ConnectError, EndReason, Inbound, Lane, Outbound};
use mcp_stdio::{StreamConnect, StreamTransport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex, split};
use tokio::time::timeout;

use crate::common::{Link, link, on_lane, outbound, request};

fn over(stream: DuplexStream) -> Link {
    let (reader, writer) = split(stream);
    link(StreamTransport::new(reader, writer))
}

fn answer(id: i64) -> Message {
    Message::Response(Response::result(id.into(), RawJson::object([])))
}

const CALLS: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":2,"method":"b"},7]"#;

/// Answers to a batch go out as one array line when the last is there; other messages do not wait.
#[tokio::test]
async fn answers_to_a_batch_are_one_line() {
    let (ours, mut peer) = duplex(4096);
    let mut server = over(ours);
    peer.write_all(format!("{CALLS}\n{CALLS}\n").as_bytes()).await.unwrap();
    let mut lanes = Vec::new();
    for _ in 0..2 {
        let Some(Inbound::Batch { items, lane, .. }) = server.recv().await else { panic!("no batch") };
        assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
        assert!(!lane.is_shared());
        lanes.push(lane);
    }
    assert_ne!(lanes[0], lanes[1]);
    for (message, lane, last) in [
        (answer(1), lanes[0], false),
        (request(9, "in between"), lanes[0], false),
        (answer(2), lanes[0], true),
        (answer(1), lanes[1], false),
    ] {
        server.sender.send(on_lane(message, lane, last)).await.unwrap();
    }
    let end = |lane| Outbound::end(lane, EndReason::NoAnswer);
    server.sender.send(end(lanes[1])).await.unwrap();
    server.sender.send(end(lanes[1])).await.unwrap();
    server.sender.send(end(Lane::numbered(3))).await.unwrap();
    server.sender.close().await.unwrap();
    drop(server);
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    let answer = |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("in between"), "{text}");
    assert_eq!(lines[1..], [format!("[{},{}]", answer(1), answer(2)), format!("[{}]", answer(1))]);
}

/// Receiving is cancel-safe: futures that are dropped at every byte lose nothing.
#[tokio::test]
async fn a_dropped_recv_loses_nothing() {
    let (ours, mut peer) = duplex(4096);
    let mut server = over(ours);
    let mut text = Vec::new();
    for id in 0..20 {
        request(id, "é").write_to(&mut text);
        text.push(b'\n');
    }
    let mut ids = Vec::new();
    for byte in text {
        peer.write_all(&[byte]).await.unwrap();
        if let Ok(got) = timeout(Duration::ZERO, server.receiver.recv()).await {
            let Ok(Some(Inbound::Message { message, .. })) = got else { panic!("{got:?}") };
            ids.push(message);
        }
    }
    assert_eq!(ids, (0..20).map(|id| request(id, "é")).collect::<Vec<_>>());
}

/// A flush that is dropped half way tears no line: the next goes on where it was.
#[tokio::test]
async fn a_dropped_flush_tears_no_line() {
    let (ours, mut peer) = duplex(16);
    let mut client = over(ours);
    client.sender.send(outbound(request(1, &"x".repeat(500)))).await.unwrap();
    let mut text = Vec::new();
    while timeout(Duration::ZERO, client.sender.flush()).await.is_err() {
        let mut piece = [0; 7];
        let count = peer.read(&mut piece).await.unwrap();
        text.extend_from_slice(&piece[..count]);
    }
    drop(client);
    peer.read_to_end(&mut text).await.unwrap();
    let mut expected = Vec::new();
    request(1, &"x".repeat(500)).write_to(&mut expected);
    expected.push(b'\n');
    assert_eq!(text, expected);
}

/// Messages wait for a flush and go out in one write; a large pile does not wait.
#[tokio::test]
async fn sends_are_written_together() {
    let (ours, mut peer) = duplex(1 << 20);
    let mut client = over(ours);
    client.sender.send(outbound(request(1, "a"))).await.unwrap();
    client.sender.send(outbound(request(2, "b"))).await.unwrap();
    assert!(timeout(Duration::ZERO, peer.read_u8()).await.is_err());
    client.sender.flush().await.unwrap();
    let mut all = vec![0; 4096];
    let count = peer.read(&mut all).await.unwrap();
    assert_eq!(all[..count].iter().filter(|byte| **byte == b'\n').count(), 2);
    client.sender.send(outbound(request(3, &"x".repeat(300_000)))).await.unwrap();
    assert_eq!(peer.read_u8().await.unwrap(), b'{');
}

/// The end of the input does not end the output: what is in work is still answered.
#[tokio::test]
async fn replies_go_out_after_the_end_of_the_input() {
    let (ours, peer) = duplex(4096);
    let mut server = over(ours);
    let (mut from, mut to) = split(peer);
    to.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}\n").await.unwrap();
    to.shutdown().await.unwrap();
    server.message().await;
    assert!(server.recv().await.is_none());
    assert!(server.recv().await.is_none());
    server.send(answer(1)).await;
    assert_eq!(from.read_u8().await.unwrap(), b'{');
}

/// A reader that yields these results in turn.
struct Scripted(Vec<io::Result<&'static str>>);

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.0.is_empty() {
            out.put_slice(self.0.remove(0)?.as_bytes());
        }
        Poll::Ready(Ok(()))
    }
}

/// An interrupted read, or one that would block because another process has set `O_NONBLOCK` on the shared
/// description, is not the end of the link; a real error is, with its cause.
#[tokio::test(start_paused = true)]
async fn only_real_errors_end_a_link() {
    let script = vec![
        Err(io::ErrorKind::Interrupted.into()),
        Ok("{\"jsonrpc\":\"2.0\","),
        Err(io::ErrorKind::WouldBlock.into()),
        Ok("\"method\":\"a\"}\n"),
        Err(io::ErrorKind::ConnectionReset.into()),
    ];
    let mut server = link(StreamTransport::new(Scripted(script), tokio::io::sink()));
    assert!(matches!(server.message().await, Message::Notification(_)));
    let error = server.receiver.recv().await.unwrap_err();
    let cause = error.get_ref().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset);
    assert!(server.recv().await.is_none());
}

/// A close is bounded in time, though the peer never reads.
#[tokio::test(start_paused = true)]
async fn a_close_does_not_wait_for_a_deaf_peer() {
    let (ours, _peer) = duplex(16);
    let mut client = over(ours);
    client.sender.send(outbound(request(1, "more than fits"))).await.unwrap();
    client.sender.close().await.unwrap();
    client.sender.close().await.unwrap();
    assert!(client.sender.flush().await.is_err());
}

/// A given stream cannot be made again.
#[tokio::test]
async fn a_given_stream_is_spent_after_the_first_connect() {
    let (reader, writer) = split(duplex(16).0);
    let mut connect = StreamConnect::new(StreamTransport::new(reader, writer).named("given"));
    assert_eq!(connect.connect().await.unwrap().binding().name, "given");
    assert!(matches!(connect.connect().await, Err(ConnectError::AlreadyUsed)));
}

/// A ready client of a stream, and the other end, from which `initialize` and `initialized` are read already.
async fn ready_client() -> (Client, DuplexStream) {
    let (ours, mut peer) = duplex(4096);
    let (reader, writer) = split(ours);
    let client = Client::builder("c", "1")
        .era(EraMode::Legacy(ProtocolVersion::V2025_11_25))
        .start(StreamConnect::new(StreamTransport::new(reader, writer)))
        .unwrap();
    let mut heard = vec![0; 4096];
    assert_ne!(peer.read(&mut heard).await.unwrap(), 0);
    let result =
        r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}"#;
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{result}}}\n");
    peer.write_all(line.as_bytes()).await.unwrap();
    client.ready().await.unwrap();
    assert_ne!(peer.read(&mut heard).await.unwrap(), 0);
    (client, peer)
}

/// FAULT F-C1: on a socket as on a child's stdout, a line that spoils an answer fails its call at once.
#[tokio::test(start_paused = true)]
async fn a_spoiled_answer_on_a_socket_fails_its_call() {
    let (client, mut peer) = ready_client().await;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.request("tools/list", None).await }
    });
    let mut heard = vec![0; 4096];
    let read = peer.read(&mut heard).await.unwrap();
    let asked = RawJson::parse(String::from_utf8(heard[..read].to_vec()).unwrap()).unwrap();
    let line = format!(
        "debug: {{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"mean\":NaN}}}}\n",
        asked.member("id").unwrap()
    );
    peer.write_all(line.as_bytes()).await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    // Not by a timeout, which would quote the line too.
    let mcp_core::Error::Violation(text) = &error else { panic!("{error:?}") };
    assert!(text.contains("debug:") && text.contains("NaN"), "{text}");
}

/// FAULT F-C1: a timeout tells what came in place of the answer.
#[tokio::test(start_paused = true)]
async fn a_timeout_tells_what_came_instead() {
    let (client, mut peer) = ready_client().await;
    peer.write_all(b"listening on port 3000\n{\"unfinished").await.unwrap();
    let error = client.request("tools/list", None).await.unwrap_err();
    assert!(error.is_timeout());
    let shown = error.evidence().unwrap();
    assert!(
        shown.contains("`listening on port 3000`") && shown.contains("unfinished line of 12 bytes"),
        "{shown}"
    );
    assert!(error.to_string().contains(shown), "{error}");
}
