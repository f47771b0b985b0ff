//! The modern era: `_meta` on every request, and `resultType` on every result.

use crate::message::{Field, Payload, ProtocolVersion, RawJson, encode, meta, method};
use crate::session::LogLevel;

use super::config::{ClientConfig, ClientFacts};
use super::event::Negotiated;

/// State of a link with a modern peer.
#[derive(Debug)]
pub(super) struct Modern {
    pub(super) negotiated: Negotiated,
    pub(super) request_meta: RequestMeta,
}

/// The constant members of `_meta` on a link, encoded once.
// META-C-004, META-C-005.
#[derive(Debug)]
pub(super) struct RequestMeta {
    /// An object of the constant members, without its closing bracket.
    head: Vec<u8>,
    has_info: bool,
}

/// The length of `{"_meta":`, `}` and `,` around the members, less the bracket of the params.
const COMMA_AND_KEY: usize = 10;

/// The variable members of one request.
#[derive(Debug, Default)]
pub(super) struct Extras<'a> {
    /// The progress token, if progress is requested.
    pub(super) token: Option<u64>,
    pub(super) log_level: Option<LogLevel>,
    /// The application's own members of `_meta`.
    pub(super) meta: Option<&'a RawJson>,
    /// The client on whose behalf the request is made.
    pub(super) client: Option<&'a ClientFacts>,
    /// Members of the params themselves.
    pub(super) members: &'a [(&'a str, &'a RawJson)],
}

impl RequestMeta {
    pub(super) fn new(config: &ClientConfig, version: ProtocolVersion) -> RequestMeta {
        let info = config.send_info.then_some(&config.info);
        RequestMeta::of(&config.capabilities, info, version)
    }

    fn of(capabilities: &RawJson, info: Option<&RawJson>, version: ProtocolVersion) -> RequestMeta {
        let mut head = vec![b'{'];
        encode::write_plain_key(meta::PROTOCOL_VERSION, &mut head);
        encode::write_string(version.as_str(), &mut head);
        encode::write_plain_member(meta::CLIENT_CAPABILITIES, capabilities.as_bytes(), &mut head);
        if let Some(info) = info {
            encode::write_plain_member(meta::CLIENT_INFO, info.as_bytes(), &mut head);
        }
        RequestMeta { head, has_info: info.is_some() }
    }

    /// The params of a call, which may be made on behalf of another client.
    pub(super) fn params_for(
        &self,
        version: ProtocolVersion,
        params: Option<&Payload>,
        extras: &Extras<'_>,
    ) -> Payload {
        match (extras.client, params) {
            (None, _) => self.params(params, extras),
            (Some(client), Some(params)) if extras.are_said(version, client, params) => params.clone(),
            (Some(client), _) => {
                let own = RequestMeta::of(&client.capabilities, client.info.as_ref(), version);
                own.params(params, extras)
            }
        }
    }

    /// The params with `_meta`. Members that the application set are kept; protocol keys always win.
    pub(super) fn params(&self, params: Option<&Payload>, extras: &Extras<'_>) -> Payload {
        let body = params.map_or(&b"{}"[..], |params| params.raw().as_bytes());
        let looked_into = params.filter(|params| params.may_have_meta());
        let own_meta =
            looked_into.and_then(|params| params.field_json(Field::Meta)).filter(RawJson::is_object);
        let more = if extras.token.is_some() || extras.log_level.is_some() { 96 } else { 0 };
        // Usually the exact length, so that the buffer is not reallocated when it is frozen.
        let mut out = Vec::with_capacity(COMMA_AND_KEY + self.head.len() + body.len() + more);
        if own_meta.is_none() && extras.meta.is_none() && extras.members.is_empty() {
            // The common case: one copy, and the params are not parsed again.
            out.extend_from_slice(b"{\"_meta\":");
            self.write_meta(extras, &mut out);
            let rest = body.get(1..).unwrap_or(b"}").trim_ascii_start();
            if !rest.starts_with(b"}") {
                out.push(b',');
            }
            let others = out.len();
            out.extend_from_slice(rest);
            return Payload::after_meta(RawJson::trusted(out.into()), others);
        }
        out.push(b'{');
        for (key, value) in extras.members {
            encode::write_member(key, value, &mut out);
        }
        encode::write_plain_key("_meta", &mut out);
        self.write_open_meta(extras, &mut out);
        let is_given = |key: &str| extras.meta.is_some_and(|given| given.member(key).is_some());
        for (object, is_own) in [(extras.meta, false), (own_meta.as_ref(), true)] {
            let Some(object) = object else { continue };
            object.for_each_member(|key, value| {
                let is_set = self.has(extras, key) || (is_own && is_given(key));
                if !is_set {
                    encode::write_member(key, &value, &mut out);
                }
            });
        }
        out.push(b'}');
        let meta_end = out.len();
        if let Some(params) = params {
            params.raw().for_each_member(|key, value| {
                if key != "_meta" && !extras.members.iter().any(|(set, _)| *set == key) {
                    encode::write_member(key, &value, &mut out);
                }
            });
        }
        // Behind the comma, if other members follow.
        let others = meta_end + usize::from(out.len() > meta_end);
        out.push(b'}');
        let raw = RawJson::trusted(out.into());
        if extras.members.is_empty() { Payload::after_meta(raw, others) } else { Payload::new(raw) }
    }

    /// Whether the members that the session writes into `_meta` have one of this name.
    fn has(&self, extras: &Extras<'_>, key: &str) -> bool {
        match key {
            meta::PROTOCOL_VERSION | meta::CLIENT_CAPABILITIES => true,
            meta::CLIENT_INFO => self.has_info,
            meta::PROGRESS_TOKEN => extras.token.is_some(),
            meta::LOG_LEVEL => extras.log_level.is_some(),
            _ => false,
        }
    }

    fn write_meta(&self, extras: &Extras<'_>, out: &mut Vec<u8>) {
        self.write_open_meta(extras, out);
        out.push(b'}');
    }

    /// Without the closing bracket.
    fn write_open_meta(&self, extras: &Extras<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        if let Some(token) = extras.token {
            encode::write_plain_member(meta::PROGRESS_TOKEN, token_json(token).as_bytes(), out);
        }
        if let Some(level) = extras.log_level {
            encode::write_plain_key(meta::LOG_LEVEL, out);
            encode::write_string(level.as_str(), out);
        }
    }
}

impl Extras<'_> {
    /// Whether params that were received say all this already, so that they can be sent as they are.
    fn are_said(&self, version: ProtocolVersion, client: &ClientFacts, params: &Payload) -> bool {
        // Decoded: no member occurs twice, so every reader of the params reads the same.
        params.is_decoded()
            && self.token.is_none()
            && self.meta.is_none()
            && self.members.is_empty()
            && params.field(Field::MetaProgressToken).is_none()
            && params.field_text(Field::MetaProtocolVersion).as_deref() == Some(version.as_str())
            && params.field(Field::MetaClientCapabilities) == Some(client.capabilities.as_bytes())
            && params.field(Field::MetaClientInfo) == client.info.as_ref().map(RawJson::as_bytes)
            && params.field_text(Field::MetaLogLevel).as_deref() == self.log_level.map(LogLevel::as_str)
    }
}

/// The progress token of a request: its number.
// PROG-B-001.
pub(super) fn token_json(number: u64) -> RawJson {
    RawJson::integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The meaning of `resultType`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResultKind {
    /// The call is complete. Also without `resultType`.
    // RPC-C-015.
    Complete,
    /// The server needs input.
    InputRequired,
    /// A value that the client does not know.
    // RPC-C-016.
    Unknown(String),
}

/// Reads `resultType`; `known` are the values of extensions.
pub(super) fn result_kind(result: &Payload, known: &[String]) -> ResultKind {
    match result.field(Field::ResultType) {
        None | Some(b"\"complete\"") => ResultKind::Complete,
        Some(b"\"input_required\"") => ResultKind::InputRequired,
        Some(other) => match result.field_text(Field::ResultType).map(|text| text.into_owned()) {
            Some(text) if text == "complete" || known.contains(&text) => ResultKind::Complete,
            Some(text) if text == "input_required" => ResultKind::InputRequired,
            Some(text) => ResultKind::Unknown(text),
            None => ResultKind::Unknown(String::from_utf8_lossy(other).into_owned()),
        },
    }
}

/// Whether a result is complete.
pub(super) fn is_complete(result: &Payload) -> bool {
    result_kind(result, &[]) == ResultKind::Complete
}

/// Reads a DiscoverResult, for the revision that was chosen from it.
pub(super) fn negotiated(result: &Payload, version: ProtocolVersion, offered: Vec<String>) -> Negotiated {
    let raw = result.raw();
    Negotiated {
        version,
        capabilities: object_member(raw, "capabilities"),
        server_info: result.field_json(Field::MetaServerInfo).map(|info| info.detach()),
        instructions: raw.member("instructions").and_then(|text| text.to_text()),
        offered,
    }
}

/// A member that is an object, copied out of the receive buffer; an empty object otherwise.
pub(super) fn object_member(raw: &RawJson, key: &str) -> RawJson {
    raw.member(key).filter(RawJson::is_object).map_or(RawJson::EMPTY_OBJECT, |member| member.detach())
}

/// Whether a client may call this on 2026-07-28. Tasks are an extension there; methods that the specification does not
/// define are allowed.
pub(super) fn may_call(name: &str) -> bool {
    name.starts_with("tasks/") || method::find(name).is_none_or(|row| row.modern.client())
}
