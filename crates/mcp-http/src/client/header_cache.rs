//! The headers that POSTs have in common, kept from one to the next.

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use mcp_core::message::ProtocolVersion;

use super::link_state::Session;
use crate::headers;
use crate::net::{HeaderTemplate, Net};

/// `Accept` of every POST.
// HTTP-C-002.
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How many are kept: the tools that are called again and again.
const MOST: usize = 32;
/// The longest name that is kept, in bytes.
const LONGEST: usize = 128;

/// What POSTs of one version share, and what those share of them that call one tool, get one prompt, or belong to a
/// session. Made when the first of them goes out.
#[derive(Debug, Default)]
pub(super) struct HeaderCache {
    kept: Vec<Kept>,
    /// What was said of the session last.
    session: Option<(Session, HeaderTemplate)>,
}

#[derive(Debug)]
struct Kept {
    version: Option<ProtocolVersion>,
    /// The method and whom it names; empty for what all messages share.
    target: (Box<str>, Box<str>),
    common: HeaderTemplate,
}

impl HeaderCache {
    /// What POSTs of this version share.
    pub(super) fn of_version(&mut self, version: Option<ProtocolVersion>, net: &Net) -> HeaderTemplate {
        self.of(version, ("", ""), net)
    }

    /// What POSTs share that say this of the session.
    pub(super) fn of_session(&mut self, session: &Session, net: &Net) -> HeaderTemplate {
        if let Some((of, common)) = &self.session
            && of == session
        {
            return common.clone();
        }
        let mut headers = vec![(CONTENT_TYPE, JSON), (ACCEPT, BOTH)];
        session.write_to(&mut headers);
        let common = net.template(&headers);
        self.session = Some((session.clone(), common.clone()));
        common
    }

    /// The same for POSTs with this method and this name, if it is short enough to be kept.
    pub(super) fn of_target(
        &mut self,
        version: Option<ProtocolVersion>,
        target: (&str, &str),
        net: &Net,
    ) -> Option<HeaderTemplate> {
        (target.1.len() <= LONGEST).then(|| self.of(version, target, net))
    }

    fn of(&mut self, version: Option<ProtocolVersion>, target: (&str, &str), net: &Net) -> HeaderTemplate {
        let (method, name) = target;
        let is_it =
            |kept: &&Kept| *kept.target.1 == *name && *kept.target.0 == *method && kept.version == version;
        if let Some(kept) = self.kept.iter().find(is_it) {
            return kept.common.clone();
        }
        let mut headers = vec![(CONTENT_TYPE, JSON), (ACCEPT, BOTH)];
        if let Some(version) = version {
            headers.push((headers::PROTOCOL_VERSION, HeaderValue::from_static(version.as_str())));
        }
        if !method.is_empty() {
            headers.push((headers::METHOD, headers::encode_value(method)));
            headers.push((headers::NAME, headers::encode_value(name)));
        }
        let common = net.template(&headers);
        if self.kept.len() >= MOST {
            // The oldest. If there are more of them than are kept, each is made anew, which is not too dear.
            self.kept.remove(0);
        }
        self.kept.push(Kept { version, target: (method.into(), name.into()), common: common.clone() });
        common
    }
}

#[cfg(test)]
mod tests {
    use hyper::Uri;

    use super::*;
    use crate::net::{Credentials, NetConfig};

    fn of(common: &HeaderTemplate, name: &str) -> Option<String> {
        let headers = common.copy(&[], 7);
        headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// HDR-C-001, HDR-C-004: what is kept of one tool, method, version or session is never said of another.
    #[test]
    fn what_is_kept_is_kept_apart() {
        let url: Uri = "http://localhost/mcp".parse().unwrap();
        let (net, mut header_cache) =
            (Net::new(&url, &NetConfig::default(), &Credentials::default()).unwrap(), HeaderCache::default());
        let (modern, legacy) = (Some(ProtocolVersion::V2026_07_28), Some(ProtocolVersion::V2025_11_25));
        // More than are kept, and each of them twice.
        for round in 0..2 {
            for tool in 0..MOST + 5 {
                let name = format!("tool{}{tool}", if round == 0 { "" } else { "é" });
                let tool = header_cache.of_target(modern, ("tools/call", &name), &net).unwrap();
                assert_eq!(of(&tool, "mcp-name"), some(headers::encode_value(&name).to_str().unwrap()));
                assert_eq!(of(&tool, "mcp-method"), some("tools/call"));
                assert_eq!(of(&tool, "mcp-protocol-version"), some("2026-07-28"));
                assert_eq!(of(&tool, "content-length"), some("7"));
                let prompt = header_cache.of_target(modern, ("prompts/get", &name), &net).unwrap();
                assert_eq!(of(&prompt, "mcp-method"), some("prompts/get"));
                assert!(header_cache.kept.len() <= MOST);
            }
        }
        assert!(header_cache.of_target(modern, ("tools/call", &"x".repeat(LONGEST + 1)), &net).is_none());
        let plain = header_cache.of_version(None, &net);
        assert_eq!((of(&plain, "mcp-name"), of(&plain, "mcp-protocol-version")), (None, None));
        assert_eq!(of(&plain, "host"), some("localhost"));
        assert_eq!(of(&header_cache.of_version(modern, &net), "mcp-protocol-version"), some("2026-07-28"));
        let mut session = Session::default();
        session.version = legacy;
        for id in ["a", "a", "b"] {
            session.id = Some(HeaderValue::from_static(id));
            let common = header_cache.of_session(&session, &net);
            assert_eq!(of(&common, "mcp-session-id"), some(id));
            assert_eq!(of(&common, "mcp-protocol-version"), some("2025-11-25"));
        }
        session.id = None;
        let common = header_cache.of_session(&session, &net);
        assert_eq!(of(&common, "mcp-session-id"), None);
    }
}
