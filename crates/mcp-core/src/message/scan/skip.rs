//! A quick look into text that was checked before: strings and brackets are enough to find a member.

use std::ops::Range;

use super::{HARD_MAX_DEPTH, Key, Scan, Scanner};

/// Where the member of this name stands in an object that was checked before; of several the last, as in
/// [`Fields`](crate::message::payload::FieldSpans). The look begins at `from`: at 0, or where a member begins or the end.
pub(crate) fn member_of_checked(object: &[u8], from: usize, name: &str) -> Option<Range<usize>> {
    let mut found = None;
    let mut scanner = Scanner::new(object, HARD_MAX_DEPTH);
    let see = |scanner: &mut Scanner<'_>, key: Key| {
        let here = *key.text(scanner.bytes()) == *name.as_bytes();
        let span = scanner.skip_checked()?;
        if here {
            found = Some(span);
        }
        Ok(())
    };
    let whole = if from == 0 {
        scanner.object(see).map(drop)
    } else {
        scanner.pos = from;
        scanner.depth = 1;
        scanner.members(see)
    };
    found.filter(|_| whole.is_ok())
}

impl Scanner<'_> {
    /// Takes one value of text that was checked before: looks at strings and brackets only.
    fn skip_checked(&mut self) -> Scan<Range<usize>> {
        self.skip_space();
        let start = self.pos;
        if !matches!(self.bytes.get(start), Some(b'{' | b'[')) {
            return self.value().map(|(_, span)| span);
        }
        let mut open = 0_usize;
        while let Some(byte) = self.bytes.get(self.pos) {
            self.pos += 1;
            match byte {
                b'"' => loop {
                    let rest = self.bytes.get(self.pos..).unwrap_or_default();
                    let Some(at) = memchr::memchr2(b'"', b'\\', rest) else { return self.fail() };
                    if rest[at] == b'"' {
                        self.pos += at + 1;
                        break;
                    }
                    self.pos += at + 2;
                },
                b'{' | b'[' => open += 1,
                b'}' | b']' if open == 1 => return Ok(start..self.pos),
                b'}' | b']' => open -= 1,
                _ => {}
            }
        }
        self.fail()
    }
}
