//! Questions of a handler to the client, in either era.

use serde::de::DeserializeOwned;

use crate::message::{ErrorObject, Method, RawJson};
use crate::model::{CreateMessageParams, CreateMessageResult, ListRootsResult, Model, Root, misfit};
use crate::session::InputRequired;

use super::{Context, HandlerError};

/// The member of the state that holds the answers of earlier rounds.
const ANSWERED: &str = "answered";

/// Questions to the client.
///
/// # A handler that asks runs again from its top
///
/// The first time, a question ends the handler: the error that it returns carries the question to the client.
/// When the answer is there, **the handler is called again with the same request, from its first line**, and the
/// same question then returns the answer. This holds in both eras: on 2026-07-28 the second call may reach another
/// process, and nothing is kept in between.
///
/// - **Ask first, act afterwards.** What stands before a question is done once per question: no writes, no
///   payments, no messages there.
/// - **Pass the error on with `?`.** A handler that swallows it never asks, and a warning is logged.
/// - Ask the same questions in the same order each time. An answer is used only for the question that it was given
///   to: a text or a form that has changed is asked again.
/// - The answers of earlier questions travel through the client, in the state of the request. The client can invent
///   answers in any case, so do not take one as a proof of anything. Do not combine these methods with
///   [`InputRequired::with_state`] in one handler.
impl Context {
    /// Asks with any of the three methods, and returns the result object that the client answered.
    ///
    /// # Errors
    ///
    /// [`HandlerError::InputRequired`] until the answer is there. If the client did not declare the capability,
    /// the request then fails with an error that names it.
    pub async fn question(
        &self,
        method: impl Into<Method>,
        params: Option<RawJson>,
    ) -> Result<RawJson, HandlerError> {
        let method = method.into();
        let key = key(self.next_question(), &method, params.as_ref());
        let fresh = self.input_responses();
        if let Some(answer) = fresh.and_then(|answers| answers.member(&key)) {
            return Ok(answer);
        }
        let earlier = self.earlier_answers();
        if let Some(answer) = earlier.as_ref().and_then(|answers| answers.member(&key)) {
            return Ok(answer);
        }
        self.note_unanswered();
        let mut answers = earlier.map(|answers| answers.members()).unwrap_or_default();
        answers.extend(fresh.map(|answers| answers.members()).unwrap_or_default());
        let input = InputRequired::ask(key, method, params);
        if answers.is_empty() {
            return Err(input.into());
        }
        let answers = RawJson::object(answers.iter().map(|(key, answer)| (key.as_str(), answer.clone())));
        Err(input.with_state(RawJson::object([(ANSWERED, answers)]).to_string()).into())
    }

    /// Asks the model of the client (sampling). **The handler runs again from its top**: see [above](#a-handler-that-asks-runs-again-from-its-top).
    ///
    /// # Errors
    ///
    /// Those of [`Context::question`]; `-32602` if the answer is malformed.
    pub async fn sample(&self, params: &CreateMessageParams) -> Result<CreateMessageResult, HandlerError> {
        let answer = self.question("sampling/createMessage", Some(params.to_raw())).await?;
        read("sampling", &answer)
    }

    /// Asks which directories the server may use (roots). **The handler runs again from its top**: see
    /// [`Context::question`].
    ///
    /// # Errors
    ///
    /// Those of [`Context::question`]; `-32602` if the answer is malformed.
    pub async fn roots(&self) -> Result<Vec<Root>, HandlerError> {
        let answer = self.question("roots/list", None).await?;
        read::<ListRootsResult>("roots", &answer).map(|listed| listed.roots)
    }

    /// The answers of earlier rounds. The client may have changed them.
    fn earlier_answers(&self) -> Option<RawJson> {
        let state = RawJson::parse(self.request_state()?.to_owned()).ok()?;
        state.member(ANSWERED).filter(RawJson::is_object)
    }
}

/// An answer as a type.
pub(super) fn read<T: DeserializeOwned>(what: &str, answer: &RawJson) -> Result<T, HandlerError> {
    answer.deserialize().map_err(|error| {
        let text = format!("Invalid answer ({what}): {}", misfit(&error));
        HandlerError::Refused(ErrorObject::invalid_params(text))
    })
}

/// Names a question by its position and its content, so that an answer never counts for another question.
fn key(number: u32, method: &Method, params: Option<&RawJson>) -> String {
    // FNV-1a. It has to be the same in every process; the client answers anyway, so it need not resist anyone.
    let text = params.map(RawJson::as_bytes).unwrap_or_default();
    let hash =
        method.as_str().bytes().chain(text.iter().copied()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{number}-{hash:016x}")
}
