//! Tests of the secret: it is shown nowhere.

use super::*;

/// SESS-C-005; FAULT B: token logging.
#[test]
fn a_secret_is_never_shown() {
    let secret = Secret::from("canary");
    let header = secret.to_header().unwrap();
    for shown in
        [format!("{secret:?}"), format!("{secret}"), format!("{header:?}"), format!("{:?}", Some(&secret))]
    {
        assert!(!shown.contains("canary"), "{shown}");
    }
    let error = Secret::from("canary\r\nx: y").to_header().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("canary"));
    assert!(header.is_sensitive());
}

#[test]
fn secrets_are_equal_by_their_text() {
    assert_eq!(Secret::from("a"), Secret::from("a"));
    assert_ne!(Secret::from("a"), Secret::from("b"));
    assert_ne!(Secret::from("a"), Secret::from("ab"));
}
