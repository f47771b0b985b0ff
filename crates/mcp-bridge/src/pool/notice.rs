//! Notifications of an upstream server that belong to no call, as far as its client can tell.

use std::sync::{Arc, Weak};

use mcp_core::client::Notifications;
use mcp_core::message::Notification;
use mcp_core::session::LogLevel;

use super::exchange::{self, Exchange};
use super::live::Live;

/// Passes them on until the session ends.
pub(crate) async fn notices(live: Weak<Live>, mut notifications: Notifications) {
    while let Some(notification) = notifications.next().await {
        let Some(live) = live.upgrade() else { return };
        pass_on(&live, notification).await;
    }
}

async fn pass_on(live: &Arc<Live>, notification: Notification) {
    if notification.method == "notifications/message" {
        return log(live, notification).await;
    }
    if notification.method == "notifications/tools/list_changed" {
        live.forget_schemas();
    }
    spread(live, &notification).await;
}

/// A log message. On a byte stream it does not say to which request it belongs.
async fn log(live: &Arc<Live>, notification: Notification) {
    let links = live.links.lock().clone();
    match exchange::likely(live) {
        Some(exchange) if links.is_empty() || live.exchanges.lock().len() == 1 => {
            if wants(&exchange, &notification) {
                exchange.notify(live, notification).await;
            }
        }
        _ => spread(live, &notification).await,
    }
}

/// Whether the client of the request wants a message of this level. The session checks it too.
fn wants(exchange: &Exchange, notification: &Notification) -> bool {
    let level = notification.params.as_ref().and_then(|params| params.raw().member("level"));
    let level = level.and_then(|level| level.to_text()).and_then(|name| LogLevel::parse(&name));
    level.zip(exchange.context().log_level()).is_some_and(|(level, least)| level >= least)
}

/// To every legacy client of the session. Modern clients hear only of what they subscribed to. Counted as dropped if there is
/// no legacy client.
async fn spread(live: &Arc<Live>, notification: &Notification) {
    let links = live.links.lock().clone();
    if links.iter().all(|link| link.is_closed()) {
        return live.note_dropped();
    }
    for link in links {
        let params = notification.params.as_ref().map(|params| params.raw().clone());
        link.notify(notification.method.clone(), params).await;
    }
}
