//! Each fault does what its documentation states.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use mcp_core::message::Notification;
use mcp_core::transport::{Binding, Inbound, Lane, Outbound, SendError, Transport, memory};

fn note() -> Outbound {
    Outbound::message(Notification::new("note", None), Lane::SHARED)
}

#[tokio::test]
async fn a_trickle_keeps_every_byte() {
    let (near, far) = tokio::io::duplex(64);
    let (mut near, mut far) = (Trickle::new(near), Trickle::new(far));
    near.write_all(b"hello").await.unwrap();
    let mut buffer = [0; 64];
    assert_eq!(far.read(&mut buffer).await.unwrap(), 1);
    drop(near);
    let mut rest = String::new();
    far.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "ello");
}

#[tokio::test]
async fn a_cut_stream_ends_within_a_line() {
    let (near, far) = tokio::io::duplex(64);
    let (mut near, mut far) = (CutAfter::writing(near, 7), CutAfter::reading(far, 3));
    let written = near.write_all(b"hello\nhello\n").await;
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    let mut read = String::new();
    far.read_to_string(&mut read).await.unwrap();
    assert_eq!(read, "hel");
}

#[tokio::test(start_paused = true)]
async fn a_valve_holds_the_reader() {
    let (mut near, far) = tokio::io::duplex(64);
    let (mut far, handle) = Valve::new(far);
    near.write_all(b"x").await.unwrap();
    handle.shut();
    let limit = std::time::Duration::from_secs(1);
    assert!(tokio::time::timeout(limit, far.read_u8()).await.is_err());
    let reading = tokio::spawn(async move { far.read_u8().await });
    tokio::task::yield_now().await;
    handle.open();
    assert_eq!(reading.await.unwrap().unwrap(), b'x');
}

#[tokio::test]
async fn a_cut_link_ends_as_it_was_told() {
    for clean in [true, false] {
        let (client, server) = memory::pair(Binding::STREAM);
        let server = if clean { Cut::clean(server, 2) } else { Cut::reset(server, 2) };
        let (mut up, _replies) = Box::new(client).split();
        let (mut down, mut requests) = Box::new(server).split();
        for _ in 0..3 {
            up.send(note()).await.unwrap();
        }
        assert!(matches!(requests.recv().await, Ok(Some(Inbound::Message { .. }))));
        down.send(note()).await.unwrap();
        assert!(matches!(down.send(note()).await, Err(SendError::Fatal(_))));
        let end = requests.recv().await;
        assert_eq!((matches!(end, Ok(None)), end.is_err()), (clean, !clean));
    }
}

#[tokio::test]
async fn a_waiting_receiver_sees_the_cut() {
    let (client, _server) = memory::pair(Binding::STREAM);
    let (mut up, mut replies) = Box::new(Cut::clean(client, 1)).split();
    let waiting = tokio::spawn(async move { replies.recv().await });
    tokio::task::yield_now().await;
    up.send(note()).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Ok(None)));
}
