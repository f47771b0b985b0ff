//! The stores: what they promise, and files that are refused.

use std::time::{Duration, SystemTime};

use mcp_http::Secret;

use super::*;
use crate::client::record::{ClientRecord, TokenRecord, millis};

pub(crate) fn token(access: &str, refresh: &str) -> TokenRecord {
    let now = SystemTime::now();
    TokenRecord {
        endpoint: "https://a.example/mcp?tenant=1".to_owned(),
        profile: "default".to_owned(),
        issuer: "https://as.example".to_owned(),
        resource: Some("https://a.example/mcp".to_owned()),
        client_id: "id".to_owned(),
        grant: "authorization_code".to_owned(),
        access_token: Some(Secret::from(access)),
        token_type: "Bearer".to_owned(),
        refresh_token: Some(Secret::from(refresh)),
        obtained: millis(now),
        expires: Some(millis(now + Duration::from_secs(60))),
        scopes_asked: vec!["a".to_owned()],
        scopes_granted: vec!["a".to_owned()],
        token_endpoint: "https://as.example/token".to_owned(),
        revocation_endpoint: None,
        auth_methods: None,
        metadata_read: None,
        dpop_key: None,
    }
}

fn client() -> ClientRecord {
    ClientRecord {
        issuer: "https://as.example".to_owned(),
        client_id: "id".to_owned(),
        secret: Some(Secret::from("canary-secret")),
        auth_method: None,
        redirect_uri: Some("http://127.0.0.1:7/callback".to_owned()),
        secret_expires: None,
    }
}

async fn promises(store: &dyn CredentialStore) {
    let (one, other) = (Stored::Token(token("a", "r")), Stored::Token(token("b", "s")));
    let key = token("a", "r").key();
    let at = Key::Client { issuer: client().issuer };
    assert_eq!(store.load(&key).await.unwrap(), None);
    assert!(store.keys().await.unwrap().is_empty());
    store.save(&key, &one).await.unwrap();
    store.save(&at, &Stored::Client(client())).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap(), Some(one.clone()));
    assert_eq!(store.load(&at).await.unwrap(), Some(Stored::Client(client())));
    assert_eq!(store.keys().await.unwrap(), [at.clone(), key.clone()]);
    store.save(&key, &other).await.unwrap();
    assert!(!store.remove_if(&key, &one).await.unwrap(), "another token is there by now");
    assert_eq!(store.load(&key).await.unwrap(), Some(other.clone()));
    assert!(store.remove_if(&key, &other).await.unwrap());
    assert_eq!(store.load(&key).await.unwrap(), None);
}

// AU-C-53.
async fn excludes(store: &dyn CredentialStore) {
    let key = token("a", "r").key();
    let held = store.lock(&key).await.unwrap();
    let mut second = Box::pin(store.lock(&key));
    let early = tokio::time::timeout(Duration::from_secs(1), &mut second).await;
    assert!(early.is_err(), "two hold the lock");
    drop(held);
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_memory_store() {
    promises(&MemoryStore::new()).await;
    excludes(&MemoryStore::new()).await;
}

#[tokio::test]
async fn the_file_store() {
    let folder = tempfile::tempdir().unwrap();
    promises(&FileStore::new(folder.path().join("x/auth"))).await;
}

#[tokio::test(start_paused = true)]
async fn the_file_store_excludes_across_handles() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("auth"));
    excludes(&store).await;
    // AU-C-53: an error after 30 seconds, not a hang.
    let key = token("a", "r").key();
    let _held = store.lock(&key).await.unwrap();
    let error = FileStore::new(folder.path().join("auth")).lock(&key).await.unwrap_err();
    assert!(error.to_string().contains("was locked by another process for 30 s"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_and_others_are_refused() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("auth"));
    let (key, record) = (token("a", "r").key(), Stored::Token(token("a", "r")));
    store.save(&key, &record).await.unwrap();
    let path = std::path::PathBuf::from(store.location(&key).unwrap());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(store.folder())), (0o600, 0o700));
    assert!(!path.to_string_lossy().contains("a.example"), "a URL is not in the name");
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 1, "no leftovers");

    let refused = async |what: &str| {
        let error = store.load(&key).await.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    refused("chmod 600").await;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    refused("has version 2").await;
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    refused("not a credential file").await;
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
    refused("not a regular file").await;
}

// AU-C-74.
#[test]
fn records_show_no_secret() {
    let shown = format!("{:?} {:?}", token("canary-access", "canary-refresh"), Stored::Client(client()));
    assert!(!shown.contains("canary"), "{shown}");
}
