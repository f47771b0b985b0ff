//! The legacy era over HTTP: sessions, their streams, and the two endpoints of 2024-11-05.

use std::sync::Arc;

use hyper::{Response, StatusCode};
use mcp_core::message::Decoded;
use mcp_core::transport::Accept;

use super::ServerConfig;
use super::body::Body;
use super::caller::Caller;
use super::respond;

/// All sessions of a server.
pub(crate) struct Legacy {
    _accept: Arc<dyn Accept>,
}

impl Legacy {
    pub(crate) fn new(accept: Arc<dyn Accept>, _config: &ServerConfig) -> Legacy {
        Legacy { _accept: accept }
    }

    /// The server stops: sessions come to their end.
    pub(crate) fn drain(&self) {}

    /// `POST` on the endpoint, of a message that is not modern.
    pub(crate) async fn post(&self, _caller: Caller, _message: Decoded) -> Response<Body> {
        respond::empty(StatusCode::NOT_FOUND)
    }

    /// `GET` on the endpoint.
    pub(crate) async fn get(&self, _caller: Caller) -> Response<Body> {
        respond::not_allowed("POST")
    }

    /// `DELETE` on the endpoint.
    pub(crate) async fn delete(&self, _caller: Caller) -> Response<Body> {
        respond::not_allowed("POST")
    }

    /// `GET /sse` of 2024-11-05.
    pub(crate) async fn sse24_get(&self, _caller: Caller) -> Response<Body> {
        respond::empty(StatusCode::NOT_FOUND)
    }

    /// `POST /messages` of 2024-11-05.
    pub(crate) async fn sse24_post(&self, _caller: Caller, _message: Decoded) -> Response<Body> {
        respond::empty(StatusCode::NOT_FOUND)
    }
}
