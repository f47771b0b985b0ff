//! Faults over HTTP: a scripted server with just enough of HTTP/1.1, a thread for each connection.
//!
//! It shares no code with the library, on purpose: a fault has to be able to break any rule.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::script::Ask;

/// The largest request that is read, in bytes.
const MAX_REQUEST: u64 = 1 << 20;

const LONG: usize = 17 << 20;

/// What a request is answered with.
pub(super) enum Reply {
    /// Status and reason, more headers, type, body.
    Whole(&'static str, &'static str, &'static str, Vec<u8>),
    /// A stream of these events. If it is torn, the connection ends within the next one.
    Events { events: Vec<Value>, torn: bool },
    /// Nothing, forever.
    Silence,
}

/// A server without faults, but for what `fault` does to tool calls.
fn at_calls(ask: &Ask, fault: impl FnOnce() -> Reply) -> Reply {
    if ask.is_call() { fault() } else { good(ask) }
}

fn good(ask: &Ask) -> Reply {
    Reply::Whole("200 OK", "", "application/json", ask.answer().to_string().into_bytes())
}

fn page(status: &'static str, headers: &'static str) -> Reply {
    Reply::Whole(status, headers, "text/html", b"<html><body>Nothing to see here</body></html>".to_vec())
}

/// Found, and refused.
// FAULT A-B4.
pub(super) fn wants_credentials(_: &Ask) -> Reply {
    page("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"demo\"\r\n")
}

/// The same with credentials that are not enough.
// FAULT A-B4.
pub(super) fn refuses_credentials(_: &Ask) -> Reply {
    page("403 Forbidden", "")
}

// FAULT A-B20.
pub(super) fn found_elsewhere(_: &Ask) -> Reply {
    page("302 Found", "Location: /elsewhere\r\n")
}

/// Cut in the middle of an event.
// FAULT C-24.
pub(super) fn cut_stream(ask: &Ask) -> Reply {
    at_calls(ask, || Reply::Events { events: Vec::new(), torn: true })
}

/// A clean end without the reply.
// FAULT C-25.
pub(super) fn empty_stream(ask: &Ask) -> Reply {
    at_calls(ask, || Reply::Events { events: Vec::new(), torn: false })
}

// FAULT C-26.
pub(super) fn web_page(_: &Ask) -> Reply {
    page("200 OK", "")
}

// FAULT C-28.
pub(super) fn bad_gateway(ask: &Ask) -> Reply {
    at_calls(ask, || page("502 Bad Gateway", ""))
}

// FAULT C-29.
pub(super) fn too_many_requests(ask: &Ask) -> Reply {
    at_calls(ask, || page("429 Too Many Requests", "Retry-After: 7\r\n"))
}

/// Credentials must not follow.
// FAULT C-30.
pub(super) fn redirect_away(_: &Ask) -> Reply {
    page("307 Temporary Redirect", "Location: https://elsewhere.invalid/mcp\r\n")
}

// FAULT C-31.
pub(super) fn silent(ask: &Ask) -> Reply {
    at_calls(ask, || Reply::Silence)
}

// FAULT C-34.
pub(super) fn two_replies(ask: &Ask) -> Reply {
    at_calls(ask, || Reply::Events { events: vec![ask.answer(), ask.answer()], torn: false })
}

/// A server of 2026-07-28 asks nothing.
// FAULT C-41.
pub(super) fn request_on_stream(ask: &Ask) -> Reply {
    let request = json!({"jsonrpc": "2.0", "id": 99, "method": "roots/list"});
    at_calls(ask, || Reply::Events { events: vec![request, ask.answer()], torn: false })
}

/// Larger than what a client accepts.
// FAULT A-B33.
pub(super) fn long_body(ask: &Ask) -> Reply {
    let body = || ask.echoed(&"x".repeat(LONG)).to_string().into_bytes();
    at_calls(ask, || Reply::Whole("200 OK", "", "application/json", body()))
}

/// Serves every connection until the process is ended.
pub(super) fn serve(listener: &TcpListener, answer: fn(&Ask) -> Reply) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::Builder::new().spawn(move || {
            // A client that has gone is the ordinary end of a connection.
            let _gone = connection(stream, answer);
        })?;
    }
    Ok(())
}

fn connection(stream: TcpStream, answer: fn(&Ask) -> Reply) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    while let Some((method, body)) = request(&mut reader)? {
        let ask = Ask::read(&String::from_utf8_lossy(&body));
        match (method.as_str(), ask) {
            ("POST", Some(ask)) => {
                if !write(&mut stream, answer(&ask))? {
                    return Ok(());
                }
            }
            // A notification wants no answer; streams and sessions of old clients are not played.
            ("POST", None) => stream.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")?,
            _ => stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")?,
        }
    }
    Ok(())
}

/// Method and body of the next request; `None` at the end of the connection.
fn request(reader: &mut impl BufRead) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut limited = reader.take(MAX_REQUEST);
    let mut line = String::new();
    if limited.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let method = line.split(' ').next().unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if limited.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = Vec::new();
    limited.take(length).read_to_end(&mut body)?;
    Ok(Some((method, body)))
}

/// Whether the connection can be used again.
fn write(stream: &mut TcpStream, reply: Reply) -> io::Result<bool> {
    match reply {
        Reply::Whole(status, headers, kind, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\n{headers}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
            )?;
            stream.write_all(&body)?;
            Ok(true)
        }
        Reply::Events { events, torn } => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
            stream.write_all(head.as_bytes())?;
            for event in events {
                write!(stream, "data: {event}\n\n")?;
            }
            if torn {
                stream.write_all(b"data: {\"jsonrpc\":\"2.0\",\"id\":")?;
            }
            Ok(false)
        }
        Reply::Silence => loop {
            std::thread::park();
        },
    }
}
