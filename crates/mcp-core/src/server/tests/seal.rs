//! What a sealer opens, and what it refuses.

use std::time::{Duration, SystemTime};

use base64ct::{Base64UrlUnpadded, Encoding};
use futures::FutureExt;
use proptest::prelude::*;

use crate::message::{ErrorObject, RawJson, code};
use crate::server::seal::{
    Fault, Key, MAX_KEYS, MAX_TEXT, MemoryUsedStates, OpenError, Scope, SealError, Sealer,
};

const CALL: &str = r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[1,2]}}"#;

/// 2026-01-01 in virtual time.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn key(number: u8) -> Key {
    Key::from_bytes([number; 32])
}

fn params(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

fn scope<'a>(params: &'a RawJson, user: &'a str) -> Scope<'a> {
    Scope { method: "tools/call", params: Some(params), principal: Some(user.as_bytes()) }
}

/// Opens a state of a sealer without a store, which does not wait.
fn open(sealer: &Sealer, now: SystemTime, scope: Scope<'_>, text: &str) -> Result<Vec<u8>, Fault> {
    sealer.open_at(now, scope, text).now_or_never().expect("it waits for nothing").map_err(|error| {
        let told = ErrorObject::from(error);
        assert_eq!(told.code, code::INVALID_PARAMS);
        assert_eq!(told, ErrorObject::from(OpenError::from(Fault::Malformed)), "it tells");
        error.fault()
    })
}

fn sealed(sealer: &Sealer) -> String {
    sealer.seal_at(start(), scope(&params(CALL), "ann"), "seat 12").unwrap()
}

/// MRTR-S-007: an unchanged state is opened; it is plain ASCII.
#[test]
fn what_was_sealed_is_opened() {
    let sealer = Sealer::new(key(1));
    let text = sealed(&sealer);
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
    assert_eq!(open(&sealer, start(), scope(&params(CALL), "ann"), &text).unwrap(), b"seat 12");
    assert_ne!(sealed(&sealer), text, "two states of the same payload can be told apart");
}

/// MRTR-S-007 (`sep-2322-reject-tampered-state`): no bit can be changed, no byte removed or added.
#[test]
fn any_change_is_refused() {
    let sealer = Sealer::new(key(1));
    let (text, params) = (sealed(&sealer), params(CALL));
    let refused = |changed: &str| open(&sealer, start(), scope(&params, "ann"), changed).unwrap_err();
    let raw = Base64UrlUnpadded::decode_vec(&text).unwrap();
    for at in 0..raw.len() {
        for bit in 0..8 {
            let mut changed = raw.clone();
            changed[at] ^= 1 << bit;
            let fault = refused(&encode(&changed));
            let expected = match at {
                0 => Fault::Version,
                1..=8 => Fault::UnknownKey,
                _ => Fault::Mismatch,
            };
            assert_eq!(fault, expected, "bit {bit} of byte {at}");
        }
    }
    for at in 0..text.len() {
        let _fault = refused(&text[..at]);
        // Another last letter can encode the same bytes: that is another text too.
        for letter in ["A", "B", "Q", "f", "_", "=", "+", " ", "\n", "ä"] {
            let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
            if changed != text {
                let _fault = refused(&changed);
            }
        }
    }
    for added in [format!("{text}A"), format!("{text}="), format!("{text} "), format!(" {text}")] {
        let _fault = refused(&added);
    }
    assert_eq!(refused(""), Fault::Malformed);
    assert_eq!(refused("AQ"), Fault::Malformed);
    assert_eq!(refused(&"A".repeat(MAX_TEXT + 1)), Fault::TooLong);
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// MRTR-S-008: a state is valid for its user only, and one without a user only without one.
#[test]
fn a_state_is_good_for_its_user_alone() {
    let sealer = Sealer::new(key(1));
    let (text, params) = (sealed(&sealer), params(CALL));
    for user in [Some("bob"), Some("ann2"), Some("an"), Some(""), None] {
        let scope = Scope { principal: user.map(str::as_bytes), ..scope(&params, "") };
        assert_eq!(open(&sealer, start(), scope, &text), Err(Fault::Mismatch), "{user:?}");
    }
    let nobody = Scope { principal: None, ..scope(&params, "") };
    let text = sealer.seal_at(start(), nobody, "x").unwrap();
    assert!(open(&sealer, start(), nobody, &text).is_ok());
    assert_eq!(open(&sealer, start(), scope(&params, ""), &text), Err(Fault::Mismatch));
}

/// MRTR-S-008: it opens until it expires, and not from then on.
#[test]
fn a_state_expires() {
    let (day, params) = (Duration::from_secs(86_400), params(CALL));
    for (sealer, lifetime) in
        [(Sealer::new(key(1)), Duration::from_secs(600)), (Sealer::new(key(1)).lifetime(day), day)]
    {
        let text = sealed(&sealer);
        let at = |after: Duration| open(&sealer, start() + after, scope(&params, "ann"), &text);
        assert!(at(lifetime - Duration::from_millis(1)).is_ok());
        assert_eq!(at(lifetime), Err(Fault::Expired));
        assert_eq!(at(lifetime * 1000), Err(Fault::Expired));
    }
    let never = Sealer::new(key(1)).lifetime(Duration::ZERO);
    assert_eq!(open(&never, start(), scope(&params, "ann"), &sealed(&never)), Err(Fault::Expired));
}

/// MRTR-S-008: it belongs to one method and one set of params.
#[test]
fn a_state_is_good_for_its_request_alone() {
    let sealer = Sealer::new(key(1));
    let text = sealed(&sealer);
    let same = params(CALL);
    let other_method = Scope { method: "prompts/get", ..scope(&same, "ann") };
    assert_eq!(open(&sealer, start(), other_method, &text), Err(Fault::Mismatch));
    let no_params = Scope { params: None, ..scope(&same, "ann") };
    assert_eq!(open(&sealer, start(), no_params, &text), Err(Fault::Mismatch));
    for other in [
        r#"{"name":"pay","arguments":{"seat":12,"row":"A","tags":[1,2]}}"#,
        r#"{"name":"book","arguments":{"seat":13,"row":"A","tags":[1,2]}}"#,
        r#"{"name":"book","arguments":{"seat":"12","row":"A","tags":[1,2]}}"#,
        r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[2,1]}}"#,
        r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[[1],2]}}"#,
        r#"{"name":"book","arguments":{"seat":"A","row":12,"tags":[1,2]}}"#,
        r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[1,2],"x":null}}"#,
        r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[1,2],"_meta":{}}}"#,
        r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[1,2]},"x":1}"#,
        r#"{"name":"book"}"#,
    ] {
        assert_eq!(
            open(&sealer, start(), scope(&params(other), "ann"), &text),
            Err(Fault::Mismatch),
            "{other}"
        );
    }
}

/// MRTR-S-008, T-41: a retry has another `_meta`, answers and a state, and clients rewrite params.
#[test]
fn a_retry_is_the_same_request() {
    let sealer = Sealer::new(key(1));
    let text = sealed(&sealer);
    for retry in [
        r#"{"name":"book","arguments":{"seat":12,"row":"A","tags":[1,2]},"_meta":{"progressToken":7},"inputResponses":{"a":{}},"requestState":"x"}"#,
        "{ \"arguments\" : {\"tags\":[1, 2],\n\"row\":\"\\u0041\",\"se\\u0061t\":12},\"requestState\":\"x\", \"name\":\"book\" }",
    ] {
        assert!(open(&sealer, start(), scope(&params(retry), "ann"), &text).is_ok(), "{retry}");
    }
}

/// MRTR-S-009: a used state is refused; a full store refuses rather than forgets.
#[test]
fn a_state_for_single_use_is_good_once() {
    let sealer = Sealer::new(key(1)).single_use(MemoryUsedStates::new(2));
    let params = params(CALL);
    let (first, second, third) = (sealed(&sealer), sealed(&sealer), sealed(&sealer));
    let at = |now, text: &str| open(&sealer, now, scope(&params, "ann"), text);
    // A state that another check refuses is not marked as used.
    assert_eq!(open(&sealer, start(), scope(&params, "bob"), &first), Err(Fault::Mismatch));
    assert!(at(start(), &first).is_ok());
    assert_eq!(at(start(), &first), Err(Fault::AlreadyUsed));
    assert!(at(start(), &second).is_ok());
    assert_eq!(at(start(), &third), Err(Fault::Store));
    assert_eq!(at(start(), &first), Err(Fault::AlreadyUsed), "it forgot one to make room");
    let later = start() + Duration::from_secs(600);
    assert_eq!(at(later, &first), Err(Fault::Expired));
    let fresh = sealer.seal_at(later, scope(&params, "ann"), "x").unwrap();
    assert!(at(later, &fresh).is_ok(), "the store forgets what is over");
}

/// MRTR-S-007: keys rotate while states are in use; the states of a removed key are refused.
#[test]
fn the_first_key_seals_and_all_open() {
    let old = sealed(&Sealer::new(key(1)));
    let replica = Sealer::new(key(2)).older_keys([key(1)]);
    let params = params(CALL);
    let opens = |sealer: &Sealer, text: &str| open(sealer, start(), scope(&params, "ann"), text);
    assert!(opens(&replica, &old).is_ok());
    assert_eq!(opens(&Sealer::new(key(1)), &sealed(&replica)), Err(Fault::UnknownKey));
    let clone = replica.clone();
    for number in 3..=MAX_KEYS as u8 {
        replica.rotate(key(number));
    }
    assert!(opens(&clone, &old).is_ok() && opens(&replica, &sealed(&clone)).is_ok());
    replica.rotate(key(100));
    assert_eq!(opens(&clone, &old), Err(Fault::UnknownKey));
    let many = Sealer::new(key(9)).older_keys((1..=8).map(key));
    assert!(opens(&many, &sealed(&Sealer::new(key(7)))).is_ok());
    assert_eq!(opens(&many, &sealed(&Sealer::new(key(8)))), Err(Fault::UnknownKey));
}

/// META-S-020: no secret in a log.
#[test]
fn a_key_does_not_show_itself() {
    let sealer = Sealer::new(key(0xAB));
    let shown = format!("{sealer:?} {:?}", key(0xAB));
    assert!(!shown.to_lowercase().contains("abab") && !shown.contains("171"), "{shown}");
    assert_ne!(format!("{:?}", Key::generate().unwrap()), format!("{:?}", Key::generate().unwrap()));
}

#[test]
fn a_long_payload_is_refused_before_it_is_sent() {
    let sealer = Sealer::new(key(1));
    let params = params(CALL);
    let longest = vec![b'x'; 49_087];
    let text = sealer.seal_at(start(), scope(&params, "ann"), &longest).unwrap();
    assert_eq!(text.len(), MAX_TEXT);
    assert_eq!(open(&sealer, start(), scope(&params, "ann"), &text).unwrap(), longest);
    let longer = vec![b'x'; 49_088];
    assert_eq!(sealer.seal_at(start(), scope(&params, "ann"), longer), Err(SealError::TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// MRTR-S-007, MRTR-S-008: any payload is opened, for the same scope only.
    #[test]
    fn any_payload_comes_back_to_its_scope_alone(
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        method in "[a-z/]{0,12}",
        user in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        other_method in "[a-z/]{0,12}",
        other_user in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        junk in "\\PC{0,80}",
    ) {
        let sealer = Sealer::new(key(1));
        let scope = Scope { method: &method, params: None, principal: user.as_deref() };
        let other = Scope { method: &other_method, params: None, principal: other_user.as_deref() };
        let text = sealer.seal_at(start(), scope, &payload).unwrap();
        prop_assert_eq!(open(&sealer, start(), scope, &text).unwrap(), payload);
        if method != other_method || user != other_user {
            prop_assert_eq!(open(&sealer, start(), other, &text), Err(Fault::Mismatch));
        }
        prop_assert!(open(&sealer, start(), scope, &junk).is_err());
    }
}
