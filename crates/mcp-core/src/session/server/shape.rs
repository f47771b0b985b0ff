//! Completing a handler's outcome for the era: one encoder for each.
// T-39.

use bytes::Bytes;

use crate::message::{
    ErrorObject, Field, Payload, ProtocolVersion, RawJson, ResultFields, code, encode, meta, method,
};

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
    outcome: Result<ResultFields, ErrorObject>,
) -> Result<Payload, ErrorObject> {
    match outcome {
        Ok(result) if !result.payload().raw().is_object() => {
            let kind = result.payload().raw().kind_name();
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
pub(super) fn modern_result(config: &ServerConfig, method: &str, result: ResultFields) -> Payload {
    let kind = result.result_type().filter(|json| json.starts_with(b"\""));
    let interim = kind == Some(INPUT_REQUIRED);
    if interim && (result.ttl_ms().is_some() || result.cache_scope().is_some()) {
        // An interim result is never cached (ledger CACHE-S-005).
        let bare = result.payload().raw().without_members(&["ttlMs", "cacheScope"]);
        return modern_result(config, method, bare.into());
    }
    let hints = !interim && method::carries_cache_hints(method);
    let ttl = hints && !result.ttl_ms().is_some_and(is_ttl);
    let scope = hints && !result.cache_scope().is_some_and(is_scope);
    let info = config.send_info && !result.has_server_info();

    let default_ttl = || RawJson::integer(i64::try_from(config.cache_ttl_ms).unwrap_or(i64::MAX));
    let default_scope = || RawJson::string(if config.cache_public { "public" } else { "private" });
    let wanted = [
        kind.is_none().then_some(("resultType", COMPLETE, result.result_type().is_some())),
        ttl.then(|| ("ttlMs", default_ttl(), result.ttl_ms().is_some())),
        scope.then(|| ("cacheScope", default_scope(), result.cache_scope().is_some())),
    ];
    let members = || wanted.iter().flatten();
    if members().next().is_none() && !info {
        return result.into_payload();
    }
    let taken = members().any(|(.., there)| *there) || (info && result.has_meta());
    if taken {
        let members: Vec<(&str, &RawJson)> = members().map(|(key, value, _)| (*key, value)).collect();
        let meta: &[(&str, &RawJson)] = if info { &[(meta::SERVER_INFO, &config.info)] } else { &[] };
        return result.payload().with_meta_and_members(meta, &members);
    }
    // The usual case: none of the members is present.
    let text = result.payload().raw().as_bytes().len();
    // The exact length: a buffer with spare capacity would cost one more allocation when it is frozen.
    let member = |key: &str, value: &RawJson| key.len() + value.as_bytes().len() + r#""":,"#.len();
    let identity = if info { member(meta::SERVER_INFO, &config.info) + r#""_meta":{}"#.len() } else { 0 };
    let room = members().map(|(key, value, _)| member(key, value)).sum::<usize>() + identity;
    let mut more = Vec::with_capacity(if text < LARGE_RESULT { text + room } else { room + 2 });
    more.push(b'{');
    for (key, value, _) in members() {
        encode::write_member(key, value, &mut more);
    }
    if info {
        more.extend_from_slice(if more.len() > 1 { b",\"_meta\":{" } else { b"\"_meta\":{" });
        encode::write_member(meta::SERVER_INFO, &config.info, &mut more);
        more.push(b'}');
    }
    Payload::new(joined(result.into_payload().into_raw(), more))
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
fn legacy_result(method: &str, result: ResultFields) -> Payload {
    let hints = method::carries_cache_hints(method);
    let payload = result.payload();
    if result.has_server_info() {
        let meta = payload.field_json(Field::Meta).unwrap_or_default().without_members(&[meta::SERVER_INFO]);
        let raw = payload.raw().without_members(&["_meta"]);
        let raw = if meta.members().is_empty() { raw } else { raw.with_members(&[("_meta", &meta)]) };
        return legacy_result(method, raw.into());
    }
    if result.result_type().is_some()
        || (hints && (result.ttl_ms().is_some() || result.cache_scope().is_some()))
    {
        let keys: &[&str] = if hints { &["resultType", "ttlMs", "cacheScope"] } else { &["resultType"] };
        return Payload::new(payload.raw().without_members(keys));
    }
    result.into_payload()
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
