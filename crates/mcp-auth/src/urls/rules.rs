//! Which URLs a client may ask, and which resource a URL may speak for.
#![cfg(feature = "client")]

use iri_string::types::{UriAbsoluteStr, UriReferenceStr};

use super::WebUrl;

/// Names under which clouds serve the credentials of their machines.
const CLOUD_METADATA: [&str; 4] =
    ["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal", "metadata.azure.internal"];

/// Whether a client of this endpoint may ask a URL that a server named.
///
/// # Errors
///
/// Why not.
// AU-C-70. The addresses are checked where they are dialled (AU-C-71).
pub(crate) fn may_ask(url: &WebUrl, endpoint: &WebUrl) -> Result<(), &'static str> {
    let name = url.host().strip_suffix('.').unwrap_or(url.host());
    if CLOUD_METADATA.contains(&name) {
        return Err("a metadata service of a cloud");
    }
    if url.is_https() {
        return Ok(());
    }
    if endpoint.is_https() {
        return Err("http, although the MCP server is reached over https");
    }
    if url.is_loopback() && endpoint.is_loopback() {
        return Ok(());
    }
    Err("http is allowed on loopback only")
}

/// Where a redirect of a metadata request leads.
///
/// # Errors
///
/// Why it is not followed.
// AU-C-73.
pub(crate) fn redirected(from: &WebUrl, location: &str) -> Result<WebUrl, &'static str> {
    let reference =
        UriReferenceStr::new(location).map_err(|_| "a redirect to something that is not a URL")?;
    let base = UriAbsoluteStr::new(from.as_str()).map_err(|_| "not a URL")?;
    let target = WebUrl::parse(&reference.resolve_against(base).to_string())?;
    if target.same_origin(from) { Ok(target) } else { Err("a redirect to another origin") }
}

/// Whether the `resource` of a metadata document may speak for the endpoint: the same origin, and the endpoint's path or
/// a parent of it. Queries are not compared.
// AU-C-07.
pub(crate) fn resource_covers(resource: &str, endpoint: &WebUrl) -> Result<(), &'static str> {
    let resource = WebUrl::parse(resource)?;
    if !resource.same_origin(endpoint) {
        return Err("another origin than the endpoint");
    }
    let parent = resource.path().trim_end_matches('/');
    match endpoint.path().strip_prefix(parent) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Ok(()),
        _ => Err("another path than the endpoint"),
    }
}
