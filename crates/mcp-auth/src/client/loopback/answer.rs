//! What the listener answers a browser. The pages are constants: nothing of the request is in them.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERRER_POLICY,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::Shared;
use crate::urls::WebUrl;

const DONE: &str = "<!doctype html><meta charset=utf-8><title>Login</title><p>The login was answered. Close this \
                    window and return to the program.\n";
const WRONG: &str =
    "<!doctype html><meta charset=utf-8><title>Login</title><p>This is not the answer to a current login.\n";
const NOTHING: &str = "<!doctype html><meta charset=utf-8><title>Login</title><p>Not found.\n";

/// Answers one request, and hands the redirect over.
// AU-C-61.
pub(super) fn answer<B>(request: &Request<B>, shared: &Shared) -> Response<Full<Bytes>> {
    if !is_local(request) || request.uri().path() != shared.path {
        return page(StatusCode::NOT_FOUND, NOTHING);
    }
    if request.method() != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, NOTHING);
    }
    let query = request.uri().query().unwrap_or_default();
    if !shared.request.is_answered_by(query) {
        let _counted_already = shared.wrong.try_send(());
        return page(StatusCode::BAD_REQUEST, WRONG);
    }
    // The first answer counts.
    let _second = shared.found.try_send(query.to_owned());
    page(StatusCode::OK, DONE)
}

/// A `Host` on loopback: another name was rebound to this machine.
fn is_local<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, second) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let url = host.and_then(|host| WebUrl::parse(&format!("http://{host}/")).ok());
    second.is_none() && url.is_some_and(|url| url.is_loopback())
}

fn page(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
