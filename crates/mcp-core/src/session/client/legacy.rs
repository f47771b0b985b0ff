//! The legacy handshake and what was negotiated in it.

use crate::error::{CloseReason, Error};
use crate::message::{Field, Payload, ProtocolVersion, RawJson, meta, method};

use super::config::ClientConfig;
use super::event::Negotiated;
use super::modern;
use super::subscribe::Uris;

/// State of a link with a legacy peer. Created when `initialize` is answered.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) negotiated: Negotiated,
    pub(super) features: ServerFeatures,
    /// The lane of `notifications/initialized`, until it is delivered (promise 7).
    pub(super) hold: Option<u64>,
    /// The resources that are subscribed to on this link.
    pub(super) uris: Uris,
    /// The number of consecutive failed pings.
    pub(super) failed_pings: u32,
}

/// The server's capabilities that the session uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerFeatures {
    pub(super) tools_changed: bool,
    pub(super) prompts_changed: bool,
    pub(super) resources_changed: bool,
    pub(super) subscribe: bool,
    pub(super) logging: bool,
}

impl ServerFeatures {
    pub(super) fn read(capabilities: &RawJson) -> ServerFeatures {
        let flag = |of: &str, name: &str| {
            capabilities.member(of).and_then(|of| of.member(name)).is_some_and(|flag| flag == RawJson::TRUE)
        };
        ServerFeatures {
            tools_changed: flag("tools", "listChanged"),
            prompts_changed: flag("prompts", "listChanged"),
            resources_changed: flag("resources", "listChanged"),
            subscribe: flag("resources", "subscribe"),
            logging: capabilities.member("logging").is_some_and(|logging| logging.is_object()),
        }
    }
}

/// The params of `initialize`.
// LIFE-C-002, LIFE-C-013.
pub(super) fn initialize_params(config: &ClientConfig, version: ProtocolVersion) -> RawJson {
    RawJson::object([
        ("protocolVersion", RawJson::string(version.as_str())),
        ("capabilities", config.capabilities.clone()),
        ("clientInfo", config.info.clone()),
    ])
}

/// Reads an InitializeResult; `ours` are the allowed revisions.
///
/// # Errors
///
/// The server chose a revision that is not allowed or has no handshake.
// LIFE-C-010.
pub(super) fn read_initialize(result: &Payload, ours: &[ProtocolVersion]) -> Result<Negotiated, CloseReason> {
    let Some(label) = result.field_text(Field::ProtocolVersion).map(|text| text.into_owned()) else {
        let why = "the result of initialize names no protocolVersion".to_owned();
        return Err(CloseReason::OpeningFailed(Box::new(Error::Violation(why))));
    };
    let version =
        ProtocolVersion::parse(&label).filter(|version| version.is_legacy() && ours.contains(version));
    let Some(version) = version else {
        let ours = ours.iter().copied().filter(|version| version.is_legacy()).collect();
        return Err(CloseReason::NoCommonVersion { ours, theirs: vec![label] });
    };
    let raw = result.raw();
    Ok(Negotiated {
        version,
        capabilities: modern::object_member(raw, "capabilities"),
        server_info: raw.member("serverInfo").filter(RawJson::is_object).map(|info| info.detach()),
        instructions: raw.member("instructions").and_then(|text| text.to_text()),
        offered: vec![label],
    })
}

/// The params of a call, with the requested members of `_meta`.
pub(super) fn params(params: Option<Payload>, token: Option<u64>, own: Option<&RawJson>) -> Option<Payload> {
    if token.is_none() && own.is_none() {
        return params;
    }
    let token = token.map(modern::token_json);
    let mut set: Vec<(&str, &RawJson)> = token.iter().map(|token| (meta::PROGRESS_TOKEN, token)).collect();
    let own = own.map(RawJson::members).unwrap_or_default();
    set.extend(
        own.iter().filter(|(key, _)| key != meta::PROGRESS_TOKEN).map(|(key, value)| (key.as_str(), value)),
    );
    let params = params.unwrap_or_else(|| Payload::new(RawJson::EMPTY_OBJECT));
    Some(params.with_meta(&set))
}

/// Checks that a client may call this method on a legacy link.
///
/// Capabilities are not checked, because deployed servers declare less than they serve. The exceptions are
/// `logging/setLevel` and the session's own subscriptions.
// LIFE-B-012.
pub(super) fn may_call(name: &str, features: &ServerFeatures) -> Result<(), &'static str> {
    if name == "logging/setLevel" && !features.logging {
        return Err("the server did not declare logging");
    }
    match method::find(name) {
        Some(row) if !row.legacy.client() => Err("a client of a legacy revision does not send it"),
        _ => Ok(()),
    }
}
