//! Signed JSON (JWS, JWK and JWT) on ring.
