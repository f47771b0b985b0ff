//! The life of an upstream session after its start: its server ends by itself and is started again, or it is closed because
//! nothing has used it for long.

use std::sync::Weak;
use std::time::Duration;

use mcp_core::client::{ClientState, StateWatch};
use tokio::time::Instant;

use super::{Key, Live, Pool};

/// The shortest time between two looks at a session that is used.
const LOOK: Duration = Duration::from_secs(1);

/// Notes the ends and starts of its server, closes a caller's session once it was idle for long enough, and removes one
/// that has ended.
pub(super) async fn watch(pool: Weak<Pool>, live: Weak<Live>, mut states: StateWatch) {
    loop {
        let due = {
            let (Some(pool), Some(live)) = (pool.upgrade(), live.upgrade()) else { return };
            let idle = pool.limits.idle;
            let due = match live.idle_since() {
                Some(since) => since.checked_add(idle),
                // While it is used, the next look does not come at once, however short the limit is.
                None => Instant::now().checked_add(idle.max(LOOK)),
            };
            due.filter(|_| !matches!(live.key, Key::Link(_)))
        };
        let state = tokio::select! {
            state = states.changed() => Some(state),
            () = sleep_until(due) => None,
        };
        let (Some(pool), Some(live)) = (pool.upgrade(), live.upgrade()) else { return };
        match state {
            Some(Some(ClientState::Disconnected(_))) => live.note_end(),
            Some(Some(ClientState::Ready(negotiated))) => live.note_start(negotiated),
            Some(Some(ClientState::Closed(_))) => {
                pool.remove(&live.key, &live);
                live.note_end();
                return;
            }
            Some(Some(_)) => {}
            Some(None) => return,
            None => {
                let over = live.idle_since().and_then(|since| since.checked_add(pool.limits.idle));
                if over.is_some_and(|over| over <= Instant::now()) {
                    tracing::debug!(upstream = pool.name, "an idle upstream session is closed");
                    pool.remove(&live.key, &live);
                    pool.end(&live);
                    return;
                }
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
