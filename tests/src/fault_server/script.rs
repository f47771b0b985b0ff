//! The script of a fault server: plain data, byte by byte.

use bytes::Bytes;

/// What is done when something happens. The first rule that fits, and is not used up, is played.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it answers.
    pub on: On,
    /// How often it may be played; `None` is always.
    pub times: Option<usize>,
    /// What is done, in order. After the last step the next request of the connection is read.
    pub steps: Vec<Step>,
}

/// What a rule answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// A connection, before anything is read from it.
    Accept,
    /// A request with this method of HTTP.
    Http(&'static str),
    /// A POST with this method of JSON-RPC.
    Rpc(&'static str),
    /// A GET whose `Last-Event-ID` begins so.
    Resume(&'static str),
    /// Any request.
    Any,
}

/// One thing that the server does on a connection.
///
/// In what is sent, `$ID` becomes the id of the request, as it was written, and `$TOKEN` its progress token. A request that has
/// none, such as a GET, has those of the last one before it on any connection.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends a whole answer with its true length.
    Answer {
        /// The status.
        status: u16,
        /// More headers, each `name: value`.
        headers: Vec<String>,
        /// The body; its type is among the headers.
        body: String,
    },
    /// Sends these bytes.
    Send(Bytes),
    /// Sends these bytes in pieces of this length, and gives the client time to read each.
    Pieces(usize, Bytes),
    /// Sends a chunk of a chunked body; an empty one ends the body.
    Chunk(String),
    /// Sends these bytes over and over, each time whole: until the client is gone, or until this number of bytes was sent.
    Repeat(Bytes, u64),
    /// Waits until the test says [`release`](super::FaultServer::release), or the client is gone.
    Hold,
    /// Says nothing more, and reads on.
    HalfClose,
    /// Closes the connection in order.
    Close,
    /// Resets the connection: what the client has not read may be lost.
    Reset,
}

/// How a connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// In order: the client reads what was sent, then the end.
    Close,
    /// By a reset.
    Reset,
}

impl Rule {
    /// Always does this.
    pub fn new(on: On, steps: impl Into<Vec<Step>>) -> Rule {
        Rule { on, times: None, steps: steps.into() }
    }

    /// Does this the first time only.
    pub fn once(on: On, steps: impl Into<Vec<Step>>) -> Rule {
        Rule { times: Some(1), ..Rule::new(on, steps) }
    }
}

impl Step {
    /// Sends these bytes.
    pub fn send(bytes: impl Into<Vec<u8>>) -> Step {
        Step::Send(bytes.into().into())
    }

    /// Answers with JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Step {
        let headers = vec!["content-type: application/json".to_owned()];
        Step::Answer { status, headers, body: body.into() }
    }

    /// Answers with the result of the request.
    pub fn result(result: &str) -> Step {
        Step::json(200, result_of(result))
    }

    /// Answers with a status and no body.
    pub fn status(status: u16) -> Step {
        Step::Answer { status, headers: Vec::new(), body: String::new() }
    }

    /// The same with one more header; without effect on a step that is not a whole answer.
    #[must_use]
    pub fn with(mut self, header: &str) -> Step {
        if let Step::Answer { headers, .. } = &mut self {
            headers.push(header.to_owned());
        }
        self
    }

    /// Begins a stream of events, in chunks.
    pub fn stream() -> Step {
        Step::send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    /// Sends an event with this data, as one chunk.
    pub fn event(data: &str) -> Step {
        Step::Chunk(format!("data: {data}\n\n"))
    }

    /// Ends a chunked body.
    pub fn end() -> Step {
        Step::Chunk(String::new())
    }
}

/// The response with this result to the current request.
pub fn result_of(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":$ID,"result":{result}}}"#)
}
