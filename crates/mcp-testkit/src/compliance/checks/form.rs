//! Promise 4: one body, a stream, or a batch.

use bytes::Bytes;

use crate::compliance::bench::Bench;
use crate::compliance::hub::{Hub, Reading, Seen};
use crate::compliance::{Stop, Verdict, ensure, fail, traffic};
use mcp_core::message::{Decoded, Message, RawJson, Request, Response, decode};
use mcp_core::transport::{ErrorChain, Inbound};

pub(super) async fn one_body(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    for n in 0..3 {
        rig.round_trip(n).await?;
    }
    Ok(())
}

pub(super) async fn a_stream(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let lane = rig.call(1, traffic::numbered(0)).await?;
    let asked = rig.at_server().await?;
    for n in 1..=3 {
        rig.note(&asked, traffic::numbered(n)).await?;
        // Each is sent before the next, and long before the reply.
        let message = rig.expect_at_client(lane, n).await?;
        ensure(matches!(message, Message::Notification(_)), || format!("#{n} is not a notification"))?;
    }
    rig.reply(&asked, traffic::result(1.into(), traffic::numbered(4))).await?;
    let message = rig.expect_at_client(lane, 4).await?;
    ensure(matches!(message, Message::Response(_)), || "#4 is not a response".into())?;
    rig.round_trip(5).await
}

/// Only where raw input can be fed, because sessions do not send batches.
// RPC-B-018.
pub(super) async fn batch(bench: &Bench<'_>) -> Verdict {
    let (mut hub, gather) = Hub::new(Reading::Plain);
    let wire = bench.fixture.wire(gather).await;
    let Some(mut wire) =
        wire.map_err(|error| Stop::Fail(format!("no wire: {}", ErrorChain::new(&*error))))?
    else {
        return Err(Stop::Skip("the fixture cannot feed raw input"));
    };
    let text = br#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":2,"method":"b"}]"#;
    bench.wait("the wire to accept a batch");
    let written = wire.write(Bytes::from_static(text)).await;
    written.map_err(|error| {
        Stop::Fail(format!("the wire did not accept a batch: {}", ErrorChain::new(&*error)))
    })?;
    bench.wait("the batch at the server");
    let (link, items, lane) = match hub.next().await {
        (link, Seen::In(Inbound::Batch { items, lane, .. })) => (link, items, lane),
        (_, Seen::In(Inbound::Refused { .. })) => {
            return Err(Stop::Skip("this binding refuses batches"));
        }
        (_, other) => return fail(format!("at the server, in place of a batch: {other:?}")),
    };
    ensure(!lane.is_shared(), || "a batch came on the shared lane".into())?;
    ensure(items.len() == 3, || format!("a batch of 3 came as {} messages", items.len()))?;
    let link = hub.link(link).ok_or_else(|| Stop::Fail("the server has no link".into()))?;
    let dialect = bench.fixture.dialect();
    let asked: Vec<&Request> = items
        .iter()
        .filter_map(|item| if let Ok(Message::Request(request)) = item { Some(request) } else { None })
        .collect();
    for (index, request) in asked.iter().enumerate().rev() {
        bench.wait("send at the server, of an answer to a batch");
        let answer = Response::result(request.id.clone(), RawJson::EMPTY_OBJECT);
        let sent = link.send(traffic::out(dialect, answer.into(), lane, index == 0)).await;
        sent.map_err(|error| {
            Stop::Fail(format!("an answer to a batch failed: {}", ErrorChain::new(&error)))
        })?;
    }
    bench.wait("the answer to the batch on the wire");
    let answer = wire
        .read()
        .await
        .map_err(|error| Stop::Fail(format!("the wire failed: {}", ErrorChain::new(&*error))))?;
    match answer.map(decode) {
        Some(Decoded::Batch(items)) if items.len() == 2 => Ok(()),
        other => fail(format!("in place of one array of two answers: {other:?}")),
    }
}
