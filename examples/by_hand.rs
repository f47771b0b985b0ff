//! A session of each role, driven by hand: no runtime, no task, no socket. The messages travel through a queue as text.
//!
//! A driver follows one rule: after each input, carry out the outputs of the session until it says `Wait`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use mcp_core::message::{Decoded, RawJson, decode};
use mcp_core::session::Output;
use mcp_core::session::client::{CallOptions, ClientConfig, ClientEvent, ClientSession};
use mcp_core::session::server::{Reply, ServerConfig, ServerEvent, ServerSession};
use mcp_core::transport::{Binding, Inbound, Lane, Outbound};

fn info(name: &str) -> RawJson {
    RawJson::object([("name", RawJson::string(name)), ("version", RawJson::string("1.0.0"))])
}

/// The wire: one line for each message.
fn encode(out: Outbound) -> Option<Vec<u8>> {
    let Outbound::Message { message, .. } = out else { return None };
    let mut line = Vec::new();
    message.write_to(&mut line);
    println!("{}", String::from_utf8_lossy(&line));
    Some(line)
}

fn inbound(line: Vec<u8>) -> Option<Inbound> {
    match decode(line.into()) {
        Decoded::One(Ok(message)) => Some(Inbound::message(message, Lane::SHARED)),
        _ => None,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Instant::now();
    let tools = RawJson::object([("tools", RawJson::EMPTY_OBJECT)]);
    let mut server =
        ServerSession::new(now, Arc::new(ServerConfig::new(info("server"), tools)), Binding::STREAM);
    let mut client = ClientSession::new(now, ClientConfig::new(info("client")));
    let (mut to_server, mut to_client) = (VecDeque::new(), VecDeque::new());

    let params = RawJson::object([("name", RawJson::string("hello"))]);
    client.call(now, now, "tools/call".into(), Some(params), CallOptions::new(), "the call");
    loop {
        match client.poll_output() {
            Output::Redial { .. } => client.handle_connected(now, Binding::STREAM),
            Output::Transmit(out) => to_server.extend(encode(out)),
            Output::Event(ClientEvent::CallDone { tag, outcome, .. }) => {
                println!("{tag}: {}", outcome?.raw());
                return Ok(());
            }
            Output::Event(_) => {}
            Output::Close(reason) => return Err(reason.into()),
            Output::Wait(_) => {
                serve(now, &mut server, &mut to_server, &mut to_client);
                match to_client.pop_front().and_then(inbound) {
                    Some(inbound) => client.handle_inbound(now, inbound),
                    None => return Err("nothing happens any more".into()),
                }
            }
        }
    }
}

/// Gives the server what was sent, and carries out its outputs.
fn serve(
    now: Instant,
    server: &mut ServerSession,
    lines: &mut VecDeque<Vec<u8>>,
    answers: &mut VecDeque<Vec<u8>>,
) {
    while let Some(inbound) = lines.pop_front().and_then(inbound) {
        server.handle_inbound(now, inbound);
        loop {
            match server.poll_output() {
                Output::Transmit(out) => answers.extend(encode(out)),
                Output::Event(ServerEvent::Request(request)) => {
                    let text = RawJson::object([
                        ("type", RawJson::string("text")),
                        ("text", RawJson::string("world")),
                    ]);
                    let result = RawJson::object([("content", RawJson::array([text]))]);
                    // A command, so it comes before the next `poll_output`.
                    server.reply(now, request.exchange, Ok(Reply::Result(result)));
                }
                Output::Event(_) => {}
                // `Wait`, or a link that ends.
                _ => break,
            }
        }
    }
}
