//! The scripted server that faults are built on: a line loop with just enough JSON, on raw stdin and stdout.
//!
//! It shares no code with the library, on purpose: a fault has to be able to break any rule.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

/// The revisions that the scripted server speaks.
const VERSIONS: [&str; 5] = ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META_SERVER: &str = "io.modelcontextprotocol/serverInfo";

/// One request that was read.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Its id, as received.
    pub(super) id: Value,
    /// Its method.
    pub(super) method: String,
    /// Its params, or null.
    pub(super) params: Value,
}

impl Ask {
    /// The request on this line; `None` for everything that wants no answer.
    pub(super) fn read(line: &str) -> Option<Ask> {
        let message: Value = serde_json::from_str(line).ok()?;
        let id = message.get("id")?.clone();
        let method = message.get("method")?.as_str()?.to_owned();
        Some(Ask { id, method, params: message.get("params").cloned().unwrap_or(Value::Null) })
    }

    /// It is a tool call: where most faults strike.
    pub(super) fn is_call(&self) -> bool {
        self.method == "tools/call"
    }

    fn is_modern(&self) -> bool {
        self.params.pointer("/_meta").is_some_and(|meta| meta.get(META_VERSION).is_some())
    }

    /// A result for it, with what the era wants in it.
    pub(super) fn result(&self, mut result: Value) -> Value {
        if self.is_modern()
            && let Some(members) = result.as_object_mut()
        {
            members.insert("resultType".into(), json!("complete"));
            members.insert("_meta".into(), json!({META_SERVER: server_info()}));
            if self.method == "server/discover" || self.method.ends_with("/list") {
                members.insert("ttlMs".into(), json!(0));
                members.insert("cacheScope".into(), json!("private"));
            }
        }
        json!({"jsonrpc": "2.0", "id": self.id, "result": result})
    }

    /// An error for it.
    pub(super) fn error(&self, code: i64, message: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id, "error": {"code": code, "message": message}})
    }

    /// A notification of its progress, if it requested any.
    pub(super) fn progress(&self, step: u64) -> Option<Value> {
        let token = self.params.pointer("/_meta/progressToken")?;
        let params = json!({"progressToken": token, "progress": step});
        Some(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
    }

    /// The answer of a server without faults: one tool, `echo`.
    pub(super) fn answer(&self) -> Value {
        match self.method.as_str() {
            "server/discover" => {
                self.result(json!({"supportedVersions": VERSIONS, "capabilities": {"tools": {}}}))
            }
            "initialize" => {
                self.initialized(self.params.pointer("/protocolVersion").unwrap_or(&json!(VERSIONS[1])))
            }
            "ping" => self.result(json!({})),
            "tools/list" => self.result(json!({"tools": [echo()]})),
            "tools/call" => {
                self.echoed(self.params.pointer("/arguments/text").and_then(Value::as_str).unwrap_or(""))
            }
            other => self.error(-32601, &format!("Method not found: {other}")),
        }
    }

    /// The answer to `initialize` with this version in it.
    pub(super) fn initialized(&self, version: &Value) -> Value {
        let result =
            json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server_info()});
        json!({"jsonrpc": "2.0", "id": self.id, "result": result})
    }

    /// A tool result with this text.
    pub(super) fn echoed(&self, text: &str) -> Value {
        self.result(json!({"content": [{"type": "text", "text": text}]}))
    }
}

/// The one tool of the scripted server.
pub(super) fn echo() -> Value {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]});
    json!({"name": "echo", "description": "Returns its text", "inputSchema": schema})
}

fn server_info() -> Value {
    json!({"name": "mcp-demo-fault", "version": env!("CARGO_PKG_VERSION")})
}

/// Writes one message and flushes.
pub(super) fn say(message: &Value) -> io::Result<()> {
    write(format!("{message}\n").as_bytes())
}

/// Writes bytes as they are and flushes.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Reads requests to the end of stdin, and lets `serve` answer each.
pub(super) fn each(mut serve: impl FnMut(&Ask) -> io::Result<()>) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        if let Some(ask) = Ask::read(&line?) {
            serve(&ask)?;
        }
    }
    Ok(())
}

/// Serves as a server without faults does, but lets `call` answer tool calls.
pub(super) fn each_call(mut call: impl FnMut(&Ask) -> io::Result<()>) -> io::Result<()> {
    each(|ask| if ask.is_call() { call(ask) } else { say(&ask.answer()) })
}
