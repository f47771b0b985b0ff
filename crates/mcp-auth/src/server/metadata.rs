//! The document that the server publishes about itself (RFC 9728).

use serde::Serialize;

use crate::urls::WebUrl;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Published<'a> {
    /// As it was configured, byte for byte.
    pub(super) resource: &'a str,
    pub(super) authorization_servers: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) scopes_supported: &'a [String],
    pub(super) bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_documentation: Option<&'a str>,
}

/// The path of the document, without the query of the resource.
pub(super) fn path(resource: &WebUrl) -> String {
    let path = if resource.path() == "/" { "" } else { resource.path() };
    format!("{WELL_KNOWN}{path}")
}

/// The path of the document of a host that has one resource only.
pub(super) fn root_path() -> &'static str {
    WELL_KNOWN
}

/// The URL of the document.
pub(super) fn url(resource: &WebUrl) -> String {
    let query = resource.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{}{query}", resource.origin(), path(resource))
}
