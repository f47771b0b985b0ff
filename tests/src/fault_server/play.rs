//! One connection of a fault server: reads requests, and plays what the script has for them.

use std::io;
use std::ops::ControlFlow;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::script::{Break, On, Step};
use super::seen::Seen;
use super::{Marks, Shared, Wire, filled};

/// How a connection ended.
pub(super) struct Ended {
    pub(super) by_reset: bool,
    /// It was broken where the test wanted it.
    pub(super) broken: bool,
}

/// Why a step was not done: the client is gone, or the connection is to be broken.
enum Stop {
    Gone,
    Now(Break),
}

type Done = Result<(), Stop>;

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Stop {
        Stop::Gone
    }
}

pub(super) struct Connection<'a, W> {
    pub(super) wire: &'a mut W,
    pub(super) shared: &'a Shared,
    pub(super) number: usize,
    /// What belongs to the current request.
    pub(super) marks: Marks,
    pub(super) read: Vec<u8>,
    pub(super) broken: bool,
}

impl<W: Wire> Connection<'_, W> {
    pub(super) async fn run(mut self) -> Ended {
        let by_reset = matches!(self.serve().await, Err(Stop::Now(Break::Reset)));
        if !by_reset {
            let _already_gone = self.wire.shutdown().await;
        }
        Ended { by_reset, broken: self.broken }
    }

    async fn serve(&mut self) -> Done {
        if let Some(steps) = self.shared.steps_for(|on| *on == On::Accept) {
            self.play(&steps).await?;
        }
        while let Some(seen) = self.request().await? {
            let steps = self.shared.steps_for(|on| fits(on, &seen));
            self.marks = self.shared.note_request(seen);
            let steps = steps.unwrap_or_else(|| vec![Step::status(404)]);
            self.play(&steps).await?;
        }
        Ok(())
    }

    async fn play(&mut self, steps: &[Step]) -> Done {
        for step in steps {
            match step {
                Step::Answer { status, headers, body } => {
                    let body = filled(body.as_bytes(), &self.marks);
                    let mut text = format!("HTTP/1.1 {status} Scripted\r\n");
                    for header in headers {
                        text += &format!("{header}\r\n");
                    }
                    text += &format!("content-length: {}\r\n\r\n", body.len());
                    self.send(&[text.as_bytes(), &body].concat()).await?;
                }
                Step::Send(bytes) => {
                    let bytes = filled(bytes, &self.marks);
                    self.send(&bytes).await?;
                }
                Step::Pieces(length, bytes) => {
                    for piece in filled(bytes, &self.marks).chunks(*length) {
                        self.send(piece).await?;
                        self.let_the_client_run().await;
                    }
                }
                Step::Chunk(text) => {
                    let text = filled(text.as_bytes(), &self.marks);
                    let size = format!("{:x}\r\n", text.len());
                    self.send(&[size.as_bytes(), &text, b"\r\n"].concat()).await?;
                }
                Step::Repeat(bytes, most) => self.repeat(bytes, *most).await?,
                Step::Hold => self.hold().await?,
                Step::HalfClose => self.wire.shutdown().await?,
                Step::Close => return Err(Stop::Now(Break::Close)),
                Step::Reset => return Err(Stop::Now(Break::Reset)),
            }
        }
        Ok(())
    }

    /// Whole repetitions, until at least `most` bytes are sent.
    async fn repeat(&mut self, bytes: &Bytes, most: u64) -> Done {
        let unit = bytes.len().max(1) as u64;
        let many = bytes.repeat((PIECE / bytes.len().max(1)).max(1));
        let mut left = most.div_ceil(unit) * unit;
        while left > 0 {
            let piece = &many[..many.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            self.send(piece).await?;
            left -= piece.len() as u64;
        }
        Ok(())
    }

    /// On one thread the client has read all that was sent when this returns.
    async fn let_the_client_run(&self) {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    /// Sends, up to the byte at which the connection is to be broken.
    async fn send(&mut self, mut bytes: &[u8]) -> Done {
        while !bytes.is_empty() {
            let (allowed, broken) = self.shared.allow(bytes.len());
            if allowed > 0 {
                self.wire.write_all(&bytes[..allowed]).await?;
                self.wire.flush().await?;
                self.shared.note(|record| record.sent += allowed as u64);
            }
            if let Some(how) = broken {
                // What was sent is read before it is lost to a reset.
                self.let_the_client_run().await;
                self.broken = true;
                return Err(Stop::Now(how));
            }
            bytes = &bytes[allowed..];
        }
        Ok(())
    }

    async fn hold(&mut self) -> Done {
        let mut gate = self.shared.gate();
        loop {
            tokio::select! {
                _released = gate.changed() => return Ok(()),
                more = more(self.wire, &mut self.read, self.shared) => {
                    if more?.is_break() {
                        return Err(Stop::Gone);
                    }
                }
            }
        }
    }

    /// The next request, or `None` at the end.
    async fn request(&mut self) -> Result<Option<Seen>, Stop> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if more(self.wire, &mut self.read, self.shared).await?.is_break() {
                return Ok(None);
            }
        };
        let rest = self.read.split_off(end);
        let head = std::mem::replace(&mut self.read, rest);
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.trim_end().split("\r\n");
        let mut start = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_owned(), value.trim().to_owned())
        };
        let mut seen = Seen {
            connection: self.number,
            method: start.next().unwrap_or_default(),
            target: start.next().unwrap_or_default(),
            headers: lines.map(header).collect(),
            head,
            body: Vec::new(),
        };
        let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.read.len() < length {
            if more(self.wire, &mut self.read, self.shared).await?.is_break() {
                return Ok(None);
            }
        }
        let rest = self.read.split_off(length);
        seen.body = std::mem::replace(&mut self.read, rest);
        Ok(Some(seen))
    }
}

/// How much is repeated in one write.
const PIECE: usize = 32 << 10;

/// Reads more, up to the byte at which the connection is to be broken; a break at the end.
async fn more<W: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut W,
    read: &mut Vec<u8>,
    shared: &Shared,
) -> Result<ControlFlow<()>, Stop> {
    let count = wire.read_buf(read).await?;
    shared.note(|record| record.received += count as u64);
    Ok(if count == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}

fn fits(on: &On, seen: &Seen) -> bool {
    match on {
        On::Accept => false,
        On::Any => true,
        On::Http(method) => seen.method == *method,
        On::Rpc(method) => seen.method == "POST" && seen.rpc() == *method,
        On::Resume(id) => {
            seen.method == "GET" && seen.header("last-event-id").is_some_and(|at| at.starts_with(id))
        }
    }
}
