//! Requests as text, and HTTP/1.1 by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Outcome;

/// How long an exchange may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"siege","version":"1"}}"#;

/// A modern message: `members` follow `_meta` in its params.
pub(super) fn message(id: u64, method: &str, members: &str) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{META}{comma}{members}}}}}"#)
}

/// The members of the params of a call.
pub(super) fn calling(tool: &str, arguments: &str) -> String {
    format!(r#""name":"{tool}","arguments":{arguments}"#)
}

/// The headers of a modern POST, beside `Host` and the length.
pub(super) fn headers<'a>(method: &'a str, name: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    headers.extend(name.map(|name| ("mcp-name", name)));
    headers
}

/// The head of a POST with a body of this length.
pub(super) fn head(address: &str, headers: &[(&str, &str)], length: usize) -> String {
    let mut text = format!("POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text + "\r\n"
}

/// A modern call, as a whole request.
pub(super) fn tool(address: &str, tool: &str, arguments: &str) -> String {
    let body = message(1, "tools/call", &calling(tool, arguments));
    head(address, &headers("tools/call", Some(tool)), body.len()) + &body
}

/// `initialize`, as a message.
pub(super) fn initialize_message(version: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"siege","version":"1"}}}}}}"#
    )
}

/// `initialize`, as a whole request.
pub(super) fn initialize(address: &str, version: &str) -> String {
    legacy(address, None, &initialize_message(version))
}

/// A POST of a legacy client.
pub(super) fn legacy(address: &str, session: Option<&str>, body: &str) -> String {
    let mut headers =
        vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    headers.extend(session.map(|id| ("mcp-session-id", id)));
    head(address, &headers, body.len()) + body
}

/// A legacy call, as a message.
pub(super) fn legacy_call(id: u64, tool: &str, arguments: &str) -> String {
    let params = calling(tool, arguments);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{{params}}}}}"#)
}

pub(super) fn connect(address: &str) -> Outcome<TcpStream> {
    let stream = TcpStream::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    let _only_slower = stream.set_nodelay(true);
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&stream, Some(PATIENCE)).map_err(|error| error.to_string())?;
    }
    Ok(stream)
}

/// One request on a new connection, and its answer as text.
pub(super) fn exchange(address: &str, request: &str) -> Outcome<String> {
    let mut stream = connect(address)?;
    stream.write_all(request.as_bytes()).map_err(|error| format!("cannot write: {error}"))?;
    read(&mut stream)
}

/// The next answer on a connection: its head, and the body that the head announces. A stream ends with its first event
/// that holds a result or an error.
pub(super) fn read(stream: &mut TcpStream) -> Outcome<String> {
    let mut seen = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        let text = String::from_utf8_lossy(&seen);
        if let Some(end) = text.find("\r\n\r\n") {
            let whole = match header(&text, "content-length") {
                Some(length) => seen.len() >= end + 4 + length.parse::<usize>().unwrap_or(0),
                None => {
                    text.contains("\"result\":")
                        || text.contains("\"error\":")
                        || text.contains("\r\n0\r\n\r\n")
                }
            };
            if whole {
                return Ok(text.into_owned());
            }
        }
        match stream.read(&mut piece) {
            // The end of the connection may be the end of the answer.
            Ok(0) if text.contains("\r\n\r\n") => return Ok(text.into_owned()),
            Ok(0) => return Err("closed without an answer".to_owned()),
            Ok(read) => seen.extend_from_slice(&piece[..read]),
            Err(error) => return Err(format!("no answer: {error}")),
        }
    }
}

/// The value of a header in the head of an answer.
pub(super) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
