//! What can change on a server, and who wants to hear of it.

use serde::{Deserialize, Serialize};

/// What a client wants to hear of: the `notifications` member of `subscriptions/listen`
/// (ledger SUB-C-007). Omitted and `false` both mean not subscribed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscriptionFilter {
    /// Changes of the tool list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tools_list_changed: bool,
    /// Changes of the prompt list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prompts_list_changed: bool,
    /// Changes of the resource list.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resources_list_changed: bool,
    /// Changes of these resources, by URI.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_subscriptions: Vec<String>,
}

/// Something on a server changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The tool list.
    ToolsList,
    /// The prompt list.
    PromptsList,
    /// The resource list.
    ResourcesList,
    /// One resource.
    Resource {
        /// Its URI.
        uri: String,
    },
}

impl Change {
    /// The notification that tells of it.
    pub fn method(&self) -> &'static str {
        match self {
            Change::ToolsList => "notifications/tools/list_changed",
            Change::PromptsList => "notifications/prompts/list_changed",
            Change::ResourcesList => "notifications/resources/list_changed",
            Change::Resource { .. } => "notifications/resources/updated",
        }
    }
}

impl SubscriptionFilter {
    /// Whether the filter asks for this change. URIs are compared exactly (ledger T-14).
    pub fn wants(&self, change: &Change) -> bool {
        match change {
            Change::ToolsList => self.tools_list_changed,
            Change::PromptsList => self.prompts_list_changed,
            Change::ResourcesList => self.resources_list_changed,
            Change::Resource { uri } => self.resource_subscriptions.contains(uri),
        }
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == SubscriptionFilter::default()
    }
}
