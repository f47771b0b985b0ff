//! One login from its beginning to its end: calls, a step-up, a refresh, and the logout.

use std::time::Duration;

use mcp_auth::client::{CredentialStore, Key, MemoryStore, OAuthError, Stored, TokenRecord};
use mcp_http::{HttpError, Secret};

use super::{Browser, Server, call, connect, provider};

/// The tokens of an endpoint.
pub(super) async fn tokens(store: &MemoryStore, url: &str) -> Option<TokenRecord> {
    for key in store.keys().await.unwrap() {
        if let Key::Token { endpoint, .. } = &key
            && endpoint == url
            && let Some(Stored::Token(record)) = store.load(&key).await.unwrap()
        {
            return Some(record);
        }
    }
    None
}

/// The error of OAuth behind an error of a call.
pub(super) fn cause(error: &(dyn std::error::Error + 'static)) -> Option<OAuthError> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    for error in chain {
        if let Some(HttpError::Authorization(error)) = error.downcast_ref::<HttpError>() {
            return error.cause().downcast_ref::<OAuthError>().cloned();
        }
    }
    None
}

/// AU-C-20, AU-C-32, AU-C-42, AU-C-51, AU-X-05: with opaque tokens, with JWTs, and with bound tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_from_its_beginning_to_its_end() {
    for (format, dpop) in [("opaque", "0"), ("jwt", "0"), ("opaque", "1")] {
        let Some(server) = Server::start(&[("TOKEN_FORMAT", format), ("DPOP", dpop)]).await else { return };
        let (store, browser) = (MemoryStore::new(), Browser::new());
        let oauth = provider().store(store.clone()).interactive(browser.clone()).build();

        let client = connect(&oauth, &server.url).await.unwrap();
        assert_eq!(call(&client, "read").await.unwrap(), "read done");
        assert_eq!(browser.opened(), 1, "{format}");
        let first = tokens(&store, &server.url).await.unwrap();
        assert_eq!(first.dpop_key.is_some(), dpop == "1", "{format}");
        assert_eq!(first.scopes_granted, ["mcp:read"]);

        // The step-up asks for both scopes, so that `read` still works.
        assert_eq!(call(&client, "write").await.unwrap(), "write done");
        assert_eq!(call(&client, "read").await.unwrap(), "read done");
        assert_eq!(browser.opened(), 2, "{format}");

        // A refused token is refreshed, without the person.
        let current = tokens(&store, &server.url).await.unwrap();
        assert_eq!(current.scopes_granted, ["mcp:read", "mcp:write"]);
        if format == "opaque" {
            let mut broken = current.clone();
            broken.access_token = Some(Secret::from("refused"));
            store.save(&broken.key(), &Stored::Token(broken.clone())).await.unwrap();
            let again = provider().store(store.clone()).build();
            let client = connect(&again, &server.url).await.unwrap();
            assert_eq!(call(&client, "write").await.unwrap(), "write done");
            client.close().await;
            assert_eq!(server.granted("refresh_token").await, 1);
            let refreshed = tokens(&store, &server.url).await.unwrap();
            assert_ne!(refreshed.refresh_token, current.refresh_token, "it rotates");
        }

        // The logout revokes, and nothing that was stored works any more.
        let last = tokens(&store, &server.url).await.unwrap();
        let report = oauth.logout(&server.url, true).await.unwrap();
        assert!(report.removed && report.revoked && report.client_removed, "{report:?}");
        assert!(store.keys().await.unwrap().is_empty());
        client.close().await;
        store.save(&last.key(), &Stored::Token(last)).await.unwrap();
        let late = provider().store(store.clone()).build();
        if format == "opaque" {
            let error = connect(&late, &server.url).await.unwrap_err();
            assert!(matches!(cause(&error), Some(OAuthError::LoginNeeded { why: Some(_), .. })), "{error:?}");
            // The tokens are gone, and what was asked for is remembered.
            let kept = tokens(&store, &server.url).await.unwrap();
            assert!(kept.access_token.is_none() && kept.refresh_token.is_none());
            assert_eq!(kept.scopes_asked, ["mcp:read", "offline_access", "mcp:write"]);
        }
        let errors = server.stats().await["errors"].clone();
        let expected = if format == "opaque" { 1 } else { 0 };
        assert_eq!(errors.as_array().unwrap().len(), expected, "{errors}");
    }
}

/// AU-C-56: no browser inside of a request unless the application asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_person_a_login_is_needed() {
    let Some(server) = Server::start(&[]).await else { return };
    let oauth = provider().build();
    let error = connect(&oauth, &server.url).await.unwrap_err();
    assert!(matches!(cause(&error), Some(OAuthError::LoginNeeded { why: None, .. })), "{error:?}");
    assert!(oauth.access_token(&server.url, Duration::ZERO).await.unwrap_err().is_login_needed());

    let browser = Browser::new();
    let status = oauth.login(&server.url, browser.clone()).await.unwrap();
    assert_eq!(
        (status.scopes.as_slice(), status.valid, status.refreshable),
        (&["mcp:read".to_owned()][..], true, true)
    );
    let client = connect(&oauth, &server.url).await.unwrap();
    assert_eq!(call(&client, "read").await.unwrap(), "read done");
    // The token lacks a scope, and that is said.
    let error = call(&client, "write").await.unwrap_err();
    assert!(cause(&error).unwrap().to_string().contains("mcp:write"), "{error:?}");
    client.close().await;

    // The application names the scopes itself; the registration is used again.
    let scopes = ["mcp:write".to_owned(), "mcp:read".to_owned()];
    let status = oauth.login_for(&server.url, browser.clone(), &scopes).await.unwrap();
    assert_eq!(status.scopes.len(), 2, "{status:?}");
    assert_eq!(browser.opened(), 2);
}
