//! One call: to the upstream server with the client's facts, back with its notifications and its outcome.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mcp_core::Error;
use mcp_core::client::{CallOptions, ClientFacts, InputMode};
use mcp_core::message::{ErrorObject, Notification, Payload, RawJson, code, method};
use mcp_core::server::{Context, Reply};
use mcp_core::session::LogLevel;
use mcp_core::transport::ErrorChain;
use tokio::sync::{MutexGuard, mpsc};
use tokio::time::Sleep;

use super::span::Trace;
use super::{Relay, downstream};
use crate::pool::{Asked, Busy, Exchange, Levels, Live, Question, Running};
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
        let by_retry = (downstream(context), upstream) == (Era::Modern, Era::Legacy);
        // What is boxed takes no memory from a call that needs none of it.
        let level = match context.log_level().filter(|_| by_retry) {
            Some(level) => Some(Box::pin(set_level(live, level)).await),
            None => None,
        };
        let parked = match context.request_state().filter(|_| by_retry) {
            // `None`: the user has visited a page, and the call is made again.
            Some(_) => Box::pin(self.unpark(context)).await?,
            None => None,
        };
        let (mut running, since) = match parked {
            Some((running, since)) => (running, Some(since)),
            None if live.calls() >= self.pool.limits.calls => return Ok(self.too_many_calls()),
            None => (self.start(live, upstream, context, busy)?, None),
        };
        // The call counts from now on.
        drop(level);
        let traced = trace.step(live, since);
        let ended = step(&mut running, context, self.pool.limits.questions.max(1)).await;
        traced.end(&running);
        match ended {
            Step::Done(outcome) => {
                // What a retry belongs to has run, in part.
                *has_moved = since.is_none()
                    && matches!(&outcome, Err(Error::Rpc(error)) if error.code == code::UNSUPPORTED_VERSION);
                if matches!(outcome, Ok(_) | Err(Error::Rpc(_))) {
                    live.note_answer();
                }
                if context.method() == "tools/list"
                    && let Ok(page) = &outcome
                {
                    live.learn_schemas(page.raw());
                }
                if context.method() == "logging/setLevel" && outcome.is_ok() {
                    level_was_set(live, context);
                }
                self.outcome(running.upstream, context, outcome)
            }
            Step::Asked(questions) => self.park(running, questions, context),
            Step::Over(error) => Err(error),
        }
    }

    fn too_many_calls(&self) -> Reply {
        let limit = self.pool.limits.calls;
        let why = format!("Busy: {limit} calls of {:?} are in flight (calls)", self.pool.name);
        Reply::Busy(ErrorObject::internal(why))
    }

    /// Makes the call.
    fn start(
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
        if upstream == Era::Modern {
            let mut facts =
                ClientFacts::new(translate::usable(context.version(), context.client_capabilities()));
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
        let by_retry = (down, upstream) == (Era::Modern, Era::Legacy);
        let (questions, asked) = by_retry.then(|| mpsc::channel(self.pool.limits.questions.max(1))).unzip();
        let exchange = Exchange::new(context, questions);
        let along = self.pool.upstream.forwarded(context.envelope()).envelope;
        options = options.envelope(along.with(exchange.clone()));
        let make = || live.client().forward(method, params, options);
        Ok(Running::new(live, busy, upstream, exchange, asked, make))
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
    let mut due: Option<Pin<Box<Sleep>>> = None;
    let mut cancelled = pin!(context.cancelled());
    loop {
        tokio::select! {
            biased;
            Some(next) = next_question(&mut running.questions) => {
                let question = match next {
                    Asked::Question(question) => question,
                    Asked::Lacking(missing) if asked.is_empty() => {
                        return Step::Over(ErrorObject::missing_capability(missing));
                    }
                    Asked::Lacking(_) => continue,
                };
                due.get_or_insert_with(|| Box::pin(tokio::time::sleep(COLLECT)));
                asked.push(question);
                if asked.len() >= most {
                    return Step::Asked(asked);
                }
            }
            notification = running.call.next_notification() => {
                let Some(notification) = notification else { break };
                // Boxed, because most calls have none.
                if let Some(over) = Box::pin(pass_on(running, context, notification)).await {
                    return over;
                }
            }
            () = &mut cancelled => return given_up(),
            () = collected(&mut due) => return Step::Asked(asked),
        }
    }
    Step::Done((&mut running.call).await)
}

/// Passes a notification on. Returns how the call is over, if its client gave it up, or reads none while more come than may
/// wait.
async fn pass_on(running: &mut Running, context: &Context, notification: Notification) -> Option<Step> {
    if context.is_cancelled() {
        return Some(given_up());
    }
    if running.call.dropped_notifications() > 0 {
        return Some(Step::Over(too_slow()));
    }
    let mut notify = pin!(running.exchange.notify(running.live(), notification));
    loop {
        tokio::select! {
            biased;
            () = &mut notify => return None,
            () = context.cancelled() => return Some(given_up()),
            () = tokio::time::sleep(LOOK) => {}
        }
        if running.call.dropped_notifications() > 0 {
            return Some(Step::Over(too_slow()));
        }
    }
}

/// Waits until the questions are collected; never completes if there are none.
async fn collected(due: &mut Option<Pin<Box<Sleep>>>) {
    match due {
        Some(due) => due.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn next_question(questions: &mut Option<mpsc::Receiver<Asked>>) -> Option<Asked> {
    questions.as_mut()?.recv().await
}

fn given_up() -> Step {
    Step::Over(ErrorObject::internal("Cancelled"))
}

fn too_slow() -> ErrorObject {
    ErrorObject::internal("the client reads notifications too slowly (notifications, waiting_bytes)")
}

/// Sets the level of a legacy server to the least severe one that a client wants now. Each client gets no more than it
/// asked for: the session of its link filters. The level stays until the guard is dropped.
async fn set_level(live: &Live, level: LogLevel) -> MutexGuard<'_, Levels> {
    let mut levels = live.levels.lock().await;
    let wanted = [live.least_level(), levels.of_links].into_iter().flatten().fold(level, LogLevel::min);
    let logs = live.negotiated().is_some_and(|known| known.capabilities.member("logging").is_some());
    if logs && levels.set != Some(wanted) {
        let params = RawJson::object([("level", RawJson::string(wanted.as_str()))]);
        let outcome = live.client().request("logging/setLevel", Some(params)).await;
        if let Err(error) = &outcome {
            tracing::debug!(%error, "the upstream server did not take a log level");
        }
        // What a server refuses is not requested again.
        levels.set = matches!(outcome, Ok(_) | Err(Error::Rpc(_))).then_some(wanted);
    }
    levels
}

/// A legacy client has set the level of a legacy server.
fn level_was_set(live: &Arc<Live>, context: &Context) {
    let level = context.params().and_then(|params| params.member("level")?.to_text());
    let Some(level) = level.and_then(|level| LogLevel::parse(&level)) else { return };
    let note = move |levels: &mut Levels| {
        let least = levels.of_links.map_or(level, |other| other.min(level));
        (levels.set, levels.of_links) = (Some(level), Some(least));
    };
    match live.levels.try_lock() {
        Ok(mut levels) => note(&mut levels),
        // Not waited for here, so that the future of a call has no space for it.
        Err(_) => {
            let live = live.clone();
            tokio::spawn(async move { note(&mut *live.levels.lock().await) });
        }
    }
}
