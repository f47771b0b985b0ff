//! Changes on a server, and filters for them.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The changes that a client subscribes to: the `notifications` member of
/// [`subscriptions/listen`](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions).
/// Omitted and `false` both mean not subscribed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
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
    /// Changes of these resources, by URI. At most [`SubscriptionFilter::MAX_URIS`].
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "uris")]
    pub resource_subscriptions: Vec<String>,
}

/// A change on a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
    /// The method of the notification that reports it.
    pub fn method(&self) -> &'static str {
        match self {
            Change::ToolsList => "notifications/tools/list_changed",
            Change::PromptsList => "notifications/prompts/list_changed",
            Change::ResourcesList => "notifications/resources/list_changed",
            Change::Resource { .. } => "notifications/resources/updated",
        }
    }
}

/// Reads the URIs, and stops at the limit: a filter of short URIs takes many times its length as strings.
fn uris<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Uris;

    impl<'de> Visitor<'de> for Uris {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an array of at most {} URIs", SubscriptionFilter::MAX_URIS)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut uris = Vec::new();
            while let Some(uri) = seq.next_element()? {
                if uris.len() >= SubscriptionFilter::MAX_URIS {
                    return Err(A::Error::invalid_length(uris.len() + 1, &self));
                }
                uris.push(uri);
            }
            Ok(uris)
        }
    }

    deserializer.deserialize_seq(Uris)
}

impl SubscriptionFilter {
    /// The most URIs that a filter may name. A server refuses a longer one with `-32602`.
    pub const MAX_URIS: usize = 1024;

    /// A filter that includes nothing.
    pub fn new() -> SubscriptionFilter {
        SubscriptionFilter::default()
    }

    /// Includes changes of the tool list.
    #[must_use]
    pub fn tools_list_changed(mut self) -> SubscriptionFilter {
        self.tools_list_changed = true;
        self
    }

    /// Includes changes of the prompt list.
    #[must_use]
    pub fn prompts_list_changed(mut self) -> SubscriptionFilter {
        self.prompts_list_changed = true;
        self
    }

    /// Includes changes of the resource list.
    #[must_use]
    pub fn resources_list_changed(mut self) -> SubscriptionFilter {
        self.resources_list_changed = true;
        self
    }

    /// Includes changes of the resource with this URI.
    #[must_use]
    pub fn resource(mut self, uri: impl Into<String>) -> SubscriptionFilter {
        self.resource_subscriptions.push(uri.into());
        self
    }

    /// Whether the filter includes this change. URIs are compared exactly.
    pub fn wants(&self, change: &Change) -> bool {
        match change {
            Change::ToolsList => self.tools_list_changed,
            Change::PromptsList => self.prompts_list_changed,
            Change::ResourcesList => self.resources_list_changed,
            Change::Resource { uri } => self.resource_subscriptions.contains(uri),
        }
    }

    /// The memory that its URIs take, in bytes.
    pub(crate) fn heap_size(&self) -> usize {
        let uris = &self.resource_subscriptions;
        uris.capacity() * size_of::<String>() + uris.iter().map(String::capacity).sum::<usize>()
    }

    /// Whether it includes nothing.
    pub fn is_empty(&self) -> bool {
        *self == SubscriptionFilter::default()
    }
}
