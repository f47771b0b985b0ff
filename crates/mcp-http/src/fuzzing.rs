//! Checks for any bytes, which `fuzz/` runs under a fuzzer and the tests run as properties.
//!
//! Compiled for tests and under `--cfg fuzzing` only; not part of the public API.

use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{HeaderMap, Uri};

use crate::headers::{decode_value, encode_value};
use crate::media::{self, Kind};
use crate::net::uri;
use crate::sse::Decoder;

/// The events do not depend on how the stream is cut. The first byte says where.
pub fn sse(data: &[u8]) {
    const LIMIT: usize = 256;
    let Some((step, data)) = data.split_first() else { return };
    let (whole, cut) = (events(data, data.len().max(1), LIMIT), events(data, usize::from(*step) + 1, LIMIT));
    assert_eq!(whole, cut);
}

/// All events as text, and whether the limit was hit.
fn events(data: &[u8], step: usize, limit: usize) -> (Vec<String>, bool) {
    let mut decoder = Decoder::new(limit);
    let mut events = Vec::new();
    let mut failed = false;
    for chunk in data.chunks(step) {
        failed |= decoder.push(chunk).is_err();
        while let Some(event) = decoder.next_event() {
            assert!(event.data.len() <= limit);
            events.push(format!("{event:?}"));
        }
    }
    (events, failed)
}

/// A text survives its way through a header, and no header value makes the reader panic.
pub fn header_values(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let value = encode_value(text);
        assert!(value.as_bytes().iter().all(|byte| matches!(byte, 0x20..=0x7e)));
        assert_eq!(decode_value(&value).as_deref(), Ok(text));
    }
    if let Ok(value) = hyper::header::HeaderValue::from_bytes(data) {
        let _text = decode_value(&value);
    }
}

/// Lists of media ranges, one header value to a line: never a panic, and the order of equal lines does not matter.
pub fn header_lists(data: &[u8]) {
    let (mut forward, mut backward) = (HeaderMap::new(), HeaderMap::new());
    let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    for (line, headers) in
        lines.iter().map(|line| (*line, true)).chain(lines.iter().rev().map(|line| (*line, false)))
    {
        if let Ok(value) = hyper::header::HeaderValue::from_bytes(line) {
            let map = if headers { &mut forward } else { &mut backward };
            map.append(ACCEPT, value.clone());
            map.append(CONTENT_TYPE, value);
        }
    }
    for kind in [Kind::Json, Kind::EventStream] {
        assert_eq!(media::accepts(&forward, kind), media::accepts(&backward, kind));
    }
    assert!(!(media::is_json(&forward) && media::is_event_stream(&forward)));
}

/// A URL that was read is read again as the same one; a reference never leads to another origin; what is shown has no
/// query. The first line is the URL, the second the reference.
pub fn uris(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (url, reference) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(base) = uri::parse(url) else { return };
    let again: Uri = uri::parse(&base.to_string()).unwrap_or_else(|error| panic!("{base}: {error}"));
    assert_eq!(base, again);
    assert!(uri::same_origin(&base, &again));
    assert!(!uri::shown(&base).contains('?'));
    if let Ok(inside) = uri::within(&base, reference) {
        assert!(uri::same_origin(&base, &inside), "{base} {inside}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    type Target = (&'static str, fn(&[u8]));

    const TARGETS: [Target; 4] =
        [("sse", sse), ("header_values", header_values), ("header_lists", header_lists), ("uris", uris)];

    /// The inputs that are kept in the repository.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let files = std::fs::read_dir(&folder).unwrap();
        let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        assert!(!inputs.is_empty(), "{} is empty", folder.display());
        inputs
    }

    #[test]
    fn the_corpus_holds() {
        for (name, target) in TARGETS {
            corpus(name).iter().for_each(|data| target(data));
        }
    }

    proptest! {
        /// Inputs of the corpus with some bytes replaced, which reach further than random ones.
        #[test]
        fn mutated_inputs_hold(
            target in 0..TARGETS.len(),
            which in any::<prop::sample::Index>(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let (name, target) = TARGETS[target];
            let corpus = corpus(name);
            let mut data = corpus[which.index(corpus.len())].clone();
            for (at, byte) in changes {
                let at = at.index(data.len().max(1));
                if let Some(old) = data.get_mut(at) {
                    *old = byte;
                }
            }
            target(&data);
        }
    }
}
