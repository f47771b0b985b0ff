//! Signing with a private key: client assertions and DPoP proofs.

use base64ct::{Base64, Encoding};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Algorithm, encode};

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("the private key is not PEM")]
    NotPem,
    #[error("the private key is in SEC1 form; convert it to PKCS#8 with `openssl pkcs8 -topk8 -nocrypt`")]
    Sec1,
    #[error("the private key is encrypted")]
    Encrypted,
    #[error("the private key does not fit the algorithm")]
    Unfit,
    #[error("signing failed")]
    Signing,
}

/// A private key with the algorithm that it signs by.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Reads a key in PEM: PKCS#8, or PKCS#1 for RSA.
    pub(crate) fn from_pem(pem: &str, algorithm: Algorithm) -> Result<SigningKey, KeyError> {
        let (label, der) = read_pem(pem)?;
        match label {
            "EC PRIVATE KEY" => Err(KeyError::Sec1),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
            "RSA PRIVATE KEY" => {
                let pair = RsaKeyPair::from_der(&der).map_err(|_| KeyError::Unfit)?;
                if is_rsa(algorithm) {
                    Ok(SigningKey { algorithm, pair: Pair::Rsa(pair) })
                } else {
                    Err(KeyError::Unfit)
                }
            }
            _ => SigningKey::from_pkcs8(&der, algorithm),
        }
    }

    /// Reads a key in PKCS#8.
    pub(crate) fn from_pkcs8(der: &[u8], algorithm: Algorithm) -> Result<SigningKey, KeyError> {
        let ecdsa = |kind| EcdsaKeyPair::from_pkcs8(kind, der, &SystemRandom::new()).map(Pair::Ecdsa);
        let pair = match algorithm {
            Algorithm::Es256 => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Pair::Ed25519),
            _ => RsaKeyPair::from_pkcs8(der).map(Pair::Rsa),
        };
        Ok(SigningKey { algorithm, pair: pair.map_err(|_| KeyError::Unfit)? })
    }

    /// A new key on P-256, in PKCS#8.
    pub(crate) fn generate_p256() -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new());
        document.map(|document| Zeroizing::new(document.as_ref().to_vec())).map_err(|_| KeyError::Signing)
    }

    /// The public half as a JWK, with the members that a thumbprint has. `None` for RSA.
    pub(crate) fn public_jwk(&self) -> Option<Value> {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                // An uncompressed point: 4, x, y.
                let point = pair.public_key().as_ref().get(1..)?;
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if self.algorithm == Algorithm::Es256 { "P-256" } else { "P-384" };
                Some(json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) }))
            }
            Pair::Ed25519(pair) => {
                Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }))
            }
            Pair::Rsa(_) => None,
        }
    }

    /// A JWS in compact form. `alg` is added to the header.
    pub(crate) fn sign(&self, mut header: Map<String, Value>, claims: &Value) -> Result<String, KeyError> {
        header.insert("alg".to_owned(), self.algorithm.name().into());
        let header = encode(Value::Object(header).to_string().as_bytes());
        let mut token = format!("{header}.{}", encode(claims.to_string().as_bytes()));
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        token.push_str(&encode(&signature));
        Ok(token)
    }

    fn signature(&self, input: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let rsa = |pair: &RsaKeyPair, padding| {
            let mut out = vec![0; pair.public().modulus_len()];
            pair.sign(padding, &random, input, &mut out).map(|()| out).map_err(|_| KeyError::Signing)
        };
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let signed = pair.sign(&random, input).map_err(|_| KeyError::Signing)?;
                Ok(signed.as_ref().to_vec())
            }
            Pair::Ed25519(pair) => Ok(pair.sign(input).as_ref().to_vec()),
            Pair::Rsa(pair) => match self.algorithm {
                Algorithm::Rs256 => rsa(pair, &signature::RSA_PKCS1_SHA256),
                Algorithm::Rs384 => rsa(pair, &signature::RSA_PKCS1_SHA384),
                Algorithm::Rs512 => rsa(pair, &signature::RSA_PKCS1_SHA512),
                Algorithm::Ps256 => rsa(pair, &signature::RSA_PSS_SHA256),
                Algorithm::Ps384 => rsa(pair, &signature::RSA_PSS_SHA384),
                Algorithm::Ps512 => rsa(pair, &signature::RSA_PSS_SHA512),
                _ => Err(KeyError::Unfit),
            },
        }
    }
}

fn is_rsa(algorithm: Algorithm) -> bool {
    !matches!(algorithm, Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa)
}

/// The label and the bytes of the first PEM block.
fn read_pem(text: &str) -> Result<(&str, Zeroizing<Vec<u8>>), KeyError> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyError::NotPem)?;
    let (label, rest) = rest.split_once("-----").ok_or(KeyError::NotPem)?;
    let (body, _) = rest.split_once("-----END ").ok_or(KeyError::NotPem)?;
    let body: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let der = Base64::decode_vec(&body).map_err(|_| KeyError::NotPem)?;
    Ok((label, Zeroizing::new(der)))
}
