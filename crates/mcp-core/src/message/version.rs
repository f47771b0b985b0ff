//! The protocol revisions, as labels with explicit questions (never compared as strings).

use std::fmt;

/// One released revision of the protocol.
///
/// Revisions are labels, not an ordered scale (ledger T-37): ask the predicates instead of comparing.
/// A label that this crate does not know stays a string where it was read; [`ProtocolVersion::parse`]
/// answers `None` for it.
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
    /// Elicitation, and no batches any more.
    V2025_06_18,
    /// The last revision with a handshake.
    V2025_11_25,
    /// Stateless: each request carries its version and capabilities.
    V2026_07_28,
}

impl ProtocolVersion {
    /// Every revision, newest first, as servers list them (ledger T-09).
    pub const ALL: &'static [ProtocolVersion] = &[
        ProtocolVersion::V2026_07_28,
        ProtocolVersion::V2025_11_25,
        ProtocolVersion::V2025_06_18,
        ProtocolVersion::V2025_03_26,
        ProtocolVersion::V2024_11_05,
    ];

    /// The newest revision that opens with `initialize`. The counter-offer of ledger T-05.
    pub const LATEST_LEGACY: ProtocolVersion = ProtocolVersion::V2025_11_25;

    /// The newest stateless revision.
    pub const LATEST_MODERN: ProtocolVersion = ProtocolVersion::V2026_07_28;

    /// The revision with this label, or `None` for a label that is not a released revision.
    pub fn parse(label: &str) -> Option<ProtocolVersion> {
        Self::ALL.iter().copied().find(|version| version.as_str() == label)
    }

    /// The label as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProtocolVersion::V2024_11_05 => "2024-11-05",
            ProtocolVersion::V2025_03_26 => "2025-03-26",
            ProtocolVersion::V2025_06_18 => "2025-06-18",
            ProtocolVersion::V2025_11_25 => "2025-11-25",
            ProtocolVersion::V2026_07_28 => "2026-07-28",
        }
    }

    /// Stateless, without a handshake.
    pub const fn is_modern(self) -> bool {
        matches!(self, ProtocolVersion::V2026_07_28)
    }

    /// Opens with `initialize`.
    pub const fn is_legacy(self) -> bool {
        !self.is_modern()
    }

    /// JSON-RPC batches are legal here (2025-03-26 only; ledger RPC-B-018, RPC-B-022, RPC-B-023).
    pub const fn has_batching(self) -> bool {
        matches!(self, ProtocolVersion::V2025_03_26)
    }

    /// The server may ask for `elicitation/create` (2025-06-18 and later).
    pub const fn has_elicitation(self) -> bool {
        !matches!(self, ProtocolVersion::V2024_11_05 | ProtocolVersion::V2025_03_26)
    }

    /// `notifications/progress` may carry `message` (2025-03-26 and later; ledger PROG-B-005).
    pub const fn has_progress_message(self) -> bool {
        !matches!(self, ProtocolVersion::V2024_11_05)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
