//! Redacts secrets in JSON before it is shown.

use std::borrow::Cow;

use crate::message::RawJson;

/// Names whose values are secrets, in lower case without `-` and `_`.
const NAMES: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "token",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "credentials",
    "jwt",
];

/// Name endings that mark secrets: `clientSecret`, `access_token`, `X-Api-Key`.
const ENDINGS: &[&str] = &["authorization", "token", "password", "secret", "apikey", "privatekey"];

/// Names of the protocol that look like secrets and are not.
const HARMLESS: &[&str] = &["progresstoken"];

/// Replaces a secret.
const REDACTED: &str = "[redacted]";

/// Decides which values are shown as `"[redacted]"`.
///
/// The default goes by the names of members, at any depth, and by texts that begin with `Bearer ` or `Basic `. It does
/// not find secrets in free text.
///
/// ```
/// use mcp_core::message::RawJson;
/// use mcp_core::transport::trace::Redaction;
///
/// let seen = RawJson::parse(r#"{"arguments":{"api_key":"k","n":2.50},"progressToken":1}"#).unwrap();
/// let shown = Redaction::default().apply(&seen);
/// assert_eq!(shown.as_bytes(), br#"{"arguments":{"api_key":"[redacted]","n":2.50},"progressToken":1}"#);
/// assert_eq!(Redaction::none().apply(&seen), seen);
/// ```
#[derive(Clone, Debug)]
pub struct Redaction {
    defaults: bool,
    also: Vec<String>,
}

impl Default for Redaction {
    fn default() -> Redaction {
        Redaction { defaults: true, also: Vec::new() }
    }
}

impl Redaction {
    /// Redacts only the names that [`Redaction::also`] adds.
    pub fn none() -> Redaction {
        Redaction { defaults: false, also: Vec::new() }
    }

    /// Adds a name whose values are secrets. Case, `-` and `_` are ignored.
    #[must_use]
    pub fn also(mut self, name: &str) -> Redaction {
        self.also.push(plain(name).into_owned());
        self
    }

    /// The value with its secrets replaced. A value without secrets is returned byte for byte.
    pub fn apply(&self, json: &RawJson) -> RawJson {
        if !self.defaults && self.also.is_empty() { json.clone() } else { self.walk(json) }
    }

    /// The recursion is bounded by the depth limit of [`RawJson`].
    fn walk(&self, json: &RawJson) -> RawJson {
        match json.as_bytes().first() {
            Some(b'{') => {
                let members = json.members();
                let shown: Vec<RawJson> = members
                    .iter()
                    .map(
                        |(name, value)| {
                            if self.is_secret(name) { RawJson::string(REDACTED) } else { self.walk(value) }
                        },
                    )
                    .collect();
                if members.iter().map(|(_, value)| value).eq(&shown) {
                    return json.clone();
                }
                RawJson::object(members.iter().map(|(name, _)| name.as_str()).zip(shown))
            }
            Some(b'[') => {
                let elements = json.elements();
                let shown: Vec<RawJson> = elements.iter().map(|element| self.walk(element)).collect();
                if elements == shown { json.clone() } else { RawJson::array(shown) }
            }
            Some(b'"') if self.defaults && is_credential(json.as_bytes()) => RawJson::string(REDACTED),
            _ => json.clone(),
        }
    }

    fn is_secret(&self, name: &str) -> bool {
        let name = plain(name);
        let name = &*name;
        if self.also.iter().any(|also| also == name) {
            return true;
        }
        self.defaults
            && !HARMLESS.contains(&name)
            && (NAMES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending)))
    }
}

/// Whether a quoted text begins like the value of an Authorization header.
fn is_credential(quoted: &[u8]) -> bool {
    let text = quoted.get(1..).unwrap_or_default();
    [&b"bearer "[..], b"basic "]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn plain(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect())
}
