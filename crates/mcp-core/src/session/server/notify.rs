//! Notifications of an exchange: progress, log messages, notifications of extensions.

use std::time::Instant;

use crate::message::{Field, Method, Notification, RawJson, method};
use crate::session::{ExchangeId, LogLevel};
use crate::transport::Lane;

use super::ServerSession;
use super::exchange::{ExchangeEntry, ExchangeStage};

impl ServerSession {
    /// Sends progress of an exchange. Dropped if the client did not request it, if it is not finite or does not increase,
    /// and after the outcome.
    pub fn progress(
        &mut self,
        _now: Instant,
        exchange: ExchangeId,
        progress: f64,
        total: Option<f64>,
        message: Option<&str>,
    ) {
        let Some(entry) = self.served_entry(exchange) else { return };
        let Some(token) = entry.context().progress_token.clone() else { return };
        if !advance(entry, progress) {
            return;
        }
        let mut members = vec![("progressToken", token), ("progress", number(progress))];
        members.extend(total.filter(|total| total.is_finite()).map(|total| ("total", number(total))));
        let message = message.filter(|_| entry.version().has_progress_message());
        members.extend(message.map(|message| ("message", RawJson::string(message))));
        self.send_on(exchange, Notification::new("notifications/progress", Some(RawJson::object(members))));
    }

    /// Sends a log message of an exchange, `notifications/message`. Dropped below the level that the client requested. A
    /// legacy client that requested none gets `info` and above.
    pub fn log(
        &mut self,
        _now: Instant,
        exchange: ExchangeId,
        level: LogLevel,
        logger: Option<&str>,
        data: RawJson,
    ) {
        if !self.wants_log(exchange, level) {
            return;
        }
        let mut members = vec![("level", RawJson::string(level.as_str()))];
        members.extend(logger.map(|logger| ("logger", RawJson::string(logger))));
        members.push(("data", data));
        self.send_on(exchange, Notification::new("notifications/message", Some(RawJson::object(members))));
    }

    /// Sends any other notification of an exchange. Progress and log messages are checked as by
    /// [`progress`](ServerSession::progress) and [`log`](ServerSession::log). Notifications that may not belong to a
    /// request are dropped: cancellations, on 2026-07-28 change notifications, and those that a server does not send.
    pub fn notify(&mut self, _now: Instant, exchange: ExchangeId, method: Method, params: Option<RawJson>) {
        let note = Notification::new(method, params);
        let Some(entry) = self.served_entry(exchange) else { return };
        let legal = match note.method.as_str() {
            "notifications/progress" => {
                let token = note.field(Field::ProgressToken);
                let wanted =
                    token.is_some() && token == entry.context().progress_token.as_ref().map(|t| t.as_bytes());
                let value = note.field(Field::Progress).and_then(|json| serde_json::from_slice(json).ok());
                wanted && value.is_some_and(|value| advance(entry, value))
            }
            "notifications/message" => level_of(&note).is_some_and(|level| self.wants_log(exchange, level)),
            name => may_travel(name, entry),
        };
        let object = note.params.as_ref().is_none_or(|params| params.raw().is_object());
        if legal && object {
            self.send_on(exchange, note);
        } else {
            tracing::debug!(method = ?note.method, "a notification that may not travel here is dropped");
        }
    }

    /// Sends a notification of a legacy server that belongs to no exchange. Dropped without a legacy client that has
    /// finished its handshake. Log messages below the client's level are dropped, and so is what belongs to a request:
    /// progress, cancellations.
    pub fn notify_client(&mut self, _now: Instant, method: Method, params: Option<RawJson>) {
        let note = Notification::new(method, params);
        let logging = self.declared().logging;
        let Some(legacy) = self.legacy.as_ref().filter(|legacy| legacy.initialized && !self.closing.closed)
        else {
            return;
        };
        let legal = match note.method.as_str() {
            "notifications/message" => logging && level_of(&note).is_some_and(|level| level >= legacy.level),
            "notifications/progress" | "notifications/cancelled" => false,
            name => match method::find(name) {
                Some(row) => row.legacy.server() && name.starts_with("notifications/"),
                None => true,
            },
        };
        let version = legacy.version;
        if legal && note.params.as_ref().is_none_or(|params| params.raw().is_object()) {
            self.send(note, Lane::SHARED, version);
        } else {
            tracing::debug!(method = ?note.method, "a notification that may not travel here is dropped");
        }
    }

    /// The exchange, if its handler is running and it is not muted.
    fn served_entry(&mut self, exchange: ExchangeId) -> Option<&mut ExchangeEntry> {
        self.exchanges.get_mut(exchange).filter(|entry| matches!(entry.stage, ExchangeStage::Handler))
    }

    /// Whether the client requested log messages of this level for this exchange.
    fn wants_log(&mut self, exchange: ExchangeId, level: LogLevel) -> bool {
        let logging = self.declared().logging;
        // A legacy client may have changed the level since the request came.
        let link_level = self.legacy.as_ref().map(|legacy| legacy.level).filter(|_| logging);
        self.served_entry(exchange).is_some_and(|entry| {
            let wanted = if entry.version().is_modern() { entry.context().log_level } else { link_level };
            wanted.is_some_and(|wanted| level >= wanted)
        })
    }

    /// Sends on the lane of the exchange, or on the shared lane for a batch, whose lane carries responses only.
    fn send_on(&mut self, exchange: ExchangeId, note: Notification) {
        let Some(entry) = self.exchanges.get(exchange) else { return };
        let (lane, version) = (entry.lane, entry.version());
        let lane = if self.batches.holds(lane) { Lane::SHARED } else { lane };
        self.send(note, lane, version);
    }
}

/// The level of a log message.
fn level_of(note: &Notification) -> Option<LogLevel> {
    let level = note.params.as_ref()?.raw().member("level")?;
    LogLevel::parse(&level.as_text()?)
}

/// Records the progress if it increases.
fn advance(entry: &mut ExchangeEntry, progress: f64) -> bool {
    let more = progress.is_finite() && entry.progress.is_none_or(|before| progress > before);
    if more {
        entry.progress = Some(progress);
    }
    more
}

/// Whether a server may send this notification for a request.
fn may_travel(name: &str, entry: &ExchangeEntry) -> bool {
    let Some(row) = method::find(name) else { return true };
    if entry.version().is_modern() {
        // Of the specification's notifications, only the two that are checked above belong to a request, and the changes
        // to a subscription that the handler serves.
        let listens = entry.method() == "subscriptions/listen";
        return listens && row.modern.server() && name != "notifications/cancelled";
    }
    name.starts_with("notifications/") && row.legacy.server() && name != "notifications/cancelled"
}

/// A number in its shortest form: `1`, not `1.0`.
fn number(value: f64) -> RawJson {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return RawJson::integer(value as i64);
    }
    RawJson::serialize(&value).unwrap_or(RawJson::NULL)
}
