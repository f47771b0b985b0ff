//! Media types: the one reader of `Content-Type` and `Accept`. Our own, because the `mime` crate is unmaintained and
//! reads no weights, and because the usual values are recognized without parsing.
//!
//! Case, parameters, quoted strings, wildcards and weights are read here and nowhere else.

#![expect(clippy::indexing_slicing, reason = "the sign was found at this position of the same text")]

use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE};

/// The two kinds of body that MCP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `application/json`: one message.
    Json,
    /// `text/event-stream`: a stream of them.
    EventStream,
}

impl Kind {
    const fn names(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Kind::Json => (b"application", b"json"),
            Kind::EventStream => (b"text", b"event-stream"),
        }
    }
}

/// Whether the body is `application/json`, in any case and with any parameters.
///
/// A missing header, two headers, a list and any other type are refused: browsers send some types across sites
/// without a preflight, and a server that guesses the type would accept them.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    is(headers, Kind::Json)
}

/// Whether `Content-Type` names no other charset than UTF-8, of which US-ASCII is a part.
pub(crate) fn is_utf8(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let mut parameters = split(value.as_bytes(), b';').skip(1);
    parameters.all(|parameter| {
        let Some(equals) = parameter.iter().position(|byte| *byte == b'=') else { return true };
        let (name, value) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        let value = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
        !name.eq_ignore_ascii_case(b"charset")
            || [b"utf-8" as &[u8], b"utf8", b"us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known))
    })
}

/// Whether the body is `text/event-stream`. As strict as [`is_json`].
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    is(headers, Kind::EventStream)
}

fn is(headers: &HeaderMap, kind: Kind) -> bool {
    // Messages have few headers: their names are compared faster than one is hashed.
    let mut values = headers.iter().filter(|(name, _)| **name == CONTENT_TYPE).map(|(_, value)| value);
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    // What nearly every peer writes is seen without the grammar.
    match value.as_bytes() {
        b"application/json" => return kind == Kind::Json,
        b"text/event-stream" => return kind == Kind::EventStream,
        _ => {}
    }
    let mut list = split(value.as_bytes(), b',');
    let (Some(one), None) = (list.next(), list.next()) else { return false };
    Range::parse(one).is_some_and(|range| range.specificity(kind) == Some(Specificity::Exact))
}

/// Whether the sender of these headers takes a body of this kind.
///
/// No `Accept` header, or one that lists nothing, means anything. The most specific range that fits decides,
/// and a weight of 0 excludes. Elements that cannot be read are skipped.
// T-23.
pub(crate) fn accepts(headers: &HeaderMap, kind: Kind) -> bool {
    let mut values = headers.get_all(ACCEPT).iter();
    if let (Some(value), None) = (values.next(), values.next())
        && let Some((_, kinds)) = USUAL.iter().find(|(text, _)| text.as_bytes() == value.as_bytes())
    {
        return kinds.contains(&kind);
    }
    let mut listed = false;
    let mut best: Option<(Specificity, bool)> = None;
    for value in headers.get_all(ACCEPT) {
        for element in split(value.as_bytes(), b',').filter(|element| !element.is_empty()) {
            listed = true;
            let Some(range) = Range::parse(element) else { continue };
            if let Some(specificity) = range.specificity(kind) {
                // Of two equally specific ranges the kinder one counts: `false < true`.
                best = best.max(Some((specificity, range.wanted)));
            }
        }
    }
    !listed || best.is_some_and(|(_, wanted)| wanted)
}

/// The usual values of `Accept`, which are not parsed again for each request.
const USUAL: [(&str, &[Kind]); 6] = [
    ("application/json, text/event-stream", &[Kind::Json, Kind::EventStream]),
    ("application/json,text/event-stream", &[Kind::Json, Kind::EventStream]),
    ("text/event-stream, application/json", &[Kind::Json, Kind::EventStream]),
    ("text/event-stream", &[Kind::EventStream]),
    ("application/json", &[Kind::Json]),
    ("*/*", &[Kind::Json, Kind::EventStream]),
];

/// How closely a range names a type. In rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Any,
    AnySubtype,
    Exact,
}

/// One media type or range.
struct Range<'a> {
    main: &'a [u8],
    sub: &'a [u8],
    /// Its weight is not 0.
    wanted: bool,
}

impl<'a> Range<'a> {
    fn parse(text: &'a [u8]) -> Option<Range<'a>> {
        let mut parts = split(text, b';');
        let mut names = parts.next()?.split(|byte| *byte == b'/');
        let (main, sub) = (names.next()?, names.next()?);
        if names.next().is_some() || !is_token(main) || !is_token(sub) {
            return None;
        }
        let weight = parts.find_map(|parameter| {
            let equals = parameter.iter().position(|byte| *byte == b'=')?;
            parameter[..equals].trim_ascii().eq_ignore_ascii_case(b"q").then(|| &parameter[equals + 1..])
        });
        Some(Range { main, sub, wanted: !weight.is_some_and(is_zero) })
    }

    fn specificity(&self, kind: Kind) -> Option<Specificity> {
        let (main, sub) = kind.names();
        match (self.main, self.sub) {
            (b"*", b"*") => Some(Specificity::Any),
            (range, b"*") if range.eq_ignore_ascii_case(main) => Some(Specificity::AnySubtype),
            (range, name) if range.eq_ignore_ascii_case(main) && name.eq_ignore_ascii_case(sub) => {
                Some(Specificity::Exact)
            }
            _ => None,
        }
    }
}

/// Whether a weight is 0, with however many digits. A weight that is not a number does not exclude.
fn is_zero(weight: &[u8]) -> bool {
    let weight = weight.trim_ascii();
    weight.contains(&b'0') && weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
}

/// Whether it is a token of RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let token = |byte: &u8| {
        let mark = matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        mark || byte.is_ascii_alphanumeric()
    };
    !text.is_empty() && text.iter().all(token)
}

/// The parts between separators that do not stand in a quoted string, each without the white space around it.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |byte| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match *byte {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            other => return !quoted && other == separator,
        }
        false
    })
    .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests;
