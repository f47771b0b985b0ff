//! Vectors of RFC 7515, RFC 8037, and tokens that must be refused.

use serde_json::{Map, json};

use super::*;

const PAYLOAD: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const P256: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
const RSA: &str = r#"{"keys":[{"kty":"RSA","kid":"a","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}"#;
const ED25519: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn es256() -> String {
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{signature}")
}

fn rs256() -> String {
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{signature}")
}

fn verify(token: &str, keys: &str, allowed: &[Algorithm]) -> Result<Vec<u8>, JoseError> {
    let jws = Jws::parse(token)?;
    let keys = KeySet::parse(keys.as_bytes())?;
    jws.verify(&keys, allowed).map(<[u8]>::to_vec)
}

/// RFC 7515, appendices A.2 and A.3, and RFC 8037, appendix A.4.
#[test]
fn vectors_of_the_rfcs_verify() {
    assert!(verify(&rs256(), RSA, &[Algorithm::Rs256]).is_ok());
    assert!(verify(&es256(), P256, &[Algorithm::Es256]).is_ok());
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let token = format!("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.{signature}");
    assert_eq!(verify(&token, ED25519, &[Algorithm::EdDsa]).unwrap(), b"Example of Ed25519 signing");
}

// AU-S-05.
#[test]
fn tokens_that_must_be_refused() {
    let all = Algorithm::ALL;
    let header = |text: &str| encode(text.as_bytes());
    let forged = |text: &str| format!("{}.{PAYLOAD}.AAAA", header(text));
    let rows: Vec<(String, &str, &[Algorithm], JoseError)> = vec![
        (rs256(), RSA, &[Algorithm::Es256], JoseError::Algorithm),
        (forged(r#"{"alg":"none"}"#), RSA, &all, JoseError::Algorithm),
        (forged(r#"{"alg":"HS256"}"#), RSA, &all, JoseError::Algorithm),
        (forged(r#"{"alg":"rs256"}"#), RSA, &all, JoseError::Algorithm),
        (forged(r#"{"alg":"RS256","crit":["exp"],"exp":1}"#), RSA, &all, JoseError::Critical),
        (forged(r#"{"alg":"RS256","alg":"ES256"}"#), RSA, &all, JoseError::Form),
        (forged(r#"{"alg":"RS256","kid":"b"}"#), RSA, &all, JoseError::NoKey),
        (forged(r#"{"alg":"RS256","kid":"a"}"#), RSA, &all, JoseError::Signature),
        (forged(r#"{"alg":"ES256"}"#), RSA, &all, JoseError::NoKey),
        (es256(), ED25519, &all, JoseError::NoKey),
        (es256().replace("DtEh", "DtEi"), P256, &all, JoseError::Signature),
        (format!("{}=", es256()), P256, &all, JoseError::Form),
        ("a.b".to_owned(), P256, &all, JoseError::Form),
        (String::new(), P256, &all, JoseError::Form),
        ("a".repeat(20_000), P256, &all, JoseError::TooLong),
        (es256(), "[]", &all, JoseError::KeySet),
    ];
    for (token, keys, allowed, expected) in rows {
        assert_eq!(verify(&token, keys, allowed).unwrap_err(), expected, "{token}");
    }
}

/// A key for encryption, for another algorithm or of another form is not used.
#[test]
fn keys_that_do_not_fit_are_skipped() {
    for (from, to) in [
        (r#""kty":"EC","#, r#""kty":"EC","use":"enc","#),
        (r#""kty":"EC","#, r#""kty":"EC","alg":"ES384","#),
        (r#""kty":"EC","#, r#""kty":"EC","key_ops":["sign"],"#),
        (r#""crv":"P-256""#, r#""crv":"P-384""#),
        (r#""kty":"EC""#, r#""kty":"oct""#),
    ] {
        let keys = P256.replace(from, to);
        assert_eq!(verify(&es256(), &keys, &Algorithm::ALL).unwrap_err(), JoseError::NoKey, "{to}");
    }
    let keys = P256.replace(r#"{"keys":["#, r#"{"keys":[{"kty":"new"},7,"#);
    assert!(verify(&es256(), &keys, &Algorithm::ALL).is_ok());
}

#[cfg(feature = "client")]
#[test]
fn what_is_signed_verifies() {
    let key = SigningKey::generate_p256().unwrap();
    let key = SigningKey::from_pkcs8(&key, Algorithm::Es256).unwrap();
    let token = key.sign(Map::new(), &json!({"a": 1})).unwrap();
    let keys = json!({"keys": [key.public_jwk().unwrap()]}).to_string();
    assert_eq!(verify(&token, &keys, &[Algorithm::Es256]).unwrap(), br#"{"a":1}"#);
}

#[cfg(feature = "client")]
#[test]
fn keys_that_cannot_sign() {
    let key = SigningKey::generate_p256().unwrap();
    assert_eq!(SigningKey::from_pkcs8(&key, Algorithm::Rs256).err(), Some(KeyError::Unfit));
    for (pem, expected) in [
        ("", KeyError::NotPem),
        ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", KeyError::NotPem),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", KeyError::Unfit),
        ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----", KeyError::Sec1),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END X-----", KeyError::Encrypted),
    ] {
        assert_eq!(SigningKey::from_pem(pem, Algorithm::Es256).err(), Some(expected), "{pem}");
    }
}
