//! Subscriptions of modern clients.

use std::sync::Arc;

use mcp_core::client::SubscriptionEvent;
use mcp_core::message::{ErrorObject, Notification, RawJson, meta};
use mcp_core::server::{Context, Reply};
use mcp_core::session::SubscriptionFilter;

use super::Relay;
use super::follow::everything;
use crate::pool::Live;
use crate::translate::with_subscription;

impl Relay {
    /// `subscriptions/listen` of a modern client: a subscription upstream for as long as it is open.
    pub(super) async fn listen(&self, live: &Arc<Live>, context: &Context) -> Result<Reply, ErrorObject> {
        let filter = context.params().and_then(|params| params.member("notifications")).unwrap_or_default();
        let mut filter: SubscriptionFilter =
            filter.deserialize().map_err(|error| ErrorObject::invalid_params(error.to_string()))?;
        filter.resource_subscriptions.retain(|uri| self.pool.upstream.filter.resource(uri));
        let mut id = Vec::new();
        context.request_id().write_to(&mut id);
        let id = RawJson::parse(id).map_err(|error| ErrorObject::internal(error.to_string()))?;
        let own = RawJson::object([(meta::SUBSCRIPTION_ID, id.clone())]);
        let mut changes = live.client().listen(filter);
        let mut acknowledged = false;
        loop {
            let event = tokio::select! {
                biased;
                () = context.cancelled() => return Err(ErrorObject::internal("Cancelled")),
                () = context.stopping() => break,
                event = changes.next() => event,
            };
            match event {
                Some(SubscriptionEvent::Started { honoured, .. }) if !acknowledged => {
                    acknowledged = true;
                    let honoured_raw = RawJson::serialize(&honoured).unwrap_or_default();
                    let params = RawJson::object([("_meta", own.clone()), ("notifications", honoured_raw)]);
                    context.notify("notifications/subscriptions/acknowledged", Some(params)).await;
                    if honoured.is_empty() {
                        break;
                    }
                }
                // It was lost in between.
                Some(SubscriptionEvent::Started { honoured, .. }) => {
                    live.forget_schemas();
                    for (method, params) in everything(&honoured) {
                        context.notify(method, Some(with_subscription(params.as_ref(), &id))).await;
                    }
                }
                Some(SubscriptionEvent::Changed(Notification { method, params, .. })) => {
                    if method == "notifications/tools/list_changed" {
                        live.forget_schemas();
                    }
                    let params = with_subscription(params.as_ref().map(|params| params.raw()), &id);
                    context.notify(method, Some(params)).await;
                }
                Some(SubscriptionEvent::Ended(Err(error))) if !acknowledged => {
                    return Err(self.failure(&error));
                }
                Some(SubscriptionEvent::Ended(_)) | None => break,
                Some(_) => {}
            }
        }
        Ok(Reply::Result(RawJson::object([("_meta", own)])))
    }
}
