//! Promise 6: the events that a send may wait for.

use std::collections::VecDeque;

use crate::compliance::bench::{Bench, Rig, is_no_route};
use crate::compliance::hub::{Arrived, Seen};
use crate::compliance::{Stop, Verdict, ensure, fail, traffic};
use mcp_core::transport::{ErrorChain, Inbound, Lane, SendError};

const CALLS: usize = 50;

/// Calls are sent while earlier ones are unanswered.
// FAULT C-39.
pub(super) async fn no_waiting(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    for n in 0..CALLS {
        rig.call(i64::try_from(n).unwrap_or_default(), traffic::numbered(n)).await?;
    }
    let arrived = collect(&mut rig, CALLS).await?;
    for (n, asked) in arrived.iter().enumerate() {
        let id = i64::try_from(n).unwrap_or_default();
        rig.reply(asked, traffic::result(id.into(), traffic::numbered(n))).await?;
    }
    for _ in 0..CALLS {
        rig.at_client().await?;
    }
    Ok(())
}

/// Receives every call once and sorts them by number.
async fn collect(rig: &mut Rig<'_>, calls: usize) -> Verdict<Vec<Arrived>> {
    let mut arrived: Vec<Option<Arrived>> = Vec::new();
    arrived.resize_with(calls, || None);
    for _ in 0..calls {
        let asked = rig.at_server().await?;
        let number = traffic::number(&asked.message).unwrap_or(usize::MAX);
        match arrived.get_mut(number) {
            Some(slot @ None) => *slot = Some(asked),
            Some(_) => return fail(format!("call #{number} came twice")),
            None => return fail(format!("an unknown call came: {:?}", asked.message)),
        }
    }
    Ok(arrived.into_iter().flatten().collect())
}

/// Yields to other tasks until all queues are full.
async fn let_it_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A peer that does not read makes the sender wait, and nothing is lost when it reads again.
// FAULT C-12, C-13.
pub(super) async fn slow_reader(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    rig.round_trip(0).await?;
    both_ways(&mut rig, CALLS, bench.fixture.large() / 64, First::Server).await
}

/// Both directions are full: the client reads everything while its sends wait, and the server sends everything
/// without reading. A transport whose halves wait for each other deadlocks here.
pub(super) async fn large(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    both_ways(&mut rig, CALLS, bench.fixture.large() / 64, First::Client).await?;
    both_ways(&mut rig, 2, bench.fixture.large(), First::Client).await
}

/// Which side reads first.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Client,
    Server,
}

/// Fills both directions without reading, then reads and compares.
async fn both_ways(rig: &mut Rig<'_>, messages: usize, bytes: usize, reads: First) -> Verdict {
    let first = rig.call("first", traffic::numbered(0)).await?;
    let asked = rig.at_server().await?;
    let link = rig.server_link(asked.link)?;
    let dialect = rig.dialect;
    rig.hub.read(false);
    rig.client.read(false);
    let client_reads = rig.client.reading();
    rig.bench.wait(format!("sends of {messages} messages of {bytes} bytes, both ways"));
    let mut heard = VecDeque::new();
    let lanes: Vec<Lane> = (0..messages).map(|_| rig.client.lane()).collect();
    {
        let up = async {
            for (n, lane) in lanes.iter().enumerate() {
                let id = i64::try_from(n).unwrap_or_default();
                let call = traffic::call(dialect, id.into(), traffic::sized(n, bytes));
                rig.client.sender.send(traffic::out(dialect, call, *lane, true)).await?;
                rig.client.sender.flush().await?;
            }
            Ok::<(), SendError>(())
        };
        let down = async {
            for n in 0..messages {
                let note = traffic::server_note(traffic::sized(n, bytes));
                link.send(traffic::out(dialect, note, asked.lane, false)).await?;
            }
            Ok::<(), SendError>(())
        };
        let reading = async {
            let_it_run().await;
            match reads {
                First::Server => rig.hub.read(true),
                First::Client => {
                    let _no_reader = client_reads.send(true);
                    rig.bench.wait(
                        "a notification at the client, while its sends wait and the server does not read",
                    );
                    while heard.len() < messages {
                        heard.extend(rig.client.events.recv().await);
                    }
                }
            }
            let_it_run().await;
            rig.hub.read(true);
            let _no_reader = client_reads.send(true);
        };
        let (sent_up, sent_down, ()) = tokio::join!(up, down, reading);
        for (role, sent) in [("client", sent_up), ("server", sent_down)] {
            sent.map_err(|error| {
                Stop::Fail(format!("a send of the {role} failed: {}", ErrorChain::new(&error)))
            })?;
        }
    }
    for (n, asked) in collect(rig, messages).await?.iter().enumerate() {
        ensure(traffic::is_sized(&asked.message, n, bytes), || format!("call #{n} is damaged"))?;
    }
    for n in 0..messages {
        let message = match heard.pop_front() {
            Some(Seen::In(Inbound::Message { message, lane, .. })) => {
                rig.check_lane(lane, first)?;
                message
            }
            Some(other) => return fail(format!("at the client, in place of a notification: {other:?}")),
            None => rig.expect_at_client(first, n).await?,
        };
        ensure(traffic::is_sized(&message, n, bytes), || format!("notification #{n} is damaged"))?;
    }
    Ok(())
}

/// A message that cannot be delivered is rejected without waiting.
pub(super) async fn nowhere(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    if !rig.has_exchanges() {
        return Err(Stop::Skip("on a byte stream every lane leads to the peer"));
    }
    let called = rig.call(1, traffic::numbered(1)).await?;
    let asked = rig.at_server().await?;
    let link = rig.server_link(asked.link)?;
    rig.bench.wait("send at the server, on an unknown lane");
    let note =
        traffic::out(rig.dialect, traffic::server_note(traffic::numbered(9)), Lane::numbered(1 << 62), false);
    let sent = link.send(note).await;
    ensure(is_no_route(&sent), || {
        format!("a message on an unknown lane was not rejected as NoRoute but: {sent:?}")
    })?;
    rig.reply(&asked, traffic::result(1.into(), traffic::numbered(1))).await?;
    rig.expect_at_client(called, 1).await?;
    rig.round_trip(2).await
}
