//! The parameters of a challenge from an MCP server.

use mcp_http::http::StatusCode;
use mcp_http::net::{AuthScheme, Challenge};

use super::machine::Demand;
use super::scopes::Scopes;

/// A challenge, as far as OAuth understands it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) demand: Demand,
    /// The server wants another proof of possession, with its nonce.
    pub(crate) nonce: bool,
    /// The token lacks scopes.
    pub(crate) insufficient_scope: bool,
}

/// Reads the challenges of a refusal.
// AU-C-02: the first Bearer or DPoP challenge that names its metadata, else the first.
pub(crate) fn wanted(challenge: &Challenge) -> Wanted {
    let schemes = challenge.schemes();
    let mut ours = schemes.iter().filter(|scheme| scheme.is("Bearer") || scheme.is("DPoP"));
    let first = ours.clone().next();
    let Some(chosen) = ours.find(|scheme| scheme.param("resource_metadata").is_some()).or(first) else {
        return Wanted::default();
    };
    let has_error = |wanted: &str| {
        let is_ours = |scheme: &&AuthScheme| scheme.is("Bearer") || scheme.is("DPoP");
        schemes.iter().filter(is_ours).any(|scheme| scheme.param("error") == Some(wanted))
    };
    let named = || schemes.iter().find(|scheme| scheme.param("error") == Some("insufficient_scope"));
    // AU-C-01: a 403 is about scopes only if it says so.
    let insufficient_scope = challenge.status == StatusCode::FORBIDDEN && has_error("insufficient_scope");
    let of_scopes = if insufficient_scope { named().unwrap_or(chosen) } else { chosen };
    Wanted {
        demand: Demand {
            resource_metadata: chosen.param("resource_metadata").map(str::to_owned),
            scopes: of_scopes.param("scope").map(Scopes::parse).filter(|scopes| !scopes.is_empty()),
        },
        nonce: has_error("use_dpop_nonce"),
        insufficient_scope,
    }
}

#[cfg(test)]
mod tests {
    use mcp_http::http::{Method, Uri};
    use mcp_http::net::RequestInfo;

    use super::*;

    fn read(status: u16, headers: &[&str]) -> Wanted {
        let (method, uri) = (Method::POST, Uri::from_static("https://a.example/mcp"));
        let status = StatusCode::from_u16(status).unwrap();
        let mut challenge = Challenge::new(status, &RequestInfo::new(&method, &uri));
        challenge.headers = headers.iter().map(|header| (*header).to_owned()).collect();
        wanted(&challenge)
    }

    // AU-C-01, AU-C-02, AU-C-03.
    #[test]
    fn what_challenges_ask_for() {
        let url = Some("https://a.example/prm");
        for (status, headers, metadata, scopes, nonce, insufficient) in [
            (401, vec![], None, None, false, false),
            (401, vec!["Basic realm=\"x\""], None, None, false, false),
            (401, vec!["Bearer"], None, None, false, false),
            (401, vec!["bearer Resource_Metadata=\"https://a.example/prm\""], url, None, false, false),
            (
                401,
                vec!["Bearer scope=\"a b\", resource_metadata=\"https://a.example/prm\""],
                url,
                Some("a b"),
                false,
                false,
            ),
            (
                401,
                vec!["Basic realm=x, Bearer scope=a", "DPoP resource_metadata=\"https://a.example/prm\""],
                url,
                None,
                false,
                false,
            ),
            (
                401,
                vec![
                    "Bearer error=\"invalid_token\", error_description=\"scope=\\\"evil\\\", resource_metadata=x\"",
                ],
                None,
                None,
                false,
                false,
            ),
            (
                401,
                vec!["DPoP error=\"use_dpop_nonce\", resource_metadata=\"https://a.example/prm\""],
                url,
                None,
                true,
                false,
            ),
            (401, vec!["Bearer error=\"insufficient_scope\", scope=\"a\""], None, Some("a"), false, false),
            (403, vec!["Bearer error=\"insufficient_scope\", scope=\"a\""], None, Some("a"), false, true),
            (
                403,
                vec![
                    "Bearer resource_metadata=\"https://a.example/prm\"",
                    "Bearer error=insufficient_scope, scope=w",
                ],
                url,
                Some("w"),
                false,
                true,
            ),
            (403, vec!["Bearer error=\"insufficient_scope\", scope=\"\""], None, None, false, true),
            (403, vec!["Bearer error=\"invalid_token\""], None, None, false, false),
            (403, vec![], None, None, false, false),
        ] {
            let found = read(status, &headers);
            assert_eq!(found.demand.resource_metadata.as_deref(), metadata, "{headers:?}");
            assert_eq!(found.demand.scopes.and_then(|it| it.parameter()).as_deref(), scopes, "{headers:?}");
            assert_eq!((found.nonce, found.insufficient_scope), (nonce, insufficient), "{headers:?}");
        }
    }
}
