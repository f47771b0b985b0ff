//! Lines of a child's stdout that are not MCP: quoted, counted, and searched for the id of a call.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mcp_core::message::{Refusal, RequestId, Shape, peek_prefix};
use tokio::time::Instant;

use crate::evidence::Witness;

/// How much of a message that is spread over several lines is kept, in bytes.
const JOINED: usize = 4 * 1024;

/// How much of a line is searched for an id, in bytes.
const SEARCHED: usize = 64 * 1024;

/// The most bytes of such lines per second; beyond that the link is closed.
const MAX_RATE: usize = 16 << 20;
const WINDOW: Duration = Duration::from_secs(1);

/// What is known of the lines that were skipped.
pub(crate) struct SkippedLines {
    witness: Arc<Witness>,
    /// Consecutive unreadable lines of which the first begins an object: a message over several lines, perhaps.
    joined: Vec<u8>,
    window: Instant,
    in_window: usize,
}

impl SkippedLines {
    pub(crate) fn new(witness: Arc<Witness>) -> SkippedLines {
        SkippedLines { witness, joined: Vec::new(), window: Instant::now(), in_window: 0 }
    }

    pub(crate) fn witness(&self) -> &Witness {
        &self.witness
    }

    /// A message was read: it is not the continuation of what was skipped before.
    pub(crate) fn end_run(&mut self) {
        self.joined.clear();
    }

    /// The refusal of this line, with the line quoted and with the id of the call that it was to answer, if
    /// it shows one.
    pub(crate) fn explain(&mut self, mut refusal: Refusal, line: &Bytes) -> io::Result<Refusal> {
        self.count(line.len())?;
        let quoted = self.witness.skip(line);
        refusal.error.message = format!("{}: `{quoted}`", refusal.error.message).into();
        if refusal.id.is_none() && refusal.shape == Shape::Unknown {
            let id = answered_id(line).or_else(|| self.join(line).and_then(answered_id));
            if id.is_some() {
                refusal.id = id;
                refusal.shape = Shape::Response;
                self.joined.clear();
            }
        }
        Ok(refusal)
    }

    fn count(&mut self, bytes: usize) -> io::Result<()> {
        let now = Instant::now();
        if now.saturating_duration_since(self.window) >= WINDOW {
            self.window = now;
            self.in_window = 0;
        }
        self.in_window = self.in_window.saturating_add(bytes);
        if self.in_window > MAX_RATE {
            return Err(io::Error::other(format!("more than {MAX_RATE} bytes a second that are not MCP")));
        }
        Ok(())
    }

    /// The text of the consecutive unreadable lines that end in this one.
    fn join(&mut self, line: &[u8]) -> Option<&[u8]> {
        if line.trim_ascii_start().starts_with(b"{") {
            self.joined.clear();
        } else if self.joined.is_empty() {
            return None;
        }
        if self.joined.len() + line.len() > JOINED {
            self.joined.clear();
            return None;
        }
        self.joined.extend_from_slice(line);
        Some(&self.joined)
    }
}

/// The id in what looks like an answer: behind a prefix of a log, cut, or with a value that JSON does not
/// have.
fn answered_id(text: &[u8]) -> Option<RequestId> {
    let text = &text[..text.len().min(SEARCHED)];
    let has = |key: &[u8]| text.windows(key.len()).any(|window| window == key);
    if has(b"\"method\"") || !(has(b"\"result\"") || has(b"\"error\"")) {
        return None;
    }
    let start = text.iter().position(|byte| *byte == b'{')?;
    peek_prefix(&text[start..]).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(lines: &[&str]) -> Vec<Refusal> {
        let mut skipped = SkippedLines::new(Arc::default());
        let explain = |line: &&str| {
            skipped.explain(Refusal::unreadable("x"), &Bytes::copy_from_slice(line.as_bytes())).unwrap()
        };
        lines.iter().map(explain).collect()
    }

    /// FAULT F-C1: whatever spoils an answer, its id is found, and the line is quoted.
    #[tokio::test]
    async fn the_id_of_a_spoiled_answer_is_found() {
        let rows: &[&[&str]] = &[
            &[r#"{"jsonrpc":"2.0","id":4,"result":{"mean":NaN}}"#],
            &[r#"{"id":4,"result":{"mean":nan}}"#],
            &[r#"{"jsonrpc":"2.0","id":4,"result":{}} done"#],
            &[r#"debug: {"jsonrpc":"2.0","id":4,"result":{}}"#],
            &["{", r#"  "jsonrpc": "2.0","#, r#"  "id": 4,"#, r#"  "result": {"#],
        ];
        for row in rows {
            let last = explained(row).pop().unwrap();
            assert_eq!((last.id, last.shape), (Some(4.into()), Shape::Response), "{row:?}");
            let quoted = row.last().unwrap().trim();
            assert!(last.error.message.ends_with(&format!("`{quoted}`")), "{}", last.error.message);
        }
    }

    /// What is not an answer settles nothing.
    #[tokio::test]
    async fn other_lines_have_no_id() {
        let rows: &[&[&str]] = &[
            &["listening, id 4"],
            &[r#"{"id":4,"method":"ping","params":NaN}"#],
            &[r#"{"level":"info","id":4}"#, "text"],
            &[r#"{"msg":"result","id":x}"#],
        ];
        for row in rows {
            for refusal in explained(row) {
                assert_eq!((refusal.id, refusal.shape), (None, Shape::Unknown), "{row:?}");
            }
        }
    }

    /// FAULT F-C13: lines that are not MCP are bounded by their bytes a second, not by their number.
    #[tokio::test(start_paused = true)]
    async fn only_a_flood_ends_the_link() {
        let mut skipped = SkippedLines::new(Arc::default());
        let line = Bytes::from(vec![b'x'; 1 << 20]);
        for _ in 0..3 {
            for _ in 0..16 {
                skipped.explain(Refusal::unreadable("x"), &line).unwrap();
            }
            tokio::time::advance(WINDOW).await;
        }
        for _ in 0..1_000 {
            skipped.explain(Refusal::unreadable("x"), &Bytes::from_static(b"log")).unwrap();
        }
        let flood = (0..20).find_map(|_| skipped.explain(Refusal::unreadable("x"), &line).err());
        assert!(flood.unwrap().to_string().contains("bytes a second"));
        let evidence = skipped.witness().evidence();
        assert!(evidence.skipped_lines > 1_000 && evidence.first_skipped.unwrap().starts_with("xxx"));
    }
}
