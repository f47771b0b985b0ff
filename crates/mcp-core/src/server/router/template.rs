//! Matching a URI against a URI template.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a position is at most the length of the URI, for which `reach` has one entry more"
)]

/// What is wrong with a template, if anything.
pub(super) fn problem(template: &str) -> Option<&'static str> {
    let Some(parts) = parse(template) else { return Some("its braces do not pair") };
    let named = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let unsupported = parts.iter().any(|part| matches!(part, Part::Variable { name, .. } if !named(name)));
    unsupported.then_some("only the forms {name} and {+name} of RFC 6570 are supported")
}

/// The names of its variables.
pub(super) fn variables(template: &str) -> Vec<&str> {
    let parts = parse(template).unwrap_or_default();
    let names = parts.iter().filter_map(|part| match part {
        Part::Variable { name, .. } => Some(*name),
        Part::Text(_) => None,
    });
    names.collect()
}

/// Whether the URI matches the template. `{name}` matches one or more characters other than `/`, and
/// `{+name}` one or more characters. Takes at most `uri.len() * template.len()` steps.
pub(super) fn matches(template: &str, uri: &str) -> bool {
    let Some(parts) = parse(template) else { return template == uri };
    let mut reach = start(uri);
    for part in &parts {
        reach = part.extend(uri, &reach);
    }
    reach[uri.len()]
}

/// The values of the variables, with percent escapes decoded. `None` if the URI does not match. Where several
/// splits match, earlier variables are the longest.
pub(super) fn capture(template: &str, uri: &str) -> Option<Vec<(String, String)>> {
    let parts = parse(template)?;
    let mut reaches = vec![start(uri)];
    for part in &parts {
        let next = part.extend(uri, reaches.last()?);
        reaches.push(next);
    }
    let mut end = uri.len();
    reaches.last()?[end].then_some(())?;
    let mut values = Vec::new();
    for (part, reach) in parts.iter().zip(&reaches).rev() {
        match part {
            Part::Text(text) => end -= text.len(),
            Part::Variable { name, slashes } => {
                let fits = |start: &usize| reach[*start] && (*slashes || !uri[*start..end].contains('/'));
                let from = (0..end).rev().filter(|at| uri.is_char_boundary(*at)).find(fits)?;
                values.push(((*name).to_owned(), decode(&uri[from..end])));
                end = from;
            }
        }
    }
    values.reverse();
    Some(values)
}

/// The text with its percent escapes decoded, or unchanged if that is not UTF-8.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|digit| (*digit as char).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// `reach[i]`: the parts so far match the first `i` bytes of the URI. Here without any parts.
fn start(uri: &str) -> Vec<bool> {
    let mut reach = vec![false; uri.len() + 1];
    reach[0] = true;
    reach
}

enum Part<'a> {
    Text(&'a str),
    Variable { name: &'a str, slashes: bool },
}

impl Part<'_> {
    /// `reach` with this part after the others.
    fn extend(&self, uri: &str, reach: &[bool]) -> Vec<bool> {
        let bytes = uri.as_bytes();
        let mut next = vec![false; bytes.len() + 1];
        match self {
            Part::Text(text) => {
                for start in 0..=bytes.len() {
                    if reach[start] && bytes[start..].starts_with(text.as_bytes()) {
                        next[start + text.len()] = true;
                    }
                }
            }
            Part::Variable { slashes, .. } => {
                let mut inside = false;
                for at in 0..bytes.len() {
                    inside |= reach[at];
                    inside &= *slashes || bytes[at] != b'/';
                    next[at + 1] = inside && uri.is_char_boundary(at + 1);
                }
            }
        }
        next
    }
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
        let reserved = name.strip_prefix('+');
        parts.push(Part::Variable { name: reserved.unwrap_or(name), slashes: reserved.is_some() });
        rest = after;
    }
    parts.push(Part::Text(rest));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::{capture, matches, problem};

    #[test]
    fn a_variable_stops_at_a_slash_unless_it_is_reserved() {
        assert!(matches("file:///{name}.txt", "file:///a.b.txt"));
        assert!(!matches("file:///{name}.txt", "file:///a/b.txt"));
        assert!(matches("file:///{+path}.txt", "file:///a/b.txt"));
        assert!(!matches("file:///{name}", "file:///"));
        assert!(matches("db://{a}/{b}", "db://x/y"));
        assert!(!matches("db://{a}/{b}", "db://x"));
        assert!(matches("plain://x", "plain://x"));
        assert!(!matches("{a}{b}", "é"));
    }

    #[test]
    fn variables_are_captured_and_decoded() {
        let captured = |template, uri| {
            let values = capture(template, uri)?.into_iter();
            Some(values.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
        };
        for (template, uri, expected) in [
            ("note://{id}", "note://7", Some("id=7")),
            ("db://{a}/{+b}.txt", "db://x/y/z.txt", Some("a=x b=y/z")),
            ("{a}-{b}", "1-2-3", Some("a=1-2 b=3")),
            ("{a}{b}", "éé", Some("a=é b=é")),
            ("n://{t}", "n://a%20b%2Fc%zz", Some("t=a b/c%zz")),
            ("n://{t}", "n://%ff", Some("t=%ff")),
            ("n://{t}", "n://a/b", None),
            ("n://x", "n://x", Some("")),
        ] {
            assert_eq!(captured(template, uri).as_deref(), expected, "{template} {uri}");
        }
    }

    #[test]
    fn forms_that_do_not_match_are_named() {
        assert!(problem("file:///{name}/{+path}").is_none());
        for template in ["a{", "a{?q}", "a{x*}", "a{x:3}", "a{}", "a{x,y}"] {
            assert!(problem(template).is_some(), "{template}");
        }
    }
}
