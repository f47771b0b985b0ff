//! The progress of a request.
//!
//! See [progress](https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/progress).

use super::Number;
use super::object::object;
use crate::message::RawJson;

object! {
    /// The parameters of `notifications/progress`.
    pub struct Progress {
        required {
            /// The progress token of the request, unchanged: a string or an integer.
            token: RawJson = "progressToken";
            /// The progress so far. It increases with every notification.
            progress: Number = "progress";
        }
        optional {
            /// The progress at the end, if known.
            total: Option<Number> = opt "total", with_total(Number);
            /// A message for the user (2025-03-26 and later).
            message: Option<String> = opt "message", with_message(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl Progress {
    /// The finished fraction, from 0 to 1, if the total is known and positive.
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total.as_ref()?.as_f64();
        (total > 0.0).then(|| (self.progress.as_f64() / total).clamp(0.0, 1.0))
    }
}
