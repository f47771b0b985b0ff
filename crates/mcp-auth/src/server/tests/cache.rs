//! AU-S-07, AU-S-08: how long keys and answers are used.

use std::time::Duration;

use tokio::time::Instant;

use crate::jose::KeySet;
use crate::server::cache::{Answers, KeyCache, Lookup};

fn keys() -> KeySet {
    let jwks = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    KeySet::parse(jwks).unwrap()
}

/// One letter for what happens.
fn look(cache: &KeyCache, kid: Option<&str>, missed: bool, now: Instant) -> String {
    match cache.look(kid, missed, now) {
        Lookup::Use(_) => "use".to_owned(),
        Lookup::Fetch => "fetch".to_owned(),
        Lookup::Unavailable(after) => format!("wait {}", after.as_secs()),
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn keys_are_fetched_at_first_need_and_used_for_their_time() {
    let start = Instant::now();
    for (max_age, fresh) in [(None, 3600), (Some(1), 300), (Some(600), 600), (Some(1_000_000), 86_400)] {
        let mut cache = KeyCache::default();
        assert_eq!(look(&cache, Some("a"), false, start), "fetch");
        cache.begin(start);
        cache.got(keys(), max_age.map(seconds), start);
        assert_eq!(look(&cache, Some("a"), false, start + seconds(fresh - 1)), "use");
        assert_eq!(look(&cache, None, false, start + seconds(fresh - 1)), "use");
        assert_eq!(look(&cache, Some("a"), false, start + seconds(fresh)), "fetch");
    }
}

#[test]
fn an_unknown_key_fetches_again_but_not_often() {
    let start = Instant::now();
    let mut cache = KeyCache::default();
    cache.begin(start);
    cache.got(keys(), None, start);
    for (kid, missed) in [(Some("b"), false), (None, true)] {
        assert_eq!(look(&cache, kid, missed, start + seconds(29)), "use");
        assert_eq!(look(&cache, kid, missed, start + seconds(30)), "fetch");
    }
    // One that failed, or whose caller went away, counts too.
    cache.begin(start + seconds(30));
    assert_eq!(look(&cache, Some("b"), false, start + seconds(59)), "use");
    cache.failed();
    assert_eq!(look(&cache, Some("b"), false, start + seconds(59)), "use");
    assert_eq!(look(&cache, Some("b"), false, start + seconds(60)), "fetch");
}

#[test]
fn old_keys_are_used_while_no_others_can_be_had() {
    let start = Instant::now();
    let mut cache = KeyCache::default();
    cache.begin(start);
    cache.got(keys(), None, start);
    let late = start + seconds(3600);
    cache.begin(late);
    cache.failed();
    assert_eq!(look(&cache, Some("a"), false, late), "use");
    assert_eq!(look(&cache, Some("a"), false, late + seconds(30)), "fetch");
    assert!(cache.any(start + seconds(3600 + 86_399)).is_some());
    assert!(cache.any(start + seconds(3600 + 86_400)).is_none());
}

#[test]
fn without_keys_a_failure_is_a_pause() {
    let start = Instant::now();
    let mut cache = KeyCache::default();
    cache.begin(start);
    assert_eq!(look(&cache, Some("a"), false, start), "fetch", "the request may have been dropped");
    cache.failed();
    assert_eq!(look(&cache, Some("a"), false, start + seconds(2)), "wait 3");
    assert_eq!(look(&cache, Some("a"), false, start + seconds(5)), "fetch");
}

#[test]
fn answers_are_bounded_in_time_and_number() {
    let start = Instant::now();
    let digest = |n: u8| [n; 32];
    let mut answers = Answers::new(2);
    answers.put(digest(1), "one", start + seconds(5));
    answers.put(digest(2), "two", start + seconds(60));
    assert_eq!(answers.get(&digest(1), start + seconds(4)), Some("one"));
    assert_eq!(answers.get(&digest(1), start + seconds(5)), None);
    answers.put(digest(2), "again", start + seconds(60));
    answers.put(digest(3), "three", start + seconds(60));
    assert_eq!(answers.get(&digest(1), start), None, "the oldest went");
    assert_eq!(answers.get(&digest(2), start), Some("again"));
    assert_eq!(answers.get(&digest(3), start), Some("three"));
}
