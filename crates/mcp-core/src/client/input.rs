//! What the server may ask of the application: elicitation, sampling, roots.

use std::future::Future;

use async_trait::async_trait;

use crate::message::{ErrorObject, ProtocolVersion, RawJson};
use crate::session::InputRequest;

/// What is known around a question.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InputContext {
    /// The revision of the link.
    pub version: ProtocolVersion,
    /// Whether it came as part of a call of this client, which waits for the answer.
    pub in_call: bool,
}

/// Answers what a server asks, in both eras: a legacy request of the server and a modern
/// `input_required` result look the same here.
///
/// Each question is answered in a task of its own. A panic is answered with `-32603`. When the answer
/// is not wanted any more the future is dropped. Declare what it can answer with
/// [`ClientBuilder::capability`](crate::client::ClientBuilder::capability).
///
/// A closure `|request, context| async { … }` is a handler too.
#[async_trait]
pub trait InputHandler: Send + Sync + 'static {
    /// The method's result object (`ElicitResult`, `CreateMessageResult`, `ListRootsResult`), or an error.
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

/// Answers everything with `-32601`: for a client that declares no capability.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoInput;

#[async_trait]
impl InputHandler for NoInput {
    async fn input(&self, request: InputRequest, _: InputContext) -> Result<RawJson, ErrorObject> {
        Err(ErrorObject::method_not_found(request.method.as_str()))
    }
}
