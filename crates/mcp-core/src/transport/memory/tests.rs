//! The pair as a stream and as exchanges.

use std::task::{Context, Poll, Waker};

use super::*;
use crate::message::{ErrorObject, Notification, Request, Response};
use crate::transport::{Connect, EndReason, Inbound, Lane, LossKind, Outbound, SendError};

const EXCHANGES: Binding = Binding::new("exchanges");

fn out(message: impl Into<Message>, lane: u64, last: bool) -> Outbound {
    Outbound::message(message, Lane::numbered(lane)).last(last)
}

fn ask(id: i64) -> Request {
    Request::new(id, "ask", None)
}

fn reply(id: i64) -> Response {
    Response::error(Some(id.into()), ErrorObject::internal("no"))
}

type Halves = (Box<dyn TransportSender>, Box<dyn TransportReceiver>);

fn halves(pair: &Pair) -> (Halves, Halves) {
    let (client, server) = pair.link();
    (Box::new(client).split(), Box::new(server).split())
}

async fn lane_of(receiver: &mut Box<dyn TransportReceiver>) -> u64 {
    match receiver.recv().await {
        Ok(Some(Inbound::Message { lane, .. })) => lane.number(),
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn a_stream_forgets_lanes() {
    block_on(async {
        let ((mut up, mut replies), (mut down, mut requests)) = halves(&Pair::new(Binding::STREAM));
        up.send(out(ask(1), 7, true)).await.unwrap();
        up.send(Outbound::end(Lane::numbered(7), EndReason::Cancelled)).await.unwrap();
        assert_eq!(lane_of(&mut requests).await, 0);
        down.send(out(reply(1), 0, true)).await.unwrap();
        down.send(out(reply(1), 0, true)).await.unwrap();
        assert_eq!(lane_of(&mut replies).await, 0);
        assert_eq!(lane_of(&mut replies).await, 0);
        let elsewhere = down.send(out(reply(1), 3, true)).await;
        assert!(matches!(elsewhere, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute));
    });
}

#[test]
fn an_exchange_ends_with_its_last_message() {
    block_on(async {
        let ((mut up, mut replies), (mut down, mut requests)) = halves(&Pair::new(EXCHANGES));
        up.send(out(ask(1), 40, true)).await.unwrap();
        up.send(out(ask(1), 41, true)).await.unwrap();
        assert_eq!((lane_of(&mut requests).await, lane_of(&mut requests).await), (40, 41));
        down.send(out(reply(1), 41, true)).await.unwrap();
        down.send(out(Notification::new("note", None), 40, false)).await.unwrap();
        down.send(out(reply(1), 40, true)).await.unwrap();
        let lanes = [lane_of(&mut replies).await, lane_of(&mut replies).await, lane_of(&mut replies).await];
        assert_eq!(lanes, [41, 40, 40]);
        let late = down.send(out(reply(1), 40, true)).await;
        assert!(matches!(late, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute));
    });
}

#[test]
fn either_side_can_end_an_exchange() {
    block_on(async {
        let ((mut up, mut replies), (mut down, mut requests)) = halves(&Pair::new(EXCHANGES));
        up.send(out(ask(1), 1, true)).await.unwrap();
        up.send(out(ask(2), 2, true)).await.unwrap();
        assert_eq!((lane_of(&mut requests).await, lane_of(&mut requests).await), (1, 2));
        let end = |lane| Outbound::end(Lane::numbered(lane), EndReason::Cancelled);
        up.send(end(1)).await.unwrap();
        up.send(end(1)).await.unwrap();
        assert!(matches!(requests.recv().await, Ok(Some(Inbound::Ended { lane })) if lane.number() == 1));
        assert!(matches!(down.send(out(reply(1), 1, true)).await, Err(SendError::Rejected(_))));
        down.send(end(2)).await.unwrap();
        let lost = replies.recv().await;
        assert!(matches!(lost, Ok(Some(Inbound::Lost { lane, .. })) if lane.number() == 2), "{lost:?}");
    });
}

/// A reply that was under way when the client abandoned its request is dropped.
#[test]
fn a_late_reply_is_dropped() {
    block_on(async {
        let ((mut up, mut replies), (mut down, mut requests)) = halves(&Pair::new(EXCHANGES));
        up.send(out(ask(1), 1, true)).await.unwrap();
        assert_eq!(lane_of(&mut requests).await, 1);
        down.send(out(reply(1), 1, true)).await.unwrap();
        up.send(Outbound::end(Lane::numbered(1), EndReason::Cancelled)).await.unwrap();
        down.close().await.unwrap();
        assert!(matches!(replies.recv().await, Ok(None)));
        assert!(matches!(replies.recv().await, Ok(None)));
    });
}

#[test]
fn delivery_is_reported_once_the_server_has_received() {
    let ((mut up, mut replies), (_down, mut requests)) = halves(&Pair::new(EXCHANGES));
    block_on(up.send(out(Notification::new("note", None), 5, true))).unwrap();
    assert!(poll(replies.recv()).is_pending());
    assert_eq!(block_on(lane_of(&mut requests)), 5);
    let told = block_on(replies.recv());
    assert!(matches!(told, Ok(Some(Inbound::Delivered { lane })) if lane.number() == 5), "{told:?}");
}

#[test]
fn a_full_link_waits_for_the_peer_to_read() {
    let ((mut up, _replies), (_down, mut requests)) = halves(&Pair::new(Binding::STREAM).capacity(2));
    assert!(poll(up.send(out(ask(1), 1, true))).is_ready());
    assert!(poll(up.send(out(ask(2), 2, true))).is_ready());
    assert!(poll(up.send(out(ask(3), 3, true))).is_pending());
    assert_eq!(block_on(lane_of(&mut requests)), 0);
    assert!(poll(up.send(out(ask(3), 3, true))).is_ready());
}

/// No capacity panics.
#[test]
fn any_capacity_makes_a_link() {
    for capacity in [0, usize::MAX] {
        let ((mut up, _replies), (_down, mut requests)) =
            halves(&Pair::new(Binding::STREAM).capacity(capacity));
        assert!(poll(up.send(out(ask(1), 1, true))).is_ready());
        assert_eq!(block_on(lane_of(&mut requests)), 0);
    }
}

#[test]
fn one_exchange_is_all() {
    let once = EXCHANGES.one_exchange(true);
    let ((mut up, _replies), (mut down, mut requests)) = halves(&Pair::new(once));
    block_on(async {
        up.send(out(ask(1), 1, true)).await.unwrap();
        assert!(matches!(up.send(out(ask(2), 2, true)).await, Err(SendError::Rejected(_))));
        assert_eq!(lane_of(&mut requests).await, 1);
        let beside = down.send(out(ask(1), 0, true)).await;
        assert!(matches!(beside, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute));
    });
    assert!(poll(requests.recv()).is_pending());
    block_on(down.send(out(reply(1), 1, true))).unwrap();
    assert!(matches!(poll(requests.recv()), Poll::Ready(Ok(None))));
}

#[test]
fn a_dropped_end_is_a_clean_end() {
    block_on(async {
        let ((mut up, replies), (_down, mut requests)) = halves(&Pair::new(Binding::STREAM));
        up.send(out(ask(1), 1, true)).await.unwrap();
        drop((up, replies));
        assert_eq!(lane_of(&mut requests).await, 0);
        assert!(matches!(requests.recv().await, Ok(None)));

        let ((mut up, _), server) = halves(&Pair::new(Binding::STREAM));
        drop(server);
        assert!(matches!(up.send(out(ask(1), 1, true)).await, Err(SendError::Fatal(_))));
    });
}

#[test]
fn a_connector_without_listener_is_unreachable() {
    let (mut connector, listener) = connector(Binding::STREAM);
    assert!(block_on(connector.connect()).is_ok());
    drop(listener);
    assert!(matches!(block_on(connector.connect()), Err(super::super::ConnectError::Unreachable(_))));
}

fn poll<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    std::pin::Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
