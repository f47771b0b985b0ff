//! A request of a client in flight, as everything upstream finds it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcp_core::Error;
use mcp_core::message::{ErrorObject, Field, Notification, RawJson, method};
use mcp_core::server::Context;
use mcp_core::session::InputRequest;
use mcp_core::transport::ErrorChain;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::live::Live;
use crate::lock::Lock;
use crate::translate::with_progress_token;

/// A question of a legacy server, and where its answer goes.
pub(crate) struct Question {
    pub(crate) request: InputRequest,
    pub(crate) answer: oneshot::Sender<Result<RawJson, ErrorObject>>,
}

/// What a legacy server asks within a request whose client answers by a retry.
pub(crate) enum Asked {
    Question(Question),
    /// Something that the client's capabilities, as it declared them with this request, do not cover. It was refused.
    Lacking(RawJson),
}

/// A request of a client in flight. A call of the upstream client carries it in its envelope, so that what belongs to the
/// call finds its way back.
pub(crate) struct Exchange {
    /// The request. A retry with answers replaces it.
    context: Lock<Context>,
    /// The token of the client for progress.
    token: Lock<Option<RawJson>>,
    /// Where questions go if the client answers them by a retry.
    questions: Option<mpsc::Sender<Asked>>,
    /// The client has got something: a notification, or questions.
    has_begun: AtomicBool,
}

impl Exchange {
    pub(crate) fn new(context: &Context, questions: Option<mpsc::Sender<Asked>>) -> Arc<Exchange> {
        Arc::new(Exchange {
            token: Lock::new(progress_token(context)),
            context: Lock::new(context.clone()),
            questions,
            has_begun: AtomicBool::new(false),
        })
    }

    pub(crate) fn context(&self) -> Context {
        self.context.lock().clone()
    }

    /// Goes on with a retry of the same request.
    pub(crate) fn resume(&self, context: &Context) {
        self.has_begun.store(true, Ordering::Relaxed);
        *self.token.lock() = progress_token(context);
        *self.context.lock() = context.clone();
    }

    /// Whether the client may be asked for this request.
    pub(crate) fn may_ask(&self) -> bool {
        let context = self.context.lock();
        !context.version().is_modern() || method::may_need_input(context.method().as_str())
    }

    /// Passes a notification of the upstream server on, or counts it as dropped.
    pub(crate) async fn notify(&self, live: &Live, notification: Notification) {
        let Notification { method, params, .. } = notification;
        let mut params = params.map(|params| params.into_raw());
        if method == "notifications/progress" {
            let token = self.token.lock().clone();
            // A client that asked for no progress gets none.
            let Some(token) = token else { return live.note_dropped() };
            params = Some(with_progress_token(params.as_ref(), &token));
        }
        self.has_begun.store(true, Ordering::Relaxed);
        self.context().notify(method, params).await;
    }

    /// Whether the client answers questions by a retry: a modern client of a legacy server.
    pub(crate) fn answers_by_retry(&self) -> bool {
        self.questions.is_some()
    }

    /// A question was refused that its client's capabilities do not cover. If the client has got nothing yet, it learns what it
    /// has to declare.
    pub(crate) fn was_refused(&self, missing: RawJson) {
        let names_any = !missing.members().is_empty();
        if let Some(questions) = &self.questions
            && names_any
            && self.may_ask()
            && !self.has_begun.load(Ordering::Relaxed)
        {
            // It is full of questions: then this is not the first thing.
            let _full = questions.try_send(Asked::Lacking(missing));
        }
    }

    /// Asks the client a question of the upstream server, and waits for its answer.
    pub(crate) async fn ask(&self, request: InputRequest) -> Result<RawJson, ErrorObject> {
        if let Some(questions) = &self.questions {
            if !self.may_ask() {
                return Err(ErrorObject::method_not_found(request.method.as_str()));
            }
            let (answer, answered) = oneshot::channel();
            let gone = || ErrorObject::internal("The client gave the request up");
            questions.try_send(Asked::Question(Question { request, answer })).map_err(
                |error| match error {
                    TrySendError::Closed(_) => gone(),
                    TrySendError::Full(_) => {
                        ErrorObject::internal("Busy: too many open questions (questions)")
                    }
                },
            )?;
            return answered.await.unwrap_or_else(|_| Err(gone()));
        }
        let context = self.context();
        let answer = context.request(request.method, request.params).await;
        answer.map(|answer| answer.into_raw()).map_err(refused)
    }
}

/// The token that the client gave for progress notifications of its request.
fn progress_token(context: &Context) -> Option<RawJson> {
    context.payload()?.field_json(Field::MetaProgressToken)
}

/// Why a legacy client did not answer, for the server that asked.
pub(crate) fn refused(error: Error) -> ErrorObject {
    match error {
        Error::Rpc(error) => error,
        error => ErrorObject::internal(format!("The client was not asked: {}", ErrorChain::new(&error))),
    }
}

/// Lists an exchange among those of its session until it is dropped.
pub(crate) struct Listed {
    live: Arc<Live>,
    exchange: Arc<Exchange>,
}

impl Listed {
    pub(crate) fn new(live: &Arc<Live>, exchange: &Arc<Exchange>) -> Listed {
        live.exchanges.lock().push(exchange.clone());
        Listed { live: live.clone(), exchange: exchange.clone() }
    }

    pub(super) fn live(&self) -> &Live {
        &self.live
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.live.exchanges.lock().retain(|other| !Arc::ptr_eq(other, &self.exchange));
    }
}

/// The exchange that a question or a log message of a byte stream belongs to, where the protocol does not say: the only one
/// in flight, or else the youngest that the client may be asked for.
pub(crate) fn likely(live: &Live) -> Option<Arc<Exchange>> {
    let exchanges = live.exchanges.lock();
    match exchanges.as_slice() {
        [only] => Some(only.clone()),
        several => several.iter().rev().find(|exchange| exchange.may_ask()).cloned(),
    }
}
