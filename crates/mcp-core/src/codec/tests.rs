//! Framing, independent of the sizes of the reads.

use proptest::prelude::*;

use super::decode::SPARE_LINES;
use super::*;
use crate::message::{Decoded, Message, RawJson, Request, RequestId, Shape, decode};

/// All frames of a stream that arrives in these pieces, and whether it ended.
fn frames<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut decoder = LineDecoder::new(limit);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        frames.extend(std::iter::from_fn(|| decoder.next_frame()));
        assert!(decoder.buffer_mut().len() <= limit, "what is kept is bounded");
    }
    frames.extend(decoder.finish());
    assert_eq!(decoder.finish(), None);
    frames
}

fn line(text: &'static str) -> Frame {
    Frame::Line(text.into())
}

fn oversized(id: Option<RequestId>, shape: Shape, limit: usize) -> Frame {
    Frame::Oversized { id, shape, limit }
}

/// STDIO-B-001, FAULT C-5: many messages in one read.
#[test]
fn many_lines_in_one_read() {
    assert_eq!(frames(64, [&b"{}\n[]\n1\n"[..]]), [line("{}"), line("[]"), line("1")]);
}

/// FAULT C-5, C-6: one byte at a time, also within a character.
#[test]
fn one_byte_at_a_time() {
    let stream = "{\"a\":\"\u{1F980}é\"}\n{}\n".as_bytes();
    assert_eq!(frames(64, stream.chunks(1)), frames(64, [stream]));
    assert_eq!(frames(64, stream.chunks(1)), [line("{\"a\":\"\u{1F980}é\"}"), line("{}")]);
}

/// FAULT C-9: blank lines are nothing, and `\r\n` ends a line too.
#[test]
fn blank_lines_and_carriage_returns_are_tolerated() {
    let found = frames(64, [&b"\n\r\n \t\n\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"method\":\"x\"} \r\n\n"[..]]);
    let [Frame::Line(text)] = &found[..] else { panic!("{found:?}") };
    assert!(matches!(decode(text.clone()), Decoded::One(Ok(Message::Notification(_)))));
}

/// FAULT C-7, A-B12: the oversized line is named, its neighbours are not affected.
#[test]
fn an_oversized_line_is_skipped_to_its_newline() {
    let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\",\"p\":\"{}\"}}", "y".repeat(200));
    let stream = format!("{{}}\n{long}\n[]\n");
    let expected = [line("{}"), oversized(Some(7.into()), Shape::Request, 64), line("[]")];
    assert_eq!(frames(64, [stream.as_bytes()]), expected);
    assert_eq!(frames(64, stream.as_bytes().chunks(1)), expected);
    assert_eq!(frames(64, stream.as_bytes().chunks(97)), expected);
}

/// FAULT C-7: exactly the limit is legal, one byte more is not.
#[test]
fn the_limit_is_exact() {
    let expected = [oversized(None, Shape::Unknown, 4), line("1234")];
    assert_eq!(frames(4, [&b"12345\n1234\n"[..]]), expected);
}

/// FAULT C-7: a stream that never sends a newline is reported once and then costs nothing.
#[test]
fn an_endless_line_is_reported_once() {
    let chunk = [b'x'; 4096];
    let found = frames(1000, std::iter::repeat_n(&chunk[..], 1000));
    assert_eq!(found, [oversized(None, Shape::Unknown, 1000)]);
}

/// FAULT C-4: a last line without newline counts if it is whole.
#[test]
fn a_partial_last_line_is_whole_json_or_truncated() {
    assert_eq!(frames(64, [&b"{}\n{\"a\":1}"[..]]), [line("{}"), line("{\"a\":1}")]);
    assert_eq!(frames(64, [&b"{}\n{\"a\":1"[..]]), [line("{}"), Frame::Truncated { bytes: 6 }]);
    assert_eq!(frames(64, [&b"\"\xc3"[..]]), [Frame::Truncated { bytes: 2 }]);
    assert_eq!(frames(64, [&b"\xef\xbb\xbf{} \r"[..]]).len(), 1);
    assert_eq!(frames(64, [&b" \r"[..]]), []);
}

/// A large line takes its memory along: the buffer does not stay large forever.
#[test]
fn a_large_line_does_not_leave_a_large_buffer() {
    let mut decoder = LineDecoder::new(1 << 24);
    decoder.feed(&vec![b'1'; 4 << 20]);
    decoder.feed(b"\n2\n");
    assert!(matches!(decoder.next_frame(), Some(Frame::Line(text)) if text.len() == 4 << 20));
    assert_eq!(decoder.next_frame(), Some(line("2")));
    assert_eq!(decoder.next_frame(), None);
    assert!(decoder.buffer_mut().capacity() < 1024);
}

/// STDIO-B-001, FAULT C-9: what is written is one line, with a newline in every payload gone.
#[test]
fn a_written_message_is_one_line() {
    let params = RawJson::parse("{\r\n\"text\":\"a\\nb\u{2028}\"\n}").unwrap();
    let mut out = Vec::new();
    encode_line(&Request::new("\n", "x", Some(params)).into(), &mut out);
    assert_eq!(out.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count(), 1);
    assert!(out.ends_with(b"}\n") && out.starts_with(b"{"));
}

#[test]
fn a_batch_is_one_array_line_and_an_empty_one_is_nothing() {
    let (mut batch, mut out) = (Vec::new(), Vec::new());
    finish_batch(&batch, &mut out);
    assert!(out.is_empty());
    push_batch(&Request::new(1, "a", None).into(), &mut batch);
    push_batch(&Request::new(2, "b", None).into(), &mut batch);
    finish_batch(&batch, &mut out);
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert!(matches!(decode(out.into()), Decoded::Batch(items) if items.iter().all(Result::is_ok)));
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just("{\"id\":\"é\",\"method\":\"m\"".as_bytes().to_vec()),
        Just(b"}".to_vec()),
        Just(b" ".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// FAULT C-5, C-6, C-7: the frames depend on the bytes alone.
    #[test]
    fn any_split_gives_the_same_frames(
        stream in stream(),
        limit in 1_usize..60,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut rest = &stream[..];
        let mut pieces = Vec::new();
        for (index, cut) in cuts.iter().enumerate() {
            let (piece, after) = rest.split_at(cut - index.checked_sub(1).map_or(0, |before| cuts[before]));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let split = frames(limit, pieces);
        prop_assert_eq!(&split, &frames(limit, [&stream[..]]));
        prop_assert_eq!(&split, &frames(limit, stream.chunks(1)));
    }
}

/// FAULT F-A13: small messages that are kept do not keep the memory of the large ones between which they came.
#[test]
fn a_small_line_does_not_keep_a_large_buffer() {
    const READ: usize = 64 * 1024;
    let (tiny, large) = (br#"{"id":1}"#, vec![b' '; 184 * 1024]);
    let mut sent = Vec::new();
    for _ in 0..100 {
        sent.extend_from_slice(&large);
        sent.extend_from_slice(b"{}\n");
        sent.extend_from_slice(tiny);
        sent.push(b'\n');
    }
    let (mut lines, mut kept) = (LineDecoder::new(1 << 20), Vec::new());
    for read in sent.chunks(READ) {
        // As a transport reads: a buffer that grows with a long line.
        let buffer = lines.buffer_mut();
        let grown = buffer.len().max(READ);
        buffer.reserve(grown);
        buffer.extend_from_slice(read);
        while let Some(frame) = lines.next_frame() {
            match frame {
                Frame::Line(line) if line.len() == tiny.len() => kept.push(line),
                Frame::Line(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    drop(lines);
    assert_eq!(kept.len(), 100);
    let held: usize =
        kept.into_iter().map(|line| line.try_into_mut().map_or(0, |line| line.capacity())).sum();
    assert!(held < 100 * READ, "{held} bytes are held for 100 messages");
}

/// Reads one line as a transport does, and says where it was.
fn read_line(lines: &mut LineDecoder, len: usize) -> (bytes::Bytes, *const u8) {
    const READ: usize = 64 * 1024;
    let mut text = vec![b'1'; len];
    text.push(b'\n');
    for read in text.chunks(READ) {
        let buffer = lines.buffer_mut();
        let (held, space) = (buffer.len(), buffer.capacity() - buffer.len());
        if space < READ / 4 {
            lines.reserve(held.max(READ));
        }
        lines.feed(read);
        if let Some(Frame::Line(line)) = lines.next_frame() {
            assert!(lines.next_frame().is_none());
            assert_eq!(line.len(), len);
            let at = line.as_ptr();
            return (line, at);
        }
    }
    panic!("no line of {len} bytes");
}

#[test]
fn a_line_does_not_double_its_buffer() {
    let result = RawJson::parse(format!("{{\"text\":\"{}\"}}", "a".repeat(1_000_000))).unwrap();
    let message = Message::from(crate::message::Response::result(7.into(), result));
    let mut out = Vec::new();
    encode_line(&message, &mut out);
    assert_eq!(out.capacity(), out.len());
}

#[test]
fn the_memory_of_a_large_line_is_used_for_the_next_one() {
    const LARGE: usize = 1_000_000;
    let mut lines = LineDecoder::new(1 << 24);
    let (first, at) = read_line(&mut lines, LARGE);
    drop(first);
    // So that the allocator does not give the same place by chance.
    let _other = vec![0_u8; LARGE];
    let (second, again) = read_line(&mut lines, LARGE);
    assert_eq!(at, again);
    // A frame that is kept keeps its text.
    let (third, other) = read_line(&mut lines, LARGE);
    assert_ne!(again, other);
    assert!(second.iter().chain(&*third).all(|byte| *byte == b'1'));
    drop((second, third));
    for _ in 1..SPARE_LINES {
        let _small = read_line(&mut lines, 100);
    }
    let (fourth, same) = read_line(&mut lines, LARGE);
    assert_eq!(other, same);
    drop(fourth);
    for _ in 0..SPARE_LINES {
        let _small = read_line(&mut lines, 100);
    }
    assert!(lines.spare.is_none(), "spare memory is let go");
    // Neither is the memory kept of a line that is larger, nor of a line beside it in the same buffer.
    let _large = read_line(&mut lines, LARGE);
    assert!(lines.spare.is_some());
    let _larger = read_line(&mut lines, 4 << 20);
    assert!(lines.spare.is_none());
    lines.reserve(5 << 20);
    lines.feed(&[&[b'1'; 2 << 20], &b"\n"[..], &[b'1'; 150 << 10], b"\n"].concat());
    assert!(lines.next_frame().is_some() && lines.next_frame().is_some() && lines.next_frame().is_none());
    assert!(lines.spare.is_none());
}

/// Only appending is allowed, and anything else does no harm: later lines are read.
#[test]
fn a_buffer_that_was_shortened_does_no_harm() {
    let mut lines = LineDecoder::new(100);
    lines.feed(b"the start of a line");
    assert!(lines.next_frame().is_none());
    lines.buffer_mut().clear();
    lines.feed(b"{}");
    assert!(lines.next_frame().is_none());
    lines.feed(b"\n[]\n");
    let texts: Vec<Frame> = std::iter::from_fn(|| lines.next_frame()).collect();
    assert!(
        matches!(&texts[..], [Frame::Line(one), Frame::Line(two)] if one == "{}" && two == "[]"),
        "{texts:?}"
    );
}
