//! Step-ups that lead nowhere, and refreshes that another process has overtaken.

use std::time::Duration;

use futures::FutureExt;
use http::StatusCode;
use mcp_http::net::Again;
use serde_json::json;

use super::site::{Agreeing, Site};
use crate::client::record::{Stored, TokenRecord};
use crate::client::store::tests::token;
use crate::client::{CredentialStore, Grant, MemoryStore, OAuth, OAuthError, Redirect};

const MORE: &str = "Bearer error=\"insufficient_scope\", scope=\"w\"";

fn provider(store: MemoryStore, person: Agreeing) -> OAuth {
    let grant = Grant::AuthorizationCode(Redirect::url("https://app.example/cb"));
    OAuth::builder().grant(grant).store(store).interactive(person).build()
}

/// A login for the scope `a`, at a server that always grants these scopes.
async fn logged_in(granted: &'static str) -> (Site, OAuth, Agreeing) {
    let site = Site::start(move |_| (200, json!({"token_type": "Bearer", "scope": granted})));
    let (site, person) = (site.await, Agreeing::default());
    let oauth = provider(MemoryStore::new(), person.clone());
    let challenged = site.refuses(&oauth, StatusCode::UNAUTHORIZED, "Bearer scope=\"a\"").await;
    assert_eq!(challenged.unwrap(), Again::Yes);
    site.accepts(&oauth);
    assert_eq!((person.opened(), person.last()), (1, vec!["a".to_owned()]));
    (site, oauth, person)
}

// AU-C-42, AU-C-43: a token that has the scopes is not replaced because of a refusal that names them.
#[tokio::test]
async fn a_step_up_asks_for_the_union_once() {
    let (site, oauth, person) = logged_in("a w").await;
    let refused = site.refuses(&oauth, StatusCode::FORBIDDEN, MORE).await;
    assert_eq!(refused.unwrap(), Again::Yes);
    assert_eq!((person.opened(), person.last()), (2, vec!["a".to_owned(), "w".to_owned()]));
    for _ in 0..3 {
        site.accepts(&oauth);
        let error = site.refuses(&oauth, StatusCode::FORBIDDEN, MORE).await.unwrap_err();
        assert!(matches!(error, OAuthError::InsufficientScope { .. }), "{error:?}");
    }
    assert_eq!(person.opened(), 2);
}

// AU-C-43: a server that never grants the scope is asked again only after it has accepted the token for something else, and three
// times at most.
#[tokio::test]
async fn step_ups_are_given_up() {
    let (site, oauth, person) = logged_in("a").await;
    for opened in [2, 2, 2] {
        let error = site.refuses(&oauth, StatusCode::FORBIDDEN, MORE).await.unwrap_err();
        let OAuthError::InsufficientScope { needed, granted } = &error else { panic!("{error:?}") };
        assert_eq!((needed.join(" "), granted.join(" ")), ("w".to_owned(), "a".to_owned()));
        assert_eq!(person.opened(), opened);
    }
    for opened in [3, 4, 4, 4] {
        site.accepts(&oauth);
        let error = site.refuses(&oauth, StatusCode::FORBIDDEN, MORE).await.unwrap_err();
        assert!(matches!(error, OAuthError::InsufficientScope { .. }), "{error:?}");
        assert_eq!(person.opened(), opened);
    }
    // A challenge without scopes leads to no login at all.
    let nothing = "Bearer error=\"insufficient_scope\"";
    assert!(site.refuses(&oauth, StatusCode::FORBIDDEN, nothing).await.is_err());
    assert_eq!(person.opened(), 4);
}

/// A record of this site whose access token has expired.
fn expired(site: &Site, refresh: &str) -> TokenRecord {
    let base = site.url.trim_end_matches("/mcp");
    TokenRecord {
        endpoint: site.url.clone(),
        issuer: base.to_owned(),
        token_endpoint: format!("{base}/token"),
        obtained: 0,
        expires: Some(1),
        ..token("old", refresh)
    }
}

// AU-C-54: another process, which does not know our lock, has used the refresh token and saved what it got.
#[tokio::test]
async fn tokens_that_another_process_saved_are_kept() {
    for overtaken in [true, false] {
        let store = MemoryStore::new();
        let (other, saved) = (store.clone(), std::sync::Arc::new(std::sync::OnceLock::<TokenRecord>::new()));
        let new = saved.clone();
        let site = Site::start(move |form| {
            assert!(form.contains("refresh_token=r1"), "{form}");
            if let Some(new) = new.get() {
                other.save(&new.key(), &Stored::Token(new.clone())).now_or_never().unwrap().unwrap();
            }
            (400, json!({"error": "invalid_grant"}))
        });
        let site = site.await;
        let old = expired(&site, "r1");
        let fresh = TokenRecord { expires: None, ..expired(&site, "r2") };
        let fresh = TokenRecord { access_token: Some("new".into()), ..fresh };
        if overtaken {
            saved.set(fresh.clone()).unwrap();
        }
        store.save(&old.key(), &Stored::Token(old.clone())).await.unwrap();
        let oauth = OAuth::builder().store(store.clone()).build();
        let outcome = oauth.access_token(&site.url, Duration::ZERO).await;
        assert_eq!(site.asked(), 1);
        let Some(Stored::Token(kept)) = store.load(&old.key()).await.unwrap() else { panic!("removed") };
        if overtaken {
            assert_eq!(outcome.unwrap().expose(), "new");
            assert_eq!(kept, fresh);
        } else {
            let error = outcome.unwrap_err();
            assert!(matches!(&error, OAuthError::LoginNeeded { why: Some(_), .. }), "{error:?}");
            assert_eq!(
                (kept.access_token, kept.refresh_token, kept.scopes_asked),
                (None, None, old.scopes_asked)
            );
        }
    }
}
