//! Forms for the user, from types (feature `schemars`).

use crate::message::{ErrorObject, RawJson};
use crate::model::{ElicitAction, ElicitForm, ElicitParams, ElicitResult, Model};

use super::router::form;
use super::{Context, HandlerError, TypedArguments, question};

/// What a user did with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Elicited<T> {
    /// The user filled it in.
    Accepted(T),
    /// The user refused to answer.
    Declined,
    /// The user closed the form without a choice.
    Cancelled,
}

impl Context {
    /// Asks the user to fill in a form of the type's members, and returns what they entered. The type is a
    /// struct of texts, numbers, booleans and enums without data; doc comments describe its members. Needs the feature
    /// `schemars`, which `macros` includes.
    ///
    /// **The handler runs again from its top** with the answer, in both eras: act after the question, not before
    /// it, and pass the error on with `?`. See [`Context::question`].
    ///
    /// ```
    /// use mcp_core::server::Router;
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Confirm {
    ///     /// Delete them for good
    ///     sure: bool,
    /// }
    ///
    /// let router = Router::new().tool("clear", async |_arguments, context| {
    ///     if !context.ask::<Confirm>("Delete 3 notes?").await?.sure {
    ///         return Ok("nothing was deleted");
    ///     }
    ///     // Runs once: after the answer.
    ///     Ok("deleted")
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Context::question`]; [`HandlerError::Failed`] if the user declined or closed the form, for
    /// which [`Context::elicit`] has values; `-32602` if the answer does not fit the type; `-32603` if the type is
    /// not a flat form.
    pub async fn ask<T: TypedArguments>(&self, message: &str) -> Result<T, HandlerError> {
        match self.elicit(message).await? {
            Elicited::Accepted(answer) => Ok(answer),
            Elicited::Declined => Err("The user declined to answer".into()),
            Elicited::Cancelled => Err("The user dismissed the question".into()),
        }
    }

    /// Asks the user like [`Context::ask`]. A user who declines is a value. **The handler runs again from its
    /// top.**
    ///
    /// # Errors
    ///
    /// Those of [`Context::ask`], but for a user who declines.
    pub async fn elicit<T: TypedArguments>(&self, message: &str) -> Result<Elicited<T>, HandlerError> {
        let schema = form::<T>().map_err(ErrorObject::internal)?;
        let params = ElicitParams::from(ElicitForm::new(message, schema)).to_raw();
        let answer = self.question("elicitation/create", Some(params)).await?;
        let answer: ElicitResult = question::read("elicitation", &answer)?;
        match answer.action {
            ElicitAction::Accept => {
                let content = answer.content.unwrap_or(RawJson::EMPTY_OBJECT);
                question::read("elicitation", &content).map(Elicited::Accepted)
            }
            ElicitAction::Decline => Ok(Elicited::Declined),
            _ => Ok(Elicited::Cancelled),
        }
    }
}
