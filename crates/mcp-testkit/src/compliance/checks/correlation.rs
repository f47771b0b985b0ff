//! Promise 2: which answer belongs to which call.

use crate::compliance::bench::{Bench, is_no_route};
use crate::compliance::traffic::{self, describe};
use crate::compliance::{Stop, Verdict, ensure, fail};
use mcp_core::message::{Message, RawJson, Request, RequestId, Response};
use mcp_core::transport::Lane;

const CALLS: usize = 20;

/// Replies out of order.
// FAULT C-40.
pub(super) async fn any_order(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let mut lanes = Vec::new();
    let mut arrived = Vec::new();
    for n in 0..CALLS {
        lanes.push(rig.call(i64::try_from(n).unwrap_or_default(), traffic::numbered(n)).await?);
    }
    for _ in 0..CALLS {
        arrived.push(rig.at_server().await?);
    }
    for asked in arrived.iter().rev() {
        let number = traffic::number(&asked.message).unwrap_or_default();
        let id = i64::try_from(number).unwrap_or_default();
        rig.reply(asked, traffic::result(id.into(), traffic::numbered(number))).await?;
    }
    let mut seen = [false; CALLS];
    for _ in 0..CALLS {
        let (lane, message) = rig.at_client().await?;
        let number = traffic::number(&message).filter(|number| *number < CALLS);
        let Some(number) = number else {
            return fail(format!("at the client, in place of an answer: a {}", describe(&message)));
        };
        rig.check_lane(lane, lanes[number])?;
        ensure(!std::mem::replace(&mut seen[number], true), || format!("answer #{number} came twice"))?;
        let Message::Response(Response { id, .. }) = &message else {
            return fail(format!("in place of an answer: a {}", describe(&message)));
        };
        let expected = RequestId::from(i64::try_from(number).unwrap_or_default());
        ensure(id.as_ref() == Some(&expected), || format!("answer #{number} names {id:?}"))?;
    }
    Ok(())
}

/// Clients that send the same id every time. Routing on the id would mix up their answers.
// FAULT C-35.
pub(super) async fn equal_ids(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    if !rig.has_exchanges() {
        return Err(Stop::Skip("this binding has no lanes beside the shared one"));
    }
    let lanes = [rig.call(1, traffic::numbered(0)).await?, rig.call(1, traffic::numbered(1)).await?];
    let arrived = [rig.at_server().await?, rig.at_server().await?];
    for asked in &arrived {
        let number = traffic::number(&asked.message).unwrap_or_default();
        rig.reply(asked, traffic::result(1.into(), traffic::numbered(number))).await?;
    }
    for _ in &lanes {
        let (lane, message) = rig.at_client().await?;
        let number = traffic::number(&message).unwrap_or_default();
        ensure(lanes.get(number) == Some(&lane), || {
            format!("answer #{number} came on {lane:?}; the calls went on {lanes:?}, both with id 1")
        })?;
    }
    Ok(())
}

/// Each form of id reaches the server and returns to the client, byte for byte.
// FAULT C-36.
pub(super) async fn ids(bench: &Bench<'_>) -> Verdict {
    let forms = ["0", "-1", "7", "\"7\"", "\"\"", "9007199254740993", "\"\\u0061\\n\"", "\"é😀\"", "1.0"];
    let mut rig = bench.open().await?;
    for form in forms {
        let id = RequestId::parse(form.as_bytes())
            .ok_or_else(|| Stop::Fail(format!("the kit cannot write the id {form}")))?;
        let lane = rig.call(id, traffic::numbered(1)).await?;
        let asked = rig.at_server().await?;
        let Message::Request(Request { id, .. }) = &asked.message else {
            return fail(format!("at the server, in place of a call: a {}", describe(&asked.message)));
        };
        ensure(wire(id) == form, || format!("the id {form} came to the server as {}", wire(id)))?;
        let answer = traffic::result(id.clone(), traffic::numbered(1));
        rig.reply(&asked, answer).await?;
        let message = rig.expect_at_client(lane, 1).await?;
        let Message::Response(Response { id: Some(id), .. }) = &message else {
            return fail(format!("the answer to the id {form} came back as {}", describe(&message)));
        };
        ensure(wire(id) == form, || format!("the id {form} came back as {}", wire(id)))?;
    }
    Ok(())
}

fn wire(id: &RequestId) -> String {
    let mut text = Vec::new();
    id.write_to(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A request of a legacy server, and the client's answer on a new lane. Without a route to the client, the request is
/// rejected immediately.
pub(super) async fn client_answers(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    rig.round_trip(0).await?;
    let link = rig.server_link(0)?;
    let ask = Request::new("server-1", "roots/list", None);
    rig.bench.wait("send at the server, of a request");
    let sent = link.send(traffic::out(rig.dialect, ask.into(), Lane::SHARED, false)).await;
    if sent.is_err() {
        return if is_no_route(&sent) || link.binding.one_exchange {
            Err(Stop::Skip("this link has no route for requests of a server"))
        } else {
            fail(format!("a request of the server was not rejected but: {sent:?}"))
        };
    }
    let (lane, message) = rig.at_client().await?;
    ensure(lane.is_shared(), || format!("a request of the server came on {lane:?}"))?;
    let Message::Request(Request { id, .. }) = message else {
        return fail(format!("at the client, in place of a request: a {}", describe(&message)));
    };
    let lane = rig.client.lane();
    let answer = Response::result(id, RawJson::object([("roots", RawJson::array([]))]));
    rig.send(answer.into(), lane).await?;
    let arrived = rig.at_server().await?;
    let answered = matches!(&arrived.message, Message::Response(Response { id: Some(id), .. })
        if *id == RequestId::from("server-1"));
    ensure(answered, || format!("at the server, in place of an answer: a {}", describe(&arrived.message)))?;
    rig.expect_delivered(lane).await
}
