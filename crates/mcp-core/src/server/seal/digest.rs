//! A digest of params that does not depend on how a client writes them.

use sha2::{Digest, Sha256};

use crate::message::RawJson;
use crate::message::scan::{HARD_MAX_DEPTH, Kind, ScanError, Scanner};

/// The members that a retry changes: `_meta`, the answers, the state itself.
// T-41.
const CHANGES: [&[u8]; 3] = [b"_meta", b"inputResponses", b"requestState"];

pub(super) type Sum = [u8; 32];

/// The digest of these params, or of `{}` if there are none. One pass; memory grows with the widest object.
pub(super) fn of_params(params: Option<&RawJson>) -> Sum {
    let params = params.map_or(&b"{}"[..], RawJson::as_bytes);
    let mut scanner = Scanner::new(params, HARD_MAX_DEPTH);
    // The text was checked when it was made, so this does not fail. The digest of the bytes would be safe too.
    value(&mut scanner, true).unwrap_or_else(|_| sum(b'!', &[params]))
}

#[expect(clippy::indexing_slicing, reason = "the span is one of the same text")]
fn value(scanner: &mut Scanner<'_>, top: bool) -> Result<Sum, ScanError> {
    match scanner.peek() {
        Some(b'{') => object(scanner, top),
        Some(b'[') => {
            let mut elements = Sha256::new_with_prefix(b"[");
            scanner.array(|scanner| {
                elements.update(value(scanner, false)?);
                Ok(())
            })?;
            Ok(elements.finalize().into())
        }
        _ => {
            let (kind, span) = scanner.value()?;
            let text = &scanner.bytes()[span];
            let unescaped: Option<String> =
                (kind == Kind::String).then(|| serde_json::from_slice(text).ok()).flatten();
            match unescaped {
                Some(string) => Ok(sum(b'"', &[string.as_bytes()])),
                // Numbers as they are written, so that different numbers never have the same digest.
                None => Ok(sum(b'=', &[text])),
            }
        }
    }
}

fn object(scanner: &mut Scanner<'_>, top: bool) -> Result<Sum, ScanError> {
    let mut members: Vec<Sum> = Vec::new();
    scanner.object(|scanner, key| {
        let name = key.text(scanner.bytes());
        if top && CHANGES.contains(&&*name) {
            return scanner.value().map(drop);
        }
        let value = value(scanner, false)?;
        members.push(sum(b':', &[&value, &name]));
        Ok(())
    })?;
    // The order of members has no meaning. Sorted by digest rather than by name, which needs no names.
    members.sort_unstable();
    Ok(sum(b'{', &[members.as_flattened()]))
}

/// The tag distinguishes values of different kinds with the same bytes.
fn sum(tag: u8, parts: &[&[u8]]) -> Sum {
    let mut hash = Sha256::new_with_prefix([tag]);
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
