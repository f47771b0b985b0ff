//! Sets of scopes, and which ones a login requests.

use serde::{Deserialize, Serialize};

use crate::metadata::{ServerMetadata, lists};

/// Requests a refresh token where the authorization server lists it.
const OFFLINE: &str = "offline_access";

/// Scopes without repetition, in the order in which they were first named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Scopes(Vec<String>);

impl Scopes {
    /// Reads a space-separated list. Entries that RFC 6749 does not allow are left out: they would break the list that
    /// is sent.
    pub(crate) fn parse(text: &str) -> Scopes {
        Scopes::of(text.split(' '))
    }

    pub(crate) fn of<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Scopes {
        let mut scopes = Scopes::default();
        for entry in entries {
            scopes.add(entry.as_ref());
        }
        scopes
    }

    fn add(&mut self, scope: &str) {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if !scope.is_empty() && scope.bytes().all(allowed) && !self.has(scope) {
            self.0.push(scope.to_owned());
        }
    }

    pub(crate) fn has(&self, scope: &str) -> bool {
        self.0.iter().any(|it| it == scope)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of these are among them.
    pub(crate) fn covers(&self, other: &Scopes) -> bool {
        other.0.iter().all(|scope| self.has(scope))
    }

    /// The union, own scopes first.
    pub(crate) fn and(mut self, other: &Scopes) -> Scopes {
        for scope in &other.0 {
            self.add(scope);
        }
        self
    }

    pub(crate) fn to_vec(&self) -> Vec<String> {
        self.0.clone()
    }

    /// As it is sent; `None` if it is empty.
    pub(crate) fn parameter(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join(" "))
    }
}

/// What a first login requests: the scopes of the challenge, else all that the resource lists, else the configured ones,
/// else none. What an authorization server lists is not a source.
// AU-C-40.
pub(crate) fn first(challenge: Option<&Scopes>, resource: Option<&[String]>, configured: &Scopes) -> Scopes {
    let listed = resource.map(Scopes::of);
    let named = challenge.filter(|scopes| !scopes.is_empty()).cloned();
    named.or(listed.filter(|scopes| !scopes.is_empty())).unwrap_or_else(|| configured.clone())
}

/// The same with `offline_access`, where the server lists it and the login requests other scopes.
// AU-C-41.
pub(crate) fn with_offline(scopes: Scopes, server: &ServerMetadata, wanted: bool) -> Scopes {
    if wanted && !scopes.is_empty() && lists(&server.scopes_supported, OFFLINE) {
        return scopes.and(&Scopes::of([OFFLINE]));
    }
    scopes
}

/// Whether `prompt=consent` is to be sent: OpenID Connect requires it with `offline_access`.
pub(crate) fn needs_consent(scopes: &Scopes) -> bool {
    scopes.has(OFFLINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sets() {
        assert_eq!(Scopes::parse("b a  b c").parameter().unwrap(), "b a c");
        assert_eq!(Scopes::parse(" a\"b c\\d \u{e9} \t").parameter(), None);
        let union = Scopes::parse("a b").and(&Scopes::parse("c a"));
        assert_eq!(union.parameter().unwrap(), "a b c");
        assert!(union.covers(&Scopes::parse("c b")) && !union.covers(&Scopes::parse("d")));
    }

    // AU-C-40.
    #[test]
    fn what_a_first_login_asks_for() {
        let (challenge, configured) = (Scopes::parse("mcp:basic"), Scopes::parse("mine"));
        let listed = ["x".to_owned(), "y".to_owned()];
        let empty = Scopes::default();
        for (challenge, listed, configured, expected) in [
            (Some(&challenge), Some(&listed[..]), &configured, Some("mcp:basic")),
            (None, Some(&listed[..]), &configured, Some("x y")),
            (Some(&empty), Some(&listed[..]), &configured, Some("x y")),
            (None, Some(&[][..]), &configured, Some("mine")),
            (None, None, &configured, Some("mine")),
            (None, None, &empty, None),
        ] {
            assert_eq!(first(challenge, listed, configured).parameter().as_deref(), expected);
        }
    }

    // AU-C-41.
    #[test]
    fn offline_access_only_where_it_is_listed() {
        let listing = ServerMetadata {
            scopes_supported: Some(vec!["offline_access".to_owned()]),
            ..ServerMetadata::default()
        };
        let silent = ServerMetadata::default();
        for (server, scopes, wanted, expected) in [
            (&listing, "a", true, Some("a offline_access")),
            (&listing, "a", false, Some("a")),
            (&listing, "", true, None),
            (&silent, "a", true, Some("a")),
        ] {
            let asked = with_offline(Scopes::parse(scopes), server, wanted);
            assert_eq!(asked.parameter().as_deref(), expected);
        }
    }
}
