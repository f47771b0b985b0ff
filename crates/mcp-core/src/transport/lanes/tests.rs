//! Exchanges and their ends. The compliance kit proves the glue in `mcp-testkit`.

use super::*;
use crate::message::{Notification, RawJson, Request, Response};
use crate::transport::EndReason;

fn out(message: impl Into<Message>, lane: u64, last: bool) -> Outbound {
    let envelope = Envelope::default();
    let lane = Lane::numbered(lane);
    Outbound::message(message, lane).last(last).with_envelope(envelope)
}

fn reply() -> Response {
    Response::result(1.into(), RawJson::EMPTY_OBJECT)
}

/// Carries what one end sends to the other.
fn carry(from: &Lanes, out: Outbound, to: &Lanes) -> Option<Inbound> {
    to.inbound(from.outbound(out).unwrap()?.map(Ok), Envelope::default())
}

fn ends() -> (Lanes, Lanes) {
    let (client, server) = (Lanes::client(), Lanes::server());
    assert!(carry(&client, out(Request::new(1, "ask", None), 5, true), &server).is_some());
    (client, server)
}

/// Promises 3 and 4: notes, then the last message; then the lane is over at both ends.
#[test]
fn an_exchange_is_over_with_its_last_message() {
    let (client, server) = ends();
    assert!(carry(&server, out(Notification::new("note", None), 5, false), &client).is_some());
    assert!(carry(&server, out(reply(), 5, true), &client).is_some());
    let late = server.outbound(out(reply(), 5, true));
    assert!(matches!(late, Err(SendError::Rejected(loss)) if loss.kind == LossKind::NoRoute));
    let late = LaneFrame::Message { lane: Lane::numbered(5), message: Ok(reply().into()), last: true };
    assert!(client.inbound(late, Envelope::default()).is_none());
    let end = Outbound::end(Lane::numbered(5), EndReason::Cancelled);
    assert!(client.outbound(end).unwrap().is_none());
}

/// Promise 3: either side can end it, and each hears of it in its own words.
#[test]
fn an_end_is_an_end_to_the_server_and_a_loss_to_the_client() {
    let end = || Outbound::end(Lane::numbered(5), EndReason::Cancelled);
    let (client, server) = ends();
    assert!(matches!(carry(&client, end(), &server), Some(Inbound::Ended { .. })));
    let (client, server) = ends();
    assert!(matches!(carry(&server, end(), &client), Some(Inbound::Lost { .. })));
    assert!(server.outbound(out(reply(), 5, true)).is_err());
}

/// Promises 1 and 7: a lane is minted once, and a message without an answer is delivered once.
#[test]
fn a_lane_in_use_is_not_opened_again_and_delivery_is_told_once() {
    let (client, server) = ends();
    let again = |lane| LaneFrame::Message {
        lane: Lane::numbered(lane),
        message: Ok(Request::new(1, "ask", None).into()),
        last: true,
    };
    assert!(server.inbound(again(5), Envelope::default()).is_none());
    assert!(server.inbound(again(0), Envelope::default()).is_none());
    assert!(client.outbound(out(reply(), 0, true)).is_err());

    assert!(carry(&client, out(Notification::new("note", None), 6, true), &server).is_some());
    let taken = |lane| client.inbound(LaneFrame::Taken { lane: Lane::numbered(lane) }, Envelope::default());
    assert!(taken(5).is_none(), "a request is answered");
    assert!(matches!(taken(6), Some(Inbound::Delivered { lane }) if lane.number() == 6));
    assert!(taken(6).is_none());
}

/// Promise 5: a refusal that is answered opens its lane for the answer.
#[test]
fn what_is_refused_can_be_answered_and_a_batch_is_refused() {
    let server = Lanes::server();
    let message = single(crate::message::decode(bytes::Bytes::from_static(b"[]")));
    let frame = LaneFrame::Message { lane: Lane::numbered(1), message, last: true };
    let seen = server.inbound(frame, Envelope::default());
    assert!(matches!(seen, Some(Inbound::Refused { lane, .. }) if lane.number() == 1));
    assert!(server.outbound(out(reply(), 1, true)).unwrap().is_some());
}
