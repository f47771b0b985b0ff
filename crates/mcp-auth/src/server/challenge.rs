//! The challenges of a refusal (RFC 6750, section 3).

use std::fmt::Write as _;

/// A challenge of the scheme `Bearer`.
#[derive(Debug)]
pub(super) struct BearerChallenge {
    text: String,
}

impl BearerChallenge {
    /// A challenge without parameters.
    pub(super) fn new() -> BearerChallenge {
        BearerChallenge { text: "Bearer".to_owned() }
    }

    /// Adds a parameter, quoted. Characters that a header cannot hold are left out.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> BearerChallenge {
        let separator = if self.text.len() == "Bearer".len() { ' ' } else { ',' };
        self.text.push(separator);
        if separator == ',' {
            self.text.push(' ');
        }
        // Writing into a String cannot fail.
        let _ = write!(self.text, "{name}=\"");
        for c in value.chars().filter(|c| matches!(c, ' '..='~')) {
            if matches!(c, '"' | '\\') {
                self.text.push('\\');
            }
            self.text.push(c);
        }
        self.text.push('"');
        self
    }

    /// Adds a list of scopes, unless it is empty.
    #[must_use]
    pub(super) fn with_scopes(self, scopes: &[String]) -> BearerChallenge {
        if scopes.is_empty() { self } else { self.with("scope", &scopes.join(" ")) }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}
