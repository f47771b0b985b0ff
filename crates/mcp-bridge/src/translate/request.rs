//! Requests and notifications: params without what the other era does not have.

use mcp_core::message::{Payload, RawJson, meta};

use super::Era;

/// The keys of `_meta` by which a request of 2026-07-28 describes its client.
const OF_THE_PROTOCOL: [&str; 4] =
    [meta::PROTOCOL_VERSION, meta::CLIENT_CAPABILITIES, meta::CLIENT_INFO, meta::LOG_LEVEL];

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    /// It goes to the upstream server with these params.
    Forward(Option<Payload>),
    /// The other era does not have its method: `-32601`.
    Unknown,
}

/// Translates a request of a client.
pub(crate) fn request(downstream: Era, upstream: Era, method: &str, params: Option<&Payload>) -> Request {
    match (downstream, upstream) {
        (Era::Modern, Era::Legacy) => Request::Forward(params.map(without_protocol_keys)),
        // Tasks of 2025-11-25 have no counterpart.
        (Era::Legacy, Era::Modern) if method.starts_with("tasks/") => Request::Unknown,
        _ => Request::Forward(params.cloned()),
    }
}

/// The params without the protocol's keys, and without the answers and the state of a retry.
fn without_protocol_keys(params: &Payload) -> Payload {
    Payload::new(without_keys(params.raw()))
}

fn without_keys(params: &RawJson) -> RawJson {
    let bare = params.without_members(&["inputResponses", "requestState"]);
    let Some(own) = bare.member("_meta").filter(RawJson::is_object) else { return bare };
    let kept = own.without_members(&OF_THE_PROTOCOL);
    if kept == RawJson::EMPTY_OBJECT {
        bare.without_members(&["_meta"])
    } else {
        bare.with_members(&[("_meta", &kept)])
    }
}

/// The params of a progress notification under the client's token. All other members stay as they came.
pub(crate) fn with_progress_token(params: Option<&RawJson>, token: &RawJson) -> RawJson {
    let params = params.cloned().unwrap_or_default();
    params.with_members(&[(meta::PROGRESS_TOKEN, token)])
}

/// The params of a change for the subscription of this id.
pub(crate) fn with_subscription(params: Option<&RawJson>, id: &RawJson) -> RawJson {
    let params = params.cloned().unwrap_or_default();
    let own = params.member("_meta").filter(RawJson::is_object).unwrap_or_default();
    params.with_members(&[("_meta", &own.with_members(&[(meta::SUBSCRIPTION_ID, id)]))])
}

/// The params of a change without the subscription that they were sent to.
pub(crate) fn bare_change(params: Option<&RawJson>) -> Option<RawJson> {
    let params = params?;
    let Some(own) = params.member("_meta").filter(RawJson::is_object) else { return Some(params.clone()) };
    let kept = own.without_members(&[meta::SUBSCRIPTION_ID]);
    let bare = if kept == RawJson::EMPTY_OBJECT {
        params.without_members(&["_meta"])
    } else if kept == own {
        return Some(params.clone());
    } else {
        params.with_members(&[("_meta", &kept)])
    };
    (bare != RawJson::EMPTY_OBJECT).then_some(bare)
}
