//! Headers and credentials of single calls.

use std::fmt;

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::net::Net;
use crate::{HttpError, Secret};

/// Headers of one call, which an application puts into its [`Envelope`](mcp_core::transport::Envelope): for a program
/// that calls on behalf of several users, for example.
///
/// They take precedence over the fixed headers of the [`HttpClient`](crate::HttpClient); those of its
/// [`Authorize`](crate::net::Authorize) take precedence over them. The transport's own headers cannot be set. Over
/// `http` to another host they are refused unless plain credentials are allowed. A call that breaks one of these rules
/// is not sent.
///
/// Use them with servers of 2026-07-28, whose requests stand alone. A session belongs to the caller who opened it.
///
/// ```
/// use mcp_http::client::CallHeaders;
///
/// # async fn example(client: mcp_core::client::Client) -> Result<(), mcp_core::Error> {
/// let notes = client.call_tool("list_notes", ()).with(CallHeaders::bearer("the token of this user")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct CallHeaders(Vec<(HeaderName, Secret)>);

impl CallHeaders {
    /// No headers.
    pub fn new() -> CallHeaders {
        CallHeaders::default()
    }

    /// `Authorization: Bearer` with this token.
    pub fn bearer(token: impl Into<Secret>) -> CallHeaders {
        // Exposed only to build the header that carries it.
        let value = format!("Bearer {}", token.into().expose());
        CallHeaders::new().header(AUTHORIZATION, value)
    }

    /// Adds a header, or replaces one of this name. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<Secret>) -> CallHeaders {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.into()));
        self
    }

    /// The headers as they are sent.
    pub(super) fn checked(&self, net: &Net) -> Result<Vec<(HeaderName, HeaderValue)>, HttpError> {
        self.0.iter().map(|(name, value)| net.header_of_a_call(name, value)).collect()
    }
}

/// Shows names only.
impl fmt::Debug for CallHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HOST;

    use super::CallHeaders;
    use crate::net::{Credentials, Net, NetConfig};

    fn net(url: &str, allow_plain: bool) -> Net {
        let credentials = Credentials { allow_plain, ..Credentials::default() };
        Net::new(&url.parse().unwrap(), &NetConfig::default(), &credentials).unwrap()
    }

    #[test]
    fn headers_of_a_call_are_checked_like_those_of_the_client() {
        let bearer = CallHeaders::bearer("s3cret");
        for (url, allow_plain, sent) in [
            ("http://127.0.0.1/mcp", false, true),
            ("http://example.com/mcp", false, false),
            ("http://example.com/mcp", true, true),
        ] {
            assert_eq!(bearer.checked(&net(url, allow_plain)).is_ok(), sent, "{url} {allow_plain}");
        }
        let near = net("http://127.0.0.1/mcp", false);
        assert!(CallHeaders::new().header(HOST, "other").checked(&near).is_err());
        assert!(CallHeaders::bearer("a\nb").checked(&near).is_err());
        let sent = bearer.checked(&near).unwrap();
        assert!(sent[0].1.is_sensitive() && sent[0].1 == "Bearer s3cret");
        assert!(!format!("{bearer:?}").contains("s3cret"));
    }
}
