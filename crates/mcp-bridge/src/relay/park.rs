//! Calls of modern clients that wait for answers: a legacy server asks within a call, a modern client answers by a retry.

use std::sync::Arc;

use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::server::{Context, Reply};
use mcp_core::session::InputRequired;
use mcp_core::transport::Owner;
use tokio::time::Instant;

use super::Relay;
use crate::pool::{Parked, Question, Running};

/// The payload of a state that names no parked call: the call is made again.
const AGAIN: &[u8] = b"again";

impl Relay {
    /// Answers the request with the questions, and keeps the call.
    pub(super) fn park(
        &self,
        running: Running,
        questions: Vec<Question>,
        context: &Context,
    ) -> Result<Reply, ErrorObject> {
        let keyed = questions.into_iter().enumerate().map(|(at, question)| (format!("q{at}"), question));
        let questions: Vec<(String, Question)> = keyed.collect();
        let owner = Owner::of_envelope(context.envelope());
        let id = self.pool.number();
        let state = self.seal(context, &id.to_be_bytes())?;
        let mut input = InputRequired::default().with_state(state);
        for (key, question) in &questions {
            let request = &question.request;
            input = input.and_ask(key.clone(), request.method.clone(), request.params.clone());
        }
        let mut parked = self.pool.parked.lock();
        let limit = self.pool.limits.parked;
        if parked.values().filter(|other| other.owner == owner).count() >= limit {
            let why = format!("Busy: {limit} calls wait for answers of this client (parked)");
            return Ok(Reply::Busy(ErrorObject::internal(why)));
        }
        parked.insert(id, Parked { running, questions, owner, since: Instant::now() });
        drop(parked);
        let (pool, limit) = (Arc::downgrade(&self.pool), self.pool.limits.parked_for);
        tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            if let Some(pool) = pool.upgrade() {
                // Cancels the call upstream, if it still waits.
                drop(pool.parked.lock().remove(&id));
            }
        });
        Ok(Reply::InputRequired(input))
    }

    /// The call that a retry belongs to, with the client's answers given. `None` if the call is to be made again.
    pub(super) async fn unpark(&self, context: &Context) -> Result<Option<(Running, Instant)>, ErrorObject> {
        let foreign = || ErrorObject::invalid_params("Invalid requestState: unknown, used before or expired");
        let payload = context.unseal(&self.pool.sealer).await.map_err(|_| foreign())?.unwrap_or_default();
        if payload == AGAIN {
            return Ok(None);
        }
        let id = <[u8; 8]>::try_from(payload.as_slice()).map(u64::from_be_bytes).map_err(|_| foreign())?;
        let owner = Owner::of_envelope(context.envelope());
        let Parked { running, questions, since, .. } = {
            let mut parked = self.pool.parked.lock();
            // The state is bound to the caller too; this holds without it.
            match parked.get(&id) {
                Some(entry) if entry.owner == owner => parked.remove(&id).ok_or_else(foreign)?,
                _ => return Err(foreign()),
            }
        };
        running.exchange.resume(context);
        for (key, question) in questions {
            let answer = context.input_responses().and_then(|answers| answers.member(&key));
            let answer = answer.filter(RawJson::is_object);
            let answer = answer.ok_or_else(|| ErrorObject::internal("The client sent no answer"));
            // The server may have withdrawn the question.
            let _withdrawn = question.answer.send(answer.map(|answer| answer.detach()));
        }
        Ok(Some((running, since)))
    }

    /// Asks the client to visit pages, after which the call is made again.
    pub(super) fn visit(&self, context: &Context, input: InputRequired) -> Result<Reply, ErrorObject> {
        let state = self.seal(context, AGAIN)?;
        Ok(Reply::InputRequired(input.with_state(state)))
    }

    fn seal(&self, context: &Context, payload: &[u8]) -> Result<String, ErrorObject> {
        context
            .seal(&self.pool.sealer, payload)
            .map_err(|error| ErrorObject::internal(format!("the state cannot be sealed: {error}")))
    }
}
