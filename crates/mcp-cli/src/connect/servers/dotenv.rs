//! The files that `envFile` names: a variable on each line.

/// The variables, in their order. The error names the line, never its value: it may be a secret.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let bad = || format!("line {} is not NAME=VALUE", index + 1);
        let (name, value) = line.split_once('=').ok_or_else(bad)?;
        let name = name.trim();
        if !super::expand::is_name(name) {
            return Err(bad());
        }
        let value = value.trim();
        let value = unquote(value).ok_or_else(|| format!("line {}: the quote is not closed", index + 1))?;
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

/// Single quotes keep everything, double quotes know escapes, without quotes ` #` begins a comment.
fn unquote(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.split_once('\'').map(|(inside, _)| inside.to_owned());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let value = value.split_once(" #").map_or(value, |(value, _comment)| value);
        return Some(value.trim_end().to_owned());
    };
    let mut out = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_exports_are_understood() {
        let text = "# all\n\nA=1 # one\nexport B = 'x # $y'\r\nC=\"a\\nb\\\"\" # c\nD=\nE=a#b=c\n";
        let rows = [("A", "1"), ("B", "x # $y"), ("C", "a\nb\""), ("D", ""), ("E", "a#b=c")];
        let wanted: Vec<_> = rows.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(parse(text), Ok(wanted));
    }

    #[test]
    fn an_error_names_the_line_and_not_the_value() {
        for text in ["A=1\nhunter2", "A=1\nB=\"hunter2", "A=1\n1B=hunter2"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
        }
    }
}
