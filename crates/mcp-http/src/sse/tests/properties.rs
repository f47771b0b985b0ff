//! Properties: encode and decode are inverse, any cut is as good as none, and a simple model agrees.

use std::time::Duration;

use bytes::Bytes;
use mcp_core::message::{Message, Notification, RawJson};
use proptest::prelude::*;

use super::super::{Decoder, Event, comment, event, message_event, priming_event};
use super::read;

/// The same reader, written another way: the whole text, its lines, its blocks, and for each field the lines
/// that name it.
fn model(bytes: &[u8]) -> Vec<Event> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = vec![Vec::new()];
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'\n' if index > 0 && text[index - 1] == b'\r' => {}
            b'\n' | b'\r' => lines.push(Vec::new()),
            byte => lines.last_mut().unwrap().push(*byte),
        }
    }
    // What stands behind the last end of a line is no line, and what stands behind the last empty line is no
    // block.
    lines.pop();
    let mut blocks: Vec<_> = lines.split(Vec::is_empty).collect();
    blocks.pop();
    let field = |line: &Vec<u8>| {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        (line[..colon].to_vec(), value.strip_prefix(b" ").unwrap_or(value).to_vec())
    };
    let read = |block: &[Vec<u8>]| {
        let named = |name: &str| -> Vec<Vec<u8>> {
            let fields = block.iter().map(field);
            fields.filter(|(field, _)| field == name.as_bytes()).map(|(_, value)| value).collect()
        };
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let digits = |value: &Vec<u8>| {
            let text = text(value);
            (!text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
                .then(|| Duration::from_millis(text.parse().unwrap_or(u64::MAX)))
        };
        let data = named("data");
        let event = Event {
            kind: named("event").last().map(text).unwrap_or_default(),
            data: Bytes::from(data.join(&b'\n')),
            id: named("id").iter().rfind(|value| !value.contains(&0)).map(text),
            retry: named("retry").iter().filter_map(digits).next_back(),
        };
        (!data.is_empty() || event.id.is_some() || event.retry.is_some()).then_some(event)
    };
    blocks.into_iter().filter_map(read).collect()
}

/// Bytes that look like a stream more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "data", "event", "id", "retry", ":", ": ", " ", "\n", "\r", "\r\n", "\n\n", "7", "{}", "\0", "é",
            "\u{feff}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// The bytes cut at these places.
fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    proptest::collection::vec(any::<prop::sample::Index>(), 0..8)
}

#[derive(Clone, Debug)]
enum Sent {
    Message(Option<String>, String),
    Other(String, String),
    Priming(String, Option<u32>),
    Comment,
}

fn sent() -> impl Strategy<Value = Sent> {
    let id = || "[^\r\n\0]{0,8}";
    prop_oneof![
        (proptest::option::of(id()), ".{0,40}").prop_map(|(id, text)| Sent::Message(id, text)),
        ("[^\r\n]{1,8}", "[^\r\n]{0,20}(\n[^\r\n]{0,20}){0,3}")
            .prop_map(|(kind, data)| Sent::Other(kind, data)),
        (id(), any::<Option<u32>>()).prop_map(|(id, retry)| Sent::Priming(id, retry)),
        Just(Sent::Comment),
    ]
}

/// Text that tries to be more than one field.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "((\r|\n|\0|\r\n)?(data|id|retry|event)?:?[a-z0-9 ]{0,3}){0,6}"]
}

proptest! {
    /// SSE-B-001: the reader is the model, however the bytes are cut. It never panics on any of them.
    #[test]
    fn any_bytes_read_as_the_model_reads_them(bytes in stream(), cuts in cuts()) {
        let want = model(&bytes);
        prop_assert_eq!(&read([&bytes[..]]), &want);
        prop_assert_eq!(&read(cut(&bytes, &cuts)), &want);
    }

    /// FAULT B: unbounded memory. Whether an event is refused does not depend on the cuts, and no event that
    /// is handed out is longer than the limit.
    #[test]
    fn a_limit_means_the_same_at_any_cut(bytes in stream(), cuts in cuts(), limit in 0_usize..40) {
        let feed = |pieces: Vec<&[u8]>| {
            let mut decoder = Decoder::new(limit);
            let verdict = pieces.into_iter().try_for_each(|piece| decoder.push(piece));
            let events: Vec<Event> = std::iter::from_fn(|| decoder.next_event()).collect();
            (verdict, events)
        };
        let whole = feed(vec![&bytes]);
        for event in &whole.1 {
            prop_assert!(event.data.len() <= limit);
        }
        prop_assert_eq!(whole, feed(cut(&bytes, &cuts)));
    }

    /// SSE-B-003, SSE-S-004, RES-S-001, SSE24-S-002: what one side writes the other reads, one message per
    /// event.
    #[test]
    fn what_is_written_is_read(all in proptest::collection::vec(sent(), 0..8), cuts in cuts()) {
        let (mut bytes, mut want) = (Vec::new(), Vec::new());
        for sent in &all {
            match sent {
                Sent::Message(id, text) => {
                    let params = RawJson::object([("text", RawJson::string(text))]);
                    let message = Message::from(Notification::new("notifications/message", Some(params)));
                    let mut json = Vec::new();
                    message.write_to(&mut json);
                    message_event(id.as_deref(), &message, &mut bytes);
                    want.push(Event { kind: String::new(), data: json.into(), id: id.clone(), retry: None });
                }
                Sent::Other(kind, data) => {
                    event(kind, data, &mut bytes);
                    want.push(Event { kind: kind.clone(), data: data.clone().into(), id: None, retry: None });
                }
                Sent::Priming(id, millis) => {
                    let retry = millis.map(|millis| Duration::from_millis(millis.into()));
                    priming_event(id, retry, &mut bytes);
                    want.push(Event { kind: String::new(), data: Bytes::new(), id: Some(id.clone()), retry });
                }
                Sent::Comment => comment(&mut bytes),
            }
        }
        prop_assert_eq!(read(cut(&bytes, &cuts)), want);
    }

    /// FAULT B: header injection, for events: no text adds an event or a field.
    #[test]
    fn no_text_breaks_out_of_its_event(id in hostile(), kind in hostile(), data in hostile()) {
        let mut bytes = Vec::new();
        priming_event(&id, None, &mut bytes);
        event(&kind, &data, &mut bytes);
        let events = read([&bytes[..]]);
        prop_assert_eq!(events.len(), 2);
        prop_assert_eq!(events[0].id.is_some(), !id.contains(['\r', '\n', '\0']));
        prop_assert_eq!((&events[1].id, events[1].retry), (&None, None));
        let lines = data.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(std::str::from_utf8(&events[1].data), Ok(&lines[..]));
    }
}

/// SSE-B-003: a payload that a person wrote over several lines still goes out as one line.
#[test]
fn raw_newlines_in_a_payload_do_not_reach_the_stream() {
    let params = RawJson::parse("{\r\n  \"a\": 1\n}").unwrap();
    let mut bytes = Vec::new();
    message_event(None, &Notification::new("x", Some(params)).into(), &mut bytes);
    let events = read([&bytes[..]]);
    assert_eq!(events.len(), 1);
    assert!(!events[0].data.contains(&b'\n') && !events[0].data.contains(&b'\r'));
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 2);
}
