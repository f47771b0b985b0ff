//! The bounds of a byte stream.

use std::time::Duration;

use mcp_core::message::DEFAULT_MAX_DEPTH;

/// The limits of one byte stream. An error that a limit causes names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest line that is read, in bytes without its newline. Default: 16 MiB. A longer line is refused and
    /// skipped; the link stays open.
    // FAULT C-7.
    pub max_line: usize,
    /// How deep JSON may be nested. Default: 128, at most 512.
    pub max_depth: u32,
    /// How many links a listener serves at a time. Default: 1,024. A further peer takes the place of the one that
    /// has been silent for longest, if there is one that has not sent a message yet; otherwise it waits.
    pub max_links: usize,
    /// How long a peer of a listener may take to send its first message. Default: 30 s.
    pub first_message: Duration,
    /// How long a peer of a listener may be silent afterwards. Default: [`Duration::MAX`], no limit: a client
    /// that waits for notifications sends nothing.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_line: 16 << 20,
            max_depth: DEFAULT_MAX_DEPTH,
            max_links: 1024,
            first_message: Duration::from_secs(30),
            idle: Duration::MAX,
        }
    }
}

impl Limits {
    /// The same limits with another longest line, in bytes.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> Limits {
        self.max_line = bytes;
        self
    }

    /// The same limits with another depth (at most 512).
    #[must_use]
    pub fn max_depth(mut self, depth: u32) -> Limits {
        self.max_depth = depth;
        self
    }

    /// The same limits with another number of links.
    #[must_use]
    pub fn max_links(mut self, links: usize) -> Limits {
        self.max_links = links;
        self
    }

    /// The same limits with another time for the first message; [`Duration::MAX`] disables it.
    #[must_use]
    pub fn first_message(mut self, time: Duration) -> Limits {
        self.first_message = time;
        self
    }

    /// The same limits with another time of silence; [`Duration::MAX`] disables it.
    #[must_use]
    pub fn idle(mut self, time: Duration) -> Limits {
        self.idle = time;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FAULT A-B12.
    /// The documented limit of a line, far above the usual 64 KiB.
    #[test]
    fn a_line_may_have_16_mib() {
        assert_eq!(Limits::default().max_line, 16 * 1024 * 1024);
    }
}
