//! What closures for completion and other methods return.

use crate::message::RawJson;
use crate::model::{
    CompleteResult, Completion, GetPromptResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, Model, ReadResourceResult,
};
use crate::session::InputRequired;
use crate::session::server::Reply;

/// What a closure of a [`Router`](crate::server::Router) may return for completion or another method: a result
/// type of [`model`](crate::model), a result object as [`RawJson`], an [`InputRequired`], or a [`Reply`]. For
/// completion also a [`Completion`] or a `Vec<String>` of values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a request",
    label = "not a result",
    note = "completion returns `Vec<String>` or `mcp_core::model::Completion`",
    note = "the result of another method is a JSON object: `RawJson::serialize(&value)?`"
)]
pub trait IntoReply {
    /// The reply.
    fn into_reply(self) -> Reply;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Reply {
        self
    }
}

macro_rules! replies {
    ($($Type:ty: $value:ident => $reply:expr;)*) => { $(
        impl From<$Type> for Reply {
            fn from($value: $Type) -> Reply {
                $reply
            }
        }

        impl IntoReply for $Type {
            fn into_reply(self) -> Reply {
                self.into()
            }
        }
    )* };
}

replies! {
    RawJson: result => Reply::Result(result);
    InputRequired: input => Reply::InputRequired(input);
    ReadResourceResult: result => Reply::Result(result.to_raw());
    GetPromptResult: result => Reply::Result(result.to_raw());
    CompleteResult: result => Reply::Result(result.to_raw());
    Completion: values => CompleteResult::new(values).into();
    Vec<String>: values => Completion::of(values).into();
    // For lists that a closure computes.
    ListToolsResult: result => Reply::Result(result.to_raw());
    ListPromptsResult: result => Reply::Result(result.to_raw());
    ListResourcesResult: result => Reply::Result(result.to_raw());
    ListResourceTemplatesResult: result => Reply::Result(result.to_raw());
}
