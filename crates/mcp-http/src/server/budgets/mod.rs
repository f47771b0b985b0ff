//! What a server keeps for its clients outside of the driver, and the budgets that it is charged to.

mod answers;
mod holder;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use hyper::StatusCode;
use mcp_core::message::{ErrorObject, RequestId};
use mcp_core::transport::budget::{Budget, BudgetKey, Full, Limits};

use super::HttpServerConfig;
use super::respond::{self, Reply};

pub(crate) use holder::{Cut, Held, Holder, Holders};

/// Hooks of the application that may wait at a time.
const HOOKS: u64 = 1024;

/// The budgets of a server.
pub(crate) struct Budgets {
    /// Bodies that are being received.
    pub(crate) bodies: Holders,
    /// Answers and events that their clients have not read.
    pub(crate) answers: Holders,
    /// Legacy sessions.
    pub(crate) sessions: Budget,
    /// Streams that belong to no request, or are resumed.
    pub(crate) streams: Budget,
    hooks: Budget,
}

impl Budgets {
    pub(crate) fn new(config: &HttpServerConfig) -> Budgets {
        let limits = &config.limits;
        let places = |name, places: usize| Budget::new(name, Limits::new(places as u64, u64::MAX));
        Budgets {
            bodies: Holders::new("request bodies", limits.bodies as u64),
            answers: Holders::new("unread answers", limits.unread as u64),
            sessions: places("sessions", config.sessions.max),
            streams: places("open streams", limits.streams),
            hooks: Budget::new("hooks that wait", Limits::new(HOOKS, u64::MAX)),
        }
    }

    /// Runs a hook of the application. One that answers at once costs nothing; one that waits needs a place, and has a
    /// limit in time.
    pub(crate) async fn hook<T>(
        &self,
        name: &'static str,
        key: &BudgetKey,
        limit: Duration,
        hook: impl Future<Output = T>,
    ) -> Result<T, ErrorObject> {
        let mut hook = pin!(hook);
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(hook.as_mut().poll(cx))).await {
            return Ok(done);
        }
        // Boxed, so that the future of a request whose hooks answer at once stays small: it is moved a few times.
        Box::pin(self.wait(name, key, limit, hook)).await
    }

    async fn wait<T>(
        &self,
        name: &'static str,
        key: &BudgetKey,
        limit: Duration,
        hook: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, ErrorObject> {
        let _place =
            self.hooks.link_of(key).take(1, 0).map_err(|full| ErrorObject::internal(full.to_string()))?;
        tokio::time::timeout(limit, hook).await.map_err(|_| {
            tracing::warn!(hook = name, ?limit, "a hook took too long");
            ErrorObject::internal(format!("`{name}` of this server took longer than {limit:?}"))
        })
    }
}

/// 503 with `Retry-After`, by a limit that the text names.
pub(crate) fn busy(full: &Full, id: Option<&RequestId>) -> Reply {
    respond::error(StatusCode::SERVICE_UNAVAILABLE, &ErrorObject::internal(full.to_string()), id)
}
