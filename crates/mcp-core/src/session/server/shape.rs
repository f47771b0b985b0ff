//! Completing a handler's outcome for the era: one encoder for each.
// T-39.

use bytes::Bytes;

use crate::message::{ErrorObject, Field, Payload, ProtocolVersion, RawJson, code, encode, meta, method};

use super::ServerConfig;

/// The `resultType` of a result that requests input, as JSON.
pub(super) const INPUT_REQUIRED: &[u8] = br#""input_required""#;

/// Results of at least this length are completed in place if their buffer has capacity.
pub(crate) const LARGE_RESULT: usize = 4 * 1024;

/// The spare capacity that is usually enough to complete a large result.
pub(crate) const ROOM_BEHIND: usize = 256;

/// The `resultType` of a complete result.
const COMPLETE: RawJson = RawJson::trusted(Bytes::from_static(br#""complete""#));

/// The outcome of an exchange at this version.
pub(super) fn outcome(
    config: &ServerConfig,
    version: ProtocolVersion,
    method: &str,
    outcome: Result<Payload, ErrorObject>,
) -> Result<Payload, ErrorObject> {
    match outcome {
        Ok(result) if !result.raw().is_object() => {
            let kind = result.raw().kind_name();
            Err(ErrorObject::internal(format!("The handler's result is {kind}, not an object")))
        }
        Ok(result) if version.is_modern() => Ok(modern_result(config, method, result)),
        Ok(result) => Ok(legacy_result(method, result)),
        Err(error) => Err(recoded(version, error)),
    }
}

/// Adds `resultType`, the caching hints and the server's identity to a result, where they are missing. Invalid hints
/// are replaced.
// RPC-S-014, CACHE-S-001, META-S-009, CACHE-S-002.
pub(super) fn modern_result(config: &ServerConfig, method: &str, payload: Payload) -> Payload {
    let there = |field| payload.field(field).is_some();
    let kind = payload.field(Field::ResultType).filter(|json| json.starts_with(b"\""));
    let interim = kind == Some(INPUT_REQUIRED);
    if interim && (there(Field::TtlMs) || there(Field::CacheScope)) {
        // An interim result is never cached (ledger CACHE-S-005).
        let bare = payload.raw().without_members(&["ttlMs", "cacheScope"]);
        return modern_result(config, method, Payload::new(bare));
    }
    let hints = !interim && method::carries_cache_hints(method);
    let ttl = hints && !payload.field(Field::TtlMs).is_some_and(is_ttl);
    let scope = hints && !payload.field(Field::CacheScope).is_some_and(is_scope);
    let info = config.send_info && !there(Field::MetaServerInfo);

    let default_ttl = || RawJson::integer(i64::try_from(config.cache_ttl_ms).unwrap_or(i64::MAX));
    let default_scope = || RawJson::string(if config.cache_public { "public" } else { "private" });
    let wanted = [
        kind.is_none().then_some((Field::ResultType, "resultType", COMPLETE)),
        ttl.then(|| (Field::TtlMs, "ttlMs", default_ttl())),
        scope.then(|| (Field::CacheScope, "cacheScope", default_scope())),
    ];
    let members = || wanted.iter().flatten();
    if members().next().is_none() && !info {
        return payload;
    }
    let taken = members().any(|(field, ..)| there(*field)) || (info && there(Field::Meta));
    if taken {
        let members: Vec<(&str, &RawJson)> = members().map(|(_, key, value)| (*key, value)).collect();
        let meta: &[(&str, &RawJson)] = if info { &[(meta::SERVER_INFO, &config.info)] } else { &[] };
        return payload.with_meta_and_members(meta, &members);
    }
    // The usual case: none of the members is present.
    let text = payload.raw().as_bytes().len();
    // The exact length: a buffer with spare capacity would cost one more allocation when it is frozen.
    let member = |key: &str, value: &RawJson| key.len() + value.as_bytes().len() + r#""":,"#.len();
    let identity = if info { member(meta::SERVER_INFO, &config.info) + r#""_meta":{}"#.len() } else { 0 };
    let room = members().map(|(_, key, value)| member(key, value)).sum::<usize>() + identity;
    let mut more = Vec::with_capacity(if text < LARGE_RESULT { text + room } else { room + 2 });
    more.push(b'{');
    for (_, key, value) in members() {
        encode::write_member(key, value, &mut more);
    }
    if info {
        more.extend_from_slice(if more.len() > 1 { b",\"_meta\":{" } else { b"\"_meta\":{" });
        encode::write_member(meta::SERVER_INFO, &config.info, &mut more);
        more.push(b'}');
    }
    Payload::new(joined(payload.into_raw(), more))
}

/// The object with the members of `more`, a non-empty object without its closing bracket. They go in front, which
/// copies the object; a large object whose buffer is not shared is extended in place instead.
fn joined(object: RawJson, mut more: Vec<u8>) -> RawJson {
    let bytes = object.into_bytes();
    if bytes.len() < LARGE_RESULT {
        let rest = bytes.get(1..).unwrap_or_default().trim_ascii_start();
        if !rest.starts_with(b"}") {
            more.push(b',');
        }
        more.extend_from_slice(rest);
        return RawJson::trusted(more.into());
    }
    let mut text = Vec::from(bytes);
    text.truncate(text.trim_ascii_end().len().saturating_sub(1));
    text.truncate(text.trim_ascii_end().len());
    if !text.ends_with(b"{") {
        text.push(b',');
    }
    text.extend_from_slice(more.get(1..).unwrap_or_default());
    text.push(b'}');
    RawJson::trusted(text.into())
}

/// A result without the members that only the modern era has.
fn legacy_result(method: &str, payload: Payload) -> Payload {
    let hints = method::carries_cache_hints(method);
    let there = |field| payload.field(field).is_some();
    if there(Field::MetaServerInfo) {
        let meta = payload.get(Field::Meta).unwrap_or_default().without_members(&[meta::SERVER_INFO]);
        let raw = payload.raw().without_members(&["_meta"]);
        let raw = if meta.members().is_empty() { raw } else { raw.with_members(&[("_meta", &meta)]) };
        return legacy_result(method, Payload::new(raw));
    }
    if there(Field::ResultType) || (hints && (there(Field::TtlMs) || there(Field::CacheScope))) {
        let keys: &[&str] = if hints { &["resultType", "ttlMs", "cacheScope"] } else { &["resultType"] };
        return Payload::new(payload.raw().without_members(keys));
    }
    // Drops the marks of the fields, which are not needed any more.
    Payload::new(payload.into_raw())
}

/// A non-negative integer of at most 15 digits, which every client can represent.
fn is_ttl(json: &[u8]) -> bool {
    json.len() <= 15 && json.iter().all(u8::is_ascii_digit)
}

fn is_scope(json: &[u8]) -> bool {
    matches!(json, br#""public""# | br#""private""#)
}

/// A handler's error, with a code that the version allows (ledger 3.23).
fn recoded(version: ProtocolVersion, mut error: ErrorObject) -> ErrorObject {
    let modern = version.is_modern();
    error.code = match error.code {
        // Unknown resources: ERR-S-006 and ERR-S-007.
        code::RESOURCE_NOT_FOUND if modern => code::INVALID_PARAMS,
        code::RESOURCE_NOT_FOUND => code::RESOURCE_NOT_FOUND,
        code::URL_ELICITATION_REQUIRED if version != ProtocolVersion::V2025_11_25 => code::INTERNAL_ERROR,
        // ERR-B-001, ERR-B-003: reserved codes, and codes that only the modern era has.
        code::UNSUPPORTED_VERSION..=code::HEADER_MISMATCH if !modern => code::INTERNAL_ERROR,
        -32099..=-32023 | -32019..=-32000 if modern => code::INTERNAL_ERROR,
        other => other,
    };
    error
}
