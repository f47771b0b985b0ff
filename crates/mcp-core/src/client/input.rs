//! Requests for input: what a server asks the application for.

use std::future::Future;

use async_trait::async_trait;

use crate::message::{ErrorObject, ProtocolVersion, RawJson};
use crate::session::{CallId, InputRequest};
use crate::transport::Envelope;

/// The circumstances of a request for input.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InputContext {
    /// The revision of the link.
    pub version: ProtocolVersion,
    /// The call that it belongs to, and that waits for the answer: see [`Call::id`](super::Call::id). `None` if the
    /// server asks outside of calls, or if that cannot be known: a legacy server on a byte stream does not say which
    /// of several calls in flight it asks for.
    pub call: Option<CallId>,
    /// The [`CallOptions::envelope`](super::CallOptions::envelope) of that call; empty without one. A value that a
    /// program put there leads from the question to whatever made the call.
    ///
    /// ```
    /// use mcp_core::client::{CallOptions, Client, InputContext};
    /// use mcp_core::message::{ErrorObject, RawJson};
    /// use mcp_core::model::{ElicitResult, Model};
    /// use mcp_core::session::InputRequest;
    /// use mcp_core::transport::Envelope;
    ///
    /// /// Names the window in which the user is asked.
    /// struct Window(u32);
    ///
    /// let builder = Client::builder("my-app", "1.0.0")
    ///     .capability("elicitation", RawJson::EMPTY_OBJECT)
    ///     .input_handler(|_request: InputRequest, context: InputContext| async move {
    ///         let window = context.envelope.get::<Window>().map(|window| window.0);
    ///         println!("asked in window {window:?}");
    ///         Ok::<_, ErrorObject>(ElicitResult::decline().to_raw())
    ///     });
    /// let options = CallOptions::new().envelope(Envelope::default().with(Window(3)));
    /// # let _ = (builder, options);
    /// ```
    pub envelope: Envelope,
}

/// Answers a server's requests for input: elicitation, sampling, roots. The legacy requests of a server and
/// the `input_required` results of 2026-07-28 look the same here.
///
/// Each request is handled in a separate task. A panic is answered with `-32603`. The future is dropped when
/// the answer is no longer needed. Declare what the handler can answer with
/// [`ClientBuilder::capability`](crate::client::ClientBuilder::capability).
///
/// A closure `|request, context| async { ... }` is a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer requests for input",
    label = "not an input handler",
    note = "pass a closure of `(InputRequest, InputContext)` whose future returns `Result<RawJson, ErrorObject>`"
)]
#[async_trait]
pub trait InputHandler: Send + Sync + 'static {
    /// Returns the result object of the method: an `ElicitResult`, `CreateMessageResult` or `ListRootsResult`.
    ///
    /// # Errors
    ///
    /// The error is sent to a legacy server. On 2026-07-28 it ends the call with
    /// [`Error::InputRefused`](crate::Error::InputRefused).
    async fn input(&self, request: InputRequest, context: InputContext) -> Result<RawJson, ErrorObject>;
}

#[async_trait]
impl<F, Fut> InputHandler for F
where
    F: Fn(InputRequest, InputContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<RawJson, ErrorObject>> + Send,
{
    async fn input(&self, request: InputRequest, context: InputContext) -> Result<RawJson, ErrorObject> {
        self(request, context).await
    }
}

/// Answers every request with `-32601`: for a client that declares no capability.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoInput;

#[async_trait]
impl InputHandler for NoInput {
    async fn input(&self, request: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
        Err(ErrorObject::method_not_found(request.method.as_str()))
    }
}
