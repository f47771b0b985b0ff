//! Many requests at once: one refresh, one login.

use futures::future::join_all;
use mcp_auth::client::{CredentialStore, MemoryStore, OAuth, OAuthError, Stored};
use mcp_core::transport::async_trait;
use mcp_http::Secret;
use mcp_http::http::{Method, StatusCode, Uri};
use mcp_http::net::{Again, Authorize, Challenge, RequestInfo};

use super::life::tokens;
use super::{Browser, Server, call, connect, provider};

const CROWD: usize = 200;

/// AU-C-52: refused tokens and expired tokens are refreshed once.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_refresh_once() {
    let Some(server) = Server::start(&[]).await else { return };
    let store = MemoryStore::new();
    let oauth = provider().store(store.clone()).build();
    oauth.login(&server.url, Browser::new()).await.unwrap();
    let client = connect(&oauth, &server.url).await.unwrap();
    for (number, expires) in [(1, None), (2, Some(1))] {
        // The server refuses it, or it is past its time.
        let mut broken = tokens(&store, &server.url).await.unwrap();
        broken.access_token = Some(Secret::from("refused"));
        broken.expires = expires.or(broken.expires);
        store.save(&broken.key(), &Stored::Token(broken.clone())).await.unwrap();
        // Reads the store.
        oauth.status(&server.url).await.unwrap();
        let answers = join_all((0..CROWD).map(|_| call(&client, "read"))).await;
        for answer in answers {
            assert_eq!(answer.unwrap(), "read done");
        }
        assert_eq!(server.granted("refresh_token").await, number);
    }
    client.close().await;
    assert_eq!(server.stats().await["errors"].as_array().unwrap().len(), 0);
}

/// D4: one browser for all, or none.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_log_in_once_or_never() {
    let Some(server) = Server::start(&[]).await else { return };
    let browser = Browser::new();
    let (with, without) = (provider().interactive(browser.clone()).build(), provider().build());
    for outcome in challenge(&with, &server.url).await {
        assert_eq!(outcome.unwrap(), Again::Yes);
    }
    assert_eq!(browser.opened(), 1);
    for outcome in challenge(&without, &server.url).await {
        let error = outcome.unwrap_err();
        let error = error.cause().downcast_ref::<OAuthError>().unwrap();
        assert!(error.is_login_needed(), "{error}");
    }
    assert_eq!(server.stats().await["authorizations"], 1);
}

/// All of them are refused at once, before the first login has ended.
async fn challenge(oauth: &OAuth, url: &str) -> Vec<Result<Again, mcp_http::net::AuthError>> {
    let (method, uri) = (Method::POST, url.parse::<Uri>().unwrap());
    let challenge = Challenge::new(StatusCode::UNAUTHORIZED, &RequestInfo::new(&method, &uri));
    let resource = oauth.resource(url).unwrap();
    join_all((0..CROWD).map(|_| resource.challenged(&challenge))).await
}

/// AU-C-55: a store that cannot be written to does not end the call.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_does_not_end_a_call() {
    struct ReadOnly(MemoryStore);

    #[async_trait]
    impl CredentialStore for ReadOnly {
        async fn load(
            &self,
            key: &mcp_auth::client::Key,
        ) -> Result<Option<Stored>, mcp_auth::client::StoreError> {
            self.0.load(key).await
        }
        async fn save(
            &self,
            _: &mcp_auth::client::Key,
            _: &Stored,
        ) -> Result<(), mcp_auth::client::StoreError> {
            Err(mcp_auth::client::StoreError::new("read-only"))
        }
        async fn remove_if(
            &self,
            _: &mcp_auth::client::Key,
            _: &Stored,
        ) -> Result<bool, mcp_auth::client::StoreError> {
            Err(mcp_auth::client::StoreError::new("read-only"))
        }
        async fn lock(
            &self,
            key: &mcp_auth::client::Key,
        ) -> Result<mcp_auth::client::StoreLock, mcp_auth::client::StoreError> {
            self.0.lock(key).await
        }
        async fn keys(&self) -> Result<Vec<mcp_auth::client::Key>, mcp_auth::client::StoreError> {
            self.0.keys().await
        }
    }

    let Some(server) = Server::start(&[]).await else { return };
    let oauth = provider().store(ReadOnly(MemoryStore::new())).interactive(Browser::new()).build();
    let client = connect(&oauth, &server.url).await.unwrap();
    assert_eq!(call(&client, "read").await.unwrap(), "read done");
    client.close().await;
}
