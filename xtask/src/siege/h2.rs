//! HTTP/2 by hand: what a client needs that keeps to no rule but the framing.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::spawn;
use std::time::Duration;

use super::wire;
use crate::Outcome;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How long the writer waits for the peer's window.
const PATIENCE: Duration = Duration::from_secs(5);
const FRAME: usize = 16 << 10;

/// One connection. Settings and pings are answered by a thread, so that the connection lives.
pub(super) struct Connection {
    stream: TcpStream,
    address: String,
    state: Arc<(Mutex<State>, Condvar)>,
    next: u32,
}

struct State {
    /// What may be sent, on the connection and on each stream.
    window: i64,
    initial: i64,
    streams: HashMap<u32, i64>,
    /// Streams that the peer answered or reset.
    answered: usize,
    over: bool,
}

impl Connection {
    /// Opens a connection on which the peer may send `window` bytes a stream.
    pub(super) fn open(address: &str, window: u32) -> Outcome<Connection> {
        let mut stream = wire::connect(address)?;
        stream.set_read_timeout(None).map_err(|error| error.to_string())?;
        let mut start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE, and SETTINGS_ENABLE_PUSH 0.
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        settings.extend([0, 2, 0, 0, 0, 0]);
        start.extend(frame(SETTINGS, 0, 0, &settings));
        // The window of the connection, as large as it can be: streams are what is not read.
        start.extend(frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()));
        stream.write_all(&start).map_err(|error| error.to_string())?;
        let state =
            State { window: 65_535, initial: 65_535, streams: HashMap::new(), answered: 0, over: false };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let reader = stream.try_clone().map_err(|error| error.to_string())?;
        spawn({
            let state = state.clone();
            move || {
                let _end = listen(reader, &state);
                lock(&state.0).over = true;
                state.1.notify_all();
            }
        });
        Ok(Connection { stream, address: address.to_owned(), state, next: 1 })
    }

    pub(super) fn is_over(&self) -> bool {
        lock(&self.state.0).over
    }

    /// How many streams the peer answered or reset.
    pub(super) fn answered(&self) -> usize {
        lock(&self.state.0).answered
    }

    /// Begins a POST; its stream.
    pub(super) fn begin(&mut self, headers: &[(&str, &str)], length: usize) -> Outcome<u32> {
        let id = self.next;
        self.next += 2;
        let length = length.to_string();
        let address = self.address.clone();
        let fixed = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/mcp"),
            (":authority", address.as_str()),
            ("content-length", &length),
        ];
        let mut block = Vec::new();
        for (name, value) in fixed.iter().chain(headers) {
            // A literal that is never indexed, without Huffman coding.
            block.push(0x10);
            text(&mut block, name);
            text(&mut block, value);
        }
        let mut state = lock(&self.state.0);
        let initial = state.initial;
        state.streams.insert(id, initial);
        drop(state);
        self.write(&frame(HEADERS, END_HEADERS, id, &block))?;
        Ok(id)
    }

    /// Sends a whole POST; its stream.
    pub(super) fn post(&mut self, headers: &[(&str, &str)], body: &str) -> Outcome<u32> {
        let id = self.begin(headers, body.len())?;
        let mut rest = body.as_bytes();
        while !rest.is_empty() {
            let size = self.room(id, rest.len().min(FRAME))?;
            let (piece, more) = rest.split_at(size);
            rest = more;
            let end = if rest.is_empty() { END_STREAM } else { 0 };
            self.write(&frame(DATA, end, id, piece))?;
        }
        Ok(id)
    }

    pub(super) fn reset(&mut self, id: u32) -> Outcome {
        self.write(&frame(RESET, 0, id, &8_u32.to_be_bytes()))
    }

    fn write(&mut self, bytes: &[u8]) -> Outcome {
        self.stream.write_all(bytes).map_err(|error| error.to_string())
    }

    /// Waits until something may be sent on the stream; how much, up to `wanted`.
    fn room(&self, id: u32, wanted: usize) -> Outcome<usize> {
        let mut state = lock(&self.state.0);
        loop {
            let Some(stream) = state.streams.get(&id).copied().filter(|_| !state.over) else {
                return Err("the stream is over".to_owned());
            };
            let size = wanted.min(usize::try_from(stream.min(state.window)).unwrap_or(0));
            if size > 0 {
                state.window -= size as i64;
                *state.streams.entry(id).or_default() -= size as i64;
                return Ok(size);
            }
            let (woken, waited) =
                self.state.1.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() {
                return Err("no window for a while".to_owned());
            }
            state = woken;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _already_gone = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A string of HPACK. Longer ones than 126 bytes have their length in two parts.
fn text(block: &mut Vec<u8>, text: &str) {
    match text.len() {
        short @ ..127 => block.push(short as u8),
        long => block.extend([127, (long - 127) as u8]),
    }
    block.extend(text.as_bytes());
}

/// Reads frames until the connection ends.
fn listen(mut stream: TcpStream, state: &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload)?;
        let number =
            |at: usize| payload.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let mut answer = None;
        let mut now = lock(&state.0);
        match kind {
            SETTINGS if flags & ACK == 0 => {
                for at in (0..length).step_by(6) {
                    if payload[at..at + 2] == [0, 4] {
                        let initial = i64::from(number(at + 2));
                        let more = initial - now.initial;
                        now.initial = initial;
                        now.streams.values_mut().for_each(|window| *window += more);
                    }
                }
                answer = Some(frame(SETTINGS, ACK, 0, &[]));
            }
            PING if flags & ACK == 0 => answer = Some(frame(PING, ACK, 0, &payload)),
            WINDOW_UPDATE if id == 0 => now.window += i64::from(number(0)),
            WINDOW_UPDATE => {
                if let Some(window) = now.streams.get_mut(&id) {
                    *window += i64::from(number(0));
                }
            }
            RESET => {
                now.streams.remove(&id);
                now.answered += 1;
            }
            HEADERS => now.answered += 1,
            GOAWAY => now.over = true,
            _ => {}
        }
        drop(now);
        state.1.notify_all();
        if let Some(answer) = answer {
            stream.write_all(&answer)?;
        }
    }
}
