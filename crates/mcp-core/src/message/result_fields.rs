//! What a server reads in a handler's result, without a scan of most results.

#![expect(clippy::indexing_slicing, reason = "positions are those of bytes that were found in the same text")]

use super::{Field, Payload, RawJson};

/// A handler's result, with the members that a server reads in it: `resultType`, the caching hints and `_meta`.
///
/// A prefilter shows for most results that they have none of these. It tells nothing of other fields, so they are not
/// accessible here; [`ResultFields::payload`] has them all.
pub(crate) struct ResultFields {
    payload: Payload,
    may_be_present: bool,
}

impl ResultFields {
    pub(crate) fn of(result: RawJson) -> ResultFields {
        let may_be_present = may_hold_names(result.as_bytes());
        ResultFields { payload: Payload::new(result), may_be_present }
    }

    fn field(&self, field: Field) -> Option<&[u8]> {
        if self.may_be_present { self.payload.field(field) } else { None }
    }

    pub(crate) fn result_type(&self) -> Option<&[u8]> {
        self.field(Field::ResultType)
    }

    pub(crate) fn ttl_ms(&self) -> Option<&[u8]> {
        self.field(Field::TtlMs)
    }

    pub(crate) fn cache_scope(&self) -> Option<&[u8]> {
        self.field(Field::CacheScope)
    }

    pub(crate) fn has_meta(&self) -> bool {
        self.field(Field::Meta).is_some()
    }

    pub(crate) fn has_server_info(&self) -> bool {
        self.field(Field::MetaServerInfo).is_some()
    }

    /// The whole result.
    pub(crate) fn payload(&self) -> &Payload {
        &self.payload
    }

    pub(crate) fn into_payload(self) -> Payload {
        self.payload
    }
}

impl From<RawJson> for ResultFields {
    fn from(result: RawJson) -> ResultFields {
        ResultFields::of(result)
    }
}

/// The names of the members that a server reads.
const NAMES: [&[u8]; 4] = [b"resultType", b"_meta", b"ttlMs", b"cacheScope"];

/// The length of the longest name with each letter written as an escape of six characters.
const LONGEST: usize = 60;

/// Whether this valid JSON text may have a member of one of these names, at any depth. May return false
/// positives, never false negatives.
///
/// A string before a colon may be a name. Long texts have few colons, so that one fast pass for them is
/// cheaper than a pass for each name.
fn may_hold_names(text: &[u8]) -> bool {
    memchr::memchr_iter(b':', text).any(|colon| {
        let Some(name) = text[..colon].trim_ascii_end().strip_suffix(b"\"") else { return false };
        may_be_last(name) && (NAMES.iter().any(|known| name.ends_with(known)) || may_spell_letters(name))
    })
}

/// Whether one of the names may end like this: with its last letter, or with the last digit of `\u0065`, `\u0061` or `\u0073`.
fn may_be_last(name: &[u8]) -> bool {
    matches!(name.last(), Some(b'e' | b'a' | b's' | b'5' | b'1' | b'3'))
}

/// Whether letters at the end of `name` may be written as escapes: a `\u`, the one escape that can stand for
/// a letter, behind the last quotation mark.
fn may_spell_letters(name: &[u8]) -> bool {
    let tail = &name[name.len().saturating_sub(LONGEST)..];
    memchr::memrchr2(b'"', b'\\', tail).is_some_and(|at| tail[at..].starts_with(b"\\u"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    /// A name with some of its letters as escapes.
    fn spelled(name: &str, escaped: &[bool]) -> String {
        let letters = name.chars().enumerate().map(|(at, letter)| match escaped.get(at) {
            Some(true) => format!("\\u{:04x}", letter as u32),
            _ => letter.to_string(),
        });
        letters.collect()
    }

    proptest! {
        /// A name is found in every spelling.
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

        /// The prefilter hides no field, and the payload behind it has the others too.
        #[test]
        fn the_prefilter_hides_no_field(text in r#"\{"([a-z_]|_meta|ttlMs|name|\\u005f|\\"|\\\\)*" ?: ?"[a-z:]*"\}"#) {
            let Ok(raw) = RawJson::parse(text.clone()) else { return Ok(()) };
            let payload = Payload::new(raw);
            let fields = ResultFields::of(payload.raw().clone());
            prop_assert_eq!(fields.result_type(), payload.field(Field::ResultType));
            prop_assert_eq!(fields.ttl_ms(), payload.field(Field::TtlMs));
            prop_assert_eq!(fields.cache_scope(), payload.field(Field::CacheScope));
            prop_assert_eq!(fields.has_meta(), payload.field(Field::Meta).is_some());
            prop_assert_eq!(fields.payload().field_text(Field::Name), payload.field_text(Field::Name));
        }
    }

    /// Texts that merely mention the names are not scanned.
    #[test]
    fn a_text_is_not_a_name() {
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
