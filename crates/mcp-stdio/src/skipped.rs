//! Lines of a child's stdout that are not MCP: quoted, counted, and searched for the id of a call.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mcp_core::message::{AnswerSearch, Refusal, Shape};
use tokio::time::Instant;

use crate::evidence::Witness;

/// The most bytes of such lines per second; beyond that the link is closed.
const MAX_RATE: usize = 16 << 20;
const WINDOW: Duration = Duration::from_secs(1);

/// What is known of the lines that were skipped.
pub(crate) struct SkippedLines {
    witness: Arc<Witness>,
    /// Finds answers in consecutive unreadable lines.
    search: AnswerSearch,
    /// The refusals of further answers in the same line.
    more: VecDeque<Refusal>,
    window: Instant,
    in_window: usize,
}

impl SkippedLines {
    pub(crate) fn new(witness: Arc<Witness>) -> SkippedLines {
        SkippedLines {
            witness,
            search: AnswerSearch::new(),
            more: VecDeque::new(),
            window: Instant::now(),
            in_window: 0,
        }
    }

    pub(crate) fn witness(&self) -> &Witness {
        &self.witness
    }

    /// A message was read: it is not the continuation of what was skipped before.
    pub(crate) fn end_run(&mut self) {
        self.search.reset();
    }

    /// The refusal of the next call that the last line was to answer, if there were several.
    pub(crate) fn next_of_line(&mut self) -> Option<Refusal> {
        self.more.pop_front()
    }

    /// The refusal of this line, with the line quoted and with the id of the call that it was to answer, if
    /// it shows one.
    pub(crate) fn explain(&mut self, mut refusal: Refusal, line: &Bytes) -> io::Result<Refusal> {
        self.count(line.len())?;
        let quoted = self.witness.skip(line);
        refusal.error.message = format!("{}: `{quoted}`", refusal.error.message).into();
        if refusal.id.is_none() && refusal.shape == Shape::Unknown {
            for id in self.search.search(line) {
                let mut answer = refusal.clone();
                answer.id = Some(id);
                answer.shape = Shape::Response;
                self.more.push_back(answer);
            }
            refusal = self.more.pop_front().unwrap_or(refusal);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(lines: &[&str]) -> Vec<Refusal> {
        let mut skipped = SkippedLines::new(Arc::default());
        let mut refusals = Vec::new();
        for line in lines {
            let line = Bytes::copy_from_slice(line.as_bytes());
            refusals.push(skipped.explain(Refusal::unreadable("x"), &line).unwrap());
            refusals.extend(std::iter::from_fn(|| skipped.next_of_line()));
        }
        refusals
    }

    // FAULT F-C1: whatever spoils an answer, its id is found, and the line is quoted.
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
        let both = explained(&[r#"{"id":4,"result":{}}{"id":5,"result":{}}"#]);
        assert_eq!(both.into_iter().map(|one| one.id).collect::<Vec<_>>(), [Some(4.into()), Some(5.into())]);
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

    // FAULT F-C13: lines that are not MCP are bounded by their bytes a second, not by their number.
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
