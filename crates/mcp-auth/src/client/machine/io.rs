//! What a flow can ask for: each method is one action and its reply.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use mcp_http::Secret;

use super::super::callback::Parameters;
use super::super::error::{FlowStep, OAuthError};
use super::super::record::{ClientRecord, Key};
use super::super::settings::Assertions;
use super::{Action, Answer, AuthorizationRequest, DeviceCode, Outgoing, Reply, Slot};
use crate::lock::Lock;

/// The side of a flow.
#[derive(Clone)]
pub(crate) struct Io {
    slot: Arc<Lock<Slot>>,
}

impl Io {
    pub(super) fn new(slot: Arc<Lock<Slot>>) -> Io {
        Io { slot }
    }

    /// The time at the last reply.
    pub(super) fn now(&self) -> SystemTime {
        self.slot.lock().now
    }

    async fn ask(&self, action: Action) -> Result<Reply, OAuthError> {
        let mut action = Some(action);
        let reply = poll_fn(|_| {
            let mut slot = self.slot.lock();
            if let Some(action) = action.take() {
                slot.action = Some(action);
                return Poll::Pending;
            }
            slot.reply.take().map_or(Poll::Pending, Poll::Ready)
        });
        match reply.await {
            Reply::Failed(error) => Err(error),
            reply => Ok(reply),
        }
    }

    pub(super) async fn send(&self, step: FlowStep, request: Outgoing) -> Result<Answer, OAuthError> {
        match self.ask(Action::Send(request)).await {
            Ok(Reply::Answer(answer)) => Ok(answer),
            // The step is known here only.
            Err(OAuthError::Unavailable { why, source, .. }) => {
                Err(OAuthError::Unavailable { step, why, source })
            }
            Err(OAuthError::Protocol { why, .. }) => Err(OAuthError::Protocol { step, why }),
            Err(error) => Err(error),
            Ok(_) => Err(unexpected()),
        }
    }

    pub(super) async fn load(&self, key: Key) -> Result<Option<ClientRecord>, OAuthError> {
        match self.ask(Action::Load(key)).await? {
            Reply::Client(client) => Ok(client),
            _ => Err(unexpected()),
        }
    }

    pub(super) async fn keep(&self, key: Key, record: ClientRecord) -> Result<(), OAuthError> {
        self.ask(Action::Keep(key, record)).await.map(drop)
    }

    pub(super) async fn forget(&self, key: Key, record: ClientRecord) -> Result<(), OAuthError> {
        self.ask(Action::Forget(key, record)).await.map(drop)
    }

    pub(super) async fn listen(&self, registered: Option<String>) -> Result<String, OAuthError> {
        match self.ask(Action::Listen(registered)).await? {
            Reply::Redirect(uri) => Ok(uri),
            _ => Err(unexpected()),
        }
    }

    pub(super) async fn authorize(&self, request: AuthorizationRequest) -> Result<Parameters, OAuthError> {
        match self.ask(Action::Authorize(request)).await? {
            Reply::Callback(parameters) => Ok(parameters),
            _ => Err(unexpected()),
        }
    }

    pub(super) async fn show(&self, code: DeviceCode) -> Result<(), OAuthError> {
        self.ask(Action::Show(code)).await.map(drop)
    }

    pub(super) async fn wait(&self, time: Duration) -> Result<(), OAuthError> {
        self.ask(Action::Wait(time)).await.map(drop)
    }

    pub(super) async fn assertion(
        &self,
        source: Arc<dyn Assertions>,
        issuer: &str,
    ) -> Result<Secret, OAuthError> {
        match self.ask(Action::Assert(source, issuer.to_owned())).await? {
            Reply::Assertion(assertion) => Ok(assertion),
            _ => Err(unexpected()),
        }
    }
}

fn unexpected() -> OAuthError {
    OAuthError::setting("login", "an action ended with another kind of reply")
}
