//! Progress of a request.

use super::Number;
use super::object::object;
use crate::message::RawJson;

object! {
    /// The parameters of `notifications/progress`.
    pub struct Progress {
        required {
            /// The request's token as it came: a string or an integer (ledger PROG-B-001, PROG-B-002).
            token: RawJson = "progressToken";
            /// How far: more with every notification (ledger PROG-B-003).
            progress: Number = "progress";
        }
        optional {
            /// How far it will go, if known.
            total: Option<Number> = opt "total", with_total(Number);
            /// What is going on, for people (2025-03-26 and later; ledger PROG-B-005).
            message: Option<String> = opt "message", with_message(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl Progress {
    /// The part that is done, from 0 to 1, if the total is known and above 0.
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total.as_ref()?.as_f64();
        (total > 0.0).then(|| (self.progress.as_f64() / total).clamp(0.0, 1.0))
    }
}
