//! Indented JSON for users, with the original order and digits.

use mcp_core::message::RawJson;

/// The value over several lines, two blanks for each level. Objects without members stay on one line.
pub(crate) fn pretty(json: &RawJson) -> String {
    let mut out = String::new();
    write(json, 0, &mut out);
    out
}

// As deep as the decoder lets JSON be nested: 128 levels by default.
fn write(json: &RawJson, depth: usize, out: &mut String) {
    let members = json.members();
    let elements = json.elements();
    let (open, close) = match json.as_bytes().first() {
        Some(b'{') if !members.is_empty() => ('{', '}'),
        Some(b'[') if !elements.is_empty() => ('[', ']'),
        _ => return out.push_str(&json.to_string()),
    };
    let keyed = members.into_iter().map(|(key, value)| (Some(key), value));
    let children: Vec<(Option<String>, RawJson)> =
        keyed.chain(elements.into_iter().map(|value| (None, value))).collect();
    out.push(open);
    for (index, (key, value)) in children.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        indent(depth + 1, out);
        if let Some(key) = key {
            out.push_str(&format!("{}: ", RawJson::string(key)));
        }
        write(value, depth + 1, out);
    }
    out.push('\n');
    indent(depth, out);
    out.push(close);
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_digits_are_kept() {
        let json = RawJson::parse(r#"{"b":[1.50,{}],"a":{"\"":[]}}"#).unwrap();
        let wanted = "{\n  \"b\": [\n    1.50,\n    {}\n  ],\n  \"a\": {\n    \"\\\"\": []\n  }\n}";
        assert_eq!(pretty(&json), wanted);
        assert_eq!(pretty(&RawJson::NULL), "null");
    }
}
