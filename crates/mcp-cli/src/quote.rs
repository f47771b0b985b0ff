//! Words as a shell reads and writes them.

/// The word, in quotes where a shell would take it apart.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The words of a line. Single quotes keep everything, double quotes know `\"` and `\\`, a backslash keeps
/// the character behind it. `None` if a quote is not closed.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        let rows = ["plain", "", "two words", "it's", r#"{"a":1}"#, "a\\b", "k=v", "日本"];
        let line: Vec<String> = rows.iter().map(|text| word(text)).collect();
        assert_eq!(words(&line.join("  ")).unwrap(), rows);
        assert_eq!(words(r#"a "b \"c\" \n" d\ e"#).unwrap(), ["a", "b \"c\" \\n", "d e"]);
        assert_eq!(words("  ").unwrap(), Vec::<String>::new());
        for open in ["'a", "\"a", "a\\"] {
            assert_eq!(words(open), None, "{open}");
        }
    }
}
