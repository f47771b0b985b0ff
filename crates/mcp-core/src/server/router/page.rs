//! Lists in pages. Cursors stay valid while entries are added and removed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;

use crate::message::{ErrorObject, Payload, RawJson};

/// A page of a list, in the order of the keys. A cursor contains the last key of the page before it, so it
/// stays valid when entries are added or removed.
// PAGE-S-004.
pub(super) fn page<'a, T: 'a>(
    entries: &'a BTreeMap<String, T>,
    raw: impl Fn(&'a T) -> &'a RawJson,
    member: &str,
    size: usize,
    params: Option<&Payload>,
) -> Result<RawJson, ErrorObject> {
    let after = match params.and_then(|params| params.raw().member("cursor")) {
        None => None,
        Some(cursor) => Some(
            cursor
                .to_text()
                .and_then(|text| decode(&text))
                .ok_or_else(|| ErrorObject::invalid_params("The cursor is not from this server"))?,
        ),
    };
    let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = entries.range::<str, _>((from, Bound::Unbounded));
    let items: Vec<(&String, &T)> = rest.by_ref().take(size.max(1)).collect();
    let list = RawJson::array(items.iter().map(|(_, entry)| raw(entry).clone()));
    let mut result = RawJson::object([(member, list)]);
    if let (Some((last, _)), Some(_)) = (items.last(), rest.next()) {
        result = result.with_members(&[("nextCursor", &RawJson::string(&encode(last)))]);
    }
    Ok(result)
}

/// A prefix, so that arbitrary hexadecimal text is not a cursor.
const MARK: &str = "c1";

fn encode(key: &str) -> String {
    let mut cursor = MARK.to_owned();
    for byte in key.bytes() {
        // Writing to a string cannot fail.
        let _written = write!(cursor, "{byte:02x}");
    }
    cursor
}

fn decode(cursor: &str) -> Option<String> {
    let hex = cursor.strip_prefix(MARK)?.as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16);
    let bytes: Option<Vec<u8>> = hex
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect();
    String::from_utf8(bytes?).ok().filter(|key| !key.is_empty())
}
