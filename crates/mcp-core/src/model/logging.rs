//! Log messages of a server.
//!
//! See [logging](https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/logging).

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::object;
use crate::message::RawJson;
use crate::session::LogLevel;

object! {
    /// The parameters of `notifications/message`.
    pub struct LogMessage {
        required {
            /// The severity.
            level: LogLevel = "level";
            /// The logged data, which may be any JSON, also `null`.
            data: RawJson = "data";
        }
        optional {
            /// The name of the logger.
            logger: Option<String> = opt "logger", with_logger(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The parameters of `logging/setLevel` (before 2026-07-28).
    pub struct SetLevelParams {
        required {
            /// The lowest level to send. An unknown level is an error.
            level: LogLevel = "level";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl Serialize for LogLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LogLevel, D::Error> {
        let name = String::deserialize(deserializer)?;
        LogLevel::parse(&name)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&name), &"a log level of RFC 5424"))
    }
}
