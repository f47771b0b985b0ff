//! Proofs of possession (DPoP, RFC 9449): keys, proofs and nonces.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use mcp_http::Secret;
use serde_json::{Map, Value, json};

use super::error::OAuthError;
use super::pkce;
use super::record::seconds;
use crate::jose::{self, Algorithm, KeyError, SigningKey};
use crate::lock::Lock;

/// The algorithm of proofs.
pub(crate) const ALGORITHM: &str = "ES256";
/// The most origins whose nonces are kept.
const MOST_NONCES: usize = 64;
/// The longest nonce that is kept, in bytes.
const LONGEST_NONCE: usize = 1024;

/// A key that tokens are bound to.
pub(crate) struct ProofKey {
    key: SigningKey,
    jwk: Value,
    stored: Secret,
}

impl ProofKey {
    pub(crate) fn generate() -> Result<ProofKey, OAuthError> {
        ProofKey::read(&SigningKey::generate_p256().map_err(unusable)?)
    }

    /// The key of a stored record.
    pub(crate) fn from_stored(stored: &Secret) -> Result<ProofKey, OAuthError> {
        let der = jose::decode(stored.expose()).map(zeroize::Zeroizing::new);
        ProofKey::read(&der.ok_or_else(|| unusable(KeyError::Unfit))?)
    }

    fn read(der: &[u8]) -> Result<ProofKey, OAuthError> {
        let key = SigningKey::from_pkcs8(der, Algorithm::Es256).map_err(unusable)?;
        let jwk = key.public_jwk().ok_or_else(|| unusable(KeyError::Unfit))?;
        Ok(ProofKey { key, jwk, stored: Secret::from(jose::encode(der)) })
    }

    /// For a stored record.
    pub(crate) fn stored(&self) -> &Secret {
        &self.stored
    }

    /// A proof for one request. The URL is without query and fragment. With a token, the proof is bound to it.
    // AU-X-05: each proof has its own id.
    #[expect(
        clippy::indexing_slicing,
        reason = "the claims are an object, to which an assignment adds a member"
    )]
    pub(crate) fn proof(
        &self,
        method: &str,
        url: &str,
        now: SystemTime,
        nonce: Option<&str>,
        token: Option<&Secret>,
    ) -> Result<Secret, OAuthError> {
        let mut header = Map::new();
        header.insert("typ".to_owned(), "dpop+jwt".into());
        header.insert("jwk".to_owned(), self.jwk.clone());
        let mut claims = json!({
            "jti": pkce::random()?.expose(), "htm": method, "htu": url, "iat": seconds(now),
        });
        if let Some(token) = token {
            claims["ath"] = jose::sha256(token.expose()).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        self.key.sign(header, &claims).map(Secret::from).map_err(unusable)
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey")
    }
}

fn unusable(error: KeyError) -> OAuthError {
    OAuthError::setting("DPoP key", error.to_string())
}

/// The newest nonce of each origin.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Lock<BTreeMap<String, String>>);

impl Nonces {
    pub(crate) fn get(&self, origin: &str) -> Option<String> {
        self.0.lock().get(origin).cloned()
    }

    /// Keeps the nonce of an answer. `true` if it is another than before.
    pub(crate) fn learn(&self, origin: &str, headers: &http::HeaderMap) -> bool {
        let nonce = headers.get("dpop-nonce").and_then(|value| value.to_str().ok());
        let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty() && nonce.len() <= LONGEST_NONCE) else {
            return false;
        };
        let mut nonces = self.0.lock();
        if nonces.len() >= MOST_NONCES && !nonces.contains_key(origin) {
            nonces.clear();
        }
        nonces.insert(origin.to_owned(), nonce.to_owned()).as_deref() != Some(nonce)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::jose::{Jws, KeySet};

    // AU-X-05.
    #[test]
    fn a_proof_says_what_it_is_for() {
        let key = ProofKey::from_stored(ProofKey::generate().unwrap().stored()).unwrap();
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(7);
        let token = Secret::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        let prove = || key.proof("POST", "https://a.example/mcp", now, Some("n"), Some(&token)).unwrap();
        let proof = prove();
        let keys = KeySet::parse(json!({"keys": [key.jwk]}).to_string().as_bytes()).unwrap();
        let jws = Jws::parse(proof.expose()).unwrap();
        assert_eq!(jws.header().typ.as_deref(), Some("dpop+jwt"));
        let claims: Value = serde_json::from_slice(jws.verify(&keys, &[Algorithm::Es256]).unwrap()).unwrap();
        assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!("https://a.example/mcp")));
        assert_eq!((&claims["iat"], &claims["nonce"]), (&json!(7), &json!("n")));
        // RFC 9449, section 7.1.
        assert_eq!(claims["ath"], json!("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));
        assert!(key.jwk.get("d").is_none());
        // The signature differs each time, so that the proofs themselves prove nothing.
        let again = prove();
        let again: Value = serde_json::from_slice(Jws::parse(again.expose()).unwrap().unverified()).unwrap();
        assert!(claims["jti"].as_str().is_some_and(|id| id.len() == 43));
        assert_ne!(again["jti"], claims["jti"], "a repeated proof is a replay");
    }

    #[test]
    fn the_newest_nonce_of_each_origin() {
        let nonces = Nonces::default();
        let headers =
            |nonce: &str| HeaderMap::from_iter([("dpop-nonce".parse().unwrap(), nonce.parse().unwrap())]);
        assert!(nonces.learn("a", &headers("1")) && nonces.learn("b", &headers("1")));
        assert!(!nonces.learn("a", &headers("1")) && nonces.learn("a", &headers("2")));
        assert!(!nonces.learn("a", &HeaderMap::new()));
        assert_eq!((nonces.get("a").as_deref(), nonces.get("b").as_deref()), (Some("2"), Some("1")));
    }
}
