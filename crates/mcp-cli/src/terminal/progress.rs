//! What a call tells while it runs, on stderr: progress as one line that is drawn again, log messages.

use std::io::IsTerminal;

use mcp_core::client::CallNotifications;
use mcp_core::message::Notification;
use serde_json::Value;

use crate::global::Global;
use crate::terminal::out;
use crate::text;

const BAR: usize = 24;

/// The most columns of a line of progress. One that wraps could not be drawn again.
const LINE: usize = 78;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing.
    Quiet,
    /// Log messages, one line each.
    Logs,
    /// Progress and log messages, one line each.
    Lines,
    /// Progress on a line that is drawn again and again; log messages above it.
    Drawn,
}

/// Shows notifications of calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Display {
    mode: Mode,
}

impl Display {
    /// As the options say: drawn on a terminal, lines with `-v`, else only log messages.
    pub(crate) fn new(global: &Global) -> Display {
        let mode = match (global.quiet, std::io::stderr().is_terminal(), global.verbose) {
            (true, _, _) => Mode::Quiet,
            // The lines of -v and a line that is drawn again would tear each other.
            (_, true, 0) => Mode::Drawn,
            (_, _, 0) => Mode::Logs,
            _ => Mode::Lines,
        };
        Display { mode }
    }

    /// Shows everything that this call tells, until it has ended.
    pub(crate) async fn follow(self, mut notifications: CallNotifications) {
        while let Some(notification) = notifications.next().await {
            self.show(&notification);
        }
        self.clear();
    }

    /// Shows one notification.
    pub(crate) fn show(self, notification: &Notification) {
        let params = notification.params.as_ref();
        let params: Value = params.and_then(|params| params.raw().deserialize().ok()).unwrap_or_default();
        match (notification.method.as_str(), self.mode) {
            (_, Mode::Quiet) | ("notifications/progress", Mode::Logs) => {}
            ("notifications/progress", Mode::Drawn) => out::note(format!("\r\x1b[K{}", progress(&params))),
            ("notifications/progress", _) => out::note(format!("{}\n", progress(&params))),
            ("notifications/message", mode) => {
                let clear = if mode == Mode::Drawn { "\r\x1b[K" } else { "" };
                out::note(format!("{clear}{}\n", message(&params)));
            }
            _ => {}
        }
    }

    /// Takes the drawn line away.
    pub(crate) fn clear(self) {
        if self.mode == Mode::Drawn {
            out::note("\r\x1b[K");
        }
    }
}

/// Progress in one line, with a bar where the total is known.
fn progress(params: &Value) -> String {
    let number = |key: &str| params.get(key).and_then(Value::as_f64).filter(|number| number.is_finite());
    let done = number("progress").unwrap_or(0.0);
    let message = params.get("message").and_then(Value::as_str).unwrap_or("");
    let line = match number("total").filter(|total| *total > 0.0) {
        Some(total) => {
            let share = (done / total).clamp(0.0, 1.0);
            // Between 0 and BAR.
            let filled = (share * BAR as f64) as usize;
            format!("[{}{}] {done}/{total} {message}", "#".repeat(filled), " ".repeat(BAR - filled))
        }
        None => format!("{done} {message}"),
    };
    text::headline(&line, LINE)
}

/// A log message in one line.
fn message(params: &Value) -> String {
    let word = |key: &str| params.get(key).and_then(Value::as_str);
    let data = match params.get("data") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let logger = word("logger").map(|logger| format!(" {logger}")).unwrap_or_default();
    text::safe_line(&format!("log {}{logger}: {data}", word("level").unwrap_or("?"))).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_is_one_safe_line() {
        let half = json!({"progress": 5, "total": 10, "message": "half\n\u{1b}[2J"});
        assert_eq!(progress(&half), "[############            ] 5/10 half");
        assert_eq!(progress(&json!({"progress": 3})), "3");
        assert_eq!(progress(&json!({"progress": 30, "total": 10})), "[########################] 30/10");
    }

    #[test]
    fn log_messages_name_their_level_and_logger() {
        let log = json!({"level": "warning", "logger": "db", "data": {"a": 1}});
        assert_eq!(message(&log), r#"log warning db: {"a":1}"#);
    }
}
