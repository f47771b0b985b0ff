//! AU-S-01 to AU-S-04: documents, challenges, and headers that cannot be read.

use mcp_core::transport::Identity;
use mcp_http::server::{Authenticate, Document, Operation, RequestHead};
use serde_json::{Value, json};

use super::kit::{RESOURCE, head};
use crate::server::{Issuer, ResourceServer, Scopes};

fn server(resource: &str) -> ResourceServer {
    let scopes = Scopes::all(["mcp:read"]).tool("publish", ["mcp:write"]);
    ResourceServer::builder(resource)
        .issuer(Issuer::new("https://login.example.com"))
        .scopes(scopes)
        .build()
        .unwrap()
}

fn texts(documents: &[Document]) -> Vec<(&str, Value)> {
    documents.iter().map(|it| (it.path.as_str(), serde_json::from_slice(&it.body).unwrap())).collect()
}

// AU-S-01.
#[test]
fn the_document_names_what_was_configured() {
    let documents = server(RESOURCE).documents();
    let published = json!({
        "resource": RESOURCE, "authorization_servers": ["https://login.example.com"],
        "scopes_supported": ["mcp:read"], "bearer_methods_supported": ["header"],
    });
    let paths = ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"];
    assert_eq!(texts(&documents), paths.map(|path| (path, published.clone())));
    assert!(documents.iter().all(|it| it.any_origin && it.max_age.as_secs() == 300));
    let full = ResourceServer::builder("https://mcp.example.com")
        .issuer(Issuer::new("https://one.example/tenant"))
        .issuer(Issuer::new("https://two.example"))
        .scopes_supported(["a", "b"])
        .name("Files")
        .documentation("https://docs.example.com")
        .build()
        .unwrap();
    let documents = full.documents();
    let published = json!({
        "resource": "https://mcp.example.com",
        "authorization_servers": ["https://one.example/tenant", "https://two.example"],
        "scopes_supported": ["a", "b"], "bearer_methods_supported": ["header"],
        "resource_name": "Files", "resource_documentation": "https://docs.example.com",
    });
    assert_eq!(texts(&documents), [("/.well-known/oauth-protected-resource", published)]);
    assert_eq!(full.metadata_url(), "https://mcp.example.com/.well-known/oauth-protected-resource");
    let query = server("https://mcp.example.com/mcp?tenant=a");
    assert_eq!(
        query.metadata_url(),
        "https://mcp.example.com/.well-known/oauth-protected-resource/mcp?tenant=a"
    );
}

// AU-S-02: what to do, and the error only if a token came.
#[tokio::test]
async fn a_request_without_a_token_gets_a_challenge() {
    let server = server(RESOURCE);
    let metadata = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
    for values in [&[][..], &["Basic eDp5"], &["DPoP abc"]] {
        let denied = server.authenticate(RequestHead::new(&head("POST", values))).await.unwrap_err();
        assert_eq!(denied.status, 401, "{values:?}");
        assert_eq!(
            denied.challenges,
            [format!(r#"Bearer resource_metadata="{metadata}", scope="mcp:read""#)]
        );
    }
    let denied = server.authenticate(RequestHead::new(&head("POST", &["Bearer opaque"]))).await.unwrap_err();
    let wanted = format!(
        r#"Bearer error="invalid_token", error_description="the token cannot be read", resource_metadata="{metadata}", scope="mcp:read""#
    );
    assert_eq!((denied.status.as_u16(), &denied.challenges[..]), (401, &[wanted][..]));
    assert_eq!(denied.reason, "the token cannot be read");
}

// AU-S-03: 403 with everything that the request needs.
#[tokio::test]
async fn a_scope_that_is_missing_is_named_with_all_others() {
    let server = server(RESOURCE);
    let ada = Identity::new("ada").with_scopes(["mcp:read"]);
    let mut operation = Operation::new("tools/call");
    operation.name = Some("publish");
    let denied = server.permit(&ada, &operation).await.unwrap_err();
    let metadata = server.metadata_url();
    let wanted = format!(
        r#"Bearer error="insufficient_scope", scope="mcp:read mcp:write", resource_metadata="{metadata}""#
    );
    assert_eq!((denied.status.as_u16(), &denied.challenges[..]), (403, &[wanted][..]));
    operation.name = Some("echo");
    assert!(server.permit(&ada, &operation).await.is_ok());
    assert!(server.permit(&Identity::new("ada"), &operation).await.is_err());
}

// AU-S-04: headers that cannot be read are 400; the query is never read.
#[tokio::test]
async fn malformed_headers_are_refused() {
    let server = server(RESOURCE);
    let long = format!("Bearer {}", "a".repeat(17_000));
    let rows: [&[&str]; 8] = [
        &["Bearer a", "Bearer b"],
        &["Bearer"],
        &["Bearer "],
        &["Bearer a b"],
        &["Bearer a,b"],
        &["Bearer =a"],
        &["Bearer a\u{e9}"],
        &[&long],
    ];
    for values in rows {
        let denied = server.authenticate(RequestHead::new(&head("POST", values))).await.unwrap_err();
        assert_eq!(denied.status, 400, "{values:?}");
        assert!(denied.challenges[0].starts_with(r#"Bearer error="invalid_request""#));
    }
}

/// Settings that cannot be used are found at the start.
#[test]
fn settings_are_checked() {
    let build = |resource: &str, issuer: Option<Issuer>| {
        let builder = ResourceServer::builder(resource);
        let builder = match issuer {
            Some(issuer) => builder.issuer(issuer),
            None => builder,
        };
        builder.build().unwrap_err().to_string()
    };
    let good = || Issuer::new("https://as.test");
    assert!(build("mcp.example.com", Some(good())).starts_with("resource"));
    assert!(build("https://h/#a", Some(good())).starts_with("resource"));
    assert!(build(RESOURCE, None).starts_with("issuer"));
    assert!(build(RESOURCE, Some(Issuer::new("http://as.test"))).starts_with("issuer"));
    assert!(build(RESOURCE, Some(good().jwks("http://as.test/keys"))).starts_with("jwks"));
    assert!(build(RESOURCE, Some(good().algorithms([]))).starts_with("algorithms"));
}
