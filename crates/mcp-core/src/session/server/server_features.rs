//! The server's capabilities that affect the session.

use crate::message::RawJson;
use crate::session::{Change, SubscriptionFilter};

/// The server's declared capabilities that affect the session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerFeatures {
    pub(super) logging: bool,
    pub(super) resources_subscribe: bool,
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
}

impl ServerFeatures {
    pub(super) fn of(capabilities: &RawJson) -> ServerFeatures {
        let flag = |feature: &str, name: &str| {
            capabilities
                .member(feature)
                .and_then(|feature| feature.member(name))
                .is_some_and(|value| value == RawJson::TRUE)
        };
        ServerFeatures {
            logging: capabilities.member("logging").is_some_and(|logging| logging.is_object()),
            resources_subscribe: flag("resources", "subscribe"),
            tools_list_changed: flag("tools", "listChanged"),
            prompts_list_changed: flag("prompts", "listChanged"),
            resources_list_changed: flag("resources", "listChanged"),
        }
    }

    /// Whether the server declared notifications of this change.
    pub(super) fn announces(&self, change: &Change) -> bool {
        match change {
            Change::ToolsList => self.tools_list_changed,
            Change::PromptsList => self.prompts_list_changed,
            Change::ResourcesList => self.resources_list_changed,
            Change::Resource { .. } => self.resources_subscribe,
        }
    }

    /// The part of a filter that the server can honour.
    // SUB-S-003.
    pub(super) fn honour(&self, asked: SubscriptionFilter) -> SubscriptionFilter {
        SubscriptionFilter {
            tools_list_changed: asked.tools_list_changed && self.tools_list_changed,
            prompts_list_changed: asked.prompts_list_changed && self.prompts_list_changed,
            resources_list_changed: asked.resources_list_changed && self.resources_list_changed,
            resource_subscriptions: if self.resources_subscribe {
                asked.resource_subscriptions
            } else {
                Vec::new()
            },
        }
    }
}
