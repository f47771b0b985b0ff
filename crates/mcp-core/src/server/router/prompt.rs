//! What a prompt's closure gets and returns.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use serde::de::DeserializeOwned;

use crate::message::{ErrorObject, RawJson};
use crate::model::{Content, GetPromptResult, Model, PromptMessage, Role};
use crate::server::{Context, HandlerError};
use crate::session::InputRequired;
use crate::session::server::Reply;

use super::{Route, text_values};

/// What a prompt's closure may return: a [`GetPromptResult`], text as one message of the user, one or several
/// [`PromptMessage`]s, a result object as [`RawJson`], an [`InputRequired`], or a [`Reply`].
#[diagnostic::on_unimplemented(
    message = "a prompt cannot return `{Self}`",
    label = "not a prompt's result",
    note = "return text, which becomes one message of the user, or `mcp_core::model::GetPromptResult`",
    note = "a prompt also returns `model::PromptMessage`, a `Vec` of them, `RawJson` or `Reply`"
)]
pub trait IntoPromptReply {
    /// The reply.
    fn into_prompt_reply(self) -> Reply;
}

macro_rules! replies {
    ($($Type:ty: $value:ident => $reply:expr;)*) => { $(
        impl IntoPromptReply for $Type {
            fn into_prompt_reply(self) -> Reply {
                let $value = self;
                $reply
            }
        }
    )* };
}

replies! {
    Reply: reply => reply;
    RawJson: result => Reply::Result(result);
    InputRequired: input => Reply::InputRequired(input);
    GetPromptResult: result => Reply::Result(result.to_raw());
    Vec<PromptMessage>: messages => GetPromptResult::new().with_messages(messages).into();
    PromptMessage: message => vec![message].into_prompt_reply();
    String: text => PromptMessage::new(Role::User, Content::text(text)).into_prompt_reply();
    &str: text => text.to_owned().into_prompt_reply();
}

pub(super) fn route<F, Fut, R>(closure: F) -> Route<RawJson>
where
    F: Fn(RawJson, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
    R: IntoPromptReply,
{
    Arc::new(move |arguments, context| {
        closure(arguments, context)
            .map(|outcome| match outcome {
                Ok(reply) => Ok(reply.into_prompt_reply()),
                Err(error) => error.into_outcome(),
            })
            .boxed()
    })
}

/// The arguments as a type. They are texts on the wire.
pub(super) fn read<Args: DeserializeOwned>(arguments: &RawJson) -> Result<Args, HandlerError> {
    let members = arguments.members().into_iter();
    // A value that is not a string breaks the protocol, but its text says what was meant.
    let texts = members.map(|(name, value)| (name, value.to_text().unwrap_or_else(|| value.to_string())));
    text_values::read(texts).map_err(|why| {
        HandlerError::Refused(ErrorObject::invalid_params(format!("Invalid arguments: {why}")))
    })
}
