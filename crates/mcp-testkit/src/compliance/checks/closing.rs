//! Promise 8: how a link ends.

use std::task::Poll;

use crate::compliance::bench::{Bench, Rig};
use crate::compliance::hub::{Hub, Reading, Seen};
use crate::compliance::{Dialect, Stop, Verdict, ensure, fail, traffic};
use mcp_core::transport::{CloseReport, ConnectError, ErrorChain, Inbound, SendError, TransportError};

fn same(closed: &[Result<CloseReport, TransportError>; 2]) -> Verdict {
    let agree = match closed {
        [Ok(first), Ok(second)] => first == second,
        [Err(_), Err(_)] => true,
        _ => false,
    };
    ensure(agree, || format!("close returned {:?}, and the second time {:?}", closed[0], closed[1]))
}

/// Checks for a clean end, which later calls repeat.
fn check_end(seen: &Seen) -> Verdict {
    match seen {
        Seen::End(Ok(())) | Seen::AfterEnd(Ok(None)) => Ok(()),
        Seen::AfterEnd(again) => fail(format!("after Ok(None), recv returned {again:?}")),
        other => fail(format!("in place of a clean end: {other:?}")),
    }
}

pub(super) async fn client_close(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    rig.round_trip(1).await?;
    rig.bench.wait("close at the client");
    let closed = [rig.client.sender.close().await, rig.client.sender.close().await];
    same(&closed)?;
    rig.bench.wait("send at the client, after close");
    let lane = rig.client.lane();
    let call = traffic::call(rig.dialect, 2.into(), traffic::numbered(2));
    // A sender may buffer the message, and fail in the flush.
    let sent = match rig.client.sender.send(traffic::out(rig.dialect, call, lane, true)).await {
        Ok(()) => rig.client.sender.flush().await.map_err(SendError::from),
        failed => failed,
    };
    ensure(sent.is_err(), || "a send and its flush succeeded after close".into())?;
    if rig.client.binding.continuous {
        for _ in 0..3 {
            rig.bench.wait("the end at the server, after the client's close");
            check_end(&rig.server_event().await.1)?;
        }
    }
    Ok(())
}

pub(super) async fn server_close(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    rig.round_trip(1).await?;
    rig.bench.wait("close at the server");
    for link in rig.hub.links() {
        same(&link.close_twice().await)?;
    }
    if rig.client.binding.continuous {
        for _ in 0..3 {
            rig.bench.wait("the end at the client, after the server's close");
            check_end(&rig.client_event().await)?;
        }
    }
    Ok(())
}

/// Messages that were written before the end are read before the end.
// FAULT C-3.
pub(super) async fn replies_first(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let mut lanes = Vec::new();
    for n in 0..3_usize {
        lanes.push(rig.call(i64::try_from(n).unwrap_or_default(), traffic::numbered(n)).await?);
    }
    let mut arrived = Vec::new();
    for _ in 0..3 {
        arrived.push(rig.at_server().await?);
    }
    for asked in &arrived {
        let number = traffic::number(&asked.message).unwrap_or_default();
        let id = i64::try_from(number).unwrap_or_default();
        rig.reply(asked, traffic::result(id.into(), traffic::sized(number, 20_000))).await?;
    }
    rig.bench.wait("close at the server");
    for link in rig.hub.links() {
        let _closed = link.close().await;
    }
    for _ in 0..3 {
        let (lane, message) = rig.at_client().await?;
        let number = traffic::number(&message).filter(|number| *number < 3);
        let Some(number) = number else { return fail(format!("in place of an answer: {message:?}")) };
        rig.check_lane(lane, lanes[number])?;
    }
    if rig.client.binding.continuous {
        rig.bench.wait("the end at the client, after the server's close");
        check_end(&rig.client_event().await)?;
    }
    Ok(())
}

/// A call in flight is lost, or the link ends; it is never left waiting.
// FAULT C-1, C-2.
pub(super) async fn vanished_server(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let called = rig.call(1, traffic::numbered(1)).await?;
    let asked = rig.at_server().await?;
    rig.server_link(asked.link)?.vanish().await;
    rig.bench.wait("Lost or an end at the client, after the server vanished");
    match rig.client_event().await {
        Seen::In(Inbound::Lost { lane, .. }) if lane == called => {}
        Seen::End(_) => {}
        other => return fail(format!("at the client, in place of Lost or an end: {other:?}")),
    }
    rig.bench.wait("send at the client, after the server vanished");
    let lane = rig.client.lane();
    let call = traffic::call(rig.dialect, 2.into(), traffic::numbered(2));
    // It may fail here or be lost later, but must not hang.
    let _sent = rig.client.sender.send(traffic::out(rig.dialect, call, lane, true)).await;
    Ok(())
}

/// The server sees the end of the exchange or of the link.
pub(super) async fn vanished_client(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    if !rig.client.binding.continuous && rig.dialect != Dialect::Modern {
        return Err(Stop::Skip("a session of this binding outlives its client's connections"));
    }
    rig.call(1, traffic::numbered(1)).await?;
    let asked = rig.at_server().await?;
    let Rig { client, mut hub, .. } = rig;
    client.vanish().await;
    bench.wait("Ended or an end at the server, after the client vanished");
    match hub.next().await {
        (_, Seen::In(Inbound::Ended { lane, .. })) if lane == asked.lane => Ok(()),
        (_, Seen::End(_)) => Ok(()),
        (_, other) => fail(format!("at the server, in place of Ended or an end: {other:?}")),
    }
}

/// Futures that are dropped at their first await point leave nothing alive. A connector that can be used more than
/// once works afterwards.
pub(super) async fn dropped_connect(bench: &Bench<'_>) -> Verdict {
    let before = bench.fixture.live().await;
    {
        let (_hub, gather) = Hub::new(Reading::Plain);
        let started = bench.fixture.start(gather).await;
        let mut connect = started.map_err(|error| {
            Stop::Fail(format!("the fixture did not start: {}", ErrorChain::new(&*error)))
        })?;
        for _ in 0..10 {
            let mut connecting = connect.connect();
            let polled = futures::future::poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx))).await;
            drop(connecting);
            if let Poll::Ready(Err(error)) = polled
                && !matches!(error, ConnectError::AlreadyUsed)
            {
                return fail(format!("connect failed: {}", ErrorChain::new(&error)));
            }
        }
        bench.wait("connect, after futures of it were dropped");
        match connect.connect().await {
            Ok(link) => drop(link),
            Err(ConnectError::AlreadyUsed) => {}
            Err(error) => {
                return fail(format!(
                    "connect failed, after futures were dropped: {}",
                    ErrorChain::new(&error)
                ));
            }
        }
    }
    let Some(before) = before else { return Ok(()) };
    loop {
        let now = bench.fixture.live().await.unwrap_or_default();
        if now <= before {
            return Ok(());
        }
        bench.wait(format!("{now} resources to become {before} again"));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
