//! The bound of one event, and what is held beside it.

use super::super::Decoder;
use super::super::decode::TooLarge;

const LIMIT: usize = 64;

/// What is held while the stream is fed byte by byte, or the error.
fn feed(bytes: &[u8], chunk: usize) -> Result<usize, TooLarge> {
    let mut decoder = Decoder::new(LIMIT);
    let mut events = 0;
    for piece in bytes.chunks(chunk) {
        decoder.push(piece)?;
        events += std::iter::from_fn(|| decoder.next_event()).count();
    }
    Ok(events)
}

/// FAULT B: unbounded memory. However it is spread: one line, many lines, empty lines of data, a comment, an
/// unknown field, a kind, an id.
#[test]
fn an_event_beyond_the_limit_is_refused_however_it_is_spread() {
    let long = "x".repeat(LIMIT);
    for stream in [
        format!("data: {long}"),
        format!("data: {long}\n\n"),
        "data: 12345678\n".repeat(9),
        "data\n".repeat(LIMIT + 1),
        format!(": {long}"),
        format!("foo: {long}"),
        format!("event: {}\ndata: {}\n", &long[..30], &long[..30]),
        format!("id: {}\ndata: {}\n", &long[..30], &long[..30]),
        format!("{long}x"),
    ] {
        for chunk in [1, 7, usize::MAX] {
            let refused = feed(stream.as_bytes(), chunk).expect_err(&stream);
            assert_eq!(refused.limit, LIMIT);
        }
    }
}

/// SSE-C-002, FAULT C-27: a stream may be silent forever and still be alive.
#[test]
fn what_is_not_held_does_not_count() {
    for (line, events) in [
        (": a comment of some length\n", 0),
        ("foo: an unknown field\n", 0),
        ("event: the last one counts\n", 0),
        ("id: the last one counts\n", 0),
        ("retry: 1\n", 0),
        ("data: 1234567890123456789012345678901234567890\n\n", 1000),
        ("id: 1\ndata: 123456789012345678901234567890\r\n\r\n", 1000),
    ] {
        for chunk in [1, 7, usize::MAX] {
            assert_eq!(feed(line.repeat(1000).as_bytes(), chunk), Ok(events), "{line}");
        }
    }
}

/// The limit includes the name of the field that is being read.
#[test]
fn an_event_of_just_the_limit_passes() {
    let line = format!("data: {}", "x".repeat(LIMIT - 6));
    assert_eq!(feed(format!("{line}\n\n").as_bytes(), 1), Ok(1));
    assert!(feed(format!("{line}x").as_bytes(), usize::MAX).is_err());
}

/// FAULT B: unbounded memory. Events before the fault can be taken; after it there are none.
#[test]
fn a_reader_that_failed_stays_failed() {
    let mut decoder = Decoder::new(LIMIT);
    let bytes = format!("data: a\n\ndata: {}\n\ndata: b\n\n", "x".repeat(LIMIT));
    decoder.push(bytes.as_bytes()).unwrap_err();
    assert_eq!(&decoder.next_event().unwrap().data[..], b"a");
    for piece in [&b"\n\n"[..], b"", b"data: c\n\n"] {
        assert_eq!(decoder.push(piece), Err(TooLarge { limit: LIMIT }));
    }
    assert_eq!(decoder.next_event(), None);
    assert_eq!(
        decoder.push(b"").unwrap_err().to_string(),
        "an event is longer than the SSE event limit of 64 bytes"
    );
}
