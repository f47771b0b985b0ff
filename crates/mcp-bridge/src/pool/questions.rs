//! Questions of upstream servers, to the clients that they belong to.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use mcp_core::client::{InputContext, InputHandler};
use mcp_core::message::{ErrorObject, RawJson};
use mcp_core::session::InputRequest;

use super::exchange::{self, Exchange};
use super::live::Live;

/// The input handler of an upstream client.
#[derive(Clone, Default)]
pub(crate) struct Questions {
    live: Arc<OnceLock<Weak<Live>>>,
}

impl Questions {
    /// The session, once it is known.
    pub(super) fn live(&self) -> Option<Arc<Live>> {
        self.live.get().and_then(Weak::upgrade)
    }

    /// Says to which session the client belongs.
    pub(crate) fn belong_to(&self, live: &Arc<Live>) {
        let _once = self.live.set(Arc::downgrade(live));
    }
}

#[async_trait]
impl InputHandler for Questions {
    async fn input(&self, request: InputRequest, context: InputContext) -> Result<RawJson, ErrorObject> {
        let is_roots = request.method == "roots/list";
        let answer = self.answer(request, &context).await?;
        if let Some(live) = self.live().filter(|_| is_roots) {
            live.keep_roots(&answer);
        }
        Ok(answer)
    }
}

impl Questions {
    /// Gets the answer from the client that the question belongs to.
    async fn answer(&self, request: InputRequest, context: &InputContext) -> Result<RawJson, ErrorObject> {
        let gone = || ErrorObject::internal("The session has ended");
        let live = self.live().ok_or_else(gone)?;
        let own = context.envelope.get::<Arc<Exchange>>().cloned();
        let exchange = own.or_else(|| exchange::likely(&live));
        // A session serves several clients, and a modern one declares what it can do with each request.
        let capabilities = match exchange.as_ref().filter(|exchange| exchange.answers_by_retry()) {
            Some(exchange) => exchange.context().client_capabilities().clone(),
            None => live.capabilities.clone(),
        };
        if let Some(missing) = request.missing(&capabilities) {
            let error = not_covered(&request, &missing, &capabilities);
            exchange.inspect(|exchange| exchange.was_refused(missing));
            return Err(error);
        }
        let link = {
            let links = live.links.lock();
            if let [only] = links.as_slice() { Some(only.clone()) } else { None }
        };
        // A legacy client is one client, whichever of its requests the question belongs to. It gets the question with a
        // request if there is one, because over HTTP not every client has a stream for others.
        match (exchange, link) {
            (Some(exchange), _) => {
                drop(live);
                exchange.ask(request).await
            }
            (None, Some(link)) => {
                drop(live);
                let answer = link.request(request.method, request.params).await;
                answer.map(|answer| answer.into_raw()).map_err(exchange::refused)
            }
            // Many servers want the roots as soon as their session is open.
            (None, None) if request.method == "roots/list" => Ok(live.roots()),
            (None, None) => Err(ErrorObject::method_not_found(request.method.as_str())),
        }
    }
}

// LIFE-C-016, LIFE-S-014.
/// The error of a question that a client cannot answer, as clients send it themselves.
fn not_covered(request: &InputRequest, missing: &RawJson, capabilities: &RawJson) -> ErrorObject {
    match missing.members().iter().any(|(name, _)| capabilities.member(name).is_some()) {
        true => ErrorObject::invalid_params(format!("Invalid params: the client has not declared {missing}")),
        false => ErrorObject::method_not_found(request.method.as_str()),
    }
}
