//! Verifying tokens against a set of public keys.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

use super::Algorithm;
use super::base64url::decode;

/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 16 << 10;
/// The most keys of a set.
const MOST_KEYS: usize = 100;

/// Why a token or a key set is refused. Repeats nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoseError {
    #[error("not a JWT in compact form")]
    Form,
    #[error("longer than {LONGEST_TOKEN} bytes")]
    TooLong,
    #[error("the header has critical extensions")]
    Critical,
    #[error("the algorithm is not allowed")]
    Algorithm,
    #[error("no key fits the token")]
    NoKey,
    #[error("the signature does not verify")]
    Signature,
    #[error("not a JSON Web Key Set")]
    KeySet,
}

/// The header of a token, as its sender wrote it.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default)]
    pub(crate) typ: Option<String>,
    #[serde(default)]
    pub(crate) kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// A token in compact form, taken apart. Nothing is verified yet.
pub(crate) struct Jws<'a> {
    header: Header,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    pub(crate) fn parse(token: &'a str) -> Result<Jws<'a>, JoseError> {
        if token.len() > LONGEST_TOKEN {
            return Err(JoseError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JoseError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Form)?;
        let part = |text| decode(text).ok_or(JoseError::Form);
        // A member that occurs twice is refused here.
        let header: Header = serde_json::from_slice(&part(header)?).map_err(|_| JoseError::Form)?;
        if header.crit.is_some() {
            return Err(JoseError::Critical);
        }
        Ok(Jws { header, signed, payload: part(payload)?, signature: part(signature)? })
    }

    /// The header. Not verified before [`Jws::verify`].
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The claims as the sender wrote them. They may only decide whose keys are used.
    pub(crate) fn unverified(&self) -> &[u8] {
        &self.payload
    }

    /// The claims, once a key of the set verifies the signature by one of the allowed algorithms.
    pub(crate) fn verify(&self, keys: &KeySet, allowed: &[Algorithm]) -> Result<&[u8], JoseError> {
        let algorithm = Algorithm::named(&self.header.alg).filter(|named| allowed.contains(named));
        let algorithm = algorithm.ok_or(JoseError::Algorithm)?;
        let mut fitting = keys.fitting(self.header.kid.as_deref(), algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(JoseError::NoKey);
        }
        let verified = fitting.any(|key| key.verifies(algorithm, self.signed.as_bytes(), &self.signature));
        if verified { Ok(&self.payload) } else { Err(JoseError::Signature) }
    }
}

/// The keys of an issuer.
#[derive(Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot be used here are skipped; keys beyond the hundredth too.
    pub(crate) fn parse(document: &[u8]) -> Result<KeySet, JoseError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(document).map_err(|_| JoseError::KeySet)?;
        let keys = document.keys.into_iter().take(MOST_KEYS);
        Ok(KeySet { keys: keys.filter_map(|key| Key::read(serde_json::from_value(key).ok()?)).collect() })
    }

    /// Whether a key has this id.
    pub(crate) fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// The keys with the id of the token, or all if it names none, that the algorithm can use.
    fn fitting(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let named = move |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
        self.keys.iter().filter(named).filter(move |key| key.fits(algorithm))
    }
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Debug)]
struct Key {
    kid: Option<String>,
    alg: Option<String>,
    public: Public,
}

#[derive(Debug)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Key {
    fn read(jwk: Jwk) -> Option<Key> {
        let signs = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|it| it == "verify"));
        let bytes = |member: &Option<String>| decode(member.as_deref()?);
        let point = |size: usize| {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            (x.len() == size && y.len() == size).then(|| [&[4][..], &x, &y].concat())
        };
        let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Public::Rsa { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
            ("EC", Some("P-256")) => Public::P256(point(32)?),
            ("EC", Some("P-384")) => Public::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Public::Ed25519(bytes(&jwk.x)?),
            _ => return None,
        };
        signs.then_some(Key { kid: jwk.kid, alg: jwk.alg, public })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Es256 => matches!(self.public, Public::P256(_)),
            Algorithm::Es384 => matches!(self.public, Public::P384(_)),
            Algorithm::EdDsa => matches!(self.public, Public::Ed25519(_)),
            _ => matches!(self.public, Public::Rsa { .. }),
        };
        // RFC 9864 names the curve: `Ed25519`.
        let named =
            |name: &str| name == algorithm.name() || (name == "Ed25519" && algorithm == Algorithm::EdDsa);
        kind && self.alg.as_deref().is_none_or(named)
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let plain = |kind: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(kind, key).verify(signed, signature).is_ok()
        };
        match &self.public {
            Public::P256(point) => plain(&ECDSA_P256_SHA256_FIXED, point),
            Public::P384(point) => plain(&ECDSA_P384_SHA384_FIXED, point),
            Public::Ed25519(point) => plain(&ED25519, point),
            Public::Rsa { n, e } => rsa(algorithm)
                .is_some_and(|kind| RsaPublicKeyComponents { n, e }.verify(kind, signed, signature).is_ok()),
        }
    }
}

/// ring refuses moduli below 2,048 bits by these.
fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
