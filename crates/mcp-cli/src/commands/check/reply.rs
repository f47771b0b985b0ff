//! What a server has sent back, over either wire.

use serde_json::Value;

/// What came of one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// Over HTTP.
    pub(crate) status: Option<u16>,
    pub(crate) headers: Vec<(String, String)>,
    /// Over HTTP, the body as it came.
    pub(crate) body: String,
    /// The messages, those of an array one by one.
    pub(crate) messages: Vec<Value>,
    /// The messages came in an array.
    pub(crate) array: bool,
    /// Lines that are not JSON.
    pub(crate) noise: Vec<String>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// `application/json`, without parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Takes up a JSON text: a message, or an array of messages.
    pub(crate) fn take(&mut self, text: &str) -> bool {
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Array(items)) => {
                self.array = true;
                self.messages.extend(items);
                true
            }
            Ok(value @ Value::Object(_)) => {
                self.messages.push(value);
                true
            }
            _ => false,
        }
    }

    /// The responses.
    pub(crate) fn responses(&self) -> impl Iterator<Item = &Value> {
        self.messages.iter().filter(|message| message.get("method").is_none())
    }

    /// The response with this id.
    pub(crate) fn answer(&self, id: &Value) -> Option<&Value> {
        self.responses().find(|message| message.get("id") == Some(id))
    }

    /// The one response, if its id is missing or null.
    pub(crate) fn anonymous(&self) -> Option<&Value> {
        self.responses().find(|message| message.get("id").is_none_or(Value::is_null))
    }

    /// In words, for a report.
    pub(crate) fn describe(&self) -> String {
        let status = self.status.map(|status| format!("status {status}"));
        let kind = self.header("content-type").map(str::to_owned);
        let first = self.messages.first().map(Value::to_string);
        let text = first.or_else(|| self.noise.first().cloned()).or_else(|| {
            let line = self.body.lines().find(|line| !line.trim().is_empty())?;
            Some(line.trim().to_owned())
        });
        let parts: Vec<String> = [status, kind, text].into_iter().flatten().collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    }
}

/// The code of an error response.
pub(crate) fn code(message: &Value) -> Option<i64> {
    message.get("error")?.get("code")?.as_i64()
}
