//! Calls with options: a builder that is a future of the result.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::message::{Method, Payload, RawJson, code};
use crate::model::{Model, Progress};
use crate::session::LogLevel;

use super::driver::CallSlot;
use super::{Call, CallOptions, Client};

/// What a call returns: the [`Payload`] as it came, or a type of [`model`](crate::model).
pub trait CallResult: Sized {
    /// Reads the result.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`] if it does not have the form of the type.
    fn from_payload(payload: Payload) -> Result<Self, Error>;
}

impl CallResult for Payload {
    fn from_payload(payload: Payload) -> Result<Payload, Error> {
        Ok(payload)
    }
}

impl<M: Model> CallResult for M {
    fn from_payload(payload: Payload) -> Result<M, Error> {
        M::from_raw(payload.raw())
    }
}

/// A call that is made when it is awaited. Set its options before.
///
/// ```
/// # use std::time::Duration;
/// # use mcp_core::{Error, client::Client};
/// # async fn example(client: Client) -> Result<(), Error> {
/// let result = client
///     .call_tool("index", serde_json::json!({ "path": "docs" }))
///     .timeout(Duration::from_secs(300))
///     .on_progress(|progress| println!("{} of {:?}", progress.progress, progress.total))
///     .await?;
/// # let _ = result;
/// # Ok(())
/// # }
/// ```
///
/// If the server answers a `tools/call` with `-32020` (metadata and body differ), the tool's schema has changed
/// since it was listed: the tools are listed again, and the call is made once more, with its time limits.
///
/// Dropping it while it is awaited cancels the call on the server. [`PreparedCall::start`] returns the handle of a
/// [`Call`] instead.
#[must_use = "a call is made when it is awaited"]
pub struct PreparedCall<R> {
    client: Client,
    method: Method,
    params: Option<RawJson>,
    options: Arc<CallOptions>,
    on_progress: Option<Box<dyn FnMut(Progress) + Send>>,
    stage: Stage,
    result: PhantomData<fn() -> R>,
}

enum Stage {
    /// Not made yet. The error, if the params could not be written.
    Prepared(Option<Error>),
    Running(Call),
    /// The tools are listed again, before the second try.
    Listing(BoxFuture<'static, Result<(), Error>>),
    Again(Call),
    Done,
}

impl<R: CallResult> PreparedCall<R> {
    pub(super) fn new(
        client: Client,
        method: Method,
        params: Result<Option<RawJson>, Error>,
    ) -> PreparedCall<R> {
        let (params, error) = match params {
            Ok(params) => (params, None),
            Err(error) => (None, Some(error)),
        };
        PreparedCall {
            client,
            method,
            params,
            options: CallOptions::shared_default(),
            on_progress: None,
            stage: Stage::Prepared(error),
            result: PhantomData,
        }
    }

    /// The idle limit: the time without an answer. `Duration::MAX` means none. Default:
    /// [`ClientBuilder::call_timeout`](super::ClientBuilder::call_timeout).
    pub fn timeout(mut self, limit: Duration) -> PreparedCall<R> {
        self.options_mut().timeout = Some(limit);
        self
    }

    /// The hard maximum. `Duration::MAX` means none. Default 10 min.
    pub fn maximum(mut self, limit: Duration) -> PreparedCall<R> {
        self.options_mut().maximum = Some(limit);
        self
    }

    /// Requests progress, and calls the function with each report while the call is awaited. Keep it short: it
    /// runs in the task that awaits the call.
    pub fn on_progress(mut self, report: impl FnMut(Progress) + Send + 'static) -> PreparedCall<R> {
        self.options_mut().progress = true;
        self.on_progress = Some(Box::new(report));
        self
    }

    /// Requests progress, each report of which restarts the idle limit.
    pub fn reset_on_progress(mut self) -> PreparedCall<R> {
        self.options_mut().reset_on_progress = true;
        self
    }

    /// Requests log messages at or above this level (2026-07-28).
    pub fn log_level(mut self, level: LogLevel) -> PreparedCall<R> {
        self.options_mut().log_level = Some(level);
        self
    }

    /// Additional members of `_meta`: an object.
    pub fn meta(mut self, members: RawJson) -> PreparedCall<R> {
        self.options_mut().meta = Some(members);
        self
    }

    /// Adds a value for the transport to the call's [`Envelope`](crate::transport::Envelope): credentials or headers of this call, where the
    /// transport has types for them.
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> PreparedCall<R> {
        let envelope = &mut self.options_mut().envelope;
        *envelope = std::mem::take(envelope).with(value);
        self
    }

    /// Replaces all options. An `on_progress` function stays and needs [`CallOptions::progress`].
    pub fn options(mut self, options: CallOptions) -> PreparedCall<R> {
        self.options = options.into();
        self
    }

    /// Makes the call now, and returns its handle: a future of the payload, with a stream of its notifications.
    /// It is not repeated after `-32020`.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] if the arguments cannot be sent.
    pub fn start(self) -> Result<Call, Error> {
        match self.stage {
            Stage::Prepared(Some(error)) => Err(error),
            _ => Ok(self.client.new_call(self.method, self.params, self.options, CallSlot::new(false))),
        }
    }

    fn options_mut(&mut self) -> &mut CallOptions {
        Arc::make_mut(&mut self.options)
    }

    fn call(&mut self) -> Call {
        // Notifications that are not reported need not be kept.
        let slot = CallSlot::new(self.on_progress.is_none());
        // Only a call of a tool may be made again.
        let params = if self.method == "tools/call" { self.params.clone() } else { self.params.take() };
        self.client.new_call(self.method.clone(), params, self.options.clone(), slot)
    }

    /// The outcome of a call in flight, after its progress was reported.
    fn poll_call(
        call: &mut Call,
        report: &mut Option<Box<dyn FnMut(Progress) + Send>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Payload, Error>> {
        let Some(report) = report else { return Pin::new(call).poll(cx) };
        // The queue of notifications ends with the outcome, so all of them come first.
        while let Poll::Ready(notification) = call.poll_next_notification(cx) {
            let Some(notification) = notification else { return Pin::new(call).poll(cx) };
            let params = notification.params.filter(|_| notification.method == "notifications/progress");
            if let Some(Ok(progress)) = params.map(|params| Progress::from_raw(params.raw())) {
                report(progress);
            }
        }
        Poll::Pending
    }
}

impl<R: CallResult> Future for PreparedCall<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R, Error>> {
        let this = &mut *self;
        loop {
            let outcome = match &mut this.stage {
                Stage::Prepared(None) => {
                    this.stage = Stage::Running(this.call());
                    continue;
                }
                Stage::Prepared(error) => Err(error.take().unwrap_or(Error::Cancelled)),
                Stage::Running(call) => match Self::poll_call(call, &mut this.on_progress, cx) {
                    Poll::Pending => return Poll::Pending,
                    // HDR-C-022.
                    Poll::Ready(Err(Error::Rpc(error)))
                        if error.code == code::HEADER_MISMATCH && this.method == "tools/call" =>
                    {
                        let client = this.client.clone();
                        let listed = async move { client.list_tools().await.map(drop) };
                        this.stage = Stage::Listing(listed.boxed());
                        continue;
                    }
                    Poll::Ready(outcome) => outcome.and_then(R::from_payload),
                },
                Stage::Listing(listed) => match listed.poll_unpin(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) => {
                        this.stage = Stage::Again(this.call());
                        continue;
                    }
                    Poll::Ready(Err(error)) => Err(error),
                },
                Stage::Again(call) => match Self::poll_call(call, &mut this.on_progress, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(outcome) => outcome.and_then(R::from_payload),
                },
                // Polled after its end, which the contract of `Future` leaves open.
                Stage::Done => return Poll::Pending,
            };
            this.stage = Stage::Done;
            return Poll::Ready(outcome);
        }
    }
}

impl<R> std::fmt::Debug for PreparedCall<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedCall").field("method", &self.method).finish_non_exhaustive()
    }
}
