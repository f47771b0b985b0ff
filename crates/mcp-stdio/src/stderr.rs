//! A child's stderr: always drained, kept within a bound, never an error.
// STDIO-B-004, STDIO-C-005.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::lock::Lock;

/// The most recent text that is kept for each child, in bytes.
const RING: usize = 64 * 1024;
/// How much of that goes into an error, in bytes.
const TAIL: usize = 4 * 1024;
/// A longer line is handed over in pieces of this many bytes.
const LINE: usize = 8 * 1024;
/// How many lines wait for a slow listener before the oldest are dropped.
const LINES: usize = 256;

/// The destination of a child's stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StderrMode {
    /// Reads it: the last 64 KiB are kept, errors show the end of them, and [`StderrLines`] yields the lines.
    #[default]
    Capture,
    /// The stderr of this process.
    Inherit,
    /// The null device.
    Null,
}

/// The lines that the children of one command write to stderr after this value was made.
///
/// Bounded: a slow reader loses the oldest lines, and never delays a child.
#[derive(Debug)]
pub struct StderrLines(broadcast::Receiver<Arc<str>>);

impl StderrLines {
    /// The next line, without its end; untrusted text. `None` when the command and its children are gone.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            match self.0.recv().await {
                Ok(line) => return Some(line),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Where lines of all children of a command go.
#[derive(Clone, Debug)]
pub(crate) struct StderrHub(broadcast::Sender<Arc<str>>);

impl Default for StderrHub {
    fn default() -> StderrHub {
        StderrHub(broadcast::Sender::new(LINES))
    }
}

impl StderrHub {
    pub(crate) fn lines(&self) -> StderrLines {
        StderrLines(self.0.subscribe())
    }

    /// Drains this pipe in a task.
    pub(crate) fn drain(&self, pipe: impl AsyncRead + Unpin + Send + 'static) -> Drain {
        let ring = Arc::new(Lock::new(VecDeque::new()));
        let task = tokio::spawn(drain(pipe, Arc::clone(&ring), self.0.clone()));
        Drain { ring, task }
    }
}

/// The newest bytes of a child's stderr.
pub(crate) type Ring = Arc<Lock<VecDeque<u8>>>;

/// One child's stderr while it is drained. Dropping it stops the draining, because a grandchild may hold the pipe
/// forever.
pub(crate) struct Drain {
    ring: Ring,
    task: JoinHandle<()>,
}

impl Drain {
    /// Waits for the end of the pipe. Cancel-safe.
    pub(crate) async fn ended(&mut self) {
        if !self.task.is_finished() {
            let _joined = (&mut self.task).await;
        }
    }

    /// The newest text, see [`tail`].
    pub(crate) fn tail(&self) -> Option<String> {
        tail(&self.ring)
    }

    /// Where its newest bytes are, also after this is gone.
    pub(crate) fn ring(&self) -> Ring {
        Arc::clone(&self.ring)
    }
}

/// The newest text, from a line's start where there is one; `None` if there was none at all.
pub(crate) fn tail(ring: &Ring) -> Option<String> {
    let ring = ring.lock();
    let cut = ring.len().saturating_sub(TAIL);
    let mut bytes: Vec<u8> = ring.iter().skip(cut).copied().collect();
    drop(ring);
    if cut > 0
        && let Some(start) = bytes.iter().position(|byte| *byte == b'\n')
        && start + 1 < bytes.len()
    {
        bytes.drain(..=start);
    }
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[expect(clippy::indexing_slicing, reason = "no more is read than the buffer holds")]
async fn drain(mut pipe: impl AsyncRead + Unpin, ring: Ring, lines: broadcast::Sender<Arc<str>>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut line = Vec::new();
    loop {
        let count = match pipe.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let chunk = &buffer[..count];
        keep(&mut ring.lock(), chunk);
        if lines.receiver_count() == 0 {
            line.clear();
            continue;
        }
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if line.ends_with(b"\n") || line.len() >= LINE {
                publish(&mut line, &lines);
            }
        }
    }
    if !line.is_empty() {
        publish(&mut line, &lines);
    }
}

fn keep(ring: &mut VecDeque<u8>, chunk: &[u8]) {
    let excess = (ring.len() + chunk.len()).saturating_sub(RING);
    ring.drain(..excess.min(ring.len()));
    ring.extend(chunk);
}

fn publish(line: &mut Vec<u8>, lines: &broadcast::Sender<Arc<str>>) {
    let text = String::from_utf8_lossy(line.trim_ascii_end());
    // An error means that there is no receiver.
    let _unheard = lines.send(text.as_ref().into());
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    /// FAULT C-11: a flood costs a bounded ring, and its end is what an error shows.
    #[tokio::test]
    async fn a_flood_is_kept_within_the_ring() {
        let hub = StderrHub::default();
        let (mut child, pipe) = tokio::io::duplex(4096);
        let mut drain = hub.drain(pipe);
        for _ in 0..10_000 {
            child.write_all(b"the same line of noise over and over\n").await.unwrap();
        }
        child.write_all(b"last words").await.unwrap();
        drop(child);
        drain.ended().await;
        drain.ended().await;
        assert!(drain.ring.lock().len() <= RING);
        let tail = drain.tail().unwrap();
        assert!(tail.starts_with("the same") && tail.ends_with("\nlast words"), "{tail}");
        assert!(tail.len() <= TAIL);
    }

    /// FAULT C-11: a receiver that never reads delays no child, and gets the newest lines.
    #[tokio::test]
    async fn a_slow_listener_loses_the_oldest_lines() {
        let hub = StderrHub::default();
        let mut lines = hub.lines();
        let text: String = (0..1000).map(|number| format!("{number}\r\n")).collect();
        let mut drain = hub.drain(std::io::Cursor::new(text.into_bytes()));
        drain.ended().await;
        drop((drain, hub));
        let mut got = Vec::new();
        while let Some(line) = lines.next().await {
            got.push(line);
        }
        assert_eq!((&*got[0], got.len()), ("744", LINES));
        assert_eq!(got.last().map(|line| &**line), Some("999"));
    }
}
