//! The client capabilities that a request for input needs, and those that a client declared.

use crate::message::{ProtocolVersion, RawJson};

/// The client capabilities that requests to a client can need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientFeatures {
    form: bool,
    url: bool,
    sampling: bool,
    sampling_tools: bool,
    roots: bool,
}

impl ClientFeatures {
    /// The capabilities that this request needs. `None` for a method that does not request input.
    pub(super) fn of(method: &str, params: Option<&RawJson>) -> Option<ClientFeatures> {
        let has = |name: &str| params.is_some_and(|params| params.member(name).is_some());
        let mut needs = ClientFeatures::default();
        match method {
            "elicitation/create" => {
                let mode = params.and_then(|params| params.member("mode")).and_then(|mode| mode.to_text());
                needs.url = mode.as_deref() == Some("url");
                needs.form = !needs.url;
            }
            "sampling/createMessage" => {
                needs.sampling = true;
                needs.sampling_tools = has("tools") || has("toolChoice");
            }
            "roots/list" => needs.roots = true,
            _ => return None,
        }
        Some(needs)
    }

    /// The declared capabilities at this version.
    // LIFE-B-012, LIFE-S-014, MRTR-S-006.
    pub(super) fn declared(capabilities: &RawJson, version: ProtocolVersion) -> ClientFeatures {
        let object = |of: &RawJson, name: &str| of.member(name).filter(RawJson::is_object);
        // 2025-11-25 added elicitation modes and sampling with tools.
        let fine = matches!(version, ProtocolVersion::V2025_11_25) || version.is_modern();
        let elicitation = object(capabilities, "elicitation").filter(|_| version.has_elicitation());
        let sampling = object(capabilities, "sampling");
        let url = fine && elicitation.as_ref().is_some_and(|modes| object(modes, "url").is_some());
        ClientFeatures {
            // An empty object stands for forms.
            form: elicitation.as_ref().is_some_and(|modes| !url || object(modes, "form").is_some()),
            url,
            sampling_tools: fine && sampling.as_ref().is_some_and(|parts| object(parts, "tools").is_some()),
            sampling: sampling.is_some(),
            roots: object(capabilities, "roots").is_some(),
        }
    }

    pub(super) fn and(self, other: ClientFeatures) -> ClientFeatures {
        ClientFeatures {
            form: self.form || other.form,
            url: self.url || other.url,
            sampling: self.sampling || other.sampling,
            sampling_tools: self.sampling_tools || other.sampling_tools,
            roots: self.roots || other.roots,
        }
    }

    pub(super) fn without(self, other: ClientFeatures) -> ClientFeatures {
        ClientFeatures {
            form: self.form && !other.form,
            url: self.url && !other.url,
            sampling: self.sampling && !other.sampling,
            sampling_tools: self.sampling_tools && !other.sampling_tools,
            roots: self.roots && !other.roots,
        }
    }

    pub(super) fn is_none(self) -> bool {
        self == ClientFeatures::default()
    }

    /// As a `ClientCapabilities` object: an object, not an array.
    // T-42.
    pub(super) fn to_capabilities(self) -> RawJson {
        let part = |parts: &[(&'static str, bool)]| {
            let named = parts.iter().filter(|(_, on)| *on);
            RawJson::object(named.map(|(name, _)| (*name, RawJson::EMPTY_OBJECT)))
        };
        let mut members = Vec::new();
        if self.form || self.url {
            members.push(("elicitation", part(&[("form", self.form), ("url", self.url)])));
        }
        if self.sampling || self.sampling_tools {
            members.push(("sampling", part(&[("tools", self.sampling_tools)])));
        }
        if self.roots {
            members.push(("roots", RawJson::EMPTY_OBJECT));
        }
        RawJson::object(members)
    }
}
