//! The requests of a flow.

use std::fmt;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use http::{Method, Uri};
use mcp_http::Secret;
use zeroize::Zeroizing;

use crate::urls::WebUrl;

/// What a request is for. It decides its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// Metadata: public, small, quick.
    Metadata,
    /// Registration, tokens, revocation: never repeated, never redirected.
    Credentials,
}

/// A request to send. `Debug` shows neither query, headers nor body.
pub(crate) struct Outgoing {
    pub(crate) kind: RequestKind,
    pub(crate) method: Method,
    pub(crate) url: WebUrl,
    headers: Vec<(HeaderName, Secret)>,
    body: Zeroizing<String>,
}

impl Outgoing {
    /// A GET of a metadata document.
    pub(crate) fn metadata(url: WebUrl) -> Outgoing {
        Outgoing {
            kind: RequestKind::Metadata,
            method: Method::GET,
            url,
            headers: vec![(ACCEPT, Secret::from("application/json"))],
            body: Zeroizing::default(),
        }
    }

    /// A POST of a form, whose fields follow.
    pub(crate) fn form(url: WebUrl) -> Outgoing {
        Outgoing::post(url, "application/x-www-form-urlencoded", String::new())
    }

    /// A POST of JSON.
    pub(crate) fn json(url: WebUrl, body: String) -> Outgoing {
        Outgoing::post(url, "application/json", body)
    }

    fn post(url: WebUrl, media_type: &'static str, body: String) -> Outgoing {
        let headers =
            vec![(ACCEPT, Secret::from("application/json")), (CONTENT_TYPE, Secret::from(media_type))];
        let body = Zeroizing::new(body);
        Outgoing { kind: RequestKind::Credentials, method: Method::POST, url, headers, body }
    }

    pub(crate) fn header(&mut self, name: HeaderName, value: Secret) {
        self.headers.push((name, value));
    }

    /// Appends a field of the form.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        let mut pair = form_urlencoded::Serializer::new(String::new());
        pair.append_pair(name, value);
        let pair = Zeroizing::new(pair.finish());
        if !self.body.is_empty() {
            self.body.push('&');
        }
        self.body.push_str(&pair);
    }

    /// The headers, marked as sensitive where they are secret.
    ///
    /// # Errors
    ///
    /// A value that no header can hold.
    pub(crate) fn header_map(&self) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let public = *name == ACCEPT || *name == CONTENT_TYPE;
            let value = if public { HeaderValue::from_str(value.expose())? } else { value.to_header()? };
            map.append(name, value);
        }
        Ok(map)
    }

    /// The body; `None` if there is none.
    pub(crate) fn body_text(&self) -> Option<&str> {
        (self.method == Method::POST).then_some(&*self.body)
    }

    pub(crate) fn uri(&self) -> Uri {
        self.url.uri()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.shown())
    }
}
