//! The `_meta` keys of the specification, and the syntax of keys.
//!
//! See [`_meta`](https://modelcontextprotocol.io/specification/2025-11-25/basic#_meta).

use super::ProtocolVersion;

/// In a request: its protocol version (2026-07-28, required).
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// In a request: the capabilities of the client (2026-07-28, required).
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// In a request: the name and version that the client claims (2026-07-28). Do not trust it.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// In a request: the lowest level of the log messages to send for it (2026-07-28).
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// In a result: the name and version that the server claims (2026-07-28). Do not trust it.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// In the notifications and the result of a subscription: the id of its `subscriptions/listen` request (2026-07-28).
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// In a request: the token that its progress notifications carry (all revisions).
pub const PROGRESS_TOKEN: &str = "progressToken";

/// Whether a key has legal syntax: an optional prefix of dot-separated labels and a slash, then a name.
// META-B-002.
pub fn is_valid_key(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let name_ok = name.is_empty()
        || (alphanumeric(name.bytes().next())
            && alphanumeric(name.bytes().last())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')));
    let label_ok = |label: &str| {
        label.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && alphanumeric(label.bytes().last())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name_ok && prefix.is_none_or(|prefix| prefix.split('.').all(label_ok))
}

/// Whether the prefix of a key is reserved for the specification. The rule differs by revision.
// META-B-003.
pub fn is_reserved_key(key: &str, version: ProtocolVersion) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    let labels: Vec<&str> = prefix.split('.').collect();
    let label = match version {
        ProtocolVersion::V2024_11_05 | ProtocolVersion::V2025_03_26 => None,
        ProtocolVersion::V2025_06_18 => labels.len().checked_sub(2).and_then(|index| labels.get(index)),
        _ => labels.get(1),
    };
    label.is_some_and(|label| matches!(*label, "mcp" | "modelcontextprotocol"))
}

/// Whether the id of an extension is legal: a key with a prefix and a name.
// META-B-014.
pub fn is_valid_extension_id(id: &str) -> bool {
    is_valid_key(id)
        && id.split_once('/').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
}

/// Whether a `traceparent` has the [W3C format](https://www.w3.org/TR/trace-context/). A malformed one is not
/// passed on.
// META-B-016.
pub fn is_valid_traceparent(value: &str) -> bool {
    let fields: Vec<&str> = value.split('-').collect();
    let hex = |field: &str, len: usize| {
        field.len() == len && field.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    let nonzero = |field: &str| field.bytes().any(|byte| byte != b'0');
    match fields.as_slice() {
        [version, trace, parent, flags, rest @ ..] => {
            hex(version, 2)
                && *version != "ff"
                && hex(trace, 32)
                && nonzero(trace)
                && hex(parent, 16)
                && nonzero(parent)
                && hex(flags, 2)
                && (rest.is_empty() || *version != "00")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// META-B-002.
    #[test]
    fn key_syntax() {
        for good in ["a", "progressToken", "io.modelcontextprotocol/x", "a-b.c/d_e.f-g", "a/", "a1/9"] {
            assert!(is_valid_key(good), "{good}");
        }
        for bad in ["/a", "1a/b", "a-/b", "a..b/c", "-a", "a-", "a/b/c", "a b", "é"] {
            assert!(!is_valid_key(bad), "{bad}");
        }
    }

    /// META-B-003: the second-to-last label in 2025-06-18, the second one later.
    #[test]
    fn reserved_prefixes_differ_by_revision() {
        let vectors = [
            ("modelcontextprotocol.io/x", true, false),
            ("io.modelcontextprotocol/x", false, true),
            ("com.example.mcp/x", false, false),
            ("com.mcp.tools/x", true, true),
            ("mcp.dev/x", true, false),
            ("x", false, false),
        ];
        for (key, june, later) in vectors {
            assert_eq!(is_reserved_key(key, ProtocolVersion::V2025_06_18), june, "{key}");
            assert_eq!(is_reserved_key(key, ProtocolVersion::V2025_11_25), later, "{key}");
            assert_eq!(is_reserved_key(key, ProtocolVersion::V2026_07_28), later, "{key}");
        }
    }

    /// META-B-014.
    #[test]
    fn extension_ids_need_a_prefix() {
        assert!(is_valid_extension_id("io.modelcontextprotocol/tasks"));
        assert!(!is_valid_extension_id("tasks"));
        assert!(!is_valid_extension_id("a/"));
    }

    /// META-B-016.
    #[test]
    fn traceparent_follows_w3c() {
        assert!(is_valid_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for bad in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "hello",
        ] {
            assert!(!is_valid_traceparent(bad), "{bad}");
        }
    }
}
