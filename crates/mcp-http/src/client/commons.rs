//! The headers that POSTs have in common, kept from one to the next.

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use mcp_core::message::ProtocolVersion;

use super::net::{Common, Net};
use crate::headers;

/// `Accept` of every POST (ledger HTTP-C-002).
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// How many are kept: the tools that are called again and again.
const MOST: usize = 32;
/// The longest name that is kept, in bytes.
const LONGEST: usize = 128;

/// What POSTs of one version share, and what those share of them that call one tool or get one prompt. Made when the
/// first of them goes out.
#[derive(Debug, Default)]
pub(super) struct Commons(Vec<Kept>);

#[derive(Debug)]
struct Kept {
    version: Option<ProtocolVersion>,
    /// The method and whom it names; empty for what all messages share.
    target: (Box<str>, Box<str>),
    common: Common,
}

impl Commons {
    /// What POSTs of this version share; `None` says nothing of a version.
    pub(super) fn of_version(&mut self, version: Option<ProtocolVersion>, net: &Net) -> Common {
        self.of(version, ("", ""), net)
    }

    /// The same for POSTs with this method and this name, if it is short enough to be kept.
    pub(super) fn of_target(
        &mut self,
        version: Option<ProtocolVersion>,
        target: (&str, &str),
        net: &Net,
    ) -> Option<Common> {
        (target.1.len() <= LONGEST).then(|| self.of(version, target, net))
    }

    fn of(&mut self, version: Option<ProtocolVersion>, target: (&str, &str), net: &Net) -> Common {
        let (method, name) = target;
        let is_it =
            |kept: &&Kept| *kept.target.1 == *name && *kept.target.0 == *method && kept.version == version;
        if let Some(kept) = self.0.iter().find(is_it) {
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
        let common = net.common(&headers);
        if self.0.len() >= MOST {
            // The oldest. If there are more of them than are kept, each is made anew, which is not too dear.
            self.0.remove(0);
        }
        self.0.push(Kept { version, target: (method.into(), name.into()), common: common.clone() });
        common
    }
}
