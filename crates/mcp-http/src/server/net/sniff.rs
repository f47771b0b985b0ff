//! Finds `Content-Length` lines in what HTTP/1 brings, however it is cut into reads.
//!
//! hyper takes `Content-Length` away where there is a `Transfer-Encoding`, so that nobody behind it could tell that a
//! request had both: the mark of request smuggling, which is refused. What a request did not show was in none.
//!
//! A line of a body may be counted too, and so is one of a request that was pipelined behind. Then a request with
//! `Transfer-Encoding` is refused that had one length; no client sends such things in one piece, and it costs the rest
//! nothing.

/// In lower case, from the start of a line.
const NAME: &[u8] = b"content-length";

/// Counts lines that begin with `Content-Length`, in any case.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    /// How much of the name the end of the last read held, if a line's start was near it.
    matched: Option<usize>,
}

impl Lengths {
    /// How many names were completed by these bytes, which follow those of the last call.
    pub(super) fn count(&mut self, bytes: &[u8]) -> u32 {
        let mut found = 0;
        if let Some(matched) = self.matched.take() {
            let same = alike(bytes, &NAME[matched..]);
            if matched + same == NAME.len() {
                found += 1;
            } else if same == bytes.len() {
                self.matched = Some(matched + same);
                return 0;
            }
        }
        for newline in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[newline + 1..];
            // Most lines are told apart by their first letter.
            if let Some(b'c' | b'C') = line.first() {
                found += u32::from(alike(line, NAME) == NAME.len());
            }
        }
        let tail = &bytes[bytes.len().saturating_sub(NAME.len())..];
        if let Some(newline) = tail.iter().rposition(|byte| *byte == b'\n') {
            let begun = &tail[newline + 1..];
            self.matched = (alike(begun, NAME) == begun.len()).then_some(begun.len());
        }
        found
    }
}

/// How far these bytes are the name's, in any case.
fn alike(bytes: &[u8], name: &[u8]) -> usize {
    bytes.iter().zip(name).take_while(|(byte, name)| byte.to_ascii_lowercase() == **name).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pieces: &[&[u8]]) -> u32 {
        let mut lengths = Lengths::default();
        pieces.iter().map(|piece| lengths.count(piece)).sum()
    }

    /// FAULT B: request smuggling.
    #[test]
    fn a_length_is_found_however_it_is_written_and_cut() {
        let head =
            b"POST / HTTP/1.1\r\nHost: a\r\ncOnTeNt-LeNgTh: 5\r\nX: content-length\r\nContent-Lengt: 1\r\n\
                     Content-Length:7\nContent-Length\r\n\r\n";
        assert_eq!(count(&[head]), 3);
        for cut in 0..head.len() {
            assert_eq!(count(&[&head[..cut], &head[cut..]]), 3, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = head.chunks(1).collect();
        assert_eq!(count(&bytes), 3);
        assert_eq!(count(&[b"Content-Length: 5\r\n"]), 0, "the first line is the request line");
    }
}
