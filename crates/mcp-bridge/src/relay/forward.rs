//! One call: to the upstream server with the client's facts, back with its notifications and its outcome.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::{CallOptions, ClientFacts, InputMode};
use mcp_core::message::{ErrorObject, Payload, RawJson, code, method};
use mcp_core::server::{Context, Reply};
use mcp_core::session::LogLevel;
use mcp_core::transport::ErrorChain;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::span::{self, Trace};
use super::{Relay, downstream};
use crate::pool::{Busy, Exchange, Live, Question, Running};
use crate::translate::{self, Era, Request};

/// How long the questions of a legacy server are collected, so that the client gets them in one result.
const COLLECT: Duration = Duration::from_millis(50);

/// How often a call whose client does not read is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How a step of a call ended.
enum Step {
    Done(Result<Payload, Error>),
    /// The client has to answer these first.
    Asked(Vec<Question>),
    /// The client gave the request up, or reads too slowly.
    Over(ErrorObject),
}

impl Relay {
    /// Forwards a request, or goes on with the call that it is a retry of. Sets `has_moved` if the server refused the
    /// revision of the session, and so did not run the request.
    pub(super) async fn forward(
        &self,
        live: &Arc<Live>,
        upstream: Era,
        context: &Context,
        trace: &Trace,
        busy: Busy,
        has_moved: &mut bool,
    ) -> Result<Reply, ErrorObject> {
        let parked = match (downstream(context), upstream, context.request_state()) {
            // `None`: the user has visited a page, and the call is made again.
            (Era::Modern, Era::Legacy, Some(_)) => self.unpark(context).await?,
            _ => None,
        };
        if let Some((running, since)) = parked {
            let step = trace.step(live, Some(since));
            // What it is a retry of has run, in part.
            return self.go_on(running, context, &step, &mut false).await;
        }
        let limit = self.pool.limits.calls;
        if live.calls() >= limit {
            let why = format!("Busy: {limit} calls of {:?} are in flight (calls)", self.pool.name);
            return Ok(Reply::Busy(ErrorObject::internal(why)));
        }
        let running = self.start(live, upstream, context, busy).await?;
        let step = trace.step(live, None);
        self.go_on(running, context, &step, has_moved).await
    }

    /// Makes the call.
    async fn start(
        &self,
        live: &Arc<Live>,
        upstream: Era,
        context: &Context,
        busy: Busy,
    ) -> Result<Running, ErrorObject> {
        let method = context.method().clone();
        let down = downstream(context);
        let params = match translate::request(down, upstream, method.as_str(), context.payload()) {
            Request::Forward(params) => params,
            Request::Unknown => return Err(ErrorObject::method_not_found(method.as_str())),
        };
        let mut options = CallOptions::new().timeout(Duration::MAX);
        match (down, upstream) {
            (_, Era::Modern) => {
                let mut facts = ClientFacts::new(context.client_capabilities().clone());
                facts.info = context.client_info().cloned();
                options = options.client(facts);
                options.log_level = match down {
                    Era::Modern => context.log_level(),
                    // Only what the client asked for: no level, no messages.
                    Era::Legacy => context.log_level().filter(|_| self.level_set.load(Ordering::Relaxed)),
                };
                if down == Era::Modern {
                    options = options.input(InputMode::Pass);
                }
            }
            (Era::Modern, Era::Legacy) => {
                if let Some(level) = context.log_level() {
                    set_level(live, level).await;
                }
            }
            (Era::Legacy, Era::Legacy) => {}
        }
        let by_retry = (down, upstream) == (Era::Modern, Era::Legacy);
        let (questions, asked) = by_retry.then(|| mpsc::channel(self.pool.limits.questions.max(1))).unzip();
        let exchange = Exchange::new(context, questions);
        let along = self.pool.upstream.forwarded(context.envelope()).envelope;
        options = options.envelope(along.with(exchange.clone()));
        let make = || live.client().forward(method, params, options);
        Ok(Running::new(live, busy, upstream, exchange, asked, make))
    }

    /// Passes on what comes until the call ends, or until the client has to be asked.
    async fn go_on(
        &self,
        mut running: Running,
        context: &Context,
        traced: &span::Step<'_>,
        has_moved: &mut bool,
    ) -> Result<Reply, ErrorObject> {
        let ended = step(&mut running, context, self.pool.limits.questions.max(1)).await;
        traced.end(&running);
        match ended {
            Step::Done(outcome) => {
                *has_moved =
                    matches!(&outcome, Err(Error::Rpc(error)) if error.code == code::UNSUPPORTED_VERSION);
                self.outcome(running.upstream, context, outcome)
            }
            Step::Asked(questions) => self.park(running, questions, context),
            Step::Over(error) => Err(error),
        }
    }

    /// The outcome of a call, for the client.
    fn outcome(
        &self,
        upstream: Era,
        context: &Context,
        outcome: Result<Payload, Error>,
    ) -> Result<Reply, ErrorObject> {
        let same_era = downstream(context) == upstream;
        let name = context.method().as_str();
        match outcome {
            Ok(result) => {
                let result = self.pool.upstream.filter.result(name, result.into_raw());
                Ok(if same_era { Reply::Verbatim(Ok(result)) } else { Reply::Result(result) })
            }
            Err(Error::Rpc(error)) if same_era => Ok(Reply::Verbatim(Err(error))),
            Err(Error::Rpc(error)) => {
                if error.code == code::METHOD_NOT_FOUND {
                    return Ok(Reply::Verbatim(Err(error)));
                }
                if downstream(context) == Era::Modern
                    && method::may_need_input(name)
                    && let Some(input) = translate::url_elicitations(&error)
                {
                    return self.visit(context, input);
                }
                let uri = (name == "resources/read").then(|| context.params()?.member("uri")?.to_text());
                Err(translate::error(downstream(context), error, uri.flatten().as_deref()))
            }
            // The method does not exist in the upstream era.
            Err(Error::Misuse(_)) => Ok(Reply::MethodNotFound),
            Err(error) => Err(self.failure(&error)),
        }
    }

    pub(super) fn failure(&self, error: &Error) -> ErrorObject {
        let chain = ErrorChain::new(error);
        ErrorObject::internal(format!("the upstream server {:?}: {chain}", self.pool.name))
    }
}

async fn step(running: &mut Running, context: &Context, most: usize) -> Step {
    let mut asked: Vec<Question> = Vec::new();
    let mut collected: Option<Instant> = None;
    loop {
        let due = async {
            match collected {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = context.cancelled() => return Step::Over(ErrorObject::internal("Cancelled")),
            Some(question) = next_question(&mut running.questions) => {
                collected.get_or_insert_with(|| Instant::now() + COLLECT);
                asked.push(question);
                if asked.len() >= most {
                    return Step::Asked(asked);
                }
            }
            notification = running.call.next_notification() => {
                let Some(notification) = notification else { break };
                if running.call.dropped_notifications() > 0 {
                    return Step::Over(too_slow());
                }
                let mut notify = std::pin::pin!(running.exchange.notify(notification));
                loop {
                    tokio::select! {
                        biased;
                        () = &mut notify => break,
                        () = context.cancelled() => return Step::Over(ErrorObject::internal("Cancelled")),
                        () = tokio::time::sleep(LOOK) => {}
                    }
                    // More have come than may wait, while the client reads none.
                    if running.call.dropped_notifications() > 0 {
                        return Step::Over(too_slow());
                    }
                }
            }
            () = due => return Step::Asked(asked),
        }
    }
    Step::Done((&mut running.call).await)
}

async fn next_question(questions: &mut Option<mpsc::Receiver<Question>>) -> Option<Question> {
    questions.as_mut()?.recv().await
}

fn too_slow() -> ErrorObject {
    ErrorObject::internal("the client reads notifications too slowly (notifications, waiting_bytes)")
}

/// Lowers the level of a legacy server to the least severe one that a client wants. Each client gets no more than it
/// asked for: the session of its link filters.
async fn set_level(live: &Live, level: LogLevel) {
    let logs = live.negotiated().is_some_and(|known| known.capabilities.member("logging").is_some());
    let mut current = live.level.lock().await;
    if !logs || current.is_some_and(|current| current <= level) {
        return;
    }
    let params = RawJson::object([("level", RawJson::string(level.as_str()))]);
    if let Err(error) = live.client().request("logging/setLevel", Some(params)).await {
        tracing::debug!(%error, "the upstream server did not take a log level");
    }
    *current = Some(level);
}
