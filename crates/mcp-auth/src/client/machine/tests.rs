//! Flows against scripted servers: which requests are made, in which order, and with what.

mod discovery;
mod grants;
mod refreshing;
mod registering;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::super::dpop::Nonces;
use super::super::record::TokenRecord;
use super::super::scopes::Scopes;
use super::super::settings::Settings;
use super::*;
use crate::urls::WebUrl;

const ENDPOINT: &str = "https://mcp.example/mcp";
const PRM: &str = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
const ROOT_PRM: &str = "https://mcp.example/.well-known/oauth-protected-resource";
const AS: &str = "https://as.example/.well-known/oauth-authorization-server";

/// What one URL answers, one answer after the other; the last one stays.
type Script = Vec<(u16, Value, Option<(&'static str, String)>)>;

/// Scripted servers, a store and a person.
struct World {
    answers: BTreeMap<String, Script>,
    clients: BTreeMap<Key, ClientRecord>,
    /// The query that the person is redirected with; `STATE` stands for the state.
    redirect: String,
    /// The same for the first logins, one for each.
    redirects_first: Vec<String>,
    /// `GET URL`, `POST URL body`, and the actions.
    log: Vec<String>,
    headers: Vec<HeaderMap>,
    now: SystemTime,
}

impl World {
    /// A resource and an authorization server where everything works.
    fn new() -> World {
        let mut world = World {
            answers: BTreeMap::new(),
            clients: BTreeMap::new(),
            redirect: "code=the-code&state=STATE".to_owned(),
            redirects_first: Vec::new(),
            log: Vec::new(),
            headers: Vec::new(),
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
        };
        world.document(PRM, json!({"resource": ENDPOINT, "authorization_servers": ["https://as.example"]}));
        world.document(AS, metadata());
        world.document(
            "https://as.example/token",
            json!({"access_token": "at", "token_type": "Bearer", "expires_in": 60}),
        );
        world.answer("https://as.example/register", 201, json!({"client_id": "dcr"}));
        world
    }

    fn document(&mut self, url: &str, value: Value) {
        self.answers.insert(url.to_owned(), vec![(200, value, None)]);
    }

    fn answer(&mut self, url: &str, status: u16, value: Value) {
        self.answers.insert(url.to_owned(), vec![(status, value, None)]);
    }

    fn redirects(&mut self, url: &str, to: &str) {
        let header = Some(("location", to.to_owned()));
        self.answers.insert(url.to_owned(), vec![(302, Value::Null, header)]);
    }

    fn remove(&mut self, url: &str) {
        self.answers.remove(url);
    }

    /// Changes the metadata of the authorization server.
    fn server(&mut self, change: impl FnOnce(&mut Value)) {
        let mut document = metadata();
        change(&mut document);
        self.document(AS, document);
    }

    /// Runs a flow to its end.
    fn run<T>(&mut self, mut machine: Machine<T>) -> Result<T, OAuthError> {
        let mut step = machine.start(self.now);
        for _ in 0..1000 {
            match step {
                Step::Done(outcome) => return outcome,
                Step::Do(action) => {
                    let reply = self.act(action);
                    step = machine.reply(reply, self.now);
                }
            }
        }
        panic!("no end: {:?}", self.log)
    }

    fn act(&mut self, action: Action) -> Reply {
        match action {
            Action::Send(request) => self.send(&request),
            Action::Load(key) => Reply::Client(self.clients.get(&key).cloned()),
            Action::Keep(key, record) => {
                self.log.push(format!("keep {}", record.client_id));
                self.clients.insert(key, record);
                Reply::Done
            }
            Action::Forget(key, record) => {
                self.log.push(format!("forget {}", record.client_id));
                self.clients.remove(&key);
                Reply::Done
            }
            Action::Listen(registered) => {
                Reply::Redirect(registered.unwrap_or_else(|| "http://127.0.0.1:7/callback".to_owned()))
            }
            Action::Authorize(request) => {
                self.log.push(format!("authorize {}", request.url()));
                let state = request.expected.state.expose();
                let first = self.redirects_first.pop();
                let redirect = first.as_ref().unwrap_or(&self.redirect);
                Reply::Callback(Parameters::parse(&redirect.replace("STATE", state)))
            }
            Action::Show(code) => {
                self.log.push(format!("show {} {}", code.verification_uri, code.user_code));
                Reply::Done
            }
            Action::Wait(time) => {
                self.log.push(format!("wait {}", time.as_secs()));
                self.now += time;
                Reply::Done
            }
            Action::Assert(_, issuer) => {
                self.log.push(format!("assert {issuer}"));
                Reply::Assertion(Secret::from("the-assertion"))
            }
        }
    }

    fn send(&mut self, request: &Outgoing) -> Reply {
        let line = format!("{} {}", request.method, request.url.as_str());
        self.log.push(request.body_text().map_or(line.clone(), |body| format!("{line} {body}")));
        self.headers.push(request.header_map().unwrap());
        let missing = (404, Value::Null, None);
        let (status, value, header) = match self.answers.get_mut(request.url.as_str()) {
            Some(script) if script.len() > 1 => script.remove(0),
            Some(script) => script.first().cloned().unwrap_or(missing),
            None => missing,
        };
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
        }
        let body = match value {
            Value::Null => Bytes::new(),
            // Not JSON.
            Value::String(text) => Bytes::from(text),
            value => Bytes::from(value.to_string()),
        };
        Reply::Answer(Answer { status: StatusCode::from_u16(status).unwrap(), headers, body })
    }

    /// The requests for metadata.
    fn asked(&self) -> Vec<&str> {
        self.log.iter().filter_map(|line| line.strip_prefix("GET ")).collect()
    }

    /// The one line that begins so.
    fn line(&self, start: &str) -> &str {
        let mut found = self.log.iter().filter(|line| line.starts_with(start));
        let line = found.next().unwrap_or_else(|| panic!("no {start}: {:#?}", self.log));
        assert!(found.next().is_none(), "more than one {start}: {:#?}", self.log);
        line
    }

    fn count(&self, start: &str) -> usize {
        self.log.iter().filter(|line| line.starts_with(start)).count()
    }
}

fn metadata() -> Value {
    json!({
        "issuer": "https://as.example",
        "authorization_endpoint": "https://as.example/authorize?own=1",
        "token_endpoint": "https://as.example/token",
        "registration_endpoint": "https://as.example/register",
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
    })
}

fn plan(settings: Settings) -> Plan {
    Plan {
        endpoint: WebUrl::parse(ENDPOINT).unwrap(),
        profile: "default".to_owned(),
        settings: Arc::new(settings),
        demand: Demand::default(),
        known: None,
        purpose: Purpose::Login(None),
        nonces: Arc::new(Nonces::default()),
    }
}

fn go(world: &mut World, plan: Plan) -> Result<TokenRecord, OAuthError> {
    world.run(Machine::new(|io| login(io, plan)))
}

fn demand(url: &str) -> Demand {
    Demand { resource_metadata: Some(url.to_owned()), scopes: None }
}

/// The value of a parameter in a line of the log.
fn parameter(line: &str, name: &str) -> Option<String> {
    let query = line.rsplit([' ', '?']).next().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text)
}
