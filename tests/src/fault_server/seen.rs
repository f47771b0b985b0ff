//! What a fault server received and counted.

use serde_json::Value;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The connection, counted from 1.
    pub connection: usize,
    /// `POST`
    pub method: String,
    /// Path and query.
    pub target: String,
    /// In their order, as they were written.
    pub headers: Vec<(String, String)>,
    /// Everything before the body, as it was written.
    pub head: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a server has seen and done until now.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The requests, in the order of their ends.
    pub requests: Vec<Seen>,
    /// Connections that came.
    pub opened: usize,
    /// Connections that are open now.
    pub open: usize,
    /// The most that were open at once.
    pub most_open: usize,
    /// Bytes that were sent.
    pub sent: u64,
    /// Bytes that were received.
    pub received: u64,
    /// Whether the break that was asked for has come, and its connection is closed.
    pub broken: bool,
}

impl Seen {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The method of JSON-RPC, or nothing.
    pub fn rpc(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    /// In a few words: `POST tools/call`, `GET`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.rpc()).trim_end().to_owned()
    }
}

impl Record {
    /// The requests in a few words each.
    pub fn lines(&self) -> Vec<String> {
        self.requests.iter().map(Seen::line).collect()
    }

    /// The requests with this line.
    pub fn of(&self, line: &str) -> Vec<&Seen> {
        self.requests.iter().filter(|seen| seen.line() == line).collect()
    }
}
