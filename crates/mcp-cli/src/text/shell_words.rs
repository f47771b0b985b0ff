//! Words as a shell reads and writes them.

use std::borrow::Cow;

/// The word, in quotes where a shell would change it or take it apart.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    // `shlex` quotes these too, which would hide what an operand `key=value` is.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into();
    }
    // Only a NUL cannot be quoted, and no argument of a program can have one.
    shlex::try_quote(text).unwrap_or(text.into())
}

/// The words of a line, as a POSIX shell splits it, without expansions. `None` if a quote is not closed.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        let rows = ["plain", "", "two words", "it's", r#"{"a":1}"#, "a\\b", "k=v", "#x", "日本"];
        let line: Vec<Cow<'_, str>> = rows.iter().map(|text| quote(text)).collect();
        assert_eq!(split(&line.join("  ")).unwrap(), rows);
        assert_eq!(quote("k=v"), "k=v");
        assert_eq!(split(r#"a "b \"c\" \n" d\ e"#).unwrap(), ["a", "b \"c\" \\n", "d e"]);
        assert_eq!(split("  ").unwrap(), Vec::<String>::new());
        for open in ["'a", "\"a", "a\\"] {
            assert_eq!(split(open), None, "{open}");
        }
    }
}
