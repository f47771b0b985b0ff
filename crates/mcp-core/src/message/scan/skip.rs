//! Steps over values of JSON that was checked before: only strings and brackets are looked at.

use std::ops::Range;

use super::{HARD_MAX_DEPTH, Key, Scan, ScanError, Scanner};
use crate::message::string_scan::closing_quote;

/// The range of the member of this name in an object that was checked before. Of several the last counts, as
/// in [`FieldPositions`](crate::message::payload::FieldPositions). The search begins at `from`, which is 0,
/// or where a member or the end of the object begins.
pub(crate) fn member_of_checked(object: &[u8], from: usize, name: &str) -> Option<Range<usize>> {
    let first = search(object, from, name, true)?;
    if may_have_key(&object[first.end..], name) { search(object, from, name, false) } else { Some(first) }
}

/// Where the value of the first member with this key is. `None` for anything but an object.
pub(crate) fn first_member(checked: &[u8], key: &str) -> Option<Range<usize>> {
    search(checked, 0, key, true)
}

/// The value of the first or the last member with this key.
fn search(object: &[u8], from: usize, name: &str, first: bool) -> Option<Range<usize>> {
    if object.first() != Some(&b'{') {
        return None;
    }
    let mut found = None;
    let mut scanner = Scanner::new(object, HARD_MAX_DEPTH);
    let see = |scanner: &mut Scanner<'_>, key: Key| {
        let here = *key.text(scanner.bytes()) == *name.as_bytes();
        let span = scanner.skip_checked()?;
        if !here {
            return Ok(());
        }
        let end = span.end;
        found = Some(span);
        // The text is right, so that the only error is the one which ends the search.
        if first { Err(ScanError::Syntax(end)) } else { Ok(()) }
    };
    let _whole = if from == 0 {
        scanner.object(see).map(drop)
    } else {
        scanner.pos = from;
        scanner.depth = 1;
        scanner.members(see)
    };
    found
}

/// Whether this may be a key in the text, at any depth. May return false positives, never false negatives; cheaper than
/// a scan. The key is one whose characters JSON escapes only by their number.
fn may_have_key(text: &[u8], key: &str) -> bool {
    memchr::memchr2_iter(b':', b'\\', text).any(|at| {
        if text[at] == b'\\' {
            return text.get(at + 1) == Some(&b'u');
        }
        let before = text[..at].trim_ascii_end();
        before.strip_suffix(b"\"").is_some_and(|before| before.ends_with(key.as_bytes()))
    })
}

impl Scanner<'_> {
    /// Takes one value of JSON that was checked before, at any depth, and returns its range.
    pub(crate) fn skip_checked(&mut self) -> Scan<Range<usize>> {
        self.skip_space();
        let start = self.pos;
        match self.bytes.get(start) {
            Some(b'{' | b'[') => {}
            Some(b'"') => {
                self.skip_string()?;
                return Ok(start..self.pos);
            }
            _ => return self.value().map(|(_, span)| span),
        }
        let mut open = 0_usize;
        while let Some(byte) = self.bytes.get(self.pos) {
            match byte {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            self.pos += 1;
            if open == 0 {
                return Ok(start..self.pos);
            }
        }
        self.fail()
    }

    /// Takes a string that was checked before.
    fn skip_string(&mut self) -> Scan<()> {
        match closing_quote(self.bytes, self.pos + 1) {
            Some(end) => {
                self.pos = end + 1;
                Ok(())
            }
            None => self.fail(),
        }
    }
}
