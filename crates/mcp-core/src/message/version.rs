//! The protocol revisions, as labels with predicates for what each of them has.

use std::fmt;

/// One released revision of the protocol.
///
/// Revisions are labels, not an ordered scale: use the predicates instead of comparing.
/// [`ProtocolVersion::parse`] returns `None` for a label that this crate does not know. See
/// [versioning](https://modelcontextprotocol.io/specification/versioning).
///
/// ```
/// use mcp_core::message::ProtocolVersion;
///
/// let version = ProtocolVersion::parse("2025-11-25").unwrap();
/// assert!(!version.is_modern());
/// assert_eq!(ProtocolVersion::parse("v999.0.0"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// The first revision: stdio and HTTP+SSE.
    V2024_11_05,
    /// Streamable HTTP, and the only revision with batches.
    V2025_03_26,
    /// Adds elicitation and removes batches.
    V2025_06_18,
    /// The last revision with a handshake.
    V2025_11_25,
    /// Stateless: each request carries the version and the capabilities of its client.
    V2026_07_28,
}

impl ProtocolVersion {
    /// Every revision, newest first.
    pub const ALL: &'static [ProtocolVersion] = &[
        ProtocolVersion::V2026_07_28,
        ProtocolVersion::V2025_11_25,
        ProtocolVersion::V2025_06_18,
        ProtocolVersion::V2025_03_26,
        ProtocolVersion::V2024_11_05,
    ];

    /// The newest revision that begins with `initialize`. A legacy server offers it to a client that asks for
    /// an unknown one.
    pub const LATEST_LEGACY: ProtocolVersion = ProtocolVersion::V2025_11_25;

    /// The newest stateless revision.
    pub const LATEST_MODERN: ProtocolVersion = ProtocolVersion::V2026_07_28;

    /// The revision with this label, or `None` for a label that is not a released revision.
    pub fn parse(label: &str) -> Option<ProtocolVersion> {
        Self::ALL.iter().copied().find(|version| version.as_str() == label)
    }

    /// The label on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProtocolVersion::V2024_11_05 => "2024-11-05",
            ProtocolVersion::V2025_03_26 => "2025-03-26",
            ProtocolVersion::V2025_06_18 => "2025-06-18",
            ProtocolVersion::V2025_11_25 => "2025-11-25",
            ProtocolVersion::V2026_07_28 => "2026-07-28",
        }
    }

    /// Whether the revision is stateless, without a handshake.
    pub const fn is_modern(self) -> bool {
        matches!(self, ProtocolVersion::V2026_07_28)
    }

    /// Whether a connection begins with `initialize`.
    pub const fn is_legacy(self) -> bool {
        !self.is_modern()
    }

    /// Whether JSON-RPC batches are legal (2025-03-26 only).
    // RPC-B-018, RPC-B-022, RPC-B-023.
    pub const fn has_batching(self) -> bool {
        matches!(self, ProtocolVersion::V2025_03_26)
    }

    /// Whether a server may use `elicitation/create` (2025-06-18 and later).
    pub const fn has_elicitation(self) -> bool {
        !matches!(self, ProtocolVersion::V2024_11_05 | ProtocolVersion::V2025_03_26)
    }

    /// Whether `notifications/progress` may have a `message` (2025-03-26 and later).
    // PROG-B-005.
    pub const fn has_progress_message(self) -> bool {
        !matches!(self, ProtocolVersion::V2024_11_05)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
