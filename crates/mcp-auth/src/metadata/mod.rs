//! The documents that resources and authorization servers publish about themselves.

#[cfg(test)]
mod tests;

use serde::Deserialize;

/// What a protected resource says about itself (RFC 9728).
#[cfg(feature = "client")]
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ResourceMetadata {
    /// The identifier, byte for byte.
    #[serde(default)]
    pub(crate) resource: Option<String>,
    #[serde(default)]
    pub(crate) authorization_servers: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) scopes_supported: Option<Vec<String>>,
}

#[cfg(feature = "client")]
impl ResourceMetadata {
    /// `None` if the text is another document: not an object, or with neither of the two members that matter.
    // AU-C-06.
    pub(crate) fn parse(body: &[u8]) -> Option<ResourceMetadata> {
        let document: ResourceMetadata = serde_json::from_slice(body).ok()?;
        (document.resource.is_some() || document.authorization_servers.is_some()).then_some(document)
    }
}

/// What an authorization server says about itself (RFC 8414 and OpenID Connect Discovery).
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(not(feature = "client"), allow(dead_code))]
pub(crate) struct ServerMetadata {
    pub(crate) issuer: String,
    #[serde(default)]
    pub(crate) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) token_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) registration_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) revocation_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) device_authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) require_pushed_authorization_requests: Option<bool>,
    #[cfg_attr(not(feature = "server"), allow(dead_code))]
    #[serde(default)]
    pub(crate) jwks_uri: Option<String>,
    #[cfg_attr(not(feature = "server"), allow(dead_code))]
    #[serde(default)]
    pub(crate) introspection_endpoint: Option<String>,
    #[serde(default)]
    pub(crate) scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: Option<bool>,
    #[serde(default)]
    pub(crate) client_id_metadata_document_supported: Option<bool>,
    #[serde(default)]
    pub(crate) dpop_signing_alg_values_supported: Option<Vec<String>>,
}

impl ServerMetadata {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// What is wrong with it: not JSON, no issuer, a member of another type.
    pub(crate) fn parse(body: &[u8]) -> Result<ServerMetadata, String> {
        serde_json::from_slice(body).map_err(|error| crate::urls::clipped(&error.to_string()))
    }
}

/// Whether two texts name the same issuer. They are compared as text; only the closing slash of an issuer without a
/// path is ignored, which some servers add and others do not.
// AU-C-12.
pub(crate) fn same_issuer(one: &str, other: &str) -> bool {
    let bare = |text: &str| match text.strip_suffix('/') {
        Some(rest) if rest.split_once("://").is_some_and(|(_, host)| !host.contains('/')) => rest.to_owned(),
        _ => text.to_owned(),
    };
    bare(one) == bare(other)
}

/// Whether an optional list has this entry.
#[cfg(feature = "client")]
pub(crate) fn lists(list: &Option<Vec<String>>, entry: &str) -> bool {
    list.as_ref().is_some_and(|list| list.iter().any(|it| it == entry))
}
