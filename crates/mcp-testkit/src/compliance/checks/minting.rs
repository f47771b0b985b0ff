//! Promise 1: who mints lanes.

use std::collections::HashSet;

use crate::compliance::bench::Bench;
use crate::compliance::{Verdict, ensure, traffic};

/// Where lanes reach the peer, every call arrives on a fresh lane, also after others have ended. Elsewhere all calls arrive
/// on the shared lane.
pub(super) async fn server_lanes(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    let mut seen = HashSet::new();
    for round in 0..3_usize {
        let mut arrived = Vec::new();
        for n in 0..4 {
            rig.call(i64::try_from(n).unwrap_or_default(), traffic::numbered(round * 4 + n)).await?;
        }
        for _ in 0..4 {
            arrived.push(rig.at_server().await?);
        }
        for asked in &arrived {
            if rig.has_exchanges() {
                ensure(!asked.lane.is_shared(), || "a call came to the server on the shared lane".into())?;
                ensure(seen.insert((asked.link, asked.lane)), || {
                    format!("two calls came to the server on {:?}", asked.lane)
                })?;
            } else {
                ensure(asked.lane.is_shared(), || {
                    format!("on a byte stream, a call came to the server on {:?}", asked.lane)
                })?;
            }
        }
        for asked in &arrived {
            let number = traffic::number(&asked.message).unwrap_or_default();
            let id = i64::try_from(number % 4).unwrap_or_default();
            rig.reply(asked, traffic::result(id.into(), traffic::numbered(number))).await?;
        }
        for _ in 0..4 {
            rig.at_client().await?;
        }
    }
    Ok(())
}

/// A message reaches the client on the lane that the session minted for its call, or on the shared one.
pub(super) async fn client_lanes(bench: &Bench<'_>) -> Verdict {
    let mut rig = bench.open().await?;
    for n in 0..3_usize {
        // Sessions also mint lanes for messages that expect no answer.
        rig.client.lane();
        let lane = rig.call("same", traffic::numbered(n)).await?;
        let asked = rig.at_server().await?;
        rig.note(&asked, traffic::numbered(n)).await?;
        rig.reply(&asked, traffic::result("same".into(), traffic::numbered(n))).await?;
        rig.expect_at_client(lane, n).await?;
        rig.expect_at_client(lane, n).await?;
    }
    Ok(())
}
