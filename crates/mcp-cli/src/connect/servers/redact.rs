//! Secrets taken out of what is printed of a config.

use super::expand;

/// The replacement of a secret.
pub(crate) const REDACTED: &str = "<redacted>";

const SECRET_WORDS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "auth",
    "credential",
    "bearer",
    "key",
    "cookie",
    "private",
    "pat",
];

/// How well-known secrets begin.
const SECRET_STARTS: &[&str] =
    &["sk-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xox", "eyJ", "AKIA", "AIza", "Bearer "];

/// Whether something of this name usually is a secret: `--api-key`, `GITHUB_TOKEN`, `githubPat`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let mut split = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            split.push('_');
        }
        split.push(c.to_ascii_lowercase());
        before = c;
    }
    let mut words = split.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| {
        SECRET_WORDS.iter().any(|secret| word == *secret || (secret.len() > 3 && word.contains(secret)))
    }) || split.replace(|c: char| !c.is_ascii_alphanumeric(), "").contains("apikey")
}

/// The value, or the mark. A value that only refers to variables or inputs is not a secret.
pub(crate) fn value(value: &str) -> &str {
    if value.is_empty() || is_reference(value) { value } else { REDACTED }
}

fn is_reference(text: &str) -> bool {
    // `Bearer ${TOKEN}` is as harmless as `${TOKEN}`.
    let rest = text.strip_prefix("Bearer ").unwrap_or(text);
    rest.starts_with("${") && rest.find('}') == Some(rest.len() - 1) && !rest.contains(":-")
}

/// The arguments with the values of secret options taken out.
pub(crate) fn arguments(arguments: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut secret_follows = false;
    for argument in arguments {
        let shown = if secret_follows && !argument.starts_with("--") {
            value(argument).to_owned()
        } else {
            self::argument(argument)
        };
        secret_follows = argument.starts_with('-') && !argument.contains('=') && is_secret_name(argument);
        out.push(shown);
    }
    out
}

/// The program itself: a whole command line may stand there, secrets included.
pub(crate) fn command(text: &str) -> String {
    text.split(' ').map(argument).collect::<Vec<_>>().join(" ")
}

fn argument(text: &str) -> String {
    if text.contains("://") {
        return match text.split_once('=') {
            Some((name, rest)) if !name.contains("://") && rest.contains("://") => {
                let rest = if is_secret_name(name) { value(rest).to_owned() } else { url(rest) };
                format!("{name}={rest}")
            }
            _ => url(text),
        };
    }
    // `--token=x`, `TOKEN=x`, `Authorization: x`
    for mark in ['=', ':'] {
        if let Some((name, secret)) = text.split_once(mark)
            && is_secret_name(name)
            && !name.contains(char::is_whitespace)
            && !secret.is_empty()
        {
            let blank = if secret.starts_with(' ') { " " } else { "" };
            return format!("{name}{mark}{blank}{}", value(secret.trim_start()));
        }
    }
    let tail = text.rsplit(['=', ' ']).next().unwrap_or(text);
    if !expand::has_reference(text)
        && SECRET_STARTS.iter().any(|start| text.starts_with(start) || tail.starts_with(start))
    {
        return REDACTED.to_owned();
    }
    text.to_owned()
}

/// A URL without user, password, and the values of its query. It may lack its scheme.
pub(crate) fn url(url: &str) -> String {
    let (scheme, rest) = match url.find("://").map(|at| url.split_at(at + 3)) {
        Some((scheme, rest)) if !scheme.trim_end_matches("://").contains(['/', '?', '#']) => (scheme, rest),
        _ => ("", url),
    };
    let (rest, fragment) = rest.split_once('#').map_or((rest, ""), |(rest, _)| (rest, "#…"));
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let host = match authority.rsplit_once('@') {
        None | Some(("", _)) => authority.to_owned(),
        Some((_, host)) => format!("{REDACTED}@{host}"),
    };
    let query = query.map_or_else(String::new, |query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, secret)) => format!("{name}={}", value(secret)),
            None => value(pair).to_owned(),
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}{host}{path}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in [
            "--api-key",
            "GITHUB_TOKEN",
            "githubPat",
            "Authorization",
            "X-APIKEY",
            "authToken",
            "DB_PASSWORD",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["--port", "MONKEY", "KEYBOARD", "PATH", "--path", "LOG_LEVEL", "-y"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    /// FAULTS B: a URL without its scheme is one all the same, and may hold one in its query.
    #[test]
    fn no_secret_is_left_in_a_url() {
        let rows = [
            ("h.test/mcp?key=hunter2", "h.test/mcp?key=<redacted>"),
            ("h.test/mcp?to=x://y&key=hunter2", "h.test/mcp?to=<redacted>&key=<redacted>"),
            ("u:hunter2@h.test/mcp", "<redacted>@h.test/mcp"),
            ("https://h.test/a@b?k=hunter2#hunter2", "https://h.test/a@b?k=<redacted>#…"),
            ("https://u:hunter2@h.test?k=hunter2", "https://<redacted>@h.test?k=<redacted>"),
            ("${URL}/mcp?k=${KEY}", "${URL}/mcp?k=${KEY}"),
            ("@scope/name", "@scope/name"),
            ("name", "name"),
        ];
        for (given, wanted) in rows {
            assert_eq!(url(given), wanted);
        }
    }

    /// FAULTS B: no print-config command shows a secret.
    #[test]
    fn no_secret_is_left_in_arguments() {
        let rows = [
            (&["-y", "server", "--port", "80"][..], "-y server --port 80"),
            (&["--api-key", "hunter2", "x"], "--api-key <redacted> x"),
            (&["--token=hunter2", "TOKEN=hunter2"], "--token=<redacted> TOKEN=<redacted>"),
            (&["--token", "${TOKEN}"], "--token ${TOKEN}"),
            (&["--header", "Authorization: Bearer hunter2"], "--header Authorization: <redacted>"),
            (&["--header", "Authorization: Bearer ${T}"], "--header Authorization: Bearer ${T}"),
            (&["ghp_hunter2", "x=sk-hunter2"], "<redacted> <redacted>"),
            (
                &["https://u:hunter2@h.test/p?k=hunter2&e#hunter2"],
                "https://<redacted>@h.test/p?k=<redacted>&<redacted>#…",
            ),
            (&["--url=postgres://u:hunter2@h/db"], "--url=postgres://<redacted>@h/db"),
            (&["--password", "${P:-hunter2}"], "--password <redacted>"),
        ];
        for (given, wanted) in rows {
            let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(arguments(&given).join(" "), wanted);
        }
    }
}
