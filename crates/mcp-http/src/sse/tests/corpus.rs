//! Streams with the events that WHATWG HTML section 9.2.6 reads in them, at every cut of their bytes.

use std::time::Duration;

use bytes::Bytes;

use super::super::{Decoder, Event};
use super::read;

/// kind, data, id, retry in milliseconds
type Expected = (&'static str, &'static str, Option<&'static str>, Option<u64>);

const CORPUS: &[(&str, &[u8], &[Expected])] = &[
    ("nothing", b"", &[]),
    ("one event", b"data: x\n\n", &[("", "x", None, None)]),
    ("CR", b"data: x\r\rdata: y\r\r", &[("", "x", None, None), ("", "y", None, None)]),
    ("CRLF", b"data: x\r\n\r\ndata: y\r\n\r\n", &[("", "x", None, None), ("", "y", None, None)]),
    ("all line ends mixed", b"id: 1\rdata: x\r\ndata: y\n\r\n", &[("", "x\ny", Some("1"), None)]),
    ("LF and CR are two ends", b"data: x\n\rdata: y\n\r", &[("", "x", None, None), ("", "y", None, None)]),
    ("no space after the colon", b"data:x\n\n", &[("", "x", None, None)]),
    ("one space is dropped, no more", b"data:  x \n\n", &[("", " x ", None, None)]),
    ("a tab is no space", b"data:\tx\n\n", &[("", "\tx", None, None)]),
    ("a line without a colon is a field", b"data\ndata\n\n", &[("", "\n", None, None)]),
    ("colons in the value", b"data: a: b:c\n\n", &[("", "a: b:c", None, None)]),
    ("several data lines", b"data: {\ndata:  \"a\":1\ndata: }\n\n", &[("", "{\n \"a\":1\n}", None, None)]),
    ("comments", b": hi\n:\ndata: x\n: in between\ndata: y\n\n:\n\n", &[("", "x\ny", None, None)]),
    ("keep-alives between events", b":\r\n\r\n:\r\ndata: x\r\n\r\n:\r\n", &[("", "x", None, None)]),
    ("a kind", b"event: endpoint\ndata: /m\n\n", &[("endpoint", "/m", None, None)]),
    ("the last kind counts", b"event: a\nevent\ndata: x\n\n", &[("", "x", None, None)]),
    ("a kind without data is no event", b"event: a\n\ndata: x\n\n", &[("", "x", None, None)]),
    ("names are exact", b"Data: x\n data: x\ndata : x\ndat: x\n\n", &[]),
    ("other fields", b"foo: 1\nbar\ndata: x\n\n", &[("", "x", None, None)]),
    ("a priming event", b"id: p_0\nretry: 500\ndata:\n\n", &[("", "", Some("p_0"), Some(500))]),
    ("a priming event without a colon", b"id: p\ndata\n\n", &[("", "", Some("p"), None)]),
    ("an id alone", b"id: 5\n\n", &[("", "", Some("5"), None)]),
    ("a retry alone", b"retry: 5\n\n", &[("", "", None, Some(5))]),
    (
        "an empty id takes back the last one",
        b"id: 1\ndata: x\n\nid\ndata: y\n\n",
        &[("", "x", Some("1"), None), ("", "y", Some(""), None)],
    ),
    ("an id with NUL is ignored", b"id: 1\nid: a\0b\ndata: x\n\n", &[("", "x", Some("1"), None)]),
    ("NUL elsewhere is text", b"data: a\0b\n\n", &[("", "a\0b", None, None)]),
    (
        "a retry that is no number",
        b"retry: 1.5\nretry: -1\nretry: +1\nretry:\nretry: 1s\ndata: x\n\n",
        &[("", "x", None, None)],
    ),
    ("a retry with zeros in front", b"retry: 007\n\n", &[("", "", None, Some(7))]),
    ("a huge retry", b"retry: 99999999999999999999999999\n\n", &[("", "", None, Some(u64::MAX))]),
    ("a byte order mark", b"\xef\xbb\xbfdata: x\n\n", &[("", "x", None, None)]),
    ("a byte order mark before nothing", b"\xef\xbb\xbf\n\xef\xbb\xbfdata: x\n\n", &[]),
    ("only one byte order mark", b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n", &[("", "y", None, None)]),
    ("no byte order mark later", b"data: x\n\xef\xbb\xbfdata: y\n\n", &[("", "x", None, None)]),
    ("text beyond ASCII", "data: 世界 é\nid: ü\n\n".as_bytes(), &[("", "世界 é", Some("ü"), None)]),
    ("no end", b"data: x\n\nid: 2\ndata: y\n", &[("", "x", None, None)]),
    ("no end of the line", b"data: x\n\ndata: y", &[("", "x", None, None)]),
    ("empty lines", b"\n\r\n\r\r\ndata: x\n\n\n\n\n", &[("", "x", None, None)]),
    (
        "fields do not outlive their block",
        b"event: a\nid: 1\nretry: 2\ndata: x\n\ndata: y\n\n",
        &[("a", "x", Some("1"), Some(2)), ("", "y", None, None)],
    ),
    ("field order is free", b"data: x\nid: 1\ndata: y\nevent: a\n\n", &[("a", "x\ny", Some("1"), None)]),
];

fn expected(events: &[Expected]) -> Vec<Event> {
    let event = |(kind, data, id, retry): &Expected| Event {
        kind: (*kind).to_owned(),
        data: Bytes::from_static(data.as_bytes()),
        id: id.map(str::to_owned),
        retry: retry.map(Duration::from_millis),
    };
    events.iter().map(event).collect()
}

/// SSE-B-001, SSE-C-002, SSE-C-005, SSE-S-007, RES-S-001 (ids as they are); FAULT A-B16, FAULT C-5, C-6.
#[test]
fn the_corpus_reads_the_same_at_every_cut() {
    for (name, bytes, events) in CORPUS {
        let want = expected(events);
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(read([head, tail]), want, "{name}, cut at {cut}");
        }
        assert_eq!(read(bytes.chunks(1)), want, "{name}, byte by byte");
        assert_eq!(read(bytes.chunks(3)), want, "{name}, by three bytes");
        let gaps = bytes.chunks(1).flat_map(|byte| [&b""[..], byte]);
        assert_eq!(read(gaps), want, "{name}, with empty reads between");
    }
}

/// SSE-B-001: the corpus as one stream, each stream of it after an end of block. Nothing carries over.
#[test]
fn streams_in_a_row_do_not_leak_into_each_other() {
    let (mut bytes, mut want) = (b"\n".to_vec(), Vec::new());
    for (name, stream, events) in CORPUS {
        if !name.contains("no end") && !name.contains("byte order mark") {
            bytes.extend_from_slice(stream);
            bytes.extend_from_slice(b"\n\n");
            want.extend(expected(events));
        }
    }
    assert_eq!(read([&bytes[..]]), want);
    assert_eq!(read(bytes.chunks(1)), want);
}

/// SSE-C-009, SSE-S-007: the wait counts even where the stream ends before the block does.
#[test]
fn a_retry_counts_from_its_line_on() {
    let mut decoder = Decoder::new(100);
    decoder.push(b"retry: 250").unwrap();
    assert_eq!(decoder.retry(), None);
    decoder.push(b"\r").unwrap();
    assert_eq!(decoder.retry(), Some(Duration::from_millis(250)));
    assert_eq!(decoder.next_event(), None);
    decoder.push(b"\n\ndata: x\n\n").unwrap();
    assert_eq!(decoder.retry(), Some(Duration::from_millis(250)));
}
