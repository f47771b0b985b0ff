//! Matching a URI against a URI template.

/// Whether the braces of a template pair.
pub(super) fn is_valid(template: &str) -> bool {
    parse(template).is_some()
}

/// Whether the URI matches the template. `{name}` matches one or more characters other than `/`, and
/// `{+name}` one or more characters. Takes at most `uri.len() * template.len()` steps.
pub(super) fn matches(template: &str, uri: &str) -> bool {
    let Some(parts) = parse(template) else { return template == uri };
    // `reach[i]`: the parts up to here match the first `i` bytes of the URI.
    let bytes = uri.as_bytes();
    let mut reach = vec![false; bytes.len() + 1];
    reach[0] = true;
    for part in parts {
        let mut next = vec![false; bytes.len() + 1];
        match part {
            Part::Text(text) => {
                for start in 0..=bytes.len() {
                    if reach[start] && bytes[start..].starts_with(text.as_bytes()) {
                        next[start + text.len()] = true;
                    }
                }
            }
            Part::Variable { slashes } => {
                let mut inside = false;
                for at in 0..bytes.len() {
                    inside |= reach[at];
                    inside &= slashes || bytes[at] != b'/';
                    next[at + 1] |= inside;
                }
            }
        }
        reach = next;
    }
    reach[bytes.len()]
}

enum Part<'a> {
    Text(&'a str),
    Variable { slashes: bool },
}

/// The parts of a template; `None` if its braces do not pair.
fn parse(template: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts.push(Part::Variable { slashes: name.starts_with('+') });
        rest = after;
    }
    parts.push(Part::Text(rest));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_variable_stops_at_a_slash_unless_it_is_reserved() {
        assert!(matches("file:///{name}.txt", "file:///a.b.txt"));
        assert!(!matches("file:///{name}.txt", "file:///a/b.txt"));
        assert!(matches("file:///{+path}.txt", "file:///a/b.txt"));
        assert!(!matches("file:///{name}", "file:///"));
        assert!(matches("db://{a}/{b}", "db://x/y"));
        assert!(!matches("db://{a}/{b}", "db://x"));
        assert!(matches("plain://x", "plain://x"));
    }
}
