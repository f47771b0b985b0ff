//! Compares a line with the expected one.

use serde_json::Value;

/// Compares two lines: the text before the JSON word for word, the JSON by value. `"*"` matches any value, and a text that
/// ends in `*` any ending.
pub(super) fn matches(expected: &str, said: &str) -> bool {
    if let Some(start) = expected.strip_suffix('*') {
        return said.starts_with(start);
    }
    match (json(expected), json(said)) {
        (Some((head, expected)), Some((said_head, said))) => {
            head == said_head && value_matches(&expected, &said)
        }
        _ => expected.trim_end() == said,
    }
}

/// Splits a line into the text before its JSON, and the JSON.
fn json(line: &str) -> Option<(&str, Value)> {
    line.char_indices()
        .filter(|(index, c)| matches!(c, '{' | '[') && line[..*index].ends_with(' '))
        .find_map(|(index, _)| Some((&line[..index], serde_json::from_str(&line[index..]).ok()?)))
}

fn value_matches(expected: &Value, said: &Value) -> bool {
    match (expected, said) {
        (Value::String(any), _) if any == "*" => true,
        (Value::Object(expected), Value::Object(said)) => {
            expected.len() == said.len()
                && expected
                    .iter()
                    .all(|(key, value)| said.get(key).is_some_and(|said| value_matches(value, said)))
        }
        (Value::Array(expected), Value::Array(said)) => {
            expected.len() == said.len()
                && expected.iter().zip(said).all(|(expected, said)| value_matches(expected, said))
        }
        _ => expected == said,
    }
}
