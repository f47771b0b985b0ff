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
        if let Some(exchange) = context.envelope.get::<Arc<Exchange>>() {
            return exchange.ask(request).await;
        }
        let gone = || ErrorObject::internal("The session has ended");
        let live = self.live().ok_or_else(gone)?;
        let link = {
            let links = live.links.lock();
            if let [only] = links.as_slice() { Some(only.clone()) } else { None }
        };
        // A legacy client is one client, whichever of its requests the question belongs to. It gets the question with a
        // request if there is one, because over HTTP not every client has a stream for others.
        match (exchange::likely(&live), link) {
            (Some(exchange), _) => exchange.ask(request).await,
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
