//! Providers of credentials: when they are asked, what they see, and how they fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::header::HeaderMap;
use hyper::{Method, StatusCode, Uri};
use tokio::join;

use super::*;
use crate::Secret;
use crate::net::{Again, AuthError, AuthErrorKind, AuthHeaders, Authorize, Challenge, RequestInfo};

/// Numbers the credentials that it gives, and notes what it sees.
#[derive(Default)]
pub(super) struct Provider {
    asked: AtomicUsize,
    seen: Mutex<Vec<String>>,
    challenges: Mutex<Vec<Challenge>>,
    /// Has other credentials after a challenge.
    again: bool,
    extra: Option<&'static str>,
    /// No credentials.
    fails: Option<AuthErrorKind>,
    /// No others after a challenge.
    gives_up: Option<AuthErrorKind>,
}

impl Provider {
    fn note(&self, text: String) {
        self.seen.lock().unwrap().push(text);
    }
}

#[async_trait]
impl Authorize for Provider {
    async fn authorize(&self, request: &RequestInfo<'_>) -> Result<AuthHeaders, AuthError> {
        self.note(format!("{} {}", request.method(), request.url()));
        if let Some(kind) = self.fails {
            return Err(AuthError::new(kind, "the store is locked"));
        }
        let count = self.asked.fetch_add(1, Ordering::Relaxed);
        let headers = AuthHeaders::bearer(&Secret::from(format!("token-{count}")));
        Ok(match self.extra {
            Some(name) => headers.with(name.parse().unwrap(), format!("proof-{count}")),
            None => headers,
        })
    }

    async fn challenged(&self, challenge: &Challenge) -> Result<Again, AuthError> {
        self.challenges.lock().unwrap().push(challenge.clone());
        match self.gives_up {
            Some(kind) => Err(AuthError::new(kind, "the login was closed")),
            None if self.again => Ok(Again::Yes),
            None => Ok(Again::No),
        }
    }

    fn responded(&self, request: &RequestInfo<'_>, status: StatusCode, headers: &HeaderMap) {
        let nonce = headers.get("dpop-nonce").map_or("-", |nonce| nonce.to_str().unwrap());
        self.note(format!("{status} {nonce} {}", request.url()));
    }
}

fn provided(provider: Provider) -> (Arc<Provider>, Net, Server) {
    let provider = Arc::new(provider);
    let config = settings(|c| {
        c.credentials.authorize = Some(Arc::<Provider>::clone(&provider));
        // The provider takes precedence.
        c.credentials.bearer = Some("overridden".into());
    });
    let (net, server) = scripted(&config);
    (provider, net, server)
}

fn again() -> Provider {
    Provider { again: true, ..Provider::default() }
}

fn refusal(status: u16) -> String {
    format!(
        "HTTP/1.1 {status} Refused\r\nwww-authenticate: Bearer realm=\"a\", scope=x\r\nwww-authenticate: Basic\r\n\
         content-length: 2\r\n\r\nno"
    )
}

fn sent(request: &str) -> Vec<&str> {
    request.lines().filter_map(|line| line.strip_prefix("authorization: ")).collect()
}

/// The request goes out with other credentials, and the challenge says which ones were refused.
#[tokio::test]
async fn a_challenge_is_answered_with_other_credentials() {
    let (provider, net, mut server) = provided(again());
    let client = async { assert_eq!(read(&net, post("a")).await.unwrap(), "in") };
    let played = async {
        let mut peer = server.accept().await;
        assert_eq!(sent(&peer.request().await), ["Bearer token-0"]);
        peer.say(&refusal(401)).await;
        let second = peer.answer("in").await;
        assert_eq!(sent(&second), ["Bearer token-1"]);
        assert!(second.ends_with('a'), "{second}");
        peer
    };
    join!(client, played);
    let challenges = provider.challenges.lock().unwrap();
    let challenge = &challenges[0];
    assert_eq!((challenges.len(), challenge.status.as_u16()), (1, 401));
    assert_eq!(challenge.headers, ["Bearer realm=\"a\", scope=x", "Basic"]);
    assert_eq!((&challenge.method, challenge.url.as_str()), (&Method::POST, "http://server.test/mcp"));
    assert_eq!(challenge.sent, Some("Bearer token-0".into()));
    let schemes = challenge.schemes();
    assert_eq!(schemes.iter().map(|it| it.scheme.as_str()).collect::<Vec<_>>(), ["Bearer", "Basic"]);
    assert_eq!(schemes[0].param("scope"), Some("x"));
}

/// Three challenges of one request are reported, and two with one status; the next refusal is the answer.
#[tokio::test]
async fn challenges_of_one_request_are_bounded() {
    let rows: [(&[u16], &[u16]); 4] = [
        (&[401, 403, 200], &[401, 403]),
        (&[401, 401, 401], &[401, 401]),
        (&[403, 403, 403], &[403, 403]),
        (&[401, 403, 401, 403], &[401, 403, 401]),
    ];
    for (answers, reported) in rows {
        let (provider, net, mut server) = provided(again());
        let client = async { net.send(post("a")).await.unwrap().status.as_u16() };
        let played = async {
            let mut peer = server.accept().await;
            for status in answers {
                peer.request().await;
                peer.say(&refusal(*status)).await;
            }
            peer
        };
        let (status, _peer) = join!(client, played);
        assert_eq!(Some(&status), answers.last());
        let challenges = provider.challenges.lock().unwrap();
        assert_eq!(challenges.iter().map(|c| c.status.as_u16()).collect::<Vec<_>>(), *reported);
        assert_eq!(provider.asked.load(Ordering::Relaxed), answers.len());
    }
}

/// Without other credentials the refusal is the answer, with its body.
#[tokio::test]
async fn an_unanswered_challenge_is_the_answer() {
    let (provider, net, mut server) = provided(Provider::default());
    let client = async {
        let refused = net.send(post("a")).await.unwrap().refused(100).await;
        assert_eq!((refused.status.as_u16(), refused.body.as_str()), (401, "no"));
        assert!(refused.is_auth());
        assert_eq!(refused.schemes()[0].param("realm"), Some("a"));
    };
    let played = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say(&refusal(401)).await;
        peer
    };
    join!(client, played);
    assert_eq!(provider.challenges.lock().unwrap().len(), 1);
}

/// Each try is announced with its URL, without the query, and each response is shown with its headers: redirects,
/// refusals, and a request that is repeated because a kept connection died.
#[tokio::test]
async fn every_try_has_credentials_of_its_own() {
    let (provider, net, mut server) = provided(Provider { extra: Some("dpop"), ..again() });
    let client = async {
        assert_eq!(read(&net, post("a")).await.unwrap(), "in");
        let get = Exchange { method: Method::GET, repeatable: true, ..post("") };
        assert_eq!(read(&net, get).await.unwrap(), "in");
    };
    let played = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say("HTTP/1.1 307 Moved\r\nlocation: /there?key=2\r\ncontent-length: 0\r\n\r\n").await;
        peer.request().await;
        peer.say("HTTP/1.1 401 No\r\ndpop-nonce: n1\r\ncontent-length: 0\r\n\r\n").await;
        peer.answer("in").await;
        let request = peer.request().await;
        assert_eq!(sent(&request), ["Bearer token-3"]);
        assert!(request.contains("dpop: proof-3\r\n"), "{request}");
        drop(peer);
        let mut peer = server.accept().await;
        let request = peer.answer("in").await;
        assert_eq!(sent(&request), ["Bearer token-4"]);
        assert!(request.contains("dpop: proof-4\r\n"), "{request}");
        peer
    };
    join!(client, played);
    let seen = provider.seen.lock().unwrap();
    let wanted = [
        "POST http://server.test/mcp",
        "307 Temporary Redirect - http://server.test/mcp",
        "POST http://server.test/there",
        "401 Unauthorized n1 http://server.test/there",
        "POST http://server.test/there",
        "200 OK - http://server.test/there",
        "GET http://server.test/mcp",
        "GET http://server.test/mcp",
        "200 OK - http://server.test/mcp",
    ];
    assert_eq!(*seen, wanted);
}

/// A URL is never shortened for a provider: a signature may cover it.
#[test]
fn a_provider_sees_the_whole_url() {
    let path = "a".repeat(2000);
    let uri: Uri = format!("https://server.test:8443/{path}?secret=1").parse().unwrap();
    let request = RequestInfo::new(&Method::GET, &uri);
    assert_eq!(request.url(), format!("https://server.test:8443/{path}"));
}

/// Without credentials nothing is sent, and the error says why.
#[tokio::test]
async fn a_provider_that_fails_stops_the_request() {
    use AuthErrorKind::{Denied, LoginNeeded, Protocol, Unavailable};
    for (kind, retryable) in [(LoginNeeded, false), (Denied, false), (Unavailable, true), (Protocol, false)] {
        let (_provider, net, mut server) = provided(Provider { fails: Some(kind), ..again() });
        let error = net.send(post("a")).await.err().unwrap();
        assert!(!server.was_dialled());
        assert_eq!((error.is_retryable(), error.is_auth()), (retryable, !retryable));
        let HttpError::Authorization(inner) = &error else { panic!("{error}") };
        assert_eq!(inner.kind(), kind);
        assert_eq!(inner.cause().to_string(), "the store is locked");
        let chain = mcp_core::transport::ErrorChain::new(&error).to_string();
        assert_eq!(chain, format!("{inner}: the store is locked"));
    }
}

/// What a provider says of a challenge replaces the refusal.
#[tokio::test]
async fn a_provider_that_gives_up_says_why() {
    let (_provider, net, mut server) =
        provided(Provider { gives_up: Some(AuthErrorKind::LoginNeeded), ..again() });
    let client = async { net.send(post("a")).await.err().unwrap() };
    let played = async {
        let mut peer = server.accept().await;
        peer.request().await;
        peer.say(&refusal(401)).await;
        peer
    };
    let (error, _peer) = join!(client, played);
    assert!(
        matches!(&error, HttpError::Authorization(e) if e.kind() == AuthErrorKind::LoginNeeded),
        "{error}"
    );
}

/// A provider cannot set the transport's own headers.
#[tokio::test]
async fn headers_of_the_transport_are_refused() {
    for name in ["host", "content-length", "mcp-session-id", "accept"] {
        let (_provider, net, mut server) = provided(Provider { extra: Some(name), ..again() });
        let error = net.send(post("a")).await.err().unwrap();
        assert!(
            matches!(&error, HttpError::Setting { what, .. } if what == &format!("header {name}")),
            "{error}"
        );
        assert!(!server.was_dialled());
    }
}

/// `Debug` of what a provider handles shows no credential.
#[test]
fn nothing_shows_a_credential() {
    let uri = Uri::from_static("http://server.test/mcp?key=canary");
    let mut challenge = Challenge::new(StatusCode::UNAUTHORIZED, &RequestInfo::new(&Method::GET, &uri));
    challenge.sent = Some("canary".into());
    let headers = AuthHeaders::new("canary").with("dpop".parse().unwrap(), "canary");
    let shown = format!("{challenge:?} {headers:?}");
    assert!(!shown.contains("canary"), "{shown}");
}
