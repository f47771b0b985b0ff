//! What a resource's closure gets and returns.

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use serde::de::DeserializeOwned;

use crate::message::{ErrorObject, RawJson};
use crate::model::{Model, ReadResourceResult, ResourceContents};
use crate::server::{Context, HandlerError};
use crate::session::InputRequired;
use crate::session::server::Reply;

use super::{Route, TemplateDef, template, text_values};

/// What a resource's closure may return: text, with the URI and the media type of the definition;
/// [`ResourceContents`], one or several; a [`ReadResourceResult`], a result object as [`RawJson`], an
/// [`InputRequired`], or a [`Reply`].
#[diagnostic::on_unimplemented(
    message = "a resource cannot return `{Self}`",
    label = "not a resource's result",
    note = "return text, or `mcp_core::model::ResourceContents`, which may also be binary",
    note = "a resource also returns `model::ReadResourceResult`, `RawJson` or `Reply`"
)]
pub trait IntoResourceReply {
    /// The reply, for the resource of this URI, whose definition says this media type.
    fn into_resource_reply(self, uri: &str, mime_type: Option<&str>) -> Reply;
}

macro_rules! replies {
    ($($Type:ty: $value:ident => $reply:expr;)*) => { $(
        impl IntoResourceReply for $Type {
            fn into_resource_reply(self, _uri: &str, _mime_type: Option<&str>) -> Reply {
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
    ReadResourceResult: result => Reply::Result(result.to_raw());
    Vec<ResourceContents>: contents => ReadResourceResult::new().with_contents(contents).into();
    ResourceContents: contents => ReadResourceResult::new().with_contents([contents]).into();
}

impl IntoResourceReply for String {
    fn into_resource_reply(self, uri: &str, mime_type: Option<&str>) -> Reply {
        let mut contents = ResourceContents::text(uri, self);
        contents.mime_type = mime_type.map(str::to_owned);
        ReadResourceResult::new().with_contents([contents]).into()
    }
}

impl IntoResourceReply for &str {
    fn into_resource_reply(self, uri: &str, mime_type: Option<&str>) -> Reply {
        self.to_owned().into_resource_reply(uri, mime_type)
    }
}

/// A route for a closure that takes a URI, which travels as a JSON string.
pub(super) fn route<F, Fut, R>(definition: &RawJson, closure: F) -> Route<RawJson>
where
    F: Fn(String, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HandlerError>> + Send + 'static,
    R: IntoResourceReply,
{
    let mime_type = definition.member("mimeType").and_then(|mime| mime.to_text()).map(Arc::<str>::from);
    Arc::new(move |uri, context| {
        let uri = uri.to_text().unwrap_or_default();
        let mime_type = mime_type.clone();
        closure(uri.clone(), context)
            .map(move |outcome| match outcome {
                Ok(reply) => Ok(reply.into_resource_reply(&uri, mime_type.as_deref())),
                Err(error) => error.into_outcome(),
            })
            .boxed()
    })
}

/// Says so if the members of the type have other names than the variables: no URI would fit.
pub(super) fn with_members_of<Variables: DeserializeOwned>(definition: TemplateDef) -> TemplateDef {
    let Some(members) = text_values::members::<Variables>() else { return definition };
    let variables = template::variables(&definition.key);
    let unknown = members.iter().find(|member| !variables.contains(member));
    let unread = variables.iter().find(|variable| !members.contains(variable));
    match (unknown, unread) {
        (Some(member), Some(variable)) => {
            let name = std::any::type_name::<Variables>();
            let problem =
                format!("{name} has a member `{member}`, but the template's variable is `{variable}`");
            definition.broken(problem)
        }
        _ => definition,
    }
}

/// The variables of the template as a type.
pub(super) fn read<Variables: DeserializeOwned>(
    template: &str,
    uri: &str,
) -> Result<Variables, HandlerError> {
    let values = template::capture(template, uri).unwrap_or_default();
    // A URI whose variables do not fit names no resource.
    text_values::read(values.into_iter()).map_err(|why| {
        tracing::debug!(template, why, "the variables of a URI do not fit their type");
        HandlerError::Refused(ErrorObject::resource_not_found(uri))
    })
}
