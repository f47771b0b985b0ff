//! Random texts of a login: the verifier of PKCE, states and ids.

use mcp_http::Secret;
use zeroize::Zeroizing;

use super::error::OAuthError;
use crate::jose;

/// A verifier, from which the challenge is made.
#[derive(Clone, Debug)]
pub(crate) struct Verifier(Secret);

impl Verifier {
    // AU-C-29: 43 characters.
    pub(crate) fn new() -> Result<Verifier, OAuthError> {
        random().map(Verifier)
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0
    }

    /// The challenge by S256 (RFC 7636, section 4.2).
    pub(crate) fn challenge(&self) -> String {
        jose::sha256(self.0.expose())
    }
}

/// 32 random bytes in base64url.
///
/// # Errors
///
/// The operating system has no random numbers.
pub(crate) fn random() -> Result<Secret, OAuthError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| OAuthError::setting("random numbers", error.to_string()))?;
    Ok(Secret::from(jose::encode(&*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_vector_of_the_rfc() {
        let verifier = Verifier(Secret::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    // AU-C-29.
    #[test]
    fn verifiers_are_long_and_differ() {
        let (one, other) = (Verifier::new().unwrap(), Verifier::new().unwrap());
        assert_eq!(one.secret().expose().len(), 43);
        assert_ne!(one.secret(), other.secret());
    }
}
