//! An authorization server that says what a test wants, and tokens of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::Request;
use http::request::Parts;
use mcp_http::net::{NetConfig, Proxy};
use mcp_http::server::{Authenticate, Denied, RequestHead};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::Algorithm;
use crate::jose::SigningKey;
use crate::server::{Issuer, ResourceServer, ResourceServerBuilder};
use mcp_core::transport::Identity;

pub(super) const RESOURCE: &str = "https://mcp.example.com/mcp";

/// A key pair with an id.
pub(super) struct Key {
    kid: String,
    signing: SigningKey,
}

impl Key {
    pub(super) fn new(kid: &str) -> Key {
        let der = SigningKey::generate_p256().unwrap();
        Key { kid: kid.to_owned(), signing: SigningKey::from_pkcs8(&der, Algorithm::Es256).unwrap() }
    }

    fn jwk(&self) -> Value {
        let mut jwk = self.signing.public_jwk().unwrap();
        jwk["kid"] = self.kid.as_str().into();
        jwk
    }

    /// A token with these claims, and these members in its header.
    pub(super) fn sign(&self, header: Value, claims: &Value) -> String {
        let mut members = Map::new();
        members.insert("kid".to_owned(), self.kid.as_str().into());
        members.extend(header.as_object().cloned().unwrap_or_default());
        members.retain(|_, value| !value.is_null());
        self.signing.sign(members, claims).unwrap()
    }
}

/// The authorization server. Its documents can be changed while it runs.
pub(super) struct Authority {
    pub(super) url: String,
    state: Arc<State>,
}

struct State {
    url: String,
    keys: Mutex<Vec<Value>>,
    down: AtomicBool,
    jwks: AtomicUsize,
    introspections: AtomicUsize,
    /// The answer to each opaque token.
    opaque: Mutex<Vec<(String, Value)>>,
    last_question: Mutex<String>,
}

impl Authority {
    pub(super) async fn start(keys: &[&Key]) -> Authority {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Authority::on(listener, keys)
    }

    pub(super) fn on(listener: TcpListener, keys: &[&Key]) -> Authority {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            url: url.clone(),
            keys: Mutex::default(),
            down: AtomicBool::default(),
            jwks: AtomicUsize::default(),
            introspections: AtomicUsize::default(),
            opaque: Mutex::default(),
            last_question: Mutex::default(),
        });
        let authority = Authority { url, state: state.clone() };
        authority.publish(keys);
        tokio::spawn(async move {
            while let Ok((mut io, _)) = listener.accept().await {
                let state = state.clone();
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    let request = loop {
                        let text = String::from_utf8_lossy(&read).into_owned();
                        if let Some(at) = text.find("\r\n\r\n") {
                            let length =
                                text[..at].lines().find_map(|line| line.strip_prefix("content-length: "));
                            let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
                            if read.len() >= at + 4 + length {
                                break text;
                            }
                        }
                        if io.read_buf(&mut read).await.unwrap_or(0) == 0 {
                            return;
                        }
                    };
                    let (status, body) = state.answer(&request);
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncache-control: public, max-age=600\r\n\
                         connection: close\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    let _gone = io.write_all((head + &body).as_bytes()).await;
                });
            }
        });
        authority
    }

    /// Replaces the keys.
    pub(super) fn publish(&self, keys: &[&Key]) {
        *self.state.keys.lock().unwrap() = keys.iter().map(|key| key.jwk()).collect();
    }

    /// Answers everything with 503, or is well again.
    pub(super) fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// What is said of an opaque token.
    pub(super) fn know(&self, token: &str, answer: Value) {
        let mut opaque = self.state.opaque.lock().unwrap();
        opaque.retain(|(known, _)| known != token);
        opaque.push((token.to_owned(), answer));
    }

    /// How often the keys were fetched.
    pub(super) fn fetched(&self) -> usize {
        self.state.jwks.load(Ordering::SeqCst)
    }

    /// How often a token was asked about, and the last question.
    pub(super) fn asked(&self) -> (usize, String) {
        let last = self.state.last_question.lock().unwrap().clone();
        (self.state.introspections.load(Ordering::SeqCst), last)
    }

    /// Claims of a good token, with changes. `null` removes a claim.
    pub(super) fn claims(&self, change: Value) -> Value {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut claims = json!({
            "iss": self.url, "sub": "ada", "aud": RESOURCE, "exp": now + 600, "iat": now,
            "client_id": "app", "scope": "mcp:read", "email": "ada@example.com",
        });
        let members = claims.as_object_mut().unwrap();
        members.extend(change.as_object().cloned().unwrap_or_default());
        members.retain(|_, value| !value.is_null());
        claims
    }

    /// The settings of a resource server that trusts this issuer.
    pub(super) fn trusted(&self) -> ResourceServerBuilder {
        self.trusted_as(RESOURCE, |issuer| issuer)
    }

    pub(super) fn trusted_as(
        &self,
        resource: &str,
        change: impl FnOnce(Issuer) -> Issuer,
    ) -> ResourceServerBuilder {
        let mut net = NetConfig::default();
        net.proxy = Proxy::None;
        ResourceServer::builder(resource).issuer(change(Issuer::new(&self.url))).net(net)
    }
}

impl State {
    fn answer(&self, request: &str) -> (u16, String) {
        if self.down.load(Ordering::SeqCst) {
            return (503, String::new());
        }
        let target = request.split(' ').nth(1).unwrap_or_default();
        let url = &self.url;
        let body = match target {
            "/.well-known/oauth-authorization-server" => json!({
                "issuer": url, "jwks_uri": format!("{url}/jwks"),
                "introspection_endpoint": format!("{url}/introspect"),
            }),
            "/jwks" => {
                self.jwks.fetch_add(1, Ordering::SeqCst);
                json!({"keys": *self.keys.lock().unwrap()})
            }
            "/introspect" => {
                self.introspections.fetch_add(1, Ordering::SeqCst);
                *self.last_question.lock().unwrap() = request.to_owned();
                let opaque = self.opaque.lock().unwrap();
                let known = opaque.iter().find(|(token, _)| request.contains(&format!("token={token}&")));
                known.map_or_else(|| json!({"active": false}), |(_, answer)| answer.clone())
            }
            _ => return (404, String::new()),
        };
        (200, body.to_string())
    }
}

/// The head of a request with this `Authorization`.
pub(super) fn head(method: &str, authorization: &[&str]) -> Parts {
    let mut request = Request::builder().method(method).uri("/mcp?access_token=never");
    for value in authorization {
        request = request.header("authorization", *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// What the resource server says of a POST with this token.
pub(super) async fn ask(server: &ResourceServer, token: &str) -> Result<Identity, Denied> {
    server.authenticate(RequestHead::new(&head("POST", &[&format!("Bearer {token}")]))).await
}

/// The status and the description of a refusal; 200 and nothing if there is none.
pub(super) async fn outcome(server: &ResourceServer, token: &str) -> (u16, String) {
    match ask(server, token).await {
        Ok(_) => (200, String::new()),
        Err(denied) => (denied.status.as_u16(), denied.reason.to_string()),
    }
}

/// Moves the clock of timers, while nothing is under way.
pub(super) async fn later(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
