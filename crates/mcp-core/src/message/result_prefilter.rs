//! A quick look at a result: whether a member that a server reads there may be in it.

/// The members.
const NAMES: [&[u8]; 4] = [b"resultType", b"_meta", b"ttlMs", b"cacheScope"];

/// The longest name, with each letter written as an escape of six.
const LONGEST: usize = 60;

/// Whether a member of one of these names may be in this valid JSON text, at whatever depth. Sure if it says no.
///
/// What stands before a colon is a name, if it ends with a quotation field: one fast pass finds the colons, which long
/// texts have few of, where a search for each name would be a pass of its own.
pub(super) fn may_hold_names(text: &[u8]) -> bool {
    memchr::memchr_iter(b':', text).any(|colon| {
        let Some(name) = text[..colon].trim_ascii_end().strip_suffix(b"\"") else { return false };
        NAMES.iter().any(|known| name.ends_with(known)) || may_spell_letters(name)
    })
}

/// Whether letters at the end of this may be written as escapes: `\u`, the one kind that spells letters, comes later than
/// any quotation field.
fn may_spell_letters(name: &[u8]) -> bool {
    let tail = &name[name.len().saturating_sub(LONGEST)..];
    memchr::memrchr2(b'"', b'\\', tail).is_some_and(|at| tail[at..].starts_with(b"\\u"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::{Field, Payload, RawJson};

    /// A name with some of its letters as escapes.
    fn spelled(name: &str, escaped: &[bool]) -> String {
        let letters = name.chars().enumerate().map(|(at, letter)| match escaped.get(at) {
            Some(true) => format!("\\u{:04x}", letter as u32),
            _ => letter.to_string(),
        });
        letters.collect()
    }

    proptest! {
        /// However a name is written, it is seen.
        #[test]
        fn a_member_is_seen_however_it_is_written(
            which in 0..NAMES.len(),
            escaped in proptest::collection::vec(any::<bool>(), 0..10),
            before in "[ -~\u{e9}]{0,80}",
            space in "[ \t\r\n]{0,3}",
        ) {
            let name = std::str::from_utf8(NAMES[which]).unwrap();
            let before = RawJson::string(&before);
            let text = format!("{{{before}:{before},\"{}\"{space}:{before}}}", spelled(name, &escaped));
            prop_assert!(may_hold_names(text.as_bytes()), "{text}");
        }

        /// What is said to be without the names has none.
        #[test]
        fn where_none_is_seen_there_is_none(text in r#"\{"([a-z_]|_meta|ttlMs|\\u005f|\\"|\\\\)*" ?: ?"[a-z:]*"\}"#) {
            let Ok(raw) = RawJson::parse(text.clone()) else { return Ok(()) };
            let payload = Payload::new(raw);
            let there = [Field::ResultType, Field::Meta, Field::TtlMs, Field::CacheScope]
                .into_iter()
                .any(|field| payload.field(field).is_some());
            prop_assert!(!there || may_hold_names(text.as_bytes()), "{text}");
        }
    }

    /// Texts that merely speak of the names are spared the scan: it is what the look is for.
    #[test]
    fn a_text_is_no_name() {
        for text in [
            r#"{"content":[{"type":"text","text":"_meta, resultType: \"ttlMs\": cacheScope:"}]}"#,
            r#"{"a\\":"b","c":"\u005f_meta"}"#,
            r#"{"content":[]}"#,
            "{}",
        ] {
            assert!(!may_hold_names(text.as_bytes()), "{text}");
        }
    }
}
