//! Where metadata is kept: the well-known forms of RFC 9728, RFC 8414 and OpenID Connect Discovery.

use super::WebUrl;

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// The well-known URLs of a protected resource's metadata, in order: the form with the path, then the root.
// AU-C-04, AU-C-05: the query of the endpoint is kept.
#[cfg(feature = "client")]
pub(crate) fn protected_resource(endpoint: &WebUrl) -> Vec<String> {
    const RESOURCE: &str = "/.well-known/oauth-protected-resource";
    let path = if endpoint.path() == "/" { "" } else { endpoint.path() };
    let query = endpoint.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut urls = vec![format!("{}{RESOURCE}{path}{query}", endpoint.origin())];
    if !path.is_empty() || !query.is_empty() {
        urls.push(format!("{}{RESOURCE}", endpoint.origin()));
    }
    urls
}

/// The URLs of an issuer's metadata, in order.
// AU-C-11: for an issuer with a path the root is never asked.
pub(crate) fn authorization_server(issuer: &WebUrl) -> Vec<String> {
    let (origin, path) = (issuer.origin(), issuer.path());
    // RFC 8414, section 3.1: the closing slash of the issuer is removed.
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut urls = vec![format!("{origin}{OAUTH}{path}"), format!("{origin}{OPENID}{path}")];
    if !path.is_empty() {
        urls.push(format!("{origin}{path}{OPENID}"));
    }
    urls
}
