//! The challenges of `WWW-Authenticate` (RFC 9110, section 11.6.1): a list of schemes, each with parameters that are
//! separated by commas as well.

/// One challenge of a `WWW-Authenticate` field. Untrusted text of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthScheme {
    /// The scheme as the server wrote it. Compare it by [`AuthScheme::is`].
    pub scheme: String,
    /// The data of a scheme that has no parameters, such as `Negotiate`.
    pub token68: Option<String>,
    /// Names and values in order, with quotes and escapes removed. Look values up by [`AuthScheme::param`].
    pub params: Vec<(String, String)>,
}

impl AuthScheme {
    /// The challenges of one field. Text that cannot be read is skipped up to the next comma.
    pub fn parse(field: &str) -> Vec<AuthScheme> {
        let mut found: Vec<AuthScheme> = Vec::new();
        let mut rest = Reader(field);
        loop {
            rest.skip(|c| c == ',' || is_space(c));
            if rest.0.is_empty() {
                return found;
            }
            let word = rest.take(is_token);
            if word.is_empty() {
                rest.skip_item();
                continue;
            }
            let mut after = Reader(rest.0);
            after.skip(is_space);
            if after.eat('=') {
                after.skip(is_space);
                let value = after.value();
                rest = after;
                // A parameter before the first scheme belongs to none.
                if let Some(scheme) = found.last_mut() {
                    scheme.params.push((word.to_owned(), value));
                }
                continue;
            }
            let token68 = if after.0.len() < rest.0.len() { after.token68() } else { None };
            if token68.is_some() {
                rest = after;
            }
            found.push(AuthScheme { scheme: word.to_owned(), token68, params: Vec::new() });
        }
    }

    /// Whether it is this scheme. Case does not count.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of this parameter, of several the first. The case of its name does not count.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(|c| !wanted(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        self.take(wanted);
    }

    fn eat(&mut self, wanted: char) -> bool {
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Skips what cannot be read, to the next comma outside of quotes.
    fn skip_item(&mut self) {
        while let Some(next) = self.0.chars().next() {
            match next {
                ',' => return,
                '"' => drop(self.value()),
                _ => self.0 = self.0.get(next.len_utf8()..).unwrap_or_default(),
            }
        }
    }

    /// A quoted string, or text up to a comma or a space: servers leave URLs without quotes.
    fn value(&mut self) -> String {
        if !self.eat('"') {
            return self.take(|c| c != ',' && !is_space(c)).to_owned();
        }
        let mut value = String::new();
        let mut escaped = false;
        for (at, c) in self.0.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => {
                    escaped = true;
                    continue;
                }
                '"' => {
                    self.0 = self.0.get(at + 1..).unwrap_or_default();
                    return value;
                }
                _ => {}
            }
            value.push(c);
        }
        // The closing quote is missing, perhaps because the field was shortened.
        self.0 = "";
        value
    }

    /// The data of a scheme, if it is followed by the end or a comma. A parameter looks the same up to its `=`.
    fn token68(&mut self) -> Option<String> {
        let mut ahead = Reader(self.0);
        let text = ahead.take(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        let padding = ahead.take(|c| c == '=');
        let token = self.0.get(..text.len() + padding.len()).unwrap_or_default();
        ahead.skip(is_space);
        let ends = ahead.0.is_empty() || ahead.0.starts_with(',');
        if text.is_empty() || !ends {
            return None;
        }
        self.0 = ahead.0;
        Some(token.to_owned())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests;
