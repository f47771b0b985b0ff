//! Secrets of a whole login appear in no log, no error and no `Debug`.

use mcp_auth::client::{MemoryStore, OAuthError, Registration};

use super::life::{cause, tokens};
use super::{Browser, Server, call, connect, provider};
use crate::http_faults::log::Log;

/// AU-C-74: tokens, codes, states, verifiers, the client's secret and the key of bound tokens.
#[tokio::test]
async fn no_secret_is_shown() {
    let log = Log::default();
    // For all threads: callsites that other tests met first are not heard by a subscriber of one thread.
    let _set_by_another_test = tracing::subscriber::set_global_default(log.clone());
    for dpop in ["0", "1"] {
        flow(&log, dpop).await;
    }
}

async fn flow(log: &Log, dpop: &str) {
    let Some(server) = Server::start(&[("DPOP", dpop)]).await else { return };
    let (store, browser) = (MemoryStore::new(), Browser::new());
    let oauth = provider().store(store.clone()).interactive(browser.clone()).build();
    let client = connect(&oauth, &server.url).await.unwrap();
    call(&client, "write").await.unwrap();
    let record = tokens(&store, &server.url).await.unwrap();
    let mut shown = vec![format!("{oauth:?} {record:?} {client:?}")];
    let resource = oauth.resource(&server.url).unwrap();
    shown.push(format!("{resource:?} {:?}", oauth.status(&server.url).await.unwrap()));

    // Errors: a client that is unknown there, and one with a secret.
    let wrong = Registration::preregistered("nobody").secret("canary-client-secret");
    let other = provider().client(wrong.clone()).build();
    shown.push(format!("{other:?} {wrong:?}"));
    let error = connect(&other, &server.url).await.unwrap_err();
    shown.push(format!("{error} {error:?} {:?}", cause(&error)));
    // The login is refused by the server, so the wait is cut short.
    let other = provider().client(wrong).login_timeout(std::time::Duration::from_millis(200)).build();
    let error: OAuthError = other.login(&server.url, browser.clone()).await.unwrap_err();
    shown.push(format!("{error} {error:?}"));
    shown.push(format!("{:?}", oauth.logout(&server.url, true).await.unwrap()));
    client.close().await;
    shown.push(log.text());
    assert!(log.text().contains("asking an authorization server"), "the log is deaf: {}", log.text());

    let bound = record.dpop_key.is_some();
    assert_eq!(bound, dpop == "1");
    let secrets = [record.access_token, record.refresh_token, record.dpop_key].into_iter().flatten();
    let mut canaries: Vec<String> = secrets.map(|secret| secret.expose().to_owned()).collect();
    canaries.push("canary-client-secret".to_owned());
    let verifiers = server.stats().await["verifiers"].as_array().unwrap().clone();
    assert_eq!(verifiers.len(), 2, "a login and a step-up");
    canaries.extend(verifiers.iter().map(|verifier| verifier.as_str().unwrap().to_owned()));
    for query in browser.seen.lock().unwrap().iter() {
        let secret = |pair: &&str| ["code=", "state="].iter().any(|name| pair.starts_with(name));
        let values = query.split('&').filter(secret).filter_map(|pair| pair.split_once('='));
        canaries.extend(values.map(|(_, value)| value.to_owned()));
    }
    assert!(canaries.len() >= 7 + usize::from(bound), "{}", canaries.len());
    for (canary, text) in canaries.iter().flat_map(|canary| shown.iter().map(move |text| (canary, text))) {
        assert!(!text.contains(canary.as_str()), "{canary} is in {text}");
    }
}
