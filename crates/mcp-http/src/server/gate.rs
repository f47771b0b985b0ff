//! What is decided before a body is read, in the order of ledger 2.6.

use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use super::body::Body;
use super::core::Core;
use super::{Identity, RequestHead, respond};

/// Where a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Endpoint,
    Health,
    /// `GET /sse` of 2024-11-05.
    Sse,
    /// `POST /messages` of 2024-11-05.
    Messages,
}

pub(crate) async fn admit(core: &Core, parts: &Parts) -> Result<Place, Box<Response<Body>>> {
    let path = parts.uri.path();
    let (place, allow): (_, &[Method]) = if path == core.config.path {
        (Place::Endpoint, &[Method::GET, Method::POST, Method::DELETE])
    } else if core.config.http_sse && path == "/sse" {
        (Place::Sse, &[Method::GET])
    } else if core.config.http_sse && path == "/messages" {
        (Place::Messages, &[Method::POST])
    } else {
        return Err(Box::new(respond::empty(StatusCode::NOT_FOUND)));
    };
    if !allow.contains(&parts.method) {
        return Err(Box::new(respond::not_allowed("GET, POST, DELETE")));
    }
    Ok(place)
}

pub(crate) async fn authenticate(
    core: &Core,
    parts: &Parts,
) -> Result<Option<Identity>, Box<Response<Body>>> {
    let Some(authenticate) = &core.config.authenticate else { return Ok(None) };
    let head = RequestHead { method: &parts.method, uri: &parts.uri, headers: &parts.headers };
    match authenticate.authenticate(head).await {
        Ok(identity) => Ok(Some(identity)),
        Err(denied) => Err(Box::new(respond::empty(denied.status))),
    }
}
