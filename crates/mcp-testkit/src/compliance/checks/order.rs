//! Promise 7: nothing lost, nothing twice, in order.

use std::collections::HashSet;

use crate::compliance::bench::Bench;
use crate::compliance::hub::{Reading, Seen};
use crate::compliance::traffic::{self, describe};
use crate::compliance::{Stop, Verdict, ensure, fail};
use mcp_core::message::Message;
use mcp_core::transport::{Inbound, Lane};

const MANY: usize = 100;

pub(super) async fn upward(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let ordered = rig.client.binding.ordered;
    for n in 0..MANY {
        rig.call(i64::try_from(n).unwrap_or_default(), traffic::numbered(n)).await?;
    }
    let mut seen = HashSet::new();
    for n in 0..MANY {
        rig.bench.wait(format!("message {n} of {MANY} at the server"));
        let asked = rig.at_server().await?;
        let number = traffic::number(&asked.message).unwrap_or(usize::MAX);
        ensure(number < MANY && seen.insert(number), || format!("call #{number} came twice"))?;
        ensure(!ordered || number == n, || format!("call #{number} came in place of #{n}"))?;
        rig.reply(&asked, traffic::result(i64::try_from(n).unwrap_or_default().into(), traffic::numbered(n)))
            .await?;
    }
    for _ in 0..MANY {
        rig.at_client().await?;
    }
    rig.round_trip(MANY).await
}

pub(super) async fn in_a_lane(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let lane = rig.call(1, traffic::numbered(0)).await?;
    let asked = rig.at_server().await?;
    for n in 0..MANY {
        rig.note(&asked, traffic::numbered(n)).await?;
    }
    rig.reply(&asked, traffic::result(1.into(), traffic::numbered(MANY))).await?;
    for n in 0..=MANY {
        rig.expect_at_client(lane, n).await?;
    }
    rig.round_trip(MANY + 1).await
}

pub(super) async fn across_lanes(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    if !rig.client.binding.ordered {
        return Err(Stop::Skip("this binding does not keep the order of lanes"));
    }
    for n in 0..MANY {
        if n % 3 == 0 {
            rig.call(i64::try_from(n).unwrap_or_default(), traffic::numbered(n)).await?;
        } else {
            rig.notify(traffic::numbered(n)).await?;
        }
    }
    let mut calls = Vec::new();
    for n in 0..MANY {
        let arrived = rig.at_server().await?;
        ensure(traffic::number(&arrived.message) == Some(n), || {
            format!("at the server, in place of #{n}: a {}", describe(&arrived.message))
        })?;
        if matches!(arrived.message, Message::Request(_)) {
            calls.push((n, arrived));
        }
    }
    let link = rig.server_link(0)?;
    let mut sent = Vec::new();
    for (n, asked) in calls {
        let note = traffic::out(rig.dialect, traffic::server_note(traffic::numbered(n)), Lane::SHARED, false);
        rig.bench.wait("send at the server, of a notification beside the calls");
        if link.send(note).await.is_ok() {
            sent.push(n);
        }
        rig.reply(&asked, traffic::result(i64::try_from(n).unwrap_or_default().into(), traffic::numbered(n)))
            .await?;
        sent.push(n);
    }
    for n in sent {
        let (_, message) = rig.at_client().await?;
        ensure(traffic::number(&message) == Some(n), || {
            format!("at the client, in place of #{n}: a {}", describe(&message))
        })?;
    }
    Ok(())
}

/// `Delivered` comes once for each message that expects no answer, and never on ordered links.
pub(super) async fn delivered(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let mut waiting = HashSet::new();
    for n in 0..10 {
        let lane = rig.notify(traffic::numbered(n)).await?;
        if !rig.client.binding.ordered {
            waiting.insert(lane);
        }
        if rig.bench.fixture.carries_notifications() {
            rig.at_server().await?;
        }
    }
    while !waiting.is_empty() {
        rig.bench.wait("Delivered at the client, for each notification");
        match rig.client_event().await {
            Seen::In(Inbound::Delivered { lane, .. }) if waiting.remove(&lane) => {}
            other => {
                return fail(format!(
                    "at the client, in place of Delivered for one of {waiting:?}: {other:?}"
                ));
            }
        }
    }
    rig.round_trip(10).await
}

pub(super) async fn cancel_safe_server(bench: &Bench<'_>) -> Verdict {
    cancel_safe(bench, Reading::Plain, Reading::Dropping).await
}

pub(super) async fn cancel_safe_client(bench: &Bench<'_>) -> Verdict {
    cancel_safe(bench, Reading::Dropping, Reading::Plain).await
}

/// Messages of many sizes, some larger than any buffer on the way, so that dropped futures hit every part of a frame.
async fn cancel_safe(bench: &Bench<'_>, client: Reading, server: Reading) -> Verdict {
    let mut rig = bench.open_reading(client, server).await?;
    let large = bench.fixture.large();
    for n in 0..40_usize {
        let bytes = if n % 20 == 19 { large / 4 } else { n * 997 % (large / 64).max(1) };
        let id = i64::try_from(n).unwrap_or_default();
        let lane = rig.call(id, traffic::sized(n, bytes)).await?;
        rig.bench.wait(format!("call #{n} at the server"));
        let asked = rig.at_server().await?;
        ensure(traffic::is_sized(&asked.message, n, bytes), || {
            format!("in place of call #{n}: a {}", describe(&asked.message))
        })?;
        for _ in 0..3 {
            rig.note(&asked, traffic::numbered(n)).await?;
        }
        rig.reply(&asked, traffic::result(id.into(), traffic::sized(n, bytes))).await?;
        for _ in 0..3 {
            rig.expect_at_client(lane, n).await?;
        }
        let message = rig.expect_at_client(lane, n).await?;
        ensure(traffic::is_sized(&message, n, bytes), || format!("the answer to call #{n} is damaged"))?;
    }
    Ok(())
}
