//! What a server over HTTP holds for clients that do nothing: a client with blocking sockets, which hold nothing on the heap.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::{Outcome, wire};

/// How much each of the things that `make` makes adds to the number, on average over `count` after the `first` ones. And
/// the number with all of them. They are kept until the end.
///
/// # Errors
///
/// Those of `make`.
pub fn growth<T>(
    (first, count): (usize, usize),
    settled: impl Fn() -> usize,
    mut make: impl FnMut() -> Outcome<T>,
) -> Outcome<(usize, usize)> {
    let mut kept = Vec::with_capacity(first + count);
    // The first ones pay for what is there once.
    for _ in 0..first {
        kept.push(make()?);
    }
    let before = settled();
    for _ in 0..count {
        kept.push(make()?);
    }
    let after = settled();
    std::mem::forget(kept);
    Ok((after.saturating_sub(before) / count, after))
}

/// Opens a session that stays: a handshake and a list.
///
/// # Errors
///
/// The server refuses it, or cannot be reached.
pub fn session(connection: &mut TcpStream, address: SocketAddr) -> Outcome {
    session_with(connection, address, "")
}

/// The same with more headers.
///
/// # Errors
///
/// Those of [`session`].
pub fn session_with(connection: &mut TcpStream, address: SocketAddr, more: &str) -> Outcome {
    let answer = send(connection, address, more, wire::INITIALIZE)?;
    let session =
        answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: ")).ok_or("no session")?;
    let headers = format!("mcp-session-id: {session}\r\nmcp-protocol-version: 2025-11-25\r\n{more}");
    send(connection, address, &headers, wire::INITIALIZED)?;
    send(connection, address, &headers, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)?;
    Ok(())
}

/// Sends a request of 2026-07-28, and reads what [`send`] reads.
///
/// # Errors
///
/// Those of [`send`].
pub fn post(
    connection: &mut TcpStream,
    address: SocketAddr,
    method: &str,
    more: &str,
    body: &str,
) -> Outcome<String> {
    let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: {method}\r\n{more}");
    send(connection, address, &headers, body)
}

/// Sends a request and reads its head, and the body if it has a length; for a stream its first event.
///
/// # Errors
///
/// The server refuses it, or closes the connection.
pub fn send(connection: &mut TcpStream, address: SocketAddr, headers: &str, body: &str) -> Outcome<String> {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if count == 0 {
                return Err("the server closed the connection".into());
            }
            continue;
        };
        if !head.starts_with("HTTP/1.1 2") {
            return Err(text.into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let whole = match length {
            Some(length) => body.len() >= length.parse()?,
            None => head.contains("202") || body.contains("\n\n"),
        };
        if whole {
            return Ok(head.to_owned());
        }
    }
}
