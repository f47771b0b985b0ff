//! Output of a child that is not MCP, kept for the errors of timeouts and exits.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use mcp_core::transport::PeerEvidence;

use crate::lock::Lock;
use crate::stderr;

/// How many characters of a line are quoted.
const QUOTED: usize = 200;

/// How many skipped lines of one child are logged.
const LOGGED: u64 = 100;

/// What is known of a child that did not answer, or that has ended. For display: the texts are untrusted, bounded,
/// and contain no control characters except in `stderr_tail`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildEvidence {
    /// The number of lines of its stdout that were skipped because they are not MCP.
    pub skipped_lines: u64,
    /// The first of them.
    pub first_skipped: Option<String>,
    /// The number of bytes received of a line that has no newline yet.
    pub unfinished_bytes: usize,
    /// The end of its stderr ([`StderrMode::Capture`](crate::StderrMode::Capture) only), with newlines and control
    /// characters.
    pub stderr_tail: Option<String>,
}

impl ChildEvidence {
    /// A description of its stdout; `None` if there is nothing unusual.
    pub fn output(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(first) = &self.first_skipped {
            let lines = self.skipped_lines;
            let many =
                if lines == 1 { "a line that is".to_owned() } else { format!("{lines} lines that are") };
            parts.push(format!("{many} not MCP, the first: `{first}`"));
        }
        if self.unfinished_bytes > 0 {
            parts.push(format!("an unfinished line of {} bytes", self.unfinished_bytes));
        }
        (!parts.is_empty()).then(|| format!("its stdout has {}", parts.join(", and ")))
    }
}

impl fmt::Display for ChildEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = self.output();
        f.write_str(output.as_deref().unwrap_or(""))?;
        if let Some(tail) = self.stderr_tail.as_deref().map(str::trim).filter(|tail| !tail.is_empty()) {
            write!(f, "{}its stderr: {tail}", if output.is_some() { "; " } else { "" })?;
        }
        Ok(())
    }
}

/// Shows the [`ChildEvidence`] of the newest child of a command, while it runs and afterwards. Created by
/// [`ChildCommand::monitor`](crate::ChildCommand::monitor). Clones show the same.
#[derive(Clone, Debug, Default)]
pub struct ChildMonitor(Arc<Lock<Option<Arc<Witness>>>>);

impl ChildMonitor {
    /// What is known now. Empty before the first child is started.
    pub fn evidence(&self) -> ChildEvidence {
        let newest = self.0.lock().clone();
        newest.map(|witness| witness.evidence()).unwrap_or_default()
    }

    /// The process id of the newest child, which may have ended; on Unix also that of its process group.
    pub fn id(&self) -> Option<u32> {
        let newest = self.0.lock().clone();
        newest.map(|witness| witness.id)
    }

    /// From now on this child's.
    pub(crate) fn follow(&self, witness: &Arc<Witness>) {
        *self.0.lock() = Some(Arc::clone(witness));
    }
}

/// What one child's streams have shown.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    state: Lock<Skipped>,
    unfinished: AtomicUsize,
    stderr: Option<stderr::Ring>,
    id: u32,
}

#[derive(Debug, Default)]
struct Skipped {
    lines: u64,
    first: Option<String>,
}

impl Witness {
    /// The witness of this child, whose stderr is kept here.
    pub(crate) fn new(id: u32, stderr: Option<stderr::Ring>) -> Witness {
        Witness { stderr, id, ..Witness::default() }
    }

    fn state(&self) -> MutexGuard<'_, Skipped> {
        self.state.lock()
    }

    /// Notes a line that is not MCP, and returns it as it can be quoted.
    pub(crate) fn skip(&self, line: &[u8]) -> String {
        let quoted = quote(line);
        let mut state = self.state();
        state.lines += 1;
        if state.first.is_none() {
            state.first = Some(quoted.clone());
        }
        if state.lines <= LOGGED {
            tracing::info!(text = %quoted, "skipped a line that is not MCP");
        }
        quoted
    }

    /// How many bytes wait for their newline.
    pub(crate) fn set_unfinished(&self, bytes: usize) {
        self.unfinished.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn evidence(&self) -> ChildEvidence {
        let state = self.state();
        ChildEvidence {
            skipped_lines: state.lines,
            first_skipped: state.first.clone(),
            unfinished_bytes: self.unfinished.load(Ordering::Relaxed),
            stderr_tail: self.stderr.as_ref().and_then(stderr::tail),
        }
    }
}

/// The evidence of this witness, for the errors of a session.
pub(crate) fn of(witness: &Arc<Witness>) -> PeerEvidence {
    let witness = Arc::clone(witness);
    PeerEvidence::new(move || {
        let mut evidence = witness.evidence();
        evidence.stderr_tail = evidence.stderr_tail.as_deref().map(|tail| text(tail, usize::MAX));
        Some(evidence.to_string()).filter(|shown| !shown.is_empty())
    })
}

/// A peer's text, shortened, on one line, without characters that act on a terminal.
pub(crate) fn quote(text: &[u8]) -> String {
    // Four bytes a character at most.
    let text = String::from_utf8_lossy(text.get(..4 * QUOTED + 4).unwrap_or(text));
    let text = text.trim();
    let mut quoted = self::text(text, QUOTED);
    if text.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    quoted.replace('\n', "\\u{a}")
}

/// The first characters of a text, without those that act on a terminal, but with line breaks.
fn text(text: &str, most: usize) -> String {
    let mut quoted = String::new();
    for c in text.chars().take(most) {
        let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (c.is_control() && c != '\n') || reorders {
            quoted.extend(c.escape_unicode());
        } else {
            quoted.push(c);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_short_and_safe() {
        assert_eq!(quote(b" a\tb\x1b[2J\r\n"), "a\\u{9}b\\u{1b}[2J");
        assert_eq!(quote("x\u{202e}y".as_bytes()), "x\\u{202e}y");
        let long = quote("é".repeat(10_000).as_bytes());
        assert!(long.chars().count() == QUOTED + 1 && long.ends_with('…'), "{long}");
    }

    #[test]
    fn evidence_is_told_in_one_sentence() {
        let witness = Witness::default();
        assert_eq!(witness.evidence().to_string(), "");
        witness.skip(b"starting");
        assert_eq!(
            witness.evidence().to_string(),
            "its stdout has a line that is not MCP, the first: `starting`"
        );
        witness.skip(b"more");
        witness.set_unfinished(7);
        let wanted = "its stdout has 2 lines that are not MCP, the first: `starting`, and an unfinished line of 7 bytes";
        assert_eq!(witness.evidence().to_string(), wanted);
    }
}
