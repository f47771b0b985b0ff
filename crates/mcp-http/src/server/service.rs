//! One request to one answer: the gate, then the era that the message belongs to.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Body as HttpBody;
use hyper::{Method, Request, Response, StatusCode};
use mcp_core::message::{Decoded, ErrorObject, decode};

use super::body::Body;
use super::caller::{Caller, Peer};
use super::core::Core;
use super::gate::{self, Place};
use super::read::{self, ReadError};
use super::respond;

/// Answers one request.
pub(crate) async fn handle<B>(core: &Arc<Core>, peer: Peer, request: Request<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes>,
{
    let (parts, body) = request.into_parts();
    let place = match gate::admit(core, &parts).await {
        Ok(place) => place,
        Err(refusal) => return *refusal,
    };
    let identity = match gate::authenticate(core, &parts).await {
        Ok(identity) => identity,
        Err(refusal) => return *refusal,
    };
    let (method, modern) = (parts.method.clone(), core.modern);
    let caller = Caller::new(parts, peer, identity);
    let Some(legacy) = &core.legacy else {
        let _modern = modern;
        return post(core, caller, body).await;
    };
    match (place, method) {
        (Place::Endpoint, Method::GET) => legacy.get(caller).await,
        (Place::Endpoint, Method::DELETE) => legacy.delete(caller).await,
        (Place::Sse, _) => legacy.sse24_get(caller).await,
        (Place::Messages, _) => match message(core, body).await {
            Ok(message) => legacy.sse24_post(caller, message).await,
            Err(refusal) => *refusal,
        },
        _ => post(core, caller, body).await,
    }
}

async fn post<B>(core: &Arc<Core>, caller: Caller, body: B) -> Response<Body>
where
    B: HttpBody<Data = Bytes>,
{
    let message = match message(core, body).await {
        Ok(message) => message,
        Err(refusal) => return *refusal,
    };
    match &core.legacy {
        Some(legacy) => legacy.post(caller, message).await,
        None => respond::empty(StatusCode::NOT_FOUND),
    }
}

async fn message<B>(core: &Core, body: B) -> Result<Decoded, Box<Response<Body>>>
where
    B: HttpBody<Data = Bytes>,
{
    let limit = core.config.limits.body;
    match read::read(body, limit, core.config.timeouts.body).await {
        Ok(text) => Ok(decode(text)),
        Err(why) => {
            let status = match why {
                ReadError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                ReadError::Slow => StatusCode::REQUEST_TIMEOUT,
                ReadError::Cut => StatusCode::BAD_REQUEST,
            };
            let error = ErrorObject::invalid_request(format!("the body: {why:?}"));
            Err(Box::new(respond::error(status, &error, None)))
        }
    }
}
