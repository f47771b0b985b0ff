//! An MCP endpoint and its authorization server in one place, and a person who agrees to everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::{Method, StatusCode, Uri};
use mcp_http::net::{Again, Authorize, Challenge, RequestInfo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{AuthorizationRequest, OAuth, OAuthError, Person};

/// What the token endpoint answers to a form. The access token that goes with it is the number of the form.
type Tokens = dyn Fn(&str) -> (u16, Value) + Send + Sync;

pub(super) struct Site {
    /// The MCP endpoint, which is never asked.
    pub(super) url: String,
    /// The forms that the token endpoint got.
    pub(super) forms: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(super) async fn start(tokens: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (url, forms) = (format!("{base}/mcp"), Arc::<Mutex<Vec<String>>>::default());
        let (tokens, heard): (Arc<Tokens>, _) = (Arc::new(tokens), forms.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (path, body) = read(&mut stream).await;
                let (status, answer) = match path.as_str() {
                    "/token" => {
                        let (status, mut answer) = tokens(&body);
                        let mut heard = heard.lock().unwrap();
                        heard.push(body);
                        if status == 200 {
                            answer["access_token"] = heard.len().to_string().into();
                        }
                        (status, answer)
                    }
                    path => document(&base, path),
                };
                let answer = answer.to_string();
                let head = "content-type: application/json\r\nconnection: close\r\ncontent-length";
                let text = format!("HTTP/1.1 {status} X\r\n{head}: {}\r\n\r\n{answer}", answer.len());
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        Site { url, forms }
    }

    pub(super) fn asked(&self) -> usize {
        self.forms.lock().unwrap().len()
    }

    /// A refusal of the last token by the endpoint, and what the provider did about it.
    pub(super) async fn refuses(
        &self,
        oauth: &OAuth,
        status: StatusCode,
        challenge: &str,
    ) -> Result<Again, OAuthError> {
        let (method, url) = (Method::POST, self.url.parse::<Uri>().unwrap());
        let mut refusal = Challenge::new(status, &RequestInfo::new(&method, &url));
        refusal.headers = vec![challenge.to_owned()];
        refusal.sent =
            Some(self.asked()).filter(|last| *last > 0).map(|last| format!("Bearer {last}").into());
        let outcome = oauth.resource(&self.url).unwrap().challenged(&refusal).await;
        outcome.map_err(|error| error.cause().downcast_ref::<OAuthError>().unwrap().clone())
    }

    /// The endpoint has answered a request with the current token.
    pub(super) fn accepts(&self, oauth: &OAuth) {
        let (method, url) = (Method::POST, self.url.parse::<Uri>().unwrap());
        let request = RequestInfo::new(&method, &url);
        oauth.resource(&self.url).unwrap().responded(&request, StatusCode::OK, &http::HeaderMap::new());
    }
}

/// The documents, and a registration.
fn document(base: &str, path: &str) -> (u16, Value) {
    match path {
        "/.well-known/oauth-protected-resource/mcp" => {
            (200, json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]}))
        }
        "/.well-known/oauth-authorization-server" => {
            let at = |path: &str| format!("{base}{path}");
            let metadata = json!({
                "issuer": base, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                "registration_endpoint": at("/register"), "code_challenge_methods_supported": ["S256"],
            });
            (200, metadata)
        }
        "/register" => (201, json!({"client_id": "id"})),
        _ => (404, Value::Null),
    }
}

/// The path and the body of a request.
async fn read(stream: &mut TcpStream) -> (String, String) {
    let mut text = Vec::new();
    loop {
        let shown = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = shown.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned());
            }
        }
        assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0, "{shown}");
    }
}

/// Agrees to everything, and counts how often.
#[derive(Clone, Default)]
pub(super) struct Agreeing {
    opened: Arc<AtomicUsize>,
    scopes: Arc<Mutex<Vec<String>>>,
}

impl Agreeing {
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    /// The scopes that were asked for last.
    pub(super) fn last(&self) -> Vec<String> {
        self.scopes.lock().unwrap().clone()
    }
}

#[mcp_core::transport::async_trait]
impl Person for Agreeing {
    async fn open(&self, request: &AuthorizationRequest) -> Result<(), String> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        *self.scopes.lock().unwrap() = request.scopes().to_vec();
        Ok(())
    }

    async fn redirected(&self, request: &AuthorizationRequest) -> Result<String, String> {
        let state = request.url().split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap();
        Ok(format!("https://app.example/cb?code=c&state={state}"))
    }
}
