//! Tests of CORS.

use hyper::header::{HOST, ORIGIN};

use super::super::host::HostPolicy;
use super::super::origin::OriginList;
use super::*;

const PAGE: &str = "https://app.example";

fn origin() -> Origin {
    let policy = HostPolicy::new(false, &[], OriginList::new(&[PAGE.into()], false).unwrap()).unwrap();
    policy.check_origin(&headers(&[(ORIGIN, PAGE)])).unwrap().unwrap()
}

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

fn cors(enabled: bool, credentials: bool) -> Cors {
    let mut cors = Cors::default();
    (cors.enabled, cors.credentials) = (enabled, credentials);
    cors
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// SEC-S-001.
#[test]
fn a_preflight_asks_for_a_method() {
    let asked = headers(&[(ACCESS_CONTROL_REQUEST_METHOD, "POST")]);
    assert!(is_preflight(&Method::OPTIONS, &asked));
    assert!(!is_preflight(&Method::POST, &asked));
    assert!(!is_preflight(&Method::OPTIONS, &headers(&[(HOST, "localhost")])));
}

/// HDR-C-004, HDR-C-016, SESS-C-004: what our own headers need of a browser.
#[test]
fn a_preflight_is_answered_with_the_exact_origin_and_our_headers() {
    let asked = headers(&[
        (ACCESS_CONTROL_REQUEST_METHOD, "POST"),
        (
            ACCESS_CONTROL_REQUEST_HEADERS,
            "content-type, mcp-param-region,MCP-Param-B , x-other, mcp-param-\"x",
        ),
    ]);
    let answer = preflight(&cors(true, false), Some(&origin()), &asked).unwrap();
    assert_eq!(text(&answer, &ACCESS_CONTROL_ALLOW_ORIGIN), PAGE);
    assert!(text(&answer, &VARY).contains("origin"));
    assert_eq!(text(&answer, &ACCESS_CONTROL_ALLOW_METHODS), "POST, GET, DELETE, OPTIONS");
    assert_eq!(text(&answer, &ACCESS_CONTROL_MAX_AGE), "7200");
    assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let allowed: Vec<&str> = text(&answer, &ACCESS_CONTROL_ALLOW_HEADERS).split(", ").collect();
    assert_eq!(
        allowed,
        [
            "content-type",
            "accept",
            "authorization",
            "mcp-protocol-version",
            "mcp-session-id",
            "mcp-method",
            "mcp-name",
            "last-event-id",
            "mcp-param-region",
            "mcp-param-b",
        ]
    );
}

/// Any other answer, a refusal's too: else a page cannot tell 401 from a broken network.
#[test]
fn other_answers_show_our_headers() {
    let mut answer = HeaderMap::new();
    respond(&cors(true, true), Some(&origin()), &mut answer);
    assert_eq!(text(&answer, &ACCESS_CONTROL_ALLOW_ORIGIN), PAGE);
    assert_eq!(text(&answer, &VARY), "origin");
    assert_eq!(text(&answer, &ACCESS_CONTROL_ALLOW_CREDENTIALS), "true");
    let exposed = "mcp-session-id, mcp-protocol-version, www-authenticate, retry-after";
    assert_eq!(text(&answer, &ACCESS_CONTROL_EXPOSE_HEADERS), exposed);
}

/// Off by default; and nothing for a request that comes from no page.
#[test]
fn nothing_is_said_where_cors_is_off_or_there_is_no_origin() {
    let mut answer = HeaderMap::new();
    assert!(preflight(&Cors::default(), Some(&origin()), &HeaderMap::new()).is_none());
    assert!(preflight(&cors(true, true), None, &HeaderMap::new()).is_none());
    respond(&cors(false, true), Some(&origin()), &mut answer);
    assert!(answer.is_empty());
    respond(&cors(true, true), None, &mut answer);
    assert_eq!(answer.len(), 1);
    assert_eq!(text(&answer, &VARY), "origin");
}

/// FAULT F-S10.
#[test]
fn configured_headers_are_allowed_and_checked() {
    let mut cors = cors(true, false);
    cors.headers = vec!["X-Api-Key".to_owned(), "traceparent".to_owned()];
    let headers = preflight(&cors, Some(&origin()), &HeaderMap::new()).unwrap();
    assert!(
        text(&headers, &ACCESS_CONTROL_ALLOW_HEADERS).ends_with(", last-event-id, X-Api-Key, traceparent")
    );
    assert!(check(&cors, true).is_ok());
    cors.credentials = true;
    assert!(check(&cors, false).is_ok());
    assert!(check(&cors, true).unwrap_err().to_string().starts_with("cors.credentials: "));
    cors.headers.push("a b".to_owned());
    assert!(check(&cors, false).unwrap_err().to_string().starts_with("cors.headers: "));
}
