//! Follows the framing of HTTP/1 requests in the bytes of a connection, to find heads with two lengths.
//!
//! hyper removes `Content-Length` from a request that has `Transfer-Encoding`, so nothing behind it can see that both were
//! sent: the mark of request smuggling (RFC 9112, section 6.3). This tracker decides by the bytes of each head alone. Bodies
//! are skipped by their length, so text inside them never counts.
//!
//! It reads as strictly as hyper does. Where it cannot follow, hyper has failed too, or will not: either way no later
//! request of the connection is served.

#![expect(
    clippy::indexing_slicing,
    reason = "positions are those of bytes that were found in the same piece, or at most its length"
)]

use std::ops::ControlFlow;

/// The longest part of a header line that is kept when a read ends inside it. The two headers that matter are shorter.
const MAX_PARTIAL: usize = 256;

/// The headers that frame a body, in lower case.
const LENGTH: &[u8] = b"content-length:";
const ENCODING: &[u8] = b"transfer-encoding:";

/// The framing of one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// Heads that are complete since the connection began.
    heads: u32,
    /// The first head, counted from 1, whose request must not be served, nor any later one.
    refused: Option<u32>,
    at: Position,
    /// The start of a line that began in an earlier read.
    partial: Vec<u8>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Head(Head),
    /// A body of a known length, or the data of a chunk with its line end.
    Body {
        left: u64,
        chunked: bool,
    },
    ChunkSize,
    Trailer,
    /// The framing is broken: the rest is not looked at.
    Lost,
}

/// What the lines of a head said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    /// The request line was seen.
    begun: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Default for Position {
    fn default() -> Position {
        Position::Head(Head::default())
    }
}

impl Framing {
    /// Follows bytes that come after those of the last call. Returns the number of the first request, counted from 1,
    /// that must not be served, if there is one; later requests must not be served either.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> Option<u32> {
        while !bytes.is_empty() {
            match self.at {
                Position::Lost => break,
                Position::Body { left, chunked } => {
                    let skipped = left.min(bytes.len() as u64);
                    // At most `bytes.len()`.
                    bytes = &bytes[skipped as usize..];
                    self.at = match left - skipped {
                        0 if chunked => Position::ChunkSize,
                        0 => Position::default(),
                        left => Position::Body { left, chunked },
                    };
                }
                Position::Head(_) | Position::ChunkSize | Position::Trailer => {
                    if let Position::Head(Head { begun: true, .. }) = self.at
                        && self.partial.is_empty()
                    {
                        bytes = skip_other_headers(bytes);
                    }
                    bytes = match self.line(bytes) {
                        ControlFlow::Continue(rest) => rest,
                        ControlFlow::Break(()) => break,
                    };
                }
            }
        }
        self.refused
    }

    /// How many requests came, if the last one is complete and nothing came after it.
    pub(super) fn whole(&self) -> Option<u32> {
        let whole = self.at == Position::default() && self.partial.is_empty() && self.refused.is_none();
        whole.then_some(self.heads)
    }

    /// Looks at the line that these bytes begin or complete. Breaks if its end is not there yet.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> ControlFlow<(), &'a [u8]> {
        let Some(newline) = memchr::memchr(b'\n', bytes) else {
            let space = MAX_PARTIAL - self.partial.len().min(MAX_PARTIAL);
            self.partial.extend_from_slice(&bytes[..bytes.len().min(space)]);
            return ControlFlow::Break(());
        };
        let (line, rest) = (&bytes[..newline], &bytes[newline + 1..]);
        let at = if self.partial.is_empty() {
            self.after(line)
        } else {
            let mut whole = std::mem::take(&mut self.partial);
            let space = MAX_PARTIAL.saturating_sub(whole.len());
            whole.extend_from_slice(&line[..line.len().min(space)]);
            // A number that was cut short is another number.
            let clipped = whole.len() == MAX_PARTIAL && value_of(&whole, LENGTH).is_some();
            if clipped { None } else { self.after(&whole) }
        };
        self.at = at.unwrap_or_else(|| {
            self.refused.get_or_insert(self.heads.saturating_add(1));
            Position::Lost
        });
        ControlFlow::Continue(rest)
    }

    /// Where the bytes after this line belong; `None` if the framing is broken.
    fn after(&mut self, line: &[u8]) -> Option<Position> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.at {
            Position::Head(head) if line.is_empty() && head.begun => {
                self.heads = self.heads.saturating_add(1);
                if head.chunked && head.length.is_some() {
                    self.refused.get_or_insert(self.heads);
                }
                Some(match (head.chunked, head.length) {
                    (true, _) => Position::ChunkSize,
                    (false, None | Some(0)) => Position::default(),
                    (false, Some(left)) => Position::Body { left, chunked: false },
                })
            }
            // Empty lines before a request are skipped (RFC 9112, section 2.2).
            Position::Head(head) if line.is_empty() => Some(Position::Head(head)),
            Position::Head(head) => head.with(line).map(Position::Head),
            Position::ChunkSize => match chunk_size(line)? {
                0 => Some(Position::Trailer),
                // The line end behind the data is skipped with it.
                size => Some(Position::Body { left: size.checked_add(2)?, chunked: true }),
            },
            Position::Trailer if line.is_empty() => Some(Position::default()),
            at => Some(at),
        }
    }
}

impl Head {
    /// The same after another line that is not empty; `None` if its length cannot be read.
    fn with(mut self, line: &[u8]) -> Option<Head> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(self);
        }
        match line.first() {
            Some(b'c' | b'C') => {
                if let Some(value) = value_of(line, LENGTH) {
                    self.length = Some(decimal(value)?);
                }
            }
            Some(b't' | b'T') => self.chunked |= value_of(line, ENCODING).is_some(),
            _ => {}
        }
        Some(self)
    }
}

/// Skips the complete lines of a head that two letters show not to frame a body: most of them.
fn skip_other_headers(mut bytes: &[u8]) -> &[u8] {
    while let Some(first) = bytes.first()
        && !match first {
            b'c' | b'C' => bytes.get(8).is_none_or(|letter| letter.eq_ignore_ascii_case(&LENGTH[8])),
            b't' | b'T' => bytes.get(1).is_none_or(|letter| letter.eq_ignore_ascii_case(&ENCODING[1])),
            b'\r' | b'\n' => true,
            _ => false,
        }
        && let Some(newline) = memchr::memchr(b'\n', bytes)
    {
        bytes = &bytes[newline + 1..];
    }
    bytes
}

/// The value after this name, which may be in any case.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The size of a chunk, without its extension.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| matches!(byte, b';' | b' ' | b'\t')).unwrap_or(line.len());
    let digits = std::str::from_utf8(&line[..end]).ok()?;
    // `from_str_radix` takes a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Complete heads, and the first that is refused.
    type Found = (u32, Option<u32>);

    fn follow(pieces: &[&[u8]]) -> Found {
        let mut framing = Framing::default();
        let refused = pieces.iter().map(|piece| framing.follow(piece)).last().flatten();
        (framing.heads, refused)
    }

    /// The same result, however the bytes are cut.
    fn whole(text: &str) -> Found {
        let bytes = text.as_bytes();
        let found = follow(&[bytes]);
        for cut in 0..=bytes.len() {
            assert_eq!(follow(&[&bytes[..cut], &bytes[cut..]]), found, "cut at {cut}: {text}");
        }
        let singly: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(follow(&singly), found, "byte by byte: {text}");
        found
    }

    const SIZED: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// FAULT B: request smuggling.
    #[test]
    fn a_head_with_two_lengths_is_refused_however_it_is_written_and_cut() {
        for lengths in [
            "cOnTeNt-LeNgTh: 5\r\nTransfer-Encoding: chunked\r\n",
            "transfer-encoding:gzip, chunked\nContent-Length:7\n",
            "Transfer-Encoding: chunked\r\nX: y\r\nContent-Length:   0  \r\n",
        ] {
            let head = format!("POST / HTTP/1.1\r\n{lengths}\r\n");
            assert_eq!(whole(&head), (1, Some(1)), "{lengths}");
            let second = format!("{CHUNKED}0\r\n\r\n{head}");
            assert_eq!(whole(&second), (2, Some(2)), "{lengths}");
        }
    }

    /// FAULT F-S4: only the bytes of the head decide.
    #[test]
    fn bodies_and_other_heads_do_not_count() {
        let body = "not json\ncontent-length: 1\n";
        assert_eq!(body.len(), 27);
        assert_eq!(whole(&format!("{SIZED}{body}{CHUNKED}0\r\n\r\n")), (2, None));
        let chunk = "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n";
        let chunk = format!("{:X};a=b\r\n{chunk}\r\n1 \r\nx\r\n0\r\nContent-Length: 4\r\n\r\n", chunk.len());
        assert_eq!(whole(&format!("{CHUNKED}{chunk}\r\n{SIZED}{body}GET / HTTP/1.1\n\n")), (3, None));
        assert_eq!(whole("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), (1, None));
    }

    /// A length that hyper refuses, or would read in another way, ends the service of the connection.
    #[test]
    fn what_cannot_be_followed_is_refused_from_there_on() {
        for broken in [
            "POST / HTTP/1.1\r\nContent-Length: +4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4, 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: \r\n\r\n",
        ] {
            assert_eq!(whole(broken).1, Some(1), "{broken}");
        }
        for broken in ["x\r\n", "+1\r\n", "ffffffffffffffff\r\n", "10000000000000000\r\n"] {
            assert_eq!(whole(&format!("{CHUNKED}{broken}")).1, Some(2), "{broken}");
        }
    }

    /// Long lines are not kept.
    #[test]
    fn the_memory_of_a_line_is_bounded() {
        let mut framing = Framing::default();
        for _ in 0..1000 {
            framing.follow(&[b'x'; 1000]);
        }
        assert!(framing.partial.capacity() <= 2 * MAX_PARTIAL);
        assert_eq!((framing.follow(b"\r\nContent-Length: 0\r\n\r\n"), framing.heads), (None, 1));
        let long = format!("Content-Length:{}12", " ".repeat(MAX_PARTIAL - 17));
        assert_eq!(follow(&[b"GET / HTTP/1.1\r\n", long.as_bytes(), b"3\r\n\r\n"]).1, Some(1));
    }
}
