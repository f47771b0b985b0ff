//! The entries of `NO_PROXY` that programs write and the matcher does not know: wildcards, ports, brackets, blanks.

/// Whether an entry of the list names this host and port. Entries are separated by commas or blanks. `*` stands for any
/// characters, a port after a colon has to be the same, and a name stands for its subdomains too.
pub(super) fn bypasses(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    list.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|entry| !entry.is_empty())
        .any(|entry| matches(&entry.to_ascii_lowercase(), &host, port))
}

fn matches(entry: &str, host: &str, port: u16) -> bool {
    let entry = match entry.rsplit_once(':') {
        // More colons than one are an IPv6 address, unless it is in brackets.
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => match digits.parse::<u16>() {
            Ok(wanted) if wanted == port => name,
            Ok(_) => return false,
            Err(_) => entry,
        },
        _ => entry,
    };
    let entry = entry.trim_start_matches('[').trim_end_matches(']');
    if entry.contains('*') {
        return glob(entry, host);
    }
    let name = entry.trim_start_matches('.');
    !name.is_empty()
        && host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Whether the text matches a pattern in which `*` stands for any characters. Linear in the product of the lengths.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FAULT F-C16.
    #[test]
    fn entries_as_programs_write_them() {
        let rows = [
            ("*.x", "a.x", true),
            ("*.x", "a.b.x", true),
            ("*.x", "x", false),
            ("*.corp.example", "corp.example.evil", false),
            ("a, *.X", "A.x", true),
            ("b a", "a", true),
            ("10.*", "10.1.2.3", true),
            ("10.*", "110.1.2.3", false),
            ("x:443", "x", true),
            ("x:80", "x", false),
            (".x", "a.x", true),
            ("x", "notx", false),
            ("[::2]:443", "::2", true),
            ("::2", "::2", true),
            ("*", "any", true),
            ("db-*.int*.x", "db-1.internal.x", true),
            ("", "x", false),
            (".", "x", false),
        ];
        for (list, host, wanted) in rows {
            assert_eq!(bypasses(list, host, 443), wanted, "{list:?} {host}");
        }
    }
}
