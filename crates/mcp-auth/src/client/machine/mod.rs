//! A login as a machine without I/O: it says what is to be done next, and is given the outcome.
//!
//! The flows are written as `async` functions over [`Io`], whose only suspension point is an [`Action`]. [`Machine`]
//! polls such a function by hand: no runtime, no clock and no socket take part. The same flow serves all revisions of
//! MCP; none of it depends on the negotiated one.

mod assertion;
mod code;
mod device;
mod discovery;
mod io;
mod login;
mod refresh;
mod registration;
mod request;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use mcp_http::Secret;

use super::callback::{Expected, Parameters};
use super::error::OAuthError;
use super::record::{ClientRecord, Key};
use super::settings::Assertions;
use crate::lock::Lock;

pub(crate) use io::Io;
pub(crate) use login::{Demand, Plan, Purpose, login};
pub(crate) use refresh::{RefreshPlan, refresh, revoke};
pub(crate) use request::{Outgoing, RequestKind};

/// What a flow wants done.
pub(crate) enum Action {
    /// Send a request. [`Reply::Answer`].
    Send(Outgoing),
    /// Read a registration. [`Reply::Client`].
    Load(Key),
    /// Keep a registration. [`Reply::Done`].
    Keep(Key, ClientRecord),
    /// Remove a registration, if it is still this one. [`Reply::Done`].
    Forget(Key, ClientRecord),
    /// Start to listen for the redirect; the URI that was registered before is tried first. [`Reply::Redirect`].
    Listen(Option<String>),
    /// Let the person log in. [`Reply::Callback`].
    Authorize(AuthorizationRequest),
    /// Show a code to the person. [`Reply::Done`].
    Show(DeviceCode),
    /// Wait. [`Reply::Done`].
    Wait(Duration),
    /// Get an assertion for an issuer. [`Reply::Assertion`].
    Assert(Arc<dyn Assertions>, String),
}

/// How an action ended.
pub(crate) enum Reply {
    Answer(Answer),
    Client(Option<ClientRecord>),
    Done,
    Redirect(String),
    Callback(Parameters),
    Assertion(Secret),
    /// The action failed, and the flow with it, unless it has another way.
    Failed(OAuthError),
}

/// An answer to [`Action::Send`].
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a person is asked to open in a browser. `Debug` shows neither the URL's query nor the state.
#[derive(Clone)]
pub struct AuthorizationRequest {
    pub(crate) url: Secret,
    pub(crate) expected: Expected,
    pub(crate) endpoint: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) redirect_uri: String,
}

impl AuthorizationRequest {
    /// The URL to open: `https`, or `http` on loopback, and never beginning with a `-`. It contains no token.
    pub fn url(&self) -> &str {
        self.url.expose()
    }

    /// The issuer of the authorization server, if it has metadata.
    pub fn issuer(&self) -> Option<&str> {
        self.expected.issuer.as_deref()
    }

    /// The MCP endpoint that the login is for, without its query.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The requested scopes.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Where the browser is sent afterwards.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether a redirected URL, or its query, answers this request: whether `state` is the one that was sent.
    pub fn is_answered_by(&self, redirected: &str) -> bool {
        self.expected.is_mine(&Parameters::parse(redirected))
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("endpoint", &self.endpoint)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// What a person is asked to enter on another device. `Debug` shows no code.
#[derive(Clone)]
#[non_exhaustive]
pub struct DeviceCode {
    /// Where to enter the code.
    pub verification_uri: String,
    /// The same with the code in it, if the server gives one.
    pub verification_uri_complete: Option<String>,
    /// The code.
    pub user_code: String,
    /// How long it can be used.
    pub expires_in: Duration,
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// A running flow.
pub(crate) struct Machine<T> {
    flow: Pin<Box<dyn Future<Output = Result<T, OAuthError>> + Send>>,
    slot: Arc<Lock<Slot>>,
}

/// What a flow and its machine exchange.
struct Slot {
    action: Option<Action>,
    reply: Option<Reply>,
    now: SystemTime,
}

/// What comes next.
pub(crate) enum Step<T> {
    Do(Action),
    Done(Result<T, OAuthError>),
}

impl<T> Machine<T> {
    /// A machine for this flow. It does nothing before [`Machine::start`].
    pub(crate) fn new<F>(flow: impl FnOnce(Io) -> F) -> Machine<T>
    where
        F: Future<Output = Result<T, OAuthError>> + Send + 'static,
    {
        let slot = Slot { action: None, reply: None, now: SystemTime::UNIX_EPOCH };
        let slot = Arc::new(Lock::new(slot));
        Machine { flow: Box::pin(flow(Io::new(slot.clone()))), slot }
    }

    /// The first step.
    pub(crate) fn start(&mut self, now: SystemTime) -> Step<T> {
        self.run(None, now)
    }

    /// The step after this outcome.
    pub(crate) fn reply(&mut self, reply: Reply, now: SystemTime) -> Step<T> {
        self.run(Some(reply), now)
    }

    fn run(&mut self, reply: Option<Reply>, now: SystemTime) -> Step<T> {
        {
            let mut slot = self.slot.lock();
            slot.reply = reply;
            slot.now = now;
        }
        match self.flow.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Step::Done(outcome),
            Poll::Pending => {
                match self.slot.lock().action.take() {
                    Some(action) => Step::Do(action),
                    // A flow that awaits anything but its actions; no flow does.
                    None => Step::Done(Err(OAuthError::setting("login", "the flow has stopped"))),
                }
            }
        }
    }
}
