//! Requests for input as types.

use crate::message::ErrorObject;
use crate::model::{CreateMessageParams, ElicitParams, Model};
use crate::session::InputRequest;

/// What a server asks the application for, as a type: see [`InputRequest::question`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Question {
    /// A form or a page for the user. The answer is an [`ElicitResult`](crate::model::ElicitResult).
    Elicit(ElicitParams),
    /// A request to the model. The answer is a [`CreateMessageResult`](crate::model::CreateMessageResult).
    Sample(CreateMessageParams),
    /// The directories that the server may use. The answer is a
    /// [`ListRootsResult`](crate::model::ListRootsResult).
    Roots,
}

impl InputRequest {
    /// The request with typed params. In an [`InputHandler`](super::InputHandler):
    ///
    /// ```
    /// use mcp_core::client::{Client, Question};
    /// use mcp_core::message::{ErrorObject, RawJson};
    /// use mcp_core::model::{ElicitParams, ElicitResult, ListRootsResult, Model, Root};
    /// use mcp_core::session::InputRequest;
    ///
    /// let builder = Client::builder("my-app", "1.0.0")
    ///     .capability("elicitation", RawJson::EMPTY_OBJECT)
    ///     .capability("roots", RawJson::EMPTY_OBJECT)
    ///     .input_handler(|request: InputRequest, _context| async move {
    ///         match request.question()? {
    ///             Question::Elicit(ElicitParams::Form(form)) => {
    ///                 println!("{}: {}", form.message, form.requested_schema);
    ///                 Ok(ElicitResult::decline().to_raw())
    ///             }
    ///             Question::Roots => {
    ///                 let roots = [Root::new("file:///home/ada/project")];
    ///                 Ok(ListRootsResult::new().with_roots(roots).to_raw())
    ///             }
    ///             _ => Err(ErrorObject::method_not_found(request.method.as_str())),
    ///         }
    ///     });
    /// ```
    ///
    /// # Errors
    ///
    /// `-32602` if the params do not have the form of their type, `-32601` for any other method.
    pub fn question(&self) -> Result<Question, ErrorObject> {
        let params = self.params.clone().unwrap_or_default();
        let question = match self.method.as_str() {
            "elicitation/create" => ElicitParams::from_raw(&params).map(Question::Elicit),
            "sampling/createMessage" => CreateMessageParams::from_raw(&params).map(Question::Sample),
            "roots/list" => return Ok(Question::Roots),
            other => return Err(ErrorObject::method_not_found(other)),
        };
        question.map_err(|error| ErrorObject::invalid_params(error.to_string()))
    }
}
