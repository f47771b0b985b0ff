//! Steps over values of JSON that was checked before: only strings and brackets are looked at.

use std::ops::Range;

use super::{HARD_MAX_DEPTH, Key, Scan, ScanError, Scanner};
use crate::message::string_scan::closing_quote;

/// The range of the member of this name in an object that was checked before. Of several the last counts, as
/// in [`FieldPositions`](crate::message::payload::FieldPositions). The search begins at `from`, which is 0,
/// or where a member or the end of the object begins.
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

/// Where the value of the first member with this key is. `None` for anything but an object.
pub(crate) fn first_member(checked: &[u8], key: &str) -> Option<Range<usize>> {
    if checked.first() != Some(&b'{') {
        return None;
    }
    let mut found = None;
    let mut scanner = Scanner::new(checked, HARD_MAX_DEPTH);
    // The only error is the one that ends the search.
    let _found = scanner.object(|scanner, name| {
        let here = *name.text(scanner.bytes()) == *key.as_bytes();
        let span = scanner.skip_checked()?;
        if !here {
            return Ok(());
        }
        let end = span.end;
        found = Some(span);
        Err(ScanError::Syntax(end))
    });
    found
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
