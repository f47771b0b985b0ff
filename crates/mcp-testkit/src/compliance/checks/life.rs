//! Promise 3: the end of a lane.

use crate::compliance::bench::{Bench, is_no_route};
use crate::compliance::hub::Seen;
use crate::compliance::{Dialect, Stop, Verdict, ensure, fail, traffic};
use mcp_core::message::{Message, Response};
use mcp_core::transport::{AbandonBy, EndReason, ErrorChain, Inbound, Outbound, SendError};

/// A second reply on a lane is rejected, and does not reach the client.
pub(super) async fn after_last(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    if !rig.has_exchanges() {
        return Err(Stop::Skip("this binding has no lanes beside the shared one"));
    }
    let lane = rig.call(1, traffic::numbered(1)).await?;
    let asked = rig.at_server().await?;
    rig.reply(&asked, traffic::result(1.into(), traffic::numbered(1))).await?;
    let again = rig.answer(&asked, traffic::result(1.into(), traffic::numbered(2)), true).await;
    let over = rig.server_link(asked.link)?.binding.one_exchange;
    ensure(is_no_route(&again) || over && matches!(again, Err(SendError::Fatal(_))), || {
        format!("a second last message was not rejected as NoRoute but: {again:?}")
    })?;
    rig.expect_at_client(lane, 1).await?;
    rig.round_trip(3).await
}

/// The client cancels one exchange, and the others continue.
// FAULT C-38.
pub(super) async fn abandoned(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let gone = rig.call(1, traffic::numbered(1)).await?;
    let first = rig.at_server().await?;
    let kept = rig.call(2, traffic::numbered(2)).await?;
    let second = rig.at_server().await?;
    rig.abandon(gone).await?;
    // A legacy session outlives the connections of its client, if the binding uses several.
    let reaches_server = rig.dialect == Dialect::Modern || rig.client.binding.continuous;
    if reaches_server && rig.client.binding.abandon == AbandonBy::End {
        rig.bench.wait("Ended at the server, after the client's End");
        match rig.server_event().await {
            (link, Seen::In(Inbound::Ended { lane, .. })) if (link, lane) == (first.link, first.lane) => {}
            (_, other) => return fail(format!("at the server, in place of Ended: {other:?}")),
        }
        let late = rig.answer(&first, traffic::result(1.into(), traffic::numbered(1)), true).await;
        ensure(late.is_err(), || "a reply to an exchange that the client ended was accepted".into())?;
    } else {
        // The server may or may not receive the end: the session also sends `notifications/cancelled`.
        rig.forget(&first);
    }
    rig.reply(&second, traffic::result(2.into(), traffic::numbered(2))).await?;
    rig.expect_at_client(kept, 2).await?;
    rig.round_trip(3).await
}

/// The server ends an exchange without an answer (a cancelled request, an empty batch). The client receives `Lost` if
/// lanes reach it; on a byte stream nothing is sent.
pub(super) async fn unanswered(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let called = rig.call(1, traffic::numbered(1)).await?;
    let asked = rig.at_server().await?;
    let link = rig.server_link(asked.link)?;
    rig.bench.wait("send at the server, of an End");
    let end = Outbound::end(asked.lane, EndReason::Cancelled);
    let sent = link.send(end).await;
    sent.map_err(|error| Stop::Fail(format!("the server's End failed: {}", ErrorChain::new(&error))))?;
    if link.binding.one_exchange {
        let _closed = link.close().await;
    }
    if rig.has_exchanges() {
        rig.bench.wait("Lost at the client, after the server's End");
        // A legacy client that can resume would wait for the answer forever, so it receives an error (ledger T-18).
        let gets_error = rig.dialect != Dialect::Modern && !rig.client.binding.continuous;
        match rig.client_event().await {
            Seen::In(Inbound::Lost { lane, .. }) if lane == called => {}
            Seen::In(Inbound::Message { message: Message::Response(response), lane, .. })
                if lane == called && gets_error && is_cancelled(&response) => {}
            other => return fail(format!("at the client, in place of Lost on {called:?}: {other:?}")),
        }
        let late = link.send(traffic::out(
            rig.dialect,
            Response::result(1.into(), traffic::numbered(1)).into(),
            asked.lane,
            true,
        ));
        ensure(late.await.is_err(), || "a message was accepted on a lane that the server ended".into())?;
    }
    rig.round_trip(2).await
}

/// Whether this is the error with which other implementations also end a cancelled exchange.
fn is_cancelled(response: &Response) -> bool {
    response.outcome.as_ref().is_err_and(|error| error.code == -32800)
}
